/*
 * Two queues: `inbox`, where producers enqueue, and `hand`, the consumer's own, into which a drain
 * splices whatever is there. From `hand` the mails are dequeued one by one: a dequeue gives up a
 * node only when its successor is linked (or it is the last), so a mail is never freed while a
 * producer is about to write its link.
 *
 * The waker is a flag beside an eventfd. Producers enqueue, then raise the flag; who raises it
 * writes. The consumer empties the eventfd, lowers the flag, then splices: a mail enqueued before
 * the flag went down is found by the splice, a later one raises it again. Each lowering is owed
 * exactly one write, which may still be on its way; the debt is remembered, so that the eventfd is
 * read as often as needed and no oftener.
 */
#include "shard/runtime/mailbox.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "shard/runtime/handover.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    /* producers; `depth` is counted here because the line is theirs already while they enqueue */
    struct cds_wfcq_tail inbox_tail;
    _Atomic uint64_t posted;
    _Atomic bool rung;
    int fd;
    char apart[CACHE_LINE];

    /* consumer */
    struct __cds_wfcq_head inbox_head;
    struct __cds_wfcq_head hand_head;
    struct cds_wfcq_tail hand_tail;
    uint64_t owed; /* writes to the eventfd not yet read */
    _Atomic uint64_t handled;
};

struct mailbox *mailbox_new(int *err)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) {
        *err = err_from_errno(errno);
        return NULL;
    }
    struct mailbox *mailbox = MEM_NEW(struct mailbox);
    __cds_wfcq_init(&mailbox->inbox_head, &mailbox->inbox_tail);
    __cds_wfcq_init(&mailbox->hand_head, &mailbox->hand_tail);
    mailbox->fd = fd;
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    ensure(cds_wfcq_empty(&mailbox->inbox_head, &mailbox->inbox_tail));
    ensure(cds_wfcq_empty(&mailbox->hand_head, &mailbox->hand_tail));
    close(mailbox->fd);
    mem_free(mailbox);
}

void mailbox_wake(struct mailbox *mailbox)
{
    if (atomic_load(&mailbox->rung) || atomic_exchange(&mailbox->rung, true))
        return;
    uint64_t one = 1;
    ssize_t written = write(mailbox->fd, &one, sizeof(one));
    ensure(written == (ssize_t)sizeof(one));
}

void mailbox_put(struct mailbox *mailbox, struct mail *mail)
{
    atomic_fetch_add_explicit(&mailbox->posted, 1, memory_order_relaxed);
    cds_wfcq_node_init(&mail->node);
    handover_give(mail);
    /* A full barrier: the flag is looked at after the mail can be found. */
    cds_wfcq_enqueue(&mailbox->inbox_head, &mailbox->inbox_tail, &mail->node);
}

void mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
    mailbox_put(mailbox, mail);
    mailbox_wake(mailbox);
}

/* Whoever has read the eventfd lowers the flag afterwards, always: a flag that stays up while its
 * write is gone would be a wake that never comes. */
static void waker_clear(struct mailbox *mailbox)
{
    if (!atomic_load(&mailbox->rung) && mailbox->owed == 0)
        return;
    uint64_t writes = 0;
    if (read(mailbox->fd, &writes, sizeof(writes)) != (ssize_t)sizeof(writes))
        writes = 0;
    if (atomic_exchange(&mailbox->rung, false))
        mailbox->owed++;
    ensure(mailbox->owed >= writes);
    mailbox->owed -= writes;
}

/* False: a producer is half-way at the very front. */
static bool refill(struct mailbox *mailbox)
{
    waker_clear(mailbox);
    return __cds_wfcq_splice_nonblocking(&mailbox->hand_head, &mailbox->hand_tail,
                                         &mailbox->inbox_head,
                                         &mailbox->inbox_tail) != CDS_WFCQ_RET_WOULDBLOCK;
}

unsigned mailbox_drain(struct mailbox *mailbox, void (*handle)(void *self, struct mail *mail),
                       void *self, unsigned max, bool *more)
{
    unsigned count = 0;
    bool refilled = false;
    *more = false;
    while (count < max) {
        struct cds_wfcq_node *node =
            __cds_wfcq_dequeue_nonblocking(&mailbox->hand_head, &mailbox->hand_tail);
        if (node == CDS_WFCQ_WOULDBLOCK)
            break;
        if (node == NULL && refilled)
            break;
        if (node == NULL) {
            refilled = true;
            *more = !refill(mailbox);
            continue;
        }
        struct mail *mail = container_of(node, struct mail, node);
        handover_take(mail);
        count++;
        handle(self, mail);
    }
    if (!cds_wfcq_empty(&mailbox->hand_head, &mailbox->hand_tail))
        *more = true;
    atomic_fetch_add_explicit(&mailbox->handled, count, memory_order_relaxed);
    return count;
}

int mailbox_wake_fd(const struct mailbox *mailbox)
{
    return mailbox->fd;
}

void mailbox_wait(const struct mailbox *mailbox, int timeout_ms)
{
    /* However it returns, the next cycle finds out what there is to do. */
    struct pollfd slept_on = {.fd = mailbox->fd, .events = POLLIN};
    (void)poll(&slept_on, 1, timeout_ms);
}

uint64_t mailbox_depth(const struct mailbox *mailbox)
{
    uint64_t handled = atomic_load_explicit(&mailbox->handled, memory_order_relaxed);
    uint64_t posted = atomic_load_explicit(&mailbox->posted, memory_order_relaxed);
    return posted > handled ? posted - handled : 0;
}
