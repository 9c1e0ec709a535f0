/*
 * The one hash map: text to pointer, iterated in insertion order so that runs are reproducible.
 *
 *   keys     borrowed: the bytes must live, unchanged, as long as the entry (inside the value,
 * usually) values   the caller's; the map never frees them cost     an empty map owns no memory One
 * thread.
 */
#ifndef CORE_BASE_MAP_H
#define CORE_BASE_MAP_H

#include "core/base/hash.h"
#include "core/base/str.h"

#include <stdint.h>

struct map_entry {
    struct str key;
    void *value; /* NULL: removed, to be skipped */
    uint64_t hash;
};

struct map {
    const struct hash_key *hash_key; /* borrowed, outlives the map */
    struct map_entry *entries;       /* in insertion order, with holes */
    uint32_t *index;                 /* open addressing into entries; NULL: they are so few */
    uint32_t used;                   /* entries written, holes included */
    uint32_t count;                  /* live entries */
    uint32_t index_size;             /* power of two, or 0 */
    uint32_t capacity;               /* of `entries` */
};

void map_init(struct map *map, const struct hash_key *hash_key);
/* Frees the map's own memory, not the values. */
void map_fini(struct map *map);

void *map_get(const struct map *map, struct str key);
/* Sets; `value` is not NULL. Returns the previous value or NULL. A replaced entry keeps its place.
 */
void *map_put(struct map *map, struct str key, void *value);
/* Returns the removed value or NULL. Removing while iterating is allowed, adding is not. */
void *map_remove(struct map *map, struct str key);

/* Iteration: `*at` starts at 0; returns NULL at the end. */
void *map_next(const struct map *map, uint32_t *at);

/* for each value: map_each(map, at, value) { ... } */
#define map_each(map, at, value) for (uint32_t at = 0; ((value) = map_next((map), &at)) != NULL;)

#endif
