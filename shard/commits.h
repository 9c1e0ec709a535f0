/*
 * What the rooms of a shard want kept: gathered by room while a cycle runs, posted to the scribe as
 * one message at its end.
 *
 * Order   Operations of one room are committed in the order they were added.
 * Bound   Bytes at the scribe are counted; the shard gives no credits back while they are many.
 */
#ifndef SHARD_COMMITS_H
#define SHARD_COMMITS_H

#include "core/record/record.h"
#include "shard/runtime/lane.h"

/* A room's part, in its entry (shard/rooms.h). Zero: nothing. */
struct unsaved {
    struct buf batch;   /* heap: of this cycle */
    uint64_t ticket;    /* of this cycle's batch; 0: nothing was added yet */
    uint32_t at_scribe; /* batches not answered yet */
    bool power, gated;
    bool held;       /* what it appends nobody has seen yet; else everybody has */
    size_t gated_at; /* gated: where the change begins in the batch; it is the last in it */
    struct str room; /* borrowed: its bare JID */
};

struct commits {
    struct exchange *exchange; /* borrowed */
    unsigned shard;
    struct unsaved **dirty; /* with something of this cycle */
    uint32_t count, cap;
    uint64_t last_ticket;
    uint32_t at_scribe; /* messages not answered yet */
    uint64_t bytes;     /* in them */
};

void commits_fini(struct commits *commits);

/* Where to add operations; its ticket is in `unsaved`. Heap, borrowed until the flush. */
struct buf *commits_batch(struct commits *commits, struct unsaved *unsaved);
/* The end of a cycle: one message to the scribe. */
void commits_flush(struct commits *commits);
/* An answer has come. */
void commits_answered(struct commits *commits, const struct message *message);

bool commits_overloaded(const struct commits *commits);

/* What was not posted is dropped. */
void unsaved_fini(struct unsaved *unsaved);

#endif
