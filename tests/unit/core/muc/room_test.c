/*
 * A room's life, what holds for every stanza to it, and what it remembers.
 */
#include "core/muc/room.h"

#include "core/base/mem.h"
#include "core/muc/change.h"
#include "tests/support/expect.h"

#define CONDITION(type, name)                                                                      \
    "<error type='" type "' by='" ROOM "'><" name " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" \
    "</error>"
#define SUBMIT                                                                                     \
    "<iq id='c' type='set' to='" ROOM "'><query xmlns='http://jabber.org/protocol/muc#owner'>"     \
    "<x xmlns='jabber:x:data' type='submit'/></query></iq>"

static struct world *world_with(bool locked, const char *const *options, const char *const *admins)
{
    struct world_config config = {.options = options, .admins = admins, .locked = locked};
    struct world *world = world_new(&config);
    world_client(world, ROMEO);
    world_client(world, ROMEO_2);
    world_client(world, JULIET);
    world_client(world, NURSE);
    return world;
}

static int open_world(void **state)
{
    *state = world_with(false, NULL, NULL);
    return 0;
}

static int locked_world(void **state)
{
    *state = world_with(true, NULL, NULL);
    return 0;
}

static int close_world(void **state)
{
    world_free(*state);
    return 0;
}

/* ---- ids ---- */

/* The 128 bits of two hashes, in hexadecimal, the lowest digit of each half first. */
static void an_id_is_two_hashes(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(1024);
    struct step step = {.arena = arena, .entropy = {UINT64_C(0x0123456789abcdef), 42}};
    const struct hash_key key = {step.entropy[0], step.entropy[1]};
    for (uint64_t number = 0; number < 200; number += 2) {
        char expected[33];
        for (uint64_t half = 0; half < 2; half++) {
            uint64_t count = number + half;
            uint64_t bits = hash_str(&key, str_of((const char *)&count, sizeof(count)));
            for (unsigned i = 0; i < 16; i++, bits >>= 4)
                expected[half * 16 + i] = "0123456789abcdef"[bits & 15];
        }
        expected[32] = '\0';
        assert_true(str_eqz(step_id(&step), expected));
    }
    arena_free(arena);
}

/* An index over them grows at one end. What follows the time is as hard to guess as any id. */
static void stanza_ids_rise(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(1024);
    struct step step = {.arena = arena, .entropy = {UINT64_C(0x0123456789abcdef), 42}};
    struct str last = STR("");
    for (unsigned i = 0; i < 200; i++) {
        step.now_us = INT64_C(1795458610508107) + i * INT64_C(123456789);
        struct step same = step;
        struct str id = step_stanza_id(&step);
        struct str plain = step_id(&same);
        char digits[15];
        snprintf(digits, sizeof(digits), "%014llx", (unsigned long long)step.now_us);
        assert_true(id.len == STANZA_ID_BYTES && memcmp(id.at, digits, 14) == 0);
        assert_memory_equal(id.at + 14, plain.at + 14, STANZA_ID_BYTES - 14);
        assert_true(str_empty(last) || memcmp(last.at, id.at, id.len) < 0);
        last = id;
    }
    arena_free(arena);
}

/* ---- states ---- */

/* @covers 0045#bizrules-message.no-room */
static void an_absent_room_refuses(void **state)
{
    struct world *world = *state;
    say(world, ROMEO, "<message to='" ROOM "' type='groupchat' id='m'><body>hi</body></message>");
    expect(world, ROMEO,
           "<message from='" ROOM
           "' id='m' type='error'>" CONDITION("cancel", "item-not-found") "</message>");
    say(world, ROMEO, "<iq to='" ROOM "' type='get' id='i'><ping xmlns='urn:xmpp:ping'/></iq>");
    expect(world, ROMEO,
           "<iq from='" ROOM
           "' id='i' type='error'>" CONDITION("cancel", "item-not-found") "</iq>");
    say(world, ROMEO, "<message to='" ROOM "/nobody' type='chat' id='p'><body>hi</body></message>");
    expect(world, ROMEO,
           "<message from='" ROOM
           "/nobody' id='p' type='error'>" CONDITION("cancel", "item-not-found") "</message>");
    assert_null(world_room(world, ROOM)); /* asking leaves nothing behind */
}

