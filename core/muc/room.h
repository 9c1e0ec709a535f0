/*
 * Room state. Owned and touched by one shard's thread only; every writer of durable parts is
 * change_apply(), every writer of who is inside is core/muc/occupant.c.
 * @xep 0045 1.35.5 #roles.kept #modifyban.order #enter-maxusers
 */
#ifndef CORE_MUC_ROOM_H
#define CORE_MUC_ROOM_H

#include "core/base/limits.h"
#include "core/base/map.h"
#include "core/muc/card.h"
#include "core/muc/muc.h"
#include "core/muc/occupant.h"
#include "core/muc/option.h"

enum room_state {
    ROOM_ABSENT, /* does not exist: nothing but an address */
    ROOM_LOCKED, /* created, not yet configured */
    ROOM_OPEN,
    ROOM_DESTROYED, /* a tombstone stands */
};

/* An account's standing in the room; key of room->affiliations is `jid`. AFF_NONE is not stored. */
struct affiliate {
    struct str jid;              /* heap, bare or domain */
    struct str nick;             /* heap: reserved nickname or absent */
    struct str nick_key;         /* heap, with it */
    struct str occupant_id;      /* heap, with it: of its presence while it is not inside */
    struct str reason;           /* heap or absent */
    uint32_t shown_at[VIEWINGS]; /* of the absentees: its places there */
    bool stale;                  /* not shown there as it should be */
    enum affiliation affiliation : 8;
};

#define STANZA_ID_BYTES 32

/* A message kept for those who enter. */
struct history_entry {
    struct frame *frame; /* as it was broadcast, or its tombstone; counted */
    int64_t at_us;
    int64_t dated_us; /* when it was sent, if: */
    bool dated;       /* it says so itself: the room does not */
    bool retracted;   /* a tombstone: nothing of what was said is left */
    char stanza_id[STANZA_ID_BYTES];
    char author[OCCUPANT_ID_BYTES]; /* its occupant-id */
    uint64_t id_hash;               /* of the id its sender gave it */
};

struct history {
    struct history_entry *ring;
    uint32_t size;  /* allocated */
    uint32_t start; /* oldest */
    uint32_t count;
    uint32_t bytes; /* of the frames */
};

struct subject {
    struct frame *frame; /* as it was broadcast, or NULL: never set */
    int64_t at_us;
    struct str plain; /* heap */
};

/* A voice decision that outlives leaving; key of room->roles_kept. */
struct kept_role {
    struct str jid; /* heap, bare */
    enum role role;
};

/* Who may decline an invitation, and to whom; key of room->invited is `jid`. */
struct invited_account {
    struct str jid;   /* heap, bare: who was invited */
    struct str by;    /* heap, bare: who invited last */
    uint64_t id_hash; /* of the invitation's id: what comes back has the same */
};

/* A visitor asked for voice while no moderator was inside; key of room->voice_pending: `account` */
struct voice_request {
    struct str account; /* heap, bare */
    struct str jid;     /* heap, full: the session that asked */
};

/* What moderators and admins are asked for. */
enum asked_for { ASKED_VOICE, ASKED_REGISTRATION, ASKED_KINDS };

/* When an account last asked for it; key of room->asked is `account`. */
struct asker {
    struct str account; /* heap, bare */
    int64_t at_us[ASKED_KINDS];
};

/* What is left of a destroyed room. */
struct tombstone {
    struct str alternate; /* heap */
    struct str reason;    /* heap */
    int64_t until_us;
};

/* Most rooms are small, and there may be a hundred thousand of them: what few rooms have is behind
 * a pointer, and the whole fits a size class of the allocator (room.c asserts it). */
struct room {
    const struct muc_env *env; /* borrowed */
    struct jid *jid;           /* bare, owned */
    uint64_t id;
    enum room_state state;
    unsigned owner_count;
    struct room_options options;
    uint8_t secret[32]; /* occupant-ids are made with it; new for each creation */
    struct str creator; /* heap, bare JID: may enter while locked */
    int64_t created_us;

    struct map affiliations;   /* bare JID -> struct affiliate */
    struct map reserved_nicks; /* nick key -> struct affiliate */

    struct map occupants_by_nick;    /* nick key -> struct occupant */
    struct map occupants_by_account; /* bare JID -> first struct occupant */
    struct map sessions_by_jid;      /* full JID -> struct session */
    struct occupant **occupants;     /* by number, with holes */
    uint32_t occupants_size;
    uint32_t occupant_count;
    uint32_t quiet_count;      /* of them: whose presence is not shown because there are so many */
    uint32_t occupant_hole;    /* where to look first for a free number */
    struct session **sessions; /* by number, with holes */
    uint32_t sessions_size;
    uint32_t session_count;
    uint64_t joins; /* ever */
    struct roster *roster;
    struct lineup *lineup;       /* NULL: nobody was shown so many that it is worth it */
    struct absentees *absentees; /* the same */

    struct history history;
    struct subject subject;
    struct card *card;        /* heap; NULL: none */
    struct map roles_kept;    /* bare JID -> struct kept_role: voice decisions */
    struct map invited;       /* bare JID -> struct invited_account: who may decline, and to whom */
    struct map voice_pending; /* bare JID -> struct voice_request: waits for a moderator */
    struct map registrations; /* bare JID -> struct registration: waits for an admin's consent */
    struct map *asked;        /* bare JID -> struct asker: may not ask again at once; or NULL */
    struct rate *rate;        /* core/muc/rate.h; heap; NULL: nobody has to wait */

