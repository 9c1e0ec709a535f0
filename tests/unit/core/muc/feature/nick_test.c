/* @covers 0045#changenick 0045#enter-conflict 0045#reservednick */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define MOVED(nick, new_nick, jid)                                                                 \
    "<presence from='" ROOM "/" nick "' type='unavailable'><x xmlns='" NS_USER "'>"                \
    "<status code='303'/><item affiliation='none' role='participant' nick='" new_nick              \
    "' jid='" jid "'/><status code='110'/></x></presence>"

/* One session of two takes another nickname: it goes alone. */
static void one_session_goes_alone(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    says(w, JULIET_2, "<presence to='" ROOM "/Nurse' id='n1'/>");
    reads(w, JULIET_2, MOVED("Juliet", "Nurse", JULIET_2));
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet'/>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Nurse' id='n1'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, JULIET_2);
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Nurse'/>");
    reads_nothing(w, JULIET);
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/></x></presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Nurse'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/></x></presence>");
    reads_nothing(w, ROMEO);
    assert_int_equal(world_room(w, ROOM)->occupant_count, 4);
    world_free(w);
}

/* It takes the nickname its account has in another session: the two become one. */
static void sessions_of_an_account_merge(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Nurse");
    says(w, JULIET_2, "<presence to='" ROOM "/JULIET' id='m1'/>"); /* one spelling for both */
    reads(w, JULIET_2, MOVED("Nurse", "Juliet", JULIET_2));
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Juliet' id='m1'><x xmlns='" NS_USER "'><status code='210'/>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, JULIET_2);
    reads(w, PARIS,
          "<presence from='" ROOM "/Nurse' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='none'/></x></presence>");
    reads(w, ROMEO, "<presence from='" ROOM "/Nurse' type='unavailable'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/></x></presence>");
    assert_int_equal(world_room(w, ROOM)->occupant_count, 3);
    assert_int_equal(world_room(w, ROOM)->session_count, 4);
    world_free(w);
}

/* It sees what the nickname it takes may see: whoever becomes or ceases to be a moderator by it is
 * shown everybody again. */
