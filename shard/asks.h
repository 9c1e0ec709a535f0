/*
 * Questions of a shard to the store that are not answered yet: so many of all, and of one account.
 * What comes beyond is refused, so that nobody's searching fills the memory or keeps all others
 * waiting.
 */
#ifndef SHARD_ASKS_H
#define SHARD_ASKS_H

#include "core/base/limits.h"
#include "core/xmpp/jid.h"

#include <stdbool.h>

struct asks {                         /* zero: none */
    const struct jid *from[ASKS_MAX]; /* borrowed from the question, until it is answered */
    unsigned count;
};

/* False: there are enough. `from` stays where it is until asks_end(). */
MUST_CHECK bool asks_begin(struct asks *asks, const struct jid *from);
/* The same pointer. */
void asks_end(struct asks *asks, const struct jid *from);

#endif
