/* @covers 0045#getmemberlist */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/change.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ADMIN_NS      "http://jabber.org/protocol/muc#admin"
#define SERVICE_ADMIN "admin@localhost/desk"

static const char *const moderated[] = {"moderated=on", NULL};
static const char *const closed[] = {"members_only=on", NULL};
static const char *const open_jids[] = {"whois=anyone", NULL};

static void asks(struct world *w, const char *who, const char *items)
{
    says(w, who, "<iq to='" ROOM "' type='set' id='a'><query xmlns='" ADMIN_NS "'>%s</query></iq>",
         items);
}

static void lists(struct world *w, const char *who, const char *affiliation)
{
    says(w, who,
         "<iq to='" ROOM "' type='get' id='l'><query xmlns='" ADMIN_NS "'>"
         "<item affiliation='%s'/></query></iq>",
         affiliation);
}

static void reads_result(struct world *w, const char *who)
{
    reads(w, who, "<iq from='" ROOM "' type='result' id='a'/>");
}

/* That its affiliation is another one, from outside. */
static void reads_told(struct world *w, const char *who, const char *item)
{
    reads(w, who,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='101'/><item %s/></x>"
          "</message>",
          item);
}

static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static enum affiliation affiliation_of(struct world *w, const char *account)
{
    return room_affiliation_str(world_room(w, ROOM), str_z(account));
}

static const struct occupant *inside(struct world *w, const char *nick_key)
{
    return occupant_by_nick(world_room(w, ROOM), str_z(nick_key));
}

static void join_is_forbidden(struct world *w)
{
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, PARIS, "auth", "forbidden");
    assert_null(inside(w, "paris"));
}

/*
 * What a deployed service gets wrong: a role remembered from before the ban lets the banned in
 * again. All ways to be remembered, each with and without a kick in between.
 */
/* @covers 0045#enter-banned.refused */
static void nothing_remembered_outweighs_a_ban(void **state)
{
    static const char *const before[] = {
        "<item affiliation='member' jid='paris@localhost'/>",
        "<item nick='Paris' role='participant'/>",
        "<item nick='Paris' role='moderator'/>",
        "<item affiliation='admin' jid='paris@localhost'/>",
    };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(before); i++) {
        struct world *w = company(moderated);
        sets(w, ROMEO, before[i / 2]);
        sets(w, ROMEO, "<item nick='Paris' role='visitor'/>");
        sets(w, ROMEO, "<item nick='Paris' role='participant'/>");
        if (i % 2 == 1)
            sets(w, ROMEO, "<item nick='Paris' role='none'/>");
        sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
        assert_null(inside(w, "paris"));
        join_is_forbidden(w);
        sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
        enters(w, PARIS, "Paris");
        assert_int_equal(inside(w, "paris")->role, ROLE_VISITOR); /* forgotten, too */
        world_free(w);
    }
}

static void ban_comes_before_membership(void **state)
{
    struct world *w = company(closed);
    (void)state;
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, PARIS, "auth", "registration-required");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    join_is_forbidden(w);
    world_free(w);
}

static void domain_can_be_banned(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, "tybalt@capulet.example/blade");
    enters(w, "tybalt@capulet.example/blade", "Tybalt");
    asks(w, ROMEO,
         "<item affiliation='outcast' jid='capulet.example'><reason>Peace</reason>"
         "</item>");
    reads(w, "tybalt@capulet.example/blade",
          "<presence type='unavailable' from='" ROOM "/Tybalt'><x xmlns='" NS_USER "'>"
          "<status code='301'/><item affiliation='outcast' role='none' "
          "jid='tybalt@capulet.example/blade'><actor nick='Romeo'/><reason>Peace</reason></item>"
          "<status code='110'/></x></presence>");
    says(w, "tybalt@capulet.example/blade",
         "<presence to='" ROOM "/Tybalt'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, "tybalt@capulet.example/blade", "auth", "forbidden");
    world_forget(w);
    asks(w, ROMEO, "<item affiliation='member' jid='capulet.example'/>");
    reads_error(w, ROMEO, "cancel", "not-acceptable");
    asks(w, ROMEO, "<item affiliation='none' jid='capulet.example/service'/>");
    reads_error(w, ROMEO, "cancel", "not-acceptable");
    asks(w, ROMEO, "<item affiliation='outcast' jid='localhost'/>"); /* his own */
    reads_error(w, ROMEO, "cancel", "conflict");
    sets(w, ROMEO, "<item affiliation='none' jid='capulet.example'/>");
    enters(w, "tybalt@capulet.example/blade", "Tybalt");
    assert_non_null(inside(w, "tybalt"));
    world_free(w);
}

