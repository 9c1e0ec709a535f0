/*
 * Jump consistent hash (Lamping and Veach, 2014): when a shard is added, a room either stays or
 * moves to the new one, and 1 of n moves.
 */
#include "shard/placement.h"

#include "core/base/ensure.h"

unsigned placement_shard(const struct hash_key *key, struct str room_bare, unsigned shards)
{
    ensure(shards > 0);
    uint64_t state = hash_str(key, room_bare);
    int64_t shard = 0;
    int64_t next = 0;
    while (next < (int64_t)shards) {
        shard = next;
        state = state * UINT64_C(2862933555777941757) + 1;
        double jump = (double)(INT64_C(1) << 31) / (double)((state >> 33) + 1);
        next = (int64_t)((double)(shard + 1) * jump);
    }
    return (unsigned)shard;
}
