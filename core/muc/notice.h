/*
 * What everybody inside is told of the room itself: that it is set up otherwise than before.
 * @xep 0045 1.35.5 #roomconfig-notify
 */
#ifndef CORE_MUC_NOTICE_H
#define CORE_MUC_NOTICE_H

#include "core/muc/muc.h"

/* A message from the room with these codes (a set, core/muc/presence.h); none: no message. */
void notice_statuses(struct room *room, struct step *step, uint32_t statuses);

#endif
