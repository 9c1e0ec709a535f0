/*
 * Every change, written as operations and read back, makes the same room as the change itself.
 */
#include "tests/support/record_world.h"
#include "tests/support/room_text.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/muc/attendance.h"
#include "core/muc/durable.h"
#include "core/muc/rate.h"
#include "core/muc/registration.h"
#include "core/muc/restore.h"
#include "core/record/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

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

static int open_empty(void **state)
{
    *state = record_world_new();
    return 0;
}

static int close_world(void **state)
{
    record_world_free(*state);
    return 0;
}

/* What is stored makes the room that is there. */
static void assert_stored(struct record_world *world)
{
    struct room *again = record_reload(world);
    assert_string_equal(room_text(again, world->arena), room_text(world->room, world->arena));
    room_free(again);
}

static void commit_and_look(struct record_world *world, const struct change *change)
{
    assert_true(change_is_gated(world->room, change));
    record_commit(world, change);
    assert_stored(world);
}

static void give(struct record_world *world, const char *jid, enum affiliation after,
                 const char *nick, const char *reason)
{
    struct change *change = record_affiliation(world, jid, after);
    change->affiliations[0].set_nick = nick != NULL;
    change->affiliations[0].nick = str_z(nick);
    change->affiliations[0].reason = str_z(reason);
    commit_and_look(world, change);
}

static void expect_ops(const struct record_world *world, unsigned puts, unsigned deletes)
{
    assert_int_equal(world->ops[RECORD_PUT], puts);
    assert_int_equal(world->ops[RECORD_DELETE], deletes);
}

/* ---- creation ---- */

static void a_room_is_created(void **state)
{
    struct record_world *world = *state;
    assert_stored(world);
    assert_int_equal(world->ops[RECORD_WIPE], 1); /* whatever had that name before */
    assert_int_equal(world->ops[RECORD_SHOW], 1);
    expect_ops(world, 3, 0);
    assert_true(world->show.listed);
    assert_int_equal(world->show.history, 20);
}

static void a_locked_room_is_opened(void **state)
{
    struct record_world *world = *state;
    struct change *create = record_affiliation(world, ROMEO, AFF_OWNER);
    create->kind = CHANGE_CREATE;
    create->create.at_us = 77;
    create->create.locked = true;
    create->create.hidden = true;
    memset(create->create.secret, 0xff, sizeof(create->create.secret));
    commit_and_look(world, create);
    assert_int_equal(world->room->state, ROOM_LOCKED);
    assert_false(world->show.listed);

    struct change *open = ARENA_NEW(world->arena, struct change);
    open->kind = CHANGE_OPTIONS;
    open->options = &world->defaults;
    commit_and_look(world, open);
    assert_int_equal(world->room->state, ROOM_OPEN);
    assert_true(world->show.listed);
    expect_ops(world, 2, 0); /* head and configuration */
}

static void a_creator_need_not_stay_an_owner(void **state)
{
    struct record_world *world = *state;
    give(world, JULIET, AFF_OWNER, NULL, NULL);
    give(world, ROMEO, AFF_MEMBER, NULL, NULL);
    give(world, ROMEO, AFF_NONE, NULL, NULL);
    assert_true(str_eqz(world->room->creator, ROMEO));
    give(world, ROMEO, AFF_OUTCAST, NULL, "spoke too much");
}

/* ---- affiliations ---- */

static void affiliations_come_back(void **state)
{
    struct record_world *world = *state;
    give(world, JULIET, AFF_MEMBER, "Juliet", "she asked for it");
    expect_ops(world, 1, 0);
    give(world, JULIET, AFF_ADMIN, NULL, NULL); /* the nickname stays, the reason does not */
    assert_true(str_eqz(room_affiliate(world->room, STR(JULIET))->nick, "Juliet"));
    give(world, JULIET, AFF_MEMBER, "J\xc3\xbclia", "two\nlines");
    give(world, JULIET, AFF_MEMBER, "", NULL);
    give(world, NURSE, AFF_MEMBER, "Nurse", NULL);
    give(world, NURSE, AFF_OUTCAST, NULL, "<&'\"");
    give(world, "example.com", AFF_OUTCAST, NULL, NULL);
    give(world, NURSE, AFF_NONE, NULL, NULL);
    expect_ops(world, 0, 1);
}

