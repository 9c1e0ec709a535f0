/*
 * The sorted rooms: any page of them is the one a plain array would give.
 */
#include "shard/catalogue.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct catalogue *catalogue;
static struct arena *arena;

static int begin(void **state)
{
    UNUSED(state);
    catalogue = catalogue_new();
    arena = arena_new(64 * 1024);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    catalogue_free(catalogue);
    arena_free(arena);
    return 0;
}

static struct jid *jid(const char *text)
{
    struct jid *made = jid_parse(arena, str_z(text));
    ensure(made != NULL);
    return made;
}

static void put(const char *text)
{
    struct jid *made = jid(text);
    catalogue_put(catalogue, made, made);
}

static struct catalogue_page ask(struct listing_query query)
{
    query.domain = STR("rooms.example");
    return catalogue_page(catalogue, arena, &query);
}

static const char *at(const struct catalogue_page *page, uint32_t i)
{
    assert_true(i < page->count);
    return ((const struct jid *)page->entries[i])->text;
}

static void pages_of_few(void **state)
{
    UNUSED(state);
    static const char *const rooms[] = {"c", "a", "a-b", "e", "d"};
    for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
        char text[40];
        snprintf(text, sizeof(text), "%s@rooms.example", rooms[i]);
        put(text);
    }
    put("b@lounge.example");
    struct catalogue_page page = ask((struct listing_query){.max = 10});
    assert_int_equal(page.total, 5);
    assert_int_equal(page.count, 5);
    assert_string_equal(at(&page, 0), "a-b@rooms.example"); /* by bytes: '-' is before '@' */
    assert_string_equal(at(&page, 1), "a@rooms.example");
    assert_string_equal(at(&page, 4), "e@rooms.example");
    page = ask((struct listing_query){.max = 2, .after = STR("a@rooms.example")});
    assert_int_equal(page.first_index, 2);
    assert_string_equal(at(&page, 1), "d@rooms.example");
    page =
        ask((struct listing_query){.max = 2, .after = STR("b@rooms.example")}); /* is not there */
    assert_string_equal(at(&page, 0), "c@rooms.example");
    page = ask((struct listing_query){.max = 2, .after = STR("z")});
    assert_int_equal(page.count, 0);
    assert_int_equal(page.first_index, 5);
    page = ask((struct listing_query){.max = 2, .backwards = true});
    assert_int_equal(page.first_index, 3);
    page =
        ask((struct listing_query){.max = 9, .backwards = true, .before = STR("c@rooms.example")});
    assert_int_equal(page.count, 2);
    page = ask((struct listing_query){.max = 9, .backwards = true, .before = STR("A")});
    assert_int_equal(page.count, 0);
    page = ask((struct listing_query){.max = 9, .index = 4});
    assert_int_equal(page.count, 1);
    page = ask((struct listing_query){.max = 9, .index = UINT64_MAX});
    assert_int_equal(page.count, 0);
    page = ask((struct listing_query){.max = 0});
    assert_int_equal(page.total, 5);
    assert_int_equal(page.count, 0);
}

static void nobody_is_listed(void **state)
{
    UNUSED(state);
    struct catalogue_page page = ask((struct listing_query){.max = 10, .backwards = true});
    assert_int_equal(page.total + page.count + page.first_index, 0);
    put("a@rooms.example");
    catalogue_remove(catalogue, jid("a@rooms.example"));
    page = ask((struct listing_query){.max = 10, .after = STR("a")});
    assert_int_equal(page.total + page.count + page.first_index, 0);
}

static void an_equal_one_is_replaced(void **state)
{
    UNUSED(state);
    put("a@rooms.example");
    struct jid *again = jid("a@rooms.example");
    catalogue_put(catalogue, again, again);
    struct catalogue_page page = ask((struct listing_query){.max = 10});
    assert_int_equal(page.total, 1);
    assert_ptr_equal(page.entries[0], again);
}

/* ---- many, against an array ---- */

enum { NAMES = 6000, PAGE = 37 };

static bool listed[NAMES];
static struct jid *names[NAMES];

static uint32_t random_below(uint32_t below)
{
    static uint64_t seed = 1;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static uint32_t listed_before(uint32_t name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < name; i++)
        count += listed[i];
    return count;
}

/* `count` of them, beginning behind `first` others. */
static void assert_page(const struct catalogue_page *page, uint32_t first)
{
    uint32_t name = 0, total = listed_before(NAMES), passed = 0;
    assert_int_equal(page->total, total);
    assert_int_equal(page->first_index, first);
    for (uint32_t i = 0; i < page->count; i++, name++) {
        while (!listed[name] || passed < first)
            passed += listed[name++];
        assert_ptr_equal(page->entries[i], names[name]);
    }
}

static void look_around(uint32_t name)
{
    uint32_t total = listed_before(NAMES), before = listed_before(name);
    struct str text = jid_full(names[name]);
    uint32_t behind = before + listed[name];
    struct catalogue_page page = ask((struct listing_query){.max = PAGE, .after = text});
    assert_int_equal(page.count, total - behind < PAGE ? total - behind : PAGE);
    assert_page(&page, behind);
    page = ask((struct listing_query){.max = PAGE, .backwards = true, .before = text});
    assert_int_equal(page.count, before < PAGE ? before : PAGE);
    assert_page(&page, before - page.count);
    page = ask((struct listing_query){.max = PAGE, .index = before});
    assert_int_equal(page.count, total - before < PAGE ? total - before : PAGE);
    assert_page(&page, before);
}

static void change(uint32_t name, bool wanted)
{
    if (wanted)
        catalogue_put(catalogue, names[name], names[name]);
    else if (listed[name])
        catalogue_remove(catalogue, names[name]);
    listed[name] = wanted;
}

/* Filled up and emptied again, in no order; so shelves are parted and joined. */
static void many_come_and_go(void **state)
{
    UNUSED(state);
    char text[40];
    for (uint32_t i = 0; i < NAMES; i++) {
        snprintf(text, sizeof(text), "room%05u@rooms.example", i);
        names[i] = jid_copy(jid(text));
    }
    static const uint32_t of_ten[] = {9, 5, 1, 8, 0};
    for (size_t phase = 0; phase < ARRAY_LEN(of_ten); phase++) {
        for (uint32_t i = 0; i < NAMES * 2; i++) {
            change(random_below(NAMES), random_below(10) < of_ten[phase]);
            if (i % 100 == 0)
                look_around(random_below(NAMES));
        }
        arena_reset(arena);
    }
    for (uint32_t i = 0; i < NAMES; i++)
        change(i, false);
    assert_int_equal(ask((struct listing_query){.max = PAGE}).total, 0);
    for (uint32_t i = 0; i < NAMES; i++)
        jid_free(names[i]);
}

static int group_begin(void **state)
{
    UNUSED(state);
    return prep_init();
}

static int group_end(void **state)
{
    UNUSED(state);
    prep_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_of_few, begin, end),
        cmocka_unit_test_setup_teardown(nobody_is_listed, begin, end),
        cmocka_unit_test_setup_teardown(an_equal_one_is_replaced, begin, end),
        cmocka_unit_test_setup_teardown(many_come_and_go, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
