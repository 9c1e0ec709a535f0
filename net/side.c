#include "net/side.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

struct side_item {
    struct side_item *prev, *next;
    struct side_item *younger; /* that may be refused, as this one */
    struct passing passing;
    int64_t came_ms;
    size_t bytes; /* the stanza may be gone when they are given back */
};

struct side_queue {
    struct side_item *first, *last;
    struct side_item *oldest, *youngest; /* of those that may be refused */
};

void side_init(struct side *side, unsigned shards)
{
    *side = (struct side){.shards = shards};
    side->queues = MEM_NEW_ARRAY(struct side_queue, shards);
}

void side_fini(struct side *side)
{
    for (unsigned shard = 0; shard < side->shards; shard++) {
        while (side_waits(side, shard)) {
            struct passing passing = *side_first(side, shard);
            side_drop_first(side, shard);
            passing_free(&passing);
        }
    }
    mem_free(side->queues);
}

bool side_waits(const struct side *side, unsigned shard)
{
    ensure(shard < side->shards);
    return side->queues[shard].first != NULL;
}

static void link_in(struct side_queue *queue, struct side_item *item, bool always)
{
    item->prev = queue->last;
    if (queue->last == NULL)
        queue->first = item;
    else
        queue->last->next = item;
    queue->last = item;
    if (always)
        return;
    if (queue->youngest == NULL)
        queue->oldest = item;
    else
        queue->youngest->younger = item;
    queue->youngest = item;
}

static size_t jid_bytes(const struct jid *jid)
{
    return sizeof(*jid) + jid_full(jid).len + 1;
}

bool side_add(struct side *side, const struct passing *passing, int64_t now_ms, bool always)
{
    ensure(passing->shard < side->shards);
    size_t bytes = sizeof(struct side_item) + passing->stanza->size + jid_bytes(passing->from) +
                   jid_bytes(passing->to);
    if (!always && side->bytes + bytes > SIDE_QUEUE_BYTES_MAX)
        return false;
    struct side_item *item = MEM_NEW(struct side_item);
    item->passing = *passing;
    item->came_ms = now_ms;
    item->bytes = bytes;
    link_in(&side->queues[passing->shard], item, always);
    side->bytes += bytes;
    return true;
}

const struct passing *side_first(const struct side *side, unsigned shard)
{
    struct side_item *item = side->queues[shard].first;
    return item != NULL ? &item->passing : NULL;
}

/* The first of all, or the oldest that may be refused: nothing else ever goes. */
static void take_out(struct side *side, struct side_queue *queue, struct side_item *item)
{
    if (item == queue->oldest) {
        queue->oldest = item->younger;
        if (queue->oldest == NULL)
            queue->youngest = NULL;
    }
    if (item->prev != NULL)
        item->prev->next = item->next;
    else
        queue->first = item->next;
    if (item->next != NULL)
        item->next->prev = item->prev;
    else
        queue->last = item->prev;
    side->bytes -= item->bytes;
    mem_free(item);
}

void side_drop_first(struct side *side, unsigned shard)
{
    struct side_queue *queue = &side->queues[shard];
    take_out(side, queue, queue->first);
}

bool side_late(struct side *side, unsigned shard, int64_t now_ms, struct passing *late)
{
    ensure(shard < side->shards);
    struct side_queue *queue = &side->queues[shard];
    struct side_item *item = queue->oldest;
    if (item == NULL || now_ms - item->came_ms <= SIDE_WAIT_MS_MAX)
        return false;
    *late = item->passing;
    take_out(side, queue, item);
    return true;
}
