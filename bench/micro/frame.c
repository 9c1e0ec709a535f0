/* Building frames: core/xml/frame. One operation is one finished frame (or one splice). */
#include "bench/micro/micro.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/xml/frame.h"

#define FROM STR("room0@conference.localhost/n1234")
#define BODY                                                                                       \
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt "   \
    "ut labore et dolore"

static struct arena *arena;

static struct frame *build_groupchat(const struct stanza *stanza)
{
    struct fb fb;
    fb_begin(&fb, arena, "message", FROM, STR("groupchat"), STR("00000000000004d2"));
    fb_children(&fb, stanza_root(stanza), NULL, NULL);
    fb_open(&fb, NAME_OCCUPANT_ID, NS_OCCUPANT_ID);
    fb_attr(&fb, "id", STR("ek/zY2git5RaII0WKynY4gBgV2om5YYawNCfXcx/hkQ="));
    fb_close(&fb);
    return fb_finish(&fb);
}

static struct stanza *received(void)
{
    struct stanza *stanza = stanza_parse(STR(
        "<message from='u1234@users.localhost/r' to='room0@conference.localhost' type='groupchat' "
        "id='00000000000004d2'><body>" BODY "</body></message>"));
    ensure(stanza != NULL);
    return stanza;
}

static uint64_t groupchat(void *self, uint64_t operations)
{
    UNUSED(self);
    struct stanza *stanza = received();
    for (uint64_t i = 0; i < operations; i++) {
        struct frame *frame = build_groupchat(stanza);
        micro_keep(frame);
        frame_unref(frame);
        arena_reset(arena);
    }
    stanza_free(stanza);
    return operations;
}

static uint64_t presence(void *self, uint64_t operations)
{
    UNUSED(self);
    for (uint64_t i = 0; i < operations; i++) {
        struct fb fb;
        fb_begin(&fb, arena, "presence", FROM, STR_NONE, STR_NONE);
        fb_open(&fb, NAME_X, NS_MUC_USER);
        fb_open(&fb, NAME_ITEM, NS_MUC_USER);
        fb_attr(&fb, "affiliation", STR("none"));
        fb_attr(&fb, "role", STR("participant"));
        fb_close(&fb);
        fb_close(&fb);
        struct frame *frame = fb_finish(&fb);
        micro_keep(frame);
        frame_unref(frame);
        arena_reset(arena);
    }
    return operations;
}

/* What a groupchat costs each recipient, apart from where the bytes go. */
static uint64_t splice(void *self, uint64_t operations)
{
    UNUSED(self);
    struct stanza *stanza = received();
    struct frame *frame = build_groupchat(stanza);
    struct buf out;
    buf_init(&out, NULL);
    for (uint64_t i = 0; i < operations; i++) {
        if (out.len > 64 * 1024)
            out.len = 0;
        frame_write(frame, STR(" to='u1234@users.localhost/r'"), STR_NONE, &out);
    }
    micro_keep(out.at);
    buf_free(&out);
    frame_unref(frame);
    stanza_free(stanza);
    arena_reset(arena);
    return operations;
}

int main(int argc, char **argv)
{
    arena = arena_new(64 * 1024);
    const struct micro_case cases[] = {
        {"groupchat from a received stanza", groupchat, NULL, false},
        {"presence of an occupant", presence, NULL, false},
        {"splice into a buffer of 64 KiB", splice, NULL, false},
    };
    int status = micro_main(argc, argv, "frame", cases, ARRAY_LEN(cases));
    arena_free(arena);
    return status;
}
