/* @covers 0045#getmemberlist */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/muc/change.h"
#include "tests/support/ranks.h"

static const char *const moderated[] = {"moderated=on", NULL};
static const char *const closed[] = {"members_only=on", NULL};
static const char *const open_jids[] = {"whois=anyone", NULL};

/* That its affiliation is another one, from outside. */
static void reads_told(struct world *w, const char *who, const char *item)
{
    reads(w, who,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='101'/><item %s/></x>"
          "</message>",
          item);
}

/* An affiliation is of the account, a role of the nickname (4.3.9). */
/* @covers 0045#affil-change.told 0045#roles-change.told */
static void two_nicknames_have_one_affiliation(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Nurse");
    asks(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    assert_int_equal(inside(w, "juliet")->affiliation, AFF_MEMBER);
    assert_int_equal(inside(w, "nurse")->affiliation, AFF_MEMBER);
    unsigned juliet = 0, nurse = 0;
    while (world_unread(w, ROMEO) > 0) {
        const char *came = world_next(w, ROMEO);
        bool member = strstr(came, "affiliation='member'") != NULL;
        juliet += member && strstr(came, ROOM "/Juliet") != NULL;
        nurse += member && strstr(came, ROOM "/Nurse") != NULL;
    }
    assert_int_equal(juliet, 1);
    assert_int_equal(nurse, 1);
    asks(w, ROMEO, "<item role='visitor' nick='Nurse'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Nurse'><x xmlns='" NS_USER "'>"
          "<item affiliation='member' role='visitor' jid='" JULIET_2 "'>"
          "<actor nick='Romeo' jid='" ROMEO "'/></item></x></presence>");
    assert_int_equal(inside(w, "juliet")->role, ROLE_PARTICIPANT);
    assert_int_equal(inside(w, "nurse")->role, ROLE_VISITOR);
    world_forget(w);
    asks(w, ROMEO, "<item affiliation='outcast' jid='juliet@localhost'/>");
    assert_null(inside(w, "juliet"));
    assert_null(inside(w, "nurse"));
    world_free(w);
}

/* Who may do what to whom. */
/* @covers 0045#affil.others 0045#admin.denied 0045#ban.self 0045#modifymember.admins */
/* @covers 0045#grantowner.forbidden */
static void rights(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, JULIET, "<item affiliation='member' jid='juliet@localhost'/>");
    reads_error(w, JULIET, "auth", "forbidden");
    sets(w, ROMEO, "<item nick='Juliet' role='moderator'/>");
    asks(w, JULIET, "<item affiliation='outcast' jid='paris@localhost'/>");
    reads_error(w, JULIET, "auth", "forbidden");
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    asks(w, JULIET, "<item affiliation='owner' jid='juliet@localhost'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    asks(w, JULIET, "<item affiliation='member' jid='romeo@localhost'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    asks(w, JULIET, "<item affiliation='outcast' jid='juliet@localhost'/>");
    reads_error(w, JULIET, "cancel", "conflict");
    leaves(w, JULIET); /* one need not be inside */
    sets(w, JULIET, "<item affiliation='outcast' jid='paris@localhost'/>");
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_OUTCAST);
    world_free(w);
}

/* @covers 0045#owner.one 0045#roomconfig.last-owner 0045#roomconfig.step-down */
static void owners_never_run_out(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO, "<item affiliation='outcast' jid='romeo@localhost'/>");
    reads_error(w, ROMEO, "cancel", "conflict");
    asks(w, ROMEO, "<item affiliation='none' jid='romeo@localhost'/>");
    reads_error(w, ROMEO, "cancel", "conflict");
    sets(w, ROMEO, "<item affiliation='owner' jid='juliet@localhost'/>");
    asks(w, ROMEO, "<item affiliation='outcast' jid='romeo@localhost'/>"); /* still oneself */
    reads_error(w, ROMEO, "cancel", "conflict");
    asks(w, ROMEO,
         "<item affiliation='none' jid='romeo@localhost'/>"
         "<item affiliation='none' jid='juliet@localhost'/>");
    reads_error(w, ROMEO, "cancel", "conflict");
    asks(w, ROMEO,
         "<item affiliation='none' jid='romeo@localhost'/>"
         "<item affiliation='owner' jid='paris@localhost'/>");
    world_forget(w);
    assert_int_equal(affiliation_of(w, "romeo@localhost"), AFF_NONE);
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_OWNER);
    assert_int_equal(world_room(w, ROOM)->owner_count, 2);
    world_free(w);
}

