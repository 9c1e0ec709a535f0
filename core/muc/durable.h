/*
 * Which rooms outlive the process, and so which changes wait for the store.
 */
#ifndef CORE_MUC_DURABLE_H
#define CORE_MUC_DURABLE_H

#include "core/muc/change.h"

/* There is a store, and the room is in it: it persists, or its messages are archived, or were: what
 * is in an archive that was switched off stays readable while the room lives (SEMANTICS 13.12). */
bool room_is_durable(const struct room *room);
/* Is it, once the change has been applied? */
bool change_leaves_durable(const struct room *room, const struct change *change);

/* All of it that must outlive the process is stored, nobody is inside, and nothing is left to be
 * done (core/muc/burial.h): it may leave memory. */
bool room_is_parkable(const struct room *room);

/* The change has something to do with the store: the room is in it, will be, or its tombstone. */
bool change_is_gated(const struct room *room, const struct change *change);

#endif