/* @covers 0045#bizrules-presence.ignored */
static void an_absent_room_ignores(void **state)
{
    struct world *world = *state;
    say(world, ROMEO, "<presence to='" ROOM "/Romeo' type='unavailable'/>");
    say(world, ROMEO, "<presence to='" ROOM "' type='error'><error type='cancel'/></presence>");
    say(world, ROMEO, "<message to='" ROOM "' type='error'><error type='cancel'/></message>");
    say(world, ROMEO, "<iq to='" ROOM "' type='result' id='x'/>");
    say(world, ROMEO, "<iq to='" ROOM "' type='error' id='x'><error type='cancel'/></iq>");
    say(world, ROMEO, "<presence to='" ROOM "' type='subscribe'/>");
    expect_nothing(world, ROMEO);
    assert_null(world_room(world, ROOM));
}

/* @covers 0045#enter-locked.refused 0045#createroom-general.created */
/* @covers 0045#bizrules-message.no-room */
static void a_locked_room_is_not_there_for_others(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    assert_int_equal(world_room(world, ROOM)->state, ROOM_LOCKED);
    join(world, JULIET, "Juliet");
    expect(
        world, JULIET,
        "<presence from='" ROOM "/Juliet' type='error'>" CONDITION(
            "cancel", "item-not-found") "<x xmlns='http://jabber.org/protocol/muc'/></presence>");
    say(world, JULIET, "<message to='" ROOM "' type='groupchat' id='m'><body>hi</body></message>");
    expect(world, JULIET,
           "<message id='m' type='error'>" CONDITION("cancel", "item-not-found") "</message>");
    say(world, JULIET,
        "<iq to='" ROOM "' type='get' id='i'>"
        "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    expect(world, JULIET, "<iq id='i' type='error'>" CONDITION("cancel", "item-not-found") "</iq>");
    expect_nothing(world, JULIET);
}

/* @covers 0045#createroom-general.unlocked 0045#createroom-instant.unlocked */
/* @covers 0045#createroom-reserved.result */
static void configuring_opens_it(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    hush(world);
    say(world, ROMEO, SUBMIT);
    expect(world, ROMEO, "<iq from='" ROOM "' id='c' type='result'/>");
    assert_int_equal(world_room(world, ROOM)->state, ROOM_OPEN);
    join(world, JULIET, "Juliet");
    expect(world, JULIET, "<presence from='" ROOM "/Romeo'/>");
    /* the alarm was put off with the lock: nothing happens when it would have rung */
    world_advance(world, (ROOM_LOCK_SECONDS + 1) * INT64_C(1000000));
    assert_int_equal(world_room(world, ROOM)->state, ROOM_OPEN);
}

static void it_opens_by_itself(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    world_advance(world, (ROOM_LOCK_SECONDS - 1) * INT64_C(1000000));
    assert_int_equal(world_room(world, ROOM)->state, ROOM_LOCKED);
    world_advance(world, 2 * INT64_C(1000000));
    assert_int_equal(world_room(world, ROOM)->state, ROOM_OPEN);
    join(world, JULIET, "Juliet");
    expect(world, JULIET, "<presence from='" ROOM "/Romeo'/>");
}

/* @covers 0045#createroom-reserved.left */
static void left_before_it_was_configured(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    world_client(world, ROMEO_2);
    join(world, ROMEO_2, "Romeo");
    hush(world);
    say(world, ROMEO, "<presence to='" ROOM "/Romeo' type='unavailable'/>"); /* and stays */
    expect(
        world, ROMEO,
        "<presence type='unavailable'>" X_USER("<item affiliation='owner' role='none' jid='" ROMEO
                                               "'/><status code='110'/>") "</presence>");
    hush(world);
    say(world, ROMEO_2, "<presence to='" ROOM "/Romeo' type='unavailable'/>");
    expect(world, ROMEO_2,
           "<presence type='unavailable'>" X_USER(
               "<destroy/><item affiliation='owner' role='none' jid='" ROMEO_2 "'/>"
               "<status code='110'/>") "</presence>");
    assert_null(world_room(world, ROOM));
    join(world, ROMEO, "Romeo");
    world_client_gone(world, ROMEO);
    assert_null(world_room(world, ROOM));
}

static void a_temporary_room_ends_with_its_last_occupant(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, JULIET, "Juliet");
    say(world, ROMEO, "<presence to='" ROOM "/Romeo' type='unavailable'/>");
    assert_non_null(world_room(world, ROOM));
    world_client_gone(world, JULIET);
    assert_null(world_room(world, ROOM));
}