/* One service of a domain is not the whole domain; nor may it stand for it by mistake. */
static void resource_of_a_domain_is_nobody(void **state)
{
    static const char *const affiliations[] = {"outcast", "none", "member", "owner"};
    struct world *w = company(NULL);
    (void)state;
    world_client(w, "tybalt@capulet.example/blade");
    enters(w, "tybalt@capulet.example/blade", "Tybalt");
    for (size_t i = 0; i < ARRAY_LEN(affiliations); i++) {
        char *item = text_of("<item affiliation='outcast' jid='paris@localhost'/>"
                             "<item affiliation='%s' jid='capulet.example/bot'/>",
                             affiliations[i]);
        asks(w, ROMEO, item);
        reads_error(w, ROMEO, "cancel", "not-acceptable");
        free(item);
    }
    assert_non_null(inside(w, "tybalt"));
    reads_nothing(w, "tybalt@capulet.example/blade");
    assert_null(room_affiliate(world_room(w, ROOM), STR("capulet.example")));
    assert_null(room_affiliate(world_room(w, ROOM), STR("paris@localhost")));
    world_free(w);
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

/* Only who was a member loses anything by becoming nobody. */
static void lifting_a_ban_ends_no_membership(void **state)
{
    struct world *w = world_with(closed);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    asks(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><item affiliation='none' "
          "jid='paris@localhost'/></x></message>");
    reads_result(w, ROMEO);
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    asks(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='321'/>"
          "<item affiliation='none' jid='paris@localhost'/></x></message>");
    world_free(w);
}

/* A gateway that is inside under its bare domain is an account as well as a domain. */
static void account_that_is_a_domain(void **state)
{
    static const char *const anybody[] = {"allow_register=on", NULL};
    struct world *w = company(anybody);
    (void)state;
    world_client(w, "gateway.example/x");
    enters(w, "gateway.example/x", "Gateway");
    says(w, "gateway.example/x",
         "<iq to='" ROOM "' type='set' id='reg'><query xmlns='jabber:iq:register'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
         "#register</value></field><field var='muc#register_roomnick'><value>Gateway</value>"
         "</field></x></query></iq>");
    reads(w, "gateway.example/x",
          "<presence from='" ROOM "/Gateway'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='gateway.example/x'/><status code='110'/></x></presence>");
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    assert_non_null(inside(w, "gateway"));
    asks(w, ROMEO, "<item affiliation='none' jid='gateway.example'/>");
    reads(w, "gateway.example/x",
          "<presence type='unavailable' from='" ROOM "/Gateway'><x xmlns='" NS_USER "'>"
          "<status code='321'/><item affiliation='none' role='none' jid='gateway.example/x'>"
          "<actor nick='Romeo'/></item><status code='110'/></x></presence>");
    assert_null(inside(w, "gateway"));
    world_free(w);
}

/* The one who invites loses its own nickname to the invited, and is out before it is answered. */
static void inviter_may_make_way_for_the_invited(void **state)
{
    static const char *const hidden[] = {"members_only=on", "public=off", NULL};
    struct world *w = world_with(hidden);
    (void)state;
    enters(w, ROMEO, "Romeo");
    asks(w, ROMEO, "<item affiliation='member' jid='paris@localhost' nick='Romeo'/>");
    reads(w, PARIS,
          "<message><x xmlns='" NS_USER "'><invite from='" ROOM "/Romeo'><reason/>"
          "</invite></x></message>");
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Romeo'/>");
    reads_result(w, ROMEO);
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

/* By nickname, as some old clients do: the account behind it is meant, and nothing is reserved. */
static void account_behind_a_nickname(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' nick='Paris'/>");
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_MEMBER);
    assert_null(room_nick_owner(world_room(w, ROOM), STR("paris")));
    world_free(w);
}

/* @covers 0045#affil-priv.member-list 0045#affil-priv.list-jids 0045#modifymember.list */
/* @covers 0045#modifyowner.readers 0045#modifyadmin.readers 0045#bizrules-iq.affiliations */
/* @covers 0045#bizrules-iq.nick */
static void lists_and_their_readers(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO,
         "<item affiliation='member' jid='juliet@localhost' nick='Juliet'>"
         "<reason>Fair</reason></item>");
    sets(w, ROMEO, "<item affiliation='admin' jid='paris@localhost'/>");
    lists(w, PARIS, "member");
    reads(w, PARIS,
          "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'><item affiliation='member' "
          "jid='juliet@localhost' nick='Juliet'><reason>Fair</reason></item></query></iq>");
    lists(w, PARIS, "outcast");
    reads(w, PARIS, "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'/></iq>");
    lists(w, PARIS, "admin");
    reads(w, PARIS,
          "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'><item affiliation='admin' "
          "jid='paris@localhost'/></query></iq>");
    lists(w, PARIS, "owner");
    reads_error(w, PARIS, "auth", "forbidden");
    world_forget(w);
    lists(w, JULIET, "member");
    reads_error(w, JULIET, "auth", "forbidden");
    lists(w, ROMEO, "none");
    reads_error(w, ROMEO, "modify", "bad-request");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='get' id='l'><query xmlns='" ADMIN_NS "'><item role='visitor' "
         "affiliation='member'/></query></iq>");
    reads_error(w, ROMEO, "modify", "bad-request");
    world_free(w);
}

