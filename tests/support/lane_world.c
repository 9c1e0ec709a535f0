#include "tests/support/lane_world.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "net/sasl.h"
#include "shard/runtime/agent.h"
#include "shard/runtime/rcu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct hash_key key = {11, 12};

/* Different bytes at each call, the same in each run. */
void lane_world_random(void *bytes, size_t size)
{
    static uint64_t calls;
    struct hash_key seed = {++calls, 1};
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)hash_str(&seed, str_of((const char *)&i, sizeof(i)));
}

/* ---- what the others would do ---- */

struct far_shard {
    struct lane_world *world;
    unsigned number;
};

static void on_shard_mail(void *self, struct mail *mail)
{
    const struct far_shard *shard = self;
    struct lane_world *world = shard->world;
    struct message *message = container_of(mail, struct message, mail);
    if (message->kind == MSG_LANE_CREDIT) {
        world->credit += message->lane_credit.cost;
    } else if (message->kind == MSG_SESSION_GONE) {
        world->gone++;
        world->gone_properly += message->session_gone.properly;
    } else if (message->kind == MSG_PLACE_ASK) {
        world->places_asked++;
    } else if (message->kind == MSG_LINKS) {
        world->links_told++;
    } else if (message->kind == MSG_LINK_LOSS) {
        world->losses++;
        world->lossy_room = message->link_loss.room;
    } else {
        ensure(message->kind == MSG_STANZA);
        world->stanzas++;
        world->cost[shard->number] += message->stanza.cost;
        struct str id = node_attr(stanza_root(message->stanza.stanza), NAME_ID);
        size_t used = strlen(world->last);
        if (used + id.len + 2 > sizeof(world->last)) { /* the oldest are forgotten */
            size_t keep = sizeof(world->last) / 2;
            memmove(world->last, world->last + used - keep, keep + 1);
            used = keep;
        }
        snprintf(world->last + used, sizeof(world->last) - used, "%.*s ", (int)id.len, id.at);
    }
    message_free(message);
}

static void on_scribe_mail(void *self, struct mail *mail)
{
    struct lane_world *world = self;
    struct message *message = container_of(mail, struct message, mail);
    ensure(message->kind == MSG_ACCOUNT_ASK);
    world->store->account(world->store, &message->account.ask);
    message->kind = MSG_ACCOUNT;
    post_lane(world->exchange, 0, message);
}

/* As in net/net.c. */
static void on_lane_mail(void *self, struct mail *mail)
{
    struct lane_world *world = self;
    struct message *message = container_of(mail, struct message, mail);
    if (message->kind == MSG_DELIVERIES) {
        deliver_take(&world->deliver, message);
    } else if (message->kind == MSG_CREDIT) {
        proxy_credit(world->router.proxy, message->credit.shard, message->credit.cost);
        links_credit(&world->links, message->credit.shard);
        door_credit(&world->door, message->credit.shard);
    } else if (message->kind == MSG_CLOSE_SESSION) {
        door_close_session(&world->door, message->close_session.route);
    } else if (message->kind == MSG_ACCOUNT_GONE) {
        door_account_gone(&world->door, message->account_gone.bare, message->account_gone.except);
    } else {
        ensure(message->kind == MSG_ACCOUNT);
        door_account(&world->door, message);
    }
    message_free(message);
}

static bool drain_others(struct lane_world *world)
{
    bool more;
    unsigned count = 0;
    for (unsigned i = 0; i < LANE_SHARDS; i++) {
        struct far_shard shard = {world, i};
        count += mailbox_drain(world->shards[i], on_shard_mail, &shard, 100000, &more);
    }
    if (!world->store_is_slow)
        count += mailbox_drain(world->scribe, on_scribe_mail, world, 100000, &more);
    return count > 0;
}

/* ---- the lane ---- */

static void deliver_here(void *self, struct route route, struct frame *frame,
                         struct address *address)
{
    struct lane_world *world = self;
    deliver_direct(&world->deliver, route, frame, address);
}

static void drained(void *self, struct conn *conn)
{
    struct lane_world *world = self;
    deliver_drained(&world->deliver, conn);
}

static void write_log(struct log_sink *sink, enum log_level level, const char *line)
{
    struct lane_world *world = container_of(sink, struct lane_world, sink);
    static const char *const names[] = {"error ", "warn ", "info ", "debug "};
    buf_addz(&world->log, names[level]);
    buf_addz(&world->log, line);
    buf_addc(&world->log, '\n');
}

static struct mailbox *open_mailbox(void)
{
    int err = 0;
    struct mailbox *mailbox = mailbox_new(&err);
    ensure(mailbox != NULL);
    return mailbox;
}

