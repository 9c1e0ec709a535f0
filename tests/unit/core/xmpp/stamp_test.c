/*
 * Timestamps: against the C library over four centuries, the profile's edges, delay elements.
 */
#include "core/xmpp/stamp.h"

#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)

static struct arena *arena;

static int setup(void **state)
{
    UNUSED(state);
    arena = arena_new(4096);
    return 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    arena_free(arena);
    return 0;
}

/* Every day of 400 years, and a time on it, reads as the C library writes it, and back. */
static void agrees_with_libc(void **state)
{
    UNUSED(state);
    for (int64_t day = -70 * 366; day < 340 * 366; day++) {
        int64_t seconds = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        time_t time = (time_t)seconds;
        struct tm tm;
        char expected[64];
        assert_non_null(gmtime_r(&time, &tm));
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm);
        struct str text = stamp_text(arena, seconds * SECOND);
        assert_string_equal(text.at, expected);
        int64_t back = 1;
        assert_true(stamp_parse(text, &back));
        assert_true(back == seconds * SECOND);
        arena_reset(arena);
    }
}

static void fractions(void **state)
{
    UNUSED(state);
    assert_string_equal(stamp_text(arena, 0).at, "1970-01-01T00:00:00Z");
    assert_string_equal(stamp_text(arena, 1).at, "1970-01-01T00:00:00.000001Z");
    assert_string_equal(stamp_text(arena, -1).at, "1969-12-31T23:59:59.999999Z");
    assert_string_equal(stamp_text(arena, 1500000).at, "1970-01-01T00:00:01.500000Z");
    int64_t year_10000 = INT64_C(253402300800) * SECOND;
    assert_string_equal(stamp_text(arena, year_10000 - 1).at, "9999-12-31T23:59:59.999999Z");
    assert_string_equal(stamp_text(arena, year_10000).at, "10000-01-01T00:00:00Z");
}

/* @covers 0082#profiles */
static void parsed(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        int64_t time_us;
    } rows[] = {
        {"1970-01-01T00:00:01Z", SECOND},
        {"1970-01-01T00:00:00.5Z", SECOND / 2},
        {"1970-01-01T00:00:00.123456789Z", 123456},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T19:30:00-04:30", 0},
        {"2026-08-01T12:00:00+00:00", INT64_C(1785585600) * SECOND},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800) * SECOND},
        {"2000-02-29T00:00:00Z", INT64_C(951782400) * SECOND},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800) * SECOND},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799) * SECOND},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t time_us = 7;
        assert_true(stamp_parse(str_z(rows[i].text), &time_us));
        assert_true(time_us == rows[i].time_us);
    }
}

/* @covers 0082#profiles */
static void refused(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {
        "",
        "now",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-1-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "2001-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:00+1:00",
        "1970-01-01T00:00:00+15:00",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00+0100",
        "+970-01-01T00:00:00Z",
        "1970-01-01T00:00:00z",
        "20020910T23:08:25",
    };
    int64_t time_us = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(stamp_parse(str_z(bad[i]), &time_us));
    assert_false(stamp_parse(STR_NONE, &time_us));
    assert_int_equal(time_us, 7);
}

/* @covers 0203#protocol  who delayed it and since when */
static void delay(void **state)
{
    UNUSED(state);
    assert_string_equal(stamp_delay(arena, STR("a&b@c"), SECOND).at,
                        "<delay xmlns='urn:xmpp:delay' from='a&amp;b@c' "
                        "stamp='1970-01-01T00:00:01Z'/>");
    assert_string_equal(stamp_delay(arena, STR_NONE, 0).at,
                        "<delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:00Z'/>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_libc), cmocka_unit_test(fractions), cmocka_unit_test(parsed),
        cmocka_unit_test(refused),          cmocka_unit_test(delay),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
