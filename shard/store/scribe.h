/*
 * The scribe: the store's one user. Answers in the order asked, to the lane that asked.
 */
#ifndef SHARD_STORE_SCRIBE_H
#define SHARD_STORE_SCRIBE_H

#include "shard/runtime/agent.h"
#include "shard/runtime/lane.h"
#include "shard/store/store.h"

struct scribe;

/* `store` taken: closed by scribe_free(). */
struct scribe *scribe_new(struct exchange *exchange, struct store *store, struct log_sink *log,
                          int *err);
struct agent *scribe_agent(struct scribe *scribe);
void scribe_free(struct scribe *scribe);

#endif
