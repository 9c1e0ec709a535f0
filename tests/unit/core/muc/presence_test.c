/*
 * Who is shown what: the order of a join, hidden roles, moderators' eyes, several sessions, absent
 * members.
 * @covers 0045#registrar-formtype-owner
 */
#include "core/muc/presence.h"

#include "core/muc/room.h"
#include "tests/support/expect.h"

#define PRESENCE(nick, inside) "<presence from='" ROOM "/" nick "'>" X_USER(inside) "</presence>"
#define GONE(nick, inside)                                                                         \
    "<presence from='" ROOM "/" nick "' type='unavailable'>" X_USER(inside) "</presence>"
#define ITEM(affiliation, role, more)                                                              \
    "<item affiliation='" affiliation "' role='" role "'" more "/>"
#define JID(jid) " jid='" jid "'"
#define SUBJECT  "<message from='" ROOM "' type='groupchat'><subject/></message>"
#define SELF     STATUS_CODE("110")
#define DONE     "<iq from='" ROOM "' id='a' type='result'/>"
#define ADMIN_SET(item)                                                                            \
    "<iq id='a' type='set' to='" ROOM                                                              \
    "'><query xmlns='http://jabber.org/protocol/muc#admin'>" item "</query></iq>"
#define ROLE(nick, role)   ADMIN_SET("<item nick='" nick "' role='" role "'/>")
#define STANDING(jid, aff) ADMIN_SET("<item jid='" jid "' affiliation='" aff "'/>")

static struct world *world_of(const char *const *options)
{
    struct world_config config = {.options = options};
    struct world *world = world_new(&config);
    world_client(world, ROMEO);
    world_client(world, ROMEO_2);
    world_client(world, JULIET);
    world_client(world, NURSE);
    return world;
}

static int setup(void **state)
{
    *state = world_of(NULL);
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* @covers 0045#roles.shown 0045#affil.owner 0045#affil.shown 0045#order.order */
/* @covers 0045#enter-pres.list 0045#enter-pres.broadcast 0045#enter-pres.self-110 */
/* @covers 0045#enter-pres.self-last 0045#enter-semianon.broadcast */
/* @covers 0045#enter-history.after-presence 0045#enter-history.before-subject 0045#i18n.lang */
/* @covers 0045#bizrules-presence.extensions */
static void the_order_of_a_join(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    expect(world, ROMEO,
           PRESENCE("Romeo", STATUS_CODE("201") ITEM("owner", "moderator", JID(ROMEO)) SELF));
    expect(world, ROMEO, SUBJECT);
    say(world, ROMEO, "<message to='" ROOM "' type='groupchat' id='1'><body>hi</body></message>");
    hush(world);
    say(world, JULIET,
        "<presence to='" ROOM "/Juliet' id='enter' xml:lang='en'>"
        "<x xmlns='http://jabber.org/protocol/muc'/><show>away</show>"
        "<x xmlns='http://jabber.org/protocol/muc#user'><item role='owner'/></x>"
        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>"
        "<c xmlns='http://jabber.org/protocol/caps' ver='1'/></presence>");
    expect(world, JULIET, PRESENCE("Romeo", ITEM("owner", "moderator", "")));
    expect(world, JULIET,
           "<presence from='" ROOM "/Juliet' id='enter' xml:lang='en'><show>away</show>"
           "<c xmlns='http://jabber.org/protocol/caps' ver='1'/>" X_USER(
               ITEM("none", "participant", JID(JULIET)) SELF) "</presence>");
    expect(world, JULIET, "<message from='" ROOM "/Romeo' id='1'><body>hi</body></message>");
    expect(world, JULIET, SUBJECT);
    expect_nothing(world, JULIET);
    expect(world, ROMEO,
           "<presence from='" ROOM "/Juliet' xml:lang='en'><show>away</show>"
           "<c xmlns='http://jabber.org/protocol/caps' ver='1'/>" X_USER(
               ITEM("none", "participant", JID(JULIET))) "</presence>");
    expect_nothing(world, ROMEO);
}

/* @covers 0045#enter-nonanon.jid 0045#enter-nonanon.warning 0045#bizrules-presence.full-jid */
static void everybody_sees_in_a_non_anonymous_room(void **state)
{
    static const char *const options[] = {"whois=anyone", NULL};
    UNUSED(state);
    struct world *world = world_of(options);
    join(world, ROMEO, "Romeo");
    expect(world, ROMEO,
           PRESENCE("Romeo", STATUS_CODE("201") STATUS_CODE("100")
                                 ITEM("owner", "moderator", JID(ROMEO)) SELF));
    join(world, JULIET, "Juliet");
    expect(world, JULIET, PRESENCE("Romeo", ITEM("owner", "moderator", JID(ROMEO))));
    hush(world);
    join(world, NURSE, "Nurse");
    /* one image serves everybody: newcomer to others is a single broadcast */
    assert_int_equal(world_effects(world, FX_BROADCAST), 1);
    expect(world, JULIET, PRESENCE("Nurse", ITEM("none", "participant", JID(NURSE))));
    expect(world, ROMEO, PRESENCE("Nurse", ITEM("none", "participant", JID(NURSE))));
    world_free(world);
}

/* In a small room nothing is kept, in a larger one each image is made once. */
static void cached_images_are_shared(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, JULIET, "Juliet");
    const struct room *room = world_room(world, ROOM);
    const struct occupant *romeo = occupant_by_account(room, STR("romeo@localhost"));
    assert_null(romeo->anon);
    for (unsigned i = 0; i < 6; i++) {
        char jid[40], nick[16];
        snprintf(jid, sizeof(jid), "guest%u@localhost/r", i);
        snprintf(nick, sizeof(nick), "Guest%u", i);
        world_client(world, jid);
        join(world, jid, nick);
    }
    assert_non_null(romeo->anon); /* made for the last one's list */
    struct frame *anon = frame_ref(romeo->anon);
    join(world, NURSE, "Nurse");
    assert_ptr_equal(romeo->anon, anon);
    assert_int_equal(atomic_load(&anon->refs), 2); /* what was sent has been given back */
    say(world, ROMEO, "<presence to='" ROOM "/Romeo'><show>dnd</show></presence>");
    assert_ptr_not_equal(romeo->anon, anon);
    frame_unref(anon);
}

