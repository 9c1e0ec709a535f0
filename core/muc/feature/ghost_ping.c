/*
 * Errors that answer a ping of ours (core/muc/silence.h). Most are made by a client that does not
 * know pings, which is an answer as good as any. Those that say that nobody is there put the
 * session out, if it has not been heard of since it was asked. One of them proves little: a server
 * says service-unavailable of a session that has ended, but also of one whose connection is about
 * to come back, and a client may say it itself; so it has to be said of the second ping.
 *
 * No other error that is an answer puts anybody out: its id was never ours.
 * @xep 0045 1.35.5 #impl-service-ghosts
 * @xep 0199 2.0.1 #s2c
 */
#include "core/muc/bounce.h"
#include "core/muc/feature.h"
#include "core/muc/silence.h"

static const struct option options[] = {
    {
        .id = OPTION_ID_PING_MINUTES,
        .name = "ping_minutes",
        .label = "Minutes of silence until a client is asked whether it is there",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, ping_minutes),
        .min = 0,
        .max = PING_MINUTES_MAX,
        .preset = "15",
        .help = "minutes of silence until a session is pinged, twice, and then put out; 0: never",
    },
};

static bool needs_proof(const struct inbound *in)
{
    return node_is(bounce_condition(in->root), NAME_SERVICE_UNAVAILABLE, NS_STANZAS) &&
           in->session->pings < ROOM_PINGS_UNANSWERED;
}

static enum step_outcome answer(struct room *room, struct step *step, const struct inbound *in)
{
    struct session *session = in->session;
    if (session == NULL || session->pings == 0 || !silence_asked(room, step, in->id, session))
        return STEP_DONE;
    if (!bounce_means_gone(in->root)) {
        silence_broken(session, step->now_us);
        return STEP_DONE;
    }
    if (needs_proof(in))
        return STEP_DONE;
    struct news news = bounce_news(room, step->arena, in->root);
    removal_session(room, step, session, &news);
    return STEP_DONE;
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_IQ,
        .targets = TARGET_ROOM,
        .types = TYPE_ERROR,
        .run = answer,
    },
};

const struct feature feature_ghost_ping = {
    .name = "ghost_ping",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
