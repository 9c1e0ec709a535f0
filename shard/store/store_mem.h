/*
 * For tests: what can go wrong with a store, on request. From any thread.
 */
#ifndef SHARD_STORE_STORE_MEM_H
#define SHARD_STORE_STORE_MEM_H

#include "shard/store/store.h"

/* From now on it says that it keeps rooms; at first it does not (store.h: `durable`). */
void store_mem_set_durable(struct store *store);
/* The next `count` commits, loads or queries (both kinds) fail with `err`; nothing of them happens.
 */
void store_mem_fail_commits(struct store *store, unsigned count, int err);
void store_mem_fail_loads(struct store *store, unsigned count, int err);
void store_mem_fail_queries(struct store *store, unsigned count, int err);
/* Every load, commit and query takes so long; 0: no longer. */
void store_mem_slow(struct store *store, unsigned ms);

#endif
