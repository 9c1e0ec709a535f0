/*
 * Mediated invitations and declines. The room vouches for who invites whom: an invitation comes
 * from the room, shows the inviter as the room's privacy allows, makes the invited a member where
 * only members may enter, and is remembered, so that it can be declined by who was invited and by
 * no other.
 * @xep 0045 1.35.5 #invite-mediated #modifymember.by-invitation #modifymember.forbidden
 * @xep 0045 1.35.5 #modifymember.open-room #registrar-formtype-owner
 * @xep 0249 1.2 #howitworks
 */
#include "core/muc/bounce.h"
#include "core/muc/feature.h"
#include "core/muc/invitation.h"

#include "core/xmpp/prep.h"

#include <stddef.h>

static const struct node *user_child(const struct inbound *in, enum name name)
{
    return node_find(node_find(in->root, NAME_X, NS_MUC_USER), name, NS_MUC_USER);
}

static struct str reason_of(struct step *step, const struct node *node)
{
    return node_text(node_find(node, NAME_REASON, NS_MUC_USER), step->arena);
}

/* ---- inviting ---- */

struct invitations {
    struct invitation at[INVITES_PER_MESSAGE];
    unsigned count;
};

static const struct refusal *inviter_refused(const struct room *room, const struct inbound *in)
{
    const struct room_options *options = &room->options;
    enum role role = role_default(in->affiliation, room_kind(options));

    if (in->self != NULL)
        role = in->self->role;
    else if (in->affiliation < AFF_MEMBER)
        return &refusal_NOT_OCCUPANT;
    if (role <= ROLE_VISITOR)
        return &refusal_INVITE_DENIED;
    if (options->members_only && in->affiliation < AFF_ADMIN && !options->allow_invites)
        return &refusal_INVITE_DENIED;
    return NULL;
}

static bool already(const struct invitations *invitations, const struct jid *to)
{
    for (unsigned i = 0; i < invitations->count; i++) {
        if (jid_eq(invitations->at[i].to, to))
            return true;
    }
    return false;
}

static const struct refusal *read_one(const struct room *room, struct step *step, struct str id,
                                      const struct node *node, struct invitations *invitations)
{
    struct str address = node_attr(node, NAME_TO);
    struct str reason = reason_of(step, node);
    const struct jid *to;

    if (!str_present(address) || reason.len > REASON_BYTES_MAX)
        return &refusal_BAD_REQUEST;
    to = jid_parse(step->arena, address);
    if (to == NULL || to->local_len == 0)
        return &refusal_JID_MALFORMED;
    /* Occupants are here already, and a room cannot be a guest. */
    if (str_eq(jid_domain(to), jid_domain(room->jid)))
        return &refusal_NOT_ACCEPTABLE;
    if (room_affiliation(room, to) == AFF_OUTCAST)
        return &refusal_INVITE_OUTCAST;
    if (already(invitations, to))
        return NULL;
    if (invitations->count == ARRAY_LEN(invitations->at))
        return &refusal_TOO_MANY_ITEMS;
    invitations->at[invitations->count++] =
        (struct invitation){.to = to, .id = id, .reason = reason, .node = node};
    return NULL;
}

/* All are read before any is sent. */
static const struct refusal *read_all(const struct room *room, struct step *step,
                                      const struct inbound *in, struct invitations *invitations)
{
    const struct refusal *refusal = NULL;
    const struct node *node = user_child(in, NAME_INVITE);

    invitations->count = 0;
    for (; node != NULL && refusal == NULL; node = node_find_next(node, NAME_INVITE, NS_MUC_USER))
        refusal = read_one(room, step, in->id, node, invitations);
    return refusal;
}

static void send_all(struct room *room, struct step *step, const struct inbound *in)
{
    struct invitations invitations;

    if (read_all(room, step, in, &invitations) != NULL)
        return;
    for (unsigned i = 0; i < invitations.count; i++)
        invitation_send(room, step, in, &invitations.at[i]);
}

