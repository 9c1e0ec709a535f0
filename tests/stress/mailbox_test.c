/*
 * The mailbox between real threads: nothing is lost, each producer's order is kept, what producers
 * wrote is seen, and no wake is missed.
 */
#include "shard/runtime/mailbox.h"

#include "core/base/base.h"
#include "core/base/mem.h"
#include "shard/runtime/agent.h"
#include "tests/support/agent_thread.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

enum { PRODUCERS_MAX = 8, EACH = 40000, LOST_MS = 20000 };

struct letter {
    struct mail mail;
    unsigned producer;
    unsigned number;
    unsigned *content; /* heap, the letter's */
};

struct producer {
    pthread_t thread;
    struct mailbox *mailbox;
    unsigned number;
    unsigned count;
};

static unsigned next_from[PRODUCERS_MAX];
static unsigned wrong;

/* Sometimes busy, sometimes slow, so that the consumer sleeps now and then. */
static void pause_now_and_then(unsigned i)
{
    if (i % 97 == 0)
        sched_yield();
    if (i % 4001 == 0)
        nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
}

static void *produce(void *self)
{
    struct producer *producer = self;
    agent_register_thread();
    for (unsigned i = 0; i < producer->count; i++) {
        struct letter *letter = MEM_NEW(struct letter);
        letter->producer = producer->number;
        letter->number = i;
        letter->content = MEM_NEW(unsigned);
        *letter->content = i * 31 + producer->number;
        mailbox_post(producer->mailbox, &letter->mail);
        pause_now_and_then(i + producer->number);
    }
    agent_unregister_thread();
    return NULL;
}

static void take(void *self, struct mail *mail)
{
    UNUSED(self);
    struct letter *letter = container_of(mail, struct letter, mail);
    wrong += letter->number != next_from[letter->producer];
    wrong += *letter->content != letter->number * 31 + letter->producer;
    next_from[letter->producer] = letter->number + 1;
    mem_free(letter->content);
    mem_free(letter);
}

/* Sleeps as an agent does, after a drain that found nothing and left nothing. False: nobody woke
 * it. */
static bool sleep_until_woken(const struct mailbox *mailbox)
{
    int64_t before_ms = clock_mono_ms();
    mailbox_wait(mailbox, LOST_MS);
    return clock_mono_ms() - before_ms < LOST_MS;
}

/* Returns how many arrived; too few: a wake was lost. */
static unsigned consume(struct mailbox *mailbox, unsigned expected, unsigned max)
{
    unsigned count = 0;
    while (count < expected) {
        bool more = false;
        unsigned got = mailbox_drain(mailbox, take, NULL, max, &more);
        count += got;
        if (got == 0 && !more && !sleep_until_woken(mailbox))
            break;
    }
    return count;
}

static void run(unsigned producers, unsigned max)
{
    struct producer all[PRODUCERS_MAX];
    int err = 0;
    struct mailbox *mailbox = mailbox_new(&err);
    assert_non_null(mailbox);
    wrong = 0;
    for (unsigned i = 0; i < producers; i++) {
        next_from[i] = 0;
        all[i] = (struct producer){.mailbox = mailbox, .number = i, .count = EACH / producers};
        assert_int_equal(pthread_create(&all[i].thread, NULL, produce, &all[i]), 0);
    }
    unsigned expected = EACH / producers * producers;
    assert_int_equal(consume(mailbox, expected, max), expected);
    for (unsigned i = 0; i < producers; i++)
        assert_int_equal(pthread_join(all[i].thread, NULL), 0);
    assert_int_equal(wrong, 0);
    assert_int_equal(mailbox_depth(mailbox), 0);
    mailbox_free(mailbox);
}

static void many_producers(void **state)
{
    UNUSED(state);
    for (unsigned producers = 1; producers <= PRODUCERS_MAX; producers++)
        run(producers, 1024);
}

static void small_drains(void **state)
{
    UNUSED(state);
    run(1, 1);
    run(3, 7);
    run(PRODUCERS_MAX, 3);
}

/* ---- one at a time, there and back: every single post must wake ---- */

enum { ROUNDS = 5000 };

struct echo {
    struct mailbox *here, *there;
};

static void send_back(void *self, struct mail *mail)
{
    struct echo *echo = self;
    mailbox_post(echo->there, mail);
}

static void keep(void *self, struct mail *mail)
{
    struct mail **kept = self;
    *kept = mail;
}

static void *send_all_back(void *self)
{
    struct echo *echo = self;
    bool more = false;
    agent_register_thread();
    for (unsigned i = 0; i < ROUNDS;) {
        unsigned got = mailbox_drain(echo->here, send_back, echo, 1, &more);
        i += got;
        if (got == 0 && !more)
            mailbox_wait(echo->here, -1);
    }
    agent_unregister_thread();
    return NULL;
}

static void every_post_wakes(void **state)
{
    UNUSED(state);
    int err = 0;
    struct echo echo = {mailbox_new(&err), mailbox_new(&err)};
    struct letter letter = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_all_back, &echo), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct mail *back = NULL;
        bool more = false;
        mailbox_post(echo.here, &letter.mail);
        while (back == NULL) {
            mailbox_drain(echo.there, keep, &back, 1, &more);
            if (back == NULL && !more)
                assert_true(sleep_until_woken(echo.there));
        }
        assert_ptr_equal(back, &letter.mail);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    mailbox_free(echo.here);
    mailbox_free(echo.there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_producers),
        cmocka_unit_test(small_drains),
        cmocka_unit_test(every_post_wakes),
    };
    return cmocka_run_group_tests(tests, agent_thread_begin, agent_thread_end);
}
