/*
 * How much of the heap is in use, whatever allocator the test runs with: jemalloc, a sanitizer's,
 * or the C library's. For differences, on one thread.
 */
#ifndef TESTS_SUPPORT_HEAP_H
#define TESTS_SUPPORT_HEAP_H

#include <stddef.h>

size_t heap_bytes(void);

#endif
