/*
 * When rooms of which a batch was refused are written again: one at first, to see whether the store
 * takes it, then some at a time, each time when the last were taken. While it refuses, the pause
 * grows.
 *
 * Rate    After a refusal nothing for STORE_RETRY_MS, twice that after each further one, at most
 *         STORE_RETRY_MS_MAX.
 * Bound   What lies with the scribe of them: REWRITE_ROOMS rooms, and no more of them once there
 *         are REWRITE_SESSIONS sessions in them.
 */
#ifndef SHARD_REWRITES_H
#define SHARD_REWRITES_H

#include <stdbool.h>
#include <stdint.h>

struct rewrites {     /* zero: nothing was refused */
    uint32_t stale;   /* rooms to be written */
    uint32_t place;   /* where to look for the next (rooms_from()) */
    unsigned rounds;  /* in which none was found that takes something */
    uint64_t awaited; /* ticket of the last that were written; 0: all are answered */
    bool failed;      /* one of those, or of what came with them, was refused */
    bool taken;       /* the last were taken: so many at a time */
    int64_t pause_ms; /* the last one; 0: there was none since */
    int64_t at_ms;    /* of the monotonic clock: not before */
};

/* A room is stale that was not. */
void rewrites_refused(struct rewrites *rewrites, int64_t mono_ms);
/* One is written, and with it all before it. */
void rewrites_written(struct rewrites *rewrites, uint64_t ticket);
/* A room's batch was answered. */
void rewrites_answered(struct rewrites *rewrites, uint64_t ticket, bool refused, int64_t mono_ms);
/* There are no more rooms behind the place: on with the first. If none takes anything: later. */
void rewrites_round(struct rewrites *rewrites, int64_t mono_ms);
/* Until some may be written; -1: there is nothing to write, or an answer comes first. */
int rewrites_timeout_ms(const struct rewrites *rewrites, int64_t mono_ms);
/* How many rooms may be, if it is time. */
uint32_t rewrites_most(const struct rewrites *rewrites);

#endif
