/*
 * Which shard owns a room: a keyed hash of the bare room JID, then jump consistent hash, so that
 * clients cannot choose names that all fall on one shard, and few rooms would move if the number of
 * shards changed.
 */
#ifndef SHARD_PLACEMENT_H
#define SHARD_PLACEMENT_H

#include "core/base/hash.h"

/* Ids of rooms have the shard's number in their upper bits. */
#define ROOM_ID_SHARD_SHIFT 48

static inline unsigned placement_of_id(uint64_t room_id)
{
    return (unsigned)(room_id >> ROOM_ID_SHARD_SHIFT);
}

unsigned placement_shard(const struct hash_key *key, struct str room_bare, unsigned shards);

#endif
