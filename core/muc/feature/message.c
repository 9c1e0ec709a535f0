/*
 * Messages to everybody. The room reflects one and the same frame to all sessions, the sender's own
 * included, in one order; it keeps the sender's id.
 * @xep 0045 1.35.5 #message.reflect #message.visitor #message.stranger #message.stable-id
 * @xep 0045 1.35.5 #bizrules-message.outside #bizrules-message.refused #registrar-features
 * @xep 0045 1.35.5 #continue
 * A message that its author retracts becomes a tombstone in the history.
 * @xep 0424 0.4.2 #usecase #rules #business-id
 * @xep 0308 1.2.1 #rules
 */
#include "core/muc/feature.h"
#include "core/muc/groupchat.h"
#include "core/muc/retraction.h"

#include "core/xmpp/disco.h"
#include "core/xmpp/stamp.h"

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

/* An owner who makes a conversation of two a conference sends what was said before, with the times
 * of then: the room adds none to those (7.9). */
static const struct node *dating(const struct room *room, const struct step *step,
                                 const struct inbound *in)
{
    const struct node *delay = node_find(in->root, NAME_DELAY, NS_DELAY);
    while (delay != NULL && !reflect_may_pass(room, step->arena, delay))
        delay = node_find_next(delay, NAME_DELAY, NS_DELAY);
    return in->affiliation == AFF_OWNER ? delay : NULL;
}

static void keep(struct room *room, struct step *step, const struct inbound *in,
                 const struct groupchat *message)
{
    const struct node *delay = dating(room, step, in);
    struct history_entry entry = {
        .frame = message->frame,
        .at_us = step->now_us,
        .dated = delay != NULL,
        .id_hash = id_hash(room, message->id),
    };
    if (!stamp_parse(node_attr(delay, NAME_STAMP), &entry.dated_us))
        entry.dated_us = step->now_us;
    memcpy(entry.stanza_id, message->stanza_id.at, STANZA_ID_BYTES);
    memcpy(entry.author, in->self->id, OCCUPANT_ID_BYTES);
    room_history_add(room, &entry);
}

/* One's own message only; what else it is that is to be retracted, clients may know. */
static void retract(struct room *room, struct step *step, const struct inbound *in,
                    const struct groupchat *message)
{
    const struct node *retract = node_find(in->root, NAME_RETRACT, NS_RETRACT);
    if (retract == NULL || !reflect_may_pass(room, step->arena, retract))
        return;
    struct history_entry *entry = room_history_find(room, node_attr(retract, NAME_ID));
    struct retraction retraction = {.id = message->id};
    if (entry != NULL && wrote(in->self, entry))
        retraction_bury(room, step, entry, &retraction);
}

static enum step_outcome say(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = features_may_speak(room, step, in);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct groupchat message = groupchat_make(room, step, in);
    retract(room, step, in, &message);
    if (groupchat_is_kept(in->root))
        keep(room, step, in, &message);
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
