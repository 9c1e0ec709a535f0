#include "core/muc/room.h"
#include "tests/support/talk.h"

/* The role one enters with, and that switching changes nobody's. */
/* @covers 0045#roles.names 0045#roles.visitor 0045#roles-default.table */
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

static enum role enters_as(struct world *w, const char *who)
{
    enters(w, who, "Guest");
    enum role role = session_find(world_room(w, ROOM), str_z(who))->occupant->role;
    leaves(w, who);
    return role;
}

/* The owner says what newcomers are; nobody inside becomes something else by it. */
/* @covers 0045#roles-default.table */
static void what_newcomers_are(void **state)
{
    static const struct {
        const char *field, *value;
        enum role moderated, open;
    } rows[] = {
        {"x-newcomers", "visitor", ROLE_VISITOR, ROLE_VISITOR},
        {"x-newcomers", "participant", ROLE_PARTICIPANT, ROLE_PARTICIPANT},
        {"members_by_default", "0", ROLE_VISITOR, ROLE_PARTICIPANT},
        {"members_by_default", "1", ROLE_PARTICIPANT, ROLE_PARTICIPANT},
        {"members_by_default", "false", ROLE_VISITOR, ROLE_PARTICIPANT},
        {"members_by_default", "true", ROLE_PARTICIPANT, ROLE_PARTICIPANT},
        {"x-newcomers", "automatic", ROLE_VISITOR, ROLE_PARTICIPANT},
    };
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        configures(w, ROMEO, rows[i].field, rows[i].value);
        configures(w, ROMEO, "muc#roomconfig_moderatedroom", "1");
        assert_int_equal(enters_as(w, PARIS), rows[i].moderated);
        configures(w, ROMEO, "muc#roomconfig_moderatedroom", "0");
        assert_int_equal(enters_as(w, PARIS), rows[i].open);
    }
    assert_int_equal(session_find(world_room(w, ROOM), STR(JULIET))->occupant->role,
                     ROLE_PARTICIPANT);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='f'><query "
         "xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>"
         "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='x-newcomers'><value>moderator</value></field></x></query></iq>");
    reads_error(w, ROMEO, "modify", "not-acceptable");
    assert_int_equal(enters_as(w, PARIS), ROLE_PARTICIPANT);
    world_free(w);
}

/* Another session of a visitor is a visitor too. */
/* @covers 0045#message.visitor */
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
        cmocka_unit_test(what_newcomers_are),
        cmocka_unit_test(a_session_shares_the_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
