/*
 * How much one account may send into a room in a time: what an owner, or the operator for all
 * rooms, can set, and the check of who tries to enter. Measuring and waiting is core/muc/rate.h.
 *
 * A room of tens of thousands multiplies whatever anybody sends, so a measure of its own protects
 * it better than the speed of a connection: it counts the account, however many clients it has.
 * @xep 0045 1.35.5 #security-dos
 */
#include "core/muc/feature.h"
#include "core/muc/rate.h"

static const struct option options[] = {
    {
        .id = OPTION_ID_MESSAGE_RATE,
        .name = "message_rate",
        .field = "x-message_rate",
        .aliases = {"message_rate"},
        .label = "Most messages of one person in a second, on average (0: no limit)",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, message_rate),
        .max = RATE_SECOND_MAX,
        .preset = "0",
        .help = "messages of one account in a second, private ones too; more of them wait; 0: no "
                "limit",
    },
    {
        .id = OPTION_ID_MESSAGE_BURST,
        .name = "message_burst",
        .field = "x-message_burst",
        .aliases = {"message_burst"},
        .label = "Most messages of one person at once, if there is a limit",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, message_burst),
        .min = 1,
        .max = RATE_BURST_MAX,
        .preset = "10",
        .help = "messages of one account at once, after it has been quiet, where message_rate is "
                "not 0",
    },
    {
        .id = OPTION_ID_PRESENCE_RATE,
        .name = "presence_rate",
        .field = "x-presence_rate",
        .aliases = {"presence_rate"},
        .label = "Most changes of presence, nickname and attempts to enter of one person in a "
                 "minute (0: no limit)",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, presence_rate),
        .max = RATE_MINUTE_MAX,
        .preset = "0",
        .help = "changes of presence and nickname, and attempts to enter, of one account in a "
                "minute; 0: no limit",
    },
};

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    return rate_refuses(room, step, entry->in);
}

const struct feature feature_throttle = {
    .name = "throttle",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .may_enter = may_enter,
};
