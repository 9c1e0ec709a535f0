/*
 * A shard with a store, a memory store behind a scribe that works when told to: rooms are loaded,
 * wait for commits, fail, hold back what they say, leave memory and come back, and outlive the
 * shard.
 */
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "shard/shard.h"
#include "shard/store/reader.h"
#include "shard/store/scribe.h"
#include "shard/store/store_mem.h"
#include "tests/support/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM   "cave@" LANES_SERVICE
#define ROMEO  "romeo@example.org/desk"
#define JULIET "juliet@example.org/desk"
#define FRIAR  "friar@example.org/desk"
#define MUC    "<x xmlns='http://jabber.org/protocol/muc'/>"

enum { NUMBER = 3 };

static struct exchange *exchange;
static struct directory *directory;
static struct fake_lane lanes[2];
static struct shard *shard;
static struct scribe *scribe;
static struct store *store;
static struct room_options options;
static struct muc_settings settings;
static struct muc_env env;
static char log_text[4096];

static void note_line(struct log_sink *sink, enum log_level level, const char *line)
{
    UNUSED(sink);
    UNUSED(level);
    size_t used = strlen(log_text);
    snprintf(log_text + used, sizeof(log_text) - used, "%s\n", line);
}

static struct log_sink sink = {.write = note_line, .level = LOG_LEVEL_INFO};

static void open_shard(void)
{
    struct shard_setup setup = {
        .number = NUMBER,
        .exchange = exchange,
        .directory = directory,
        .envs = &env,
        .env_count = 1,
        .stored = true,
        .handover = true,
        .log = &sink,
        .random = lanes_random,
    };
    int err = 0;
    shard = shard_new(&setup, &err);
    assert_int_equal(err, 0);
}

static void all_rooms(bool persistent, bool archive)
{
    options.persistent = persistent;
    options.archive = archive;
}

static int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    options_preset(&options);
    all_rooms(true, false);
    env = *lanes_env();
    settings = *env.settings;
    settings.defaults = &options;
    settings.durable = true;
    env.settings = &settings;
    exchange = exchange_new();
    directory = directory_new(&env.hash_key);
    for (uint16_t i = 0; i < 2; i++)
        fake_lane_open(&lanes[i], exchange, i);
    directory_add_link(directory, STR(LANES_SERVICE), (struct route){.slot = 9, .generation = 1});
    store = store_mem_open(&env.hash_key);
    store_mem_set_durable(store);
    struct scribe_setup setup = {.exchange = exchange, .store = store, .log = &sink};
    scribe = scribe_new(&setup, &err);
    assert_non_null(scribe);
    open_shard();
    log_text[0] = '\0';
    return err;
}

static int end(void **state)
{
    UNUSED(state);
    shard_free(shard);
    scribe_free(scribe);
    for (unsigned i = 0; i < 2; i++)
        fake_lane_close(&lanes[i]);
    directory_free(directory);
    exchange_free(exchange);
    room_options_fini(&options);
    log_set_sink(NULL);
    return 0;
}

/* ---- doing ---- */

static struct jid *jid(const char *text)
{
    struct jid *made = jid_parse(NULL, str_z(text));
    ensure(made != NULL);
    return made;
}

static struct route route_of(const char *from)
{
    uint32_t slot = from[0] == 'r' ? 1 : from[0] == 'j' ? 2 : 3;
    return (struct route){.slot = slot, .generation = 1, .lane = slot == 1 ? 0 : 1};
}

static void say(const char *from, const char *to, const char *xml)
{
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(str_z(xml));
    ensure(message->stanza.stanza != NULL);
    message->stanza.from = jid(from);
    message->stanza.to = jid(to);
    message->stanza.route = route_of(from);
    message->stanza.lane = message->stanza.route.lane;
    message->stanza.cost = 1;
    assert_true(post_shard(exchange, NUMBER, message));
}

static void enter(const char *from, const char *nick)
{
    char to[64];
    snprintf(to, sizeof(to), ROOM "/%s", nick);
    say(from, to, "<presence>" MUC "</presence>");
}

static void leave(const char *from, const char *nick)
{
    char to[64];
    snprintf(to, sizeof(to), ROOM "/%s", nick);
    say(from, to, "<presence type='unavailable'/>");
}

