/*
 * Members-only rooms: strangers stay outside. Those who are inside when it is switched on are put
 * out by whoever applies the configuration.
 * @xep 0045 1.35.5 #enter-members #modifymember.refused #getmemberlist
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"

static const struct option_choice list_readers[] = {
    {"moderator", "Moderators", 1u << ROLE_MODERATOR, false},
    {"participant", "Participants", 1u << ROLE_PARTICIPANT, false},
    {"visitor", "Visitors", 1u << ROLE_VISITOR, false},
    {"none", "Nobody", 0, true},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_MEMBERS_ONLY,
        .name = "members_only",
        .field = "muc#roomconfig_membersonly",
        .label = "Only members may enter",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, members_only),
        .preset = "off",
        .help = "only members, admins and owners may enter",
    },
    {
        .id = OPTION_ID_MEMBER_LIST,
        .name = "member_list",
        .field = "muc#roomconfig_getmemberlist",
        .label = "Roles that may read the lists of members",
        .type = OPTION_SET,
        .offset = offsetof(struct room_options, member_list),
        .choices = list_readers,
        .choice_count = ARRAY_LEN(list_readers),
        .preset = "moderator,participant",
        .help = "in rooms where JIDs are public: roles that may read the lists of affiliations",
    },
};

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    UNUSED(step);
    if (!room_exists(room) || !room->options.members_only)
        return NULL;
    return entry->in->affiliation < AFF_MEMBER ? &refusal_MEMBERS_ONLY : NULL;
}

static void disco(const struct room *room, struct fb *fb)
{
    fb_feature(fb, room->options.members_only ? "muc_membersonly" : "muc_open");
}

const struct feature feature_members_only = {
    .name = "members_only",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .may_enter = may_enter,
    .disco = disco,
};
