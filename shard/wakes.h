/*
 * Rooms that somebody was inside of when the last process ended, and that could not be loaded: they
 * are tried again, some at a time, until the store gives them. Nobody else would: who is inside
 * hears nothing and does not know.
 *
 * Rate    WAKES_AT_A_TIME, then STORE_RETRY_MS nothing. Those that fail again are last in turn.
 * Bound   Rooms that were occupied.
 */
#ifndef SHARD_WAKES_H
#define SHARD_WAKES_H

#include "core/xmpp/jid.h"

#include <stdint.h>

struct wakes {          /* zero: none */
    struct jid **rooms; /* a ring */
    uint32_t size, start, count;
    uint32_t taken; /* of this turn */
    int64_t at_ms;  /* of the monotonic clock: the next turn */
};

void wakes_fini(struct wakes *wakes);

/* The bare JID is copied. */
void wakes_add(struct wakes *wakes, const struct jid *room, int64_t mono_ms);
/* The next room whose turn it is, the caller's; NULL: none. */
struct jid *wakes_take(struct wakes *wakes, int64_t mono_ms);
/* Until the next turn; -1: there is nothing to try. */
int wakes_timeout_ms(const struct wakes *wakes, int64_t mono_ms);

#endif
