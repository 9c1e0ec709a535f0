/*
 * Where rooms live: evenly spread, moved as little as possible, and not to be foreseen without the
 * key.
 */
#include "shard/placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { ROOMS = 50000, SHARDS = 16 };

static const struct hash_key key = {0x0123456789abcdef, 0xfedcba9876543210};
static const struct hash_key other_key = {1, 2};

static unsigned place(const struct hash_key *with, unsigned room, unsigned shards)
{
    char name[40];
    int len = snprintf(name, sizeof(name), "room-%u@rooms.example", room);
    return placement_shard(with, str_of(name, (size_t)len), shards);
}

static void spreads_evenly(void **state)
{
    UNUSED(state);
    unsigned count[SHARDS] = {0};
    for (unsigned room = 0; room < ROOMS; room++) {
        unsigned shard = place(&key, room, SHARDS);
        assert_in_range(shard, 0, SHARDS - 1);
        count[shard]++;
    }
    for (unsigned shard = 0; shard < SHARDS; shard++)
        assert_in_range(count[shard], ROOMS / SHARDS * 9 / 10, ROOMS / SHARDS * 11 / 10);
}

static void one_shard_has_all(void **state)
{
    UNUSED(state);
    for (unsigned room = 0; room < 100; room++)
        assert_int_equal(place(&key, room, 1), 0);
}

static void another_shard_moves_few(void **state)
{
    UNUSED(state);
    unsigned moved = 0;
    for (unsigned room = 0; room < ROOMS; room++) {
        unsigned before = place(&key, room, SHARDS);
        unsigned after = place(&key, room, SHARDS + 1);
        assert_true(after == before || after == SHARDS);
        moved += after != before;
    }
    assert_in_range(moved, ROOMS / (SHARDS + 1) * 9 / 10, ROOMS / (SHARDS + 1) * 11 / 10);
}

static void depends_on_the_key(void **state)
{
    UNUSED(state);
    unsigned same = 0;
    for (unsigned room = 0; room < ROOMS; room++)
        same += place(&key, room, SHARDS) == place(&other_key, room, SHARDS);
    assert_in_range(same, ROOMS / SHARDS * 9 / 10, ROOMS / SHARDS * 11 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spreads_evenly),
        cmocka_unit_test(one_shard_has_all),
        cmocka_unit_test(another_shard_moves_few),
        cmocka_unit_test(depends_on_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
