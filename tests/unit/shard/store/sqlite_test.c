/*
 * What only a store on a disk has: it is there again after the end of the process, bounded, and one
 * for tools and threads that look at it meanwhile.
 */
#include "tests/support/faulty_vfs.h"
#include "tests/support/store_expect.h"

#include "core/base/err.h"
#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void everything_is_there_again(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 30);
    add_put(&world, RECORD_SESSION, "a@h/x", "inside");
    add_bury(&world, 30, "<tomb/>");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(store_world_reopen(&world), 0);
        struct store_room loaded;
        assert_int_equal(world.store->load(world.store, world.arena, STR(ROOM), &loaded), 0);
        assert_int_equal(loaded.row_count, 2);
        assert_int_equal(loaded.history_count, 20);
        is_text(loaded.history[19].xml, "<tomb/>");
        assert_int_equal(total(ROOM, NULL), 30);
        assert_int_equal(total(ROOM, "five"), 5);
        struct str *rooms;
        unsigned count;
        assert_int_equal(world.store->occupied(world.store, world.arena, &rooms, &count), 0);
        assert_int_equal(count, 1);
    }
}

/* A message that cannot be read bars nobody from its room. */
static void a_damaged_message_is_not_the_room(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 30);
    tampers("UPDATE archive SET affiliation = 'serf' WHERE id = 'm25'");
    struct store_room loaded;
    assert_int_equal(world.store->load(world.store, world.arena, STR(ROOM), &loaded), 0);
    assert_int_equal(loaded.history_count, 20);
    for (unsigned i = 0; i < loaded.history_count; i++) {
        is_text(loaded.history[i].id, str_fmt(world.arena, "m%u", i + 11).at);
        assert_int_equal(str_present(loaded.history[i].xml), i + 11 != 25);
    }
}

/* Trim takes up what the last process left. */
static void what_is_gone_is_deleted_later(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 1000);
    for (unsigned i = 0; i < 1000; i++)
        add_put(&world, RECORD_AFFILIATION, str_fmt(world.arena, "u%u@h", i).at, "member");
    add_wipe(&world);
    speaks(ROOM, 1, 2);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(total(ROOM, NULL), 2);
    assert_int_equal(number("SELECT count(*) FROM archive"), 1002);
    int steps = trim_all(&world, 0, 0, 0);
    assert_in_range(steps, 2000 / STORE_TRIM_ROWS, 2000 / STORE_TRIM_ROWS + 5);
    assert_int_equal(number("SELECT count(*) FROM archive"), 2);
    assert_int_equal(number("SELECT count(*) FROM item"), 1);
    assert_int_equal(number("SELECT count(*) FROM gone"), 0);
    assert_int_equal(total(ROOM, "word"), 2);
}

/* Never more than a handful of rows in one step, and rooms nobody has touched are found. */
static void trim_goes_in_small_steps(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 2000);
    assert_int_equal(store_world_reopen(&world), 0);
    struct store_retention retention = {.count = 10};
    uint64_t before = 2000;
    while (world.store->trim(world.store, &retention) == 1) {
        uint64_t left = total(ROOM, NULL);
        assert_true(before - left <= STORE_TRIM_ROWS);
        before = left;
    }
    assert_int_equal(before, 10);
}

static void the_index_of_senders_is_kept(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 500);
    struct archived shown = message_make(&world, 501, "for newcomers alone");
    shown.archived = false;
    add_message(&world, &shown);
    struct archived silent = message_make(&world, 502, NULL);
    silent.jid = STR_NONE;
    silent.nick = STR("");
    add_message(&world, &silent);
    add_append(&world, 500, "once more");
    add_bury(&world, 7, "<tomb/>");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    senders_are_right();
    assert_true(trim_all(&world, 0, 30, 0) >= 0);
    assert_int_equal(total(ROOM, NULL), 30);
    senders_are_right();
    struct archive_query query = query_all();
    query.with_nick = STR("nick1");
    assert_int_equal(ask(&world, ROOM, &query).total, 10);
    query.with_account = STR("USER2@h"); /* letters are told apart */
    assert_int_equal(ask(&world, ROOM, &query).total, 0);
    add_wipe(&world);
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    senders_are_right();
    assert_int_equal(number("SELECT count(*) FROM archive"), 0);
}

