/*
 * Rows that this and earlier versions have written, rows of versions to come, rows that nobody has
 * written; and who is inside of a room that comes back.
 */
#include "tests/support/log_ear.h"
#include "tests/support/record_world.h"
#include "tests/support/room_text.h"

#include "core/base/err.h"
#include "core/muc/attendance.h"
#include "core/muc/outage.h"
#include "core/muc/presence.h"
#include "core/muc/rate.h"
#include "core/muc/restore.h"
#include "core/record/value.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define JULIET "juliet@example.org"
#define NURSE  "nurse@example.org"
#define ROMEO  "romeo@example.org"

static int open_world(void **state)
{
    struct record_world *world = record_world_new();
    *state = world;
    record_create(world);
    return 0;
}

static int close_world(void **state)
{
    record_world_free(*state);
    return 0;
}

/* ---- what version 1 has written, for ever ---- */

static const struct {
    char kind;
    const char *key;
    const char *hex;
} version_1[] = {
    {'h', "",
     "010280e9e98ebf90a20612726f6d656f406578616d706c652e6f726700081018202830384048"
     "50586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8"},
    {'o', "",
     "013201046f666626046f666602036f6e03036f6e04046f66662e036f6e05036f6e06036f6e07"
     "07616e796f6e6508046f66662a07616e796f6e652d03313525046f666627036f6e09046f6666"
     "28046f666629010a036f6e0b036f6e0c023032036f6e31046f66660d086d656d626572730e04"
     "6f66660f046f66661006436166c3a91100120013036f6e14036f6e15046f666616046f666624"
     "046f666622002100230017077333637265742f056e6f6e6518046f666619166d6f6465726174"
     "6f722c7061727469636970616e741a046f6666300a6175746f6d617469631b056e6f6e651c0b"
     "6d6f64657261746f72731d1e76697369746f722c7061727469636970616e742c6d6f64657261"
     "746f721e046f66662c02301f033230200332302b046f6666"},
    {'a', "romeo@example.org", "01050000"},
    {'a', "juliet@example.org", "0103074ac3bc6c69610a74776f0a6c696e6573"},
    {'a', "example.com", "01020000"},
    {'a', "nurse@example.org", "01040000"},
    {'c', "",
     "012d3c764361726420786d6c6e733d2776636172642d74656d70273e3c464e3e4c3c2f464e3e"
     "3c2f76436172643e012930313233343536373839616263646566303132333435363738396162"
     "636465663031323334353637"},
    {'s', "",
     "010080e9d48fbf90a2060842616c636f6e794a9a01a5013c6d6573736167652066726f6d3d27"
     "6c6f756e676540726f6f6d732e6578616d706c652f526f6d656f2720747970653d2767726f75"
     "7063686174272069643d2769642661706f733b312720786d6c3a6c616e673d27656e273e3c73"
     "75626a6563743e42616c636f6e793c2f7375626a6563743e3c7375626a65637420786d6c3a6c"
     "616e673d276672273e42616c636f6e3c2f7375626a6563743e3c2f6d6573736167653e"},
    {'r', "peter@example.org", "010650657465720506506574657200000004610a62"},
    {'m', "",
     "01010e61406578616d706c652e6f726702010e63406578616d706c652e6f726712726f6d656f"
     "406578616d706c652e6f7267010e62406578616d706c652e6f72671062406578616d706c652e"
     "6f72672f78"},
    {'p', "juliet@example.org/pda",
     "0101074ac3bc6c696103030d123c73686f773e617761793c2f73686f773e0369740000"},
    {'p', "romeo@example.org/a", "010206526f6d656f04050000000000"},
};

