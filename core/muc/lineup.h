/*
 * Who is here, for those who enter a large room: a gallery for each kind of viewer, kept from one
 * newcomer to the next. What changes in between is marked, and made up for when somebody looks.
 * Only who is shown to everybody is in it.
 *
 * Belongs to the room; small rooms have none.
 */
#ifndef CORE_MUC_LINEUP_H
#define CORE_MUC_LINEUP_H

#include "core/muc/gallery.h"
#include "core/muc/muc.h"

struct occupant;
struct lineup;

/* Those who are shown JIDs, and those who are not. */
enum viewing { VIEWING_ANON, VIEWING_FULL, VIEWINGS };

/* Is it for this room, at its present size? */
bool lineup_serves(const struct room *room);
/* What the viewer is to be shown: everybody but those of its own account, who look different to it.
 * NULL: nobody. */
struct showing *lineup_show(struct room *room, struct step *step, const struct occupant *viewer,
                            enum viewing viewing);

/* The occupant is new, or looks different. */
void lineup_changed(struct room *room, struct occupant *occupant);
/* It leaves, and is about to be freed. */
void lineup_left(struct room *room, struct occupant *occupant);
/* Nothing is kept any more. */
void lineup_drop(struct room *room);
/* For room_check(). */
void lineup_check(const struct room *room);

#endif
