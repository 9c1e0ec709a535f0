#include "core/muc/invitation.h"

#include "core/muc/room.h"

static bool beside_reason(const struct node *child, void *self)
{
    UNUSED(self);
    return !node_is_text(child) && !node_is(child, NAME_REASON, NS_MUC_USER);
}

void fb_invitation(struct fb *fb, struct str reason, const struct node *node)
{
    fb_leaf(fb, NAME_REASON, NS_MUC_USER, reason);
    if (node != NULL)
        fb_children(fb, node, beside_reason, NULL);
}

/* How the inviter is shown: by its occupant JID where real ones are secret from the invited. */
static struct str inviter_address(const struct room *room, struct step *step,
                                  const struct inbound *in, const struct jid *to)
{
    const struct room_options *options = &room->options;
    const struct affiliate *row = room_affiliate(room, jid_bare(in->from));
    enum role role = role_default(room_affiliation(room, to), room_kind(options));

    if (options->whois == WHOIS_ANYONE || role == ROLE_MODERATOR)
        return jid_full(in->from);
    if (in->self != NULL)
        return jid_full(in->self->jid);
    if (row != NULL && !str_empty(row->nick))
        return jid_full(jid_with_resource(step->arena, room->jid, row->nick));
    return jid_full(room->jid);
}

/* For clients that know neither kind of invitation. The password has no place here. */
static struct str body_text(const struct room *room, struct step *step, struct str inviter,
                            struct str reason)
{
    struct buf text;

    buf_init(&text, step->arena);
    buf_add(&text, inviter);
    buf_addz(&text, " invited you to the room ");
    buf_add(&text, jid_full(room->jid));
    if (!str_empty(reason)) {
        buf_addz(&text, " (");
        buf_add(&text, reason);
        buf_addz(&text, ")");
    }
    return buf_str(&text);
}

void invitation_send(struct room *room, struct step *step, const struct inbound *in,
                     const struct invitation *invitation)
{
    struct str inviter = inviter_address(room, step, in, invitation->to);
    struct str reason = invitation->reason;
    struct fb fb;

    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR_NONE, invitation->id);
    fb_lang(&fb, node_attr_ns(in->root, NAME_LANG, NS_XML));
    fb_open(&fb, NAME_X, NS_MUC_USER);
    fb_open(&fb, NAME_INVITE, NS_MUC_USER);
    fb_attr(&fb, "from", inviter);
    fb_invitation(&fb, reason, invitation->node);
    fb_close(&fb);
    if (!str_empty(room->options.password))
        fb_leaf(&fb, NAME_PASSWORD, NS_MUC_USER, room->options.password);
    fb_close(&fb);
    fb_leaf(&fb, NAME_BODY, NS_STANZA, body_text(room, step, inviter, reason));
    fb_open(&fb, NAME_X, NS_CONFERENCE);
    fb_attr(&fb, "jid", jid_full(room->jid));
    if (!str_empty(reason))
        fb_text(&fb, reason);
    fb_close(&fb);
    effect_route(step, fb_finish(&fb), invitation->to);
    room_invite_keep(room, jid_bare(invitation->to), jid_bare(in->from), invitation->id);
}
