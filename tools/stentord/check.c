#include "tools/stentord/check.h"

#include "shard/store/store_tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void print_finding(struct tool_lines *lines, struct str text)
{
    UNUSED(lines);
    printf("found: %.*s\n", (int)text.len, text.at);
}

int check_store(struct str path)
{
    struct tool_lines lines = {print_finding};
    struct arena *arena = arena_new(4096);
    const char *why = NULL;
    int64_t found = store_tool_check(path, &lines, arena, &why);
    if (found < 0)
        fprintf(stderr, "%s: store.path: %s\n", program_invocation_short_name, why);
    else if (found == 0)
        printf("%.*s is whole: nothing found\n", (int)path.len, path.at);
    else
        printf("%.*s is not as it should be; keep it with its -wal, stop the server, and put a"
               " backup in its place\n",
               (int)path.len, path.at);
    arena_free(arena);
    return found == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
