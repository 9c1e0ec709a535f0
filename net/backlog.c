#include "net/backlog.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/placement.h"

struct held {
    struct turns_item item;
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
    struct turns turns;
    size_t bytes;      /* of single frames */
    uint32_t items;    /* of lists */
    uint64_t list_kib; /* of lists whose frames are nobody else's */
};

void backlogs_init(struct backlogs *backlogs, struct proxy *proxy, struct cuts *cuts, uint16_t lane,
                   const struct hash_key *hash_key)
{
    *backlogs = (struct backlogs){proxy, cuts, hash_key, lane, NULL, NULL, NULL};
}

/* ---- one of them ---- */

static struct backlog *backlog_of(struct backlogs *backlogs, struct conn *conn)
{
    if (conn->backlog != NULL)
        return conn->backlog;
    struct backlog *backlog = MEM_NEW(struct backlog);
    backlog->conn = conn;
    turns_init(&backlog->turns, backlogs->hash_key);
    backlog->next = backlogs->all;
    if (backlog->next != NULL)
        backlog->next->prev = backlog;
    backlogs->all = backlog;
    conn->backlog = backlog;
    return backlog;
}

static struct held *first_of(const struct backlog *backlog)
{
    return container_of(turns_first(&backlog->turns), struct held, item);
}

static void add(struct backlog *backlog, uint64_t room, struct held held)
{
    struct held *kept = MEM_NEW(struct held);
    *kept = held;
    turns_add(&backlog->turns, placement_order(room), &kept->item);
}

/* As turns_take(). */
/* Who is here is shown by frames that the room holds anyway; pages of an archive are made for who
 * asks, and history may be. */
static uint64_t own_kib(const struct delivery *list)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; list->showing == NULL && i < list->item_count; i++)
        bytes += list->items[i].frame->size;
    return bytes / 1024;
}

static bool drop_first(struct backlogs *backlogs, struct backlog *backlog)
{
    struct held *held = first_of(backlog);
    bool more = turns_take(&backlog->turns);
    if (held->pending != NULL && held->pending->delivery.kind == DELIVER_LIST) {
        backlog->items -= held->pending->delivery.item_count;
        backlog->list_kib -= own_kib(&held->pending->delivery);
    }
    if (held->frame != NULL)
        backlog->bytes -= held->frame->size;
    if (held->pending != NULL)
        pending_release(held->pending, backlogs->proxy);
    frame_unref(held->frame);
    address_unref(held->address);
    mem_free(held);
    return more;
}

/* ---- those that may go on: first come, first served, so that none starves another ---- */

static void make_ready(struct backlogs *backlogs, struct backlog *backlog)
{
    backlog->is_ready = true;
    backlog->ready_next = NULL;
    if (backlogs->ready_last == NULL)
        backlogs->ready_first = backlog;
    else
        backlogs->ready_last->ready_next = backlog;
    backlogs->ready_last = backlog;
}

static void make_unready(struct backlogs *backlogs, struct backlog *backlog)
{
    struct backlog *before = NULL;
    struct backlog *at = backlogs->ready_first;
    for (; at != backlog; at = at->ready_next)
        before = at;
    if (before == NULL)
        backlogs->ready_first = backlog->ready_next;
    else
        before->ready_next = backlog->ready_next;
    if (backlogs->ready_last == backlog)
        backlogs->ready_last = before;
    backlog->is_ready = false;
}

static uint64_t backlog_free(struct backlogs *backlogs, struct backlog *backlog)
{
    uint64_t dropped = 0;
    for (; !turns_is_empty(&backlog->turns); dropped++)
        drop_first(backlogs, backlog);
    turns_fini(&backlog->turns);
    if (backlog->is_ready)
        make_unready(backlogs, backlog);
    if (backlog->prev != NULL)
        backlog->prev->next = backlog->next;
    else
        backlogs->all = backlog->next;
    if (backlog->next != NULL)
        backlog->next->prev = backlog->prev;
    backlog->conn->backlog = NULL;
    mem_free(backlog);
    return dropped;
}

void backlogs_fini(struct backlogs *backlogs)
{
    while (backlogs->all != NULL)
        backlog_free(backlogs, backlogs->all);
}

uint64_t backlog_forget(struct backlogs *backlogs, struct conn *conn)
{
    struct backlog *backlog = conn->backlog;
    uint64_t dropped = 0;
    if (backlog == NULL)
        return 0;
    struct route route = {conn->slot, conn->generation, backlogs->lane};
    for (; conn->is_link && !turns_is_empty(&backlog->turns); dropped++) {
        cuts_cut(backlogs->cuts, first_of(backlog)->pending->delivery.room, route);
        drop_first(backlogs, backlog);
    }
    return dropped + backlog_free(backlogs, backlog);
}

/* ---- waiting ---- */

/* Turns are for those who share the connection. */
static uint64_t room_of(const struct conn *conn, const struct pending *pending)
{
    return conn->is_link ? pending->delivery.room : 0;
}

