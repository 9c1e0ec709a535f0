/*
 * Requests from occupant to occupant. The one who is asked sees the asker's nickname and an id it
 * can make nothing of: in it, encrypted, stands where the answer belongs, so that the room keeps no
 * table and a restart loses nothing. An answer counts only from the address that was asked.
 * Addresses in errors are left out.
 *
 * What concerns the account and not a client (vCard, personal eventing) is asked of the account's
 * server, and may only be read.
 * @xep 0045 1.35.5 #disco-occupant #bizrules-iq.forward #bizrules-iq.secret
 */
#include "core/muc/addressee.h"
#include "core/muc/bounce.h"
#include "core/muc/feature.h"

static const struct option options[] = {
    {
        .id = OPTION_ID_ALLOW_QUERY,
        .name = "allow_query",
        .field = "muc#roomconfig_allow_query_users",
        .info = {"muc#roomconfig_allow_query_users"},
        .aliases = {"allow_query_users"},
        .label = "Occupants may send requests to each other",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, allow_query),
        .preset = "on",
        .help = "occupants may send requests (vCard, ping, discovery) to each other",
    },
};

enum { SEALED_STEP = 256 };

/* Where an answer belongs. Control characters cannot be part of an address, so lines keep the parts
 * apart; the id comes last, for it may contain anything. Before them stand blanks, so that the
 * length says little of the asker's address. */
struct relayed {
    struct str room;
    struct str asker; /* full JID */
    struct str asked; /* JID the request was sent to */
    struct str nick;  /* address the asker used */
    struct str id;
};

static struct str relayed_seal(struct step *step, const struct relayed *relayed)
{
    const struct muc_crypto *crypto = step->env->crypto;
    const struct str parts[] = {relayed->room, relayed->asker, relayed->asked, relayed->nick};
    size_t len = relayed->id.len + ARRAY_LEN(parts) + 1;
    struct buf plain;
    buf_init(&plain, step->arena);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        len += parts[i].len;
    for (; len % SEALED_STEP != 0; len++)
        buf_addc(&plain, ' ');
    buf_addc(&plain, '\n');
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        buf_add(&plain, parts[i]);
        buf_addc(&plain, '\n');
    }
    buf_add(&plain, relayed->id);
    return crypto->seal(crypto->self, step->arena, buf_str(&plain));
}

static bool next_line(struct str *rest, struct str *line)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);
    if (end == NULL)
        return false;
    *line = str_of(rest->at, (size_t)(end - rest->at));
    *rest = str_of(end + 1, rest->len - line->len - 1);
    return true;
}

static bool relayed_open(const struct room *room, struct step *step, struct str id,
                         struct relayed *relayed)
{
    const struct muc_crypto *crypto = step->env->crypto;
    struct str plain = crypto->open(crypto->self, step->arena, id), padding;
    if (!str_present(plain) || !next_line(&plain, &padding) || !next_line(&plain, &relayed->room) ||
        !next_line(&plain, &relayed->asker) || !next_line(&plain, &relayed->asked) ||
        !next_line(&plain, &relayed->nick))
        return false;
    relayed->id = plain;
    return str_eq(relayed->room, jid_full(room->jid));
}

static bool for_account(const struct node *payload)
{
    return node_is(payload, NAME_VCARD, NS_VCARD) || node_is(payload, NAME_VCARD4, NS_VCARD4) ||
           node_is(payload, NAME_PUBSUB, NS_PUBSUB);
}

static const struct refusal *refuse_stranger(const struct inbound *in)
{
    bool disco = node_is(in->payload, NAME_QUERY, NS_DISCO_INFO) ||
                 node_is(in->payload, NAME_QUERY, NS_DISCO_ITEMS);
    return disco ? &refusal_OCCUPANT_DISCO : &refusal_NOT_OCCUPANT;
}

static const struct refusal *may_ask(const struct room *room, const struct inbound *in,
                                     const struct occupant *asked)
{
    if (str_empty(in->id) || in->id.len > RELAYED_ID_BYTES_MAX || in->payload == NULL)
        return &refusal_BAD_REQUEST;
    if (asked == NULL)
        return &refusal_NICK_UNKNOWN;
    if (!room->options.allow_query && asked != in->self)
        return &refusal_QUERY_DENIED;
    return in->type == TYPE_SET && for_account(in->payload) ? &refusal_ACCOUNT_SET : NULL;
}

static enum step_outcome ask(struct room *room, struct step *step, const struct inbound *in)
{
    if (in->session == NULL)
        return refuse(room, step, in, refuse_stranger(in));
    const struct occupant *asked = addressee(room, step, in);
    const struct refusal *refusal = may_ask(room, in, asked);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    const struct session *primary = occupant_primary(asked);
    bool account = for_account(in->payload);
    struct relayed relayed = {
        .room = jid_full(room->jid),
        .asker = jid_full(in->session->jid),
        .asked = account ? jid_bare(primary->jid) : jid_full(primary->jid),
        .nick = occupant_nick(asked),
        .id = in->id,
    };
    struct fb fb;
    fb_begin(&fb, step->arena, "iq", jid_full(in->self->jid), node_attr(in->root, NAME_TYPE),
             relayed_seal(step, &relayed));
    fb_lang(&fb, node_attr_ns(in->root, NAME_LANG, NS_XML));
    fb_node(&fb, in->payload);
    struct frame *frame = fb_finish(&fb);
    if (account)
        effect_route(step, frame, jid_to_bare(step->arena, primary->jid));
    else
        effect_send(step, frame, primary->route, primary->address);
    return STEP_DONE;
}

static enum step_outcome answer(struct room *room, struct step *step, const struct inbound *in)
{
    struct relayed relayed;
    if (str_empty(in->id) || !relayed_open(room, step, in->id, &relayed) ||
        !str_eq(relayed.asked, jid_full(in->from)))
        return STEP_DONE;
    const struct session *asker = session_find(room, relayed.asker);
    if (asker == NULL)
        return STEP_DONE;
    const struct jid *from = jid_with_resource(step->arena, room->jid, relayed.nick);
    struct fb fb;
    fb_begin(&fb, step->arena, "iq", jid_full(from), node_attr(in->root, NAME_TYPE), relayed.id);
    fb_lang(&fb, node_attr_ns(in->root, NAME_LANG, NS_XML));
    if (in->type == TYPE_ERROR)
        fb_bounce(&fb, room, in, BOUNCE_WITH_WORDS);
    else
        fb_children(&fb, in->root, NULL, NULL);
    effect_send(step, fb_finish(&fb), asker->route, asker->address);
    return STEP_DONE;
}

/* Also of a room that does not exist: who pings to learn whether it is still inside has to be told
 * that it is not, and takes item-not-found for a change of nickname (XEP-0410). */
static bool occupant_or_outside(const struct room *room, const struct inbound *in)
{
    return in->session != NULL || room->state == ROOM_OPEN || room->state == ROOM_ABSENT;
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_IQ,
        .targets = TARGET_OCCUPANT,
        .types = TYPE_GET | TYPE_SET,
        .match = occupant_or_outside,
        .any_state = true,
        .run = ask,
    },
    {
        .kinds = KIND_IQ,
        .targets = TARGET_OCCUPANT,
        .types = TYPE_RESULT | TYPE_ERROR,
        .run = answer,
    },
};

const struct feature feature_relay = {
    .name = "relay",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