static void a_persistent_room_stays(void **state)
{
    static const char *const options[] = {"persistent=on", NULL};
    UNUSED(state);
    struct world *world = world_with(false, options, NULL);
    join(world, ROMEO, "Romeo");
    say(world, ROMEO, "<message to='" ROOM "' type='groupchat'><body>remember</body></message>");
    say(world, ROMEO, "<presence to='" ROOM "/Romeo' type='unavailable'/>");
    const struct room *room = world_room(world, ROOM);
    assert_non_null(room);
    assert_int_equal(room->state, ROOM_OPEN);
    assert_false(room_forgettable(room));
    assert_int_equal(room->history.count, 1);
    assert_int_equal(room_affiliation_str(room, STR("romeo@localhost")), AFF_OWNER);
    join(world, JULIET, "Juliet"); /* not its creator */
    expect(world, JULIET,
           "<presence from='" ROOM
           "/Juliet'>" X_USER("<item affiliation='none' role='participant' jid='" JULIET
                              "'/>" STATUS_CODE("110")) "</presence>");
    world_free(world);
}

/* A room of the same name knows nothing of the one before; its occupant-ids are others. */
static void a_new_room_inherits_nothing(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    struct str first =
        str_copy(occupant_id(occupant_by_account(world_room(world, ROOM), STR("romeo@localhost"))));
    say(world, ROMEO, "<presence to='" ROOM "' type='unavailable'/>");
    join(world, JULIET, "Juliet");
    const struct room *room = world_room(world, ROOM);
    assert_int_equal(room_affiliation_str(room, STR("romeo@localhost")), AFF_NONE);
    assert_int_equal(room_affiliation_str(room, STR("juliet@localhost")), AFF_OWNER);
    join(world, ROMEO, "Romeo");
    struct str second = occupant_id(occupant_by_account(room, STR("romeo@localhost")));
    assert_int_equal(first.len, 32);
    assert_int_equal(second.len, 32);
    assert_false(str_eq(first, second));
    str_free(&first);
}

static void destroy(struct world *world, const char *inside)
{
    char xml[500];
    snprintf(xml, sizeof(xml),
             "<iq id='d' type='set' to='" ROOM "'>"
             "<query xmlns='http://jabber.org/protocol/muc#owner'>%s</query></iq>",
             inside);
    say(world, ROMEO, xml);
}

static void a_tombstone_stands(void **state)
{
    static const char *const admins[] = {"nurse@localhost", NULL};
    UNUSED(state);
    struct world *world = world_with(false, NULL, admins);
    join(world, ROMEO, "Romeo");
    destroy(world, "<destroy jid='hall@" WORLD_SERVICE "'><reason>Too small</reason></destroy>");
    assert_int_equal(world_room(world, ROOM)->state, ROOM_DESTROYED);
    say(world, JULIET, "<message to='" ROOM "' type='groupchat' id='m'><body>hi</body></message>");
    expect(world, JULIET,
           "<message from='" ROOM "' id='m' type='error'><error type='cancel' by='" ROOM "'>"
           "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:hall@" WORLD_SERVICE
           "?join</gone><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Too small</text>"
           "</error></message>");
    join(world, JULIET, "Juliet");
    expect(world, JULIET,
           "<presence from='" ROOM "/Juliet' type='error'><error type='cancel' by='" ROOM "'>"
           "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:hall@" WORLD_SERVICE
           "?join</gone></error><x xmlns='http://jabber.org/protocol/muc'/></presence>");
    say(world, JULIET, "<message to='" ROOM "' type='error'><error type='cancel'/></message>");
    expect_nothing(world, JULIET);
    join(world, NURSE, "Nurse"); /* an admin of the service may begin anew */
    assert_int_equal(world_room(world, ROOM)->state, ROOM_OPEN);
    world_free(world);
}

