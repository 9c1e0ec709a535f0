/*
 * What all tests of shards that are stepped by hand begin and end with, and how they look at what
 * was heard. For cmocka tests.
 */
#ifndef TESTS_SUPPORT_SHARD_EXPECT_H
#define TESTS_SUPPORT_SHARD_EXPECT_H

#include "core/base/base.h"
#include "core/xmpp/prep.h"
#include "shard/runtime/agent.h"
#include "tests/support/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline int group_begin(void **state)
{
    UNUSED(state);
    agent_register_thread();
    return prep_init();
}

static inline int group_end(void **state)
{
    UNUSED(state);
    lanes_env_free();
    prep_fini();
    agent_unregister_thread();
    return 0;
}

/* All of these, in this order; ends with NULL. */
static inline void in_order(const char *text, ...)
{
    va_list args;
    const char *at = text;
    va_start(args, text);
    for (const char *part = va_arg(args, const char *); part != NULL;
         part = va_arg(args, const char *)) {
        const char *found = strstr(at, part);
        if (found == NULL)
            print_error("missing: %s\nin:\n%s\n", part, text);
        assert_non_null(found);
        at = found + strlen(part);
    }
    va_end(args);
}

#endif
