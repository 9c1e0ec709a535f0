/*
 * Agents: stepped by hand and on a thread of their own; clocks, sleeping, waking, stopping. And the
 * ring their log lines go into.
 */
#include "shard/runtime/agent.h"

#include "core/base/base.h"
#include "core/base/limits.h"
#include "shard/runtime/logring.h"
#include "shard/runtime/mailbox.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct worker {
    struct agent agent;
    struct mailbox *mailbox;
    _Atomic unsigned cycles;
    int64_t seen_us;
    int works; /* cycles with something to do */
    bool was_current;
    bool went_back;
    bool takes_signals;
    char name[16];
};

static int work(void *self)
{
    struct worker *worker = self;
    worker->was_current = agent_is_current(&worker->agent);
    worker->went_back |= worker->agent.now_us < worker->seen_us;
    worker->seen_us = worker->agent.now_us;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    worker->takes_signals = !sigismember(&blocked, SIGTERM);
    pthread_getname_np(pthread_self(), worker->name, sizeof(worker->name));
    bool more;
    mailbox_drain(worker->mailbox, NULL, NULL, 0, &more);
    log_info("cycle");
    atomic_fetch_add(&worker->cycles, 1);
    return worker->works > 0 ? worker->works-- : 0;
}

static void wait_for_mail(void *self, int done, int timeout_ms)
{
    struct worker *worker = self;
    if (done == 0)
        mailbox_wait(worker->mailbox, timeout_ms);
}

static void wake(void *self)
{
    struct worker *worker = self;
    mailbox_wake(worker->mailbox);
}

static int soon(void *self)
{
    UNUSED(self);
    return 1;
}

static int begin(void **state)
{
    static struct worker worker;
    int err = 0;
    worker = (struct worker){
        .agent = {.name = "tester",
                  .self = &worker,
                  .do_work = work,
                  .wait = wait_for_mail,
                  .wake = wake},
        .mailbox = mailbox_new(&err),
    };
    *state = &worker;
    return err;
}

static int end(void **state)
{
    struct worker *worker = *state;
    mailbox_free(worker->mailbox);
    return 0;
}

static void stepping(void **state)
{
    struct worker *worker = *state;
    agent_register_thread();
    assert_false(agent_is_current(&worker->agent));
    int64_t before_us = clock_wall_us();
    assert_int_equal(agent_step(&worker->agent), 0);
    assert_true(worker->was_current);
    assert_false(agent_is_current(&worker->agent));
    assert_true(worker->agent.now_us >= before_us && worker->agent.now_us <= clock_wall_us());
    assert_true(worker->agent.mono_ms <= clock_mono_ms());
    /* The wall clock was set back: an agent's does not follow. */
    int64_t ahead_us = worker->agent.now_us + 3600 * INT64_C(1000000);
    worker->agent.now_us = ahead_us;
    agent_step(&worker->agent);
    assert_true(worker->agent.now_us == ahead_us);
    assert_int_equal(worker->agent.cycles, 2);
    agent_unregister_thread();
}

static void await_cycles(struct worker *worker, unsigned count)
{
    while (atomic_load(&worker->cycles) < count)
        sched_yield();
}

/* Sleeps without limit: only being woken makes a second cycle, and an end. */
static void running(void **state)
{
    struct worker *worker = *state;
    assert_int_equal(agent_start(&worker->agent), 0);
    await_cycles(worker, 1);
    mailbox_wake(worker->mailbox);
    await_cycles(worker, 2);
    agent_stop(&worker->agent);
    agent_join(&worker->agent);
    assert_true(worker->was_current);
    assert_false(worker->went_back);
    assert_false(worker->takes_signals);
    assert_string_equal(worker->name, "tester");
}

/* Whoever waits for it does not wait longer than said; whether it has ended by then is true. */
static void waiting_has_an_end(void **state)
{
    struct worker *worker = *state;
    assert_int_equal(agent_start(&worker->agent), 0);
    await_cycles(worker, 1);
    int64_t at_ms = clock_mono_ms() + 30;
    assert_false(agent_join_by(&worker->agent, at_ms));
    assert_true(clock_mono_ms() >= at_ms);
    agent_stop(&worker->agent);
    assert_true(agent_join_by(&worker->agent, clock_mono_ms() + 60000));
}

static void alarms_wake_too(void **state)
{
    struct worker *worker = *state;
    worker->agent.timeout_ms = soon;
    assert_int_equal(agent_start(&worker->agent), 0);
    await_cycles(worker, 5);
    agent_stop(&worker->agent);
    agent_join(&worker->agent);
}

static unsigned rests;
static bool keeps_some;

static bool count_rest(void *self)
{
    UNUSED(self);
    rests++;
    return keeps_some;
}

/* A moment later; returns when it wants to be called again. */
static int later(struct agent *agent, int ms, int done)
{
    agent->mono_ms += ms;
    return agent_rest(agent, done);
}

/* Memory is given back now and then while there is work, and after it until nothing is left; and an
 * agent that has nothing to do and to give back is not woken for it. */
