/*
 * The store and its threads: opened before anybody is served, closed when all others have
 * ended.
 */
#ifndef TOOLS_STENTORD_STORAGE_H
#define TOOLS_STENTORD_STORAGE_H

#include "core/base/limits.h"
#include "shard/runtime/lane.h"
#include "tools/stentord/logs.h"
#include "tools/stentord/settings.h"

struct storage {
    struct store *store;             /* the scribe's, once that is there */
    struct store_reader *connection; /* the reader's; NULL: rooms are not stored */
    struct store_reader *searching;  /* the searcher's; NULL: nobody can search for words */
    struct scribe *scribe;
    struct reader *reader, *searcher;
    struct arena *arena;
    struct str *occupied; /* rooms in which somebody was when the process ended */
    unsigned occupied_count;
    uint32_t prompt; /* at the last look: struct scribe_pace */
    bool slow;       /* the operator was told */
};

/* False: the operator was told why, on stderr; nothing is open. */
MUST_CHECK bool storage_open(struct storage *storage, const struct settings *settings,
                             const struct muc_crypto *crypto);
/* Instead of starting it. */
void storage_close(struct storage *storage);

/* One line for the log: where things are kept, and how well. */
void storage_log(const struct settings *settings);

/* 0 or a negative code: then some of it runs. */
MUST_CHECK int storage_start(struct storage *storage, const struct settings *settings,
                             struct exchange *exchange, struct logs *logs);
/* Those rooms are loaded, by the shards that own them. */
void storage_wake(const struct storage *storage, const struct settings *settings,
                  struct exchange *exchange);

/* Whether the disk answers: one line when it has not for STORE_SLOW_MS, one when it does again.
 * Called so often by main while it serves. */
#define STORAGE_LOOK_MS (STORE_SLOW_MS / 4)
void storage_look(struct storage *storage);

/* When nobody asks it for anything any more; what was asked is done, until `at_ms` (monotonic).
 * False: the disk does not answer, and its threads cannot be waited for: nothing may be freed. */
MUST_CHECK bool storage_stop(struct storage *storage, int64_t at_ms);
void storage_free(struct storage *storage);

#endif
