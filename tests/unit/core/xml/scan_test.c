/*
 * Where pieces of markup end, byte by byte and at once.
 */
#include "core/xml/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *text;
    size_t first, last;
    enum scan_verdict verdict;
};

static const struct row rows[] = {
    {"<a>", 3, 3, SCAN_OK},
    {"text", 0, 0, SCAN_OK},
    {"<a b='>'", 0, 0, SCAN_OK},
    {"<a b='>' c=\"'>\">x</a> <", 16, 21, SCAN_OK},
    {"<a/>text<b", 4, 4, SCAN_OK},
    {"<?xml version='1.0'?><a>", 21, 24, SCAN_OK},
    {"<?x>?>", 6, 6, SCAN_OK},
    {"<a><![CDATA[<b>]]>", 3, 3, SCAN_OK},
    {"<a><![CDATA[]]]]></a>", 3, 21, SCAN_OK},
    {"<a><![CDATA[]>]] ><b>", 3, 3, SCAN_OK},
    {"<>", 2, 2, SCAN_OK},
    {"<a><!--", 3, 3, SCAN_RESTRICTED},
    {"<a><![CDATX[", 3, 3, SCAN_RESTRICTED},
    {"<a><?b", 3, 3, SCAN_RESTRICTED},
    {" <?xml", 0, 0, SCAN_RESTRICTED},
    {"<!DOCTYPE", 0, 0, SCAN_RESTRICTED},
    {"\xfe", 0, 0, SCAN_ENCODING},
    {"\xff", 0, 0, SCAN_ENCODING},
};

static void cuts_and_verdicts(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scan scan = {.state = SCAN_START};
        struct scan_cuts cuts;
        assert_int_equal(scan_bytes(&scan, str_z(rows[i].text), &cuts), rows[i].verdict);
        assert_int_equal(cuts.first, rows[i].first);
        assert_int_equal(cuts.last, rows[i].last);
    }
}

static void byte_by_byte(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scan scan = {.state = SCAN_START};
        size_t first = 0, last = 0;
        enum scan_verdict verdict = SCAN_OK;
        for (size_t at = 0; rows[i].text[at] != '\0' && verdict == SCAN_OK; at++) {
            struct scan_cuts cuts;
            verdict = scan_bytes(&scan, str_of(rows[i].text + at, 1), &cuts);
            if (cuts.last > 0) {
                last = at + 1;
                first = first > 0 ? first : last;
            }
        }
        assert_int_equal(verdict, rows[i].verdict);
        assert_int_equal(first, rows[i].first);
        assert_int_equal(last, rows[i].last);
    }
}

static void nul_bytes(void **state)
{
    UNUSED(state);
    struct scan_cuts cuts;
    struct scan scan = {.state = SCAN_START};
    assert_int_equal(scan_bytes(&scan, str_of("\0", 1), &cuts), SCAN_ENCODING);
    scan = (struct scan){.state = SCAN_START};
    assert_int_equal(scan_bytes(&scan, str_of("<\0", 2), &cuts), SCAN_ENCODING);
}

static void blanks(void **state)
{
    UNUSED(state);
    assert_true(scan_is_blank(' ') && scan_is_blank('\t') && scan_is_blank('\r'));
    assert_true(scan_is_blank('\n'));
    assert_false(scan_is_blank('\v') || scan_is_blank('\0') || scan_is_blank('x'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_and_verdicts),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(nul_bytes),
        cmocka_unit_test(blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
