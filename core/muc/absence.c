#include "core/muc/absence.h"

#include "core/muc/presence.h"
#include "core/muc/room.h"
#include "core/xmpp/prep.h"

static bool is_seen(const struct room *room)
{
    return (room->options.broadcast & BROADCAST_NONE) != 0 && room->session_count > 0;
}

void absence_show(struct room *room, struct step *step, struct str account)
{
    const struct affiliate *row = room_affiliate(room, account);
    if (!is_seen(room) || row == NULL || !str_present(row->nick))
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

/* Of an account, at present: what it is to be shown as, under a nickname that was shown. */
struct freed {
    struct str account;
    struct str nick;
    enum affiliation affiliation;
};

static void show_freed(struct room *room, struct step *step, const struct freed *freed,
                       struct audience audience)
{
    char id[OCCUPANT_ID_BYTES];
    occupant_id_make(room, freed->account, id);
    struct affiliate gone = {
        .jid = freed->account,
        .affiliation = freed->affiliation,
        .nick = freed->nick,
        .occupant_id = str_of(id, sizeof(id)),
    };
    effect_broadcast(step, presence_absent(room, step, &gone, false), room->roster, audience);
}

/* Who is given the message about a member removed knows by that. */
void absence_freed(struct room *room, struct step *step, const struct affiliation_change *changed)
{
    bool removed = changed->after <= AFF_NONE;
    if (!is_seen(room) || !str_present(changed->nick_before) ||
        is_shown(room, step, changed->nick_before) ||
        (removed && room->options.whois == WHOIS_ANYONE))
        return;
    struct freed freed = {
        .account = changed->jid,
        .nick = changed->nick_before,
        .affiliation = removed ? changed->after : AFF_NONE,
    };
    struct audience audience = AUDIENCE_ALL;
    if (removed)
        audience.any_of = ROSTER_VISITOR | ROSTER_PARTICIPANT;
    show_freed(room, step, &freed, audience);
}

void absence_came(struct room *room, struct step *step, const struct occupant *occupant)
{
    const struct affiliate *row = room_affiliate(room, occupant->account);
    if (!is_seen(room) || row == NULL || !str_present(row->nick) || occupant_has_others(occupant) ||
        occupant->session_count > 1 || !presence_shown(room, occupant) ||
        is_shown(room, step, row->nick))
        return;
    struct freed freed = {.account = row->jid, .nick = row->nick, .affiliation = AFF_NONE};
    struct audience audience = AUDIENCE_ALL;
    audience.except = occupant->group; /* was not shown it */
    show_freed(room, step, &freed, audience);
}

struct absentee absence_leaving(const struct room *room, struct step *step,
                                const struct occupant *occupant)
{
    if (!is_seen(room) || !presence_shown(room, occupant) || occupant_has_others(occupant))
        return (struct absentee){STR_NONE, STR_NONE};
    return (struct absentee){str_in(step->arena, occupant->account),
                             str_in(step->arena, occupant_nick(occupant))};
}

void absence_left(struct room *room, struct step *step, const struct absentee *absentee)
{
    if (!str_present(absentee->account))
        return;
    const struct affiliate *row = room_affiliate(room, absentee->account);
    if (row != NULL && !str_eq(row->nick, absentee->nick))
        absence_show(room, step, absentee->account);
}
