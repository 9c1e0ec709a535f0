/*
 * What is left of a store on a disk when the process is killed, the power fails, or the disk does.
 *
 * In the first two a process of its own commits, one message at a time, and says after each that it
 * is done. Whatever it was doing when it ended: of the messages the first ones are there, without a
 * gap, all that were said to be done, and at most one more; everything else in the store agrees.
 */
#include "shard/store/store_tool.h"
#include "tests/support/lanes.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/store_expect.h"

#include "core/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 50 };

static int setup_faulty(void **state)
{
    UNUSED(state);
    faulty_vfs_register(false);
    world.vfs = FAULTY_VFS;
    store_world_begin(&world, BACKEND_SQLITE);
    return 0;
}

static int teardown_faulty(void **state)
{
    faulty_vfs_register(false);
    return teardown(state);
}

/* ---- ends without a warning ---- */

/* Message `number`, and the row that says so; now and then a pause in which trim works. */
static bool say(unsigned number, bool power)
{
    struct record_show show = {.archived = true, .history = 20};
    struct store_retention retention = {.count = 100000};
    add_put(&world, RECORD_HEAD, "", str_fmt(world.arena, "%u", number).at);
    add_show(&world, &show);
    add_append(&world, number, "all is well");
    if (number % 10 == 0)
        add_bury(&world, number - 5, "<message from='r@h/n'><retracted/></message>");
    if (store_world_commit(&world, ROOM, power) != 0)
        return false;
    if (number % 7 == 0)
        world.store->trim(world.store, &retention);
    arena_reset(world.arena);
    return true;
}

/* In the process that will be killed: commits from `number` on. `powers`: every third is synced,
 * and only those are reported. */
static void commit_on(unsigned number, bool powers, int report)
{
    if (store_world_reopen(&world) != 0)
        _exit(1);
    for (;; number++) {
        bool power = powers && number % 3 == 0;
        if (!say(number, power))
            _exit(2);
        if ((!powers || power) && write(report, &number, sizeof(number)) != sizeof(number))
            _exit(3);
    }
}

/* Lets it work for a moment; the last it has reported, or `before`. */
static unsigned killed_at(unsigned from, bool powers, unsigned us)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        commit_on(from, powers, ends[1]);
    }
    close(ends[1]);
    struct timespec wait = {.tv_nsec = (long)us * 1000};
    unsigned last = from - 1;
    unsigned got;
    if (read(ends[0], &got, sizeof(got)) == sizeof(got))
        last = got; /* it has begun */
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    while (read(ends[0], &got, sizeof(got)) == sizeof(got))
        last = got;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return last;
}

static void no_line(struct tool_lines *lines, struct str text)
{
    UNUSED(lines);
    fail_msg("%.*s", (int)text.len, text.at);
}

/* How many messages the index for words leads to. */
static unsigned said_well(void)
{
    struct archive_query query = query_all();
    query.text = STR("well");
    unsigned found = 0;
    for (;;) {
        struct archive_page page = ask(&world, ROOM, &query);
        assert_int_equal(page.err, 0);
        found += page.count;
        if (page.complete)
            return found;
        query.after = page.rows[page.count - 1].id;
    }
}

/* The number of messages, which have to agree with each other. */
static unsigned agrees(void)
{
    assert_int_equal(store_world_reopen(&world), 0);
    struct store_room loaded;
    assert_int_equal(world.store->load(world.store, world.arena, STR(ROOM), &loaded), 0);
    assert_int_equal(loaded.row_count, 1);
    unsigned count = (unsigned)strtoul(loaded.rows[0].value.at, NULL, 10);
    struct archive_query query = query_all();
    unsigned seen = 0;
    for (;;) {
        struct archive_page page = ask(&world, ROOM, &query);
        assert_int_equal(page.err, 0);
        assert_int_equal(page.total, count);
        for (unsigned i = 0; i < page.count; i++) {
            seen++;
            assert_true(str_eq(page.rows[i].id, str_fmt(world.arena, "m%u", seen)));
            bool buried = seen % 10 == 5 && count >= seen + 5;
            assert_int_equal(page.rows[i].retracted, buried);
        }
        if (page.complete)
            break;
        query.after = page.rows[page.count - 1].id;
    }
    assert_int_equal(seen, count);
    assert_int_equal(said_well(), count - count / 10);
    store_world_close(&world);
    arena_reset(world.arena);
    return count;
}

static void nothing_is_lost_with_the_process(void **state)
{
    UNUSED(state);
    unsigned count = 0;
    world.vfs = NULL;
    store_world_close(&world);
    srandom(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned reported = killed_at(count + 1, false, (unsigned)random() % 15000);
        count = agrees();
        assert_in_range(count, reported, reported + 1);
    }
    assert_true(count > ROUNDS);
}

