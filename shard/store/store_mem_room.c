#include "shard/store/store_mem_room.h"

#include "core/base/arena.h"
#include "core/base/base.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)

/* ---- messages ---- */

static struct archived message_copy(const struct archived *from)
{
    struct archived copy = *from;
    copy.id = str_copy(from->id);
    copy.nick = str_copy(from->nick);
    copy.author = str_copy(from->author);
    copy.jid = str_copy(from->jid);
    copy.sender_id = str_copy(from->sender_id);
    copy.xml = str_copy(from->xml);
    copy.body = str_copy(from->body);
    return copy;
}

static struct str copy_in(struct arena *arena, struct str text)
{
    return str_present(text) ? str_in(arena, text) : STR_NONE;
}

struct archived mem_message_in(struct arena *arena, const struct archived *from)
{
    struct archived copy = *from;
    copy.id = copy_in(arena, from->id);
    copy.nick = str_present(from->nick) ? copy_in(arena, from->nick) : STR("");
    copy.author = copy_in(arena, from->author);
    copy.jid = copy_in(arena, from->jid);
    copy.sender_id = copy_in(arena, from->sender_id);
    copy.xml = copy_in(arena, from->xml);
    copy.body = copy_in(arena, from->body);
    return copy;
}

static void message_fini(struct archived *message)
{
    str_free(&message->id);
    str_free(&message->nick);
    str_free(&message->author);
    str_free(&message->jid);
    str_free(&message->sender_id);
    str_free(&message->xml);
    str_free(&message->body);
}

/* message_count: it is not there. */
static unsigned message_at(const struct mem_room *room, struct str id)
{
    unsigned at = 0;
    while (at < room->message_count && !str_eq(room->messages[at].id, id))
        at++;
    return at;
}

static void append(struct mem_room *room, const struct archived *message)
{
    if (message_at(room, message->id) < room->message_count)
        return;
    if (room->message_count == room->message_cap) {
        room->message_cap = room->message_cap == 0 ? 16 : room->message_cap * 2;
        room->messages = mem_grow(room->messages, room->message_cap * sizeof(*room->messages));
    }
    room->messages[room->message_count++] = message_copy(message);
}

static void bury(struct mem_room *room, const struct archived *message)
{
    unsigned at = message_at(room, message->id);
    if (at == room->message_count)
        return;
    struct archived *buried = &room->messages[at];
    str_free(&buried->xml);
    str_free(&buried->body);
    buried->xml = str_copy(message->xml);
    buried->body = str_copy(message->body);
    buried->address_at = message->address_at;
    buried->tail_at = message->tail_at;
    buried->retracted = message->retracted;
}

static void message_remove(struct mem_room *room, unsigned at)
{
    message_fini(&room->messages[at]);
    room->message_count--;
    memmove(&room->messages[at], &room->messages[at + 1],
            (room->message_count - at) * sizeof(*room->messages));
}

/* ---- rows ---- */

static void item_fini(struct mem_item *item)
{
    str_free(&item->key);
    str_free(&item->value);
}

int mem_by_bytes(struct str a, struct str b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least == 0 ? 0 : memcmp(a.at, b.at, least);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where it is, or would be; `*there` says which. */
static unsigned item_at(const struct mem_room *room, const struct record_item *wanted, bool *there)
{
    unsigned low = 0;
    unsigned high = room->item_count;
    *there = false;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const struct mem_item *item = &room->items[middle];
        int order = (int)item->kind - (int)wanted->kind;
        if (order == 0)
            order = mem_by_bytes(item->key, wanted->key);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
        *there |= order == 0;
    }
    return low;
}

static void item_put(struct mem_room *room, const struct record_item *put)
{
    bool there;
    unsigned at = item_at(room, put, &there);
    struct str value = str_copy(str_present(put->value) ? put->value : STR(""));
    if (there) {
        str_free(&room->items[at].value);
        room->items[at].value = value;
        return;
    }
    if (room->item_count == room->item_cap) {
        room->item_cap = room->item_cap == 0 ? 16 : room->item_cap * 2;
        room->items = mem_grow(room->items, room->item_cap * sizeof(*room->items));
    }
    memmove(&room->items[at + 1], &room->items[at], (room->item_count - at) * sizeof(*room->items));
    room->item_count++;
    room->items[at] = (struct mem_item){
        .kind = put->kind,
        .key = str_copy(str_present(put->key) ? put->key : STR("")),
        .value = value,
    };
}

static void item_delete(struct mem_room *room, const struct record_item *gone)
{
    bool there;
    unsigned at = item_at(room, gone, &there);
    if (!there)
        return;
    item_fini(&room->items[at]);
    room->item_count--;
    memmove(&room->items[at], &room->items[at + 1], (room->item_count - at) * sizeof(*room->items));
}

