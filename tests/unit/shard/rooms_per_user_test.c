/*
 * In how many rooms an account may be, counted over two shards that are stepped by hand: however it
 * leaves one, it may enter another, and in the end nothing is counted any more. Rooms that are to
 * be stored count from when they are asked for.
 */
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/muc/option.h"
#include "core/xmpp/prep.h"
#include "shard/placement.h"
#include "shard/shard.h"
#include "shard/store/scribe.h"
#include "shard/store/store_mem.h"
#include "tests/support/shard_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROMEO   "romeo@example.org/desk"
#define ROMEO_2 "romeo@example.org/tomb"
#define JULIET  "juliet@example.org/desk"
#define OFFICE  LANES_ADMIN "/office"

enum { SHARDS = 2, ROOMS = 4 };

static struct exchange *exchange;
static struct directory *directory;
static struct fake_lane lane;
static struct shard *shards[SHARDS];
static struct scribe *scribe; /* NULL: nothing is stored */
static struct store *store;
static struct muc_env stored_env;
static struct muc_settings stored_settings;
static struct room_options stored_options;
static char rooms[ROOMS]
                 [64]; /* of the service with the limit; on one shard and the other in turn */

static unsigned shard_of(const char *room)
{
    return placement_shard(&lanes_env()->hash_key, str_z(room), SHARDS);
}

static void name_rooms(void)
{
    unsigned number = 0;
    for (unsigned i = 0; i < ROOMS; i++) {
        do
            snprintf(rooms[i], sizeof(rooms[i]), "r%u@" LANES_LOUNGE, number++);
        while (shard_of(rooms[i]) != i % SHARDS);
    }
}

static void open_shards(const struct muc_env *envs, unsigned count)
{
    int err = 0;
    exchange = exchange_new();
    directory = directory_new(&lanes_env()->hash_key);
    fake_lane_open(&lane, exchange, 0);
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard_setup setup = {
            .number = i,
            .exchange = exchange,
            .directory = directory,
            .envs = envs,
            .env_count = count,
            .placement_key = &lanes_env()->hash_key,
            .stored = envs == &stored_env,
            .random = lanes_random,
        };
        shards[i] = shard_new(&setup, &err);
        assert_non_null(shards[i]);
    }
    name_rooms();
}

static int begin(void **state)
{
    UNUSED(state);
    open_shards(lanes_env(), 2);
    return 0;
}

/* All rooms of the service with the limit are stored. */
static int begin_stored(void **state)
{
    UNUSED(state);
    int err = 0;
    stored_env = lanes_env()[1];
    stored_settings = *stored_env.settings;
    options_preset(&stored_options);
    stored_options.persistent = true;
    stored_settings.defaults = &stored_options;
    stored_settings.durable = true;
    stored_env.settings = &stored_settings;
    open_shards(&stored_env, 1);
    store = store_mem_open(&stored_env.hash_key);
    struct scribe_setup setup = {.exchange = exchange, .store = store};
    scribe = scribe_new(&setup, &err);
    assert_non_null(scribe);
    return err;
}

static int end(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < SHARDS; i++)
        shard_free(shards[i]);
    if (scribe != NULL)
        scribe_free(scribe);
    scribe = NULL;
    room_options_fini(&stored_options);
    fake_lane_close(&lane);
    directory_free(directory);
    exchange_free(exchange);
    return 0;
}

/* ---- doing ---- */

static struct route route_of(const char *who)
{
    return (struct route){.slot = who[0], .generation = 1, .lane = 0};
}

static void post(unsigned shard, struct message *message)
{
    assert_true(post_shard(exchange, shard, message));
    for (unsigned i = 0; i < 2 * SHARDS; i++)
        agent_step(shard_agent(shards[(shard + i) % SHARDS]));
}

/* Until nothing is on its way to the store or back. */
static void settle(void)
{
    for (unsigned i = 0; i < 6; i++) {
        agent_step(scribe_agent(scribe));
        for (unsigned k = 0; k < SHARDS; k++)
            agent_step(shard_agent(shards[k]));
    }
}

static void say(const char *from, const char *to, const char *xml)
{
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(str_z(xml));
    message->stanza.from = jid_parse(NULL, str_z(from));
    message->stanza.to = jid_parse(NULL, str_z(to));
    ensure(message->stanza.stanza != NULL && message->stanza.to != NULL);
    message->stanza.route = route_of(from);
    message->stanza.lane = LANE_NONE;
    unsigned shard =
        message->stanza.to->local_len == 0
            ? 0
            : placement_shard(&lanes_env()->hash_key, jid_bare(message->stanza.to), SHARDS);
    post(shard, message);
}

static const char *heard(void)
{
    static char *text;
    uint32_t cost;
    free(text);
    text = fake_lane_read(&lane, &cost);
    return text;
}

