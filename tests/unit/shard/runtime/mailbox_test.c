/*
 * The mailbox on one thread: order, leftovers, the waker, and a producer caught half-way. What
 * several threads do to it is tests/stress/mailbox_test.c.
 */
#include "shard/runtime/mailbox.h"

#include "core/base/base.h"
#include "core/base/ensure.h"

#include <dlfcn.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <urcu/uatomic.h>

#include <cmocka.h>

enum { NUMBERS = 64 };

struct number {
    struct mail mail;
    unsigned value;
};

static struct number numbers[NUMBERS];
static unsigned got[NUMBERS * 4];
static unsigned got_count;

/* Stands in for liburcu's: the first half gives the node its place, the second lets it be found. A
 * producer that is stopped in between leaves the queue like this. */
static bool stop_half_way;
static struct cds_wfcq_node *stopped_before;
static struct cds_wfcq_node *stopped;

bool cds_wfcq_enqueue(cds_wfcq_head_ptr_t head, struct cds_wfcq_tail *tail,
                      struct cds_wfcq_node *node)
{
    struct cds_wfcq_node *before = uatomic_xchg(&tail->p, node);
    if (stop_half_way) {
        stopped_before = before;
        stopped = node;
    } else {
        CMM_STORE_SHARED(before->next, node);
    }
    return before != &head.h->node;
}

static void let_go_on(void)
{
    CMM_STORE_SHARED(stopped_before->next, stopped);
}

static void post(struct mailbox *mailbox, unsigned value)
{
    numbers[value].value = value;
    mailbox_post(mailbox, &numbers[value].mail);
}

static void post_half(struct mailbox *mailbox, unsigned value)
{
    stop_half_way = true;
    post(mailbox, value);
    stop_half_way = false;
}

/* Stands in front of liburcu's: a producer may come just after the queue was taken. */
static struct mailbox *post_after_splice;

typedef enum cds_wfcq_ret splice_fn(cds_wfcq_head_ptr_t to_head, struct cds_wfcq_tail *to_tail,
                                    cds_wfcq_head_ptr_t from_head, struct cds_wfcq_tail *from_tail);

enum cds_wfcq_ret __cds_wfcq_splice_nonblocking(cds_wfcq_head_ptr_t to_head,
                                                struct cds_wfcq_tail *to_tail,
                                                cds_wfcq_head_ptr_t from_head,
                                                struct cds_wfcq_tail *from_tail)
{
    splice_fn *splice;
    *(void **)&splice = dlsym(RTLD_NEXT, "__cds_wfcq_splice_nonblocking");
    ensure(splice != NULL);
    enum cds_wfcq_ret result = splice(to_head, to_tail, from_head, from_tail);
    struct mailbox *mailbox = post_after_splice;
    post_after_splice = NULL;
    if (mailbox != NULL)
        post(mailbox, 0);
    return result;
}

static void take(void *self, struct mail *mail)
{
    UNUSED(self);
    got[got_count++] = container_of(mail, struct number, mail)->value;
}

static void drain_must(struct mailbox *mailbox, unsigned max, unsigned expected, bool expected_more)
{
    bool more = !expected_more;
    assert_int_equal(mailbox_drain(mailbox, take, NULL, max, &more), expected);
    assert_int_equal(more, expected_more);
}

