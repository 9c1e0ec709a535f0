/* @covers 0045#enter-nonanon 0045#enter-semianon */
#include "core/muc/room.h"
#include "tests/support/talk.h"

/* In a semi-anonymous room no address gets to anybody but its owner and moderators, whatever
 * happens. */
static void no_address_gets_out(void **state)
{
    static const char *const leaks[] = {"romeo@localhost", "juliet@localhost"};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    join(w, PARIS, "Paris");
    join(w, JULIET, "Juliet");
    join(w, JULIET_2, "Juliet");
    says(w, JULIET, "<presence to='" ROOM "/Jule'><status>hi</status></presence>");
    says(w, JULIET, "<message to='" ROOM "' type='groupchat'><body>hi</body></message>");
    says(w, JULIET, "<message to='" ROOM "/Paris' type='chat'><body>hi</body></message>");
    says(w, JULIET,
         "<iq to='" ROOM "/Paris' type='get' id='q'><query xmlns='jabber:iq:last'/></iq>");
    static const char *const items[] = {
        "<item nick='Juliet' role='visitor'/>",
        "<item jid='juliet@localhost' affiliation='member' nick='Juliet'/>",
        "<item jid='nurse@localhost' affiliation='member'/>",
        "<item nick='Jule' role='none'><reason>out</reason></item>",
        "<item jid='juliet@localhost' affiliation='outcast'/>",
    };
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        says(w, ROMEO,
             "<iq to='" ROOM "' type='set' id='a'>"
             "<query xmlns='http://jabber.org/protocol/muc#admin'>%s</query></iq>",
             items[i]);
    says(w, PARIS, "<presence to='" ROOM "/Romeo' type='probe'/>");
    unsigned read = 0;
    for (const char *came; (came = world_next(w, PARIS)) != NULL; read++) {
        for (size_t i = 0; i < ARRAY_LEN(leaks); i++) {
            if (strstr(came, leaks[i]) != NULL)
                fail_msg("Paris was told an address: %s", came);
        }
    }
    assert_in_range(read, 10, 100);
    world_free(w);
}

static void hundred_only_for_the_newcomer(void **state)
{
    static const char *const options[] = {"whois=anyone", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    join(w, PARIS, "Paris");
    assert_null(strstr(world_next(w, ROMEO), "'100'"));
    reads(w, PARIS,
          "<presence from='" ROOM "/Romeo'><x xmlns='" NS_USER "'>"
          "<item affiliation='owner' role='moderator' jid='" ROMEO "'/></x></presence>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><status code='100'/>"
          "<item affiliation='none' role='participant' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>");
    world_forget(w);
    says(w, PARIS, "<presence to='" ROOM "/Paris'><show>away</show></presence>");
    assert_null(strstr(world_next(w, PARIS), "'100'"));
    join(w, PARIS, "Paris"); /* everything again */
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    assert_non_null(strstr(world_next(w, PARIS), "'100'"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_address_gets_out),
        cmocka_unit_test(hundred_only_for_the_newcomer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
