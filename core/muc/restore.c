#include "core/muc/restore.h"

#include "core/muc/attendance.h"
#include "core/muc/keeping.h"
#include "core/muc/rate.h"
#include "core/muc/outage.h"

#include "core/base/ensure.h"
#include "core/base/log.h"
#include "core/muc/feature.h"

/* Longer ago than any room waits: who has just been put back is asked at the next look whether it
 * is still there (core/muc/silence.h). */
#define HEARD_LONG_AGO_US 1

/* ---- what is durable ---- */

static void restore_subject(struct room *room, const struct change *stored)
{
    const struct archived *kept = stored->kept;
    struct change change = *stored;
    change.subject.frame = frame_of(kept->xml, kept->address_at, kept->tail_at);
    ensure(change.subject.frame != NULL); /* who reads the store has looked at it */
    change_apply(room, &change);
    frame_unref(change.subject.frame);
}

/* A tombstone whose time was over while nobody asked for the room is none any more. */
static bool is_over(const struct change *change, int64_t now_us)
{
    return change->kind == CHANGE_DESTROY && change->destroy.until_us <= now_us;
}

static void restore_changes(struct room *room, const struct step *step,
                            const struct stored_room *stored)
{
    for (unsigned i = 0; i < stored->change_count; i++) {
        if (is_over(&stored->changes[i], step->now_us))
            continue;
        if (stored->changes[i].kind == CHANGE_SUBJECT)
            restore_subject(room, &stored->changes[i]);
        else
            change_apply(room, &stored->changes[i]);
    }
}

/* ---- what was said ---- */

/* Rows of an archive are not looked at before: what cannot be shown is left out. */
static bool restore_message(struct room *room, const struct archived *row)
{
    struct history_entry entry;
    if (!keeping_entry(room, row, &entry))
        return false;
    /* A clock that was set back does not change the order. */
    uint32_t count = room->history.count;
    int64_t before_us = count == 0 ? entry.at_us : room_history_at(room, count - 1)->at_us;
    if (entry.at_us < before_us)
        entry.at_us = before_us;
    room_history_add(room, &entry);
    frame_unref(entry.frame);
    return true;
}

static void restore_history(struct room *room, const struct stored_room *stored)
{
    unsigned left_out = 0;
    for (unsigned i = 0; i < stored->history_count; i++)
        left_out += !restore_message(room, &stored->history[i]);
    if (left_out > 0)
        log_warn("room %s: %u of its last %u messages cannot be read, and newcomers are not shown "
                 "them; --check-store says what is damaged",
                 room->jid->text, left_out, stored->history_count);
}

/* ---- what was remembered ---- */

static void restore_memory(struct room *room, const struct stored_memory *memory)
{
    const struct stored_account *account = memory->first;
    for (; account != NULL; account = account->next) {
        if (account->role != ROLE_NONE)
            room_keep_role(room, account->jid, account->role);
        if (str_present(account->invited_by))
            room_invite_keep(room, account->jid, account->invited_by, STR_NONE);
        if (str_present(account->voice_jid))
            (void)room_voice_keep(room, account->jid, account->voice_jid); /* or there are many */
    }
}

/* ---- who was inside ---- */

/* The role it has now. */
static enum role role_now(const struct room *room, const struct stored_session *stored,
                          enum affiliation affiliation)
{
    enum role role = stored->role;
    if (affiliation != stored->affiliation)
        role =
            role_after(stored->role, stored->affiliation, affiliation, room_kind(&room->options));
    return role == ROLE_NONE ? ROLE_VISITOR : role;
}

/* Who was not shown is known to nobody, however many are here now; and the other way round. */
static void restore_quiet(struct room *room, struct occupant *occupant, bool quiet)
{
    if (!quiet) {
        occupant_end_quiet(room, occupant);
    } else if (!occupant->quiet && occupant->role < ROLE_MODERATOR) {
        occupant->quiet = true;
        room->quiet_count++;
    }
}

/* Its occupant, who may have come back already with another session; NULL: the nickname is somebody
 * else's. */
