#include "shard/lower.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/muc/durable.h"
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
    else if (effect->kind == FX_LOSS_HEARD)
        fanout_loss_heard(fanout, lowering->order, effect->loss_heard.link);
    else
        fanout_broadcast(fanout, lowering->order, effect->broadcast.frame, effect->broadcast.roster,
                         effect->broadcast.audience);
}

/* ---- what is not delivered ---- */

/* What the archive would answer is something else after it, or none of whoever asks any more. */
static bool outdates_answers(const struct room *room, const struct change *change)
{
    bool switches = !room_is_durable(room) || !change_leaves_durable(room, change);
    return change->kind == CHANGE_CREATE || change->kind == CHANGE_DESTROY ||
           change->kind == CHANGE_BURY || (change->kind == CHANGE_OPTIONS && switches);
}

static void lower_commit(const struct lowering *lowering, const struct change *change)
{
    struct backing *backing = lowering->entry->backing;
    const struct keeping *keeping = lowering->keeping;
    struct buf *batch = commits_batch(keeping->commits, &backing->unsaved);
    backing->unsaved.gated_at = batch->len;
    record_change(batch, lowering->arena, lowering->entry->room, change);
    backing->unsaved.gated = true;
    backing->outdates = outdates_answers(lowering->entry->room, change);
    backing->unsaved.power |= keeping->power_gated;
}

static void lower_append(const struct lowering *lowering, const struct effect *effect)
{
    struct backing *backing = lowering->entry->backing;
    const struct keeping *keeping = lowering->keeping;
    struct buf *batch = commits_batch(keeping->commits, &backing->unsaved);
    struct record_item item = {.op = RECORD_APPEND, .message = *effect->append.message};
    record_add(batch, &item);
    if (effect->append.held) {
        backing->unsaved.power |= keeping->power_messages;
        backing->unsaved.held = true;
        backing->held = backing->unsaved.ticket;
        if (backing->hold == NULL)
            backing->hold = hold_new();
        hold_message(backing->hold, effect->append.frame, backing->held);
    }
    frame_unref(effect->append.frame);
}

static void lower_session(const struct lowering *lowering, struct str jid)
{
    struct backing *backing = lowering->entry->backing;
    struct buf *batch = commits_batch(lowering->keeping->commits, &backing->unsaved);
    record_behind(batch, lowering->arena, lowering->entry->room, jid);
}

/* What a room asks for itself it asks again. */
static void refuse_ask(const struct lowering *lowering, const struct asked *ask)
{
    struct refuse_more more = {.by = jid_full(ask->to)};
    if (ask->stanza == NULL)
        return;
    struct frame *frame = refusal_frame(lowering->arena, stanza_root(ask->stanza),
                                        &refusal_RESOURCE_CONSTRAINT, jid_full(ask->to), &more);
    if (frame != NULL)
        fanout_one(lowering->fanout, lowering->order, ask->route, frame,
                   address_new(jid_full(ask->from)));
}

void lower_asked(const struct lowering *lowering, struct message *message)
{
    const struct room_entry *entry = lowering->entry;
    struct asked *ask = message->ask;
    bool enough = ask->again > ASKS_AGAIN_MAX || fanout_overloaded(lowering->fanout);
    message->kind = MSG_ASK;
    ask->as_of = entry == NULL || entry->backing == NULL ? 0 : entry->backing->changed;
    if (enough || !asks_begin(lowering->keeping->asks, ask->from)) {
        refuse_ask(lowering, ask);
        message_free(message);
        return;
    }
    post_reader(lowering->keeping->exchange, message);
}

static void lower_ask(const struct lowering *lowering, const struct effect *effect)
{
    struct message *message = message_new(MSG_ASK);
    message->ask = asked_new(effect->ask.query, effect->ask.listing);
    message->ask->stanza = effect->ask.stanza == NULL ? NULL : stanza_copy(effect->ask.stanza);
    message->ask->from = jid_copy(effect->ask.from);
    message->ask->to = jid_copy(effect->ask.to);
    message->ask->route = effect->ask.by;
    message->ask->shard = lowering->keeping->shard;
    lower_asked(lowering, message);
}

/* True: it was one of those. */
static bool lower_order(const struct lowering *lowering, const struct effect *effect)
{
    switch (effect->kind) {
    case FX_SEND:
    case FX_SEND_LIST:
    case FX_BROADCAST:
    case FX_ROUTE:
    case FX_LOSS_HEARD:
        return false;
    case FX_TIMER:
        rooms_set_alarm(lowering->rooms, lowering->entry, effect->timer.timer, effect->timer.at_us);
        return true;
    case FX_PUBLISH:
        rooms_publish(lowering->rooms, lowering->entry, effect->publish.listed,
                      effect->publish.name, effect->publish.occupants);
        return true;
    case FX_TALLY:
        tallies_change(directory_tallies(lowering->directory), lowering->service,
                       effect->tally.account, effect->tally.inside);
        return true;
    case FX_COMMAND:
        commands_begin(lowering->commands, effect->command.command, lowering->now_us);
        return true;
    case FX_REPORT:
        commands_report(lowering->commands, &effect->report.ticket, effect->report.outcome);
        return true;
    case FX_COMMIT:
        lower_commit(lowering, effect->commit.change);
        return true;
    case FX_APPEND:
        lower_append(lowering, effect);
        return true;
    case FX_ASK:
        lower_ask(lowering, effect);
        return true;
    case FX_SESSION:
        lower_session(lowering, effect->session.jid);
        return true;
    }
    never("an effect nobody lowers");
}

static void lower_orders(const struct lowering *lowering, struct effects *effects)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < effects->count; i++) {
        if (!lower_order(lowering, &effects->at[i]))
            effects->at[left++] = effects->at[i];
    }
    effects->count = left;
}

/* ---- what is ---- */

void lower_held(const struct lowering *lowering, struct effects *effects)
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
    for (uint32_t i = 0; i < effects->count; i++) {
        struct effect *effect = &effects->at[i];
        if (effect->kind == FX_ROUTE)
            lower_route(lowering, effect->route.frame, effect->route.to);
        else if (window != NULL)
            window_hold(window, effect);
        else
            lower_delivery(lowering, effect);
    }
    if (window != NULL)
        window_settle(window, lowering->now_us);
    effects->count = 0;
}

void lower_effects(const struct lowering *lowering, struct effects *effects)
{
    struct backing *backing = lowering->entry == NULL ? NULL : lowering->entry->backing;
    lower_orders(lowering, effects);
    if (backing_holds(backing))
        hold_add(backing->hold, effects, lowering->origin, backing->held);
    else
        lower_held(lowering, effects);
}
