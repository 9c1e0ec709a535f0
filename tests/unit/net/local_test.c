/*
 * The client domain: what it answers itself, what it answers on behalf of accounts, and what one
 * local user may send to another.
 */
#include "net/local.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xmpp/prep.h"
#include "core/xmpp/stamp.h"
#include "tests/support/router_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define STANZAS   " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
#define INFO      "<query xmlns='http://jabber.org/protocol/disco#info'/>"
#define ITEMS     "<query xmlns='http://jabber.org/protocol/disco#items'/>"
#define PING      "<ping xmlns='urn:xmpp:ping'/>"
#define JULIET    "juliet@localhost/balcony"
#define ROMEO     "romeo@localhost/orchard"
#define ANONYMOUS "02020202-0202-4202-8202-020202020202@localhost"

static struct router_world world;
static struct client juliet, romeo, second;

static int prepare(void **state)
{
    UNUSED(state);
    return prep_init();
}

static int clean(void **state)
{
    UNUSED(state);
    prep_fini();
    return 0;
}

/* Romeo is there twice, the second time on the other lane. */
static int begin(void **state)
{
    UNUSED(state);
    router_world_begin(&world);
    router_world_client(&world, &juliet, JULIET, 1, true);
    router_world_client(&world, &romeo, ROMEO, 2, true);
    router_world_client(&world, &second, "juliet@localhost/garden", 3, false);
    router_world_remote(&world, "romeo@localhost/cell", 4);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    struct client *clients[] = {&juliet, &romeo, &second};
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        if (clients[i]->jid != NULL)
            router_client_end(&world.router, clients[i], false);
    }
    router_world_end(&world);
    return 0;
}

static const char *send(const char *xml)
{
    return router_world_send(&world, &juliet, xml);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, text);
}

static const char *request(const char *type, const char *to, const char *payload)
{
    const char *address = to != NULL ? str_fmt(world.arena, " to='%s'", to).at : "";
    return send(str_fmt(world.arena, "<iq type='%s' id='q'%s>%s</iq>", type, address, payload).at);
}

static const char *get(const char *to, const char *payload)
{
    return request("get", to, payload);
}

/* A result for Juliet alone, from that address (NULL: from none), with that content. */
static void assert_result(const char *said, const char *from, const char *content)
{
    const char *address = from != NULL ? str_fmt(world.arena, " from='%s'", from).at : "";
    assert_string_equal(said, str_fmt(world.arena,
                                      "[1 <iq%s type='result' id='q' to='" JULIET "'>%s</iq>]",
                                      address, content)
                                  .at);
}

static void assert_refused(const char *said, const char *head, const char *type,
                           const char *condition)
{
    assert_has(said, str_fmt(world.arena, "[1 <%s", head).at);
    assert_has(said, "to='" JULIET "'");
    assert_has(said, str_fmt(world.arena, "<error type='%s'><%s" STANZAS "/>", type, condition).at);
}

/* ---- the domain ---- */

#define FEATURE(var) "<feature var='" var "'/>"
#define DOMAIN_INFO                                                                                \
    "<query xmlns='http://jabber.org/protocol/disco#info'>"                                        \
    "<identity category='server' type='im' name='Stentor'/>" FEATURE(                              \
        "http://jabber.org/protocol/disco#info") FEATURE("http://jabber.org/protocol/disco#items") \
        FEATURE("urn:xmpp:ping") FEATURE("jabber:iq:version") FEATURE("urn:xmpp:time")

/* @covers 0030#info */
static void the_domain_says_what_it_is(void **state)
{
    UNUSED(state);
    assert_result(get("localhost", INFO), "localhost", DOMAIN_INFO "</query>");
    world.settings.registration = true;
    assert_result(get("LocalHost", INFO), "localhost",
                  DOMAIN_INFO FEATURE("jabber:iq:register") "</query>");
}

/* @covers 0030#items */
static void the_domain_leads_to_the_rooms(void **state)
{
    UNUSED(state);
    assert_result(get("localhost", ITEMS), "localhost",
                  "<query xmlns='http://jabber.org/protocol/disco#items'>"
                  "<item jid='conference.localhost' name='Chatrooms'/>"
                  "<item jid='lounge.localhost' name='Chatrooms'/></query>");
}

