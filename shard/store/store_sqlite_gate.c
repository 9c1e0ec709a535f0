/*
 * The gate before the readers. The log begins anew only if all of it is copied back and nobody
 * reads in it; of readers without a pause there is always one. So when it has grown too long, the
 * scribe shuts the gate, and whoever is inside leaves and asks again.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/limits.h"

#include <time.h>

void gate_init(struct sqlite_gate *gate)
{
    pthread_condattr_t attributes;
    ensure(pthread_mutex_init(&gate->lock, NULL) == 0);
    ensure(pthread_condattr_init(&attributes) == 0);
    ensure(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ensure(pthread_cond_init(&gate->changed, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

void gate_fini(struct sqlite_gate *gate)
{
    ensure(gate->inside == 0);
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
}

/* By the real clock, whatever is shown: it is a thread that is waited for. */
static struct timespec gate_time_over(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += STORE_GATE_MS * 1000000L;
    at.tv_sec += at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    return at;
}

unsigned gate_enter(struct sqlite_gate *gate)
{
    struct timespec until = gate_time_over();
    pthread_mutex_lock(&gate->lock);
    while (gate->shut && pthread_cond_timedwait(&gate->changed, &gate->lock, &until) == 0) {
    }
    gate->inside++;
    unsigned round = atomic_load_explicit(&gate->round, memory_order_relaxed);
    pthread_mutex_unlock(&gate->lock);
    return round;
}

void gate_leave(struct sqlite_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    if (--gate->inside == 0 && gate->shut)
        pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

bool gate_asks_to_leave(struct sqlite_gate *gate, unsigned entered)
{
    return atomic_load_explicit(&gate->round, memory_order_relaxed) != entered;
}

void gate_shut(struct sqlite_gate *gate)
{
    struct timespec until = gate_time_over();
    pthread_mutex_lock(&gate->lock);
    gate->shut = true;
    atomic_fetch_add_explicit(&gate->round, 1, memory_order_relaxed);
    while (gate->inside > 0 && pthread_cond_timedwait(&gate->changed, &gate->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&gate->lock);
}

void gate_open(struct sqlite_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->shut = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}
