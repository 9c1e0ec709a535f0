/*
 * The ways of a shard to people: clients of ours and others, links, sessions that move, those who
 * cannot be reached; and those of two services.
 */
#include "tests/support/bare_shard.h"

/* ---- nobody there ---- */

static const char invite[] = "<message id='i1'><x xmlns='http://jabber.org/protocol/muc#user'>"
                             "<invite to='%s'><reason>come</reason></invite></x></message>";

static void invite_to(const char *whom)
{
    char xml[512];
    snprintf(xml, sizeof(xml), invite, whom);
    say(ROMEO, 1, ROOM, xml);
    step();
}

static void invitations_reach_accounts(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_set_local(directory, STR("example.org"));
    struct jid *nurse = jid("nurse@example.org/kitchen");
    struct directory_session *session = directory_session_add(directory, nurse, route(4));
    directory_session_presence(session, true, 0);
    invite_to("nurse@example.org");
    in_order(heard(1), "4 <message from='" ROOM "'", "to='nurse@example.org'>", "<invite ", NULL);
    assert_string_equal(heard(0), "");
    invite_to("nurse@example.org/kitchen");
    in_order(heard(1), "4 <message", "to='nurse@example.org/kitchen'>", NULL);
    directory_add_link(directory, STR(LANES_SERVICE), route(6));
    directory_link_up(directory, route(6), true);
    invite_to("friar@elsewhere.example");
    in_order(heard(1), "6 <message", "to='friar@elsewhere.example'>", NULL);
    directory_session_remove(directory, session);
    jid_free(nurse);
}

/* Links 6 (lane 1) and 9 (lane 0), to people of other domains. */
static void invitations_go_by_the_link_they_came_by(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_add_link(directory, STR(LANES_SERVICE), route(6));
    directory_add_link(directory, STR(LANES_SERVICE), route(9));
    directory_link_up(directory, route(6), true);
    directory_link_up(directory, route(9), true);
    forget_heard();
    invite_to("friar@elsewhere.example");
    in_order(heard(1), "6 <message", NULL);
    say(ROMEO, 9, ROOM, "<presence/>"); /* he is behind the second one from now on */
    step();
    forget_heard();
    char xml[512];
    snprintf(xml, sizeof(xml), invite, "friar@elsewhere.example");
    say(ROMEO, 9, ROOM, xml);
    step();
    in_order(heard(0), "9 <message", "to='friar@elsewhere.example'>", NULL);
    assert_string_equal(heard(1), "");
    directory_link_up(directory, route(9), false);
    say(ROMEO, 9, ROOM, xml);
    step();
    in_order(heard(1), "6 <message", "to='friar@elsewhere.example'>", NULL);
    assert_string_equal(heard(0), "");
}

/* A cluster moves its users from one link to another, in the same lane or not: whatever they send
 * shows the way. */
static void a_session_follows_its_link(void **state)
{
    UNUSED(state);
    static const char hello[] = "<message type='groupchat'><body>hello</body></message>";
    static const uint32_t ways[] = {3, 2, 6, 4, 1}; /* lanes 0, 1, 1, 1, 0 */
    two_in_a_room();
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        char line[40];
        unsigned lane = route(ways[i]).lane;
        snprintf(line, sizeof(line), "%u <message ", ways[i]);
        say(ROMEO, ways[i], ROOM "/Romeo",
            i % 2 == 0 ? "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
                       : "<presence><show>away</show></presence>");
        step();
        forget_heard();
        say(JULIET, 4, ROOM, hello);
        step();
        char *first = strdup(heard(0));
        char *second = strdup(heard(1));
        in_order(lane == 0 ? first : second, line, "to='" ROMEO "'>", NULL);
        assert_int_equal(lines(first) + lines(second), 2); /* once each */
        assert_null(strstr(lane == 0 ? second : first, "to='" ROMEO "'"));
        assert_non_null(strstr(second, "to='" JULIET "'"));
        free(first);
        free(second);
    }
    /* What ends the connection it came by at first does not end the session. */
    struct message *gone = message_new(MSG_SESSION_GONE);
    gone->session_gone.jid = jid(ROMEO);
    gone->session_gone.room = jid(ROOM);
    gone->session_gone.route = route(3);
    assert_true(post_shard(exchange, NUMBER, gone));
    step();
    assert_string_equal(heard(1), "");
}

static void undeliverable_invitations_come_back(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_set_local(directory, STR("example.org"));
    invite_to("nobody@example.org");
    in_order(heard(0), "1 <message from='" ROOM "'", "type='error' id='i1'", "to='" ROMEO "'",
             "<service-unavailable ", NULL);
    invite_to("friar@elsewhere.example");
    in_order(heard(0), "1 <message from='" ROOM "'", "type='error' id='i1'",
             "<remote-server-not-found ", NULL);
    assert_string_equal(heard(1), "");
}

/* Who is inside but was not found: the room hears of it and still knows the way to it. */
static void an_occupant_who_cannot_be_reached(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_set_local(directory, STR("example.org"));
    invite_to(JULIET);
    forget_heard();
    say(ROMEO, 1, ROOM, "<message type='groupchat'><body>still here?</body></message>");
    step();
    assert_int_equal(lines(heard(0)), 1);
}

