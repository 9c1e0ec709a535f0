#include "core/muc/groupchat.h"

#include "core/muc/feature.h"

bool groupchat_is_subject(const struct node *message)
{
    return node_find(message, NAME_SUBJECT, NS_STANZA) != NULL &&
           node_find(message, NAME_BODY, NS_STANZA) == NULL &&
           node_find(message, NAME_THREAD, NS_STANZA) == NULL;
}

static bool is_not_for_keeping(const struct node *message)
{
    return node_find(message, NAME_NO_STORE, NS_HINTS) != NULL ||
           node_find(message, NAME_NO_PERMANENT_STORE, NS_HINTS) != NULL;
}

/* What says something about another message lasts as that does, unless it forbids it. */
bool groupchat_is_archived(const struct node *message)
{
    if (is_not_for_keeping(message))
        return false;
    return groupchat_is_kept(message) || node_find(message, NAME_NONE, NS_REACTIONS) != NULL ||
           node_find(message, NAME_RETRACT, NS_RETRACT) != NULL ||
           node_find(message, NAME_APPLY_TO, NS_FASTEN) != NULL ||
           node_find(message, NAME_REPLACE, NS_CORRECT) != NULL;
}

bool groupchat_is_kept(const struct node *message)
{
    if (is_not_for_keeping(message))
        return false;
    return node_find(message, NAME_STORE, NS_HINTS) != NULL ||
           node_find(message, NAME_BODY, NS_STANZA) != NULL ||
           node_find(message, NAME_ENCRYPTION, NS_EME) != NULL ||
           node_find(message, NAME_NONE, NS_CHAT_MARKERS) != NULL;
}

/* Where there is an archive, clients ask it by these ids: what it does not have has none. */
static bool is_known_by_id(const struct room *room, const struct node *message)
{
    return !room->options.archive || groupchat_is_archived(message) ||
           groupchat_is_subject(message);
}

struct groupchat groupchat_make(struct room *room, struct step *step, const struct inbound *in)
{
    struct fb fb;
    struct groupchat message = {.id = str_empty(in->id) ? step_id(step) : in->id};
    message.stanza_id = step_id(step);
    fb_begin(&fb, step->arena, "message", jid_full(in->self->jid), STR("groupchat"), message.id);
    fb_lang(&fb, node_attr_ns(in->root, NAME_LANG, NS_XML));
    reflect_children(room, &fb, in->root);
    struct stamping stamping = {.occupant = in->self, .in = in};
    if (is_known_by_id(room, in->root))
        stamping.stanza_id = message.stanza_id;
    features_stamp_message(room, step, &fb, &stamping);
    message.frame = fb_finish(&fb);
    return message;
}

void fb_stanza_id(struct fb *fb, const struct room *room, struct str stanza_id)
{
    fb_open(fb, NAME_STANZA_ID, NS_STANZA_ID);
    fb_attr(fb, "by", jid_full(room->jid));
    fb_attr_plain(fb, STR("id"), stanza_id);
    fb_close(fb);
}
