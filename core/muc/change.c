/*
 * The only writer of a room's durable state. Nothing here decides: a change that does not fit the
 * room is our own mistake and stops the process.
 */
#include "core/muc/change.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/burial.h"
#include "core/muc/durable.h"
#include "core/muc/groupchat.h"
#include "core/muc/inbound.h"
#include "core/muc/absentees.h"
#include "core/muc/attendance.h"
#include "core/muc/presence.h"
#include "core/muc/registration.h"
#include "core/muc/room.h"
#include "core/xmpp/prep.h"

enum { KEY_ARENA_BYTES = 1024 };

/* ---- affiliations ---- */

static void nick_release(struct room *room, struct affiliate *row)
{
    if (!str_present(row->nick))
        return;
    absentees_removed(room, row);
    map_remove(&room->reserved_nicks, row->nick_key);
    str_free(&row->nick);
    str_free(&row->nick_key);
    str_free(&row->occupant_id);
    row->nick = STR_NONE;
    row->nick_key = STR_NONE;
    row->occupant_id = STR_NONE;
}

static void nick_reserve(struct room *room, struct affiliate *row, struct str nick)
{
    nick_release(room, row);
    if (str_empty(nick))
        return;
    struct arena *arena = arena_new(KEY_ARENA_BYTES);
    char id[OCCUPANT_ID_BYTES];
    occupant_id_make(room, row->jid, id);
    row->occupant_id = str_copy(str_of(id, sizeof(id)));
    row->nick = str_copy(nick);
    row->nick_key = str_copy(prep_nick_key(arena, nick));
    arena_free(arena);
    ensure(room_nick_owner(room, row->nick_key) == NULL);
    map_put(&room->reserved_nicks, row->nick_key, row);
}

static void row_remove(struct room *room, struct affiliate *row)
{
    nick_release(room, row);
    room->owner_count -= row->affiliation == AFF_OWNER;
    map_remove(&room->affiliations, row->jid);
    str_free(&row->jid);
    str_free(&row->reason);
    mem_free(row);
}

static struct affiliate *row_need(struct room *room, struct str jid)
{
    struct affiliate *row = room_affiliate(room, jid);
    if (row != NULL)
        return row;
    row = MEM_NEW(struct affiliate);
    row->jid = str_copy(jid);
    row->affiliation = AFF_NONE;
    map_put(&room->affiliations, row->jid, row);
    return row;
}

static void row_write(struct room *room, const struct affiliation_change *item)
{
    struct affiliate *row = row_need(room, item->jid);
    room->owner_count -= row->affiliation == AFF_OWNER;
    room->owner_count += item->after == AFF_OWNER;
    row->affiliation = item->after;
    str_free(&row->reason);
    row->reason = str_empty(item->reason) ? STR_NONE : str_copy(item->reason);
    if (item->after != AFF_OUTCAST && item->set_nick)
        nick_reserve(room, row, item->nick);
    if (str_present(row->nick))
        absentees_changed(room, row);
}

bool change_ends_waiting(const struct room *room, const struct affiliation_change *item)
{
    return item->after != AFF_NONE || room_affiliate(room, item->jid) != NULL;
}

static bool is_domain(struct str jid)
{
    return memchr(jid.at, '@', jid.len) == NULL;
}

/* What those inside carry with them. */
static void occupant_follow(struct room *room, struct occupant *occupant)
{
    enum affiliation affiliation = room_affiliation_str(room, occupant->account);
    if (affiliation == occupant->affiliation)
        return;
    occupant->affiliation = affiliation;
    presence_drop_cache(room, occupant);
    attendance_note_all(room, occupant); /* its role may stay, and follow from this one later */
}

static void account_follows(struct room *room, struct str account)
{
    struct occupant *occupant = occupant_by_account(room, account);
    for (; occupant != NULL; occupant = occupant->same_account)
        occupant_follow(room, occupant);
}

static void everybody_follows(struct room *room)
{
    struct occupant *occupant;
    occupant_each (room, at, occupant)
        occupant_follow(room, occupant);
}

static void apply_affiliations(struct room *room, const struct change *change)
{
    bool domains = false;
    /* Nicknames given up first: one set may hand a nickname from one account to another. */
    for (unsigned i = 0; i < change->affiliation_count; i++) {
        const struct affiliation_change *item = &change->affiliations[i];
        struct affiliate *row = room_affiliate(room, item->jid);
        if (!change_ends_waiting(room, item))
            continue;
        if (row != NULL && (item->set_nick || item->after <= AFF_NONE))
            nick_release(room, row);
        /* What was asked before this is overtaken. */
        registration_forget(room, item->jid);
    }
    for (unsigned i = 0; i < change->affiliation_count; i++) {
        const struct affiliation_change *item = &change->affiliations[i];
        struct affiliate *row = room_affiliate(room, item->jid);
        if (item->after != AFF_NONE)
            row_write(room, item);
        else if (row != NULL)
            row_remove(room, row);
        bool muted = item->own && room_kept_role(room, item->jid) == ROLE_VISITOR;
        if (item->before != item->after && !muted)
            room_keep_role(room, item->jid, ROLE_NONE);
        domains = domains || is_domain(item->jid);
        account_follows(room, item->jid);
    }
    /* Once for all of them: in a large room it is a long way round. */
    if (domains)
        everybody_follows(room);
}

