/* @covers 0421#enter 0421#message 0421#id-generation */
#include "core/muc/room.h"
#include "tests/support/talk.h"

/* The one occupant-id in a stanza; heap. */
static char *id_in(const char *stanza)
{
    static const char *const begin = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='";
    assert_non_null(stanza);
    const char *at = strstr(stanza, begin);
    assert_non_null(at);
    assert_null(strstr(at + 1, "<occupant-id"));
    at += strlen(begin);
    return text_of("%.*s", (int)strcspn(at, "'"), at);
}

static void same_for(char *expected, const char *stanza)
{
    char *id = id_in(stanza);
    assert_string_equal(expected, id);
    free(id);
}

/* Of one account in one room: in all presences and messages, under all nicknames, in all sessions,
 * and after coming back. */
static void one_id_for_an_account(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    join(w, JULIET, "Juliet");
    char *id = id_in(world_next(w, ROMEO));
    assert_in_range(strlen(id), 16, 128);
    join(w, JULIET_2, "Nurse");
    same_for(id, world_next(w, ROMEO));
    says(w, JULIET,
         "<message to='" ROOM "' type='groupchat'><body>1</body>"
         "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='f1'/>"
         "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='f2'/></message>");
    same_for(id, world_next(w, ROMEO));
    says(w, JULIET_2, "<message to='" ROOM "/Romeo' type='chat'><body>1</body></message>");
    same_for(id, world_next(w, ROMEO));
    says(w, JULIET,
         "<presence to='" ROOM "/Jule'>"
         "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='f1'/></presence>");
    same_for(id, world_next(w, ROMEO));
    same_for(id, world_next(w, ROMEO));
    says(w, JULIET,
         "<presence to='" ROOM "' type='unavailable'>"
         "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='f1'/></presence>");
    same_for(id, world_next(w, ROMEO));
    join(w, JULIET, "Juliet");
    same_for(id, world_next(w, ROMEO));
    join(w, PARIS, "Paris");
    char *other = id_in(world_next(w, ROMEO));
    assert_string_not_equal(id, other);
    free(other);
    free(id);
    world_free(w);
}

/* Another room, and a new room of the old name. */
static void another_room_another_id(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    join(w, ROMEO, "Romeo");
    char *first = id_in(world_next(w, ROMEO));
    says(w, ROMEO, "<presence to='other@" WORLD_SERVICE "/Romeo'><x xmlns='" NS_X "'/></presence>");
    world_next(w, ROMEO);
    char *second = id_in(world_next(w, ROMEO));
    leaves(w, ROMEO);
    assert_null(world_room(w, ROOM));
    join(w, ROMEO, "Romeo");
    char *third = id_in(world_next(w, ROMEO));
    assert_string_not_equal(first, second);
    assert_string_not_equal(first, third);
    assert_string_not_equal(second, third);
    free(first);
    free(second);
    free(third);
    world_free(w);
}

/* Members who are shown although they are not inside have the id they will have inside. */
static void absent_members_have_theirs(void **state)
{
    static const char *const options[] = {"broadcast=none,visitor,participant,moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    join(w, PARIS, "Paris");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    char *id = id_in(world_next(w, PARIS));
    hush(w);
    says(w, PARIS, "<presence to='" ROOM "/Juliet' type='probe'/>");
    same_for(id, world_next(w, PARIS));
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'><query xmlns='" NS_X "#admin'>"
         "<item affiliation='member' jid='juliet@localhost' nick='Jule'/></query></iq>");
    same_for(id, world_next(w, PARIS)); /* no longer under the old nickname */
    same_for(id, world_next(w, PARIS)); /* under the new one */
    join(w, JULIET, "Jule");
    same_for(id, world_next(w, PARIS));
    free(id);
    world_free(w);
}

/* When the room ends, and when the service does. */
static void the_last_presence_has_it_as_well(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *w = world_with(NULL);
        enters(w, ROMEO, "Romeo");
        join(w, JULIET, "Juliet");
        char *id = id_in(world_next(w, ROMEO));
        hush(w);
        if (i == 0)
            says(w, ROMEO,
                 "<iq to='" ROOM "' type='set' id='d'><query xmlns='" NS_X "#owner'><destroy/>"
                 "</query></iq>");
        else
            world_shutdown(w);
        same_for(id, world_next(w, JULIET));
        free(id);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_id_for_an_account),
        cmocka_unit_test(another_room_another_id),
        cmocka_unit_test(absent_members_have_theirs),
        cmocka_unit_test(the_last_presence_has_it_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
