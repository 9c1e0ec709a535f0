/*
 * For tests that do by hand what agents do: the thread of the test is one of them from the first
 * case of its group to the last.
 */
#ifndef TESTS_SUPPORT_AGENT_THREAD_H
#define TESTS_SUPPORT_AGENT_THREAD_H

#include "core/base/base.h"
#include "shard/runtime/agent.h"

static inline int agent_thread_begin(void **state)
{
    UNUSED(state);
    agent_register_thread();
    return 0;
}

static inline int agent_thread_end(void **state)
{
    UNUSED(state);
    agent_unregister_thread();
    return 0;
}

#endif
