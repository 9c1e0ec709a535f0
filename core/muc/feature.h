/*
 * What a feature is made of. A feature is one file in core/muc/feature/ and exports one symbol,
 * `const struct feature feature_<name>`; it has no header and includes no other feature. Where
 * order matters it stands in core/muc/features.c and nowhere else.
 */
#ifndef CORE_MUC_FEATURE_H
#define CORE_MUC_FEATURE_H

#include "core/muc/change.h"
#include "core/muc/inbound.h"
#include "core/muc/option.h"
#include "core/muc/presence.h"
#include "core/muc/room.h"
#include "core/xml/frame.h"

/* Handles a stanza that its row matched. */
typedef enum step_outcome handler_fn(struct room *room, struct step *step,
                                     const struct inbound *in);
/* A further condition on a row; NULL: none. */
typedef bool match_fn(const struct room *room, const struct inbound *in);

/* The archive was asked for the sake of a stanza, and this is what it says. The same stanza again;
 * the room may have changed in between. */
typedef enum step_outcome answered_fn(struct room *room, struct step *step,
                                      const struct inbound *in, const struct event *answer);

struct handler {
    unsigned kinds;   /* enum stanza_kind bits */
    unsigned targets; /* enum target bits */
    unsigned types;   /* enum stanza_type bits */
    enum name name;   /* iq: of the payload; message, presence: of a child that must be there */
    enum ns ns;       /* of the same; NONE: any */
    match_fn *match;
    bool any_state; /* also called when the room is absent, locked or destroyed (else
                       core/muc/muc.c has answered item-not-found or gone) */
    handler_fn *run;
    answered_fn *answered; /* of a handler that asks the archive (effect_ask()); else NULL */
};

/* An attempt to enter, as the entry checks see it. */
struct entry {
    const struct inbound *in;
    const struct node *x; /* <x xmlns=muc/> */
    struct str nick;      /* prepared; may be rewritten by a check (210) */
    struct str nick_key;
    bool rewritten;
    struct occupant *existing; /* the occupant that holds nick_key, or NULL */
};

/* NULL: no objection. */
typedef const struct refusal *may_enter_fn(struct room *room, struct step *step,
                                           struct entry *entry);
/* For a groupchat message by an occupant. */
typedef const struct refusal *may_speak_fn(struct room *room, struct step *step,
                                           const struct inbound *in);

/* A groupchat message, private message or presence being built: add elements to it. `occupant` is
 * whom it comes from. */
struct stamping {
    struct occupant *occupant;
    const struct inbound *in;
    struct str stanza_id; /* of a message to all; STR_NONE: it is none */
};
typedef void stamp_fn(struct room *room, struct step *step, struct fb *fb,
                      const struct stamping *stamping);

/* After a session has entered and was shown who is here and itself: history, then subject. `x` is
 * the join's <x/>. */
typedef void entered_fn(struct room *room, struct step *step, struct session *session,
                        const struct node *x);

/* Adds <feature/>s and fields to the room's disco#info. */
typedef void disco_fn(const struct room *room, struct fb *fb);

struct feature {
    const char *name;
    const struct option *options;
    unsigned option_count;
    const struct handler *handlers;
    unsigned handler_count;
    may_enter_fn *may_enter;
    may_speak_fn *may_speak;
    stamp_fn *stamp_message;
    stamp_fn *stamp_presence;
    entered_fn *entered;
    disco_fn *disco;      /* <feature var=.../> */
    disco_fn *disco_form; /* fields of muc#roominfo */
};

/* ---- the tables of core/muc/features.c ---- */
extern const struct feature *const features_all[];
extern const unsigned features_count;
/* First refusal wins (SEMANTICS 2.2). */
const struct refusal *features_may_enter(struct room *room, struct step *step, struct entry *entry);
const struct refusal *features_may_speak(struct room *room, struct step *step,
                                         const struct inbound *in);
void features_stamp_message(struct room *room, struct step *step, struct fb *fb,
                            const struct stamping *stamping);
void features_stamp_presence(struct room *room, struct step *step, struct fb *fb,
                             const struct stamping *stamping);
void features_entered(struct room *room, struct step *step, struct session *session,
                      const struct node *x);
/* The first row that fits, or NULL. */
const struct handler *features_handler(const struct room *room, const struct inbound *in);

/* ---- what several features share (core/muc/ modules of their own, no feature includes another)
 * ---- */

/* core/muc/entry.c: the nickname asked for, by entering or from inside: what it is under the rules
 * of nicknames, and who has it. NULL, or why nobody can have it (SEMANTICS 2.2, step 1). */
const struct refusal *entry_read_nick(const struct room *room, struct step *step,
                                      struct entry *entry);

/* core/muc/removal.c: puts an occupant out: announces `news` (unavailable is set), removes it.
 * Caller settles and publishes (muc_step does so at its end). */
void removal_occupant(struct room *room, struct step *step, struct occupant *occupant,
                      struct news *news);
/* Many at once, whole accounts: each is told of itself, then who stays of each of them. That takes
 * leavers times stayers; one by one they would hear of each other as well. */
struct leavers {
    struct leaver {
        struct occupant *occupant;
        struct news *news; /* borrowed; several may share it */
    } * at;                /* in the arena */
    uint32_t count;
    uint32_t sessions;
};
struct leavers leavers_begin(struct step *step, uint32_t most); /* nobody yet */
void leavers_add(struct leavers *leavers, struct occupant *occupant, struct news *news);
void removal_many(struct room *room, struct step *step, const struct leavers *leavers);
/* One session ends; the others of the nickname stay (SEMANTICS 4.3.6). */
void removal_session(struct room *room, struct step *step, struct session *session,
                     struct news *news);

/* core/muc/standing.c: what an applied affiliation change means for those inside and absent:
 * presences with new roles, removals (301, 321), off-room messages; SEMANTICS 6.4, 6.5, 6.7.
 * `actor` NULL: the service. `refresh` sends presence also where nothing changed (7.5, 7.11). */
void standing_apply(struct room *room, struct step *step, const struct affiliation_change *changed,
                    const struct actor *actor, bool refresh);
/* Bans of whole servers, all those of a change at once and after everybody else in it: those under
 * them are put out, who are nothing in their own right. Not for standing_apply(). */
bool standing_bans_server(const struct affiliation_change *changed);
void standing_ban_servers(struct room *room, struct step *step, const struct change *change,
                          const struct actor *actor);
/* Tells the account itself, if it is not inside and the room's options want it told (6.7.6). Before
 * standing_apply(): who is put out is told by its presence. */
void standing_tell_account(struct room *room, struct step *step, const struct inbound *in,
                           const struct affiliation_change *changed);

/* core/muc/reflect.c: may this child of a client's stanza be passed on under the room's name? Not
 * what only a room may say: muc#user, hats, occupant-ids, that a message was moderated, stanza-ids
 * and delays of this room (SEMANTICS 4.1.1, 8.1.2). */
bool reflect_may_pass(const struct room *room, struct arena *arena, const struct node *child);
/* The children of a client's message that may be passed on (SEMANTICS 8.1.2),
 * into `fb`. */
void reflect_children(struct room *room, struct fb *fb, const struct node *message);

/* core/muc/seat.c: a session enters, or comes back (resync): presences to all, self, then
 * features_entered(). Used by enter and nick. */
void seat_session_shown(struct room *room, struct step *step, struct session *session,
                        const struct inbound *in, const struct node *x, uint32_t self_statuses,
                        bool tell_others);

#endif
