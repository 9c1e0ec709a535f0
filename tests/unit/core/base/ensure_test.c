/*
 * ensure(): goes on when the condition holds; reports and aborts when it does not. The failing half
 * runs in a child process.
 */
#include "core/base/ensure.h"

#include "core/base/base.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int report_to;

static void hook(const char *what, const char *file, int line)
{
    UNUSED(file);
    UNUSED(line);
    if (write(report_to, what, strlen(what)) < 0)
        _exit(3);
    ensure(report_to < 0); /* fails as well: must not come back here */
}

/* What holds costs one evaluation and nothing happens. */
static void holds(void **state)
{
    UNUSED(state);
    int evaluated = 0;
    ensure(++evaluated == 1);
    assert_int_equal(evaluated, 1);
}

/* The hook is told what failed, once, even if it fails itself; then the process aborts. */
static void reports_once_and_aborts(void **state)
{
    UNUSED(state);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        report_to = ends[1];
        ensure_set_hook(hook);
        signal(SIGABRT, SIG_DFL);
        ensure(1 + 1 == 3);
        _exit(0);
    }
    close(ends[1]);
    char text[64] = {0};
    ssize_t len = read(ends[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    assert_string_equal(text, "1 + 1 == 3");
    assert_int_equal(read(ends[0], text, sizeof(text)), 0);
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds),
        cmocka_unit_test(reports_once_and_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
