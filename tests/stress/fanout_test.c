/*
 * Real shards between real lanes: rooms in which members talk while others come, go and vanish.
 * Every member who stays hears everything, in the order in which all others hear it; everybody is
 * addressed by its own name; credits and references come back.
 */
#include "shard/shard.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "shard/proxy.h"
#include "tests/support/lanes.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    SHARDS = 2,
    LANES = 2,
    ROOMS = 4,
    STEADY = 3,  /* members of each room on each lane who stay and talk */
    PASSING = 5, /* who come and go */
    WORDS = 100, /* messages of each steady member */
    PER_ROOM = STEADY + PASSING,
    CLIENTS = ROOMS * PER_ROOM,
    HEARD = LANES * STEADY * WORDS, /* by each steady member */
    NAME = 64,
};

struct client {
    char jid[NAME];
    char occupant[NAME]; /* room@service/nick */
    char to[NAME];       /* what stands in each stanza for it */
    unsigned room;
    uint32_t generation;
    bool steady;
    bool inside;  /* has asked to enter */
    bool entered; /* has been told so */
    unsigned said;
    unsigned heard;
    uint32_t order[HEARD]; /* steady: what it heard, as numbers */
};

struct lane_agent {
    struct agent agent;
    uint16_t number;
    struct mailbox *mailbox;
    struct proxy *proxy;
    struct client clients[CLIENTS];
    uint64_t random;
    unsigned entered; /* steady members */
    unsigned shards_done;
    bool told_ready, told_finished;
    uint64_t delivered;
};

static struct exchange *exchange;
static struct directory *directory;
static struct lane_agent lanes[LANES];
static _Atomic unsigned lanes_ready;    /* their steady members are inside */
static _Atomic unsigned lanes_finished; /* their steady members have heard everything */
static _Atomic unsigned all_done;       /* shards have said goodbye */

static uint64_t random_below(struct lane_agent *lane, uint64_t end)
{
    lane->random = lane->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (lane->random >> 20) % end;
}

/* ---- speaking ---- */

static struct route route_of(const struct lane_agent *lane, const struct client *client)
{
    return (struct route){
        .slot = (uint32_t)(client - lane->clients),
        .generation = client->generation,
        .lane = lane->number,
    };
}

static void say(struct lane_agent *lane, const struct client *client, const char *to,
                const char *xml)
{
    struct stanza *stanza = stanza_parse(str_z(xml));
    struct jid *from = jid_parse(NULL, str_z(client->jid));
    struct jid *target = jid_parse(NULL, str_z(to));
    ensure(stanza != NULL && from != NULL && target != NULL);
    unsigned shard = proxy_shard(lane->proxy, from, target);
    proxy_stanza(lane->proxy, shard, stanza, from, target, route_of(lane, client));
}

static void room_name(char *name, unsigned room)
{
    snprintf(name, NAME, "room%u@" LANES_SERVICE, room);
}

static void enter(struct lane_agent *lane, struct client *client)
{
    say(lane, client, client->occupant,
        "<presence><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
        "</presence>");
    client->inside = true;
}

static void speak(struct lane_agent *lane, struct client *client)
{
    char room[NAME], xml[200];
    unsigned number = ((unsigned)(client - lane->clients) * LANES + lane->number) * WORDS;
    room_name(room, client->room);
    snprintf(xml, sizeof(xml), "<message type='groupchat'><body>word %u</body></message>",
             number + client->said++);
    say(lane, client, room, xml);
}

/* Goes politely, or its connection breaks. Its slot gets a new generation either way. */
static void go(struct lane_agent *lane, struct client *client)
{
    if (random_below(lane, 2) == 0) {
        say(lane, client, client->occupant, "<presence type='unavailable'/>");
    } else {
        struct jid *jid = jid_parse(NULL, str_z(client->jid));
        struct jid *room = jid_parse(NULL, str_z(client->occupant));
        proxy_session_gone(lane->proxy, jid, room, route_of(lane, client), false);
        jid_free(jid);
        jid_free(room);
    }
    client->inside = false;
    client->generation++;
}

static bool may_speak(const struct lane_agent *lane, const struct client *client)
{
    struct jid *room = jid_parse(NULL, str_z(client->occupant));
    bool may = proxy_has_credit(lane->proxy, proxy_shard(lane->proxy, room, room));
    jid_free(room);
    return may;
}