static void a_tombstone_falls(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    destroy(world, "<destroy/>");
    assert_int_equal(world_room(world, ROOM)->state, ROOM_DESTROYED);
    world_advance(world, INT64_C(1000000) * 86400 * TOMBSTONE_DAYS + 1);
    assert_null(world_room(world, ROOM));
    join(world, JULIET, "Juliet");
    assert_int_equal(world_room(world, ROOM)->state, ROOM_OPEN);
}

/* ---- every stanza ---- */

static void requests_that_are_none(void **state)
{
    static const char *const malformed[] = {
        "<iq to='" ROOM "' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq to='" ROOM "' type='get' id='i'/>",
        "<iq to='" ROOM "' type='set' id='i'><ping xmlns='urn:xmpp:ping'/><b xmlns='c'/></iq>",
        "<iq to='" ROOM "' type='gte' id='i'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq to='" ROOM "' id='i'><ping xmlns='urn:xmpp:ping'/></iq>",
    };
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    hush(world);
    for (unsigned i = 0; i < ARRAY_LEN(malformed); i++) {
        say(world, ROMEO, malformed[i]);
        expect(world, ROMEO,
               "<iq from='" ROOM "' type='error'>" CONDITION("modify", "bad-request") "</iq>");
    }
    say(world, ROMEO, "<iq to='" ROOM "/Romeo' type='get' id='i'/>");
    expect(world, ROMEO,
           "<iq from='" ROOM
           "/Romeo' id='i' type='error'>" CONDITION("modify", "bad-request") "</iq>");
    say(world, ROMEO, "<iq to='" ROOM "' type='set' id='i'><what xmlns='is:this'/></iq>");
    expect(world, ROMEO,
           "<iq from='" ROOM
           "' id='i' type='error'>" CONDITION("cancel", "service-unavailable") "</iq>");
    expect_nothing(world, ROMEO);
}

static void messages_that_are_not_for_all(void **state)
{
    static const char *const types[] = {"", "type='chat'", "type='headline'", "type='nonsense'"};
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, JULIET, "Juliet");
    hush(world);
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        char xml[200];
        snprintf(xml, sizeof(xml), "<message to='" ROOM "' id='m' %s><body>hi</body></message>",
                 types[i]);
        say(world, ROMEO, xml);
        expect(world, ROMEO,
               "<message from='" ROOM
               "' id='m' type='error'>" CONDITION("modify", "bad-request") "</message>");
    }
    say(world, ROMEO,
        "<message to='" ROOM "'><received xmlns='urn:xmpp:receipts' id='1'/>"
        "</message>");
    say(world, ROMEO,
        "<message to='" ROOM "'><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"
        "</message>");
    expect_nothing(world, ROMEO);
    expect_nothing(world, JULIET);
}

/* @covers 0045#message.reflect */
static void one_message_is_one_broadcast(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    for (unsigned i = 0; i < 200; i++) {
        char jid[40], nick[20];
        snprintf(jid, sizeof(jid), "user%u@localhost/r", i);
        snprintf(nick, sizeof(nick), "user %u", i);
        world_client(world, jid);
        join(world, jid, nick);
    }
    hush(world);
    say(world, ROMEO, "<message to='" ROOM "' type='groupchat' id='m'><body>all</body></message>");
    assert_int_equal(world_effects(world, FX_BROADCAST), 1);
    assert_int_equal(world_effects(world, FX_SEND), 0);
    assert_int_equal(world_effects(world, FX_SEND_LIST), 0);
    assert_int_equal(world_effects(world, FX_PUBLISH), 0);
    for (unsigned i = 0; i < 200; i++) {
        char jid[40];
        snprintf(jid, sizeof(jid), "user%u@localhost/r", i);
        assert_int_equal(world_unread(world, jid), 1);
        expect(world, jid,
               "<message from='" ROOM "/Romeo' type='groupchat' id='m'>"
               "<body>all</body></message>");
    }
}

/* ---- connections ---- */

