/*
 * The complete lists of admins and owners as the owner's form carries them: what has to change so
 * that the room's own list agrees with them (SEMANTICS 13.5).
 * @xep 0045 1.35.5 #roomconfig.admin-lost #roomconfig.admin-gained #roomconfig.owner-lost
 * @xep 0045 1.35.5 #roomconfig.owner-gained #roomconfig.last-owner #roomconfig.step-down
 */
#ifndef CORE_MUC_STAFF_H
#define CORE_MUC_STAFF_H

#include "core/muc/change.h"
#include "core/muc/room.h"

struct staff {
    const struct form_field *owners; /* NULL: not submitted, so not touched */
    const struct form_field *admins;
    struct affiliation_change *changes; /* in the arena */
    unsigned count;
};

/*
 * Fills in the changes; NULL, or why the lists are not possible. Who is in both lists is an owner.
 * Who is no longer an owner becomes an admin, or a member if the form names the admins and does not
 * name it; who is no longer an admin becomes a member.
 */
const struct refusal *staff_decide(const struct room *room, struct step *step, struct staff *staff);

/* Both lists are short enough to come back in a form. */
bool staff_fits_form(const struct room *room);

#endif
