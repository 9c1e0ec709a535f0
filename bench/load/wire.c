#include "bench/load/wire.h"

#include "bench/load/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#define EVENTS_MAX       512
#define OUT_KEPT_MAX     4096  /* an empty buffer above this is given back */
#define PORTS_PER_SOURCE 20000 /* connections from one address of 127/8 */
#define PAUSED_RCV_BYTES 4096

void wire_init(struct wire *wire, uint32_t conns_max)
{
    memset(wire, 0, sizeof(*wire));
    wire->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (wire->epoll < 0)
        die("epoll: %s", strerror(errno));
    wire->room = conns_max;
    wire->conns = must_alloc(conns_max * sizeof(*wire->conns));
    wire->dirty = must_alloc(conns_max * sizeof(*wire->dirty));
    wire->buffer_size = WIRE_BUFFER_BYTES;
    wire->buffer = must_alloc(wire->buffer_size);
}

void wire_close_all(struct wire *wire)
{
    for (uint32_t i = 0; i < wire->count; i++) {
        struct conn *conn = &wire->conns[i];
        if (!conn->closed)
            close(conn->fd);
        conn->closed = true;
    }
    wire->open = 0;
}

void wire_free(struct wire *wire)
{
    for (uint32_t i = 0; i < wire->count; i++) {
        struct conn *conn = &wire->conns[i];
        SSL_free(conn->tls);
        free(conn->kept);
        free(conn->out);
        free((char *)conn->reader.address.at);
    }
    close(wire->epoll);
    free(wire->conns);
    free(wire->dirty);
    free(wire->buffer);
}

static void watch(struct wire *wire, struct conn *conn, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (conn->blocked ? (uint32_t)EPOLLOUT : 0),
                                .data.u32 = conn->index};
    if (epoll_ctl(wire->epoll, operation, conn->fd, &event) < 0)
        die("epoll: %s", strerror(errno));
}

struct conn *wire_add(struct wire *wire, int fd)
{
    if (wire->count == wire->room)
        die("more connections than expected");
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct conn *conn = &wire->conns[wire->count];
    *conn = (struct conn){.fd = fd, .index = wire->count++};
    wire->open++;
    watch(wire, conn, EPOLL_CTL_ADD);
    return conn;
}

void wire_encrypt(struct conn *conn, SSL_CTX *context)
{
    conn->tls = SSL_new(context);
    if (conn->tls == NULL || SSL_set_fd(conn->tls, conn->fd) != 1)
        die("cannot set up TLS for a client");
    SSL_set_connect_state(conn->tls);
}

