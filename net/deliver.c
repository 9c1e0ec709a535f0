#include "net/deliver.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "net/component.h"

/* A delivery on its way. A broadcast may be held twice: by its room's queue and by the link's
 * backlog. */
struct pending {
    struct pending *next; /* in the room's queue */
    struct delivery delivery;
    unsigned shard;
    unsigned holders;
    uint32_t at;     /* entry of the roster, item of the list */
    bool link_apart; /* the link's part is in its backlog */
    bool credited;
};

struct room_queue {
    uint64_t room;
    struct room_queue *next;
    struct pending *first, *last;
};

/* What waits for one connection. */
struct held {
    struct held *next;
    struct pending *pending; /* a list, or for the link any delivery; NULL: one frame */
    uint32_t at;
    struct frame *frame; /* references */
    struct address *address;
};

struct backlog {
    struct conn *conn;
    struct backlog *prev, *next;
    struct backlog *ready_next;
    bool is_ready;
    struct held *first, *last;
    size_t bytes;   /* of single frames */
    uint32_t items; /* of lists */
};

static struct conn *find(const struct deliver *deliver, uint32_t slot, uint32_t generation)
{
    return slots_find(&deliver->conns->slots, slot, generation);
}

/* ---- one delivery ---- */

static void credit(struct deliver *deliver, struct pending *pending)
{
    if (pending->credited)
        return;
    pending->credited = true;
    proxy_expanded(deliver->proxy, pending->shard, pending->delivery.cost);
}

static void release(struct deliver *deliver, struct pending *pending)
{
    if (--pending->holders > 0)
        return;
    credit(deliver, pending);
    delivery_fini(&pending->delivery);
    mem_free(pending);
}

/* ---- backlogs ---- */

static struct backlog *backlog_of(struct deliver *deliver, struct conn *conn)
{
    if (conn->backlog != NULL)
        return conn->backlog;
    struct backlog *backlog = MEM_NEW(struct backlog);
    backlog->conn = conn;
    backlog->next = deliver->backlogs;
    if (backlog->next != NULL)
        backlog->next->prev = backlog;
    deliver->backlogs = backlog;
    conn->backlog = backlog;
    return backlog;
}

static void append(struct backlog *backlog, struct held held)
{
    struct held *kept = MEM_NEW(struct held);
    *kept = held;
    if (backlog->last == NULL)
        backlog->first = kept;
    else
        backlog->last->next = kept;
    backlog->last = kept;
}

static void drop_first(struct deliver *deliver, struct backlog *backlog)
{
    struct held *held = backlog->first;
    backlog->first = held->next;
    if (backlog->first == NULL)
        backlog->last = NULL;
    if (held->pending != NULL && held->pending->delivery.kind == DELIVER_LIST)
        backlog->items -= held->pending->delivery.item_count;
    if (held->frame != NULL)
        backlog->bytes -= held->frame->size;
    if (held->pending != NULL)
        release(deliver, held->pending);
    frame_unref(held->frame);
    address_unref(held->address);
    mem_free(held);
}

static void backlog_free(struct deliver *deliver, struct backlog *backlog)
{
    while (backlog->first != NULL)
        drop_first(deliver, backlog);
    struct backlog **ready = &deliver->ready;
    while (backlog->is_ready && *ready != backlog)
        ready = &(*ready)->ready_next;
    if (backlog->is_ready)
        *ready = backlog->ready_next;
    if (backlog->prev != NULL)
        backlog->prev->next = backlog->next;
    else
        deliver->backlogs = backlog->next;
    if (backlog->next != NULL)
        backlog->next->prev = backlog->prev;
    backlog->conn->backlog = NULL;
    mem_free(backlog);
}

/* The rest of a delivery, from `at` on, waits for this connection. */
static void hold(struct deliver *deliver, struct conn *conn, struct pending *pending, uint32_t at)
{
    struct backlog *backlog = backlog_of(deliver, conn);
    pending->holders++;
    append(backlog, (struct held){.pending = pending, .at = at});
    if (pending->delivery.kind == DELIVER_LIST)
        backlog->items += pending->delivery.item_count;
    if (conn->is_link)
        return;
    credit(deliver, pending);
    /* More lists than anybody needs: that is a slow reader too. */
    if (backlog->items > CLIENT_LIST_ITEMS_MAX)
        conn_check(conn, conn->bytes_max);
}

