/* @covers 0077#usecases-register 0077#usecases-cancel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/change.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define SERVICE_ADMIN "admin@localhost/desk"

static const char *const anybody[] = {"allow_register=on", NULL};
static const char *const forced[] = {"allow_register=on", "reserved_nick_only=on", NULL};

static void registers(struct world *w, const char *who, const char *nick)
{
    says(w, who,
         "<iq to='" ROOM "' type='set' id='reg'><query xmlns='jabber:iq:register'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
         "#register</value></field><field var='muc#register_roomnick'><value>%s</value></field>"
         "</x></query></iq>",
         nick);
}

static void sends_query(struct world *w, const char *who, const char *type, const char *inside)
{
    says(w, who,
         "<iq to='" ROOM "' type='%s' id='reg'><query xmlns='jabber:iq:register'>%s</query></iq>",
         type, inside);
}

static void reads_result(struct world *w, const char *who)
{
    reads(w, who, "<iq from='" ROOM "' type='result' id='reg'/>");
}

/* Romeo owns the room, Juliet is a member and inside, Paris is inside. */
static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static const struct affiliate *row_of(struct world *w, const char *account)
{
    return room_affiliate(world_room(w, ROOM), str_z(account));
}

/* @covers 0045#register.refused */
static void who_may_register(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sends_query(w, PARIS, "get", "");
    reads_error(w, PARIS, "auth", "registration-required");
    registers(w, PARIS, "Romeo"); /* before the nickname is looked at */
    reads_error(w, PARIS, "auth", "registration-required");
    sends_query(w, PARIS, "set", "<nonsense/>");
    reads_error(w, PARIS, "auth", "registration-required");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    sends_query(w, PARIS, "get", "");
    reads_error(w, PARIS, "auth", "forbidden");
    registers(w, PARIS, "Paris");
    reads_error(w, PARIS, "auth", "forbidden");
    world_free(w);
}

/* @covers 0045#register.success 0045#register.told */
static void stranger_becomes_a_member_where_anybody_may(void **state)
{
    struct world *w = company(anybody);
    (void)state;
    registers(w, PARIS, "The County");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='" PARIS "'/><status code='110'/></x></presence>");
    reads_result(w, PARIS);
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant'/></x></presence>");
    assert_true(str_eqz(row_of(w, "paris@localhost")->nick, "The County"));
    world_free(w);
}

/* @covers 0045#register.malformed */
static void forms_that_are_none(void **state)
{
    static const char *const insides[] = {
        "",
        "<username>Juliet</username>",
        "<x xmlns='jabber:x:data' type='submit'/>",
        "<x xmlns='jabber:x:data' type='submit'><field var='muc#register_roomnick'>"
        "<value>Juliet</value></field></x>",
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
        "#roomconfig</value></field><field var='muc#register_roomnick'><value>Juliet</value>"
        "</field></x>",
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
        "#register</value></field></x>",
        "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>" NS_X
        "#register</value></field><field var='muc#register_roomnick'><value>Juliet</value>"
        "</field></x>",
        "<remove/><username>Juliet</username>",
    };
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(insides); i++) {
        sends_query(w, JULIET, "set", insides[i]);
        reads_error(w, JULIET, "modify", "bad-request");
    }
    sends_query(w, JULIET, "set", "<x xmlns='jabber:x:data' type='cancel'/>");
    reads_result(w, JULIET);
    reads_nothing(w, ROMEO);
    assert_true(str_empty(row_of(w, "juliet@localhost")->nick));
    world_free(w);
}

/* @covers 0045#register.conflict */
static void nicknames_that_cannot_be_had(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    registers(w, JULIET, "");
    reads_error(w, JULIET, "modify", "bad-request");
    registers(w, JULIET, "\xF0\x9F\xA4\x96"); /* younger than Unicode 3.2 */
    reads_error(w, JULIET, "modify", "bad-request");
    registers(w, JULIET, "PARIS"); /* in use, in another spelling */
    reads_error(w, JULIET, "cancel", "conflict");
    sets(w, ROMEO, "<item affiliation='member' jid='tybalt@localhost' nick='Tybalt'/>");
    registers(w, JULIET, "tybalt");
    reads_error(w, JULIET, "cancel", "conflict");
    reads_nothing(w, PARIS);
    world_free(w);
}

