/*
 * Which shard owns a room: a keyed hash of the bare room JID, then jump consistent hash, so that
 * clients cannot choose names that all fall on one shard, and few rooms would move if the number of
 * shards changed.
 */
#ifndef SHARD_PLACEMENT_H
#define SHARD_PLACEMENT_H

#include "core/base/hash.h"

/* An id of a room: the shard's number, its place there, and a part of its address's hash. */
#define ROOM_ID_SHARD_SHIFT 48
#define ROOM_ID_PLACE_SHIFT 24
#define ROOM_ID_PART_MASK   ((UINT64_C(1) << ROOM_ID_PLACE_SHIFT) - 1)

static inline unsigned placement_of_id(uint64_t room_id)
{
    return (unsigned)(room_id >> ROOM_ID_SHARD_SHIFT);
}

/* The same for all rooms that ever have that address: what is in this order is in the order in
 * which their users have to hear it, though one is destroyed and another made. Different rooms may
 * share it. */
static inline uint64_t placement_order(uint64_t room_id)
{
    return (room_id >> ROOM_ID_SHARD_SHIFT << ROOM_ID_SHARD_SHIFT) | (room_id & ROOM_ID_PART_MASK);
}

unsigned placement_shard(const struct hash_key *key, struct str room_bare, unsigned shards);

#endif