static void hold_frame(struct deliver *deliver, struct conn *conn, struct frame *frame,
                       struct address *address)
{
    struct backlog *backlog = backlog_of(deliver, conn);
    append(backlog, (struct held){.frame = frame_ref(frame),
                                  .address = address != NULL ? address_ref(address) : NULL});
    backlog->bytes += frame->size;
    conn_check(conn, backlog->bytes);
}

static size_t backlog_bytes(const struct conn *conn)
{
    return conn->backlog != NULL ? conn->backlog->bytes : 0;
}

/* ---- one recipient ---- */

/* What a frame takes of a budget that is meant in recipients: a cycle that copies large frames to
 * thousands of people must not take seconds, for everybody else waits. */
static uint32_t weight(const struct frame *frame)
{
    return 1 + frame->size / 1024;
}

/* Must a delivery for this connection wait? */
static bool is_full(const struct conn *conn)
{
    return conn->backlog != NULL || conn->outbox.bytes >= conn->high_water;
}

static bool link_is_down(struct deliver *deliver, const struct conn *conn)
{
    if (!conn->is_link || conn->link_up)
        return false;
    deliver->dropped++;
    return true;
}

/* A single frame to a client. */
static void push(struct deliver *deliver, struct conn *conn, struct frame *frame,
                 struct address *address)
{
    if (conn->backlog != NULL) {
        hold_frame(deliver, conn, frame, address);
        return;
    }
    conn_send_frame(conn, frame, address, STR_NONE);
}

void deliver_direct(struct deliver *deliver, struct route route, struct frame *frame,
                    struct address *address)
{
    struct conn *conn =
        route.lane == deliver->lane ? find(deliver, route.slot, route.generation) : NULL;
    if (conn != NULL && !link_is_down(deliver, conn)) {
        conn_send_frame(conn, frame, address, STR_NONE);
        conn_check(conn, backlog_bytes(conn));
    }
    frame_unref(frame);
}

/* ---- expansion: each returns what it took of the budget ---- */

/* Items of a list until the budget or the outbox says stop; *at moves on. */
static uint32_t write_items(struct conn *conn, const struct delivery *list, uint32_t *at,
                            uint32_t budget)
{
    uint32_t done = 0;
    while (*at < list->item_count && done < budget && conn->outbox.bytes < conn->high_water) {
        const struct delivery_item *item = &list->items[*at];
        conn_send_frame(conn, item->frame, list->address, item->tail);
        ++*at;
        done += weight(item->frame);
    }
    return done;
}

static uint32_t expand_one(struct deliver *deliver, struct pending *pending)
{
    struct delivery *delivery = &pending->delivery;
    struct conn *conn = find(deliver, delivery->route.slot, delivery->route.generation);
    if (conn == NULL || link_is_down(deliver, conn))
        return 1;
    if (conn->is_link && is_full(conn))
        hold(deliver, conn, pending, 0);
    else
        push(deliver, conn, delivery->frame, delivery->address);
    return weight(delivery->frame);
}

static uint32_t expand_list(struct deliver *deliver, struct pending *pending, uint32_t budget)
{
    struct delivery *list = &pending->delivery;
    struct conn *conn = find(deliver, list->route.slot, list->route.generation);
    if (conn == NULL || link_is_down(deliver, conn)) {
        pending->at = list->item_count;
        return 1;
    }
    uint32_t done = is_full(conn) ? 0 : write_items(conn, list, &pending->at, budget);
    if (pending->at < list->item_count && is_full(conn)) {
        hold(deliver, conn, pending, pending->at);
        pending->at = list->item_count;
    }
    return done + 1;
}

