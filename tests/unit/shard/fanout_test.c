/*
 * The fan-out: one message per lane and cycle, in the order of the rooms, counted exactly; every
 * reference comes back.
 */
#include "shard/fanout.h"

#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/runtime/agent.h"
#include "tests/support/agent_thread.h"
#include "tests/support/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct exchange *exchange;
static struct arena *arena;
static struct fake_lane lanes[3];
static struct fanout fanout;

static int begin(void **state)
{
    UNUSED(state);
    exchange = exchange_new();
    arena = arena_new(4096);
    for (uint16_t i = 0; i < 3; i++)
        fake_lane_open(&lanes[i], exchange, i);
    fanout_init(&fanout, exchange, 7);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    fanout_fini(&fanout);
    for (unsigned i = 0; i < 3; i++)
        fake_lane_close(&lanes[i]);
    exchange_free(exchange);
    arena_free(arena);
    return 0;
}

static struct frame *frame_made(const char *body)
{
    struct fb fb;
    fb_begin(&fb, arena, "message", STR_NONE, STR_NONE, STR_NONE);
    fb_text(&fb, str_z(body));
    return fb_finish(&fb);
}

static struct route route(uint32_t slot, uint16_t lane)
{
    return (struct route){.slot = slot, .generation = 1, .lane = lane};
}

/* Sessions 0 to count-1 on that lane, slots alike. */
static void seat(struct roster **roster, uint16_t lane, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        char jid[32];
        int len = snprintf(jid, sizeof(jid), "u%u@example.org", i);
        struct address *address = address_new(str_of(jid, (size_t)len));
        roster_add(roster, route(i, lane), address, i, i, ROSTER_PARTICIPANT);
        address_unref(address);
    }
}

static uint32_t kib(uint64_t bytes)
{
    return (uint32_t)((bytes + 1023) / 1024);
}

/* The next message of a lane, which must be deliveries. */
static struct message *deliveries(struct fake_lane *lane, uint32_t count)
{
    fake_lane_drain(lane);
    struct message *message = fake_lane_next(lane);
    assert_non_null(message);
    assert_int_equal(message->kind, MSG_DELIVERIES);
    assert_int_equal(message->deliveries.shard, 7);
    assert_int_equal(message->deliveries.count, count);
    assert_null(fake_lane_next(lane));
    return message;
}

static void a_broadcast_is_shared(void **state)
{
    UNUSED(state);
    struct frame *frame = frame_made("hello");
    struct roster *roster = roster_new();
    seat(&roster, 0, 0, 100);
    seat(&roster, 2, 100, 3);
    fanout_broadcast(&fanout, 5, frame_ref(frame), roster_ref(roster),
                     (struct audience){ROSTER_PARTICIPANT, 9});
    /* One count per lane that has somebody, however many they are. */
    assert_int_equal(atomic_load(&frame->refs), 1 + 2);
    assert_int_equal(fake_lane_drain(&lanes[0]), 0);
    fanout_flush(&fanout);
    fanout_flush(&fanout);

    struct message *first = deliveries(&lanes[0], 1);
    struct message *third = deliveries(&lanes[2], 1);
    assert_int_equal(fake_lane_drain(&lanes[1]), 0);
    const struct delivery *delivery = &first->deliveries.at[0];
    assert_int_equal(delivery->kind, DELIVER_BROADCAST);
    assert_int_equal(delivery->room, 5);
    assert_ptr_equal(delivery->frame, frame);
    assert_int_equal(delivery->audience.any_of, ROSTER_PARTICIPANT);
    assert_int_equal(delivery->audience.except, 9);
    assert_int_equal(delivery->cost, kib(100 * ((uint64_t)frame->size + 48)));
    assert_int_equal(third->deliveries.at[0].cost, kib(3 * ((uint64_t)frame->size + 48)));

    message_free(first);
    message_free(third);
    assert_int_equal(atomic_load(&frame->refs), 1);
    frame_unref(frame);
    roster_unref(roster);
}

static void nobody_there(void **state)
{
    UNUSED(state);
    struct frame *frame = frame_made("hello");
    struct address *address = address_new(STR("u@example.org"));
    struct listed_frame listed = {.frame = frame_ref(frame), .tail = STR_NONE};
    fanout_broadcast(&fanout, 1, frame_ref(frame), roster_new(), AUDIENCE_ALL);
    fanout_one(&fanout, 1, ROUTE_NONE, frame_ref(frame), address_ref(address));
    fanout_list(&fanout, 1, ROUTE_NONE, &listed, 1, address_ref(address));
    fanout_flush(&fanout);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fake_lane_drain(&lanes[i]), 0);
    assert_int_equal(atomic_load(&frame->refs), 1);
    assert_int_equal(atomic_load(&address->refs), 1);
    frame_unref(frame);
    address_unref(address);
}

