/*
 * The readers: they answer queries of archives and of the stored rooms, each on a thread and a
 * connection of its own, so that nothing that is read delays a commit. In the order asked.
 *
 * One has the searches for words, which may take seconds, the other all else, which does not: so
 * pages and lists of rooms never wait for a search. Without the former, the latter has all.
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
/* The one for searches. */
struct reader *searcher_new(struct exchange *exchange, struct store_reader *connection,
                            struct log_sink *log, int *err);
struct agent *reader_agent(struct reader *reader);
/* From main: its agent ends, without what it has not answered yet. */
void reader_stop(struct reader *reader);
void reader_free(struct reader *reader);

#endif
