/*
 * Alarms of one shard: a hierarchical wheel of five levels with 64 slots each.
 *
 * Guarantee  An alarm never rings early, and at most TIMER_TICK_US late if the owner looks in time.
 * Order      By tick; within one tick, alarms set for nearer times first, else as they were set.
 * Cost       Setting and clearing: constant. A look: what rings, and what moves down a level (each
 *            alarm at most four times in its life). Empty time is skipped over, however long.
 * One thread. Times are microseconds of whatever clock the owner reads; it never goes back.
 */
#ifndef SHARD_TIMERS_H
#define SHARD_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_TICK_US 100000

enum { TIMER_LEVELS = 5, TIMER_SLOT_BITS = 6, TIMER_SLOTS = 1 << TIMER_SLOT_BITS };

enum { TIMER_LEVEL_BITS = 3, TIMER_TAG_BITS = 7, TIMER_DUE_BITS = 48 };

/* Inside what it wakes. Zero: not set. A room has several, so it is three words: the last tick of
 * an int64_t fits its bits. */
struct timer {
    struct timer *next;
    struct timer **link;               /* what points here; NULL: not set */
    uint64_t due : TIMER_DUE_BITS;     /* tick */
    uint64_t level : TIMER_LEVEL_BITS; /* where it hangs; TIMER_LEVELS: among those that ring */
    uint64_t slot : TIMER_SLOT_BITS;
    uint64_t tag : TIMER_TAG_BITS; /* whatever its owner wants to know when it rings */
};

struct timer_list {
    struct timer *first;
    struct timer **last;
};

struct timers {
    uint64_t tick; /* all that was due until then has been moved to `ringing` */
    uint64_t occupied[TIMER_LEVELS];
    struct timer_list slots[TIMER_LEVELS][TIMER_SLOTS];
    struct timer_list ringing;
};

void timers_init(struct timers *timers, int64_t now_us);

/* Sets or moves. A time that has passed rings at the next look. */
void timer_set(struct timers *timers, struct timer *timer, int64_t at_us);
void timer_clear(struct timers *timers, struct timer *timer); /* one that is not set: nothing */
bool timer_is_set(const struct timer *timer);

/* The next alarm that rings, cleared; NULL: none until `now_us`. */
struct timer *timers_next(struct timers *timers, int64_t now_us);

/* When to look again: milliseconds from now, -1: no alarm is set. It may be earlier than the next
 * alarm (something moves down), never later. */
int timers_timeout_ms(const struct timers *timers, int64_t now_us);

#endif