static void change_of_the_registered_nickname(void **state)
{
    struct world *w = company(NULL);
    struct room *room = world_room(w, ROOM);
    (void)state;
    registers(w, JULIET, "Juliet");
    world_forget(w);
    registers(w, JULIET, "Juliet");
    reads_result(w, JULIET);
    reads_nothing(w, JULIET);
    reads_nothing(w, ROMEO);
    registers(w, JULIET, "JULIET"); /* her own in another spelling */
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    reads_result(w, JULIET);
    registers(w, JULIET, "Capulet");
    assert_null(room_nick_owner(room, STR("juliet")));
    assert_non_null(room_nick_owner(room, STR("capulet")));
    world_free(w);
}

/* What an admin noted about a member survives registering, but is not announced with it. */
static void reason_of_the_membership_stays(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO,
         "<item affiliation='member' jid='juliet@localhost'><reason>Fair</reason>"
         "</item>");
    registers(w, JULIET, "Juliet");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='" JULIET "'/><status code='110'/></x></presence>");
    assert_true(str_eqz(row_of(w, "juliet@localhost")->reason, "Fair"));
    world_free(w);
}

/* @covers 0045#register.registered 0045#register.username */
static void from_outside_a_message_tells(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    leaves(w, JULIET);
    registers(w, JULIET, "Juliet");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><item affiliation='member' "
          "jid='juliet@localhost'/></x></message>");
    reads_result(w, JULIET);
    reads_nothing(w, PARIS); /* it says an address */
    sends_query(w, JULIET, "get", "");
    reads(w, JULIET,
          "<iq type='result' id='reg'><query xmlns='jabber:iq:register'>"
          "<registered/><username>Juliet</username></query></iq>");
    world_free(w);
}

static void unregistering(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sends_query(w, JULIET, "set", "<remove/>"); /* a member without a nickname */
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><item affiliation='none' "
          "role='participant' jid='" JULIET "'/><status code='110'/></x></presence>");
    reads_result(w, JULIET);
    assert_null(row_of(w, "juliet@localhost"));
    sends_query(w, ROMEO, "set", "<remove/>"); /* an owner who has none */
    world_forget(w);
    sends_query(w, ROMEO, "set", "<remove/>");
    reads_error(w, ROMEO, "auth", "registration-required");
    registers(w, ROMEO, "Romeo");
    world_forget(w);
    sends_query(w, ROMEO, "set", "<remove/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Romeo'><x xmlns='" NS_USER "'><item affiliation='owner' "
          "role='moderator' jid='" ROMEO "'/><status code='110'/></x></presence>");
    reads_result(w, ROMEO);
    assert_int_equal(row_of(w, "romeo@localhost")->affiliation, AFF_OWNER);
    world_free(w);
}

static void unregistering_where_only_members_may_stay(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    sends_query(w, JULIET, "set", "<remove/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='321'/><item affiliation='none' role='none' jid='" JULIET "'/>"
          "<status code='110'/></x></presence>");
    reads_result(w, JULIET);
    reads_nothing(w, JULIET);
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='321'/><item affiliation='none' role='none' jid='" JULIET "'/></x>"
          "</presence>");
    world_free(w);
}

/* Where reserved nicknames have to be used, who registers another one is renamed at once. */
/* @covers 0045#register.renamed */
static void renamed_to_the_reserved_nickname(void **state)
{
    struct world *w = company(forced);
    (void)state;
    registers(w, PARIS, "County");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='303'/><item affiliation='member' role='participant' jid='" PARIS "' "
          "nick='County'/><status code='110'/></x></presence>");
    reads(w, PARIS,
          "<presence from='" ROOM "/County'><x xmlns='" NS_USER "'><status code='210'/>"
          "<item affiliation='member' role='participant' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>");
    reads_result(w, PARIS);
    reads(w, JULIET, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='303'/><item affiliation='member' role='participant' nick='County'/></x>"
          "</presence>");
    reads(w, JULIET,
          "<presence from='" ROOM "/County'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant'/></x></presence>");
    world_free(w);
}

