/*
 * Stanzas of the component link that wait for their shard's credit: one queue per shard, in order,
 * all of them together bounded by SIDE_QUEUE_BYTES_MAX; only presence is queued beyond it, for it
 * is never refused and must not overtake what its sender said before. One thread.
 */
#ifndef NET_SIDE_H
#define NET_SIDE_H

#include "core/xml/stanza.h"

struct side_queue;

struct side {
    struct side_queue *queues; /* one per shard */
    unsigned shards;
    size_t bytes; /* in all of them */
};

void side_init(struct side *side, unsigned shards);
void side_fini(struct side *side); /* what waits is freed */

/* Does something wait for that shard? Then what comes has to queue behind it. */
bool side_waits(const struct side *side, unsigned shard);
/* Takes the stanza; false: no room, it is still the caller's. `always`: there is room for it. */
MUST_CHECK bool side_add(struct side *side, unsigned shard, struct stanza *stanza, bool always);
/* Borrowed; NULL: nothing waits. */
struct stanza *side_first(const struct side *side, unsigned shard);
/* The first one has been taken by somebody: forgets it without freeing. */
void side_drop_first(struct side *side, unsigned shard);

#endif
