/* @covers 0045#registrar-formtype-owner 0045#bizrules-presence */
#include "core/muc/room.h"
#include "tests/support/talk.h"

static void moderators_see_all_if_the_room_says_so(void **state)
{
    static const char *const options[] = {"broadcast=moderator", "see_all=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    join(w, JULIET, "Juliet");
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet'/>");
    reads_nothing(w, PARIS);
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    world_free(w);
}

/* Voice is taken from a participant: for who does not see visitors, it has gone. */
static void becoming_hidden_and_shown(void **state)
{
    static const char *const options[] = {"broadcast=participant,moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'>"
         "<query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item nick='Paris' role='visitor'/></query></iq>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='visitor'><actor nick='Romeo'/></item></x></presence>");
    reads_nothing(w, JULIET);
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='visitor' jid='" PARIS "'><actor nick='Romeo'/></item>"
          "<status code='110'/></x></presence>");
    world_forget(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'>"
         "<query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item nick='Paris' role='participant'/></query></iq>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant'><actor nick='Romeo'/></item></x>"
          "</presence>");
    world_free(w);
}

/* Absent members with a nickname are shown on entry, after those who are here and before oneself.
 * */
static void absent_members(void **state)
{
    static const char *const options[] = {"broadcast=none,participant,moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    sets(w, ROMEO, "<item affiliation='member' jid='nurse@localhost'/>");
    sets(w, ROMEO, "<item affiliation='outcast' jid='tybalt@localhost'/>");
    join(w, PARIS, "Paris");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item affiliation='member' role='none' nick='Juliet'/></x></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    reads(w, PARIS, "<message type='groupchat'><subject/></message>");
    join(w, JULIET, "Juliet");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' to='" JULIET "'/>");
    world_free(w);
}

/* Who is listed in the middle of a query is not shown an absent member under a nickname that its
 * last user has not been put out of yet. */
static void absent_under_a_nickname_still_in_use(void **state)
{
    static const char *const options[] = {"broadcast=none,participant,moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Don");
    enters(w, JULIET, "Juliet");
    world_forget(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='set'>"
         "<query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item affiliation='admin' jid='juliet@localhost'/>"
         "<item affiliation='member' jid='nurse@localhost' nick='Don'/></query></iq>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' scansion:strict='false'/>");
    /* a moderator now, who sees addresses: everybody again */
    reads(w, JULIET, "<presence from='" ROOM "/Romeo' scansion:strict='false'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Don'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" PARIS "'/></x></presence>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Don' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none' jid='" PARIS "'>"
          "<reason>This nickname is reserved</reason></item></x></presence>");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moderators_see_all_if_the_room_says_so),
        cmocka_unit_test(becoming_hidden_and_shown),
        cmocka_unit_test(absent_members),
        cmocka_unit_test(absent_under_a_nickname_still_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
