/*
 * Messages taken back: what is left of one in the history. A tombstone has the address, the ids and
 * the time of the message, when and by which other message it was retracted, and who moderated it;
 * nothing of what was said.
 * @xep 0424 0.4.2 #tombstones
 * @xep 0425 0.3.0 #tombstones
 */
#ifndef CORE_MUC_RETRACTION_H
#define CORE_MUC_RETRACTION_H

#include "core/muc/change.h"
#include "core/muc/room.h"

struct retraction {
    struct str id;                    /* of the message that retracts */
    const struct occupant *moderator; /* NULL: its author did it */
    struct str reason;                /* of the moderator, or absent */
    int64_t at_us;                    /* when; 0: now */
};

/* What a moderator says of itself, within <retract/> or <retracted/>. */
void fb_moderated(struct fb *fb, const struct retraction *retraction);

/* The kept message, which is none yet, becomes a tombstone. */
struct change retraction_change(struct room *room, struct step *step,
                                const struct history_entry *entry,
                                const struct retraction *retraction);

#endif
