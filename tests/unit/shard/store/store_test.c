/*
 * Accounts: the memory store's answers, and the scribe that asks it for others.
 */
#include "shard/store/scribe.h"

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "tests/support/agent_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const struct hash_key key = {5, 6};

static struct scram_verifier verifier(const char *word)
{
    return (struct scram_verifier){
        .salt = str_copy(str_z(word)),
        .iterations = SCRAM_ITERATIONS,
        .stored_key = str_copy(STR("stored")),
        .server_key = str_copy(STR("server")),
    };
}

/* An ask with verifiers made from `word`; NULL: the name alone. */
static struct account_ask ask(enum account_op op, const char *name, const char *word)
{
    struct account_ask made = {.op = op, .err = 99};
    made.account.name = str_copy(str_z(name));
    if (word != NULL) {
        made.account.sha1 = verifier(word);
        made.account.sha256 = verifier(word);
    }
    return made;
}

static int answer(struct store *store, enum account_op op, const char *name, const char *word)
{
    struct account_ask asked = ask(op, name, word);
    store->account(store, &asked);
    assert_true(str_eqz(asked.account.name, name));
    account_fini(&asked.account);
    return asked.err;
}

static void loads(struct store *store, const char *name, const char *word)
{
    struct account_ask asked = ask(ACCOUNT_LOAD, name, NULL);
    store->account(store, &asked);
    assert_int_equal(asked.err, 0);
    assert_true(str_eqz(asked.account.sha1.salt, word));
    assert_true(str_eqz(asked.account.sha256.salt, word));
    assert_int_equal(asked.account.sha256.iterations, SCRAM_ITERATIONS);
    assert_true(str_eqz(asked.account.sha256.stored_key, "stored"));
    assert_true(str_eqz(asked.account.sha1.server_key, "server"));
    account_fini(&asked.account);
}

static void accounts_live(void **state)
{
    UNUSED(state);
    struct store *store = store_mem_open(&key);
    assert_int_equal(answer(store, ACCOUNT_LOAD, "romeo", NULL), ERR_NOT_FOUND);
    assert_int_equal(answer(store, ACCOUNT_CHANGE, "romeo", "b"), ERR_NOT_FOUND);
    assert_int_equal(answer(store, ACCOUNT_REMOVE, "romeo", NULL), ERR_NOT_FOUND);
    assert_int_equal(answer(store, ACCOUNT_CREATE, "romeo", "a"), 0);
    loads(store, "romeo", "a");
    assert_int_equal(answer(store, ACCOUNT_CREATE, "romeo", "c"), ERR_EXISTS);
    loads(store, "romeo", "a");
    assert_int_equal(answer(store, ACCOUNT_CHANGE, "romeo", "b"), 0);
    loads(store, "romeo", "b");
    assert_int_equal(answer(store, ACCOUNT_CREATE, "juliet", "j"), 0);
    assert_int_equal(answer(store, ACCOUNT_REMOVE, "romeo", NULL), 0);
    assert_int_equal(answer(store, ACCOUNT_LOAD, "romeo", NULL), ERR_NOT_FOUND);
    loads(store, "juliet", "j");
    store->close(store);
}

static void accounts_are_limited(void **state)
{
    UNUSED(state);
    struct store *store = store_mem_open(&key);
    char name[16];
    for (unsigned i = 0; i < ACCOUNTS_MAX; i++) {
        snprintf(name, sizeof(name), "user%u", i);
        assert_int_equal(answer(store, ACCOUNT_CREATE, name, NULL), 0);
    }
    assert_int_equal(answer(store, ACCOUNT_CREATE, "one-more", NULL), ERR_LIMIT);
    assert_int_equal(answer(store, ACCOUNT_REMOVE, "user0", NULL), 0);
    assert_int_equal(answer(store, ACCOUNT_CREATE, "one-more", NULL), 0);
    store->close(store);
}

/* ---- the scribe ---- */

enum { ASKS = 100 };

struct answers {
    unsigned count;
    int errs[ASKS];
};

