/*
 * What the parts of a world share: world.c (clients, stanzas, time), world_store.c (what is kept),
 * world_crypto.c. For them alone.
 */
#ifndef TESTS_SUPPORT_WORLD_IMPL_H
#define TESTS_SUPPORT_WORLD_IMPL_H

#include "core/muc/room.h"
#include "shard/runtime/message.h"
#include "tests/support/world.h"

enum {
    CLIENTS_MAX = 4096,
    LANES = 3,
    ROOMS_MAX = 4096,
    EFFECT_KINDS = 32, /* more than there are */
};

struct backed;
struct world_store;

struct inbox {
    char **stanzas;
    unsigned count, cap, next;
};

struct client {
    struct jid *jid;
    uint32_t slot;
    uint32_t generation;
    bool gone;
    struct inbox inbox;
    char *sent;   /* the last stanza */
    bool changed; /* it has changed something of its room */
};

struct place {
    struct room *room;
    int64_t alarms[ROOM_TIMERS]; /* 0: not set */
    bool listed;
    struct str name;
    uint32_t occupants;
    struct backed *backed; /* NULL: there is no store */
};

struct world {
    struct muc_env env;
    struct muc_settings settings;
    struct muc_crypto crypto;
    struct room_options defaults;
    struct jid *domain;
    struct arena *arena;
    int64_t now_us;
    uint64_t steps;
    uint64_t rooms_made;
    struct client *clients[CLIENTS_MAX];
    unsigned client_count;
    struct place *places[ROOMS_MAX];
    unsigned place_count;
    struct inbox elsewhere;
    struct map tallies;      /* account -> how many rooms it is in, as the effects say */
    struct command *command; /* that the last step has given, until it is answered */
    unsigned effects[EFFECT_KINDS];
    world_listener *listener;
    void *listener_self;
    struct world_onlooker onlooker; /* self NULL: none */
    const struct ways *ways;
    struct world_store *store; /* NULL: none */
};

struct arena *world_arena_new(void);
void world_crypto(struct muc_crypto *crypto);

/* Where somebody is reached now; ROUTE_NONE: nowhere. */
struct route world_route_to(const struct world *world, struct str full_jid);
struct place *world_place(const struct world *world, struct str bare_jid); /* NULL: none */
/* It is made if need be, and loaded. */
struct place *world_place_need(struct world *world, const struct jid *jid);
/* All rooms leave memory: nobody is in any. */
void world_forget_tallies(struct world *world);
/* It leaves memory, whatever is in it. */
void world_place_drop(struct world *world, struct place *place);

/* One step; the message that the event was made of is TAKEN. The place may be gone after it. */
void world_room_step(struct world *world, struct place *place, const struct event *event,
                     struct message *message);
/* The same with a room that may have to wait: then the message is kept for later. */
void world_give(struct world *world, struct place *place, struct message *message);
/* A step of the service. */
void world_service_step(struct world *world, const struct event *event);
/* One effect as it is; its references are the caller's. */
void world_lower(struct world *world, struct place *place, struct effect *effect);
/* Forgets the room if the rules allow it and nothing waits for it. */
void world_place_settle(struct world *world, struct place *place);
void world_settled(const struct world *world); /* tells the onlooker */

#endif
