/*
 * Members who are not inside, for those who enter a room that shows them: a gallery for each kind
 * of viewer, kept from one newcomer to the next, so that lists which wait for their turn hold
 * little more than one. What changes in between is marked, and made up for when somebody looks.
 *
 * Belongs to the room; where few have reserved a nickname, nothing is kept.
 */
#ifndef CORE_MUC_ABSENTEES_H
#define CORE_MUC_ABSENTEES_H

#include "core/muc/lineup.h"

struct affiliate;
struct absentees;

/* Is it worth it in this room, at present? */
bool absentees_serve(const struct room *room);
/* All of them; NULL: nobody. */
struct showing *absentees_show(struct room *room, struct step *step, enum viewing viewing);
/* Neither the account of that nickname nor anybody by it is inside. */
bool is_absentee(const struct room *room, const struct affiliate *row);

/* The row has a nickname and is new, or looks different. */
void absentees_changed(struct room *room, struct affiliate *row);
/* It is about to lose its nickname. */
void absentees_removed(struct room *room, struct affiliate *row);
/* Somebody has come or gone, or goes by another nickname: the account, and the nickname's owner. */
void absentees_moved(struct room *room, struct str account, struct str nick_key);
/* Nothing is kept any more. */
void absentees_drop(struct room *room);
/* For room_check(). */
void absentees_check(const struct room *room);

#endif
