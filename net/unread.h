/*
 * Of which rooms a component link has been sent something lately, and where in the row of all that
 * was ever queued for it that ends. So when the link is lost, it is known whose stanzas its host
 * cannot have read: what was not written, and what the kernel at the other end has not taken. (What
 * that kernel has taken and the host has not read, nobody can know.)
 *
 * Bound   a mark for each run of frames of one room, as far back as the outbox reaches and
 *         LINK_UNACKED_MAX further. One thread: the lane's.
 */
#ifndef NET_UNREAD_H
#define NET_UNREAD_H

#include "net/outbox.h"

#include <stdint.h>

struct unread_mark;

struct unread { /* zero: nothing */
    struct unread_mark *ring;
    uint32_t size, first, count;
};

void unread_fini(struct unread *unread);

/* A frame of that room has just been added to the outbox. */
void unread_note(struct unread *unread, uint64_t room, const struct outbox *outbox);

/* Takes out the next one; false: there is none left. `read` bytes of all were taken by the other
 * end: rooms that have nothing beyond them are passed over. */
bool unread_take(struct unread *unread, uint64_t read, uint64_t *room);

#endif
