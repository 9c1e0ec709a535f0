/*
 * What somebody wants to be forgotten: what is left of it in the archives, that nothing of the text
 * is left anywhere, and that a server that runs is told.
 */
#include "shard/store/scribe.h"
#include "shard/store/store_tool.h"
#include "tests/support/agent_thread.h"
#include "tests/support/store_expect.h"

#include "core/base/err.h"
#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define OTHER "other@conference.example"

static int64_t forgets_account(const char *account)
{
    return store_tool_forget_account(str_z(world.path), str_z(account), world.arena, &world.why);
}

static int64_t forgets_room(const char *room)
{
    return store_tool_forget_room(str_z(world.path), str_z(room), world.arena, &world.why);
}

/* ---- what is left ---- */

static void an_account_leaves_places_behind(void **state)
{
    UNUSED(state);
    speaks(OTHER, 1, 40);
    speaks(ROOM, 1, 1000);
    struct archive_query query = query_all();
    struct archive_page page = ask(&world, ROOM, &query);
    struct str before = page_ids(&world, &page);
    assert_int_equal(forgets_account("user2@h"), 260);
    page = ask(&world, ROOM, &query);
    assert_int_equal(page.total, 1000);
    is_text(page_ids(&world, &page), before.at);
    for (unsigned i = 0; i < page.count; i++) {
        const struct archived *row = &page.rows[i];
        unsigned number = i + 1;
        bool forgotten = number % 4 == 2;
        assert_int_equal(row->retracted, forgotten);
        assert_int_equal(str_present(row->body), !forgotten);
        assert_int_equal(str_present(row->sender_id), !forgotten);
        assert_int_equal(row->at_us, number * INT64_C(1000000));
        is_text(row->jid, str_fmt(world.arena, "user%u@h/res%u", number % 4, number % 5).at);
    }
    is_text(page.rows[1].xml,
            "<message from='room@conference.example/nick2' type='groupchat'>"
            "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='author2'/>"
            "<stanza-id xmlns='urn:xmpp:sid:0' by='room@conference.example' id='m2'/></message>");
    assert_int_equal(total(OTHER, NULL), 40);
    assert_int_equal(total(ROOM, "five"), 150);
    query.with_account = STR("user2@h");
    assert_int_equal(ask(&world, ROOM, &query).total, 250);
    assert_int_equal(forgets_account("user2@h"), 0); /* once is enough */
    assert_int_equal(forgets_account("user1@h"), 260);
    assert_int_equal(forgets_account("nobody@h"), 0);
    speaks(ROOM, 1001, 1003); /* the server goes on */
    assert_int_equal(total(ROOM, NULL), 1003);
}

/* Newcomers are shown none of it; what they alone were shown goes as a whole. */
static void newcomers_are_not_shown_places(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 8);
    for (unsigned i = 9; i <= 12; i++) {
        struct archived message = message_make(&world, i, "for newcomers");
        message.archived = false;
        add_message(&world, &message);
    }
    add_bury(&world, 6, "<message from='r@h/nick0' id='s6'><retracted/></message>");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    assert_int_equal(forgets_account("user2@h"), 2); /* m2, m10; m6 is a tombstone already */
    struct store_room loaded;
    assert_int_equal(world.store->load(world.store, world.arena, STR(ROOM), &loaded), 0);
    struct archive_page shown = {.rows = loaded.history, .count = loaded.history_count};
    is_text(page_ids(&world, &shown), "m1 m3 m4 m5 m6 m7 m8 m9 m11 m12 ");
    assert_int_equal(total(ROOM, NULL), 8);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    assert_int_equal(total(ROOM, NULL), 8);
    assert_true(trim_all(&world, 0, 7, 0) >= 0); /* places are counted and trimmed like messages */
    assert_int_equal(total(ROOM, NULL), 7);
}

static void a_room_leaves_nothing_behind(void **state)
{
    UNUSED(state);
    speaks(OTHER, 1, 30);
    speaks(ROOM, 1, 750);
    assert_int_equal(forgets_room(ROOM), 750);
    assert_int_equal(total(ROOM, NULL), 0);
    assert_int_equal(total(ROOM, "five"), 0);
    assert_int_equal(total(OTHER, NULL), 30);
    speaks(ROOM, 1001, 1003);
    assert_int_equal(total(ROOM, NULL), 3);
    assert_int_equal(forgets_room("x@y"), ERR_NOT_FOUND);
    assert_non_null(strstr(world.why, "no room x@y"));
}