/* ---- hidden roles ---- */

#define HIDES_VISITORS                                                                             \
    {                                                                                              \
        "moderated=on", "broadcast=participant,moderator", NULL                                    \
    }

/* @covers 0045#roles-change.told */
static void a_hidden_role(void **state)
{
    static const char *const options[] = HIDES_VISITORS;
    UNUSED(state);
    struct world *world = world_of(options);
    join(world, ROMEO, "Romeo");
    join(world, NURSE, "Nurse");
    hush(world);
    join(world, JULIET, "Juliet");
    expect_nothing(world, ROMEO);
    expect_nothing(world, NURSE);
    expect(world, JULIET, PRESENCE("Romeo", ITEM("owner", "moderator", "")));
    expect(world, JULIET, PRESENCE("Juliet", ITEM("none", "visitor", JID(JULIET)) SELF));
    expect(world, JULIET, SUBJECT);

    /* shown: an available presence; hidden again: an unavailable one that says what she is now */
    say(world, ROMEO, ROLE("Juliet", "participant"));
    expect(world, JULIET,
           PRESENCE("Juliet", "<item affiliation='none' role='participant' jid='" JULIET
                              "'><actor nick='Romeo'/></item>" SELF));
    expect(world, NURSE,
           PRESENCE("Juliet", "<item affiliation='none' role='participant'>"
                              "<actor nick='Romeo'/></item>"));
    expect(world, ROMEO,
           PRESENCE("Juliet", "<item affiliation='none' role='participant' jid='" JULIET
                              "'><actor nick='Romeo' jid='" ROMEO "'/></item>"));
    expect(world, ROMEO, DONE);
    say(world, ROMEO, ROLE("Juliet", "visitor"));
    expect(world, JULIET,
           PRESENCE("Juliet", "<item affiliation='none' role='visitor' jid='" JULIET
                              "'><actor nick='Romeo'/></item>" SELF));
    expect(world, NURSE,
           GONE("Juliet", "<item affiliation='none' role='visitor'>"
                          "<actor nick='Romeo'/></item>"));
    hush(world);

    say(world, JULIET, "<presence to='" ROOM "/Juliet' type='unavailable'/>");
    expect(world, JULIET, GONE("Juliet", ITEM("none", "none", JID(JULIET)) SELF));
    expect_nothing(world, JULIET);
    expect_nothing(world, ROMEO);
    expect_nothing(world, NURSE);
    world_free(world);
}

