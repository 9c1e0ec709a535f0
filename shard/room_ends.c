/*
 * What is written of a room beside its changes: who is inside, once more, if the store has refused
 * it; what it is when the process ends; what it remembers when it leaves memory.
 */
#include "core/base/limits.h"
#include "core/muc/durable.h"
#include "shard/shard_impl.h"

/* ---- what was refused is written again ---- */

static void rewrite(struct shard *shard, struct room_entry *entry)
{
    struct buf *batch = commits_batch(&shard->commits, &entry->backing->unsaved);
    entry->backing->stale = false;
    record_again(batch, shard->arena, entry->room);
}

void rooms_rewrite(struct shard *shard)
{
    uint32_t at = 0;
    struct room_entry *entry;
    if (rooms_rewrite_ms(shard) != 0)
        return;
    shard->rewrite_at_ms = 0;
    while ((entry = rooms_each(&shard->rooms, &at)) != NULL) {
        if (entry->backing == NULL || !entry->backing->stale)
            continue;
        if (entry->backing->waiting == WAITING_NOTHING)
            rewrite(shard, entry);
        else
            shard->rewrite_at_ms = shard->agent.mono_ms + STORE_RETRY_MS;
    }
}

int rooms_rewrite_ms(const struct shard *shard)
{
    int64_t left_ms = shard->rewrite_at_ms - shard->agent.mono_ms;
    if (shard->rewrite_at_ms == 0)
        return -1;
    return left_ms < 0 ? 0 : (int)left_ms;
}

/* ---- the end of the process ---- */

/* Before anything is awaited: on a slow disk there may be no time for it afterwards. */
void rooms_hand_over(struct shard *shard, struct room_entry *entry, const struct event *event)
{
    struct backing *backing = entry->backing;
    if (backing == NULL || !backing_is_open(backing) || room_is_durable(entry->room) ||
        !room_is_handed_over(entry->room, event))
        return;
    arena_reset(shard->arena);
    record_handover(commits_batch(&shard->commits, &backing->unsaved), shard->arena, entry->room);
    backing->handed = true;
    backing->moved_on = false;
}

/* Else it stays until the goodbye, for which there may be no time: who has gone since is found out
 * by the next process, as after a crash. */
void rooms_take_back(struct shard *shard, struct room_entry *entry)
{
    if (room_sessions(entry->room) > 0)
        return;
    record_gone(commits_batch(&shard->commits, &entry->backing->unsaved));
    entry->backing->handed = false;
}

/* Those who stay are found again at the next start, in rooms that are not stored as well. What is
 * written of these is what they are before: who stays is to be told then who did not. */
void rooms_goodbye(struct shard *shard, struct room_entry *entry, const struct event *event)
{
    struct backing *backing = entry->backing;
    if (backing == NULL || !backing_is_open(backing)) {
        rooms_tell(shard, entry, event);
        if (backing != NULL)
            rooms_turn_away_parked(shard, entry);
        return;
    }
    if (!backing->handed || backing->moved_on)
        rooms_hand_over(shard, entry, event);
    bool durable = room_is_durable(entry->room);
    if (durable && backing->stale)
        rewrite(shard, entry); /* while all are inside who are to be found again */
    backing->unparking = true; /* it is looked at once more */
    rooms_tell(shard, entry, event);
    backing->unparking = false;
    if (durable)
        record_memory(commits_batch(&shard->commits, &backing->unsaved), shard->arena, entry->room);
}

/* ---- a room leaves memory ---- */

void rooms_idle(struct shard *shard, struct room_entry *entry)
{
    struct backing *backing = entry->backing;
    if (!room_is_parkable(entry->room) || backing->waiting != WAITING_NOTHING)
        return;
    if (backing->leaving && backing_is_idle(backing)) {
        rooms_forget(&shard->rooms, entry);
        return;
    }
    if (backing->stale) { /* it is written again first, at the pace of all */
        timer_set(&shard->rooms.timers, &backing->idle,
                  shard->agent.now_us + STORE_RETRY_MS * INT64_C(1000));
        return;
    }
    if (!backing->leaving)
        record_memory(commits_batch(&shard->commits, &backing->unsaved), shard->arena, entry->room);
    backing->leaving = true;
    timer_set(&shard->rooms.timers, &backing->idle, shard->agent.now_us + TIMER_TICK_US);
}
