/*
 * Moderated rooms: who enters without an affiliation is a visitor and has no voice. Roles that
 * follow from the option are in core/muc/privilege.c; switching it changes nobody's role.
 * @xep 0045 1.35.5 #roles-default
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"

static const struct option options[] = {
    {
        .name = "moderated",
        .field = "muc#roomconfig_moderatedroom",
        .label = "Newcomers have to be given voice",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, moderated),
        .preset = "off",
        .help = "who enters without an affiliation may not speak until a moderator permits it",
    },
};

static void disco(const struct room *room, struct fb *fb)
{
    fb_feature(fb, room->options.moderated ? "muc_moderated" : "muc_unmoderated");
}

const struct feature feature_moderated = {
    .name = "moderated",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .disco = disco,
};