/* One entry of a broadcast's roster, which the audience has. */
static void expand_entry(struct deliver *deliver, struct pending *pending,
                         const struct roster_entry *entry, uint32_t position)
{
    bool to_link = entry->slot == COMPONENT_SLOT;
    if (to_link && pending->link_apart)
        return;
    struct conn *conn = find(deliver, entry->slot, entry->generation);
    if (conn == NULL || link_is_down(deliver, conn))
        return;
    if (to_link && is_full(conn)) {
        pending->link_apart = true;
        hold(deliver, conn, pending, position);
        return;
    }
    push(deliver, conn, pending->delivery.frame, entry->address);
}

static uint32_t expand_broadcast(struct deliver *deliver, struct pending *pending, uint32_t budget,
                                 bool *over)
{
    const struct delivery *delivery = &pending->delivery;
    uint32_t each = weight(delivery->frame);
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
    }
    return done;
}

/* ---- a backlog goes on ---- */

/* The link's part of a broadcast. True when it is complete. */
static bool resume_broadcast(struct deliver *deliver, struct conn *link, struct held *held,
                             uint32_t budget, uint32_t *done)
{
    const struct delivery *delivery = &held->pending->delivery;
    uint32_t each = weight(delivery->frame);
    while (*done < budget && link->outbox.bytes < link->high_water) {
        const struct roster_entry *entries;
        uint32_t run = roster_run(delivery->roster, deliver->lane, held->at, &entries);
        if (run == 0)
            return true;
        uint32_t i = 0;
        for (; i < run && *done < budget && link->outbox.bytes < link->high_water; i++) {
            *done += each;
            if (entries[i].slot == COMPONENT_SLOT && audience_has(delivery->audience, &entries[i]))
                conn_send_frame(link, delivery->frame, entries[i].address, STR_NONE);
        }
        held->at += i;
    }
    return false;
}

/* True when the first that was held is complete. */
static bool resume_first(struct deliver *deliver, struct backlog *backlog, uint32_t budget,
                         uint32_t *done)
{
    struct held *held = backlog->first;
    struct conn *conn = backlog->conn;
    if (held->pending == NULL) {
        conn_send_frame(conn, held->frame, held->address, STR_NONE);
        *done += weight(held->frame);
        return true;
    }
    const struct delivery *delivery = &held->pending->delivery;
    switch (delivery->kind) {
    case DELIVER_ONE:
        conn_send_frame(conn, delivery->frame, delivery->address, STR_NONE);
        *done += weight(delivery->frame);
        return true;
    case DELIVER_LIST:
        *done += write_items(conn, delivery, &held->at, budget - *done);
        return held->at >= delivery->item_count;
    case DELIVER_BROADCAST:
        return resume_broadcast(deliver, conn, held, budget, done);
    }
    never("a delivery of no kind");
}

/* Does the first one have to wait for room? Single frames of a client behind a list need not: they
 * would be in the outbox if the list were not there. */
static bool must_wait(const struct backlog *backlog)
{
    return backlog->first->pending != NULL &&
           backlog->conn->outbox.bytes >= backlog->conn->high_water;
}

static uint32_t resume(struct deliver *deliver, struct backlog *backlog, uint32_t budget)
{
    uint32_t done = 0;
    while (backlog->first != NULL && done < budget && !must_wait(backlog)) {
        if (resume_first(deliver, backlog, budget, &done))
            drop_first(deliver, backlog);
    }
    if (backlog->first == NULL) {
        backlog_free(deliver, backlog);
    } else if (!must_wait(backlog)) {
        backlog->is_ready = true;
        backlog->ready_next = deliver->ready;
        deliver->ready = backlog;
    }
    return done + 1;
}

void deliver_drained(struct deliver *deliver, struct conn *conn)
{
    struct backlog *backlog = conn->backlog;
    if (backlog == NULL || backlog->is_ready)
        return;
    backlog->is_ready = true;
    backlog->ready_next = deliver->ready;
    deliver->ready = backlog;
}

void deliver_forget(struct deliver *deliver, struct conn *conn)
{
    if (conn->backlog == NULL)
        return;
    if (conn->is_link) {
        for (struct held *held = conn->backlog->first; held != NULL; held = held->next)
            deliver->dropped++;
    }
    backlog_free(deliver, conn->backlog);
}

/* ---- rooms ---- */