/* Was it let in? */
static bool enter(const char *who, const char *room, const char *nick)
{
    char to[100];
    snprintf(to, sizeof(to), "%s/%s", room, nick);
    heard();
    say(who, to, "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>");
    const char *text = heard();
    bool inside = strstr(text, "code='110'") != NULL;
    if (!inside && strstr(text, "<error type='wait'") != NULL)
        assert_non_null(strstr(text, "<resource-constraint"));
    return inside;
}

static void unlock(const char *room)
{
    say(ROMEO, room,
        "<iq type='set' id='u'><query xmlns='http://jabber.org/protocol/muc#owner'>"
        "<x xmlns='jabber:x:data' type='submit'/></query></iq>");
}

static uint32_t counted(const char *account)
{
    return tallies_rooms(directory_tallies(directory), STR(LANES_LOUNGE), str_z(account));
}

/* Romeo, in two rooms of two shards that are open, stands at the limit. */
static void at_the_limit(void)
{
    assert_int_equal(LANES_LOUNGE_ROOMS, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(enter(ROMEO, rooms[i], "Romeo"));
        unlock(rooms[i]);
    }
    assert_int_equal(counted("romeo@example.org"), 2);
    assert_false(enter(ROMEO, rooms[2], "Romeo"));
    assert_false(enter(ROMEO, rooms[3], "Romeo"));
    assert_int_equal(counted("romeo@example.org"), 2);
    heard();
}

static void everybody_goes(void)
{
    for (unsigned i = 0; i < SHARDS; i++)
        post(i, message_new(MSG_SHUTDOWN));
    assert_int_equal(tallies_count(directory_tallies(directory)), 0);
}

/* ---- the limit ---- */

static void it_is_one_for_all_shards(void **state)
{
    UNUSED(state);
    at_the_limit();
    /* Neither another client, nor another nickname, nor being shown everything again is a room. */
    assert_true(enter(ROMEO_2, rooms[0], "Romeo"));
    assert_true(enter(ROMEO_2, rooms[1], "Other"));
    assert_true(enter(ROMEO, rooms[0], "Romeo"));
    assert_int_equal(counted("romeo@example.org"), 2);
    assert_true(enter(JULIET, rooms[0], "Juliet"));
    assert_int_equal(counted("juliet@example.org"), 1);
    assert_int_equal(tallies_count(directory_tallies(directory)), 2);
    everybody_goes();
}

static void admins_and_other_services_are_exempt(void **state)
{
    UNUSED(state);
    at_the_limit();
    for (unsigned i = 0; i < ROOMS; i++)
        assert_true(enter(OFFICE, rooms[i], "Admin"));
    assert_int_equal(counted(LANES_ADMIN), ROOMS);
    assert_true(enter(ROMEO, "r1@" LANES_SERVICE, "Romeo"));
    assert_int_equal(counted("romeo@example.org"), 2);
    everybody_goes();
}

/* ---- giving back ---- */

static void leaving(void **state)
{
    UNUSED(state);
    at_the_limit();
    assert_true(enter(ROMEO_2, rooms[1], "Romeo"));
    say(ROMEO, rooms[1], "<presence type='unavailable'/>");
    assert_false(enter(ROMEO, rooms[2], "Romeo")); /* his other client is still there */
    say(ROMEO_2, rooms[1], "<presence type='unavailable'/>");
    assert_int_equal(counted("romeo@example.org"), 1);
    assert_true(enter(ROMEO, rooms[2], "Romeo"));
    everybody_goes();
}

static void a_new_nickname(void **state)
{
    UNUSED(state);
    at_the_limit();
    char to[100];
    snprintf(to, sizeof(to), "%s/Montague", rooms[0]);
    say(ROMEO, to, "<presence/>");
    assert_non_null(strstr(heard(), "code='303'"));
    assert_int_equal(counted("romeo@example.org"), 2);
    assert_true(enter(ROMEO_2, rooms[0], "Other"));
    snprintf(to, sizeof(to), "%s/Third", rooms[0]);
    say(ROMEO_2, to, "<presence/>");
    say(ROMEO, rooms[0], "<presence type='unavailable'/>");
    assert_int_equal(counted("romeo@example.org"), 2);
    say(ROMEO_2, rooms[0], "<presence type='unavailable'/>");
    assert_int_equal(counted("romeo@example.org"), 1);
    everybody_goes();
}

static void being_put_out(void **state)
{
    static const char *const items[] = {"nick='Juliet' role='none'",
                                        "jid='juliet@example.org' affiliation='outcast'"};
    UNUSED(state);
    at_the_limit();
    for (unsigned i = 0; i < 2; i++) {
        char xml[300];
        assert_true(enter(JULIET, rooms[i], "Juliet"));
        snprintf(xml, sizeof(xml),
                 "<iq type='set' id='k'><query xmlns='http://jabber.org/protocol/muc#admin'>"
                 "<item %s/></query></iq>",
                 items[i]);
        say(ROMEO, rooms[i], xml);
        assert_int_equal(counted("juliet@example.org"), 0);
    }
    everybody_goes();
}

