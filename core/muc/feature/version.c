/*
 * Which program holds the room: anybody may ask, as of the service.
 * @xep 0092 1.1 #protocol
 */
#include "core/muc/version.h"

#include "core/muc/feature.h"
#include "core/xmpp/disco.h"

static enum step_outcome answer(struct room *room, struct step *step, const struct inbound *in)
{
    UNUSED(room);
    version_answer(step, in);
    return STEP_DONE;
}

static void disco(const struct room *room, struct fb *fb)
{
    UNUSED(room);
    fb_feature_ns(fb, NS_VERSION);
}

static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_QUERY,
     .ns = NS_VERSION,
     .run = answer},
};

const struct feature feature_version = {
    .name = "version",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .disco = disco,
};