/* What has to be said of that room; later versions may have more to say. */
static const char *const version_1_room[] = {
    "affiliation example.com 0, -, -, -, -",
    "affiliation juliet@example.org 2, =J\xc3"
    "\xbc"
    "lia, =j\xc3"
    "\xbc"
    "lia, =6b0e021e5a41cc69e32b8fd0a1174e34, =two\nlines",
    "affiliation nurse@example.org 3, -, -, -, -",
    "affiliation romeo@example.org 4, -, -, -, -",
    "card =<vCard xmlns='vcard-temp'><FN>L</FN></vCard>",
    "card photo 0 0123456789abcdef0123456789abcdef01234567",
    "created 1763900000123456 by =romeo@example.org",
    "invited c@example.org by romeo@example.org",
    "occupant lounge@rooms.example/J\xc3"
    "\xbc"
    "lia of juliet@example.org: 2 2, key j\xc3"
    "\xbc"
    "lia, id 6b0e021e5a41cc69e32b8fd0a1174e34",
    "occupant lounge@rooms.example/Romeo of romeo@example.org: 3 4, key romeo, id "
    "14ff6561c7492a4205db947a1bb2d37b",
    "option absent_role =off",
    "option allow_invites =on",
    "option allow_pm =anyone",
    "option allow_query =on",
    "option allow_register =off",
    "option approve_registration =off",
    "option archive =off",
    "option broadcast =visitor,participant,moderator",
    "option change_subject =off",
    "option conceal =off",
    "option contact =",
    "option description =",
    "option destroy_item_none =off",
    "option history =20",
    "option history_default =20",
    "option invite_members =on",
    "option kick_equals =on",
    "option language =",
    "option logged =off",
    "option logs_url =",
    "option many_sessions =on",
    "option max_users =none",
    "option member_list =moderator,participant",
    "option members_only =off",
    "option moderated =off",
    "option moderator_pm =off",
    "option name =Caf\xc3"
    "\xa9"
    "",
    "option newcomers =automatic",
    "option outside_admins =off",
    "option own_corrections =off",
    "option password =s3cret",
    "option password_bypass =none",
    "option persistent =on",
    "option ping_minutes =15",
    "option public =on",
    "option public_list =off",
    "option pubsub =",
    "option quiet_above =0",
    "option register_fields =",
    "option registration =on",
    "option reserved_nick_only =off",
    "option see_all =off",
    "option since_exclusive =off",
    "option tell_absent =members",
    "option visitor_nick_change =on",
    "option visitor_pm =anyone",
    "option visitor_status =on",
    "option voice_request_min_interval =0",
    "option voice_requests =on",
    "option whois =moderators",
    "owners 1",
    "role a@example.org 1",
    "secret 0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8",
    "session juliet@example.org/pda in lounge@rooms.example/J\xc3"
    "\xbc"
    "lia, 1: -7 =<show>away</show> =it, 1 1 0",
    "session romeo@example.org/a in lounge@rooms.example/Romeo, 2: 0 - -, 1 1 0",
    "state 2",
    "subject at 1763900001000000 =Balcony",
    "subject frame 74, 154: <message from='lounge@rooms.example/Romeo' type='groupchat' "
    "id='id&apos;1' xml:lang='en'><subject>Balcony</subject><subject "
    "xml:lang='fr'>Balcon</subject></message>",
    "voice b@example.org b@example.org/x",
    "waits peter@example.org 0 =Peter",
    "waits peter@example.org 1 -",
    "waits peter@example.org 2 -",
    "waits peter@example.org 3 -",
    "waits peter@example.org 4 =a\nb",
    "waits peter@example.org =Peter",
};

static struct str bytes_of(struct arena *arena, const char *hex)
{
    struct buf out;
    buf_init(&out, arena);
    for (; hex[0] != '\0'; hex += 2) {
        unsigned high = (unsigned)(hex[0] <= '9' ? hex[0] - '0' : hex[0] - 'a' + 10);
        unsigned low = (unsigned)(hex[1] <= '9' ? hex[1] - '0' : hex[1] - 'a' + 10);
        put_byte(&out, high << 4 | low);
    }
    return buf_str(&out);
}

static void put_version_1(struct record_world *world)
{
    struct buf batch;
    struct record_item item = {.op = RECORD_WIPE};
    buf_init(&batch, world->arena);
    record_add(&batch, &item);
    for (unsigned i = 0; i < ARRAY_LEN(version_1); i++) {
        item.op = RECORD_PUT;
        item.kind = (enum record_kind)version_1[i].kind;
        item.key = str_z(version_1[i].key);
        item.value = bytes_of(world->arena, version_1[i].hex);
        record_add(&batch, &item);
    }
    record_keep(world, buf_str(&batch));
}

static void version_1_is_read_for_ever(void **state)
{
    struct record_world *world = *state;
    put_version_1(world);
    struct room *room = record_reload(world);
    const char *text = str_fmt(world->arena, "\n%s", room_text(room, world->arena)).at;
    for (unsigned i = 0; i < ARRAY_LEN(version_1_room); i++) {
        const char *line = str_fmt(world->arena, "\n%s\n", version_1_room[i]).at;
        if (strstr(text, line) == NULL)
            fail_msg("not there: %s\nin: %s", version_1_room[i], text);
    }
    /* It does not say whether it was archived before; a room that persists may have been. */
    assert_true(room->was_archived);
    room_free(room);
}

static void a_version_1_tombstone_is_read_for_ever(void **state)
{
    struct record_world *world = *state;
    struct record_row row = {.kind = RECORD_HEAD, .key = STR("")};
    struct stored_room stored;
    const char *why = NULL;
    row.value = bytes_of(world->arena, "0103808081aabdbcdb06046e40780476616e");
    assert_int_equal(record_read(world->arena, &row, 1, &stored, &why), ERR_OK);
    assert_int_equal(stored.change_count, 1);
    assert_int_equal(stored.changes[0].kind, CHANGE_DESTROY);
    assert_true(stored.changes[0].destroy.until_us == INT64_C(1890000000000000));
    assert_true(str_eqz(stored.changes[0].destroy.alternate, "n@x"));
    assert_true(str_eqz(stored.changes[0].destroy.reason, "van"));
}