static void a_nickname_changes_hands(void **state)
{
    struct record_world *world = *state;
    give(world, JULIET, AFF_MEMBER, "Star", NULL);
    struct change *change = record_affiliation(world, JULIET, AFF_MEMBER);
    struct affiliation_change items[2] = {change->affiliations[0], change->affiliations[0]};
    items[0].set_nick = items[1].set_nick = true;
    items[0].jid = STR(NURSE);
    items[0].before = AFF_NONE;
    items[0].nick = STR("Star");
    items[1].nick = STR("Moon");
    change->affiliations = items;
    change->affiliation_count = 2;
    commit_and_look(world, change);
    expect_ops(world, 2, 0);
}

static void one_row_of_a_hundred_thousand(void **state)
{
    struct record_world *world = *state;
    enum { MANY = 100000 };
    struct affiliation_change *items =
        ARENA_NEW_ARRAY(world->arena, struct affiliation_change, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        items[i].jid = str_fmt(world->arena, "user%u@example.net", i);
        items[i].before = AFF_NONE;
        items[i].after = AFF_MEMBER;
    }
    struct change many = {
        .kind = CHANGE_AFFILIATIONS, .affiliations = items, .affiliation_count = MANY};
    change_apply(world->room, &many);

    record_commit(world, record_affiliation(world, "user77777@example.net", AFF_ADMIN));
    expect_ops(world, 1, 0);
    for (unsigned op = 0; op < ARRAY_LEN(world->ops); op++)
        assert_int_equal(world->ops[op], op == RECORD_PUT ? 1 : 0);
    assert_true(world->batch_bytes < 40);
}

/* ---- configuration ---- */

/* Something else than it is, whatever the option is about. */
static void turn(struct record_world *world, struct room_options *options,
                 const struct option *option)
{
    const char *why;
    switch (option->type) {
    case OPTION_BOOL: {
        const bool *now = (const bool *)(const void *)((const char *)options + option->offset);
        assert_true(option_set_text(options, option, *now ? STR("off") : STR("on"), &why));
        return;
    }
    case OPTION_TEXT:
    case OPTION_SECRET:
        assert_true(option_set_text(options, option, STR("<a> & 'b' \xc3\xa4"), &why));
        return;
    case OPTION_MULTI:
        assert_true(option_set_text(options, option, STR("one\n\ntwo, three"), &why));
        return;
    case OPTION_JIDS: {
        struct str values[] = {STR("a,b@example.org"), STR("c@example.org")};
        struct form_field field = {.values = values, .value_count = 2};
        assert_true(option_set_field(options, option, &field));
        return;
    }
    case OPTION_NUMBER: {
        struct str number = str_fmt(world->arena, "%u", (unsigned)option->max);
        assert_true(option_set_text(options, option, number, &why));
        return;
    }
    case OPTION_CHOICE:
    case OPTION_SET: {
        const struct option_choice *last = &option->choices[option->choice_count - 1];
        assert_true(option_set_text(options, option, str_z(last->value), &why));
        return;
    }
    }
}

static void every_option_comes_back(void **state)
{
    struct record_world *world = *state;
    struct room_options options;
    unsigned count;
    const struct option *const *rows = options_all(&count);
    struct change change = {.kind = CHANGE_OPTIONS, .options = &options};
    room_options_copy(&options, &world->room->options);
    for (unsigned i = 0; i < count; i++) {
        turn(world, &options, rows[i]);
        options.persistent = true;
        commit_and_look(world, &change);
        assert_true(option_equal(rows[i], &world->room->options, &options));
    }
    struct room_options preset;
    unsigned same = 0;
    options_preset(&preset);
    for (unsigned i = 0; i < count; i++)
        same += option_equal(rows[i], &preset, &world->room->options);
    assert_true(same * 4 < count); /* few have but one value, or the last is the preset */
    room_options_fini(&preset);
    room_options_fini(&options);
    expect_ops(world, 1, 0);
    assert_true(str_eqz(world->show.name, "<a> & 'b' \xc3\xa4"));
    assert_false(world->show.listed);
    assert_int_equal(world->show.history, ROOM_HISTORY_MAX);
    assert_int_equal(world->show.keep_days, world->room->options.keep_days);
    assert_int_equal(world->show.keep_count, world->room->options.keep_count);
    assert_true(world->show.keep_days > 0 && world->show.keep_count > world->show.keep_days);
}

