/*
 * The reader: answers queries of archives and of the stored rooms, on a thread and a connection of
 * its own, so that a slow search never delays a commit. In the order asked.
 */
#ifndef SHARD_STORE_READER_H
#define SHARD_STORE_READER_H

#include "shard/runtime/agent.h"
#include "shard/runtime/lane.h"
#include "shard/store/store.h"

struct reader;

/* `connection` is taken: closed by reader_free(), or at once if this fails. */
struct reader *reader_new(struct exchange *exchange, struct store_reader *connection,
                          struct log_sink *log, int *err);
struct agent *reader_agent(struct reader *reader);
void reader_free(struct reader *reader);

#endif