/* @covers 0045#affil-change.told */
static void moderators_may_see_all(void **state)
{
    static const char *const options[] = {"moderated=on", "broadcast=moderator", "see_all=on",
                                          NULL};
    UNUSED(state);
    struct world *world = world_of(options);
    join(world, ROMEO, "Romeo");
    join(world, NURSE, "Nurse");
    hush(world);
    join(world, JULIET, "Juliet");
    expect(world, ROMEO, PRESENCE("Juliet", ITEM("none", "visitor", JID(JULIET))));
    expect_nothing(world, NURSE);
    hush(world);

    say(world, ROMEO, STANDING("nurse@localhost", "admin")); /* she begins to see */
    expect(world, NURSE,
           PRESENCE("Nurse", "<item affiliation='admin' role='moderator' jid='" NURSE
                             "'><actor nick='Romeo'/></item>" SELF));
    expect(world, NURSE, PRESENCE("Romeo", ITEM("owner", "moderator", JID(ROMEO))));
    expect(world, NURSE, PRESENCE("Juliet", ITEM("none", "visitor", JID(JULIET))));
    expect_nothing(world, NURSE);
    say(world, ROMEO, STANDING("nurse@localhost", "none")); /* and ceases to */
    expect(world, NURSE,
           PRESENCE("Nurse", "<item affiliation='none' role='visitor' jid='" NURSE
                             "'><actor nick='Romeo'/></item>" SELF));
    expect(world, NURSE, PRESENCE("Romeo", ITEM("owner", "moderator", "")));
    expect(world, NURSE, GONE("Juliet", ITEM("none", "visitor", "")));
    expect_nothing(world, NURSE);
    world_free(world);
}

/* ---- moderators see JIDs ---- */

static void a_new_moderator_is_shown_everybody_again(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, NURSE, "Nurse");
    join(world, JULIET, "Juliet");
    hush(world);
    say(world, ROMEO, ROLE("Juliet", "moderator"));
    expect(world, JULIET,
           PRESENCE("Juliet", "<item affiliation='none' role='moderator' jid='" JULIET
                              "'><actor nick='Romeo'/></item>" SELF));
    expect(world, JULIET, PRESENCE("Romeo", ITEM("owner", "moderator", JID(ROMEO))));
    expect(world, JULIET, PRESENCE("Nurse", ITEM("none", "participant", JID(NURSE))));
    expect_nothing(world, JULIET);
    say(world, ROMEO, ROLE("Juliet", "participant"));
    expect(world, JULIET,
           PRESENCE("Juliet", "<item affiliation='none' role='participant' jid='" JULIET
                              "'><actor nick='Romeo'/></item>" SELF));
    expect(world, JULIET, PRESENCE("Romeo", ITEM("owner", "moderator", "")));
    expect(world, JULIET, PRESENCE("Nurse", ITEM("none", "participant", "")));
    expect_nothing(world, JULIET);
}

/* The target first, then the others, then the answer; an own copy never has the actor's JID. */
/* @covers 0045#kick.removed 0045#kick.others */
static void a_kick(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, NURSE, "Nurse");
    join(world, JULIET, "Juliet");
    hush(world);
    say(world, ROMEO, ADMIN_SET("<item nick='Juliet' role='none'><reason>Balcony</reason></item>"));
    expect(world, JULIET,
           GONE("Juliet",
                STATUS_CODE("307") "<item affiliation='none' role='none' jid='" JULIET
                                   "'><actor nick='Romeo'/><reason>Balcony</reason></item>" SELF));
    expect_nothing(world, JULIET);
    expect(world, NURSE,
           GONE("Juliet",
                STATUS_CODE("307") "<item affiliation='none' role='none'>"
                                   "<actor nick='Romeo'/><reason>Balcony</reason></item>"));
    expect(world, ROMEO,
           GONE("Juliet", STATUS_CODE("307") "<item affiliation='none' role='none' jid='" JULIET
                                             "'><actor nick='Romeo' jid='" ROMEO
                                             "'/><reason>Balcony</reason></item>"));
    expect(world, ROMEO, DONE);
    assert_null(occupant_by_account(world_room(world, ROOM), STR("juliet@localhost")));
}

