/*
 * One cycle, in this order: what epoll reported, what other agents sent, alarms, expansion of
 * deliveries, one flush of everything that has something new, and the burial of what died.
 */
#include "net/net.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/xml/parse.h"
#include "net/links.h"
#include "net/session.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX  256
#define ARENA_BLOCK (64 * 1024)

enum net_phase {
    NET_RUNNING,
    NET_DRAINING, /* asked to end: what the shards have sent is still delivered */
    NET_CLOSING,  /* goodbye was said to everybody */
    NET_CLOSED,
};

struct net {
    struct agent agent;
    char name[16];
    struct net_setup setup;
    struct mailbox *mailbox;
    struct conns conns;
    struct proxy *proxy;
    struct deliver deliver;
    struct router router;
    struct door door;
    struct links links;
    bool door_first; /* when a shard gave credits the last time, clients had theirs first */

    struct epoll_event events[EVENTS_MAX];
    int event_count;

    bool listening;       /* the listener is in epoll */
    bool turned_away;     /* that there are no descriptors left was logged */
    int64_t listen_at_ms; /* when it shall be again, if it is not */

    enum net_phase phase;
    int64_t drain_until_ms, close_until_ms;
    unsigned shards_done;

    _Atomic int close_in_ms; /* written by whoever asks for the end; negative: nobody has */
};

/* ---- the listener ---- */

static void listen_start(struct net *net)
{
    if (net->setup.listen_fd < 0 || net->listening || net->phase != NET_RUNNING)
        return;
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &net->listening};
    if (epoll_ctl(net->conns.epoll_fd, EPOLL_CTL_ADD, net->setup.listen_fd, &event) == 0)
        net->listening = true;
    else
        net->listen_at_ms = net->conns.now_ms + ACCEPT_PAUSE_MS;
}

static void listen_stop(struct net *net)
{
    if (!net->listening)
        return;
    (void)epoll_ctl(net->conns.epoll_fd, EPOLL_CTL_DEL, net->setup.listen_fd, NULL);
    net->listening = false;
}

/* No descriptors, or as many connections as may be: looking again at once would only burn time. */
static void listen_pause(struct net *net, const char *why)
{
    if (!net->turned_away)
        log_warn("clients have to wait at the door: %s; raise the limit of open files (ulimit -n) "
                 "or close something",
                 why);
    net->turned_away = true;
    listen_stop(net);
    net->listen_at_ms = net->conns.now_ms + ACCEPT_PAUSE_MS;
}

/* True: one came in, there may be more. */
static bool accept_one(struct net *net)
{
    if (net->door.count >= CONNECTIONS_MAX) {
        listen_pause(net, "this thread has as many connections as it may");
        return false;
    }
    int fd = accept4(net->setup.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        net->turned_away = false;
        door_admit(&net->door, fd);
        return true;
    }
    if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO)
        return true;
    if (errno == EINVAL || errno == EBADF) { /* its owner has closed the door */
        listen_stop(net);
        net->setup.listen_fd = -1;
    } else if (errno != EAGAIN) {
        listen_pause(net, strerror(errno));
    }
    return false;
}

static void accept_some(struct net *net)
{
    unsigned count = 0;
    while (count < ACCEPT_CYCLE_MAX && accept_one(net))
        count++;
    if (count == 0)
        return;
    /* The kernel wakes whoever has waited at the listener longest: to the end of the queue, or one
     * agent would get nearly all clients. */
    listen_stop(net);
    if (net->listen_at_ms <= net->conns.now_ms)
        listen_start(net);
}

/* ---- messages ---- */

/* Whoever is asked first may need all of it. */
static void share_credit(struct net *net, unsigned shard)
{
    net->door_first = !net->door_first;
    if (net->door_first)
        door_credit(&net->door, shard);
    links_credit(&net->links, shard);
    if (!net->door_first)
        door_credit(&net->door, shard);
}

static void net_on_mail(void *self, struct mail *mail)
{
    struct net *net = self;
    struct message *message = container_of(mail, struct message, mail);
    switch (message->kind) {
    case MSG_DELIVERIES:
        deliver_take(&net->deliver, message);
        break;
    case MSG_CREDIT:
        proxy_credit(net->proxy, message->credit.shard, message->credit.cost);
        share_credit(net, message->credit.shard);
        break;
    case MSG_ROUTED:
        deliver_direct(&net->deliver, message->routed.route, message->routed.frame,
                       message->routed.address);
        message->routed.frame = NULL;
        break;
    case MSG_CLOSE_SESSION:
        door_close_session(&net->door, message->close_session.route);
        break;
    case MSG_PLACE_FREE:
        door_place_free(&net->door, message);
        break;
    case MSG_ACCOUNT_GONE:
        door_account_gone(&net->door, message->account_gone.bare, message->account_gone.except);
        break;
    case MSG_ACCOUNT:
        door_account(&net->door, message);
        break;
    case MSG_SHARD_DONE:
        net->shards_done++;
        if (net->shards_done == net->setup.shards && net->setup.shards_done != NULL)
            net->setup.shards_done(net->setup.shards_done_self);
        break;
    case MSG_STANZA:
    case MSG_SESSION_GONE:
    case MSG_LINKS:
    case MSG_LINK_LOSS:
    case MSG_PLACE_ASK:
    case MSG_LANE_CREDIT:
    case MSG_ROOM_ORDER:
    case MSG_ORDER_REPORT:
    case MSG_SHUTDOWN:
    case MSG_ROOM_WAKE:
    case MSG_FORGET:
    case MSG_ROOM_LOADED:
    case MSG_COMMITTED:
    case MSG_ANSWER:
    case MSG_ACCOUNT_ASK:
    case MSG_ROOM_LOAD:
    case MSG_COMMIT:
    case MSG_ASK:
        never("a message that is not for a lane");
    }
    message_free(message);
}

