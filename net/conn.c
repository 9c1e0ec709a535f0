#include "net/conn.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Chunks with their heads; as many spare ones are kept as 16 MiB hold. */
#define SMALL_BLOCK 4096
#define LARGE_BLOCK (64 * 1024)
#define SPARE_BYTES (16 * 1024 * 1024)

/* One flush of one connection writes no more, so that the others have their turn. */
#define FLUSH_BYTES  (1024 * 1024)
#define FLUSH_SLICES 64
/* Encrypted ahead of the socket. */
#define TLS_AHEAD (64 * 1024)
/* More waits only if the peer makes TLS itself talk and does not listen. */
#define TLS_PENDING_MAX (4 * TLS_AHEAD)

/* ---- all of them ---- */

int conns_init(struct conns *conns, int64_t now_ms)
{
    *conns = (struct conns){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .now_ms = now_ms};
    if (conns->epoll_fd < 0)
        return err_from_errno(errno);
    conns->marks = (struct conn_marks){
        .client = OUTBOX_HIGH_WATER,
        .link = LINK_OUTBOX_HIGH_WATER,
        .client_max = CLIENT_OUTBOX_MAX,
    };
    slots_init(&conns->slots);
    chunk_pool_init(&conns->small, SMALL_BLOCK, SPARE_BYTES / SMALL_BLOCK);
    chunk_pool_init(&conns->large, LARGE_BLOCK, SPARE_BYTES / LARGE_BLOCK);
    wheel_init(&conns->wheel, now_ms);
    return 0;
}

void conns_fini(struct conns *conns)
{
    ensure(conns->count == 0 && conns->dead == NULL);
    wheel_fini(&conns->wheel);
    chunk_pool_fini(&conns->small);
    chunk_pool_fini(&conns->large);
    slots_fini(&conns->slots);
    close(conns->epoll_fd);
}

bool conns_rest(struct conns *conns)
{
    bool small = chunk_pool_trim(&conns->small);
    bool large = chunk_pool_trim(&conns->large);
    return small || large;
}

/* ---- one of them ---- */

void conn_init(struct conn *conn, struct conns *conns, const struct conn_kind *kind,
               struct chunk_pool *pool)
{
    conn->kind = kind;
    conn->conns = conns;
    conn->fd = -1;
    conn->bytes_max = SIZE_MAX;
    conn->high_water = SIZE_MAX;
    outbox_init(&conn->outbox, pool);
}

static void watch(struct conn *conn)
{
    bool reading = conn->phase == CONN_GOODBYE ? !conn->ended : !conn->paused;
    uint32_t interest = (reading && conn->phase != CONN_CONNECTING ? EPOLLIN : 0u) |
                        (conn->blocked ? EPOLLOUT : 0u);
    if (interest == conn->interest)
        return;
    conn->interest = interest;
    struct epoll_event event = {.events = interest, .data.ptr = conn};
    int failed = epoll_ctl(conn->conns->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    ensure(failed == 0);
}

int conn_open(struct conn *conn, int fd, bool connecting)
{
    ensure(conn->phase == CONN_DOWN);
    /* Errors of these are not worth a connection: they make it slower, not wrong. */
    int on = 1;
    int idle = 60, interval = 20, probes = 3;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));

    conn->interest = connecting ? EPOLLOUT : EPOLLIN;
    struct epoll_event event = {.events = conn->interest, .data.ptr = conn};
    if (epoll_ctl(conn->conns->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        int err = err_from_errno(errno);
        close(fd);
        return err;
    }
    conn->fd = fd;
    conn->phase = connecting ? CONN_CONNECTING : CONN_OPEN;
    conn->blocked = connecting;
    conn->paused = conn->ended = conn->broken = conn->shut = false;
    conn->muted = conn->overflown = false;
    conn->conns->count++;
    return 0;
}

void conn_enroll(struct conn *conn)
{
    slots_take(&conn->conns->slots, conn, &conn->slot, &conn->generation);
}

static void strike_off(struct conn *conn)
{
    if (conn->is_link || conn->slot == 0)
        return;
    slots_give(&conn->conns->slots, conn->slot);
    conn->slot = conn->generation = 0;
}

