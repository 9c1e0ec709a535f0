/*
 * The scribe: the store's one writer. Gathers what all shards want kept and commits it in one
 * transaction; meanwhile the next gathers. Answers in the order asked, to the shard or lane that
 * asked; loads go before commits.
 *
 * Between batches it takes small steps of what is to be deleted (retention, rooms that are gone):
 * when nothing waits, and if that has not been so for long, after each few batches. It looks for
 * what a tool has deleted, tells shards of it, and deletes what they had on the way to it.
 *
 * Damage  If a room in it is damaged, the transaction is taken apart, and those of all
 *         others are made one by one.
 * Log     One line when the store refuses to be written, one when it takes writes again; the same
 *         of reading, and of deleting. That it takes long is told by main (tools/stentord/storage).
 */
#ifndef SHARD_STORE_SCRIBE_H
#define SHARD_STORE_SCRIBE_H

#include "shard/runtime/agent.h"
#include "shard/runtime/lane.h"
#include "shard/store/store.h"

struct scribe;

struct scribe_setup {
    struct exchange *exchange; /* borrowed */
    struct store *store;       /* taken: closed by scribe_free(), or at once if this fails */
    uint32_t keep_days;        /* of archived messages, where a room does not say; 0: for ever */
    uint32_t keep_count;       /* 0: any number */
    struct log_sink *log;
};

struct scribe *scribe_new(const struct scribe_setup *setup, int *err);
struct agent *scribe_agent(struct scribe *scribe);

/* How the store answers, for whoever tells the operator: the scribe itself cannot say anything
 * while it waits for a disk. Any thread. */
struct scribe_pace {
    int64_t since_ms; /* of clock_mono_ms(): so long it has been at what it does; 0: it is idle */
    uint32_t prompt;  /* so often it took less than STORE_SLOW_MS; wraps */
};
struct scribe_pace scribe_pace(const struct scribe *scribe);

void scribe_free(struct scribe *scribe);

#endif
