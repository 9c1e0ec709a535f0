/*
 * Slices and growing texts: comparison, numbers, UTF-8, building on the heap and in an arena.
 */
#include "core/base/str.h"

#include "core/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Absent and empty are equal as bytes and still told apart. */
static void absent_is_not_empty(void **state)
{
    UNUSED(state);
    assert_true(str_eq(STR_NONE, STR("")));
    assert_false(str_present(STR_NONE));
    assert_true(str_present(STR("")));
    assert_false(str_present(str_z(NULL)));
    assert_true(str_eqz(STR("a"), "a"));
    assert_false(str_eq(STR("ab"), STR("a")));
}

static void prefixes(void **state)
{
    UNUSED(state);
    assert_true(str_starts(STR("lounge@rooms"), STR("lounge@")));
    assert_true(str_starts(STR("a"), STR("")));
    assert_true(str_starts(STR_NONE, STR_NONE));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_false(str_starts(STR("ba"), STR("a")));
}

/* The comparison for secrets says the same as the ordinary one. */
static void secrets_compare_alike(void **state)
{
    UNUSED(state);
    static const char *const texts[] = {"", "a", "b", "ab", "abc", "abd"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (size_t j = 0; j < ARRAY_LEN(texts); j++)
            assert_int_equal(str_eq_secret(str_z(texts[i]), str_z(texts[j])), i == j);
    }
    assert_true(str_eq_secret(STR_NONE, STR("")));
}

static void trimming(void **state)
{
    UNUSED(state);
    assert_true(str_eqz(str_trim(STR(" \t\r\na b\n ")), "a b"));
    assert_int_equal(str_trim(STR(" \n ")).len, 0);
    assert_false(str_present(str_trim(STR_NONE)));
}

/* Numbers are read whole or not at all, to the last value that fits. */
static void numbers(void **state)
{
    UNUSED(state);
    uint64_t number = 7;
    assert_true(str_to_u64(STR("18446744073709551615"), &number));
    assert_true(number == UINT64_MAX);
    assert_true(str_to_u64(STR("007"), &number));
    assert_int_equal(number, 7);
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1x", "18446744073709551616"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_to_u64(str_z(bad[i]), &number));
    assert_int_equal(number, 7);

    int64_t with_sign = 7;
    assert_true(str_to_i64(STR("-9223372036854775808"), &with_sign));
    assert_true(with_sign == INT64_MIN);
    assert_true(str_to_i64(STR("9223372036854775807"), &with_sign));
    assert_true(with_sign == INT64_MAX);
    assert_false(str_to_i64(STR("9223372036854775808"), &with_sign));
    assert_false(str_to_i64(STR("-9223372036854775809"), &with_sign));
    assert_false(str_to_i64(STR("-"), &with_sign));
    assert_true(with_sign == INT64_MAX);
}

static void booleans(void **state)
{
    UNUSED(state);
    bool value = false;
    assert_true(str_to_bool(STR("true"), &value) && value);
    assert_true(str_to_bool(STR("0"), &value) && !value);
    assert_true(str_to_bool(STR("1"), &value) && value);
    assert_true(str_to_bool(STR("false"), &value) && !value);
    assert_false(str_to_bool(STR("True"), &value));
    assert_false(str_to_bool(STR(""), &value));
}

/* What is not UTF-8 is found wherever it stands in a word of eight bytes. */
static void utf8(void **state)
{
    UNUSED(state);
    static const char *const good[] = {
        "",
        "plain",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\xbc",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x20",
        "\xe0\x80\xbc",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x9f\x98",
        "\xf0\x8f\xbf\xbf",
        "\xff",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
    };
    char text[32];
    for (size_t pad = 0; pad < 12; pad++) {
        memset(text, 'x', sizeof(text));
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
            memcpy(text + pad, good[i], strlen(good[i]));
            assert_true(str_is_utf8(str_of(text, pad + strlen(good[i]))));
        }
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
            memcpy(text + pad, bad[i], strlen(bad[i]));
            assert_false(str_is_utf8(str_of(text, pad + strlen(bad[i]))));
        }
    }
}

static void copies(void **state)
{
    UNUSED(state);
    struct str copy = str_copy(STR("lounge"));
    assert_string_equal(copy.at, "lounge");
    str_free(&copy);
    assert_false(str_present(copy));
    str_free(&copy);
    assert_false(str_present(str_copy(STR_NONE)));

    struct arena *arena = arena_new(1024);
    struct str in = str_in(arena, str_of("lounge", 3));
    assert_string_equal(in.at, "lou");
    assert_false(str_present(str_in(arena, STR_NONE)));
    struct str made = str_fmt(arena, "%s-%d", "a", 12);
    assert_string_equal(made.at, "a-12");
    assert_int_equal(made.len, 4);
    arena_free(arena);
}

/* A text grows over many steps of its capacity, with the same result on the heap and in an arena.
 */
static void building(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(4096);
    for (int round = 0; round < 2; round++) {
        struct buf buf;
        buf_init(&buf, round == 0 ? NULL : arena);
        assert_string_equal(buf_str(&buf).at, "");
        for (int i = 0; i < 1000; i++) {
            buf_addz(&buf, "ab");
            buf_addc(&buf, 'c');
            buf_addf(&buf, "%03d", i);
            buf_add(&buf, STR_NONE);
            memcpy(buf_reserve(&buf, 2), "<>", 2);
            buf.len += 2;
        }
        struct str text = buf_str(&buf);
        assert_int_equal(text.len, 8000);
        assert_int_equal(text.at[8000], '\0');
        assert_memory_equal(text.at, "abc000<>abc001<>", 16);
        assert_memory_equal(text.at + 7992, "abc999<>", 8);
        buf_free(&buf);
        assert_int_equal(buf.len, 0);
    }
    arena_free(arena);
}

static void hexadecimal(void **state)
{
    UNUSED(state);
    static const uint8_t bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    char digits[] = "..........";
    hex_write(digits, bytes, sizeof(bytes));
    assert_string_equal(digits, "000fa5ff..");
    hex_write(digits, bytes, 0);
    assert_string_equal(digits, "000fa5ff..");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_is_not_empty),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(secrets_compare_alike),
        cmocka_unit_test(trimming),
        cmocka_unit_test(numbers),
        cmocka_unit_test(hexadecimal),
        cmocka_unit_test(booleans),
        cmocka_unit_test(utf8),
        cmocka_unit_test(copies),
        cmocka_unit_test(building),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
