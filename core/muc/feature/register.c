/*
 * Registration with a room: an account takes a nickname for its own, becomes a member by it, and
 * gives both up again. The nickname is kept from everybody else even while its holder is away;
 * where the room insists on reserved nicknames, who registers inside is renamed at once.
 * @xep 0045 1.35.5 #register #registrar-formtype-register
 * @xep 0077 2.4 #usecases-register #usecases-cancel
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"
#include "core/xmpp/prep.h"

#include <stddef.h>

#define FIELD_NICK "muc#register_roomnick"

/* The account's reserved nickname; empty: it is not registered (SEMANTICS 7.3). */
static struct str reserved_nick(const struct room *room, const struct inbound *in)
{
    const struct affiliate *row = room_affiliate(room, jid_bare(in->from));

    return row == NULL ? STR_NONE : row->nick;
}

/* What stands in the room's own list: a service's admin does not become an owner by registering. */
static enum affiliation listed(const struct room *room, const struct inbound *in)
{
    const struct affiliate *row = room_affiliate(room, jid_bare(in->from));

    return row == NULL ? AFF_NONE : row->affiliation;
}

static const struct refusal *sender_refused(const struct room *room, const struct inbound *in)
{
    if (in->affiliation == AFF_OUTCAST)
        return &refusal_OUTCAST;
    if (in->affiliation == AFF_NONE && !room->options.allow_register)
        return &refusal_REGISTRATION_REQUIRED;
    return NULL;
}

/* ---- asking for the form ---- */

static void write_form(struct fb *fb)
{
    fb_form_begin(fb, "form", NS_MUC_REGISTER);
    fb_field_begin(fb, FIELD_NICK, "text-single", "Nickname");
    fb_field_required(fb);
    fb_close(fb);
    fb_close(fb);
}

static enum step_outcome get_form(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = sender_refused(room, in);
    struct str nick = reserved_nick(room, in);
    struct fb fb;

    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_REGISTER);
    if (str_empty(nick)) {
        write_form(&fb);
    } else {
        fb_empty(&fb, NAME_REGISTERED, NS_REGISTER);
        fb_leaf(&fb, NAME_USERNAME, NS_REGISTER, nick);
    }
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

/* ---- what follows a change ---- */

/* The occupant goes by its reserved nickname from now on; the service's doing, so 210 (7.6). */
static void rename_to_reserved(struct room *room, struct step *step, struct occupant *occupant,
                               struct str nick, struct str nick_key)
{
    struct news leaving = {
        .unavailable = true,
        .statuses = STATUS_BIT(303),
        .new_nick = nick,
        .urgency = URGENCY_LASTING,
    };
    struct news arriving = {.self_statuses = STATUS_BIT(210), .urgency = URGENCY_LASTING};

    presence_announce(room, step, occupant, &leaving);
    occupant_rename(room, occupant, nick, nick_key);
    presence_announce(room, step, occupant, &arriving);
}

static void enforce(struct room *room, struct step *step, struct str account, struct str nick)
{
    struct str key = prep_nick_key(step->arena, nick);
    struct occupant *occupant = occupant_by_account(room, account);

    if (!room->options.reserved_nick_only || occupant == NULL ||
        occupant_by_nick(room, key) != NULL)
        return;
    rename_to_reserved(room, step, occupant, nick, key);
}

/* The stored reason was for an earlier change: it is kept, but not announced with this one. */
static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    struct affiliation_change changed = change->affiliations[0];

    changed.reason = STR_NONE;
    standing_apply(room, step, &changed, NULL, true);
    if (!str_empty(changed.nick))
        enforce(room, step, changed.jid, changed.nick);
    reply_result(room, step, in);
}

static enum step_outcome submit(struct room *room, struct step *step, const struct inbound *in,
                                enum affiliation after, struct str nick)
{
    const struct affiliate *row = room_affiliate(room, jid_bare(in->from));
    struct affiliation_change *changed = ARENA_NEW(step->arena, struct affiliation_change);
    struct change change = {
        .kind = CHANGE_AFFILIATIONS,
        .affiliations = changed,
        .affiliation_count = 1,
    };

