/*
 * Agents: a thread is a `do_work()` that says how much it did; looping, sleeping, RCU and the clock
 * are the runner's. A test can step an agent by hand in any thread: agent_step().
 */
#ifndef SHARD_RUNTIME_AGENT_H
#define SHARD_RUNTIME_AGENT_H

#include "core/base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct agent {
    const char *name; /* thread name, at most 15 bytes; static or owned by whoever made the agent */
    void *self;
    /* Returns work done; 0: may sleep. Runs inside an RCU read section unless `blocking`. */
    int (*do_work)(void *self);
    /* Sleeps until there is something to do, outside any read section, at most `timeout_ms` (-1: no
     * limit). With work != 0 it must not sleep (epoll agents poll with timeout 0 then). */
    void (*wait)(void *self, int work, int timeout_ms);
    /* Milliseconds until the agent wants to run again without being woken; -1: never. May be
     * NULL. */
    int (*timeout_ms)(void *self);
    /* Makes wait() return (mailbox_wake), or the next one. Any thread. */
    void (*wake)(void *self);
    /* Gives back memory kept for the next burst that the last AGENT_REST_MS had no use for; true:
     * some is kept that may go next time. Called that often while there is work, and after the last
     * of it until false. Outside any read section. May be NULL. */
    bool (*rest)(void *self);
    /* On its thread when it is to end, outside any read section: what was posted before is done.
     * May be NULL. */
    void (*finish)(void *self);
    bool blocking;        /* the scribe: takes read sections itself around posting */
    struct log_sink *log; /* of this thread, or NULL */

    /* written by the agent's thread */
    int64_t now_us;  /* wall clock, never going back, read once per cycle */
    int64_t mono_ms; /* monotonic, read once per cycle */
    uint64_t cycles;
    int64_t longest_cycle_us;
    int64_t rest_at_ms; /* 0: has rested since it worked last */
    uint64_t worked;    /* cycles with work since it rested last */

    pthread_t thread;
    _Atomic bool stop;
};

/* Starts the thread; negative code if that fails. */
int agent_start(struct agent *agent);
/* Asks it to end after its present cycle, and wakes it; the caller then joins. */
void agent_stop(struct agent *agent);
void agent_join(struct agent *agent);
/* False: it has not ended by then (clock_mono_ms()), and what it uses must not be freed. */
bool agent_join_by(struct agent *agent, int64_t at_ms);
/* One cycle without sleeping, on the calling thread (which must be registered with RCU). */
int agent_step(struct agent *agent);

/* What the thread does between a cycle and sleeping: rests if that is due. Returns the milliseconds
 * until it will be, -1: it will not before there is work. Separate for tests. */
int agent_rest(struct agent *agent, int work);

/* True on the thread that runs (or steps) the agent. */
bool agent_is_current(const struct agent *agent);
#define ASSERT_ON(agent) ensure(agent_is_current(agent))

/* For main and tests: threads that post must be registered. */
void agent_register_thread(void);
void agent_unregister_thread(void);

/* Wall clock in microseconds and monotonic in milliseconds: the only place that reads clocks. */
int64_t clock_wall_us(void);
int64_t clock_mono_ms(void);

/* What they say instead, where a test steps all agents in one thread and moves time itself. */
struct clock_face {
    int64_t wall_us;
    int64_t mono_ms;
};
/* Borrowed, read at each look; NULL: the system's clocks again. While no agent runs. */
void clock_show(const struct clock_face *face);

#endif