static void begin_exchange(struct lane_world *world)
{
    world->exchange = exchange_new();
    world->directory = directory_new(&key);
    directory_set_local(world->directory, STR("localhost"));
    world->lane = open_mailbox();
    world->scribe = open_mailbox();
    exchange_set_lane(world->exchange, 0, world->lane);
    exchange_set_scribe(world->exchange, world->scribe);
    for (unsigned i = 0; i < LANE_SHARDS; i++) {
        world->shards[i] = open_mailbox();
        exchange_set_shard(world->exchange, i, world->shards[i]);
    }
    world->store = store_mem_open(&key);
}

void lane_world_begin(struct lane_world *world)
{
    ensure(prep_init() == 0 && sasl_init() == 0);
    agent_register_thread();
    *world = (struct lane_world){
        .settings = {.muc_domains = {.at = {STR("conference.localhost")}, .count = 1},
                     .client_domain = STR("localhost")},
        .stream = {.domain = STR("localhost"),
                   .plaintext = true,
                   .registration = true,
                   .anonymous = true,
                   .secret = STR("0123456789abcdef"),
                   .version = STR("1")},
        .sink = {.write = write_log, .level = LOG_LEVEL_INFO},
    };
    buf_init(&world->log, NULL);
    log_set_sink(&world->sink);
    begin_exchange(world);
    ensure(conns_init(&world->conns, 1000) == 0);
    world->conns.drained = drained;
    world->conns.drained_self = world;
    struct proxy *proxy = proxy_new(world->exchange, &key, 0);
    deliver_init(&world->deliver, &world->conns, proxy, 0, &key);
    world->router = (struct router){
        .settings = &world->settings,
        .proxy = proxy,
        .directory = world->directory,
        .exchange = world->exchange,
        .hash_key = &key,
        .arena = arena_new(16 * 1024),
        .deliver = deliver_here,
        .net = world,
    };
    world->door = (struct door){
        .conns = &world->conns,
        .deliver = &world->deliver,
        .router = &world->router,
        .settings = &world->stream,
        .random = lane_world_random,
        .shards = LANE_SHARDS,
    };
    door_init(&world->door);
}

