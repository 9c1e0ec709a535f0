#include "shard/backing.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

struct backing *backing_new(struct room_entry *entry, struct str room)
{
    struct backing *backing = MEM_NEW(struct backing);
    backing->entry = entry;
    backing->idle.tag = ROOM_TIMERS; /* none of the room's own */
    backing->burial.tag = ROOM_TIMER_BURIAL;
    backing->unsaved.room = room;
    return backing;
}

void backing_free(struct backing *backing)
{
    if (backing == NULL)
        return;
    ensure(!timer_is_set(&backing->idle) && !timer_is_set(&backing->burial));
    parking_fini(&backing->parking);
    if (backing->arena != NULL)
        arena_free(backing->arena);
    message_free(backing->message);
    hold_free(backing->hold);
    unsaved_fini(&backing->unsaved);
    mem_free(backing);
}

void backing_hold_back(struct backing *backing, struct commits *commits, bool power)
{
    (void)commits_batch(commits, &backing->unsaved);
    backing->unsaved.power |= power;
    backing->held = backing->unsaved.ticket;
    if (backing->hold == NULL)
        backing->hold = hold_new();
}

bool backing_is_idle(const struct backing *backing)
{
    if (backing == NULL)
        return true;
    return backing->waiting == WAITING_NOTHING && backing->parking.count == 0 &&
           !backing->unparking && !backing->stale && !backing_holds(backing) &&
           backing->unsaved.ticket == 0 && backing->unsaved.at_scribe == 0;
}