/* ---- reading ---- */

static void mark_dirty(struct conn *conn)
{
    struct conns *conns = conn->conns;
    if (conn->dirty)
        return;
    conn->dirty = true;
    conn->dirty_next = NULL;
    if (conns->dirty_last == NULL)
        conns->dirty_first = conn;
    else
        conns->dirty_last->dirty_next = conn;
    conns->dirty_last = conn;
}

/* TLS talks by itself: handshake, key updates, alerts about what it did not like. */
static void answer_tls(struct conn *conn)
{
    if (tls_pending(conn->tls).len > 0 && !conn->blocked)
        mark_dirty(conn);
}

bool conn_read(struct conn *conn, const char **why)
{
    struct conns *conns = conn->conns;
    conns->fresh = STR_NONE;
    conns->fresh_of = conn;
    ssize_t count = recv(conn->fd, conns->raw, sizeof(conns->raw), 0);
    if (count > 0 && conn->tls == NULL) {
        conns->fresh = str_of(conns->raw, (size_t)count);
        return true;
    }
    if (count > 0) {
        conn->broken = tls_feed(conn->tls, str_of(conns->raw, (size_t)count)) != 0 ||
                       tls_pending(conn->tls).len > TLS_PENDING_MAX;
        answer_tls(conn);
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    conn->ended = true;
    *why = count == 0 ? "connection closed" : strerror(errno);
    return false;
}

static struct str next_decrypted(struct conn *conn)
{
    long count = conn->broken ? 0 : tls_read(conn->tls, conn->conns->plain, CONN_READ_BYTES);
    answer_tls(conn);
    if (count == ERR_IO)
        conn->ended = true;
    else if (count < 0)
        conn->broken = true;
    return count > 0 ? str_of(conn->conns->plain, (size_t)count) : STR_NONE;
}

struct str conn_next(struct conn *conn)
{
    struct conns *conns = conn->conns;
    struct str fresh = conns->fresh_of == conn ? conns->fresh : STR_NONE;
    conns->fresh = STR_NONE;
    return conn->tls == NULL ? fresh : next_decrypted(conn);
}

void conn_pause(struct conn *conn)
{
    if (conn->paused || conn->phase != CONN_OPEN)
        return;
    conn->paused = true;
    watch(conn);
}

void conn_unpause(struct conn *conn)
{
    if (!conn->paused || conn->phase != CONN_OPEN)
        return;
    conn->paused = false;
    watch(conn);
}

/* ---- writing ---- */

static bool takes_bytes(const struct conn *conn)
{
    return conn->phase != CONN_DOWN && !conn->muted && !conn->overflown;
}

void conn_check(struct conn *conn, size_t queued)
{
    if (conn->outbox.bytes + queued <= conn->bytes_max || !takes_bytes(conn))
        return;
    conn->overflown = true;
    mark_dirty(conn);
}

void conn_send(struct conn *conn, struct str bytes)
{
    if (!takes_bytes(conn))
        return;
    outbox_add(&conn->outbox, bytes);
    if (!conn->blocked)
        mark_dirty(conn);
    conn_check(conn, 0);
}

void conn_send_frame(struct conn *conn, const struct frame *frame, const struct address *address,
                     struct str tail)
{
    if (!takes_bytes(conn))
        return;
    outbox_add_frame(&conn->outbox, frame, address, tail);
    if (!conn->blocked)
        mark_dirty(conn);
    conn_check(conn, 0);
}

void conn_mute(struct conn *conn)
{
    conn->muted = true;
}

/* Writes slices; how many bytes went, 0 if the socket is full, -1 if it broke. */
static ssize_t write_slices(struct conn *conn, struct iovec *slices, unsigned count)
{
    struct msghdr message = {.msg_iov = slices, .msg_iovlen = count};
    ssize_t written = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    if (written >= 0)
        return written;
    return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
}

static ssize_t flush_plain(struct conn *conn)
{
    struct iovec slices[FLUSH_SLICES];
    unsigned count = outbox_slices(&conn->outbox, slices, FLUSH_SLICES);
    if (count == 0)
        return 0;
    ssize_t written = write_slices(conn, slices, count);
    if (written > 0)
        outbox_sent(&conn->outbox, (size_t)written);
    return written;
}

/* Moves bytes from the outbox through TLS, as far ahead of the socket as makes sense. */
static bool encrypt(struct conn *conn)
{
    while (conn->outbox.bytes > 0 && tls_pending(conn->tls).len < TLS_AHEAD) {
        struct iovec slice;
        (void)outbox_slices(&conn->outbox, &slice, 1);
        long taken = tls_write(conn->tls, str_of(slice.iov_base, slice.iov_len));
        conn->broken = taken < 0;
        if (taken <= 0)
            return taken == 0;
        outbox_sent(&conn->outbox, (size_t)taken);
    }
    return true;
}

static ssize_t flush_tls(struct conn *conn)
{
    if (!conn->broken && !encrypt(conn))
        return -1;
    struct str pending = tls_pending(conn->tls);
    if (pending.len == 0)
        return 0;
    struct iovec slice = {.iov_base = (void *)(uintptr_t)pending.at, .iov_len = pending.len};
    ssize_t written = write_slices(conn, &slice, 1);
    if (written > 0)
        tls_sent(conn->tls, (size_t)written);
    return written;
}

/* What the socket could take if it were ready; the handshake may hold the rest back. */
static bool has_output(const struct conn *conn)
{
    if (conn->tls == NULL)
        return conn->outbox.bytes > 0;
    return tls_pending(conn->tls).len > 0 ||
           (conn->outbox.bytes > 0 && tls_done(conn->tls) && !conn->broken);
}

/* Writes until all is gone, the socket is full or it is somebody else's turn. */
static bool write_out(struct conn *conn)
{
    size_t total = 0;
    while (has_output(conn) && total < FLUSH_BYTES) {
        ssize_t written = conn->tls == NULL ? flush_plain(conn) : flush_tls(conn);
        if (written < 0)
            return false;
        conn->blocked = written == 0;
        if (conn->blocked)
            break;
        total += (size_t)written;
    }
    return true;
}

/* Everything is written: our side of the stream and of the connection is closed. */
static void shut_side(struct conn *conn)
{
    if (conn->tls != NULL && !conn->broken) {
        tls_shutdown(conn->tls);
        (void)flush_tls(conn);
    }
    conn->shut = true;
    (void)shutdown(conn->fd, SHUT_WR);
    if (conn->ended)
        conn_drop(conn);
}

static bool flush(struct conn *conn)
{
    if (conn->overflown && conn->phase == CONN_OPEN) {
        /* The last words are over the limit too. */
        conn->bytes_max = SIZE_MAX;
        conn->overflown = false;
        conn->kind->overflow(conn);
    }
    if (conn->phase == CONN_DOWN || conn->shut || conn->blocked)
        return false;
    if (!write_out(conn)) {
        const char *why = strerror(errno);
        if (conn->phase == CONN_GOODBYE)
            conn_drop(conn);
        else
            conn->kind->lost(conn, conn->tls != NULL && conn->broken ? "TLS failed" : why);
        return false;
    }
    bool more = has_output(conn) && !conn->blocked;
    if (conn->phase == CONN_GOODBYE && !has_output(conn))
        shut_side(conn);
    if (conn->phase == CONN_DOWN)
        return false;
    watch(conn);
    if (conn->backlog != NULL && conn->outbox.bytes <= conn->high_water / 2)
        conn->conns->drained(conn->conns->drained_self, conn);
    return more;
}

unsigned conns_flush(struct conns *conns)
{
    struct conn *last = conns->dirty_last;
    unsigned more = 0;
    while (conns->dirty_first != NULL) {
        struct conn *conn = conns->dirty_first;
        conns->dirty_first = conn->dirty_next;
        if (conns->dirty_first == NULL)
            conns->dirty_last = NULL;
        conn->dirty = false;
        if (flush(conn))
            mark_dirty(conn);
        if (conn == last)
            break;
    }
    for (struct conn *conn = conns->dirty_first; conn != NULL; conn = conn->dirty_next)
        more++;
    return more;
}

bool conn_start_tls(struct conn *conn, struct tls *tls)
{
    ensure(conn->tls == NULL && conn->phase == CONN_OPEN);
    if (!write_out(conn) || conn->outbox.bytes > 0)
        return false;
    conn->tls = tls_accept(tls);
    return true;
}

/* ---- events ---- */

/* The other side may still talk; it is not listened to, but a close() over unread bytes would reset
 * the connection and take our last words with it. */
static void read_away(struct conn *conn)
{
    ssize_t count = recv(conn->fd, conn->conns->raw, sizeof(conn->conns->raw), 0);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    conn->ended = true;
    if (conn->shut || count < 0)
        conn_drop(conn);
    else
        watch(conn);
}

static void connect_ended(struct conn *conn)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    conn->blocked = false;
    if (error == 0) {
        conn->phase = CONN_OPEN;
        watch(conn);
    }
    conn->kind->connected(conn, error);
}