/* All the account goes by, in every session, is the nickname it has reserved. */
static void all_nicknames_become_the_reserved_one(void **state)
{
    struct world *w = company(forced);
    struct room *room = world_room(w, ROOM);
    (void)state;
    sets(w, ROMEO, "<item affiliation='none' jid='juliet@localhost'/>");
    enters(w, JULIET_2, "Capulet");
    assert_int_equal(room->occupant_count, 4);
    registers(w, JULIET, "capulet");
    /* one changes its spelling, the other joins it */
    reads(w, PARIS, "<presence from='" ROOM "/Juliet'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Capulet'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Capulet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='303'/><item affiliation='member' role='participant' nick='capulet'/>"
          "</x></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/capulet'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    assert_int_equal(room->occupant_count, 3);
    const struct session *first = session_find(room, STR(JULIET));
    const struct session *second = session_find(room, STR(JULIET_2));
    assert_ptr_equal(first->occupant, second->occupant);
    assert_true(str_eqz(occupant_nick(first->occupant), "capulet"));
    const char *came, *left = NULL, *last = NULL;
    while ((came = world_next(w, JULIET)) != NULL) {
        if (strstr(came, "from='" ROOM "/Juliet'") != NULL && strstr(came, "code='303'") != NULL)
            left = came;
        if (strstr(came, "from='" ROOM "/capulet'") != NULL && strstr(came, "code='110'") != NULL)
            last = came;
    }
    assert_non_null(left);
    assert_non_null(strstr(left, "nick='capulet'"));
    assert_non_null(strstr(left, "code='110'"));
    assert_non_null(last);
    assert_non_null(strstr(last, "code='210'"));
    /* who was there before sees who has joined it */
    for (last = NULL; (came = world_next(w, JULIET_2)) != NULL;) {
        if (strstr(came, "from='" ROOM "/capulet'") != NULL && strstr(came, "code='110'") != NULL)
            last = came;
    }
    assert_non_null(last);
    assert_non_null(strstr(last, "jid='" JULIET "'"));
    assert_non_null(strstr(last, "jid='" JULIET_2 "'"));
    world_free(w);
}

/* No nickname has more sessions than it may: those that are too many keep theirs. */
static void renaming_keeps_to_the_limit(void **state)
{
    static const char *const options[] = {"allow_register=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Capulet");
    for (int i = 1; i < ROOM_SESSIONS_PER_NICK; i++) {
        char *who = text_of("juliet@localhost/r%d", i);
        world_client(w, who);
        enters(w, who, "Capulet");
        free(who);
    }
    configures(w, ROMEO, "x-reserved_nick_only", "1");
    registers(w, JULIET, "Capulet");
    assert_true(
        str_eqz(occupant_nick(session_find(world_room(w, ROOM), STR(JULIET))->occupant), "Juliet"));
    assert_true(str_eqz(occupant_nick(session_find(world_room(w, ROOM), STR(JULIET_2))->occupant),
                        "Capulet"));
    world_free(w);
}

/* @covers 0045#register.unsupported 0045#reservednick.unsupported */
static void registration_can_be_switched_off(void **state)
{
    static const char *const options[] = {"registration=off", "allow_register=on", NULL};
    struct world *w = company(options);
    (void)state;
    sends_query(w, JULIET, "get", "");
    reads_error(w, JULIET, "cancel", "service-unavailable");
    registers(w, JULIET, "Juliet");
    reads_error(w, JULIET, "cancel", "service-unavailable");
    sends_query(w, JULIET, "set", "<remove/>");
    reads_error(w, JULIET, "cancel", "service-unavailable");
    assert_true(str_empty(row_of(w, "juliet@localhost")->nick));
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='i'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_null(strstr(world_next(w, PARIS), "jabber:iq:register"));
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='i'><query node='x-roomuser-item' "
         "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    reads_error(w, PARIS, "cancel", "feature-not-implemented");
    world_free(w);
}

static void service_admin_does_not_become_an_owner(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, SERVICE_ADMIN);
    registers(w, SERVICE_ADMIN, "Admin");
    reads_result(w, SERVICE_ADMIN);
    assert_int_equal(row_of(w, "admin@localhost")->affiliation, AFF_MEMBER);
    assert_int_equal(world_room(w, ROOM)->owner_count, 1);
    world_free(w);
}

/* @covers 0045#register.no-room */
static void room_that_is_not_there(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    sends_query(w, PARIS, "get", "");
    reads_error(w, PARIS, "cancel", "item-not-found");
    registers(w, PARIS, "Paris");
    reads_error(w, PARIS, "cancel", "item-not-found");
    world_free(w);
}

