/*
 * Occupants and their sessions. An occupant is one nickname held by one account; a session is one
 * full JID inside it. Found by nickname key, by account, by full JID.
 *
 * An account may hold several nicknames; the roster knows it by the number of the first of them.
 *
 * Owned by the room; pointers are borrowed and valid until the session or occupant is removed.
 * @xep 0045 1.35.5 #enter-conflict.all-sessions
 */
#ifndef CORE_MUC_OCCUPANT_H
#define CORE_MUC_OCCUPANT_H

#include "core/muc/lineup.h"
#include "core/muc/privilege.h"
#include "core/muc/roster.h"
#include "core/xmpp/jid.h"

struct room;
struct step;

struct session {
    struct occupant *occupant;
    struct session *next; /* of the same occupant, oldest first */
    struct jid *jid;      /* full, owned */
    struct address *address;
    struct route route;
    uint32_t number; /* index in room->sessions */
    int8_t priority;
    bool noted;         /* in room->attendance */
    uint8_t pings;      /* sent since it was heard of last (core/muc/silence.h) */
    bool stranded;      /* no link led there when links changed last (core/muc/outage.h) */
    bool moved;         /* to another link than the one it was heard by */
    bool gone;          /* found in the store, and reached nowhere: about to be put out */
    int64_t heard_us;   /* when it last said something */
    uint64_t joined;    /* rising: later joins have higher numbers */
    struct str payload; /* heap: the children of its last presence that may be shown */
    const char *lang;   /* heap: xml:lang of it, or NULL */
};

static inline struct str session_lang(const struct session *session)
{
    return session->lang != NULL ? str_z(session->lang) : STR_NONE;
}

#define OCCUPANT_ID_BYTES 32

struct occupant {
    uint32_t number; /* index in room->occupants; reused after leaving */
    uint32_t group;  /* number of the first occupant of its account */
    enum role role : 8;
    enum affiliation affiliation : 8; /* as the room's list says, kept in step by change_apply() */
    bool quiet;                       /* came when the room was full of faces; no moderator */
    uint8_t stale;                    /* of the lineup: bits by viewing */
    uint32_t shown_at[VIEWINGS];      /* its places there */
    unsigned session_count;
    struct str nick_key;           /* heap; in `jid` if it is the nickname itself */
    struct jid *jid;               /* room@service/nick, owned */
    struct str account;            /* heap, bare JID */
    struct session *sessions;      /* oldest first, never empty */
    struct occupant *same_account; /* next occupant of the same account */
    struct frame *full;            /* cached presence with JIDs, or NULL */
    struct frame *anon;            /* cached presence without JIDs, or NULL */
    char id[OCCUPANT_ID_BYTES];    /* occupant-id; not terminated */
};

/* As it was chosen. */
static inline struct str occupant_nick(const struct occupant *occupant)
{
    return jid_resource(occupant->jid);
}

static inline struct str occupant_id(const struct occupant *occupant)
{
    return str_of(occupant->id, OCCUPANT_ID_BYTES);
}

/* The occupant-id (0421) an account has in this room, inside or not: not computable without the
 * room's secret, the same for all its nicknames and sessions. */
void occupant_id_make(const struct room *room, struct str account, char id[OCCUPANT_ID_BYTES]);
/* The same by the secret of a room that is not in memory. */
void occupant_id_by(const struct muc_crypto *crypto, struct str secret, struct str account,
                    char id[OCCUPANT_ID_BYTES]);

struct occupant *occupant_by_nick(const struct room *room, struct str nick_key);
/* First of the account's occupants; then ->same_account. */
struct occupant *occupant_by_account(const struct room *room, struct str account);
struct session *session_find(const struct room *room, struct str full_jid);
/* Are they of one account? */
static inline bool occupant_same(const struct occupant *a, const struct occupant *b)
{
    return a->group == b->group;
}
/* Has its account another nickname here? */
static inline bool occupant_has_others(const struct occupant *occupant)
{
    return occupant->same_account != NULL || occupant->group != occupant->number;
}
/* The session whose show, status and extensions others see: highest priority, then newest. */
struct session *occupant_primary(const struct occupant *occupant);
/* Who it would be if that session were not there; NULL if there is no other. */
struct session *occupant_primary_without(const struct occupant *occupant,
                                         const struct session *without);
/* Would others see the same of either? */
bool session_looks_like(const struct session *a, const struct session *b);
/* Occupants one by one, in the order they came (a new nickname puts one last): *at from 0; NULL at
 * the end. Removing the one in hand is allowed. */
struct occupant *occupant_next(const struct room *room, uint32_t *at);

/* Sends `frame` (TAKEN) to all its sessions. */
void occupant_send(struct step *step, const struct occupant *occupant, struct frame *frame);

#define occupant_each(room, at, occupant)                                                          \
    for (uint32_t at = 0; ((occupant) = occupant_next((room), &at)) != NULL;)

/*
 * Seats a new occupant without sessions (add one in the same step). All copied. `nick` is prepared,
 * its key not in use. It is quiet if there are as many as the room shows (quiet_above).
 */
struct occupant *occupant_seat(struct room *room, struct str nick, struct str nick_key,
                               const struct jid *account_jid, enum affiliation affiliation,
                               enum role role);
/* Who has come, or is about to be removed, is the only nickname of its account here: the account is
 * in one room more, or one less. Moving within the account is neither. */
void occupant_tally(struct step *step, const struct occupant *occupant, bool inside);
/* It is told nothing and hears nothing any more, until it has a route again: it has none. */
void session_cut_off(struct room *room, struct session *session);
static inline bool session_is_cut_off(const struct session *session)
{
    return session->route.lane == LANE_NONE;
}
/* Adds to roster and indexes. `jid` copied. */
struct session *session_add(struct room *room, struct occupant *occupant, const struct jid *jid,
                            struct route route);
/* Removes one session; the occupant goes with its last one (then true is returned and `occupant`
 * is gone). */
bool session_remove(struct room *room, struct session *session);
/* Removes the occupant and all its sessions. */
void occupant_remove(struct room *room, struct occupant *occupant);
/* New nickname for the whole occupant. */
void occupant_rename(struct room *room, struct occupant *occupant, struct str nick,
                     struct str nick_key);
/* Moves one session to another occupant of the same account (5.5, 5.6); the old one goes if that
 * was its last session (true). */
bool session_move(struct room *room, struct session *session, struct occupant *to);
/* Role: keeps roster flags in step. Presence caches are dropped. Who becomes a moderator is quiet
 * until presence_standing_changed() has told of it. */
void occupant_set_role(struct room *room, struct occupant *occupant, enum role role);
/* It is shown like anybody else from now on. */
void occupant_end_quiet(struct room *room, struct occupant *occupant);
/* The client is reached by another connection with the same JID. */
void session_set_route(struct room *room, struct session *session, struct route route);
/* What its last presence said; copied. Presence caches are dropped. True if what others see of the
 * occupant changed. */
bool session_set_presence(struct room *room, struct session *session, struct str payload,
                          struct str lang, int8_t priority);

#endif
