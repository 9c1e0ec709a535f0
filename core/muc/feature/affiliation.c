/*
 * Bans, members, admins and owners: granting and revoking, the lists of them, nicknames reserved on
 * behalf of others, and the check that keeps the banned out. A request with many items takes effect
 * as a whole or not at all.
 *
 * What an occupant's role was, is or was remembered to be never outweighs a ban: the entry check
 * asks for the affiliation and for nothing else.
 *
 * What a change means to those inside and to who is not (new roles, removals by 301 and 321,
 * the message of 101) is in core/muc/standing.c.
 * @xep 0045 1.35.5 #enter-banned #ban #modifyban #grantmember #revokemember #modifymember
 * @xep 0045 1.35.5 #grantowner #revokeowner #modifyowner #grantadmin #revokeadmin #modifyadmin
 * @xep 0045 1.35.5 #getmemberlist #admin #affil-priv #bizrules-iq.affiliations #bizrules-iq.nick
 */
#include "core/muc/admin_query.h"
#include "core/muc/affiliate_page.h"
#include "core/muc/feature.h"
#include "core/muc/invitation.h"

#include <stddef.h>

static const struct option_choice told[] = {
    {"none", "Nobody", TELL_NOBODY, false},
    {"members", "Members, admins and owners", TELL_MEMBERS, false},
    {"all", "The banned as well", TELL_ALL, false},
};

/* For the operator; rooms have no say in it. */
static const struct option options[] = {
    {
        .id = OPTION_ID_TELL_ABSENT,
        .name = "tell_absent",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct room_options, tell_absent),
        .choices = told,
        .choice_count = ARRAY_LEN(told),
        .preset = "members",
        .help = "who is sent a message when its affiliation changes while it is not inside: none, "
                "members (new ones and former ones), all (the banned too)",
    },
    {
        .id = OPTION_ID_ABSENT_ROLE,
        .name = "absent_role",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, absent_role),
        .preset = "off",
        .help = "what occupants are told of accounts that are not inside says role none, as "
                "ejabberd does",
    },
};

static bool not_about_roles(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return admin_query_kind(in->payload) != ADMIN_ROLES;
}

/* What stands in the room's own list: without the service's admins and bans of domains. */
static enum affiliation listed(const struct room *room, struct str jid)
{
    const struct affiliate *row = room_affiliate(room, jid);

    return row == NULL ? AFF_NONE : row->affiliation;
}

/* ---- deciding ---- */

/* The owners there would be if all items took effect. */
static unsigned owners_after(const struct room *room, const struct admin_query *query)
{
    unsigned owners = room->owner_count;

    for (unsigned i = 0; i < query->count; i++) {
        const struct admin_item *item = &query->items[i];
        if (listed(room, item->jid) == AFF_OWNER)
            owners--;
        if (item->affiliation == AFF_OWNER)
            owners++;
    }
    return owners;
}

/* Does the request itself take that nickname from its holder? Then it may be handed on. */
static bool gives_up_nick(const struct admin_query *query, const struct affiliate *holder)
{
    for (unsigned i = 0; i < query->count; i++) {
        const struct admin_item *item = &query->items[i];
        if (item->set_nick && str_eq(item->jid, holder->jid))
            return !str_eq(item->nick_key, holder->nick_key);
    }
    return false;
}

/* Whether the nickname to be reserved can be had. Who uses it has to go, so the actor must be one
 * who could put that occupant out (SEMANTICS 6.2.2, 7.10, 7.12). */
static const struct refusal *nick_refused(const struct room *room, const struct inbound *in,
                                          const struct admin_query *query,
                                          const struct admin_item *item)
{
    if (str_empty(item->nick))
        return NULL;
    const struct affiliate *holder = room_nick_owner(room, item->nick_key);
    if (holder != NULL && !str_eq(holder->jid, item->jid) && !gives_up_nick(query, holder))
        return &refusal_NICK_RESERVED;
    const struct occupant *user = occupant_by_nick(room, item->nick_key);
    if (user == NULL || str_eq(user->account, item->jid))
        return NULL;
    if (user == in->self)
        return &refusal_SELF;
    struct privilege_party from = {in->affiliation, ROLE_MODERATOR};
    struct privilege_party to = {user->affiliation, user->role};
    return kick_refused(from, to, room->options.kick_equals);
}

