/*
 * A histogram of times with bounded error: 64 steps per power of two, so that a value read back is
 * at most 1.6% below what went in, from one nanosecond to hours, in a fixed 24 KiB.
 */
#ifndef BENCH_LOAD_HIST_H
#define BENCH_LOAD_HIST_H

#include <stdint.h>

#define HIST_STEP_BITS 6
#define HIST_SLOTS     (48 << HIST_STEP_BITS)

struct hist {
    uint64_t count;
    uint64_t max_ns;
    uint64_t at[HIST_SLOTS];
};

void hist_reset(struct hist *hist);
void hist_add(struct hist *hist, uint64_t value_ns, uint64_t times);

/* The value that `share` (0 to 1) of all values do not exceed; 0 while there are none. */
uint64_t hist_quantile_ns(const struct hist *hist, double share);

#endif
