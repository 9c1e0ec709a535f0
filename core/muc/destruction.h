/*
 * The end of a room for those inside: each session is told once, by its own unavailable presence,
 * and about nobody else (SEMANTICS 3.9). Used when an owner destroys the room and when the first
 * configuration is cancelled.
 * @xep 0045 1.35.5 #destroyroom.once #destroyroom.element #destroyroom.details
 * @xep 0045 1.35.5 #createroom-reserved.cancelled #createroom-reserved.left
 */
#ifndef CORE_MUC_DESTRUCTION_H
#define CORE_MUC_DESTRUCTION_H

#include "core/muc/muc.h"
#include "core/muc/order.h"

/* What the farewell says; all may be absent. */
struct farewell {
    struct str alternate; /* where to go instead, a JID */
    struct str password;  /* to enter there */
    struct str reason;
};

/* Tells every session and empties the room. */
void destruction_empty_room(struct room *room, struct step *step, const struct farewell *farewell);

/* When a tombstone raised now falls; 0: there is to be none. */
int64_t destruction_tombstone(const struct room *room, const struct step *step);

/* An admin of the service ends the room, as an owner would without a word (SEMANTICS 3.10). Reports
 * when it is done, or at once if there is no room. */
void destruction_by_order(struct room *room, struct step *step, const struct ticket *ticket);

#endif
