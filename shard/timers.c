/*
 * An alarm hangs on the lowest level on which its tick and the present one are less than a turn
 * apart. There its slot is not the present one, so the first occupied slot after the present one
 * tells, per level, when something happens next: level 0 rings, a higher level is emptied into
 * those below.
 */
#include "shard/timers.h"

#include "core/base/ensure.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>

#define NEVER UINT64_MAX

static_assert(sizeof(struct timer) == 3 * sizeof(void *), "two links and all the rest");
static_assert(INT64_MAX / TIMER_TICK_US < INT64_C(1) << TIMER_DUE_BITS, "every instant has a tick");
static_assert(TIMER_LEVELS < 1 << TIMER_LEVEL_BITS, "and one level more, for those that ring");

enum { RINGING = TIMER_LEVELS, TOP = TIMER_LEVELS - 1 };

static uint64_t tick_floor(int64_t at_us)
{
    return at_us < 0 ? 0 : (uint64_t)at_us / TIMER_TICK_US;
}

static uint64_t tick_ceil(int64_t at_us)
{
    return at_us <= 0 ? 0 : ((uint64_t)at_us + TIMER_TICK_US - 1) / TIMER_TICK_US;
}

static void list_init(struct timer_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_append(struct timer_list *list, struct timer *timer)
{
    timer->next = NULL;
    timer->link = list->last;
    *list->last = timer;
    list->last = &timer->next;
}

static void list_remove(struct timer_list *list, struct timer *timer)
{
    *timer->link = timer->next;
    if (timer->next != NULL)
        timer->next->link = timer->link;
    else
        list->last = timer->link;
    timer->next = NULL;
    timer->link = NULL;
}

void timers_init(struct timers *timers, int64_t now_us)
{
    timers->tick = tick_floor(now_us);
    for (int level = 0; level < TIMER_LEVELS; level++) {
        timers->occupied[level] = 0;
        for (int slot = 0; slot < TIMER_SLOTS; slot++)
            list_init(&timers->slots[level][slot]);
    }
    list_init(&timers->ringing);
}

/* Turns of a level: how often its present slot has moved until `tick`. */
static uint64_t steps(uint64_t tick, unsigned level)
{
    return tick >> (TIMER_SLOT_BITS * level);
}

static void hang(struct timers *timers, struct timer *timer)
{
    if (timer->due <= timers->tick) {
        timer->level = RINGING;
        list_append(&timers->ringing, timer);
        return;
    }
    unsigned level = 0;
    while (level < TOP && steps(timer->due, level) - steps(timers->tick, level) >= TIMER_SLOTS)
        level++;
    uint64_t at = steps(timer->due, level);
    uint64_t farthest = steps(timers->tick, level) + TIMER_SLOTS - 1;
    if (at > farthest)
        at = farthest; /* beyond the top: it will be hung again from there */
    timer->level = level;
    timer->slot = at % TIMER_SLOTS;
    list_append(&timers->slots[level][timer->slot], timer);
    timers->occupied[level] |= UINT64_C(1) << timer->slot;
}

bool timer_is_set(const struct timer *timer)
{
    return timer->link != NULL;
}

void timer_clear(struct timers *timers, struct timer *timer)
{
    if (!timer_is_set(timer))
        return;
    if (timer->level == RINGING) {
        list_remove(&timers->ringing, timer);
        return;
    }
    struct timer_list *list = &timers->slots[timer->level][timer->slot];
    list_remove(list, timer);
    if (list->first == NULL)
        timers->occupied[timer->level] &= ~(UINT64_C(1) << timer->slot);
}

void timer_set(struct timers *timers, struct timer *timer, int64_t at_us)
{
    timer_clear(timers, timer);
    timer->due = tick_ceil(at_us);
    hang(timers, timer);
}

/* The tick at which the level has something to do next. */
static uint64_t level_next(const struct timers *timers, unsigned level)
{
    uint64_t occupied = timers->occupied[level];
    if (occupied == 0)
        return NEVER;
    uint64_t present = steps(timers->tick, level);
    unsigned turn = (unsigned)(present % TIMER_SLOTS);
    uint64_t ahead = turn == 0 ? occupied : occupied >> turn | occupied << (TIMER_SLOTS - turn);
    unsigned distance = (unsigned)__builtin_ctzll(ahead);
    ensure(distance > 0);
    return (present + distance) << (TIMER_SLOT_BITS * level);
}

static uint64_t next_tick(const struct timers *timers)
{
    uint64_t next = NEVER;
    for (unsigned level = 0; level < TIMER_LEVELS; level++) {
        uint64_t at = level_next(timers, level);
        if (at < next)
            next = at;
    }
    return next;
}

/* What hangs in the slot that has become the present one. */
static void empty_slot(struct timers *timers, unsigned level)
{
    unsigned slot = (unsigned)(steps(timers->tick, level) % TIMER_SLOTS);
    if ((timers->occupied[level] & UINT64_C(1) << slot) == 0)
        return;
    struct timer *timer = timers->slots[level][slot].first;
    list_init(&timers->slots[level][slot]);
    timers->occupied[level] &= ~(UINT64_C(1) << slot);
    while (timer != NULL) {
        struct timer *next = timer->next;
        hang(timers, timer);
        timer = next;
    }
}

static void advance(struct timers *timers, uint64_t until)
{
    for (;;) {
        uint64_t at = next_tick(timers);
        if (at > until)
            break;
        timers->tick = at;
        empty_slot(timers, 0);
        for (unsigned level = 1; level < TIMER_LEVELS; level++) {
            if (at % (UINT64_C(1) << (TIMER_SLOT_BITS * level)) == 0)
                empty_slot(timers, level);
        }
    }
    if (until > timers->tick)
        timers->tick = until;
}

struct timer *timers_next(struct timers *timers, int64_t now_us)
{
    advance(timers, tick_floor(now_us));
    struct timer *timer = timers->ringing.first;
    if (timer != NULL)
        list_remove(&timers->ringing, timer);
    return timer;
}

int timers_timeout_ms(const struct timers *timers, int64_t now_us)
{
    if (timers->ringing.first != NULL)
        return 0;
    uint64_t next = next_tick(timers);
    if (next == NEVER)
        return -1;
    int64_t wait_us = (int64_t)(next * TIMER_TICK_US) - now_us;
    if (wait_us <= 0)
        return 0;
    int64_t wait_ms = (wait_us + 999) / 1000;
    return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}
