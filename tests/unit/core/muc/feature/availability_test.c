/* @covers 0045#changepres */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

/* Highest priority, then the newest: that one's presence the others see, and only its changes. */
static void the_primary_session_is_seen(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, PARIS, "Paris"); /* creator, owner: sees addresses */
    enters(w, ROMEO, "Romeo"); /* does not */
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    says(w, JULIET, "<presence to='" ROOM "/Juliet' id='u1'><show>dnd</show></presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' id='u1'><show>dnd</show></presence>");
    reads_nothing(w, JULIET);
    reads_nothing(w, JULIET_2);
    reads_nothing(w, ROMEO);
    says(w, JULIET,
         "<presence to='" ROOM "/Juliet'><show>dnd</show><priority>5</priority></presence>");
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet'><show>dnd</show></presence>");
    reads_nothing(w, ROMEO);
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet'><show>dnd</show></presence>");
    world_forget(w);
    says(w, JULIET_2, "<presence to='" ROOM "/Juliet'><show>chat</show></presence>");
    reads_nothing(w, ROMEO);
    says(w, JULIET, "<presence to='" ROOM "/Juliet' type='unavailable'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet'><show>chat</show></presence>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

static void probe_of_an_absent_owner_of_a_nickname(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    enters(w, PARIS, "Paris");
    says(w, ROMEO, "<presence to='" ROOM "/Juliet' type='probe'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item nick='Juliet' affiliation='member' role='none' jid='juliet@localhost'/></x>"
          "</presence>");
    says(w, PARIS, "<presence to='" ROOM "/Juliet' type='probe'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item nick='Juliet' affiliation='member' role='none'/></x></presence>");
    says(w, PARIS, "<presence to='" ROOM "/JULIET' type='probe'/>");
    reads_nothing(w, PARIS);
    world_free(w);
}

static void probe_of_a_role_that_is_not_shown(void **state)
{
    static const char *const options[] = {"broadcast=moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    says(w, PARIS, "<presence to='" ROOM "/Juliet' type='probe'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant'/></x></presence>");
    world_free(w);
}

/* A visitor's status text is left out everywhere, its other elements stay. */
static void visitors_without_status(void **state)
{
    static const char *const options[] = {"moderated=on", "visitor_status=off", NULL};
    static const char *const caps = "<c xmlns='http://jabber.org/protocol/caps' ver='v'>"
                                    "<status>inner</status></c>";
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS,
         "<presence to='" ROOM "/Paris'><status>ware</status><show>away</show>"
         "<status xml:lang='de'>Ware</status>%s</presence>",
         caps);
    const char *seen = world_next(w, ROMEO);
    assert_non_null(seen);
    assert_non_null(strstr(seen, "<show>away</show>"));
    assert_non_null(strstr(seen, "<status>inner</status>"));
    assert_null(strstr(seen, "are<"));
    says(w, PARIS, "<presence to='" ROOM "' type='unavailable'><status>ware</status></presence>");
    seen = world_next(w, ROMEO);
    assert_non_null(seen);
    assert_null(strstr(seen, "ware"));
    says(w, ROMEO, "<presence to='" ROOM "/Romeo'><status>mine</status></presence>");
    reads(w, ROMEO, "<presence from='" ROOM "/Romeo'><status>mine</status></presence>");
    world_free(w);
}

static void too_large_an_update_changes_nothing(void **state)
{
    struct world *w = world_with(NULL);
    static char status[PRESENCE_BYTES_MAX + 1];
    (void)state;
    memset(status, 's', PRESENCE_BYTES_MAX);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<presence to='" ROOM "/Paris'><status>%s</status></presence>", status);
    reads_error(w, PARIS, "modify", "not-acceptable");
    reads_nothing(w, ROMEO);
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    world_free(w);
}

/* @covers 0045#bizrules-presence.no-join */
static void other_types_do_nothing(void **state)
{
    static const char *const types[] = {"subscribe", "subscribed", "unsubscribe", "unsubscribed",
                                        "nonsense"};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        says(w, PARIS, "<presence to='" ROOM "/Paris' type='%s'><x xmlns='" NS_X "'/></presence>",
             types[i]);
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    assert_int_equal(world_room(w, ROOM)->session_count, 1);
    world_free(w);
}

/* One's own reserved nickname is shown with one's own address, also under another one. */
static void probe_of_the_own_absent_nickname(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    enters(w, JULIET, "Jule");
    says(w, JULIET, "<presence to='" ROOM "/Juliet' type='probe'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item nick='Juliet' affiliation='member' role='none' jid='juliet@localhost'/></x>"
          "</presence>");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_primary_session_is_seen),
        cmocka_unit_test(probe_of_an_absent_owner_of_a_nickname),
        cmocka_unit_test(probe_of_a_role_that_is_not_shown),
        cmocka_unit_test(visitors_without_status),
        cmocka_unit_test(too_large_an_update_changes_nothing),
        cmocka_unit_test(other_types_do_nothing),
        cmocka_unit_test(probe_of_the_own_absent_nickname),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
