/* @covers 0045#roles-default */
#include "core/muc/room.h"
#include "tests/support/talk.h"

/* The role one enters with, and that switching changes nobody's. */
static void roles_at_entry(void **state)
{
    static const char *const options[] = {"moderated=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    struct room *room = world_room(w, ROOM);
    assert_int_equal(session_find(room, STR(ROMEO))->occupant->role, ROLE_MODERATOR);
    assert_int_equal(session_find(room, STR(PARIS))->occupant->role, ROLE_VISITOR);
    assert_int_equal(session_find(room, STR(JULIET))->occupant->role, ROLE_PARTICIPANT);
    configures(w, ROMEO, "muc#roomconfig_moderatedroom", "0");
    assert_int_equal(session_find(room, STR(PARIS))->occupant->role, ROLE_VISITOR);
    says(w, PARIS, "<presence to='" ROOM "/County'/>");
    assert_int_equal(session_find(room, STR(PARIS))->occupant->role, ROLE_VISITOR);
    leaves(w, PARIS);
    enters(w, PARIS, "Paris");
    assert_int_equal(session_find(room, STR(PARIS))->occupant->role, ROLE_PARTICIPANT);
    world_free(w);
}

/* Another session of a visitor is a visitor too. */
static void a_session_shares_the_role(void **state)
{
    static const char *const options[] = {"moderated=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    configures(w, ROMEO, "muc#roomconfig_moderatedroom", "0");
    enters(w, JULIET_2, "Juliet");
    says(w, JULIET_2, "<message to='" ROOM "' type='groupchat' id='a'><body>x</body></message>");
    reads_error(w, JULIET_2, "auth", "forbidden");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_at_entry),
        cmocka_unit_test(a_session_shares_the_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