static void note(void *self, struct mail *mail)
{
    struct answers *answers = self;
    struct message *message = container_of(mail, struct message, mail);
    assert_int_equal(message->kind, MSG_ACCOUNT);
    assert_int_equal(message->account.route.lane, 3);
    assert_int_equal(message->account.route.slot, answers->count);
    answers->errs[answers->count++] = message->account.ask.err;
    message_free(message);
}

static void post_ask(struct exchange *exchange, struct account_ask asked, unsigned number)
{
    struct message *message = message_new(MSG_ACCOUNT_ASK);
    message->account.ask = asked;
    message->account.route = (struct route){.slot = number, .generation = 1, .lane = 3};
    assert_true(post_scribe(exchange, message));
}

/* In the order asked, to who asked, from a thread of its own. */
static void the_scribe_answers(void **state)
{
    UNUSED(state);
    int err = 0;
    struct exchange *exchange = exchange_new();
    struct mailbox *lane = mailbox_new(&err);
    exchange_set_lane(exchange, 3, lane);
    struct scribe_setup setup = {.exchange = exchange, .store = store_mem_open(&key)};
    struct scribe *scribe = scribe_new(&setup, &err);
    assert_non_null(scribe);
    assert_int_equal(agent_start(scribe_agent(scribe)), 0);
    for (unsigned i = 0; i < ASKS; i++) {
        enum account_op op = i == 50 ? ACCOUNT_LOAD : ACCOUNT_CREATE;
        post_ask(exchange, ask(op, i < 50 ? "a" : "b", "w"), i);
    }
    struct answers answers = {0};
    bool more;
    while (answers.count < ASKS) {
        mailbox_wait(lane, -1);
        mailbox_drain(lane, note, &answers, ASKS, &more);
    }
    assert_int_equal(answers.errs[0], 0);
    assert_int_equal(answers.errs[1], ERR_EXISTS);
    assert_int_equal(answers.errs[49], ERR_EXISTS);
    assert_int_equal(answers.errs[50], ERR_NOT_FOUND);
    assert_int_equal(answers.errs[51], 0);
    agent_stop(scribe_agent(scribe));
    agent_join(scribe_agent(scribe));
    post_ask(exchange, ask(ACCOUNT_LOAD, "a", NULL), 0); /* nobody will answer: freed */
    scribe_free(scribe);
    exchange_set_lane(exchange, 3, NULL);
    mailbox_free(lane);
    exchange_free(exchange);
}

/* Who asked has gone: the answer goes nowhere. */
static void an_answer_without_a_lane(void **state)
{
    UNUSED(state);
    int err = 0;
    struct exchange *exchange = exchange_new();
    struct scribe_setup setup = {.exchange = exchange, .store = store_mem_open(&key)};
    struct scribe *scribe = scribe_new(&setup, &err);
    assert_non_null(scribe);
    post_ask(exchange, ask(ACCOUNT_CREATE, "a", "w"), 0);
    assert_int_equal(agent_step(scribe_agent(scribe)), 1);
    scribe_free(scribe);
    exchange_free(exchange);
}

/* ---- what a scribe does besides ---- */

/* A store in which there is always more to delete, or never. */
struct counting {
    struct store store;
    unsigned asks, trims, looks;
    int more;
};

static void counts_ask(struct store *store, struct account_ask *ask)
{
    container_of(store, struct counting, store)->asks++;
    ask->err = 0;
}

static int counts_trim(struct store *store, const struct store_retention *retention)
{
    struct counting *counting = container_of(store, struct counting, store);
    assert_int_equal(retention->days, 7);
    counting->trims++;
    return counting->more;
}

static int counts_look(struct store *store, struct arena *arena, struct store_forgotten **list,
                       unsigned *count)
{
    UNUSED(arena);
    container_of(store, struct counting, store)->looks++;
    *list = NULL;
    *count = 0;
    return 0;
}

static int finds_one(struct store *store, struct arena *arena, struct store_forgotten **list,
                     unsigned *count)
{
    container_of(store, struct counting, store)->looks++;
    *list = ARENA_NEW(arena, struct store_forgotten);
    (*list)->account = STR("romeo@example.org");
    *count = 1;
    return 0;
}

