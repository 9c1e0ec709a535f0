#include "tests/sim/wire.h"

#include "core/base/ensure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* As large as kernels have them, within reason: what is slow shall fill it. */
enum { WIRE_FIRST = 1 << 20, WIRES = 256, POLLS = 8, SEND_BYTES = 16 * 1024 };

enum wire_state {
    WIRE_FREE,
    WIRE_LISTENING,
    WIRE_CALLING,   /* by the process; nobody has answered */
    WIRE_REFUSED,   /* it was told */
    WIRE_WAITING,   /* at the listener */
    WIRE_CONNECTED, /* one of the ends may be gone */
};

struct wire {
    enum wire_state state;
    bool open; /* the process has the descriptor */
    bool held; /* the test has the handle */
    bool broken;
    bool shut;      /* by the process: behind what is in `sent` */
    bool peer_shut; /* by the test: behind what is in `coming` */
    uint16_t port;
    uint64_t since;               /* which one was first */
    struct buf sent, arrived;     /* from the process */
    struct buf coming, readable;  /* to the process */
    struct epoll_event at[POLLS]; /* as asked for by it */
    bool watched[POLLS];
};

static struct wire wires[WIRES];
static bool polls[POLLS];
static uint64_t calls;

static struct wire *wire_of(int fd)
{
    if (fd < WIRE_FIRST || fd >= WIRE_FIRST + WIRES)
        return NULL;
    struct wire *wire = &wires[fd - WIRE_FIRST];
    ensure(wire->state != WIRE_FREE && wire->open);
    return wire;
}

static int poll_of(int fd)
{
    ensure(fd >= WIRE_FIRST + WIRES && fd < WIRE_FIRST + WIRES + POLLS);
    ensure(polls[fd - WIRE_FIRST - WIRES]);
    return fd - WIRE_FIRST - WIRES;
}

static int fd_of(const struct wire *wire)
{
    return WIRE_FIRST + (int)(wire - wires);
}

static struct wire *wire_new(enum wire_state state)
{
    unsigned i = 0;
    while (i < WIRES && wires[i].state != WIRE_FREE)
        i++;
    ensure(i < WIRES);
    struct wire *wire = &wires[i];
    *wire = (struct wire){.state = state, .since = ++calls};
    buf_init(&wire->sent, NULL);
    buf_init(&wire->arrived, NULL);
    buf_init(&wire->coming, NULL);
    buf_init(&wire->readable, NULL);
    return wire;
}

static void free_unused(struct wire *wire)
{
    if (wire->open || wire->held)
        return;
    buf_free(&wire->sent);
    buf_free(&wire->arrived);
    buf_free(&wire->coming);
    buf_free(&wire->readable);
    wire->state = WIRE_FREE;
}

/* From one buffer's head to the other's end. */
static size_t move(struct buf *from, struct buf *to, size_t max)
{
    size_t size = from->len < max ? from->len : max;
    if (size == 0)
        return 0;
    buf_add(to, str_of(from->at, size));
    memmove(from->at, from->at + size, from->len - size);
    from->len -= size;
    return size;
}

/* ---- the test's side ---- */

int wire_listen(void)
{
    struct wire *wire = wire_new(WIRE_LISTENING);
    wire->open = true;
    return fd_of(wire);
}

struct wire *wire_call(int listener)
{
    struct wire *wire = wire_new(WIRE_WAITING);
    ensure(wire_of(listener)->state == WIRE_LISTENING);
    wire->held = true;
    return wire;
}

static struct wire *first_of(enum wire_state state, uint16_t port)
{
    struct wire *first = NULL;
    for (unsigned i = 0; i < WIRES; i++) {
        struct wire *wire = &wires[i];
        bool fits = wire->state == state && (state == WIRE_WAITING || wire->port == port);
        if (fits && (first == NULL || wire->since < first->since))
            first = wire;
    }
    return first;
}

struct wire *wire_called(uint16_t port)
{
    ensure(port != 0);
    struct wire *wire = first_of(WIRE_CALLING, port);
    if (wire != NULL)
        wire->held = true;
    return wire;
}

void wire_accept(struct wire *wire)
{
    ensure(wire->state == WIRE_CALLING);
    wire->state = WIRE_CONNECTED;
}

void wire_refuse(struct wire *wire)
{
    ensure(wire->state == WIRE_CALLING);
    wire->state = WIRE_REFUSED;
    wire_release(wire);
}

