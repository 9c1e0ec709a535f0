/*
 * What of a client's stanza may go out under the room's name. One list for messages and presences,
 * so that nothing a room vouches for can be forged through either.
 * @xep 0045 1.35.5 #bizrules-presence.forged #bizrules-presence.extensions
 * @xep 0045 1.35.5 #bizrules-message.extensions
 */
#include "core/muc/feature.h"

/* Does an address written by a client name this room? Prepared first: case is no disguise. */
static bool names_room(const struct room *room, struct arena *arena, struct str text)
{
    if (str_empty(text))
        return false;
    const struct jid *jid = jid_parse(arena, text);
    return jid != NULL && jid_bare_eq(jid, room->jid);
}

/* Only the room says that a message was moderated. */
static bool says_moderated(const struct node *child)
{
    if (child->ns == NS_MODERATE || child->ns == NS_MODERATE_0)
        return true;
    if (child->ns != NS_RETRACT && child->ns != NS_RETRACT_0 && child->ns != NS_FASTEN)
        return false;
    return node_find(child, NAME_NONE, NS_MODERATE) != NULL ||
           node_find(child, NAME_NONE, NS_MODERATE_0) != NULL;
}

bool reflect_may_pass(const struct room *room, struct arena *arena, const struct node *child)
{
    if (node_is_text(child))
        return false;
    unsigned ns = child->ns;
    if (ns == NS_MUC || ns == NS_MUC_USER || ns == NS_OCCUPANT_ID || ns == NS_HATS)
        return false;
    if (ns == NS_STANZA_ID && child->name == NAME_STANZA_ID)
        return !names_room(room, arena, node_attr(child, NAME_BY));
    if (ns == NS_DELAY || ns == NS_XDELAY)
        return !names_room(room, arena, node_attr(child, NAME_FROM));
    return !says_moderated(child);
}

struct reflection {
    const struct room *room;
    struct arena *arena;
};

static bool reflect_keep(const struct node *child, void *self)
{
    const struct reflection *reflection = self;
    return reflect_may_pass(reflection->room, reflection->arena, child);
}

void reflect_children(struct room *room, struct fb *fb, const struct node *message)
{
    struct reflection reflection = {room, fb->arena};
    fb_children(fb, message, reflect_keep, &reflection);
}