static const struct refusal *item_refused(const struct room *room, const struct inbound *in,
                                          const struct admin_query *query,
                                          const struct admin_item *item, unsigned owners)
{
    const struct refusal *refusal = nick_refused(room, in, query, item);
    enum affiliation target = room_affiliation_str(room, item->jid);
    bool self = str_eq(item->jid, jid_bare(in->from));
    bool last_owner =
        owners == 0 && listed(room, item->jid) == AFF_OWNER && item->affiliation != AFF_OWNER;

    if (item->is_domain && item->affiliation == AFF_OUTCAST)
        self = str_eq(item->jid, jid_domain(in->from));
    if (refusal != NULL)
        return refusal;
    /* The service's admins are owners whatever a room's list says. */
    if (target == AFF_OWNER && item->affiliation != AFF_OWNER &&
        map_get(&room->env->settings->admins, item->jid) != NULL)
        return self ? &refusal_SELF : &refusal_RANK;
    return affiliation_change_refused(in->affiliation, target, item->affiliation, self, last_owner);
}

static const struct refusal *decide(const struct room *room, struct step *step,
                                    const struct inbound *in, const struct admin_query *query,
                                    struct change *change)
{
    unsigned owners = owners_after(room, query);
    unsigned added = 0, bans = 0;

    *change = (struct change){.kind = CHANGE_AFFILIATIONS};
    change->affiliations = ARENA_NEW_ARRAY(step->arena, struct affiliation_change, query->count);
    for (unsigned i = 0; i < query->count; i++) {
        const struct admin_item *item = &query->items[i];
        const struct refusal *refusal = item_refused(room, in, query, item, owners);
        if (refusal != NULL)
            return refusal;
        if (room_affiliate(room, item->jid) == NULL && item->affiliation == AFF_NONE)
            continue; /* as it is (6.3.7) */
        if (room_affiliate(room, item->jid) == NULL && item->affiliation == AFF_OUTCAST)
            bans++;
        else if (room_affiliate(room, item->jid) == NULL)
            added++;
        change->affiliations[change->affiliation_count++] = (struct affiliation_change){
            .jid = item->jid,
            .before = room_affiliation_str(room, item->jid),
            .after = item->affiliation,
            .set_nick = item->set_nick,
            .nick = item->nick,
            .reason = item->reason,
        };
    }
    if (added > 0 && !room_has_place(room, added + bans, ADDED_BY_ADMIN))
        return &refusal_ROOM_BUSY;
    return room_has_place(room, bans, ADDED_TO_STAY_OUT) ? NULL : &refusal_ROOM_BUSY;
}

/* ---- what follows ---- */

/* A room that cannot be found, or not entered, without being told how. */
static bool is_closed(const struct room_options *is)
{
    return is->members_only && (!is->is_public || !str_empty(is->password));
}

/* By an invitation, or else by the news as such. */
static void tell_account(struct room *room, struct step *step, const struct inbound *in,
                         const struct affiliation_change *changed)
{
    struct invitation invitation = {.reason = changed->reason};

    if (!room->options.invite_members || !is_closed(&room->options) ||
        changed->before >= AFF_MEMBER || changed->after < AFF_MEMBER ||
        occupant_by_account(room, changed->jid) != NULL) {
        standing_tell_account(room, step, in, changed);
        return;
    }
    invitation.to = jid_parse(step->arena, changed->jid);
    invitation.id = step_id(step);
    invitation_send(room, step, in, &invitation);
}

/* Those who lose all they had come first: one of them may use a nickname that another is given, and
 * is to be told what it has lost. */
