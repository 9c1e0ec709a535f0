/*
 * What was said lately, for whoever enters: the longest run of messages up to the newest that keeps
 * within all limits asked for, and never more than the room keeps. The frames are those that
 * everybody received; only the delay is added, where there is none from the owner.
 * @xep 0045 1.35.5 #enter-history #enter-managehistory
 * @xep 0203 2.0 #protocol
 */
#include "core/muc/durable.h"
#include "core/muc/feature.h"

#include "core/xmpp/stamp.h"

#define DAY_US (INT64_C(86400) * 1000000)

static const struct option options[] = {
    {
        .id = OPTION_ID_HISTORY,
        .name = "history",
        .field = "muc#roomconfig_historylength",
        .aliases = {"muc#maxhistoryfetch"},
        .info = {"muc#maxhistoryfetch"},
        .label = "Most messages kept for those who enter",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, history),
        .min = 0,
        .max = ROOM_HISTORY_MAX,
        .preset = "20",
        .help = "most messages kept for those who enter",
    },
    {
        .id = OPTION_ID_HISTORY_DEFAULT,
        .name = "history_default",
        .field = "muc#roomconfig_defaulthistorymessages",
        .label = "Messages sent to those who do not say how many",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, history_default),
        .min = 0,
        .max = ROOM_HISTORY_MAX,
        .preset = "20",
        .help = "messages sent to those who enter and do not say how many",
    },
    {
        .id = OPTION_ID_SINCE_EXCLUSIVE,
        .name = "since_exclusive",
        .label = "Is what was said at the very moment a newcomer names left out?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, since_exclusive),
        .preset = "off",
        .help = "what was said at the very moment named by \"since\" is not sent again",
    },
};

struct bounds {
    uint64_t stanzas;
    uint64_t chars;
    int64_t since_us;
};

static void later(struct bounds *bounds, int64_t since_us)
{
    if (since_us > bounds->since_us)
        bounds->since_us = since_us;
}

/* What cannot be read as a limit is as if it were not there. */
static struct bounds read_bounds(const struct room *room, const struct step *step,
                                 const struct node *x)
{
    const struct node *history = node_find(x, NAME_HISTORY, NS_MUC);
    struct bounds bounds = {room->options.history, UINT64_MAX, INT64_MIN};
    bool limited = false;
    uint64_t number = 0;
    int64_t time_us = 0;
    if (str_to_u64(node_attr(history, NAME_MAXSTANZAS), &number)) {
        bounds.stanzas = number < bounds.stanzas ? number : bounds.stanzas;
        limited = true;
    }
    if (str_to_u64(node_attr(history, NAME_MAXCHARS), &number)) {
        bounds.chars = number;
        limited = true;
    }
    if (str_to_u64(node_attr(history, NAME_SECONDS), &number)) {
        bool in_range = number <= (uint64_t)INT32_MAX;
        later(&bounds, in_range ? step->now_us - (int64_t)number * 1000000 : INT64_MIN);
        limited = true;
    }
    if (stamp_parse(node_attr(history, NAME_SINCE), &time_us)) {
        later(&bounds, room->options.since_exclusive ? time_us + 1 : time_us);
        limited = true;
    }
    if (!limited && room->options.history_default < bounds.stanzas)
        bounds.stanzas = room->options.history_default;
    return bounds;
}

/* What retention takes from the store, newcomers are not shown either: a room in memory would have
 * it for longer, and show it until it is loaded again. */
static void keep_to_retention(const struct room *room, const struct step *step,
                              struct bounds *bounds)
{
    const struct room_options *own = &room->options;
    const struct muc_settings *service = room->env->settings;
    uint32_t days = own->keep_days != 0 ? own->keep_days : service->keep_days;
    uint32_t count = own->keep_count != 0 ? own->keep_count : service->keep_count;
    if (!room_is_durable(room))
        return;
    if (days != 0)
        later(bounds, step->now_us - days * DAY_US);
    if (own->archive && count != 0 && count < bounds->stanzas)
        bounds->stanzas = count;
}

static uint64_t chars_in(struct str text)
{
    uint64_t chars = 0;
    for (size_t i = 0; i < text.len; i++)
        chars += ((unsigned char)text.at[i] & 0xC0) != 0x80;
    return chars;
}

/* Characters of the whole stanza as this session receives it. */
static uint64_t chars_sent(const struct frame *frame, const struct session *session,
                           struct str tail)
{
    return chars_in(str_of(frame->bytes, frame->size)) +
           chars_in(str_of(session->address->bytes, session->address->size)) + chars_in(tail);
}

static void entered(struct room *room, struct step *step, struct session *session,
                    const struct node *x)
{
    struct bounds bounds = read_bounds(room, step, x);
    keep_to_retention(room, step, &bounds);
    uint32_t kept = room->history.count;
    uint32_t most = bounds.stanzas < kept ? (uint32_t)bounds.stanzas : kept;
    if (most == 0)
        return;
    struct listed_frame *listed = ARENA_NEW_ARRAY(step->arena, struct listed_frame, most);
    uint32_t count = 0;
    uint64_t chars = 0;
    while (count < most) {
        const struct history_entry *entry = room_history_at(room, kept - 1 - count);
        struct listed_frame *next = &listed[most - 1 - count];
        if (!entry->dated)
            next->tail = stamp_delay(step->arena, jid_full(room->jid), entry->at_us);
        if (bounds.chars != UINT64_MAX)
            chars += chars_sent(entry->frame, session, next->tail);
        if (entry->at_us < bounds.since_us || chars > bounds.chars)
            break;
        next->frame = frame_ref(entry->frame);
        count++;
    }
    if (count > 0)
        effect_send_list(step, listed + most - count, count, session->route, session->address);
}

const struct feature feature_history = {
    .name = "history",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .entered = entered,
};