/* Who is invited to a members-only room becomes a member (10.5). */
static void decide(const struct room *room, struct step *step, const struct inbound *in,
                   const struct invitations *invitations, struct change *change)
{
    struct str inviter = in->self == NULL ? STR("a member") : occupant_nick(in->self);
    struct str reason = str_fmt(step->arena, "Invited by %.*s", (int)inviter.len, inviter.at);

    *change = (struct change){.kind = CHANGE_AFFILIATIONS};
    if (!room->options.members_only)
        return;
    change->affiliations =
        ARENA_NEW_ARRAY(step->arena, struct affiliation_change, invitations->count);
    for (unsigned i = 0; i < invitations->count; i++) {
        struct str account = jid_bare(invitations->at[i].to);
        bool known = room_affiliation_str(room, account) != AFF_NONE;
        for (unsigned k = 0; k < change->affiliation_count; k++)
            known = known || str_eq(change->affiliations[k].jid, account);
        if (known)
            continue;
        change->affiliations[change->affiliation_count++] = (struct affiliation_change){
            .jid = account,
            .before = AFF_NONE,
            .after = AFF_MEMBER,
            .reason = reason,
        };
    }
}

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    for (unsigned i = 0; i < change->affiliation_count; i++)
        standing_apply(room, step, &change->affiliations[i], NULL, false);
    send_all(room, step, in);
}

static enum step_outcome invite(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = inviter_refused(room, in);
    struct invitations invitations;
    struct change change;

    if (refusal == NULL)
        refusal = read_all(room, step, in, &invitations);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    decide(room, step, in, &invitations, &change);
    if (!room_has_place(room, change.affiliation_count,
                        in->affiliation < AFF_ADMIN ? ADDED_UNASKED : ADDED_BY_ADMIN))
        return refuse(room, step, in, &refusal_ROOM_BUSY);
    if (change.affiliation_count > 0)
        return change_submit(room, step, &change, announce, in);
    send_all(room, step, in);
    return STEP_DONE;
}

/* ---- declining ---- */

/* Where a decline goes: to an occupant, else to an account that is not inside. */
struct decliner_target {
    const struct occupant *occupant;
    struct str account;
};

static const struct occupant *named(const struct room *room, struct step *step,
                                    const struct jid *jid)
{
    struct str nick = jid_resource(jid);
    const struct occupant *occupant =
        str_empty(nick) ? NULL : occupant_by_nick(room, prep_nick_key(step->arena, nick));

    return occupant != NULL && str_eq(occupant_nick(occupant), nick) ? occupant : NULL;
}

/*
 * From outside only who was invited reaches anybody, and outside nobody but the inviter: a room is
 * no relay. A real address is looked up among those inside only for those inside, and only where
 * addresses are no secret, or a decline would tell who is here.
 */
static const struct refusal *find_target(const struct room *room, struct step *step,
                                         const struct inbound *in, struct decliner_target *target)
{
    const struct invited_account *invited = room_invited(room, jid_bare(in->from));
    struct str address = node_attr(user_child(in, NAME_DECLINE), NAME_TO);
    const struct jid *to = str_present(address) ? jid_parse(step->arena, address) : NULL;
    bool in_room = to != NULL && jid_bare_eq(to, room->jid);
    bool inviter = invited != NULL && to != NULL && str_eq(invited->by, jid_bare(to));

    if (str_present(address) && to == NULL)
        return &refusal_JID_MALFORMED;
    if (in->self == NULL && invited == NULL)
        return &refusal_NOT_INVITED;
    if (in_room)
        target->occupant = named(room, step, to);
    else if (to != NULL && in->self != NULL && room->options.whois == WHOIS_ANYONE)
        target->occupant = occupant_by_account(room, jid_bare(to));
    if (target->occupant != NULL)
        return NULL;
    if (invited == NULL || !(to == NULL || in_room || inviter))
        return &refusal_NOT_INVITED;
    target->account = str_in(step->arena, invited->by);
    target->occupant = occupant_by_account(room, invited->by);
    return NULL;
}

/* The inviter named the decliner by its address and is told it again; others see what they may. */
static struct frame *decline_frame(struct room *room, struct step *step, const struct inbound *in,
                                   const struct decliner_target *target)
{
    const struct invited_account *invited = room_invited(room, jid_bare(in->from));
    struct str reader = target->occupant != NULL ? target->occupant->account : target->account;
    bool by_nick = in->self != NULL && (invited == NULL || !str_eq(invited->by, reader));
    const struct node *node = user_child(in, NAME_DECLINE);
    struct fb fb;

    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR_NONE, in->id);
    fb_lang(&fb, node_attr_ns(in->root, NAME_LANG, NS_XML));
    fb_open(&fb, NAME_X, NS_MUC_USER);
    fb_open(&fb, NAME_DECLINE, NS_MUC_USER);
    fb_attr(&fb, "from", by_nick ? jid_full(in->self->jid) : jid_bare(in->from));
    fb_invitation(&fb, reason_of(step, node), node);
    fb_close(&fb);
    fb_close(&fb);
    return fb_finish(&fb);
}

