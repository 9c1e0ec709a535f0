/*
 * The hash map: against a plain model, order of insertion, holes, and what an empty map owns.
 */
#include "core/base/map.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ITEMS 512

static const struct hash_key key = {1, 2};

struct item {
    char name[16];
    struct str key;
    unsigned order; /* of insertion; 0: not in the map */
};

static struct item items[ITEMS];

static int setup(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < ITEMS; i++) {
        snprintf(items[i].name, sizeof(items[i].name), "item-%u", i);
        items[i].key = str_z(items[i].name);
        items[i].order = 0;
    }
    return 0;
}

static void check(const struct map *map, unsigned expected)
{
    struct item *item;
    unsigned seen = 0, last = 0;
    map_each (map, at, item) {
        assert_true(item->order > last);
        last = item->order;
        seen++;
    }
    assert_int_equal(seen, expected);
    assert_int_equal(map->count, expected);
    for (unsigned i = 0; i < ITEMS; i++)
        assert_ptr_equal(map_get(map, items[i].key), items[i].order > 0 ? &items[i] : NULL);
}

/* Random puts and removals of so many items: the map holds what the model holds, in order. */
static void agree(unsigned of_items, unsigned check_each)
{
    struct map map;
    map_init(&map, &key);
    uint32_t random = 12345;
    unsigned count = 0, order = 0;
    for (unsigned round = 0; round < 20000; round++) {
        random = random * 1664525 + 1013904223;
        struct item *item = &items[(random >> 16) % of_items];
        bool removes = (random >> 8) % 100 < (round / 2000 % 2 == 0 ? 30 : 70);
        void *before = item->order > 0 ? item : NULL;
        if (removes) {
            assert_ptr_equal(map_remove(&map, item->key), before);
            count -= before != NULL;
            item->order = 0;
        } else {
            assert_ptr_equal(map_put(&map, item->key, item), before);
            count += before == NULL;
            if (before == NULL)
                item->order = ++order;
        }
        if (round % check_each == 0)
            check(&map, count);
    }
    check(&map, count);
    map_fini(&map);
}

static void agrees_with_model(void **state)
{
    UNUSED(state);
    agree(ITEMS, 500);
}

/* Around the number from which there is an index, and below it. */
static void a_few_agree_with_model(void **state)
{
    UNUSED(state);
    for (unsigned of_items = 1; of_items <= 8; of_items++) {
        setup(NULL);
        agree(of_items, 20);
    }
}

/* Most rooms are small, and each has several maps: nothing is allocated for what is not there. */
static void a_few_cost_what_they_are(void **state)
{
    UNUSED(state);
    struct map map;
    map_init(&map, &key);
    for (unsigned i = 0; i < 3; i++) {
        assert_null(map_put(&map, items[i].key, &items[i]));
        assert_int_equal(map.capacity, i + 1);
        assert_null(map.index);
    }
    /* One goes, one comes: in its place. */
    const struct map_entry *entries = map.entries;
    assert_ptr_equal(map_remove(&map, items[0].key), &items[0]);
    assert_null(map_put(&map, items[3].key, &items[3]));
    assert_ptr_equal(map.entries, entries);
    assert_int_equal(map.capacity, 3);
    assert_null(map_get(&map, items[0].key));
    assert_null(map_put(&map, items[0].key, &items[0]));
    assert_non_null(map.index);
    for (unsigned i = 0; i < 4; i++)
        assert_ptr_equal(map_get(&map, items[i].key), &items[i]);
    map_fini(&map);
}

/* Before the first entry and after the last one is gone, nothing is allocated. */
static void empty_owns_nothing(void **state)
{
    UNUSED(state);
    struct map map;
    map_init(&map, &key);
    assert_null(map.entries);
    assert_null(map_get(&map, STR("a")));
    assert_null(map_remove(&map, STR("a")));
    assert_null(map_put(&map, STR("a"), &map));
    assert_ptr_equal(map_remove(&map, STR("a")), &map);
    assert_null(map.entries);
    assert_null(map.index);
    assert_null(map_put(&map, STR("b"), &map));
    assert_ptr_equal(map_get(&map, STR("b")), &map);
    map_fini(&map);
}

/* Replacing keeps the place and takes the new key: the old one may die with the old value. */
static void replaced_in_place(void **state)
{
    UNUSED(state);
    struct map map;
    map_init(&map, &key);
    struct str first = str_copy(STR("first"));
    int a, b, c;
    assert_null(map_put(&map, first, &a));
    assert_null(map_put(&map, STR("second"), &b));
    assert_ptr_equal(map_put(&map, STR("first"), &c), &a);
    str_free(&first);
    assert_ptr_equal(map_get(&map, STR("first")), &c);
    uint32_t at = 0;
    assert_ptr_equal(map_next(&map, &at), &c);
    assert_ptr_equal(map_next(&map, &at), &b);
    assert_null(map_next(&map, &at));
    map_fini(&map);
}

/* Everything may be removed, the key freed at once, while walking over the map. */
static void removing_while_iterating(void **state)
{
    UNUSED(state);
    struct map map;
    struct str keys[100];
    map_init(&map, &key);
    for (unsigned i = 0; i < 100; i++) {
        keys[i] = str_copy(items[i].key);
        assert_null(map_put(&map, keys[i], &keys[i]));
    }
    struct str *value;
    unsigned seen = 0;
    map_each (&map, at, value) {
        assert_ptr_equal(map_remove(&map, *value), value);
        str_free(value);
        seen++;
    }
    assert_int_equal(seen, 100);
    assert_null(map.entries);
    map_fini(&map);
}

/* A map that was large does not stay so when it goes on small. */
static void shrinks(void **state)
{
    UNUSED(state);
    struct map map;
    map_init(&map, &key);
    for (unsigned i = 0; i < ITEMS; i++)
        assert_null(map_put(&map, items[i].key, &items[i]));
    uint32_t large = map.index_size;
    for (unsigned i = 4; i < ITEMS; i++)
        assert_ptr_equal(map_remove(&map, items[i].key), &items[i]);
    assert_null(map_put(&map, items[4].key, &items[4]));
    assert_true(map.index_size < large / 8);
    for (unsigned i = 0; i < 5; i++)
        assert_ptr_equal(map_get(&map, items[i].key), &items[i]);
    map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(agrees_with_model, setup),
        cmocka_unit_test_setup(a_few_agree_with_model, setup),
        cmocka_unit_test_setup(a_few_cost_what_they_are, setup),
        cmocka_unit_test_setup(empty_owns_nothing, setup),
        cmocka_unit_test_setup(replaced_in_place, setup),
        cmocka_unit_test_setup(removing_while_iterating, setup),
        cmocka_unit_test_setup(shrinks, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
