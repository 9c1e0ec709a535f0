#include "bench/load/hist.h"

#include <string.h>

#define HIST_STEPS (1U << HIST_STEP_BITS)

static unsigned slot_of(uint64_t value_ns)
{
    if (value_ns < HIST_STEPS)
        return (unsigned)value_ns;
    unsigned shift = 63U - (unsigned)__builtin_clzll(value_ns) - HIST_STEP_BITS;
    unsigned slot = ((shift + 1) << HIST_STEP_BITS) + (unsigned)(value_ns >> shift) - HIST_STEPS;
    return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

static uint64_t lowest_of(unsigned slot)
{
    if (slot < HIST_STEPS)
        return slot;
    unsigned shift = (slot >> HIST_STEP_BITS) - 1;
    return (uint64_t)(HIST_STEPS + (slot & (HIST_STEPS - 1))) << shift;
}

void hist_reset(struct hist *hist)
{
    memset(hist, 0, sizeof(*hist));
}

void hist_add(struct hist *hist, uint64_t value_ns, uint64_t times)
{
    hist->at[slot_of(value_ns)] += times;
    hist->count += times;
    if (times > 0 && value_ns > hist->max_ns)
        hist->max_ns = value_ns;
}

uint64_t hist_quantile_ns(const struct hist *hist, double share)
{
    if (hist->count == 0)
        return 0;
    uint64_t rank = (uint64_t)(share * (double)hist->count);
    if (rank >= hist->count)
        return hist->max_ns;
    uint64_t below = 0;
    for (unsigned slot = 0; slot < HIST_SLOTS; slot++) {
        below += hist->at[slot];
        if (below > rank)
            return lowest_of(slot);
    }
    return hist->max_ns;
}
