/*
 * What was said and is kept, and taken back by its author or by who moderates (XEP-0424, XEP-0425):
 * what newcomers are shown, and what is in the archive, which outlives its being switched off.
 */
#include "tests/random/model.h"

#include <string.h>

static void drop_oldest(struct model_room *room, unsigned left)
{
    unsigned gone = room->said_count > left ? room->said_count - left : 0;
    room->said_count -= gone;
    memmove(&room->said[0], &room->said[gone], room->said_count * sizeof(room->said[0]));
}

void model_keep(struct model_room *room, int client, unsigned long number)
{
    const struct model_occupant *self = model_inside(room, client);
    struct model_message said = {.number = number, .account = self->account};
    said.stored = model_is_stored(room);
    if (room->options.archived)
        room->archive[room->archive_next++ % MODEL_ARCHIVE] = said;
    if (room->options.history == 0)
        return;
    drop_oldest(room, room->options.history - 1);
    room->said[room->said_count++] = said;
}

/* ---- the store ---- */

bool model_is_stored(const struct model_room *room)
{
    return room->options.persistent || room->was_archived;
}

void model_keep_less(struct model_room *room)
{
    drop_oldest(room, room->options.history);
    if (model_is_stored(room))
        return;
    for (unsigned i = 0; i < room->said_count; i++)
        room->said[i].stored = false;
    memset(room->archive, 0, sizeof(room->archive));
    room->archive_next = 0;
}

static void restart(struct model_room *room)
{
    unsigned left = 0;
    for (int entry = 0; entry < CAST_ENTRIES; entry++) {
        struct model_row *row = &room->rows[entry];
        row->invited_in = 0;
        row->asked = false;
        row->asked_us = row->applied_us = 0;
    }
    for (unsigned i = 0; i < room->said_count; i++) {
        if (!room->said[i].stored)
            continue;
        room->said[left] = room->said[i];
        room->said[left++].displaced = false;
    }
    room->said_count = left;
}

void model_restart(struct model *model)
{
    for (int i = 0; i < CAST_ROOMS; i++)
        restart(&model->rooms[i]);
}

void model_not_kept(struct model_room *room, const struct model_room *then)
{
    *room = *then;
    if (then->said_count > 0 && then->said_count == then->options.history)
        room->said[0].displaced = true;
}

void model_not_buried(struct model_room *room, const struct model_room *then)
{
    memcpy(room->archive, then->archive, sizeof(room->archive));
    for (unsigned i = 0; i < room->said_count; i++) {
        if (room->said[i].displaced)
            room->said[i] = then->said[i];
    }
}

/* ---- looking for it ---- */

unsigned model_shown_count(const struct model_room *room)
{
    return room->said_count - (room->said_count > 0 && room->said[0].displaced);
}

struct model_message *model_message(struct model_room *room, unsigned long number)
{
    for (unsigned i = 0; i < room->said_count; i++) {
        if (room->said[i].number == number && !room->said[i].displaced)
            return &room->said[i];
    }
    return NULL;
}

static struct model_message *archived(struct model_room *room, unsigned long number)
{
    for (unsigned i = 0; i < MODEL_ARCHIVE; i++) {
        if (number != 0 && room->archive[i].number == number)
            return &room->archive[i];
    }
    return NULL;
}

struct model_message *model_known(struct model_room *room, unsigned long number)
{
    struct model_message *message = model_message(room, number);
    return message != NULL ? message : archived(room, number);
}

/* ---- taking it back ---- */

/* Wherever it is. */
static void retract(struct model_room *room, unsigned long number)
{
    struct model_message *message = archived(room, number);
    if (message != NULL)
        message->retracted = true;
    for (unsigned i = 0; i < room->said_count; i++)
        room->said[i].retracted |= room->said[i].number == number;
}

unsigned model_moderate(const struct model *model, struct model_room *room, int client,
                        unsigned long number)
{
    const struct model_occupant *self = model_inside(room, client);
    unsigned closed = model_closed(room, client);
    if (closed != 0)
        return closed;
    if (model_secret(model, room, client))
        return R_ITEM_NOT_FOUND;
    if (self == NULL || self->role != M_MODERATOR)
        return R_FORBIDDEN;
    if (model_known(room, number) == NULL)
        return R_ITEM_NOT_FOUND;
    retract(room, number);
    return 0;
}

bool model_retract(struct model_room *room, int client, unsigned long number)
{
    const struct model_occupant *self = model_inside(room, client);
    const struct model_message *message = model_known(room, number);
    /* The archive is to be asked, and the room remembers that. */
    bool older = model_message(room, number) == NULL && room->was_archived;
    if (message == NULL || message->retracted || message->account != self->account)
        return older;
    retract(room, number);
    return true;
}
