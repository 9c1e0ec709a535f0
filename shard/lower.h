/*
 * Effects become what the world can carry: deliveries for lanes, alarms, directory entries. In the
 * order of the step, so that a room's output leaves in the order the room made it.
 */
#ifndef SHARD_LOWER_H
#define SHARD_LOWER_H

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
    struct room_entry *entry; /* NULL: effects of the service, which sends and nothing else */
    struct windows *windows;  /* with an entry */
    int64_t now_us;           /* of the cycle */
    uint64_t order;           /* id of the room; deliveries with the same one stay in order */
    struct str service;       /* the domain that sends */
    struct route origin;      /* what came in came by it; ROUTE_NONE: nothing did */
    struct bounces *bounces;  /* NULL: what cannot be delivered is not reported */
};

/* All references in the effects move on; the list is empty afterwards. */
void lower_effects(const struct lowering *lowering, struct effects *effects);

#endif
