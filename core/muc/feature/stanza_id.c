/*
 * Every message to all carries an id the room has given it, the same for everybody and in the
 * history. It is unpredictable and never used again. Forged ones are left out when a message is
 * reflected (core/muc/reflect.c). Private messages get none.
 * @xep 0359 0.7.0 #stanza-id #rules #disco
 */
#include "core/muc/feature.h"
#include "core/muc/groupchat.h"

#include "core/xmpp/disco.h"

static void stamp_message(struct room *room, struct step *step, struct fb *fb,
                          const struct stamping *stamping)
{
    UNUSED(step);
    if (str_present(stamping->stanza_id))
        fb_stanza_id(fb, room, stamping->stanza_id);
}

static void disco(const struct room *room, struct fb *fb)
{
    UNUSED(room);
    fb_feature_ns(fb, NS_STANZA_ID);
}

const struct feature feature_stanza_id = {
    .name = "stanza_id",
    .stamp_message = stamp_message,
    .disco = disco,
};