static void got_are(unsigned count)
{
    assert_int_equal(got_count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(got[i], i);
}

static bool readable(const struct mailbox *mailbox)
{
    struct pollfd pollfd = {.fd = mailbox_wake_fd(mailbox), .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

static int open_box(void **state)
{
    int err = 0;
    *state = mailbox_new(&err);
    got_count = 0;
    return err;
}

static int close_box(void **state)
{
    mailbox_free(*state);
    return 0;
}

static void order_is_kept(void **state)
{
    for (unsigned i = 0; i < NUMBERS; i++)
        post(*state, i);
    assert_int_equal(mailbox_depth(*state), NUMBERS);
    drain_must(*state, NUMBERS * 2, NUMBERS, false);
    got_are(NUMBERS);
    assert_int_equal(mailbox_depth(*state), 0);
    drain_must(*state, NUMBERS, 0, false);
}

static void leftovers_come_first(void **state)
{
    for (unsigned i = 0; i < 10; i++)
        post(*state, i);
    drain_must(*state, 4, 4, true);
    for (unsigned i = 10; i < 13; i++)
        post(*state, i);
    assert_int_equal(mailbox_depth(*state), 9);
    drain_must(*state, 4, 4, true);
    drain_must(*state, 8, 5, false);
    got_are(13);
}

/* A drain that was full to the brim took nothing new into hand: what it left is still announced. */
static void exactly_full_drain_leaves_the_wake(void **state)
{
    post(*state, 0);
    post(*state, 1);
    drain_must(*state, 1, 1, true);
    post(*state, 2);
    drain_must(*state, 1, 1, false);
    assert_true(readable(*state));
    drain_must(*state, 8, 1, false);
    got_are(3);
    assert_false(readable(*state));
}

static void one_write_for_many_posts(void **state)
{
    uint64_t writes = 0;
    for (unsigned i = 0; i < 5; i++)
        post(*state, i);
    assert_int_equal(read(mailbox_wake_fd(*state), &writes, sizeof(writes)), sizeof(writes));
    assert_int_equal(writes, 1);
    drain_must(*state, 8, 5, false);
    /* The flag was lowered: the next post is announced again. */
    post(*state, 5);
    assert_true(readable(*state));
    drain_must(*state, 8, 1, false);
    got_are(6);
}

static void waker_follows_the_queue(void **state)
{
    for (unsigned i = 0; i < 8; i++) {
        assert_false(readable(*state));
        post(*state, i);
        assert_true(readable(*state));
        drain_must(*state, 8, 1, false);
    }
    assert_false(readable(*state));
    mailbox_wake(*state);
    assert_true(readable(*state));
    mailbox_wait(*state, -1);
    drain_must(*state, 8, 0, false);
    assert_false(readable(*state));
    mailbox_wait(*state, 1);
}

/* Its flag goes up after it went down, or the owner would sleep beside a message. */
static void a_post_between_drain_and_sleep(void **state)
{
    mailbox_wake(*state);
    post_after_splice = *state;
    drain_must(*state, 8, 0, false);
    assert_null(post_after_splice);
    assert_true(readable(*state));
    drain_must(*state, 8, 1, false);
    got_are(1);
    assert_false(readable(*state));
}

/* A producer that stopped before its node could be found holds back what is behind it and the node
 * its link belongs into, nothing else; nobody may sleep meanwhile. */
static void half_way_behind_others(void **state)
{
    post(*state, 0);
    post(*state, 1);
    post_half(*state, 2);
    post(*state, 3);
    drain_must(*state, 8, 1, true);
    drain_must(*state, 8, 0, true);
    got_are(1);
    let_go_on();
    drain_must(*state, 8, 3, false);
    got_are(4);
}

static void half_way_at_the_front(void **state)
{
    post_half(*state, 0);
    post(*state, 1);
    drain_must(*state, 8, 0, true);
    drain_must(*state, 8, 0, true);
    let_go_on();
    drain_must(*state, 8, 2, false);
    got_are(2);
}

/* The last node of what was spliced, with a successor that went to the emptied inbox. */
static void half_way_after_a_splice(void **state)
{
    post(*state, 0);
    post_half(*state, 1);
    drain_must(*state, 8, 0, true);
    post(*state, 2);
    drain_must(*state, 8, 0, true);
    let_go_on();
    drain_must(*state, 8, 3, false);
    got_are(3);
}

/* What is put lies there until somebody wakes the owner, who may also find it by itself. */
static void what_is_put_does_not_wake(void **state)
{
    struct mailbox *mailbox = *state;
    for (unsigned value = 0; value < 3; value++) {
        numbers[value].value = value;
        mailbox_put(mailbox, &numbers[value].mail);
    }
    assert_false(readable(mailbox));
    drain_must(mailbox, 2, 2, true);
    mailbox_wake(mailbox);
    assert_true(readable(mailbox));
    drain_must(mailbox, 10, 1, false);
    assert_false(readable(mailbox));
    got_are(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_is_kept, open_box, close_box),
        cmocka_unit_test_setup_teardown(leftovers_come_first, open_box, close_box),
        cmocka_unit_test_setup_teardown(exactly_full_drain_leaves_the_wake, open_box, close_box),
        cmocka_unit_test_setup_teardown(one_write_for_many_posts, open_box, close_box),
        cmocka_unit_test_setup_teardown(waker_follows_the_queue, open_box, close_box),
        cmocka_unit_test_setup_teardown(a_post_between_drain_and_sleep, open_box, close_box),
        cmocka_unit_test_setup_teardown(half_way_behind_others, open_box, close_box),
        cmocka_unit_test_setup_teardown(half_way_at_the_front, open_box, close_box),
        cmocka_unit_test_setup_teardown(half_way_after_a_splice, open_box, close_box),
        cmocka_unit_test_setup_teardown(what_is_put_does_not_wake, open_box, close_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
