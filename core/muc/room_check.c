/*
 * Every invariant of a room's state between two steps. A violation is our mistake, never a peer's:
 * it stops the process and says which promise was broken.
 */
#include "core/muc/room.h"

#include "core/base/ensure.h"
#include "core/muc/absentees.h"
#include "core/muc/burial.h"
#include "core/muc/rate.h"

static void check_state(const struct room *room)
{
    ensure(jid_is_bare(room->jid) && room->jid->local_len > 0);
    switch (room->state) {
    case ROOM_ABSENT:
        ensure(room->tombstone == NULL);
        ensure(!str_present(room->creator));
        break;
    case ROOM_DESTROYED:
        ensure(room->tombstone != NULL && room->tombstone->until_us > 0);
        break;
    case ROOM_LOCKED:
    case ROOM_OPEN:
        ensure(room->owner_count > 0);
        ensure(str_present(room->creator));
        ensure(room->tombstone == NULL);
        return;
    }
    ensure(room->session_count == 0 && room->occupant_count == 0);
    ensure(room->affiliations.count == 0 && room->reserved_nicks.count == 0);
    ensure(room->history.count == 0 && room->subject.frame == NULL && room->card == NULL);
    ensure(room->roles_kept.count == 0 && room->invited.count == 0);
    ensure(room->voice_pending.count == 0 && room->asked == NULL);
    ensure(room->registrations.count == 0);
}

static void check_affiliations(const struct room *room)
{
    unsigned owners = 0, nicks = 0;
    const struct affiliate *row;
    ensure(room->affiliations.count <= ROOM_AFFILIATIONS_MAX + ROOM_BANS_RESERVE);
    map_each (&room->affiliations, at, row) {
        ensure(room_affiliate(room, row->jid) == row);
        ensure(row->affiliation != AFF_NONE && row->affiliation < AFF_COUNT);
        owners += row->affiliation == AFF_OWNER;
        ensure(str_present(row->nick) == str_present(row->nick_key));
        ensure(str_present(row->nick) == str_present(row->occupant_id));
        if (!str_present(row->nick))
            continue;
        ensure(row->affiliation > AFF_NONE);
        ensure(room_nick_owner(room, row->nick_key) == row);
        nicks++;
    }
    ensure(room->owner_count == owners);
    ensure(room->reserved_nicks.count == nicks);
}

static void check_history(const struct room *room)
{
    size_t bytes = 0;
    int64_t before = INT64_MIN;
    ensure(room->history.count <= room->history.size);
    ensure(room->history.count <= room->options.history);
    ensure(room->history.count <= ROOM_HISTORY_MAX);
    for (uint32_t i = 0; i < room->history.count; i++) {
        const struct history_entry *entry = room_history_at(room, i);
        ensure(entry->at_us >= before);
        before = entry->at_us;
        bytes += entry->frame->size;
    }
    ensure(room->history.bytes == bytes && bytes <= ROOM_HISTORY_BYTES_MAX);
}

static void check_sessions_of(const struct room *room, const struct occupant *occupant)
{
    unsigned sessions = 0;
    uint64_t joined = 0;
    for (const struct session *session = occupant->sessions; session != NULL;
         session = session->next) {
        ensure(session->occupant == occupant);
        ensure(session->number < room->sessions_size);
        ensure(room->sessions[session->number] == session);
        ensure(session_find(room, jid_full(session->jid)) == session);
        ensure(str_eq(jid_bare(session->jid), occupant->account));
        ensure(session->joined > joined && session->joined <= room->joins);
        joined = session->joined;
        ensure(session->heard_us > 0 && session->pings <= ROOM_PINGS_UNANSWERED);
        sessions++;
    }
    ensure(sessions > 0 && sessions == occupant->session_count);
    ensure(sessions <= ROOM_SESSIONS_PER_NICK);
}

/* Who is not any more, and could not be told before the process ended, waits for that. */
static bool is_allowed(const struct room *room, const struct occupant *occupant)
{
    if (room->options.members_only && occupant->affiliation <= AFF_NONE)
        return false;
    return occupant->affiliation != AFF_OUTCAST;
}

