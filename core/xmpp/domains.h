/*
 * A few prepared domains: those that one process serves rooms for.
 */
#ifndef CORE_XMPP_DOMAINS_H
#define CORE_XMPP_DOMAINS_H

#include "core/base/limits.h"
#include "core/base/str.h"

struct domains {
    struct str at[DOMAINS_MAX]; /* borrowed; all different */
    unsigned count;
};

static inline bool domains_have(const struct domains *domains, struct str domain)
{
    for (unsigned i = 0; i < domains->count; i++) {
        if (str_eq(domains->at[i], domain))
            return true;
    }
    return false;
}

#endif