/* One thing somebody on this lane does; false: nothing to do. */
static bool act(struct lane_agent *lane)
{
    struct client *client = &lane->clients[random_below(lane, CLIENTS)];
    if (!may_speak(lane, client))
        return false;
    if (!client->inside) {
        enter(lane, client);
        return true;
    }
    if (atomic_load(&lanes_ready) < LANES || lane->told_finished)
        return false;
    if (!client->steady) {
        go(lane, client);
        return true;
    }
    if (client->said == WORDS)
        return false;
    speak(lane, client);
    return true;
}

/* ---- hearing ---- */

static void steady_hears(struct lane_agent *lane, struct client *client, const char *text)
{
    const char *body = strstr(text, "<body>word ");
    if (body == NULL) {
        bool own = strstr(text, "code='110'") != NULL;
        lane->entered += own && !client->entered;
        client->entered |= own;
        return;
    }
    ensure(client->heard < HEARD);
    client->order[client->heard++] = (uint32_t)strtoul(body + strlen("<body>word "), NULL, 10);
}

static void hear(void *self, struct route route, const char *text)
{
    struct lane_agent *lane = self;
    ensure(route.lane == lane->number && route.slot < CLIENTS);
    struct client *client = &lane->clients[route.slot];
    ensure(strstr(text, client->to) != NULL);
    lane->delivered++;
    if (client->steady)
        steady_hears(lane, client, text);
}

static void on_message(void *self, struct mail *mail)
{
    struct lane_agent *lane = self;
    struct message *message = container_of(mail, struct message, mail);
    if (message->kind == MSG_DELIVERIES) {
        for (uint32_t i = 0; i < message->deliveries.count; i++) {
            delivery_expand(&message->deliveries.at[i], lane->number, hear, lane);
            proxy_expanded(lane->proxy, message->deliveries.shard, message->deliveries.at[i].cost);
        }
    } else if (message->kind == MSG_CREDIT) {
        proxy_credit(lane->proxy, message->credit.shard, message->credit.cost);
    } else {
        ensure(message->kind == MSG_SHARD_DONE && lane->number == 0);
        atomic_fetch_add(&all_done, 1);
    }
    message_free(message);
}

static void tell(struct lane_agent *lane)
{
    if (!lane->told_ready && lane->entered == ROOMS * STEADY) {
        lane->told_ready = true;
        atomic_fetch_add(&lanes_ready, 1);
    }
    if (lane->told_finished)
        return;
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (lane->clients[i].steady && lane->clients[i].heard < HEARD)
            return;
    }
    lane->told_finished = true;
    atomic_fetch_add(&lanes_finished, 1);
}

static int lane_work(void *self)
{
    struct lane_agent *lane = self;
    bool more = false;
    unsigned count = mailbox_drain(lane->mailbox, on_message, lane, 64, &more);
    for (unsigned i = 0; i < 8; i++)
        count += act(lane);
    proxy_ring(lane->proxy);
    proxy_flush(lane->proxy);
    tell(lane);
    return (int)count + more;
}

static void lane_wait(void *self, int work, int timeout_ms)
{
    const struct lane_agent *lane = self;
    UNUSED(timeout_ms);
    if (work == 0)
        mailbox_wait(lane->mailbox, 1); /* whoever may act now is drawn by lot: look again soon */
}

/* ---- the house ---- */

static void client_init(struct lane_agent *lane, unsigned i)
{
    struct client *client = &lane->clients[i];
    client->room = i / PER_ROOM;
    client->steady = i % PER_ROOM < STEADY;
    snprintf(client->jid, NAME, "u%u-%u@example.org/x", lane->number, i);
    snprintf(client->to, NAME, " to='u%u-%u@example.org/x'", lane->number, i);
    snprintf(client->occupant, NAME, "room%u@" LANES_SERVICE "/n%u-%u", client->room, lane->number,
             i);
}

