/*
 * The exchange: the RCU-published table of all mailboxes. Agents name each other by number: shards
 * from 0, lanes (places deliveries go to: net agents) from 0, the scribe, the readers. A producer
 * looks the mailbox up and enqueues inside one read-side section, so a queue could be retired while
 * producers run.
 *
 *                register/remove    post
 *   main             ok              ok
 *   any agent        NO              ok     (registered with RCU)
 */
#ifndef SHARD_RUNTIME_LANE_H
#define SHARD_RUNTIME_LANE_H

#include "shard/runtime/mailbox.h"
#include "shard/runtime/message.h"

struct exchange;

struct exchange *exchange_new(void);
/* All mailboxes must have been removed. */
void exchange_free(struct exchange *exchange);

/* Publish a mailbox (borrowed) under a number; NULL removes it, and the call returns after a grace
 * period: then nobody posts there any more. Not from inside an agent's cycle. */
void exchange_set_shard(struct exchange *exchange, unsigned shard, struct mailbox *mailbox);
void exchange_set_lane(struct exchange *exchange, uint16_t lane, struct mailbox *mailbox);
void exchange_set_scribe(struct exchange *exchange, struct mailbox *mailbox);
void exchange_set_reader(struct exchange *exchange, struct mailbox *mailbox);
void exchange_set_searcher(struct exchange *exchange, struct mailbox *mailbox);

unsigned exchange_shards(const struct exchange *exchange);
unsigned exchange_lanes(const struct exchange *exchange);

/* The message is taken; false: no such mailbox, the message was freed. */
bool post_shard(struct exchange *exchange, unsigned shard, struct message *message);
bool post_lane(struct exchange *exchange, uint16_t lane, struct message *message);
/* The same without waking who it is for: ring in the same cycle (see mailbox_put). */
bool post_shard_quietly(struct exchange *exchange, unsigned shard, struct message *message);
bool post_lane_quietly(struct exchange *exchange, uint16_t lane, struct message *message);
void exchange_ring_shard(struct exchange *exchange, unsigned shard);
void exchange_ring_lane(struct exchange *exchange, uint16_t lane);
bool post_scribe(struct exchange *exchange, struct message *message);
/* A question: to the searcher, if it is for words and there is one; else to the reader. */
bool post_reader(struct exchange *exchange, struct message *message);

#endif
