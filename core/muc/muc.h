/*
 * The whole interface of the rules. Pure: the same room, event and environment give the same
 * effects, byte for byte. Nothing here reads a clock, a random source or a file: what a step needs
 * of the world stands in `struct step` and `struct muc_env`.
 */
#ifndef CORE_MUC_MUC_H
#define CORE_MUC_MUC_H

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/base/map.h"
#include "core/muc/effect.h"
#include "core/muc/event.h"
#include "core/muc/permit.h"
#include "core/xmpp/prep.h"

struct room;
struct room_options;

/* What the operator has decided; immutable, shared by all shards. */
struct muc_settings {
    struct str domain;                   /* of the service, prepared */
    struct map admins;                   /* bare JID -> itself: implicit owners of all rooms */
    struct permit create;                /* who may make rooms */
    struct permit persistent;            /* and have them outlive their last occupant */
    struct permit listed;                /* and have them in the list of rooms */
    struct map banned;                   /* bare JIDs and domains -> themselves: enter nowhere */
    struct nick_rules nick;              /* what nicknames may be like */
    uint32_t tombstone_days;             /* so long a destroyed room's address is closed; 0: not */
    uint32_t rooms_per_user;             /* an account enters no more; 0: as many as it wants */
    uint32_t lineup_from;                /* LINEUP_FROM; tests need it sooner */
    bool locked;                         /* new rooms are locked until configured */
    const struct room_options *defaults; /* of new rooms */
    struct str version;                  /* for jabber:iq:version */
    int64_t started_us;                  /* since 1970 UTC, for jabber:iq:last */
    bool full_text;                      /* archives can be searched for words */
    bool durable;                        /* there is a store: persistent rooms wait for it */
    uint32_t keep_days;  /* it keeps messages for so long where a room does not say; 0: for ever */
    uint32_t keep_count; /* and so many; 0: any number */
};

/* What the rules need from a cryptographic library; pure functions of their arguments. */
struct muc_crypto {
    void *self;
    void (*hmac_sha256)(void *self, struct str key, struct str data, uint8_t out[32]);
    /* Encrypts and authenticates; the result is plain ASCII fit for an attribute. */
    struct str (*seal)(void *self, struct arena *arena, struct str plain);
    /* STR_NONE if the text was not made by seal() with this key. */
    struct str (*open)(void *self, struct arena *arena, struct str sealed);
    /* SHA-1 of the bytes that the base64 text stands for (XEP-0153). False: it is no base64. */
    bool (*photo_hash)(void *self, struct arena *arena, struct str base64, uint8_t out[20]);
    /* SHA-1 of the text, as base64 (XEP-0115). */
    struct str (*caps_hash)(void *self, struct arena *arena, struct str text);
};

struct muc_env {
    const struct muc_settings *settings;
    const struct muc_crypto *crypto;
    struct hash_key hash_key;
};

/* Where routes lead at the moment: component links fall and come back, clients are replaced. */
struct ways {
    void *self;
    /* By which route what is for that one goes: itself; another link of its service, if it is a
     * link that is down; ROUTE_NONE, if all of them are. */
    struct route (*now)(void *self, struct route route);
    /* A link of the service that is up, or ROUTE_NONE. */
    struct route (*any)(void *self, struct str service);
    /* Has a newer connection of our own clients taken the full JID over from that one? */
    bool (*replaced)(void *self, const struct jid *jid, struct route route);
};

/* One step: what comes in with it, and what it asks for. */
struct step {
    struct arena *arena;
    const struct muc_env *env;
    const struct ways *ways; /* NULL: all lead where they always did */
    int64_t now_us;          /* since 1970 UTC; strictly rising from step to step of one room */
    uint64_t entropy[2];     /* fresh and secret for this step: ids are made from it */
    uint32_t ids;            /* made so far in this step */
    bool awaits_rows;        /* what it says waits until its FX_SESSIONs are kept */
    struct effects effects;
};

/* An unpredictable id, unique in the room; in the arena. */
struct str step_id(struct step *step);
/* The same for a message that may be stored: its first digits are the time of the step, so that ids
 * of one room rise with its messages, and an index over them grows at one end; 72 bits of it cannot
 * be predicted. Whoever sees it has seen the message, and its time. */
struct str step_stanza_id(struct step *step);

/* STEP_AWAITS_COMMIT: the step's arena and the event have to stay as they are until the room is
 * given EV_COMMITTED or EV_COMMIT_FAILED; until then it takes nothing else. */
enum step_outcome {
    STEP_DONE,
    STEP_AWAITS_COMMIT,
};

/* A room that does not exist yet: no occupants, no state; the first join may create it. `id` is
 * unique in the process (deliveries are ordered by it). */
struct room *room_new(const struct muc_env *env, const struct jid *jid, uint64_t id);
void room_free(struct room *room);
/* True: nothing would be lost by room_free(): nobody is in it and it need not be remembered. */
bool room_forgettable(const struct room *room);
uint64_t room_id(const struct room *room);
const struct jid *room_jid(const struct room *room);
uint32_t room_sessions(const struct room *room); /* inside */
/* Is somebody of that account inside? */
bool room_has_account(const struct room *room, const struct jid *jid);
/* Is that session (full JID)? */
bool room_has_session(const struct room *room, const struct jid *jid);
/* Will somebody who is inside be found again by the next process? `event`: EV_SHUTDOWN. */
bool room_is_handed_over(const struct room *room, const struct event *event);
/* Every invariant of the room's state; stops on a violation. For tests and the simulator. */
void room_check(const struct room *room);

enum step_outcome muc_step(struct room *room, const struct event *event, struct step *step);

/* ---- stanzas to the service itself ---- */

struct listed_room {
    const struct jid *jid;
    struct str name;
    uint32_t occupants;
};

/* Which of a service's public rooms are wanted. They are sorted by the bytes of their JIDs, so a
 * page can be asked for by a room that has gone meanwhile, and pages of several lists be merged. */
struct listing_query {
    struct str domain; /* of the service */
    struct str after;  /* empty: from the beginning, or `index` */
    struct str before; /* backwards: the last ones before it; empty: the last of all */
    bool backwards;
    uint64_t index; /* if `after` is empty: so many are passed over */
    uint32_t max;   /* 0: only how many there are */
};

struct listing_page {
    struct listed_room *rooms; /* in the arena, the lowest JID first */
    uint32_t count;
    uint64_t first_index; /* of the first of them among all: where it would be, if there is none */
    uint64_t total;
};

struct room_lister {
    void *self;
    struct listing_page (*page)(void *self, struct arena *arena, const struct listing_query *query);
};

/* What the service knows of the world. */
struct service_view {
    const struct room_lister *rooms;
    bool commands_full; /* no further FX_COMMAND now */
};

/* `event` is EV_STANZA addressed to the service's domain, or EV_ANSWER to one. */
void service_step(const struct event *event, const struct service_view *view, struct step *step);

/* ---- room options by name, for the configuration: core/muc/option.h ---- */

#endif
