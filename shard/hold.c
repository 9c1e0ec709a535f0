#include "shard/hold.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

enum { STEPS_FIRST = 8 };

struct waiting_step {
    struct held_step step; /* effects, lists and addresses in them on the heap */
    uint64_t ticket;
    size_t bytes;
};

struct unkept {
    struct frame *frame; /* a reference */
    uint64_t ticket;
};

struct hold {
    struct waiting_step *steps; /* a ring */
    uint32_t size, start, count;
    struct unkept *messages; /* in the order of their tickets */
    uint32_t message_count, message_cap;
    size_t bytes;
};

struct hold *hold_new(void)
{
    return MEM_NEW(struct hold);
}

static struct waiting_step *step_at(struct hold *hold, uint32_t i)
{
    return &hold->steps[(hold->start + i) % hold->size];
}

/* ---- in ---- */

static struct waiting_step *append(struct hold *hold)
{
    if (hold->count == hold->size) {
        uint32_t size = hold->size == 0 ? STEPS_FIRST : hold->size * 2;
        struct waiting_step *steps = mem_raw(sizeof(*steps) * size);
        for (uint32_t i = 0; i < hold->count; i++)
            steps[i] = *step_at(hold, i);
        mem_free(hold->steps);
        hold->steps = steps;
        hold->size = size;
        hold->start = 0;
    }
    return step_at(hold, hold->count++);
}

static size_t keep_list(struct effect *effect)
{
    uint32_t count = effect->send_list.count;
    size_t bytes = 0;
    if (count == 0)
        return showing_bytes(effect->send_list.showing);
    struct listed_frame *frames = MEM_NEW_ARRAY(struct listed_frame, count);
    for (uint32_t i = 0; i < count; i++) {
        frames[i].frame = effect->send_list.frames[i].frame;
        frames[i].tail = str_copy(effect->send_list.frames[i].tail);
        bytes += frames[i].frame->size;
    }
    effect->send_list.frames = frames;
    return bytes;
}

/* Out of the step's arena, with the references that it has. Returns how large it is. */
static size_t keep(struct effect *effect)
{
    switch (effect->kind) {
    case FX_SEND:
        return effect->send.frame->size;
    case FX_SEND_LIST:
        return keep_list(effect);
    case FX_BROADCAST:
        return effect->broadcast.frame->size;
    case FX_LOSS_HEARD:
        return 0;
    case FX_ROUTE:
        effect->route.to = jid_copy(effect->route.to);
        return effect->route.frame->size;
    case FX_TIMER:
    case FX_PUBLISH:
    case FX_COMMIT:
    case FX_APPEND:
    case FX_ASK:
    case FX_SESSION:
    case FX_TALLY:
    case FX_COMMAND:
    case FX_REPORT:
        break;
    }
    never("an effect that does not wait");
}

void hold_add(struct hold *hold, struct effects *effects, struct route origin, uint64_t ticket)
{
    if (effects->count == 0)
        return;
    struct waiting_step *waiting = append(hold);
    *waiting = (struct waiting_step){.ticket = ticket};
    waiting->step.origin = origin;
    waiting->step.effects.count = effects->count;
    waiting->step.effects.cap = effects->count;
    waiting->step.effects.at = mem_raw(sizeof(struct effect) * effects->count);
    memcpy(waiting->step.effects.at, effects->at, sizeof(struct effect) * effects->count);
    for (uint32_t i = 0; i < effects->count; i++)
        waiting->bytes += keep(&waiting->step.effects.at[i]);
    hold->bytes += waiting->bytes;
    effects->count = 0;
}

void hold_message(struct hold *hold, struct frame *frame, uint64_t ticket)
{
    if (hold->message_count == hold->message_cap) {
        hold->message_cap = hold->message_cap == 0 ? STEPS_FIRST : hold->message_cap * 2;
        hold->messages = mem_grow(hold->messages, sizeof(*hold->messages) * hold->message_cap);
    }
    hold->messages[hold->message_count++] = (struct unkept){frame_ref(frame), ticket};
}

