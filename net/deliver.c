#include "net/deliver.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "net/component.h"
#include "shard/placement.h"

static struct conn *find(const struct deliver *deliver, uint32_t slot, uint32_t generation)
{
    return slots_find(&deliver->conns->slots, slot, generation);
}

/* ---- one recipient ---- */

/* Must a delivery for this connection wait? */
static bool is_full(const struct conn *conn)
{
    return conn->backlog != NULL || conn->outbox.bytes >= conn->high_water;
}

/* If its link is down, what is for it is lost, and the room must know. `room` 0: it is not from
 * any. Or the link is back, and the room has sent this before it knew; but who is put out may know
 * that at any time. */
static bool is_lost(struct deliver *deliver, const struct conn *conn, uint64_t room, bool farewell)
{
    if (!conn->is_link)
        return false;
    if (conn->link_up && (farewell || !cuts_has(&deliver->cuts, room, conn->slot)))
        return false;
    deliver->dropped[conn->slot]++;
    deliver_lost(deliver, conn, room);
    return true;
}

void deliver_lost(struct deliver *deliver, const struct conn *link, uint64_t room)
{
    struct route route = {link->slot, link->generation, deliver->lane};
    cuts_cut(&deliver->cuts, room, route);
}

/* A single frame of a room. */
static void push(struct deliver *deliver, struct conn *conn, const struct delivery *delivery,
                 struct address *address)
{
    if (conn->backlog != NULL) {
        backlog_hold_frame(&deliver->backlogs, conn, delivery->frame, address);
        return;
    }
    pending_send(conn, delivery->room, delivery->frame, address, STR_NONE);
}

void deliver_direct(struct deliver *deliver, struct route route, struct frame *frame,
                    struct address *address)
{
    struct conn *conn =
        route.lane == deliver->lane ? find(deliver, route.slot, route.generation) : NULL;
    if (conn != NULL && !is_lost(deliver, conn, 0, false)) {
        conn_send_frame(conn, frame, address, STR_NONE);
        conn_check(conn, backlog_bytes(conn));
    }
    frame_unref(frame);
}

/* ---- expansion: each returns what it took of the budget ---- */

static uint32_t expand_one(struct deliver *deliver, struct pending *pending)
{
    struct delivery *delivery = &pending->delivery;
    struct conn *conn = find(deliver, delivery->route.slot, delivery->route.generation);
    if (conn == NULL || is_lost(deliver, conn, delivery->room, delivery->frame->farewell))
        return 1;
    if (conn->is_link && is_full(conn))
        backlog_hold(&deliver->backlogs, conn, pending, 0);
    else
        push(deliver, conn, delivery, delivery->address);
    return pending_weight(delivery->frame);
}

static uint32_t expand_list(struct deliver *deliver, struct pending *pending, uint32_t budget)
{
    struct delivery *list = &pending->delivery;
    struct conn *conn = find(deliver, list->route.slot, list->route.generation);
    if (conn == NULL || is_lost(deliver, conn, list->room, false)) {
        pending->at = list->item_count;
        return 1;
    }
    uint32_t done = is_full(conn) ? 0 : pending_write_list(pending, conn, &pending->at, budget);
    if (pending->at < list->item_count && is_full(conn)) {
        backlog_hold(&deliver->backlogs, conn, pending, pending->at);
        pending->at = list->item_count;
    }
    return done + 1;
}

/* One entry of a broadcast's roster, which the audience has. */
static void expand_entry(struct deliver *deliver, struct pending *pending,
                         const struct roster_entry *entry, uint32_t position)
{
    bool to_link = component_has_slot(entry->slot);
    if (to_link && (pending->links_apart >> entry->slot & 1) != 0)
        return;
    struct conn *conn = find(deliver, entry->slot, entry->generation);
    if (conn == NULL || is_lost(deliver, conn, pending->delivery.room, false))
        return;
    if (to_link && is_full(conn)) {
        pending->links_apart |= UINT64_C(1) << entry->slot;
        backlog_hold(&deliver->backlogs, conn, pending, position);
        return;
    }
    push(deliver, conn, &pending->delivery, entry->address);
}

static uint32_t expand_broadcast(struct deliver *deliver, struct pending *pending, uint32_t budget,
                                 bool *over)
{
    const struct delivery *delivery = &pending->delivery;
    uint32_t each = pending_weight(delivery->frame);
    uint32_t done = 0;
    while (done < budget) {
        const struct roster_entry *entries;
        uint32_t run = roster_run(delivery->roster, deliver->lane, pending->at, &entries);
        if (run == 0) {
            *over = true;
            return done + 1;
        }
        uint32_t most = (budget - done + each - 1) / each;
        if (run > most)
            run = most;
        for (uint32_t i = 0; i < run; i++) {
            if (audience_has(delivery->audience, &entries[i]))
                expand_entry(deliver, pending, &entries[i], pending->at + i);
        }
        pending->at += run;
        done += run * each;
    }
    return done;
}

