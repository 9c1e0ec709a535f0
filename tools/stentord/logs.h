/*
 * The log's far end: the main thread drains the rings of all agents to stderr or a file.
 */
#ifndef TOOLS_STENTORD_LOGS_H
#define TOOLS_STENTORD_LOGS_H

#include "core/base/log.h"
#include "core/base/str.h"

struct logs;

/* NULL if the file cannot be opened: *why tells (static or errno's text). */
struct logs *logs_open(struct str target, enum log_level level, const char **why);
void logs_close(struct logs *logs); /* drains first */

/* The sink of a thread; made on first use of the name (at most 15 bytes), freed by logs_close().
 * Main thread only, before the thread that uses it starts. */
struct log_sink *logs_sink(struct logs *logs, const char *name);

/* Readable when there are lines. */
int logs_fd(const struct logs *logs);
void logs_drain(struct logs *logs);

#endif
