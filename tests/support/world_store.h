/*
 * The store of a world, and how its rooms wait for it: as a shard does it, without its threads.
 * Rooms are loaded when something happens to them first, changes wait for their commit, what a room
 * says waits behind messages that are not kept yet (shard/hold.h), what comes for a room that waits
 * is parked.
 */
#ifndef TESTS_SUPPORT_WORLD_STORE_H
#define TESTS_SUPPORT_WORLD_STORE_H

#include "tests/support/world_impl.h"

void world_store_open(struct world *world);
void world_store_close(struct world *world); /* without a store: nothing */

/* ---- a place's part ---- */

struct backed *backed_new(void);
void backed_free(struct backed *backed); /* NULL allowed; what waits is dropped */
/* It waits for a commit, and takes nothing. */
bool backed_waits(const struct backed *backed);
/* Nothing waits here and nothing is on its way to the store. */
bool backed_is_idle(const struct backed *backed);
/* The account is inside, or makes the room at this moment. */
bool backed_counts(const struct room *room, const struct jid *jid);
/* Until it can be handled. */
void backed_park(struct backed *backed, struct message *message);

/* Reads the room from the store, if it is there: the first step of it. */
void world_store_load(struct world *world, struct place *place);
bool world_store_has(struct world *world, const struct jid *room);

/* Takes the effects that concern the store out of the step; if the room has to hold its tongue, all
 * that is left of it as well. `place` NULL: the service's step. */
void world_store_take(struct world *world, struct place *place, struct effects *effects);
/* The step waits for its commit: the world's arena and the message (TAKEN) are kept for it. */
void world_store_wait(struct world *world, struct place *place, struct message *message);
/* Unless answers are to come later: all that is on its way arrives. */
void world_store_run(struct world *world);

#endif