    struct burials *burials;        /* core/muc/burial.h; heap; NULL: none is pending */
    struct tombstone *tombstone;    /* heap; ROOM_DESTROYED only */
    struct attendance *attendance;  /* heap; NULL: nobody came, changed or went in this step */
    struct pending_change *pending; /* a change that is not committed yet; not owned (change.h) */
    struct {                        /* what the directory was told last */
        bool listed;
        uint32_t occupants;
        uint64_t name_hash;
    } published;
    int64_t silence_alarm_us; /* core/muc/silence.h; 0: not set */
    uint32_t silence_next;    /* number of the session to look at next */
    uint32_t session_hole;    /* where to look first for a free number */
    uint32_t gone_count;      /* sessions that are gone */
    bool burial_alarm;        /* core/muc/burial.h: its alarm is set */
    uint8_t outage_alarm;     /* core/muc/outage.h */
    bool was_archived;        /* its archive is on, or was: what is in it can still be read */
};

/* An account's affiliation: the service's admins are owners; a ban of the domain counts. */
enum affiliation room_affiliation(const struct room *room, const struct jid *account);
enum affiliation room_affiliation_str(const struct room *room, struct str bare_jid);
/* Its row, or NULL. */
struct affiliate *room_affiliate(const struct room *room, struct str bare_jid);
/* Can so many rows be added? Owners and admins can keep a list in order only if others cannot fill
 * it, and whoever is to stay out has to be told so even then. */
enum addition { ADDED_UNASKED, ADDED_BY_ADMIN, ADDED_TO_STAY_OUT };
bool room_has_place(const struct room *room, unsigned count, enum addition how);
/* Who reserved the nickname, or NULL. */
struct affiliate *room_nick_owner(const struct room *room, struct str nick_key);

/* True for ROOM_LOCKED and ROOM_OPEN. */
bool room_exists(const struct room *room);

/* Are there so many inside that nobody is shown who comes now? */
bool room_is_crowded(const struct room *room);

/* No nickname more for an account of that affiliation. Admins and owners are let in over the
 * owner's number and, by ROOM_ADMIN_RESERVE, over the service's. */
bool room_is_full(const struct room *room, enum affiliation affiliation);

/* Voice decisions remembered while the room lives (SEMANTICS 6.1.1). ROLE_NONE: nothing known. */
enum role room_kept_role(const struct room *room, struct str bare_jid);
void room_keep_role(struct room *room, struct str bare_jid, enum role role);

/* Invitations remembered while the room lives (SEMANTICS 10.7); the oldest is forgotten first. */
const struct invited_account *room_invited(const struct room *room, struct str bare_jid);
void room_invite_keep(struct room *room, struct str bare_jid, struct str by_bare_jid,
                      struct str id);
/* Was the invitation sent with that id? */
bool room_invite_has_id(const struct room *room, const struct invited_account *invited,
                        struct str id);
void room_invite_forget(struct room *room, struct str bare_jid);

/* Voice requests nobody could answer yet (SEMANTICS 10.9), one per account. False: there are
 * ROOM_VOICE_PENDING_MAX already. Walk them with map_each(&room->voice_pending, ...). */
bool room_voice_keep(struct room *room, struct str account, struct str full_jid);
void room_voice_forget(struct room *room, struct str account);
/* When it last asked, 0: not known; and remembering it, the longest ago is forgotten first. */
int64_t room_asked_us(const struct room *room, struct str account, enum asked_for what);
void room_asked(struct room *room, struct str account, enum asked_for what, int64_t at_us);

/* Tells the directory whatever has changed: name, listed, number of occupants. Call once at the end
 * of a step that changed one of them; does nothing if nothing has. */
void room_publish(struct room *room, struct step *step);

/* After the last session has left: a temporary room is over (options, affiliations, history go); if
 * it is stored, when that is committed. */
enum step_outcome room_settle(struct room *room, struct step *step);

/* Ends the room at once: everything but its address is gone and the state is ROOM_ABSENT. Nobody is
 * inside any more. */
void room_clear(struct room *room);
/* Only what the room remembers: affiliations, history, subject, memories, secret. Its options stay
 * until those inside have been put out. For change_apply(). */
void room_clear_content(struct room *room);
/* As if there had never been one. For change_apply(). */
void room_subject_clear(struct room *room);

/* History: keeps a copy, with a reference of its own; the oldest goes when over the room's limits.
 * All entries but the tombstones are as they were added. */
void room_history_add(struct room *room, const struct history_entry *entry);
/* The message with that id of the room's; NULL: not kept. Until the history changes. */
struct history_entry *room_history_find(struct room *room, struct str stanza_id);
/* It was not kept after all. */
void room_history_drop(struct room *room, struct str stanza_id);
/* Those of that occupant-id, or (NULL) of all, up to that time; tombstones stay. */
void room_history_forget(struct room *room, const char *author, int64_t until_us);
/* Its tombstone, of which a reference is kept, stands there from now on. */
void room_history_bury(struct room *room, struct history_entry *entry, struct frame *tombstone);
/* Down to what the room's options allow, after they have changed. */
void room_history_trim(struct room *room);
/* The i-th oldest. */
const struct history_entry *room_history_at(const struct room *room, uint32_t i);

#endif
