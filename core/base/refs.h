/*
 * Counts of references that several threads may hold: one memory order for all of them, stated
 * once. A reference is only ever made from another one, so adding needs no order; who gives up the
 * last one, or finds itself alone, sees all that others did to the object before.
 */
#ifndef CORE_BASE_REFS_H
#define CORE_BASE_REFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline void refs_hold(_Atomic uint32_t *refs)
{
    atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

/* True: that was the last. */
static inline bool refs_let_go(_Atomic uint32_t *refs)
{
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

/* Does nobody else hold it, so that it may be changed? */
static inline bool refs_held_alone(_Atomic uint32_t *refs)
{
    return atomic_load_explicit(refs, memory_order_acquire) == 1;
}

#endif