static void resting(void **state)
{
    struct worker *worker = *state;
    struct agent *agent = &worker->agent;
    agent->rest = count_rest;
    agent->mono_ms = 1000;
    rests = 0;
    keeps_some = true;
    assert_int_equal(agent_rest(agent, 0), -1);
    assert_int_equal(later(agent, 0, 1), AGENT_REST_MS);
    assert_int_equal(later(agent, AGENT_REST_MS - 1, 1), 1);
    assert_int_equal(rests, 0);
    assert_int_equal(later(agent, 1, 0), AGENT_REST_MS);
    assert_int_equal(rests, 1);
    assert_int_equal(later(agent, 5 * AGENT_REST_MS, 1), AGENT_REST_MS);
    assert_int_equal(rests, 2);
    assert_int_equal(later(agent, AGENT_REST_MS, 0), AGENT_REST_MS);
    assert_int_equal(rests, 3); /* nothing was done, but it still keeps some */
    keeps_some = false;
    assert_int_equal(later(agent, AGENT_REST_MS, 0), -1);
    assert_int_equal(rests, 4);
    assert_int_equal(later(agent, 100 * AGENT_REST_MS, 0), -1);
    assert_int_equal(rests, 4);
    assert_int_equal(later(agent, 0, 1), AGENT_REST_MS);
    agent->rest = NULL;
    assert_int_equal(later(agent, AGENT_REST_MS, 0), AGENT_REST_MS);
    assert_int_equal(later(agent, AGENT_REST_MS, 0), -1);
}

/* On its thread: who sleeps without limit wakes up to rest, and sleeps on. */
static void it_rests_before_it_sleeps(void **state)
{
    struct worker *worker = *state;
    worker->works = 1;
    assert_int_equal(agent_start(&worker->agent), 0);
    await_cycles(worker, 4); /* the work, before sleeping, two times to rest */
    agent_stop(&worker->agent);
    agent_join(&worker->agent);
}

/* ---- the ring of log lines ---- */

static unsigned wakes;
static unsigned lines;
static char last_line[LOG_LINE_MAX + 1];
static enum log_level last_level;

static void count_wake(void *self)
{
    UNUSED(self);
    wakes++;
}

static void count_line(void *self, enum log_level level, const char *agent, int64_t time_us,
                       const char *line)
{
    assert_string_equal(agent, self);
    assert_true(time_us > 0);
    lines++;
    last_level = level;
    snprintf(last_line, sizeof(last_line), "%s", line);
}

static void ring_keeps_order_and_wakes_once(void **state)
{
    UNUSED(state);
    struct logring *ring = logring_new("tester", LOG_LEVEL_INFO, count_wake, NULL);
    char name[] = "tester";
    wakes = lines = 0;
    log_set_sink(logring_sink(ring));
    log_info("one");
    log_warn("two");
    log_debug("not asked for");
    assert_int_equal(wakes, 1);
    assert_int_equal(logring_drain(ring, count_line, name), 2);
    assert_string_equal(last_line, "two");
    assert_int_equal(last_level, LOG_LEVEL_WARN);
    assert_int_equal(logring_drain(ring, count_line, name), 0);
    log_error("three");
    assert_int_equal(wakes, 2);
    assert_int_equal(logring_drain(ring, count_line, name), 1);
    log_set_sink(NULL);
    logring_free(ring);
}

static void a_full_ring_counts(void **state)
{
    UNUSED(state);
    struct logring *ring = logring_new("tester", LOG_LEVEL_INFO, NULL, NULL);
    char name[] = "tester";
    lines = 0;
    log_set_sink(logring_sink(ring));
    for (unsigned i = 0; i < 1000; i++)
        log_info("line %u", i);
    unsigned drained = logring_drain(ring, count_line, name);
    assert_int_equal(drained, lines);
    assert_in_range(drained, 2, 999);
    char expected[LOG_LINE_MAX];
    snprintf(expected, sizeof(expected), "%u lines were lost", 1000 - (drained - 1));
    assert_memory_equal(last_line, expected, strlen(expected));
    log_info("again");
    assert_int_equal(logring_drain(ring, count_line, name), 1);
    assert_string_equal(last_line, "again");
    log_set_sink(NULL);
    logring_free(ring);
}

/* An agent's lines go to its own sink; they are drained elsewhere while it writes. */
static void an_agent_logs_into_its_ring(void **state)
{
    struct worker *worker = *state;
    struct logring *ring = logring_new("tester", LOG_LEVEL_INFO, NULL, NULL);
    char name[] = "tester";
    lines = 0;
    worker->agent.log = logring_sink(ring);
    worker->agent.timeout_ms = soon;
    assert_int_equal(agent_start(&worker->agent), 0);
    while (lines < 5)
        logring_drain(ring, count_line, name);
    agent_stop(&worker->agent);
    agent_join(&worker->agent);
    assert_string_equal(last_line, "cycle");
    logring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stepping, begin, end),
        cmocka_unit_test_setup_teardown(running, begin, end),
        cmocka_unit_test_setup_teardown(waiting_has_an_end, begin, end),
        cmocka_unit_test_setup_teardown(alarms_wake_too, begin, end),
        cmocka_unit_test_setup_teardown(resting, begin, end),
        cmocka_unit_test_setup_teardown(it_rests_before_it_sleeps, begin, end),
        cmocka_unit_test(ring_keeps_order_and_wakes_once),
        cmocka_unit_test(a_full_ring_counts),
        cmocka_unit_test_setup_teardown(an_agent_logs_into_its_ring, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
