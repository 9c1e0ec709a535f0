#include "core/base/mem.h"

#include "core/base/ensure.h"

#include <stdlib.h>
#include <string.h>

void *mem_new(size_t size)
{
    void *block = calloc(1, size > 0 ? size : 1);
    ensure(block != NULL);
    return block;
}

void *mem_raw(size_t size)
{
    void *block = malloc(size > 0 ? size : 1);
    ensure(block != NULL);
    return block;
}

void *mem_grow(void *block, size_t size)
{
    void *grown = realloc(block, size > 0 ? size : 1);
    ensure(grown != NULL);
    return grown;
}

void *mem_dup(const void *bytes, size_t size)
{
    void *block = mem_raw(size);
    if (size > 0)
        memcpy(block, bytes, size);
    return block;
}

void mem_free(void *block)
{
    free(block);
}
