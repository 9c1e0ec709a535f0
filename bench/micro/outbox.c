/* What is queued for a peer: net/outbox. One operation is one frame in and out again. */
#include "bench/micro/micro.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "net/conn.h"

#include <stdio.h>

#define CLIENT_BLOCK (4 * 1024)
#define LINK_BLOCK   (256 * 1024)
#define SPARE        32
#define SLICES       64
#define ADDRESSES    1024

static struct address *addresses[ADDRESSES];
static struct frame *frame;

static void drain(struct outbox *outbox)
{
    struct iovec slices[SLICES];
    while (outbox->bytes > 0) {
        unsigned count = outbox_slices(outbox, slices, SLICES);
        size_t bytes = 0;
        for (unsigned i = 0; i < count; i++)
            bytes += slices[i].iov_len;
        outbox_sent(outbox, bytes);
    }
}

/* Frames gather until `depth` wait, then all are written at once. */
static uint64_t through(size_t block, unsigned depth, uint64_t operations)
{
    struct chunk_pool pool;
    struct outbox outbox;
    chunk_pool_init(&pool, block, SPARE);
    outbox_init(&outbox, &pool);
    uint64_t done = 0;
    for (; done < operations; done += depth) {
        for (unsigned i = 0; i < depth; i++)
            outbox_add_frame(&outbox, frame, addresses[(done + i) % ADDRESSES], STR_NONE);
        drain(&outbox);
    }
    outbox_clear(&outbox);
    chunk_pool_fini(&pool);
    return done;
}

static uint64_t client_one(void *self, uint64_t operations)
{
    UNUSED(self);
    return through(CLIENT_BLOCK, 1, operations);
}

static uint64_t client_many(void *self, uint64_t operations)
{
    UNUSED(self);
    return through(CLIENT_BLOCK, 100, operations);
}

static uint64_t link_many(void *self, uint64_t operations)
{
    UNUSED(self);
    return through(LINK_BLOCK, 1000, operations);
}

static struct frame *make_frame(void)
{
    struct arena *arena = arena_new(4096);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR("room0@conference.localhost/n1234"), STR("groupchat"),
             STR("00000000000004d2"));
    fb_leaf(&fb, NAME_BODY, NS_STANZA,
            STR("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor "
                "incididunt ut labore et dolore magna aliqua. Ut enim ad minim veniam, quis "
                "nostrud exercitation ullamco"));
    struct frame *made = fb_finish(&fb);
    arena_free(arena);
    return made;
}

int main(int argc, char **argv)
{
    const struct micro_case cases[] = {
        {"a client's, one frame at a time", client_one, NULL, false},
        {"a client's, 100 frames wait", client_many, NULL, false},
        {"the link's, 1,000 frames wait", link_many, NULL, false},
    };
    frame = make_frame();
    for (unsigned i = 0; i < ADDRESSES; i++) {
        char jid[40];
        snprintf(jid, sizeof(jid), "u%u@users.localhost/r", i);
        addresses[i] = address_new(str_z(jid));
    }
    int status = micro_main(argc, argv, "outbox", cases, ARRAY_LEN(cases));
    for (unsigned i = 0; i < ADDRESSES; i++)
        address_unref(addresses[i]);
    frame_unref(frame);
    return status;
}
