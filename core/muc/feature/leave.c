/*
 * Leaving: by saying so, to whatever address of the room, or by being found gone: an error comes
 * back from the session's server that says that it is no more. Errors of other kinds put nobody
 * out, and no error is ever answered. That everybody leaves when the service ends (332) is in
 * core/muc/muc.c.
 * @xep 0045 1.35.5 #exit #impl-service-ghosts #service-error-kick #bizrules-presence.no-exit
 * @xep 0045 1.35.5 #bizrules-presence.ignored
 */
#include "core/muc/arrival.h"
#include "core/muc/bounce.h"
#include "core/muc/feature.h"

static enum step_outcome leave(struct room *room, struct step *step, const struct inbound *in)
{
    if (in->session == NULL)
        return STEP_DONE;
    struct news news = {.unavailable = true, .id = in->id, .id_for = in->session};
    struct arrival arrival;
    if (arrival_read(room, step, in, in->self->role, &arrival)) {
        news.payload = arrival.payload;
        news.lang = arrival.lang;
    }
    removal_session(room, step, in->session, &news);
    return STEP_DONE;
}

/* The account's server cannot be reached, so no session of the account can be. */
static void whole_account_gone(struct room *room, struct step *step, const struct inbound *in)
{
    struct news news = bounce_news(room, step->arena, in->root);
    struct leavers gone = leavers_begin(step, ROOM_NICKS_PER_ACCOUNT);
    struct occupant *occupant = occupant_by_account(room, jid_full(in->from));
    for (; occupant != NULL; occupant = occupant->same_account)
        leavers_add(&gone, occupant, &news);
    removal_many(room, step, &gone);
}

static enum step_outcome ghost(struct room *room, struct step *step, const struct inbound *in)
{
    if (in->session != NULL) {
        struct news news = bounce_news(room, step->arena, in->root);
        removal_session(room, step, in->session, &news);
    } else if (jid_is_bare(in->from) && bounce_of_server(in->root)) {
        whole_account_gone(room, step, in);
    }
    return STEP_DONE;
}

/* An error of somebody who is not inside may be about an invitation: not ours. */
static bool means_gone(const struct room *room, const struct inbound *in)
{
    if (in->session != NULL)
        return bounce_means_gone(in->root);
    return jid_is_bare(in->from) && bounce_of_server(in->root) &&
           occupant_by_account(room, jid_full(in->from)) != NULL;
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_PRESENCE,
        .targets = TARGET_ROOM | TARGET_OCCUPANT,
        .types = TYPE_UNAVAILABLE,
        .any_state = true,
        .run = leave,
    },
    {
        .kinds = KIND_PRESENCE,
        .targets = TARGET_ROOM | TARGET_OCCUPANT,
        .types = TYPE_ERROR,
        .any_state = true,
        .run = ghost,
    },
    {
        .kinds = KIND_MESSAGE,
        .targets = TARGET_ROOM | TARGET_OCCUPANT,
        .types = TYPE_ERROR,
        .match = means_gone,
        .any_state = true,
        .run = ghost,
    },
};

const struct feature feature_leave = {
    .name = "leave",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