static void throw_away(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

static void close_mailbox(struct mailbox *mailbox)
{
    bool more = true;
    while (more)
        mailbox_drain(mailbox, throw_away, NULL, 100000, &more);
    mailbox_free(mailbox);
}

static void end_exchange(struct lane_world *world)
{
    exchange_set_lane(world->exchange, 0, NULL);
    exchange_set_scribe(world->exchange, NULL);
    for (unsigned i = 0; i < LANE_SHARDS; i++) {
        exchange_set_shard(world->exchange, i, NULL);
        close_mailbox(world->shards[i]);
    }
    close_mailbox(world->lane);
    close_mailbox(world->scribe);
    world->store->close(world->store);
    rcu_finish_later();
    directory_free(world->directory);
    exchange_free(world->exchange);
}

void lane_world_end(struct lane_world *world)
{
    door_abandon(&world->door);
    links_abandon(&world->links);
    conns_flush(&world->conns);
    conns_bury(&world->conns);
    links_fini(&world->links);
    door_fini(&world->door);
    deliver_fini(&world->deliver);
    proxy_free(world->router.proxy);
    arena_free(world->router.arena);
    conns_fini(&world->conns);
    end_exchange(world);
    log_set_sink(NULL);
    buf_free(&world->log);
    agent_unregister_thread();
    sasl_fini();
    prep_fini();
}

/* ---- stepping ---- */

bool lane_world_cycle(struct lane_world *world)
{
    struct epoll_event events[64];
    int count = epoll_wait(world->conns.epoll_fd, events, (int)ARRAY_LEN(events), 0);
    bool more;
    proxy_tick(world->router.proxy, world->conns.now_ms);
    for (int i = 0; i < count; i++)
        conn_event(events[i].data.ptr, events[i].events);
    unsigned work = mailbox_drain(world->lane, on_lane_mail, world, 1000, &more);
    work += conns_alarms(&world->conns);
    links_cycle(&world->links);
    (void)deliver_run(&world->deliver);
    proxy_ring(world->router.proxy);
    proxy_flush(world->router.proxy);
    work += conns_flush(&world->conns);
    conns_bury(&world->conns);
    work += deliver_may_go_on(&world->deliver) ? 1 : 0;
    work += drain_others(world) ? 1 : 0;
    return work > 0 || count > 0 || world->conns.dirty_first != NULL;
}

void lane_world_step(struct lane_world *world, int ms)
{
    world->conns.now_ms += ms;
    while (lane_world_cycle(world))
        continue;
}

/* ---- clients ---- */

int lane_world_client(struct lane_world *world)
{
    int fds[2];
    ensure(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    door_admit(&world->door, fds[0]);
    return fds[1];
}

const char *lane_world_read(int peer, bool *ended)
{
    static char *text;
    static size_t size;
    size_t used = 0;
    if (ended != NULL)
        *ended = false;
    for (;;) {
        if (size - used < 65536) {
            size = used + 1024 * 1024;
            text = realloc(text, size);
            ensure(text != NULL);
        }
        ssize_t count = read(peer, text + used, 65535);
        if (count <= 0 && ended != NULL)
            *ended = count == 0 || errno == ECONNRESET;
        if (count <= 0)
            break;
        used += (size_t)count;
    }
    text[used] = '\0';
    return text;
}

const char *lane_world_talk(struct lane_world *world, int peer, const char *xml)
{
    size_t size = strlen(xml);
    ensure(write(peer, xml, size) == (ssize_t)size);
    lane_world_step(world, 0);
    return lane_world_read(peer, NULL);
}

const char *lane_world_bind(struct lane_world *world, int peer, const char *resource)
{
    static char jid[200];
    char bind[300];
    lane_world_talk(world, peer, LANE_OPENING);
    lane_world_talk(world, peer,
                    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    lane_world_talk(world, peer, LANE_OPENING);
    snprintf(bind, sizeof(bind), LANE_BIND("%s"), resource);
    const char *answer = lane_world_talk(world, peer, bind);
    const char *from = strstr(answer, "<jid>");
    const char *to = strstr(answer, "</jid>");
    ensure(from != NULL && to != NULL);
    snprintf(jid, sizeof(jid), "%.*s", (int)(to - from - 5), from + 5);
    return jid;
}

void lane_world_give_credit(struct lane_world *world, unsigned shard)
{
    struct message *message = message_new(MSG_CREDIT);
    message->credit.shard = shard;
    message->credit.cost = world->cost[shard];
    world->cost[shard] = 0;
    post_lane(world->exchange, 0, message);
}

/* ---- deliveries ---- */

struct frame *lane_world_frame(const char *text)
{
    struct arena *arena = arena_new(4096);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR_NONE, STR("groupchat"), STR_NONE);
    fb_leaf(&fb, NAME_BODY, NS_STANZA, str_z(text));
    struct frame *frame = fb_finish(&fb);
    arena_free(arena);
    return frame;
}

void lane_world_deliver(struct lane_world *world, unsigned shard, struct delivery *deliveries,
                        uint32_t count)
{
    struct message *message = message_new(MSG_DELIVERIES);
    message->deliveries.shard = shard;
    message->deliveries.at = mem_dup(deliveries, sizeof(*deliveries) * count);
    message->deliveries.count = count;
    post_lane(world->exchange, 0, message);
}

struct delivery lane_world_one(struct route route, const char *to, uint64_t room, const char *text)
{
    return (struct delivery){.kind = DELIVER_ONE,
                             .room = room,
                             .cost = 1,
                             .route = route,
                             .address = address_new(str_z(to)),
                             .frame = lane_world_frame(text)};
}

struct delivery lane_world_loss_heard(struct route link, uint64_t room)
{
    return (struct delivery){.kind = DELIVER_LOSS_HEARD, .room = room, .cost = 1, .route = link};
}

struct delivery lane_world_list(struct route route, const char *to, uint64_t room, const char *text,
                                uint32_t count, size_t bytes)
{
    struct delivery list = {.kind = DELIVER_LIST,
                            .room = room,
                            .cost = count,
                            .route = route,
                            .address = address_new(str_z(to)),
                            .items = MEM_NEW_ARRAY(struct delivery_item, count),
                            .item_count = count};
    for (uint32_t i = 0; i < count; i++) {
        struct buf body;
        buf_init(&body, NULL);
        buf_addf(&body, "%s-%u-", text, i);
        while (body.len < bytes)
            buf_addc(&body, 'x');
        list.items[i].frame = lane_world_frame(buf_str(&body).at);
        list.items[i].tail = str_copy(STR("<delay/>"));
        buf_free(&body);
    }
    return list;
}

struct delivery lane_world_broadcast(struct roster *roster, uint64_t room, const char *text)
{
    return (struct delivery){.kind = DELIVER_BROADCAST,
                             .room = room,
                             .cost = roster_size(roster),
                             .frame = lane_world_frame(text),
                             .roster = roster,
                             .audience = AUDIENCE_ALL};
}

unsigned lane_world_count(const char *text, const char *what)
{
    unsigned count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}
