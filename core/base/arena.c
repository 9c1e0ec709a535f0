#include "core/base/arena.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

/* Under the address sanitizer what was reset is poisoned: who kept a pointer too long is told. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONED 1
#endif
#ifdef ARENA_POISONED
#include <sanitizer/asan_interface.h>
#define POISON(at, size)   ASAN_POISON_MEMORY_REGION((at), (size))
#define UNPOISON(at, size) ASAN_UNPOISON_MEMORY_REGION((at), (size))
#else
#define POISON(at, size)   ((void)(at), (void)(size))
#define UNPOISON(at, size) ((void)(at), (void)(size))
#endif

struct block {
    struct block *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *blocks; /* the one being filled first */
    struct block *large;  /* one request each */
    char *at, *end;       /* free part of the first block */
    size_t block_size;
    size_t used; /* since the last reset */
    size_t high_water;
};

struct arena *arena_new(size_t block)
{
    struct arena *arena = MEM_NEW(struct arena);
    arena->block_size = block < 256 ? 256 : block;
    return arena;
}

static struct block *block_new(size_t size)
{
    ensure(size <= SIZE_MAX - sizeof(struct block));
    struct block *block = mem_raw(sizeof(struct block) + size);
    block->next = NULL;
    block->size = size;
    POISON(block->bytes, size);
    return block;
}

static void blocks_free(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        UNPOISON(block->bytes, block->size);
        mem_free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    blocks_free(arena->blocks);
    blocks_free(arena->large);
    mem_free(arena);
}

void *arena_raw(struct arena *arena, size_t size)
{
    ensure(size <= SIZE_MAX / 2);
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (rounded == 0)
        rounded = alignof(max_align_t);
    arena->used += rounded;
    if (arena->used > arena->high_water)
        arena->high_water = arena->used;

    if (rounded > arena->block_size / 2) {
        struct block *block = block_new(rounded);
        block->next = arena->large;
        arena->large = block;
        UNPOISON(block->bytes, size);
        return block->bytes;
    }
    if ((size_t)(arena->end - arena->at) < rounded) {
        struct block *block = block_new(arena->block_size);
        block->next = arena->blocks;
        arena->blocks = block;
        arena->at = block->bytes;
        arena->end = block->bytes + block->size;
    }
    char *result = arena->at;
    arena->at += rounded;
    UNPOISON(result, size);
    return result;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_raw(arena, size), 0, size);
}

void arena_reset(struct arena *arena)
{
    blocks_free(arena->large);
    arena->large = NULL;
    arena->used = 0;
    if (arena->blocks == NULL)
        return;
    blocks_free(arena->blocks->next);
    arena->blocks->next = NULL;
    arena->at = arena->blocks->bytes;
    arena->end = arena->at + arena->blocks->size;
    POISON(arena->at, arena->blocks->size);
}

size_t arena_high_water(const struct arena *arena)
{
    return arena->high_water;
}
