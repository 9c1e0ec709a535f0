/*
 * A delivery on its way through the lane: held by its room's queue and by the backlogs of those who
 * cannot take it yet. When nobody holds it any more it is freed; its shard has the credits back
 * then, or as soon as somebody gives them. One thread: the lane's.
 */
#ifndef NET_PENDING_H
#define NET_PENDING_H

#include "net/conn.h"
#include "net/turns.h"
#include "net/unread.h"
#include "shard/proxy.h"
#include "shard/runtime/message.h"

struct pending {
    struct turns_item item; /* in the room's queue */
    struct delivery delivery;
    unsigned shard;
    unsigned holders;
    uint32_t at;          /* entry of the roster, item of the list */
    uint64_t links_apart; /* by slot: that link's part of a broadcast is in its backlog */
    bool credited;
};

/* The delivery is taken; one holder. */
struct pending *pending_new(const struct delivery *delivery, unsigned shard);
/* Its cost goes back to the shard, once. */
void pending_credit(struct pending *pending, struct proxy *proxy);
/* One holder less. */
void pending_release(struct pending *pending, struct proxy *proxy);

/* What a frame takes of a budget that is meant in recipients: a cycle that copies large frames to
 * thousands of people must not take seconds, for everybody else waits. */
static inline uint32_t pending_weight(const struct frame *frame)
{
    return 1 + frame->size / 1024;
}

/* A frame of a room to a connection that can take it. */
static inline void pending_send(struct conn *conn, uint64_t room, const struct frame *frame,
                                const struct address *address, struct str tail)
{
    conn_send_frame(conn, frame, address, tail);
    if (conn->unread != NULL)
        unread_note(conn->unread, room, &conn->outbox);
}

/* Writes items of a list until the budget or the outbox says stop; *at moves on. Returns what it
 * took of the budget. */
uint32_t pending_write_list(const struct pending *pending, struct conn *conn, uint32_t *at,
                            uint32_t budget);

#endif
