#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define MOVED(nick, new_nick, jid)                                                                 \
    "<presence from='" ROOM "/" nick "' type='unavailable'><x xmlns='" NS_USER "'>"                \
    "<status code='303'/><item affiliation='none' role='participant' nick='" new_nick              \
    "' jid='" jid "'/><status code='110'/></x></presence>"

/* One session of two takes another nickname: it goes alone. */
/* @covers 0045#changenick.moved */
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
/* @covers 0045#changenick.rewritten */
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

/* @covers 0045#changenick.moved 0045#bizrules-presence.from-then-on */
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

/* @covers 0045#changenick.conflict */
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

/* @covers 0045#enter-pres.locked-nick 0045#register.enforced */
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
/* @covers 0045#enter-pres.locked-nick */
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

/* Refused instead of rewritten, at entry and inside; another case is the same name. */
/* @covers 0045#enter-pres.locked-nick */
static void forced_nickname_has_to_be_asked_for(void **state)
{
    static const char *const options[] = {"reserved_nick_only=refuse", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    join(w, JULIET, "Whatever");
    reads_error(w, JULIET, "cancel", "not-acceptable");
    reads_nothing(w, JULIET);
    enters(w, PARIS, "Whatever"); /* who has none may use any */
    says(w, JULIET, "<presence to='" ROOM "/JULIET'><x xmlns='" NS_X "'/></presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Whatever'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><status code='210'/>"
          "<item affiliation='member' role='participant' jid='" JULIET "'/>"
          "<status code='110'/></x></presence>");
    world_forget(w);
    says(w, JULIET, "<presence to='" ROOM "/Nurse'/>");
    reads_error(w, JULIET, "cancel", "not-acceptable");
    says(w, JULIET, "<presence to='" ROOM "/Juliet'><show>away</show></presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'><show>away</show></presence>");
    world_free(w);
}

/* The words of a switch, which it was once, and those of the choice. */
static void ways_to_insist_on_the_reserved(void **state)
{
    static const struct {
        const char *value;
        enum reserved_nick means;
    } rows[] = {
        {"refuse", RESERVED_NICK_REFUSE},   {"off", RESERVED_NICK_FREE},
        {"rewrite", RESERVED_NICK_REWRITE}, {"0", RESERVED_NICK_FREE},
        {"1", RESERVED_NICK_REWRITE},       {"false", RESERVED_NICK_FREE},
        {"true", RESERVED_NICK_REWRITE},    {"maybe", RESERVED_NICK_REWRITE},
    };
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        configures(w, ROMEO, "x-reserved_nick_only", rows[i].value);
        assert_int_equal(world_room(w, ROOM)->options.reserved_nick_only, rows[i].means);
    }
    world_free(w);
}

/* Blanks at the ends are taken off if the operator wants it, which is told by 210, and a client
 * that has not taken notice is understood all the same. */
/* @covers 0045#changenick.rewritten */
static void blanks_are_taken_off(void **state)
{
    struct world_config config = {.nick = {.trim = true}};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, JULIET);
    join(w, ROMEO, " Romeo ");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Romeo'><x xmlns='" NS_USER "'><status code='201'/>"
          "<status code='210'/><item affiliation='owner' role='moderator' jid='" ROMEO "'/>"
          "<status code='110'/></x></presence>");
    join(w, JULIET, " romeo");
    reads_error(w, JULIET, "cancel", "conflict");
    join(w, JULIET, "Juliet ");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><status code='210'/>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    world_forget(w);
    says(w, JULIET, "<presence to='" ROOM "/Juliet '><show>away</show></presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'><show>away</show></presence>");
    reads_nothing(w, JULIET);
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet'><show>away</show></presence>");
    reads_nothing(w, ROMEO);
    join(w, JULIET, " Juliet");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><status code='210'/>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    world_forget(w);
    says(w, JULIET, "<presence to='" ROOM "/ Nurse '/>");
    reads(w, JULIET, "<presence type='unavailable' from='" ROOM "/Juliet'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Nurse'><x xmlns='" NS_USER "'><status code='210'/>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    assert_int_equal(world_room(w, ROOM)->occupant_count, 2);
    world_free(w);
}

