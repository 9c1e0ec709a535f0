/*
 * A log that only counts its lines and remembers the last one. log_set_sink(&heard.sink).
 */
#ifndef TESTS_SUPPORT_LOG_EAR_H
#define TESTS_SUPPORT_LOG_EAR_H

#include "core/base/base.h"
#include "core/base/log.h"

#include <stdio.h>

struct log_ear {
    struct log_sink sink;
    unsigned lines;
    char last[LOG_LINE_MAX + 1];
};

static inline void log_ear_hear(struct log_sink *sink, enum log_level level, const char *line)
{
    struct log_ear *ear = container_of(sink, struct log_ear, sink);
    UNUSED(level);
    ear->lines++;
    snprintf(ear->last, sizeof(ear->last), "%s", line);
}

/* Hears warnings and what is worse. */
#define LOG_EAR ((struct log_ear){.sink = {.write = log_ear_hear, .level = LOG_LEVEL_WARN}})

#endif
