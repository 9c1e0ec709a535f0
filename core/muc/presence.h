/*
 * The presences a room sends about an occupant: with JIDs, without, and to itself; who gets which.
 * The first two are cached in the occupant, so a newcomer's list costs references, not builds.
 *
 * An account knows itself: the occupants of one account see each other and their JIDs whatever the
 * room keeps from others.
 * @xep 0045 1.35.5 #roles.shown #affil.shown #enter-pres.list #enter-pres.one-x
 * @xep 0045 1.35.5 #enter-pres.broadcast #enter-pres.self-110 #enter-nonanon.jid #enter-semianon
 * @xep 0045 1.35.5 #bizrules-presence.standing #bizrules-presence.loss
 * @xep 0045 1.35.5 #bizrules-presence.from-then-on #bizrules-presence.full-jid
 */
#ifndef CORE_MUC_PRESENCE_H
#define CORE_MUC_PRESENCE_H

#include "core/muc/muc.h"
#include "core/muc/occupant.h"

struct affiliate;

/* A set of status codes: bit i is row i of status.def. */
enum status_row {
#define STATUS(code, after, meaning) STATUS_ROW_##code,
#include "core/muc/status.def"
#undef STATUS
    STATUS_ROW_COUNT
};
#define STATUS_BIT(code) (UINT32_C(1) << STATUS_ROW_##code)

/* Writes the codes of a set that stand before (or behind) the item, in the order of status.def. */
void fb_statuses(struct fb *fb, uint32_t set, bool behind_item);
/* The bit of a code given as number (options know them so); 0 for an unknown one. */
uint32_t status_bit(unsigned code);

/* Who did it. `nick` absent: the actor is not inside. */
struct actor {
    struct str nick;
    struct str jid; /* full if inside, else bare */
};

/* What a presence says beyond the occupant's state. Zero: nothing. */
struct news {
    bool unavailable;
    bool ends_room;            /* unavailable, and the room goes with it: said in own copies */
    bool missed;               /* unavailable: there is a gap in what it has read (333) */
    bool keep_role;            /* unavailable, and yet with the current role (hidden, renamed) */
    uint32_t statuses;         /* for everybody; 110 is added to own copies by itself */
    uint32_t self_statuses;    /* only in own copies (201, 100, 170, 210) */
    const struct actor *actor; /* or NULL */
    struct str reason;
    struct str new_nick;    /* 303: with the current role, although unavailable */
    struct str status_text; /* <status/> of the presence itself, when the room speaks (ghosts) */
    struct str payload;     /* unavailable: what the leaver's own stanza carried; serialised */
    struct str lang;
    struct str id; /* for the own copy to `id_for` */
    const struct session *id_for;
    const struct session *only; /* the item is about this one session (one of several leaves) */
    enum urgency urgency;       /* of what others are told */
};

/* The children of a client's presence that may be passed on, serialised: without muc, muc#user,
 * hats, occupant-id, forged ids and delays (SEMANTICS 4.1.1). In the arena. *priority is set.
 * False: larger than PRESENCE_BYTES_MAX. */
MUST_CHECK bool presence_payload(const struct room *room, struct step *step,
                                 const struct node *presence, struct str *payload,
                                 int8_t *priority);

/* Is it shown to everybody? Not if its role is not (presencebroadcast), or if it came when there
 * were too many (quiet_above). */
bool presence_shown(const struct room *room, const struct occupant *occupant);
/* May this viewer see real JIDs of others? */
bool presence_sees_jids(const struct room *room, const struct occupant *viewer);

/* To all others who may see it: with JIDs to those entitled, without to the rest. A presence about
 * somebody hidden goes to moderators if the room lets them see all, and to its account's other
 * nicknames. */
void presence_to_others(struct room *room, struct step *step, const struct occupant *occupant,
                        const struct news *news);

/* What others are to be told of somebody, made while it is there, to be sent when it is not: so
 * that many who leave at once are not told of each other. */
