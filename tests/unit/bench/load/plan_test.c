/*
 * Plans shared by several processes: the shares are disjoint and add up to the whole, and so do
 * the results.
 */
#include "bench/load/plan.h"

#include "bench/load/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct plan some_plan(void)
{
    struct plan plan = {.rooms = 10,
                        .occupants = 5,
                        .side_rooms = 7,
                        .links = 8,
                        .messages = 1001,
                        .window = 10,
                        .logins = 256,
                        .rate = 1000,
                        .side_rate = 70};
    snprintf(plan.name, sizeof(plan.name), "some");
    return plan;
}

static void shares_add_up(void **state)
{
    (void)state;
    struct plan plan = some_plan(), sum = {0};
    for (unsigned i = 0; i < 3; i++) {
        struct plan share;
        plan_share(&share, &plan, i, 3);
        assert_true(share.rooms >= 3 && share.side_rooms >= 2 && share.links >= 2);
        assert_true(share.window >= 3 && share.logins > 0);
        assert_int_equal(share.occupants, 5);
        sum.rooms += share.rooms;
        sum.side_rooms += share.side_rooms;
        sum.links += share.links;
        sum.messages += share.messages;
        sum.rate += share.rate;
        sum.side_rate += share.side_rate;
    }
    assert_int_equal(sum.rooms, plan.rooms);
    assert_int_equal(sum.side_rooms, plan.side_rooms);
    assert_int_equal(sum.links, plan.links);
    assert_int_equal(sum.messages, plan.messages);
    assert_float_equal(sum.rate, plan.rate, 1e-6);
    assert_float_equal(sum.side_rate, plan.side_rate, 1e-6);
}

static void one_process_does_it_all(void **state)
{
    (void)state;
    struct plan plan = some_plan(), share;
    plan_share(&share, &plan, 0, 1);
    assert_int_equal(share.rooms, plan.rooms);
    assert_int_equal(share.links, plan.links);
    assert_int_equal(share.window, plan.window);
    assert_int_equal(share.messages, plan.messages);
    assert_float_equal(share.rate, plan.rate, 1e-9);
}

static struct result part(const char *failed, double seconds, uint64_t deliveries, double p99)
{
    struct result result = {.users = 10, .rooms = 2, .rss_joined = 4096, .outcome_count = 1};
    snprintf(result.failed, sizeof(result.failed), "%s", failed);
    result.join_seconds = seconds;
    result.outcomes[0] = (struct outcome){
        .name = "talk", .seconds = seconds, .deliveries = deliveries, .latency = {.p99 = p99}};
    return result;
}

static void results_add_up(void **state)
{
    (void)state;
    struct result sum = part("", 1.0, 100, 50), other = part("", 1.1, 120, 40);
    other.faults.misses = 3;
    result_merge(&sum, &other);
    struct plan plan = some_plan();
    const struct outcome *measured = result_measured(&sum, &plan);
    assert_non_null(measured);
    assert_int_equal(measured->deliveries, 220);
    assert_float_equal(measured->seconds, 1.1, 1e-9);
    assert_float_equal(measured->latency.p99, 50, 1e-9);
    assert_float_equal(sum.join_seconds, 1.1, 1e-9);
    assert_int_equal(sum.users, 20);
    assert_int_equal(sum.rss_joined, 4096); /* the server's, seen by all */
    assert_true(result_failed(&sum));
}

static void one_that_failed_fails_all(void **state)
{
    (void)state;
    struct result sum = part("", 1, 100, 50), other = part("the server closed the link", 1, 0, 0);
    assert_false(result_failed(&sum));
    result_merge(&sum, &other);
    assert_true(result_failed(&sum));
    assert_string_equal(sum.failed, "the server closed the link");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_add_up),
        cmocka_unit_test(one_process_does_it_all),
        cmocka_unit_test(results_add_up),
        cmocka_unit_test(one_that_failed_fails_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
