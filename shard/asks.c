#include "shard/asks.h"

#include "core/base/ensure.h"

bool asks_begin(struct asks *asks, const struct jid *from)
{
    unsigned own = 0;
    for (unsigned i = 0; i < asks->count; i++)
        own += jid_bare_eq(asks->from[i], from);
    if (asks->count == ASKS_MAX || own >= ASKS_PER_ACCOUNT)
        return false;
    asks->from[asks->count++] = from;
    return true;
}

void asks_end(struct asks *asks, const struct jid *from)
{
    unsigned i = 0;
    while (i < asks->count && asks->from[i] != from)
        i++;
    ensure(i < asks->count);
    asks->from[i] = asks->from[--asks->count];
}
