#include "core/muc/room.h"
#include "tests/support/talk.h"

/* In a semi-anonymous room no address gets to anybody but its owner and moderators, whatever
 * happens. */
/* @covers 0045#enter-semianon.moderators 0045#bizrules-iq.secret */
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

/* @covers 0045#enter-nonanon.jid 0045#enter-nonanon.warning */
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

static void reads_jule(struct world *w, const char *role, const char *more)
{
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Jule'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='%s' jid='" JULIET "'>%s</item></x></presence>",
          role, more);
}

/* Juliet is inside as Jule and as Juliet: one of her sessions is told the address of the other, in
 * lists, live and when asked, though nobody else but moderators is; and not who has kicked it. */
static void own_other_nickname_is_no_secret(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Jule");
    join(w, JULIET_2, "Juliet");
    reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant'/></x></presence>");
    reads_jule(w, "participant", "");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/></x></presence>");
    world_forget(w);
    says(w, JULIET, "<presence to='" ROOM "/Jule'><show>away</show></presence>");
    reads_jule(w, "participant", "");
    reads_nothing(w, JULIET_2);
    reads(w, PARIS,
          "<presence from='" ROOM "/Jule'><show>away</show><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant'/></x></presence>");
    reads_nothing(w, PARIS);
    says(w, JULIET_2, "<presence to='" ROOM "/Jule' type='probe'/>");
    reads_jule(w, "participant", "");
    sets(w, ROMEO, "<item nick='Jule' role='visitor'/>");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'><query xmlns='" NS_X "#admin'>"
         "<item nick='Jule' role='participant'/></query></iq>");
    reads_jule(w, "participant", "<actor nick='Romeo'/>");
    reads_nothing(w, JULIET_2);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'><query xmlns='" NS_X "#admin'>"
         "<item nick='Jule' role='none'/></query></iq>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Jule' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none' jid='" JULIET "'>"
          "<actor nick='Romeo'/></item></x></presence>");
    reads_nothing(w, JULIET_2);
    world_free(w);
}

/* A moderator is told of its own account like any moderator: with who did it. */
static void own_other_nickname_of_a_moderator(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    enters(w, JULIET, "Jule");
    enters(w, JULIET_2, "Juliet");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'><query xmlns='" NS_X "#admin'>"
         "<item nick='Jule' role='none'/></query></iq>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Jule' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='admin' role='none' jid='" JULIET "'>"
          "<actor nick='Romeo' jid='" ROMEO "'/></item></x></presence>");
    reads_nothing(w, JULIET_2);
    world_free(w);
}

/* The first of three goes: those who stay are one account as before, whoever comes next. */
static void first_of_several_nicknames_goes(void **state)
{
    static const char *const nurse = "juliet@localhost/kitchen";
    struct world *w = world_with(NULL);
    (void)state;
    world_client(w, nurse);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Jule");
    enters(w, JULIET_2, "Juliet");
    enters(w, nurse, "Capulet");
    leaves(w, JULIET);
    enters(w, PARIS, "Paris"); /* where Jule was */
    says(w, nurse, "<presence to='" ROOM "/Capulet'><show>dnd</show></presence>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Capulet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='juliet@localhost/kitchen'/></x>"
          "</presence>");
    reads_nothing(w, JULIET_2);
    reads(w, PARIS,
          "<presence from='" ROOM "/Capulet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant'/></x></presence>");
    reads_nothing(w, PARIS);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_address_gets_out),
        cmocka_unit_test(hundred_only_for_the_newcomer),
        cmocka_unit_test(own_other_nickname_is_no_secret),
        cmocka_unit_test(own_other_nickname_of_a_moderator),
        cmocka_unit_test(first_of_several_nicknames_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
