/* Small things every file here needs. A load generator that cannot go on says why and leaves. */
#ifndef BENCH_LOAD_UTIL_H
#define BENCH_LOAD_UTIL_H

#include <stddef.h>
#include <stdint.h>

/* Prints "stentor-bench: ..." and ends the program with status 2. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Never NULL; zeroed. */
void *must_alloc(size_t size);
void *must_grow(void *old, size_t size);

uint64_t now_ns(void);

#endif
