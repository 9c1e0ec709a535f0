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

/* The room behind a bare JID, for a look inside; NULL: nobody has touched that address, or nothing
 * is left of it. */
struct room *world_room(struct world *world, const char *bare_jid);
/* How many effects of that kind the last step had. */
unsigned world_effects(const struct world *world, enum effect_kind kind);

#endif
