/*
 * What is queued for one peer: bytes in chunks of a pool that all connections of an agent share.
 * Frames are copied in, head, address, rest, tail; an empty outbox holds no chunk. One thread.
 */
#ifndef NET_OUTBOX_H
#define NET_OUTBOX_H

#include "core/base/str.h"
#include "core/xml/frame.h"

#include <stdbool.h>
#include <sys/uio.h>

struct chunk;

/* Chunks given back are kept for the next one who needs one, up to `spare_max`. */
struct chunk_pool {
    size_t chunk_bytes; /* of payload */
    struct chunk *spare;
    unsigned spare_count, spare_max;
    unsigned lent;      /* chunks in outboxes now */
    unsigned lent_most; /* since the pool was trimmed last */
};

/* `block` is the size of a chunk with its head. */
void chunk_pool_init(struct chunk_pool *pool, size_t block, unsigned spare_max);
void chunk_pool_fini(struct chunk_pool *pool); /* nothing may be lent */
/* Frees the spare ones that were not needed since the last call; true: there are others. */
bool chunk_pool_trim(struct chunk_pool *pool);

struct outbox {
    struct chunk_pool *pool; /* borrowed */
    struct chunk *first, *last;
    size_t bytes;  /* queued */
    uint64_t sent; /* ever, since outbox_init() */
};

void outbox_init(struct outbox *outbox, struct chunk_pool *pool);
void outbox_clear(struct outbox *outbox);

void outbox_add(struct outbox *outbox, struct str bytes);
/* The whole stanza for one recipient; `address` and `tail` may be absent. */
void outbox_add_frame(struct outbox *outbox, const struct frame *frame,
                      const struct address *address, struct str tail);

/* The bytes from the start on, in at most `max` pieces: returns how many there are. Borrowed until
 * the outbox is changed. */
unsigned outbox_slices(const struct outbox *outbox, struct iovec *slices, unsigned max);
/* The first `count` bytes have been written. */
void outbox_sent(struct outbox *outbox, size_t count);

#endif
