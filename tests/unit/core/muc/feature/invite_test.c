/* @covers 0249#howitworks */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/change.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define TYBALT "tybalt@localhost/rapier"

static const char *const closed[] = {"members_only=on", NULL};
static const char *const closed_to_members[] = {"members_only=on", "allow_invites=off", NULL};
static const char *const moderated[] = {"moderated=on", NULL};
static const char *const open_jids[] = {"whois=anyone", NULL};

static void sends(struct world *w, const char *who, const char *inside)
{
    says(w, who, "<message to='" ROOM "' id='i'><x xmlns='" NS_USER "'>%s</x></message>", inside);
}

static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    world_client(w, TYBALT);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    return w;
}

static void reads_decline(struct world *w, const char *who, const char *from, const char *reason)
{
    reads(w, who,
          "<message from='" ROOM "' id='i'><x xmlns='" NS_USER "'><decline from='%s'>%s</decline>"
          "</x></message>",
          from, reason);
}

/* Everything in it, and nothing of the inviter's address. */
/* @covers 0045#invite-mediated.from 0045#invite-mediated.password 0045#modifymember.open-room */
static void invitation_in_full(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    configures(w, ROMEO, "muc#roomconfig_roomsecret", "balcony");
    sends(w, JULIET,
          "<invite to='tybalt@localhost'><reason>Come</reason><continue thread='t1'/>"
          "</invite>");
    reads(w, TYBALT,
          "<message from='" ROOM "' id='i' scansion:strict='true' to='tybalt@localhost'>"
          "<x xmlns='" NS_USER "'><invite from='" ROOM "/Juliet'><reason>Come</reason>"
          "<continue thread='t1'/></invite><password>balcony</password></x>"
          "<body>" ROOM "/Juliet invited you to the room " ROOM " (Come)</body>"
          "<x xmlns='jabber:x:conference' jid='" ROOM "'>Come</x></message>");
    reads_nothing(w, JULIET);
    assert_int_equal(room_affiliation_str(world_room(w, ROOM), STR("tybalt@localhost")), AFF_NONE);
    world_free(w);
}

/* What people write is in a language, and the room says so. */
/* @covers 0045#i18n.lang */
static void the_language_goes_along(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    says(w, JULIET,
         "<message to='" ROOM "' id='i' xml:lang='it'><x xmlns='" NS_USER "'>"
         "<invite to='tybalt@localhost'><reason>Vieni</reason></invite></x></message>");
    const char *came = world_next(w, TYBALT);
    assert_non_null(came);
    assert_non_null(strstr(came, " xml:lang='it'>"));
    says(w, TYBALT,
         "<message to='" ROOM "' id='i' xml:lang='it-VR'><x xmlns='" NS_USER "'>"
         "<decline to='" ROOM "/Juliet'><reason>Mai</reason></decline></x></message>");
    came = world_next(w, JULIET);
    assert_non_null(came);
    assert_non_null(strstr(came, "<decline"));
    assert_non_null(strstr(came, " xml:lang='it-VR'>"));
    world_free(w);
}