/* What is asked of an account is for its server, which here is us: we have no vCards. */
static void an_account_is_no_client(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_set_local(directory, STR("example.org"));
    struct jid *juliet = jid(JULIET);
    struct directory_session *session = directory_session_add(directory, juliet, route(2));
    directory_session_presence(session, true, 0);
    say(ROMEO, 1, ROOM "/Juliet", "<iq type='get' id='v1'><vCard xmlns='vcard-temp'/></iq>");
    step();
    assert_string_equal(heard(1), "");
    in_order(heard(0), "1 <iq from='" ROOM "/Juliet' type='error' id='v1'", "<service-unavailable ",
             NULL);
    directory_session_remove(directory, session);
    jid_free(juliet);
}

/* ---- two services ---- */

#define LOUNGE "cave@" LANES_LOUNGE
#define ITEMS  "<query xmlns='http://jabber.org/protocol/disco#items'/>"

static void rooms_of_two_services_are_two_rooms(void **state)
{
    UNUSED(state);
    two_in_a_room();
    forget_heard();
    enter(ROMEO, 1, LOUNGE "/Romeo");
    step();
    /* By the rules of that service: locked, and nobody of the other room is in it. */
    in_order(heard(0), "1 <presence from='" LOUNGE "/Romeo'", "<status code='201'/>", NULL);
    assert_int_equal(shard_room_count(shard), 2);
    enter(JULIET, 2, LOUNGE "/Juliet");
    step();
    in_order(heard(1), "2 <presence from='" LOUNGE "/Juliet' type='error'", "<item-not-found",
             NULL);
    say(ROMEO, 1, ROOM, "<message type='groupchat'><body>by the fire</body></message>");
    step();
    in_order(heard(1), "from='" ROOM "/Romeo'", "by the fire", NULL);
    const char *romeo = heard(0);
    in_order(romeo, "by the fire", NULL);
    assert_null(strstr(romeo, LOUNGE));
}

static void ids_of_occupants_differ_by_service(void **state)
{
    UNUSED(state);
    char ids[2][200];
    static const char *const rooms[] = {ROOM, LOUNGE};
    for (unsigned i = 0; i < 2; i++) {
        char to[64];
        snprintf(to, sizeof(to), "%s/Romeo", rooms[i]);
        enter(ROMEO, 1, to);
        step();
        const char *id = strstr(heard(0), "<occupant-id ");
        assert_non_null(id);
        snprintf(ids[i], sizeof(ids[i]), "%.*s", (int)strcspn(id, ">"), id);
    }
    assert_string_not_equal(ids[0], ids[1]);
}

static void each_service_lists_its_own(void **state)
{
    UNUSED(state);
    two_in_a_room();
    enter(ROMEO, 1, "den@" LANES_LOUNGE "/Romeo");
    say(ROMEO, 1, "den@" LANES_LOUNGE,
        "<iq type='set' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'>"
        "<x xmlns='jabber:x:data' type='submit'/></query></iq>");
    step();
    forget_heard();
    say(ROMEO, 1, LANES_SERVICE, "<iq type='get' id='d1'>" ITEMS "</iq>");
    step();
    const char *first = heard(0);
    in_order(first, "1 <iq from='" LANES_SERVICE "'", "jid='" ROOM "'", NULL);
    assert_null(strstr(first, LANES_LOUNGE));
    say(ROMEO, 1, LANES_LOUNGE, "<iq type='get' id='d2'>" ITEMS "</iq>");
    step();
    const char *second = heard(0);
    in_order(second, "1 <iq from='" LANES_LOUNGE "'", "jid='den@" LANES_LOUNGE "'", NULL);
    assert_null(strstr(second, LANES_SERVICE));
}

static void each_service_has_its_own_way_out(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_add_link(directory, STR(LANES_LOUNGE), route(6));
    directory_link_up(directory, route(6), true);
    forget_heard();
    invite_to("friar@elsewhere.example");
    /* That link would not take it: it speaks for the other one. */
    in_order(heard(0), "1 <message from='" ROOM "' type='error'", "<remote-server-not-found", NULL);
    assert_string_equal(heard(1), "");
    directory_add_link(directory, STR(LANES_SERVICE), route(8));
    directory_link_up(directory, route(8), true);
    invite_to("friar@elsewhere.example");
    in_order(heard(1), "8 <message from='" ROOM "'", "to='friar@elsewhere.example'>", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(invitations_reach_accounts, begin, end),
        cmocka_unit_test_setup_teardown(invitations_go_by_the_link_they_came_by, begin, end),
        cmocka_unit_test_setup_teardown(a_session_follows_its_link, begin, end),
        cmocka_unit_test_setup_teardown(undeliverable_invitations_come_back, begin, end),
        cmocka_unit_test_setup_teardown(an_occupant_who_cannot_be_reached, begin, end),
        cmocka_unit_test_setup_teardown(an_account_is_no_client, begin, end),
        cmocka_unit_test_setup_teardown(rooms_of_two_services_are_two_rooms, begin, end),
        cmocka_unit_test_setup_teardown(ids_of_occupants_differ_by_service, begin, end),
        cmocka_unit_test_setup_teardown(each_service_lists_its_own, begin, end),
        cmocka_unit_test_setup_teardown(each_service_has_its_own_way_out, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
