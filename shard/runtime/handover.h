/*
 * ThreadSanitizer and liburcu: the library's queues and grace periods order memory by assembly and
 * fences that the sanitizer cannot see. Whoever hands something over through them says so here:
 * what happened before handover_give(at) is visible after handover_take(at). Nothing in ordinary
 * builds.
 */
#ifndef SHARD_RUNTIME_HANDOVER_H
#define SHARD_RUNTIME_HANDOVER_H

#ifdef STENTOR_TSAN

void __tsan_acquire(void *at);
void __tsan_release(void *at);

static inline void handover_give(const void *at)
{
    __tsan_release((void *)at);
}

static inline void handover_take(const void *at)
{
    __tsan_acquire((void *)at);
}

#else

static inline void handover_give(const void *at)
{
    (void)at;
}

static inline void handover_take(const void *at)
{
    (void)at;
}

#endif
#endif