/* ---- versions to come ---- */

static struct str with_end(struct record_world *world, struct str value, char version,
                           const char *end)
{
    struct buf out;
    buf_init(&out, world->arena);
    buf_addc(&out, version);
    buf_add(&out, str_of(value.at + 1, value.len - 1));
    buf_addz(&out, end);
    return buf_str(&out);
}

static int read_as(struct record_world *world, char version, const char *end, const char **why)
{
    struct stored_room stored;
    struct record_row rows[ARRAY_LEN(version_1)];
    unsigned count = world->row_count;
    assert_true(count <= ARRAY_LEN(rows));
    for (unsigned i = 0; i < count; i++) {
        rows[i] = world->rows[i];
        rows[i].value = with_end(world, rows[i].value, version, end);
    }
    return record_read(world->arena, rows, count, &stored, why);
}

static void what_a_newer_version_adds_is_skipped(void **state)
{
    struct record_world *world = *state;
    const char *why = NULL;
    assert_int_equal(read_as(world, VALUE_VERSION, "", &why), ERR_OK);
    assert_int_equal(read_as(world, VALUE_VERSION + 1, "more of it", &why), ERR_OK);
    assert_int_equal(read_as(world, 127, "", &why), ERR_OK);
    /* No version of ours has anything behind what it says, nor less than it has. */
    assert_int_equal(read_as(world, VALUE_VERSION, "x", &why), ERR_INVALID);
    assert_int_equal(read_as(world, 1, "", &why), ERR_INVALID);
    assert_int_equal(read_as(world, 0, "", &why), ERR_INVALID);
    put_version_1(world);
    assert_int_equal(read_as(world, 1, "", &why), ERR_OK);
    assert_int_equal(read_as(world, 1, "x", &why), ERR_INVALID);
    assert_int_equal(read_as(world, VALUE_VERSION, "", &why), ERR_INVALID);
}

static void unknown_options_and_kinds_are_left_out(void **state)
{
    struct record_world *world = *state;
    struct log_ear heard = LOG_EAR;
    struct record_row rows[4];
    struct stored_room stored;
    const char *why = NULL;
    unsigned count = world->row_count;
    assert_int_equal(count, 3);
    memcpy(rows, world->rows, count * sizeof(*rows));
    for (unsigned i = 0; i < count; i++) {
        struct buf value;
        if (rows[i].kind != RECORD_OPTIONS)
            continue;
        buf_init(&value, world->arena);
        put_byte(&value, VALUE_VERSION);
        put_number(&value, 2);
        put_number(&value, 4711);
        put_text(&value, STR("whatever"));
        put_number(&value, OPTION_ID_NAME);
        put_text(&value, STR("Lounge"));
        put_byte(&value, 1);
        rows[i].value = buf_str(&value);
    }
    log_set_sink(&heard.sink);
    assert_int_equal(record_read(world->arena, rows, count, &stored, &why), ERR_OK);
    assert_int_equal(heard.lines, 1);
    assert_non_null(strstr(heard.last, "4711"));
    /* What is not said is as presets have it. */
    assert_true(str_eqz(stored.changes[0].options->name, "Lounge"));
    assert_false(stored.changes[0].options->persistent);
    assert_true(stored.changes[0].options->is_public);
    assert_true(stored.changes[0].create.archived);

    rows[count] = (struct record_row){(enum record_kind)'z', STR("k"), STR("v")};
    assert_int_equal(record_read(world->arena, rows, count + 1, &stored, &why), ERR_OK);
    log_set_sink(NULL);
    assert_int_equal(heard.lines, 3);
}

/* ---- rows that cannot be read ---- */

static void expect_unread(struct record_world *world, const struct record_row *more,
                          const char *reason)
{
    struct record_row rows[32];
    struct stored_room stored;
    const char *why = NULL;
    unsigned count = world->row_count;
    memcpy(rows, world->rows, count * sizeof(*rows));
    if (more != NULL)
        rows[count++] = *more;
    assert_int_equal(record_read(world->arena, rows, count, &stored, &why), ERR_INVALID);
    assert_non_null(why);
    if (strstr(why, reason) == NULL)
        fail_msg("%s: not about %s", why, reason);
    assert_int_equal(stored.change_count, 0);
}

static struct record_row affiliation_row(struct record_world *world, const char *jid,
                                         enum affiliation after, const char *nick)
{
    struct buf value;
    struct affiliation_change item = {.after = after, .nick = str_z(nick)};
    buf_init(&value, world->arena);
    put_affiliation(&value, &item);
    return (struct record_row){RECORD_AFFILIATION, str_z(jid), buf_str(&value)};
}