static void item_clear(struct mem_room *room, enum record_kind kind)
{
    unsigned left = 0;
    for (unsigned i = 0; i < room->item_count; i++) {
        if (room->items[i].kind == kind)
            item_fini(&room->items[i]);
        else
            room->items[left++] = room->items[i];
    }
    room->item_count = left;
}

/* Where the last `max` messages that newcomers are shown begin. */
static unsigned history_from(const struct mem_room *room, unsigned max)
{
    unsigned from = room->message_count;
    unsigned count = 0;
    for (unsigned i = room->message_count; i > 0 && count < max; i--) {
        if (!room->messages[i - 1].history)
            continue;
        from = i - 1;
        count++;
    }
    return from;
}

static void show(struct mem_room *room, const struct record_show *shown)
{
    /* What newcomers are shown no more they never are again, nor what they were not shown before.
     */
    unsigned least = shown->history < room->show.history ? shown->history : room->show.history;
    unsigned from = history_from(room, least);
    str_free(&room->name);
    room->name = str_copy(shown->name);
    room->show = *shown;
    room->show.name = room->name;
    for (unsigned i = 0; i < from; i++)
        room->messages[i].history = false;
}

void mem_room_apply(struct mem_room *room, const struct record_item *item)
{
    switch (item->op) {
    case RECORD_PUT:
        item_put(room, item);
        return;
    case RECORD_DELETE:
        item_delete(room, item);
        return;
    case RECORD_CLEAR:
        item_clear(room, item->kind);
        return;
    case RECORD_SHOW:
        show(room, &item->show);
        return;
    case RECORD_APPEND:
        append(room, &item->message);
        return;
    case RECORD_BURY:
        bury(room, &item->message);
        return;
    case RECORD_WIPE:
        return;
    }
}

/* ---- the room ---- */

struct mem_room *mem_room_new(struct str jid)
{
    struct mem_room *room = MEM_NEW(struct mem_room);
    room->jid = str_copy(jid);
    return room;
}

void mem_room_free(struct mem_room *room)
{
    for (unsigned i = 0; i < room->item_count; i++)
        item_fini(&room->items[i]);
    for (unsigned i = 0; i < room->message_count; i++)
        message_fini(&room->messages[i]);
    mem_free(room->items);
    mem_free(room->messages);
    str_free(&room->name);
    str_free(&room->jid);
    mem_free(room);
}

void mem_room_load(const struct mem_room *room, struct arena *arena, struct store_room *loaded)
{
    unsigned max = room->show.history < ROOM_HISTORY_MAX ? room->show.history : ROOM_HISTORY_MAX;
    loaded->rows = ARENA_NEW_ARRAY(arena, struct record_row, room->item_count);
    for (unsigned i = 0; i < room->item_count; i++)
        loaded->rows[loaded->row_count++] = (struct record_row){
            .kind = room->items[i].kind,
            .key = str_in(arena, room->items[i].key),
            .value = str_in(arena, room->items[i].value),
        };
    loaded->history = ARENA_NEW_ARRAY(arena, struct archived, max + 1);
    for (unsigned i = history_from(room, max); i < room->message_count; i++)
        if (room->messages[i].history)
            loaded->history[loaded->history_count++] = mem_message_in(arena, &room->messages[i]);
}

bool mem_room_occupied(const struct mem_room *room)
{
    for (unsigned i = 0; i < room->item_count; i++)
        if (room->items[i].kind == RECORD_SESSION)
            return true;
    return false;
}

bool mem_room_is_over(const struct mem_room *room, int64_t now_us)
{
    return room->show.until_us > 0 && room->show.until_us <= now_us;
}

/* From the first message on, while they are too many or too old: so there are no holes. */
static void trim_archived(struct mem_room *room, uint32_t count, int64_t before_us)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < room->message_count; i++)
        kept += room->messages[i].archived;
    for (unsigned i = 0; i < room->message_count;) {
        const struct archived *message = &room->messages[i];
        if (!message->archived) {
            i++;
            continue;
        }
        if ((count == 0 || kept <= count) && message->at_us >= before_us)
            return;
        message_remove(room, i);
        kept--;
    }
}

/* Of what nobody can ask for, it keeps what it shows, and that as long as any other. What was
 * archived can be asked for, also when the room archives nothing any more. */
void mem_room_trim(struct mem_room *room, const struct store_retention *retention)
{
    uint32_t count = room->show.keep_count != 0 ? room->show.keep_count : retention->count;
    uint32_t days = room->show.keep_days != 0 ? room->show.keep_days : retention->days;
    int64_t before_us = days == 0 ? INT64_MIN : retention->now_us - days * DAY_US;
    unsigned from = history_from(room, room->show.history);
    for (unsigned i = room->message_count; i > 0; i--) {
        const struct archived *message = &room->messages[i - 1];
        bool shown = i - 1 >= from && message->history && message->at_us >= before_us;
        if (!message->archived && !shown)
            message_remove(room, i - 1);
    }
    trim_archived(room, count, before_us);
}
