/*
 * Rooms and named clients around the pure core: no socket, no thread, a clock that moves when told
 * to, ids and secrets that are the same in every run. Clients are named by their full JIDs. After
 * every step of a room its invariants are checked (room_check) and it is forgotten if it may be.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "core/muc/muc.h"

struct world;

#define WORLD_SERVICE "conference.localhost"

/* "name=value", as after --set muc.defaults. */
struct world_config {
    const char *const *options; /* of new rooms; ends in NULL; NULL: the presets */
    const char *const *admins;  /* bare JIDs of the service's admins; ends in NULL; NULL: none */
    bool locked;                /* new rooms are locked */
    /* Bare JIDs and domains; end in NULL; NULL: everybody may, nobody is banned. */
    const char *const *create, *const *persistent, *const *listed;
    const char *const *banned;
    bool no_tombstones;
    struct nick_rules nick;
    bool durable;            /* there is a store (in memory): see below */
    bool full_text;          /* which can be searched for words */
    uint32_t keep_days;      /* and keeps messages for so long; 0: for ever */
    uint32_t keep_count;     /* and so many of a room; 0: any number */
    uint32_t rooms_per_user; /* 0: more than there can be */
    /* So many inside, and newcomers share a list; 0: what WORLD_LINEUP_FROM in the environment
     * says, or as in a server. */
    unsigned lineup_from;
};

/* `config` NULL: presets, no admins, locked. */
struct world *world_new(const struct world_config *config);
void world_free(struct world *world); /* NULL allowed */

/* A client is there and can receive. Every client has a route of its own; they lie on several
 * lanes. The same JID once more: it came back over another connection, what is unread is gone. */
void world_client(struct world *world, const char *full_jid);
/* Its connection ends without a word: every room is told. */
void world_client_gone(struct world *world, const char *full_jid);

/* The client sends a stanza. To the service or one of its rooms it is a step; to another client it
 * is delivered; to anybody else it is lost. False: it is not one well-formed stanza with a valid
 * `to`. */
bool world_stanza(struct world *world, const char *from, const char *xml);
/* The last one it sent; NULL: none. */
const char *world_sent(const struct world *world, const char *full_jid);
/* Has that changed anything that its room is or remembers? Of rooms with many inside it is not
 * known: false. */
bool world_changed(const struct world *world, const char *full_jid);
/* As from somebody who is no client, a server for one. What it is answered shows up elsewhere. */
bool world_stanza_from(struct world *world, const char *from, const char *xml);

/* What a client received, oldest first; NULL: nothing (more). Valid until world_forget(). */
const char *world_next(struct world *world, const char *full_jid);
/* How many stanzas it has not looked at. */
unsigned world_unread(const struct world *world, const char *full_jid);
/* Everything received so far, by anybody, is gone. */
void world_forget(struct world *world);
/* What was sent to addresses that are no client's: the same, with its `to`. */
const char *world_next_elsewhere(struct world *world);

/* Called for everything a client receives, besides keeping it for world_next(). */
typedef void world_listener(void *self, const char *full_jid, const char *stanza);
void world_listen(struct world *world, world_listener *listener, void *self);

/* Looks on at everything that goes over the wire, in order, between clients and anybody they talk
 * to. Set it before the first client. */
struct world_onlooker {
    void *self;
    void (*sent)(void *self, const char *from, const char *stanza);
    void (*received)(void *self, const char *to, const char *stanza); /* NULL: elsewhere */
    void (*gone)(void *self, const char *full_jid);                   /* a connection ended */
    void (*settled)(void *self); /* all that a step had to say was said */
};
void world_look_on(struct world *world, const struct world_onlooker *onlooker); /* copied */

/* Where routes lead from now on; borrowed. NULL: where they always did. */
void world_ways(struct world *world, const struct ways *ways);
/* Something else happens to all rooms. */
void world_event(struct world *world, const struct event *event);

/* Time passes; alarms that are due ring in their order. */
void world_advance(struct world *world, int64_t us);
int64_t world_now(const struct world *world);
/* The service stops. */
void world_shutdown(struct world *world);

/* ---- worlds with a store ---- */

/* What the store does from now on, with changes and messages of durable rooms. */
enum world_commits {
    WORLD_AT_ONCE, /* it has kept them, and answered, before anything else happens; at first */
    WORLD_LATER,   /* what it is given stays on its way until world_settle(); questions too */
    WORLD_FAIL,    /* refuses, at once */
};
void world_commits(struct world *world, enum world_commits mode);
/* All that is on its way arrives and is answered, or refused if that is the mode; changes before
 * questions. */
void world_settle(struct world *world);
/* Something of the room is on its way. */
bool world_waits(struct world *world, const char *bare_jid);
/* The next so many questions to the archive fail. */
void world_fail_queries(struct world *world, unsigned count);
/* The next one finds that what it asks for is damaged. */
void world_damaged_query(struct world *world);
/* The next one takes too long. */
void world_slow_query(struct world *world);

enum world_end {
    WORLD_PLANNED, /* everything on its way arrives first, rooms that are not stored are handed over
                    */
    WORLD_CLEAN,   /* the same, but they are not */
    WORLD_CRASH,   /* what is on its way is lost */
};
/* The process ends and begins anew: all rooms leave memory, the connections of clients stay. Rooms
 * that somebody was inside of are loaded at once, others when they are needed. */
void world_restart(struct world *world, enum world_end end);

/* What is over the number or time that its room keeps is deleted, as a scribe does when it begins.
 */
void world_trim(struct world *world);

/* The room is loaded, if it is stored and not in memory. */
void world_wake(struct world *world, const char *bare_jid);

/* The room behind a bare JID, for a look inside; NULL: nobody has touched that address, or nothing
 * is left of it. */
struct room *world_room(struct world *world, const char *bare_jid);
/* How many effects of that kind the last step had. */
unsigned world_effects(const struct world *world, enum effect_kind kind);

#endif
