/*
 * Tests of a store: one world, what is said in it, and what must come of it. Some are played to
 * both backends; those of SQLite alone may also tamper with its file. For cmocka tests.
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

#include <sqlite3.h>

#define ROOM "room@conference.example"

static struct store_world world;

static inline int setup(void **state)
{
    store_world_begin(&world, *(const enum store_backend *)*state);
    return 0;
}

static inline int setup_sqlite(void **state)
{
    UNUSED(state);
    world.vfs = NULL;
    store_world_begin(&world, BACKEND_SQLITE);
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

/* Messages `from` to `to`, in one batch with the room's head. */
static inline void speaks(const char *room, unsigned from, unsigned to)
{
    struct record_show show = {.archived = true, .history = 20};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = from; i <= to; i++)
        add_append(&world, i, i % 5 == 0 ? "High Five, everybody" : "just a word");
    commits(room);
}

/* How many of the room's messages have this text. */
static inline uint64_t total(const char *room, const char *text)
{
    struct archive_query query = query_all();
    query.text = str_z(text);
    struct archive_page page = ask(&world, room, &query);
    assert_int_equal(page.err, 0);
    return page.total;
}

/* SQL past the store. */
static inline void tampers(const char *sql)
{
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(world.path, &handle), SQLITE_OK);
    char *why = NULL;
    if (sqlite3_exec(handle, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    sqlite3_close(handle);
}

static inline int64_t number_in(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t result = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

/* What the file says without us. */
static inline int64_t number(const char *sql)
{
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(world.path, &handle), SQLITE_OK);
    int64_t result = number_in(handle, sql);
    sqlite3_close(handle);
    return result;
}

/* The index of senders has each word of each message that is there, and nothing else. */
static inline void senders_are_right(void)
{
    static const char *const sql[] = {
        "SELECT count(*) FROM archive a WHERE archived = 1 AND NOT EXISTS (SELECT 1 FROM"
        " archive_sender WHERE archive_sender MATCH 'n' || a.room || 'x' || hex(a.nick)"
        " AND rowid = a.seq)",
        "SELECT count(*) FROM archive a WHERE archived = 1 AND account IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM archive_sender WHERE archive_sender MATCH 'r' || a.room || 'x' ||"
        " hex(a.account) AND rowid = a.seq)",
        "SELECT count(*) FROM archive a WHERE account IS NOT NULL AND NOT EXISTS (SELECT 1 FROM"
        " archive_sender WHERE archive_sender MATCH 'a' || hex(a.account) AND rowid = a.seq)",
        "SELECT (SELECT coalesce(sum(doc), 0) FROM temp.words)"
        " - (SELECT coalesce(sum(archived + (1 + archived) * (account IS NOT NULL)), 0)"
        " FROM archive)",
    };
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(world.path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle,
                                  "CREATE VIRTUAL TABLE temp.words USING"
                                  " fts5vocab(main, archive_sender, 'row')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    for (unsigned i = 0; i < ARRAY_LEN(sql); i++) {
        int64_t wrong = number_in(handle, sql[i]);
        if (wrong != 0)
            fail_msg("%lld for: %s", (long long)wrong, sql[i]);
    }
    sqlite3_close(handle);
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
