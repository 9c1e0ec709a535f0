/*
 * One ring of log lines per agent, drained by the main thread: agents never block on a terminal.
 * When a ring is full, lines are counted and the count is reported.
 *
 *             write   drain
 *   write       NO      ok      the owning agent
 *   drain       ok      NO      main
 */
#ifndef SHARD_RUNTIME_LOGRING_H
#define SHARD_RUNTIME_LOGRING_H

#include "core/base/log.h"

#include <stdint.h>

struct logring;

/* `name` copied, at most 15 bytes. `wake` is called (with `wake_self`) when a line was written into
 * an empty ring; NULL: nobody sleeps on it. */
struct logring *logring_new(const char *name, enum log_level level, void (*wake)(void *self),
                            void *wake_self);
void logring_free(struct logring *ring);
struct log_sink *logring_sink(struct logring *ring);
/* Calls `write` for every line, oldest first; returns how many. */
unsigned logring_drain(struct logring *ring,
                       void (*write)(void *self, enum log_level level, const char *agent,
                                     int64_t time_us, const char *line),
                       void *self);

#endif
