/*
 * The list a step's effects are gathered in. It grows in the step's arena; what an effect refers to
 * is counted, so that it outlives the step.
 */
#include "core/muc/effect.h"

#include "core/base/ensure.h"
#include "core/muc/command.h"
#include "core/muc/inbound.h"

enum { EFFECTS_FIRST = 16 };

static struct effect *effect_push(struct step *step, enum effect_kind kind)
{
    struct effects *effects = &step->effects;
    if (effects->count == effects->cap) {
        uint32_t cap = effects->cap == 0 ? EFFECTS_FIRST : effects->cap * 2;
        struct effect *at = arena_raw(step->arena, sizeof(*at) * cap);
        if (effects->count > 0)
            memcpy(at, effects->at, sizeof(*at) * effects->count);
        effects->at = at;
        effects->cap = cap;
    }
    struct effect *effect = &effects->at[effects->count++];
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    return effect;
}

void effect_send(struct step *step, struct frame *frame, struct route route,
                 struct address *address)
{
    ensure(frame != NULL && address != NULL);
    struct effect *effect = effect_push(step, FX_SEND);
    effect->send.frame = frame;
    effect->send.route = route;
    effect->send.address = address_ref(address);
}

void effect_send_list(struct step *step, struct listed_frame *frames, uint32_t count,
                      struct route route, struct address *address)
{
    ensure(address != NULL);
    if (count == 0)
        return;
    struct effect *effect = effect_push(step, FX_SEND_LIST);
    effect->send_list.frames = frames;
    effect->send_list.count = count;
    effect->send_list.route = route;
    effect->send_list.address = address_ref(address);
}

void effect_send_showing(struct step *step, struct showing *showing, struct route route,
                         struct address *address)
{
    ensure(address != NULL);
    if (showing == NULL)
        return;
    struct effect *effect = effect_push(step, FX_SEND_LIST);
    effect->send_list.showing = showing;
    effect->send_list.route = route;
    effect->send_list.address = address_ref(address);
}

void effect_broadcast(struct step *step, struct frame *frame, struct roster *roster,
                      struct audience audience)
{
    effect_presence(step, frame, roster, audience, (struct tidings){OCCUPANT_NONE, URGENCY_PROMPT});
}

void effect_presence(struct step *step, struct frame *frame, struct roster *roster,
                     struct audience audience, struct tidings tidings)
{
    ensure(frame != NULL && roster != NULL);
    ensure(tidings.urgency == URGENCY_PROMPT || tidings.about != OCCUPANT_NONE);
    struct effect *effect = effect_push(step, FX_BROADCAST);
    effect->broadcast.frame = frame;
    effect->broadcast.roster = roster_ref(roster);
    effect->broadcast.audience = audience;
    effect->broadcast.tidings = tidings;
}

void effect_route(struct step *step, struct frame *frame, const struct jid *to)
{
    ensure(frame != NULL);
    struct effect *effect = effect_push(step, FX_ROUTE);
    effect->route.frame = frame;
    effect->route.to = jid_make(step->arena, jid_local(to), jid_domain(to), jid_resource(to));
}

void effect_loss_heard(struct step *step, struct route link)
{
    effect_push(step, FX_LOSS_HEARD)->loss_heard.link = link;
}

void effect_timer(struct step *step, enum room_timer timer, int64_t at_us)
{
    struct effect *effect = effect_push(step, FX_TIMER);
    effect->timer.timer = timer;
    effect->timer.at_us = at_us;
}

void effect_publish(struct step *step, bool listed, struct str name, uint32_t occupants)
{
    struct effect *effect = effect_push(step, FX_PUBLISH);
    effect->publish.listed = listed;
    effect->publish.name = str_in(step->arena, name);
    effect->publish.occupants = occupants;
}

void effect_commit(struct step *step, const struct change *change)
{
    struct effect *effect = effect_push(step, FX_COMMIT);
    effect->commit.change = change;
}

void effect_append(struct step *step, struct frame *frame, const struct archived *message,
                   bool held)
{
    struct effect *effect = effect_push(step, FX_APPEND);
    effect->append.frame = frame_ref(frame);
    effect->append.message = message;
    effect->append.held = held;
}

static struct effect *push_ask(struct step *step, const struct inbound *in)
{
    struct effect *effect = effect_push(step, FX_ASK);
    effect->ask.stanza = in->stanza;
    effect->ask.from = in->from;
    effect->ask.to = in->to;
    effect->ask.by = in->route;
    return effect;
}

void effect_ask(struct step *step, const struct inbound *in, const struct archive_query *query)
{
    push_ask(step, in)->ask.query = query;
}

void effect_ask_own(struct step *step, const struct jid *room, const struct archive_query *query)
{
    struct effect *effect = effect_push(step, FX_ASK);
    effect->ask.query = query;
    effect->ask.stanza = NULL;
    effect->ask.from = room;
    effect->ask.to = room;
    effect->ask.by = ROUTE_NONE;
}

void effect_ask_listing(struct step *step, const struct inbound *in,
                        const struct stored_query *listing)
{
    push_ask(step, in)->ask.listing = listing;
}

void effect_session(struct step *step, struct str jid)
{
    struct effect *effect = effect_push(step, FX_SESSION);
    effect->session.jid = str_in(step->arena, jid);
}

void effect_tally(struct step *step, struct str account, bool inside)
{
    struct effect *effect = effect_push(step, FX_TALLY);
    effect->tally.account = str_in(step->arena, account);
    effect->tally.inside = inside;
}

void effect_command(struct step *step, struct command *command)
{
    ensure(command != NULL);
    struct effect *effect = effect_push(step, FX_COMMAND);
    effect->command.command = command;
}

void effect_report(struct step *step, const struct ticket *ticket, enum order_outcome outcome)
{
    struct effect *effect = effect_push(step, FX_REPORT);
    effect->report.ticket = *ticket;
    effect->report.outcome = outcome;
}

static void effect_release(struct effect *effect)
{
    switch (effect->kind) {
    case FX_SEND:
        frame_unref(effect->send.frame);
        address_unref(effect->send.address);
        return;
    case FX_SEND_LIST:
        for (uint32_t i = 0; i < effect->send_list.count; i++)
            frame_unref(effect->send_list.frames[i].frame);
        showing_free(effect->send_list.showing);
        address_unref(effect->send_list.address);
        return;
    case FX_BROADCAST:
        frame_unref(effect->broadcast.frame);
        roster_unref(effect->broadcast.roster);
        return;
    case FX_ROUTE:
        frame_unref(effect->route.frame);
        return;
    case FX_APPEND:
        frame_unref(effect->append.frame);
        return;
    case FX_COMMAND:
        command_free(effect->command.command);
        return;
    case FX_LOSS_HEARD:
    case FX_TIMER:
    case FX_PUBLISH:
    case FX_COMMIT:
    case FX_ASK:
    case FX_SESSION:
    case FX_TALLY:
    case FX_REPORT:
        return;
    }
}

void effects_release(struct effects *effects)
{
    for (uint32_t i = 0; i < effects->count; i++)
        effect_release(&effects->at[i]);
    effects->count = 0;
}
