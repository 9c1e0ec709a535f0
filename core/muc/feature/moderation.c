/*
 * Moderators take back what others have said: everybody is told, in the present form and in the one
 * before it, and in the history a tombstone stands instead of the message. Only messages that the
 * room still keeps can be retracted: of any other it does not know whether it was ever there.
 * @xep 0425 0.3.0 #disco #usecase #usecase-success #usecase-error #rules
 * @xep 0424 0.4.2 #disco
 */
#include "core/muc/feature.h"
#include "core/muc/groupchat.h"
#include "core/muc/retraction.h"

#include "core/xmpp/disco.h"

/* In the form before, the id stood further out, and what fastens came first. */
static void write_former(struct fb *fb, struct str stanza_id, const struct retraction *retraction)
{
    fb_open(fb, NAME_APPLY_TO, NS_FASTEN);
    fb_attr(fb, "id", stanza_id);
    fb_open(fb, NAME_MODERATED, NS_MODERATE_0);
    fb_attr(fb, "by", jid_full(retraction->moderator->jid));
    fb_empty(fb, NAME_RETRACT, NS_RETRACT_0);
    if (!str_empty(retraction->reason))
        fb_leaf(fb, NAME_REASON, NS_MODERATE_0, retraction->reason);
    fb_close(fb);
    fb_close(fb);
}

static struct frame *notice(const struct room *room, struct step *step, struct str stanza_id,
                            const struct retraction *retraction)
{
    struct fb fb;
    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR("groupchat"), retraction->id);
    fb_open(&fb, NAME_RETRACT, NS_RETRACT);
    fb_attr(&fb, "id", stanza_id);
    fb_moderated(&fb, retraction);
    if (!str_empty(retraction->reason))
        fb_leaf(&fb, NAME_REASON, NS_RETRACT, retraction->reason);
    fb_close(&fb);
    write_former(&fb, stanza_id, retraction);
    fb_stanza_id(&fb, room, step_id(step));
    return fb_finish(&fb);
}

/* What both forms have inside. */
static enum step_outcome moderate_as(struct room *room, struct step *step, const struct inbound *in,
                                     struct str stanza_id, const struct node *moderate)
{
    bool former = moderate->ns == NS_MODERATE_0;
    const struct node *retract =
        node_find(moderate, NAME_RETRACT, former ? NS_RETRACT_0 : NS_RETRACT);
    const struct node *reason = node_find(moderate, NAME_REASON, (enum ns)moderate->ns);
    struct retraction retraction = {
        .moderator = in->self,
        .reason = node_text(reason, step->arena),
    };

    if (in->self == NULL || in->self->role != ROLE_MODERATOR)
        return refuse(room, step, in, &refusal_NOT_MODERATOR);
    if (str_empty(stanza_id) || retract == NULL || retraction.reason.len > REASON_BYTES_MAX)
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    struct history_entry *entry = room_history_find(room, stanza_id);
    if (entry == NULL)
        return refuse(room, step, in, &refusal_MESSAGE_UNKNOWN);
    /* Another moderator may have been faster, or the author: then all is said. */
    if (!entry->retracted) {
        retraction.id = step_id(step);
        retraction_bury(room, step, entry, &retraction);
        effect_broadcast(step, notice(room, step, stanza_id, &retraction), room->roster,
                         AUDIENCE_ALL);
    }
    reply_result(room, step, in);
    return STEP_DONE;
}

static enum step_outcome moderate(struct room *room, struct step *step, const struct inbound *in)
{
    return moderate_as(room, step, in, node_attr(in->payload, NAME_ID), in->payload);
}

static const struct node *fastened(const struct inbound *in)
{
    return node_find(in->payload, NAME_MODERATE, NS_MODERATE_0);
}

static bool fastens_moderation(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return fastened(in) != NULL;
}

static enum step_outcome moderate_former(struct room *room, struct step *step,
                                         const struct inbound *in)
{
    return moderate_as(room, step, in, node_attr(in->payload, NAME_ID), fastened(in));
}

/* A room that keeps nothing has nothing that it could retract. */
static void disco(const struct room *room, struct fb *fb)
{
    if (room->options.history == 0)
        return;
    fb_feature_ns(fb, NS_MODERATE);
    fb_feature_ns(fb, NS_MODERATE_0);
    fb_feature_ns(fb, NS_RETRACT);
    fb_feature(fb, "urn:xmpp:message-retract:1#tombstone");
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_IQ,
        .targets = TARGET_ROOM,
        .types = TYPE_SET,
        .name = NAME_MODERATE,
        .ns = NS_MODERATE,
        .run = moderate,
    },
    {
        .kinds = KIND_IQ,
        .targets = TARGET_ROOM,
        .types = TYPE_SET,
        .name = NAME_APPLY_TO,
        .ns = NS_FASTEN,
        .match = fastens_moderation,
        .run = moderate_former,
    },
};

const struct feature feature_moderation = {
    .name = "moderation",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .disco = disco,
};