static void unknown_nodes_are_not_found(void **state)
{
    UNUSED(state);
    static const char *const places[] = {"localhost", "juliet@localhost"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *head = str_fmt(world.arena, "iq from='%s' type='error' id='q'", places[i]).at;
        assert_refused(
            get(places[i], "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>"), head,
            "cancel", "item-not-found");
        assert_refused(
            get(places[i], "<query xmlns='http://jabber.org/protocol/disco#items' node='x'/>"),
            head, "cancel", "item-not-found");
    }
}

/* @covers 0092#protocol 0199#c2s */
static void the_domain_answers_small_questions(void **state)
{
    UNUSED(state);
    static const char *const places[] = {"localhost", NULL, "juliet@localhost"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        assert_result(get(places[i], PING), places[i], "");
        assert_result(get(places[i], "<query xmlns='jabber:iq:version'/>"), places[i],
                      "<query xmlns='jabber:iq:version'><name>Stentor</name>"
                      "<version>1.2</version></query>");
        assert_result(get(places[i], "<query xmlns='jabber:iq:roster'/>"), places[i],
                      "<query xmlns='jabber:iq:roster'/>");
    }
}

/* @covers 0202#protocol */
static void the_domain_knows_the_time(void **state)
{
    UNUSED(state);
    const char *said = get("localhost", "<time xmlns='urn:xmpp:time'/>");
    assert_has(said, "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>");
    const char *at = strstr(said, "<utc>") + 5;
    int64_t time_us;
    assert_true(stamp_parse(str_of(at, (size_t)(strchr(at, '<') - at)), &time_us));
    assert_int_equal(time_us % 1000000, 0);
    assert_true(time_us > INT64_C(1700000000) * 1000000);
}

