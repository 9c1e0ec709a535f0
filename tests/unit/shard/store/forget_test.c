/*
 * What somebody wants to be forgotten: what is left of it in the archives, that nothing of the text
 * is left anywhere, and that a server that runs is told.
 */
#include "shard/store/scribe.h"
#include "shard/store/store_tool.h"
#include "tests/support/agent_thread.h"
#include "tests/support/lanes.h"
#include "tests/support/record_world.h"
#include "tests/support/store_expect.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OTHER "other@conference.example"

static int64_t forgets_account(const char *account)
{
    return store_tool_forget_account(str_z(world.path), str_z(account), lanes_env()->crypto,
                                     world.arena, &world.why);
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

/* ---- subjects ---- */

/* As the scribe does it. */
static void is_done_with(struct store_forgotten *what)
{
    int more;
    while ((more = world.store->forget(world.store, what)) == 1) {
    }
    assert_int_equal(more, 0);
}

/* The rows of such a room, whose subject that account has set then. */
static void has_a_subject(const char *room, const char *account, int64_t at_us)
{
    struct record_world *made = record_world_new();
    char author[OCCUPANT_ID_BYTES];
    record_create(made);
    occupant_id_by(lanes_env()->crypto,
                   str_of((const char *)made->room->secret, sizeof(made->room->secret)),
                   str_z(account), author);
    struct change change = {.kind = CHANGE_SUBJECT};
    change.subject.frame =
        record_frame(made, "Nick",
                     str_fmt(world.arena,
                             "<subject>Confession</subject>"
                             "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='%.*s'/>",
                             OCCUPANT_ID_BYTES, author)
                         .at);
    change.subject.plain = STR("Confession");
    change.subject.at_us = at_us;
    record_commit(made, &change);
    frame_unref(change.subject.frame);
    for (unsigned i = 0; i < made->row_count; i++) {
        struct record_item item = {
            .op = RECORD_PUT,
            .kind = made->rows[i].kind,
            .key = made->rows[i].key,
            .value = made->rows[i].value,
        };
        record_add(&world.batch, &item);
    }
    record_world_free(made);
    commits(room);
}

static bool has_one(const char *room)
{
    struct store_room loaded = loads(room);
    struct stored_room stored;
    const char *why = "";
    bool has = false;
    assert_int_equal(record_read(world.arena, loaded.rows, loaded.row_count, &stored, &why), 0);
    for (unsigned i = 0; i < stored.change_count; i++)
        has |= stored.changes[i].kind == CHANGE_SUBJECT;
    return has;
}

/* Of many rooms, those whose subject that account has set, whether a message of it is archived or
 * not; and nothing else of the room. */
static void subjects_go_with_who_has_set_them(void **state)
{
    UNUSED(state);
    struct store_forgotten *list;
    unsigned count;
    for (unsigned i = 0; i < 2 * STORE_TRIM_ROOMS; i++)
        speaks(str_fmt(world.arena, "r%u@h", i).at, 1, 1);
    has_a_subject(ROOM, "user2@h", 5);
    has_a_subject(OTHER, "user1@h", 5);
    has_a_subject("later@h", "user2@h", INT64_C(9000000000000000));
    add_put(&world, RECORD_SUBJECT, "", "damaged");
    commits("r7@h");
    assert_int_equal(forgets_account("user2@h"), 0);
    assert_false(has_one(ROOM));
    assert_true(has_one(OTHER));
    assert_true(has_one("later@h"));
    has_a_subject(ROOM, "user2@h", 6); /* it was on its way */
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 1);
    is_done_with(&list[0]);
    assert_false(has_one(ROOM));
    assert_true(has_one(OTHER));
    assert_true(has_one("later@h"));
    assert_int_equal(forgets_room(OTHER), 0);
    assert_true(has_one(OTHER));
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

/* A note is there until all that it is about is done. */
static void notes_are_done_with_once(void **state)
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
    for (unsigned i = 0; i < 2; i++) { /* they are not lost */
        assert_int_equal(store_world_reopen(&world), 0);
        assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
        assert_int_equal(count, 3);
        is_text(list[0].account, "");
        is_text(list[0].room, ROOM);
        is_text(list[1].account, "nobody@h");
        is_text(list[1].room, "");
        is_text(list[2].account, "user2@h");
        assert_true(list[2].until_us > INT64_C(1700000000000000));
    }
    is_done_with(&list[1]);
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 2);
    forgets_room(ROOM); /* once more, meanwhile: that one is not done with */
    is_done_with(&list[0]);
    is_done_with(&list[1]);
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 1);
    is_text(list[0].room, ROOM);
    is_done_with(&list[0]);
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 0);
}

