/*
 * Connections on one epoll loop. Reading goes through one large buffer that all of them share: what
 * a read leaves incomplete is kept with its connection until more comes, so that an idle connection
 * costs no memory but its own few fields. Writing is gathered and goes out once per turn.
 */
#ifndef BENCH_LOAD_WIRE_H
#define BENCH_LOAD_WIRE_H

#include "bench/load/seen.h"
#include "bench/load/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_BUFFER_BYTES (512 * 1024)

struct conn {
    int fd;
    SSL *tls;       /* NULL: in the clear */
    uint32_t index; /* in wire->conns */
    struct reader reader;
    char *kept; /* the beginning of a stanza */
    size_t kept_size;
    char *out;
    size_t out_at, out_size, out_room;
    bool dirty;      /* has something to write and is in the list of those */
    bool blocked;    /* the socket takes no more for now */
    bool wants_read; /* TLS cannot write before it has read */
    bool closed;
    bool paused; /* is not read */
    uint8_t phase;
};

struct wire;

/* Takes the bytes from `begin` on; returns where those begin that it could not use yet. */
typedef const char *wire_input_fn(void *owner, struct conn *conn, const char *begin,
                                  const char *end);
/* The connection was closed by the far end, or broke. */
typedef void wire_closed_fn(void *owner, struct conn *conn);

struct wire {
    int epoll;
    struct conn *conns;
    uint32_t count, room;
    uint32_t open; /* of them */
    uint32_t *dirty;
    uint32_t dirty_count;
    char *buffer;
    size_t buffer_size;
    uint64_t bytes_in, bytes_out;
    void *owner;
    wire_input_fn *on_input;
    wire_closed_fn *on_closed;
};

void wire_init(struct wire *wire, uint32_t conns_max);
/* Nothing is read or written from here on. */
void wire_close_all(struct wire *wire);
void wire_free(struct wire *wire);

/* Takes over a connected socket. */
struct conn *wire_add(struct wire *wire, int fd);
/* What is sent and read from here on is encrypted. */
void wire_encrypt(struct conn *conn, SSL_CTX *context);
/* From here on nothing is read from it, and what the far end sends fills its buffers. */
void wire_pause(struct wire *wire, struct conn *conn);

/* Room for `size` bytes to be sent; wire_put() says how many of them were used. */
char *wire_space(struct conn *conn, size_t size);
void wire_put(struct wire *wire, struct conn *conn, size_t size);
void wire_send(struct wire *wire, struct conn *conn, const char *text, size_t size);

static inline size_t wire_waiting(const struct conn *conn)
{
    return conn->out_size - conn->out_at;
}

/* Writes what waits, waits for input up to `timeout_ns`, and hands it on. */
void wire_turn(struct wire *wire, uint64_t timeout_ns);

/* A connected, non-blocking socket to a port of this machine, or -1 with errno. `index` chooses the
 * address it comes from, so that there can be more of them than one address has ports. */
int wire_connect(uint16_t port, uint32_t index);

/* How much the kernel takes that the far end has not read. */
void wire_send_buffer(int fd, int bytes);

/* Whether somebody listens there. */
bool wire_can_connect(uint16_t port);

#endif
