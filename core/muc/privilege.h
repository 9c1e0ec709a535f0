/*
 * Roles and affiliations: who may do what to whom, as tables.
 * @xep 0045 1.35.5 #roles #roles-priv #roles-default #roles-change.rank #affil #owner #kick.rank
 * @xep 0045 1.35.5 #revokevoice.rank #revokemod.rank #ban.rank #ban.self #grantowner.forbidden
 */
#ifndef CORE_MUC_PRIVILEGE_H
#define CORE_MUC_PRIVILEGE_H

#include "core/xmpp/refusal.h"

#include <stdbool.h>

/* Ordered: a higher value is a higher rank. */
enum affiliation { AFF_OUTCAST, AFF_NONE, AFF_MEMBER, AFF_ADMIN, AFF_OWNER, AFF_COUNT };
enum role { ROLE_NONE, ROLE_VISITOR, ROLE_PARTICIPANT, ROLE_MODERATOR, ROLE_COUNT };

struct str affiliation_text(enum affiliation affiliation);
struct str role_text(enum role role);
MUST_CHECK bool affiliation_parse(struct str text, enum affiliation *affiliation);
MUST_CHECK bool role_parse(struct str text, enum role *role);

/* What about a room decides which role one has without being given it. */
enum newcomers {
    NEWCOMERS_AUTOMATIC, /* have voice unless the room is moderated */
    NEWCOMERS_PARTICIPANT,
    NEWCOMERS_VISITOR,
};
struct room_kind {
    bool moderated;
    bool members_only;
    enum newcomers newcomers; /* without affiliation */
};

/* The role an account with that affiliation enters with (SEMANTICS 6.1). Outcasts: ROLE_NONE;
 * "none" in a members-only room too. */
enum role role_default(enum affiliation affiliation, struct room_kind kind);

/* The role after an affiliation change of somebody inside (SEMANTICS 6.4.1); ROLE_NONE: goes. */
enum role role_after(enum role role, enum affiliation before, enum affiliation after,
                     struct room_kind kind);

/* NULL: allowed. Else why not. The actor is inside the room (SEMANTICS 6.2). What one may do to
 * oneself (6.2.7), and that nothing changes (6.2.6), is the caller's to know. */
struct privilege_party {
    enum affiliation affiliation;
    enum role role;
};
const struct refusal *role_change_refused(struct privilege_party actor,
                                          struct privilege_party target, enum role wanted);

/* NULL: the one may put the other out. `equals`: also a moderator of its own affiliation (the
 * room's kick_equals). Reserving a nickname that is in use for another is no less. */
const struct refusal *kick_refused(struct privilege_party actor, struct privilege_party target,
                                   bool equals);

/* NULL: allowed. `self`: actor and target are the same account; `last_owner`: the target is an
 * owner and there is no other (SEMANTICS 6.3). */
const struct refusal *affiliation_change_refused(enum affiliation actor, enum affiliation target,
                                                 enum affiliation wanted, bool self,
                                                 bool last_owner);

#endif
