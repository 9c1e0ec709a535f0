/*
 * The exchange: numbers find mailboxes; a mailbox taken out is not posted to any more.
 */
#include "shard/runtime/lane.h"

#include "core/base/ensure.h"
#include "shard/runtime/agent.h"
#include "tests/support/agent_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct mailbox *box(void)
{
    int err = 0;
    struct mailbox *made = mailbox_new(&err);
    assert_non_null(made);
    return made;
}

static void drop(void *self, struct mail *mail)
{
    unsigned *kinds = self;
    struct message *message = container_of(mail, struct message, mail);
    *kinds |= 1u << message->kind;
    message_free(message);
}

/* Which kinds of message were in it, as bits. */
static unsigned contents(struct mailbox *mailbox)
{
    unsigned kinds = 0;
    bool more;
    mailbox_drain(mailbox, drop, &kinds, 100, &more);
    return kinds;
}

static void numbers_find_mailboxes(void **state)
{
    UNUSED(state);
    struct exchange *exchange = exchange_new();
    struct mailbox *shard = box();
    struct mailbox *lane = box();
    struct mailbox *scribe = box();
    exchange_set_shard(exchange, 1, shard);
    exchange_set_lane(exchange, 4, lane);
    exchange_set_scribe(exchange, scribe);
    assert_int_equal(exchange_shards(exchange), 2);
    assert_int_equal(exchange_lanes(exchange), 5);

    assert_true(post_shard(exchange, 1, message_new(MSG_SHUTDOWN)));
    assert_true(post_lane(exchange, 4, message_new(MSG_CREDIT)));
    assert_true(post_scribe(exchange, message_new(MSG_ACCOUNT_ASK)));
    assert_int_equal(contents(shard), 1u << MSG_SHUTDOWN);
    assert_int_equal(contents(lane), 1u << MSG_CREDIT);
    assert_int_equal(contents(scribe), 1u << MSG_ACCOUNT_ASK);

    /* Nobody there: said so, and nothing leaks. */
    assert_false(post_shard(exchange, 0, message_new(MSG_SHUTDOWN)));
    assert_false(post_shard(exchange, 2, message_new(MSG_SHUTDOWN)));
    assert_false(post_lane(exchange, LANE_NONE, message_new(MSG_CREDIT)));

    exchange_set_shard(exchange, 1, NULL);
    exchange_set_lane(exchange, 4, NULL);
    exchange_set_scribe(exchange, NULL);
    assert_int_equal(exchange_shards(exchange), 0);
    assert_int_equal(exchange_lanes(exchange), 0);
    assert_false(post_shard(exchange, 1, message_new(MSG_SHUTDOWN)));
    assert_false(post_lane(exchange, 4, message_new(MSG_CREDIT)));
    assert_false(post_scribe(exchange, message_new(MSG_ACCOUNT_ASK)));
    mailbox_free(shard);
    mailbox_free(lane);
    mailbox_free(scribe);
    exchange_free(exchange);
}

struct poster {
    struct exchange *exchange;
    _Atomic bool stop;
    unsigned posted;
};

static void *post_on(void *self)
{
    struct poster *poster = self;
    agent_register_thread();
    while (!atomic_load(&poster->stop))
        poster->posted += post_lane(poster->exchange, 0, message_new(MSG_CREDIT));
    agent_unregister_thread();
    return NULL;
}

static void count(void *self, struct mail *mail)
{
    unsigned *counted = self;
    ++*counted;
    message_free(container_of(mail, struct message, mail));
}

static unsigned drain(struct mailbox *mailbox)
{
    unsigned counted = 0;
    bool more = true;
    while (more)
        mailbox_drain(mailbox, count, &counted, 1000, &more);
    return counted;
}

/* A lane comes and goes while somebody posts to it: after it was taken out, its mailbox can be
 * freed, and what was said to be posted has arrived. */
static void a_lane_retires_under_fire(void **state)
{
    UNUSED(state);
    struct poster poster = {.exchange = exchange_new()};
    pthread_t thread;
    unsigned arrived = 0;
    assert_int_equal(pthread_create(&thread, NULL, post_on, &poster), 0);
    for (unsigned i = 0; i < 50; i++) {
        struct mailbox *mailbox = box();
        exchange_set_lane(poster.exchange, 0, mailbox);
        unsigned before = arrived;
        while (arrived == before)
            arrived += drain(mailbox);
        exchange_set_lane(poster.exchange, 0, NULL);
        arrived += drain(mailbox);
        mailbox_free(mailbox);
    }
    atomic_store(&poster.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(arrived, poster.posted);
    exchange_free(poster.exchange);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_find_mailboxes),
        cmocka_unit_test(a_lane_retires_under_fire),
    };
    return cmocka_run_group_tests(tests, agent_thread_begin, agent_thread_end);
}