static void bad_rows_are_told(void **state)
{
    struct record_world *world = *state;
    struct record_row row = affiliation_row(world, JULIET, AFF_MEMBER, "Juliet");
    record_commit(world, record_affiliation(world, NURSE, AFF_MEMBER));
    put_version_1(world);

    row = affiliation_row(world, "Juliet@example.org", AFF_MEMBER, NULL);
    expect_unread(world, &row, "no address");
    row = affiliation_row(world, "a@example.org/x", AFF_MEMBER, NULL);
    expect_unread(world, &row, "no address");
    row = affiliation_row(world, "b@example.org", AFF_MEMBER, "J\xc3\x9cLIA");
    expect_unread(world, &row, "somebody else has too");
    row = affiliation_row(world, "b@example.org", AFF_MEMBER, "a\xe2\x80\x8b");
    expect_unread(world, &row, "b@example.org has a nickname that cannot be one");
    row = affiliation_row(world, "b@example.org", AFF_OUTCAST, "b");
    expect_unread(world, &row, "nickname");
    row = affiliation_row(world, "b@example.org", AFF_MEMBER, "\xff");
    expect_unread(world, &row, "the affiliation of b@example.org cannot be read");
    row = affiliation_row(world, "b@example.org", AFF_NONE, NULL);
    expect_unread(world, &row, "cannot be read");
    row = *record_row(world, RECORD_HEAD);
    expect_unread(world, &row, "the room's head is there twice");
    row = *record_row(world, RECORD_SESSION);
    row.key = STR("a@example.org");
    expect_unread(world, &row, "no address");
    row = *record_row(world, RECORD_REGISTRATION);
    row.key = STR("a@example.org/x");
    expect_unread(world, &row, "no address");
}

static void without(struct record_world *world, enum record_kind kind)
{
    struct buf batch;
    struct record_item item = {.op = RECORD_CLEAR, .kind = kind};
    put_version_1(world);
    buf_init(&batch, world->arena);
    record_add(&batch, &item);
    record_keep(world, buf_str(&batch));
}

static void missing_rows_are_told(void **state)
{
    struct record_world *world = *state;
    without(world, RECORD_HEAD);
    expect_unread(world, NULL, "the room's head is missing");
    without(world, RECORD_OPTIONS);
    expect_unread(world, NULL, "the configuration is missing");
    without(world, RECORD_AFFILIATION);
    expect_unread(world, NULL, "no owner");
    without(world, RECORD_SUBJECT);
    room_free(record_reload(world)); /* it has none */
    world->row_count = 0;
    expect_unread(world, NULL, "missing");
}

static void an_impossible_option_is_told(void **state)
{
    struct record_world *world = *state;
    struct buf value;
    put_version_1(world);
    buf_init(&value, world->arena);
    put_byte(&value, VALUE_VERSION);
    put_number(&value, 1);
    put_number(&value, OPTION_ID_HISTORY);
    put_text(&value, STR("501"));
    record_row(world, RECORD_OPTIONS)->value = buf_str(&value);
    expect_unread(world, NULL, "the option \"history\" must be a number from 0 to 500");
}

static void no_more_than_a_room_can_have(void **state)
{
    struct record_world *world = *state;
    struct record_row *rows =
        ARENA_NEW_ARRAY(world->arena, struct record_row, ROOM_REGISTERING_MAX + 10);
    struct stored_room stored;
    const char *why = NULL;
    struct buf value;
    struct registration wanted = {.nick = STR("n")};
    unsigned count = world->row_count;
    buf_init(&value, world->arena);
    put_registration(&value, &wanted);
    memcpy(rows, world->rows, count * sizeof(*rows));
    for (unsigned i = 0; i < ROOM_REGISTERING_MAX; i++, count++) {
        rows[count].kind = RECORD_REGISTRATION;
        rows[count].key = str_fmt(world->arena, "a%u@example.org", i);
        rows[count].value = buf_str(&value);
    }
    assert_int_equal(record_read(world->arena, rows, count, &stored, &why), ERR_OK);
    rows[count] = rows[count - 1];
    rows[count].key = STR("one@more.example");
    assert_int_equal(record_read(world->arena, rows, count + 1, &stored, &why), ERR_INVALID);
}

