/*
 * Threads that count the same few accounts in and out: nothing is lost, nothing is counted twice,
 * no more is ever seen than there can be, and in the end no entry is left.
 */
#include "shard/tallies.h"

#include "core/base/ensure.h"
#include "shard/runtime/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { THREADS = 4, ACCOUNTS = 3, AT_ONCE = 2, TURNS = 40000 };

static const struct hash_key key = {1, 2};
static struct tallies *tallies;

static struct str account(char *text, size_t size, unsigned number)
{
    int len = snprintf(text, size, "user%u@example.org", number);
    return str_of(text, (size_t)len);
}

/* Each is in up to AT_ONCE rooms of each account, and goes in and out in an order of its own. */
static void *count(void *self)
{
    unsigned thread = *(unsigned *)self;
    agent_register_thread();
    for (unsigned turn = 0; turn < TURNS; turn++) {
        char text[40];
        struct str name = account(text, sizeof(text), (turn + thread) % ACCOUNTS);
        unsigned rooms = 1 + turn % AT_ONCE;
        for (unsigned i = 0; i < rooms; i++)
            tallies_change(tallies, STR("rooms.example"), name, true);
        uint32_t seen = tallies_rooms(tallies, STR("rooms.example"), name);
        ensure(seen >= rooms && seen <= THREADS * AT_ONCE);
        ensure(tallies_rooms(tallies, STR("lounge.example"), name) == 0);
        for (unsigned i = 0; i < rooms; i++)
            tallies_change(tallies, STR("rooms.example"), name, false);
    }
    agent_unregister_thread();
    return NULL;
}

static void nothing_is_left(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    agent_register_thread();
    tallies = tallies_new(&key);
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, count, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(tallies_count(tallies), 0);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        char text[40];
        struct str name = account(text, sizeof(text), i);
        assert_int_equal(tallies_rooms(tallies, STR("rooms.example"), name), 0);
    }
    tallies_free(tallies);
    agent_unregister_thread();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