static void nothing_synced_is_lost_with_the_power(void **state)
{
    UNUSED(state);
    faulty_vfs_register(true);
    assert_int_equal(store_world_reopen(&world), 0);
    unsigned count = 1;
    assert_true(say(1, true));
    store_world_close(&world);
    unsigned lost = 0;
    srandom(2);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned reported = killed_at(count + 1, true, (unsigned)random() % 15000);
        faulty_vfs_power_loss(world.path);
        unsigned before = count;
        count = agrees();
        if (reported > before)
            assert_true(count >= reported);
        lost += count < reported + 2;
    }
    assert_true(count > ROUNDS);
    assert_true(lost > 0); /* or the layer would have kept everything */
    struct tool_lines lines = {.line = no_line};
    store_world_close(&world);
    add_clear(&world, RECORD_HEAD);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(store_world_commit(&world, ROOM, true), 0);
    assert_int_equal(store_tool_check(str_z(world.path), &lines, world.arena, &world.why), 0);
}

/* ---- a disk that fails for a while ---- */

static unsigned messages(void)
{
    struct archive_query query = query_all();
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.err, 0);
    assert_int_equal(page.count, page.total);
    return (unsigned)page.total;
}

static int says(unsigned number, bool power)
{
    add_append(&world, number, "all is well");
    return store_world_commit(&world, ROOM, power);
}

struct failure {
    enum vfs_fault fault;
    int err;
};

/* Whichever operation it is that fails: the commit has failed as a whole, the store goes on. */
static void a_failure_is_the_commits(void **state)
{
    UNUSED(state);
    static const struct failure failures[] = {
        {VFS_DISK_FULL, ERR_NO_SPACE},
        {VFS_WRITE_FAILS, ERR_IO},
        {VFS_SYNC_FAILS, ERR_IO},
    };
    unsigned count = 0;
    unsigned failed = 0;
    for (unsigned i = 0; i < ARRAY_LEN(failures); i++) {
        for (unsigned after = 0; after < 12; after++) {
            faulty_vfs_fail(failures[i].fault, after, 1);
            int err = says(count + 1, true);
            faulty_vfs_fail(VFS_FINE, 0, 0);
            assert_true(err == 0 || err == failures[i].err);
            failed += err != 0;
            count += err == 0;
            assert_int_equal(messages(), count);
            assert_int_equal(says(count + 1, true), 0);
            assert_int_equal(messages(), ++count);
        }
    }
    assert_true(failed > 8);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(messages(), count);
}

/* For a while nothing works; then everything does, without anybody's help. */
static void a_disk_may_recover(void **state)
{
    UNUSED(state);
    static const struct failure failures[] = {
        {VFS_DISK_FULL, ERR_NO_SPACE},
        {VFS_WRITE_FAILS, ERR_IO},
    };
    struct store_retention retention = {.count = 5000};
    unsigned count = 0;
    for (unsigned i = 0; i < ARRAY_LEN(failures); i++) {
        assert_int_equal(says(++count, false), 0);
        faulty_vfs_fail(failures[i].fault, 0, UINT32_MAX);
        for (unsigned attempt = 0; attempt < 20; attempt++) {
            assert_int_equal(says(count + 1, attempt % 2 == 0), failures[i].err);
            assert_int_equal(messages(), count); /* reading goes on */
            assert_true(world.store->trim(world.store, &retention) <= 1);
            struct store_room loaded;
            assert_int_equal(world.store->load(world.store, world.arena, STR(ROOM), &loaded),
                             ERR_NOT_FOUND);
        }
        faulty_vfs_fail(VFS_FINE, 0, 0);
        assert_int_equal(says(++count, true), 0);
        assert_int_equal(messages(), count);
    }
}