/* ---- the other kinds ---- */

static void apply_create(struct room *room, const struct change *change)
{
    ensure(!room_exists(room) && change->affiliation_count > 0);
    const struct room_options *options = change->options;
    room_clear(room);
    room_options_copy(&room->options, options != NULL ? options : room->env->settings->defaults);
    room->options.persistent = room->options.persistent && !change->create.temporary;
    room->options.is_public = room->options.is_public && !change->create.hidden;
    memcpy(room->secret, change->create.secret, sizeof(room->secret));
    room->was_archived = room->options.archive || change->create.archived;
    room->creator = str_copy(change->affiliations[0].jid);
    room->created_us = change->create.at_us;
    room->state = change->create.locked ? ROOM_LOCKED : ROOM_OPEN;
    apply_affiliations(room, change);
}

static void apply_options(struct room *room, const struct change *change)
{
    struct room_options old = room->options;
    ensure(room_exists(room));
    room_options_copy(&room->options, change->options);
    room_options_fini(&old);
    room->was_archived |= room->options.archive;
    room->state = ROOM_OPEN;
    if ((room->options.broadcast & BROADCAST_NONE) == 0)
        absentees_drop(room);
    room_history_trim(room);
    apply_affiliations(room, change);
}

static void apply_subject(struct room *room, const struct change *change)
{
    room_subject_clear(room);
    room->subject.frame = frame_ref(change->subject.frame);
    room->subject.at_us = change->subject.at_us;
    room->subject.plain = str_copy(change->subject.plain);
}

static void apply_card(struct room *room, const struct change *change)
{
    ensure(room_exists(room));
    card_free(room->card);
    room->card = card_copy(change->card);
}

static void apply_bury(struct room *room, const struct change *change)
{
    struct history_entry *entry = room_history_find(room, change->bury.row->id);
    /* The archive may have it when those who enter are not shown it any more. */
    if (entry != NULL)
        room_history_bury(room, entry, change->bury.tombstone);
    if (change->bury.clears_subject)
        room_subject_clear(room);
    if (change->burial.of != NULL)
        burial_forget(room, burial_key(change->burial.of));
}

static void apply_burial(struct room *room, const struct change *change)
{
    if (change->burial.over)
        burial_forget(room, burial_key(change->burial.of));
    else
        burial_keep(room, change->burial.of);
}

static void apply_waiting(struct room *room, const struct change *change)
{
    const struct registration *wanted = change->waiting.wanted;
    if (wanted == NULL)
        registration_forget(room, change->waiting.account);
    else
        registration_keep(room, wanted);
}

static void apply_destroy(struct room *room, const struct change *change)
{
    /* Also of a room that is not there: its tombstone comes from the store. */
    ensure(room_exists(room) || (room->state == ROOM_ABSENT && change->destroy.until_us != 0));
    room_clear_content(room);
    room->state = ROOM_ABSENT;
    if (change->destroy.until_us == 0)
        return;
    room->state = ROOM_DESTROYED;
    room->tombstone = MEM_NEW(struct tombstone);
    room->tombstone->until_us = change->destroy.until_us;
    room->tombstone->alternate = str_copy(change->destroy.alternate);
    room->tombstone->reason = str_copy(change->destroy.reason);
}

void change_apply(struct room *room, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_CREATE:
        apply_create(room, change);
        return;
    case CHANGE_AFFILIATIONS:
        apply_affiliations(room, change);
        return;
    case CHANGE_OPTIONS:
        apply_options(room, change);
        return;
    case CHANGE_SUBJECT:
        apply_subject(room, change);
        return;
    case CHANGE_CARD:
        apply_card(room, change);
        return;
    case CHANGE_BURY:
        apply_bury(room, change);
        return;
    case CHANGE_BURIAL:
        apply_burial(room, change);
        return;
    case CHANGE_WAITING:
        apply_waiting(room, change);
        return;
    case CHANGE_DESTROY:
        apply_destroy(room, change);
        return;
    }
}

