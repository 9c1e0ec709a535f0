/*
 * Stanzas of the component link that wait for their shard's credit: one queue per shard, in order.
 *
 * Time    What may be refused waits SIDE_WAIT_MS_MAX and no longer: then side_late() takes it out,
 *         wherever it stands, for its sender to be told. So what is let through is never old.
 * Memory  No more is taken than SIDE_QUEUE_BYTES_MAX for all shards together. Only what must not be
 *         refused (presence) is queued beyond it: who is in a room and who is not must stay true,
 *         and it must not overtake what its sender said before. At SIDE_PAUSE_BYTES the link is not
 *         read on (side_is_full()).
 *
 * One thread.
 */
#ifndef NET_SIDE_H
#define NET_SIDE_H

#include "core/base/limits.h"
#include "net/router.h"

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
/* Takes what waits from the caller; false: no room, it is still the caller's. `always`: there is
 * room for it, and it is never late. */
MUST_CHECK bool side_add(struct side *side, const struct passing *passing, int64_t now_ms,
                         bool always);
/* Borrowed; NULL: nothing waits. */
const struct passing *side_first(const struct side *side, unsigned shard);
/* The first one has been taken by somebody: forgets it without freeing. */
void side_drop_first(struct side *side, unsigned shard);

/* The oldest that has waited too long for that shard, now the caller's; false: there is none. */
MUST_CHECK bool side_late(struct side *side, unsigned shard, int64_t now_ms, struct passing *late);

static inline bool side_is_empty(const struct side *side)
{
    return side->bytes == 0;
}

/* `again`: was it full before? Half of it has to go before it is no more. */
static inline bool side_is_full(const struct side *side, bool again)
{
    return side->bytes > (again ? SIDE_PAUSE_BYTES / 2 : SIDE_PAUSE_BYTES);
}

#endif
