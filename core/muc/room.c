/*
 * A room's state: birth, end, and the small memories that live as long as the room does.
 */
#include "core/muc/room.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/absentees.h"
#include "core/muc/attendance.h"
#include "core/muc/burial.h"
#include "core/muc/change.h"
#include "core/muc/durable.h"
#include "core/muc/rate.h"
#include "core/muc/registration.h"

static_assert(sizeof(struct room) <= 896, "a size class of jemalloc; the next one is 1,024");
static_assert(sizeof(struct affiliate) <= 96, "a size class of jemalloc; the next one is 112");

struct room *room_new(const struct muc_env *env, const struct jid *jid, uint64_t id)
{
    ensure(jid_is_bare(jid) && jid->local_len > 0);
    struct room *room = MEM_NEW(struct room);
    room->env = env;
    room->jid = jid_copy(jid);
    room->id = id;
    room->state = ROOM_ABSENT;
    map_init(&room->affiliations, &env->hash_key);
    map_init(&room->reserved_nicks, &env->hash_key);
    map_init(&room->occupants_by_nick, &env->hash_key);
    map_init(&room->occupants_by_account, &env->hash_key);
    map_init(&room->sessions_by_jid, &env->hash_key);
    map_init(&room->roles_kept, &env->hash_key);
    map_init(&room->invited, &env->hash_key);
    map_init(&room->voice_pending, &env->hash_key);
    map_init(&room->registrations, &env->hash_key);
    room->roster = roster_new();
    return room;
}

static void affiliate_free(struct affiliate *row)
{
    str_free(&row->jid);
    str_free(&row->nick);
    str_free(&row->nick_key);
    str_free(&row->occupant_id);
    str_free(&row->reason);
    mem_free(row);
}

static void invited_free(struct invited_account *invited)
{
    str_free(&invited->jid);
    str_free(&invited->by);
    mem_free(invited);
}

static void request_free(struct voice_request *request)
{
    str_free(&request->account);
    str_free(&request->jid);
    mem_free(request);
}

static void asked_free(struct asker *asked)
{
    str_free(&asked->account);
    mem_free(asked);
}

static void kept_free(struct kept_role *kept)
{
    str_free(&kept->jid);
    mem_free(kept);
}

static void map_empty(struct map *map, const struct hash_key *key)
{
    map_fini(map);
    map_init(map, key);
}

static void askers_clear(struct room *room)
{
    struct asker *asked;
    if (room->asked == NULL)
        return;
    map_each (room->asked, at, asked)
        asked_free(asked);
    map_fini(room->asked);
    mem_free(room->asked);
    room->asked = NULL;
}

static void room_clear_maps(struct room *room)
{
    const struct hash_key *key = &room->env->hash_key;
    struct affiliate *row;
    absentees_drop(room);
    map_each (&room->affiliations, at, row)
        affiliate_free(row);
    map_empty(&room->affiliations, key);
    map_empty(&room->reserved_nicks, key);
    room->owner_count = 0;

    struct kept_role *kept;
    map_each (&room->roles_kept, at, kept)
        kept_free(kept);
    map_empty(&room->roles_kept, key);

    struct invited_account *invited;
    map_each (&room->invited, at, invited)
        invited_free(invited);
    map_empty(&room->invited, key);

    struct voice_request *request;
    map_each (&room->voice_pending, at, request)
        request_free(request);
    map_empty(&room->voice_pending, key);

    askers_clear(room);
    burials_clear(room);
    registrations_clear(room);
}

static void room_clear_history(struct room *room)
{
    for (uint32_t i = 0; i < room->history.count; i++)
        frame_unref(room_history_at(room, i)->frame);
    mem_free(room->history.ring);
    room->history = (struct history){0};
}

void room_subject_clear(struct room *room)
{
    frame_unref(room->subject.frame);
    str_free(&room->subject.plain);
    room->subject = (struct subject){0};
}

void room_clear_content(struct room *room)
{
    room_clear_maps(room);
    room_clear_history(room);
    room_subject_clear(room);
    card_free(room->card);
    room->card = NULL;
    str_free(&room->creator);
    room->creator = STR_NONE;
    memset(room->secret, 0, sizeof(room->secret));
    room->was_archived = false;
}

static void tombstone_free(struct tombstone *tombstone)
{
    if (tombstone == NULL)
        return;
    str_free(&tombstone->alternate);
    str_free(&tombstone->reason);
    mem_free(tombstone);
}

void room_clear(struct room *room)
{
    ensure(room->session_count == 0);
    room_clear_content(room);
    room_options_fini(&room->options);
    room->options = (struct room_options){0};
    tombstone_free(room->tombstone);
    room->tombstone = NULL;
    room->created_us = 0;
    room->state = ROOM_ABSENT;
}

