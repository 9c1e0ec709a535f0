/*
 * Rooms that stanzas wait for while the store is asked for them: how many, and whether it answers.
 *
 *                        credits    another room
 *   no more than         go back    is looked for
 *     ROOM_LOADS_MAX
 *   more, and answers    are kept   is looked for: those who ask come as fast as rooms are found
 *     come
 *   more, and none has   go back    is not: who asks is told to try again, and nobody else waits
 *     for ROOM_LOADS_SILENT_MS
 */
#ifndef SHARD_LOADS_H
#define SHARD_LOADS_H

#include <stdbool.h>
#include <stdint.h>

struct loads {        /* zero: none */
    uint32_t count;   /* rooms that stanzas wait for */
    int64_t since_ms; /* of the monotonic clock: the last answer, or the first question after it */
    bool silent;      /* the last row of the table */
};

/* A stanza waits for a room that the store is asked for now. */
void loads_begin(struct loads *loads, int64_t mono_ms);
/* The store has answered of a room; `waited_for`: by a stanza. */
void loads_answered(struct loads *loads, bool waited_for, int64_t mono_ms);
/* All that has come is handled, so no answer lies unread. */
void loads_look(struct loads *loads, int64_t mono_ms);

/* The second row. */
bool loads_overloaded(const struct loads *loads);
/* Until it may have become the third; -1: an answer comes first, or there are not so many. */
int loads_timeout_ms(const struct loads *loads, int64_t mono_ms);

#endif
