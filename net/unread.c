#include "net/unread.h"

#include "core/base/limits.h"
#include "core/base/mem.h"

enum { RING_FIRST = 64 }; /* a power of two, as all sizes: each frame to a link comes by here */

struct unread_mark {
    uint64_t room;
    uint64_t end; /* bytes ever queued up to there */
};

void unread_fini(struct unread *unread)
{
    mem_free(unread->ring);
    *unread = (struct unread){0};
}

static struct unread_mark *mark_at(const struct unread *unread, uint32_t i)
{
    return &unread->ring[(unread->first + i) & (unread->size - 1)];
}

static void drop_first(struct unread *unread)
{
    unread->first = (unread->first + 1) & (unread->size - 1);
    unread->count--;
}

static void grow(struct unread *unread)
{
    uint32_t size = unread->size == 0 ? RING_FIRST : unread->size * 2;
    struct unread_mark *ring = MEM_NEW_ARRAY(struct unread_mark, size);
    for (uint32_t i = 0; i < unread->count; i++)
        ring[i] = *mark_at(unread, i);
    mem_free(unread->ring);
    unread->ring = ring;
    unread->size = size;
    unread->first = 0;
}

void unread_note(struct unread *unread, uint64_t room, const struct outbox *outbox)
{
    uint64_t end = outbox->sent + outbox->bytes;
    while (unread->count > 0 && mark_at(unread, 0)->end + LINK_UNACKED_MAX < outbox->sent)
        drop_first(unread);
    struct unread_mark *last = unread->count > 0 ? mark_at(unread, unread->count - 1) : NULL;
    if (last != NULL && last->room == room) {
        last->end = end;
        return;
    }
    if (unread->count == unread->size)
        grow(unread);
    *mark_at(unread, unread->count++) = (struct unread_mark){room, end};
}

bool unread_take(struct unread *unread, uint64_t read, uint64_t *room)
{
    while (unread->count > 0) {
        struct unread_mark mark = *mark_at(unread, 0);
        drop_first(unread);
        *room = mark.room;
        if (mark.end > read)
            return true;
    }
    return false;
}
