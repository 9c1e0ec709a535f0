/*
 * Anonymity: whether everybody or only moderators see real JIDs. Who sees what is decided in
 * core/muc/presence.c; a change is announced (172, 173) and re-sends nobody's presence.
 * @xep 0045 1.35.5 #enter-nonanon.warning #enter-semianon #roomconfig-notify.privacy
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"

static const struct option_choice viewers[] = {
    {"moderators", "Moderators only", WHOIS_MODERATORS, false},
    {"anyone", "Anyone", WHOIS_ANYONE, false},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_WHOIS,
        .name = "whois",
        .field = "muc#roomconfig_whois",
        .label = "Who sees the real addresses of occupants",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct room_options, whois),
        .choices = viewers,
        .choice_count = ARRAY_LEN(viewers),
        .status_on = 172,
        .status_off = 173,
        .preset = "moderators",
        .help = "who sees the real addresses of occupants: moderators or anyone",
    },
};

static void disco(const struct room *room, struct fb *fb)
{
    bool open = room->options.whois == WHOIS_ANYONE;
    fb_feature(fb, open ? "muc_nonanonymous" : "muc_semianonymous");
}

const struct feature feature_whois = {
    .name = "whois",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .disco = disco,
};