    *changed = (struct affiliation_change){
        .jid = jid_bare(in->from),
        .before = listed(room, in),
        .after = after,
        .set_nick = true,
        .nick = nick,
        .reason = row == NULL ? STR_NONE : str_in(step->arena, row->reason),
    };
    return change_submit(room, step, &change, announce, in);
}

/* ---- registering ---- */

/* NULL and *nick, or what is wrong with the form. */
static const struct refusal *read_nick(struct step *step, const struct form *form, struct str *nick)
{
    struct str wanted = form_value(form, STR(FIELD_NICK));

    if (!str_eqz(form->type, "submit") || !str_eq(form->form_type, token_ns_uri(NS_MUC_REGISTER)))
        return &refusal_FORM_TYPE;
    if (str_empty(wanted) || prep_nick(step->arena, wanted, nick) != NICK_OK)
        return &refusal_REGISTER_NICK;
    return NULL;
}

static bool taken(const struct room *room, struct str account, struct str nick_key)
{
    const struct occupant *user = occupant_by_nick(room, nick_key);
    const struct affiliate *holder = room_nick_owner(room, nick_key);

    return (user != NULL && !str_eq(user->account, account)) ||
           (holder != NULL && !str_eq(holder->jid, account));
}

static enum step_outcome enrol(struct room *room, struct step *step, const struct inbound *in)
{
    const struct node *x = node_find(in->payload, NAME_X, NS_DATA);
    const struct refusal *refusal;
    struct str account = jid_bare(in->from);
    enum affiliation after;
    struct form form;
    struct str nick;

    if (x == NULL || !form_read(step->arena, x, &form))
        return refuse(room, step, in, &refusal_FORM_TYPE);
    if (str_eqz(form.type, "cancel")) {
        reply_result(room, step, in);
        return STEP_DONE;
    }
    refusal = read_nick(step, &form, &nick);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    if (taken(room, account, prep_nick_key(step->arena, nick)))
        return refuse(room, step, in, &refusal_REGISTER_TAKEN);
    if (room_affiliate(room, account) == NULL && room->affiliations.count >= ROOM_AFFILIATIONS_MAX)
        return refuse(room, step, in, &refusal_ROOM_BUSY);
    if (str_eq(reserved_nick(room, in), nick)) {
        reply_result(room, step, in);
        return STEP_DONE;
    }
    after = listed(room, in);
    return submit(room, step, in, after > AFF_MEMBER ? after : AFF_MEMBER, nick);
}

/* ---- unregistering ---- */

/* A member who never took a nickname may still give up membership; admins and owners lose only the
 * nickname (7.7). */
static enum step_outcome withdraw(struct room *room, struct step *step, const struct inbound *in)
{
    enum affiliation held = listed(room, in);
    bool member = held == AFF_MEMBER;

    if (!member && str_empty(reserved_nick(room, in)))
        return refuse(room, step, in, &refusal_NOT_REGISTERED);
    return submit(room, step, in, member ? AFF_NONE : held, STR(""));
}

static enum step_outcome set(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = sender_refused(room, in);
    bool remove = node_find(in->payload, NAME_REMOVE, NS_REGISTER) != NULL;

    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    if (remove && node_count(in->payload, NAME_NONE, NS_NONE) > 1)
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    return remove ? withdraw(room, step, in) : enrol(room, step, in);
}

static void disco(const struct room *room, struct fb *fb)
{
    UNUSED(room);
    fb_feature_ns(fb, NS_REGISTER);
}

static const struct option options[] = {
    {.name = "allow_register",
     .field = "{xmpp:prosody.im}muc#allow_unaffiliated_register",
     .aliases = {"muc#roomconfig_allow_register"},
     .label = "Let anybody register a nickname and become a member?",
     .type = OPTION_BOOL,
     .offset = offsetof(struct room_options, allow_register),
     .preset = "off",
     .help = "anybody may register a nickname with the room, not only members"},
};

static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_QUERY,
     .ns = NS_REGISTER,
     .run = get_form},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_SET,
     .name = NAME_QUERY,
     .ns = NS_REGISTER,
     .run = set},
};

const struct feature feature_register = {
    .name = "register",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .disco = disco,
};