static void talk(const char *from, const char *text)
{
    char xml[200];
    snprintf(xml, sizeof(xml), "<message type='groupchat' id='%s'><body>%s</body></message>", text,
             text);
    say(from, ROOM, xml);
}

static void make_member(const char *from, const char *who)
{
    char xml[300];
    snprintf(xml, sizeof(xml),
             "<iq type='set' id='member'><query xmlns='http://jabber.org/protocol/muc#admin'>"
             "<item jid='%s' affiliation='member'/></query></iq>",
             who);
    say(from, ROOM, xml);
}

static void step(void)
{
    agent_step(shard_agent(shard));
}

static void write_down(void)
{
    agent_step(scribe_agent(scribe));
}

/* Until nothing is on its way between the two. */
static void settle(void)
{
    for (int i = 0; i < 8; i++) {
        step();
        write_down();
    }
    step();
}

static void pass(int64_t seconds)
{
    shard_agent(shard)->now_us += seconds * 1000000;
}

static const char *heard(unsigned lane)
{
    static char *text;
    uint32_t cost;
    free(text);
    text = fake_lane_read(&lanes[lane], &cost);
    return text;
}

static void forget_heard(void)
{
    for (unsigned i = 0; i < 2; i++) {
        heard(i);
        struct message *message;
        while ((message = fake_lane_next(&lanes[i])) != NULL)
            message_free(message);
    }
}

static void in_order(const char *text, ...)
{
    va_list args;
    const char *at = text;
    va_start(args, text);
    for (const char *part = va_arg(args, const char *); part != NULL;
         part = va_arg(args, const char *)) {
        const char *found = strstr(at, part);
        if (found == NULL)
            print_error("missing: %s\nin:\n%s\n", part, text);
        assert_non_null(found);
        at = found + strlen(part);
    }
    va_end(args);
}

static void is_absent(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        print_error("not to be there: %s\nin:\n%s\n", part, text);
    assert_null(strstr(text, part));
}

static void two_in_a_room(void)
{
    enter(ROMEO, "Romeo");
    enter(JULIET, "Juliet");
    settle();
    forget_heard();
}

/* The process ends: what was posted to the scribe is written. A new one finds the store. */
static void crash(void)
{
    write_down();
    shard_free(shard);
    forget_heard();
    open_shard();
}

static void wake(void)
{
    struct message *message = message_new(MSG_ROOM_WAKE);
    message->room_wake.room = jid(ROOM);
    assert_true(post_shard(exchange, NUMBER, message));
}

static void post_shutdown(void)
{
    assert_true(post_shard(exchange, NUMBER, message_new(MSG_SHUTDOWN)));
}

static bool said_done(void)
{
    struct message *message;
    bool done = false;
    heard(0);
    while ((message = fake_lane_next(&lanes[0])) != NULL) {
        done |= message->kind == MSG_SHARD_DONE;
        message_free(message);
    }
    return done;
}

/* ---- loading ---- */

static void a_room_is_looked_for_first(void **state)
{
    UNUSED(state);
    enter(ROMEO, "Romeo");
    enter(JULIET, "Juliet");
    step();
    step();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    settle();
    /* It is made by who came first, and that is committed before anybody hears of it. */
    in_order(heard(0), "Romeo", "code='201'", "from='" ROOM "/Juliet'", NULL);
    in_order(heard(1), "from='" ROOM "/Romeo'", "from='" ROOM "/Juliet'", "code='110'", NULL);
    assert_string_equal(log_text, "room created: " ROOM "\n");
}

static void what_cannot_be_loaded_is_refused(void **state)
{
    UNUSED(state);
    two_in_a_room();
    crash();
    store_mem_fail_loads(store, 1, ERR_IO);
    talk(ROMEO, "lost");
    settle();
    in_order(heard(0), "type='error'", "<internal-server-error", NULL);
    in_order(log_text, "cannot be read", NULL);
    assert_int_equal(shard_room_count(shard), 0);
    talk(ROMEO, "found");
    settle();
    in_order(heard(0), "<body>found</body>", NULL);
}