static void a_room_that_becomes_members_only(void **state)
{
    UNUSED(state);
    at_the_limit();
    assert_true(enter(JULIET, rooms[0], "Juliet"));
    say(ROMEO, rooms[0],
        "<iq type='set' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'>"
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
        "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
        "<field var='muc#roomconfig_membersonly'>"
        "<value>1</value></field></x></query></iq>");
    assert_non_null(strstr(heard(), "code='322'"));
    assert_int_equal(counted("juliet@example.org"), 0);
    everybody_goes();
}

static void the_end_of_the_room(void **state)
{
    UNUSED(state);
    at_the_limit();
    assert_true(enter(JULIET, rooms[0], "Juliet"));
    assert_true(enter(JULIET, rooms[1], "Juliet"));
    say(ROMEO, rooms[0],
        "<iq type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/>"
        "</query></iq>");
    assert_int_equal(counted("romeo@example.org"), 1);
    assert_int_equal(counted("juliet@example.org"), 1);
    char xml[400];
    snprintf(xml, sizeof(xml),
             "<iq type='set' id='o'><command xmlns='http://jabber.org/protocol/commands' "
             "node='http://prosody.im/protocol/muc#destroy'><x xmlns='jabber:x:data' "
             "type='submit'><field var='rooms'><value>%s</value></field></x></command></iq>",
             rooms[1]);
    say(OFFICE, LANES_LOUNGE, xml);
    assert_int_equal(tallies_count(directory_tallies(directory)), 0);
    assert_true(enter(ROMEO, rooms[2], "Romeo"));
    everybody_goes();
}

static void a_session_that_ends(void **state)
{
    UNUSED(state);
    at_the_limit();
    struct message *message = message_new(MSG_SESSION_GONE);
    message->session_gone.jid = jid_parse(NULL, STR(ROMEO));
    message->session_gone.room = jid_parse(NULL, str_z(rooms[1]));
    message->session_gone.route = route_of(ROMEO);
    post(1, message);
    assert_int_equal(counted("romeo@example.org"), 1);
    assert_true(enter(ROMEO, rooms[3], "Romeo"));
    everybody_goes();
}

/* Refused, it was nowhere. */
static void who_does_not_get_in(void **state)
{
    UNUSED(state);
    at_the_limit();
    assert_true(enter(JULIET, rooms[0], "Juliet"));
    assert_false(enter(JULIET, rooms[1], "Romeo"));
    assert_int_equal(counted("juliet@example.org"), 1);
    everybody_goes();
}

/* ---- rooms that are stored ---- */

/* All at once, before the first of them has been looked for. */
static void asks_for_all(const char *who)
{
    heard();
    for (unsigned i = 0; i < ROOMS; i++) {
        char to[100];
        snprintf(to, sizeof(to), "%.64s/Romeo", rooms[i]);
        say(who, to, "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>");
    }
}

static unsigned times(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static void those_under_way_count(void **state)
{
    UNUSED(state);
    asks_for_all(ROMEO);
    settle();
    const char *text = heard();
    assert_int_equal(times(text, "code='201'"), LANES_LOUNGE_ROOMS);
    assert_int_equal(times(text, "<resource-constraint"), ROOMS - LANES_LOUNGE_ROOMS);
    assert_int_equal(counted("romeo@example.org"), LANES_LOUNGE_ROOMS);
    asks_for_all(OFFICE); /* exempt, but locked out of what is Romeo's to configure */
    settle();
    assert_int_equal(counted(LANES_ADMIN), ROOMS - LANES_LOUNGE_ROOMS);
    for (unsigned i = 0; i < SHARDS; i++)
        post(i, message_new(MSG_SHUTDOWN));
    settle();
    assert_int_equal(tallies_count(directory_tallies(directory)), 0);
}

/* It was not made, so nobody is in it. */
static void those_that_fail_do_not(void **state)
{
    UNUSED(state);
    store_mem_fail_commits(store, 2, ERR_IO);
    asks_for_all(ROMEO);
    settle();
    const char *text = heard();
    assert_int_equal(times(text, "<internal-server-error"), LANES_LOUNGE_ROOMS);
    assert_int_equal(times(text, "<resource-constraint"), ROOMS - LANES_LOUNGE_ROOMS);
    assert_int_equal(tallies_count(directory_tallies(directory)), 0);
    asks_for_all(ROMEO);
    settle();
    assert_int_equal(times(heard(), "code='201'"), LANES_LOUNGE_ROOMS);
    assert_int_equal(counted("romeo@example.org"), LANES_LOUNGE_ROOMS);
}

#define TEST(name)        cmocka_unit_test_setup_teardown(name, begin, end)
#define STORED_TEST(name) cmocka_unit_test_setup_teardown(name, begin_stored, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_one_for_all_shards),
        TEST(admins_and_other_services_are_exempt),
        TEST(leaving),
        TEST(a_new_nickname),
        TEST(being_put_out),
        TEST(a_room_that_becomes_members_only),
        TEST(the_end_of_the_room),
        TEST(a_session_that_ends),
        TEST(who_does_not_get_in),
        STORED_TEST(those_under_way_count),
        STORED_TEST(those_that_fail_do_not),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