/* Bans are let in over what admins may add: a room that has them all comes back. */
static void a_room_with_all_it_may_have_is_read(void **state)
{
    struct record_world *world = *state;
    const unsigned most = ROOM_AFFILIATIONS_MAX + ROOM_BANS_RESERVE;
    struct record_row *rows = ARENA_NEW_ARRAY(world->arena, struct record_row, most + 10);
    struct stored_room stored;
    const char *why = NULL;
    unsigned count = world->row_count;
    memcpy(rows, world->rows, count * sizeof(*rows));
    for (unsigned i = 1; i < most; i++) { /* and the creator */
        const char *jid = str_fmt(world->arena, "u%u@example.net", i).at;
        enum affiliation after = i < ROOM_AFFILIATIONS_MAX ? AFF_MEMBER : AFF_OUTCAST;
        rows[count++] = affiliation_row(world, jid, after, NULL);
    }
    assert_int_equal(record_read(world->arena, rows, count, &stored, &why), ERR_OK);
    assert_int_equal(stored.changes[0].affiliation_count, most);
    rows[count++] = affiliation_row(world, "more@example.net", AFF_OUTCAST, NULL);
    assert_int_equal(record_read(world->arena, rows, count, &stored, &why), ERR_INVALID);
    assert_non_null(strstr(why, "more affiliations"));
}

/* ---- what is to be buried ---- */

#define BURIAL_KEY                                                                                 \
    "0123456789abcdef0123456789abcdef"                                                             \
    "fedcba9876543210fedcba9876543210"

static void what_is_to_be_buried(void **state)
{
    struct record_world *world = *state;
    struct record_row rows[ROOM_BURIALS_MAX + 10];
    struct record_row row = {.kind = RECORD_BURIAL, .key = STR(BURIAL_KEY)};
    struct stored_room stored;
    const char *why = NULL;
    unsigned count = world->row_count;
    assert_true(count < 9);
    memcpy(rows, world->rows, count * sizeof(*rows));
    row.value = bytes_of(world->arena, "02808090bd90e6eb02037231"); /* version 2 */
    rows[count] = row;
    assert_int_equal(record_read(world->arena, rows, count + 1, &stored, &why), ERR_OK);
    const struct change *change = &stored.changes[stored.change_count - 1];
    assert_int_equal(change->kind, CHANGE_BURIAL);
    assert_false(change->burial.over);
    assert_true(str_eqz(burial_key(change->burial.of), BURIAL_KEY));
    assert_true(str_eqz(change->burial.of->id, "r1"));
    assert_true(change->burial.of->at_us == INT64_C(800000000000000));

    for (unsigned i = 0; i <= ROOM_BURIALS_MAX; i++) {
        rows[count + i] = row;
        rows[count + i].key = str_fmt(world->arena, "%064x", i);
    }
    assert_int_equal(record_read(world->arena, rows, count + ROOM_BURIALS_MAX, &stored, &why),
                     ERR_OK);
    assert_int_equal(record_read(world->arena, rows, count + ROOM_BURIALS_MAX + 1, &stored, &why),
                     ERR_INVALID);
    row.value = STR("\xff");
    expect_unread(world, &row, "the message to be buried of " BURIAL_KEY " cannot be read");
    static const char *const none[] = {"", "0123", BURIAL_KEY "0",
                                       ("g123456789abcdef0123456789abcdef"
                                        "fedcba9876543210fedcba9876543210")};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        row.key = str_z(none[i]);
        expect_unread(world, &row, "an id that none has");
    }
}

/* ---- who is inside ---- */

static void remember(struct record_world *world, const char *full_jid)
{
    struct buf batch;
    buf_init(&batch, world->arena);
    record_session(&batch, world->arena, world->room, str_z(full_jid));
    record_keep(world, buf_str(&batch));
}

static struct session *inside(struct record_world *world, const char *full_jid, const char *nick,
                              enum role role)
{
    struct session *session = record_enter(world, full_jid, nick, role);
    remember(world, full_jid);
    return session;
}

/* Made of the rows, with what the step asks for. */
static struct room *back(struct record_world *world, struct step *step, bool reachable)
{
    struct stored_room stored;
    const char *why = NULL;
    assert_int_equal(record_read(world->arena, world->rows, world->row_count, &stored, &why),
                     ERR_OK);
    for (unsigned i = 0; i < stored.session_count; i++)
        stored.sessions[i].route = reachable ? (struct route){1, 1, 0} : ROUTE_NONE;
    struct room *room = record_room(world);
    *step = (struct step){.arena = world->arena, .env = &world->env, .now_us = 1000};
    room_restore(room, step, &stored);
    rate_watch(room, step); /* as at the end of any step */
    room_check(room);
    return room;
}

/* One session, of which the store is told that it is gone. */
static void expect_left_out(struct record_world *world, bool reachable, const char *full_jid)
{
    struct step step;
    unsigned told = 0;
    struct room *room = back(world, &step, reachable);
    assert_null(session_find(room, str_z(full_jid)));
    attendance_tell(room, &step);
    for (uint32_t i = 0; i < step.effects.count; i++) {
        const struct effect *effect = &step.effects.at[i];
        if (effect->kind != FX_SESSION)
            continue;
        assert_true(str_eqz(effect->session.jid, full_jid));
        told++;
    }
    assert_int_equal(told, 1);
    room_free(room);
}