static void service_admins_are_owners_everywhere(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, SERVICE_ADMIN);
    asks(w, ROMEO, "<item affiliation='outcast' jid='admin@localhost'/>");
    reads_error(w, ROMEO, "cancel", "not-allowed");
    asks(w, SERVICE_ADMIN, "<item affiliation='member' jid='romeo@localhost'/>");
    reads_error(w, SERVICE_ADMIN, "cancel", "conflict"); /* the room's last own owner */
    asks(w, SERVICE_ADMIN,
         "<item affiliation='owner' jid='juliet@localhost'/>"
         "<item affiliation='member' jid='romeo@localhost'/>");
    reads_result(w, SERVICE_ADMIN);
    assert_int_equal(affiliation_of(w, "romeo@localhost"), AFF_MEMBER);
    world_free(w);
}

/* One presence says both; a downgrade resets the role, an upgrade never lowers it. */
/* @covers 0045#affil-change.told 0045#grantadmin.told */
static void role_follows_affiliation(void **state)
{
    struct world *w = company(moderated);
    (void)state;
    sets(w, ROMEO, "<item nick='Paris' role='moderator'/>");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    assert_int_equal(inside(w, "paris")->role, ROLE_MODERATOR);
    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    assert_int_equal(inside(w, "paris")->role, ROLE_VISITOR);
    asks(w, ROMEO, "<item affiliation='admin' jid='paris@localhost'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='admin' "
          "role='moderator'><actor nick='Romeo'/></item></x></presence>");
    reads_nothing(w, JULIET);
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    assert_int_equal(inside(w, "paris")->role, ROLE_PARTICIPANT);
    world_free(w);
}

/* @covers 0045#revokemember.removed 0045#revokemember.once 0045#modifymember.removed */
static void membership_revoked_ends_the_visit(void **state)
{
    struct world *w = world_with(closed);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    asks(w, ROMEO, "<item affiliation='none' jid='juliet@localhost'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='321'/><item affiliation='none' role='none' jid='" JULIET "'>"
          "<actor nick='Romeo' jid='" ROMEO "'/></item></x></presence>");
    reads_result(w, ROMEO);
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='321'/><item affiliation='none' role='none' jid='" JULIET "'>"
          "<actor nick='Romeo'/></item><status code='110'/></x></presence>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* The one who asks may put itself out, and still gets its result last. */
static void owner_may_leave_by_stepping_down(void **state)
{
    struct world *w = world_with(closed);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='owner' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    asks(w, ROMEO,
         "<item affiliation='none' jid='romeo@localhost'/>"
         "<item affiliation='member' jid='paris@localhost'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Romeo' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='321'/><item affiliation='none' role='none' jid='" ROMEO "'>"
          "<actor nick='Romeo'/></item><status code='110'/></x></presence>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    reads(w, JULIET,
          "<presence from='" ROOM "/Romeo' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='321'/><item affiliation='none' role='none' jid='" ROMEO "'>"
          "<actor nick='Romeo' jid='" ROMEO "'/></item></x></presence>");
    reads(w, JULIET,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><item affiliation='member' "
          "jid='paris@localhost'/></x></message>");
    world_free(w);
}

/* Where JIDs are secret, only moderators hear of accounts that are not inside. */
/* @covers 0045#ban.bare */
static void absent_accounts_are_told_of_discreetly(void **state)
{
    const char *message = "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='301'/>"
                          "<item affiliation='outcast' jid='tybalt@localhost'>"
                          "<reason>Too hot</reason></item></x></message>";
    const char *ban = "<item affiliation='outcast' jid='tybalt@localhost/rapier'>"
                      "<reason>Too hot</reason></item>";
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO, ban);
    reads(w, ROMEO, "%s", message);
    reads_result(w, ROMEO);
    reads_nothing(w, JULIET);
    world_free(w);

    w = company(open_jids);
    asks(w, ROMEO, ban);
    reads(w, JULIET, "%s", message);
    world_free(w);
}

