#include "shard/loads.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"

void loads_begin(struct loads *loads, int64_t mono_ms)
{
    if (loads->count++ == 0)
        loads->since_ms = mono_ms;
}

void loads_answered(struct loads *loads, bool waited_for, int64_t mono_ms)
{
    ensure(!waited_for || loads->count > 0);
    loads->count -= waited_for;
    loads->since_ms = mono_ms;
    loads->silent = false;
}

static int64_t left_ms(const struct loads *loads, int64_t mono_ms)
{
    return loads->since_ms + ROOM_LOADS_SILENT_MS - mono_ms;
}

void loads_look(struct loads *loads, int64_t mono_ms)
{
    if (loads_overloaded(loads) && left_ms(loads, mono_ms) <= 0)
        loads->silent = true;
}

bool loads_overloaded(const struct loads *loads)
{
    return loads->count > ROOM_LOADS_MAX && !loads->silent;
}

int loads_timeout_ms(const struct loads *loads, int64_t mono_ms)
{
    if (!loads_overloaded(loads))
        return -1;
    int64_t ms = left_ms(loads, mono_ms);
    return ms < 0 ? 0 : (int)ms;
}
