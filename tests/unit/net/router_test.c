/*
 * The router: where a session's stanzas go, what is remembered of where it has been, what is
 * refused, and the same for the component link.
 */
#include "tests/support/router_world.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define STANZAS " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
#define ROOM    "lounge@conference.localhost"
#define JULIET  "juliet@localhost/balcony"

static struct router_world world;
static struct client juliet, romeo;

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

static int begin(void **state)
{
    UNUSED(state);
    router_world_begin(&world);
    router_world_client(&world, &juliet, JULIET, 1, true);
    router_world_client(&world, &romeo, "romeo@localhost/orchard", 2, true);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    if (juliet.jid != NULL)
        router_client_end(&world.router, &juliet, false);
    if (romeo.jid != NULL)
        router_client_end(&world.router, &romeo, false);
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

/* An error for Juliet alone: of that element, from that address. */
static void assert_refused(const char *said, const char *head, const char *type,
                           const char *condition)
{
    assert_has(said, str_fmt(world.arena, "[1 <%s", head).at);
    assert_has(said, "to='" JULIET "'");
    assert_has(said, str_fmt(world.arena, "<error type='%s'><%s" STANZAS "/>", type, condition).at);
    assert_null(strchr(said, '{'));
}

/* ---- rooms ---- */

static void stanzas_for_rooms_go_to_their_shard(void **state)
{
    UNUSED(state);
    assert_string_equal(send("<message to='Lounge@Conference.localhost' type='groupchat'>"
                             "<body>hello</body></message>"),
                        "{" JULIET " -> " ROOM " <message to='Lounge@Conference.localhost' "
                        "type='groupchat'><body>hello</body></message>}");
    assert_string_equal(send("<iq type='get' id='1' to='conference.localhost'><a xmlns='b'/></iq>"),
                        "{" JULIET " -> conference.localhost <iq type='get' id='1' "
                        "to='conference.localhost'><a xmlns='b'/></iq>}");
    assert_string_equal(send("<iq type='result' id='1' to='" ROOM "/nick'/>"),
                        "{" JULIET " -> " ROOM "/nick <iq type='result' id='1' to='" ROOM
                        "/nick'/>}");
    assert_int_equal(juliet.rooms.count, 0);
}

static void rooms_entered_hear_of_the_end(void **state)
{
    UNUSED(state);
    send("<presence to='" ROOM "/Juliet'/>");
    send("<presence to='second@conference.localhost/J'/>");
    /* Another nick in the same room: still one room. */
    send("<presence to='" ROOM "/J'/>");
    assert_int_equal(juliet.rooms.count, 2);
    assert_string_equal(router_world_leave(&world, &juliet),
                        "{gone " JULIET " " ROOM "}{gone " JULIET " second@conference.localhost}");
}

static void rooms_left_do_not(void **state)
{
    UNUSED(state);
    send("<presence to='" ROOM "/Juliet'/>");
    assert_string_equal(send("<presence to='" ROOM "/Juliet' type='unavailable'/>"),
                        "{" JULIET " -> " ROOM "/Juliet <presence to='" ROOM
                        "/Juliet' type='unavailable'/>}");
    assert_string_equal(router_world_leave(&world, &juliet), "");
}

/* What does not enter is not remembered. */
static void only_available_presence_to_a_nick_enters(void **state)
{
    UNUSED(state);
    send("<presence to='" ROOM "'/>");
    send("<presence to='conference.localhost/x'/>");
    send("<presence to='" ROOM "/Juliet' type='error'/>");
    send("<presence to='" ROOM "/Juliet' type='subscribe'/>");
    send("<message to='" ROOM "/Juliet'/>");
    assert_int_equal(juliet.rooms.count, 0);
}

static void off_line_means_out_of_all_rooms(void **state)
{
    UNUSED(state);
    send("<presence to='" ROOM "/Juliet'/>");
    send("<presence to='romeo@localhost/orchard'/>");
    assert_string_equal(send("<presence type='unavailable'><status>bye</status></presence>"),
                        "[2 <presence from='" JULIET "' type='unavailable' "
                        "to='romeo@localhost/orchard'></presence>]"
                        "{" JULIET " -> " ROOM "/Juliet <presence type='unavailable'>"
                        "<status>bye</status></presence>}");
    assert_int_equal(juliet.rooms.count, 0);
    assert_false(juliet.available);
    /* It is still connected, and may go on. */
    send("<presence to='" ROOM "/Juliet'/>");
    assert_int_equal(juliet.rooms.count, 1);
}

/* It is copied for each room: a thousand copies of 256 KiB would be too much to ask for. */
static void a_long_goodbye_is_cut_short(void **state)
{
    UNUSED(state);
    char status[PRESENCE_BYTES_MAX + 1];
    memset(status, 'x', sizeof(status));
    status[PRESENCE_BYTES_MAX] = '\0';
    send("<presence to='" ROOM "/Juliet'/>");
    const char *goodbye = "<presence type='unavailable'><status>%s</status></presence>";
    assert_string_equal(send(str_fmt(world.arena, goodbye, status).at),
                        "{" JULIET " -> " ROOM "/Juliet <presence type='unavailable'/>}");
}

static void a_session_is_in_so_many_rooms(void **state)
{
    UNUSED(state);
    const char *join = "<presence to='r%u@conference.localhost/n'/>";
    for (unsigned i = 0; i < SESSION_ROOMS_MAX; i++) {
        assert_has(send(str_fmt(world.arena, join, i).at), "{" JULIET);
        proxy_credit(world.router.proxy, 0, 1);
    }
    assert_refused(send(str_fmt(world.arena, join, SESSION_ROOMS_MAX).at),
                   "presence from='r1000@conference.localhost/n' type='error'", "wait",
                   "resource-constraint");
    /* A room it is in already is not one more; a room it leaves is one less. */
    assert_has(send(str_fmt(world.arena, join, 7).at), "{" JULIET);
    send("<presence to='r7@conference.localhost/n' type='unavailable'/>");
    assert_has(send(str_fmt(world.arena, join, SESSION_ROOMS_MAX).at), "{" JULIET);
}

/* Nobody tells a net agent that a room has refused or put out somebody. */
static void places_that_are_none_are_given_back(void **state)
{
    UNUSED(state);
    const char *join = "<presence to='r%u@conference.localhost/n'/>";
    world.answer = &juliet;
    for (unsigned i = 0; i < 3 * SESSION_ROOMS_MAX; i++) {
        assert_has(send(str_fmt(world.arena, join, i).at), "{" JULIET);
        proxy_credit(world.router.proxy, 0, 1);
    }
    assert_in_range(juliet.rooms.count, 1, SESSION_ROOMS_MAX / 2);
    assert_true(world.asked > 0);
    world.answer = NULL;
    /* An answer is about the presence that was asked about, and no later one. */
    send("<presence to='" ROOM "/Juliet'/>");
    unsigned count = juliet.rooms.count;
    struct jid *room = jid_parse(world.arena, STR(ROOM));
    router_place_free(&juliet, room, juliet.presences - 1);
    assert_int_equal(juliet.rooms.count, count);
    router_place_free(&juliet, room, juliet.presences);
    assert_int_equal(juliet.rooms.count, count - 1);
    router_place_free(&juliet, room, juliet.presences);
    assert_int_equal(juliet.rooms.count, count - 1);
}

static void without_credit_a_stanza_waits(void **state)
{
    UNUSED(state);
    const char *message = "<message to='" ROOM "'/>";
    unsigned taken = 0;
    while (strcmp(send(message), "(wait)") != 0)
        taken++;
    assert_int_equal(taken, CREDITS_FIRST);
    /* Not for rooms: not affected. */
    assert_has(send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"), "[1 <iq");
    /* A join that waits was not taken, so nothing is remembered of it. */
    assert_string_equal(send("<presence to='" ROOM "/Juliet'/>"), "(wait)");
    assert_int_equal(juliet.rooms.count, 0);
    proxy_credit(world.router.proxy, 0, 1);
    assert_has(send("<presence to='" ROOM "/Juliet'/>"), "{" JULIET " -> " ROOM "/Juliet");
    assert_int_equal(juliet.rooms.count, 1);
    /* Leaving must not wait for anything. */
    assert_has(send("<presence type='unavailable'/>"), "{" JULIET " -> " ROOM "/Juliet");
}

/* ---- who speaks ---- */

static void a_session_speaks_for_itself(void **state)
{
    UNUSED(state);
    static const char *const own[] = {JULIET, "juliet@localhost", "Juliet@LOCALHOST/balcony"};
    static const char *const foreign[] = {"romeo@localhost/orchard", "juliet@localhost/other",
                                          "localhost", "", "@"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        assert_has(send(str_fmt(world.arena, "<message from='%s' to='" ROOM "'/>", own[i]).at),
                   "{" JULIET " -> " ROOM);
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
        assert_string_equal(
            send(str_fmt(world.arena, "<message from='%s' to='" ROOM "'/>", foreign[i]).at),
            "(invalid)");
}

/* ---- what is refused wherever it is for ---- */

static void malformed_addresses_are_named(void **state)
{
    UNUSED(state);
    static const char *const malformed[] = {"@conference.localhost", "a b@conference.localhost", "",
                                            "room@conference.localhost/"};
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        const char *head =
            str_fmt(world.arena, "message from='%s' type='error' id='m'", malformed[i]).at;
        assert_refused(send(str_fmt(world.arena, "<message id='m' to='%s'/>", malformed[i]).at),
                       head, "modify", "jid-malformed");
    }
    /* An error about a malformed address would be answered for ever. */
    assert_string_equal(send("<message type='error' to='@'/>"), "");
}

static void bad_requests_are_named(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {
        "<iq type='get' to='%s'><a xmlns='b'/></iq>",
        "<iq type='get' id='' to='%s'><a xmlns='b'/></iq>",
        "<iq id='1' to='%s'><a xmlns='b'/></iq>",
        "<iq type='set' id='1' to='%s'/>",
        "<iq type='set' id='1' to='%s'><a xmlns='b'/><a xmlns='b'/></iq>",
        "<iq type='what' id='1' to='%s'><a xmlns='b'/></iq>",
    };
    static const char *const places[] = {
        ROOM, ROOM "/nick", "localhost", "romeo@localhost", "romeo@localhost/orchard", "elsewhere"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        for (size_t j = 0; j < ARRAY_LEN(places); j++) {
            const char *head = str_fmt(world.arena, "iq from='%s' type='error'", places[j]).at;
            assert_refused(send(str_fmt(world.arena, bad[i], places[j]).at), head, "modify",
                           "bad-request");
        }
    }
}

static void other_servers_are_out_of_reach(void **state)
{
    UNUSED(state);
    assert_refused(send("<message id='m' to='a@elsewhere/b'/>"),
                   "message from='a@elsewhere/b' type='error' id='m'", "cancel",
                   "remote-server-not-found");
    assert_refused(send("<iq type='get' id='i' to='elsewhere'><a xmlns='b'/></iq>"),
                   "iq from='elsewhere' type='error' id='i'", "cancel", "remote-server-not-found");
    assert_string_equal(send("<iq type='result' id='i' to='elsewhere'/>"), "");
    assert_string_equal(send("<message type='error' to='a@elsewhere'/>"), "");
}

/* ---- own presence ---- */

static void presence_says_who_is_there(void **state)
{
    UNUSED(state);
    struct session_found found[2];
    assert_string_equal(send("<presence><priority> -5 </priority></presence>"), "");
    assert_true(juliet.available);
    assert_int_equal(juliet.priority, -5);
    assert_int_equal(directory_sessions(world.directory, STR("juliet@localhost"), found, 2), 1);
    assert_true(found[0].available);
    assert_int_equal(found[0].priority, -5);
    send("<presence type='unavailable'/>");
    assert_int_equal(directory_sessions(world.directory, STR("juliet@localhost"), found, 2), 1);
    assert_false(found[0].available);
}

static void impossible_presence_is_refused(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {
        "<presence><priority>128</priority></presence>",
        "<presence><priority>-129</priority></presence>",
        "<presence><priority>high</priority></presence>",
        "<presence type='subscribe'/>",
        "<presence type='what'/>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_refused(send(bad[i]), "presence type='error'", "modify", "bad-request");
    assert_int_equal(juliet.priority, 0);
}

static void all_lanes_hear_of_a_removed_account(void **state)
{
    UNUSED(state);
    router_account_gone(&world.router, STR("juliet@localhost"), juliet.route);
    const char *said = "{removed juliet@localhost but 0:1}{removed juliet@localhost but 0:1}";
    assert_string_equal(router_world_look(&world), said);
}

/* ---- the component link ---- */

#define NURSE "nurse@elsewhere/house"

static void the_host_server_brings_stanzas(void **state)
{
    UNUSED(state);
    assert_string_equal(
        router_world_link(&world, "<message from='Nurse@elsewhere/house' to='" ROOM "'/>"),
        "{" NURSE " -> " ROOM " <message from='Nurse@elsewhere/house' to='" ROOM "'/>}");
    assert_has(router_world_link(&world, "<presence from='" NURSE "' to='" ROOM "/Nurse'/>"),
               "{" NURSE " -> " ROOM "/Nurse ");
}

/* The host server is trusted with everybody but our own clients. */
static void the_host_server_cannot_speak_for_our_clients(void **state)
{
    UNUSED(state);
    static const char *const forged[] = {
        "<message from='juliet@localhost/balcony' to='" ROOM "' type='groupchat'/>",
        "<presence from='juliet@LOCALHOST/x' to='" ROOM "/Juliet'/>",
        "<iq type='set' id='1' from='localhost' to='" ROOM "'><a xmlns='b'/></iq>",
    };
    for (size_t i = 0; i < ARRAY_LEN(forged); i++)
        assert_string_equal(router_world_link(&world, forged[i]), "");
    assert_has(router_world_link(&world, "<message from='a@localhost.example' to='" ROOM "'/>"),
               "{a@localhost.example -> ");
}

static void the_link_is_told_what_is_wrong(void **state)
{
    UNUSED(state);
    static const struct {
        const char *stanza, *from, *condition;
    } bad[] = {
        {"<message from='" NURSE "' to='" ROOM "/'/>", ROOM "/", "jid-malformed"},
        {"<message from='" NURSE "' to='a b@conference.localhost'/>", "a b@conference.localhost",
         "jid-malformed"},
        /* A host would close the link over an answer from there. */
        {"<message from='" NURSE "' to='@elsewhere'/>", "conference.localhost", "jid-malformed"},
        {"<message from='" NURSE "'/>", "conference.localhost", "jid-malformed"},
        {"<iq type='get' from='" NURSE "' to='" ROOM "'/>", ROOM, "bad-request"},
        {"<iq type='get' id='1' from='" NURSE "' to='a@other'><a xmlns='b'/></iq>",
         "conference.localhost", "service-unavailable"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *said = router_world_link(&world, bad[i].stanza);
        assert_has(said, "[99 <");
        assert_has(said, str_fmt(world.arena, " from='%s' type='error'", bad[i].from).at);
        assert_has(said, " to='" NURSE "'");
        assert_has(said, str_fmt(world.arena, "<%s" STANZAS "/>", bad[i].condition).at);
        assert_null(strchr(said, '{'));
    }
}

/* The other service has a link of its own, or none: this one is not the way to it. */
static void a_link_brings_stanzas_for_its_own_domain_only(void **state)
{
    UNUSED(state);
    assert_has(send("<presence to='den@lounge.localhost/Juliet'/>"),
               "{" JULIET " -> den@lounge.localhost/Juliet ");
    assert_has(router_world_link(&world, "<iq type='get' id='1' from='" NURSE
                                         "' to='den@lounge.localhost'><a xmlns='b'/></iq>"),
               "[99 <iq from='conference.localhost' type='error' id='1' to='" NURSE
               "'><error type='cancel'><service-unavailable" STANZAS "/>");
    static const char *const others[] = {
        "<presence from='" NURSE "' to='den@lounge.localhost/Nurse'/>",
        "<message type='groupchat' from='" NURSE "' to='den@lounge.localhost'/>",
        "<iq type='result' id='1' from='" NURSE "' to='den@lounge.localhost'/>",
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_string_equal(router_world_link(&world, others[i]), "");
    /* Nor does it name the other one, were a malformed address one of there. */
    assert_has(router_world_link(&world, "<message from='" NURSE "' to='a b@lounge.localhost'/>"),
               "from='conference.localhost' type='error'");
}

/* From behind the link, as if there had been more in it than a stanza may have. */
static const char *sends_large(const char *name, const char *attributes, const char *inside)
{
    struct str xml = str_fmt(world.arena, "<%s from='" NURSE "' id='1' %s><body>x</body>%s</%s>",
                             name, attributes, inside, name);
    world.wire_size = STANZA_BYTES_MAX + 1;
    const char *said = router_world_link(&world, xml.at);
    world.wire_size = 0;
    return said;
}

#define GONE "<error type='cancel'><gone" STANZAS ">xmpp:elsewhere</gone><a xmlns='b'/></error>"

static void what_is_too_large_is_refused_unless_somebody_is_gone(void **state)
{
    UNUSED(state);
    const char *said = sends_large("message", "to='" ROOM "' type='groupchat'", "");
    assert_has(said, " type='error' id='1' to='" NURSE "'><error type='modify'>");
    assert_null(strchr(said, '{'));
    assert_string_equal(sends_large("message", "to='den@lounge.localhost'", ""), "");
    assert_has(sends_large("presence", "to='" ROOM "/Nurse'", ""), "<error type='modify'>");
    assert_has(sends_large("presence", "to='" ROOM "/Nurse' type='unavailable'", ""),
               "{" NURSE " -> " ROOM "/Nurse ");
    proxy_credit(world.router.proxy, 0, 1 + (STANZA_BYTES_MAX + 1) / 1024);
    assert_has(sends_large("presence", "to='" ROOM "/Nurse' type='error'", GONE),
               "{" NURSE " -> " ROOM "/Nurse ");
    proxy_credit(world.router.proxy, 0, 1 + (STANZA_BYTES_MAX + 1) / 1024);
    /* Of a message that comes back only the reason is of interest. */
    said = sends_large("message", "to='" ROOM "/Romeo' type='error'", GONE);
    assert_has(said, "{" NURSE " -> " ROOM "/Romeo <message ");
    assert_has(said, "id='1'");
    assert_has(said, "<error type='cancel'><gone" STANZAS "/></error></message>");
    assert_null(strstr(said, "<body"));
    said = sends_large("message", "to='" ROOM "/Romeo' type='error'", "");
    assert_has(said, "<error/></message>");
    assert_string_equal(sends_large("iq", "to='" ROOM "' type='error'", GONE), "");
}

static void a_session_leaves_the_rooms_of_all_services(void **state)
{
    UNUSED(state);
    send("<presence to='" ROOM "/Juliet'/>");
    send("<presence to='lounge@lounge.localhost/Juliet'/>");
    const char *said = router_world_leave(&world, &juliet);
    assert_has(said, "{gone " JULIET " " ROOM "}");
    assert_has(said, "{gone " JULIET " lounge@lounge.localhost}");
    assert_has(router_world_send(&world, &romeo, "<message to='a@unknown.localhost' id='u'/>"),
               "<remote-server-not-found");
}

static void the_link_is_not_told_what_cannot_be_said(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {
        "<message to='" ROOM "'/>",
        "<message from='@' to='" ROOM "'/>",
        "<message from='" NURSE "' to='a@other'/>",
        "<message type='error' from='" NURSE "' to='@'/>",
        "<iq type='result' id='1' from='" NURSE "' to='a@other'/>",
        "<foo from='" NURSE "' to='" ROOM "'/>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_string_equal(router_world_link(&world, bad[i]), "");
}

static void the_link_waits_too(void **state)
{
    UNUSED(state);
    const char *message = "<message id='m' from='" NURSE "' to='" ROOM "'/>";
    while (strcmp(router_world_link(&world, message), "(wait)") != 0)
        continue;
    assert_string_equal(router_world_link(&world, "<presence from='" NURSE "' to='" ROOM "/n'/>"),
                        "(wait)");
    /* The side queue is full: */
    assert_has(router_world_link_refuse(&world, message),
               "[99 <message from='" ROOM "' type='error' id='m' to='" NURSE "'>"
               "<error type='wait'><resource-constraint" STANZAS "/>");
    assert_has(router_world_link_refuse(&world, "<iq type='set' id='1' from='" NURSE "' to='" ROOM
                                                "'><a xmlns='b'/></iq>"),
               "<resource-constraint" STANZAS "/>");
    assert_string_equal(
        router_world_link_refuse(&world, "<message type='error' from='" NURSE "' to='" ROOM "'/>"),
        "");
    assert_string_equal(router_world_link_refuse(&world, "<message to='" ROOM "'/>"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stanzas_for_rooms_go_to_their_shard),
        TEST(rooms_entered_hear_of_the_end),
        TEST(rooms_left_do_not),
        TEST(only_available_presence_to_a_nick_enters),
        TEST(off_line_means_out_of_all_rooms),
        TEST(a_long_goodbye_is_cut_short),
        TEST(a_session_is_in_so_many_rooms),
        TEST(places_that_are_none_are_given_back),
        TEST(without_credit_a_stanza_waits),
        TEST(a_session_speaks_for_itself),
        TEST(malformed_addresses_are_named),
        TEST(bad_requests_are_named),
        TEST(other_servers_are_out_of_reach),
        TEST(presence_says_who_is_there),
        TEST(impossible_presence_is_refused),
        TEST(all_lanes_hear_of_a_removed_account),
        TEST(the_host_server_brings_stanzas),
        TEST(the_host_server_cannot_speak_for_our_clients),
        TEST(the_link_is_told_what_is_wrong),
        TEST(a_link_brings_stanzas_for_its_own_domain_only),
        TEST(what_is_too_large_is_refused_unless_somebody_is_gone),
        TEST(a_session_leaves_the_rooms_of_all_services),
        TEST(the_link_is_not_told_what_cannot_be_said),
        TEST(the_link_waits_too),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
