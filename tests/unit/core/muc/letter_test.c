/*
 * Rules of the protocol that concern many features at once, or that other tests pass over: each as
 * the text has it, with everybody in the room looking on.
 */
#include "core/muc/occupant.h"
#include "core/muc/privilege.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ADMIN_NS   "http://jabber.org/protocol/muc#admin"
#define OWNER_NS   "http://jabber.org/protocol/muc#owner"
#define TYBALT     "tybalt@localhost/rapier"
#define BY_ROMEO   "<actor nick='Romeo'/>"
#define BY_ROMEO_X "<actor nick='Romeo' jid='" ROMEO "'/>"

static const char *const moderated[] = {"moderated=on", NULL};

static void asks(struct world *w, const char *items)
{
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'><query xmlns='" ADMIN_NS "'>%s</query></iq>", items);
}

static void reads_result(struct world *w)
{
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='a'/>");
}

/* Romeo owns the room; Juliet, Paris and Tybalt are in it and see no addresses. */
static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    world_client(w, TYBALT);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    enters(w, TYBALT, "Tybalt");
    return w;
}

static void sees(struct world *w, const char *who, const char *nick, const char *affiliation,
                 const char *role)
{
    reads(w, who,
          "<presence from='" ROOM "/%s'><x xmlns='" NS_USER "'>"
          "<item affiliation='%s' role='%s'>" BY_ROMEO "</item></x></presence>",
          nick, affiliation, role);
}

static void sees_with_address(struct world *w, const char *nick, const char *affiliation,
                              const char *role, const char *jid)
{
    reads(w, ROMEO,
          "<presence from='" ROOM "/%s'><x xmlns='" NS_USER "'>"
          "<item affiliation='%s' role='%s' jid='%s'>" BY_ROMEO_X "</item></x></presence>",
          nick, affiliation, role, jid);
}

static void sees_itself(struct world *w, const char *jid, const char *nick, const char *affiliation,
                        const char *role)
{
    reads(w, jid,
          "<presence from='" ROOM "/%s'><x xmlns='" NS_USER "'>"
          "<item affiliation='%s' role='%s' jid='%s'>" BY_ROMEO "</item>"
          "<status code='110'/></x></presence>",
          nick, affiliation, role, jid);
}

static enum affiliation affiliation_of(struct world *w, const char *account)
{
    return room_affiliation_str(world_room(w, ROOM), str_z(account));
}

/* ---- one change of role or affiliation ---- */

/* @covers 0045#grantvoice.result 0045#grantvoice.told 0045#revokevoice.result */
/* @covers 0045#revokevoice.told 0045#grantmod.result 0045#grantmod.told 0045#revokemod.result */
/* @covers 0045#revokemod.told 0045#grantmember.result 0045#grantmember.told */
/* @covers 0045#revokemember.result 0045#revokemember.told 0045#grantadmin.result */
/* @covers 0045#grantadmin.told 0045#revokeadmin.result 0045#revokeadmin.told */
/* @covers 0045#grantowner.result 0045#grantowner.told 0045#revokeowner.result */
/* @covers 0045#revokeowner.told 0045#bizrules-presence.loss */
static void each_change_is_told_and_answered(void **state)
{
    static const struct {
        const char *item, *affiliation, *role;
    } rows[] = {
        {"<item nick='Paris' role='participant'/>", "none", "participant"},
        {"<item nick='Paris' role='visitor'/>", "none", "visitor"},
        {"<item nick='Paris' role='moderator'/>", "none", "moderator"},
        {"<item nick='Paris' role='participant'/>", "none", "participant"},
        {"<item jid='paris@localhost' affiliation='member'/>", "member", "participant"},
        {"<item jid='paris@localhost' affiliation='none'/>", "none", "visitor"},
        {"<item jid='paris@localhost' affiliation='admin'/>", "admin", "moderator"},
        {"<item jid='paris@localhost' affiliation='none'/>", "none", "visitor"},
        {"<item jid='paris@localhost' affiliation='owner'/>", "owner", "moderator"},
        {"<item jid='paris@localhost' affiliation='none'/>", "none", "visitor"},
    };
    struct world *w = company(moderated);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        asks(w, rows[i].item);
        sees_with_address(w, "Paris", rows[i].affiliation, rows[i].role, PARIS);
        reads_result(w);
        sees_itself(w, PARIS, "Paris", rows[i].affiliation, rows[i].role);
        sees(w, JULIET, "Paris", rows[i].affiliation, rows[i].role);
        sees(w, TYBALT, "Paris", rows[i].affiliation, rows[i].role);
        const struct session *paris = session_find(world_room(w, ROOM), STR(PARIS));
        assert_non_null(paris);
        assert_true(str_eqz(role_text(paris->occupant->role), rows[i].role));
        assert_true(
            str_eqz(affiliation_text(affiliation_of(w, "paris@localhost")), rows[i].affiliation));
        world_forget(w);
    }
    world_free(w);
}