static void no_more_wait_than_may(void **state)
{
    UNUSED(state);
    enter(ROMEO, "Romeo");
    for (unsigned i = 1; i < ROOM_PARKED_MAX; i++)
        talk(ROMEO, "parked");
    talk(JULIET, "too many");
    for (int i = 0; i < 10; i++)
        step();
    in_order(heard(1), "type='error'", "<resource-constraint", NULL);
    assert_string_equal(heard(0), "");
    write_down();
    settle();
    in_order(heard(0), "code='201'", "<body>parked</body>", NULL);
}

/* ---- changes ---- */

static void a_change_is_committed_before_it_is_seen(void **state)
{
    UNUSED(state);
    two_in_a_room();
    make_member(ROMEO, "juliet@example.org");
    talk(JULIET, "behind it");
    step();
    step();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    settle();
    in_order(heard(0), "affiliation='member'", "type='result' id='member'", "behind it", NULL);
    in_order(heard(1), "affiliation='member'", "behind it", NULL);
}

static void a_change_that_failed_has_not_happened(void **state)
{
    UNUSED(state);
    two_in_a_room();
    store_mem_fail_commits(store, 1, ERR_NO_SPACE);
    make_member(ROMEO, "juliet@example.org");
    talk(JULIET, "behind it");
    settle();
    const char *text = heard(0);
    in_order(text, "type='error' id='member'", "<resource-constraint", "behind it", NULL);
    is_absent(text, "affiliation='member'");
    make_member(ROMEO, "juliet@example.org");
    settle();
    in_order(heard(0), "affiliation='member'", "type='result'", NULL);
}

/* An alarm that rings meanwhile rings again. */
static void alarms_wait_too(void **state)
{
    UNUSED(state);
    two_in_a_room();
    make_member(ROMEO, "friar@example.org");
    step();
    pass(options.ping_minutes * 60 * 3);
    step();
    step();
    assert_string_equal(heard(0), "");
    settle();
    is_absent(heard(0), "urn:xmpp:ping");
    pass(1);
    settle();
    in_order(heard(0), "<ping xmlns='urn:xmpp:ping'/>", NULL);
}

/* ---- messages ---- */

static void a_message_is_kept_before_it_is_heard(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    talk(ROMEO, "one");
    step();
    enter(FRIAR, "Friar");
    talk(JULIET, "two");
    step();
    step();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    settle();
    in_order(heard(0), "<body>one</body>", "from='" ROOM "/Friar'", "<body>two</body>", NULL);
    in_order(heard(1), "<body>one</body>", "3 <message", "<body>one</body>", "<delay", "<subject",
             "<body>two</body>", NULL);
}

static void a_message_that_is_not_kept_is_not_heard(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    store_mem_fail_commits(store, 1, ERR_IO);
    talk(ROMEO, "one");
    step();
    enter(FRIAR, "Friar");
    step();
    write_down();
    settle();
    const char *text = heard(0);
    in_order(text, "from='" ROOM "/Friar'", NULL);
    in_order(text, "type='error' id='one'", "<internal-server-error", NULL);
    text = heard(1);
    is_absent(text, "<body>one</body>");
    in_order(text, "3 <presence", "code='110'", "3 <message", "<subject", NULL);
    in_order(log_text, "the store cannot be written", NULL);
    talk(ROMEO, "two");
    settle();
    in_order(heard(1), "<body>two</body>", NULL);
    in_order(log_text, "the store can be written again", NULL);
}

/* Others do not wait for a room that waits. */
static void each_room_waits_by_itself(void **state)
{
    UNUSED(state);
    two_in_a_room();
    say(FRIAR, "cell@" LANES_SERVICE "/Friar", "<presence>" MUC "</presence>");
    settle();
    forget_heard();
    make_member(ROMEO, "juliet@example.org");
    say(FRIAR, "cell@" LANES_SERVICE, "<message type='groupchat'><body>meanwhile</body></message>");
    step();
    in_order(heard(1), "3 <message", "<body>meanwhile</body>", NULL);
    settle();
    in_order(heard(0), "type='result' id='member'", NULL);
}

/* ---- memory ---- */

