#include "net/wheel.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

#include <stddef.h>
#include <string.h>

void wheel_init(struct wheel *wheel, int64_t now_ms)
{
    *wheel = (struct wheel){.tick = now_ms / WHEEL_TICK_MS};
    wheel->slots = MEM_NEW_ARRAY(struct alarm *, WHEEL_SLOTS);
}

void wheel_fini(struct wheel *wheel)
{
    ensure(wheel->count == 0);
    mem_free(wheel->slots);
    wheel->slots = NULL;
}

/* An alarm that stands alone in its list points to itself: that tells it from one that is not set.
 */
void wheel_clear(struct wheel *wheel, struct alarm *alarm)
{
    if (alarm->next == NULL)
        return;
    uint32_t slot = alarm->slot;
    if (alarm->next == alarm) {
        wheel->slots[slot] = NULL;
        wheel->marks[slot / 64] &= ~(1ull << (slot % 64));
    } else {
        alarm->prev->next = alarm->next;
        alarm->next->prev = alarm->prev;
        if (wheel->slots[slot] == alarm)
            wheel->slots[slot] = alarm->next;
    }
    *alarm = (struct alarm){0};
    wheel->count--;
}

void wheel_set(struct wheel *wheel, struct alarm *alarm, int64_t at_ms)
{
    wheel_clear(wheel, alarm);
    int64_t tick = (at_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    if (tick >= wheel->tick + WHEEL_SLOTS)
        tick = wheel->tick + WHEEL_SLOTS - 1;

    uint32_t slot = (uint32_t)(tick % WHEEL_SLOTS);
    struct alarm *first = wheel->slots[slot];
    alarm->slot = slot;
    if (first == NULL) {
        alarm->prev = alarm->next = alarm;
        wheel->slots[slot] = alarm;
        wheel->marks[slot / 64] |= 1ull << (slot % 64);
    } else {
        alarm->next = first;
        alarm->prev = first->prev;
        first->prev->next = alarm;
        first->prev = alarm;
    }
    wheel->count++;
}

/* How many slots lie between `slot` and the next one that has an alarm; WHEEL_SLOTS: none has. */
static uint32_t distance(const struct wheel *wheel, uint32_t slot)
{
    uint32_t at = slot;
    while (at < slot + WHEEL_SLOTS) {
        uint32_t wrapped = at % WHEEL_SLOTS;
        uint64_t marks = wheel->marks[wrapped / 64] >> (wrapped % 64);
        if (marks != 0)
            return at - slot + (uint32_t)__builtin_ctzll(marks);
        at += 64 - wrapped % 64;
    }
    return WHEEL_SLOTS;
}

unsigned wheel_run(struct wheel *wheel, int64_t now_ms,
                   void (*ring)(void *self, struct alarm *alarm), void *self)
{
    int64_t now = now_ms / WHEEL_TICK_MS;
    unsigned rung = 0;
    while (wheel->tick < now) {
        if (wheel->count == 0) {
            wheel->tick = now;
            break;
        }
        uint32_t next = (uint32_t)((wheel->tick + 1) % WHEEL_SLOTS);
        int64_t due = wheel->tick + 1 + distance(wheel, next);
        if (due > now) {
            wheel->tick = now;
            break;
        }
        /* The tick counts as run before its alarms ring: what they set comes later. */
        wheel->tick = due;
        uint32_t slot = (uint32_t)(due % WHEEL_SLOTS);
        while (wheel->slots[slot] != NULL) {
            struct alarm *alarm = wheel->slots[slot];
            wheel_clear(wheel, alarm);
            ring(self, alarm);
            rung++;
        }
    }
    return rung;
}

int wheel_timeout_ms(const struct wheel *wheel, int64_t now_ms)
{
    if (wheel->count == 0)
        return -1;
    uint32_t next = (uint32_t)((wheel->tick + 1) % WHEEL_SLOTS);
    int64_t due = wheel->tick + 1 + distance(wheel, next);
    int64_t left = due * WHEEL_TICK_MS - now_ms;
    return left > 0 ? (int)left : 0;
}
