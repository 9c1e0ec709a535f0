/*
 * The messages kept for those who enter: a ring that grows with the room's traffic up to what the
 * room's options and the limits allow. Entries are the frames as they were broadcast, or
 * tombstones.
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

static void history_fit(struct history *history, uint32_t count, uint32_t bytes)
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

void room_history_add(struct room *room, const struct history_entry *entry)
{
    struct history *history = &room->history;
    uint32_t bytes = entry->frame->size;
    uint32_t limit = history_limit(room);
    if (limit == 0 || bytes > ROOM_HISTORY_BYTES_MAX)
        return;
    history_fit(history, limit - 1, ROOM_HISTORY_BYTES_MAX - bytes);
    if (history->count == history->size)
        history_grow(history, limit);
    struct history_entry *place = &history->ring[(history->start + history->count) % history->size];
    *place = *entry;
    /* A clock that was set back while the room was not in memory does not change the order. */
    if (history->count > 0 && entry->at_us < room_history_at(room, history->count - 1)->at_us)
        place->at_us = room_history_at(room, history->count - 1)->at_us;
    frame_ref(place->frame);
    history->count++;
    history->bytes += bytes;
}

struct history_entry *room_history_find(struct room *room, struct str stanza_id)
{
    struct history *history = &room->history;
    for (uint32_t i = 0; i < history->count; i++) {
        struct history_entry *entry = &history->ring[(history->start + i) % history->size];
        if (str_eq(str_of(entry->stanza_id, STANZA_ID_BYTES), stanza_id))
            return entry;
    }
    return NULL;
}

typedef bool history_match(const struct history_entry *entry, const void *self);

static void drop_those(struct room *room, history_match *match, const void *self)
{
    struct history *history = &room->history;
    uint32_t left = 0;
    for (uint32_t i = 0; i < history->count; i++) {
        const struct history_entry *entry = room_history_at(room, i);
        if (!match(entry, self)) {
            history->ring[(history->start + left++) % history->size] = *entry;
            continue;
        }
        history->bytes -= entry->frame->size;
        frame_unref(entry->frame);
    }
    history->count = left;
}

static bool has_id(const struct history_entry *entry, const void *self)
{
    const struct str *stanza_id = self;
    return str_eq(str_of(entry->stanza_id, STANZA_ID_BYTES), *stanza_id);
}

void room_history_drop(struct room *room, struct str stanza_id)
{
    drop_those(room, has_id, &stanza_id);
}

struct forgotten {
    const char *author;
    int64_t until_us;
};

static bool is_forgotten(const struct history_entry *entry, const void *self)
{
    const struct forgotten *wanted = self;
    return !entry->retracted && entry->at_us <= wanted->until_us &&
           (wanted->author == NULL ||
            memcmp(entry->author, wanted->author, OCCUPANT_ID_BYTES) == 0);
}

void room_history_forget(struct room *room, const char *author, int64_t until_us)
{
    struct forgotten wanted = {author, until_us};
    drop_those(room, is_forgotten, &wanted);
}

void room_history_bury(struct room *room, struct history_entry *entry, struct frame *tombstone)
{
    room->history.bytes += tombstone->size;
    room->history.bytes -= entry->frame->size;
    frame_unref(entry->frame);
    entry->frame = frame_ref(tombstone);
    entry->retracted = true;
    room_history_trim(room);
}