static void an_idle_room_leaves_and_comes_back(void **state)
{
    UNUSED(state);
    two_in_a_room();
    make_member(ROMEO, "juliet@example.org");
    say(ROMEO, ROOM, "<message type='groupchat'><subject>cheese</subject></message>");
    talk(ROMEO, "before");
    settle();
    leave(ROMEO, "Romeo");
    leave(JULIET, "Juliet");
    settle();
    pass(ROOM_IDLE_SECONDS - 1);
    settle();
    assert_int_equal(shard_room_count(shard), 1);
    pass(2);
    settle();
    pass(1);
    settle();
    assert_int_equal(shard_room_count(shard), 0);
    assert_string_equal(log_text, "room created: " ROOM "\n");
    forget_heard();
    enter(JULIET, "Juliet");
    settle();
    const char *text = heard(1);
    in_order(text, "affiliation='member'", "code='110'", "<body>before</body>", "<delay",
             "<subject>cheese</subject>", NULL);
    is_absent(text, "code='201'");
}

/* Who comes while it is about to leave finds it, and it stays. */
static void a_room_that_is_wanted_again_stays(void **state)
{
    UNUSED(state);
    two_in_a_room();
    leave(ROMEO, "Romeo");
    leave(JULIET, "Juliet");
    settle();
    pass(ROOM_IDLE_SECONDS + 1);
    step(); /* what it remembers is being written */
    enter(FRIAR, "Friar");
    settle();
    pass(ROOM_IDLE_SECONDS + 1);
    settle();
    assert_int_equal(shard_room_count(shard), 1);
    in_order(heard(1), "3 <presence", "code='110'", NULL);
}

static void a_tombstone_outlives_memory(void **state)
{
    UNUSED(state);
    two_in_a_room();
    say(ROMEO, ROOM,
        "<iq type='set' id='x'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/>"
        "</query></iq>");
    settle();
    pass(ROOM_IDLE_SECONDS + 1);
    settle();
    pass(1);
    settle();
    assert_int_equal(shard_room_count(shard), 0);
    forget_heard();
    enter(FRIAR, "Friar");
    settle();
    in_order(heard(1), "type='error'", "<gone ", NULL);
}

/* ---- the end ---- */

static void shutdown_waits_for_commits(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    make_member(ROMEO, "juliet@example.org");
    step();
    post_shutdown();
    step();
    step();
    assert_string_equal(heard(0), "");
    assert_false(said_done());
    write_down();
    step();
    in_order(heard(0), "type='result' id='member'", NULL);
    settle();
    assert_true(said_done());
}

static void sessions_outlive_the_shard(void **state)
{
    UNUSED(state);
    two_in_a_room();
    post_shutdown();
    settle();
    assert_true(said_done());
    is_absent(heard(1), "unavailable");
    crash();
    wake();
    settle();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    assert_int_equal(shard_room_count(shard), 1);
    talk(JULIET, "still here");
    settle();
    /* Romeo is behind the link, Juliet is where she was heard from. */
    in_order(heard(0), "9 <message", "to='" ROMEO "'", "still here", NULL);
    in_order(heard(1), "2 <message", "still here", NULL);
}

/* So do temporary rooms; and a shutdown that comes while they are being loaded loses nothing. */
static void temporary_rooms_outlive_a_shutdown(void **state)
{
    UNUSED(state);
    all_rooms(false, false);
    two_in_a_room();
    talk(ROMEO, "before");
    settle();
    post_shutdown();
    settle();
    for (int i = 0; i < 2; i++) {
        crash();
        wake();
        step();
        post_shutdown();
        settle();
        forget_heard();
    }
    crash();
    wake();
    settle();
    talk(JULIET, "still here");
    enter(FRIAR, "Friar");
    settle();
    in_order(heard(0), "9 <message", "to='" ROMEO "'", "still here", NULL);
    in_order(heard(1), "2 <message", "still here", "3 <message", "<body>before</body>", NULL);
    /* It is not in the store any more: after a crash it is gone. */
    crash();
    wake();
    settle();
    assert_int_equal(shard_room_count(shard), 0);
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
    lanes_env_free();
    prep_fini();
    agent_unregister_thread();
    return 0;
}

/* ---- what the reviewers of this part have found ---- */

#define MAM "<iq type='set' id='mam'><query xmlns='urn:xmpp:mam:2'/></iq>"
#define DESTROY                                                                                    \
    "<iq type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>" \
    "</iq>"

static struct reader *reader;

static void open_reader(void)
{
    int err = 0;
    reader = reader_new(exchange, store->reader(store, &err), &sink, &err);
    assert_non_null(reader);
}

