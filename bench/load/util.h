/* Small things every file here needs. A load generator that cannot go on says why and leaves. */
#ifndef BENCH_LOAD_UTIL_H
#define BENCH_LOAD_UTIL_H

#include <stddef.h>
#include <stdint.h>

/* Prints "stentor-bench: ..." and ends the process with status 2: for good where the command line
 * or the plan is wrong; as a run that has failed where it is one (crew.h). */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The message of die() is left there, too, unless something is there already. */
void die_note_in(char *text, size_t size);

/* Never NULL; zeroed. */
void *must_alloc(size_t size);
void *must_grow(void *old, size_t size);

uint64_t now_ns(void);

#endif
