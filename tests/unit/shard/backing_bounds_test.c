/*
 * A shard with a store of which more is wanted than it can do: what waits has an end, what comes
 * beyond is told so, and what is done at last is done for all.
 */
#include "tests/support/backed_shard.h"

/* ---- rooms that are looked for ---- */

#define DISCO "<iq type='get' id='%u'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"

/* Somebody asks addresses that he has made up. */
static void ask_rooms(unsigned from, unsigned to)
{
    char room[64], xml[200];
    for (unsigned i = from; i < to; i++) {
        snprintf(room, sizeof(room), "r%u@" LANES_SERVICE, i);
        snprintf(xml, sizeof(xml), DISCO, i);
        say(JULIET, room, xml);
    }
}

/* Of Juliet's lane, what has come back. */
static unsigned credits_back(void)
{
    struct message *message;
    unsigned count = 0;
    while ((message = fake_lane_next(&lanes[1])) != NULL) {
        if (message->kind == MSG_CREDIT)
            count += message->credit.cost;
        message_free(message);
    }
    return count;
}

static void no_more_rooms_are_looked_for_than_may_wait(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < SHARD_PARKED_MAX; i += 1000) {
        ask_rooms(i, i + 1000);
        step();
        assert_string_equal(heard(1), "");
    }
    ask_rooms(SHARD_PARKED_MAX, SHARD_PARKED_MAX + 2);
    say(JULIET, "r0@" LANES_SERVICE, "<presence type='unavailable'/>");
    step();
    const char *text = heard(1);
    in_order(text, "from='r50000@" LANES_SERVICE "'", "type='error' id='50000'",
             "<resource-constraint", "id='50001'", NULL);
    assert_int_equal(shard_room_count(shard), SHARD_PARKED_MAX);
    for (unsigned i = 0; i < SHARD_PARKED_MAX / 1000; i++) {
        settle();
        forget_heard();
    }
    assert_int_equal(shard_room_count(shard), 0);
    ask_rooms(0, 1);
    settle();
    in_order(heard(1), "type='error' id='0'", "<item-not-found", NULL);
}

/* Who makes rooms be looked for is slowed down to what the store can find. */
static void credits_wait_for_rooms_that_are_looked_for(void **state)
{
    UNUSED(state);
    ask_rooms(0, ROOM_LOADS_MAX);
    step();
    heard(1);
    unsigned back = credits_back();
    assert_int_equal(back, ROOM_LOADS_MAX);
    ask_rooms(ROOM_LOADS_MAX, ROOM_LOADS_MAX + 1);
    step();
    step();
    heard(1);
    assert_int_equal(credits_back(), 0);
    settle();
    heard(1);
    assert_int_equal(credits_back(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_more_rooms_are_looked_for_than_may_wait, begin, end),
        cmocka_unit_test_setup_teardown(credits_wait_for_rooms_that_are_looked_for, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