void deliver_init(struct deliver *deliver, struct conns *conns, struct proxy *proxy, uint16_t lane,
                  const struct hash_key *hash_key)
{
    *deliver = (struct deliver){.conns = conns, .proxy = proxy, .lane = lane};
    map_init(&deliver->rooms, hash_key);
}

static struct str room_key(const uint64_t *room)
{
    return str_of((const char *)room, sizeof(*room));
}

static void append_room(struct deliver *deliver, struct room_queue *queue)
{
    queue->next = NULL;
    if (deliver->last == NULL)
        deliver->first = queue;
    else
        deliver->last->next = queue;
    deliver->last = queue;
}

static struct room_queue *take_room(struct deliver *deliver)
{
    struct room_queue *queue = deliver->first;
    deliver->first = queue->next;
    if (deliver->first == NULL)
        deliver->last = NULL;
    return queue;
}

static void enqueue(struct deliver *deliver, struct pending *pending)
{
    uint64_t room = pending->delivery.room;
    struct room_queue *queue = map_get(&deliver->rooms, room_key(&room));
    if (queue == NULL) {
        queue = MEM_NEW(struct room_queue);
        queue->room = room;
        map_put(&deliver->rooms, room_key(&queue->room), queue);
        append_room(deliver, queue);
    }
    if (queue->last == NULL)
        queue->first = pending;
    else
        queue->last->next = pending;
    queue->last = pending;
}

void deliver_take(struct deliver *deliver, struct message *message)
{
    ensure(message->kind == MSG_DELIVERIES);
    for (uint32_t i = 0; i < message->deliveries.count; i++) {
        struct pending *pending = MEM_NEW(struct pending);
        pending->delivery = message->deliveries.at[i];
        pending->shard = message->deliveries.shard;
        pending->holders = 1;
        enqueue(deliver, pending);
    }
    mem_free(message->deliveries.at);
    message->deliveries.at = NULL;
    message->deliveries.count = 0;
}

static void pop_delivery(struct deliver *deliver, struct room_queue *queue)
{
    struct pending *pending = queue->first;
    queue->first = pending->next;
    if (queue->first == NULL)
        queue->last = NULL;
    release(deliver, pending);
}

static void room_free(struct deliver *deliver, struct room_queue *queue)
{
    map_remove(&deliver->rooms, room_key(&queue->room));
    mem_free(queue);
}

/* One turn of one room. */
static uint32_t room_turn(struct deliver *deliver, uint32_t budget)
{
    struct room_queue *queue = take_room(deliver);
    uint32_t done = 0;
    while (queue->first != NULL && done < budget) {
        bool over = false;
        done += expand(deliver, queue->first, budget - done, &over);
        if (over)
            pop_delivery(deliver, queue);
    }
    if (queue->first == NULL)
        room_free(deliver, queue);
    else
        append_room(deliver, queue);
    return done;
}

bool deliver_run(struct deliver *deliver)
{
    uint32_t left = DELIVER_CYCLE_MAX;
    while (left > 0 && (deliver->ready != NULL || deliver->first != NULL)) {
        uint32_t budget = left < DELIVER_QUANTUM ? left : DELIVER_QUANTUM;
        uint32_t done = 0;
        struct backlog *ready = deliver->ready;
        if (ready != NULL) {
            deliver->ready = ready->ready_next;
            ready->is_ready = false;
            done += resume(deliver, ready, budget);
        }
        if (deliver->first != NULL)
            done += room_turn(deliver, budget);
        left -= done < left ? done : left;
    }
    return deliver->ready != NULL || deliver->first != NULL;
}

bool deliver_is_empty(const struct deliver *deliver)
{
    return deliver->first == NULL && deliver->backlogs == NULL;
}

void deliver_fini(struct deliver *deliver)
{
    while (deliver->backlogs != NULL)
        backlog_free(deliver, deliver->backlogs);
    while (deliver->first != NULL) {
        struct room_queue *queue = take_room(deliver);
        while (queue->first != NULL)
            pop_delivery(deliver, queue);
        room_free(deliver, queue);
    }
    map_fini(&deliver->rooms);
}
