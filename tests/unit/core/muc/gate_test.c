/*
 * Changes of rooms with a store: nothing of a change is done, said or seen before it is kept; if it
 * cannot be kept, nothing has happened and who asked is told.
 */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/room_digest.h"
#include "tests/support/talk.h"

#define TYBALT "tybalt@localhost/street"
#define ADMIN(inside)                                                                              \
    "<iq to='" ROOM "' type='set' id='x'><query "                                                  \
    "xmlns='http://jabber.org/protocol/muc#admin'>" inside "</query></iq>"
#define OWNER(inside)                                                                              \
    "<iq to='" ROOM "' type='set' id='x'><query "                                                  \
    "xmlns='http://jabber.org/protocol/muc#owner'>" inside "</query></iq>"
#define FORM(field, value)                                                                         \
    OWNER("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"                         \
          "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"                       \
          "<field var='" field "'><value>" value "</value></field></x>")
#define REGISTER(nick)                                                                             \
    "<iq to='" ROOM "' type='set' id='x'><query xmlns='jabber:iq:register'>"                       \
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"                               \
    "<value>http://jabber.org/protocol/muc#register</value></field>"                               \
    "<field var='muc#register_roomnick'><value>" nick "</value></field></x></query></iq>"

static const char *const everybody[] = {ROMEO, JULIET, PARIS};

static const char *const persistent[] = {"persistent=on", "allow_register=on",
                                         "approve_registration=on", NULL};
static const char *const archived[] = {"persistent=on", "archive=on", "allow_register=on", NULL};
static const char *const fleeting[] = {"persistent=off", "archive=on", NULL};
static const char *const plain[] = {"persistent=off", NULL};

static struct world *durable_world(const char *const *options)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    struct world_config config = {.options = options, .admins = admins, .durable = true};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, JULIET_2);
    world_client(w, PARIS);
    world_client(w, TYBALT);
    return w;
}

/* Romeo owns it, Juliet and Paris are in it; Romeo has said something as `m`. */
static struct world *company(const char *const *options)
{
    struct world *w = durable_world(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='m'><body>Hi</body></message>");
    hush(w);
    return w;
}

static struct room *lounge(struct world *w)
{
    return world_room(w, ROOM);
}

static void nobody_hears(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(everybody); i++)
        reads_nothing(w, everybody[i]);
}

/* ---- every kind of change ---- */

static bool is_member(const struct room *room)
{
    return room_affiliation_str(room, STR("juliet@localhost")) == AFF_MEMBER;
}

static bool is_named(const struct room *room)
{
    return str_eqz(room->options.name, "Verona");
}

static bool has_subject(const struct room *room)
{
    return str_eqz(room->subject.plain, "News");
}

static bool has_card(const struct room *room)
{
    return room->card != NULL;
}

static bool one_waits(const struct room *room)
{
    return room->registrations.count == 1;
}

static bool is_registered(const struct room *room)
{
    return room_affiliation_str(room, STR("paris@localhost")) == AFF_MEMBER;
}

static bool is_buried(const struct room *room)
{
    return room_history_at(room, 0)->retracted;
}

static bool is_destroyed(const struct room *room)
{
    return room->state == ROOM_DESTROYED;
}

static bool is_no_more(const struct room *room)
{
    return !room->options.persistent;
}

static bool is_banned(const struct room *room)
{
    return room_affiliation_str(room, STR("paris@localhost")) == AFF_OUTCAST &&
           room_sessions(room) == 2;
}

static const struct gated_case {
    const char *what;
    const char *const *options;
    const char *who;
    const char *stanza; /* %s: the id of the room's one message */
    bool (*done)(const struct room *room);
    bool iq; /* it is answered; else it is heard by who asks */
} gated[] = {
    {"a member", persistent, ROMEO, ADMIN("<item affiliation='member' jid='juliet@localhost'/>"),
     is_member, true},
    {"a ban", persistent, ROMEO, ADMIN("<item affiliation='outcast' jid='paris@localhost'/>"),
     is_banned, true},
    {"a name", persistent, ROMEO, FORM("muc#roomconfig_roomname", "Verona"), is_named, true},
    {"ceasing to be kept", persistent, ROMEO, FORM("muc#roomconfig_persistentroom", "0"),
     is_no_more, true},
    {"a subject", archived, ROMEO,
     "<message to='" ROOM "' type='groupchat' id='x'><subject>News</subject></message>",
     has_subject, false},
    {"a card", persistent, ROMEO,
     "<iq to='" ROOM "' type='set' id='x'><vCard xmlns='vcard-temp'><FN>V</FN></vCard></iq>",
     has_card, true},
    {"waiting to be registered", persistent, PARIS, REGISTER("County"), one_waits, true},
    {"being registered", archived, PARIS, REGISTER("County"), is_registered, true},
    {"moderation", archived, ROMEO,
     "<iq to='" ROOM "' type='set' id='x'><moderate xmlns='urn:xmpp:message-moderate:1' id='%s'>"
     "<retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>",
     is_buried, true},
    {"a retraction", archived, ROMEO,
     "<message to='" ROOM "' type='groupchat' id='x'>"
     "<retract xmlns='urn:xmpp:message-retract:1' id='%s'/><body>gone</body></message>",
     is_buried, false},
    {"the end", persistent, ROMEO, OWNER("<destroy><reason>over</reason></destroy>"), is_destroyed,
     true},
};

