#include "shard/commits.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

enum { DIRTY_FIRST = 16 };

void commits_fini(struct commits *commits)
{
    mem_free(commits->dirty);
    commits->dirty = NULL;
}

struct buf *commits_batch(struct commits *commits, struct unsaved *unsaved)
{
    if (unsaved->ticket != 0)
        return &unsaved->batch;
    if (commits->count == commits->cap) {
        commits->cap = commits->cap == 0 ? DIRTY_FIRST : commits->cap * 2;
        commits->dirty = mem_grow(commits->dirty, sizeof(struct unsaved *) * commits->cap);
    }
    commits->dirty[commits->count++] = unsaved;
    unsaved->ticket = ++commits->last_ticket;
    buf_init(&unsaved->batch, NULL);
    return &unsaved->batch;
}

void commits_flush(struct commits *commits)
{
    if (commits->count == 0)
        return;
    struct message *message = message_new(MSG_COMMIT);
    message->commits.shard = commits->shard;
    message->commits.count = commits->count;
    message->commits.at = MEM_NEW_ARRAY(struct commit, commits->count);
    for (uint32_t i = 0; i < commits->count; i++) {
        struct unsaved *unsaved = commits->dirty[i];
        struct commit *commit = &message->commits.at[i];
        commit->room = str_copy(unsaved->room);
        commit->batch = buf_str(&unsaved->batch); /* moves */
        commit->ticket = unsaved->ticket;
        commit->power = unsaved->power;
        commit->gated = unsaved->gated;
        commit->held = unsaved->held;
        commit->gated_at = unsaved->gated ? unsaved->gated_at : commit->batch.len;
        commits->bytes += commit->batch.len;
        unsaved->batch = (struct buf){0};
        unsaved->ticket = 0;
        unsaved->power = false;
        unsaved->gated = false;
        unsaved->held = false;
        unsaved->at_scribe++;
    }
    commits->count = 0;
    commits->at_scribe++;
    post_scribe(commits->exchange, message);
}

void commits_answered(struct commits *commits, const struct message *message)
{
    ensure(commits->at_scribe > 0);
    commits->at_scribe--;
    for (uint32_t i = 0; i < message->commits.count; i++)
        commits->bytes -= message->commits.at[i].batch.len;
}

bool commits_overloaded(const struct commits *commits)
{
    return commits->bytes > COMMIT_BYTES_MAX;
}

void unsaved_fini(struct unsaved *unsaved)
{
    buf_free(&unsaved->batch);
}