/* Who is made a member of a room it could not find, or not enter, is told how; once. */
/* @covers 0045#modifymember.invited */
static void new_member_of_a_closed_room_is_invited(void **state)
{
    static const char *const hidden[] = {"members_only=on", "public=off", NULL};
    static const char *const untold[] = {"members_only=on", "public=off", "invite_members=off",
                                         NULL};
    const char *member = "<item affiliation='member' jid='paris@localhost'><reason>Come</reason>"
                         "</item>";
    struct world *w = world_with(hidden);
    (void)state;
    enters(w, ROMEO, "Romeo");
    asks(w, ROMEO, member);
    reads(w, PARIS,
          "<message from='" ROOM "' id='{scansion:any}'><x xmlns='" NS_USER "'>"
          "<invite from='" ROOM "/Romeo'><reason>Come</reason></invite></x>"
          "<body>" ROOM "/Romeo invited you to the room " ROOM " (Come)</body></message>");
    world_forget(w);
    asks(w, ROMEO, "<item affiliation='admin' jid='paris@localhost'/>");
    reads_told(w, PARIS, "affiliation='admin' jid='paris@localhost'");
    reads_nothing(w, PARIS);
    world_free(w);

    w = world_with(closed); /* anybody can find it and ask */
    enters(w, ROMEO, "Romeo");
    asks(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    reads_told(w, PARIS, "affiliation='member' jid='paris@localhost'");
    reads_nothing(w, PARIS);
    world_free(w);

    w = world_with(untold);
    enters(w, ROMEO, "Romeo");
    asks(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    reads_told(w, PARIS, "affiliation='member' jid='paris@localhost'");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* News of itself for an account that is not there to see it: where it is wanted, where there is
 * any, and never twice. */
/* @covers 0045#impl-service.absent 0045#impl-service.status */
static void absent_account_is_told_of_its_own_standing(void **state)
{
    static const char *const nobody[] = {"tell_absent=none", NULL};
    static const char *const all[] = {"tell_absent=all", NULL};
    const char *ban = "<item affiliation='outcast' jid='paris@localhost'/>";
    const char *member = "<item affiliation='member' jid='paris@localhost'/>";
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    asks(w, ROMEO, "<item affiliation='member' jid='paris@localhost'><reason>Kin</reason></item>");
    reads(w, PARIS,
          "<message from='" ROOM "' scansion:strict='true' id='{scansion:any}' "
          "to='paris@localhost'><x xmlns='" NS_USER "'><status code='101'/>"
          "<item affiliation='member' jid='paris@localhost'><reason>Kin</reason></item></x>"
          "</message>");
    asks(w, ROMEO, member); /* is one already */
    asks(w, ROMEO, ban);
    asks(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    reads_nothing(w, PARIS);
    leaves(w, ROMEO);
    world_free(w);

    w = world_with(nobody);
    enters(w, ROMEO, "Romeo");
    asks(w, ROMEO, member);
    reads_nothing(w, PARIS);
    world_free(w);

    w = company(all);
    asks(w, ROMEO, ban); /* the presence has told him */
    reads(w, PARIS, "<presence type='unavailable' from='" ROOM "/Paris'/>");
    reads_nothing(w, PARIS);
    asks(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    reads_told(w, PARIS, "affiliation='none' jid='paris@localhost'");
    asks(w, ROMEO, "<item affiliation='outcast' jid='verona.example'/>"); /* is nobody */
    assert_null(world_next_elsewhere(w));
    world_free(w);
}

/* For who moves here from a service that says so, and has tools that wait for it. */
static void absent_account_may_have_a_role(void **state)
{
    static const char *const roles[] = {"absent_role=on", NULL};
    struct world *w = world_with(roles);
    (void)state;
    enters(w, ROMEO, "Romeo");
    asks(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><item affiliation='member' role='none' "
          "jid='paris@localhost'/></x></message>");
    world_free(w);
}

static void lifting_no_ban_is_no_news(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO,
         "<item affiliation='none' jid='tybalt@localhost'/>"
         "<item affiliation='none' jid='paris@localhost'/>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    reads_nothing(w, PARIS);
    world_free(w);
}

/* @covers 0045#bizrules-iq.both */
static void requests_that_make_no_sense(void **state)
{
    static const struct {
        const char *items, *type, *condition;
    } rows[] = {
        {"<item affiliation='king' jid='a@localhost'/>", "modify", "bad-request"},
        {"<item affiliation='member'/>", "modify", "bad-request"},
        {"<item affiliation='member' jid='a@localhost'/><item affiliation='none' "
         "jid='a@localhost/x'/>",
         "modify", "bad-request"},
        {"<item affiliation='member' jid='a@localhost' role='visitor'/>", "modify", "bad-request"},
        {"<item affiliation='member' jid='a@'/>", "modify", "jid-malformed"},
        {"<item affiliation='member' nick='Mercutio'/>", "cancel", "item-not-found"},
        {"<item affiliation='member' jid='" ROOM "/Paris'/>", "cancel", "not-acceptable"},
        {"<item affiliation='member' jid='a@localhost' nick=' '/>", "modify", "not-allowed"},
        {"<item affiliation='member' jid='a@localhost' nick=' a'/>", "modify", "jid-malformed"},
        {"<item affiliation='member' jid='a@localhost' nick='N'/><item affiliation='member' "
         "jid='b@localhost' nick='n'/>",
         "cancel", "conflict"},
    };
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        asks(w, ROMEO, rows[i].items);
        reads_error(w, ROMEO, rows[i].type, rows[i].condition);
        assert_int_equal(affiliation_of(w, "a@localhost"), AFF_NONE);
    }
    world_free(w);
}

/* A request that is none is that for whoever may ask at all; others are refused anyway. */
/* @covers 0045#bizrules-iq.both */
static void role_and_affiliation_at_once(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item role='moderator' nick='Juliet'/>");
    asks(w, JULIET, "<item role='none' affiliation='none' nick='Paris'/>");
    reads_error(w, JULIET, "modify", "bad-request");
    asks(w, JULIET, "<item affiliation='member' nick='Paris'/>");
    reads_error(w, JULIET, "auth", "forbidden");
    asks(w, PARIS, "<item role='none' affiliation='none' nick='Juliet'/>");
    reads_error(w, PARIS, "auth", "forbidden");
    world_free(w);
}

/* Neither of who is not inside and has it already, nor to who has done it to itself. */
static void what_is_so_already_is_no_news(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' jid='tybalt@localhost'/>");
    asks(w, ROMEO, "<item affiliation='member' jid='tybalt@localhost'/>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    sets(w, ROMEO, "<item affiliation='owner' jid='juliet@localhost'/>");
    leaves(w, ROMEO);
    asks(w, ROMEO, "<item affiliation='admin' jid='romeo@localhost'/>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    assert_int_equal(affiliation_of(w, "romeo@localhost"), AFF_ADMIN);
    world_free(w);
}

/* Not one of its clients; and shown to those alone who may see addresses. */
static void who_acts_from_outside_is_an_account(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    leaves(w, ROMEO);
    asks(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='" PARIS "'><actor jid='romeo@localhost'/></item></x>"
          "</presence>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='" PARIS "'/><status code='110'/></x></presence>");
    reads_result(w, ROMEO);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_nicknames_have_one_affiliation),
        cmocka_unit_test(rights),
        cmocka_unit_test(owners_never_run_out),
        cmocka_unit_test(service_admins_are_owners_everywhere),
        cmocka_unit_test(role_follows_affiliation),
        cmocka_unit_test(membership_revoked_ends_the_visit),
        cmocka_unit_test(owner_may_leave_by_stepping_down),
        cmocka_unit_test(absent_accounts_are_told_of_discreetly),
        cmocka_unit_test(new_member_of_a_closed_room_is_invited),
        cmocka_unit_test(absent_account_is_told_of_its_own_standing),
        cmocka_unit_test(absent_account_may_have_a_role),
        cmocka_unit_test(lifting_no_ban_is_no_news),
        cmocka_unit_test(requests_that_make_no_sense),
        cmocka_unit_test(role_and_affiliation_at_once),
        cmocka_unit_test(what_is_so_already_is_no_news),
        cmocka_unit_test(who_acts_from_outside_is_an_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
