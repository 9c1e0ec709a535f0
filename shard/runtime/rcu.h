/*
 * The flavour of RCU, and the rule: RCU finds, a count keeps, a value travels. Read sections cover
 * a look-up (and the enqueue into a mailbox that was looked up), never a hand-over and never a
 * blocking call. Nobody waits for readers inside a cycle: reclamation goes through rcu_later().
 * The only header that includes urcu's flavour; RCU is used through what stands here and nothing
 * else.
 */
#ifndef SHARD_RUNTIME_RCU_H
#define SHARD_RUNTIME_RCU_H

#include "shard/runtime/handover.h"

#include <urcu/urcu-memb.h>

/* What the sanitizer is told that all read sections and grace periods meet at. */
extern char rcu_meeting_point;

/* Sections may be nested. The thread is registered (agent_register_thread()). */
static inline void rcu_section_begin(void)
{
    urcu_memb_read_lock();
}

static inline void rcu_section_end(void)
{
    handover_give(&rcu_meeting_point);
    urcu_memb_read_unlock();
}

/* Reads and sets a published pointer, given its place. */
#define rcu_load(place)                                                                            \
    __extension__({                                                                                \
        __typeof__(*(place)) loaded_ = rcu_dereference(*(place));                                  \
        handover_take(place);                                                                      \
        loaded_;                                                                                   \
    })

#define rcu_publish(place, pointer)                                                                \
    do {                                                                                           \
        handover_give(place);                                                                      \
        rcu_set_pointer((place), (pointer));                                                       \
    } while (0)

/* Returns when every section that is open now has ended. Outside sections only. */
static inline void rcu_wait_for_readers(void)
{
    urcu_memb_synchronize_rcu();
    handover_take(&rcu_meeting_point);
}

/* Calls `done` when every section that is open now has ended, on a thread of liburcu's. `done`
 * begins with rcu_later_begin(). */
static inline void rcu_later(struct rcu_head *head, void (*done)(struct rcu_head *head))
{
    handover_give(head);
    urcu_memb_call_rcu(head, done);
}

static inline void rcu_later_begin(struct rcu_head *head)
{
    handover_take(head);
    handover_take(&rcu_meeting_point);
}

/* Returns when everything given to rcu_later() until now is done. Outside sections only. */
void rcu_finish_later(void);

#endif
