/*
 * In how many rooms of a service an account is, over all shards: an entry for each account that is
 * in one, and no other.
 *
 *            change   look up   new, free
 *   shard      ok        ok        NO       each for its own rooms; nobody waits for anybody
 *   main       NO        ok        ok       after the last agent has ended
 */
#ifndef SHARD_TALLIES_H
#define SHARD_TALLIES_H

#include "core/base/base.h"
#include "core/base/hash.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct tallies;

struct tallies *tallies_new(const struct hash_key *hash_key);
/* The thread is registered with RCU and in no read section. */
void tallies_free(struct tallies *tallies);

/* One room more, or one less: it has been counted before. */
void tallies_change(struct tallies *tallies, struct str service, struct str account, bool inside);
uint32_t tallies_rooms(struct tallies *tallies, struct str service, struct str account);
/* Accounts that are in a room, once for each service. */
uint32_t tallies_count(const struct tallies *tallies);

#endif