void room_free(struct room *room)
{
    if (room == NULL)
        return;
    struct occupant *occupant;
    occupant_each (room, at, occupant)
        occupant_remove(room, occupant);
    change_forget(room);
    attendance_drop(room);
    rate_free(room);
    room_clear(room);
    map_fini(&room->affiliations);
    map_fini(&room->reserved_nicks);
    map_fini(&room->occupants_by_nick);
    map_fini(&room->occupants_by_account);
    map_fini(&room->sessions_by_jid);
    map_fini(&room->roles_kept);
    map_fini(&room->invited);
    map_fini(&room->voice_pending);
    map_fini(&room->registrations);
    mem_free(room->occupants);
    mem_free(room->sessions);
    lineup_drop(room);
    roster_unref(room->roster);
    jid_free(room->jid);
    mem_free(room);
}

bool room_exists(const struct room *room)
{
    return room->state == ROOM_LOCKED || room->state == ROOM_OPEN;
}

bool room_forgettable(const struct room *room)
{
    return room->state == ROOM_ABSENT && room->session_count == 0 && room->pending == NULL;
}

bool room_has_account(const struct room *room, const struct jid *jid)
{
    return occupant_by_account(room, jid_bare(jid)) != NULL;
}

bool room_has_session(const struct room *room, const struct jid *jid)
{
    return session_find(room, jid_full(jid)) != NULL;
}

uint64_t room_id(const struct room *room)
{
    return room->id;
}

const struct jid *room_jid(const struct room *room)
{
    return room->jid;
}

uint32_t room_sessions(const struct room *room)
{
    return room->session_count;
}

/* ---- affiliations ---- */

struct affiliate *room_affiliate(const struct room *room, struct str bare_jid)
{
    return map_get(&room->affiliations, bare_jid);
}

struct affiliate *room_nick_owner(const struct room *room, struct str nick_key)
{
    return map_get(&room->reserved_nicks, nick_key);
}

static struct str domain_part(struct str bare_jid)
{
    const char *at = memchr(bare_jid.at, '@', bare_jid.len);
    if (at == NULL)
        return bare_jid;
    size_t local = (size_t)(at - bare_jid.at) + 1;
    return str_of(bare_jid.at + local, bare_jid.len - local);
}

enum affiliation room_affiliation_str(const struct room *room, struct str bare_jid)
{
    if (map_get(&room->env->settings->admins, bare_jid) != NULL)
        return AFF_OWNER;
    if (room->affiliations.count == 0)
        return AFF_NONE;
    const struct affiliate *row = room_affiliate(room, bare_jid);
    if (row != NULL)
        return row->affiliation;
    row = room_affiliate(room, domain_part(bare_jid));
    return row != NULL && row->affiliation == AFF_OUTCAST ? AFF_OUTCAST : AFF_NONE;
}

enum affiliation room_affiliation(const struct room *room, const struct jid *account)
{
    return room_affiliation_str(room, jid_bare(account));
}

bool room_has_place(const struct room *room, unsigned count, enum addition how)
{
    static const unsigned most[] = {
        [ADDED_UNASKED] = ROOM_AFFILIATIONS_UNASKED_MAX,
        [ADDED_BY_ADMIN] = ROOM_AFFILIATIONS_MAX,
        [ADDED_TO_STAY_OUT] = ROOM_AFFILIATIONS_MAX + ROOM_BANS_RESERVE,
    };
    return count == 0 || room->affiliations.count + count <= most[how];
}

bool room_is_full(const struct room *room, enum affiliation affiliation)
{
    uint32_t most = room->options.max_users == 0 ? ROOM_OCCUPANTS_MAX : room->options.max_users;
    if (affiliation >= AFF_ADMIN)
        most = ROOM_OCCUPANTS_MAX + ROOM_ADMIN_RESERVE;
    return room->occupant_count >= most;
}

bool room_is_crowded(const struct room *room)
{
    return room->options.quiet_above != 0 && room->occupant_count >= room->options.quiet_above;
}

/* ---- memories ---- */

enum role room_kept_role(const struct room *room, struct str bare_jid)
{
    const struct kept_role *kept = map_get(&room->roles_kept, bare_jid);
    return kept == NULL ? ROLE_NONE : kept->role;
}

void room_keep_role(struct room *room, struct str bare_jid, enum role role)
{
    if (role != room_kept_role(room, bare_jid))
        attendance_note_account(room, bare_jid);
    struct kept_role *kept = map_get(&room->roles_kept, bare_jid);
    if (role == ROLE_NONE) {
        if (kept != NULL) {
            map_remove(&room->roles_kept, bare_jid);
            kept_free(kept);
        }
        return;
    }
    if (kept == NULL) {
        if (room->roles_kept.count >= ROOM_ROLES_KEPT_MAX) {
            uint32_t at = 0;
            struct kept_role *oldest = map_next(&room->roles_kept, &at);
            attendance_note_account(room, oldest->jid);
            map_remove(&room->roles_kept, oldest->jid);
            kept_free(oldest);
        }
        kept = MEM_NEW(struct kept_role);
        kept->jid = str_copy(bare_jid);
        map_put(&room->roles_kept, kept->jid, kept);
    }
    kept->role = role;
}

