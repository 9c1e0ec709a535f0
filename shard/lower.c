#include "shard/lower.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xmpp/refusal.h"

/* What comes back to the room if nobody can be reached there; NULL: nothing. */
static const struct refusal *why_unreachable(const struct lowering *lowering,
                                             const struct frame *frame, const struct jid *to)
{
    if (directory_is_local(lowering->directory, to))
        return &refusal_SERVICE_UNAVAILABLE;
    if (!directory_has_links(lowering->directory, lowering->service))
        return &refusal_REMOTE_NOT_FOUND;
    /* The links are down, and who is behind them has not left: of a message that comes back the
     * room would think so (SEMANTICS 4.7.1). */
    bool counts = frame_is(frame, STR("message")) && lowering->entry != NULL &&
                  room_has_account(lowering->entry->room, to);
    return counts ? NULL : &refusal_REMOTE_TIMEOUT;
}

static void lower_route(const struct lowering *lowering, struct frame *frame, const struct jid *to)
{
    struct route routes[RESOURCES_PER_ACCOUNT];
    struct way way = {lowering->service, to, lowering->origin};
    bool local = directory_is_local(lowering->directory, to);
    unsigned count = 0;
    /* An IQ to an account is the server's to answer, never a client's (RFC 6121 section
     * 8.5.2.1.3). */
    if (!local || !jid_is_bare(to) || !frame_is(frame, STR("iq")))
        count = directory_reach(lowering->directory, &way, routes, RESOURCES_PER_ACCOUNT);
    const struct refusal *why = count == 0 ? why_unreachable(lowering, frame, to) : NULL;
    if (why != NULL && lowering->bounces != NULL)
        bounces_add(lowering->bounces, lowering->arena, frame, to, why);
    struct address *address = count > 0 ? address_new(jid_full(to)) : NULL;
    for (unsigned i = 0; i < count; i++)
        fanout_one(lowering->fanout, lowering->order, routes[i], frame_ref(frame),
                   address_ref(address));
    address_unref(address);
    frame_unref(frame);
}

static void lower_delivery(const struct lowering *lowering, const struct effect *effect)
{
    struct fanout *fanout = lowering->fanout;
    if (effect->kind == FX_SEND)
        fanout_one(fanout, lowering->order, effect->send.route, effect->send.frame,
                   effect->send.address);
    else if (effect->kind == FX_SEND_LIST && effect->send_list.showing != NULL)
        fanout_showing(fanout, lowering->order, effect->send_list.route, effect->send_list.showing,
                       effect->send_list.address);
    else if (effect->kind == FX_SEND_LIST)
        fanout_list(fanout, lowering->order, effect->send_list.route, effect->send_list.frames,
                    effect->send_list.count, effect->send_list.address);
    else
        fanout_broadcast(fanout, lowering->order, effect->broadcast.frame, effect->broadcast.roster,
                         effect->broadcast.audience);
}

static void lower_effect(const struct lowering *lowering, struct window *window,
                         struct effect *effect)
{
    switch (effect->kind) {
    case FX_SEND:
    case FX_SEND_LIST:
    case FX_BROADCAST:
        if (window != NULL)
            window_hold(window, effect);
        else
            lower_delivery(lowering, effect);
        return;
    case FX_ROUTE:
        lower_route(lowering, effect->route.frame, effect->route.to);
        return;
    case FX_TIMER:
        ensure(lowering->entry != NULL);
        rooms_set_alarm(lowering->rooms, lowering->entry, effect->timer.timer, effect->timer.at_us);
        return;
    case FX_PUBLISH:
        ensure(lowering->entry != NULL);
        rooms_publish(lowering->rooms, lowering->entry, effect->publish.listed,
                      effect->publish.name, effect->publish.occupants);
        return;
    case FX_TALLY:
        tallies_change(directory_tallies(lowering->directory), lowering->service,
                       effect->tally.account, effect->tally.inside);
        return;
    case FX_COMMAND:
        commands_begin(lowering->commands, effect->command.command, lowering->now_us);
        return;
    case FX_REPORT:
        commands_report(lowering->commands, &effect->report.ticket, effect->report.outcome);
        return;
    }
    never("an effect nobody lowers");
}

void lower_effects(const struct lowering *lowering, struct effects *effects)
{
    struct window *window = NULL;
    if (lowering->entry != NULL) {
        struct window_step step = {
            .effects = effects,
            .room = lowering->order,
            .sessions = room_sessions(lowering->entry->room),
            .now_us = lowering->now_us,
        };
        window = window_for(lowering->windows, &lowering->entry->window, &step);
    }
    for (uint32_t i = 0; i < effects->count; i++)
        lower_effect(lowering, window, &effects->at[i]);
    if (window != NULL)
        window_settle(window, lowering->now_us);
    effects->count = 0;
}