/* Voice that a moderator has taken is given back by moderators, not by one's own registration. */
/* @covers 0045#roles.kept */
static void the_muted_stay_muted(void **state)
{
    struct world *w = company(anybody);
    (void)state;
    sets(w, ROMEO, "<item role='visitor' nick='Paris'/>");
    sets(w, ROMEO, "<item role='visitor' nick='Juliet'/>");
    registers(w, PARIS, "Paris");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "' scansion:strict='false'>"
          "<item affiliation='member' role='visitor'/></x></presence>");
    reads_result(w, PARIS);
    sends_query(w, PARIS, "set", "<remove/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "' scansion:strict='false'>"
          "<item affiliation='none' role='visitor'/></x></presence>");
    reads_result(w, PARIS);
    sends_query(w, JULIET, "set", "<remove/>");
    leaves(w, JULIET);
    enters(w, JULIET, "Juliet");
    says(w, JULIET, "<message to='" ROOM "' type='groupchat' id='m'><body>O</body></message>");
    reads_error(w, JULIET, "auth", "forbidden");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>"); /* with voice */
    says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='m'><body>O</body></message>");
    reads(w, PARIS, "<message type='groupchat' id='m'/>");
    world_free(w);
}

/* In a moderated room nobody has taken what newcomers do not have. */
static void registering_gives_voice_where_members_have_it(void **state)
{
    static const char *const moderated[] = {"allow_register=on", "moderated=on", NULL};
    struct world *w = company(moderated);
    (void)state;
    registers(w, PARIS, "Paris");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "' scansion:strict='false'>"
          "<item affiliation='member' role='participant'/></x></presence>");
    world_free(w);
}

/* Where a nickname is for one client, the others keep theirs. */
static void one_client_for_a_nickname(void **state)
{
    static const char *const single[] = {"allow_register=on", "reserved_nick_only=on",
                                         "many_sessions=off", NULL};
    struct world *w = world_with(single);
    struct occupant *one;
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "J1");
    enters(w, JULIET_2, "J2");
    registers(w, JULIET, "Jul");
    one = occupant_by_account(world_room(w, ROOM), STR("juliet@localhost"));
    assert_true(str_eqz(occupant_nick(one), "Jul"));
    assert_int_equal(one->session_count, 1);
    assert_non_null(one->same_account);
    assert_true(str_eqz(occupant_nick(one->same_account), "J2"));
    assert_int_equal(one->same_account->session_count, 1);
    world_free(w);
}

/* Those who register themselves do not fill the list that owners have to keep in order. */
static void only_so_many_register_themselves(void **state)
{
    struct world *w = company(anybody);
    struct room *room = world_room(w, ROOM);
    (void)state;
    struct affiliation_change *added = calloc(ROOM_AFFILIATIONS_UNASKED_MAX, sizeof(*added));
    char(*jids)[32] = calloc(ROOM_AFFILIATIONS_UNASKED_MAX, sizeof(*jids));
    struct change change = {.kind = CHANGE_AFFILIATIONS, .affiliations = added};
    unsigned at = 0;
    for (; room->affiliations.count + at < ROOM_AFFILIATIONS_UNASKED_MAX - 1; at++) {
        snprintf(jids[at], sizeof(jids[at]), "u%u@localhost", at);
        added[at] = (struct affiliation_change){
            .jid = str_z(jids[at]), .before = AFF_NONE, .after = AFF_MEMBER};
    }
    change.affiliation_count = at;
    change_apply(room, &change);
    registers(w, PARIS, "Paris");
    assert_non_null(row_of(w, "paris@localhost"));
    world_client(w, "tybalt@localhost/rapier");
    registers(w, "tybalt@localhost/rapier", "Tybalt");
    reads_error(w, "tybalt@localhost/rapier", "wait", "resource-constraint");
    registers(w, JULIET, "Juliet"); /* is on the list */
    assert_true(str_eqz(row_of(w, "juliet@localhost")->nick, "Juliet"));
    free(added);
    free(jids);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_register),
        cmocka_unit_test(stranger_becomes_a_member_where_anybody_may),
        cmocka_unit_test(forms_that_are_none),
        cmocka_unit_test(nicknames_that_cannot_be_had),
        cmocka_unit_test(change_of_the_registered_nickname),
        cmocka_unit_test(reason_of_the_membership_stays),
        cmocka_unit_test(from_outside_a_message_tells),
        cmocka_unit_test(unregistering),
        cmocka_unit_test(unregistering_where_only_members_may_stay),
        cmocka_unit_test(renamed_to_the_reserved_nickname),
        cmocka_unit_test(all_nicknames_become_the_reserved_one),
        cmocka_unit_test(renaming_keeps_to_the_limit),
        cmocka_unit_test(registration_can_be_switched_off),
        cmocka_unit_test(service_admin_does_not_become_an_owner),
        cmocka_unit_test(room_that_is_not_there),
        cmocka_unit_test(the_muted_stay_muted),
        cmocka_unit_test(registering_gives_voice_where_members_have_it),
        cmocka_unit_test(one_client_for_a_nickname),
        cmocka_unit_test(only_so_many_register_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