/* Clients live with every refusal, but not with silence. */
static void everything_else_gets_its_error_at_once(void **state)
{
    UNUSED(state);
    static const struct {
        const char *type, *payload;
    } others[] = {
        {"get", "<vCard xmlns='vcard-temp'/>"},
        {"set", "<vCard xmlns='vcard-temp'/>"},
        {"get", "<query xmlns='jabber:iq:private'><a xmlns='b'/></query>"},
        {"set", "<enable xmlns='urn:xmpp:carbons:2'/>"},
        {"get", "<blocklist xmlns='urn:xmpp:blocking'/>"},
        {"get", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='a'/></pubsub>"},
        {"set", PING},
        {"set", INFO},
        {"get", "<ping xmlns='urn:example'/>"},
        {"get", "<query xmlns='jabber:iq:last'/>"},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_refused(request(others[i].type, NULL, others[i].payload), "iq type='error' id='q'",
                       "cancel", "service-unavailable");
        assert_refused(request(others[i].type, "localhost", others[i].payload),
                       "iq from='localhost' type='error' id='q'", "cancel", "service-unavailable");
        assert_refused(request(others[i].type, "juliet@localhost", others[i].payload),
                       "iq from='juliet@localhost' type='error' id='q'", "cancel",
                       "service-unavailable");
    }
    assert_refused(
        request("set", NULL, "<query xmlns='jabber:iq:roster'><item jid='a@b'/></query>"),
        "iq type='error' id='q'", "cancel", "not-allowed");
    assert_refused(get("localhost/res", PING), "iq from='localhost/res' type='error' id='q'",
                   "cancel", "service-unavailable");
}

static void answers_are_not_answered(void **state)
{
    UNUSED(state);
    static const char *const places[] = {"localhost", "juliet@localhost", "romeo@localhost",
                                         "romeo@localhost/away", "localhost/res"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        assert_string_equal(request("result", places[i], ""), "");
        assert_string_equal(request("error", places[i], "<error type='cancel'/>"), "");
    }
    assert_string_equal(request("result", NULL, ""), "");
}

static void the_domain_takes_no_messages(void **state)
{
    UNUSED(state);
    assert_refused(send("<message to='localhost' id='m'/>"),
                   "message from='localhost' type='error' id='m'", "cancel", "service-unavailable");
    assert_string_equal(send("<message to='localhost' type='error'/>"), "");
    assert_string_equal(send("<presence to='localhost'/>"), "");
}

/* ---- accounts ---- */

static void accounts_tell_their_owner_what_they_are(void **state)
{
    UNUSED(state);
    static const char *const places[] = {NULL, "juliet@localhost"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        assert_result(get(places[i], INFO), places[i],
                      "<query xmlns='http://jabber.org/protocol/disco#info'>"
                      "<identity category='account' type='registered'/>" FEATURE(
                          "http://jabber.org/protocol/disco#info")
                          FEATURE("http://jabber.org/protocol/disco#items") "</query>");
        assert_result(get(places[i], ITEMS), places[i],
                      "<query xmlns='http://jabber.org/protocol/disco#items'/>");
    }
}

static void accounts_tell_others_nothing(void **state)
{
    UNUSED(state);
    static const char *const places[] = {"romeo@localhost", "nobody@localhost",
                                         "romeo@localhost/away", ANONYMOUS "/away"};
    static const char *const payloads[] = {INFO, ITEMS, PING, "<query xmlns='jabber:iq:roster'/>",
                                           "<query xmlns='jabber:iq:version'/>"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        for (size_t j = 0; j < ARRAY_LEN(payloads); j++)
            assert_refused(get(places[i], payloads[j]),
                           str_fmt(world.arena, "iq from='%s' type='error' id='q'", places[i]).at,
                           "cancel", "service-unavailable");
    }
}

/* @covers 0175#disco */
static void anonymous_accounts_are_known_as_such(void **state)
{
    UNUSED(state);
    assert_has(get(ANONYMOUS, INFO), "<identity category='account' type='anonymous'/>");
}

/* ---- from user to user ---- */

#define BODY "<body xml:lang='it'>ciao</body><x xmlns='urn:example'><y/></x>"

static void a_message_reaches_the_session_it_is_for(void **state)
{
    UNUSED(state);
    assert_string_equal(
        send("<message type='chat' id='m' xml:lang='en' to='Romeo@localhost/orchard'>" BODY
             "</message>"),
        "[2 <message from='" JULIET "' type='chat' id='m' to='" ROMEO "' xml:lang='en'>" BODY
        "</message>]");
    /* On another lane. */
    assert_string_equal(send("<message from='juliet@localhost' to='romeo@localhost/cell'/>"),
                        "[1:4 <message from='" JULIET "' to='romeo@localhost/cell'></message>]");
    /* To a session that never sent presence. */
    assert_has(send("<message to='juliet@localhost/garden'/>"), "[3 <message from='" JULIET "'");
}

static void a_message_for_an_account_reaches_its_sessions(void **state)
{
    UNUSED(state);
    const char *said = send("<message to='romeo@localhost'><body>all</body></message>");
    assert_has(said,
               "[2 <message from='" JULIET "' to='romeo@localhost'><body>all</body></message>]");
    assert_has(said,
               "[1:4 <message from='" JULIET "' to='romeo@localhost'><body>all</body></message>]");
    router_world_send(&world, &romeo, "<presence><priority>-1</priority></presence>");
    said = send("<message to='romeo@localhost'/>");
    assert_null(strstr(said, "[2 "));
    assert_has(said, "[1:4 ");
    /* To nobody is to oneself; the second session is not available. */
    assert_string_equal(send("<message><body>note</body></message>"),
                        "[1 <message from='" JULIET
                        "' to='juliet@localhost'><body>note</body></message>]");
}

static void a_message_for_nobody_comes_back(void **state)
{
    UNUSED(state);
    static const struct {
        const char *to, *type;
    } lost[] = {
        {"nobody@localhost", "chat"},          {"nobody@localhost", "normal"},
        {"nobody@localhost/x", "chat"},        {"romeo@localhost/away", "normal"},
        {"romeo@localhost/away", "groupchat"}, {"romeo@localhost", "groupchat"},
    };
    for (size_t i = 0; i < ARRAY_LEN(lost); i++) {
        const char *said = send(
            str_fmt(world.arena, "<message id='m' to='%s' type='%s'/>", lost[i].to, lost[i].type)
                .at);
        assert_refused(said,
                       str_fmt(world.arena, "message from='%s' type='error' id='m'", lost[i].to).at,
                       "cancel", "service-unavailable");
        assert_null(strstr(said, "[2 "));
    }
    static const char *const dropped[] = {"error", "headline"};
    for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
        assert_string_equal(
            send(str_fmt(world.arena, "<message to='nobody@localhost' type='%s'/>", dropped[i]).at),
            "");
    /* An error is for one session, never for all of an account. */
    assert_string_equal(send("<message to='romeo@localhost' type='error'/>"), "");
    assert_has(send("<message to='" ROMEO "' type='error'/>"), "[2 <message");
}

static void a_chat_goes_on_with_another_session(void **state)
{
    UNUSED(state);
    const char *said = send("<message to='romeo@localhost/away' type='chat'/>");
    assert_has(said, "[2 <message from='" JULIET "' type='chat' to='romeo@localhost/away'>");
    assert_has(said, "[1:4 ");
}

static void requests_reach_sessions_and_answers_come_back(void **state)
{
    UNUSED(state);
    assert_string_equal(get(ROMEO, PING),
                        "[2 <iq from='" JULIET "' type='get' id='q' to='" ROMEO "'>" PING "</iq>]");
    assert_string_equal(
        router_world_send(&world, &romeo, "<iq type='result' id='q' to='" JULIET "'/>"),
        "[1 <iq from='" ROMEO "' type='result' id='q' to='" JULIET "'></iq>]");
}

/* ---- presence ---- */

static void directed_presence_reaches_and_is_taken_back(void **state)
{
    UNUSED(state);
    assert_string_equal(send("<presence to='" ROMEO "'><show>dnd</show></presence>"),
                        "[2 <presence from='" JULIET "' to='" ROMEO
                        "'><show>dnd</show></presence>]");
    const char *said = send("<presence to='romeo@localhost'/>");
    assert_has(said, "[2 <presence from='" JULIET "' to='romeo@localhost'>");
    assert_has(said, "[1:4 <presence from='" JULIET "' to='romeo@localhost'>");
    assert_int_equal(juliet.rooms.count, 2);
    assert_has(send("<presence to='romeo@localhost' type='unavailable'/>"), "[1:4 <presence");
    assert_string_equal(router_world_leave(&world, &juliet),
                        "[2 <presence from='" JULIET "' type='unavailable' to='" ROMEO
                        "'></presence>]");
}

static void presence_for_nobody_is_dropped(void **state)
{
    UNUSED(state);
    assert_string_equal(send("<presence to='nobody@localhost'/>"), "");
    assert_string_equal(send("<presence to='romeo@localhost/away'/>"), "");
    /* Nobody there when it goes, either. */
    assert_string_equal(router_world_leave(&world, &juliet), "");
}

static void subscriptions_are_declined(void **state)
{
    UNUSED(state);
    assert_string_equal(send("<presence to='romeo@localhost' type='subscribe'/>"),
                        "[1 <presence from='romeo@localhost' type='unsubscribed' to='" JULIET
                        "'></presence>]");
    static const char *const types[] = {"subscribed", "unsubscribe", "unsubscribed", "probe",
                                        "what"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        assert_string_equal(
            send(str_fmt(world.arena, "<presence to='romeo@localhost' type='%s'/>", types[i]).at),
            "");
    assert_int_equal(juliet.rooms.count, 0);
}

/* Whatever a legal stanza holds, the copy for its addressee fits a frame. */
static void the_largest_stanza_is_passed_on(void **state)
{
    UNUSED(state);
    struct buf xml;
    buf_init(&xml, world.arena);
    buf_addz(&xml, "<message to='" ROMEO "'><x xmlns='urn:example' a='");
    while (xml.len < STANZA_BYTES_MAX - 100)
        buf_addc(&xml, '"');
    buf_addz(&xml, "'/></message>");
    const char *said = send(buf_str(&xml).at);
    assert_has(said, "[2 <message");
    assert_true(strlen(said) > 6 * (STANZA_BYTES_MAX - 200));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_domain_says_what_it_is),
        TEST(the_domain_leads_to_the_rooms),
        TEST(unknown_nodes_are_not_found),
        TEST(the_domain_answers_small_questions),
        TEST(the_domain_knows_the_time),
        TEST(everything_else_gets_its_error_at_once),
        TEST(answers_are_not_answered),
        TEST(the_domain_takes_no_messages),
        TEST(accounts_tell_their_owner_what_they_are),
        TEST(accounts_tell_others_nothing),
        TEST(anonymous_accounts_are_known_as_such),
        TEST(a_message_reaches_the_session_it_is_for),
        TEST(a_message_for_an_account_reaches_its_sessions),
        TEST(a_message_for_nobody_comes_back),
        TEST(a_chat_goes_on_with_another_session),
        TEST(requests_reach_sessions_and_answers_come_back),
        TEST(directed_presence_reaches_and_is_taken_back),
        TEST(presence_for_nobody_is_dropped),
        TEST(subscriptions_are_declined),
        TEST(the_largest_stanza_is_passed_on),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