/* Every value of every choice, hidden ones too. */
static void every_choice_comes_back(void **state)
{
    struct record_world *world = *state;
    unsigned count;
    const char *why = NULL;
    const struct option *const *rows = options_all(&count);
    struct room_options there, back;
    options_preset(&there);
    options_preset(&back);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned c = 0; c < rows[i]->choice_count; c++) {
            struct str value = str_z(rows[i]->choices[c].value);
            assert_true(option_set_text(&there, rows[i], value, &why));
            struct str text = option_stored(rows[i], &there, world->arena);
            assert_true(option_set_stored(&back, rows[i], text, &why));
            assert_true(option_equal(rows[i], &there, &back));
        }
    }
    room_options_fini(&there);
    room_options_fini(&back);
}

static void owners_come_with_the_configuration(void **state)
{
    struct record_world *world = *state;
    struct change *change = record_affiliation(world, JULIET, AFF_OWNER);
    change->kind = CHANGE_OPTIONS;
    change->options = &world->defaults;
    commit_and_look(world, change);
    expect_ops(world, 2, 0);
}

/* ---- subject, vCard, registrations ---- */

static void set_subject(struct record_world *world, const char *inside, const char *plain)
{
    struct archived message = {.id = STR("0123456789abcdef0123456789abcdef")};
    struct change change = {.kind = CHANGE_SUBJECT};
    change.subject.frame = record_frame(world, "Romeo", inside);
    change.subject.at_us = INT64_C(1700000000123456);
    change.subject.plain = str_z(plain);
    change.kept = &message;
    commit_and_look(world, &change);
    frame_unref(change.subject.frame);
    expect_ops(world, 1, 0);
    assert_int_equal(world->ops[RECORD_APPEND], 1);
}

static void subjects_come_back(void **state)
{
    struct record_world *world = *state;
    set_subject(world, "<subject>Balcony</subject>", "Balcony");
    set_subject(world,
                "<subject xml:lang='de'>Balkon &amp; K\xc3\xbc"
                "che</subject><subject>Balcony</subject>"
                "<subject xml:lang='fr'>Balcon</subject>",
                "Balkon & K\xc3\xbc"
                "che");
    assert_non_null(strstr(room_text(world->room, world->arena), "xml:lang='fr'>Balcon<"));
    set_subject(world, "<subject/>", "");
}

static void cards_come_back(void **state)
{
    struct record_world *world = *state;
    struct card card = {.xml = STR("<vCard xmlns='vcard-temp'><FN>Lounge</FN></vCard>")};
    struct change change = {.kind = CHANGE_CARD, .card = &card};
    commit_and_look(world, &change);
    card.photo_count = 2;
    memset(card.photos[0].digits, 'a', PHOTO_HASH_CHARS);
    memset(card.photos[1].digits, '7', PHOTO_HASH_CHARS);
    commit_and_look(world, &change);
    expect_ops(world, 1, 0);
    change.card = NULL;
    commit_and_look(world, &change);
    expect_ops(world, 0, 1);
}

static void wait_for(struct record_world *world, const char *account, const char *nick)
{
    struct registration wanted = {.account = str_z(account), .nick = str_z(nick)};
    wanted.answers[REGISTER_FIRST] = STR("Given");
    wanted.answers[REGISTER_EMAIL] = STR("");
    wanted.answers[REGISTER_FAQ] = STR("one\ntwo");
    struct change change = {.kind = CHANGE_WAITING};
    change.waiting.account = wanted.account;
    change.waiting.wanted = &wanted;
    commit_and_look(world, &change);
    expect_ops(world, 1, 0);
}

static void registrations_come_back(void **state)
{
    struct record_world *world = *state;
    wait_for(world, JULIET, "Juliet");
    wait_for(world, NURSE, "Nurse");
    wait_for(world, JULIET, "Julia");
    assert_int_equal(world->room->registrations.count, 2);
    give(world, JULIET, AFF_MEMBER, "Julia", NULL); /* waits no more */
    expect_ops(world, 1, 1);
    give(world, NURSE, AFF_OUTCAST, NULL, NULL);
    expect_ops(world, 1, 1);
    wait_for(world, "peter@example.org", "Peter");
    struct change gone = {.kind = CHANGE_WAITING, .waiting.account = STR("peter@example.org")};
    commit_and_look(world, &gone);
    expect_ops(world, 0, 1);
    assert_int_equal(world->room->registrations.count, 0);
}

