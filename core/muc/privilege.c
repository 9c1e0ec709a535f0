/*
 * The tables of SEMANTICS section 6. Pure functions of their arguments; the room is not looked at.
 */
#include "core/muc/privilege.h"

#include "core/base/ensure.h"

static const char *const affiliation_texts[AFF_COUNT] = {
    [AFF_OUTCAST] = "outcast", [AFF_NONE] = "none",   [AFF_MEMBER] = "member",
    [AFF_ADMIN] = "admin",     [AFF_OWNER] = "owner",
};

static const char *const role_texts[ROLE_COUNT] = {
    [ROLE_NONE] = "none",
    [ROLE_VISITOR] = "visitor",
    [ROLE_PARTICIPANT] = "participant",
    [ROLE_MODERATOR] = "moderator",
};

struct str affiliation_text(enum affiliation affiliation)
{
    ensure((unsigned)affiliation < AFF_COUNT);
    return str_z(affiliation_texts[affiliation]);
}

struct str role_text(enum role role)
{
    ensure((unsigned)role < ROLE_COUNT);
    return str_z(role_texts[role]);
}

bool affiliation_parse(struct str text, enum affiliation *affiliation)
{
    for (unsigned i = 0; i < AFF_COUNT; i++) {
        if (str_eqz(text, affiliation_texts[i])) {
            *affiliation = (enum affiliation)i;
            return true;
        }
    }
    return false;
}

bool role_parse(struct str text, enum role *role)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (str_eqz(text, role_texts[i])) {
            *role = (enum role)i;
            return true;
        }
    }
    return false;
}

static enum role newcomer(struct room_kind kind)
{
    switch (kind.newcomers) {
    case NEWCOMERS_PARTICIPANT:
        return ROLE_PARTICIPANT;
    case NEWCOMERS_VISITOR:
        return ROLE_VISITOR;
    case NEWCOMERS_AUTOMATIC:
        break;
    }
    return kind.moderated ? ROLE_VISITOR : ROLE_PARTICIPANT;
}

enum role role_default(enum affiliation affiliation, struct room_kind kind)
{
    switch (affiliation) {
    case AFF_OWNER:
    case AFF_ADMIN:
        return ROLE_MODERATOR;
    case AFF_MEMBER:
        return ROLE_PARTICIPANT;
    case AFF_NONE:
        return kind.members_only ? ROLE_NONE : newcomer(kind);
    case AFF_OUTCAST:
        return ROLE_NONE;
    case AFF_COUNT:
        break;
    }
    never("an affiliation outside the table");
}

enum role role_after(enum role role, enum affiliation before, enum affiliation after,
                     struct room_kind kind)
{
    enum role by_default = role_default(after, kind);
    if (after < before)
        return by_default;
    if (after > before)
        return by_default > role ? by_default : role;
    return role;
}

const struct refusal *role_change_refused(struct privilege_party actor,
                                          struct privilege_party target, enum role wanted)
{
    if (actor.role != ROLE_MODERATOR)
        return &refusal_NOT_MODERATOR;
    if (target.affiliation > actor.affiliation)
        return &refusal_RANK;
    /* A kick (8.2) goes up to equals; everything below leaves the target inside. */
    if (wanted == ROLE_NONE)
        return NULL;
    bool moderator_before = target.role == ROLE_MODERATOR;
    bool moderator_after = wanted == ROLE_MODERATOR;
    if (moderator_before != moderator_after) {
        if (actor.affiliation < AFF_ADMIN)
            return &refusal_RANK;
        if (moderator_before && target.affiliation >= AFF_ADMIN)
            return &refusal_RANK;
    }
    /* Revoking voice (8.4) stops at equals. */
    if (wanted == ROLE_VISITOR && target.role > ROLE_VISITOR &&
        target.affiliation >= actor.affiliation)
        return &refusal_RANK;
    return NULL;
}

const struct refusal *kick_refused(struct privilege_party actor, struct privilege_party target,
                                   bool equals)
{
    bool equal = target.affiliation == actor.affiliation && target.role == ROLE_MODERATOR;
    if (equal && !equals)
        return &refusal_RANK;
    return role_change_refused(actor, target, ROLE_NONE);
}

const struct refusal *affiliation_change_refused(enum affiliation actor, enum affiliation target,
                                                 enum affiliation wanted, bool self,
                                                 bool last_owner)
{
    if (actor < AFF_ADMIN)
        return &refusal_NOT_ADMIN;
    if (self && wanted == AFF_OUTCAST)
        return &refusal_SELF;
    if (actor == AFF_ADMIN && (target >= AFF_ADMIN || wanted >= AFF_ADMIN))
        return &refusal_RANK;
    if (last_owner && wanted < AFF_OWNER)
        return &refusal_LAST_OWNER;
    return NULL;
}
