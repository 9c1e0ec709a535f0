/*
 * The door of an archived room: what it says waits here until the messages in it are kept, and
 * everything it says after them waits behind. The room itself runs on.
 *
 * Order      Steps leave in the order they came, whole.
 * Failure    A message that was not kept is in nobody's sight: its broadcast is dropped, and so is
 *            its place in the lists of newcomers that wait here.
 * Bound      Bytes are counted; the shard gives no credits back while there are too many.
 */
#ifndef SHARD_HOLD_H
#define SHARD_HOLD_H

#include "core/muc/effect.h"

struct hold;

/* What a step wants delivered, and by which route its cause came. */
struct held_step {
    struct effects effects;
    struct route origin;
};

struct hold *hold_new(void);
void hold_free(struct hold *hold); /* NULL allowed; what waits is dropped */

/* The deliveries among the effects (all that are left in it) are moved here and wait for `ticket`;
 * tickets never fall. */
void hold_add(struct hold *hold, struct effects *effects, struct route origin, uint64_t ticket);
/* The step that wait for `ticket` carries this message. A reference is taken. */
void hold_message(struct hold *hold, struct frame *frame, uint64_t ticket);

/* The messages of that ticket were not kept: they are dropped wherever they wait. */
void hold_fail(struct hold *hold, uint64_t ticket);

/* The next step that waits for a ticket up to this one: to be lowered, then hold_done(). False:
 * none (any more). */
MUST_CHECK bool hold_next(struct hold *hold, uint64_t ticket, struct held_step *step);
void hold_done(struct held_step *step);

bool hold_empty(const struct hold *hold);
size_t hold_bytes(const struct hold *hold); /* of frames that wait, each where it is named */

#endif
