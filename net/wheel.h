/*
 * Alarms of the connections of one net agent: a wheel of ticks. Setting, moving and clearing cost
 * the same however many there are. An alarm is not exact: it rings at most two ticks late, never
 * early. One thread.
 */
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include <stdint.h>

#define WHEEL_TICK_MS 125
#define WHEEL_SLOTS   8192 /* the farthest alarm is about 17 minutes away */

/* Embedded in what wants to be called; zero bytes are an alarm that is not set. */
struct alarm {
    struct alarm *prev, *next;
    uint32_t slot;
};

struct wheel {
    struct alarm **slots;             /* the first alarm of each tick */
    uint64_t marks[WHEEL_SLOTS / 64]; /* a bit for each slot that has one */
    int64_t tick;                     /* the last one that was run */
    uint32_t count;
};

void wheel_init(struct wheel *wheel, int64_t now_ms);
/* No alarm may be set. */
void wheel_fini(struct wheel *wheel);

/* Sets or moves. What lies farther away than the wheel reaches rings at its end: the owner looks at
 * its own deadline and sets the alarm again. */
void wheel_set(struct wheel *wheel, struct alarm *alarm, int64_t at_ms);
void wheel_clear(struct wheel *wheel, struct alarm *alarm);

/* Rings what is due, each cleared first; `ring` may set and clear any alarm. Returns how many. */
unsigned wheel_run(struct wheel *wheel, int64_t now_ms,
                   void (*ring)(void *self, struct alarm *alarm), void *self);

/* Milliseconds until the next alarm; -1: none is set. */
int wheel_timeout_ms(const struct wheel *wheel, int64_t now_ms);

#endif
