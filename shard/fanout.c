#include "shard/fanout.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

/* What one recipient costs besides the frame's bytes: its address and the write around it. */
enum { RECIPIENT_BYTES = 48, LIST_FIRST = 8 };

struct fanout_lane {
    struct delivery *at; /* gathered in this cycle; moves to the lane */
    uint32_t count;
    uint32_t cap;
    uint64_t outstanding; /* KiB gathered or posted, not yet expanded by the lane */
    bool gone;            /* its mailbox was not found any more */
    bool ring_due;        /* something was posted to it without waking it */
};

void fanout_init(struct fanout *fanout, struct exchange *exchange, unsigned shard)
{
    *fanout = (struct fanout){.exchange = exchange, .shard = shard};
}

void fanout_fini(struct fanout *fanout)
{
    for (unsigned i = 0; i < fanout->lane_count; i++) {
        struct fanout_lane *lane = &fanout->lanes[i];
        for (uint32_t k = 0; k < lane->count; k++)
            delivery_fini(&lane->at[k]);
        mem_free(lane->at);
    }
    mem_free(fanout->lanes);
    *fanout = (struct fanout){0};
}

static struct fanout_lane *lane_of(struct fanout *fanout, uint16_t number)
{
    if (number >= fanout->lane_count) {
        unsigned count = (unsigned)number + 1;
        fanout->lanes = mem_grow(fanout->lanes, sizeof(*fanout->lanes) * count);
        while (fanout->lane_count < count)
            fanout->lanes[fanout->lane_count++] = (struct fanout_lane){0};
    }
    return &fanout->lanes[number];
}

static void outstanding_set(struct fanout *fanout, struct fanout_lane *lane, uint64_t outstanding)
{
    bool before = lane->outstanding > LANE_BACKLOG_MAX;
    bool after = outstanding > LANE_BACKLOG_MAX;
    fanout->outstanding += outstanding - lane->outstanding;
    lane->outstanding = outstanding;
    if (after && !before)
        fanout->overloaded++;
    if (before && !after)
        fanout->overloaded--;
}

static uint32_t kib(uint64_t bytes)
{
    uint64_t kib = (bytes + 1023) / 1024;
    return kib > UINT32_MAX ? UINT32_MAX : (uint32_t)kib;
}

/* A new entry at the end of a lane's list; the caller fills in the rest. */
static struct delivery *gather(struct fanout *fanout, uint16_t number, enum delivery_kind kind,
                               uint64_t room, uint32_t cost)
{
    struct fanout_lane *lane = lane_of(fanout, number);
    if (lane->count == lane->cap) {
        lane->cap = lane->cap == 0 ? LIST_FIRST : lane->cap * 2;
        lane->at = mem_grow(lane->at, sizeof(*lane->at) * lane->cap);
    }
    outstanding_set(fanout, lane, lane->outstanding + cost);
    struct delivery *delivery = &lane->at[lane->count++];
    *delivery = (struct delivery){.kind = kind, .room = room, .cost = cost, .route = ROUTE_NONE};
    return delivery;
}

void fanout_one(struct fanout *fanout, uint64_t room, struct route route, struct frame *frame,
                struct address *address)
{
    if (route.lane == LANE_NONE) {
        frame_unref(frame);
        address_unref(address);
        return;
    }
    uint32_t cost = kib((uint64_t)frame->size + RECIPIENT_BYTES);
    struct delivery *delivery = gather(fanout, route.lane, DELIVER_ONE, room, cost);
    delivery->route = route;
    delivery->frame = frame;
    delivery->address = address;
}

static uint32_t list_cost(const struct delivery_item *items, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += (uint64_t)items[i].frame->size + items[i].tail.len + RECIPIENT_BYTES;
    return kib(bytes);
}

struct delivery_item *delivery_items(const struct listed_frame *frames, uint32_t count)
{
    struct delivery_item *items = MEM_NEW_ARRAY(struct delivery_item, count);
    for (uint32_t i = 0; i < count; i++) {
        items[i].frame = frames[i].frame;
        items[i].tail = str_copy(frames[i].tail);
    }
    return items;
}

