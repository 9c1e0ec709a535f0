/*
 * Composition root: builds the parts in order, runs until told to stop, stops them in reverse.
 *
 *   start   log -> store, scribe -> shards -> net agents -> listener
 *   stop    listener -> rooms say goodbye (332) -> fan-out and outboxes drained -> agents joined ->
 *           grace period over; each phase has a deadline, all of them together stay under 2 s
 */
#ifndef TOOLS_STENTORD_BOOT_H
#define TOOLS_STENTORD_BOOT_H

#include "tools/stentord/settings.h"

/* Runs the service until SIGINT or SIGTERM. Returns the exit status: 0 after a clean stop, 1 if it
 * could not start (the reason has been printed). */
int boot_run(const struct settings *settings, const struct config *config);

#endif