/* ---- out ---- */

void hold_done(struct held_step *step)
{
    for (uint32_t i = 0; i < step->effects.cap; i++) {
        struct effect *effect = &step->effects.at[i];
        if (effect->kind == FX_ROUTE) {
            jid_free((struct jid *)effect->route.to);
        } else if (effect->kind == FX_SEND_LIST && effect->send_list.count > 0) {
            for (uint32_t k = 0; k < effect->send_list.count; k++)
                str_free(&effect->send_list.frames[k].tail);
            mem_free(effect->send_list.frames);
        }
    }
    mem_free(step->effects.at);
}

static void forget_messages(struct hold *hold, uint64_t ticket)
{
    uint32_t gone = 0;
    while (gone < hold->message_count && hold->messages[gone].ticket <= ticket)
        frame_unref(hold->messages[gone++].frame);
    hold->message_count -= gone;
    if (gone > 0)
        memmove(hold->messages, hold->messages + gone,
                sizeof(*hold->messages) * hold->message_count);
}

bool hold_next(struct hold *hold, uint64_t ticket, struct held_step *step)
{
    if (hold->count == 0 || step_at(hold, 0)->ticket > ticket) {
        forget_messages(hold, ticket);
        return false;
    }
    const struct waiting_step *waiting = step_at(hold, 0);
    *step = waiting->step;
    hold->bytes -= waiting->bytes;
    hold->start = (hold->start + 1) % hold->size;
    hold->count--;
    return true;
}

/* ---- failure ---- */

static bool is_unkept(const struct hold *hold, uint64_t ticket, const struct frame *frame)
{
    for (uint32_t i = 0; i < hold->message_count && hold->messages[i].ticket <= ticket; i++) {
        if (hold->messages[i].ticket == ticket && hold->messages[i].frame == frame)
            return true;
    }
    return false;
}

static void thin_list(const struct hold *hold, uint64_t ticket, struct effect *effect)
{
    struct listed_frame *frames = effect->send_list.frames;
    uint32_t left = 0;
    if (effect->send_list.count == 0)
        return;
    for (uint32_t i = 0; i < effect->send_list.count; i++) {
        if (!is_unkept(hold, ticket, frames[i].frame)) {
            frames[left++] = frames[i];
            continue;
        }
        frame_unref(frames[i].frame);
        str_free(&frames[i].tail);
    }
    effect->send_list.count = left;
    if (left == 0)
        mem_free(frames);
}

/* False: nothing is left of it. */
static bool survives(const struct hold *hold, uint64_t ticket, struct effect *effect)
{
    if (effect->kind == FX_SEND_LIST) {
        thin_list(hold, ticket, effect);
        if (effect->send_list.count > 0 || effect->send_list.showing != NULL)
            return true;
        address_unref(effect->send_list.address);
        return false;
    }
    if (effect->kind != FX_BROADCAST || !is_unkept(hold, ticket, effect->broadcast.frame))
        return true;
    frame_unref(effect->broadcast.frame);
    roster_unref(effect->broadcast.roster);
    return false;
}

void hold_fail(struct hold *hold, uint64_t ticket)
{
    for (uint32_t i = 0; i < hold->count; i++) {
        struct effects *effects = &step_at(hold, i)->step.effects;
        uint32_t left = 0;
        for (uint32_t k = 0; k < effects->count; k++) {
            if (survives(hold, ticket, &effects->at[k]))
                effects->at[left++] = effects->at[k];
        }
        effects->count = left;
        effects->cap = left;
    }
    forget_messages(hold, ticket);
}

void hold_free(struct hold *hold)
{
    if (hold == NULL)
        return;
    struct held_step step;
    while (hold_next(hold, UINT64_MAX, &step)) {
        effects_release(&step.effects);
        hold_done(&step);
    }
    mem_free(hold->messages);
    mem_free(hold->steps);
    mem_free(hold);
}

bool hold_empty(const struct hold *hold)
{
    return hold->count == 0;
}

size_t hold_bytes(const struct hold *hold)
{
    return hold->bytes;
}
