/*
 * We are wrong: stop. ensure() stays in release builds; it reports through a hook (which step,
 * which seed) and aborts. Never for what a peer or the world can cause.
 */
#ifndef CORE_BASE_ENSURE_H
#define CORE_BASE_ENSURE_H

typedef void ensure_hook(const char *what, const char *file, int line);

/* Called before the abort, once; NULL for none. Set at start, before threads. */
void ensure_set_hook(ensure_hook *hook);

_Noreturn void ensure_failed(const char *what, const char *file, int line);

#define ensure(condition) ((condition) ? (void)0 : ensure_failed(#condition, __FILE__, __LINE__))

/* A place that cannot be reached. */
#define never(why) ensure_failed("never: " why, __FILE__, __LINE__)

#endif
