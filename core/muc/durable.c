#include "core/muc/durable.h"

#include "core/muc/room.h"

static bool outlives(const struct room_options *options)
{
    return options->persistent || options->archive;
}

bool room_is_durable(const struct room *room)
{
    return room->env->settings->durable && room_exists(room) &&
           (outlives(&room->options) || room->was_archived);
}

bool room_is_parkable(const struct room *room)
{
    if (room->session_count > 0 || room->pending != NULL || room->burials != NULL)
        return false;
    bool stands = room->env->settings->durable && room->state == ROOM_DESTROYED;
    return stands || room_is_durable(room);
}

static bool creates_durable(const struct room *room, const struct change *change)
{
    const struct room_options *options = change->options;
    if (options == NULL)
        options = room->env->settings->defaults;
    return options->archive || (options->persistent && !change->create.temporary);
}

bool change_leaves_durable(const struct room *room, const struct change *change)
{
    if (!room->env->settings->durable)
        return false;
    switch (change->kind) {
    case CHANGE_CREATE:
        return creates_durable(room, change);
    case CHANGE_OPTIONS:
        return outlives(change->options) || room->was_archived;
    case CHANGE_DESTROY:
        return false;
    case CHANGE_AFFILIATIONS:
    case CHANGE_SUBJECT:
    case CHANGE_CARD:
    case CHANGE_BURY:
    case CHANGE_BURIAL:
    case CHANGE_WAITING:
        break;
    }
    return room_is_durable(room);
}

/* A tombstone is remembered, whatever stood there before it or will stand there after it. */
static bool concerns_tombstone(const struct room *room, const struct change *change)
{
    return (change->kind == CHANGE_DESTROY && change->destroy.until_us != 0) ||
           (change->kind == CHANGE_CREATE && room->state == ROOM_DESTROYED);
}

bool change_is_gated(const struct room *room, const struct change *change)
{
    if (!room->env->settings->durable)
        return false;
    return room_is_durable(room) || change_leaves_durable(room, change) ||
           concerns_tombstone(room, change);
}