/* Others believe that it is inside, and it does: it is about to be put out, with that status. */
static void expect_to_go(struct record_world *world, const char *full_jid, uint32_t status)
{
    struct step step;
    struct room *room = back(world, &step, true);
    const struct session *session = session_find(room, str_z(full_jid));
    assert_non_null(session);
    assert_true(session_is_cut_off(session) && !session->gone);
    assert_int_equal(outage_bars(room, session->occupant), status);
    assert_int_equal(step.effects.count, 0);
    room_free(room);
}

static void who_was_inside_is_inside(void **state)
{
    struct record_world *world = *state;
    struct step step;
    inside(world, JULIET "/pda", "Juliet", ROLE_VISITOR);
    inside(world, JULIET "/balcony", "Juliet", ROLE_VISITOR);
    struct room *room = back(world, &step, true);
    assert_int_equal(step.effects.count, 0); /* nobody is told */
    const struct occupant *juliet = occupant_by_account(room, STR(JULIET));
    assert_int_equal(juliet->session_count, 2);
    assert_int_equal(juliet->role, ROLE_VISITOR);
    assert_string_equal(juliet->sessions->jid->text, JULIET "/pda"); /* came first */
    assert_true(juliet->sessions->heard_us < 1000);                  /* suspect */
    room_free(room);
}

/* A store has its rows in an order of its own. */
static void who_came_first_is_first(void **state)
{
    struct record_world *world = *state;
    struct step step;
    inside(world, JULIET "/b", "Juliet", ROLE_VISITOR);
    inside(world, JULIET "/a", "Juliet", ROLE_VISITOR);
    struct record_row *last = &world->rows[world->row_count - 1], swapped = last[-1];
    last[-1] = last[0];
    last[0] = swapped;
    struct room *room = back(world, &step, true);
    assert_string_equal(occupant_by_account(room, STR(JULIET))->sessions->jid->text, JULIET "/b");
    room_free(room);
}

