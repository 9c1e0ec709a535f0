/*
 * What an affiliation change means to those inside: new roles, removals, refreshed presences; and
 * the message about somebody who is not.
 * @xep 0045 1.35.5 #affil-change #ban.removed #ban.others #modifyban.removed #grantmember.told
 * @xep 0045 1.35.5 #revokemember.told #revokemember.removed #revokemember.once
 * @xep 0045 1.35.5 #modifymember.removed #modifymember.lost #modifymember.told #grantadmin.told
 * @xep 0045 1.35.5 #revokeadmin.told #grantowner.told #revokeowner.told #modifyadmin.told
 * @xep 0045 1.35.5 #modifyowner.told #impl-service
 */
#include "core/muc/feature.h"
#include "core/muc/voice_pending.h"

#include "core/base/ensure.h"
#include "core/xmpp/prep.h"

/* The one status code of being put out by an affiliation change. */
static uint32_t removal_status(enum affiliation after)
{
    return after == AFF_OUTCAST ? STATUS_BIT(301) : STATUS_BIT(321);
}

static void stand(struct room *room, struct step *step, struct occupant *occupant,
                  const struct affiliation_change *changed, const struct actor *actor, bool refresh)
{
    /* Not always what the list says now: the service's admins stay owners whatever it says of them,
     * and who is taken off it may come under a ban of the whole domain. */
    enum affiliation after = occupant->affiliation;
    bool service_admin = after == AFF_OWNER && changed->after != AFF_OWNER;
    enum affiliation before = service_admin ? after : changed->before;
    enum role role = role_after(occupant->role, before, after, room_kind(&room->options));
    struct news news = {.actor = actor, .reason = changed->reason};

    if (role == ROLE_NONE) {
        news.statuses = removal_status(after);
        removal_occupant(room, step, occupant, &news);
        return;
    }
    enum role old = occupant->role;
    if (role == old && before == after && !refresh)
        return;
    occupant_set_role(room, occupant, role);
    presence_standing_changed(room, step, occupant, old, &news);
    if (role == ROLE_MODERATOR && old != ROLE_MODERATOR)
        voice_pending_hand_out(room, step, occupant, NULL);
}

/* Whoever uses a nickname that is now somebody else's (SEMANTICS 7.10). */
static void evict(struct room *room, struct step *step, const struct affiliation_change *changed)
{
    const struct affiliate *row = room_affiliate(room, changed->jid);
    if (!changed->set_nick || row == NULL || !str_present(row->nick))
        return;
    struct occupant *holder = occupant_by_nick(room, row->nick_key);
    if (holder == NULL || str_eq(holder->account, changed->jid))
        return;
    struct news news = {
        .statuses = STATUS_BIT(307),
        .reason = STR("This nickname is reserved"),
    };
    removal_occupant(room, step, holder, &news);
}

/* Members who are not inside are shown as such where the room wants it (SEMANTICS 4.5.4). */
static void show_absent(struct room *room, struct step *step, struct str jid)
{
    const struct affiliate *row = room_affiliate(room, jid);
    if (row == NULL || !str_present(row->nick))
        return;
    if (room->options.whois == WHOIS_ANYONE) {
        effect_broadcast(step, presence_absent(room, step, row, true), room->roster, AUDIENCE_ALL);
        return;
    }
    effect_broadcast(step, presence_absent(room, step, row, true), room->roster,
                     (struct audience){ROSTER_MODERATOR, OCCUPANT_NONE});
    effect_broadcast(step, presence_absent(room, step, row, false), room->roster,
                     (struct audience){ROSTER_VISITOR | ROSTER_PARTICIPANT, OCCUPANT_NONE});
}

/* Is anybody shown under exactly that nickname? */
static bool is_shown(const struct room *room, struct step *step, struct str nick)
{
    struct str key = prep_nick_key(step->arena, nick);
    const struct affiliate *owner = room_nick_owner(room, key);
    return occupant_by_nick(room, key) != NULL || (owner != NULL && str_eq(owner->nick, nick) &&
                                                   occupant_by_account(room, owner->jid) == NULL);
}

/* A nickname that was shown as an absent member's is nobody's any more. Who is given the message
 * about a member removed knows by that. */
