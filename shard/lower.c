#include "shard/lower.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xmpp/refusal.h"

/* An IQ to an account is the server's to answer, never a client's (RFC 6121 section 8.5.2.1.3). */
static bool is_iq(const struct frame *frame)
{
    static const char begin[] = "<iq ";
    return frame->size >= sizeof(begin) - 1 && memcmp(frame->bytes, begin, sizeof(begin) - 1) == 0;
}

static void lower_route(const struct lowering *lowering, struct frame *frame, const struct jid *to)
{
    struct route routes[RESOURCES_PER_ACCOUNT];
    struct way way = {lowering->service, to, lowering->origin};
    bool local = directory_is_local(lowering->directory, to);
    unsigned count = 0;
    if (!local || !jid_is_bare(to) || !is_iq(frame))
        count = directory_reach(lowering->directory, &way, routes, RESOURCES_PER_ACCOUNT);
    if (count == 0 && lowering->bounces != NULL)
        bounces_add(lowering->bounces, lowering->arena, frame, to,
                    local ? &refusal_SERVICE_UNAVAILABLE : &refusal_REMOTE_NOT_FOUND);
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
