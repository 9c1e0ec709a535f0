/*
 * A room large enough for a window: a rush costs less than it says, and nothing that waits is lost
 * when the room or the service ends.
 */
#include "tests/support/windowed_room.h"

/* ---- what it saves ---- */

static void a_rush_costs_less_than_it_says(void **state)
{
    UNUSED(state);
    enum { CHANGES = 10 };
    crowd_enters(OWNER, OWNER + CROWD);
    client_enters(0, "Romeo");
    client_enters(3, "Juliet");
    quiet();
    unsigned heard = clients[3].heard;
    for (unsigned i = 0; i < CHANGES; i++) {
        char xml[100];
        snprintf(xml, sizeof(xml), "<presence><status>%u</status></presence>", i);
        client_says(0, ROOM, xml);
    }
    unsigned own = clients[0].heard;
    step();
    everybody_reads(false);
    assert_int_equal(clients[3].heard, heard + 1);
    assert_int_equal(clients[0].heard, own + 1);
    quiet();
    assert_int_equal(clients[3].heard, heard + 2);
    assert_int_equal(clients[0].heard, own + CHANGES); /* each is confirmed */
    assert_non_null(strstr(find(&clients[3].now, "Romeo")->stanza, "<status>9</status>"));

    /* While the lanes are idle, each goes by itself, at once. */
    for (unsigned i = 0; i < 3; i++) {
        client_says(0, ROOM, i % 2 == 0 ? "<presence/>" : "<presence><show>dnd</show></presence>");
        step();
        everybody_reads(true);
        step();
        assert_int_equal(clients[3].heard, heard + 3 + i);
    }
}

/* ---- how it ends ---- */

/* Two changes, of which the second waits. */
static void two_changes(void)
{
    crowd_enters(OWNER, OWNER + CROWD);
    client_enters(0, "Romeo");
    client_enters(3, "Juliet");
    quiet();
    client_says(0, ROOM, "<presence><status>one</status></presence>");
    client_says(0, ROOM, "<presence><status>two</status></presence>");
    step();
    everybody_reads(false);
    assert_non_null(strstr(find(&clients[3].now, "Romeo")->stanza, "<status>one</status>"));
}

static void a_room_that_is_destroyed_says_all(void **state)
{
    UNUSED(state);
    two_changes();
    unsigned heard = clients[3].heard;
    crowd_says(OWNER, ROOM,
               "<iq type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'>"
               "<destroy/></query></iq>");
    step();
    everybody_reads(false);
    assert_int_equal(clients[3].heard, heard + 2);
    assert_string_equal(clients[3].nick, "");
}

static void a_service_that_stops_says_all(void **state)
{
    UNUSED(state);
    two_changes();
    unsigned heard = clients[3].heard;
    post(message_new(MSG_SHUTDOWN));
    step();
    everybody_reads(false);
    assert_int_equal(clients[3].heard, heard + 2);
    assert_string_equal(clients[3].nick, "");
}

/* Not said any more, but given back: the sanitizer counts. */
static void a_shard_that_is_freed_loses_nothing(void **state)
{
    UNUSED(state);
    two_changes();
    client_enters(6, "Nurse"); /* with a list */
    step();
    everybody_reads(false);
    assert_string_equal(clients[6].nick, "");
}

static void the_shard_wakes_in_time(void **state)
{
    UNUSED(state);
    two_changes();
    int wait_ms = shard_agent(shard)->timeout_ms(shard);
    assert_in_range(wait_ms, 0, PRESENCE_WINDOW_US / 1000);
    quiet();
    assert_non_null(strstr(find(&clients[3].now, "Romeo")->stanza, "<status>two</status>"));
    wait_ms = shard_agent(shard)->timeout_ms(shard);
    assert_true(wait_ms < 0 || wait_ms > PRESENCE_WINDOW_US / 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rush_costs_less_than_it_says, begin, end),
        cmocka_unit_test_setup_teardown(a_room_that_is_destroyed_says_all, begin, end),
        cmocka_unit_test_setup_teardown(a_service_that_stops_says_all, begin, end),
        cmocka_unit_test_setup_teardown(a_shard_that_is_freed_loses_nothing, begin, end),
        cmocka_unit_test_setup_teardown(the_shard_wakes_in_time, begin, end),
    };
    return cmocka_run_group_tests(tests, prepare, finish);
}
