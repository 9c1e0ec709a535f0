/*
 * Expands deliveries into outboxes.
 *
 *   - Deliveries of one room wait in one queue, so every recipient hears the room in its order.
 * Rooms take turns, DELIVER_QUANTUM recipients each; a cycle does DELIVER_CYCLE_MAX and comes back.
 *   - A list for a client (who is here, what was said) pauses while the outbox is above its
 * high-water mark: the rest moves into the connection's backlog, and what comes later for that
 * connection queues behind it. The other recipients of the room do not wait, nor does the shard:
 * what a backlog of a client may hold is bounded by the client's own limits.
 *   - While the outbox of a component link is above its mark, whatever is for that link moves into
 * its backlog, whole deliveries as references, and rooms take turns there too. These keep the
 * shard's credits until they are expanded, so a host that does not read slows the shards down
 * instead of filling our memory. Each link has its own: a broadcast is split for those that are
 * full.
 *   - What is for a link that is down is lost, and so is what waited for it when it fell: the room
 * that sent it is told, and what it sends there until it has heard of that is lost, too
 * (net/cuts.h).
 *
 * One thread: the lane's.
 */
#ifndef NET_DELIVER_H
#define NET_DELIVER_H

#include "core/base/limits.h"
#include "net/backlog.h"

struct deliver {
    struct conns *conns;
    struct proxy *proxy;
    uint16_t lane;
    struct turns rooms; /* what has come and was not looked at yet */
    struct backlogs backlogs;
    struct cuts cuts;
    uint64_t dropped[LINKS_MAX]; /* by slot: frames that are lost */
};

/* Borrows all. */
void deliver_init(struct deliver *deliver, struct conns *conns, struct proxy *proxy, uint16_t lane,
                  const struct hash_key *hash_key);
/* What still waits is thrown away. */
void deliver_fini(struct deliver *deliver);

/* MSG_DELIVERIES; what is inside is taken. */
void deliver_take(struct deliver *deliver, struct message *message);

/* One frame that belongs to no room, at once. Frame taken, address borrowed. */
void deliver_direct(struct deliver *deliver, struct route route, struct frame *frame,
                    struct address *address);

/* What that room has sent to the link was not read there. `room` 0: no room did. */
void deliver_lost(struct deliver *deliver, const struct conn *link, uint64_t room);

/* Expands. True: there is more to do right now. */
bool deliver_run(struct deliver *deliver);
/* Would it do anything? Outboxes that were emptied since may let a backlog go on. */
bool deliver_may_go_on(const struct deliver *deliver);

/* The outbox of a connection with a backlog has room again. */
void deliver_drained(struct deliver *deliver, struct conn *conn);

/* The connection ends or the link is lost: its backlog is thrown away. */
void deliver_forget(struct deliver *deliver, struct conn *conn);

/* Nothing waits, neither in rooms nor in backlogs. */
bool deliver_is_empty(const struct deliver *deliver);

#endif
