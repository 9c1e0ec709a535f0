/*
 * One connection, up to the bytes: descriptor, route, TLS, what waits to be written, and how it
 * ends. What the bytes mean is its kind's business (net/session.c, net/component.c).
 *
 * Goodbye has two phases. conn_goodbye(): routes miss from now on, what is queued is still written,
 * then our side is shut and the peer has CLOSE_SECONDS for its own. conn_drop(): the descriptor is
 * closed; the memory goes at the end of the cycle (conns_bury()), because epoll may have named the
 * connection in the batch that is being worked on. Nobody outside the agent ever holds a pointer.
 *
 * Everything here is for the one thread of its net agent.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "core/xml/frame.h"
#include "net/outbox.h"
#include "net/slots.h"
#include "net/tls.h"
#include "net/wheel.h"

#include <stdbool.h>
#include <stdint.h>

struct backlog; /* net/backlog.c */
struct unread;  /* net/unread.c */

/* What a kind of connection does when something happens to it. None may free the connection. */
struct conn_kind {
    /* There are bytes to read (conn_read), or an end to be found by reading. */
    void (*input)(struct conn *conn);
    /* The socket or TLS broke, or the peer went; conn_drop() is due. `why` for the log. */
    void (*lost)(struct conn *conn, const char *why);
    /* Its alarm rang. */
    void (*alarm)(struct conn *conn);
    /* The peer leaves more unread than it may. */
    void (*overflow)(struct conn *conn);
    /* Only if opened with `connecting`: the connect has ended, error 0 or an errno. */
    void (*connected)(struct conn *conn, int error);
    /* Phase two is over. Frees the memory; NULL: it is somebody else's. */
    void (*bury)(struct conn *conn);
};

enum conn_phase {
    CONN_DOWN, /* no descriptor */
    CONN_CONNECTING,
    CONN_OPEN,
    CONN_GOODBYE,
};

struct conn {
    const struct conn_kind *kind;
    struct conns *conns;
    enum conn_phase phase;
    int fd;
    uint32_t slot, generation; /* a link's for life; else 0, 0: without a route */
    uint32_t interest;         /* epoll events asked for */
    bool is_link;              /* a component link; both set by its owner, with its route */
    bool link_up;              /* the handshake is done: stanzas may be sent */
    bool blocked;              /* the socket takes no more: EPOLLOUT is awaited */
    bool paused;               /* not reading */
    bool ended;                /* the peer has closed its side, or TLS has */
    bool broken;               /* TLS failed */
    bool shut;                 /* we have closed our side */
    bool muted;                /* the last word was said */
    bool overflown;
    bool dirty; /* in the list of those to be flushed */
    bool dead;  /* in the list of those to be buried */
    struct conn *dirty_next, *dead_next;
    struct outbox outbox;
    struct tls_conn *tls;
    struct backlog *backlog; /* deliveries that wait until the outbox is emptier */
    struct unread *unread;   /* a link's: of which rooms it was sent something; else NULL */
    size_t high_water;       /* lists of deliveries pause above it */
    size_t bytes_max;        /* in outbox and backlog, else overflow */
    struct alarm alarm;
};

/* Read at once from one socket. */
#define CONN_READ_BYTES (32 * 1024)

/* Bytes in an outbox from which on lists pause; and for a client, how many it may leave unread. */
struct conn_marks {
    size_t client, link;
    size_t client_max;
};

/* What the connections of one agent share. */
struct conns {
    int epoll_fd;
    struct slots slots;
    struct chunk_pool small, large; /* for clients, for the link */
    struct wheel wheel;
    int64_t now_ms; /* monotonic, set by the agent once per cycle */
    struct conn *dirty_first, *dirty_last;
    struct conn *dead;
    uint32_t count; /* descriptors open */
    struct conn_marks marks;
    /* An outbox with a backlog has been emptied down to half the high-water mark. */
    void (*drained)(void *self, struct conn *conn);
    void *drained_self;
    struct str fresh; /* of the last conn_read(), which was without TLS */
    const struct conn *fresh_of;
    char raw[CONN_READ_BYTES], plain[CONN_READ_BYTES];
};

/* Negative code if there is no epoll. */
MUST_CHECK int conns_init(struct conns *conns, int64_t now_ms);
void conns_fini(struct conns *conns);
/* Gives back chunks that were not needed since the last call; true: some are kept that may go next
 * time. */
bool conns_rest(struct conns *conns);

/* `pool` is one of conns'. The caller has zeroed it; it is CONN_DOWN. */
void conn_init(struct conn *conn, struct conns *conns, const struct conn_kind *kind,
               struct chunk_pool *pool);
/* Takes the non-blocking descriptor and watches it. Negative code: epoll refused, the descriptor is
 * closed. */
MUST_CHECK int conn_open(struct conn *conn, int fd, bool connecting);
/* Gives it a route, to be found by slots_find(). */
void conn_enroll(struct conn *conn);

/* ---- reading ---- */

/* One read: bytes come out of conn_next(). False: the peer went or the socket broke, *why says
 * which. */
bool conn_read(struct conn *conn, const char **why);
/* What has come, piece by piece; empty: no more now (or `ended`, or `broken`). The slice is valid
 * until the next call for any connection. */
struct str conn_next(struct conn *conn);
/* Stops and starts watching for input. What TLS holds already comes out of conn_next() all the
 * same. */
void conn_pause(struct conn *conn);
void conn_unpause(struct conn *conn);
/* From here on TLS, as the server; false if the bytes in the clear could not be written all. Bytes
 * that conn_next() gave and that are not used yet were sent ahead: the caller forgets them. */
MUST_CHECK bool conn_start_tls(struct conn *conn, struct tls *tls);

/* ---- writing: queued, and written once per cycle ---- */

/* Both report an overflow, at the next flush, when more than `bytes_max` waits. */
void conn_send(struct conn *conn, struct str bytes);
void conn_send_frame(struct conn *conn, const struct frame *frame, const struct address *address,
                     struct str tail);
/* `queued` more waits elsewhere for the same peer: it counts too. */
void conn_check(struct conn *conn, size_t queued);
/* Nothing that is sent from now on goes out: the stream inside is closed. */
void conn_mute(struct conn *conn);
/* Writes what is queued of all that have something new. Returns how many have more to write now. */
unsigned conns_flush(struct conns *conns);

/* ---- events, alarms, the end ---- */

/* What epoll reported. */
void conn_event(struct conn *conn, uint32_t events);
void conn_alarm_at(struct conn *conn, int64_t at_ms);
/* Rings what is due. */
unsigned conns_alarms(struct conns *conns);

void conn_goodbye(struct conn *conn);
void conn_drop(struct conn *conn);
void conns_bury(struct conns *conns);

/* "192.0.2.1:4711", for the log; in `text`. */
const char *conn_peer(const struct conn *conn, char *text, size_t size);

#endif
