/*
 * Step arena: bump allocation, freed all at once. What a step builds lives here and dies at the
 * next arena_reset(); what must outlive the step is counted (frames, rosters) or copied to the
 * heap. One thread; no per-object free.
 */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include <stddef.h>

struct arena;

/* `block` is the size of a block in bytes; larger requests get blocks of their own. */
struct arena *arena_new(size_t block);
void arena_free(struct arena *arena);

/* Never NULL, zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
/* The same without clearing. */
void *arena_raw(struct arena *arena, size_t size);

/* Everything allocated is gone; one block is kept for the next step. */
void arena_reset(struct arena *arena);

/* The most bytes that were in use between two resets. */
size_t arena_high_water(const struct arena *arena);

#define ARENA_NEW(arena, type)              ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_NEW_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

#endif