void conn_event(struct conn *conn, uint32_t events)
{
    bool trouble = (events & (EPOLLERR | EPOLLHUP)) != 0;
    if (conn->phase == CONN_DOWN)
        return;
    if (conn->phase == CONN_CONNECTING) {
        connect_ended(conn);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        conn->blocked = false;
        mark_dirty(conn);
    }
    if (conn->phase == CONN_GOODBYE) {
        if ((events & EPOLLIN) != 0)
            read_away(conn);
        else if (trouble)
            conn_drop(conn);
        return;
    }
    if (!conn->paused && (trouble || (events & EPOLLIN) != 0))
        conn->kind->input(conn);
    else if (trouble)
        conn->kind->lost(conn, "connection reset");
}

void conn_alarm_at(struct conn *conn, int64_t at_ms)
{
    wheel_set(&conn->conns->wheel, &conn->alarm, at_ms);
}

static void ring(void *self, struct alarm *alarm)
{
    struct conn *conn = container_of(alarm, struct conn, alarm);
    UNUSED(self);
    if (conn->phase == CONN_GOODBYE)
        conn_drop(conn);
    else
        conn->kind->alarm(conn);
}

unsigned conns_alarms(struct conns *conns)
{
    return wheel_run(&conns->wheel, conns->now_ms, ring, NULL);
}

