#include "bench/load/scratch.h"

#include "bench/load/util.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES_MAX 8

static char folder[SCRATCH_PATH_MAX / 2]; /* empty: there is none */
static struct {
    char files[FILES_MAX][SCRATCH_PATH_MAX];
    unsigned count;
    bool watched; /* the end of the program, by whatever way */
} scratch;

/* Calls nothing that a signal's handler may not. */
void scratch_remove(void)
{
    if (folder[0] == '\0')
        return;
    for (unsigned i = 0; i < scratch.count; i++)
        unlink(scratch.files[i]);
    rmdir(folder);
    folder[0] = '\0';
    scratch.count = 0;
}

static void remove_and_end(int number)
{
    scratch_remove();
    _exit(128 + number);
}

static void make_folder(void)
{
    const char *base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    snprintf(folder, sizeof(folder), "%.40s/stentor-bench-XXXXXX", base);
    if (mkdtemp(folder) == NULL) {
        folder[0] = '\0';
        die("cannot make a folder for the files of the run in %s", base);
    }
    if (scratch.watched)
        return;
    scratch.watched = true;
    atexit(scratch_remove);
    signal(SIGTERM, remove_and_end);
    signal(SIGINT, remove_and_end);
}

const char *scratch_file(const char *name)
{
    if (folder[0] == '\0')
        make_folder();
    if (scratch.count == FILES_MAX)
        die("more than %d files for one run", FILES_MAX);
    char *path = scratch.files[scratch.count++];
    snprintf(path, SCRATCH_PATH_MAX, "%s/%s", folder, name);
    return path;
}
