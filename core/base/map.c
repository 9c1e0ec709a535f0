/*
 * Entries stand in an array in insertion order; `index` is an open-addressed table of positions in
 * it, plus one, so that zero means free. A removed entry stays as a hole, in the array and in the
 * index, until the next rebuild; only map_put() rebuilds, which is why removing is safe while
 * iterating.
 *
 * Up to three entries have no index, and an array of just their number: most maps of most rooms are
 * that small, and looking at three hashes is no slower than probing.
 */
#include "core/base/map.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

enum { FEW = 3, INDEX_MIN = 8 };

/* The array fills to three quarters of the index, so that a probe always finds a free slot. */
static uint32_t capacity_of(uint32_t index_size)
{
    return index_size - index_size / 4;
}

void map_init(struct map *map, const struct hash_key *hash_key)
{
    *map = (struct map){.hash_key = hash_key};
}

void map_fini(struct map *map)
{
    mem_free(map->entries);
    mem_free(map->index);
    map_init(map, map->hash_key);
}

static void index_add(struct map *map, uint32_t position)
{
    uint32_t mask = map->index_size - 1;
    uint32_t slot = (uint32_t)map->entries[position].hash & mask;
    while (map->index[slot] != 0)
        slot = (slot + 1) & mask;
    map->index[slot] = position + 1;
}

/* Copies the entries without the holes, to where they are if need be. Returns their number. */
static uint32_t close_up(const struct map *map, struct map_entry *to)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < map->used; i++) {
        if (map->entries[i].value != NULL)
            to[used++] = map->entries[i];
    }
    return used;
}

static void make_place_few(struct map *map)
{
    if (map->count < map->used) {
        map->used = close_up(map, map->entries);
        return;
    }
    map->capacity++;
    map->entries = mem_grow(map->entries, sizeof(*map->entries) * map->capacity);
}

/* Drops the holes and gives the map room for its entries and as many more. */
static void rebuild(struct map *map)
{
    uint64_t size = INDEX_MIN;
    while (size - size / 4 < (uint64_t)map->count + map->count / 2 + 1)
        size *= 2;
    ensure(size <= UINT32_MAX / 2);

    uint32_t capacity = capacity_of((uint32_t)size);
    struct map_entry *entries = mem_raw(sizeof(*entries) * capacity);
    uint32_t used = close_up(map, entries);
    mem_free(map->entries);
    mem_free(map->index);
    map->entries = entries;
    map->used = used;
    map->capacity = capacity;
    map->index_size = (uint32_t)size;
    map->index = MEM_NEW_ARRAY(uint32_t, size);
    for (uint32_t i = 0; i < used; i++)
        index_add(map, i);
}

static void make_place(struct map *map)
{
    if (map->index_size == 0 && map->count < FEW)
        make_place_few(map);
    else
        rebuild(map);
}

/* The key of a hole may be gone already: look at the value first. */
static bool entry_is(const struct map_entry *entry, struct str key, uint64_t hash)
{
    return entry->hash == hash && entry->value != NULL && str_eq(entry->key, key);
}

static struct map_entry *find_few(const struct map *map, struct str key, uint64_t hash)
{
    for (uint32_t i = 0; i < map->used; i++) {
        if (entry_is(&map->entries[i], key, hash))
            return &map->entries[i];
    }
    return NULL;
}

static struct map_entry *find(const struct map *map, struct str key, uint64_t hash)
{
    if (map->index_size == 0)
        return find_few(map, key, hash);
    uint32_t mask = map->index_size - 1;
    for (uint32_t slot = (uint32_t)hash & mask; map->index[slot] != 0; slot = (slot + 1) & mask) {
        struct map_entry *entry = &map->entries[map->index[slot] - 1];
        if (entry_is(entry, key, hash))
            return entry;
    }
    return NULL;
}

void *map_get(const struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    struct map_entry *entry = find(map, key, hash_str(map->hash_key, key));
    return entry != NULL ? entry->value : NULL;
}

void *map_put(struct map *map, struct str key, void *value)
{
    ensure(value != NULL);
    uint64_t hash = hash_str(map->hash_key, key);
    struct map_entry *entry = find(map, key, hash);
    if (entry != NULL) {
        void *previous = entry->value;
        entry->key = key; /* the old one usually lives in the old value */
        entry->value = value;
        return previous;
    }
    bool sparse = map->index_size > 64 && map->count < map->index_size / 16;
    if (map->used == map->capacity || sparse)
        make_place(map);
    map->entries[map->used] = (struct map_entry){.key = key, .value = value, .hash = hash};
    if (map->index_size > 0)
        index_add(map, map->used);
    map->used++;
    map->count++;
    return NULL;
}

void *map_remove(struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    struct map_entry *entry = find(map, key, hash_str(map->hash_key, key));
    if (entry == NULL)
        return NULL;
    void *value = entry->value;
    entry->value = NULL;
    entry->key = STR_NONE;
    if (--map->count == 0)
        map_fini(map);
    return value;
}

void *map_next(const struct map *map, uint32_t *at)
{
    while (*at < map->used) {
        void *value = map->entries[(*at)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}