/* ---- several at once ---- */

/* Juliet and Paris change; each of them, Tybalt and Romeo hear of both. */
static void both_change(struct world *w, const char *items, const char *const juliet[2],
                        const char *const paris[2])
{
    asks(w, items);
    sees_with_address(w, "Juliet", juliet[0], juliet[1], JULIET);
    sees_with_address(w, "Paris", paris[0], paris[1], PARIS);
    reads_result(w);
    sees(w, TYBALT, "Juliet", juliet[0], juliet[1]);
    sees(w, TYBALT, "Paris", paris[0], paris[1]);
    reads_nothing(w, TYBALT);
    sees_itself(w, JULIET, "Juliet", juliet[0], juliet[1]);
    world_forget(w);
}

/* @covers 0045#modifyvoice.result 0045#modifyvoice.told 0045#modifymod.list */
/* @covers 0045#modifymod.result 0045#modifymod.told */
static void several_changes_in_one_request(void **state)
{
    static const char *const visitor[] = {"none", "visitor"};
    static const char *const participant[] = {"none", "participant"};
    static const char *const moderator[] = {"none", "moderator"};
    struct world *w = company(NULL);
    (void)state;
    both_change(w, "<item nick='Juliet' role='visitor'/><item nick='Paris' role='visitor'/>",
                visitor, visitor);
    both_change(w, "<item nick='Juliet' role='participant'/><item nick='Paris' role='moderator'/>",
                participant, moderator);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='get' id='a'><query xmlns='" ADMIN_NS "'>"
         "<item role='moderator'/></query></iq>");
    reads(w, ROMEO,
          "<iq from='" ROOM "' type='result' id='a'><query xmlns='" ADMIN_NS "'>"
          "<item nick='Romeo' role='moderator' affiliation='owner' jid='" ROMEO "'/>"
          "<item nick='Paris' role='moderator' affiliation='none' jid='" PARIS "'/></query></iq>");
    world_free(w);
}

/* @covers 0045#modifymember.result 0045#modifymember.changed 0045#modifymember.lost */
/* @covers 0045#modifymember.told */
static void several_members_in_one_request(void **state)
{
    static const char *const member[] = {"member", "participant"};
    static const char *const stranger[] = {"none", "participant"};
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    both_change(w,
                "<item affiliation='none' jid='juliet@localhost'/>"
                "<item affiliation='member' jid='paris@localhost'/>",
                stranger, member);
    assert_int_equal(affiliation_of(w, "juliet@localhost"), AFF_NONE);
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_MEMBER);
    world_free(w);
}

/* @covers 0045#modifyowner.result 0045#modifyowner.told 0045#modifyadmin.result */
/* @covers 0045#modifyadmin.told */
static void several_owners_and_admins_in_one_request(void **state)
{
    static const char *const owner[] = {"owner", "moderator"};
    static const char *const admin[] = {"admin", "moderator"};
    static const char *const stranger[] = {"none", "participant"};
    struct world *w = company(NULL);
    (void)state;
    both_change(w,
                "<item affiliation='owner' jid='juliet@localhost'/>"
                "<item affiliation='admin' jid='paris@localhost'/>",
                owner, admin);
    assert_int_equal(affiliation_of(w, "juliet@localhost"), AFF_OWNER);
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_ADMIN);
    asks(w, "<item affiliation='none' jid='juliet@localhost'/>"
            "<item affiliation='none' jid='paris@localhost'/>");
    sees_with_address(w, "Juliet", stranger[0], stranger[1], JULIET);
    sees_with_address(w, "Paris", stranger[0], stranger[1], PARIS);
    reads_result(w);
    sees(w, TYBALT, "Juliet", stranger[0], stranger[1]);
    sees(w, TYBALT, "Paris", stranger[0], stranger[1]);
    world_free(w);
}

static void is_put_out(struct world *w, const char *who, const char *nick, const char *inside)
{
    reads(w, who,
          "<presence from='" ROOM "/%s' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='301'/>%s</x></presence>",
          nick, inside);
}

