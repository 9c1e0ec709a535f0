/*
 * How many may be inside, and in how many rooms one account. Nicknames are counted, not sessions:
 * another session of an occupant is never one too many because of the room's size, until it takes a
 * nickname of its own (core/muc/feature/nick.c).
 * @xep 0045 1.35.5 #enter-maxusers
 */
#include "core/muc/feature.h"

static const struct option_choice sizes[] = {
    {"none", "No limit", 0, false},
    {"2", "2", 2, false},
    {"5", "5", 5, false},
    {"10", "10", 10, false},
    {"20", "20", 20, false},
    {"30", "30", 30, false},
    {"50", "50", 50, false},
    {"100", "100", 100, false},
    {"200", "200", 200, false},
    {"500", "500", 500, false},
    {"1000", "1000", 1000, false},
    {"2000", "2000", 2000, false},
    {"5000", "5000", 5000, false},
    {"10000", "10000", 10000, false},
    {"50000", "50000", 50000, false},
    {"100000", "100000", 100000, false},
    {"0", "No limit", 0, true},
    {"", "No limit", 0, true},
};

static const struct option options[] = {
    {
        .id = OPTION_ID_MAX_USERS,
        .name = "max_users",
        .field = "muc#roomconfig_maxusers",
        .label = "Most occupants at a time",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, max_users),
        .min = 0,
        .max = ROOM_OCCUPANTS_MAX,
        .choices = sizes,
        .choice_count = ARRAY_LEN(sizes),
        .preset = "none",
        .help =
            "most occupants of a room, admins and owners aside; none: as many as there is room for",
    },
};

/* In as many rooms as one may be? Counted by the shards, which do not wait for each other: who
 * enters several at the same moment may get into one or two more. */
static bool is_everywhere(const struct step *step, const struct inbound *in)
{
    const struct muc_settings *settings = step->env->settings;

    return settings->rooms_per_user > 0 && in->rooms >= settings->rooms_per_user &&
           !permit_admin(settings, jid_bare(in->from));
}

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    if (!room_exists(room))
        return is_everywhere(step, entry->in) ? &refusal_TOO_MANY_ROOMS : NULL;
    if (entry->existing != NULL) {
        bool many = entry->existing->session_count >= ROOM_SESSIONS_PER_NICK;
        return many ? &refusal_TOO_MANY_SESSIONS : NULL;
    }
    if (room_is_full(room, entry->in->affiliation))
        return &refusal_FULL;
    unsigned nicks = 0;
    struct occupant *mine = occupant_by_account(room, jid_bare(entry->in->from));
    if (mine == NULL && is_everywhere(step, entry->in))
        return &refusal_TOO_MANY_ROOMS;
    for (; mine != NULL; mine = mine->same_account)
        nicks++;
    return nicks >= ROOM_NICKS_PER_ACCOUNT ? &refusal_TOO_MANY_SESSIONS : NULL;
}

const struct feature feature_capacity = {
    .name = "capacity",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .may_enter = may_enter,
};
