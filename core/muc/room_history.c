/*
 * The messages kept for those who enter: a ring that grows with the room's traffic up to what the
 * room's options and the limits allow. Entries are the frames as they were broadcast.
 */
#include "core/muc/room.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

enum { RING_FIRST = 4 };

static uint32_t history_limit(const struct room *room)
{
    return room->options.history < ROOM_HISTORY_MAX ? room->options.history : ROOM_HISTORY_MAX;
}

const struct history_entry *room_history_at(const struct room *room, uint32_t i)
{
    const struct history *history = &room->history;
    ensure(i < history->count);
    return &history->ring[(history->start + i) % history->size];
}

static void history_drop_oldest(struct history *history)
{
    struct history_entry *entry = &history->ring[history->start];
    history->bytes -= entry->frame->size;
    frame_unref(entry->frame);
    history->start = (history->start + 1) % history->size;
    history->count--;
}

static void history_fit(struct history *history, uint32_t count, size_t bytes)
{
    while (history->count > count || (history->count > 0 && history->bytes > bytes))
        history_drop_oldest(history);
}

static void history_grow(struct history *history, uint32_t limit)
{
    uint32_t size = history->size == 0 ? RING_FIRST : history->size * 2;
    size = size < limit ? size : limit;
    struct history_entry *ring = mem_raw(sizeof(*ring) * size);
    for (uint32_t i = 0; i < history->count; i++)
        ring[i] = history->ring[(history->start + i) % history->size];
    mem_free(history->ring);
    history->ring = ring;
    history->size = size;
    history->start = 0;
}

void room_history_trim(struct room *room)
{
    history_fit(&room->history, history_limit(room), ROOM_HISTORY_BYTES_MAX);
}

void room_history_add(struct room *room, struct frame *frame, int64_t at_us, bool dated)
{
    struct history *history = &room->history;
    uint32_t limit = history_limit(room);
    if (limit == 0 || frame->size > ROOM_HISTORY_BYTES_MAX)
        return;
    history_fit(history, limit - 1, ROOM_HISTORY_BYTES_MAX - frame->size);
    if (history->count == history->size)
        history_grow(history, limit);
    uint32_t end = (history->start + history->count) % history->size;
    history->ring[end] = (struct history_entry){frame_ref(frame), at_us, dated};
    history->count++;
    history->bytes += frame->size;
}
