#include "net/pending.h"

#include "core/base/mem.h"

struct pending *pending_new(const struct delivery *delivery, unsigned shard)
{
    struct pending *pending = MEM_NEW(struct pending);
    pending->delivery = *delivery;
    pending->shard = shard;
    pending->holders = 1;
    return pending;
}

void pending_credit(struct pending *pending, struct proxy *proxy)
{
    if (pending->credited)
        return;
    pending->credited = true;
    proxy_expanded(proxy, pending->shard, pending->delivery.cost);
}

void pending_release(struct pending *pending, struct proxy *proxy)
{
    if (--pending->holders > 0)
        return;
    pending_credit(pending, proxy);
    delivery_fini(&pending->delivery);
    mem_free(pending);
}

uint32_t pending_write_list(const struct pending *pending, struct conn *conn, uint32_t *at,
                            uint32_t budget)
{
    const struct delivery *list = &pending->delivery;
    uint32_t done = 0;
    while (*at < list->item_count && done < budget && conn->outbox.bytes < conn->high_water) {
        struct delivery_item item;
        if (delivery_item_at(list, (*at)++, &item)) {
            pending_send(conn, list->room, item.frame, list->address, item.tail);
            done += pending_weight(item.frame);
        }
    }
    return done;
}
