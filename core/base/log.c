#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct log_sink *current;

void log_set_sink(struct log_sink *sink)
{
    current = sink;
}

/* Whoever reads the log must be able to trust its lines: what a peer sent cannot begin a new one.
 */
static void flatten(char *line)
{
    for (; *line != '\0'; line++) {
        if ((unsigned char)*line < 0x20 || *line == 0x7f)
            *line = ' ';
    }
}

/* A line that was cut must not end in half a UTF-8 sequence. */
static void drop_partial(char *line, size_t len)
{
    size_t lead = len - 1;
    while (lead > 0 && ((unsigned char)line[lead] & 0xc0) == 0x80)
        lead--;
    unsigned char first = (unsigned char)line[lead];
    size_t need = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (lead + need > len)
        line[lead] = '\0';
}

void log_line(enum log_level level, const char *format, ...)
{
    if (current == NULL || level > current->level)
        return;

    char line[LOG_LINE_MAX + 1];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len < 0)
        return;
    if (len > LOG_LINE_MAX)
        drop_partial(line, LOG_LINE_MAX);
    flatten(line);
    current->write(current, level, line);
}
