/*
 * Of which rooms something was lost with which link. What else a room has sent there before it
 * heard of that is not for reading any more: it would be read behind a gap, and only then the
 * reader be told of it (SEMANTICS 14.3). So it is thrown away, also when the link is back, until
 * the room's answer has come down the way of its deliveries (DELIVER_LOSS_HEARD).
 *
 * One thread: the lane's.
 */
#ifndef NET_CUTS_H
#define NET_CUTS_H

#include "core/base/map.h"
#include "shard/proxy.h"

struct cuts {
    struct proxy *proxy;
    struct map rooms; /* id -> links; only rooms that have not answered yet */
};

/* Borrows both. */
void cuts_init(struct cuts *cuts, struct proxy *proxy, const struct hash_key *hash_key);
void cuts_fini(struct cuts *cuts);

/* Something of that room was lost with the link: its shard is told, unless it has not answered
 * since it was last. Room 0 is none: nobody would answer. */
void cuts_cut(struct cuts *cuts, uint64_t room, struct route link);
/* Is what the room has sent to that link to be thrown away? */
bool cuts_has(const struct cuts *cuts, uint64_t room, uint32_t slot);
/* The room has heard of it: what comes now was sent to those who have no gap. */
void cuts_heal(struct cuts *cuts, uint64_t room, uint32_t slot);

static inline bool cuts_is_empty(const struct cuts *cuts)
{
    return cuts->rooms.count == 0;
}

#endif