/* ---- retraction ---- */

static void a_burial_says_what_takes_the_place(void **state)
{
    struct record_world *world = *state;
    struct frame *frame = record_frame(world, "Romeo", "<retracted xmlns='urn:r'/>");
    struct archived row = {
        .id = STR("0123456789abcdef0123456789abcdef"),
        .at_us = -5,
        .nick = STR("Romeo"),
        .author = STR("id"),
        .jid = STR("romeo@example.org/pda"),
        .affiliation = AFF_OWNER,
        .role = ROLE_MODERATOR,
        .sender_id = STR("id'1"),
        .xml = str_of(frame->bytes, frame->size),
        .address_at = frame->address_at,
        .tail_at = frame->tail_at,
        .body = STR(""),
        .history = true,
        .retracted = true,
        .dated = true,
        .dated_us = INT64_MAX,
    };
    struct change change = {.kind = CHANGE_BURY, .bury = {.tombstone = frame, .row = &row}};
    change.kept = &row;
    commit_and_look(world, &change);
    struct record_item item;
    struct str rest = world->batch;
    assert_int_equal(record_next(&rest, &item), 1);
    assert_int_equal(item.op, RECORD_BURY);
    const struct archived *back = &item.message;
    assert_true(str_eq(back->id, row.id) && str_eq(back->nick, row.nick));
    assert_true(str_eq(back->author, row.author) && str_eq(back->jid, row.jid));
    assert_true(str_eq(back->sender_id, row.sender_id) && str_eq(back->xml, row.xml));
    assert_true(str_present(back->body) && str_empty(back->body));
    assert_true(back->at_us == -5 && back->dated_us == INT64_MAX);
    assert_int_equal(back->address_at, row.address_at);
    assert_int_equal(back->tail_at, row.tail_at);
    assert_true(back->history && back->retracted && back->dated);
    assert_int_equal(back->affiliation, AFF_OWNER);
    assert_int_equal(back->role, ROLE_MODERATOR);
    assert_int_equal(record_next(&rest, &item), 1);
    assert_int_equal(item.op, RECORD_APPEND);
    assert_int_equal(record_next(&rest, &item), 0);
    frame_unref(frame);
}

/* ---- the end ---- */

static struct change destruction(int64_t until_us)
{
    return (struct change){
        .kind = CHANGE_DESTROY,
        .destroy = {.alternate = STR("new@rooms.example"),
                    .reason = STR("moved\nhouse"),
                    .until_us = until_us},
    };
}

static void a_tombstone_comes_back(void **state)
{
    struct record_world *world = *state;
    struct change destroy = destruction(INT64_C(1800000000000000));
    give(world, JULIET, AFF_MEMBER, "Juliet", NULL);
    assert_true(change_is_gated(world->room, &destroy));
    record_commit(world, &destroy);
    assert_true(world->show.until_us == INT64_C(1800000000000000)); /* the store may drop it then */
    assert_int_equal(world->ops[RECORD_WIPE], 1);
    assert_int_equal(world->row_count, 1);
    struct room *again = record_reload(world);
    assert_int_equal(again->state, ROOM_DESTROYED);
    assert_string_equal(room_text(again, world->arena), room_text(world->room, world->arena));
    room_free(again);
    assert_false(world->show.listed);

    record_create(world); /* anew, on the same address */
    assert_stored(world);
    assert_int_equal(world->ops[RECORD_WIPE], 1);
    assert_int_equal(world->room->affiliations.count, 1);
}

static void an_end_without_a_tombstone_leaves_nothing(void **state)
{
    struct record_world *world = *state;
    struct change destroy = destruction(0);
    record_commit(world, &destroy);
    assert_int_equal(world->ops[RECORD_WIPE], 1);
    assert_int_equal(world->row_count, 0);
    assert_int_equal(world->ops[RECORD_SHOW], 0);
}

/* ---- becoming durable, and ceasing to be ---- */

static void make_temporary(struct record_world *world)
{
    struct change *create = record_affiliation(world, ROMEO, AFF_OWNER);
    create->kind = CHANGE_CREATE;
    create->create.temporary = true;
    create->create.at_us = 5;
    memset(create->create.secret, 9, sizeof(create->create.secret));
    assert_false(change_is_gated(world->room, create));
    change_apply(world->room, create);
}