/* ---- the end ---- */

static void say_goodbye(struct net *net)
{
    net->phase = NET_CLOSING;
    door_close(&net->door);
    links_close(&net->links);
}

static void abandon(struct net *net)
{
    net->phase = NET_CLOSED;
    door_abandon(&net->door);
    links_abandon(&net->links);
}

static void close_step(struct net *net)
{
    int close_in_ms = atomic_load(&net->close_in_ms);
    int64_t now_ms = net->conns.now_ms;
    if (net->phase == NET_RUNNING && close_in_ms >= 0) {
        listen_stop(net);
        net->phase = NET_DRAINING;
        /* Half of the time for those who read slowly, half for the goodbye. */
        net->drain_until_ms = now_ms + close_in_ms / 2;
        net->close_until_ms = now_ms + close_in_ms;
    }
    if (net->phase == NET_DRAINING &&
        ((deliver_is_empty(&net->deliver) && mailbox_depth(net->mailbox) == 0) ||
         now_ms >= net->drain_until_ms))
        say_goodbye(net);
    if (net->phase == NET_CLOSING && (net->conns.count == 0 || now_ms >= net->close_until_ms)) {
        abandon(net);
        agent_stop(&net->agent);
    }
}

void net_close(struct net *net, int deadline_ms)
{
    atomic_store(&net->close_in_ms, deadline_ms > 0 ? deadline_ms : 0);
    mailbox_wake(net->mailbox);
}

/* ---- the cycle ---- */

static void handle_events(struct net *net)
{
    for (int i = 0; i < net->event_count; i++) {
        void *what = net->events[i].data.ptr;
        if (what == &net->listening)
            accept_some(net);
        else if (what != net)
            conn_event(what, net->events[i].events);
    }
    net->event_count = 0;
}

static int net_do_work(void *self)
{
    struct net *net = self;
    ASSERT_ON(&net->agent);
    net->conns.now_ms = net->agent.mono_ms;
    proxy_tick(net->proxy, net->conns.now_ms);
    int work = net->event_count;
    bool more = false;
    handle_events(net);
    proxy_ring(net->proxy);
    work += (int)mailbox_drain(net->mailbox, net_on_mail, net, SHARD_DRAIN_MAX, &more);
    work += (int)conns_alarms(&net->conns);
    if (!net->listening && net->listen_at_ms <= net->conns.now_ms)
        listen_start(net);
    links_cycle(&net->links);
    more |= deliver_run(&net->deliver);
    proxy_ring(net->proxy); /* for what mail has let through: credits came, an account was loaded */
    proxy_flush(net->proxy);
    work += (int)conns_flush(&net->conns);
    close_step(net);
    conns_bury(&net->conns);
    /* The flush may have made room for a backlog that found none in deliver_run(). */
    more |= deliver_may_go_on(&net->deliver);
    return work + (more || net->conns.dirty_first != NULL ? 1 : 0);
}

static void net_wait(void *self, int work, int timeout_ms)
{
    struct net *net = self;
    int count =
        epoll_wait(net->conns.epoll_fd, net->events, EVENTS_MAX, work != 0 ? 0 : timeout_ms);
    net->event_count = count > 0 ? count : 0;
}

static void net_wake(void *self)
{
    struct net *net = self;
    mailbox_wake(net->mailbox);
}

static bool net_rest(void *self)
{
    struct net *net = self;
    arena_reset(net->router.arena);
    return conns_rest(&net->conns);
}

/* The sooner of a timeout and a moment. */
static int sooner(const struct net *net, int timeout_ms, int64_t at_ms)
{
    int64_t left_ms = at_ms > net->conns.now_ms ? at_ms - net->conns.now_ms : 0;
    return timeout_ms < 0 || left_ms < timeout_ms ? (int)left_ms : timeout_ms;
}

static int net_timeout_ms(void *self)
{
    struct net *net = self;
    int timeout_ms = wheel_timeout_ms(&net->conns.wheel, net->conns.now_ms);
    if (net->phase == NET_RUNNING && net->setup.listen_fd >= 0 && !net->listening)
        timeout_ms = sooner(net, timeout_ms, net->listen_at_ms);
    if (links_wait(&net->links))
        timeout_ms = sooner(net, timeout_ms, net->conns.now_ms + 1);
    if (net->phase == NET_DRAINING)
        timeout_ms = sooner(net, timeout_ms, net->drain_until_ms);
    if (net->phase == NET_CLOSING)
        timeout_ms = sooner(net, timeout_ms, net->close_until_ms);
    return timeout_ms;
}

