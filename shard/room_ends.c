/*
 * What is written of a room beside its changes: who is inside, once more, if the store has refused
 * it; what it is when the process ends.
 */
#include "core/base/limits.h"
#include "core/muc/durable.h"
#include "shard/shard_impl.h"

/* ---- what was refused is written again ---- */

static void rewrite(struct shard *shard, struct room_entry *entry)
{
    struct buf *batch = commits_batch(&shard->commits, &entry->backing->unsaved);
    entry->backing->stale = false;
    rewrites_written(&shard->rewrites, entry->backing->unsaved.ticket);
    arena_reset(shard->arena);
    record_again(batch, shard->arena, entry->room);
}

/* The next stale room that takes something; NULL: not among those that are looked at in one cycle.
 * `*looked`: rooms, of this cycle. `*at_end`: none is left behind the place. */
static struct room_entry *next_stale(struct shard *shard, uint32_t *looked, bool *at_end)
{
    *at_end = false;
    for (; *looked < SHARD_DRAIN_MAX; ++*looked) {
        struct room_entry *entry = rooms_from(&shard->rooms, &shard->rewrites.place);
        *at_end = entry == NULL;
        if (*at_end)
            return NULL;
        if (entry->backing != NULL && entry->backing->stale &&
            entry->backing->waiting == WAITING_NOTHING)
            return entry;
    }
    return NULL;
}

/* At the end of the process each is written with its goodbye. */
bool rooms_rewrite(struct shard *shard)
{
    struct rewrites *rewrites = &shard->rewrites;
    uint32_t looked = 0, rooms = 0, sessions = 0;
    bool at_end = false;
    if (shard->closing || rewrites_timeout_ms(rewrites, shard->agent.mono_ms) != 0)
        return false;
    while (rooms < rewrites_most(rewrites) && sessions < REWRITE_SESSIONS) {
        struct room_entry *entry = next_stale(shard, &looked, &at_end);
        if (entry == NULL)
            break;
        rewrite(shard, entry);
        sessions += room_sessions(entry->room);
        rooms++;
    }
    if (at_end)
        rewrites_round(rewrites, shard->agent.mono_ms);
    return rewrites_timeout_ms(rewrites, shard->agent.mono_ms) == 0;
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
    if (room_is_durable(entry->room) && backing->stale)
        rewrite(shard, entry); /* while all are inside who are to be found again */
    backing->unparking = true; /* it is looked at once more */
    rooms_tell(shard, entry, event);
    backing->unparking = false;
}

/* ---- a room leaves memory ---- */

void rooms_idle(struct shard *shard, struct room_entry *entry)
{
    struct backing *backing = entry->backing;
    if (!room_is_parkable(entry->room) || backing->waiting != WAITING_NOTHING)
        return;
    if (backing_is_idle(backing)) {
        rooms_forget(&shard->rooms, entry);
        return;
    }
    /* What was refused is written again first, at the pace of all. */
    int64_t wait_us = backing->stale ? STORE_RETRY_MS * INT64_C(1000) : TIMER_TICK_US;
    timer_set(&shard->rooms.timers, &backing->idle, shard->agent.now_us + wait_us);
}
