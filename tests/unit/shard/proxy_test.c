/*
 * The door to the shards: which one, what it costs, and what is gathered before it is told.
 */
#include "shard/proxy.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xmpp/prep.h"
#include "shard/placement.h"
#include "tests/support/shard_expect.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { SHARDS = 4, LANE = 3 };

static const struct hash_key key = {7, 8};
static struct exchange *exchange;
static struct mailbox *shards[SHARDS];
static struct proxy *proxy;
static struct arena *arena;

static struct jid *jid(const char *text)
{
    struct jid *made = jid_parse(arena, str_z(text));
    ensure(made != NULL);
    return made;
}

static int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    exchange = exchange_new();
    arena = arena_new(4096);
    for (unsigned i = 0; i < SHARDS; i++) {
        shards[i] = mailbox_new(&err);
        exchange_set_shard(exchange, i, shards[i]);
    }
    proxy = proxy_new(exchange, &key, LANE);
    return err;
}

static void drop(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

static int end(void **state)
{
    UNUSED(state);
    bool more;
    for (unsigned i = 0; i < SHARDS; i++) {
        exchange_set_shard(exchange, i, NULL);
        mailbox_drain(shards[i], drop, NULL, 100000, &more);
        mailbox_free(shards[i]);
    }
    proxy_free(proxy);
    exchange_free(exchange);
    arena_free(arena);
    return 0;
}

static void take(void *self, struct mail *mail)
{
    struct message **taken = self;
    *taken = container_of(mail, struct message, mail);
}

/* The next message for a shard, the caller's. */
static struct message *next(unsigned shard)
{
    struct message *message = NULL;
    bool more;
    mailbox_drain(shards[shard], take, &message, 1, &more);
    return message;
}

static void rooms_have_their_shard(void **state)
{
    UNUSED(state);
    struct jid *romeo = jid("romeo@example.org/desk");
    struct jid *juliet = jid("juliet@example.org/desk");
    bool differs = false;
    for (unsigned i = 0; i < 50; i++) {
        char name[40];
        snprintf(name, sizeof(name), "room%u@rooms.example", i);
        unsigned shard = proxy_shard(proxy, romeo, jid(name));
        assert_int_equal(shard, placement_shard(&key, str_z(name), SHARDS));
        /* Whoever asks, and whoever of the room is asked. */
        assert_int_equal(shard, proxy_shard(proxy, juliet, jid(name)));
        snprintf(name, sizeof(name), "room%u@rooms.example/nick", i);
        assert_int_equal(shard, proxy_shard(proxy, romeo, jid(name)));
        differs |= shard != proxy_shard(proxy, romeo, jid("room0@rooms.example"));
    }
    assert_true(differs);
    struct jid *service = jid("rooms.example");
    assert_int_equal(proxy_shard(proxy, romeo, service),
                     placement_shard(&key, STR("romeo@example.org"), SHARDS));
}

static void send(unsigned shard, const char *xml)
{
    struct stanza *stanza = stanza_parse(str_z(xml));
    ensure(stanza != NULL);
    proxy_stanza(proxy, shard, stanza, jid_copy(jid("romeo@example.org/desk")),
                 jid_copy(jid("room@rooms.example")), (struct route){1, 2, LANE});
}

/* Uses up all credits that are there: how many. */
static unsigned window_now(void)
{
    unsigned sent = 0;
    for (; proxy_has_credit(proxy, 1); sent++)
        send(1, "<presence/>");
    for (struct message *message = next(1); message != NULL; message = next(1))
        message_free(message);
    return sent;
}

static void stanzas_cost_credits(void **state)
{
    UNUSED(state);
    unsigned sent = 0;
    uint32_t cost = 0;
    while (proxy_has_credit(proxy, 1)) {
        send(1, "<message><body>x</body></message>");
        sent++;
        struct message *message = next(1);
        assert_int_equal(message->kind, MSG_STANZA);
        assert_int_equal(message->stanza.lane, LANE);
        assert_true(route_eq(message->stanza.route, (struct route){1, 2, LANE}));
        assert_true(str_eqz(jid_full(message->stanza.from), "romeo@example.org/desk"));
        cost += message->stanza.cost;
        message_free(message);
    }
    assert_int_equal(sent, CREDITS_FIRST);
    assert_int_equal(cost, CREDITS_FIRST);
    assert_true(proxy_has_credit(proxy, 0));
    /* The first of them is back at once: there are more now. */
    proxy_credit(proxy, 1, 1);
    assert_int_equal(window_now(), CREDITS_FIRST + 1);
    /* What is always taken is taken; it is owed all the same. */
    send(1, "<presence/>");
    proxy_credit(proxy, 1, 1);
    assert_false(proxy_has_credit(proxy, 1));
    proxy_credit(proxy, 1, 1);
    assert_true(proxy_has_credit(proxy, 1));
}

static void credits_that_come_back_soon_become_more(void **state)
{
    UNUSED(state);
    int64_t now_ms = 1000;
    unsigned window = CREDITS_FIRST;
    for (unsigned i = 0; i < 10; i++) {
        proxy_tick(proxy, now_ms);
        assert_int_equal(window_now(), window);
        now_ms += CREDIT_WAIT_MS / 2;
        proxy_tick(proxy, now_ms);
        proxy_credit(proxy, 1, window);
        window = window * 2 < CREDITS_PER_SHARD ? window * 2 : CREDITS_PER_SHARD;
    }
    assert_int_equal(window, CREDITS_PER_SHARD);

    /* Close to the mark there are just a few more; and none where nobody has missed any. */
    proxy_free(proxy);
    proxy = proxy_new(exchange, &key, LANE);
    proxy_tick(proxy, now_ms);
    assert_int_equal(window_now(), CREDITS_FIRST);
    proxy_tick(proxy, now_ms + CREDIT_WAIT_MS);
    proxy_credit(proxy, 1, CREDITS_FIRST);
    send(1, "<presence/>");
    proxy_credit(proxy, 1, 1);
    assert_int_equal(window_now(), CREDITS_FIRST + CREDITS_LEAST);
}

static void credits_that_come_back_late_become_fewer(void **state)
{
    UNUSED(state);
    int64_t now_ms = 1000;
    proxy_tick(proxy, now_ms);
    window_now();
    now_ms += CREDIT_WAIT_MS;
    proxy_tick(proxy, now_ms);
    proxy_credit(proxy, 1, CREDITS_FIRST);

    /* A hundred were on their way when the next was posted; it took ten times as long as it may. */
    for (unsigned i = 0; i < 100; i++)
        send(1, "<presence/>");
    proxy_credit(proxy, 1, 1); /* the probe: the first of them */
    send(1, "<presence/>");
    now_ms += CREDIT_WAIT_MS * 10;
    proxy_tick(proxy, now_ms);
    proxy_credit(proxy, 1, 100);
    assert_int_equal(window_now(), 10);

    /* However long it takes, a few are left. */
    now_ms += CREDIT_WAIT_MS * 1000;
    proxy_tick(proxy, now_ms);
    proxy_credit(proxy, 1, 10);
    assert_int_equal(window_now(), CREDITS_LEAST);
}

/* What is on its way is known to be late before it is back. */
static void nothing_is_added_to_what_is_late(void **state)
{
    UNUSED(state);
    proxy_tick(proxy, 1000);
    send(1, "<presence/>");
    proxy_tick(proxy, 1000 + CREDIT_WAIT_MS);
    for (unsigned i = 1; i < 20; i++)
        send(1, "<presence/>");
    assert_true(proxy_has_credit(proxy, 1));
    proxy_tick(proxy, 1000 + CREDIT_WAIT_MS + 1);
    assert_false(proxy_has_credit(proxy, 1));
    assert_true(proxy_has_credit(proxy, 0));
    proxy_credit(proxy, 1, 20);
    assert_true(proxy_has_credit(proxy, 1));
}

static void large_stanzas_cost_more(void **state)
{
    UNUSED(state);
    static char xml[10 * 1024];
    int len = snprintf(xml, sizeof(xml), "<message><body>%08192d</body></message>", 0);
    send(2, xml);
    struct message *message = next(2);
    assert_int_equal(message->stanza.cost, 1 + len / 1024);
    message_free(message);
}

static void no_such_shard(void **state)
{
    UNUSED(state);
    send(SHARDS + 1, "<presence/>");
    assert_true(proxy_has_credit(proxy, SHARDS + 1));
}

static void sessions_go_without_credit(void **state)
{
    UNUSED(state);
    struct jid *romeo = jid("romeo@example.org/desk");
    struct jid *room = jid("room@rooms.example/nick");
    unsigned shard = proxy_shard(proxy, romeo, room);
    while (proxy_has_credit(proxy, shard))
        send(shard, "<presence/>");
    for (struct message *message = next(shard); message != NULL; message = next(shard))
        message_free(message);
    proxy_session_gone(proxy, romeo, room, (struct route){5, 6, LANE}, false);
    struct message *message = next(shard);
    assert_non_null(message);
    assert_int_equal(message->kind, MSG_SESSION_GONE);
    assert_true(jid_eq(message->session_gone.jid, romeo));
    assert_true(str_eqz(jid_full(message->session_gone.room), "room@rooms.example"));
    assert_true(route_eq(message->session_gone.route, (struct route){5, 6, LANE}));
    message_free(message);
}

static void expansions_are_gathered(void **state)
{
    UNUSED(state);
    proxy_expanded(proxy, 2, 10);
    proxy_expanded(proxy, 0, 1);
    proxy_expanded(proxy, 2, 5);
    for (unsigned i = 0; i < SHARDS; i++)
        assert_null(next(i));
    proxy_flush(proxy);
    proxy_flush(proxy);
    struct message *message = next(2);
    assert_int_equal(message->kind, MSG_LANE_CREDIT);
    assert_int_equal(message->lane_credit.lane, LANE);
    assert_int_equal(message->lane_credit.cost, 15);
    message_free(message);
    assert_null(next(2));
    message = next(0);
    assert_int_equal(message->lane_credit.cost, 1);
    message_free(message);
    assert_null(next(1));
}

static bool is_rung(unsigned shard)
{
    struct pollfd pollfd = {.fd = mailbox_wake_fd(shards[shard]), .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

/* Many stanzas in one go wake their shard at the end, and after so many that it would wait long. */
static void shards_are_woken_when_all_is_posted(void **state)
{
    UNUSED(state);
    send(1, "<presence/>");
    assert_false(is_rung(1));
    proxy_ring(proxy);
    assert_true(is_rung(1));
    assert_false(is_rung(0));
    unsigned sent = 0;
    while (!is_rung(0) && sent < 1000) {
        send(0, "<presence/>");
        sent++;
    }
    assert_in_range(sent, 2, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rooms_have_their_shard, begin, end),
        cmocka_unit_test_setup_teardown(stanzas_cost_credits, begin, end),
        cmocka_unit_test_setup_teardown(credits_that_come_back_soon_become_more, begin, end),
        cmocka_unit_test_setup_teardown(credits_that_come_back_late_become_fewer, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_added_to_what_is_late, begin, end),
        cmocka_unit_test_setup_teardown(large_stanzas_cost_more, begin, end),
        cmocka_unit_test_setup_teardown(no_such_shard, begin, end),
        cmocka_unit_test_setup_teardown(sessions_go_without_credit, begin, end),
        cmocka_unit_test_setup_teardown(expansions_are_gathered, begin, end),
        cmocka_unit_test_setup_teardown(shards_are_woken_when_all_is_posted, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