static enum step_outcome decline(struct room *room, struct step *step, const struct inbound *in)
{
    struct decliner_target target = {.occupant = NULL};
    const struct refusal *refusal;
    struct frame *frame;

    if (in->affiliation == AFF_OUTCAST)
        return refuse(room, step, in, &refusal_OUTCAST);
    if (reason_of(step, user_child(in, NAME_DECLINE)).len > REASON_BYTES_MAX)
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    refusal = find_target(room, step, in, &target);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    frame = decline_frame(room, step, in, &target);
    if (target.occupant != NULL)
        occupant_send(step, target.occupant, frame);
    else
        effect_route(step, frame, jid_parse(step->arena, target.account));
    room_invite_forget(room, jid_bare(in->from));
    return STEP_DONE;
}

/* ---- an invitation that could not be delivered ---- */

static bool from_invited(const struct room *room, const struct inbound *in)
{
    struct str account = jid_bare(in->from);

    const struct invited_account *invited = room_invited(room, account);

    return in->session == NULL && invited != NULL && room_invite_has_id(room, invited, in->id) &&
           occupant_by_account(room, account) == NULL;
}

/* The inviter learns of it under the id it had given, if it is still here (10.8); once: nobody is
 * given a way to go on sending errors to somebody inside. */
static enum step_outcome bounced(struct room *room, struct step *step, const struct inbound *in)
{
    struct str account = jid_bare(in->from);
    const struct invited_account *invited = room_invited(room, account);
    const struct occupant *inviter = occupant_by_account(room, invited->by);
    struct fb fb;

    room_invite_forget(room, account);
    if (inviter == NULL)
        return STEP_DONE;
    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR("error"), in->id);
    fb_open(&fb, NAME_X, NS_MUC_USER);
    fb_open(&fb, NAME_INVITE, NS_MUC_USER);
    fb_attr(&fb, "to", account);
    fb_close(&fb);
    fb_close(&fb);
    fb_bounce(&fb, room, in, BOUNCE_WITH_WORDS);
    occupant_send(step, inviter, fb_finish(&fb));
    return STEP_DONE;
}

static bool has_invite(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return user_child(in, NAME_INVITE) != NULL;
}

static bool has_decline(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return user_child(in, NAME_DECLINE) != NULL;
}

static const struct option options[] = {
    {
        .id = OPTION_ID_ALLOW_INVITES,
        .name = "allow_invites",
        .field = "muc#roomconfig_allowinvites",
        .info = {"muc#roomconfig_allowinvites"},
        .aliases = {"{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites"},
        .label = "May members invite others to a members-only room?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, allow_invites),
        .preset = "on",
        .help = "members may invite others to a members-only room, not only admins",
    },
    {
        .id = OPTION_ID_INVITE_MEMBERS,
        .name = "invite_members",
        .label = "Are new members of a closed room invited?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, invite_members),
        .preset = "on",
        .help = "who is made a member of a members-only room that is hidden or has a password "
                "is sent an invitation",
    },
};

static const struct handler handlers[] = {
    {.kinds = KIND_MESSAGE,
     .targets = TARGET_ROOM,
     .types = TYPE_NORMAL,
     .name = NAME_X,
     .ns = NS_MUC_USER,
     .match = has_invite,
     .run = invite},
    {.kinds = KIND_MESSAGE,
     .targets = TARGET_ROOM,
     .types = TYPE_NORMAL,
     .name = NAME_X,
     .ns = NS_MUC_USER,
     .match = has_decline,
     .run = decline},
    {.kinds = KIND_MESSAGE,
     .targets = TARGET_ROOM,
     .types = TYPE_ERROR,
     .match = from_invited,
     .run = bounced},
};

const struct feature feature_invite = {
    .name = "invite",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
