/*
 * Between config.c and yaml.c: one setting, wherever it comes from.
 */
#ifndef CORE_CONFIG_ASSIGN_H
#define CORE_CONFIG_ASSIGN_H

#include "core/config/config.h"

/* Sets `name` from text; of a list, adds an entry (`first`: replaces what was there). `where` says
 * in messages where the setting stands. */
MUST_CHECK bool config_assign(struct config *config, struct str name, struct str value, bool first,
                              const char *where);
bool config_is_list(struct str name);
/* Has it been set already? Room options (muc.defaults.NAME) included. */
bool config_is_set(const struct config *config, struct str name);
/* Writes config->error; returns false. */
bool config_fail(struct config *config, const char *where, const char *what);

#endif