/* A server had these on the way when the tool came by: said before, committed behind it. */
static void what_was_on_the_way_goes_too(void **state)
{
    UNUSED(state);
    struct store_forgotten *list;
    unsigned count;
    speaks(ROOM, 1, 200);
    speaks(OTHER, 1, 40);
    assert_int_equal(forgets_account("user2@h"), 60);
    assert_int_equal(forgets_room(OTHER), 40);
    speaks(ROOM, 201, 1000);
    speaks(OTHER, 41, 300);
    struct archived message = message_make(&world, 1002, "from the future");
    message.at_us = INT64_C(9000000000000000);
    add_message(&world, &message);
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    message = message_make(&world, 302, "from the future");
    message.at_us = INT64_C(9000000000000000);
    add_message(&world, &message);
    assert_int_equal(store_world_commit(&world, OTHER, false), 0);
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 2);
    for (unsigned i = 0; i < count; i++)
        is_done_with(&list[i]);
    struct archive_query query = query_all();
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.total, 1001);
    for (unsigned i = 0; i < page.count; i++)
        assert_int_equal(page.rows[i].retracted, i < 1000 && (i + 1) % 4 == 2);
    assert_int_equal(total(ROOM, "five"), 150);
    assert_int_equal(total(ROOM, "future"), 1);
    assert_int_equal(total(OTHER, NULL), 1);
}

/* What is said while the tool is at it stays, whatever it has come to. */
static void what_is_said_meanwhile_stays(void **state)
{
    UNUSED(state);
    struct store_forgotten *list;
    unsigned count;
    unsigned before = 3000;
    unsigned said = before;
    int64_t at_us[10000]; /* those that are said meanwhile */
    int status = 0;
    speaks(ROOM, 1, said);
    pid_t child = fork();
    if (child == 0)
        _exit(forgets_room(ROOM) >= 3000 ? 0 : 1);
    pid_t ended = 0;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && said - before < ARRAY_LEN(at_us)) {
        struct archived message = message_make(&world, said + 1, "meanwhile");
        at_us[said++ - before] = message.at_us = clock_wall_us();
        add_message(&world, &message);
        assert_int_equal(store_world_commit(&world, ROOM, false), 0);
    }
    if (ended == 0) /* it was slower than so many messages */
        assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 1);
    unsigned first = before; /* from it on, all are to be there */
    while (first < said && at_us[first - before] <= list[0].until_us)
        first++;
    assert_true(first < said);
    is_done_with(&list[0]);
    struct archive_query query = query_all();
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.total, said - first);
    assert_true(page.count > 0);
    is_text(page.rows[0].id, str_fmt(world.arena, "m%u", first + 1).at);
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

/* The shard hands them back, as it does when all that it had to be kept is posted. */
static void hand_back(void *self, struct mail *mail)
{
    struct message *message = container_of(mail, struct message, mail);
    assert_int_equal(message->kind, MSG_FORGET);
    if (message->forget.back)
        post_scribe(self, message);
    else
        message_free(message);
}

static unsigned told(struct mailbox *shard)
{
    unsigned count = 0;
    bool more;
    mailbox_drain(shard, count_message, &count, 100, &more);
    return count;
}

enum { SHARDS = 2 };

struct company {
    struct exchange *exchange;
    struct mailbox *shards[SHARDS];
    struct scribe *scribe;
};

/* The world's store has a scribe now. */
static struct company company_begin(void)
{
    static struct log_sink sink;
    struct company company = {.exchange = exchange_new()};
    int err = 0;
    for (unsigned i = 0; i < SHARDS; i++) {
        company.shards[i] = mailbox_new(&err);
        exchange_set_shard(company.exchange, i, company.shards[i]);
    }
    world.reader->close(world.reader);
    world.reader = NULL;
    struct scribe_setup setup = {.exchange = company.exchange, .store = world.store, .log = &sink};
    company.scribe = scribe_new(&setup, &err);
    world.store = NULL; /* taken */
    return company;
}