/* A commit that was answered with an error does not come back, though it stands in the log. */
static void what_failed_does_not_come_back(void **state)
{
    UNUSED(state);
    assert_int_equal(says(1, true), 0);
    store_world_close(&world);
    pid_t child = fork();
    if (child == 0) {
        int err = store_world_reopen(&world);
        err = err == 0 ? says(2, true) : err;
        faulty_vfs_fail(VFS_SYNC_FAILS, 0, 1);
        bool failed = says(3, true) == ERR_IO;
        faulty_vfs_fail(VFS_FINE, 0, 0);
        _exit(err == 0 && failed ? 7 : 1); /* as if it was killed: nothing is closed */
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(messages(), 2);
}

/* How often a commit that failed was written over. */
static int64_t written_over(void)
{
    return number("SELECT value FROM meta WHERE key = 'torn'");
}

/* What could not be synced may have reached the disk all the same: so what is written over it is
 * synced, too, if the disk takes that; else it is written at least. */
static void what_failed_does_not_come_back_with_the_power(void **state)
{
    UNUSED(state);
    faulty_vfs_register(true);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(says(1, true), 0);
    faulty_vfs_fail(VFS_SYNC_FAILS, 0, 1);
    assert_int_equal(says(2, true), ERR_IO);
    store_world_close(&world);
    faulty_vfs_power_loss(world.path);
    assert_int_equal(written_over(), 1);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(messages(), 1);
    assert_int_equal(says(2, true), 0);
    faulty_vfs_fail(VFS_SYNC_FAILS, 0, UINT32_MAX);
    assert_int_equal(says(3, true), ERR_IO);
    faulty_vfs_fail(VFS_FINE, 0, 0);
    store_world_close(&world);
    assert_int_equal(written_over(), 2);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(messages(), 2);
}

static void a_slow_disk_is_waited_for(void **state)
{
    UNUSED(state);
    struct timespec begin;
    struct timespec end;
    assert_int_equal(says(1, true), 0);
    faulty_vfs_slow(300);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(says(2, true), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000 >=
                290);
    faulty_vfs_slow(0);
    assert_int_equal(messages(), 2);
}

static void a_failing_read_is_the_askers(void **state)
{
    UNUSED(state);
    add_put(&world, RECORD_HEAD, "", "head");
    for (unsigned i = 1; i <= 2000; i++)
        add_append(&world, i, "all is well");
    assert_int_equal(store_world_commit(&world, ROOM, true), 0);
    assert_int_equal(store_world_reopen(&world), 0);
    faulty_vfs_fail(VFS_READ_FAILS, 0, UINT32_MAX);
    struct archive_query query = query_all();
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.err, ERR_IO);
    assert_int_equal(page.count, 0);
    struct store_room loaded;
    assert_int_equal(world.store->load(world.store, world.arena, STR(ROOM), &loaded), ERR_IO);
    faulty_vfs_fail(VFS_FINE, 0, 0);
    assert_int_equal(ask(&world, ROOM, &query).total, 2000);
    assert_int_equal(world.store->load(world.store, world.arena, STR(ROOM), &loaded), 0);
}

/* A damaged page is told from a disk that fails: it does not pass. */
static void damage_is_told(void **state)
{
    UNUSED(state);
    for (unsigned i = 1; i <= 2000; i++)
        add_append(&world, i, "all is well");
    assert_int_equal(store_world_commit(&world, ROOM, true), 0);
    store_world_close(&world);
    const char *why = NULL; /* a tool copies the log back into the file when it closes it */
    assert_int_equal(store_tool_forget_account(str_z(world.path), STR("nobody@x.example"),
                                               lanes_env()->crypto, world.arena, &why),
                     0);
    FILE *file = fopen(world.path, "r+");
    assert_non_null(file);
    char noise[4096];
    memset(noise, 0x5a, sizeof(noise));
    for (unsigned page = 60; page < 260; page++) { /* behind the tables of tables */
        assert_int_equal(fseek(file, page * 4096L, SEEK_SET), 0);
        assert_int_equal(fwrite(noise, sizeof(noise), 1, file), 1);
    }
    fclose(file);
    assert_int_equal(store_world_reopen(&world), 0);
    struct archive_query query = query_all();
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.err, ERR_CORRUPT);
    assert_int_equal(says(2001, true), ERR_CORRUPT);
}

static void opening_may_fail(void **state)
{
    UNUSED(state);
    assert_int_equal(says(1, true), 0);
    faulty_vfs_fail(VFS_READ_FAILS, 0, UINT32_MAX);
    assert_int_equal(store_world_reopen(&world), ERR_IO);
    assert_non_null(strstr(world.why, "cannot be opened"));
    faulty_vfs_fail(VFS_FINE, 0, 0);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(messages(), 1);
    /* A new one on a full disk: refused, and nothing stands in the way later. */
    store_world_close(&world);
    unlink(world.path);
    faulty_vfs_fail(VFS_DISK_FULL, 2, UINT32_MAX);
    assert_int_equal(store_world_reopen(&world), ERR_NO_SPACE);
    assert_non_null(strstr(world.why, "the disk is full"));
    faulty_vfs_fail(VFS_FINE, 0, 0);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(messages(), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_faulty, teardown_faulty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nothing_is_lost_with_the_process),
        CASE(nothing_synced_is_lost_with_the_power),
        CASE(a_failure_is_the_commits),
        CASE(a_disk_may_recover),
        CASE(what_failed_does_not_come_back),
        CASE(what_failed_does_not_come_back_with_the_power),
        CASE(a_slow_disk_is_waited_for),
        CASE(a_failing_read_is_the_askers),
        CASE(damage_is_told),
        CASE(opening_may_fail),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