struct presence_parting {
    struct frame *full, *anon;  /* with JIDs, without; or NULL */
    uint8_t full_for, anon_for; /* roster flags of who is given which; 0: nobody */
    struct tidings tidings;
};
struct presence_parting presence_parting(struct room *room, struct step *step,
                                         const struct occupant *occupant, const struct news *news);
/* To all who are still inside. Frames are TAKEN. */
void presence_part(struct room *room, struct step *step, const struct presence_parting *parting);

/* To its own sessions (or just one, if `session` is not NULL), with own JIDs and 110. */
void presence_to_self(struct room *room, struct step *step, const struct occupant *occupant,
                      const struct session *session, const struct news *news);
/* After a session came to, or left, an occupant that has others (SEMANTICS 4.3): the new list of
 * sessions to who may see JIDs, and to the rest as well if `seen_changed`. */
void presence_sessions_changed(struct room *room, struct step *step,
                               const struct occupant *occupant, bool seen_changed,
                               enum urgency urgency);
/* Both: own sessions first, then others (SEMANTICS 6.5.3). */
void presence_announce(struct room *room, struct step *step, const struct occupant *occupant,
                       const struct news *news);
/*
 * After a change of role, affiliation or both that leaves the occupant inside: tells itself and
 * others, an available presence to who may see it now, an unavailable one to who no longer may
 * (SEMANTICS 4.2.2); if it began or ceased to see JIDs, everybody else's presence again (6.5.5).
 * `before` is the role it had.
 */
void presence_standing_changed(struct room *room, struct step *step, struct occupant *occupant,
                               enum role before, const struct news *news);

/* After a session's role has changed from `before`: if it began or ceased to see JIDs, or hidden
 * roles, everybody else's presence again (SEMANTICS 6.5.5). */
void presence_eyes_changed(struct room *room, struct step *step, const struct session *session,
                           enum role before);

/* After the owner has changed whose presence is shown (SEMANTICS 4.5.3): who is shown from now on
 * appears to others, who no longer is vanishes; where there is room enough now, nobody is quiet. */
void presence_shown_changed(struct room *room, struct step *step, uint32_t broadcast_before,
                            bool see_all_before);

/* Everybody the viewer may see, except its own nickname, then absent members if the room shows them
 * (SEMANTICS 2.3 step 1, 4.5): FX_SEND_LIST. */
void presence_list(struct room *room, struct step *step, const struct session *viewer);
/* The presence of one occupant as one viewer may see it, no 110: probes. A new reference. */
struct frame *presence_view(struct room *room, struct step *step, struct occupant *occupant,
                            const struct occupant *viewer);
/* Unavailable presence of an absent account with a reserved nickname (SEMANTICS 4.5.2); of the row
 * it needs all but `nick_key` and `reason`. */
struct frame *presence_absent(const struct room *room, struct step *step,
                              const struct affiliate *affiliate, bool with_jid);

/* The presence as everybody who may see it is given it, kept until it changes. A new reference. */
struct frame *presence_kept(struct room *room, struct step *step, struct occupant *occupant,
                            bool with_jids);
/* Forget cached frames: state that they show has changed. */
void presence_drop_cache(struct room *room, struct occupant *occupant);
void presence_drop_frames(struct occupant *occupant); /* of one who has left */

void fb_occupant_id(struct fb *fb, struct str id);
/* Writes <item affiliation role jid?/> with actor and reason inside. `jid` absent: none;
 * `actor_jid`: whether the actor's JID may be shown. */
void fb_item(struct fb *fb, enum affiliation affiliation, enum role role, struct str jid,
             struct str nick, const struct actor *actor, bool actor_jid, struct str reason);

/* The message about an account that is not inside (SEMANTICS 6.7): to all in a non-anonymous room,
 * else to moderators. `statuses`: 301 or 321. */
void presence_absent_affiliation(struct room *room, struct step *step, struct str bare_jid,
                                 enum affiliation affiliation, struct str reason,
                                 uint32_t statuses);

#endif
