/* Whose stanzas a link's host may not have: what was queued behind what it has taken. */
#include "net/unread.h"

#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct unread unread;
static struct outbox outbox; /* only counted, never filled */

static int begin(void **state)
{
    (void)state;
    unread = (struct unread){0};
    outbox = (struct outbox){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    unread_fini(&unread);
    return 0;
}

static void queue(uint64_t room, size_t bytes)
{
    outbox.bytes += bytes;
    unread_note(&unread, room, &outbox);
}

static void written(size_t bytes)
{
    outbox.bytes -= bytes;
    outbox.sent += bytes;
}

static void next_is(uint64_t read, uint64_t expected)
{
    uint64_t room = 0;
    assert_true(unread_take(&unread, read, &room));
    assert_int_equal(room, expected);
}

static void only_what_is_behind_counts(void **state)
{
    (void)state;
    uint64_t room;
    queue(1, 100);
    queue(2, 100);
    queue(2, 100);
    queue(3, 100);
    written(250); /* in the middle of the second one's */
    next_is(outbox.sent, 2);
    next_is(outbox.sent, 3);
    assert_false(unread_take(&unread, outbox.sent, &room));
    queue(1, 100);
    written(250);
    assert_false(unread_take(&unread, outbox.sent, &room)); /* it has everything */
}

static void what_was_written_may_be_unread(void **state)
{
    (void)state;
    queue(1, 100);
    queue(2, 100);
    written(200);
    next_is(outbox.sent - 1, 2);
    queue(1, 100);
    queue(2, 100);
    written(200);
    next_is(outbox.sent - 101, 1);
    next_is(outbox.sent - 101, 2);
}

static void the_ring_grows_and_goes_round(void **state)
{
    (void)state;
    uint64_t taken = 0;
    for (uint64_t room = 1; room <= 1000; room++) {
        queue(room, 10);
        if (room % 3 == 0)
            next_is(0, ++taken);
    }
    while (taken < 1000)
        next_is(0, ++taken);
    uint64_t room;
    assert_false(unread_take(&unread, 0, &room));
}

static void the_far_past_is_forgotten(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        queue(i % 2 + 1, 1000);
        written(1000);
    }
    assert_in_range(unread.count, LINK_UNACKED_MAX / 1000, LINK_UNACKED_MAX / 1000 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_is_behind_counts, begin, end),
        cmocka_unit_test_setup_teardown(what_was_written_may_be_unread, begin, end),
        cmocka_unit_test_setup_teardown(the_ring_grows_and_goes_round, begin, end),
        cmocka_unit_test_setup_teardown(the_far_past_is_forgotten, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
