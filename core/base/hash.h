/*
 * Keyed hashing (SipHash-1-3): whoever does not know the key cannot choose texts that collide, so
 * neither maps nor shards can be flooded by chosen names.
 */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include "core/base/str.h"

#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

uint64_t hash_str(const struct hash_key *key, struct str text);

#endif