void wire_write(struct wire *wire, struct str bytes)
{
    ensure(wire->held && !wire->peer_shut);
    buf_add(&wire->coming, bytes);
}

size_t wire_carry(struct wire *wire, size_t max)
{
    if (wire->broken)
        return 0;
    return move(&wire->sent, &wire->arrived, max) + move(&wire->coming, &wire->readable, max);
}

struct str wire_read(struct wire *wire)
{
    struct str bytes = buf_str(&wire->arrived);
    wire->arrived.len = 0;
    return bytes;
}

bool wire_ended(const struct wire *wire)
{
    return wire->broken || (wire->shut && wire->sent.len == 0 && wire->arrived.len == 0);
}

size_t wire_unacked(const struct wire *wire)
{
    return wire->broken ? 0 : wire->sent.len;
}

size_t wire_unread(const struct wire *wire)
{
    return wire->broken ? 0 : wire->coming.len + wire->readable.len;
}

void wire_shut(struct wire *wire)
{
    wire->peer_shut = true;
}

/* What is in `sent` stays to be counted: it was never acknowledged. */
void wire_break(struct wire *wire)
{
    wire->broken = true;
    wire->coming.len = 0;
}

void wire_release(struct wire *wire)
{
    ensure(wire->held);
    wire->held = false;
    if (wire->state == WIRE_CONNECTED && wire->open)
        wire->broken = true;
    free_unused(wire);
}

void wire_fini(void)
{
    for (unsigned i = 0; i < WIRES; i++) {
        struct wire *wire = &wires[i];
        if (wire->state == WIRE_FREE)
            continue;
        ensure(!wire->open || wire->state == WIRE_LISTENING);
        wire->open = wire->held = false;
        free_unused(wire);
    }
    for (unsigned i = 0; i < POLLS; i++)
        ensure(!polls[i]);
}

/* ---- the process's side ---- */

/* As the linker names what it puts in the place of a call, and what was there. */
int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getpeername(int fd, struct sockaddr *peer, socklen_t *size);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __wrap_shutdown(int fd, int how);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_close(int fd);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int poll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int poll, struct epoll_event *events, int max, int timeout_ms);
int __real_close(int fd);

static int failed(int error)
{
    errno = error;
    return -1;
}

int __wrap_socket(int domain, int type, int protocol)
{
    ensure((domain == AF_INET || domain == AF_INET6) && (type & SOCK_STREAM) != 0 && protocol == 0);
    struct wire *wire = wire_new(WIRE_CALLING);
    wire->open = true;
    return fd_of(wire);
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
    struct wire *wire = wire_of(fd);
    struct sockaddr_in at;
    ensure(wire->state == WIRE_CALLING && size == sizeof(at) && to->sa_family == AF_INET);
    memcpy(&at, to, sizeof(at));
    wire->port = ntohs(at.sin_port);
    return failed(EINPROGRESS);
}

int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
    ensure(wire_of(fd)->state == WIRE_LISTENING && from == NULL && size == NULL && flags != 0);
    struct wire *wire = first_of(WIRE_WAITING, 0);
    if (wire == NULL)
        return failed(EAGAIN);
    wire->state = WIRE_CONNECTED;
    wire->open = true;
    return fd_of(wire);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    ensure(wire_of(fd) != NULL && value != NULL && size > 0);
    UNUSED(level);
    UNUSED(name);
    return 0;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    const struct wire *wire = wire_of(fd);
    int error = wire->state == WIRE_REFUSED ? ECONNREFUSED : wire->broken ? ECONNRESET : 0;
    ensure(level == SOL_SOCKET && name == SO_ERROR && *size == sizeof(error));
    memcpy(value, &error, sizeof(error));
    return 0;
}