/* All that a room can be, said while it was temporary. */
static void fill(struct record_world *world)
{
    struct room *room = world->room;
    struct change *member = record_affiliation(world, JULIET, AFF_MEMBER);
    member->affiliations[0].set_nick = true;
    member->affiliations[0].nick = STR("Juliet");
    member->affiliations[0].reason = STR("why not");
    assert_false(change_is_gated(room, member));
    change_apply(room, member);
    struct card card = {.xml = STR("<vCard xmlns='vcard-temp'><FN>L</FN></vCard>")};
    struct change card_change = {.kind = CHANGE_CARD, .card = &card};
    change_apply(room, &card_change);
    struct change subject = {.kind = CHANGE_SUBJECT};
    subject.subject.frame = record_frame(world, "Romeo", "<subject>s</subject>");
    subject.subject.plain = STR("s");
    change_apply(room, &subject);
    frame_unref(subject.subject.frame);
    struct registration wanted = {.account = STR(NURSE), .nick = STR("Nurse")};
    struct change waiting = {.kind = CHANGE_WAITING};
    waiting.waiting.wanted = &wanted;
    change_apply(room, &waiting);
    room_keep_role(room, STR("a@example.org"), ROLE_VISITOR);
    room_keep_role(room, STR("b@example.org"), ROLE_PARTICIPANT);
    room_invite_keep(room, STR("c@example.org"), STR(ROMEO), STR("i"));
    assert_true(room_voice_keep(room, STR(NURSE), STR(NURSE "/pda")));
    record_enter(world, ROMEO "/orchard", "Romeo", ROLE_MODERATOR);
    struct session *pda = record_enter(world, JULIET "/pda", "Juliet", ROLE_PARTICIPANT);
    (void)session_set_presence(room, pda, STR("<show>away</show>"), STR("it"), -7);
    record_enter(world, JULIET "/balcony", "Juliet", ROLE_PARTICIPANT);
    record_enter(world, ROMEO "/pda", "Montague", ROLE_MODERATOR);
}

static void becoming_durable_writes_everything(void **state)
{
    struct record_world *world = *state;
    make_temporary(world);
    fill(world);
    struct change *persist = record_affiliation(world, "peter@example.org", AFF_ADMIN);
    persist->kind = CHANGE_OPTIONS;
    persist->options = &world->defaults;
    commit_and_look(world, persist);
    assert_int_equal(world->ops[RECORD_WIPE], 1);
    assert_int_equal(world->row_count, 1 + 1 + 3 + 1 + 1 + 1 + 4 + 4);
}

static void ceasing_wipes(void **state)
{
    struct record_world *world = *state;
    struct room_options options;
    room_options_copy(&options, &world->room->options);
    options.persistent = false;
    struct change *change = record_affiliation(world, JULIET, AFF_MEMBER);
    change->kind = CHANGE_OPTIONS;
    change->options = &options;
    assert_true(change_is_gated(world->room, change));
    record_commit(world, change);
    assert_int_equal(world->ops[RECORD_WIPE], 1);
    assert_int_equal(world->batch_bytes, 1);
    assert_int_equal(world->row_count, 0);
    /* From then on it has nothing to do with the store. */
    struct change *next = record_affiliation(world, NURSE, AFF_MEMBER);
    assert_false(change_is_gated(world->room, next));
    room_options_fini(&options);
}

static void an_archived_room_is_durable(void **state)
{
    struct record_world *world = *state;
    struct change *create = record_affiliation(world, ROMEO, AFF_OWNER);
    create->kind = CHANGE_CREATE;
    create->create.temporary = true;
    world->defaults.archive = true;
    commit_and_look(world, create);
    assert_true(room_is_durable(world->room));
    assert_true(world->show.archived);
    world->settings.durable = false;
    assert_false(room_is_durable(world->room));
    struct change destroy = destruction(99);
    assert_false(change_is_gated(world->room, &destroy));
}

/* What stands there afterwards does not come back later. */
static void a_tombstone_concerns_the_store(void **state)
{
    struct record_world *world = *state;
    world->defaults.persistent = false;
    struct change *create = record_affiliation(world, ROMEO, AFF_OWNER);
    create->kind = CHANGE_CREATE;
    assert_false(change_is_gated(world->room, create));
    change_apply(world->room, create);
    struct change destroy = destruction(99);
    assert_true(change_is_gated(world->room, &destroy));
    record_commit(world, &destroy);
    assert_int_equal(world->row_count, 1);
    assert_true(change_is_gated(world->room, create));
    record_commit(world, create);
    assert_int_equal(world->row_count, 0);
}