static void a_session_within_bounds(void **state)
{
    struct record_world *world = *state;
    static const char head[] = "\x01\x02\x02n\x02\x01"; /* version, joined, nick, role, rank */
    struct record_row row = {RECORD_SESSION, STR("a@example.org/x"), STR_NONE};
    struct stored_room stored;
    const char *why = NULL;
    struct record_row rows[4];
    memcpy(rows, world->rows, world->row_count * sizeof(*rows));
    row.value = str_fmt(world->arena, "%s\xfe\x01%c%c%c%c", head, 0, 0, 0, 0); /* priority 127 */
    rows[world->row_count] = row;
    assert_int_equal(record_read(world->arena, rows, world->row_count + 1, &stored, &why), ERR_OK);
    assert_int_equal(stored.sessions[0].priority, 127);
    row.value = str_fmt(world->arena, "%s\x80\x02%c%c%c%c", head, 0, 0, 0, 0); /* 128 */
    expect_unread(world, &row, "the session of a@example.org/x cannot be read");
    /* Numbers go on from there, and must not wrap. */
    row.value = str_fmt(world->arena, "\x01%s\x01\x02n\x02\x01%c%c%c%c%c",
                        "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 0, 0, 0, 0, 0);
    expect_unread(world, &row, "the session of a@example.org/x cannot be read");
}

static void who_cannot_be_reached_is_left_out(void **state)
{
    struct record_world *world = *state;
    inside(world, JULIET "/pda", "Juliet", ROLE_VISITOR);
    expect_left_out(world, false, JULIET "/pda");
}

/* Rows of sessions are written behind: the end may come between a change and them. */
static void outcasts_are_put_out(void **state)
{
    struct record_world *world = *state;
    struct session *juliet = inside(world, JULIET "/pda", "Juliet", ROLE_VISITOR);
    assert_true(session_remove(world->room, juliet));
    record_commit(world, record_affiliation(world, JULIET, AFF_OUTCAST));
    expect_to_go(world, JULIET "/pda", STATUS_BIT(301));
}

static void outcasts_by_domain_are_put_out(void **state)
{
    struct record_world *world = *state;
    struct session *juliet = inside(world, JULIET "/pda", "Juliet", ROLE_VISITOR);
    assert_true(session_remove(world->room, juliet));
    record_commit(world, record_affiliation(world, "example.org", AFF_OUTCAST));
    expect_to_go(world, JULIET "/pda", STATUS_BIT(301));
}

static void strangers_in_a_closed_room_are_put_out(void **state)
{
    struct record_world *world = *state;
    struct session *juliet = inside(world, JULIET "/pda", "Juliet", ROLE_VISITOR);
    assert_true(session_remove(world->room, juliet));
    struct room_options options = world->room->options;
    struct change change = {.kind = CHANGE_OPTIONS, .options = &options};
    options.members_only = true;
    record_commit(world, &change);
    expect_to_go(world, JULIET "/pda", STATUS_BIT(322));
}

static void who_the_service_has_banned_is_put_out(void **state)
{
    struct record_world *world = *state;
    static struct str domain = {"example.org", 11};
    inside(world, JULIET "/pda", "Juliet", ROLE_VISITOR);
    map_put(&world->settings.banned, domain, &domain);
    expect_to_go(world, JULIET "/pda", STATUS_BIT(301));
}

static void whose_nickname_was_taken_is_left_out(void **state)
{
    struct record_world *world = *state;
    struct session *juliet = inside(world, JULIET "/pda", "Star", ROLE_VISITOR);
    assert_true(session_remove(world->room, juliet));
    struct change *change = record_affiliation(world, NURSE, AFF_MEMBER);
    change->affiliations[0].set_nick = true;
    change->affiliations[0].nick = STR("star");
    record_commit(world, change);
    expect_left_out(world, true, JULIET "/pda");
    inside(world, NURSE "/a", "star", ROLE_PARTICIPANT);
    expect_left_out(world, true, JULIET "/pda");
}

/* A rank that was lost takes its role along. */
static void the_role_follows_the_affiliation(void **state)
{
    struct record_world *world = *state;
    struct step step;
    record_commit(world, record_affiliation(world, JULIET, AFF_ADMIN));
    inside(world, JULIET "/pda", "Juliet", ROLE_MODERATOR);
    record_commit(world, record_affiliation(world, JULIET, AFF_NONE));
    struct room *room = back(world, &step, true);
    assert_int_equal(occupant_by_account(room, STR(JULIET))->role, ROLE_PARTICIPANT);
    room_free(room);
    record_commit(world, record_affiliation(world, JULIET, AFF_OWNER));
    room = back(world, &step, true);
    assert_int_equal(occupant_by_account(room, STR(JULIET))->role, ROLE_MODERATOR);
    room_free(room);
}

static void not_more_sessions_than_a_nickname_has(void **state)
{
    struct record_world *world = *state;
    struct step step;
    for (unsigned i = 0; i <= ROOM_SESSIONS_PER_NICK; i++) {
        const char *jid = str_fmt(world->arena, JULIET "/%u", i).at;
        inside(world, jid, "Juliet", ROLE_VISITOR);
    }
    struct room *room = back(world, &step, true);
    assert_int_equal(room_sessions(room), ROOM_SESSIONS_PER_NICK);
    assert_int_equal(step.effects.count, 1);
    room_free(room);
}

static void a_tombstone_has_nobody_inside(void **state)
{
    struct record_world *world = *state;
    struct step step;
    struct record_row session;
    inside(world, JULIET "/pda", "Juliet", ROLE_VISITOR);
    session = *record_row(world, RECORD_SESSION);
    occupant_remove(world->room, occupant_by_account(world->room, STR(JULIET)));
    struct change destroy = {.kind = CHANGE_DESTROY, .destroy = {.until_us = 5000}};
    record_commit(world, &destroy);
    world->rows[world->row_count++] = session;
    struct room *room = back(world, &step, true);
    assert_int_equal(room->state, ROOM_DESTROYED);
    assert_int_equal(room_sessions(room), 0);
    room_free(room);
}

/* ---- history ---- */

static struct archived said(struct record_world *world, int64_t at_us, const char *id,
                            struct frame **frame)
{
    *frame = record_frame(world, "Juliet", str_fmt(world->arena, "<body>%s</body>", id).at);
    return (struct archived){
        .id = str_z(id),
        .at_us = at_us,
        .author = STR("fedcba9876543210fedcba9876543210"),
        .sender_id = STR("id'1"),
        .xml = str_of((*frame)->bytes, (*frame)->size),
        .address_at = (*frame)->address_at,
        .tail_at = (*frame)->tail_at,
    };
}

static void history_comes_back(void **state)
{
    struct record_world *world = *state;
    struct frame *frames[4];
    struct archived rows[4] = {
        said(world, 100, "0123456789abcdef0123456789abcde0", &frames[0]),
        said(world, 90, "0123456789abcdef0123456789abcde1", &frames[1]), /* a clock set back */
        said(world, 200, "no id of ours", &frames[2]),
        said(world, 300, "0123456789abcdef0123456789abcde3", &frames[3]),
    };
    rows[1].retracted = true;
    rows[1].dated = true;
    rows[1].dated_us = 7;
    struct room *room = record_reload_with(world, rows, 4);
    assert_int_equal(room->history.count, 3);
    const struct history_entry *first = room_history_at(room, 0);
    const struct history_entry *second = room_history_at(room, 1);
    const struct history_entry *third = room_history_at(room, 2);
    assert_int_equal(first->frame->size, frames[0]->size);
    assert_memory_equal(first->frame->bytes, frames[0]->bytes, frames[0]->size);
    assert_int_equal(first->frame->address_at, frames[0]->address_at);
    assert_int_equal(first->frame->tail_at, frames[0]->tail_at);
    assert_memory_equal(first->stanza_id, rows[0].id.at, STANZA_ID_BYTES);
    assert_memory_equal(first->author, rows[0].author.at, OCCUPANT_ID_BYTES);
    assert_true(first->id_hash == hash_str(&world->env.hash_key, STR("id'1")));
    assert_true(first->at_us == 100 && first->dated_us == 100);
    assert_false(first->dated || first->retracted);
    assert_true(second->at_us == 100 && second->dated_us == 7);
    assert_true(second->dated && second->retracted);
    assert_true(third->at_us == 300);
    assert_ptr_equal(room_history_find(room, rows[3].id), third);
    room_free(room);
    rows[3].tail_at++;
    room = record_reload_with(world, rows, 4);
    assert_int_equal(room->history.count, 2); /* no such frame */
    room_free(room);
    for (unsigned i = 0; i < ARRAY_LEN(frames); i++)
        frame_unref(frames[i]);
}

/* What would end the stream of who is sent it, is left out; the operator is told once. */
static void damaged_messages_are_left_out(void **state)
{
    /* In place of a few bytes of the body. */
    static const struct str damages[] = {
        {"<i>", 3},
        {"</x", 3},
        {"&x;", 3},
        {"\0\0\0", 3},
        {"\x01\x01\x01", 3},
        {"a\xff"
         "b",
         3},
        {"<p:", 3},
        {"<!-", 3},
    };
    struct record_world *world = *state;
    struct log_ear heard = LOG_EAR;
    struct archived rows[ARRAY_LEN(damages) + 2];
    struct frame *frame;
    struct archived sound = said(world, 100, "0123456789abcdef0123456789abcde0", &frame);
    const char *body = strstr(frame->bytes, "0123456789");
    assert_non_null(body);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rows[i] = sound;
        if (i >= ARRAY_LEN(damages))
            continue;
        char *bytes = arena_alloc(world->arena, sound.xml.len);
        memcpy(bytes, sound.xml.at, sound.xml.len);
        memcpy(bytes + (body - frame->bytes), damages[i].at, damages[i].len);
        rows[i].xml.at = bytes;
    }
    rows[ARRAY_LEN(damages)].author = STR_NONE; /* the room's own: never shown to newcomers */
    log_set_sink(&heard.sink);
    struct room *room = record_reload_with(world, rows, ARRAY_LEN(rows));
    log_set_sink(NULL);
    assert_int_equal(room->history.count, 1);
    assert_memory_equal(room_history_at(room, 0)->frame->bytes, frame->bytes, frame->size);
    assert_int_equal(heard.lines, 1);
    assert_non_null(strstr(heard.last, "--check-store"));
    room_free(room);
    frame_unref(frame);
}

