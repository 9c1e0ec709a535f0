/* Turns: order within a room, fairness between rooms. */
#include "net/turns.h"

#include "core/base/base.h"
#include "core/base/ensure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOMS 7

struct entry {
    struct turns_item item;
    uint64_t room;
    unsigned number; /* of its room */
};

static const struct hash_key key = {5, 6};
static struct turns turns;
static unsigned added[ROOMS], taken[ROOMS];

static int begin(void **state)
{
    UNUSED(state);
    turns_init(&turns, &key);
    memset(added, 0, sizeof(added));
    memset(taken, 0, sizeof(taken));
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    turns_fini(&turns);
    return 0;
}

static void add(uint64_t room, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct entry *entry = malloc(sizeof(*entry));
        ensure(entry != NULL);
        entry->room = room;
        entry->number = added[room]++;
        turns_add(&turns, room, &entry->item);
    }
}

/* Takes the first one, which must be its room's next; returns the room. */
static uint64_t take(bool *more)
{
    struct entry *entry = container_of(turns_first(&turns), struct entry, item);
    uint64_t room = entry->room;
    assert_int_equal(entry->number, taken[room]);
    taken[room]++;
    *more = turns_take(&turns);
    assert_int_equal(*more, taken[room] < added[room]);
    free(entry);
    return room;
}

static void expect_room(uint64_t room)
{
    bool more;
    assert_int_equal(take(&more), room);
}

static void nothing_waits_at_first(void **state)
{
    UNUSED(state);
    assert_true(turns_is_empty(&turns));
    assert_null(turns_first(&turns));
}

static void a_room_keeps_its_turn_until_it_is_passed(void **state)
{
    UNUSED(state);
    add(1, 3);
    add(2, 2);
    expect_room(1);
    expect_room(1);
    turns_pass(&turns);
    expect_room(2);
    turns_pass(&turns);
    expect_room(1);
    expect_room(2);
    assert_true(turns_is_empty(&turns));
}

static void who_comes_new_stands_behind_those_that_wait(void **state)
{
    UNUSED(state);
    add(1, 2);
    add(2, 1);
    expect_room(1);
    add(3, 1);
    add(1, 5); /* its place in the row is not a later one for that */
    turns_pass(&turns);
    add(4, 1);
    expect_room(2);
    expect_room(3);
    for (unsigned i = 0; i < 6; i++)
        expect_room(1);
    expect_room(4);
    assert_true(turns_is_empty(&turns));
    add(1, 1); /* a room that was through begins again */
    expect_room(1);
}

static void passing_alone_changes_nothing(void **state)
{
    UNUSED(state);
    add(5, 3);
    for (unsigned i = 0; i < 3; i++) {
        turns_pass(&turns);
        expect_room(5);
    }
}

/* However much others have, a room is through after as many rounds as it has items, if each turn is
 * one item long. */
static void nobody_waits_longer_than_a_round(void **state)
{
    UNUSED(state);
    add(0, 1000);
    add(1, 500);
    for (uint64_t room = 2; room < ROOMS; room++)
        add(room, 2);
    bool more;
    for (unsigned i = 0; i < 2 * ROOMS; i++) {
        take(&more);
        if (more)
            turns_pass(&turns);
    }
    assert_int_equal(taken[0], 2);
    assert_int_equal(taken[1], 2);
    for (uint64_t room = 2; room < ROOMS; room++)
        assert_int_equal(taken[room], 2);
    while (!turns_is_empty(&turns))
        take(&more);
    assert_int_equal(taken[0], 1000);
    assert_int_equal(taken[1], 500);
}

static void order_holds_whatever_happens(void **state)
{
    UNUSED(state);
    uint64_t chance = 1;
    bool more;
    for (unsigned i = 0; i < 100000; i++) {
        chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
        unsigned what = (unsigned)(chance >> 33) % 5;
        if (what < 2)
            add((chance >> 40) % ROOMS, 1);
        else if (what < 4 && !turns_is_empty(&turns))
            take(&more);
        else if (!turns_is_empty(&turns))
            turns_pass(&turns);
    }
    while (!turns_is_empty(&turns))
        take(&more);
    assert_memory_equal(added, taken, sizeof(added));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_waits_at_first, begin, end),
        cmocka_unit_test_setup_teardown(a_room_keeps_its_turn_until_it_is_passed, begin, end),
        cmocka_unit_test_setup_teardown(who_comes_new_stands_behind_those_that_wait, begin, end),
        cmocka_unit_test_setup_teardown(passing_alone_changes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(nobody_waits_longer_than_a_round, begin, end),
        cmocka_unit_test_setup_teardown(order_holds_whatever_happens, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
