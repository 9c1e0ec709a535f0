/*
 * The log of the store on a disk: it stays short while others read without a pause, who all get
 * what they have asked for, and no commit pays for it.
 */
#include "tests/support/faulty_vfs.h"
#include "tests/support/store_world.h"

#include "core/base/err.h"
#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define ROOM "room@conference.example"

enum {
    MESSAGES = 20000,
    ROWS = 8,       /* of TEXT_BYTES, in one commit */
    ACCOUNTS = 500, /* whose rows they are */
    TEXT_BYTES = 4000,
    COMMIT_PAGES = ROWS + 1, /* written to the log, at least */
};

/* Of the log, as a file. */
#define BYTES(pages) ((int64_t)(pages) * (4096 + 24))

static struct store_world world;

static int setup(void **state)
{
    UNUSED(state);
    faulty_vfs_register(false);
    world.vfs = FAULTY_VFS;
    store_world_begin(&world, BACKEND_SQLITE);
    return 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    store_world_end(&world);
    return 0;
}

static void speaks(unsigned count)
{
    struct record_show show = {.archived = true, .history = 20};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = 1; i <= count; i++) {
        add_append(&world, i, i % 2 == 0 ? "common alpha" : "common omega");
        if (i % 1000 == 0) {
            assert_int_equal(store_world_commit(&world, ROOM, false), 0);
            arena_reset(world.arena);
        }
    }
}

static void writes(unsigned number)
{
    char text[TEXT_BYTES + 1];
    memset(text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        unsigned account = (number * ROWS + i) % ACCOUNTS;
        add_put(&world, RECORD_AFFILIATION, str_fmt(world.arena, "u%u@h", account).at, text);
    }
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    arena_reset(world.arena);
}

static int64_t log_bytes(void)
{
    struct stat log;
    assert_int_equal(stat(str_fmt(world.arena, "%s-wal", world.path).at, &log), 0);
    return log.st_size;
}

/* ---- readers of the store ---- */

/* One of those who ask again as soon as they are answered. */
struct asker {
    pthread_t thread;
    struct store_reader *reader;
    const char *words; /* NULL: a page */
    unsigned expected; /* messages on it */
    unsigned answers, wrong;
};

static _Atomic bool done;

static void *asks_on(void *self)
{
    struct asker *asker = self;
    struct arena *arena = arena_new(64 * 1024);
    while (!atomic_load(&done)) {
        struct archive_query query = query_all();
        struct archive_page page;
        query.max = 50;
        query.text = str_z(asker->words);
        asker->reader->query(asker->reader, arena, STR(ROOM), &query, &page);
        asker->wrong += page.err != 0 || page.count != asker->expected;
        asker->answers++;
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

static void asker_begin(struct asker *asker)
{
    int err = 0;
    asker->reader = world.store->reader(world.store, &err);
    assert_non_null(asker->reader);
    assert_int_equal(pthread_create(&asker->thread, NULL, asks_on, asker), 0);
}

static void asker_end(struct asker *asker)
{
    assert_int_equal(pthread_join(asker->thread, NULL), 0);
    asker->reader->close(asker->reader);
    assert_int_equal(asker->wrong, 0);
    assert_true(asker->answers > 10);
}

/* Three times what makes readers make way; what they read ends in its time. */
static void it_is_bounded_while_others_read(void **state)
{
    UNUSED(state);
    struct asker askers[] = {
        {.expected = 50},
        {.words = "alpha omega"}, /* looks at all, finds nothing */
        {.words = "common", .expected = 50},
    };
    int64_t most = 0;
    speaks(MESSAGES);
    atomic_store(&done, false);
    for (unsigned i = 0; i < ARRAY_LEN(askers); i++)
        asker_begin(&askers[i]);
    for (unsigned i = 0; i < 3 * STORE_WAL_GATE / COMMIT_PAGES; i++) {
        writes(i);
        int64_t bytes = log_bytes();
        most = bytes > most ? bytes : most;
    }
    atomic_store(&done, true);
    for (unsigned i = 0; i < ARRAY_LEN(askers); i++)
        asker_end(&askers[i]);
    assert_in_range(most, BYTES(STORE_WAL_PAGES), BYTES(2 * STORE_WAL_GATE));
}

/* What was deleted leaves it, also if there is always somebody who reads. */
static void it_is_emptied_while_others_read(void **state)
{
    UNUSED(state);
    struct asker askers[] = {
        {.words = "alpha omega"},
        {.words = "alpha omega"},
        {.words = "common", .expected = 50},
    };
    speaks(MESSAGES);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    atomic_store(&done, false);
    for (unsigned i = 0; i < ARRAY_LEN(askers); i++)
        asker_begin(&askers[i]);
    for (unsigned i = 1; i <= 5; i++) {
        add_bury(&world, i, "<tomb/>");
        assert_int_equal(store_world_commit(&world, ROOM, false), 0);
        assert_true(log_bytes() > 0);
        assert_true(trim_all(&world, 0, 0, 0) >= 0);
        assert_int_equal(log_bytes(), 0);
    }
    atomic_store(&done, true);
    for (unsigned i = 0; i < ARRAY_LEN(askers); i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        askers[i].reader->close(askers[i].reader);
        assert_int_equal(askers[i].wrong, 0);
    }
}

/* ---- somebody else ---- */

static void reads(sqlite3 *handle)
{
    if (!sqlite3_get_autocommit(handle))
        assert_int_equal(sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "BEGIN; SELECT count(*) FROM room", NULL, NULL, NULL),
                     SQLITE_OK);
}

/* A tool that reads is not told to make way. The log grows as long as it does; that not each commit
 * tries to copy it back shows in what is synced. */
static void who_else_reads_costs_no_commit_anything(void **state)
{
    UNUSED(state);
    unsigned commits = 3 * STORE_WAL_PAGES_MAX / COMMIT_PAGES;
    sqlite3 *tool;
    speaks(1000);
    assert_int_equal(sqlite3_open(world.path, &tool), SQLITE_OK);
    faulty_vfs_syncs();
    for (unsigned i = 0; i < commits; i++) {
        reads(tool);
        writes(i);
    }
    assert_true(log_bytes() > BYTES(2 * STORE_WAL_PAGES_MAX));
    assert_in_range(faulty_vfs_syncs(), 1, commits / 10);
    sqlite3_close(tool);
    for (unsigned i = 0; i < 2 * STORE_WAL_PAGES / COMMIT_PAGES; i++)
        writes(i);
    assert_true(world.store->trim(world.store, &(struct store_retention){0}) >= 0);
    writes(0);
    assert_true(log_bytes() < BYTES(2 * STORE_WAL_GATE));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_is_bounded_while_others_read),
        CASE(it_is_emptied_while_others_read),
        CASE(who_else_reads_costs_no_commit_anything),
    };
    return cmocka_run_group_tests_name("wal", tests, NULL, NULL);
}