/* @covers 0045#service-error-kick.others */
static void a_lost_connection(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, JULIET, "Juliet");
    hush(world);
    world_client_gone(world, JULIET);
    expect(world, ROMEO,
           "<presence from='" ROOM "/Juliet' type='unavailable'>" X_USER(STATUS_CODE(
               "333") "<item affiliation='none' role='none' jid='" JULIET "'/>") "</presence>");
    expect_nothing(world, ROMEO);
    assert_null(session_find(world_room(world, ROOM), STR(JULIET)));
}

/* The end of the old connection is reported after the same client has come back over a new one. */
static void a_newer_connection_stays(void **state)
{
    struct world *world = *state;
    join(world, JULIET, "Juliet");
    join(world, ROMEO, "Romeo");
    struct session *session = session_find(world_room(world, ROOM), STR(ROMEO));
    struct route old = session->route;
    world_client(world, ROMEO);
    say(world, ROMEO, "<message to='" ROOM "' type='groupchat' id='m'><body>back</body></message>");
    expect(world, ROMEO, "<message from='" ROOM "/Romeo' id='m'><body>back</body></message>");
    assert_false(route_eq(session->route, old));
    say(world, JULIET, "<message to='" ROOM "' type='groupchat'><body>hear</body></message>");
    expect(world, ROMEO, "<message from='" ROOM "/Juliet'><body>hear</body></message>");

    struct arena *arena = arena_new(1024);
    struct room *room = world_room(world, ROOM);
    struct step step = {.arena = arena, .env = room->env, .now_us = world_now(world)};
    struct event event = {.kind = EV_SESSION_GONE};
    event.session_gone.jid = session->jid;
    event.session_gone.route = old;
    muc_step(room, &event, &step);
    assert_int_equal(step.effects.count, 0);
    assert_ptr_equal(session_find(room, STR(ROMEO)), session);
    arena_free(arena);
}

/* @covers 0045#service-shutdown-kick.status */
static void the_service_stops(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    join(world, JULIET, "Juliet");
    join(world, ROMEO_2, "Romeo");
    hush(world);
    world_shutdown(world);
    expect(world, ROMEO,
           "<presence from='" ROOM "/Romeo' type='unavailable'>" X_USER(
               STATUS_CODE("332") "<item affiliation='owner' role='none' jid='" ROMEO "'/>"
                                  "<item affiliation='owner' role='none' jid='" ROMEO_2
                                  "'/>" STATUS_CODE("110")) "</presence>");
    expect(world, ROMEO_2, "<presence from='" ROOM "/Romeo' type='unavailable'/>");
    expect(world, JULIET,
           "<presence from='" ROOM "/Juliet' type='unavailable'>" X_USER(
               STATUS_CODE("332") "<item affiliation='none' role='none' jid='" JULIET
                                  "'/>" STATUS_CODE("110")) "</presence>");
    expect_nothing(world, ROMEO);
    expect_nothing(world, ROMEO_2);
    expect_nothing(world, JULIET);
    assert_int_equal(world_room(world, ROOM)->session_count, 0);
}

/* ---- memories ---- */

static struct frame *frame_made(struct arena *arena, size_t bytes)
{
    char *text = arena_alloc(arena, bytes + 1);
    memset(text, 'x', bytes);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR(ROOM), STR("groupchat"), STR_NONE);
    fb_leaf(&fb, NAME_BODY, NS_STANZA, str_of(text, bytes));
    return fb_finish(&fb);
}

static void add_history(struct room *room, struct arena *arena, size_t bytes, int64_t at_us)
{
    struct frame *frame = frame_made(arena, bytes);
    room_history_add(room, &(struct history_entry){.frame = frame, .at_us = at_us});
    frame_unref(frame);
    room_check(room);
}