/* @covers 0045#ban.bare 0045#ban.result 0045#ban.removed 0045#ban.others */
static void a_ban(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, JULIET, "Juliet");
    hush(world);
    say(world, ROMEO, STANDING("juliet@localhost/whatever", "outcast"));
    expect(world, JULIET,
           GONE("Juliet", STATUS_CODE("301") "<item affiliation='outcast' role='none' jid='" JULIET
                                             "'><actor nick='Romeo'/></item>" SELF));
    expect(world, ROMEO,
           GONE("Juliet", STATUS_CODE("301") "<item affiliation='outcast' role='none' jid='" JULIET
                                             "'><actor nick='Romeo' jid='" ROMEO "'/></item>"));
    expect(world, ROMEO, DONE);
    hush(world);
    say(world, ROMEO,
        ADMIN_SET("<item jid='nurse@localhost' affiliation='outcast'>"
                  "<reason>gossip</reason></item>"));
    expect(world, ROMEO,
           "<message from='" ROOM "'>" X_USER(STATUS_CODE(
               "301") "<item affiliation='outcast' "
                      "jid='nurse@localhost'><reason>gossip</reason></item>") "</message>");
    expect(world, ROMEO, DONE);
}

/* @covers 0045#ban.others */
static void a_domain_is_banned(void **state)
{
    struct world *world = *state;
    world_client(world, "mercutio@verona.example/fight");
    join(world, ROMEO, "Romeo");
    join(world, "mercutio@verona.example/fight", "Mercutio");
    join(world, JULIET, "Juliet");
    hush(world);
    say(world, ROMEO, STANDING("verona.example", "outcast"));
    expect(world, "mercutio@verona.example/fight",
           GONE("Mercutio", STATUS_CODE("301") "<item affiliation='outcast' role='none' "
                                               "jid='mercutio@verona.example/fight'>"
                                               "<actor nick='Romeo'/></item>" SELF));
    expect(world, JULIET,
           GONE("Mercutio", STATUS_CODE("301") "<item affiliation='outcast' role='none'>"
                                               "<actor nick='Romeo'/></item>"));
    expect_nothing(world, JULIET);
}

/* A member's own affiliation stands before the ban of its domain: until it is taken away. */
/* @covers 0045#modifyban.order */
static void a_member_from_a_banned_domain(void **state)
{
    struct world *world = *state;
    const char *mercutio = "mercutio@verona.example/fight";
    world_client(world, mercutio);
    join(world, ROMEO, "Romeo");
    say(world, ROMEO, STANDING("mercutio@verona.example", "member"));
    say(world, ROMEO, STANDING("verona.example", "outcast"));
    join(world, mercutio, "Mercutio");
    assert_non_null(session_find(world_room(world, ROOM), str_z(mercutio)));
    hush(world);
    say(world, ROMEO, STANDING("mercutio@verona.example", "none"));
    expect(world, mercutio,
           GONE("Mercutio", STATUS_CODE("301") "<item affiliation='outcast' role='none' "
                                               "jid='mercutio@verona.example/fight'>"
                                               "<actor nick='Romeo'/></item>" SELF));
}

/* ---- several sessions ---- */

