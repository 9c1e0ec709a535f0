#include "shard/parking.h"

#include "core/base/limits.h"
#include "core/base/mem.h"

enum { PARKED_FIRST = 8 };

static void grow(struct parking *parking)
{
    uint32_t size = parking->size == 0 ? PARKED_FIRST : parking->size * 2;
    struct message **at = mem_raw(sizeof(struct message *) * size);
    for (uint32_t i = 0; i < parking->count; i++)
        at[i] = parking->at[(parking->start + i) % parking->size];
    mem_free(parking->at);
    parking->at = at;
    parking->size = size;
    parking->start = 0;
}

bool parking_add(struct parking *parking, struct message *message)
{
    if (parking->count >= ROOM_PARKED_MAX && message->kind == MSG_STANZA)
        return false;
    if (parking->count == parking->size)
        grow(parking);
    parking->at[(parking->start + parking->count++) % parking->size] = message;
    return true;
}

void parking_put_first(struct parking *parking, struct message *message)
{
    if (parking->count == parking->size)
        grow(parking);
    parking->start = (parking->start + parking->size - 1) % parking->size;
    parking->at[parking->start] = message;
    parking->count++;
}

struct message *parking_take(struct parking *parking)
{
    if (parking->count == 0)
        return NULL;
    struct message *message = parking->at[parking->start];
    parking->start = (parking->start + 1) % parking->size;
    parking->count--;
    return message;
}

void parking_fini(struct parking *parking)
{
    struct message *message;
    while ((message = parking_take(parking)) != NULL)
        message_free(message);
    mem_free(parking->at);
    *parking = (struct parking){0};
}