/* Found by the room's id; what stands there instead counts as what it is. */
static void history_buries(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    struct room *room = world_room(world, ROOM);
    struct arena *arena = arena_new(4096);
    struct frame *small = frame_made(arena, 10), *large = frame_made(arena, 500 * 1024);
    room->options.history = 4;
    for (char i = 0; i < 3; i++) {
        struct history_entry entry = {.frame = small, .at_us = i};
        memset(entry.stanza_id, 'a' + i, sizeof(entry.stanza_id));
        room_history_add(room, &entry);
    }
    assert_null(room_history_find(room, STR("b")));
    assert_null(room_history_find(room, STR_NONE));
    struct history_entry *second = room_history_find(room, STR("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"));
    assert_ptr_equal(second, room_history_at(room, 1));
    room_history_bury(room, second, large);
    assert_ptr_equal(room_history_at(room, 1)->frame, large);
    assert_true(room_history_at(room, 1)->retracted && !room_history_at(room, 0)->retracted);
    assert_int_equal(room->history.bytes, 2 * small->size + large->size);
    room_check(room);
    frame_unref(small);
    frame_unref(large);
    arena_free(arena);
}

/* A tombstone that is larger than its message does not break the limit. */
static void history_stays_bounded(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    struct room *room = world_room(world, ROOM);
    struct arena *arena = arena_new(4096);
    struct frame *tombstone = frame_made(arena, 1000);
    room->options.history = 100;
    for (int64_t i = 0; i < 4; i++)
        add_history(room, arena, ROOM_HISTORY_BYTES_MAX / 4 - 600, i);
    add_history(room, arena, 10, 4);
    assert_int_equal(room->history.count, 5);
    struct history_entry *last = &room->history.ring[room->history.start + 4];
    room_history_bury(room, last, tombstone);
    assert_int_equal(room->history.count, 5);
    struct history_entry *again = &room->history.ring[room->history.start + 4];
    struct frame *larger = frame_made(arena, 5000);
    room_history_bury(room, again, larger);
    assert_int_equal(room->history.count, 4); /* the oldest had to go */
    assert_ptr_equal(room_history_at(room, 3)->frame, larger);
    room_check(room);
    frame_unref(tombstone);
    frame_unref(larger);
    arena_free(arena);
}

static void history_keeps_the_last(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    struct room *room = world_room(world, ROOM);
    struct arena *arena = arena_new(4096);
    room->options.history = 5;
    for (int64_t i = 1; i <= 12; i++) {
        add_history(room, arena, 10, i);
        assert_int_equal(room->history.count, i < 5 ? i : 5);
        assert_int_equal(room_history_at(room, room->history.count - 1)->at_us, i);
        assert_int_equal(room_history_at(room, 0)->at_us, i < 5 ? 1 : i - 4);
    }
    room->options.history = 9; /* the ring grows while it is wrapped */
    for (int64_t i = 13; i <= 30; i++)
        add_history(room, arena, 10, i);
    assert_int_equal(room->history.count, 9);
    assert_int_equal(room_history_at(room, 0)->at_us, 22);
    room->options.history = 2;
    room_history_trim(room);
    room_check(room);
    assert_int_equal(room->history.count, 2);
    assert_int_equal(room_history_at(room, 0)->at_us, 29);
    room->options.history = 0;
    room_history_trim(room);
    add_history(room, arena, 10, 31);
    assert_int_equal(room->history.count, 0);
    arena_free(arena);
}

static void history_is_bounded_in_bytes(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    struct room *room = world_room(world, ROOM);
    struct arena *arena = arena_new(4096);
    room->options.history = ROOM_HISTORY_MAX;
    for (int64_t i = 1; i <= 40; i++)
        add_history(room, arena, STANZA_BYTES_MAX, i);
    assert_true(room->history.bytes <= ROOM_HISTORY_BYTES_MAX);
    assert_true(room->history.bytes + STANZA_BYTES_MAX + 200 > ROOM_HISTORY_BYTES_MAX);
    assert_int_equal(room_history_at(room, room->history.count - 1)->at_us, 40);
    arena_free(arena);
}