static void asks(struct world *w, const struct gated_case *row)
{
    char id[STANZA_ID_BYTES + 1] = "";
    if (lounge(w)->history.count > 0)
        memcpy(id, room_history_at(lounge(w), 0)->stanza_id, STANZA_ID_BYTES);
    const char *gap = strstr(row->stanza, "%s");
    char *text = gap == NULL
                     ? text_of("%s", row->stanza)
                     : text_of("%.*s%s%s", (int)(gap - row->stanza), row->stanza, id, gap + 2);
    says(w, row->who, "%s", text);
    free(text);
}

/* Among what it has received: the answer, if there is one; else that all hear it. */
static void is_answered(struct world *w, const struct gated_case *row)
{
    const char *came;
    bool answered = false;
    while ((came = world_next(w, row->who)) != NULL) {
        assert_null(strstr(came, "type='error'"));
        answered = answered || strstr(came, row->iq ? "type='result'" : "type='groupchat'") != NULL;
    }
    if (!answered)
        fail_msg("%s is not answered", row->what);
}

/* @covers 0045#ban.nick */
static void nothing_before_it_is_kept(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(gated); i++) {
        const struct gated_case *row = &gated[i];
        struct world *w = company(row->options);
        uint64_t before = room_digest(lounge(w));
        world_commits(w, WORLD_LATER);
        asks(w, row);
        if (world_effects(w, FX_COMMIT) != 1 || room_digest(lounge(w)) != before)
            fail_msg("%s did not wait", row->what);
        assert_true(world_waits(w, ROOM));
        nobody_hears(w);
        world_settle(w);
        assert_false(world_waits(w, ROOM));
        if (!row->done(lounge(w)))
            fail_msg("%s was kept but not done", row->what);
        is_answered(w, row);
        world_free(w);
    }
}

/* It is all as before, and it can be asked for again. */
static void nothing_if_it_is_not_kept(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(gated); i++) {
        const struct gated_case *row = &gated[i];
        struct world *w = company(row->options);
        uint64_t before = room_digest(lounge(w));
        world_commits(w, WORLD_FAIL);
        asks(w, row);
        if (room_digest(lounge(w)) != before)
            fail_msg("%s was not kept but done", row->what);
        reads_error(w, row->who, "wait", "internal-server-error");
        nobody_hears(w);
        world_commits(w, WORLD_AT_ONCE);
        asks(w, row);
        if (!row->done(lounge(w)))
            fail_msg("%s could not be asked for again", row->what);
        is_answered(w, row);
        world_free(w);
    }
}

/* And it is there when the process has ended and begun. */
static void what_is_kept_is_found_again(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(gated); i++) {
        const struct gated_case *row = &gated[i];
        struct world *w = company(row->options);
        asks(w, row);
        bool stays = lounge(w)->options.persistent || is_destroyed(lounge(w));
        uint64_t before = room_digest(lounge(w));
        world_restart(w, WORLD_CRASH);
        world_client(w, TYBALT);
        /* Whoever comes by finds it. */
        says(w, TYBALT,
             "<iq to='" ROOM "' type='get' id='d'>"
             "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
        if (stays != (lounge(w) != NULL))
            fail_msg("%s and a restart: the room is %s", row->what, stays ? "gone" : "there");
        /* That somebody has just asked for something is forgotten, and what a destroyed room was.
         */
        bool forgets = row->done == one_waits || row->done == is_destroyed;
        bool same = stays && (forgets || room_digest(lounge(w)) == before);
        if (stays && (!same || !row->done(lounge(w))))
            fail_msg("%s and a restart: the room is another", row->what);
        world_free(w);
    }
}

/* ---- who comes meanwhile ---- */

