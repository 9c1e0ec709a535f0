/*
 * A moderator who has the answer that a role is changed may rely on it: it is there after the end
 * of the process, however that comes.
 */
#include "tests/support/backed_shard.h"

#define ADMIN "http://jabber.org/protocol/muc#admin"

static void set_role(const char *role)
{
    char xml[300];
    snprintf(xml, sizeof(xml),
             "<iq type='set' id='role'><query xmlns='" ADMIN "'><item nick='Juliet' role='%s'/>"
             "</query></iq>",
             role);
    say(ROMEO, ROOM, xml);
}

/* Who came back with the room has the role that was acknowledged. */
static void a_role_is_answered_when_it_is_kept(void **state)
{
    UNUSED(state);
    two_in_a_room();
    set_role("moderator");
    talk(JULIET, "behind it");
    step();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    write_down();
    step();
    in_order(heard(0), "role='moderator'", "type='result' id='role'", "<body>behind it</body>",
             NULL);
    in_order(heard(1), "role='moderator'", "<body>behind it</body>", NULL);
    crash();
    wake();
    settle();
    enter(FRIAR, "Friar");
    settle();
    in_order(heard(1), "from='" ROOM "/Juliet'", "role='moderator'", NULL);
}

/* So it is where a form grants it, which is answered by nothing but what all see. */
static void a_voice_that_is_granted_is_seen_when_it_is_kept(void **state)
{
    UNUSED(state);
    two_in_a_room();
    set_role("visitor");
    settle();
    forget_heard();
    say(ROMEO, ROOM,
        "<message><x xmlns='jabber:x:data' type='submit'>"
        "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field>"
        "<field var='muc#role'><value>participant</value></field>"
        "<field var='muc#jid'><value>" JULIET "</value></field>"
        "<field var='muc#roomnick'><value>Juliet</value></field>"
        "<field var='muc#request_allow'><value>true</value></field></x></message>");
    step();
    assert_string_equal(heard(1), "");
    write_down();
    step();
    in_order(heard(1), "from='" ROOM "/Juliet'", "role='participant'", NULL);
}

/* It was refused: what everybody does by then is not undone, and it is written again. */
static void a_role_that_is_refused_stands(void **state)
{
    UNUSED(state);
    two_in_a_room();
    store_mem_fail_commits(store, 1, ERR_IO);
    set_role("visitor");
    step();
    assert_string_equal(heard(0), "");
    settle();
    in_order(heard(0), "role='visitor'", "type='result' id='role'", NULL);
    assert_int_equal(shard_stale_count(shard), 1);
}

/* Nothing is written of what is as it was, of who goes, or of a room that is not stored. */
static void nothing_else_waits(void **state)
{
    UNUSED(state);
    two_in_a_room();
    set_role("participant"); /* as it was */
    step();
    in_order(heard(0), "type='result' id='role'", NULL);
    set_role("none");
    step();
    in_order(heard(0), "code='307'", "type='result' id='role'", NULL);
}

static void a_temporary_room_waits_for_nothing(void **state)
{
    UNUSED(state);
    all_rooms(false, false);
    two_in_a_room();
    set_role("moderator");
    step();
    in_order(heard(0), "role='moderator'", "type='result' id='role'", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_role_is_answered_when_it_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(a_voice_that_is_granted_is_seen_when_it_is_kept, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_role_that_is_refused_stands, begin, end),
        cmocka_unit_test_setup_teardown(nothing_else_waits, begin, end),
        cmocka_unit_test_setup_teardown(a_temporary_room_waits_for_nothing, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