void backlog_hold(struct backlogs *backlogs, struct conn *conn, struct pending *pending,
                  uint32_t at)
{
    struct backlog *backlog = backlog_of(backlogs, conn);
    pending->holders++;
    add(backlog, room_of(conn, pending), (struct held){.pending = pending, .at = at});
    if (pending->delivery.kind == DELIVER_LIST) {
        backlog->items += pending->delivery.item_count;
        backlog->list_kib += own_kib(&pending->delivery);
    }
    if (conn->is_link)
        return;
    pending_credit(pending, backlogs->proxy);
    /* More lists than anybody needs: that is a slow reader too. */
    if (backlog->items > CLIENT_LIST_ITEMS_MAX || backlog->list_kib > CLIENT_LIST_KIB_MAX)
        conn_check(conn, conn->bytes_max);
}

void backlog_hold_frame(struct backlogs *backlogs, struct conn *conn, struct frame *frame,
                        struct address *address)
{
    ensure(!conn->is_link);
    struct backlog *backlog = backlog_of(backlogs, conn);
    add(backlog, 0,
        (struct held){.frame = frame_ref(frame),
                      .address = address != NULL ? address_ref(address) : NULL});
    backlog->bytes += frame->size;
    conn_check(conn, backlog->bytes);
}

size_t backlog_bytes(const struct conn *conn)
{
    return conn->backlog != NULL ? conn->backlog->bytes : 0;
}

/* ---- going on ---- */

/* The link's part of a broadcast. True when it is complete. */
static bool resume_broadcast(const struct backlogs *backlogs, struct conn *link, struct held *held,
                             uint32_t budget, uint32_t *done)
{
    const struct delivery *delivery = &held->pending->delivery;
    uint32_t each = pending_weight(delivery->frame);
    while (*done < budget && link->outbox.bytes < link->high_water) {
        const struct roster_entry *entries;
        uint32_t run = roster_run(delivery->roster, backlogs->lane, held->at, &entries);
        if (run == 0)
            return true;
        uint32_t i = 0;
        for (; i < run && *done < budget && link->outbox.bytes < link->high_water; i++) {
            bool hears =
                entries[i].slot == link->slot && audience_has(delivery->audience, &entries[i]);
            *done += hears ? each : 1;
            if (hears)
                pending_send(link, delivery->room, delivery->frame, entries[i].address, STR_NONE);
        }
        held->at += i;
    }
    return false;
}

/* True when what is first is complete. */
static bool resume_first(const struct backlogs *backlogs, struct backlog *backlog, uint32_t budget,
                         uint32_t *done)
{
    struct held *held = first_of(backlog);
    struct conn *conn = backlog->conn;
    if (held->pending == NULL) {
        conn_send_frame(conn, held->frame, held->address, STR_NONE);
        *done += pending_weight(held->frame);
        return true;
    }
    const struct delivery *delivery = &held->pending->delivery;
    switch (delivery->kind) {
    case DELIVER_ONE:
        pending_send(conn, delivery->room, delivery->frame, delivery->address, STR_NONE);
        *done += pending_weight(delivery->frame);
        return true;
    case DELIVER_LIST:
        *done += pending_write_list(held->pending, conn, &held->at, budget - *done);
        return held->at >= delivery->item_count;
    case DELIVER_BROADCAST:
        return resume_broadcast(backlogs, conn, held, budget, done);
    case DELIVER_LOSS_HEARD:
        break;
    }
    never("a delivery that waits for nobody");
}

/* Does the first one have to wait for room? Single frames of a client behind a list need not: they
 * would be in the outbox if the list were not there. */
static bool must_wait(const struct backlog *backlog)
{
    return first_of(backlog)->pending != NULL &&
           backlog->conn->outbox.bytes >= backlog->conn->high_water;
}

/* A room that has had something of the budget goes behind the others, were it only because the
 * outbox is full: else a room of large frames would always be the first. */
static uint32_t resume(struct backlogs *backlogs, struct backlog *backlog, uint32_t budget)
{
    uint32_t done = 0;
    bool served = false; /* the room in front */
    while (!turns_is_empty(&backlog->turns) && done < budget && !must_wait(backlog)) {
        served = true;
        if (resume_first(backlogs, backlog, budget, &done))
            served = drop_first(backlogs, backlog);
    }
    if (served)
        turns_pass(&backlog->turns);
    if (turns_is_empty(&backlog->turns))
        (void)backlog_free(backlogs, backlog);
    else if (!must_wait(backlog))
        make_ready(backlogs, backlog);
    return done + 1;
}

uint32_t backlogs_resume(struct backlogs *backlogs, uint32_t budget)
{
    struct backlog *backlog = backlogs->ready_first;
    make_unready(backlogs, backlog);
    return resume(backlogs, backlog, budget);
}

void backlog_drained(struct backlogs *backlogs, struct conn *conn)
{
    if (conn->backlog != NULL && !conn->backlog->is_ready)
        make_ready(backlogs, conn->backlog);
}
