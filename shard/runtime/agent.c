/*
 * The runner: the only place where a thread loops, sleeps, takes part in RCU, or reads a clock.
 *
 * A cycle sees one instant. Its length is known when the next one begins, unless the agent slept in
 * between, so the clocks are read once per cycle and not twice.
 */
#include "shard/runtime/agent.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "shard/runtime/rcu.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

static _Thread_local const struct agent *current;

bool agent_is_current(const struct agent *agent)
{
    return current == agent;
}

void agent_register_thread(void)
{
    urcu_memb_register_thread();
}

void agent_unregister_thread(void)
{
    urcu_memb_unregister_thread();
}

static int64_t clock_read_us(clockid_t clock)
{
    struct timespec now;
    ensure(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const struct clock_face *shown; /* NULL: the system's */

void clock_show(const struct clock_face *face)
{
    shown = face;
}

int64_t clock_wall_us(void)
{
    return shown != NULL ? shown->wall_us : clock_read_us(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return shown != NULL ? shown->mono_ms : clock_read_us(CLOCK_MONOTONIC) / 1000;
}

static int cycle(struct agent *agent)
{
    int64_t wall_us = clock_wall_us();
    if (wall_us > agent->now_us)
        agent->now_us = wall_us;
    agent->mono_ms = clock_mono_ms();
    agent->cycles++;

    if (!agent->blocking)
        rcu_section_begin();
    int work = agent->do_work(agent->self);
    if (!agent->blocking)
        rcu_section_end();
    return work;
}

int agent_step(struct agent *agent)
{
    const struct agent *before = current;
    current = agent;
    if (agent->log != NULL)
        log_set_sink(agent->log);
    int work = cycle(agent);
    current = before;
    return work;
}

/* ---- memory ---- */

/* jemalloc's, where the process has it: under a sanitizer it has not. */
extern int mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size)
    __attribute__((weak));

/* What the allocator keeps for this thread alone; and after a time without work, what is free in
 * its arena. Both are there to make bursts cheap, and this is none. */
static void allocator_rest(bool idle)
{
    unsigned arena;
    size_t size = sizeof(arena);
    char name[40];
    if (mallctl == NULL)
        return;
    /* Nothing depends on any of it: what cannot be given back is kept. */
    (void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    if (!idle || mallctl("thread.arena", &arena, &size, NULL, 0) != 0)
        return;
    snprintf(name, sizeof(name), "arena.%u.purge", arena);
    (void)mallctl(name, NULL, NULL, NULL, 0);
}

int agent_rest(struct agent *agent, int work)
{
    if (work != 0) {
        agent->worked++;
        if (agent->rest_at_ms == 0)
            agent->rest_at_ms = agent->mono_ms + AGENT_REST_MS;
    }
    if (agent->rest_at_ms == 0)
        return -1;
    if (agent->mono_ms >= agent->rest_at_ms) {
        bool idle = agent->worked == 0;
        bool more = agent->rest != NULL && agent->rest(agent->self);
        allocator_rest(idle);
        agent->worked = 0;
        agent->rest_at_ms = idle && !more ? 0 : agent->mono_ms + AGENT_REST_MS;
    }
    return agent->rest_at_ms == 0 ? -1 : (int)(agent->rest_at_ms - agent->mono_ms);
}

/* ---- the thread ---- */

static int sooner(int a_ms, int b_ms)
{
    if (a_ms < 0 || b_ms < 0)
        return a_ms < 0 ? b_ms : a_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

/* Main alone takes signals. */
static void signals_block(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

static void *agent_main(void *self)
{
    struct agent *agent = self;
    current = agent;
    log_set_sink(agent->log);
    agent_register_thread();
    bool worked = false;
    int64_t before_us = 0;
    while (!atomic_load_explicit(&agent->stop, memory_order_acquire)) {
        int64_t start_us = clock_read_us(CLOCK_MONOTONIC);
        if (worked && start_us - before_us > agent->longest_cycle_us)
            agent->longest_cycle_us = start_us - before_us;
        before_us = start_us;
        int work = cycle(agent);
        worked = work != 0;
        int timeout_ms = agent_rest(agent, work);
        if (worked)
            timeout_ms = 0;
        else if (agent->timeout_ms != NULL)
            timeout_ms = sooner(timeout_ms, agent->timeout_ms(agent->self));
        agent->wait(agent->self, work, timeout_ms);
    }
    if (agent->finish != NULL)
        agent->finish(agent->self);
    agent_unregister_thread();
    log_set_sink(NULL);
    current = NULL;
    return NULL;
}

int agent_start(struct agent *agent)
{
    atomic_store(&agent->stop, false);
    sigset_t before;
    signals_block(&before);
    int failed = pthread_create(&agent->thread, NULL, agent_main, agent);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return err_from_errno(failed);
    /* A name is for people with a debugger; one that is too long is no reason to stop. */
    (void)pthread_setname_np(agent->thread, agent->name);
    return 0;
}

void agent_stop(struct agent *agent)
{
    atomic_store_explicit(&agent->stop, true, memory_order_release);
    if (agent->wake != NULL)
        agent->wake(agent->self);
}

void agent_join(struct agent *agent)
{
    ensure(pthread_join(agent->thread, NULL) == 0);
}

bool agent_join_by(struct agent *agent, int64_t at_ms)
{
    static const struct timespec moment = {.tv_nsec = 2000000};
    while (pthread_tryjoin_np(agent->thread, NULL) != 0) {
        if (clock_mono_ms() >= at_ms)
            return false;
        nanosleep(&moment, NULL);
    }
    return true;
}
