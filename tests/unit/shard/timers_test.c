/*
 * Alarms against a plain list of times: never early, at most a tick late, over any distance.
 */
#include "shard/timers.h"

#include "core/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ALARMS = 200, ROUNDS = 20000 };

#define START_US INT64_C(1700000000123456)
#define DAY_US   (INT64_C(86400) * 1000000)

struct alarm {
    struct timer timer;
    int64_t at_us; /* 0: not set */
};

static struct timers timers;
static struct alarm alarms[ALARMS];
static uint64_t random_state;

static uint64_t random_below(uint64_t end)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (random_state >> 20) % end;
}

/* Near and far alike: the exponent is random, too. */
static int64_t random_distance(void)
{
    return (int64_t)random_below(UINT64_C(1) << (10 + random_below(37)));
}

static int begin(void **state)
{
    UNUSED(state);
    timers_init(&timers, START_US);
    random_state = 7;
    for (unsigned i = 0; i < ALARMS; i++)
        alarms[i] = (struct alarm){0};
    return 0;
}

static void set(unsigned i, int64_t at_us)
{
    timer_set(&timers, &alarms[i].timer, at_us);
    alarms[i].at_us = at_us;
    assert_true(timer_is_set(&alarms[i].timer));
}

/* Everything that rings until now; each in time. */
static unsigned look(int64_t now_us)
{
    unsigned count = 0;
    struct timer *timer;
    while ((timer = timers_next(&timers, now_us)) != NULL) {
        struct alarm *alarm = container_of(timer, struct alarm, timer);
        assert_false(timer_is_set(timer));
        assert_true(alarm->at_us != 0 && alarm->at_us <= now_us);
        alarm->at_us = 0;
        count++;
    }
    for (unsigned i = 0; i < ALARMS; i++)
        assert_true(alarms[i].at_us == 0 || alarms[i].at_us > now_us - TIMER_TICK_US);
    return count;
}

static int64_t earliest(void)
{
    int64_t at_us = INT64_MAX;
    for (unsigned i = 0; i < ALARMS; i++) {
        if (alarms[i].at_us != 0 && alarms[i].at_us < at_us)
            at_us = alarms[i].at_us;
    }
    return at_us;
}

static void agrees_with_a_list(void **state)
{
    UNUSED(state);
    int64_t now_us = START_US;
    unsigned rang = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)random_below(ALARMS);
        if (random_below(4) == 0) {
            timer_clear(&timers, &alarms[i].timer);
            alarms[i].at_us = 0;
        } else {
            set(i, now_us + random_distance());
        }
        now_us += random_distance() / 256;
        rang += look(now_us);
    }
    assert_true(rang > ROUNDS / 10);
}

/* Whoever sleeps as long as it is told misses nothing. */
static void sleeping_is_safe(void **state)
{
    UNUSED(state);
    int64_t now_us = START_US;
    assert_int_equal(timers_timeout_ms(&timers, now_us), -1);
    for (unsigned i = 0; i < ALARMS; i++)
        set(i, now_us + random_distance());
    unsigned rang = look(now_us);
    unsigned looks = 0;
    while (rang < ALARMS) {
        int timeout_ms = timers_timeout_ms(&timers, now_us);
        assert_true(timeout_ms >= 0);
        assert_true(now_us + (int64_t)timeout_ms * 1000 <= earliest() + TIMER_TICK_US + 1000);
        now_us += timeout_ms > 0 ? (int64_t)timeout_ms * 1000 : 1;
        rang += look(now_us);
        looks++;
    }
    assert_in_range(looks, 1, ALARMS * TIMER_LEVELS);
    assert_int_equal(timers_timeout_ms(&timers, now_us), -1);
}

static void in_order(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < ALARMS; i++)
        set(i, START_US + (int64_t)(ALARMS - i) * TIMER_TICK_US * 7);
    int64_t last_us = 0;
    struct timer *timer;
    for (unsigned i = 0; i < ALARMS; i++) {
        timer = timers_next(&timers, START_US + DAY_US);
        assert_non_null(timer);
        const struct alarm *alarm = container_of(timer, struct alarm, timer);
        assert_true(alarm->at_us > last_us);
        last_us = alarm->at_us;
    }
    assert_null(timers_next(&timers, START_US + DAY_US));
}

static void the_past_rings_at_once(void **state)
{
    UNUSED(state);
    set(0, START_US - DAY_US);
    set(1, 1);
    assert_int_equal(timers_timeout_ms(&timers, START_US), 0);
    assert_int_equal(look(START_US), 2);
}

/* One that rings already, but was not fetched, can still be taken back or moved. */
static void ringing_can_be_cleared(void **state)
{
    UNUSED(state);
    set(0, START_US);
    set(1, START_US);
    set(2, START_US);
    int64_t now_us = START_US + TIMER_TICK_US;
    assert_ptr_equal(timers_next(&timers, now_us), &alarms[0].timer);
    timer_clear(&timers, &alarms[1].timer);
    timer_clear(&timers, &alarms[1].timer);
    set(2, now_us + DAY_US);
    assert_null(timers_next(&timers, now_us));
    assert_ptr_equal(timers_next(&timers, now_us + DAY_US + TIMER_TICK_US), &alarms[2].timer);
}

/* Beyond what the wheel spans (three years), and a clock that jumps. */
static void beyond_the_wheel(void **state)
{
    UNUSED(state);
    set(0, START_US + 4000 * DAY_US);
    set(1, START_US + 31 * DAY_US);
    assert_int_equal(look(START_US + 31 * DAY_US - TIMER_TICK_US), 0);
    assert_int_equal(look(START_US + 31 * DAY_US + TIMER_TICK_US), 1);
    assert_int_equal(look(START_US + 3999 * DAY_US), 0);
    assert_int_equal(look(START_US + 4001 * DAY_US), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(agrees_with_a_list, begin),
        cmocka_unit_test_setup(sleeping_is_safe, begin),
        cmocka_unit_test_setup(in_order, begin),
        cmocka_unit_test_setup(the_past_rings_at_once, begin),
        cmocka_unit_test_setup(ringing_can_be_cleared, begin),
        cmocka_unit_test_setup(beyond_the_wheel, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
