/*
 * Messages to everybody. The room reflects one and the same frame to all sessions, the sender's own
 * included, in one order; it keeps the sender's id.
 * @xep 0045 1.35.5 #message.reflect #message.visitor #message.stranger #message.stable-id
 * @xep 0045 1.35.5 #bizrules-message.outside #bizrules-message.refused #registrar-features
 * @xep 0045 1.35.5 #continue
 */
#include "core/muc/feature.h"
#include "core/muc/groupchat.h"

#include "core/xmpp/disco.h"

static bool not_subject(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return !groupchat_is_subject(in->root);
}

static const struct refusal *may_speak(struct room *room, struct step *step,
                                       const struct inbound *in)
{
    UNUSED(room);
    UNUSED(step);
    if (in->session == NULL)
        return &refusal_NOT_OCCUPANT;
    return in->self->role < ROLE_PARTICIPANT ? &refusal_NO_VOICE : NULL;
}

/* An owner who makes a conversation of two a conference sends what was said before, with the times
 * of then: the room adds none to those (7.9). */
static bool is_dated(const struct room *room, const struct step *step, const struct inbound *in)
{
    const struct node *delay = node_find(in->root, NAME_DELAY, NS_DELAY);
    while (delay != NULL && !reflect_may_pass(room, step->arena, delay))
        delay = node_find_next(delay, NAME_DELAY, NS_DELAY);
    return delay != NULL && in->affiliation == AFF_OWNER;
}

static enum step_outcome say(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = features_may_speak(room, step, in);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct frame *frame = groupchat_frame(room, step, in);
    if (groupchat_is_kept(in->root))
        room_history_add(room, frame, step->now_us, is_dated(room, step, in));
    effect_broadcast(step, frame, room->roster, AUDIENCE_ALL);
    return STEP_DONE;
}

static void disco(const struct room *room, struct fb *fb)
{
    UNUSED(room);
    fb_feature(fb, "http://jabber.org/protocol/muc#stable_id");
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_MESSAGE,
        .targets = TARGET_ROOM,
        .types = TYPE_GROUPCHAT,
        .match = not_subject,
        .run = say,
    },
};

const struct feature feature_message = {
    .name = "message",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .may_speak = may_speak,
    .disco = disco,
};