static void words_can_be_switched_off_and_on(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 10);
    store_world_close(&world);
    struct store_sqlite_setup without = {.path = str_z(world.path)};
    int err;
    world.store = store_sqlite_open(&without, world.arena, &err, &world.why);
    assert_non_null(world.store);
    world.reader = world.store->reader(world.store, &err);
    speaks(ROOM, 11, 500);
    struct archive_query query = query_all();
    query.text = STR("five");
    assert_int_equal(ask(&world, ROOM, &query).err, ERR_UNSUPPORTED);
    assert_int_equal(total(ROOM, NULL), 500);
    assert_int_equal(trim_all(&world, 0, 499, 0) >= 0, true);

    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(total(ROOM, "five"), 2);
    assert_true(trim_all(&world, 0, 0, 0) >= 2); /* made searchable step by step */
    assert_int_equal(total(ROOM, "five"), 100);
    assert_int_equal(total(ROOM, "word"), 399);
    assert_true(trim_all(&world, 0, 1, 0) >= 0);
    assert_int_equal(total(ROOM, "five"), 1);
}

/* What the log takes is bounded: it is copied back between commits. */
static void the_log_is_bounded(void **state)
{
    UNUSED(state);
    char text[4000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    struct stat log = {0};
    for (unsigned i = 0; i < 6000; i++) {
        add_put(&world, RECORD_AFFILIATION, str_fmt(world.arena, "u%u@h", i % 500).at, text);
        add_put(&world, RECORD_AFFILIATION, str_fmt(world.arena, "v%u@h", i % 500).at, text);
        assert_int_equal(store_world_commit(&world, ROOM, false), 0);
        arena_reset(world.arena);
    }
    assert_int_equal(stat(str_fmt(world.arena, "%s-wal", world.path).at, &log), 0);
    assert_true(log.st_size > 4096);
    assert_true(log.st_size < (STORE_WAL_PAGES_MAX + 1000) * INT64_C(4200));
}

static void commits_are_synced_on_request(void **state)
{
    UNUSED(state);
    faulty_vfs_register(false);
    world.vfs = FAULTY_VFS;
    assert_int_equal(store_world_reopen(&world), 0);
    add_put(&world, RECORD_HEAD, "", "1");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    faulty_vfs_syncs();
    for (unsigned i = 0; i < 10; i++) {
        add_put(&world, RECORD_HEAD, "", "2");
        assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    }
    assert_int_equal(faulty_vfs_syncs(), 0);
    for (unsigned i = 0; i < 10; i++) {
        add_put(&world, RECORD_HEAD, "", "2");
        assert_int_equal(store_world_commit(&world, ROOM, true), 0);
    }
    assert_int_equal(faulty_vfs_syncs(), 10);
}

/* Pages have an end, and so has counting; what is said to be counted is right. */
static void large_archives_are_not_counted_through(void **state)
{
    UNUSED(state);
    unsigned all = 2 * STORE_COUNT_MAX + 100;
    for (unsigned i = 0; i < all; i += 700)
        speaks(ROOM, i + 1, i + 700 < all ? i + 700 : all);
    struct archive_query query = query_all();
    query.max = STORE_PAGE_MAX;
    assert_int_equal(ask(&world, ROOM, &query).count, STORE_PAGE_MAX);
    query.max++;
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.count, STORE_PAGE_MAX);
    assert_false(page.complete);
    query.max = 10;
    static const struct {
        const char *after;
        bool counted;
        unsigned first;
    } places[] = {
        {"m9999", true, 9999}, {"m10000", true, 10000}, {"m10001", false, 0},
        {"m10098", false, 0},  {"m10099", true, 10099}, {"m20000", true, 20000},
    };
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        query.after = str_z(places[i].after);
        page = ask(&world, ROOM, &query);
        assert_int_equal(page.count, 10);
        assert_int_equal(page.counted, places[i].counted);
        assert_int_equal(page.first_index, places[i].first);
        if (page.counted)
            assert_int_equal(page.total, all);
    }
    query = query_all();
    query.max = 0;
    query.start_us = 2;
    query.end_us = STORE_COUNT_MAX * INT64_C(1000000);
    page = ask(&world, ROOM, &query);
    assert_true(page.counted);
    assert_int_equal(page.total, STORE_COUNT_MAX);
    query.end_us += 1000000;
    assert_false(ask(&world, ROOM, &query).counted);
}