static void order_and_one_message_per_cycle(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    struct address *address = address_new(STR("u0@example.org"));
    seat(&roster, 0, 0, 2);
    seat(&roster, 1, 2, 1);
    struct listed_frame list[] = {
        {.frame = frame_made("c"), .tail = STR_NONE},
        {.frame = frame_made("d"), .tail = str_in(arena, STR("<late/>"))},
    };
    fanout_one(&fanout, 1, route(0, 0), frame_made("a"), address_ref(address));
    fanout_broadcast(&fanout, 1, frame_made("b"), roster_ref(roster), AUDIENCE_ALL);
    fanout_list(&fanout, 2, route(0, 0), list, 2, address_ref(address));
    fanout_broadcast(&fanout, 2, frame_made("e"), roster_ref(roster), AUDIENCE_ALL);
    arena_reset(arena); /* texts of effects live no longer than their step */
    fanout_flush(&fanout);
    fanout_one(&fanout, 1, route(0, 0), frame_made("f"), address_ref(address));
    fanout_flush(&fanout);

    assert_int_equal(fake_lane_drain(&lanes[0]), 2);
    assert_int_equal(fake_lane_drain(&lanes[1]), 1);
    uint32_t cost = 0;
    char *text = fake_lane_read(&lanes[0], &cost);
    assert_string_equal(text, "0 <message to='u0@example.org'>a</message>\n"
                              "0 <message to='u0@example.org'>b</message>\n"
                              "1 <message to='u1@example.org'>b</message>\n"
                              "0 <message to='u0@example.org'>c</message>\n"
                              "0 <message to='u0@example.org'>d<late/></message>\n"
                              "0 <message to='u0@example.org'>e</message>\n"
                              "1 <message to='u1@example.org'>e</message>\n"
                              "0 <message to='u0@example.org'>f</message>\n");
    assert_int_equal(cost, 5);
    mem_free(text);
    text = fake_lane_read(&lanes[1], &cost);
    assert_string_equal(text, "2 <message to='u2@example.org'>b</message>\n"
                              "2 <message to='u2@example.org'>e</message>\n");
    mem_free(text);
    assert_int_equal(atomic_load(&address->refs), 1);
    address_unref(address);
    roster_unref(roster);
}

static void one_of(struct fanout *to, uint16_t lane, const char *body)
{
    fanout_one(to, 1, route(1, lane), frame_made(body), address_new(STR("u@example.org")));
}

/* The lane's backlog is exactly what it was given and has not given back. */
static void overload_begins_and_ends(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    struct frame *frame = frame_made("just some text");
    uint32_t listeners = 1024;
    seat(&roster, 1, 0, listeners);
    uint32_t each = kib((uint64_t)listeners * (frame->size + 48));
    uint32_t posted = 0;
    while (posted + each <= LANE_BACKLOG_MAX) {
        fanout_broadcast(&fanout, 1, frame_ref(frame), roster_ref(roster), AUDIENCE_ALL);
        posted += each;
    }
    fanout_flush(&fanout);
    assert_false(fanout_overloaded(&fanout));
    while (posted <= LANE_BACKLOG_MAX) {
        one_of(&fanout, 1, "x");
        posted++;
    }
    assert_true(fanout_overloaded(&fanout));
    one_of(&fanout, 0, "others are not in the way");
    fanout_flush(&fanout);
    fanout_lane_credit(&fanout, 0, 1);
    assert_true(fanout_overloaded(&fanout));
    fanout_lane_credit(&fanout, 1, 1);
    assert_false(fanout_overloaded(&fanout));

    uint32_t cost = 0;
    mem_free(fake_lane_read(&lanes[1], &cost));
    assert_int_equal(cost, posted);
    fanout_lane_credit(&fanout, 1, posted - 1);
    assert_int_equal(atomic_load(&frame->refs), 1);
    frame_unref(frame);
    roster_unref(roster);
}

/* A lane that is gone takes its backlog along. */
static void a_lane_that_is_gone(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    seat(&roster, 9, 0, 2000);
    while (!fanout_overloaded(&fanout))
        fanout_broadcast(&fanout, 1, frame_made("x"), roster_ref(roster), AUDIENCE_ALL);
    fanout_flush(&fanout);
    assert_false(fanout_overloaded(&fanout));
    fanout_lane_credit(&fanout, 9, 5); /* was on its way when it went */
    roster_unref(roster);
}

/* What was gathered and never flushed is dropped with everything it holds. */
static void dropped_at_the_end(void **state)
{
    UNUSED(state);
    struct frame *frame = frame_made("x");
    fanout_one(&fanout, 1, route(0, 0), frame_ref(frame), address_new(STR("u@example.org")));
    assert_int_equal(atomic_load(&frame->refs), 2);
    fanout_fini(&fanout);
    fanout_init(&fanout, exchange, 7);
    assert_int_equal(atomic_load(&frame->refs), 1);
    frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_broadcast_is_shared, begin, end),
        cmocka_unit_test_setup_teardown(nobody_there, begin, end),
        cmocka_unit_test_setup_teardown(order_and_one_message_per_cycle, begin, end),
        cmocka_unit_test_setup_teardown(overload_begins_and_ends, begin, end),
        cmocka_unit_test_setup_teardown(a_lane_that_is_gone, begin, end),
        cmocka_unit_test_setup_teardown(dropped_at_the_end, begin, end),
    };
    return cmocka_run_group_tests(tests, agent_thread_begin, agent_thread_end);
}
