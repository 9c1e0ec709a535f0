#include "shard/wakes.h"

#include "core/base/limits.h"
#include "core/base/mem.h"

enum { ROOMS_FIRST = 16 };

static struct jid **room_at(const struct wakes *wakes, uint32_t i)
{
    return &wakes->rooms[(wakes->start + i) % wakes->size];
}

void wakes_fini(struct wakes *wakes)
{
    for (uint32_t i = 0; i < wakes->count; i++)
        jid_free(*room_at(wakes, i));
    mem_free(wakes->rooms);
    *wakes = (struct wakes){0};
}

static void grow(struct wakes *wakes)
{
    uint32_t size = wakes->size == 0 ? ROOMS_FIRST : wakes->size * 2;
    struct jid **rooms = MEM_NEW_ARRAY(struct jid *, size);
    for (uint32_t i = 0; i < wakes->count; i++)
        rooms[i] = *room_at(wakes, i);
    mem_free(wakes->rooms);
    wakes->rooms = rooms;
    wakes->size = size;
    wakes->start = 0;
}

void wakes_add(struct wakes *wakes, const struct jid *room, int64_t mono_ms)
{
    if (wakes->count == wakes->size)
        grow(wakes);
    if (wakes->count == 0)
        wakes->at_ms = mono_ms + STORE_RETRY_MS;
    *room_at(wakes, wakes->count++) = jid_copy(room);
}

struct jid *wakes_take(struct wakes *wakes, int64_t mono_ms)
{
    if (wakes->count == 0 || mono_ms < wakes->at_ms)
        return NULL;
    struct jid *room = *room_at(wakes, 0);
    wakes->start = (wakes->start + 1) % wakes->size;
    wakes->count--;
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
