/*
 * Who is inside. The three indexes (nickname key, account, full JID), the two arrays by number and
 * the roster are changed together here and nowhere else.
 */
#include "core/muc/occupant.h"

#include "core/muc/attendance.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/absentees.h"
#include "core/muc/presence.h"
#include "core/muc/room.h"

static_assert(sizeof(struct occupant) <= 128, "a size class of jemalloc; the next one is 160");
static_assert(sizeof(struct session) <= 96, "a size class of jemalloc; the next one is 112");

enum { NUMBERS_FIRST = 2 };

/* ---- finding ---- */

struct occupant *occupant_by_nick(const struct room *room, struct str nick_key)
{
    return map_get(&room->occupants_by_nick, nick_key);
}

struct occupant *occupant_by_account(const struct room *room, struct str account)
{
    return map_get(&room->occupants_by_account, account);
}

struct session *session_find(const struct room *room, struct str full_jid)
{
    return map_get(&room->sessions_by_jid, full_jid);
}

struct session *occupant_primary_without(const struct occupant *occupant,
                                         const struct session *without)
{
    struct session *primary = NULL;
    for (struct session *session = occupant->sessions; session != NULL; session = session->next) {
        if (session != without && (primary == NULL || session->priority >= primary->priority))
            primary = session;
    }
    return primary;
}

struct session *occupant_primary(const struct occupant *occupant)
{
    return occupant_primary_without(occupant, NULL);
}

bool session_looks_like(const struct session *a, const struct session *b)
{
    return str_eq(a->payload, b->payload) && str_eq(session_lang(a), session_lang(b));
}

struct occupant *occupant_next(const struct room *room, uint32_t *at)
{
    return map_next(&room->occupants_by_nick, at);
}

/* ---- numbers: the array doubles; after that the last number given back is the first tried ---- */

static uint32_t number_free(void *const *slots, uint32_t size, uint32_t hole)
{
    for (uint32_t i = 0; i < size; i++) {
        uint32_t number = hole + i < size ? hole + i : hole + i - size;
        if (slots[number] == NULL)
            return number;
    }
    never("an array of numbers that should have a hole");
}

static uint32_t numbers_grown(uint32_t size)
{
    return size == 0 ? NUMBERS_FIRST : size * 2;
}

static void occupant_number(struct room *room, struct occupant *occupant)
{
    uint32_t size = room->occupants_size;
    if (room->occupant_count == size) {
        uint32_t grown = numbers_grown(size);
        ensure(grown < ROSTER_OCCUPANTS_MAX);
        room->occupants = mem_grow(room->occupants, sizeof(struct occupant *) * grown);
        memset(room->occupants + size, 0, sizeof(struct occupant *) * (grown - size));
        room->occupants_size = grown;
        room->occupant_hole = size;
    }
    occupant->number =
        number_free((void *const *)room->occupants, room->occupants_size, room->occupant_hole);
    room->occupants[occupant->number] = occupant;
    room->occupant_hole = (occupant->number + 1) % room->occupants_size;
    room->occupant_count++;
}

static void session_number(struct room *room, struct session *session)
{
    uint32_t size = room->sessions_size;
    if (room->session_count == size) {
        uint32_t grown = numbers_grown(size);
        room->sessions = mem_grow(room->sessions, sizeof(struct session *) * grown);
        memset(room->sessions + size, 0, sizeof(struct session *) * (grown - size));
        room->sessions_size = grown;
        room->session_hole = size;
    }
    session->number =
        number_free((void *const *)room->sessions, room->sessions_size, room->session_hole);
    room->sessions[session->number] = session;
    room->session_hole = (session->number + 1) % room->sessions_size;
    room->session_count++;
}

/* ---- occupants ---- */

void occupant_send(struct step *step, const struct occupant *occupant, struct frame *frame)
{
    for (const struct session *to = occupant->sessions; to != NULL; to = to->next)
        effect_send(step, frame_ref(frame), to->route, to->address);
    frame_unref(frame);
}

void occupant_tally(struct step *step, const struct occupant *occupant, bool inside)
{
    if (step->env->settings->rooms_per_user > 0 && !occupant_has_others(occupant))
        effect_tally(step, occupant->account, inside);
}

void occupant_id_by(const struct muc_crypto *crypto, struct str secret, struct str account,
                    char id[OCCUPANT_ID_BYTES])
{
    uint8_t mac[32];

    crypto->hmac_sha256(crypto->self, secret, account, mac);
    hex_write(id, mac, OCCUPANT_ID_BYTES / 2);
}

void occupant_id_make(const struct room *room, struct str account, char id[OCCUPANT_ID_BYTES])
{
    struct str secret = str_of((const char *)room->secret, sizeof(room->secret));
    occupant_id_by(room->env->crypto, secret, account, id);
}