/* A room's secret is new for each creation, so that an old room's ids mean nothing in a new one. */
static struct change creation(const struct room *room, const struct step *step,
                              const struct change *change)
{
    const struct muc_crypto *crypto = step->env->crypto;
    const struct muc_settings *settings = step->env->settings;
    struct str creator = change->affiliations[0].jid;
    struct change full = *change;
    full.create.at_us = step->now_us;
    full.create.locked = settings->locked;
    full.create.temporary = !permit_allows(settings, &settings->persistent, creator);
    full.create.hidden = !permit_allows(settings, &settings->listed, creator);
    crypto->hmac_sha256(crypto->self, str_of((const char *)step->entropy, sizeof(step->entropy)),
                        jid_full(room->jid), full.create.secret);
    return full;
}

/* What follows has to say whose nickname is nobody's any more. */
static void note_nicks(const struct room *room, struct step *step, const struct change *change)
{
    for (unsigned i = 0; i < change->affiliation_count; i++) {
        struct affiliation_change *item = &change->affiliations[i];
        const struct affiliate *row = room_affiliate(room, item->jid);
        if (row != NULL && str_present(row->nick))
            item->nick_before = str_in(step->arena, row->nick);
    }
}

/* ---- commit, then apply ---- */

/* What the change points to has to outlive who decided it. */
static void pend(struct room *room, struct step *step, const struct pending_change *wanted)
{
    struct pending_change *pending = ARENA_NEW(step->arena, struct pending_change);
    *pending = *wanted;
    if (pending->change.options != NULL)
        pending->change.options = room_options_in(step->arena, pending->change.options);
    if (pending->change.card != NULL) {
        struct card *card = ARENA_NEW(step->arena, struct card);
        *card = *pending->change.card;
        pending->change.card = card;
    }
    if (pending->change.waiting.wanted != NULL) {
        struct registration *waiting = ARENA_NEW(step->arena, struct registration);
        *waiting = *pending->change.waiting.wanted;
        pending->change.waiting.wanted = waiting;
    }
    if (pending->change.burial.of != NULL) {
        struct burial *burial = ARENA_NEW(step->arena, struct burial);
        *burial = *pending->change.burial.of;
        burial->id = str_in(step->arena, burial->id);
        pending->change.burial.of = burial;
    }
    room->pending = pending;
    effect_commit(step, &pending->change);
}

static void release(const struct change *change)
{
    frame_unref(change->subject.frame);
    frame_unref(change->bury.tombstone);
    frame_unref(change->bury.notice);
}

static void perform(struct room *room, struct step *step, const struct pending_change *pending)
{
    change_apply(room, &pending->change);
    if (pending->then != NULL)
        pending->then(room, step, &pending->change, pending->in);
    if (pending->change.bury.clears_subject)
        effect_broadcast(step, groupchat_no_subject(room, step), room->roster, AUDIENCE_ALL);
    release(&pending->change);
}

/* Who makes a room that is stored is counted in it from now on: else many could be asked for before
 * the first of them counts. What follows the answer counts whoever is inside then. */
static void tally_creator(struct step *step, const struct change *change, bool inside)
{
    if (change->kind == CHANGE_CREATE && step->env->settings->rooms_per_user > 0)
        effect_tally(step, change->affiliations[0].jid, inside);
}

enum step_outcome change_submit(struct room *room, struct step *step, const struct change *change,
                                change_then *then, const struct inbound *in)
{
    struct pending_change pending = {*change, then, in};
    note_nicks(room, step, change);
    if (change->kind == CHANGE_CREATE)
        pending.change = creation(room, step, change);
    if (change_is_gated(room, &pending.change)) {
        pend(room, step, &pending);
        tally_creator(step, &pending.change, true);
        return STEP_AWAITS_COMMIT;
    }
    perform(room, step, &pending);
    return STEP_DONE;
}

static const struct pending_change *take_pending(struct room *room)
{
    const struct pending_change *pending = room->pending;
    ensure(pending != NULL);
    room->pending = NULL;
    return pending;
}

void change_forget(struct room *room)
{
    if (room->pending != NULL)
        release(&room->pending->change);
    room->pending = NULL;
}

void change_committed(struct room *room, struct step *step)
{
    const struct pending_change *pending = take_pending(room);
    perform(room, step, pending);
    tally_creator(step, &pending->change, false);
}

void change_failed(struct room *room, struct step *step, const struct refusal *refusal)
{
    const struct pending_change *pending = take_pending(room);
    release(&pending->change);
    tally_creator(step, &pending->change, false);
    if (pending->in != NULL)
        refuse(room, step, pending->in, refusal);
    else if (pending->change.kind == CHANGE_DESTROY && pending->then != NULL)
        effect_report(step, &pending->change.destroy.ticket, ORDER_FAILED);
    else if (room->state == ROOM_LOCKED)
        effect_timer(step, ROOM_TIMER_LOCK, step->now_us + ROOM_LOCK_SECONDS * INT64_C(1000000));
}