static void apply_each(struct room *room, struct step *step, const struct change *change,
                       const struct actor *actor, bool losers)
{
    for (unsigned i = 0; i < change->affiliation_count; i++) {
        const struct affiliation_change *changed = &change->affiliations[i];
        if (losers == (changed->after <= AFF_NONE) && !standing_bans_server(changed))
            standing_apply(room, step, changed, actor, true);
    }
}

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    struct actor actor = inbound_actor(in);

    for (unsigned i = 0; i < change->affiliation_count; i++)
        tell_account(room, step, in, &change->affiliations[i]);
    /* The actor may be among those who are put out: what is said about it must outlast it. */
    actor.nick = str_in(step->arena, actor.nick);
    actor.jid = str_in(step->arena, actor.jid);
    apply_each(room, step, change, &actor, true);
    standing_ban_servers(room, step, change, &actor);
    apply_each(room, step, change, &actor, false);
    reply_result(room, step, in);
}

static enum step_outcome set_affiliations(struct room *room, struct step *step,
                                          const struct inbound *in)
{
    bool unclear = admin_query_kind(in->payload) == ADMIN_UNCLEAR;
    bool moderator = in->self != NULL && in->self->role == ROLE_MODERATOR;
    const struct refusal *refusal = NULL;
    struct admin_query query = {.why = STR_NONE};
    struct change change;

    /* What might be about roles is a bad request for whoever may ask for those (6.3.5). */
    if (in->affiliation < AFF_ADMIN && !(unclear && moderator))
        refusal = &refusal_NOT_ADMIN;
    if (refusal == NULL)
        refusal = admin_query_read(room, step, in, &query);
    if (refusal == NULL)
        refusal = decide(room, step, in, &query, &change);
    if (refusal != NULL)
        return refuse_with(room, step, in, refusal, (struct refuse_more){.text = query.why});
    return change_submit(room, step, &change, announce, in);
}

/* ---- lists ---- */

/*
 * Admins and owners read up to their own rank. In a room where everybody sees JIDs anyway, so do
 * other affiliated accounts whose role (inside, or the one they would get) the owner has allowed
 * (6.6.2).
 */
static bool may_read(const struct room *room, const struct inbound *in, enum affiliation wanted)
{
    enum role role = role_default(in->affiliation, room_kind(&room->options));

    if (in->affiliation >= AFF_ADMIN && in->affiliation >= wanted)
        return true;
    if (room->options.whois != WHOIS_ANYONE || in->affiliation < AFF_MEMBER)
        return false;
    if (in->self != NULL)
        role = in->self->role;
    return (room->options.member_list & (1u << role)) != 0;
}

static enum step_outcome list_affiliation(struct room *room, struct step *step,
                                          const struct inbound *in)
{
    struct affiliate_page page;
    const struct refusal *refusal;
    enum affiliation wanted;
    struct fb fb;

    if (!admin_query_affiliation(in->payload, &wanted) || wanted == AFF_NONE)
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    if (!may_read(room, in, wanted))
        return refuse(room, step, in,
                      wanted == AFF_OWNER ? &refusal_NOT_OWNER : &refusal_NOT_ADMIN);
    refusal = affiliate_page_find(room, step, in->payload, wanted, &page);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_MUC_ADMIN);
    affiliate_page_write(&fb, &page);
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

/* ---- entering ---- */

static const struct refusal *may_enter(struct room *room, struct step *step, struct entry *entry)
{
    UNUSED(room);
    UNUSED(step);
    return entry->in->affiliation == AFF_OUTCAST ? &refusal_OUTCAST : NULL;
}

static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_SET,
     .name = NAME_QUERY,
     .ns = NS_MUC_ADMIN,
     .match = not_about_roles,
     .run = set_affiliations},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_QUERY,
     .ns = NS_MUC_ADMIN,
     .match = not_about_roles,
     .run = list_affiliation},
};

const struct feature feature_affiliation = {
    .name = "affiliation",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .may_enter = may_enter,
};