/* ---- written behind ---- */

static void behind(struct record_world *world, const char *full_jid)
{
    struct buf batch;
    buf_init(&batch, world->arena);
    if (full_jid == NULL)
        record_memory(&batch, world->arena, world->room);
    else
        record_session(&batch, world->arena, world->room, str_z(full_jid));
    record_keep(world, buf_str(&batch));
}

static void forget_notes(struct record_world *world)
{
    attendance_drop(world->room);
}

/* As a step would have them written. */
static void tell_behind(struct record_world *world)
{
    struct step step = {.arena = world->arena, .env = &world->env, .now_us = 1000};
    struct buf batch;
    buf_init(&batch, world->arena);
    attendance_tell(world->room, &step);
    for (uint32_t i = 0; i < step.effects.count; i++)
        record_behind(&batch, world->arena, world->room, step.effects.at[i].session.jid);
    effects_release(&step.effects);
    record_keep(world, buf_str(&batch));
}

static void memory_is_written_behind(void **state)
{
    struct record_world *world = *state;
    forget_notes(world);
    room_keep_role(world->room, STR(JULIET), ROLE_VISITOR);
    tell_behind(world);
    expect_ops(world, 1, 0);
    assert_stored(world);
    room_invite_keep(world->room, STR(JULIET), STR(ROMEO), STR("i"));
    room_invite_keep(world->room, STR(NURSE), STR(ROMEO), STR("i"));
    tell_behind(world);
    expect_ops(world, 2, 0);
    assert_stored(world);
    room_keep_role(world->room, STR(JULIET), ROLE_NONE);
    room_invite_forget(world->room, STR(NURSE));
    tell_behind(world);
    expect_ops(world, 1, 1);
    assert_stored(world);
    assert_true(room_voice_keep(world->room, STR(NURSE), STR(NURSE "/pda")));
    tell_behind(world);
    expect_ops(world, 1, 0);
    assert_stored(world);
    room_keep_role(world->room, STR(JULIET), ROLE_NONE); /* it had none */
    tell_behind(world);
    expect_ops(world, 0, 0);
}

static struct str long_jid(struct record_world *world, unsigned number)
{
    return str_fmt(world->arena, "u%u%0*d@example.org", number, 400, 0);
}

/* What a step writes does not depend on what else the room remembers. */
static void a_step_writes_what_it_changes(void **state)
{
    struct record_world *world = *state;
    for (unsigned i = 0; i < ROOM_INVITED_MAX; i++)
        room_invite_keep(world->room, long_jid(world, i), long_jid(world, i + 1), STR("i"));
    tell_behind(world);
    assert_int_equal(world->ops[RECORD_PUT], ROOM_INVITED_MAX);
    assert_stored(world);
    room_keep_role(world->room, STR(JULIET), ROLE_PARTICIPANT);
    tell_behind(world);
    expect_ops(world, 1, 0);
    assert_in_range(world->batch_bytes, 1, 40);
    /* One more: the oldest goes. */
    room_invite_keep(world->room, long_jid(world, 5000), STR(ROMEO), STR("i"));
    tell_behind(world);
    expect_ops(world, 1, 1);
    assert_in_range(world->batch_bytes, 1, 1000);
    assert_stored(world);
}

/* ---- all in one row, as older versions have it ---- */

static struct str old_memory(struct record_world *world)
{
    struct buf row;
    buf_init(&row, world->arena);
    put_byte(&row, VALUE_VERSION);
    put_number(&row, 1);
    put_text(&row, STR(JULIET));
    put_byte(&row, 2); /* a visitor */
    put_number(&row, 2);
    put_text(&row, STR(JULIET));
    put_text(&row, STR(ROMEO));
    put_text(&row, STR(NURSE));
    put_text(&row, STR(ROMEO));
    put_number(&row, 1);
    put_text(&row, STR(NURSE));
    put_text(&row, STR(NURSE "/pda"));
    return buf_str(&row);
}

