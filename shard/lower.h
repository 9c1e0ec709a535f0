/*
 * Effects become what the world can carry: deliveries for lanes, alarms, directory entries,
 * commits, questions. In the order of the step, so that a room's output leaves in the order the
 * room made it. What an archived room says waits until its messages are kept (shard/hold.h).
 */
#ifndef SHARD_LOWER_H
#define SHARD_LOWER_H

#include "shard/asks.h"
#include "shard/bounce.h"
#include "shard/commands.h"
#include "shard/fanout.h"
#include "shard/rooms.h"
#include "shard/window.h"

struct lowering {
    struct arena *arena; /* the step's */
    struct fanout *fanout;
    struct directory *directory;
    struct commands *commands;
    struct rooms *rooms;
    struct room_entry *entry;      /* NULL: effects of the service, which sends and nothing else */
    struct windows *windows;       /* with an entry */
    int64_t now_us;                /* of the cycle */
    uint64_t order;                /* id of the room; deliveries with the same one stay in order */
    struct str service;            /* the domain that sends */
    struct route origin;           /* what came in came by it; ROUTE_NONE: nothing did */
    struct bounces *bounces;       /* NULL: what cannot be delivered is not reported */
    const struct keeping *keeping; /* NULL: there is no store */
};

/* What goes to the store, and how sure it has to be. */
struct keeping {
    struct commits *commits;
    struct exchange *exchange;
    struct asks *asks;
    unsigned shard;
    bool power_gated;    /* changes survive the loss of power */
    bool power_messages; /* messages do */
};

/* All references in the effects move on; the list is empty afterwards. */
void lower_effects(const struct lowering *lowering, struct effects *effects);
/* A question to the store, for the first time or because what it was answered is outdated. Taken.
 */
void lower_asked(const struct lowering *lowering, struct message *message);
/* Deliveries that have waited long enough. */
void lower_held(const struct lowering *lowering, struct effects *effects);

#endif
