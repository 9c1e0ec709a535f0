/*
 * What the micro benches share: a case is a function that does something a number of times; it is
 * calibrated, run a few times, and reported as nanoseconds per operation. The median is the figure;
 * all runs are in the JSON, for bench/compare.
 *
 * usage of every bench-micro program: [--runs N] [--ms N] [--only TEXT]
 */
#ifndef BENCH_MICRO_MICRO_H
#define BENCH_MICRO_MICRO_H

#include <stdbool.h>
#include <stdint.h>

struct micro_case {
    const char *name; /* what one operation is */
    /* Does it at least `operations` times; returns how often it was. */
    uint64_t (*run)(void *self, uint64_t operations);
    void *self;
    bool wall; /* several threads: by the wall clock instead of this thread's CPU time */
};

/* One JSON line on stdout and one for people on stderr for each case; main()'s status. */
int micro_main(int argc, char **argv, const char *bench, const struct micro_case *cases,
               unsigned count);

/* The compiler must believe that `value` is needed. */
static inline void micro_keep(const void *value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

#endif