static struct occupant *occupant_for(struct room *room, struct step *step,
                                     const struct stored_session *stored, const struct jid *jid)
{
    struct str account = jid_bare(jid);
    struct str key = prep_nick_key(step->arena, stored->nick);
    if (str_empty(key))
        return NULL;
    struct occupant *there = occupant_by_nick(room, key);
    if (there != NULL) {
        bool fits =
            str_eq(there->account, account) && there->session_count < ROOM_SESSIONS_PER_NICK;
        return fits ? there : NULL;
    }
    const struct affiliate *reserved = room_nick_owner(room, key);
    bool free = reserved == NULL || str_eq(reserved->jid, account);
    if (!free || room->occupant_count >= ROOM_OCCUPANTS_MAX + ROOM_ADMIN_RESERVE)
        return NULL;
    enum affiliation affiliation = room_affiliation_str(room, account);
    struct occupant *occupant =
        occupant_seat(room, stored->nick, key, jid_to_bare(step->arena, jid), affiliation,
                      role_now(room, stored, affiliation));
    restore_quiet(room, occupant, stored->quiet);
    occupant_tally(step, occupant, true);
    return occupant;
}

/* For a moment, until it is cut off. */
static const struct route nowhere = {.slot = UINT32_MAX, .generation = 0, .lane = 0};

static struct session *restore_session(struct room *room, struct step *step,
                                       const struct stored_session *stored)
{
    const struct jid *jid = jid_parse(step->arena, stored->jid);
    bool gone = stored->route.lane == LANE_NONE;
    if (jid == NULL || jid_is_bare(jid) || session_find(room, jid_full(jid)) != NULL)
        return NULL;
    struct occupant *occupant = occupant_for(room, step, stored, jid);
    if (occupant == NULL)
        return NULL;
    /* Numbers stay as they were: rows written from now on are compared with those of before. */
    if (stored->joined > room->joins)
        room->joins = stored->joined - 1;
    struct session *session = session_add(room, occupant, jid, gone ? nowhere : stored->route);
    session->gone = gone;
    room->gone_count += gone;
    session->heard_us = HEARD_LONG_AGO_US;
    (void)session_set_presence(room, session, stored->payload, stored->lang, stored->priority);
    return session;
}

/* Nobody is there who could be told, so nobody need be. */
static void remove_gone(struct room *room, struct step *step)
{
    for (uint32_t i = 0; i < room->sessions_size && room->session_count > 0; i++) {
        struct session *session = room->sessions[i];
        if (session == NULL || !session->gone)
            continue;
        if (session->occupant->session_count == 1)
            occupant_tally(step, session->occupant, false);
        (void)session_remove(room, session);
    }
}

/* Who has to go is still shown as being inside to those who stay, and links are down as yet. So it
 * goes as those do who have missed something (core/muc/outage.h). */
static void restore_sessions(struct room *room, struct step *step, const struct stored_room *stored)
{
    bool all_gone = true;
    for (unsigned i = 0; i < stored->session_count; i++) {
        const struct stored_session *from = &stored->sessions[i];
        struct session *session = restore_session(room, step, from);
        if (session == NULL) { /* taken out of the store as well */
            effect_session(step, from->jid);
            continue;
        }
        all_gone &= session->gone;
        if (session->gone || from->missed || outage_bars(room, session->occupant) != 0)
            session_cut_off(room, session);
    }
    attendance_drop(room);
    if (all_gone)
        remove_gone(room, step);
}

void room_restore(struct room *room, struct step *step, const struct stored_room *stored)
{
    if (stored == NULL)
        return;
    ensure(room->state == ROOM_ABSENT && room->session_count == 0);
    restore_changes(room, step, stored);
    if (!room_exists(room))
        return;
    restore_history(room, stored);
    if (stored->memory != NULL)
        restore_memory(room, stored->memory);
    restore_sessions(room, step, stored);
    if (stored->memory != NULL && stored->memory->old_form)
        effect_session(step, STR_NONE);
    rate_watch(room, step);
}