/* What is said after the tool was called is not meant. */
static void what_is_said_later_stays(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 4);
    struct archived message = message_make(&world, 6, "from the future");
    message.at_us = INT64_C(9000000000000000);
    add_message(&world, &message);
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    assert_int_equal(forgets_account("user2@h"), 1);
    assert_int_equal(total(ROOM, "future"), 1);
}

/* A room that was wiped and is not yet trimmed has nothing to be paged through. */
static void what_is_gone_goes_at_once(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 8);
    add_wipe(&world);
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    assert_int_equal(forgets_account("user2@h"), 2);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
}

/* ---- no word of it, anywhere ---- */

/* So often these bytes stand in the file and in its log. */
static unsigned stands(const char *text)
{
    static const char *const ends[] = {"", "-wal"};
    unsigned count = 0;
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
        FILE *file = fopen(str_fmt(world.arena, "%s%s", world.path, ends[i]).at, "r");
        if (file == NULL)
            continue;
        struct buf bytes;
        buf_init(&bytes, NULL);
        char part[4096];
        size_t len;
        while ((len = fread(part, 1, sizeof(part), file)) > 0)
            buf_add(&bytes, str_of(part, len));
        fclose(file);
        const char *at = bytes.at;
        const char *end = bytes.at + bytes.len;
        while (at != NULL && (at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL) {
            count++;
            at++;
        }
        buf_free(&bytes);
    }
    return count;
}

static off_t log_size(void)
{
    struct stat log = {0};
    assert_int_equal(stat(str_fmt(world.arena, "%s-wal", world.path).at, &log), 0);
    return log.st_size;
}

static void confesses(unsigned number)
{
    add_append(&world, number, "A Xylophonic confession");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
}

/* By an account or with the room, the index for words included; the store is open meanwhile. */
static void nothing_is_left_in_the_files(void **state)
{
    UNUSED(state);
    for (unsigned round = 0; round < 2; round++) {
        speaks(ROOM, 1, 300);
        confesses(1002 + 4 * round);
        speaks(ROOM, 301, 600);
        assert_true(stands("Xylophonic confession") > 0);
        assert_true(stands("xylophonic") > 0); /* in the index */
        assert_int_equal(total(ROOM, "xylophonic"), 1);
        if (round == 0)
            assert_int_equal(forgets_account("user2@h"), 151);
        else
            assert_true(forgets_room(ROOM) > 0);
        assert_int_equal(stands("Xylophonic"), 0);
        assert_int_equal(stands("xylophonic"), 0);
        assert_int_equal(log_size(), 0);
        assert_int_equal(total(ROOM, "word"), round == 0 ? 360 : 0);
    }
}

/* A server does it by itself, when it has nothing else to do: of what was retracted, of what is
 * trimmed. */
static void the_log_is_emptied_when_there_is_time(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 10);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    assert_int_equal(log_size(), 0); /* what the last process had deleted may be in it */
    confesses(11);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    assert_true(log_size() > 0); /* nothing was deleted */
    add_bury(&world, 11, "<tomb/>");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    assert_true(stands("Xylophonic confession") > 0);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    assert_int_equal(log_size(), 0);
    assert_int_equal(stands("Xylophonic confession"), 0);
    confesses(12);
    speaks(ROOM, 13, 20);
    assert_true(trim_all(&world, 0, 3, 0) >= 0);
    assert_int_equal(stands("Xylophonic confession"), 0);
    assert_int_equal(log_size(), 0);
    confesses(21);
    add_wipe(&world);
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    assert_int_equal(stands("Xylophonic confession"), 0);
    assert_int_equal(log_size(), 0);
}

/* Somebody who reads keeps the log as it is; a commit does not wait for that, and it is tried
 * again. */
