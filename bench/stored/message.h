/* Messages as rooms of the load generator archive them: 80 bytes, a thousand who speak in turn. */
#ifndef BENCH_STORED_MESSAGE_H
#define BENCH_STORED_MESSAGE_H

#include "core/record/record.h"

#define STORED_DOMAIN "conference.localhost"
#define STORED_ROOM   STR("r0@" STORED_DOMAIN)

/* When message 0 was said; each later one a millisecond behind the one before. */
#define STORED_FIRST_US INT64_C(1700000000000000)
#define STORED_STEP_US  1000

/* u0, u1, ... speak in turn. */
#define STORED_SPEAKERS 1000

/* As step_stanza_id() makes them. */
struct str stored_id(struct arena *arena, uint32_t number);

/* The operation that archives message `number` of the room. */
void stored_append(struct buf *batch, struct arena *arena, uint32_t number);

#endif
