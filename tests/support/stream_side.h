/*
 * A client's side of one stream (tests/support/stream_world.h): what the tests of it begin with,
 * for cmocka tests.
 */
#ifndef TESTS_SUPPORT_STREAM_SIDE_H
#define TESTS_SUPPORT_STREAM_SIDE_H

#include "tests/support/stream_world.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/xmpp/prep.h"
#include "net/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct stream_world world;

static inline int prepare(void **state)
{
    UNUSED(state);
    ensure(prep_init() == 0);
    return sasl_init();
}

static inline int clean(void **state)
{
    UNUSED(state);
    sasl_fini();
    prep_fini();
    return 0;
}

static inline int begin(void **state)
{
    UNUSED(state);
    stream_world_begin(&world);
    return 0;
}

static inline int end(void **state)
{
    UNUSED(state);
    stream_world_end(&world);
    return 0;
}

static inline const char *feed(const char *xml)
{
    return stream_world_feed(&world, xml);
}

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, text);
}

#endif
