/* Whoever is put out is told so: who is there after all can come back. */
#include "core/muc/room.h"
#include "tests/support/talk.h"

/* Romeo, who owns the room, and Paris, who is to go. */
static struct world *world_with_both(void)
{
    struct world *w = world_with(NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    return w;
}

static void is_told(struct world *w, const char *status)
{
    const char *came = world_next(w, PARIS);
    assert_non_null(came);
    assert_non_null(strstr(came, "type='unavailable'"));
    assert_non_null(strstr(came, "code='110'"));
    if (strstr(came, status) == NULL)
        fail_msg("%s is not in %s", status, came);
    reads_nothing(w, PARIS);
    world_free(w);
}

static void each_way_out_is_told(void **state)
{
    static const char *const items[][2] = {
        {"<item affiliation='outcast' jid='paris@localhost'/>", "code='301'"},
        {"<item nick='Paris' role='none'/>", "code='307'"},
    };
    struct world *w;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        w = world_with_both();
        says(w, ROMEO,
             "<iq to='" ROOM "' type='set' id='set'>"
             "<query xmlns='http://jabber.org/protocol/muc#admin'>%s</query></iq>",
             items[i][0]);
        is_told(w, items[i][1]);
    }
    w = world_with_both();
    says(w, PARIS,
         "<message to='" ROOM "' type='error'><error type='cancel'>"
         "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
    is_told(w, "code='333'");
    w = world_with_both();
    says(w, PARIS, "<presence to='" ROOM "' type='unavailable'/>");
    is_told(w, "role='none'");
    w = world_with_both();
    world_shutdown(w);
    is_told(w, "code='332'");
    w = world_with_both();
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='end'>"
         "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>");
    is_told(w, "<destroy");
}

static void who_is_no_member_any_more_is_told(void **state)
{
    struct world *w = world_with_both();
    (void)state;
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='form'>"
         "<query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
         "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='muc#roomconfig_membersonly'><value>1</value></field></x></query></iq>");
    is_told(w, "code='322'");
    w = world_with_both();
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='set'>"
         "<query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item affiliation='none' jid='paris@localhost'/></query></iq>");
    is_told(w, "code='321'");
}

/* Also where nobody can hear it: the address may have another connection by now. */
static void a_lost_connection_is_told(void **state)
{
    struct world *w = world_with_both();
    (void)state;
    world_client_gone(w, PARIS);
    assert_true(world_effects(w, FX_SEND) >= 1);
    reads(w, ROMEO, "<presence from='" ROOM "/Paris' type='unavailable'/>");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_out_is_told),
        cmocka_unit_test(who_is_no_member_any_more_is_told),
        cmocka_unit_test(a_lost_connection_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