static void lane_init(uint16_t number, const struct hash_key *key)
{
    struct lane_agent *lane = &lanes[number];
    int err = 0;
    *lane = (struct lane_agent){.number = number, .random = number + 1};
    lane->mailbox = mailbox_new(&err);
    ensure(lane->mailbox != NULL);
    exchange_set_lane(exchange, number, lane->mailbox);
    lane->proxy = proxy_new(exchange, key, number);
    lane->agent =
        (struct agent){.name = "lane", .self = lane, .do_work = lane_work, .wait = lane_wait};
    for (unsigned i = 0; i < CLIENTS; i++)
        client_init(lane, i);
}

static void drop(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

static void lane_fini(struct lane_agent *lane)
{
    bool more = true;
    agent_stop(&lane->agent);
    agent_join(&lane->agent);
    exchange_set_lane(exchange, lane->number, NULL);
    while (more)
        mailbox_drain(lane->mailbox, drop, NULL, 1000, &more);
    mailbox_free(lane->mailbox);
    proxy_free(lane->proxy);
}

static struct shard *shard_start(unsigned number)
{
    int err = 0;
    struct shard_setup setup = {
        .number = number,
        .exchange = exchange,
        .directory = directory,
        .envs = lanes_env(),
        .env_count = 1,
        .placement_key = &lanes_env()->hash_key,
        .random = lanes_random,
    };
    struct shard *shard = shard_new(&setup, &err);
    assert_non_null(shard);
    assert_int_equal(agent_start(shard_agent(shard)), 0);
    return shard;
}

static void await(_Atomic unsigned *count, unsigned expected)
{
    int64_t begin_ms = clock_mono_ms();
    while (atomic_load(count) < expected) {
        assert_true(clock_mono_ms() - begin_ms < 300000);
        sched_yield();
    }
}

/* All steady members of a room, whatever their lane, heard the same. */
static void check_order(unsigned room)
{
    const struct client *first = &lanes[0].clients[room * PER_ROOM];
    for (unsigned lane = 0; lane < LANES; lane++) {
        for (unsigned i = 0; i < STEADY; i++) {
            const struct client *client = &lanes[lane].clients[room * PER_ROOM + i];
            assert_int_equal(client->heard, HEARD);
            assert_memory_equal(client->order, first->order, sizeof(first->order));
        }
    }
}

/* Nothing twice, nothing missing, and each speaker's words in its order. */
static void check_words(unsigned room)
{
    const struct client *first = &lanes[0].clients[room * PER_ROOM];
    unsigned next[CLIENTS * LANES] = {0};
    for (unsigned i = 0; i < HEARD; i++) {
        unsigned speaker = first->order[i] / WORDS;
        assert_in_range(speaker, 0, CLIENTS * LANES - 1);
        assert_int_equal(first->order[i] % WORDS, next[speaker]);
        next[speaker]++;
    }
}

static void everybody_hears_the_same(void **state)
{
    UNUSED(state);
    static const struct hash_key key = {31, 32};
    struct shard *shards[SHARDS];
    exchange = exchange_new();
    directory = directory_new(&key);
    for (unsigned i = 0; i < SHARDS; i++)
        shards[i] = shard_start(i);
    for (uint16_t i = 0; i < LANES; i++)
        lane_init(i, &key);
    for (unsigned i = 0; i < LANES; i++)
        assert_int_equal(agent_start(&lanes[i].agent), 0);

    await(&lanes_finished, LANES);
    for (unsigned i = 0; i < SHARDS; i++)
        post_shard(exchange, i, message_new(MSG_SHUTDOWN));
    await(&all_done, SHARDS);
    for (unsigned i = 0; i < LANES; i++)
        lane_fini(&lanes[i]);
    for (unsigned i = 0; i < SHARDS; i++) {
        agent_stop(shard_agent(shards[i]));
        agent_join(shard_agent(shards[i]));
        shard_free(shards[i]);
    }
    for (unsigned room = 0; room < ROOMS; room++) {
        check_order(room);
        check_words(room);
    }
    assert_int_equal(directory_room_count(directory), 0);
    directory_free(directory);
    exchange_free(exchange);
}

static int group_begin(void **state)
{
    UNUSED(state);
    agent_register_thread();
    lanes_env();
    return prep_init();
}

static int group_end(void **state)
{
    UNUSED(state);
    lanes_env_free();
    prep_fini();
    agent_unregister_thread();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_hears_the_same),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
