/*
 * What a net agent may ask of a shard: the only door. Keeps the credits of one net agent.
 *
 * A stanza costs 1 credit and 1 more per KiB. A shard gives credits back once per cycle, when it
 * has handled the stanzas and no lane is overloaded. What ends or answers something needs none, so
 * no circle of waiting can close. Used by one net agent only.
 *
 * How many credits there are is a matter of time: as many as come back within CREDIT_WAIT_MS, for
 * what a stanza costs depends on who is in its room. The way of one stanza at a time is measured.
 * If it took longer, there are fewer in proportion; if all were in use and it was short, more.
 */
#ifndef SHARD_PROXY_H
#define SHARD_PROXY_H

#include "core/base/hash.h"
#include "shard/runtime/lane.h"

struct proxy;

/* Borrows all. */
struct proxy *proxy_new(struct exchange *exchange, const struct hash_key *placement_key,
                        uint16_t lane);
void proxy_free(struct proxy *proxy);

/* The time, monotonic: once per cycle. */
void proxy_tick(struct proxy *proxy, int64_t now_ms);

/* The shard for a stanza to a domain that is served: the room's, or, for the service itself, one
 * chosen by the sender. */
unsigned proxy_shard(const struct proxy *proxy, const struct jid *from, const struct jid *to);

/* True if the shard may be given another stanza now. */
bool proxy_has_credit(const struct proxy *proxy, unsigned shard);

/* Posts; proxy_ring() is due. Takes stanza, from and to (heap) in any case. Uses credits, below
 * zero for one stanza; the caller has asked proxy_has_credit() or sends what is always taken
 * (presence). */
void proxy_stanza(struct proxy *proxy, unsigned shard, struct stanza *stanza, struct jid *from,
                  struct jid *to, struct route route);

/* Wakes the shards that were given stanzas: proxy_stanza() does so only for every so many of them.
 * Call it when all that came in at once has been posted; it must not be left out. */
void proxy_ring(struct proxy *proxy);

/* The session of `jid` (full) is no more; `room` is one it was in. Both borrowed. `properly`: its
 * connection was not lost. Needs no credit. */
void proxy_session_gone(struct proxy *proxy, const struct jid *jid, const struct jid *room,
                        struct route route, bool properly);

/* Is the session still in that room? If not, MSG_PLACE_FREE comes to its lane. Needs no credit:
 * SESSION_PLACES_ASKED with a stanza that does. */
void proxy_place_ask(struct proxy *proxy, const struct jid *jid, const struct jid *room,
                     struct route route, uint32_t presence);

/* A link fell or came back, and the directory knows: tells all shards. */
void proxy_links(struct proxy *proxy);
/* Something of that room was lost with that link: tells its shard, which answers with
 * DELIVER_LOSS_HEARD. Neither needs credit: there are no more of them than there were deliveries.
 */
void proxy_link_loss(struct proxy *proxy, uint64_t room, struct route route);

/* All credits are back, and all that shards are owed was given. */
bool proxy_is_idle(const struct proxy *proxy);
/* MSG_CREDIT has come. */
void proxy_credit(struct proxy *proxy, unsigned shard, uint32_t cost);
/* Deliveries of `shard` were expanded: gives MSG_LANE_CREDIT, gathered; call proxy_flush() once a
 * cycle. */
void proxy_expanded(struct proxy *proxy, unsigned shard, uint32_t cost);
void proxy_flush(struct proxy *proxy);

#endif
