/*
 * Destroying a room: the owner's request, farewell to those inside, and a tombstone that tells
 * later visitors where the room has gone. Nothing of the room outlives it.
 * @xep 0045 1.35.5 #destroyroom
 */
#include "core/muc/destruction.h"
#include "core/muc/feature.h"

#include <stddef.h>

static const struct node *destroy_node(const struct inbound *in)
{
    return node_find(in->payload, NAME_DESTROY, NS_MUC_OWNER);
}

static bool asks(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return destroy_node(in) != NULL;
}

static bool owner_asks(const struct room *room, const struct inbound *in)
{
    return room_exists(room) && in->affiliation == AFF_OWNER && destroy_node(in) != NULL;
}

static struct str child_text(struct step *step, const struct node *node, enum name name)
{
    return node_text(node_find(node, name, NS_MUC_OWNER), step->arena);
}

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    struct farewell farewell = {
        .alternate = change->destroy.alternate,
        .reason = change->destroy.reason,
        .password = child_text(step, destroy_node(in), NAME_PASSWORD),
    };

    destruction_empty_room(room, step, &farewell);
    reply_result(room, step, in);
}

/* Another end, or a configuration: what cannot be undone has to be clear. */
static bool says_more(const struct inbound *in)
{
    return node_count(in->payload, NAME_DESTROY, NS_MUC_OWNER) > 1 ||
           node_find(in->payload, NAME_X, NS_DATA) != NULL;
}

static enum step_outcome destroy(struct room *room, struct step *step, const struct inbound *in)
{
    const struct node *node = destroy_node(in);
    struct str alternate = node_attr(node, NAME_JID);
    struct change change = {.kind = CHANGE_DESTROY};
    const struct jid *jid;

    if (says_more(in))
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    if (!str_empty(alternate)) {
        jid = jid_parse(step->arena, alternate);
        if (jid == NULL)
            return refuse(room, step, in, &refusal_JID_MALFORMED);
        change.destroy.alternate = jid_full(jid);
    }
    change.destroy.reason = child_text(step, node, NAME_REASON);
    if (change.destroy.reason.len > REASON_BYTES_MAX ||
        child_text(step, node, NAME_PASSWORD).len > ROOM_TEXT_BYTES_MAX)
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    change.destroy.until_us = destruction_tombstone(room, step);
    return change_submit(room, step, &change, announce, in);
}

static enum step_outcome deny(struct room *room, struct step *step, const struct inbound *in)
{
    return refuse(room, step, in, &refusal_NOT_OWNER);
}

static const struct option options[] = {
    {
        .id = OPTION_ID_DESTROY_ITEM_NONE,
        .name = "destroy_item_none",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, destroy_none),
        .preset = "off",
        .help = "who is put out by the end of a room is told affiliation none, as ejabberd does, "
                "not the one it had",
    },
};

/* An owner may give up a room that was never configured; for others it is not there yet. */
static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_SET,
     .name = NAME_QUERY,
     .ns = NS_MUC_OWNER,
     .match = owner_asks,
     .any_state = true,
     .run = destroy},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_SET,
     .name = NAME_QUERY,
     .ns = NS_MUC_OWNER,
     .match = asks,
     .run = deny},
};

const struct feature feature_destroy = {
    .name = "destroy",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