static void the_old_row_is_read_and_replaced(void **state)
{
    struct record_world *world = *state;
    struct record_item old = {.op = RECORD_PUT, .kind = RECORD_MEMORY, .key = STR("")};
    struct buf batch;
    old.value = old_memory(world);
    buf_init(&batch, world->arena);
    record_add(&batch, &old);
    record_keep(world, buf_str(&batch));
    room_keep_role(world->room, STR(JULIET), ROLE_VISITOR);
    room_invite_keep(world->room, STR(JULIET), STR(ROMEO), STR_NONE);
    room_invite_keep(world->room, STR(NURSE), STR(ROMEO), STR_NONE);
    assert_true(room_voice_keep(world->room, STR(NURSE), STR(NURSE "/pda")));
    assert_stored(world);

    struct stored_room stored;
    const char *why = NULL;
    struct step step = {.arena = world->arena, .env = &world->env, .now_us = 1000};
    assert_int_equal(record_read(world->arena, world->rows, world->row_count, &stored, &why),
                     ERR_OK);
    assert_true(stored.memory->old_form);
    struct room *room = record_room(world);
    room_restore(room, &step, &stored);
    rate_watch(room, &step); /* as at the end of any step */
    unsigned told = 0;
    buf_init(&batch, world->arena);
    for (uint32_t i = 0; i < step.effects.count; i++) {
        if (step.effects.at[i].kind != FX_SESSION)
            continue;
        assert_false(str_present(step.effects.at[i].session.jid));
        record_behind(&batch, world->arena, room, step.effects.at[i].session.jid);
        told++;
    }
    effects_release(&step.effects);
    room_free(room);
    assert_int_equal(told, 1);
    unsigned rows = world->row_count;
    record_keep(world, buf_str(&batch));
    assert_int_equal(world->row_count, rows - 1 + 2);
    for (unsigned i = 0; i < world->row_count; i++)
        assert_int_not_equal(world->rows[i].kind, RECORD_MEMORY);
    assert_stored(world);
}

static void sessions_are_written_behind(void **state)
{
    struct record_world *world = *state;
    struct session *session = record_enter(world, JULIET "/pda", "Juliet", ROLE_VISITOR);
    behind(world, JULIET "/pda");
    assert_stored(world);
    (void)session_set_presence(world->room, session, STR("<show>dnd</show>"), STR_NONE, 127);
    behind(world, JULIET "/pda");
    assert_int_equal(world->row_count, 4);
    assert_stored(world);
    assert_true(session_remove(world->room, session));
    behind(world, JULIET "/pda");
    expect_ops(world, 0, 1);
    assert_stored(world);
    /* Numbers go on where they were, so that who came first stays first. */
    record_enter(world, ROMEO "/pda", "Romeo", ROLE_MODERATOR);
    behind(world, ROMEO "/pda");
    assert_stored(world);
    world->settings.durable = false;
    behind(world, ROMEO "/pda");
    assert_int_equal(world->batch_bytes, 0);
    behind(world, NULL);
    assert_int_equal(world->batch_bytes, 0);
}

int main(void)
{
#define WITH_ROOM(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
#define WITHOUT(name)   cmocka_unit_test_setup_teardown(name, open_empty, close_world)
    const struct CMUnitTest tests[] = {
        WITH_ROOM(a_room_is_created),
        WITHOUT(a_locked_room_is_opened),
        WITH_ROOM(a_creator_need_not_stay_an_owner),
        WITH_ROOM(affiliations_come_back),
        WITH_ROOM(a_nickname_changes_hands),
        WITH_ROOM(one_row_of_a_hundred_thousand),
        WITH_ROOM(every_option_comes_back),
        WITHOUT(every_choice_comes_back),
        WITH_ROOM(owners_come_with_the_configuration),
        WITH_ROOM(subjects_come_back),
        WITH_ROOM(cards_come_back),
        WITH_ROOM(registrations_come_back),
        WITH_ROOM(a_burial_says_what_takes_the_place),
        WITH_ROOM(a_tombstone_comes_back),
        WITH_ROOM(an_end_without_a_tombstone_leaves_nothing),
        WITHOUT(becoming_durable_writes_everything),
        WITH_ROOM(ceasing_wipes),
        WITHOUT(an_archived_room_is_durable),
        WITHOUT(a_tombstone_concerns_the_store),
        WITH_ROOM(memory_is_written_behind),
        WITH_ROOM(a_step_writes_what_it_changes),
        WITH_ROOM(the_old_row_is_read_and_replaced),
        WITH_ROOM(sessions_are_written_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