const struct invited_account *room_invited(const struct room *room, struct str bare_jid)
{
    return map_get(&room->invited, bare_jid);
}

void room_invite_forget(struct room *room, struct str bare_jid)
{
    struct invited_account *invited = map_remove(&room->invited, bare_jid);
    if (invited == NULL)
        return;
    attendance_note_account(room, invited->jid);
    invited_free(invited);
}

bool room_invite_has_id(const struct room *room, const struct invited_account *invited,
                        struct str id)
{
    return invited->id_hash == hash_str(&room->env->hash_key, str_empty(id) ? STR("") : id);
}

void room_invite_keep(struct room *room, struct str bare_jid, struct str by_bare_jid, struct str id)
{
    room_invite_forget(room, bare_jid);
    if (room->invited.count >= ROOM_INVITED_MAX) {
        uint32_t at = 0;
        const struct invited_account *oldest = map_next(&room->invited, &at);
        room_invite_forget(room, oldest->jid);
    }
    struct invited_account *invited = MEM_NEW(struct invited_account);
    invited->jid = str_copy(bare_jid);
    invited->by = str_copy(by_bare_jid);
    invited->id_hash = hash_str(&room->env->hash_key, str_empty(id) ? STR("") : id);
    map_put(&room->invited, invited->jid, invited);
    attendance_note_account(room, invited->jid);
}

void room_voice_forget(struct room *room, struct str account)
{
    struct voice_request *request = map_remove(&room->voice_pending, account);
    if (request == NULL)
        return;
    attendance_note_account(room, request->account);
    request_free(request);
}

bool room_voice_keep(struct room *room, struct str account, struct str full_jid)
{
    struct voice_request *request = map_get(&room->voice_pending, account);
    if (request == NULL) {
        if (room->voice_pending.count >= ROOM_VOICE_PENDING_MAX)
            return false;
        request = MEM_NEW(struct voice_request);
        request->account = str_copy(account);
        map_put(&room->voice_pending, request->account, request);
    }
    str_free(&request->jid);
    request->jid = str_copy(full_jid);
    attendance_note_account(room, request->account);
    return true;
}

int64_t room_asked_us(const struct room *room, struct str account, enum asked_for what)
{
    const struct asker *asked = room->asked == NULL ? NULL : map_get(room->asked, account);
    return asked == NULL ? 0 : asked->at_us[what];
}

void room_asked(struct room *room, struct str account, enum asked_for what, int64_t at_us)
{
    if (room->asked == NULL) {
        room->asked = MEM_NEW(struct map);
        map_init(room->asked, &room->env->hash_key);
    }
    /* Taken out and put last again: the first is always the one to forget. */
    struct asker *asked = map_remove(room->asked, account);
    if (asked == NULL && room->asked->count >= ROOM_ASKED_MAX) {
        uint32_t at = 0;
        struct asker *oldest = map_next(room->asked, &at);
        map_remove(room->asked, oldest->account);
        asked_free(oldest);
    }
    if (asked == NULL) {
        asked = MEM_NEW(struct asker);
        asked->account = str_copy(account);
    }
    asked->at_us[what] = at_us;
    map_put(room->asked, asked->account, asked);
}

/* ---- the directory, and the end of a temporary room ---- */

void room_publish(struct room *room, struct step *step)
{
    /* Stored rooms are listed from the store, in memory or not. */
    bool listed = room->state == ROOM_OPEN && room->options.is_public && !room_is_durable(room);
    if (!listed) {
        if (room->published.listed)
            effect_publish(step, false, STR_NONE, 0);
        room->published.listed = false;
        return;
    }
    struct str name = room->options.name;
    uint64_t name_hash = str_empty(name) ? 0 : hash_str(&room->env->hash_key, name);
    if (room->published.listed && room->published.occupants == room->occupant_count &&
        room->published.name_hash == name_hash)
        return;
    room->published.listed = true;
    room->published.occupants = room->occupant_count;
    room->published.name_hash = name_hash;
    effect_publish(step, true, name, room->occupant_count);
}

enum step_outcome room_settle(struct room *room, struct step *step)
{
    if (room->session_count > 0)
        return STEP_DONE;
    /* A locked room has nobody but its creator: left before it was configured, it never was
     * (SEMANTICS 3.5). */
    bool over =
        room->state == ROOM_LOCKED || (room->state == ROOM_OPEN && !room->options.persistent);
    if (!over)
        return STEP_DONE;
    if (room_is_durable(room)) {
        struct change end = {.kind = CHANGE_DESTROY};
        return change_submit(room, step, &end, NULL, NULL);
    }
    room_clear(room);
    return STEP_DONE;
}
