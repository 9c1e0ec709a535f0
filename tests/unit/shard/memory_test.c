/*
 * What those inside cost, when all is said and the shard has come to rest: everything that is still
 * allocated is counted, whoever allocated it.
 */
#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xmpp/prep.h"
#include "shard/shard.h"
#include "tests/support/heap.h"
#include "tests/support/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct exchange *exchange;
static struct directory *directory;
static struct fake_lane lane;
static struct shard *shard;

static int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    exchange = exchange_new();
    directory = directory_new(&lanes_env()->hash_key);
    fake_lane_open(&lane, exchange, 0);
    struct shard_setup setup = {
        .exchange = exchange,
        .directory = directory,
        .envs = lanes_env(),
        .env_count = 1,
        .placement_key = &lanes_env()->hash_key,
        .random = lanes_random,
    };
    shard = shard_new(&setup, &err);
    return err;
}

static int end(void **state)
{
    UNUSED(state);
    shard_free(shard);
    fake_lane_close(&lane);
    directory_free(directory);
    exchange_free(exchange);
    return 0;
}

static struct jid *jid(const char *text)
{
    struct jid *made = jid_parse(NULL, str_z(text));
    ensure(made != NULL);
    return made;
}

/* What comes out is thrown away, and the shard is told that its lane has room. */
static void forget_output(void)
{
    fake_lane_drain(&lane);
    for (struct message *message; (message = fake_lane_next(&lane)) != NULL;) {
        for (uint32_t i = 0; message->kind == MSG_DELIVERIES && i < message->deliveries.count;
             i++) {
            struct message *credit = message_new(MSG_LANE_CREDIT);
            credit->lane_credit.cost = message->deliveries.at[i].cost;
            ensure(post_shard(exchange, 0, credit));
        }
        message_free(message);
    }
}

static void post(unsigned user, unsigned room, const char *xml)
{
    char from[64], to[64];
    snprintf(from, sizeof(from), "u%u@users.localhost/r", user);
    snprintf(to, sizeof(to), "room%u@" LANES_SERVICE "/u%u", room, user);
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(str_z(xml));
    message->stanza.from = jid(from);
    message->stanza.to = jid(to);
    message->stanza.route = (struct route){.slot = 1, .generation = 1, .lane = 0};
    message->stanza.lane = LANE_NONE;
    ensure(message->stanza.stanza != NULL && post_shard(exchange, 0, message));
}

static void enter(unsigned user, unsigned room)
{
    post(user, room, "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>");
    agent_step(shard_agent(shard));
}

static void leave(unsigned user, unsigned room)
{
    post(user, room, "<presence type='unavailable'/>");
    agent_step(shard_agent(shard));
}

/* Presence of a large room may still wait for company. */
static size_t heap_at_rest(void)
{
    struct agent *agent = shard_agent(shard);
    agent->now_us += 2 * PRESENCE_WINDOW_US;
    for (unsigned i = 0; i < 3; i++) {
        agent_step(agent);
        forget_output();
    }
    agent->rest(agent->self);
    return heap_bytes();
}

/* Whatever is made at first use, by us or by libraries, is made before it counts. */
static void warm_up(unsigned users)
{
    for (unsigned i = 0; i < users; i++)
        enter(i, 0);
    for (unsigned i = 0; i < users; i++)
        leave(i, 0);
}

static size_t cost_of_room(unsigned occupants)
{
    size_t before = heap_at_rest();
    for (unsigned i = 0; i < occupants; i++) {
        enter(i, 1);
        forget_output();
    }
    return heap_at_rest() - before;
}

static void an_occupant_of_a_large_room(void **state)
{
    UNUSED(state);
    enum { OCCUPANTS = 1000, EACH_MAX = 920 };
    warm_up(3);
    size_t bytes = cost_of_room(OCCUPANTS);
    print_message("%zu bytes for each of %d occupants\n", bytes / OCCUPANTS, OCCUPANTS);
    assert_in_range(bytes / OCCUPANTS, 300, EACH_MAX);
}

static void a_room_of_two(void **state)
{
    UNUSED(state);
    enum { ROOMS = 500, EACH_MAX = 2700 };
    warm_up(3);
    size_t before = heap_at_rest();
    for (unsigned i = 0; i < ROOMS; i++) {
        enter(2 * i, i + 1);
        enter(2 * i + 1, i + 1);
        forget_output();
    }
    size_t bytes = heap_at_rest() - before;
    assert_int_equal(shard_room_count(shard), ROOMS);
    print_message("%zu bytes for each of %d rooms of two\n", bytes / ROOMS, ROOMS);
    assert_in_range(bytes / ROOMS, 600, EACH_MAX);
}

/* Those who have left leave nothing behind. */
static void who_has_left(void **state)
{
    UNUSED(state);
    enum { OCCUPANTS = 700, LEFT_MAX = 2048 };
    warm_up(OCCUPANTS);
    size_t before = heap_at_rest();
    cost_of_room(OCCUPANTS);
    for (unsigned i = 0; i < OCCUPANTS; i++)
        leave(i, 1);
    size_t after = heap_at_rest();
    assert_int_equal(shard_room_count(shard), 0);
    assert_true(after < before + LEFT_MAX);
}

/* Lists of who is here that nobody has taken yet are as good as nothing, however many are inside:
 * before they were snapshots, 20,000 who entered at once needed 2 GB. */
static void lists_that_wait(void **state)
{
    UNUSED(state);
    enum { INSIDE = 1000, MORE = 200, EACH_MAX = 4096 };
    warm_up(3);
    cost_of_room(INSIDE);
    size_t before = heap_at_rest();
    for (unsigned i = INSIDE; i < INSIDE + MORE; i++)
        enter(i, 1);
    size_t bytes = heap_bytes() - before;
    print_message("%zu bytes for each of %d who wait\n", bytes / MORE, MORE);
    assert_true(bytes / MORE < EACH_MAX);
    forget_output();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_occupant_of_a_large_room),
        TEST(a_room_of_two),
        TEST(who_has_left),
        TEST(lists_that_wait),
    };
    if (prep_init() < 0)
        return 1;
    agent_register_thread();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    agent_unregister_thread();
    lanes_env_free();
    prep_fini();
    return failed;
}
