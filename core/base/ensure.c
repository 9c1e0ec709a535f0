#include "core/base/ensure.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static ensure_hook *installed;
static atomic_flag reported = ATOMIC_FLAG_INIT;

void ensure_set_hook(ensure_hook *hook)
{
    installed = hook;
}

_Noreturn void ensure_failed(const char *what, const char *file, int line)
{
    /* Once: the hook itself, or a second thread, may fail while the first failure is reported. */
    if (!atomic_flag_test_and_set(&reported)) {
        if (installed != NULL)
            installed(what, file, line);
        else
            fprintf(stderr, "%s:%d: ensure failed: %s\n", file, line,
                    what); /* not to die silently */
    }
    abort();
}
