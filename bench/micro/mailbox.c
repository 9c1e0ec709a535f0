/*
 * The mailbox between threads: shard/runtime/mailbox. One operation is one mail, posted and
 * handled; by the wall clock, with 1 to 16 producers and one consumer. Mails are allocated
 * beforehand.
 */
#include "bench/micro/micro.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "shard/runtime/agent.h"
#include "shard/runtime/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>

#define PRODUCERS_MAX 16
#define ROUND         65536 /* mails in one go, shared by the producers */
#define DRAIN_MAX     1024
#define WAIT_MS       1000

struct producer {
    pthread_t thread;
    struct mailbox *mailbox;
    struct mail *mails;
    unsigned count;
    pthread_barrier_t *start;
    _Atomic bool *over;
};

static void *produce(void *self)
{
    struct producer *producer = self;
    agent_register_thread();
    for (;;) {
        pthread_barrier_wait(producer->start);
        if (atomic_load(producer->over))
            break;
        for (unsigned i = 0; i < producer->count; i++)
            mailbox_post(producer->mailbox, &producer->mails[i]);
    }
    agent_unregister_thread();
    return NULL;
}

static void take(void *self, struct mail *mail)
{
    UNUSED(self);
    micro_keep(mail);
}

static void consume(struct mailbox *mailbox, unsigned expected)
{
    for (unsigned count = 0; count < expected;) {
        bool more = false;
        unsigned got = mailbox_drain(mailbox, take, NULL, DRAIN_MAX, &more);
        count += got;
        if (got == 0 && !more)
            mailbox_wait(mailbox, WAIT_MS);
    }
}

static uint64_t posts(void *self, uint64_t operations)
{
    unsigned producers = *(const unsigned *)self, each = ROUND / producers;
    struct producer all[PRODUCERS_MAX];
    pthread_barrier_t start;
    _Atomic bool over = false;
    int err = 0;
    struct mailbox *mailbox = mailbox_new(&err);
    ensure(mailbox != NULL);
    pthread_barrier_init(&start, NULL, producers + 1);
    for (unsigned i = 0; i < producers; i++) {
        all[i] = (struct producer){.mailbox = mailbox,
                                   .mails = MEM_NEW_ARRAY(struct mail, each),
                                   .count = each,
                                   .start = &start,
                                   .over = &over};
        ensure(pthread_create(&all[i].thread, NULL, produce, &all[i]) == 0);
    }
    uint64_t done = 0;
    for (; done < operations; done += (uint64_t)each * producers) {
        pthread_barrier_wait(&start);
        consume(mailbox, each * producers);
    }
    atomic_store(&over, true);
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < producers; i++) {
        pthread_join(all[i].thread, NULL);
        mem_free(all[i].mails);
    }
    pthread_barrier_destroy(&start);
    mailbox_free(mailbox);
    return done;
}

/* Producer and consumer are one thread: the bare cost of the queue. */
static uint64_t alone(void *self, uint64_t operations)
{
    UNUSED(self);
    static struct mail mails[DRAIN_MAX];
    int err = 0;
    struct mailbox *mailbox = mailbox_new(&err);
    ensure(mailbox != NULL);
    uint64_t done = 0;
    for (; done < operations; done += DRAIN_MAX) {
        for (unsigned i = 0; i < DRAIN_MAX; i++)
            mailbox_post(mailbox, &mails[i]);
        consume(mailbox, DRAIN_MAX);
    }
    mailbox_free(mailbox);
    return done;
}

int main(int argc, char **argv)
{
    static unsigned producers[] = {1, 2, 4, 8, 16};
    const struct micro_case cases[] = {
        {"post and drain in one thread", alone, NULL, false},
        {"1 producer", posts, &producers[0], true},
        {"2 producers", posts, &producers[1], true},
        {"4 producers", posts, &producers[2], true},
        {"8 producers", posts, &producers[3], true},
        {"16 producers", posts, &producers[4], true},
    };
    agent_register_thread();
    int status = micro_main(argc, argv, "mailbox", cases, ARRAY_LEN(cases));
    agent_unregister_thread();
    return status;
}