static int refuses(struct store *store, struct store_forgotten *what)
{
    UNUSED(store);
    UNUSED(what);
    return ERR_NO_SPACE;
}

static void counts_close(struct store *store)
{
    UNUSED(store);
}

static struct scribe *scribe_of(struct counting *counting, struct exchange *exchange)
{
    struct scribe_setup setup = {.exchange = exchange, .store = &counting->store, .keep_days = 7};
    int err = 0;
    struct scribe *scribe = scribe_new(&setup, &err);
    assert_non_null(scribe);
    return scribe;
}

/* All rooms are told each time: not so often that none of them is ever idle. */
static void what_cannot_be_deleted_is_tried_seldom(void **state)
{
    UNUSED(state);
    struct clock_face face = {.mono_ms = 1000000};
    struct counting counting = {.store = {.account = counts_ask,
                                          .trim = counts_trim,
                                          .forgotten = finds_one,
                                          .forget = refuses,
                                          .close = counts_close}};
    struct exchange *exchange = exchange_new();
    struct scribe *scribe = scribe_of(&counting, exchange);
    clock_show(&face);
    for (int64_t ms = 0; ms < STORE_FORGET_RETRY_MS; ms += STORE_LOOK_MS) {
        (void)agent_step(scribe_agent(scribe));
        assert_int_equal(counting.looks, 1);
        face.mono_ms += STORE_LOOK_MS;
    }
    (void)agent_step(scribe_agent(scribe));
    assert_int_equal(counting.looks, 2);
    clock_show(NULL);
    scribe_free(scribe);
    exchange_free(exchange);
}

/* So many rounds, none of them without mail, so long after each other. */
static void works_on(struct exchange *exchange, struct scribe *scribe, struct clock_face *face,
                     unsigned rounds, unsigned step_ms)
{
    for (unsigned i = 0; i < rounds; i++) {
        face->mono_ms += step_ms;
        post_ask(exchange, ask(ACCOUNT_LOAD, "a", NULL), i);
        assert_int_equal(agent_step(scribe_agent(scribe)), 1);
    }
}

static void a_busy_scribe_deletes_too(void **state)
{
    UNUSED(state);
    struct clock_face face = {.mono_ms = 1000000};
    struct counting counting = {.store = {.account = counts_ask,
                                          .trim = counts_trim,
                                          .forgotten = counts_look,
                                          .close = counts_close}};
    struct exchange *exchange = exchange_new();
    struct scribe *scribe = scribe_of(&counting, exchange);
    clock_show(&face);
    assert_int_equal(agent_step(scribe_agent(scribe)), 0);
    assert_int_equal(counting.trims, 1);
    assert_int_equal(counting.looks, 1);
    works_on(exchange, scribe, &face, 60, STORE_TRIM_MS / 60); /* its time has just come */
    assert_int_equal(counting.trims, 1);
    assert_int_equal(counting.looks, 1 + STORE_TRIM_MS / STORE_LOOK_MS);
    works_on(exchange, scribe, &face, 100, STORE_TRIM_LATE_MS / 50);
    assert_int_equal(counting.trims, 2); /* late, and there is nothing more */
    counting.more = 1;
    face.mono_ms += STORE_TRIM_MS;
    works_on(exchange, scribe, &face, 100, 1);
    assert_int_equal(counting.trims, 2 + 100 / STORE_TRIM_ROUNDS);
    assert_int_equal(counting.asks, 260);
    assert_int_equal(agent_step(scribe_agent(scribe)), 1); /* time for each step */
    assert_int_equal(agent_step(scribe_agent(scribe)), 1);
    assert_int_equal(counting.trims, 4 + 100 / STORE_TRIM_ROUNDS);
    clock_show(NULL);
    scribe_free(scribe);
    exchange_free(exchange);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_live),
        cmocka_unit_test(accounts_are_limited),
        cmocka_unit_test(the_scribe_answers),
        cmocka_unit_test(an_answer_without_a_lane),
        cmocka_unit_test(a_busy_scribe_deletes_too),
        cmocka_unit_test(what_cannot_be_deleted_is_tried_seldom),
    };
    return cmocka_run_group_tests(tests, agent_thread_begin, agent_thread_end);
}
