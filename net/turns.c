#include "net/turns.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

struct turns_room {
    uint64_t id;
    struct turns_room *next;
    struct turns_item *first, *last;
};

static struct str key_of(const uint64_t *room)
{
    return str_of((const char *)room, sizeof(*room));
}

void turns_init(struct turns *turns, const struct hash_key *hash_key)
{
    *turns = (struct turns){0};
    map_init(&turns->rooms, hash_key);
}

void turns_fini(struct turns *turns)
{
    ensure(turns->first == NULL);
    map_fini(&turns->rooms);
}

static void line_up(struct turns *turns, struct turns_room *room)
{
    room->next = NULL;
    if (turns->last == NULL)
        turns->first = room;
    else
        turns->last->next = room;
    turns->last = room;
}

static struct turns_room *step_out(struct turns *turns)
{
    struct turns_room *room = turns->first;
    turns->first = room->next;
    if (turns->first == NULL)
        turns->last = NULL;
    return room;
}

static struct turns_room *room_of(struct turns *turns, uint64_t id)
{
    struct turns_room *room = map_get(&turns->rooms, key_of(&id));
    if (room != NULL)
        return room;
    room = MEM_NEW(struct turns_room);
    room->id = id;
    map_put(&turns->rooms, key_of(&room->id), room);
    line_up(turns, room);
    return room;
}

void turns_add(struct turns *turns, uint64_t id, struct turns_item *item)
{
    struct turns_room *room = room_of(turns, id);
    item->next = NULL;
    if (room->last == NULL)
        room->first = item;
    else
        room->last->next = item;
    room->last = item;
}

struct turns_item *turns_first(const struct turns *turns)
{
    return turns->first != NULL ? turns->first->first : NULL;
}

bool turns_take(struct turns *turns)
{
    struct turns_room *room = turns->first;
    room->first = room->first->next;
    if (room->first != NULL)
        return true;
    step_out(turns);
    map_remove(&turns->rooms, key_of(&room->id));
    mem_free(room);
    return false;
}

void turns_pass(struct turns *turns)
{
    line_up(turns, step_out(turns));
}