void wire_pause(struct wire *wire, struct conn *conn)
{
    /* The kernel is to keep little of what is not read. */
    int bytes = PAUSED_RCV_BYTES;
    setsockopt(conn->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    conn->paused = true;
    epoll_ctl(wire->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
}

char *wire_space(struct conn *conn, size_t size)
{
    if (conn->out_at == conn->out_size)
        conn->out_at = conn->out_size = 0;
    if (conn->out_room - conn->out_size < size) {
        size_t wanted = conn->out_size + size;
        conn->out_room = wanted < 2 * conn->out_room ? 2 * conn->out_room : wanted;
        conn->out = must_grow(conn->out, conn->out_room);
    }
    return conn->out + conn->out_size;
}

void wire_put(struct wire *wire, struct conn *conn, size_t size)
{
    conn->out_size += size;
    if (conn->dirty || conn->blocked)
        return;
    conn->dirty = true;
    wire->dirty[wire->dirty_count++] = conn->index;
}

void wire_send(struct wire *wire, struct conn *conn, const char *text, size_t size)
{
    memcpy(wire_space(conn, size), text, size);
    wire_put(wire, conn, size);
}

static void closed(struct wire *wire, struct conn *conn)
{
    if (conn->closed)
        return;
    conn->closed = true;
    wire->open--;
    close(conn->fd);
    wire->on_closed(wire->owner, conn);
}

/* As recv() and send() of a socket that does not block. */
static ssize_t through_tls(struct conn *conn, int result)
{
    if (result > 0)
        return result;
    int why = SSL_get_error(conn->tls, result);
    ERR_clear_error();
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
    conn->wants_read = why == SSL_ERROR_WANT_READ;
    return -1;
}

static ssize_t conn_receive(struct conn *conn, char *bytes, size_t size)
{
    if (conn->tls == NULL)
        return recv(conn->fd, bytes, size, 0);
    return through_tls(conn, SSL_read(conn->tls, bytes, (int)size));
}

static ssize_t conn_send(struct conn *conn, const char *bytes, size_t size)
{
    if (conn->tls == NULL)
        return send(conn->fd, bytes, size, MSG_NOSIGNAL);
    return through_tls(conn, SSL_write(conn->tls, bytes, (int)size));
}

static void flush(struct wire *wire, struct conn *conn)
{
    bool was_blocked = conn->blocked;
    conn->blocked = false;
    conn->wants_read = false;
    while (conn->out_at < conn->out_size && !conn->blocked && !conn->wants_read) {
        ssize_t sent = conn_send(conn, conn->out + conn->out_at, wire_waiting(conn));
        if (sent >= 0) {
            conn->out_at += (size_t)sent;
            wire->bytes_out += (uint64_t)sent;
        } else if (errno == EAGAIN) {
            conn->blocked = !conn->wants_read;
        } else if (errno != EINTR) {
            closed(wire, conn);
            return;
        }
    }
    if (conn->out_at == conn->out_size && conn->out_room > OUT_KEPT_MAX && wire->count > 16) {
        free(conn->out);
        conn->out = NULL;
        conn->out_at = conn->out_size = conn->out_room = 0;
    }
    if (conn->blocked != was_blocked && !conn->paused)
        watch(wire, conn, EPOLL_CTL_MOD);
}

/* What could not be used yet waits with its connection. */
static void keep(struct conn *conn, const char *begin, const char *end)
{
    size_t size = (size_t)(end - begin);
    if (size == 0) {
        free(conn->kept);
        conn->kept = NULL;
    } else {
        conn->kept = must_grow(conn->kept, size);
        memcpy(conn->kept, begin, size);
    }
    conn->kept_size = size;
}

/* Hands on what came; false where there is no more for now. */
static bool receive(struct wire *wire, struct conn *conn)
{
    if (conn->kept_size == wire->buffer_size)
        die("a stanza above %zu bytes", wire->buffer_size);
    memcpy(wire->buffer, conn->kept_size > 0 ? conn->kept : "", conn->kept_size);
    char *fresh = wire->buffer + conn->kept_size;
    ssize_t size = conn_receive(conn, fresh, wire->buffer_size - conn->kept_size);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (size <= 0) {
        closed(wire, conn);
        return false;
    }
    wire->bytes_in += (uint64_t)size;
    const char *end = fresh + size;
    const char *left = wire->on_input(wire->owner, conn, wire->buffer, end);
    keep(conn, left, end);
    return conn->tls != NULL && !conn->closed && SSL_pending(conn->tls) > 0;
}

static void readable(struct wire *wire, struct conn *conn)
{
    while (receive(wire, conn))
        continue;
    /* TLS may have waited for this to go on writing. */
    if (conn->wants_read && !conn->closed && wire_waiting(conn) > 0)
        wire_put(wire, conn, 0);
}

void wire_turn(struct wire *wire, uint64_t timeout_ns)
{
    for (uint32_t i = 0; i < wire->dirty_count; i++) {
        struct conn *conn = &wire->conns[wire->dirty[i]];
        conn->dirty = false;
        if (!conn->closed)
            flush(wire, conn);
    }
    wire->dirty_count = 0;
    struct epoll_event events[EVENTS_MAX];
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000U),
                               (long)(timeout_ns % 1000000000U)};
    int count = epoll_pwait2(wire->epoll, events, EVENTS_MAX, &timeout, NULL);
    for (int i = 0; i < count; i++) {
        struct conn *conn = &wire->conns[events[i].data.u32];
        if (!conn->closed && (events[i].events & EPOLLOUT) != 0)
            flush(wire, conn);
        if (!conn->closed && !conn->paused &&
            (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
            readable(wire, conn);
    }
}

int wire_connect(uint16_t port, uint32_t index)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr =
                                   htonl(INADDR_LOOPBACK + index / PORTS_PER_SOURCE)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
        (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

bool wire_can_connect(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool can = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    if (fd >= 0)
        close(fd);
    return can;
}

void wire_send_buffer(int fd, int bytes)
{
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}