const char *net_unrest(const struct net *net)
{
    if (mailbox_depth(net->mailbox) != 0)
        return "a net agent has mail";
    if (!deliver_is_empty(&net->deliver))
        return "a net agent has deliveries that are not expanded";
    if (!cuts_is_empty(&net->deliver.cuts))
        return "a room has not answered that something was lost";
    if (links_wait(&net->links))
        return "stanzas of a link wait for credits";
    if (net->conns.dirty_first != NULL)
        return "a connection has something to be written";
    return proxy_is_idle(net->proxy) ? NULL : "a net agent misses credits";
}

/* ---- the object ---- */

static void router_deliver(void *self, struct route route, struct frame *frame,
                           struct address *address)
{
    struct net *net = self;
    deliver_direct(&net->deliver, route, frame, address);
}

static void outbox_drained(void *self, struct conn *conn)
{
    struct net *net = self;
    deliver_drained(&net->deliver, conn);
}

static void make_router(struct net *net)
{
    const struct net_setup *setup = &net->setup;
    net->proxy = proxy_new(setup->exchange, setup->hash_key, setup->lane);
    deliver_init(&net->deliver, &net->conns, net->proxy, setup->lane, setup->hash_key);
    net->conns.drained = outbox_drained;
    net->conns.drained_self = net;
    net->router = (struct router){
        .settings = setup->router,
        .proxy = net->proxy,
        .directory = setup->directory,
        .exchange = setup->exchange,
        .hash_key = setup->hash_key,
        .arena = arena_new(ARENA_BLOCK),
        .lane = setup->lane,
        .deliver = router_deliver,
        .net = net,
    };
}

static void make_doors(struct net *net)
{
    const struct net_setup *setup = &net->setup;
    net->door = (struct door){
        .conns = &net->conns,
        .deliver = &net->deliver,
        .router = &net->router,
        .settings = setup->stream,
        .tls = setup->tls,
        .random = setup->random,
        .shards = setup->shards,
    };
    door_init(&net->door);
    if (setup->component == NULL)
        return;
    struct link_setup links = {
        .settings = setup->component,
        .conns = &net->conns,
        .deliver = &net->deliver,
        .router = &net->router,
        .random = setup->random,
        .shards = setup->shards,
    };
    links_begin(&net->links, &links, setup->lanes);
}

static int watch_mailbox(struct net *net)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = net};
    int failed =
        epoll_ctl(net->conns.epoll_fd, EPOLL_CTL_ADD, mailbox_wake_fd(net->mailbox), &event);
    return failed == 0 ? 0 : err_from_errno(errno);
}

struct net *net_new(const struct net_setup *setup, int *err)
{
    ensure(setup->component == NULL || setup->lane < setup->lanes);
    ensure(setup->listen_fd < 0 || setup->stream != NULL);
    parser_init(); /* here no agent runs yet */
    struct net *net = MEM_NEW(struct net);
    net->setup = *setup;
    atomic_init(&net->close_in_ms, -1);
    snprintf(net->name, sizeof(net->name), "net%u", setup->lane);
    net->agent = (struct agent){
        .name = net->name,
        .self = net,
        .do_work = net_do_work,
        .wait = net_wait,
        .wake = net_wake,
        .timeout_ms = net_timeout_ms,
        .rest = net_rest,
        .log = setup->log,
    };
    *err = conns_init(&net->conns, clock_mono_ms());
    if (*err != 0) {
        mem_free(net);
        return NULL;
    }
    net->mailbox = mailbox_new(err);
    if (net->mailbox != NULL)
        *err = watch_mailbox(net);
    if (*err != 0) {
        mailbox_free(net->mailbox);
        conns_fini(&net->conns);
        mem_free(net);
        return NULL;
    }
    if (setup->marks != NULL)
        net->conns.marks = *setup->marks;
    make_router(net);
    make_doors(net);
    exchange_set_lane(setup->exchange, setup->lane, net->mailbox);
    return net;
}

struct agent *net_agent(struct net *net)
{
    return &net->agent;
}

static void throw_away(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

void net_free(struct net *net)
{
    if (net == NULL)
        return;
    exchange_set_lane(net->setup.exchange, net->setup.lane, NULL);
    bool more = true;
    while (more)
        (void)mailbox_drain(net->mailbox, throw_away, NULL, SHARD_DRAIN_MAX, &more);
    listen_stop(net);
    abandon(net);
    (void)conns_flush(&net->conns); /* nothing is written any more: it empties the list */
    conns_bury(&net->conns);
    links_fini(&net->links);
    door_fini(&net->door);
    deliver_fini(&net->deliver);
    proxy_free(net->proxy);
    arena_free(net->router.arena);
    mailbox_free(net->mailbox);
    conns_fini(&net->conns);
    mem_free(net);
}