/* Answers until nobody asks any more. */
static void read_on(void)
{
    for (unsigned i = 0; i < 3; i++) {
        agent_step(reader_agent(reader));
        settle();
    }
}

/* A page that was read before a message was moderated is not sent after it. */
static void what_is_moderated_does_not_come_back(void **state)
{
    UNUSED(state);
    char id[64], xml[400];
    all_rooms(true, true);
    open_reader();
    two_in_a_room();
    talk(JULIET, "SECRET");
    settle();
    const char *at = strstr(heard(0), "<stanza-id");
    assert_non_null(at);
    at = strstr(at, " id='") + strlen(" id='");
    snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, "'"), at);
    forget_heard();
    say(JULIET, ROOM, MAM);
    snprintf(xml, sizeof(xml),
             "<iq type='set' id='mod'><moderate xmlns='urn:xmpp:message-moderate:1' id='%s'>"
             "<retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>",
             id);
    say(ROMEO, ROOM, xml);
    step();
    agent_step(reader_agent(reader));
    write_down();
    step();
    settle();
    read_on();
    const char *text = heard(1);
    in_order(text, "<retract ", "<retracted ", "complete='true'", NULL);
    is_absent(text, "<body>SECRET");
    reader_free(reader);
}

/* Who owns the room now has no part in the one before it. */
static void the_next_room_has_not_the_archive_of_the_last(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    settings.tombstone_days = 0;
    open_reader();
    two_in_a_room();
    enter(FRIAR, "Friar");
    talk(FRIAR, "anonymous");
    settle();
    forget_heard();
    say(JULIET, ROOM, MAM);
    say(ROMEO, ROOM, DESTROY);
    enter(JULIET, "Juliet");
    step();
    agent_step(reader_agent(reader));
    write_down();
    step();
    settle();
    read_on();
    const char *text = heard(1);
    in_order(text, "affiliation='owner'", "complete='true'", NULL);
    is_absent(text, "<body>anonymous");
    is_absent(text, "<result ");
    reader_free(reader);
}

/* The oldest tombstone gives way, unless the store has something of it. */
static void the_oldest_tombstone_may_be_busy(void **state)
{
    char to[80];
    unsigned made = 0;
    UNUSED(state);
    settings.tombstone_days = 30;
    for (; made <= TOMBSTONES_MAX; made++) {
        snprintf(to, sizeof(to), "r%u@" LANES_SERVICE "/R", made);
        say(ROMEO, to, "<presence>" MUC "</presence>");
        settle();
        *strchr(to, '/') = '\0';
        if (made == TOMBSTONES_MAX)
            pass(61); /* the oldest are idle now, and written */
        say(ROMEO, to, DESTROY);
        if (made == TOMBSTONES_MAX)
            step();
        else
            settle();
        forget_heard();
    }
    write_down();
    step();
    settle();
    assert_true(shard_room_count(shard) <= TOMBSTONES_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_room_is_looked_for_first, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_loaded_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(no_more_wait_than_may, begin, end),
        cmocka_unit_test_setup_teardown(a_change_is_committed_before_it_is_seen, begin, end),
        cmocka_unit_test_setup_teardown(a_change_that_failed_has_not_happened, begin, end),
        cmocka_unit_test_setup_teardown(alarms_wait_too, begin, end),
        cmocka_unit_test_setup_teardown(a_message_is_kept_before_it_is_heard, begin, end),
        cmocka_unit_test_setup_teardown(a_message_that_is_not_kept_is_not_heard, begin, end),
        cmocka_unit_test_setup_teardown(each_room_waits_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(an_idle_room_leaves_and_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(a_room_that_is_wanted_again_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_tombstone_outlives_memory, begin, end),
        cmocka_unit_test_setup_teardown(shutdown_waits_for_commits, begin, end),
        cmocka_unit_test_setup_teardown(sessions_outlive_the_shard, begin, end),
        cmocka_unit_test_setup_teardown(temporary_rooms_outlive_a_shutdown, begin, end),
        cmocka_unit_test_setup_teardown(what_is_moderated_does_not_come_back, begin, end),
        cmocka_unit_test_setup_teardown(the_next_room_has_not_the_archive_of_the_last, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_tombstone_may_be_busy, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
