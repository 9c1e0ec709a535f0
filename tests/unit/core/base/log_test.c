/*
 * Log records: levels, length, and that nobody can forge a line.
 */
#include "core/base/log.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct kept {
    struct log_sink sink;
    unsigned count;
    enum log_level level;
    char line[LOG_LINE_MAX + 1];
};

static void keep(struct log_sink *sink, enum log_level level, const char *line)
{
    struct kept *kept = container_of(sink, struct kept, sink);
    kept->count++;
    kept->level = level;
    snprintf(kept->line, sizeof(kept->line), "%s", line);
}

/* Without a sink records vanish; with one, those up to its level arrive. */
static void sinks_and_levels(void **state)
{
    UNUSED(state);
    log_error("to nobody");
    struct kept kept = {.sink = {.write = keep, .level = LOG_LEVEL_INFO}};
    log_set_sink(&kept.sink);
    log_debug("not wanted");
    assert_int_equal(kept.count, 0);
    log_info("room %s", "lounge");
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.level, LOG_LEVEL_INFO);
    assert_string_equal(kept.line, "room lounge");
    log_error("e");
    assert_int_equal(kept.level, LOG_LEVEL_ERROR);
    log_set_sink(NULL);
    log_error("to nobody");
    assert_int_equal(kept.count, 2);
}

/* A nickname with a line feed in it cannot pretend to be a second record. */
static void one_line(void **state)
{
    UNUSED(state);
    struct kept kept = {.sink = {.write = keep, .level = LOG_LEVEL_DEBUG}};
    log_set_sink(&kept.sink);
    log_warn("nick %s", "a\nerror: b\x1b[1m\x7f");
    assert_string_equal(kept.line, "nick a error: b [1m ");
    log_set_sink(NULL);
}

/* What is too long is cut, and never in the middle of a character. */
static void cut(void **state)
{
    UNUSED(state);
    struct kept kept = {.sink = {.write = keep, .level = LOG_LEVEL_DEBUG}};
    log_set_sink(&kept.sink);
    char text[LOG_LINE_MAX + 40];
    for (size_t pad = 0; pad < 4; pad++) {
        memset(text, 'x', sizeof(text));
        for (size_t i = LOG_LINE_MAX - 8 + pad; i + 4 < sizeof(text); i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 4);
        text[sizeof(text) - 1] = '\0';
        log_info("%s", text);
        size_t len = strlen(kept.line);
        assert_int_equal(len, LOG_LINE_MAX - 4 + (pad == 0 ? 4 : pad));
    }
    log_set_sink(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sinks_and_levels),
        cmocka_unit_test(one_line),
        cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
