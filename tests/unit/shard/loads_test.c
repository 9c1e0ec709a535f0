/* Rooms that are looked for: when too many are, and when the store says nothing of any. */
#include "shard/loads.h"

#include "core/base/base.h"
#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { NOW_MS = 5000 };

static struct loads begun(uint32_t count)
{
    struct loads loads = {0};
    for (uint32_t i = 0; i < count; i++)
        loads_begin(&loads, NOW_MS);
    return loads;
}

static void so_many_may_wait_for_long(void **state)
{
    UNUSED(state);
    struct loads loads = begun(ROOM_LOADS_MAX);
    assert_false(loads_overloaded(&loads));
    assert_int_equal(loads_timeout_ms(&loads, NOW_MS), -1);
    loads_look(&loads, NOW_MS + 100 * ROOM_LOADS_SILENT_MS);
    assert_false(loads.silent);
    /* The disk has been silent for long when one more comes. */
    loads_begin(&loads, NOW_MS + 100 * ROOM_LOADS_SILENT_MS);
    assert_true(loads_overloaded(&loads));
    assert_int_equal(loads_timeout_ms(&loads, NOW_MS + 100 * ROOM_LOADS_SILENT_MS), 0);
    loads_look(&loads, NOW_MS + 100 * ROOM_LOADS_SILENT_MS);
    assert_true(loads.silent);
    assert_false(loads_overloaded(&loads));
    assert_int_equal(loads_timeout_ms(&loads, NOW_MS + 100 * ROOM_LOADS_SILENT_MS), -1);
}

static void more_wait_as_long_as_answers_come(void **state)
{
    UNUSED(state);
    struct loads loads = begun(ROOM_LOADS_MAX + 2);
    int64_t now_ms = NOW_MS;
    /* Rooms that no stanza waits for come, too: those that somebody was inside of at the end. */
    for (unsigned i = 0; i < 10; i++) {
        now_ms += ROOM_LOADS_SILENT_MS - 1;
        loads_look(&loads, now_ms);
        assert_true(loads_overloaded(&loads));
        assert_int_equal(loads_timeout_ms(&loads, now_ms), 1);
        loads_answered(&loads, i == 0, now_ms);
    }
    now_ms += ROOM_LOADS_SILENT_MS;
    loads_look(&loads, now_ms);
    assert_true(loads.silent);
    loads_answered(&loads, false, now_ms);
    assert_false(loads.silent);
    assert_true(loads_overloaded(&loads));
    loads_answered(&loads, true, now_ms);
    assert_false(loads_overloaded(&loads));
    assert_int_equal(loads.count, ROOM_LOADS_MAX);
}

/* What was long ago, when nothing was asked, is no silence. */
static void silence_begins_with_a_question(void **state)
{
    UNUSED(state);
    struct loads loads = {0};
    loads_answered(&loads, false, 1);
    for (uint32_t i = 0; i <= ROOM_LOADS_MAX; i++)
        loads_begin(&loads, NOW_MS);
    loads_look(&loads, NOW_MS + ROOM_LOADS_SILENT_MS - 1);
    assert_false(loads.silent);
    assert_int_equal(loads_timeout_ms(&loads, NOW_MS), ROOM_LOADS_SILENT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_may_wait_for_long),
        cmocka_unit_test(more_wait_as_long_as_answers_come),
        cmocka_unit_test(silence_begins_with_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