/* @covers 0045#modifyban.result 0045#modifyban.removed */
static void several_bans_in_one_request(void **state)
{
    static const char *const others = "<item affiliation='outcast' role='none'>" BY_ROMEO "</item>";
    struct world *w = company(NULL);
    (void)state;
    asks(w, "<item affiliation='outcast' jid='juliet@localhost'/>"
            "<item affiliation='outcast' jid='paris@localhost'/>");
    is_put_out(w, JULIET, "Juliet",
               "<item affiliation='outcast' role='none' jid='" JULIET "'>" BY_ROMEO "</item>"
               "<status code='110'/>");
    is_put_out(w, TYBALT, "Juliet", others);
    is_put_out(w, TYBALT, "Paris", others);
    reads_nothing(w, TYBALT);
    is_put_out(w, ROMEO, "Juliet",
               "<item affiliation='outcast' role='none' jid='" JULIET "'>" BY_ROMEO_X "</item>");
    is_put_out(w, ROMEO, "Paris",
               "<item affiliation='outcast' role='none' jid='" PARIS "'>" BY_ROMEO_X "</item>");
    reads_result(w);
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    world_free(w);
}

/* ---- admins and owners by the form ---- */

static void submits(struct world *w, const char *list, const char *values)
{
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'><query xmlns='" OWNER_NS "'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
         "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='muc#roomconfig_%s'>%s</field></x></query></iq>",
         list, values);
}

/* @covers 0045#roomconfig.admin-gained 0045#roomconfig.admin-lost */
/* @covers 0045#roomconfig.owner-gained 0045#roomconfig.owner-lost */
static void staff_by_form_is_told(void **state)
{
    static const struct {
        const char *list, *values, *affiliation, *role;
    } rows[] = {
        {"roomadmins", "<value>juliet@localhost</value>", "admin", "moderator"},
        {"roomadmins", "", "member", "participant"},
        {"roomowners", "<value>romeo@localhost</value><value>juliet@localhost</value>", "owner",
         "moderator"},
        {"roomowners", "<value>romeo@localhost</value>", "admin", "moderator"},
    };
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        submits(w, rows[i].list, rows[i].values);
        reads(w, TYBALT,
              "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
              "<item affiliation='%s' role='%s'/></x></presence>",
              rows[i].affiliation, rows[i].role);
        reads(w, PARIS, "<presence from='" ROOM "/Juliet'/>");
        reads(w, ROMEO, "<presence from='" ROOM "/Juliet'/>");
        reads_result(w);
        reads(w, JULIET,
              "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
              "<item affiliation='%s' role='%s' jid='" JULIET "'/><status code='110'/></x>"
              "</presence>",
              rows[i].affiliation, rows[i].role);
        world_forget(w);
    }
    world_free(w);
}

/* ---- lists ---- */

static void lists(struct world *w, const char *who, const char *affiliation, const char *items)
{
    says(w, who,
         "<iq to='" ROOM "' type='get' id='l'><query xmlns='" ADMIN_NS "'>"
         "<item affiliation='%s'/></query></iq>",
         affiliation);
    reads(w, who, "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'>%s</query></iq>", items);
}

/* @covers 0045#modifymember.open */
static void members_read_the_list_of_an_open_house(void **state)
{
    static const char *const options[] = {"members_only=on", "whois=anyone", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    lists(w, JULIET, "member", "<item affiliation='member' jid='juliet@localhost'/>");
    world_free(w);
}

/* @covers 0045#modifyowner.list 0045#modifyadmin.list 0045#grantowner.bare */
static void owners_read_owners_and_admins(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO,
         "<item affiliation='owner' jid='" JULIET "'/><item affiliation='admin' jid='" PARIS "'/>");
    lists(w, JULIET, "owner",
          "<item affiliation='owner' jid='romeo@localhost'/>"
          "<item affiliation='owner' jid='juliet@localhost'/>");
    lists(w, ROMEO, "admin", "<item affiliation='admin' jid='paris@localhost'/>");
    world_free(w);
}

/* ---- presence ---- */

/* Of all presences that are waiting for that client, none has two elements of the room's, or what
 * a client put into one. */
static unsigned each_has_one_element(struct world *w, const char *who)
{
    static const char *const element = "<x xmlns='" NS_USER "'";
    unsigned presences = 0;
    for (const char *came; (came = world_next(w, who)) != NULL;) {
        if (strncmp(came, "<presence", strlen("<presence")) != 0)
            continue;
        const char *first = strstr(came, element);
        if (first == NULL || strstr(first + 1, element) != NULL || strstr(came, "forged") != NULL)
            fail_msg("%s was sent %s", who, came);
        presences++;
    }
    return presences;
}

