/*
 * An opaque id for the account behind a nickname, the same for all its nicknames and sessions in
 * this room and of no meaning in another. Made where occupants are seated (core/muc/occupant.c) and
 * nicknames reserved (core/muc/change.c: who is away is shown with it as well);
 * forged ones are left out of everything that is reflected.
 * @xep 0421 1.0.1 #enter #message #disco #id-generation
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"

static void stamp(struct room *room, struct step *step, struct fb *fb,
                  const struct stamping *stamping)
{
    UNUSED(room);
    UNUSED(step);
    fb_occupant_id(fb, occupant_id(stamping->occupant));
}

static void disco(const struct room *room, struct fb *fb)
{
    UNUSED(room);
    fb_feature_ns(fb, NS_OCCUPANT_ID);
}

const struct feature feature_occupant_id = {
    .name = "occupant_id",
    .stamp_message = stamp,
    .stamp_presence = stamp,
    .disco = disco,
};
