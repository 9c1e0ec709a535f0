/*
 * Requests for voice on their way to moderators. Those that came while none was inside wait, and
 * the first to be one is given all of them: by entering, or because an admin who is not inside made
 * it one, by its role or by its affiliation. Nobody inside can, as there is no moderator.
 * @xep 0045 1.35.5 #requestvoice
 */
#ifndef CORE_MUC_VOICE_PENDING_H
#define CORE_MUC_VOICE_PENDING_H

#include "core/muc/room.h"

/* The form in which a visitor's request is put before a moderator; `asker` is the full JID. */
struct frame *voice_approval_form(const struct room *room, struct step *step,
                                  const struct occupant *visitor, struct str asker);

/* The visitor who still waits; NULL: it has left, or has voice by now. */
const struct occupant *voice_still_waits(const struct room *room,
                                         const struct voice_request *waiting);

/* The occupant is about to go: what it has asked for waits no longer. Another nickname of its
 * account may have asked, and does. */
void voice_pending_leave(struct room *room, const struct occupant *leaving);

/* All that wait, to that session of a moderator; NULL: to all of its sessions. Nobody else gets
 * them any more. */
void voice_pending_hand_out(struct room *room, struct step *step, const struct occupant *moderator,
                            const struct session *session);

#endif
