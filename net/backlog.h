/*
 * What waits for one connection until its outbox is emptier: whole deliveries as references, or the
 * rest of one, and single frames.
 *
 *   - A client's backlog is one queue: what comes later, from whatever room, stands behind the list
 * that has paused. Shards have the credits back at once; what a client may hold is bounded by its
 * own limits.
 *   - A link is shared by all users of the host, so rooms take turns in its backlog,
 * DELIVER_QUANTUM recipients each: a broadcast to a huge room does not hold up the small ones
 * behind it. What waits here keeps the shard's credits.
 *
 * One thread: the lane's.
 */
#ifndef NET_BACKLOG_H
#define NET_BACKLOG_H

#include "net/cuts.h"
#include "net/pending.h"

struct backlogs {
    struct proxy *proxy;
    struct cuts *cuts;
    const struct hash_key *hash_key;
    uint16_t lane;
    struct backlog *all;
    struct backlog *ready_first, *ready_last; /* may go on: their outboxes have room */
};

/* Borrows all. */
void backlogs_init(struct backlogs *backlogs, struct proxy *proxy, struct cuts *cuts, uint16_t lane,
                   const struct hash_key *hash_key);
/* What still waits is thrown away. */
void backlogs_fini(struct backlogs *backlogs);

static inline bool backlogs_are_ready(const struct backlogs *backlogs)
{
    return backlogs->ready_first != NULL;
}

/* The rest of a delivery, from `at` on, waits for this connection. */
void backlog_hold(struct backlogs *backlogs, struct conn *conn, struct pending *pending,
                  uint32_t at);
/* A single frame does, behind a list. Both borrowed. */
void backlog_hold_frame(struct backlogs *backlogs, struct conn *conn, struct frame *frame,
                        struct address *address);
/* Of single frames that wait. */
size_t backlog_bytes(const struct conn *conn);

/* The outbox of a connection with a backlog has room again. */
void backlog_drained(struct backlogs *backlogs, struct conn *conn);
/* The backlog that has been ready longest goes on; returns what it took of the budget. */
uint32_t backlogs_resume(struct backlogs *backlogs, uint32_t budget);

/* Throws away what waits for the connection, if anything does; returns how many of its entries. If
 * it is a link, the shards are told of whose they were. */
uint64_t backlog_forget(struct backlogs *backlogs, struct conn *conn);

#endif