static void nothing_stored_is_no_room(void **state)
{
    struct record_world *world = *state;
    struct step step = {.arena = world->arena, .env = &world->env, .now_us = 1000};
    struct room *room = record_room(world);
    room_restore(room, &step, NULL);
    assert_true(room_forgettable(room));
    room_free(room);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(version_1_is_read_for_ever),
        TEST(a_version_1_tombstone_is_read_for_ever),
        TEST(what_a_newer_version_adds_is_skipped),
        TEST(unknown_options_and_kinds_are_left_out),
        TEST(bad_rows_are_told),
        TEST(missing_rows_are_told),
        TEST(an_impossible_option_is_told),
        TEST(no_more_than_a_room_can_have),
        TEST(a_room_with_all_it_may_have_is_read),
        TEST(what_is_to_be_buried),
        TEST(who_was_inside_is_inside),
        TEST(who_came_first_is_first),
        TEST(a_session_within_bounds),
        TEST(who_cannot_be_reached_is_left_out),
        TEST(outcasts_are_put_out),
        TEST(outcasts_by_domain_are_put_out),
        TEST(strangers_in_a_closed_room_are_put_out),
        TEST(who_the_service_has_banned_is_put_out),
        TEST(whose_nickname_was_taken_is_left_out),
        TEST(the_role_follows_the_affiliation),
        TEST(not_more_sessions_than_a_nickname_has),
        TEST(a_tombstone_has_nobody_inside),
        TEST(history_comes_back),
        TEST(damaged_messages_are_left_out),
        TEST(nothing_stored_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
