/*
 * How a store on a disk is opened: it says why it cannot be, and is brought up to date.
 */
#include "tests/support/store_expect.h"

#include "core/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
        CASE(newer_ones_are_refused),
        CASE(foreign_ones_are_left_alone),
        CASE(missing_folders_are_named),
        CASE(what_cannot_be_written_is_refused),
        CASE(a_second_one_is_refused),
        CASE(the_first_version_is_brought_up_to_date),
        CASE(the_second_version_is_brought_up_to_date),
    };
    return cmocka_run_group_tests_name("opening a sqlite store", tests, NULL, NULL);
}
