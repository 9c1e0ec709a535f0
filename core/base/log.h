/*
 * Log records into a sink. The core never prints: whoever runs it installs a sink (the ring of its
 * agent, a test's list). One record is one line without a newline. Stanza bodies are never logged
 * above debug.
 */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include "core/base/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The longest line kept, in bytes; what is longer is cut. */
#define LOG_LINE_MAX 500

struct log_sink {
    /* Called on the thread that logs; `line` is borrowed and ends in NUL. */
    void (*write)(struct log_sink *sink, enum log_level level, const char *line);
    enum log_level level; /* what is above is not even formatted */
};

/* The sink of this thread; NULL (the start value) throws records away. Borrowed. */
void log_set_sink(struct log_sink *sink);

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
