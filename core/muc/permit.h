/*
 * What the operator lets only some do: make rooms, keep them, list them. The service's admins may
 * do everything.
 * @xep 0045 1.35.5 #createroom-general #roomconfig
 */
#ifndef CORE_MUC_PERMIT_H
#define CORE_MUC_PERMIT_H

#include "core/base/map.h"
#include "core/base/str.h"

#include <stdbool.h>

struct muc_settings;
struct option; /* core/muc/option.h */

struct permit {
    bool limited;     /* false: everybody may */
    struct map names; /* who may: bare JIDs and domains -> themselves */
};

/* Is the account (bare JID) in the map, or its domain? */
bool permit_names(const struct map *names, struct str account);
bool permit_admin(const struct muc_settings *settings, struct str account);
/* Banned from the service? Its admins cannot be. */
bool permit_banned(const struct muc_settings *settings, struct str account);
bool permit_allows(const struct muc_settings *settings, const struct permit *permit,
                   struct str account);
/* May the account turn that option on? Most of them: everybody. */
bool permit_option(const struct muc_settings *settings, const struct option *option,
                   struct str account);

#endif
