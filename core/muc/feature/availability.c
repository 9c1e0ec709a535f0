/*
 * Presence of those who are inside: new shows, statuses and extensions are passed on to who sees a
 * difference, and always confirmed to who sent them. Probes are answered with what the asking
 * occupant may see; strangers learn nothing and nobody enters by probing.
 * @xep 0045 1.35.5 #changepres
 */
#include "core/muc/addressee.h"
#include "core/muc/arrival.h"
#include "core/muc/feature.h"
#include "core/muc/rate.h"

#include "core/xmpp/prep.h"

static const struct option options[] = {
    {
        .id = OPTION_ID_VISITOR_STATUS,
        .name = "visitor_status",
        .field = "muc#roomconfig_allowvisitorstatus",
        .aliases = {"allow_visitor_status"},
        .label = "Visitors may have a status text",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, visitor_status),
        .preset = "on",
        .help = "visitors may have a status text in their presence",
    },
};

static bool own_presence(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return in->session != NULL && node_find(in->root, NAME_X, NS_MUC) == NULL &&
           (in->target == TARGET_ROOM || str_eq(in->nick, occupant_nick(in->self)));
}

static enum step_outcome update(struct room *room, struct step *step, const struct inbound *in)
{
    struct arrival arrival;
    if (!arrival_read(room, step, in, in->self->role, &arrival))
        return refuse(room, step, in, &refusal_PRESENCE_TOO_LARGE);
    if (rate_update_waits(room, step, in))
        return STEP_DONE;
    struct news news = {.id = in->id, .id_for = in->session, .urgency = URGENCY_STANDING};
    if (arrival_apply(room, in->session, &arrival))
        presence_announce(room, step, in->self, &news);
    else
        presence_to_self(room, step, in->self, in->session, &news);
    return STEP_DONE;
}

/* Nobody with that nickname is inside: its absent owner is shown, anybody else is met with silence.
 * */
static void answer_for_absent(struct room *room, struct step *step, const struct inbound *in)
{
    struct str key = prep_nick_key(step->arena, in->nick);
    const struct affiliate *owner = room_nick_owner(room, key);
    if (owner != NULL && str_eq(owner->nick, in->nick) && occupant_by_nick(room, key) == NULL) {
        bool own = str_eq(owner->jid, in->self->account);
        bool with_jid = own || presence_sees_jids(room, in->self);
        reply(step, in, presence_absent(room, step, owner, with_jid));
    }
}

static enum step_outcome probe(struct room *room, struct step *step, const struct inbound *in)
{
    if (in->session == NULL)
        return refuse(room, step, in, &refusal_NOT_OCCUPANT);
    struct occupant *probed = in->target == TARGET_ROOM ? in->self : addressee(room, step, in);
    if (probed != NULL)
        reply(step, in, presence_view(room, step, probed, in->self));
    else
        answer_for_absent(room, step, in);
    return STEP_DONE;
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_PRESENCE,
        .targets = TARGET_ROOM | TARGET_OCCUPANT,
        .types = TYPE_AVAILABLE,
        .match = own_presence,
        .run = update,
    },
    {
        .kinds = KIND_PRESENCE,
        .targets = TARGET_ROOM | TARGET_OCCUPANT,
        .types = TYPE_PROBE,
        .run = probe,
    },
};

const struct feature feature_availability = {
    .name = "availability",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
