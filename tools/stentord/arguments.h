/*
 * The command line.
 */
#ifndef TOOLS_STENTORD_ARGUMENTS_H
#define TOOLS_STENTORD_ARGUMENTS_H

#include "core/base/arena.h"
#include "core/base/base.h"

#include <stdbool.h>

enum order { ORDER_RUN, ORDER_CHECK, ORDER_CHECK_STORE, ORDER_PRINT, ORDER_VERSION, ORDER_HELP };

struct arguments {
    const char *config_file; /* NULL: none */
    const char **settings;   /* name=value, in the order given; in the arena */
    unsigned setting_count;
    enum order order;
};

extern const char arguments_usage[];

/* False: not understood; what was wrong has been printed. */
MUST_CHECK bool arguments_parse(struct arguments *arguments, struct arena *arena, int argc,
                                char **argv);

#endif
