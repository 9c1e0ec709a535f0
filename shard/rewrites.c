#include "shard/rewrites.h"

#include "core/base/limits.h"

static void pause(struct rewrites *rewrites, int64_t mono_ms)
{
    int64_t pause_ms = rewrites->pause_ms == 0 ? STORE_RETRY_MS : rewrites->pause_ms * 2;
    rewrites->pause_ms = pause_ms < STORE_RETRY_MS_MAX ? pause_ms : STORE_RETRY_MS_MAX;
    rewrites->at_ms = mono_ms + rewrites->pause_ms;
    rewrites->taken = false;
}

void rewrites_refused(struct rewrites *rewrites, int64_t mono_ms)
{
    if (rewrites->stale++ == 0 && rewrites->awaited == 0)
        pause(rewrites, mono_ms);
}

void rewrites_written(struct rewrites *rewrites, uint64_t ticket)
{
    rewrites->stale--;
    rewrites->rounds = 0;
    rewrites->awaited = ticket;
}

void rewrites_answered(struct rewrites *rewrites, uint64_t ticket, bool refused, int64_t mono_ms)
{
    if (rewrites->awaited == 0)
        return;
    rewrites->failed |= refused;
    if (ticket != rewrites->awaited)
        return;
    rewrites->awaited = 0;
    if (rewrites->failed) {
        pause(rewrites, mono_ms);
    } else {
        rewrites->taken = true;
        rewrites->pause_ms = 0;
    }
    rewrites->failed = false;
}

/* Once round from where it began, and once from the first. */
void rewrites_round(struct rewrites *rewrites, int64_t mono_ms)
{
    rewrites->place = 0;
    if (++rewrites->rounds < 2)
        return;
    rewrites->rounds = 0;
    rewrites->at_ms = mono_ms + STORE_RETRY_MS;
}

int rewrites_timeout_ms(const struct rewrites *rewrites, int64_t mono_ms)
{
    int64_t left_ms = rewrites->at_ms - mono_ms;
    if (rewrites->stale == 0 || rewrites->awaited != 0)
        return -1;
    return left_ms < 0 ? 0 : (int)left_ms;
}

uint32_t rewrites_most(const struct rewrites *rewrites)
{
    return rewrites->taken ? REWRITE_ROOMS : 1;
}
