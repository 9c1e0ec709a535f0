/*
 * The only macros we allow ourselves everywhere. Anything that can be a function is one.
 */
#ifndef CORE_BASE_BASE_H
#define CORE_BASE_BASE_H

#include <stddef.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* The caller must look at the result. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Checks a format string against its arguments; positions count from 1. */
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* A parameter required by an interface and not needed here. */
#define UNUSED(name) ((void)(name))

/* Keeps fields written by different threads apart. */
#define CACHE_LINE 64

#endif
