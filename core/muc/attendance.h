/*
 * Who has come, changed or gone during a step, and of which accounts something else is remembered,
 * where that is written behind: after a restart those who were inside a stored room are found
 * again. Notes are taken where it changes, and told at the end of the step.
 */
#ifndef CORE_MUC_ATTENDANCE_H
#define CORE_MUC_ATTENDANCE_H

#include "core/muc/occupant.h"

struct step;

/* The session is new, is not what it was, or is about to go. Nothing, if the room is not stored. */
void attendance_note(struct room *room, struct session *session);
/* The same for all sessions of a nickname. */
void attendance_note_all(struct room *room, struct occupant *occupant);

/* What was noted in this step is acknowledged by it: what it says, and all that is said after it,
 * waits until that is kept (but is not taken back if it cannot be). */
void attendance_await(const struct room *room, struct step *step);

/* A voice decision, an invitation or a request for voice of the account is new, or no more.
 * `account` is copied. The room may become a stored one in this step. */
void attendance_note_account(struct room *room, struct str account);

/* One FX_SESSION for each of them. */
void attendance_tell(struct room *room, struct step *step);
/* What was noted is known where it is written. */
void attendance_drop(struct room *room);

#endif
