/*
 * Who reads: nothing that is asked takes for ever, and what is quick does not wait for a search.
 */
#include "shard/store/reader.h"
#include "tests/support/store_world.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <string.h>

#define ROOM "room@conference.example"

static struct store_world world;

/* A clock that goes on by so much whenever somebody looks at it. */
static struct {
    int64_t now_ms, step_ms;
    unsigned looks;
} watch;

static int64_t look(void)
{
    watch.looks++;
    watch.now_ms += watch.step_ms;
    return watch.now_ms;
}

static int setup(void **state)
{
    UNUSED(state);
    store_world_begin(&world, BACKEND_SQLITE);
    store_world_close(&world);
    struct store_sqlite_setup setup = {
        .path = str_z(world.path), .full_text = true, .clock_ms = look};
    int err = 0;
    world.store = store_sqlite_open(&setup, world.arena, &err, &world.why);
    world.reader = world.store->reader(world.store, &err);
    watch.now_ms = watch.step_ms = watch.looks = 0;
    return err;
}

static int teardown(void **state)
{
    UNUSED(state);
    store_world_end(&world);
    return 0;
}

/* Every other message has one word, the others another. */
static void speaks(unsigned from, unsigned to)
{
    struct record_show show = {.archived = true, .history = 20};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = from; i <= to; i++)
        add_append(&world, i, i % 2 == 0 ? "common alpha" : "common omega");
    assert_int_equal(store_world_commit(&world, ROOM, false), 0);
}

static void speaks_much(unsigned count)
{
    for (unsigned i = 0; i < count; i += 1000) {
        speaks(i + 1, i + 1000);
        arena_reset(world.arena);
    }
}

static int asks_for(const char *words)
{
    struct archive_query query = query_all();
    query.text = str_z(words);
    query.max = 10;
    return ask(&world, ROOM, &query).err;
}

/* ---- an end ---- */

static void a_search_has_an_end(void **state)
{
    UNUSED(state);
    speaks_much(10000);
    assert_int_equal(asks_for("common"), 0);
    watch.looks = 0;
    assert_int_equal(asks_for("common"), 0); /* takes no time by this clock */
    assert_true(watch.looks > 3);
    watch.step_ms = STORE_QUERY_MS / 2 + 1;
    watch.looks = 0;
    struct archive_query query = query_all();
    query.text = STR("common");
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.err, ERR_LIMIT);
    assert_int_equal(page.count, 0);
    assert_int_equal(watch.looks, 3); /* when it begins, in time, and too late */
    watch.step_ms = 0;
    assert_int_equal(asks_for("common"), 0); /* the next is none the worse */
}

/* Within one step of SQLite's machine: the index looks for what both words have, and finds nothing
 * to give back. */
static void a_search_that_finds_nothing_has_an_end(void **state)
{
    UNUSED(state);
    speaks_much(60000);
    watch.looks = 0;
    assert_int_equal(asks_for("alpha omega"), 0);
    assert_true(watch.looks > 1);
    watch.step_ms = STORE_QUERY_MS + 1;
    assert_int_equal(asks_for("alpha omega"), ERR_LIMIT);
}

/* All else, too. */
static void a_page_has_an_end(void **state)
{
    UNUSED(state);
    speaks_much(10000);
    struct archive_query query = query_all();
    query.by_index = true;
    query.index = 9990;
    assert_int_equal(ask(&world, ROOM, &query).count, 10);
    watch.step_ms = STORE_QUERY_MS + 1;
    assert_int_equal(ask(&world, ROOM, &query).err, ERR_LIMIT);
}

static void who_stops_does_not_wait_for_a_search(void **state)
{
    UNUSED(state);
    speaks_much(10000);
    world.reader->give_up(world.reader);
    assert_int_equal(asks_for("common"), ERR_LIMIT);
}

/* ---- two readers ---- */

struct line {
    struct exchange *exchange;
    struct mailbox *shard;
    struct reader *reader, *searcher;
};

/* What the operator is told: nothing but this. */
static unsigned lines;

static void count_line(struct log_sink *sink, enum log_level level, const char *text)
{
    UNUSED(sink);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_non_null(strstr(text, "the archive of " ROOM " is damaged"));
    lines++;
}

static struct log_sink sink = {.write = count_line};

static struct line line_begin(void)
{
    struct line line = {.exchange = exchange_new()};
    int err = 0;
    line.shard = mailbox_new(&err);
    assert_non_null(line.shard);
    exchange_set_shard(line.exchange, 0, line.shard);
    line.reader = reader_new(line.exchange, world.store->reader(world.store, &err), &sink, &err);
    assert_non_null(line.reader);
    return line;
}

static void line_end(struct line *line)
{
    reader_free(line->searcher);
    reader_free(line->reader);
    exchange_set_shard(line->exchange, 0, NULL);
    mailbox_free(line->shard);
    exchange_free(line->exchange);
}

