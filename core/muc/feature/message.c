/*
 * Messages to everybody. The room reflects one and the same frame to all sessions, the sender's own
 * included, in one order; it keeps the sender's id.
 * @xep 0045 1.35.5 #message.reflect #message.visitor #message.stranger #message.stable-id
 * @xep 0045 1.35.5 #bizrules-message.outside #bizrules-message.refused #registrar-features
 * @xep 0045 1.35.5 #continue
 * A message that its author retracts becomes a tombstone, in the history and in the archive.
 * @xep 0424 0.4.2 #usecase #rules #business-id
 * @xep 0308 1.2.1 #rules
 */
#include "core/muc/burial.h"
#include "core/muc/feature.h"
#include "core/muc/groupchat.h"
#include "core/muc/keeping.h"
#include "core/muc/retraction.h"

#include "core/xmpp/disco.h"

static bool not_subject(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return !groupchat_is_subject(in->root);
}

static bool wrote(const struct occupant *occupant, const struct history_entry *entry)
{
    return str_eq(str_of(entry->author, OCCUPANT_ID_BYTES), occupant_id(occupant));
}

static uint64_t id_hash(const struct room *room, struct str id)
{
    return hash_str(&room->env->hash_key, id);
}

/* Does it correct what somebody else has said? Ids are the senders', so several may have used the
 * same one; and of what is not kept any more nobody knows who said it. */
static bool corrects_others(const struct room *room, const struct inbound *in)
{
    const struct node *replace = node_find(in->root, NAME_REPLACE, NS_CORRECT);
    if (replace == NULL)
        return false;
    uint64_t corrected = id_hash(room, node_attr(replace, NAME_ID));
    bool others = false;
    for (uint32_t i = 0; i < room->history.count; i++) {
        const struct history_entry *entry = room_history_at(room, i);
        if (entry->id_hash != corrected)
            continue;
        if (wrote(in->self, entry))
            return false;
        others = true;
    }
    return others;
}

static const struct refusal *may_speak(struct room *room, struct step *step,
                                       const struct inbound *in)
{
    UNUSED(step);
    if (in->session == NULL)
        return &refusal_NOT_OCCUPANT;
    if (in->self->role < ROLE_PARTICIPANT)
        return &refusal_NO_VOICE;
    if (room->options.own_corrections && corrects_others(room, in))
        return &refusal_CORRECTION_FOREIGN;
    return NULL;
}

/* Which message is to be taken back; STR_NONE: none is. */
static struct str retracted_id(const struct room *room, struct step *step, const struct inbound *in)
{
    const struct node *retract = node_find(in->root, NAME_RETRACT, NS_RETRACT);
    if (retract == NULL || !reflect_may_pass(room, step->arena, retract))
        return STR_NONE;
    return node_attr(retract, NAME_ID);
}

/* One's own only, and once. What else it is that is to be retracted, clients may know. */
static bool may_take_back(const struct inbound *in, const struct history_entry *entry)
{
    return entry != NULL && !entry->retracted && wrote(in->self, entry);
}

static void taken_back(struct room *room, struct step *step, const struct change *change,
                       const struct inbound *in)
{
    struct groupchat message = {
        .frame = change->bury.notice,
        .id = change->bury.notice_id,
        .stanza_id = change->bury.notice_stanza_id,
    };
    if (change->kept != NULL)
        keeping_show(room, step, in, &message, change->kept->at_us);
    effect_broadcast(step, frame_ref(message.frame), room->roster, AUDIENCE_ALL);
}

static enum step_outcome take_back(struct room *room, struct step *step, const struct inbound *in,
                                   const struct history_entry *entry)
{
    struct groupchat message = groupchat_make(room, step, in);
    struct retraction retraction = {.id = message.id};
    struct change change = retraction_change(room, step, entry, &retraction);
    change.bury.notice = message.frame;
    change.bury.notice_id = message.id;
    change.bury.notice_stanza_id = message.stanza_id;
    change.kept = keeping_wanted(room, step, in, &message);
    return change_submit(room, step, &change, taken_back, in);
}

/* Maybe the archive has it, and then it is maybe the sender's own. What else it is, clients may
 * know; so everybody is told, once it is certain that the archive will be asked. */
static enum step_outcome take_back_older(struct room *room, struct step *step,
                                         const struct inbound *in, struct str stanza_id)
{
    const struct burial *burial = burial_of(room, step, in->self, stanza_id, in->id);
    if (burial == NULL)
        return refuse(room, step, in, &refusal_RESOURCE_CONSTRAINT);
    struct groupchat message = groupchat_make(room, step, in);
    struct change change = {.kind = CHANGE_BURIAL};
    change.burial.of = burial;
    change.bury.notice = message.frame;
    change.bury.notice_id = message.id;
    change.bury.notice_stanza_id = message.stanza_id;
    change.kept = keeping_wanted(room, step, in, &message);
    return change_submit(room, step, &change, taken_back, in);
}

static enum step_outcome say(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = features_may_speak(room, step, in);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct str taken_back_id = retracted_id(room, step, in);
    const struct history_entry *entry = room_history_find(room, taken_back_id);
    if (may_take_back(in, entry))
        return take_back(room, step, in, entry);
    if (entry == NULL && burial_is_due(room, in->self, taken_back_id))
        return take_back_older(room, step, in, taken_back_id);
    struct groupchat message = groupchat_make(room, step, in);
    keeping_message(room, step, in, &message);
    effect_broadcast(step, message.frame, room->roster, AUDIENCE_ALL);
    return STEP_DONE;
}

static void disco(const struct room *room, struct fb *fb)
{
    UNUSED(room);
    fb_feature(fb, "http://jabber.org/protocol/muc#stable_id");
}

static const struct option options[] = {
    {
        .id = OPTION_ID_OWN_CORRECTIONS,
        .name = "own_corrections",
        .label = "Are corrections of others' messages refused?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, own_corrections),
        .preset = "off",
        .help = "a correction is refused if the message, which the room still keeps, is not the "
                "sender's own",
    },
};

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
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .may_speak = may_speak,
    .disco = disco,
};
