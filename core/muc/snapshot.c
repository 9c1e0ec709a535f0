#include "core/muc/snapshot.h"

#include "core/muc/burial.h"
#include "core/muc/registration.h"
#include "core/muc/room.h"

#include <stdlib.h>

/* Creation, card, subject; not what waits to be registered or buried. */
enum { CHANGES_BESIDE = 3 };

static struct change *add_change(struct stored_room *stored, enum change_kind kind)
{
    struct change *change = &stored->changes[stored->change_count++];
    *change = (struct change){.kind = kind};
    return change;
}

/* ---- creation ---- */

static void list_affiliation(struct change *create, const struct affiliate *row)
{
    create->affiliations[create->affiliation_count++] = (struct affiliation_change){
        .jid = row->jid,
        .before = AFF_NONE,
        .after = row->affiliation,
        .set_nick = true,
        .nick = row->nick,
        .reason = row->reason,
    };
}

static void list_affiliations(const struct room *room, struct arena *arena, struct change *create)
{
    uint32_t count = room->affiliations.count + 1;
    const struct affiliate *creator = room_affiliate(room, room->creator);
    const struct affiliate *row;

    create->affiliations = ARENA_NEW_ARRAY(arena, struct affiliation_change, count);
    if (creator != NULL)
        list_affiliation(create, creator);
    else
        create->affiliations[create->affiliation_count++] = (struct affiliation_change){
            .jid = room->creator,
            .before = AFF_NONE,
            .after = AFF_NONE,
        };
    map_each (&room->affiliations, at, row) {
        if (row != creator)
            list_affiliation(create, row);
    }
}

static void add_creation(const struct room *room, struct arena *arena, struct stored_room *stored)
{
    struct change *create = add_change(stored, CHANGE_CREATE);
    create->options = &room->options;
    memcpy(create->create.secret, room->secret, sizeof(room->secret));
    create->create.at_us = room->created_us;
    create->create.locked = room->state == ROOM_LOCKED;
    create->create.archived = room->was_archived;
    list_affiliations(room, arena, create);
}

/* ---- the rest ---- */

static void add_subject(const struct room *room, struct arena *arena, struct stored_room *stored)
{
    const struct frame *frame = room->subject.frame;
    struct change *change = add_change(stored, CHANGE_SUBJECT);
    struct archived *kept = ARENA_NEW(arena, struct archived);
    kept->xml = str_of(frame->bytes, frame->size);
    kept->address_at = frame->address_at;
    kept->tail_at = frame->tail_at;
    change->kept = kept;
    change->subject.at_us = room->subject.at_us;
    change->subject.plain = room->subject.plain;
}

static void add_waiting(const struct room *room, struct stored_room *stored)
{
    const struct registration *waiting;
    map_each (&room->registrations, at, waiting) {
        struct change *change = add_change(stored, CHANGE_WAITING);
        change->waiting.account = waiting->account;
        change->waiting.wanted = waiting;
    }
}

static void add_burials(const struct room *room, struct stored_room *stored)
{
    const struct burial *burial;
    for (uint32_t at = 0; (burial = burial_next(room, &at)) != NULL;)
        add_change(stored, CHANGE_BURIAL)->burial.of = burial;
}

void snapshot_session(const struct session *session, struct stored_session *stored)
{
    const struct occupant *occupant = session->occupant;
    *stored = (struct stored_session){
        .jid = jid_full(session->jid),
        .route = session->route,
        .joined = session->joined,
        .nick = occupant_nick(occupant),
        .role = occupant->role,
        .affiliation = occupant->affiliation,
        .quiet = occupant->quiet,
        .missed = session_is_cut_off(session),
        .priority = session->priority,
        .payload = session->payload,
        .lang = session_lang(session),
    };
}

static int by_joined(const void *a, const void *b)
{
    uint64_t left = ((const struct stored_session *)a)->joined;
    uint64_t right = ((const struct stored_session *)b)->joined;
    return (left > right) - (left < right);
}

static void list_sessions(const struct room *room, struct arena *arena, struct stored_room *stored)
{
    const struct session *session;
    stored->sessions = ARENA_NEW_ARRAY(arena, struct stored_session, room->session_count);
    map_each (&room->sessions_by_jid, at, session)
        snapshot_session(session, &stored->sessions[stored->session_count++]);
    qsort(stored->sessions, stored->session_count, sizeof(*stored->sessions), by_joined);
}

bool snapshot_account(const struct room *room, struct str account, struct stored_account *stored)
{
    const struct invited_account *invited = room_invited(room, account);
    const struct voice_request *voice = map_get(&room->voice_pending, account);
    *stored = (struct stored_account){
        .jid = account,
        .role = room_kept_role(room, account),
        .invited_by = invited == NULL ? STR_NONE : invited->by,
        .voice_jid = voice == NULL ? STR_NONE : voice->jid,
    };
    return stored->role != ROLE_NONE || invited != NULL || voice != NULL;
}

static struct stored_account **list_account(const struct room *room, struct arena *arena,
                                            struct str account, struct stored_account **last)
{
    *last = ARENA_NEW(arena, struct stored_account);
    (void)snapshot_account(room, account, *last);
    return &(*last)->next;
}

/* Each once. */
void snapshot_memory(const struct room *room, struct arena *arena, struct stored_memory *memory)
{
    struct stored_account **last = &memory->first;
    const struct kept_role *kept;
    const struct invited_account *invited;
    const struct voice_request *voice;

    *memory = (struct stored_memory){.first = NULL};
    map_each (&room->roles_kept, at, kept)
        last = list_account(room, arena, kept->jid, last);
    map_each (&room->invited, at, invited) {
        if (room_kept_role(room, invited->jid) == ROLE_NONE)
            last = list_account(room, arena, invited->jid, last);
    }
    map_each (&room->voice_pending, at, voice) {
        if (room_kept_role(room, voice->account) == ROLE_NONE &&
            room_invited(room, voice->account) == NULL)
            last = list_account(room, arena, voice->account, last);
    }
}

static void add_tombstone(const struct room *room, struct stored_room *stored)
{
    struct change *change = add_change(stored, CHANGE_DESTROY);
    change->destroy.until_us = room->tombstone->until_us;
    change->destroy.alternate = room->tombstone->alternate;
    change->destroy.reason = room->tombstone->reason;
}

void room_snapshot(const struct room *room, struct arena *arena, struct stored_room *stored)
{
    *stored = (struct stored_room){0};
    stored->changes = ARENA_NEW_ARRAY(
        arena, struct change, CHANGES_BESIDE + room->registrations.count + burial_count(room));
    if (room->state == ROOM_DESTROYED)
        add_tombstone(room, stored);
    if (!room_exists(room))
        return;
    add_creation(room, arena, stored);
    if (room->card != NULL)
        add_change(stored, CHANGE_CARD)->card = room->card;
    if (room->subject.frame != NULL)
        add_subject(room, arena, stored);
    add_waiting(room, stored);
    add_burials(room, stored);
    list_sessions(room, arena, stored);
    stored->memory = ARENA_NEW(arena, struct stored_memory);
    snapshot_memory(room, arena, stored->memory);
}
