/*
 * A room from the store, before anything else happens to it.
 */
#ifndef CORE_MUC_RESTORE_H
#define CORE_MUC_RESTORE_H

#include "core/muc/stored.h"

/* NULL: nothing is stored, the room does not exist. Those who were inside are inside again, and
 * nobody notices. Who cannot be reached or may not be inside any more is put out, which everybody
 * is told. */
void room_restore(struct room *room, struct step *step, const struct stored_room *stored);

#endif
