/*
 * Reading a stanza into a `struct inbound`, and the ways to answer one.
 */
#include "core/muc/inbound.h"

#include "core/muc/presence.h"
#include "core/muc/room.h"

static enum stanza_type presence_type(struct str type)
{
    if (!str_present(type))
        return TYPE_AVAILABLE;
    if (str_eqz(type, "unavailable"))
        return TYPE_UNAVAILABLE;
    if (str_eqz(type, "error"))
        return TYPE_ERROR;
    if (str_eqz(type, "probe"))
        return TYPE_PROBE;
    return TYPE_OTHER;
}

static enum stanza_type message_type(struct str type)
{
    if (str_eqz(type, "groupchat"))
        return TYPE_GROUPCHAT;
    if (str_eqz(type, "chat"))
        return TYPE_CHAT;
    if (str_eqz(type, "error"))
        return TYPE_ERROR;
    if (str_eqz(type, "headline"))
        return TYPE_HEADLINE;
    return TYPE_NORMAL;
}

static enum stanza_type iq_type(struct str type)
{
    if (str_eqz(type, "get"))
        return TYPE_GET;
    if (str_eqz(type, "set"))
        return TYPE_SET;
    if (str_eqz(type, "result"))
        return TYPE_RESULT;
    if (str_eqz(type, "error"))
        return TYPE_ERROR;
    return TYPE_OTHER;
}

static bool read_kind(struct inbound *in)
{
    struct str type = node_attr(in->root, NAME_TYPE);
    if (node_is(in->root, NAME_MESSAGE, NS_STANZA)) {
        in->kind = KIND_MESSAGE;
        in->type = message_type(type);
        return true;
    }
    if (node_is(in->root, NAME_PRESENCE, NS_STANZA)) {
        in->kind = KIND_PRESENCE;
        in->type = presence_type(type);
        return true;
    }
    if (node_is(in->root, NAME_IQ, NS_STANZA)) {
        in->kind = KIND_IQ;
        in->type = iq_type(type);
        return true;
    }
    return false;
}

bool inbound_read(const struct room *room, const struct step *step, const struct event *event,
                  struct inbound *in)
{
    *in = (struct inbound){
        .stanza = event->stanza.stanza,
        .root = stanza_root(event->stanza.stanza),
        .from = event->stanza.from,
        .to = event->stanza.to,
        .route = event->stanza.route,
        .rooms = event->stanza.rooms,
    };
    if (!read_kind(in))
        return false;
    in->target = jid_is_bare(in->to) ? TARGET_ROOM : TARGET_OCCUPANT;
    in->nick = jid_resource(in->to);
    in->id = node_attr(in->root, NAME_ID);
    if (in->kind == KIND_IQ && (in->type & (TYPE_GET | TYPE_SET)) != 0)
        in->payload = node_first(in->root);
    if (room == NULL)
        return true;
    in->session = session_find(room, jid_full(in->from));
    in->self = in->session == NULL ? NULL : in->session->occupant;
    if (in->self != NULL)
        in->self_nick = str_in(step->arena, occupant_nick(in->self));
    /* For who is inside the room keeps it at hand. */
    in->affiliation = in->self != NULL ? in->self->affiliation : room_affiliation(room, in->from);
    return true;
}

bool inbound_is_request(const struct inbound *in)
{
    return in->kind == KIND_IQ && (in->type & (TYPE_GET | TYPE_SET)) != 0 && !str_empty(in->id) &&
           node_count(in->root, NAME_NONE, NS_NONE) == 1;
}

bool inbound_is_kept_out(const struct room *room, const struct inbound *in)
{
    const struct room_options *options = &room->options;
    return options->conceal && !options->is_public && options->members_only &&
           in->affiliation < AFF_MEMBER && in->session == NULL;
}

void reply(struct step *step, const struct inbound *in, struct frame *frame)
{
    /* Not the session's address: what is answered may have ended the session. */
    struct address *address = address_new(jid_full(in->from));
    effect_send(step, frame, in->route, address);
    address_unref(address);
}

void reply_begin(struct fb *fb, struct step *step, const struct inbound *in)
{
    fb_begin(fb, step->arena, "iq", jid_full(in->to), STR("result"), in->id);
}

void reply_result(struct room *room, struct step *step, const struct inbound *in)
{
    UNUSED(room);
    struct fb fb;
    reply_begin(&fb, step, in);
    reply(step, in, fb_finish(&fb));
}

/* What has a meaning of its own in a URI, and is none of the separators of an address, is written
 * as a number (RFC 5122); letters of all languages stay. */
static struct str join_uri(struct arena *arena, struct str jid)
{
    struct buf uri;
    buf_init(&uri, arena);
    buf_addz(&uri, "xmpp:");
    for (size_t i = 0; i < jid.len; i++) {
        unsigned char byte = (unsigned char)jid.at[i];
        bool special = byte < 0x80 && strchr(" \"#%&'<>?\\^`{|}", byte) != NULL;
        if (special)
            buf_addf(&uri, "%%%02X", byte);
        else
            buf_addc(&uri, jid.at[i]);
    }
    buf_addz(&uri, "?join");
    return buf_str(&uri);
}

/* Where a destroyed room has moved to, and why (SEMANTICS 3.12). */
static void add_tombstone(const struct room *room, struct step *step, struct refuse_more *more)
{
    if (str_present(room->tombstone->alternate))
        more->uri = join_uri(step->arena, room->tombstone->alternate);
    if (!str_empty(room->tombstone->reason))
        more->text = room->tombstone->reason;
}

enum step_outcome refuse_with(struct room *room, struct step *step, const struct inbound *in,
                              const struct refusal *refusal, struct refuse_more more)
{
    /* A room that cannot be has nothing to say: its service does (SEMANTICS 1.9). */
    bool impossible = refusal == &refusal_ROOM_NAME_INVALID;
    more.by = impossible ? jid_domain(room->jid) : jid_full(room->jid);
    if (in->kind == KIND_PRESENCE && node_find(in->root, NAME_X, NS_MUC) != NULL)
        more.echo_muc = true;
    if (refusal == &refusal_ROOM_GONE && room->state == ROOM_DESTROYED)
        add_tombstone(room, step, &more);
    struct frame *frame = refusal_frame(step->arena, in->root, refusal, jid_full(in->to), &more);
    if (frame != NULL)
        reply(step, in, frame);
    return STEP_DONE;
}

enum step_outcome refuse(struct room *room, struct step *step, const struct inbound *in,
                         const struct refusal *refusal)
{
    return refuse_with(room, step, in, refusal, (struct refuse_more){0});
}

enum step_outcome refuse_form(struct room *room, struct step *step, const struct inbound *in,
                              const struct form *form)
{
    return refuse_with(room, step, in, &refusal_FORM_TYPE,
                       (struct refuse_more){.text = str_z(form->fault)});
}

struct actor inbound_actor(const struct inbound *in)
{
    if (!str_present(in->self_nick))
        return (struct actor){.nick = STR_NONE, .jid = jid_bare(in->from)};
    return (struct actor){.nick = in->self_nick, .jid = jid_full(in->from)};
}