/* @covers 0045#enter-conflict.same-account 0045#exit.others */
static void two_sessions_of_one_nickname(void **state)
{
    struct world *world = *state;
    join(world, JULIET, "Juliet");
    join(world, NURSE, "Nurse");
    join(world, ROMEO, "Romeo");
    hush(world);
    join(world, ROMEO_2, "Romeo");
    const char *both =
        ITEM("none", "participant", JID(ROMEO)) ITEM("none", "participant", JID(ROMEO_2));
    char text[600];
    snprintf(text, sizeof(text), PRESENCE("Romeo", "%s" SELF), both);
    expect(world, ROMEO_2, "<presence from='" ROOM "/Juliet'/>");
    expect(world, ROMEO_2, "<presence from='" ROOM "/Nurse'/>");
    expect(world, ROMEO_2, text);
    expect(world, ROMEO_2, SUBJECT);
    expect(world, ROMEO, text);
    snprintf(text, sizeof(text), PRESENCE("Romeo", "%s"), both);
    expect(world, JULIET, text);
    expect_nothing(world, NURSE); /* she sees no JIDs: nothing has changed for her */

    say(world, ROMEO_2, "<presence to='" ROOM "/Romeo' type='unavailable'/>");
    expect(world, ROMEO_2, GONE("Romeo", ITEM("none", "none", JID(ROMEO_2)) SELF));
    expect(world, ROMEO, PRESENCE("Romeo", ITEM("none", "participant", JID(ROMEO)) SELF));
    expect(world, JULIET, PRESENCE("Romeo", ITEM("none", "participant", JID(ROMEO))));
    expect_nothing(world, NURSE);
    expect_nothing(world, ROMEO_2);
}

/* Others see the session with the highest priority; its leaving uncovers the other one. */
static void the_primary_session_is_seen(void **state)
{
    struct world *world = *state;
    join(world, JULIET, "Juliet");
    join(world, NURSE, "Nurse");
    join(world, ROMEO, "Romeo");
    hush(world);
    say(world, ROMEO_2,
        "<presence to='" ROOM "/Romeo'><x xmlns='http://jabber.org/protocol/muc'/>"
        "<show>dnd</show><priority>-1</priority></presence>");
    expect_nothing(world, NURSE); /* not the primary one */
    say(world, ROMEO_2,
        "<presence to='" ROOM "/Romeo'><show>xa</show><priority>7</priority>"
        "</presence>");
    expect(world, NURSE, "<presence from='" ROOM "/Romeo'><show>xa</show></presence>");
    hush(world);
    world_client_gone(world, ROMEO_2); /* no 333: the nickname is still there */
    expect(world, NURSE, PRESENCE("Romeo", ITEM("none", "participant", "")));
    expect(world, ROMEO, PRESENCE("Romeo", ITEM("none", "participant", JID(ROMEO)) SELF));
    expect_nothing(world, NURSE);
}

static void a_kick_hits_all_sessions(void **state)
{
    struct world *world = *state;
    join(world, JULIET, "Juliet");
    join(world, ROMEO, "Romeo");
    join(world, ROMEO_2, "Romeo");
    hush(world);
    say(world, JULIET, ROLE("Romeo", "none"));
    const char *own =
        GONE("Romeo", STATUS_CODE("307") "<item affiliation='none' role='none' jid='" ROMEO "'>"
                                         "<actor nick='Juliet'/></item>"
                                         "<item affiliation='none' role='none' jid='" ROMEO_2 "'>"
                                         "<actor nick='Juliet'/></item>" SELF);
    expect(world, ROMEO, own);
    expect(world, ROMEO_2, own);
    expect_nothing(world, ROMEO);
    assert_int_equal(world_room(world, ROOM)->session_count, 1);
}

/* ---- members who are not there ---- */