static void memories_are_bounded(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    struct room *room = world_room(world, ROOM);
    char jid[40];
    for (unsigned i = 0; i < ROOM_ROLES_KEPT_MAX + 10; i++) {
        snprintf(jid, sizeof(jid), "user%u@localhost", i);
        room_keep_role(room, str_z(jid), ROLE_VISITOR);
        room_invite_keep(room, str_z(jid), STR("romeo@localhost"), STR("i"));
    }
    room_check(room);
    assert_int_equal(room->roles_kept.count, ROOM_ROLES_KEPT_MAX);
    assert_int_equal(room_kept_role(room, STR("user9@localhost")), ROLE_NONE); /* the oldest */
    assert_int_equal(room_kept_role(room, STR("user10@localhost")), ROLE_VISITOR);
    room_keep_role(room, STR("user10@localhost"), ROLE_PARTICIPANT);
    assert_int_equal(room_kept_role(room, STR("user10@localhost")), ROLE_PARTICIPANT);
    room_keep_role(room, STR("user10@localhost"), ROLE_NONE);
    assert_int_equal(room_kept_role(room, STR("user10@localhost")), ROLE_NONE);

    assert_int_equal(room->invited.count, ROOM_INVITED_MAX);
    assert_null(room_invited(room, STR("user9@localhost")));
    assert_true(str_eqz(room_invited(room, STR("user10@localhost"))->by, "romeo@localhost"));
    room_invite_keep(room, STR("user10@localhost"), STR("juliet@localhost"), STR_NONE);
    assert_true(str_eqz(room_invited(room, STR("user10@localhost"))->by, "juliet@localhost"));
    room_invite_forget(room, STR("user10@localhost"));
    assert_null(room_invited(room, STR("user10@localhost")));

    for (unsigned i = 0; i < ROOM_VOICE_PENDING_MAX; i++) {
        snprintf(jid, sizeof(jid), "user%u@localhost", i);
        assert_true(room_voice_keep(room, str_z(jid), str_z(jid)));
        assert_true(room_voice_keep(room, str_z(jid), str_z(jid))); /* again: still one */
    }
    assert_false(room_voice_keep(room, STR("more@localhost"), STR("more@localhost/r")));
    room_voice_forget(room, STR("user0@localhost"));
    assert_true(room_voice_keep(room, STR("more@localhost"), STR("more@localhost/r")));

    for (unsigned i = 0; i < ROOM_ASKED_MAX; i++) {
        snprintf(jid, sizeof(jid), "user%u@localhost", i);
        room_asked(room, str_z(jid), ASKED_VOICE, i + 1);
    }
    room_asked(room, STR("user0@localhost"), ASKED_REGISTRATION, 5000); /* no longer the oldest */
    room_asked(room, STR("more@localhost"), ASKED_VOICE, 5001);
    assert_int_equal(room->asked->count, ROOM_ASKED_MAX);
    assert_int_equal(room_asked_us(room, STR("user0@localhost"), ASKED_REGISTRATION), 5000);
    assert_int_equal(room_asked_us(room, STR("user0@localhost"), ASKED_VOICE), 1);
    assert_int_equal(room_asked_us(room, STR("user1@localhost"), ASKED_VOICE), 0);
    room_check(room);
}

/* ---- affiliations ---- */

static void set_affiliations(struct room *room, struct affiliation_change *items, unsigned count)
{
    struct change change = {
        .kind = CHANGE_AFFILIATIONS,
        .affiliations = items,
        .affiliation_count = count,
    };
    change_apply(room, &change);
    room_check(room);
}

static struct affiliation_change item(const char *jid, enum affiliation before,
                                      enum affiliation after, const char *nick)
{
    return (struct affiliation_change){
        .jid = str_z(jid),
        .before = before,
        .after = after,
        .set_nick = nick != NULL,
        .nick = str_z(nick),
    };
}

/* @covers 0045#modifyban.order */
static void who_is_what(void **state)
{
    static const char *const admins[] = {"nurse@localhost", NULL};
    UNUSED(state);
    struct world *world = world_with(false, NULL, admins);
    join(world, ROMEO, "Romeo");
    struct room *room = world_room(world, ROOM);
    struct affiliation_change items[] = {
        item("evil.example", AFF_NONE, AFF_OUTCAST, NULL),
        item("good@evil.example", AFF_NONE, AFF_MEMBER, NULL),
        item("nurse@localhost", AFF_NONE, AFF_OUTCAST, NULL),
    };
    set_affiliations(room, items, ARRAY_LEN(items));
    assert_int_equal(room_affiliation_str(room, STR("romeo@localhost")), AFF_OWNER);
    assert_int_equal(room_affiliation_str(room, STR("juliet@localhost")), AFF_NONE);
    assert_int_equal(room_affiliation_str(room, STR("bad@evil.example")), AFF_OUTCAST);
    assert_int_equal(room_affiliation_str(room, STR("good@evil.example")), AFF_MEMBER);
    assert_int_equal(room_affiliation_str(room, STR("bad@sub.evil.example")), AFF_NONE);
    assert_int_equal(room_affiliation_str(room, STR("nurse@localhost")), AFF_OWNER);
    world_free(world);
}

