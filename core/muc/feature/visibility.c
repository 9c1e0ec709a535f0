/*
 * Whose presence is broadcast: by role of who it is about, and whether absent members are shown.
 * The protocol's own remedy for very large rooms. And by number: where as many are shown as the
 * room wants, whoever comes is quiet, for as long as it stays or until it is a moderator. The rules
 * are in core/muc/presence.c, which every presence goes through.
 * @xep 0045 1.35.5 #registrar-formtype-owner #enter-pres.broadcast
 */
#include "core/muc/feature.h"

static const struct option_choice shown[] = {
    {"none", "Absent members", BROADCAST_NONE, false},
    {"visitor", "Visitors", BROADCAST_VISITOR, false},
    {"participant", "Participants", BROADCAST_PARTICIPANT, false},
    {"moderator", "Moderators", BROADCAST_MODERATOR, false},
};

static const struct option_choice crowds[] = {
    {"0", "Never", 0, false},         {"5", "5", 5, false},
    {"20", "20", 20, false},          {"100", "100", 100, false},
    {"200", "200", 200, false},       {"500", "500", 500, false},
    {"1000", "1000", 1000, false},    {"2000", "2000", 2000, false},
    {"5000", "5000", 5000, false},    {"10000", "10000", 10000, false},
    {"50000", "50000", 50000, false}, {"", "Never", 0, true},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_BROADCAST,
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
        .id = OPTION_ID_SEE_ALL,
        .name = "see_all",
        .field = "x-presencebroadcast_moderators_see_all",
        .aliases = {"presencebroadcast_moderators_see_all"},
        .label = "Moderators are shown everybody",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, see_all),
        .preset = "off",
        .help = "moderators are shown everybody, whatever is broadcast to the others",
    },
    {
        .id = OPTION_ID_QUIET_ABOVE,
        .name = "quiet_above",
        .field = "x-presence_quiet_above",
        .aliases = {"presence_quiet_above"},
        .label = "So many occupants are shown, more come and go unseen",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, quiet_above),
        .min = 0,
        .max = ROOM_OCCUPANTS_MAX,
        .choices = crowds,
        .choice_count = ARRAY_LEN(crowds),
        .preset = "0",
        .help = "so many occupants are shown, more come and go unseen; 0: all are shown",
    },
};

const struct feature feature_visibility = {
    .name = "visibility",
    .options = options,
    .option_count = ARRAY_LEN(options),
};
