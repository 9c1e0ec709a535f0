/*
 * Moderated rooms: who enters without an affiliation is a visitor and has no voice, unless the room
 * says what newcomers are. Roles that follow from the options are in core/muc/privilege.c;
 * switching them changes nobody's role.
 * @xep 0045 1.35.5 #roles-default
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"

/* What ejabberd calls members_by_default is about moderated rooms only: off is automatic. */
static const struct option_choice roles[] = {
    {"automatic", "Visitors if the room is moderated, else participants", NEWCOMERS_AUTOMATIC,
     false},
    {"participant", "Participants", NEWCOMERS_PARTICIPANT, false},
    {"visitor", "Visitors", NEWCOMERS_VISITOR, false},
    {"1", "Participants", NEWCOMERS_PARTICIPANT, true},
    {"true", "Participants", NEWCOMERS_PARTICIPANT, true},
    {"0", "As usual", NEWCOMERS_AUTOMATIC, true},
    {"false", "As usual", NEWCOMERS_AUTOMATIC, true},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_MODERATED,
        .name = "moderated",
        .field = "muc#roomconfig_moderatedroom",
        .label = "Newcomers have to be given voice",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, moderated),
        .preset = "off",
        .help = "who enters without an affiliation may not speak until a moderator permits it",
    },
    {
        .id = OPTION_ID_NEWCOMERS,
        .name = "newcomers",
        .field = "x-newcomers",
        .aliases = {"members_by_default"},
        .label = "Who enters without an affiliation is",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct room_options, newcomers),
        .choices = roles,
        .choice_count = ARRAY_LEN(roles),
        .preset = "automatic",
        .help = "role of who enters without an affiliation: participant, visitor, or automatic: "
                "visitor if the room is moderated",
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