static void merging_may_open_eyes(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Nurse");
    sets(w, ROMEO, "<item nick='Nurse' role='moderator'/>");
    says(w, JULIET, "<presence to='" ROOM "/Nurse' id='m1'/>");
    reads(w, JULIET, MOVED("Juliet", "Nurse", JULIET));
    reads(w, JULIET,
          "<presence from='" ROOM "/Romeo'><x xmlns='" NS_USER "'>"
          "<item affiliation='owner' role='moderator' jid='" ROMEO "'/></x></presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Nurse' id='m1'/>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* From a shared nickname to another of the same account: the first one stays. */
static void merging_leaves_fellows_behind(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    world_client(w, "juliet@localhost/garden");
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Nurse");
    enters(w, "juliet@localhost/garden", "Nurse");
    says(w, JULIET_2, "<presence to='" ROOM "/Juliet'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Nurse'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='juliet@localhost/garden'/></x>"
          "</presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/></x></presence>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* Two spellings of one nickname cannot both be there: a change of case takes all sessions along. */
static void change_of_case_takes_all_sessions(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    says(w, JULIET_2, "<presence to='" ROOM "/JULIET'><x xmlns='" NS_X "'/></presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads(w, JULIET, "<presence from='" ROOM "/JULIET'/>");
    reads_nothing(w, JULIET);
    reads(w, PARIS, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads(w, PARIS, "<presence from='" ROOM "/JULIET'/>");
    reads_nothing(w, PARIS);
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/JULIET'/>");
    reads(w, JULIET_2, "<message type='groupchat'><subject/></message>");
    reads_nothing(w, JULIET_2);
    world_free(w);
}

static void another_spelling_for_a_second_session(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, JULIET, "Juliet");
    says(w, JULIET_2, "<presence to='" ROOM "/juliet'><x xmlns='" NS_X "'/></presence>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><status code='210'/>"
          "<item affiliation='owner' role='moderator' jid='" JULIET "'/>"
          "<item affiliation='owner' role='moderator' jid='" JULIET_2 "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

static void role_and_presence_go_along(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    sets(w, ROMEO, "<item nick='Paris' role='visitor'/>");
    says(w, PARIS, "<presence to='" ROOM "/County'><show>xa</show></presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='303'/>"
          "<item affiliation='none' role='visitor' nick='County' jid='" PARIS "'/></x></presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/County'><show>xa</show><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='visitor' jid='" PARIS "'/></x></presence>");
    world_free(w);
}

static void a_hidden_role_changes_unseen(void **state)
{
    static const char *const options[] = {"broadcast=moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<presence to='" ROOM "/County'/>");
    reads_nothing(w, ROMEO);
    reads(w, PARIS, MOVED("Paris", "County", PARIS));
    reads(w, PARIS, "<presence from='" ROOM "/County'/>");
    world_free(w);
}

static void a_refused_change_changes_nothing(void **state)
{
    static const char *const bad[] = {" Padded", "  ", "\xF0\x9F\xA4\x96", "ROMEO"};
    static const char *const type[] = {"modify", "modify", "modify", "cancel"};
    static const char *const condition[] = {"jid-malformed", "not-allowed", "jid-malformed",
                                            "conflict"};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        says(w, PARIS, "<presence to='" ROOM "/%s'><show>away</show></presence>", bad[i]);
        reads_error(w, PARIS, type[i], condition[i]);
    }
    reads_nothing(w, ROMEO);
    says(w, ROMEO, "<presence to='" ROOM "/Paris' type='probe'/>");
    const char *seen = world_next(w, ROMEO);
    assert_non_null(seen);
    assert_null(strstr(seen, "away"));
    world_free(w);
}

/* As many nicknames for an account as the limit says, by entering and by parting. */
static void nicknames_of_one_account(void **state)
{
    struct world *w = world_with(NULL);
    char jid[64], nick[32];
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (unsigned i = 0; i < ROOM_NICKS_PER_ACCOUNT; i++) {
        snprintf(jid, sizeof(jid), "juliet@localhost/%u", i);
        snprintf(nick, sizeof(nick), "Nurse%u", i);
        world_client(w, jid);
        enters(w, jid, nick);
    }
    assert_int_equal(world_room(w, ROOM)->occupant_count, ROOM_NICKS_PER_ACCOUNT + 1);
    says(w, JULIET, "<presence to='" ROOM "/Juliet'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, JULIET, "wait", "resource-constraint");
    enters(w, JULIET, "Nurse0");
    says(w, JULIET, "<presence to='" ROOM "/Juliet'/>");
    reads_error(w, JULIET, "wait", "resource-constraint");
    assert_int_equal(world_room(w, ROOM)->occupant_count, ROOM_NICKS_PER_ACCOUNT + 1);
    world_free(w);
}

static void forced_nickname_of_an_account_inside(void **state)
{
    static const char *const options[] = {"reserved_nick_only=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    enters(w, JULIET, "Whatever");
    says(w, JULIET_2, "<presence to='" ROOM "/Other'><x xmlns='" NS_X "'/></presence>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><status code='210'/>"
          "<item affiliation='member' role='participant' jid='" JULIET "'/>"
          "<item affiliation='member' role='participant' jid='" JULIET_2 "'/>"
          "<status code='110'/></x></presence>");
    world_free(w);
}

/* Rewritten to the reservation and back to the spelling that is in use: it got what it asked for.
 */
static void what_was_asked_for_is_no_rewriting(void **state)
{
    static const char *const options[] = {"reserved_nick_only=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "juliet");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    world_forget(w);
    says(w, JULIET_2, "<presence to='" ROOM "/juliet'><x xmlns='" NS_X "'/></presence>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='member' role='participant' jid='" JULIET "'/>"
          "<item affiliation='member' role='participant' jid='" JULIET_2 "'/>"
          "<status code='110'/></x></presence>");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_session_goes_alone),
        cmocka_unit_test(sessions_of_an_account_merge),
        cmocka_unit_test(merging_may_open_eyes),
        cmocka_unit_test(merging_leaves_fellows_behind),
        cmocka_unit_test(change_of_case_takes_all_sessions),
        cmocka_unit_test(another_spelling_for_a_second_session),
        cmocka_unit_test(role_and_presence_go_along),
        cmocka_unit_test(a_hidden_role_changes_unseen),
        cmocka_unit_test(a_refused_change_changes_nothing),
        cmocka_unit_test(nicknames_of_one_account),
        cmocka_unit_test(forced_nickname_of_an_account_inside),
        cmocka_unit_test(what_was_asked_for_is_no_rewriting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