int __wrap_getpeername(int fd, struct sockaddr *peer, socklen_t *size)
{
    ensure(wire_of(fd) != NULL && peer != NULL && size != NULL);
    return failed(ENOTCONN);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    struct wire *wire = wire_of(fd);
    ensure(wire->state == WIRE_CONNECTED && flags == 0);
    size_t count = wire->readable.len < size ? wire->readable.len : size;
    if (count == 0 && wire->broken)
        return failed(ECONNRESET);
    if (count == 0)
        return wire->peer_shut && wire->coming.len == 0 ? 0 : failed(EAGAIN);
    memcpy(bytes, wire->readable.at, count);
    memmove(wire->readable.at, wire->readable.at + count, wire->readable.len - count);
    wire->readable.len -= count;
    return (ssize_t)count;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct wire *wire = wire_of(fd);
    ensure(wire->state == WIRE_CONNECTED && flags == MSG_NOSIGNAL && !wire->shut);
    size_t before = wire->sent.len;
    if (wire->broken)
        return failed(EPIPE);
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *slice = &message->msg_iov[i];
        size_t room = SEND_BYTES - wire->sent.len;
        buf_add(&wire->sent,
                str_of(slice->iov_base, slice->iov_len < room ? slice->iov_len : room));
    }
    return wire->sent.len > before ? (ssize_t)(wire->sent.len - before) : failed(EAGAIN);
}

int __wrap_shutdown(int fd, int how)
{
    struct wire *wire = wire_of(fd);
    ensure(how == SHUT_WR);
    wire->shut = true;
    return wire->broken ? failed(ENOTCONN) : 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    const struct wire *wire = wire_of(fd);
    va_list args;
    ensure(wire != NULL && request == SIOCOUTQ);
    va_start(args, request);
    *va_arg(args, int *) = (int)wire->sent.len;
    va_end(args);
    return 0;
}

/* What it has written and not shut is lost: there may have been something that it has not read. */
static void close_wire(struct wire *wire)
{
    wire->open = false;
    wire->broken |= !wire->shut;
    wire->shut = true;
    memset(wire->watched, 0, sizeof(wire->watched));
    free_unused(wire);
}

int __wrap_close(int fd)
{
    if (fd < WIRE_FIRST)
        return __real_close(fd);
    if (fd >= WIRE_FIRST + WIRES)
        polls[poll_of(fd)] = false;
    else
        close_wire(wire_of(fd));
    return 0;
}

/* ---- epoll ---- */

int __wrap_epoll_create1(int flags)
{
    unsigned i = 0;
    ensure(flags == EPOLL_CLOEXEC);
    while (i < POLLS && polls[i])
        i++;
    ensure(i < POLLS);
    polls[i] = true;
    return WIRE_FIRST + WIRES + (int)i;
}

/* Other descriptors are those of mailboxes: their agents are stepped whether they have mail or not.
 */
int __wrap_epoll_ctl(int poll, int op, int fd, struct epoll_event *event)
{
    int at = poll_of(poll);
    struct wire *wire = fd < WIRE_FIRST ? NULL : wire_of(fd);
    if (wire == NULL)
        return 0;
    ensure(wire->watched[at] == (op != EPOLL_CTL_ADD));
    wire->watched[at] = op != EPOLL_CTL_DEL;
    if (op != EPOLL_CTL_DEL)
        wire->at[at] = *event;
    return 0;
}

static uint32_t events_of(const struct wire *wire)
{
    switch (wire->state) {
    case WIRE_LISTENING:
        return first_of(WIRE_WAITING, 0) != NULL ? EPOLLIN : 0;
    case WIRE_REFUSED:
        return EPOLLERR | EPOLLHUP | EPOLLOUT;
    case WIRE_CONNECTED:
        break;
    case WIRE_FREE:
    case WIRE_CALLING:
    case WIRE_WAITING:
        return 0;
    }
    if (wire->broken)
        return EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLOUT;
    bool ended = wire->peer_shut && wire->coming.len == 0;
    return (wire->readable.len > 0 || ended ? EPOLLIN : 0u) |
           (wire->sent.len < SEND_BYTES ? EPOLLOUT : 0u) | (ended && wire->shut ? EPOLLHUP : 0u);
}

int __wrap_epoll_wait(int poll, struct epoll_event *events, int max, int timeout_ms)
{
    int at = poll_of(poll), count = 0;
    ensure(timeout_ms == 0);
    for (unsigned i = 0; i < WIRES && count < max; i++) {
        const struct wire *wire = &wires[i];
        if (wire->state == WIRE_FREE || !wire->watched[at])
            continue;
        uint32_t fits = events_of(wire) & (wire->at[at].events | EPOLLERR | EPOLLHUP);
        if (fits == 0)
            continue;
        events[count] = wire->at[at];
        events[count++].events = fits;
    }
    return count;
}
