#include "bench/load/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct {
    char *text;
    size_t size;
} note;

void die_note_in(char *text, size_t size)
{
    note.text = text;
    note.size = size;
}

_Noreturn void die(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "stentor-bench: %s\n", text);
    if (note.text != NULL && note.text[0] == '\0')
        snprintf(note.text, note.size, "%s", text);
    exit(2);
}

void *must_alloc(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL)
        die("no memory for %zu bytes", size);
    return memory;
}

void *must_grow(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (memory == NULL)
        die("no memory for %zu bytes", size);
    return memory;
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}
