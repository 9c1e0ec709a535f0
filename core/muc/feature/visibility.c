/*
 * Whose presence is broadcast: by role of who it is about, and whether absent members are shown.
 * The protocol's own remedy for very large rooms. The rules are in core/muc/presence.c, which every
 * presence goes through.
 * @xep 0045 1.35.5 #registrar-formtype-owner #enter-pres.broadcast
 */
#include "core/muc/feature.h"

static const struct option_choice shown[] = {
    {"none", "Absent members", BROADCAST_NONE, false},
    {"visitor", "Visitors", BROADCAST_VISITOR, false},
    {"participant", "Participants", BROADCAST_PARTICIPANT, false},
    {"moderator", "Moderators", BROADCAST_MODERATOR, false},
};

static const struct option options[] = {
    {
        .name = "broadcast",
        .field = "muc#roomconfig_presencebroadcast",
        .label = "Whose presence everybody is shown",
        .type = OPTION_SET,
        .offset = offsetof(struct room_options, broadcast),
        .choices = shown,
        .choice_count = ARRAY_LEN(shown),
        .preset = "visitor,participant,moderator",
        .help = "roles whose presence everybody is shown; none adds absent members",
    },
    {
        .name = "see_all",
        .field = "x-presencebroadcast_moderators_see_all",
        .aliases = {"presencebroadcast_moderators_see_all"},
        .label = "Moderators are shown everybody",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, see_all),
        .preset = "off",
        .help = "moderators are shown everybody, whatever is broadcast to the others",
    },
};

const struct feature feature_visibility = {
    .name = "visibility",
    .options = options,
    .option_count = ARRAY_LEN(options),
};