static void company_end(struct company *company)
{
    clock_show(NULL);
    scribe_free(company->scribe);
    for (unsigned i = 0; i < SHARDS; i++) {
        exchange_set_shard(company->exchange, i, NULL);
        mailbox_free(company->shards[i]);
    }
    exchange_free(company->exchange);
}

static void works(struct company *company)
{
    for (unsigned i = 0; i < 20; i++)
        agent_step(scribe_agent(company->scribe));
}

static void time_passes(void)
{
    static struct clock_face later;
    later.wall_us = clock_wall_us();
    later.mono_ms = clock_mono_ms() + STORE_LOOK_MS + 1;
    clock_show(&later);
}

static void the_scribe_tells_all_shards(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 8);
    struct company company = company_begin();
    works(&company);
    assert_int_equal(told(company.shards[0]), 0);
    assert_int_equal(forgets_account("user2@h"), 2);
    time_passes();
    works(&company);
    assert_int_equal(told(company.shards[0]), 1);
    assert_int_equal(told(company.shards[1]), 1);
    company_end(&company);
}

static void post_batch(struct company *company)
{
    struct message *message = message_new(MSG_COMMIT);
    message->commits.count = 1;
    message->commits.at = MEM_NEW_ARRAY(struct commit, 1);
    message->commits.at[0].room = str_copy(STR(ROOM));
    message->commits.at[0].batch = str_copy(buf_str(&world.batch));
    assert_true(post_scribe(company->exchange, message));
}

static void drop_message(void *self, struct mail *mail)
{
    struct message *message = container_of(mail, struct message, mail);
    unsigned *committed = self;
    *committed += message->kind == MSG_COMMITTED;
    message_free(message);
}

/* A batch waits in a shard when the tool comes by. Whatever the scribe has found by then, it waits
 * for the shards, and tells them again when all is done: a room may have been loaded meanwhile. */
static void the_scribe_waits_for_all_shards(void **state)
{
    UNUSED(state);
    bool more;
    unsigned committed = 0;
    speaks(ROOM, 1, 8);
    struct company company = company_begin();
    works(&company);
    assert_int_equal(forgets_account("user2@h"), 2);
    time_passes();
    works(&company);
    mailbox_drain(company.shards[1], hand_back, company.exchange, 100, &more);
    works(&company);
    assert_int_equal(told(company.shards[1]), 0); /* not before the other one is ready */
    add_append(&world, 10, "it was on the way");
    post_batch(&company);
    mailbox_drain(company.shards[0], hand_back, company.exchange, 100, &more);
    works(&company);
    mailbox_drain(company.shards[0], drop_message, &committed, 1, &more);
    assert_int_equal(committed, 1);
    assert_int_equal(told(company.shards[0]), 1);
    assert_int_equal(told(company.shards[1]), 1);
    company_end(&company);
    assert_int_equal(store_world_reopen(&world), 0);
    assert_int_equal(total(ROOM, NULL), 9);
    assert_int_equal(total(ROOM, "way"), 0);
    struct store_forgotten *list;
    unsigned count = 99;
    assert_int_equal(world.store->forgotten(world.store, world.arena, &list, &count), 0);
    assert_int_equal(count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_sqlite, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_account_leaves_places_behind), CASE(newcomers_are_not_shown_places),
        CASE(a_room_leaves_nothing_behind),    CASE(what_is_said_later_stays),
        CASE(what_is_gone_goes_at_once),       CASE(subjects_go_with_who_has_set_them),
        CASE(nothing_is_left_in_the_files),    CASE(the_log_is_emptied_when_there_is_time),
        CASE(who_reads_is_not_waited_for),     CASE(notes_are_done_with_once),
        CASE(what_was_on_the_way_goes_too),    CASE(what_is_said_meanwhile_stays),
        CASE(the_scribe_tells_all_shards),     CASE(the_scribe_waits_for_all_shards),
    };
    return cmocka_run_group_tests_name("forgetting", tests, agent_thread_begin, agent_thread_end);
}
