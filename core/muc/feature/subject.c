/*
 * The subject. Moderators may change it, participants where the room says so; everybody is told,
 * and whoever enters is told last, after the history: exactly one message, also if there is none.
 * @xep 0045 1.35.5 #subject-mod #subject-occupant #enter-subject
 */
#include "core/muc/feature.h"
#include "core/muc/groupchat.h"
#include "core/muc/keeping.h"

#include "core/xmpp/stamp.h"

static const struct option options[] = {
    {
        .id = OPTION_ID_CHANGE_SUBJECT,
        .name = "change_subject",
        .field = "muc#roomconfig_changesubject",
        .info = {"muc#roominfo_subjectmod", "muc#roomconfig_changesubject"},
        .label = "Participants may change the subject",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, change_subject),
        .preset = "off",
        .help = "participants may change the subject, not only moderators",
    },
};

static bool is_subject(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return groupchat_is_subject(in->root);
}

static bool may_change(const struct room *room, const struct occupant *occupant)
{
    enum role needed = room->options.change_subject ? ROLE_PARTICIPANT : ROLE_MODERATOR;
    return occupant->role >= needed;
}

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    UNUSED(in);
    effect_broadcast(step, frame_ref(change->subject.frame), room->roster, AUDIENCE_ALL);
}

/* What is both would be understood as one by some and as the other by others. */
static bool takes_back(const struct inbound *in)
{
    return node_find(in->root, NAME_RETRACT, NS_RETRACT) != NULL;
}

static enum step_outcome set_subject(struct room *room, struct step *step, const struct inbound *in)
{
    if (in->session == NULL)
        return refuse(room, step, in, &refusal_NOT_OCCUPANT);
    if (!may_change(room, in->self)) {
        return refuse_with(room, step, in, &refusal_SUBJECT_DENIED,
                           (struct refuse_more){.echo = in->root, .echo_subject = true});
    }
    if (takes_back(in))
        return refuse(room, step, in, &refusal_SUBJECT_RETRACTS);
    bool repeated = groupchat_repeats_subject(room, step, in);
    struct groupchat message = groupchat_make(room, step, in);
    struct frame *frame = message.frame;
    bool many = node_count(in->root, NAME_SUBJECT, NS_STANZA) > ROOM_SUBJECT_LANGS_MAX;
    if (many || frame->size > ROOM_SUBJECT_BYTES_MAX) {
        frame_unref(frame);
        return refuse(room, step, in, &refusal_SUBJECT_TOO_LONG);
    }
    if (repeated) {
        effect_broadcast(step, frame, room->roster, AUDIENCE_ALL);
        return STEP_DONE;
    }
    const struct node *subject = node_find(in->root, NAME_SUBJECT, NS_STANZA);
    struct change *change = ARENA_NEW(step->arena, struct change);
    change->kind = CHANGE_SUBJECT;
    change->subject.frame = frame;
    change->subject.plain = node_text(subject, step->arena);
    change->subject.at_us = step->now_us;
    if (room->options.archive && groupchat_is_archived(in->root))
        change->kept = keeping_row(room, step, in, &message);
    return change_submit(room, step, change, announce, in);
}

static void entered(struct room *room, struct step *step, struct session *session,
                    const struct node *x)
{
    UNUSED(x);
    const struct subject *subject = &room->subject;
    if (subject->frame == NULL) {
        effect_send(step, groupchat_no_subject(room, step), session->route, session->address);
        return;
    }
    struct listed_frame *listed = ARENA_NEW(step->arena, struct listed_frame);
    listed->frame = frame_ref(subject->frame);
    listed->tail = stamp_delay(step->arena, jid_full(room->jid), subject->at_us);
    effect_send_list(step, listed, 1, session->route, session->address);
}

static void disco_form(const struct room *room, struct fb *fb)
{
    if (!str_empty(room->subject.plain))
        fb_field(fb, "muc#roominfo_subject", "text-single", "Subject", room->subject.plain);
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_MESSAGE,
        .targets = TARGET_ROOM,
        .types = TYPE_GROUPCHAT,
        .name = NAME_SUBJECT,
        .ns = NS_STANZA,
        .match = is_subject,
        .run = set_subject,
    },
};

const struct feature feature_subject = {
    .name = "subject",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .entered = entered,
    .disco_form = disco_form,
};