/* Most nicknames are their own keys. */
static void set_nick(const struct room *room, struct occupant *occupant, struct str nick,
                     struct str key)
{
    occupant->jid = jid_make(NULL, jid_local(room->jid), jid_domain(room->jid), nick);
    nick = occupant_nick(occupant);
    occupant->nick_key = str_eq(nick, key) ? nick : str_copy(key);
}

static void free_nick(struct jid *jid, struct str key)
{
    if (key.at != jid_resource(jid).at)
        str_free(&key);
    jid_free(jid);
}

static uint8_t flags_of(const struct occupant *occupant)
{
    return (uint8_t)(1u << (occupant->role - ROLE_VISITOR));
}

static void session_refresh(struct room *room, const struct session *session)
{
    if (session_is_cut_off(session))
        return;
    roster_update(&room->roster, session->number, session->route, session->occupant->group,
                  flags_of(session->occupant));
}

static void sessions_refresh(struct room *room, const struct occupant *occupant)
{
    for (const struct session *session = occupant->sessions; session != NULL;
         session = session->next)
        session_refresh(room, session);
}

static void account_link(struct room *room, struct occupant *occupant)
{
    struct occupant *same = occupant_by_account(room, occupant->account);
    occupant->group = same != NULL ? same->group : occupant->number;
    if (same == NULL) {
        map_put(&room->occupants_by_account, occupant->account, occupant);
        return;
    }
    while (same->same_account != NULL)
        same = same->same_account;
    same->same_account = occupant;
}

static void account_unlink(struct room *room, struct occupant *occupant)
{
    struct occupant *first = occupant_by_account(room, occupant->account);
    if (first != occupant) {
        while (first->same_account != occupant)
            first = first->same_account;
        first->same_account = occupant->same_account;
        return;
    }
    /* The key is the text of the first occupant, so the entry is made anew; and so is the number
     * the roster knows the account by, which may soon be somebody else's. */
    map_remove(&room->occupants_by_account, occupant->account);
    struct occupant *next = occupant->same_account;
    if (next != NULL)
        map_put(&room->occupants_by_account, next->account, next);
    for (struct occupant *other = next; other != NULL; other = other->same_account) {
        other->group = next->number;
        sessions_refresh(room, other);
    }
}

struct occupant *occupant_seat(struct room *room, struct str nick, struct str nick_key,
                               const struct jid *account_jid, enum affiliation affiliation,
                               enum role role)
{
    ensure(role != ROLE_NONE && occupant_by_nick(room, nick_key) == NULL);
    struct occupant *occupant = MEM_NEW(struct occupant);
    occupant->role = role;
    occupant->affiliation = affiliation;
    occupant->account = str_copy(jid_bare(account_jid));
    occupant_id_make(room, occupant->account, occupant->id);
    set_nick(room, occupant, nick, nick_key);
    occupant->quiet = role < ROLE_MODERATOR && room_is_crowded(room);
    room->quiet_count += occupant->quiet;
    occupant_number(room, occupant);
    map_put(&room->occupants_by_nick, occupant->nick_key, occupant);
    account_link(room, occupant);
    absentees_moved(room, occupant->account, occupant->nick_key);
    return occupant;
}

static void occupant_free(struct room *room, struct occupant *occupant)
{
    ensure(occupant->sessions == NULL);
    account_unlink(room, occupant);
    map_remove(&room->occupants_by_nick, occupant->nick_key);
    room->occupants[occupant->number] = NULL;
    room->occupant_hole = occupant->number;
    room->occupant_count--;
    room->quiet_count -= occupant->quiet;
    lineup_left(room, occupant);
    absentees_moved(room, occupant->account, occupant->nick_key);
    presence_drop_frames(occupant);
    free_nick(occupant->jid, occupant->nick_key);
    str_free(&occupant->account);
    mem_free(occupant);
}

void occupant_rename(struct room *room, struct occupant *occupant, struct str nick,
                     struct str nick_key)
{
    struct occupant *holder = occupant_by_nick(room, nick_key);
    ensure(holder == NULL || holder == occupant);
    map_remove(&room->occupants_by_nick, occupant->nick_key);
    struct jid *old = occupant->jid;
    struct str old_key = occupant->nick_key;
    set_nick(room, occupant, nick, nick_key); /* which may be given from the old one */
    map_put(&room->occupants_by_nick, occupant->nick_key, occupant);
    absentees_moved(room, occupant->account, old_key);
    absentees_moved(room, occupant->account, occupant->nick_key);
    free_nick(old, old_key);
    presence_drop_cache(room, occupant);
    attendance_note_all(room, occupant);
}

