/*
 * Codes for failures of the world.
 */
#include "core/base/err.h"

#include "core/base/base.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Codes are negative, in the order of the rows, each with its text. */
static void codes_and_texts(void **state)
{
    UNUSED(state);
    assert_int_equal(ERR_AGAIN, -1);
    assert_string_equal(err_text(ERR_AGAIN), "try again later");
    assert_string_equal(err_text(ERR_UNSUPPORTED), "not supported");
    for (int row = 0; row < ERR_ROW_COUNT; row++)
        assert_true(err_text(-1 - row)[0] != '\0');
    assert_string_equal(err_text(ERR_OK), "no error");
    assert_string_equal(err_text(-1 - ERR_ROW_COUNT), "unknown error");
    assert_string_equal(err_text(-2147483647 - 1), "unknown error");
}

static void from_errno(void **state)
{
    UNUSED(state);
    assert_int_equal(err_from_errno(0), ERR_OK);
    assert_int_equal(err_from_errno(EAGAIN), ERR_AGAIN);
    assert_int_equal(err_from_errno(EADDRINUSE), ERR_BUSY);
    assert_int_equal(err_from_errno(EACCES), ERR_ACCESS);
    assert_int_equal(err_from_errno(ENOSPC), ERR_LIMIT);
    assert_int_equal(err_from_errno(ECONNREFUSED), ERR_REFUSED);
    assert_int_equal(err_from_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(err_from_errno(EIO), ERR_IO);
    assert_int_equal(err_from_errno(9999), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_texts),
        cmocka_unit_test(from_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
