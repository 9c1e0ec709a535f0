/*
 * Fan-out: turns "everyone in this room" into work for the lanes.                       2026-11
 *
 * Order   What is handed over for one lane arrives there in that order, so every recipient gets the
 *         frames of one room in the order the room made them.
 * Cost    Per broadcast and lane: one count of the frame, one of the roster, one entry in a list.
 *         Nothing per recipient. Per lane and cycle: one message, at most one wake.
 * Bound   What a lane has not expanded yet is counted in KiB. Nothing is dropped when it is much;
 *         the shard gives no stanza credits back until it is less (fanout_overloaded()).
 * Not us  Slow readers, expansion (net/deliver.h). Who may hear what (core/muc/roster.h).
 */
#ifndef SHARD_FANOUT_H
#define SHARD_FANOUT_H

#include "core/muc/effect.h"
#include "shard/runtime/lane.h"

struct fanout {
    struct exchange *exchange; /* borrowed */
    unsigned shard;
    struct fanout_lane *lanes; /* by number */
    unsigned lane_count;
    unsigned overloaded;  /* lanes over LANE_BACKLOG_MAX */
    uint64_t outstanding; /* KiB, all lanes */
};

void fanout_init(struct fanout *fanout, struct exchange *exchange, unsigned shard);
void fanout_fini(struct fanout *fanout); /* what was not flushed is dropped */

/* All frames, addresses and rosters are TAKEN (one reference each); texts are copied. `room` is the
 * room's id. A route without a lane goes nowhere. */
void fanout_one(struct fanout *fanout, uint64_t room, struct route route, struct frame *frame,
                struct address *address);
void fanout_list(struct fanout *fanout, uint64_t room, struct route route,
                 const struct listed_frame *frames, uint32_t count, struct address *address);
/* The same in two steps: items (heap) that can be kept, then handed over, TAKEN. */
struct delivery_item *delivery_items(const struct listed_frame *frames, uint32_t count);
void fanout_items(struct fanout *fanout, uint64_t room, struct route route,
                  struct delivery_item *items, uint32_t count, struct address *address);
/* A list that is a snapshot of who is shown, TAKEN. */
void fanout_showing(struct fanout *fanout, uint64_t room, struct route route,
                    struct showing *showing, struct address *address);
void fanout_broadcast(struct fanout *fanout, uint64_t room, struct frame *frame,
                      struct roster *roster, struct audience audience);

/* Behind all that the room has sent: it knows that something of it was lost with that link. */
void fanout_loss_heard(struct fanout *fanout, uint64_t room, struct route link);

/* Somebody has posted to that lane quietly: the next flush wakes it. */
void fanout_ring_due(struct fanout *fanout, uint16_t number);

/* Posts what was gathered, then wakes each lane once: the end of a cycle. */
void fanout_flush(struct fanout *fanout);

/* A lane has expanded so many KiB. */
void fanout_lane_credit(struct fanout *fanout, uint16_t lane, uint32_t cost);
bool fanout_overloaded(const struct fanout *fanout);
/* The lanes have done all they were given, and nothing is gathered for them. */
bool fanout_idle(const struct fanout *fanout);

#endif
