/*
 * Building the frames of presence.c. For core/muc/presence.c alone.
 */
#ifndef CORE_MUC_PRESENCE_FRAME_H
#define CORE_MUC_PRESENCE_FRAME_H

#include "core/muc/presence.h"

/* For whose eyes a presence is built. */
enum presence_copy {
    COPY_FULL,       /* may see JIDs, the actor's too */
    COPY_ANON,       /* may not */
    COPY_OWN,        /* another nickname of the same account: own JIDs, never the actor's */
    COPY_SELF,       /* the occupant's own sessions: own JIDs, never the actor's */
    COPY_SELF_ASKED, /* the own session whose stanza caused it: with that stanza's id */
};

/* A new frame, the caller's. */
struct frame *presence_frame(struct room *room, struct step *step, struct occupant *occupant,
                             const struct news *news, enum presence_copy copy);

#endif