static void who_reads_is_not_waited_for(void **state)
{
    UNUSED(state);
    sqlite3 *handle;
    speaks(ROOM, 1, 10);
    confesses(11);
    assert_int_equal(sqlite3_open(world.path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "BEGIN; SELECT count(*) FROM archive", NULL, NULL, NULL),
                     SQLITE_OK);
    add_bury(&world, 11, "<tomb/>");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    int64_t began_ms = clock_mono_ms();
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    assert_true(clock_mono_ms() - began_ms < STORE_BUSY_MS / 2);
    assert_true(stands("Xylophonic confession") > 0);
    speaks(ROOM, 12, 13);
    sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(handle);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    assert_int_equal(stands("Xylophonic confession"), 0);
    assert_int_equal(log_size(), 0);
}

/* ---- a server that runs is told ---- */

static void notes_are_read_once(void **state)
{
    UNUSED(state);
    struct store_forgotten *list;
    unsigned count = 99;
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 0);
    speaks(ROOM, 1, 8);
    forgets_account("user2@h");
    forgets_account("user2@h");
    forgets_account("nobody@h"); /* rooms that are not stored may know it */
    forgets_room(ROOM);
    assert_int_equal(store_world_reopen(&world), 0); /* they are not lost */
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 3);
    is_text(list[0].account, "");
    is_text(list[0].room, ROOM);
    is_text(list[1].account, "nobody@h");
    is_text(list[1].room, "");
    is_text(list[2].account, "user2@h");
    assert_true(list[2].until_us > INT64_C(1700000000000000));
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 0);
}

static void count_message(void *self, struct mail *mail)
{
    unsigned *told = self;
    struct message *message = container_of(mail, struct message, mail);
    assert_int_equal(message->kind, MSG_FORGET);
    is_text(message->forget.account, "user2@h");
    assert_false(str_present(message->forget.room));
    assert_int_equal(message->forget.at, 0);
    ++*told;
    message_free(message);
}

static unsigned told(struct mailbox *shard)
{
    unsigned count = 0;
    bool more;
    mailbox_drain(shard, count_message, &count, 100, &more);
    return count;
}

static void the_scribe_tells_all_shards(void **state)
{
    UNUSED(state);
    struct exchange *exchange = exchange_new();
    struct mailbox *shards[2];
    struct log_sink sink = {0};
    int err = 0;
    for (unsigned i = 0; i < 2; i++) {
        shards[i] = mailbox_new(&err);
        exchange_set_shard(exchange, i, shards[i]);
    }
    speaks(ROOM, 1, 8);
    world.reader->close(world.reader);
    world.reader = NULL;
    struct scribe_setup setup = {.exchange = exchange, .store = world.store, .log = &sink};
    struct scribe *scribe = scribe_new(&setup, &err);
    world.store = NULL; /* taken */
    for (unsigned i = 0; i < 20; i++)
        agent_step(scribe_agent(scribe));
    assert_int_equal(told(shards[0]), 0);
    assert_int_equal(forgets_account("user2@h"), 2);
    struct clock_face later = {.wall_us = clock_wall_us(),
                               .mono_ms = clock_mono_ms() + STORE_LOOK_MS + 1};
    clock_show(&later);
    for (unsigned i = 0; i < 20; i++)
        agent_step(scribe_agent(scribe));
    clock_show(NULL);
    assert_int_equal(told(shards[0]), 1);
    assert_int_equal(told(shards[1]), 1);
    scribe_free(scribe);
    for (unsigned i = 0; i < 2; i++) {
        exchange_set_shard(exchange, i, NULL);
        mailbox_free(shards[i]);
    }
    exchange_free(exchange);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_sqlite, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_account_leaves_places_behind),
        CASE(newcomers_are_not_shown_places),
        CASE(a_room_leaves_nothing_behind),
        CASE(what_is_said_later_stays),
        CASE(what_is_gone_goes_at_once),
        CASE(nothing_is_left_in_the_files),
        CASE(the_log_is_emptied_when_there_is_time),
        CASE(who_reads_is_not_waited_for),
        CASE(notes_are_read_once),
        CASE(the_scribe_tells_all_shards),
    };
    return cmocka_run_group_tests_name("forgetting", tests, agent_thread_begin, agent_thread_end);
}