static void absent_members_are_shown(void **state)
{
    static const char *const options[] = {"broadcast=none,participant,moderator", NULL};
    UNUSED(state);
    struct world *world = world_of(options);
    join(world, ROMEO, "Romeo");
    join(world, JULIET, "Juliet");
    hush(world);
    say(world, ROMEO, ADMIN_SET("<item jid='nurse@localhost' affiliation='member' nick='Nurse'/>"));
    expect(world, ROMEO,
           "<message from='" ROOM
           "'>" X_USER("<item affiliation='member' jid='nurse@localhost'/>") "</message>");
    expect(world, ROMEO,
           GONE("Nurse", "<item affiliation='member' role='none' nick='Nurse' "
                         "jid='nurse@localhost'/>"));
    expect(world, ROMEO, DONE);
    expect(world, JULIET, GONE("Nurse", "<item affiliation='member' role='none' nick='Nurse'/>"));
    expect_nothing(world, JULIET); /* the message has a JID in it */

    hush(world);
    join(world, ROMEO_2, "Other");
    expect(world, ROMEO_2, "<presence from='" ROOM "/Romeo'/>");
    expect(world, ROMEO_2, "<presence from='" ROOM "/Juliet'/>");
    expect(world, ROMEO_2,
           GONE("Nurse", "<item affiliation='member' role='none' nick='Nurse' "
                         "jid='nurse@localhost'/>"));
    expect(world, ROMEO_2, "<presence from='" ROOM "/Other'/>");
    hush(world);
    join(world, NURSE, "Nurse"); /* not shown to herself, and present from now on */
    expect(world, NURSE, "<presence from='" ROOM "/Romeo'/>");
    expect(world, NURSE, "<presence from='" ROOM "/Juliet'/>");
    expect(world, NURSE, "<presence from='" ROOM "/Other'/>");
    expect(world, NURSE, "<presence from='" ROOM "/Nurse'/>");
    expect(world, NURSE, SUBJECT);
    world_free(world);
}

static void somebody_is_evicted_from_a_reserved_nickname(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, JULIET, "Nurse");
    hush(world);
    say(world, ROMEO, ADMIN_SET("<item jid='nurse@localhost' affiliation='member' nick='Nurse'/>"));
    expect(world, JULIET,
           GONE("Nurse",
                STATUS_CODE("307") "<item affiliation='none' role='none' jid='" JULIET "'>"
                                   "<reason>This nickname is reserved</reason></item>" SELF));
    expect(world, ROMEO,
           GONE("Nurse", STATUS_CODE("307") "<item affiliation='none' role='none' jid='" JULIET "'>"
                                            "<reason>This nickname is reserved</reason></item>"));
    expect(world, ROMEO,
           "<message from='" ROOM
           "'>" X_USER("<item affiliation='member' jid='nurse@localhost'/>") "</message>");
    expect(world, ROMEO, DONE);
    /* nobody does that to itself */
    say(world, ROMEO, ADMIN_SET("<item jid='nurse@localhost' affiliation='member' nick='Romeo'/>"));
    expect(world, ROMEO,
           "<iq from='" ROOM "' type='error' id='a'><error type='cancel' by='" ROOM "'>"
           "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
}

/* A status text so that what is kept of the presence has that many bytes. */
static void say_presence_of(struct world *world, size_t bytes)
{
    static char text[PRESENCE_BYTES_MAX + 400];
    size_t tags = strlen("<status></status>");
    int head = snprintf(text, sizeof(text), "<presence id='p' to='" ROOM "/Romeo'><status>");
    memset(text + head, 'x', bytes - tags);
    snprintf(text + head + bytes - tags, 100, "</status></presence>");
    say(world, ROMEO, text);
}

static void a_presence_has_a_limit(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    hush(world);
    say_presence_of(world, PRESENCE_BYTES_MAX);
    const char *came = world_next(world, ROMEO);
    assert_non_null(came);
    assert_non_null(strstr(came, "<status code='110'/>"));
    say_presence_of(world, PRESENCE_BYTES_MAX + 1);
    came = world_next(world, ROMEO);
    assert_non_null(came);
    assert_non_null(strstr(came, "type='error'"));
    expect_nothing(world, ROMEO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_order_of_a_join),
        cmocka_unit_test(everybody_sees_in_a_non_anonymous_room),
        TEST(cached_images_are_shared),
        cmocka_unit_test(a_hidden_role),
        cmocka_unit_test(moderators_may_see_all),
        TEST(a_new_moderator_is_shown_everybody_again),
        TEST(a_kick),
        TEST(a_ban),
        TEST(a_domain_is_banned),
        TEST(a_member_from_a_banned_domain),
        TEST(two_sessions_of_one_nickname),
        TEST(the_primary_session_is_seen),
        TEST(a_kick_hits_all_sessions),
        cmocka_unit_test(absent_members_are_shown),
        TEST(somebody_is_evicted_from_a_reserved_nickname),
        TEST(a_presence_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