static void show_freed(struct room *room, struct step *step,
                       const struct affiliation_change *changed)
{
    bool removed = changed->after <= AFF_NONE;
    if (!str_present(changed->nick_before) || is_shown(room, step, changed->nick_before) ||
        (removed && room->options.whois == WHOIS_ANYONE))
        return;
    char id[OCCUPANT_ID_BYTES];
    occupant_id_make(room, changed->jid, id);
    struct affiliate gone = {
        .jid = changed->jid,
        .affiliation = removed ? changed->after : AFF_NONE,
        .nick = changed->nick_before,
        .occupant_id = str_of(id, sizeof(id)),
    };
    struct audience audience = AUDIENCE_ALL;
    if (removed)
        audience.any_of = ROSTER_VISITOR | ROSTER_PARTICIPANT;
    effect_broadcast(step, presence_absent(room, step, &gone, false), room->roster, audience);
}

static void tell_of_absent(struct room *room, struct step *step,
                           const struct affiliation_change *changed)
{
    uint32_t statuses = 0;
    if (changed->before == changed->after && !changed->set_nick)
        return;
    if (changed->after == AFF_OUTCAST)
        statuses = STATUS_BIT(301);
    else if (changed->before >= AFF_MEMBER && changed->after == AFF_NONE &&
             room->options.members_only)
        statuses = STATUS_BIT(321);
    presence_absent_affiliation(room, step, changed->jid, changed->after, changed->reason,
                                statuses);
    if ((room->options.broadcast & BROADCAST_NONE) == 0 || room->session_count == 0)
        return;
    show_freed(room, step, changed);
    show_absent(room, step, changed->jid);
}

static bool wants_account_told(const struct room *room, const struct affiliation_change *changed)
{
    bool ban = changed->before == AFF_OUTCAST || changed->after == AFF_OUTCAST;
    switch ((enum tell_absent)room->options.tell_absent) {
    case TELL_NOBODY:
        return false;
    case TELL_MEMBERS:
        return !ban;
    case TELL_ALL:
        return true;
    }
    never("an option outside its choices");
}

void standing_tell_account(struct room *room, struct step *step, const struct inbound *in,
                           const struct affiliation_change *changed)
{
    bool domain = memchr(changed->jid.at, '@', changed->jid.len) == NULL;
    struct fb fb;

    if (changed->before == changed->after || !wants_account_told(room, changed) || domain ||
        str_eq(changed->jid, jid_bare(in->from)) || occupant_by_account(room, changed->jid) != NULL)
        return;
    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR_NONE, step_id(step));
    fb_open(&fb, NAME_X, NS_MUC_USER);
    fb_statuses(&fb, STATUS_BIT(101), false);
    fb_open(&fb, NAME_ITEM, NS_MUC_USER);
    fb_attr(&fb, "affiliation", affiliation_text(changed->after));
    fb_attr(&fb, "jid", changed->jid);
    if (!str_empty(changed->reason))
        fb_leaf(&fb, NAME_REASON, NS_MUC_USER, changed->reason);
    fb_close(&fb);
    fb_close(&fb);
    effect_route(step, fb_finish(&fb), jid_parse(step->arena, changed->jid));
}

/* Everybody under the domain that is now banned. */
static void ban_domain(struct room *room, struct step *step,
                       const struct affiliation_change *changed, const struct actor *actor)
{
    struct news news = {
        .statuses = removal_status(AFF_OUTCAST),
        .actor = actor,
        .reason = changed->reason,
    };
    struct leavers banned = leavers_begin(step, room->occupant_count);
    struct occupant *occupant;
    occupant_each (room, at, occupant) {
        if (occupant->affiliation == AFF_OUTCAST)
            leavers_add(&banned, occupant);
    }
    removal_many(room, step, &banned, &news);
}

void standing_apply(struct room *room, struct step *step, const struct affiliation_change *changed,
                    const struct actor *actor, bool refresh)
{
    bool domain = memchr(changed->jid.at, '@', changed->jid.len) == NULL;
    struct occupant *occupant;

    evict(room, step, changed);
    if (domain)
        ban_domain(room, step, changed, actor);
    /* A gateway may be inside under its bare domain: then it is an account like any other. */
    occupant = occupant_by_account(room, changed->jid);
    if (occupant == NULL) {
        tell_of_absent(room, step, changed);
        return;
    }
    while (occupant != NULL) {
        struct occupant *next = occupant->same_account;
        stand(room, step, occupant, changed, actor, refresh);
        occupant = next;
    }
}