/* ---- the end ---- */

void conn_goodbye(struct conn *conn)
{
    if (conn->phase != CONN_OPEN)
        return;
    strike_off(conn);
    conn->phase = CONN_GOODBYE;
    conn->muted = true;
    conn_alarm_at(conn, conn->conns->now_ms + CLOSE_SECONDS * 1000);
    watch(conn);
    mark_dirty(conn);
}

void conn_drop(struct conn *conn)
{
    if (conn->phase == CONN_DOWN)
        return;
    struct conns *conns = conn->conns;
    strike_off(conn);
    wheel_clear(&conns->wheel, &conn->alarm);
    close(conn->fd);
    conn->fd = -1;
    conn->phase = CONN_DOWN;
    conns->count--;
    outbox_clear(&conn->outbox);
    tls_conn_free(conn->tls);
    conn->tls = NULL;
    conn->blocked = false;
    if (conn->kind->bury == NULL || conn->dead)
        return;
    conn->dead = true;
    conn->dead_next = conns->dead;
    conns->dead = conn;
}

void conns_bury(struct conns *conns)
{
    struct conn **at = &conns->dead;
    while (*at != NULL) {
        struct conn *conn = *at;
        if (conn->dirty) { /* next cycle: the list of the dirty ones still names it */
            at = &conn->dead_next;
            continue;
        }
        *at = conn->dead_next;
        conn->kind->bury(conn);
    }
}

const char *conn_peer(const struct conn *conn, char *text, size_t size)
{
    struct sockaddr_storage address;
    socklen_t address_size = sizeof(address);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getpeername(conn->fd, (struct sockaddr *)&address, &address_size) != 0 ||
        getnameinfo((struct sockaddr *)&address, address_size, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(text, size, "an unknown address");
    else
        snprintf(text, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return text;
}