/* Where JIDs are public, members read all lists, inside or not; strangers read none. */
/* @covers 0045#modifymember.absent */
static void members_read_lists_where_jids_are_public(void **state)
{
    struct world *w = company(open_jids);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    leaves(w, JULIET);
    lists(w, JULIET, "owner");
    reads(w, JULIET,
          "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'><item affiliation='owner' "
          "jid='romeo@localhost'/></query></iq>");
    lists(w, PARIS, "owner");
    reads_error(w, PARIS, "auth", "forbidden");
    world_free(w);
}

/* ---- nicknames reserved on behalf of others ---- */

static void nickname_is_handed_over(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Paris'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none' jid='" PARIS "'>"
          "<reason>This nickname is reserved</reason></item></x></presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='" JULIET "'><actor nick='Romeo' jid='" ROMEO "'/></item></x>"
          "</presence>");
    reads_result(w, ROMEO);
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris' type='unavailable'/>");
    reads_error(w, PARIS, "cancel", "conflict");
    world_free(w);
}

/* @covers 0045#ban.nick 0045#bizrules-iq.nick */
static void reservation_ends_with_what_it_stood_for(void **state)
{
    struct world *w = company(NULL);
    struct room *room = world_room(w, ROOM);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    assert_non_null(room_nick_owner(room, STR("juliet")));
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>"); /* says nothing of it */
    assert_non_null(room_nick_owner(room, STR("juliet")));
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost' nick=''/>");
    assert_null(room_nick_owner(room, STR("juliet")));
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    sets(w, ROMEO, "<item affiliation='outcast' jid='juliet@localhost' nick='Juliet'/>");
    assert_null(room_nick_owner(room, STR("juliet")));
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    sets(w, ROMEO, "<item affiliation='none' jid='juliet@localhost'/>");
    assert_null(room_nick_owner(room, STR("juliet")));
    world_free(w);
}

static void actor_may_lose_its_own_nickname(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Romeo'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Romeo' type='unavailable'/>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    assert_null(inside(w, "romeo"));
    world_free(w);
}