/* The first delivery of a room; *over: it is done as far as the room is concerned. */
static uint32_t expand(struct deliver *deliver, struct pending *pending, uint32_t budget,
                       bool *over)
{
    uint32_t done = 0;
    switch (pending->delivery.kind) {
    case DELIVER_ONE:
        done = expand_one(deliver, pending);
        *over = true;
        break;
    case DELIVER_LIST:
        done = expand_list(deliver, pending, budget);
        *over = pending->at >= pending->delivery.item_count;
        break;
    case DELIVER_BROADCAST:
        done = expand_broadcast(deliver, pending, budget, over);
        break;
    case DELIVER_LOSS_HEARD:
        cuts_heal(&deliver->cuts, pending->delivery.room, pending->delivery.route.slot);
        done = 1;
        *over = true;
        break;
    }
    return done;
}

void deliver_drained(struct deliver *deliver, struct conn *conn)
{
    backlog_drained(&deliver->backlogs, conn);
}

void deliver_forget(struct deliver *deliver, struct conn *conn)
{
    uint64_t dropped = backlog_forget(&deliver->backlogs, conn);
    if (conn->is_link)
        deliver->dropped[conn->slot] += dropped;
}

/* ---- rooms ---- */

void deliver_init(struct deliver *deliver, struct conns *conns, struct proxy *proxy, uint16_t lane,
                  const struct hash_key *hash_key)
{
    *deliver = (struct deliver){.conns = conns, .proxy = proxy, .lane = lane};
    turns_init(&deliver->rooms, hash_key);
    cuts_init(&deliver->cuts, proxy, hash_key);
    backlogs_init(&deliver->backlogs, proxy, &deliver->cuts, lane, hash_key);
}

void deliver_take(struct deliver *deliver, struct message *message)
{
    ensure(message->kind == MSG_DELIVERIES);
    for (uint32_t i = 0; i < message->deliveries.count; i++) {
        struct pending *pending =
            pending_new(&message->deliveries.at[i], message->deliveries.shard);
        turns_add(&deliver->rooms, placement_order(pending->delivery.room), &pending->item);
    }
    mem_free(message->deliveries.at);
    message->deliveries.at = NULL;
    message->deliveries.count = 0;
}

static struct pending *first_of(const struct deliver *deliver)
{
    return container_of(turns_first(&deliver->rooms), struct pending, item);
}

/* As turns_take(). */
static bool drop_first(struct deliver *deliver)
{
    struct pending *pending = first_of(deliver);
    bool more = turns_take(&deliver->rooms);
    pending_release(pending, deliver->proxy);
    return more;
}

/* One turn of one room. */
static uint32_t room_turn(struct deliver *deliver, uint32_t budget)
{
    uint32_t done = 0;
    bool more = true;
    while (more && done < budget) {
        bool over = false;
        done += expand(deliver, first_of(deliver), budget - done, &over);
        if (over)
            more = drop_first(deliver);
    }
    if (more)
        turns_pass(&deliver->rooms);
    return done;
}

bool deliver_run(struct deliver *deliver)
{
    uint32_t left = DELIVER_CYCLE_MAX;
    while (left > 0 && deliver_may_go_on(deliver)) {
        uint32_t budget = left < DELIVER_QUANTUM ? left : DELIVER_QUANTUM;
        uint32_t done = 0;
        if (backlogs_are_ready(&deliver->backlogs))
            done += backlogs_resume(&deliver->backlogs, budget);
        if (!turns_is_empty(&deliver->rooms))
            done += room_turn(deliver, budget);
        left -= done < left ? done : left;
    }
    return deliver_may_go_on(deliver);
}

bool deliver_may_go_on(const struct deliver *deliver)
{
    return backlogs_are_ready(&deliver->backlogs) || !turns_is_empty(&deliver->rooms);
}

bool deliver_is_empty(const struct deliver *deliver)
{
    return turns_is_empty(&deliver->rooms) && deliver->backlogs.all == NULL;
}

void deliver_fini(struct deliver *deliver)
{
    backlogs_fini(&deliver->backlogs);
    while (!turns_is_empty(&deliver->rooms))
        drop_first(deliver);
    turns_fini(&deliver->rooms);
    cuts_fini(&deliver->cuts);
}