static void others_wait_in_their_order(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    says(w, ROMEO, ADMIN("<item affiliation='outcast' jid='paris@localhost'/>"));
    says(w, PARIS,
         "<message to='" ROOM "' type='groupchat' id='p'><body>too late</body></message>");
    says(w, JULIET, "<message to='" ROOM "' type='groupchat' id='1'><body>one</body></message>");
    says(w, JULIET, "<message to='" ROOM "' type='groupchat' id='2'><body>two</body></message>");
    nobody_hears(w);
    world_settle(w);
    reads(w, PARIS, "<presence type='unavailable' from='" ROOM "/Paris'/>");
    reads_error(w, PARIS, "cancel", "not-acceptable");
    reads_nothing(w, PARIS);
    reads(w, JULIET, "<presence type='unavailable' from='" ROOM "/Paris'/>");
    reads(w, JULIET, "<message id='1'><body>one</body></message>");
    reads(w, JULIET, "<message id='2'><body>two</body></message>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* Connections that end meanwhile are known to have ended. */
static void who_goes_meanwhile_is_gone(void **state)
{
    struct world *w = company(persistent);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    says(w, ROMEO, FORM("muc#roomconfig_roomname", "Verona"));
    world_client_gone(w, JULIET);
    assert_int_equal(room_sessions(lounge(w)), 3);
    world_settle(w);
    assert_int_equal(room_sessions(lounge(w)), 2);
    assert_true(is_named(lounge(w)));
    world_free(w);
}

/* Who asked may be gone when it is done. */
static void who_asked_goes_meanwhile(void **state)
{
    struct world *w = company(persistent);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    says(w, ROMEO, ADMIN("<item affiliation='member' jid='juliet@localhost'/>"));
    world_client_gone(w, ROMEO);
    world_settle(w);
    assert_true(is_member(lounge(w)));
    assert_int_equal(room_sessions(lounge(w)), 2);
    world_free(w);
}

/* Two changes, the second decided on what the first has made. */
static void changes_wait_for_each_other(void **state)
{
    struct world *w = company(persistent);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    says(w, ROMEO, ADMIN("<item affiliation='owner' jid='juliet@localhost'/>"));
    says(w, JULIET, ADMIN("<item affiliation='none' jid='romeo@localhost'/>"));
    assert_int_equal(lounge(w)->owner_count, 1);
    world_settle(w);
    assert_int_equal(lounge(w)->owner_count, 1);
    assert_int_equal(room_affiliation_str(lounge(w), STR("juliet@localhost")), AFF_OWNER);
    assert_int_equal(room_affiliation_str(lounge(w), STR("romeo@localhost")), AFF_NONE);
    world_free(w);
}

/* ---- beginning and end ---- */

static void a_room_is_there_when_it_is_kept(void **state)
{
    struct world *w = durable_world(persistent);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    join(w, ROMEO, "Romeo");
    join(w, JULIET, "Juliet");
    assert_false(room_exists(lounge(w)));
    reads_nothing(w, ROMEO);
    world_settle(w);
    reads(w, ROMEO, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    assert_int_equal(room_sessions(lounge(w)), 2);
    world_free(w);
}

/* Nobody is inside, nothing is there; the next to come makes it. */
static void a_room_that_is_not_kept(void **state)
{
    struct world *w = durable_world(persistent);
    UNUSED(state);
    world_commits(w, WORLD_FAIL);
    join(w, ROMEO, "Romeo");
    reads_error(w, ROMEO, "wait", "internal-server-error");
    reads_nothing(w, ROMEO);
    assert_null(lounge(w));
    world_commits(w, WORLD_AT_ONCE);
    enters(w, JULIET, "Juliet");
    assert_true(room_exists(lounge(w)));
    assert_true(str_eqz(lounge(w)->creator, "juliet@localhost"));
    world_free(w);
}

static void who_waits_may_withdraw(void **state)
{
    struct world *w = company(persistent);
    UNUSED(state);
    says(w, PARIS, REGISTER("County"));
    hush(w);
    world_commits(w, WORLD_FAIL);
    says(w, PARIS,
         "<iq to='" ROOM "' type='set' id='x'><query xmlns='jabber:iq:register'><remove/></query>"
         "</iq>");
    reads_error(w, PARIS, "wait", "internal-server-error");
    assert_true(one_waits(lounge(w)));
    world_commits(w, WORLD_AT_ONCE);
    says(w, PARIS,
         "<iq to='" ROOM "' type='set' id='x'><query xmlns='jabber:iq:register'><remove/></query>"
         "</iq>");
    reads(w, PARIS, "<iq type='result' id='x'/>");
    world_restart(w, WORLD_CRASH);
    assert_false(one_waits(lounge(w)));
    world_free(w);
}

/* Rooms that the store does not know wait for nothing. */
static void other_rooms_wait_for_nothing(void **state)
{
    struct world *w = durable_world(plain);
    UNUSED(state);
    world_commits(w, WORLD_FAIL);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    says(w, ROMEO, ADMIN("<item affiliation='member' jid='juliet@localhost'/>"));
    assert_int_equal(world_effects(w, FX_COMMIT), 0);
    assert_int_equal(world_effects(w, FX_SESSION), 0);
    assert_true(is_member(lounge(w)));
    hush(w);
    /* Until they are to be kept. */
    says(w, ROMEO, FORM("muc#roomconfig_persistentroom", "1"));
    reads_error(w, ROMEO, "wait", "internal-server-error");
    assert_false(lounge(w)->options.persistent);
    world_commits(w, WORLD_AT_ONCE);
    says(w, ROMEO, FORM("muc#roomconfig_persistentroom", "1"));
    assert_true(lounge(w)->options.persistent);
    uint64_t before = room_digest(lounge(w));
    world_restart(w, WORLD_CRASH);
    assert_int_equal(room_sessions(lounge(w)), 2);
    assert_true(is_member(lounge(w)));
    assert_int_equal(room_digest(lounge(w)), before);
    world_free(w);
}

/* A locked room opens by itself when its time has come; if that cannot be kept, later. */
static void a_lock_opens_when_that_is_kept(void **state)
{
    struct world_config config = {.options = persistent, .durable = true, .locked = true};
    struct world *w = world_new(&config);
    UNUSED(state);
    world_client(w, ROMEO);
    enters(w, ROMEO, "Romeo");
    assert_int_equal(lounge(w)->state, ROOM_LOCKED);
    world_commits(w, WORLD_FAIL);
    world_advance(w, (ROOM_LOCK_SECONDS + 1) * INT64_C(1000000));
    assert_int_equal(lounge(w)->state, ROOM_LOCKED);
    world_commits(w, WORLD_LATER);
    world_advance(w, (ROOM_LOCK_SECONDS + 1) * INT64_C(1000000));
    assert_int_equal(lounge(w)->state, ROOM_LOCKED);
    assert_true(world_waits(w, ROOM));
    world_settle(w);
    assert_int_equal(lounge(w)->state, ROOM_OPEN);
    world_free(w);
}

/* Nobody has to wait longer because the process has ended meanwhile. */
static void a_lock_opens_in_time_after_a_restart(void **state)
{
    struct world_config config = {.options = persistent, .durable = true, .locked = true};
    struct world *w = world_new(&config);
    UNUSED(state);
    world_client(w, ROMEO);
    enters(w, ROMEO, "Romeo");
    world_advance(w, (ROOM_LOCK_SECONDS - 10) * INT64_C(1000000));
    world_restart(w, WORLD_CRASH);
    assert_int_equal(lounge(w)->state, ROOM_LOCKED);
    world_advance(w, 5 * INT64_C(1000000));
    assert_int_equal(lounge(w)->state, ROOM_LOCKED);
    world_advance(w, 6 * INT64_C(1000000));
    assert_int_equal(lounge(w)->state, ROOM_OPEN);
    world_free(w);
}

/* A room that is archived but not persistent ends with its last occupant, and its archive too. */
static void the_last_one_ends_it(void **state)
{
    struct world *w = durable_world(fleeting);
    UNUSED(state);
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='m'><body>Hi</body></message>");
    world_commits(w, WORLD_LATER);
    hush(w);
    leaves(w, ROMEO);
    join(w, JULIET, "Juliet"); /* too late for the old room */
    world_settle(w);
    assert_true(str_eqz(lounge(w)->creator, "juliet@localhost"));
    assert_int_equal(lounge(w)->history.count, 0);
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    hush(w);
    world_commits(w, WORLD_AT_ONCE);
    leaves(w, JULIET);
    assert_null(lounge(w));
    world_restart(w, WORLD_CRASH);
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='d'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    world_free(w);
}

/* Its end could not be kept: it is empty, and there, until somebody comes and goes. */
static void an_end_that_is_not_kept(void **state)
{
    struct world *w = durable_world(fleeting);
    UNUSED(state);
    enters(w, ROMEO, "Romeo");
    world_commits(w, WORLD_FAIL);
    leaves(w, ROMEO);
    assert_true(room_exists(lounge(w)));
    world_commits(w, WORLD_AT_ONCE);
    enters(w, JULIET, "Juliet");
    assert_true(str_eqz(lounge(w)->creator, "romeo@localhost"));
    leaves(w, JULIET);
    assert_null(lounge(w));
    world_free(w);
}

/* The address of a destroyed room is closed when its time is over, not sooner. */
static void a_tombstone_has_its_time(void **state)
{
    struct world *w = company(persistent);
    UNUSED(state);
    says(w, ROMEO, OWNER("<destroy/>"));
    world_restart(w, WORLD_CRASH);
    join(w, PARIS, "Paris");
    assert_int_equal(lounge(w)->state, ROOM_DESTROYED);
    world_advance(w, (TOMBSTONE_DAYS + 1) * INT64_C(86400000000));
    assert_null(lounge(w));
    enters(w, PARIS, "Paris");
    assert_true(str_eqz(lounge(w)->creator, "paris@localhost"));
    world_free(w);
}

/* The address of a destroyed room is closed, whatever happens. */
static void a_tombstone_outlives_the_process(void **state)
{
    struct world *w = company(persistent);
    UNUSED(state);
    says(w, ROMEO,
         OWNER("<destroy jid='there@conference.localhost'><reason>over</reason>"
               "</destroy>"));
    hush(w);
    world_restart(w, WORLD_CRASH);
    assert_null(lounge(w));
    join(w, PARIS, "Paris");
    reads_error(w, PARIS, "cancel", "gone");
    assert_int_equal(lounge(w)->state, ROOM_DESTROYED);
    /* An admin of the service may open it again (3.12), as a room that knows nothing of the old. */
    world_client(w, "admin@localhost/desk");
    world_commits(w, WORLD_LATER);
    join(w, "admin@localhost/desk", "Prince");
    assert_int_equal(lounge(w)->state, ROOM_DESTROYED);
    world_commits(w, WORLD_FAIL);
    world_settle(w);
    reads_error(w, "admin@localhost/desk", "wait", "internal-server-error");
    assert_int_equal(lounge(w)->state, ROOM_DESTROYED);
    world_commits(w, WORLD_AT_ONCE);
    enters(w, "admin@localhost/desk", "Prince");
    assert_int_equal(lounge(w)->history.count, 0);
    uint64_t before = room_digest(lounge(w));
    world_restart(w, WORLD_CRASH);
    assert_int_equal(room_digest(lounge(w)), before);
    world_free(w);
}

/* Somebody was inside when the process ended: it is inside again, and hears what is said; who has
 * gone meanwhile is not. */
static void those_inside_stay_inside(void **state)
{
    struct world *w = company(persistent);
    UNUSED(state);
    uint64_t before = room_digest(lounge(w));
    world_restart(w, WORLD_CRASH);
    nobody_hears(w);
    assert_int_equal(room_digest(lounge(w)), before);
    says(w, JULIET, "<message to='" ROOM "' type='groupchat' id='a'><body>still</body></message>");
    for (size_t i = 0; i < ARRAY_LEN(everybody); i++)
        reads(w, everybody[i], "<message from='" ROOM "/Juliet'><body>still</body></message>");
    world_free(w);
}

/* What a room remembers of people who are not inside is there after an orderly end. */
static void what_it_remembers(void **state)
{
    static const char *const options[] = {"persistent=on", "moderated=on", NULL};
    struct world *w = company(options);
    UNUSED(state);
    says(w, ROMEO, ADMIN("<item role='participant' nick='Paris'/>"));
    leaves(w, PARIS);
    hush(w);
    uint64_t before = room_digest(lounge(w));
    world_restart(w, WORLD_CLEAN);
    assert_int_equal(room_digest(lounge(w)), before);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_before_it_is_kept),
        cmocka_unit_test(nothing_if_it_is_not_kept),
        cmocka_unit_test(what_is_kept_is_found_again),
        cmocka_unit_test(others_wait_in_their_order),
        cmocka_unit_test(who_goes_meanwhile_is_gone),
        cmocka_unit_test(who_asked_goes_meanwhile),
        cmocka_unit_test(changes_wait_for_each_other),
        cmocka_unit_test(a_room_is_there_when_it_is_kept),
        cmocka_unit_test(a_room_that_is_not_kept),
        cmocka_unit_test(who_waits_may_withdraw),
        cmocka_unit_test(other_rooms_wait_for_nothing),
        cmocka_unit_test(a_lock_opens_when_that_is_kept),
        cmocka_unit_test(a_lock_opens_in_time_after_a_restart),
        cmocka_unit_test(the_last_one_ends_it),
        cmocka_unit_test(an_end_that_is_not_kept),
        cmocka_unit_test(a_tombstone_has_its_time),
        cmocka_unit_test(a_tombstone_outlives_the_process),
        cmocka_unit_test(those_inside_stay_inside),
        cmocka_unit_test(what_it_remembers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
