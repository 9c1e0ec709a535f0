/*
 * What was said and is kept, and taken back by its author or by who moderates (XEP-0424, XEP-0425).
 */
#include "tests/random/model.h"

#include <string.h>

void model_keep(struct model_room *room, int client, unsigned long number)
{
    const struct model_occupant *self = model_inside(room, client);
    if (room->said_count == MODEL_SAID) {
        room->said_count--;
        memmove(&room->said[0], &room->said[1], room->said_count * sizeof(room->said[0]));
    }
    room->said[room->said_count++] = (struct model_message){number, self->account, false};
}

struct model_message *model_message(struct model_room *room, unsigned long number)
{
    for (unsigned i = 0; i < room->said_count; i++) {
        if (room->said[i].number == number)
            return &room->said[i];
    }
    return NULL;
}

unsigned model_moderate(struct model_room *room, int client, unsigned long number)
{
    const struct model_occupant *self = model_inside(room, client);
    struct model_message *message = model_message(room, number);
    unsigned closed = model_closed(room, client);
    if (closed != 0)
        return closed;
    if (self == NULL || self->role != M_MODERATOR)
        return R_FORBIDDEN;
    if (message == NULL)
        return R_ITEM_NOT_FOUND;
    message->retracted = true;
    return 0;
}

void model_retract(struct model_room *room, int client, unsigned long number)
{
    const struct model_occupant *self = model_inside(room, client);
    struct model_message *message = model_message(room, number);
    if (message != NULL && message->account == self->account)
        message->retracted = true;
}
