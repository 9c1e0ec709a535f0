/*
 * Counters of rooms by account: by service, gone when they come to nothing, and all freed at the
 * end. What threads do to them is in tests/stress/tallies_test.c.
 */
#include "shard/tallies.h"

#include "shard/runtime/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ROOMS  STR("rooms.example")
#define LOUNGE STR("lounge.example")
#define ROMEO  STR("romeo@example.org")
#define JULIET STR("juliet@example.org")

static struct tallies *tallies;

static int begin(void **state)
{
    static const struct hash_key key = {1, 2};
    (void)state;
    agent_register_thread();
    tallies = tallies_new(&key);
    return 0;
}

static int end(void **state)
{
    (void)state;
    tallies_free(tallies);
    agent_unregister_thread();
    return 0;
}

static void in_and_out(void **state)
{
    (void)state;
    assert_int_equal(tallies_rooms(tallies, ROOMS, ROMEO), 0);
    for (uint32_t rooms = 1; rooms <= 3; rooms++) {
        tallies_change(tallies, ROOMS, ROMEO, true);
        assert_int_equal(tallies_rooms(tallies, ROOMS, ROMEO), rooms);
        assert_int_equal(tallies_count(tallies), 1);
    }
    for (uint32_t rooms = 3; rooms-- > 0;) {
        tallies_change(tallies, ROOMS, ROMEO, false);
        assert_int_equal(tallies_rooms(tallies, ROOMS, ROMEO), rooms);
    }
    assert_int_equal(tallies_count(tallies), 0);
    tallies_change(tallies, ROOMS, ROMEO, true);
    assert_int_equal(tallies_rooms(tallies, ROOMS, ROMEO), 1);
}

static void services_and_accounts_are_apart(void **state)
{
    (void)state;
    tallies_change(tallies, ROOMS, ROMEO, true);
    tallies_change(tallies, LOUNGE, ROMEO, true);
    tallies_change(tallies, LOUNGE, ROMEO, true);
    tallies_change(tallies, ROOMS, JULIET, true);
    assert_int_equal(tallies_count(tallies), 3);
    assert_int_equal(tallies_rooms(tallies, ROOMS, ROMEO), 1);
    assert_int_equal(tallies_rooms(tallies, LOUNGE, ROMEO), 2);
    assert_int_equal(tallies_rooms(tallies, LOUNGE, JULIET), 0);
    tallies_change(tallies, ROOMS, ROMEO, false);
    assert_int_equal(tallies_rooms(tallies, LOUNGE, ROMEO), 2);
    assert_int_equal(tallies_rooms(tallies, ROOMS, JULIET), 1);
}

/* More than there are chains. */
static void many_accounts(void **state)
{
    enum { MANY = 40000 };
    char text[40];
    (void)state;
    for (unsigned i = 0; i < 2 * MANY; i++) {
        int len = snprintf(text, sizeof(text), "user%u@example.org", i % MANY);
        tallies_change(tallies, ROOMS, str_of(text, (size_t)len), i < MANY);
        assert_int_equal(tallies_count(tallies), i < MANY ? i + 1 : 2 * MANY - 1 - i);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_and_out),
        TEST(services_and_accounts_are_apart),
        TEST(many_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