void occupant_set_role(struct room *room, struct occupant *occupant, enum role role)
{
    ensure(role != ROLE_NONE);
    if (role != occupant->role) {
        occupant->role = role;
        sessions_refresh(room, occupant);
        attendance_note_all(room, occupant);
    }
    presence_drop_cache(room, occupant);
}

void occupant_end_quiet(struct room *room, struct occupant *occupant)
{
    if (!occupant->quiet)
        return;
    occupant->quiet = false;
    room->quiet_count--;
    presence_drop_cache(room, occupant);
    attendance_note_all(room, occupant);
}

/* ---- sessions ---- */

/* Keeps the list oldest first, also when a session comes from another occupant. */
static void session_link(struct room *room, struct occupant *occupant, struct session *session)
{
    struct session **link = &occupant->sessions;
    while (*link != NULL && (*link)->joined < session->joined)
        link = &(*link)->next;
    session->next = *link;
    *link = session;
    session->occupant = occupant;
    occupant->session_count++;
    presence_drop_cache(room, occupant);
}

static void session_unlink(struct room *room, struct session *session)
{
    struct occupant *occupant = session->occupant;
    struct session **link = &occupant->sessions;
    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    occupant->session_count--;
    presence_drop_cache(room, occupant);
}

static void roster_enter(struct room *room, const struct session *session)
{
    roster_add(&room->roster, session->route, session->address, session->number,
               session->occupant->group, flags_of(session->occupant));
}

struct session *session_add(struct room *room, struct occupant *occupant, const struct jid *jid,
                            struct route route)
{
    ensure(!jid_is_bare(jid) && str_eq(jid_bare(jid), occupant->account));
    ensure(session_find(room, jid_full(jid)) == NULL);
    struct session *session = MEM_NEW(struct session);
    session->jid = jid_copy(jid);
    session->address = address_new(jid_full(jid));
    session->route = route;
    session->joined = ++room->joins;
    session_number(room, session);
    session_link(room, occupant, session);
    map_put(&room->sessions_by_jid, jid_full(session->jid), session);
    roster_enter(room, session);
    attendance_note(room, session);
    return session;
}

void session_cut_off(struct room *room, struct session *session)
{
    if (!session_is_cut_off(session))
        roster_remove(&room->roster, session->number);
    session->route = ROUTE_NONE;
}

static void session_free(struct room *room, struct session *session)
{
    attendance_note(room, session);
    session_cut_off(room, session);
    map_remove(&room->sessions_by_jid, jid_full(session->jid));
    room->sessions[session->number] = NULL;
    room->session_hole = session->number;
    room->session_count--;
    room->gone_count -= session->gone;
    address_unref(session->address);
    str_free(&session->payload);
    mem_free((char *)(uintptr_t)session->lang);
    jid_free(session->jid);
    mem_free(session);
}

bool session_remove(struct room *room, struct session *session)
{
    struct occupant *occupant = session->occupant;
    session_unlink(room, session);
    session_free(room, session);
    if (occupant->sessions != NULL)
        return false;
    occupant_free(room, occupant);
    return true;
}

void occupant_remove(struct room *room, struct occupant *occupant)
{
    while (!session_remove(room, occupant->sessions))
        continue;
}

bool session_move(struct room *room, struct session *session, struct occupant *to)
{
    struct occupant *from = session->occupant;
    ensure(from != to && str_eq(from->account, to->account));
    session_unlink(room, session);
    session_link(room, to, session);
    session_refresh(room, session);
    attendance_note(room, session);
    if (from->sessions != NULL)
        return false;
    occupant_free(room, from);
    return true;
}

void session_set_route(struct room *room, struct session *session, struct route route)
{
    bool came_back = session_is_cut_off(session);
    session->route = route;
    if (came_back)
        roster_enter(room, session);
    else
        session_refresh(room, session);
}

bool session_set_presence(struct room *room, struct session *session, struct str payload,
                          struct str lang, int8_t priority)
{
    struct occupant *occupant = session->occupant;
    const struct session *seen = occupant_primary(occupant);
    /* Not freed before it has been compared: it may be what others see now. */
    struct str old_payload = session->payload, old_lang = session_lang(session);
    struct str seen_payload = seen->payload, seen_lang = session_lang(seen);

    session->payload = str_empty(payload) ? STR_NONE : str_copy(payload);
    session->lang = str_empty(lang) ? NULL : str_copy(lang).at;
    if (session->priority != priority || !str_eq(session->payload, old_payload) ||
        !str_eq(session_lang(session), old_lang))
        attendance_note(room, session);
    session->priority = priority;
    const struct session *now = occupant_primary(occupant);
    bool changed = !str_eq(seen_payload, now->payload) || !str_eq(seen_lang, session_lang(now));
    str_free(&old_payload);
    str_free(&old_lang);
    if (changed)
        presence_drop_cache(room, occupant);
    return changed;
}
