/*
 * Mailbox: a many-to-one queue on liburcu's wfcqueue with links inside the messages, and a waker.
 *
 * Enqueuing is wait-free; the one consumer splices the whole queue without blocking: when a walk
 * meets a node whose producer has not linked it yet, the rest stays in hand for the next cycle, and
 * the agent does not sleep meanwhile (mailbox_drain() sets *more).
 * The consumer clears its waker before it splices, so a wake is never lost and there is at most one
 * write to the eventfd per drain.
 *
 * Order   What one thread posts is handled in the order posted.
 * Not us  A bound: producers hold credits (shard/proxy.h).
 *
 *              post   wake   drain   depth
 *   post        ok     ok      ok      ok      any thread registered with RCU
 *   wake        ok     ok      ok      ok      any thread, and a signal handler
 *   drain       ok     ok      NO      ok      the owning agent, nobody else
 *   depth       ok     ok      ok      ok      any thread; a hint, may be stale
 */
#ifndef SHARD_RUNTIME_MAILBOX_H
#define SHARD_RUNTIME_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <urcu/wfcqueue.h>

/* First member of everything that is posted. */
struct mail {
    struct cds_wfcq_node node;
};

struct mailbox; /* in mailbox.c: producers and consumer write to cache lines of their own */

/* NULL and a negative code if there is no eventfd. */
struct mailbox *mailbox_new(int *err);
/* The owner must have drained it; what is left would leak, so that is ensure(). */
void mailbox_free(struct mailbox *mailbox);

/* Takes the mail without waking the owner: whoever puts calls mailbox_wake() before it sleeps, or
 * the mail lies there. For those who have more to put: where both run on one core, waking at each
 * would switch between them at each. */
void mailbox_put(struct mailbox *mailbox, struct mail *mail);

/* Takes the mail. Wakes the owner if nobody has since it drained last. */
void mailbox_post(struct mailbox *mailbox, struct mail *mail);

/* Handles up to `max` messages in order; each is TAKEN by `handle`. Returns how many. *more: some
 * are left, or a producer is half-way: do not sleep. */
unsigned mailbox_drain(struct mailbox *mailbox, void (*handle)(void *self, struct mail *mail),
                       void *self, unsigned max, bool *more);

/* Readable when there is something to drain: for poll and epoll. The owner sleeps on it; clearing
 * it is mailbox_drain()'s business. */
int mailbox_wake_fd(const struct mailbox *mailbox);
/* For an owner that sleeps on nothing else: until there is something to drain, at most `timeout_ms`
 * (-1: no limit). */
void mailbox_wait(const struct mailbox *mailbox, int timeout_ms);
/* Wakes the owner without a message (shutdown). Any thread, and a signal handler. */
void mailbox_wake(struct mailbox *mailbox);

uint64_t mailbox_depth(const struct mailbox *mailbox);

#endif
