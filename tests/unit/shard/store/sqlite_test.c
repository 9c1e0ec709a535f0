/*
 * What only a store on a disk has: it is there again after the end of the process, says why it
 * cannot be opened, and is brought up to date.
 */
#include "tests/support/faulty_vfs.h"
#include "tests/support/store_expect.h"

#include "core/base/err.h"
#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t number(const char *sql)
{
    sqlite3 *handle;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(world.path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t result = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return result;
}

/* ---- there again ---- */

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

/* The index of senders has each word of each message that is there, and nothing else. */
static void senders_are_right(void)
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
        sqlite3_stmt *statement;
        assert_int_equal(sqlite3_prepare_v2(handle, sql[i], -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        int64_t wrong = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        if (wrong != 0)
            fail_msg("%lld for: %s", (long long)wrong, sql[i]);
    }
    sqlite3_close(handle);
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

/* ---- refusals ---- */

static void refused(int expected, const char *says)
{
    struct store_sqlite_setup attempt = {.path = str_z(world.path), .full_text = true};
    const char *why = NULL;
    int err = 0;
    struct store *store = store_sqlite_open(&attempt, world.arena, &err, &why);
    assert_null(store);
    assert_int_equal(err, expected);
    assert_non_null(why);
    if (strstr(why, says) == NULL)
        fail_msg("'%s' does not say '%s'", why, says);
}

static void newer_ones_are_refused(void **state)
{
    UNUSED(state);
    store_world_close(&world);
    tampers("PRAGMA user_version = 4");
    refused(ERR_NEWER, "written by a newer version (its schema is 4");
    tampers("PRAGMA user_version = 3");
    assert_int_equal(store_world_reopen(&world), 0);
}

static void foreign_ones_are_left_alone(void **state)
{
    UNUSED(state);
    store_world_close(&world);
    tampers("PRAGMA application_id = 77");
    refused(ERR_FOREIGN, "not a store of this program");
    unlink(world.path);
    tampers("PRAGMA journal_mode=DELETE; CREATE TABLE theirs(x)");
    refused(ERR_FOREIGN, "not a store of this program");
    assert_int_equal(number("SELECT count(*) FROM sqlite_schema"), 1);
    unlink(world.path);
    static const char text[] = "Dear diary, this is a text that nobody should write a room into.\n";
    FILE *file = fopen(world.path, "w");
    for (unsigned i = 0; i < 100; i++)
        fputs(text, file);
    fclose(file);
    refused(ERR_FOREIGN, "not a store of this program");
    struct stat found;
    assert_int_equal(stat(world.path, &found), 0);
    assert_int_equal(found.st_size, 100 * (sizeof(text) - 1));
    unlink(world.path);
    assert_int_equal(mkdir(world.path, 0700), 0);
    refused(ERR_FOREIGN, "not a store of this program");
    rmdir(world.path);
}

static void missing_folders_are_named(void **state)
{
    UNUSED(state);
    store_world_close(&world);
    snprintf(world.path, sizeof(world.path), "%s/no/rooms.db", world.folder);
    refused(ERR_NOT_FOUND, "folder has to exist");
}

/* Runs in a process without privileges; its exit status is the number of the check that failed. */
static int as_nobody(const char *says)
{
    pid_t child = fork();
    if (child == 0) {
        struct store_sqlite_setup attempt = {.path = str_z(world.path)};
        const char *why = "";
        int err = 0;
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(1);
        if (store_sqlite_open(&attempt, world.arena, &err, &why) != NULL)
            _exit(2);
        if (err != ERR_ACCESS)
            _exit(3);
        _exit(strstr(why, says) == NULL ? 4 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_cannot_be_written_is_refused(void **state)
{
    UNUSED(state);
    store_world_close(&world);
    assert_int_equal(chmod(world.folder, 0555), 0);
    struct str lock = str_fmt(world.arena, "%s.lock", world.path);
    unlink(lock.at);
    assert_int_equal(as_nobody("belong to the user"), 0);
    assert_int_equal(chmod(world.folder, 0777), 0);
    assert_int_equal(chmod(world.path, 0444), 0);
    assert_int_equal(as_nobody("cannot be written"), 0);
}

static void a_second_one_is_refused(void **state)
{
    UNUSED(state);
    refused(ERR_IN_USE, str_fmt(world.arena, "in use by process %ld", (long)getpid()).at);
    speaks(ROOM, 1, 2); /* the first is not disturbed */
    pid_t child = fork();
    if (child == 0) {
        struct store_sqlite_setup attempt = {.path = str_z(world.path)};
        const char *why = "";
        int err = 0;
        store_sqlite_open(&attempt, world.arena, &err, &why);
        _exit(err == ERR_IN_USE ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(store_world_reopen(&world), 0);
}

/* ---- from older versions ---- */

/* All tables and indexes, as one text. */
static struct str schema_of(const char *path)
{
    sqlite3 *handle;
    sqlite3_stmt *rows;
    struct buf text;
    buf_init(&text, world.arena);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, "SELECT name, sql FROM sqlite_schema ORDER BY name",
                                        -1, &rows, NULL),
                     SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW)
        for (const char *at = (const char *)sqlite3_column_text(rows, 1); at != NULL && *at != 0;
             at++)
            if (strchr(" \n", *at) == NULL)
                buf_addc(&text, *at);
    sqlite3_finalize(rows);
    sqlite3_close(handle);
    return buf_str(&text);
}

/* A store that was brought up to date is like one that was made today. */
static void same_schema_as_a_new_one(void)
{
    char fresh[120];
    snprintf(fresh, sizeof(fresh), "%s.new", world.path);
    struct store_sqlite_setup made = {.path = str_z(fresh)};
    int err = 0;
    struct store *store = store_sqlite_open(&made, world.arena, &err, &world.why);
    assert_non_null(store);
    store->close(store);
    assert_true(schema_of(fresh).len > 1000);
    is_text(schema_of(world.path), str_in(world.arena, schema_of(fresh)).at);
}

static void runs_file(const char *name)
{
    char sql[32768];
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    size_t len = fread(sql, 1, sizeof(sql) - 1, file);
    fclose(file);
    assert_in_range(len, 1, sizeof(sql) - 2);
    sql[len] = 0;
    tampers(sql);
}

/* A store of that version, which a tool does not touch, and a server brings up to date. */
static void comes_from(const char *fixture)
{
    store_world_close(&world);
    unlink(world.path);
    runs_file(fixture);
    struct store_sqlite_setup reads = {.path = str_z(world.path), .read_only = true};
    int err = 0;
    assert_null(store_sqlite_open(&reads, world.arena, &err, &world.why));
    assert_int_equal(err, ERR_INVALID);
    assert_non_null(strstr(world.why, "start the server once"));

    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(number("PRAGMA user_version"), 3);
    senders_are_right();
    same_schema_as_a_new_one();
}

static void the_first_version_is_brought_up_to_date(void **state)
{
    UNUSED(state);
    comes_from(TEST_FIXTURES "/store_v1.sql");
    struct store_room loaded;
    assert_int_equal(world.store->load(world.store, world.arena, STR("lobby@c.example"), &loaded),
                     0);
    assert_int_equal(loaded.row_count, 3);
    assert_int_equal(loaded.history_count, 3);
    is_text(loaded.history[0].body, "But soft, what light");
    assert_true(loaded.history[1].retracted);
    assert_int_equal(total("lobby@c.example", NULL), 4);
    assert_int_equal(total("lobby@c.example", "light"), 0); /* not yet */
    assert_true(trim_all(&world, 0, 0, 0) > 0);
    assert_int_equal(total("lobby@c.example", "light"), 2);
    assert_int_equal(number("SELECT count(*) FROM archive"), 4);
    struct account_ask asked = {.op = ACCOUNT_LOAD, .account.name = str_copy(STR("romeo"))};
    world.store->account(world.store, &asked);
    assert_int_equal(asked.err, 0);
    is_text(asked.account.sha256.server_key, "server2");
    account_fini(&asked.account);
    /* Its messages can be deleted: the index for words is told what it was told. */
    assert_true(trim_all(&world, 0, 1, 0) >= 0);
    assert_int_equal(total("lobby@c.example", "light"), 0);
    assert_int_equal(total("lobby@c.example", "ay"), 1);
}

static void the_second_version_is_brought_up_to_date(void **state)
{
    UNUSED(state);
    comes_from(TEST_FIXTURES "/store_v2.sql");
    struct store_room loaded;
    const char *den = "den@conference.localhost";
    assert_int_equal(world.store->load(world.store, world.arena, str_z(den), &loaded), 0);
    struct stored_room room;
    assert_int_equal(record_read(world.arena, loaded.rows, loaded.row_count, &room, &world.why), 0);
    assert_int_equal(room.session_count, 2);
    assert_int_equal(loaded.history_count, 7);
    assert_true(loaded.history[3].retracted);
    assert_int_equal(total(den, NULL), 8);
    assert_int_equal(total(den, "light"), 2); /* the third is not searchable yet */
    struct str hall = STR("hall@conference.localhost");
    assert_int_equal(world.store->load(world.store, world.arena, hall, &loaded), 0);
    assert_int_equal(loaded.history_count, 1);
    assert_int_equal(total("hall@conference.localhost", NULL), 0);
    assert_true(trim_all(&world, 0, 0, 0) > 0);
    assert_int_equal(total(den, "light"), 3);
    assert_int_equal(number("SELECT count(*) FROM archive"), 9);
    /* Its tombstone goes, though not before the longest one would. */
    int64_t until_us = number("SELECT until_us FROM room WHERE jid = 'old@conference.localhost'");
    int64_t now_us = (int64_t)time(NULL) * 1000000;
    assert_in_range(until_us - now_us, INT64_C(365) * 86400 * 1000000,
                    INT64_C(367) * 86400 * 1000000);
    assert_int_equal(number("SELECT count(*) FROM room WHERE until_us > 0"), 1);
    struct str old = STR("old@conference.localhost");
    assert_true(trim_all(&world, 0, 0, until_us - 1) >= 0);
    assert_int_equal(world.store->load(world.store, world.arena, old, &loaded), 0);
    assert_true(trim_all(&world, 0, 0, until_us) >= 0);
    assert_int_equal(world.store->load(world.store, world.arena, old, &loaded), ERR_NOT_FOUND);
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
        CASE(newer_ones_are_refused),
        CASE(foreign_ones_are_left_alone),
        CASE(missing_folders_are_named),
        CASE(what_cannot_be_written_is_refused),
        CASE(a_second_one_is_refused),
        CASE(the_first_version_is_brought_up_to_date),
        CASE(the_second_version_is_brought_up_to_date),
    };
    return cmocka_run_group_tests_name("sqlite store", tests, NULL, NULL);
}
