#include "shard/wakes.h"

#include "core/base/limits.h"
#include "core/base/mem.h"

enum { ROOMS_FIRST = 16 };

void wakes_fini(struct wakes *wakes)
{
    for (uint32_t i = 0; i < wakes->count; i++)
        jid_free(wakes->rooms[i]);
    mem_free(wakes->rooms);
    *wakes = (struct wakes){0};
}

void wakes_add(struct wakes *wakes, const struct jid *room, int64_t mono_ms)
{
    if (wakes->count == wakes->cap) {
        wakes->cap = wakes->cap == 0 ? ROOMS_FIRST : wakes->cap * 2;
        wakes->rooms = mem_grow(wakes->rooms, sizeof(*wakes->rooms) * wakes->cap);
    }
    if (wakes->count == 0)
        wakes->at_ms = mono_ms + STORE_RETRY_MS;
    wakes->rooms[wakes->count++] = jid_copy(room);
}

struct jid *wakes_take(struct wakes *wakes, int64_t mono_ms)
{
    if (wakes->count == 0 || mono_ms < wakes->at_ms)
        return NULL;
    struct jid *room = wakes->rooms[0];
    wakes->count--;
    memmove(wakes->rooms, wakes->rooms + 1, sizeof(*wakes->rooms) * wakes->count);
    if (++wakes->taken == WAKES_AT_A_TIME) {
        wakes->taken = 0;
        wakes->at_ms = mono_ms + STORE_RETRY_MS;
    }
    return room;
}

int wakes_timeout_ms(const struct wakes *wakes, int64_t mono_ms)
{
    int64_t left_ms = wakes->at_ms - mono_ms;
    if (wakes->count == 0)
        return -1;
    return left_ms < 0 ? 0 : (int)left_ms;
}
