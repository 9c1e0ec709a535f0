/* Alarms: never early, hardly late, moved and cleared at will. */
#include "net/wheel.h"

#include "core/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define START 123456789

struct bell {
    struct alarm alarm;
    int64_t due_ms;
    unsigned rung;
};

static struct wheel wheel;
static int64_t now_ms;
static struct bell *again; /* set once more from inside the ring */

static int begin(void **state)
{
    UNUSED(state);
    now_ms = START;
    again = NULL;
    wheel_init(&wheel, now_ms);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    wheel_fini(&wheel);
    return 0;
}

static void set(struct bell *bell, int64_t in_ms)
{
    bell->due_ms = now_ms + in_ms;
    wheel_set(&wheel, &bell->alarm, bell->due_ms);
}

static void ring(void *self, struct alarm *alarm)
{
    UNUSED(self);
    struct bell *bell = container_of(alarm, struct bell, alarm);
    assert_true(now_ms >= bell->due_ms);
    assert_true(now_ms < bell->due_ms + 2 * WHEEL_TICK_MS);
    bell->rung++;
    if (bell == again) {
        again = NULL;
        set(bell, 0);
    }
}

static void pass(int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 10) {
        now_ms += 10;
        wheel_run(&wheel, now_ms, ring, NULL);
    }
}

static void many_alarms_ring_once_each(void **state)
{
    UNUSED(state);
    static struct bell bells[2000];
    srandom(1);
    for (size_t i = 0; i < ARRAY_LEN(bells); i++)
        set(&bells[i], random() % 60000);
    assert_int_equal(wheel.count, ARRAY_LEN(bells));
    for (size_t i = 0; i < ARRAY_LEN(bells); i += 10)
        wheel_clear(&wheel, &bells[i].alarm);
    for (size_t i = 1; i < ARRAY_LEN(bells); i += 10)
        set(&bells[i], random() % 60000);
    pass(61000);
    for (size_t i = 0; i < ARRAY_LEN(bells); i++)
        assert_int_equal(bells[i].rung, i % 10 == 0 ? 0 : 1);
    assert_int_equal(wheel.count, 0);
}

static void the_timeout_leads_to_the_next_alarm(void **state)
{
    UNUSED(state);
    struct bell near = {.rung = 0}, far = {.rung = 0};
    assert_int_equal(wheel_timeout_ms(&wheel, now_ms), -1);
    set(&far, 600000);
    set(&near, 30000);
    int timeout_ms = wheel_timeout_ms(&wheel, now_ms);
    assert_in_range(timeout_ms, 30000, 30000 + 2 * WHEEL_TICK_MS);
    now_ms += timeout_ms;
    assert_int_equal(wheel_run(&wheel, now_ms, ring, NULL), 1);
    assert_int_equal(near.rung, 1);
    assert_in_range(wheel_timeout_ms(&wheel, now_ms), 569000, 570000 + WHEEL_TICK_MS);
    wheel_clear(&wheel, &far.alarm);
    assert_int_equal(wheel_timeout_ms(&wheel, now_ms), -1);
}

static void an_alarm_may_be_set_while_it_rings(void **state)
{
    UNUSED(state);
    struct bell bell = {.rung = 0};
    again = &bell;
    set(&bell, 1000);
    pass(1200);
    assert_int_equal(bell.rung, 1);
    assert_int_equal(wheel.count, 1);
    pass(500);
    assert_int_equal(bell.rung, 2);
}

static void what_is_too_far_rings_at_the_end_of_the_wheel(void **state)
{
    UNUSED(state);
    struct bell bell = {.rung = 0};
    wheel_set(&wheel, &bell.alarm, now_ms + 100ll * WHEEL_SLOTS * WHEEL_TICK_MS);
    assert_in_range(wheel_timeout_ms(&wheel, now_ms), (WHEEL_SLOTS - 2) * WHEEL_TICK_MS,
                    WHEEL_SLOTS * WHEEL_TICK_MS);
    wheel_clear(&wheel, &bell.alarm);
    wheel_clear(&wheel, &bell.alarm);
    assert_int_equal(wheel.count, 0);
}

static void a_long_sleep_rings_everything(void **state)
{
    UNUSED(state);
    static struct bell bells[100];
    for (size_t i = 0; i < ARRAY_LEN(bells); i++) {
        bells[i].due_ms = now_ms + (int64_t)i * 5000;
        wheel_set(&wheel, &bells[i].alarm, bells[i].due_ms);
    }
    int64_t later_ms = now_ms + 3600000;
    for (size_t i = 0; i < ARRAY_LEN(bells); i++)
        bells[i].due_ms = later_ms;
    now_ms = later_ms;
    assert_int_equal(wheel_run(&wheel, now_ms, ring, NULL), ARRAY_LEN(bells));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_alarms_ring_once_each, begin, end),
        cmocka_unit_test_setup_teardown(the_timeout_leads_to_the_next_alarm, begin, end),
        cmocka_unit_test_setup_teardown(an_alarm_may_be_set_while_it_rings, begin, end),
        cmocka_unit_test_setup_teardown(what_is_too_far_rings_at_the_end_of_the_wheel, begin, end),
        cmocka_unit_test_setup_teardown(a_long_sleep_rings_everything, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