static void long_lists_are_not_counted_through(void **state)
{
    UNUSED(state);
    struct record_show show = {.name = STR("Name"), .listed = true};
    struct store_commit together[100];
    for (unsigned i = 0; i < STORE_COUNT_MAX; i++) {
        struct buf batch;
        buf_init(&batch, world.arena);
        struct record_item item = {.op = RECORD_SHOW, .show = show};
        record_add(&batch, &item);
        together[i % 100] = (struct store_commit){
            .room = str_fmt(world.arena, "room%05u@c.example", i),
            .batch = buf_str(&batch),
        };
        if (i % 100 == 99)
            assert_int_equal(world.store->commit(world.store, together, 100), 0);
    }
    struct stored_query query = {.domain = STR("c.example"), .max = 3};
    query.after = STR("room09000@c.example");
    struct stored_page page;
    world.reader->listing(world.reader, world.arena, &query, &page);
    assert_int_equal(page.count, 3);
    assert_true(page.counted);
    assert_int_equal(page.total, STORE_COUNT_MAX);
    assert_int_equal(page.first_index, 9001);
    add_show(&world, &show);
    assert_int_equal(store_world_commit(&world, "one-more@c.example", false), 0);
    world.reader->listing(world.reader, world.arena, &query, &page);
    assert_int_equal(page.err, 0);
    assert_int_equal(page.count, 3);
    assert_false(page.counted);
    query.max = STORE_PAGE_MAX + 1;
    query.after = STR_NONE;
    world.reader->listing(world.reader, world.arena, &query, &page);
    assert_int_equal(page.count, STORE_PAGE_MAX);
}

/* In a process of its own: holds the store's lock for so long. */
static pid_t holds_for(unsigned ms)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *handle;
        if (sqlite3_open(world.path, &handle) != SQLITE_OK ||
            sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
            write(ends[1], "x", 1) != 1)
            _exit(1);
        struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
        nanosleep(&wait, NULL);
        sqlite3_close(handle);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return child;
}

static void a_tool_is_waited_for(void **state)
{
    UNUSED(state);
    int status;
    speaks(ROOM, 1, 1);
    pid_t child = holds_for(500);
    speaks(ROOM, 2, 2);
    assert_int_equal(waitpid(child, &status, 0), child);
    child = holds_for(STORE_BUSY_MS + 1000);
    add_append(&world, 3, "too late");
    assert_int_equal(store_world_commit(&world, ROOM, false), ERR_BUSY);
    assert_int_equal(total(ROOM, NULL), 2); /* reading does not wait */
    assert_int_equal(waitpid(child, &status, 0), child);
    speaks(ROOM, 4, 4);
    assert_int_equal(total(ROOM, NULL), 3);
}

/* Another thread asks while this one commits: what it sees is always one moment. */
static void *asks_on(void *self)
{
    const bool *volatile done = self;
    struct arena *arena = arena_new(64 * 1024);
    uint64_t last = 0;
    uintptr_t wrong = 0;
    while (!__atomic_load_n(done, __ATOMIC_ACQUIRE)) {
        struct archive_query query = query_all();
        struct archive_page page;
        query.backwards = true;
        query.max = 5;
        world.reader->query(world.reader, arena, STR(ROOM), &query, &page);
        wrong +=
            page.err != 0 || page.total < last || page.count != (page.total < 5 ? page.total : 5);
        last = page.total;
        /* two at a time, never one of them */
        wrong += page.total % 2 != 0;
        arena_reset(arena);
    }
    arena_free(arena);
    return (void *)wrong;
}

static void readers_see_one_moment(void **state)
{
    UNUSED(state);
    bool done = false;
    pthread_t thread;
    void *wrong = NULL;
    assert_int_equal(pthread_create(&thread, NULL, asks_on, &done), 0);
    for (unsigned i = 1; i < 600; i += 2)
        speaks(ROOM, i, i + 1);
    __atomic_store_n(&done, true, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    assert_int_equal(total(ROOM, NULL), 600);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_sqlite, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(everything_is_there_again),
        CASE(a_damaged_message_is_not_the_room),
        CASE(what_is_gone_is_deleted_later),
        CASE(trim_goes_in_small_steps),
        CASE(the_index_of_senders_is_kept),
        CASE(words_can_be_switched_off_and_on),
        CASE(the_log_is_bounded),
        CASE(commits_are_synced_on_request),
        CASE(large_archives_are_not_counted_through),
        CASE(long_lists_are_not_counted_through),
        CASE(a_tool_is_waited_for),
        CASE(readers_see_one_moment),
    };
    return cmocka_run_group_tests_name("sqlite store", tests, NULL, NULL);
}
