/*
 * Members who are not inside, where the room shows them: each is an unavailable presence of its
 * reserved nickname, which stays valid until it is said to be nobody's, or somebody enters by it.
 * Those who came later and those who were there before are shown the same.
 */
#ifndef CORE_MUC_ABSENCE_H
#define CORE_MUC_ABSENCE_H

#include "core/muc/change.h"
#include "core/muc/occupant.h"

/* Shows the account, if it has a nickname (SEMANTICS 4.5.4). */
void absence_show(struct room *room, struct step *step, struct str account);
/* The nickname the account had before the change is nobody's, if it was shown. */
void absence_freed(struct room *room, struct step *step, const struct affiliation_change *changed);

/* The occupant has come: its account is not absent any more, even if it uses another nickname. */
void absence_came(struct room *room, struct step *step, const struct occupant *occupant);
/* It is about to go, and to be told of; after that: absence_left(). Its nickname's end says that it
 * is absent; of another one it has to be said.
 */
struct absentee {
    struct str account, nick; /* absent: nothing will have to be said */
};
struct absentee absence_leaving(const struct room *room, struct step *step,
                                const struct occupant *occupant);
void absence_left(struct room *room, struct step *step, const struct absentee *absentee);

#endif
