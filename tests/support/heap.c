#include "tests/support/heap.h"

#include <malloc.h>
#include <stdint.h>

/* Those that the process has. */
extern int mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size)
    __attribute__((weak));
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t jemalloc_bytes(void)
{
    uint64_t epoch = 1;
    size_t bytes = 0, size = sizeof(bytes);
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
    return mallctl("stats.allocated", &bytes, &size, NULL, 0) == 0 ? bytes : 0;
}

size_t heap_bytes(void)
{
    if (mallctl != NULL)
        return jemalloc_bytes();
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
