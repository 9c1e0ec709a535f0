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

/* What says something about another message lasts as that does, unless it forbids it. A retraction
 * lasts whatever it says (0424 #rules): who comes later has to learn of it. */
bool groupchat_is_archived(const struct node *message)
{
    if (node_find(message, NAME_RETRACT, NS_RETRACT) != NULL)
        return true;
    if (is_not_for_keeping(message))
        return false;
    return groupchat_is_kept(message) || groupchat_is_subject(message) ||
           node_find(message, NAME_NONE, NS_REACTIONS) != NULL ||
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

/* ---- the subject there is ---- */

/* The id the room has given to a message, from that. */
static struct str id_in(const struct room *room, const struct node *message)
{
    const struct node *id = node_find(message, NAME_STANZA_ID, NS_STANZA_ID);
    while (id != NULL && !str_eq(node_attr(id, NAME_BY), jid_full(room->jid)))
        id = node_find_next(id, NAME_STANZA_ID, NS_STANZA_ID);
    return node_attr(id, NAME_ID);
}

/* As it was broadcast; free it. NULL: there is none. */
static struct stanza *subject_now(const struct room *room)
{
    const struct frame *frame = room->subject.frame;
    return frame == NULL ? NULL : stanza_parse(str_of(frame->bytes, frame->size));
}

bool groupchat_subject_is(const struct room *room, struct str stanza_id)
{
    struct stanza *now = subject_now(room);
    bool is = now != NULL && str_eq(id_in(room, stanza_root(now)), stanza_id);
    stanza_free(now);
    return is;
}

bool groupchat_is_by(struct str xml, struct str author)
{
    struct stanza *message = stanza_parse(xml);
    if (message == NULL)
        return false;
    const struct node *id = node_find(stanza_root(message), NAME_OCCUPANT_ID, NS_OCCUPANT_ID);
    bool is = str_eq(node_attr(id, NAME_ID), author);
    stanza_free(message);
    return is;
}

static bool same_texts(struct arena *arena, const struct node *a, const struct node *b)
{
    const struct node *left = node_find(a, NAME_SUBJECT, NS_STANZA);
    const struct node *right = node_find(b, NAME_SUBJECT, NS_STANZA);
    while (left != NULL && right != NULL) {
        if (!str_eq(node_attr_ns(left, NAME_LANG, NS_XML),
                    node_attr_ns(right, NAME_LANG, NS_XML)) ||
            !str_eq(node_text(left, arena), node_text(right, arena)))
            return false;
        left = node_find_next(left, NAME_SUBJECT, NS_STANZA);
        right = node_find_next(right, NAME_SUBJECT, NS_STANZA);
    }
    return left == NULL && right == NULL;
}

bool groupchat_repeats_subject(const struct room *room, const struct step *step,
                               const struct inbound *in)
{
    const struct node *subject = node_find(in->root, NAME_SUBJECT, NS_STANZA);
    /* One look at the first text spares most of the rest. */
    if (!str_eq(node_text(subject, step->arena), room->subject.plain))
        return false;
    struct stanza *now = subject_now(room);
    if (now == NULL)
        return false;
    const struct node *root = stanza_root(now);
    const struct node *author = node_find(root, NAME_OCCUPANT_ID, NS_OCCUPANT_ID);
    bool repeats = str_eq(node_attr(author, NAME_ID), occupant_id(in->self)) &&
                   str_present(id_in(room, root)) && same_texts(step->arena, root, in->root);
    stanza_free(now);
    return repeats;
}

struct frame *groupchat_no_subject(const struct room *room, struct step *step)
{
    struct fb fb;
    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR("groupchat"), STR_NONE);
    fb_empty(&fb, NAME_SUBJECT, NS_STANZA);
    return fb_finish(&fb);
}

/* ---- what everybody receives ---- */

/* Where there is an archive, clients ask it by these ids: what it does not have has none. */
static bool is_known_by_id(const struct room *room, const struct step *step,
                           const struct inbound *in)
{
    if (!room->options.archive)
        return true;
    return groupchat_is_archived(in->root) &&
           !(groupchat_is_subject(in->root) && groupchat_repeats_subject(room, step, in));
}

struct groupchat groupchat_make(struct room *room, struct step *step, const struct inbound *in)
{
    struct fb fb;
    struct groupchat message = {.id = str_empty(in->id) ? step_id(step) : in->id};
    message.stanza_id = step_stanza_id(step);
    fb_begin(&fb, step->arena, "message", jid_full(in->self->jid), STR("groupchat"), message.id);
    fb_lang(&fb, node_attr_ns(in->root, NAME_LANG, NS_XML));
    reflect_children(room, &fb, in->root);
    struct stamping stamping = {.occupant = in->self, .in = in};
    if (is_known_by_id(room, step, in))
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