static void check_occupant(const struct room *room, const struct occupant *occupant)
{
    ensure(room->occupants[occupant->number] == occupant);
    ensure(occupant->role != ROLE_NONE && occupant->role < ROLE_COUNT);
    ensure(occupant->affiliation == room_affiliation_str(room, occupant->account));
    ensure(is_allowed(room, occupant) || session_is_cut_off(occupant->sessions));
    ensure(occupant_by_nick(room, occupant->nick_key) == occupant);
    ensure(!str_empty(occupant_nick(occupant)));
    ensure(jid_bare_eq(occupant->jid, room->jid));
    const struct affiliate *reserved = room_nick_owner(room, occupant->nick_key);
    ensure(reserved == NULL || str_eq(reserved->jid, occupant->account));
    ensure(!occupant->quiet || occupant->role < ROLE_MODERATOR);
    const struct occupant *same = occupant_by_account(room, occupant->account);
    ensure(occupant->group == same->number);
    while (same != NULL && same != occupant)
        same = same->same_account;
    ensure(same == occupant);
    check_sessions_of(room, occupant);
}

static uint32_t check_occupants(const struct room *room)
{
    uint32_t occupants = 0, sessions = 0, quiet = 0, at = 0;
    const struct occupant *occupant;
    while ((occupant = occupant_next(room, &at)) != NULL) {
        check_occupant(room, occupant);
        occupants++;
        quiet += occupant->quiet;
        sessions += occupant->session_count;
    }
    ensure(occupants == room->occupant_count);
    ensure(occupants == room->occupants_by_nick.count);
    ensure(quiet == room->quiet_count);
    ensure(room->occupants_by_account.count <= occupants);
    ensure(sessions == room->session_count);
    ensure(sessions == room->sessions_by_jid.count);
    return sessions;
}

static void check_entry(const struct room *room, uint16_t lane, const struct roster_entry *entry)
{
    ensure(entry->session < room->sessions_size);
    const struct session *session = room->sessions[entry->session];
    ensure(session != NULL && session->address == entry->address);
    ensure(route_eq(session->route, (struct route){entry->slot, entry->generation, lane}));
    ensure(roster_account(entry) == session->occupant->group);
    ensure(roster_flags(entry) == 1u << (session->occupant->role - ROLE_VISITOR));
}

static void check_roster(const struct room *room, uint32_t sessions)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < room->sessions_size; i++)
        sessions -= room->sessions[i] != NULL && session_is_cut_off(room->sessions[i]);
    ensure(roster_size(room->roster) == sessions);
    for (unsigned i = 0; i < roster_lanes(room->roster); i++) {
        uint16_t lane = roster_lane_at(room->roster, i);
        const struct roster_entry *entries;
        uint32_t count;
        for (uint32_t at = 0; (count = roster_run(room->roster, lane, at, &entries)) > 0;
             at += count) {
            for (uint32_t e = 0; e < count; e++)
                check_entry(room, lane, &entries[e]);
            seen += count;
        }
    }
    ensure(seen == sessions);
}

void room_check(const struct room *room)
{
    check_state(room);
    check_affiliations(room);
    check_history(room);
    ensure(room->roles_kept.count <= ROOM_ROLES_KEPT_MAX);
    ensure(room->invited.count <= ROOM_INVITED_MAX);
    ensure(room->voice_pending.count <= ROOM_VOICE_PENDING_MAX);
    ensure(room->asked == NULL || room->asked->count <= ROOM_ASKED_MAX);
    ensure(room->registrations.count <= ROOM_REGISTERING_MAX);
    ensure(burial_count(room) <= ROOM_BURIALS_MAX);
    ensure(room->burials == NULL || (burial_count(room) > 0 && room->was_archived));
    check_roster(room, check_occupants(room));
    lineup_check(room);
    absentees_check(room);
    rate_check(room);
}