/* An invitation is what counts: nobody invites and declines at once. */
static void an_invitation_and_a_decline_in_one(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sends(w, ROMEO, "<invite to='tybalt@localhost'/>");
    assert_non_null(world_next(w, TYBALT));
    sends(w, JULIET, "<decline to='" ROOM "/Romeo'/><invite to='tybalt@localhost'/>");
    reads(w, TYBALT,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><invite from='" ROOM "/Juliet'>"
          "<reason/></invite></x></message>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* @covers 0045#invite-mediated.from */
static void inviter_is_named_where_addresses_are_no_secret(void **state)
{
    struct world *w = company(open_jids);
    (void)state;
    sends(w, JULIET, "<invite to='tybalt@localhost'/>");
    reads(w, TYBALT,
          "<message><x xmlns='" NS_USER "'><invite from='" JULIET "'><reason/></invite>"
          "</x></message>");
    world_free(w);

    w = company(NULL); /* an admin would see it inside, too */
    sets(w, ROMEO, "<item affiliation='admin' jid='tybalt@localhost'/>");
    sends(w, JULIET, "<invite to='tybalt@localhost'/>");
    reads(w, TYBALT,
          "<message><x xmlns='" NS_USER "'><invite from='" JULIET "'><reason/></invite>"
          "</x></message>");
    world_free(w);
}

static void who_may_invite(void **state)
{
    struct world *w = company(moderated);
    (void)state;
    sends(w, JULIET, "<invite to='tybalt@localhost'/>"); /* a visitor */
    reads_error(w, JULIET, "auth", "forbidden");
    sends(w, PARIS, "<invite to='tybalt@localhost'/>"); /* a stranger */
    reads_error(w, PARIS, "cancel", "not-acceptable");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost' nick='County'/>");
    sends(w, PARIS, "<invite to='tybalt@localhost'/>"); /* a member who is not inside */
    reads(w, TYBALT,
          "<message><x xmlns='" NS_USER "'><invite from='" ROOM "/County'><reason/>"
          "</invite></x></message>");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost' nick=''/>");
    sends(w, PARIS, "<invite to='tybalt@localhost'/>");
    reads(w, TYBALT,
          "<message><x xmlns='" NS_USER "'><invite from='" ROOM "'><reason/></invite>"
          "</x></message>");
    world_free(w);
}

/* @covers 0045#invite-mediated.restricted 0045#modifymember.by-invitation */
/* @covers 0045#modifymember.forbidden */
static void members_only_room_invites_members(void **state)
{
    struct world *w = world_with(closed);
    (void)state;
    world_client(w, TYBALT);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    sends(w, JULIET,
          "<invite to='" TYBALT "'/><invite to='tybalt@localhost/other'/>"
          "<invite to='" TYBALT "'/><invite to='romeo@localhost'/>");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><item affiliation='member' "
          "jid='tybalt@localhost'><reason>Invited by Juliet</reason></item></x></message>");
    reads(w, ROMEO, "<message from='" ROOM "' id='i' to='romeo@localhost'/>");
    reads_nothing(w, ROMEO);
    reads(w, TYBALT, "<message from='" ROOM "' id='i'/>");
    reads_nothing(w, TYBALT);
    assert_int_equal(room_affiliation_str(world_room(w, ROOM), STR("tybalt@localhost")),
                     AFF_MEMBER);
    world_free(w);

    w = world_with(closed_to_members);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    sends(w, JULIET, "<invite to='tybalt@localhost'/>");
    reads_error(w, JULIET, "auth", "forbidden");
    assert_int_equal(room_affiliation_str(world_room(w, ROOM), STR("tybalt@localhost")), AFF_NONE);
    world_free(w);
}

/* All are looked at before any is sent. */
static void one_refusal_undoes_them_all(void **state)
{
    static const struct {
        const char *invite, *type, *condition;
    } rows[] = {
        {"<invite/>", "modify", "bad-request"},
        {"<invite to=''/>", "modify", "jid-malformed"},
        {"<invite to='localhost'/>", "modify", "jid-malformed"},
        {"<invite to='" ROOM "/Juliet'/>", "cancel", "not-acceptable"},
        {"<invite to='paris@localhost'/>", "auth", "forbidden"}, /* banned, and stays so */
    };
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *inside = text_of("<invite to='tybalt@localhost'/>%s", rows[i].invite);
        sends(w, ROMEO, inside);
        reads_error(w, ROMEO, rows[i].type, rows[i].condition);
        reads_nothing(w, TYBALT);
        free(inside);
    }
    sends(w, ROMEO, "");
    reads_error(w, ROMEO, "modify", "bad-request");
    sends(w, ROMEO, "<dance to='tybalt@localhost'/>");
    reads_error(w, ROMEO, "modify", "bad-request");
    world_free(w);
}

static void as_many_as_allowed(void **state)
{
    struct world *w = company(NULL);
    struct buf inside;
    (void)state;
    buf_init(&inside, NULL);
    for (int i = 0; i < INVITES_PER_MESSAGE; i++)
        buf_addf(&inside, "<invite to='guest%d@localhost'/>", i);
    sends(w, ROMEO, buf_str(&inside).at);
    reads_nothing(w, ROMEO);
    for (int i = 0; i < INVITES_PER_MESSAGE; i++)
        assert_non_null(world_next_elsewhere(w));
    assert_null(world_next_elsewhere(w));
    buf_addz(&inside, "<invite to='tybalt@localhost'/>");
    sends(w, ROMEO, buf_str(&inside).at);
    reads_error(w, ROMEO, "modify", "bad-request");
    assert_null(world_next_elsewhere(w));
    buf_free(&inside);
    world_free(w);
}

