/*
 * Moderators take back what others have said: everybody is told, in the present form and in the one
 * before it, and in the history a tombstone stands instead of the message. Only messages that the
 * room still keeps, or its archive, can be retracted: of any other it does not know whether it was
 * ever there.
 * @xep 0425 0.3.0 #disco #usecase #usecase-success #usecase-error #rules
 * @xep 0424 0.4.2 #disco
 */
#include "core/base/err.h"
#include "core/muc/durable.h"
#include "core/muc/feature.h"
#include "core/muc/groupchat.h"
#include "core/muc/keeping.h"
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
                            struct str notice_id, const struct retraction *retraction)
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
    fb_stanza_id(&fb, room, notice_id);
    return fb_finish(&fb);
}

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    effect_broadcast(step, frame_ref(change->bury.notice), room->roster, AUDIENCE_ALL);
    reply_result(room, step, in);
}

static enum step_outcome take_away(struct room *room, struct step *step, const struct inbound *in,
                                   const struct history_entry *entry,
                                   const struct retraction *retraction)
{
    struct str stanza_id = str_of(entry->stanza_id, STANZA_ID_BYTES);
    struct groupchat message = {.id = retraction->id, .stanza_id = step_stanza_id(step)};
    struct change change = retraction_change(room, step, entry, retraction);
    message.frame = notice(room, step, stanza_id, message.stanza_id, retraction);
    change.bury.notice = message.frame;
    if (room->options.archive)
        change.kept = keeping_row(room, step, NULL, &message);
    return change_submit(room, step, &change, announce, in);
}

/* What both forms have inside. */
struct moderation {
    struct str stanza_id;
    struct retraction retraction;
};

static const struct refusal *read_moderation(const struct room *room, struct step *step,
                                             const struct inbound *in, const struct node *moderate,
                                             struct moderation *wanted)
{
    bool former = moderate->ns == NS_MODERATE_0;
    const struct node *retract =
        node_find(moderate, NAME_RETRACT, former ? NS_RETRACT_0 : NS_RETRACT);
    const struct node *reason = node_find(moderate, NAME_REASON, (enum ns)moderate->ns);

    wanted->stanza_id = node_attr(in->payload, NAME_ID);
    wanted->retraction = (struct retraction){
        .moderator = in->self,
        .reason = node_text(reason, step->arena),
    };
    if (inbound_is_kept_out(room, in))
        return &refusal_ROOM_MISSING;
    if (in->self == NULL || in->self->role != ROLE_MODERATOR)
        return &refusal_NOT_MODERATOR;
    if (str_empty(wanted->stanza_id) || retract == NULL ||
        wanted->retraction.reason.len > REASON_BYTES_MAX)
        return &refusal_BAD_REQUEST;
    return NULL;
}

/* Another moderator may have been faster, or the author: then all is said. */
static enum step_outcome moderate_entry(struct room *room, struct step *step,
                                        const struct inbound *in, const struct history_entry *entry,
                                        struct moderation *wanted)
{
    if (entry->retracted) {
        reply_result(room, step, in);
        return STEP_DONE;
    }
    wanted->retraction.id = step_id(step);
    return take_away(room, step, in, entry, &wanted->retraction);
}

static enum step_outcome moderate_as(struct room *room, struct step *step, const struct inbound *in,
                                     const struct node *moderate)
{
    struct moderation wanted;
    const struct refusal *refusal = read_moderation(room, step, in, moderate, &wanted);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    const struct history_entry *entry = room_history_find(room, wanted.stanza_id);
    if (entry != NULL)
        return moderate_entry(room, step, in, entry, &wanted);
    if (!room_is_durable(room))
        return refuse(room, step, in, &refusal_MESSAGE_UNKNOWN);
    keeping_look_up(room, step, in, wanted.stanza_id);
    return STEP_DONE;
}

/* The archive has it, or has not; all else is asked once more. */
static enum step_outcome moderate_archived(struct room *room, struct step *step,
                                           const struct inbound *in, const struct node *moderate,
                                           const struct archive_page *page)
{
    struct moderation wanted;
    struct history_entry entry;
    const struct refusal *refusal = read_moderation(room, step, in, moderate, &wanted);
    if (refusal == NULL && page->err != 0 && page->err != ERR_NOT_FOUND)
        refusal = &refusal_ARCHIVE_FAILED;
    if (refusal == NULL && (page->count == 0 || !keeping_entry(room, &page->rows[0], &entry)))
        refusal = &refusal_MESSAGE_UNKNOWN;
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    enum step_outcome outcome = moderate_entry(room, step, in, &entry, &wanted);
    frame_unref(entry.frame);
    return outcome;
}

static enum step_outcome moderate(struct room *room, struct step *step, const struct inbound *in)
{
    return moderate_as(room, step, in, in->payload);
}

static enum step_outcome moderated(struct room *room, struct step *step, const struct inbound *in,
                                   const struct event *answer)
{
    return moderate_archived(room, step, in, in->payload, answer->answer.page);
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
    return moderate_as(room, step, in, fastened(in));
}

static enum step_outcome moderated_former(struct room *room, struct step *step,
                                          const struct inbound *in, const struct event *answer)
{
    return moderate_archived(room, step, in, fastened(in), answer->answer.page);
}

/* A room that keeps nothing has nothing that it could retract. Of one in a store, an archive that
 * was switched off can still be read. */
static void disco(const struct room *room, struct fb *fb)
{
    if (room->options.history == 0 && !room_is_durable(room))
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
        .answered = moderated,
    },
    {
        .kinds = KIND_IQ,
        .targets = TARGET_ROOM,
        .types = TYPE_SET,
        .name = NAME_APPLY_TO,
        .ns = NS_FASTEN,
        .match = fastens_moderation,
        .run = moderate_former,
        .answered = moderated_former,
    },
};

const struct feature feature_moderation = {
    .name = "moderation",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .disco = disco,
};