static void posts(const struct line *line, const char *words)
{
    struct archive_query query = query_all();
    query.text = str_z(words);
    query.max = 3;
    struct message *message = message_new(MSG_ASK);
    message->ask = asked_new(&query, NULL);
    message->ask->from = jid_parse(NULL, STR("romeo@h/x"));
    message->ask->to = jid_parse(NULL, STR(ROOM));
    assert_true(post_reader(line->exchange, message));
}

static void posts_listing(const struct line *line)
{
    struct stored_query query = {.domain = STR("conference.example"), .max = 3};
    struct message *message = message_new(MSG_ASK);
    message->ask = asked_new(NULL, &query);
    message->ask->from = jid_parse(NULL, STR("romeo@h/x"));
    message->ask->to = jid_parse(NULL, STR("conference.example"));
    assert_true(post_reader(line->exchange, message));
}

struct answers {
    unsigned pages, searches, listings;
};

static void take(void *self, struct mail *mail)
{
    struct answers *answers = self;
    struct message *message = container_of(mail, struct message, mail);
    assert_int_equal(message->kind, MSG_ANSWER);
    const struct asked *ask = message->ask;
    if (ask->query == NULL)
        answers->listings++;
    else if (str_present(ask->query->text))
        answers->searches++;
    else
        answers->pages++;
    assert_int_equal(ask->query == NULL ? ask->listed.err : ask->page.err, 0);
    message_free(message);
}

static struct answers answers(const struct line *line)
{
    struct answers answers = {0};
    bool more;
    mailbox_drain(line->shard, take, &answers, 100, &more);
    return answers;
}

static void pages_and_lists_do_not_wait_for_a_search(void **state)
{
    UNUSED(state);
    int err = 0;
    struct line line = line_begin();
    speaks(1, 20);
    line.searcher =
        searcher_new(line.exchange, world.store->reader(world.store, &err), &sink, &err);
    assert_non_null(line.searcher);
    posts(&line, "common");
    posts(&line, "alpha");
    posts(&line, NULL);
    posts_listing(&line);
    agent_step(reader_agent(line.reader));
    struct answers heard = answers(&line);
    assert_int_equal(heard.pages, 1);
    assert_int_equal(heard.listings, 1);
    assert_int_equal(heard.searches, 0);
    agent_step(reader_agent(line.searcher));
    assert_int_equal(answers(&line).searches, 2);
    line_end(&line);
}

static void one_reader_has_all(void **state)
{
    UNUSED(state);
    struct line line = line_begin();
    speaks(1, 20);
    posts(&line, "common");
    posts(&line, NULL);
    agent_step(reader_agent(line.reader));
    struct answers heard = answers(&line);
    assert_int_equal(heard.pages, 1);
    assert_int_equal(heard.searches, 1);
    line_end(&line);
}

/* ---- damage ---- */

static void take_page(void *self, struct mail *mail)
{
    struct message *message = container_of(mail, struct message, mail);
    const struct archive_page *page = &message->ask->page;
    assert_int_equal(page->err, 0);
    assert_int_equal(page->count, 3);
    for (unsigned i = 0; i < page->count; i++) {
        assert_true(str_eq(page->rows[i].id, str_fmt(world.arena, "m%u", i + 1)));
        assert_int_equal(str_present(page->rows[i].xml), i == 0);
    }
    message_free(message);
    ++*(unsigned *)self;
}

/* They keep their places, and the others are whole; the operator is told once. */
static void damaged_messages_are_left_out(void **state)
{
    UNUSED(state);
    struct line line = line_begin();
    speaks(1, 3);
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(world.path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle,
                                  "UPDATE archive SET role = 'king' WHERE id = 'm2';"
                                  "UPDATE archive SET xml = replace(xml, '</body>', '&body;')"
                                  " WHERE id = 'm3'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(handle);
    unsigned pages = 0;
    for (unsigned i = 0; i < 3; i++) {
        posts(&line, NULL);
        agent_step(reader_agent(line.reader));
        bool more;
        mailbox_drain(line.shard, take_page, &pages, 100, &more);
    }
    assert_int_equal(pages, 3);
    assert_int_equal(lines, 1);
    line_end(&line);
}

static int group_begin(void **state)
{
    UNUSED(state);
    agent_register_thread();
    return prep_init();
}

static int group_end(void **state)
{
    UNUSED(state);
    prep_fini();
    agent_unregister_thread();
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_search_has_an_end),
        CASE(a_search_that_finds_nothing_has_an_end),
        CASE(a_page_has_an_end),
        CASE(who_stops_does_not_wait_for_a_search),
        CASE(pages_and_lists_do_not_wait_for_a_search),
        CASE(one_reader_has_all),
        CASE(damaged_messages_are_left_out),
    };
    return cmocka_run_group_tests_name("readers", tests, group_begin, group_end);
}