/* @covers 0045#enter-pres.one-x 0045#bizrules-presence.forged */
static void one_element_of_ours(void **state)
{
    static const char *const forged =
        "<x xmlns='" NS_USER "'><item affiliation='owner' role='moderator'><reason>forged</reason>"
        "</item><status code='307'/></x><x xmlns='" NS_USER "'><status code='forged'/></x>";
    struct world *w = world_with(NULL);
    (void)state;
    join(w, ROMEO, "Romeo");
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/>%s</presence>", forged);
    says(w, PARIS, "<presence to='" ROOM "/Paris'><show>away</show>%s</presence>", forged);
    says(w, PARIS, "<presence to='" ROOM "/County'>%s</presence>", forged);
    asks(w, "<item nick='County' role='moderator'/>");
    asks(w, "<item jid='paris@localhost' affiliation='admin'/>");
    says(w, PARIS, "<presence to='" ROOM "' type='unavailable'>%s</presence>", forged);
    join(w, PARIS, "Paris");
    asks(w, "<item nick='Paris' role='none'/>");
    assert_in_range(each_has_one_element(w, ROMEO), 8, 20);
    assert_in_range(each_has_one_element(w, PARIS), 8, 20);
    world_free(w);
}

/* @covers 0045#bizrules-presence.no-exit */
static void only_unavailable_presence_leaves(void **state)
{
    static const char *const types[] = {"subscribe",    "subscribed", "unsubscribe",
                                        "unsubscribed", "probe",      "nonsense"};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        says(w, PARIS, "<presence to='" ROOM "/Paris' type='%s'/>", types[i]);
        says(w, PARIS, "<presence to='" ROOM "' type='%s'/>", types[i]);
    }
    reads_nothing(w, ROMEO);
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    world_free(w);
}

/* ---- sessions, nicknames, order ---- */

/* @covers 0045#enter-conflict.all-sessions */
static void each_session_hears_and_speaks(void **state)
{
    static const char *const all[] = {ROMEO, JULIET, JULIET_2};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    for (size_t speaker = 1; speaker < ARRAY_LEN(all); speaker++) {
        says(w, all[speaker],
             "<message to='" ROOM "' type='groupchat' id='m'><body>Ay me</body>"
             "</message>");
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
            reads(w, all[i], "<message from='" ROOM "/Juliet' id='m'><body>Ay me</body></message>");
            reads_nothing(w, all[i]);
        }
    }
    world_free(w);
}

/* @covers 0045#reservednick.another */
static void reserved_nickname_need_not_be_used(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    enters(w, JULIET, "Juliet");
    join(w, JULIET_2, "Capulet");
    reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet'/>");
    const char *came = world_next(w, JULIET_2);
    assert_non_null(came);
    assert_non_null(strstr(came, "from='" ROOM "/Capulet'"));
    assert_null(strstr(came, "'210'"));
    world_free(w);
}

/* @covers 0045#enter-live.after */
static void what_is_live_comes_behind_the_subject(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    join(w, PARIS, "Paris");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='m'><body>Hail</body></message>");
    says(w, ROMEO, "<presence to='" ROOM "/Romeo'><show>away</show></presence>");
    join(w, JULIET, "Juliet");
    say(w, ROMEO, "<presence to='" ROOM "' type='unavailable'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    reads(w, PARIS, "<message type='groupchat'><subject/></message>");
    reads(w, PARIS, "<message from='" ROOM "/Romeo' id='m'><body>Hail</body></message>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'><show>away</show></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Juliet'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo' type='unavailable'/>");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* ---- what is said to whom may ask ---- */

/* @covers 0199#support */
static void a_room_says_that_it_answers_pings(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='i'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    reads(w, PARIS,
          "<iq type='result' id='i'><query xmlns='http://jabber.org/protocol/disco#info' "
          "scansion:strict='false'><feature var='urn:xmpp:ping'/></query></iq>");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_told_and_answered),
        cmocka_unit_test(several_changes_in_one_request),
        cmocka_unit_test(several_members_in_one_request),
        cmocka_unit_test(several_owners_and_admins_in_one_request),
        cmocka_unit_test(several_bans_in_one_request),
        cmocka_unit_test(staff_by_form_is_told),
        cmocka_unit_test(members_read_the_list_of_an_open_house),
        cmocka_unit_test(owners_read_owners_and_admins),
        cmocka_unit_test(one_element_of_ours),
        cmocka_unit_test(only_unavailable_presence_leaves),
        cmocka_unit_test(each_session_hears_and_speaks),
        cmocka_unit_test(reserved_nickname_need_not_be_used),
        cmocka_unit_test(what_is_live_comes_behind_the_subject),
        cmocka_unit_test(a_room_says_that_it_answers_pings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
