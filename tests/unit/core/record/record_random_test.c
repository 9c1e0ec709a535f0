/*
 * Many changes, one after the other, any of those that fit: after each the rows make the same room.
 * The numbers are the same in every run.
 */
#include "tests/support/record_world.h"
#include "tests/support/room_text.h"

#include "core/muc/attendance.h"
#include "core/muc/registration.h"
#include "core/muc/rate.h"
#include "core/muc/restore.h"
#include "core/muc/snapshot.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { WALKS = 40, STEPS = 200, ACCOUNTS = 6, NICKS = 5, RESOURCES = 3 };

static const char *const nicks[NICKS] = {"Romeo", "J\xc3\xbclia", "nurse", "Peter P.", "\xd0\x96"};

struct walk {
    struct record_world *world;
    uint64_t seed;
    unsigned burials; /* of the room */
};

static unsigned pick(struct walk *walk, unsigned count)
{
    walk->seed ^= walk->seed << 13;
    walk->seed ^= walk->seed >> 7;
    walk->seed ^= walk->seed << 17;
    return (unsigned)(walk->seed >> 11) % count;
}

static struct str account(struct walk *walk)
{
    return str_fmt(walk->world->arena, "account%u@example.org", pick(walk, ACCOUNTS));
}

static struct str session_of(struct walk *walk)
{
    struct str bare = account(walk);
    return str_fmt(walk->world->arena, "%s/%u", bare.at, pick(walk, RESOURCES));
}

/* ---- changes ---- */

static bool nick_is_free(struct walk *walk, const char *nick, struct str jid)
{
    struct str key = prep_nick_key(walk->world->arena, str_z(nick));
    const struct affiliate *owner = room_nick_owner(walk->world->room, key);
    const struct occupant *user = occupant_by_nick(walk->world->room, key);
    return (owner == NULL || str_eq(owner->jid, jid)) &&
           (user == NULL || str_eq(user->account, jid));
}

/* What the rules would let through: there is an owner, and outcasts are not inside. */
static void affiliate(struct walk *walk)
{
    struct record_world *world = walk->world;
    struct str jid = account(walk);
    struct change *change =
        record_affiliation(world, jid.at, (enum affiliation)pick(walk, AFF_COUNT));
    struct affiliation_change *item = &change->affiliations[0];
    const char *nick = nicks[pick(walk, NICKS)];
    bool last_owner = item->before == AFF_OWNER && world->room->owner_count == 1;
    if (last_owner && item->after != AFF_OWNER)
        return;
    if (item->after == AFF_OUTCAST && occupant_by_account(world->room, jid) != NULL)
        return;
    item->set_nick = pick(walk, 2) == 0 && nick_is_free(walk, nick, jid);
    item->nick = pick(walk, 3) == 0 ? STR("") : str_z(nick);
    item->reason = pick(walk, 2) == 0 ? STR("for a reason") : STR_NONE;
    record_commit(world, change);
}

static void configure(struct walk *walk)
{
    struct record_world *world = walk->world;
    struct room_options options = world->room->options;
    struct change change = {.kind = CHANGE_OPTIONS, .options = &options};
    options.moderated = pick(walk, 2) == 0;
    options.is_public = pick(walk, 2) == 0;
    options.max_users = pick(walk, 3) * 50;
    options.name = pick(walk, 2) == 0 ? STR("Lounge") : STR_NONE;
    /* Now and then it is not stored for a while. */
    options.persistent = pick(walk, 4) > 0;
    record_commit(world, &change);
}

static void discuss(struct walk *walk)
{
    struct record_world *world = walk->world;
    struct change change = {.kind = CHANGE_SUBJECT};
    change.subject.frame = record_frame(world, "Romeo", "<subject>s</subject>");
    change.subject.plain = pick(walk, 2) == 0 ? STR("s") : STR_NONE;
    change.subject.at_us = pick(walk, 1000);
    record_commit(world, &change);
    frame_unref(change.subject.frame);
}

static void depict(struct walk *walk)
{
    struct card card = {.xml = STR("<vCard xmlns='vcard-temp'/>"), .photo_count = pick(walk, 3)};
    struct change change = {.kind = CHANGE_CARD, .card = pick(walk, 3) == 0 ? NULL : &card};
    memset(card.photos, 'f', sizeof(card.photos));
    record_commit(walk->world, &change);
}

static void apply_for(struct walk *walk)
{
    struct registration wanted = {.account = account(walk), .nick = STR("n")};
    struct change change = {.kind = CHANGE_WAITING, .waiting = {wanted.account, NULL}};
    if (pick(walk, 3) > 0 && room_affiliate(walk->world->room, wanted.account) == NULL)
        change.waiting.wanted = &wanted;
    record_commit(walk->world, &change);
}

