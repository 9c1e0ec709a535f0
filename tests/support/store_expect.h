/*
 * A test that is played to every store: one world, and what must come of it. For cmocka tests.
 */
#ifndef TESTS_SUPPORT_STORE_EXPECT_H
#define TESTS_SUPPORT_STORE_EXPECT_H

#include "core/base/base.h"
#include "core/base/err.h"
#include "tests/support/store_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROOM "room@conference.example"

static struct store_world world;

static inline int setup(void **state)
{
    store_world_begin(&world, *(const enum store_backend *)*state);
    return 0;
}

static inline int teardown(void **state)
{
    UNUSED(state);
    store_world_end(&world);
    return 0;
}

static inline void commits(const char *room)
{
    assert_int_equal(store_world_commit(&world, room, false), 0);
}

static inline struct store_room loads(const char *room)
{
    struct store_room loaded;
    assert_int_equal(world.store->load(world.store, world.arena, str_z(room), &loaded), 0);
    return loaded;
}

static inline void is_absent(const char *room)
{
    struct store_room loaded;
    assert_int_equal(world.store->load(world.store, world.arena, str_z(room), &loaded),
                     ERR_NOT_FOUND);
}

static inline void is_text(struct str text, const char *expected)
{
    if (!str_eqz(text, expected))
        fail_msg("'%.*s', not '%s'", (int)text.len, text.at == NULL ? "" : text.at, expected);
}

static inline void speaks(const char *room, unsigned count)
{
    struct record_show show = {.archived = true, .history = 20};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = 1; i <= count; i++)
        add_append(&world, i, i % 5 == 0 ? "High Five, everybody" : "just a word");
    commits(room);
}

static inline void finds(const struct archive_query *query, const char *ids)
{
    struct archive_page page = ask(&world, ROOM, query);
    assert_int_equal(page.err, 0);
    is_text(page_ids(&world, &page), ids);
}

static inline void refuses(const struct archive_query *query, int err)
{
    struct archive_page page = ask(&world, ROOM, query);
    assert_int_equal(page.err, err);
    assert_int_equal(page.count, 0);
}

#define STORE_CASE(name)                                                                           \
    {                                                                                              \
#name, name, setup, teardown, NULL                                                         \
    }

/* Runs them with the memory store, then with SQLite: how many have failed. */
static inline int run_with_both(struct CMUnitTest *tests, size_t count, const char *what)
{
    static enum store_backend backends[] = {BACKEND_MEM, BACKEND_SQLITE};
    int failed = 0;
    for (unsigned backend = 0; backend < ARRAY_LEN(backends); backend++) {
        for (size_t i = 0; i < count; i++)
            tests[i].initial_state = &backends[backend];
        print_message("%s: %s\n", what, backend == 0 ? "memory" : "SQLite");
        failed += _cmocka_run_group_tests(what, tests, count, NULL, NULL);
    }
    return failed;
}

#endif
