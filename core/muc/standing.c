/*
 * What an affiliation change means to those inside: new roles, removals, refreshed presences; and
 * the message about somebody who is not.
 * @xep 0045 1.35.5 #affil-change #ban.removed #ban.others #modifyban.removed #grantmember.told
 * @xep 0045 1.35.5 #revokemember.told #revokemember.removed #revokemember.once
 * @xep 0045 1.35.5 #modifymember.removed #modifymember.lost #modifymember.told #grantadmin.told
 * @xep 0045 1.35.5 #revokeadmin.told #grantowner.told #revokeowner.told #modifyadmin.told
 * @xep 0045 1.35.5 #modifyowner.told #impl-service
 */
#include "core/muc/absence.h"
#include "core/muc/feature.h"
#include "core/muc/registration.h"
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
    bool muted = changed->own && room_kept_role(room, occupant->account) == ROLE_VISITOR;
    struct news news = {.actor = actor, .reason = changed->reason};

    if (role == ROLE_NONE) {
        news.statuses = removal_status(after);
        removal_occupant(room, step, occupant, &news);
        return;
    }
    enum role old = occupant->role;
    if (muted && role > old)
        role = old;
    if (role == old && before == after && !refresh)
        return;
    occupant_set_role(room, occupant, role);
    presence_standing_changed(room, step, occupant, old, &news);
    if (role == ROLE_MODERATOR && old != ROLE_MODERATOR)
        voice_pending_hand_out(room, step, occupant, NULL);
    if (before < AFF_ADMIN && after >= AFF_ADMIN)
        registration_hand_out(room, step, occupant, NULL);
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
    absence_freed(room, step, changed);
    absence_show(room, step, changed->jid);
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

/* ---- whole servers ---- */

bool standing_bans_server(const struct affiliation_change *changed)
{
    return changed->after == AFF_OUTCAST && memchr(changed->jid.at, '@', changed->jid.len) == NULL;
}

/* Its news, by the address of a banned server. */
static struct map news_of_bans(struct step *step, const struct change *change,
                               const struct actor *actor)
{
    struct map bans;
    map_init(&bans, &step->env->hash_key);
    for (unsigned i = 0; i < change->affiliation_count; i++) {
        const struct affiliation_change *changed = &change->affiliations[i];
        if (!standing_bans_server(changed))
            continue;
        struct news *news = ARENA_NEW(step->arena, struct news);
        news->statuses = removal_status(AFF_OUTCAST);
        news->actor = actor;
        news->reason = changed->reason;
        map_put(&bans, changed->jid, news);
    }
    return bans;
}

/* A gateway may be inside under the server's own address. */
static struct news *ban_of(const struct room *room, const struct map *bans,
                           const struct occupant *occupant)
{
    struct str domain = jid_domain(occupant->sessions->jid);
    bool itself = str_eq(occupant->account, domain);
    if (occupant->affiliation != AFF_OUTCAST ||
        (!itself && room_affiliate(room, occupant->account) != NULL))
        return NULL;
    return map_get(bans, domain);
}

void standing_ban_servers(struct room *room, struct step *step, const struct change *change,
                          const struct actor *actor)
{
    struct map bans = news_of_bans(step, change, actor);
    struct occupant *occupant;
    if (bans.count > 0) {
        struct leavers banned = leavers_begin(step, room->occupant_count);
        occupant_each (room, at, occupant) {
            struct news *news = ban_of(room, &bans, occupant);
            if (news != NULL)
                leavers_add(&banned, occupant, news);
        }
        removal_many(room, step, &banned);
    }
    map_fini(&bans);
    for (unsigned i = 0; i < change->affiliation_count; i++) {
        if (standing_bans_server(&change->affiliations[i]))
            tell_of_absent(room, step, &change->affiliations[i]);
    }
}

/* ---- one account ---- */

void standing_apply(struct room *room, struct step *step, const struct affiliation_change *changed,
                    const struct actor *actor, bool refresh)
{
    struct occupant *occupant;

    evict(room, step, changed);
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