/* Reserving it for another would put out somebody the actor could not kick. */
/* @covers 0045#modifyban.atomic */
static void nickname_of_a_higher_rank_is_safe(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    asks(w, JULIET,
         "<item affiliation='member' jid='tybalt@localhost'/>"
         "<item affiliation='member' jid='paris@localhost' nick='Romeo'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    assert_non_null(inside(w, "romeo"));
    assert_int_equal(affiliation_of(w, "tybalt@localhost"), AFF_NONE);
    sets(w, JULIET, "<item affiliation='member' jid='tybalt@localhost' nick='Paris'/>");
    assert_null(inside(w, "paris")); /* he has no rank */
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost' nick='Juliet'/>");
    assert_null(inside(w, "juliet"));
    world_free(w);
}

/* What counts is how things stand when all items have taken effect. */
static void nicknames_change_hands_in_one_request(void **state)
{
    struct world *w = company(NULL);
    struct room *room = world_room(w, ROOM);
    (void)state;
    sets(w, ROMEO,
         "<item affiliation='member' jid='a@localhost' nick='One'/>"
         "<item affiliation='member' jid='b@localhost' nick='Two'/>");
    asks(w, ROMEO, "<item affiliation='member' jid='a@localhost' nick='Two'/>");
    reads_error(w, ROMEO, "cancel", "conflict");
    asks(w, ROMEO,
         "<item affiliation='member' jid='a@localhost' nick='Two'/>"
         "<item affiliation='member' jid='b@localhost'/>"); /* says nothing of its nickname */
    reads_error(w, ROMEO, "cancel", "conflict");
    sets(w, ROMEO,
         "<item affiliation='member' jid='a@localhost' nick='Two'/>"
         "<item affiliation='member' jid='b@localhost' nick='One'/>");
    assert_true(str_eqz(room_nick_owner(room, STR("two"))->jid, "a@localhost"));
    assert_true(str_eqz(room_nick_owner(room, STR("one"))->jid, "b@localhost"));
    sets(w, ROMEO,
         "<item affiliation='member' jid='c@localhost' nick='Two'/>"
         "<item affiliation='outcast' jid='a@localhost'/>");
    assert_true(str_eqz(room_nick_owner(room, STR("two"))->jid, "c@localhost"));
    world_free(w);
}

/* As on a real stentord, all accounts are real ones only for the room: it knows none of them. */
static void room_has_a_largest_number_of_affiliations(void **state)
{
    struct world *w = company(NULL);
    struct room *room = world_room(w, ROOM);
    uint32_t at = 0;
    (void)state;
    struct affiliation_change *added = calloc(ROOM_AFFILIATIONS_MAX, sizeof(*added));
    char(*jids)[32] = calloc(ROOM_AFFILIATIONS_MAX, sizeof(*jids));
    struct change change = {.kind = CHANGE_AFFILIATIONS, .affiliations = added};
    while (room->affiliations.count + at < ROOM_AFFILIATIONS_MAX - 1) {
        snprintf(jids[at], sizeof(jids[at]), "u%u@localhost", (unsigned)at);
        added[at] = (struct affiliation_change){
            .jid = str_z(jids[at]), .before = AFF_NONE, .after = AFF_MEMBER};
        at++;
    }
    change.affiliation_count = at;
    change_apply(room, &change);
    asks(w, ROMEO,
         "<item affiliation='member' jid='a@localhost'/>"
         "<item affiliation='member' jid='b@localhost'/>");
    reads_error(w, ROMEO, "wait", "resource-constraint");
    asks(w, ROMEO, "<item affiliation='member' jid='a@localhost'/>");
    assert_int_equal(affiliation_of(w, "a@localhost"), AFF_MEMBER);
    world_forget(w);
    lists(w, ROMEO, "member"); /* no answer is that long */
    reads_error(w, ROMEO, "wait", "resource-constraint");
    free(added);
    free(jids);
    world_free(w);
}

/* All of it at once: each is told of itself, who stays of each. */
static void domain_is_banned_at_once(void **state)
{
    static const char *const guests[] = {"a@capulet.example/1", "b@capulet.example/1",
                                         "b@capulet.example/2"};
    static const char *const nicks[] = {"A", "B", "C"};
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
        world_client(w, guests[i]);
        enters(w, guests[i], nicks[i]);
    }
    asks(w, ROMEO, "<item affiliation='outcast' jid='capulet.example'/>");
    for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
        reads(w, guests[i], "<presence type='unavailable' from='" ROOM "/%s'/>", nicks[i]);
        reads_nothing(w, guests[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        reads(w, JULIET,
              "<presence type='unavailable' from='" ROOM "/%s'><x xmlns='" NS_USER "'>"
              "<status code='301'/><item affiliation='outcast' role='none'><actor nick='Romeo'/>"
              "</item></x></presence>",
              nicks[i]);
    reads_nothing(w, JULIET);
    world_free(w);
}

/* Of one query: who is banned uses a nickname that is reserved for another. It is told of the ban.
 */
static void nickname_of_who_is_banned(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO,
         "<item affiliation='member' jid='nurse@localhost' nick='Juliet'/>"
         "<item affiliation='outcast' jid='juliet@localhost'><reason>Peace</reason></item>");
    reads(w, JULIET,
          "<presence type='unavailable' from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<status code='301'/><item affiliation='outcast' role='none' jid='" JULIET "'>"
          "<actor nick='Romeo'/><reason>Peace</reason></item><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, JULIET);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_remembered_outweighs_a_ban),
        cmocka_unit_test(ban_comes_before_membership),
        cmocka_unit_test(domain_can_be_banned),
        cmocka_unit_test(resource_of_a_domain_is_nobody),
        cmocka_unit_test(two_nicknames_have_one_affiliation),
        cmocka_unit_test(domain_is_banned_at_once),
        cmocka_unit_test(nickname_of_who_is_banned),
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
        cmocka_unit_test(lifting_a_ban_ends_no_membership),
        cmocka_unit_test(account_that_is_a_domain),
        cmocka_unit_test(inviter_may_make_way_for_the_invited),
        cmocka_unit_test(lifting_no_ban_is_no_news),
        cmocka_unit_test(requests_that_make_no_sense),
        cmocka_unit_test(account_behind_a_nickname),
        cmocka_unit_test(lists_and_their_readers),
        cmocka_unit_test(members_read_lists_where_jids_are_public),
        cmocka_unit_test(nickname_is_handed_over),
        cmocka_unit_test(reservation_ends_with_what_it_stood_for),
        cmocka_unit_test(actor_may_lose_its_own_nickname),
        cmocka_unit_test(nickname_of_a_higher_rank_is_safe),
        cmocka_unit_test(nicknames_change_hands_in_one_request),
        cmocka_unit_test(room_has_a_largest_number_of_affiliations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
