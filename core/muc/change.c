/*
 * The only writer of a room's durable state. Nothing here decides: a change that does not fit the
 * room is our own mistake and stops the process.
 */
#include "core/muc/change.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/absentees.h"
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
        if (row == NULL && item->after == AFF_NONE)
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
    room->state = ROOM_OPEN;
    if ((room->options.broadcast & BROADCAST_NONE) == 0)
        absentees_drop(room);
    room_history_trim(room);
    apply_affiliations(room, change);
}

static void apply_subject(struct room *room, const struct change *change)
{
    frame_unref(room->subject.frame);
    str_free(&room->subject.plain);
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

static void apply_destroy(struct room *room, const struct change *change)
{
    ensure(room_exists(room));
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

enum step_outcome change_submit(struct room *room, struct step *step, const struct change *change,
                                change_then *then, const struct inbound *in)
{
    note_nicks(room, step, change);
    if (change->kind == CHANGE_CREATE) {
        struct change full = creation(room, step, change);
        change_apply(room, &full);
    } else {
        change_apply(room, change);
    }
    if (then != NULL)
        then(room, step, change, in);
    return STEP_DONE;
}
