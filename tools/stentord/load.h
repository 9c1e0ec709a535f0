/*
 * The configuration, from the file and the settings that a command line names.
 */
#ifndef TOOLS_STENTORD_LOAD_H
#define TOOLS_STENTORD_LOAD_H

#include "core/base/base.h"
#include "core/config/config.h"

#include <stdbool.h>

/* `file` may be NULL; settings (name=value) go over it, in their order. False: config->error. */
MUST_CHECK bool load_config(struct config *config, const char *file, const char *const *settings,
                            unsigned count);

#endif