/* @covers 0045#ban.nick */
static void reserved_nicknames_change_hands(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    struct room *room = world_room(world, ROOM);
    struct affiliation_change first[] = {
        item("a@localhost", AFF_NONE, AFF_MEMBER, "Ariel"),
        item("b@localhost", AFF_NONE, AFF_ADMIN, "Banquo"),
    };
    set_affiliations(room, first, ARRAY_LEN(first));
    assert_true(str_eqz(room_nick_owner(room, STR("ariel"))->jid, "a@localhost"));
    struct affiliation_change swap[] = {
        item("a@localhost", AFF_MEMBER, AFF_MEMBER, "Banquo"),
        item("b@localhost", AFF_ADMIN, AFF_ADMIN, "Ariel"),
    };
    set_affiliations(room, swap, ARRAY_LEN(swap));
    assert_true(str_eqz(room_nick_owner(room, STR("ariel"))->jid, "b@localhost"));
    assert_true(str_eqz(room_nick_owner(room, STR("banquo"))->jid, "a@localhost"));
    struct affiliation_change last[] = {
        item("a@localhost", AFF_MEMBER, AFF_OUTCAST, NULL), /* a ban frees the nickname */
        item("b@localhost", AFF_ADMIN, AFF_NONE, NULL),     /* and so does a removal */
    };
    set_affiliations(room, last, ARRAY_LEN(last));
    assert_null(room_nick_owner(room, STR("ariel")));
    assert_null(room_nick_owner(room, STR("banquo")));
    assert_null(room_affiliate(room, STR("b@localhost")));
}

static void a_change_of_affiliation_forgets_voice(void **state)
{
    struct world *world = *state;
    join(world, ROMEO, "Romeo");
    struct room *room = world_room(world, ROOM);
    room_keep_role(room, STR("a@localhost"), ROLE_VISITOR);
    struct affiliation_change grant = item("a@localhost", AFF_NONE, AFF_MEMBER, NULL);
    set_affiliations(room, &grant, 1);
    assert_int_equal(room_kept_role(room, STR("a@localhost")), ROLE_NONE);
}

#define OPEN(name)   cmocka_unit_test_setup_teardown(name, open_world, close_world)
#define LOCKED(name) cmocka_unit_test_setup_teardown(name, locked_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_two_hashes),
        cmocka_unit_test(stanza_ids_rise),
        OPEN(an_absent_room_refuses),
        OPEN(an_absent_room_ignores),
        LOCKED(a_locked_room_is_not_there_for_others),
        LOCKED(configuring_opens_it),
        LOCKED(it_opens_by_itself),
        LOCKED(left_before_it_was_configured),
        OPEN(a_temporary_room_ends_with_its_last_occupant),
        cmocka_unit_test(a_persistent_room_stays),
        OPEN(a_new_room_inherits_nothing),
        cmocka_unit_test(a_tombstone_stands),
        OPEN(a_tombstone_falls),
        OPEN(requests_that_are_none),
        OPEN(messages_that_are_not_for_all),
        OPEN(one_message_is_one_broadcast),
        OPEN(a_lost_connection),
        OPEN(a_newer_connection_stays),
        OPEN(the_service_stops),
        OPEN(history_keeps_the_last),
        OPEN(history_is_bounded_in_bytes),
        OPEN(history_buries),
        OPEN(history_stays_bounded),
        OPEN(memories_are_bounded),
        cmocka_unit_test(who_is_what),
        OPEN(reserved_nicknames_change_hands),
        OPEN(a_change_of_affiliation_forgets_voice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
