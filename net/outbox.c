#include "net/outbox.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

#include <string.h>

struct chunk {
    struct chunk *next;
    uint32_t from, to; /* what lies between has not been written yet */
    char bytes[];
};

/* ---- pool ---- */

void chunk_pool_init(struct chunk_pool *pool, size_t block, unsigned spare_max)
{
    ensure(block > sizeof(struct chunk));
    *pool =
        (struct chunk_pool){.chunk_bytes = block - sizeof(struct chunk), .spare_max = spare_max};
}

static void spare_keep(struct chunk_pool *pool, unsigned count)
{
    while (pool->spare_count > count) {
        struct chunk *chunk = pool->spare;
        pool->spare = chunk->next;
        pool->spare_count--;
        mem_free(chunk);
    }
}

void chunk_pool_fini(struct chunk_pool *pool)
{
    ensure(pool->lent == 0);
    spare_keep(pool, 0);
}

bool chunk_pool_trim(struct chunk_pool *pool)
{
    spare_keep(pool, pool->lent_most - pool->lent);
    pool->lent_most = pool->lent;
    return pool->spare_count > 0;
}

static struct chunk *chunk_take(struct chunk_pool *pool)
{
    struct chunk *chunk = pool->spare;
    if (chunk != NULL) {
        pool->spare = chunk->next;
        pool->spare_count--;
    } else {
        chunk = mem_raw(sizeof(*chunk) + pool->chunk_bytes);
    }
    chunk->next = NULL;
    chunk->from = chunk->to = 0;
    if (++pool->lent > pool->lent_most)
        pool->lent_most = pool->lent;
    return chunk;
}

static void chunk_give(struct chunk_pool *pool, struct chunk *chunk)
{
    pool->lent--;
    if (pool->spare_count >= pool->spare_max) {
        mem_free(chunk);
        return;
    }
    chunk->next = pool->spare;
    pool->spare = chunk;
    pool->spare_count++;
}

/* ---- outbox ---- */

void outbox_init(struct outbox *outbox, struct chunk_pool *pool)
{
    *outbox = (struct outbox){.pool = pool};
}

static void drop_first(struct outbox *outbox)
{
    struct chunk *chunk = outbox->first;
    outbox->first = chunk->next;
    if (outbox->first == NULL)
        outbox->last = NULL;
    chunk_give(outbox->pool, chunk);
}

void outbox_clear(struct outbox *outbox)
{
    while (outbox->first != NULL)
        drop_first(outbox);
    outbox->bytes = 0;
}

/* The chunk that is being filled, with at least one byte free. */
static struct chunk *last_chunk(struct outbox *outbox)
{
    struct chunk *last = outbox->last;
    if (last != NULL && last->to < outbox->pool->chunk_bytes)
        return last;
    struct chunk *chunk = chunk_take(outbox->pool);
    if (last == NULL)
        outbox->first = chunk;
    else
        last->next = chunk;
    outbox->last = chunk;
    return chunk;
}

void outbox_add(struct outbox *outbox, struct str bytes)
{
    outbox->bytes += bytes.len;
    while (bytes.len > 0) {
        struct chunk *last = last_chunk(outbox);
        size_t room = outbox->pool->chunk_bytes - last->to;
        size_t piece = bytes.len < room ? bytes.len : room;
        memcpy(last->bytes + last->to, bytes.at, piece);
        last->to += (uint32_t)piece;
        bytes = str_of(bytes.at + piece, bytes.len - piece);
    }
}

static char *put(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

void outbox_add_frame(struct outbox *outbox, const struct frame *frame,
                      const struct address *address, struct str tail)
{
    struct str to = address != NULL ? str_of(address->bytes, address->size) : STR("");
    struct str head = str_of(frame->bytes, frame->address_at);
    struct str body = str_of(frame->bytes + frame->address_at, frame->tail_at - frame->address_at);
    struct str end = str_of(frame->bytes + frame->tail_at, frame->size - frame->tail_at);
    size_t size = frame->size + to.len + tail.len;
    struct chunk *last = last_chunk(outbox);
    if (size > outbox->pool->chunk_bytes - last->to) {
        outbox_add(outbox, head);
        outbox_add(outbox, to);
        outbox_add(outbox, body);
        outbox_add(outbox, tail);
        outbox_add(outbox, end);
        return;
    }
    /* Nearly always it fits as a whole: one look at the room for all pieces. */
    char *at = last->bytes + last->to;
    at = put(at, head.at, head.len);
    at = put(at, to.at, to.len);
    if (tail.len == 0) {
        (void)put(at, body.at, body.len + end.len);
    } else {
        at = put(at, body.at, body.len);
        at = put(at, tail.at, tail.len);
        (void)put(at, end.at, end.len);
    }
    last->to += (uint32_t)size;
    outbox->bytes += size;
}

unsigned outbox_slices(const struct outbox *outbox, struct iovec *slices, unsigned max)
{
    unsigned count = 0;
    for (struct chunk *chunk = outbox->first; chunk != NULL && count < max; chunk = chunk->next) {
        slices[count].iov_base = chunk->bytes + chunk->from;
        slices[count].iov_len = chunk->to - chunk->from;
        count++;
    }
    return count;
}

void outbox_sent(struct outbox *outbox, size_t count)
{
    ensure(count <= outbox->bytes);
    outbox->bytes -= count;
    outbox->sent += count;
    while (count > 0) {
        struct chunk *first = outbox->first;
        size_t left = first->to - first->from;
        if (count < left) {
            first->from += (uint32_t)count;
            return;
        }
        count -= left;
        drop_first(outbox);
    }
}
