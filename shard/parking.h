/*
 * Where messages for a room wait while the room waits for the disk: until it is loaded, or until a
 * change of it is committed. They go on in the order they came.
 */
#ifndef SHARD_PARKING_H
#define SHARD_PARKING_H

#include "shard/runtime/message.h"

struct parking {         /* zero: empty */
    struct message **at; /* a ring */
    uint32_t size, start, count;
};

/* False: ROOM_PARKED_MAX wait already; the message is the caller's still. What ends a session
 * always fits: there are no more of those than sessions. */
MUST_CHECK bool parking_add(struct parking *parking, struct message *message);
/* In front of all others. */
void parking_put_first(struct parking *parking, struct message *message);
/* The oldest, now the caller's; NULL: none. */
struct message *parking_take(struct parking *parking);
void parking_fini(struct parking *parking); /* what waits is freed */

#endif
