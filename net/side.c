#include "net/side.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

struct side_item {
    struct side_item *next;
    struct stanza *stanza;
    size_t bytes; /* the stanza may be gone when they are given back */
};

struct side_queue {
    struct side_item *first, *last;
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
            stanza_free(side_first(side, shard));
            side_drop_first(side, shard);
        }
    }
    mem_free(side->queues);
}

bool side_waits(const struct side *side, unsigned shard)
{
    ensure(shard < side->shards);
    return side->queues[shard].first != NULL;
}

bool side_add(struct side *side, unsigned shard, struct stanza *stanza, bool always)
{
    size_t bytes = sizeof(struct side_item) + stanza->size;
    if (!always && side->bytes + bytes > SIDE_QUEUE_BYTES_MAX)
        return false;
    struct side_queue *queue = &side->queues[shard];
    struct side_item *item = MEM_NEW(struct side_item);
    item->stanza = stanza;
    item->bytes = bytes;
    if (queue->last == NULL)
        queue->first = item;
    else
        queue->last->next = item;
    queue->last = item;
    side->bytes += bytes;
    return true;
}

struct stanza *side_first(const struct side *side, unsigned shard)
{
    struct side_item *item = side->queues[shard].first;
    return item != NULL ? item->stanza : NULL;
}

void side_drop_first(struct side *side, unsigned shard)
{
    struct side_queue *queue = &side->queues[shard];
    struct side_item *item = queue->first;
    queue->first = item->next;
    if (queue->first == NULL)
        queue->last = NULL;
    side->bytes -= item->bytes;
    mem_free(item);
}
