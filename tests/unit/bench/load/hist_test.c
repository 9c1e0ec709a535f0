/* The histogram of the load generator: what goes in comes out within its error. */
#include "bench/load/hist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct hist hist;

static void reads_back_what_went_in(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < UINT64_C(1) << 40; value = value * 3 / 2 + 1) {
        hist_reset(&hist);
        hist_add(&hist, value, 1);
        uint64_t back = hist_quantile_ns(&hist, 0.5);
        assert_true(back <= value);
        assert_true((double)back >= (double)value * 0.984);
        assert_int_equal(hist.max_ns, value);
    }
}

static void quantiles_of_a_known_mix(void **state)
{
    (void)state;
    hist_reset(&hist);
    hist_add(&hist, 1000, 980);
    hist_add(&hist, 50000, 15);
    hist_add(&hist, 9000000, 5);
    assert_in_range(hist_quantile_ns(&hist, 0.5), 984, 1000);
    assert_in_range(hist_quantile_ns(&hist, 0.979), 984, 1000);
    assert_in_range(hist_quantile_ns(&hist, 0.98), 49200, 50000);
    assert_in_range(hist_quantile_ns(&hist, 0.99), 49200, 50000);
    assert_in_range(hist_quantile_ns(&hist, 0.999), 8856000, 9000000);
    assert_int_equal(hist_quantile_ns(&hist, 1), 9000000);
}

static void empty_and_absurd(void **state)
{
    (void)state;
    hist_reset(&hist);
    assert_int_equal(hist_quantile_ns(&hist, 0.99), 0);
    hist_add(&hist, UINT64_MAX, 1);
    hist_add(&hist, 0, 0);
    assert_int_equal(hist.count, 1);
    assert_int_equal(hist.max_ns, UINT64_MAX);
    assert_true(hist_quantile_ns(&hist, 0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_what_went_in),
        cmocka_unit_test(quantiles_of_a_known_mix),
        cmocka_unit_test(empty_and_absurd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