static void end(struct walk *walk)
{
    struct record_world *world = walk->world;
    struct change change = {.kind = CHANGE_DESTROY};
    struct occupant *occupant;
    if (pick(walk, 8) > 0)
        return;
    occupant_each (world->room, at, occupant)
        occupant_remove(world->room, occupant);
    change.destroy.until_us = pick(walk, 2) * INT64_C(4000000000000000);
    record_commit(world, &change);
    walk->burials++;
    if (pick(walk, 2) == 0)
        record_create(world);
}

/* ---- who is inside ---- */

static void note(struct walk *walk, struct str full_jid)
{
    struct buf batch;
    buf_init(&batch, walk->world->arena);
    record_behind(&batch, walk->world->arena, walk->world->room, full_jid);
    record_keep(walk->world, buf_str(&batch));
}

static void come(struct walk *walk)
{
    struct record_world *world = walk->world;
    struct str jid = session_of(walk);
    struct str bare = str_of(jid.at, jid.len - 2);
    const char *nick = nicks[pick(walk, NICKS)];
    enum role role = (enum role)(ROLE_VISITOR + pick(walk, 3));
    if (session_find(world->room, jid) != NULL || !nick_is_free(walk, nick, bare) ||
        room_affiliation_str(world->room, bare) == AFF_OUTCAST)
        return;
    struct session *session = record_enter(world, jid.at, nick, role);
    (void)session_set_presence(world->room, session,
                               pick(walk, 2) == 0 ? STR("<show>xa</show>") : STR_NONE, STR_NONE,
                               (int8_t)pick(walk, 9));
    note(walk, jid);
}

static void go(struct walk *walk)
{
    struct str jid = session_of(walk);
    struct session *session = session_find(walk->world->room, jid);
    if (session == NULL)
        return;
    (void)session_remove(walk->world->room, session);
    note(walk, jid);
}

static void recall(struct walk *walk)
{
    struct room *room = walk->world->room;
    room_keep_role(room, account(walk), (enum role)pick(walk, ROLE_MODERATOR));
    room_invite_keep(room, account(walk), account(walk), STR("i"));
    if (pick(walk, 2) == 0)
        room_invite_forget(room, account(walk));
    if (pick(walk, 2) == 0)
        room_voice_forget(room, account(walk));
    else
        (void)room_voice_keep(room, account(walk), session_of(walk));
}

/* ---- the walk ---- */

/* What has been noted since, and nothing else: who is inside, what is remembered of accounts. */
static void note_all(struct walk *walk)
{
    struct record_world *world = walk->world;
    struct step step = {.arena = world->arena, .env = &world->env, .now_us = 1000};
    attendance_tell(world->room, &step);
    for (uint32_t i = 0; i < step.effects.count; i++)
        note(walk, step.effects.at[i].session.jid);
    effects_release(&step.effects);
}

/* Without any bytes in between. */
static void compare_snapshot(struct walk *walk)
{
    struct record_world *world = walk->world;
    const struct room *room = world->room;
    struct step step = {.arena = world->arena, .env = &world->env, .now_us = 1000};
    struct stored_room stored;
    room_snapshot(room, world->arena, &stored);
    if (room_exists(room)) {
        bool listed = room_affiliate(room, room->creator) != NULL;
        assert_int_equal(stored.changes[0].affiliation_count,
                         room->affiliations.count + (listed ? 0 : 1));
    }
    struct room *again = record_room(world);
    room_restore(again, &step, &stored);
    rate_watch(again, &step); /* as at the end of any step */
    room_check(again);
    assert_string_equal(room_text(again, world->arena), room_text(room, world->arena));
    room_free(again);
}

static void compare(struct walk *walk)
{
    struct record_world *world = walk->world;
    compare_snapshot(walk);
    if (world->row_count == 0) {
        assert_true(!room_exists(world->room) || !world->room->options.persistent);
        return;
    }
    struct room *again = record_reload(world);
    assert_string_equal(room_text(again, world->arena), room_text(world->room, world->arena));
    room_free(again);
}

static void one_step(struct walk *walk)
{
    static void (*const acts[])(struct walk *) = {
        affiliate, affiliate, affiliate, configure, discuss, depict,
        apply_for, end,       come,      come,      go,      recall,
    };
    acts[pick(walk, ARRAY_LEN(acts))](walk);
    note_all(walk);
    compare(walk);
}

static void any_changes_come_back(void **state)
{
    unsigned burials = 0;
    UNUSED(state);
    for (unsigned i = 0; i < WALKS; i++) {
        struct walk walk = {.world = record_world_new(), .seed = 88172645463325252u + i};
        record_create(walk.world);
        for (unsigned s = 0; s < STEPS; s++) {
            if (!room_exists(walk.world->room))
                record_create(walk.world);
            one_step(&walk);
        }
        burials += walk.burials;
        record_world_free(walk.world);
    }
    assert_true(burials > WALKS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_changes_come_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