void fanout_list(struct fanout *fanout, uint64_t room, struct route route,
                 const struct listed_frame *frames, uint32_t count, struct address *address)
{
    fanout_items(fanout, room, route, delivery_items(frames, count), count, address);
}

void fanout_items(struct fanout *fanout, uint64_t room, struct route route,
                  struct delivery_item *items, uint32_t count, struct address *address)
{
    if (route.lane == LANE_NONE) {
        delivery_items_free(items, count);
        address_unref(address);
        return;
    }
    struct delivery *delivery =
        gather(fanout, route.lane, DELIVER_LIST, room, list_cost(items, count));
    delivery->route = route;
    delivery->address = address;
    delivery->items = items;
    delivery->item_count = count;
}

void fanout_showing(struct fanout *fanout, uint64_t room, struct route route,
                    struct showing *showing, struct address *address)
{
    if (route.lane == LANE_NONE) {
        showing_free(showing);
        address_unref(address);
        return;
    }
    uint64_t bytes = showing_bytes(showing) + (uint64_t)RECIPIENT_BYTES * showing_count(showing);
    struct delivery *delivery = gather(fanout, route.lane, DELIVER_LIST, room, kib(bytes));
    delivery->route = route;
    delivery->address = address;
    delivery->showing = showing;
    delivery->item_count = showing_places(showing);
}

void fanout_broadcast(struct fanout *fanout, uint64_t room, struct frame *frame,
                      struct roster *roster, struct audience audience)
{
    uint64_t each = (uint64_t)frame->size + RECIPIENT_BYTES;
    unsigned lanes = roster_lanes(roster);
    for (unsigned i = 0; i < lanes; i++) {
        uint16_t lane = roster_lane_at(roster, i);
        uint32_t cost = kib(each * roster_lane_size(roster, lane));
        struct delivery *delivery = gather(fanout, lane, DELIVER_BROADCAST, room, cost);
        delivery->frame = frame_ref(frame);
        delivery->roster = roster_ref(roster);
        delivery->audience = audience;
    }
    frame_unref(frame);
    roster_unref(roster);
}

void fanout_loss_heard(struct fanout *fanout, uint64_t room, struct route link)
{
    gather(fanout, link.lane, DELIVER_LOSS_HEARD, room, 1)->route = link;
}

void fanout_ring_due(struct fanout *fanout, uint16_t number)
{
    lane_of(fanout, number)->ring_due = true;
}

static void ring(struct fanout *fanout)
{
    for (unsigned i = 0; i < fanout->lane_count; i++) {
        if (fanout->lanes[i].ring_due)
            exchange_ring_lane(fanout->exchange, (uint16_t)i);
        fanout->lanes[i].ring_due = false;
    }
}

void fanout_flush(struct fanout *fanout)
{
    for (unsigned i = 0; i < fanout->lane_count; i++) {
        struct fanout_lane *lane = &fanout->lanes[i];
        if (lane->count == 0)
            continue;
        struct message *message = message_new(MSG_DELIVERIES);
        message->deliveries.shard = fanout->shard;
        message->deliveries.at = lane->at;
        message->deliveries.count = lane->count;
        lane->at = NULL;
        lane->count = 0;
        lane->cap = 0;
        lane->gone = !post_lane_quietly(fanout->exchange, (uint16_t)i, message);
        lane->ring_due = !lane->gone;
        if (lane->gone)
            outstanding_set(fanout, lane, 0);
    }
    ring(fanout);
}

void fanout_lane_credit(struct fanout *fanout, uint16_t number, uint32_t cost)
{
    struct fanout_lane *lane = lane_of(fanout, number);
    if (lane->gone)
        return; /* its last words; it owes nothing any more */
    ensure(lane->outstanding >= cost);
    outstanding_set(fanout, lane, lane->outstanding - cost);
}

bool fanout_idle(const struct fanout *fanout)
{
    return fanout->outstanding == 0;
}

bool fanout_overloaded(const struct fanout *fanout)
{
    return fanout->overloaded > 0;
}
