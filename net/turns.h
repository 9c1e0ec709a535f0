/*
 * Rooms take turns: what waits is kept in one queue per room, and the queues stand in a row. The
 * one in front is worked on until somebody passes the turn or it is empty.
 *
 *   - Items of one room come out in the order they were added.
 *   - A room that comes new stands behind those that wait already, however much these have.
 *
 * One thread.
 */
#ifndef NET_TURNS_H
#define NET_TURNS_H

#include "core/base/map.h"

#include <stdbool.h>
#include <stdint.h>

/* Part of what waits; in one place at a time. */
struct turns_item {
    struct turns_item *next;
};

struct turns_room;

struct turns {
    struct map rooms;                /* room id -> queue; only rooms that have something waiting */
    struct turns_room *first, *last; /* in the order of their turns */
};

/* The key is borrowed. Without rooms it owns no memory. */
void turns_init(struct turns *turns, const struct hash_key *hash_key);
/* It must be empty. */
void turns_fini(struct turns *turns);

static inline bool turns_is_empty(const struct turns *turns)
{
    return turns->first == NULL;
}

void turns_add(struct turns *turns, uint64_t room, struct turns_item *item);
/* The first item of the room whose turn it is; NULL: nothing waits. */
struct turns_item *turns_first(const struct turns *turns);
/* That item is the caller's now. False: it was the room's last, and the next room is in front. */
bool turns_take(struct turns *turns);
/* The room in front goes to the end. */
void turns_pass(struct turns *turns);

#endif