/* ---- declining ---- */

static void only_the_invited_decline(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sends(w, TYBALT, "<decline to='romeo@localhost'/>"); /* a room is no relay */
    reads_error(w, TYBALT, "cancel", "item-not-found");
    sends(w, ROMEO, "<invite to='tybalt@localhost'/>");
    world_forget(w);
    sends(w, TYBALT, "<decline to='juliet@localhost'/>"); /* who has not invited */
    reads_error(w, TYBALT, "cancel", "item-not-found");
    sends(w, TYBALT, "<decline to='romeo@localhost'><reason>No</reason></decline>");
    reads_decline(w, ROMEO, "tybalt@localhost", "<reason>No</reason>");
    sends(w, TYBALT, "<decline to='romeo@localhost'/>"); /* once is enough */
    reads_error(w, TYBALT, "cancel", "item-not-found");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* Who may decline, and that it has, outlives the process as the room does. */
static void what_is_remembered_of_invitations(void **state)
{
    static const char *const persistent[] = {"persistent=on", NULL};
    struct world *w = kept_world_with(persistent);
    (void)state;
    world_client(w, TYBALT);
    sends(w, JULIET, "<invite to='tybalt@localhost'/>");
    hush(w);
    world_restart(w, WORLD_CRASH);
    sends(w, TYBALT, "<decline to='juliet@localhost'/>");
    reads_decline(w, JULIET, "tybalt@localhost", "<reason/>");
    world_restart(w, WORLD_CRASH);
    assert_null(room_invited(world_room(w, ROOM), STR("tybalt@localhost")));
    sends(w, TYBALT, "<decline to='juliet@localhost'/>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* So do requests for voice that nobody could answer. */
static void what_is_remembered_of_requests_for_voice(void **state)
{
    static const char *const quiet[] = {"persistent=on", "moderated=on", NULL};
    struct world *w = kept_world_with(quiet);
    (void)state;
    leaves(w, ROMEO);
    says(w, JULIET,
         "<message to='" ROOM "'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
         "<value>http://jabber.org/protocol/muc#request</value></field>"
         "<field var='muc#role'><value>participant</value></field></x></message>");
    hush(w);
    world_restart(w, WORLD_CRASH);
    assert_int_equal(world_room(w, ROOM)->voice_pending.count, 1);
    enters(w, ROMEO, "Romeo"); /* who is given it */
    world_restart(w, WORLD_CRASH);
    assert_int_equal(world_room(w, ROOM)->voice_pending.count, 0);
    world_free(w);
}

static void decline_by_what_the_invitation_named(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sends(w, ROMEO, "<invite to='tybalt@localhost'/>");
    sends(w, TYBALT, "<decline to='" ROOM "/Romeo'/>");
    reads_decline(w, ROMEO, "tybalt@localhost", "<reason/>");
    /* gone under that nickname meanwhile */
    sends(w, ROMEO, "<invite to='tybalt@localhost'/>");
    says(w, ROMEO, "<presence to='" ROOM "/Montague'/>");
    world_forget(w);
    sends(w, TYBALT, "<decline to='" ROOM "/Romeo'/>");
    reads_decline(w, ROMEO, "tybalt@localhost", "<reason/>");
    /* gone altogether */
    sends(w, ROMEO, "<invite to='tybalt@localhost'/>");
    leaves(w, ROMEO);
    sends(w, TYBALT, "<decline/>");
    reads_decline(w, ROMEO, "tybalt@localhost", "<reason/>");
    world_free(w);
}

static void decline_to_somebody_inside(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sends(w, JULIET, "<decline to='" ROOM "/Romeo'/>"); /* without an invitation, by nickname */
    reads_decline(w, ROMEO, ROOM "/Juliet", "<reason/>");
    sends(w, JULIET, "<decline to='" ROOM "/Mercutio'/>");
    reads_error(w, JULIET, "cancel", "item-not-found");
    sends(w, JULIET, "<decline to='@'/>");
    reads_error(w, JULIET, "modify", "jid-malformed");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    sends(w, PARIS, "<decline to='" ROOM "/Romeo'/>");
    reads_error(w, PARIS, "auth", "forbidden");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* The inviter knows the address it invited; whoever else is told of it does not. */
static void declining_to_another_than_the_inviter(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    enters(w, PARIS, "Paris");
    sends(w, ROMEO, "<invite to='juliet@localhost'/>");
    world_forget(w);
    sends(w, JULIET, "<decline to='" ROOM "/Paris'/>");
    reads_decline(w, PARIS, ROOM "/Juliet", "<reason/>");
    world_free(w);
}

static void invitations_remembered_at_most(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sends(w, ROMEO, "<invite to='tybalt@localhost'/>");
    for (int i = 0; i < ROOM_INVITED_MAX; i++) {
        char *inside = text_of("<invite to='guest%d@localhost'/>", i);
        sends(w, ROMEO, inside);
        free(inside);
    }
    assert_int_equal(world_room(w, ROOM)->invited.count, ROOM_INVITED_MAX);
    sends(w, TYBALT, "<decline to='" ROOM "/Nobody'/>"); /* his was the oldest */
    reads(w, TYBALT, "<message from='" ROOM "' id='i'/>");
    reads_error(w, TYBALT, "cancel", "item-not-found");
    world_free(w);
}

/* ---- what comes back ---- */

/* @covers 0045#invite-mediated.unreachable */
static void error_is_told_to_the_inviter(void **state)
{
    const char *error = "<message to='" ROOM "' id='i' type='error'><error type='cancel'>"
                        "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                        "</error></message>";
    struct world *w = company(NULL);
    (void)state;
    sends(w, ROMEO, "<invite to='nobody@localhost'/>");
    assert_true(world_stanza_from(w, "nobody@localhost", error));
    reads(w, ROMEO,
          "<message from='" ROOM "' id='i' type='error'><x xmlns='" NS_USER "'>"
          "<invite to='nobody@localhost'/></x><error type='cancel'>"
          "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
    assert_int_equal(world_room(w, ROOM)->occupant_count, 2);     /* nobody is put out for it */
    assert_true(world_stanza_from(w, "nobody@localhost", error)); /* nor told of it twice */
    reads_nothing(w, ROMEO);
    assert_true(world_stanza_from(w, "somebody@localhost", error)); /* was never invited */
    reads_nothing(w, ROMEO);
    sends(w, ROMEO, "<invite to='nobody@localhost'/>");
    leaves(w, ROMEO);
    assert_true(world_stanza_from(w, "nobody@localhost", error));
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* ---- who has no business here ---- */

/* Nobody is reached, and nobody is told who is inside, by whoever was never asked to come. */
static void strangers_have_nothing_to_decline(void **state)
{
    static const char *const open_faces[] = {"members_only=on", "public=off", "allow_pm=none",
                                             "whois=anyone", NULL};
    static const char *const to[] = {"romeo@localhost", ROOM "/Romeo", "nobody@localhost",
                                     ROOM "/Nobody"};
    struct world *w = world_with(open_faces);
    (void)state;
    world_client(w, TYBALT);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    for (size_t i = 0; i < ARRAY_LEN(to); i++) {
        char *inside = text_of("<decline to='%s'><reason>pills</reason></decline>", to[i]);
        sends(w, TYBALT, inside);
        reads_error(w, TYBALT, "cancel", "item-not-found");
        free(inside);
    }
    reads_nothing(w, ROMEO);
    sends(w, ROMEO, "<invite to='tybalt@localhost'/>");
    world_forget(w);
    sends(w, TYBALT, "<decline to='juliet@localhost'/>"); /* who is inside, and has not asked him */
    reads_error(w, TYBALT, "cancel", "item-not-found");
    reads_nothing(w, JULIET);
    sends(w, TYBALT, "<decline to='romeo@localhost'/>");
    reads_decline(w, ROMEO, "tybalt@localhost", "<reason/>");
    world_free(w);
}

/* Members do not fill the list that owners have to keep in order. */
static void members_invite_only_so_many(void **state)
{
    struct world *w = company(closed);
    struct room *room = world_room(w, ROOM);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
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
    enters(w, JULIET, "Juliet");
    sends(w, JULIET, "<invite to='a@localhost'/><invite to='b@localhost'/>");
    reads_error(w, JULIET, "wait", "resource-constraint");
    sends(w, JULIET, "<invite to='u1@localhost'/>"); /* is a member already */
    sends(w, JULIET, "<invite to='a@localhost'/>");
    reads_nothing(w, JULIET);
    assert_int_equal(room_affiliation_str(room, STR("a@localhost")), AFF_MEMBER);
    sends(w, JULIET, "<invite to='b@localhost'/>");
    reads_error(w, JULIET, "wait", "resource-constraint");
    hush(w);
    sends(w, ROMEO, "<invite to='b@localhost'/>"); /* who could as well set it */
    assert_int_equal(room_affiliation_str(room, STR("b@localhost")), AFF_MEMBER);
    free(added);
    free(jids);
    world_free(w);
}

/* Only the server that could not deliver it knows the invitation's id. */
static void errors_of_something_else(void **state)
{
    const char *error = "<message to='" ROOM "' %s type='error'><error type='cancel'>"
                        "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
    static const char *const others[] = {"id='j'", "id=''", ""};
    struct world *w = company(NULL);
    (void)state;
    sends(w, ROMEO, "<invite to='nobody@localhost'/>");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        char *text = text_of(error, others[i]);
        assert_true(world_stanza_from(w, "nobody@localhost", text));
        reads_nothing(w, ROMEO);
        free(text);
    }
    char *text = text_of(error, "id='i'");
    assert_true(world_stanza_from(w, "nobody@localhost", text));
    reads(w, ROMEO, "<message from='" ROOM "' id='i' type='error'/>");
    free(text);
    says(w, ROMEO,
         "<message to='" ROOM "'><x xmlns='" NS_USER "'><invite to='nobody@localhost'/></x>"
         "</message>");
    text = text_of(error, "");
    assert_true(world_stanza_from(w, "nobody@localhost", text));
    reads(w, ROMEO, "<message from='" ROOM "' type='error'/>");
    free(text);
    world_free(w);
}

/* It takes nothing from admins, nor from anybody where all may enter. */
/* @covers 0045#invite-mediated.restricted 0045#modifymember.forbidden */
static void allow_invites_is_about_members_of_closed_rooms(void **state)
{
    static const char *const open_room[] = {"allow_invites=off", NULL};
    struct world *w = world_with(closed_to_members);
    (void)state;
    world_client(w, TYBALT);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO,
         "<item affiliation='admin' jid='juliet@localhost'/>"
         "<item affiliation='member' jid='paris@localhost'/>");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    sends(w, PARIS, "<invite to='tybalt@localhost'/>");
    reads_error(w, PARIS, "auth", "forbidden");
    reads_nothing(w, TYBALT);
    sends(w, JULIET, "<invite to='tybalt@localhost'/>");
    reads(w, TYBALT, "<message from='" ROOM "' id='i'/>");
    world_free(w);

    w = company(open_room);
    sends(w, JULIET, "<invite to='tybalt@localhost'/>");
    reads(w, TYBALT, "<message from='" ROOM "' id='i'/>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* Of another type it is nothing that could be said to a room. */
static void only_a_normal_message_invites(void **state)
{
    static const char *const types[] = {"chat", "headline"};
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        says(w, JULIET,
             "<message to='" ROOM "' id='i' type='%s'><x xmlns='" NS_USER "'>"
             "<invite to='tybalt@localhost'/></x></message>",
             types[i]);
        reads_error(w, JULIET, "modify", "bad-request");
    }
    reads_nothing(w, TYBALT);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invitation_in_full),
        cmocka_unit_test(the_language_goes_along),
        cmocka_unit_test(an_invitation_and_a_decline_in_one),
        cmocka_unit_test(inviter_is_named_where_addresses_are_no_secret),
        cmocka_unit_test(who_may_invite),
        cmocka_unit_test(members_only_room_invites_members),
        cmocka_unit_test(one_refusal_undoes_them_all),
        cmocka_unit_test(as_many_as_allowed),
        cmocka_unit_test(only_the_invited_decline),
        cmocka_unit_test(what_is_remembered_of_invitations),
        cmocka_unit_test(what_is_remembered_of_requests_for_voice),
        cmocka_unit_test(decline_by_what_the_invitation_named),
        cmocka_unit_test(decline_to_somebody_inside),
        cmocka_unit_test(declining_to_another_than_the_inviter),
        cmocka_unit_test(invitations_remembered_at_most),
        cmocka_unit_test(error_is_told_to_the_inviter),
        cmocka_unit_test(strangers_have_nothing_to_decline),
        cmocka_unit_test(members_invite_only_so_many),
        cmocka_unit_test(errors_of_something_else),
        cmocka_unit_test(allow_invites_is_about_members_of_closed_rooms),
        cmocka_unit_test(only_a_normal_message_invites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
