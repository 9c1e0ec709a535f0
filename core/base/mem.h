/*
 * The heap. Out of memory stops the process: limits make it a configuration error, not a surprise
 * (core/base/limits.h), and no code path has to be written, or tested, for it.
 */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H

#include <stddef.h>

/* Never NULL. Bytes are zero. `size` 0 gives a block of one byte. */
void *mem_new(size_t size);
/* Never NULL; bytes are not cleared. */
void *mem_raw(size_t size);
void *mem_grow(void *block, size_t size);
void *mem_dup(const void *bytes, size_t size);
void mem_free(void *block);

#define MEM_NEW(type)              ((type *)mem_new(sizeof(type)))
#define MEM_NEW_ARRAY(type, count) ((type *)mem_new(sizeof(type) * (count)))

#endif
