#include "shard/runtime/rcu.h"

#include "core/base/base.h"
#include "core/base/ensure.h"

#include <errno.h>
#include <semaphore.h>
#include <stddef.h>

char rcu_meeting_point;

struct last_call {
    struct rcu_head later;
    sem_t done;
};

static void last_call_done(struct rcu_head *head)
{
    rcu_later_begin(head);
    struct last_call *last = container_of(head, struct last_call, later);
    ensure(sem_post(&last->done) == 0);
}

/* One thread of liburcu's makes all calls, in the order they were asked for: after the last one all
 * are done. (The library's own barrier does the same with a block that a sanitizer sees freed by
 * another thread for no reason it could know.) */
void rcu_finish_later(void)
{
    struct last_call last;
    ensure(sem_init(&last.done, 0, 0) == 0);
    rcu_later(&last.later, last_call_done);
    while (sem_wait(&last.done) != 0)
        ensure(errno == EINTR);
    sem_destroy(&last.done);
}