/* The operator's word holds for nicknames an admin reserves as well. */
static void nicknames_by_other_rules(void **state)
{
    struct world_config config = {.nick = {.chars_max = 5, .opaque = true}};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, JULIET);
    enters(w, ROMEO, "Romeo");
    join(w, JULIET, "Juliet");
    reads_error(w, JULIET, "modify", "jid-malformed");
    join(w, JULIET, "\xF0\x9F\xA4\x96");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/\xF0\x9F\xA4\x96'/>");
    world_forget(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='n'><query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item affiliation='member' jid='paris@localhost' nick='Prince'/></query></iq>");
    reads_error(w, ROMEO, "modify", "jid-malformed");
    says(w, JULIET, "<presence to='" ROOM "/Mother'/>");
    reads_error(w, JULIET, "modify", "jid-malformed");
    world_free(w);
}

/* Where each client needs a nickname of its own. */
static void one_session_for_a_nickname(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    configures(w, ROMEO, "muc#roomconfig_allowmultisessions", "0");
    enters(w, JULIET, "Juliet");
    says(w, JULIET_2, "<presence to='" ROOM "/Juliet'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, JULIET_2, "cancel", "conflict");
    enters(w, JULIET_2, "Nurse");
    says(w, JULIET_2, "<presence to='" ROOM "/juliet'/>");
    reads_error(w, JULIET_2, "cancel", "conflict");
    assert_int_equal(world_room(w, ROOM)->occupant_count, 3);
    says(w, JULIET_2, "<presence to='" ROOM "/NURSE'/>"); /* its own, spelt another way */
    reads(w, JULIET_2, "<presence type='unavailable' from='" ROOM "/Nurse'/>");
    world_forget(w);
    says(w, JULIET, "<presence to='" ROOM "/Juliet'><x xmlns='" NS_X "'/></presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>"); /* shown everything again */
    configures(w, ROMEO, "x-allow_many_sessions", "1");
    says(w, JULIET_2, "<presence to='" ROOM "/Juliet'/>");
    assert_int_equal(world_room(w, ROOM)->occupant_count, 2);
    assert_int_equal(world_room(w, ROOM)->session_count, 3);
    world_free(w);
}

static void only_visitors_are_kept_from_changing(void **state)
{
    static const char *const options[] = {"visitor_nick_change=off", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<presence to='" ROOM "/County'/>");
    reads(w, PARIS, MOVED("Paris", "County", PARIS));
    sets(w, ROMEO, "<item nick='County' role='visitor'/>");
    says(w, PARIS, "<presence to='" ROOM "/Paris'/>");
    reads_error(w, PARIS, "cancel", "not-allowed");
    world_free(w);
}

/* Nobody gets voice back by a nickname of its own. */
/* @covers 0045#roles.kept */
static void who_goes_alone_keeps_its_role(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    sets(w, ROMEO, "<item nick='Juliet' role='visitor'/>");
    says(w, JULIET_2, "<presence to='" ROOM "/Nurse'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Nurse'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='visitor' jid='" JULIET_2 "'/></x></presence>");
    world_free(w);
}

/* Whoever says its nickname with blanks again is there already; what others see may change by it.
 */
static void blanks_by_one_of_two_clients(void **state)
{
    struct world_config config = {.nick = {.trim = true}};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, PARIS);
    world_client(w, JULIET);
    world_client(w, JULIET_2);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris"); /* and moderates nothing */
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    says(w, JULIET_2, "<presence to='" ROOM "/Juliet'><show>away</show></presence>");
    world_forget(w);
    says(w, JULIET_2,
         "<presence to='" ROOM "/ Juliet '><show>dnd</show><priority>-1</priority></presence>");
    const char *seen = world_next(w, PARIS);
    assert_non_null(seen); /* of the first client now */
    assert_null(strstr(seen, "<show>"));
    reads_nothing(w, PARIS);
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
        cmocka_unit_test(forced_nickname_has_to_be_asked_for),
        cmocka_unit_test(ways_to_insist_on_the_reserved),
        cmocka_unit_test(one_session_for_a_nickname),
        cmocka_unit_test(blanks_are_taken_off),
        cmocka_unit_test(blanks_by_one_of_two_clients),
        cmocka_unit_test(nicknames_by_other_rules),
        cmocka_unit_test(only_visitors_are_kept_from_changing),
        cmocka_unit_test(who_goes_alone_keeps_its_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
