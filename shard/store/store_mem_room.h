/*
 * One room of the memory store: its rows, its messages, and what can be asked of them.
 */
#ifndef SHARD_STORE_STORE_MEM_ROOM_H
#define SHARD_STORE_STORE_MEM_ROOM_H

#include "core/base/map.h"
#include "shard/store/store.h"

struct mem_item {
    enum record_kind kind;
    struct str key, value; /* heap */
};

struct mem_room {
    struct str jid;  /* heap */
    struct str name; /* heap */
    struct record_show show;
    struct mem_item *items; /* by kind and key, as bytes */
    unsigned item_count, item_cap;
    struct archived *messages; /* oldest first; texts on the heap */
    unsigned message_count, message_cap;
};

struct mem_room *mem_room_new(struct str jid);
void mem_room_free(struct mem_room *room);
/* Everything but RECORD_WIPE. */
void mem_room_apply(struct mem_room *room, const struct record_item *item);
void mem_room_load(const struct mem_room *room, struct arena *arena, struct store_room *loaded);
void mem_room_trim(struct mem_room *room, const struct store_retention *retention);
/* A tombstone that nobody needs any more. */
bool mem_room_is_over(const struct mem_room *room, int64_t now_us);
bool mem_room_occupied(const struct mem_room *room);
struct archived mem_message_in(struct arena *arena, const struct archived *from);
int mem_by_bytes(struct str a, struct str b);
/* NULL `room`: there is none; its archive is empty. */
void mem_room_query(const struct mem_room *room, struct arena *arena,
                    const struct archive_query *query, struct archive_page *page);
/* `rooms`: JID -> struct mem_room. */
void mem_rooms_listing(const struct map *rooms, struct arena *arena,
                       const struct stored_query *query, struct stored_page *page);

#endif
