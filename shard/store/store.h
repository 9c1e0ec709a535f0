/*
 * The store's port. Backends implement `struct store` (the scribe's, who alone writes) and `struct
 * store_reader` (another thread's, read-only). A store keeps rows and messages by room; what they
 * mean is core/record's matter, when they are written is the scribe's.
 *
 *             store_mem    throw-away servers, tests; can be told to fail
 *             store_sqlite one file, WAL mode
 *
 * Errors are negative codes (core/base/err.h). ERR_NO_SPACE, ERR_IO, ERR_BUSY may pass: the scribe
 * refuses what waits and tries again with the next; ERR_CORRUPT does not.
 */
#ifndef SHARD_STORE_STORE_H
#define SHARD_STORE_STORE_H

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/muc/archived.h"
#include "core/record/record.h"

#include <stdbool.h>
#include <stdint.h>

/* What SCRAM (RFC 5802) needs to check a password without knowing it; texts are heap. */
struct scram_verifier {
    struct str salt; /* base64 */
    uint32_t iterations;
    struct str stored_key; /* base64 */
    struct str server_key; /* base64 */
};

struct account {
    struct str name; /* heap: local part, prepared */
    struct scram_verifier sha1;
    struct scram_verifier sha256;
};

void account_fini(struct account *account);
void account_copy(struct account *to, const struct account *from);

enum account_op {
    ACCOUNT_LOAD,
    ACCOUNT_CREATE, /* ERR_EXISTS if there is one, ERR_LIMIT if there are too many */
    ACCOUNT_CHANGE, /* new verifiers; ERR_NOT_FOUND */
    ACCOUNT_REMOVE, /* ERR_NOT_FOUND */
};

struct account_ask {
    enum account_op op;
    struct account account; /* LOAD, REMOVE: the name alone; LOAD's answer: all */
    int err;                /* the answer: 0 or a negative code */
};

/* A room as it lies in the store. In the arena. */
struct store_room {
    struct record_row *rows;
    unsigned row_count;
    struct archived *history; /* the last messages newcomers are shown, oldest first; damaged ones
                                 have no xml */
    unsigned history_count;
};

/* Operations on one room (core/record/record.h), taken together with others in one transaction. */
struct store_commit {
    struct str room;  /* bare JID */
    struct str batch; /* bytes of record_add() */
    bool power;       /* must survive the loss of power, not only of the process */
};

/* How long archived messages are kept, where the room does not say: 0 is for ever. */
struct store_retention {
    uint32_t days;
    uint32_t count;
    int64_t now_us;
};

/* What somebody else has taken out of the archives. */
struct store_forgotten {
    struct str account;  /* bare JID: what it has sent; empty: everybody */
    struct str room;     /* bare JID; empty: in all rooms */
    int64_t until_us;    /* what is not younger */
    int64_t at, room_at; /* where forget() has come to: messages, rooms; 0 at first */
};

struct muc_crypto;

struct store_reader {
    /* Fill the page, its `err` included (ERR_LIMIT: it took too long); texts in the arena. */
    void (*query)(struct store_reader *reader, struct arena *arena, struct str room,
                  const struct archive_query *query, struct archive_page *page);
    void (*listing)(struct store_reader *reader, struct arena *arena,
                    const struct stored_query *query, struct stored_page *page);
    /* From another thread: what is being read, and all that is asked from now on, ends at once with
     * ERR_LIMIT. NULL: nothing takes long. */
    void (*give_up)(struct store_reader *reader);
    void (*close)(struct store_reader *reader); /* frees it */
};

struct store {
    bool durable; /* false: gone at the end of the process, and rooms are not kept in it */
    /* The room's rows; ERR_NOT_FOUND: it has none. */
    int (*load)(struct store *store, struct arena *arena, struct str room,
                struct store_room *loaded);
    /* All or nothing; synced if one of them asks for it. */
    int (*commit)(struct store *store, const struct store_commit *commits, unsigned count);
    /* One small step of what is to be deleted: what is over its time or number, messages of rooms
     * that are gone. 1: there is more; 0: nothing left now; or an error. */
    int (*trim)(struct store *store, const struct store_retention *retention);
    /* What was forgotten and is not done with here, in the arena: rooms in memory have to be told.
     * NULL: nobody else deletes here. */
    int (*forgotten)(struct store *store, struct arena *arena, struct store_forgotten **list,
                     unsigned *count);
    /* One small step through what was committed of it since somebody else has deleted the rest.
     * 1: there is more; 0: that was all, and forgotten() does not name it any more; or an error. */
    int (*forget)(struct store *store, struct store_forgotten *what);
    /* Bare JIDs of the rooms that somebody was inside of when the process ended (RECORD_SESSION).
     */
    int (*occupied)(struct store *store, struct arena *arena, struct str **rooms, unsigned *count);
    /* Answers in place: fills ask->err and, for LOAD, the account. Changes are committed. */
    void (*account)(struct store *store, struct account_ask *ask);
    /* For one other thread; there may be several. NULL: *err. */
    struct store_reader *(*reader)(struct store *store, int *err);
    void (*close)(struct store *store); /* frees it; readers are closed before */
};

/* Everything in memory, gone at the end of the process. */
struct hash_key;
struct store *store_mem_open(const struct hash_key *hash_key);

/* What a store is opened with. */
struct store_sqlite_setup {
    struct str path;
    const char *vfs; /* of SQLite; NULL: the system's. For tests. */
    bool full_text;  /* messages can be searched for words; else such queries: ERR_UNSUPPORTED */
    bool read_only;  /* for --check-store and exports */
    const struct muc_crypto *crypto; /* borrowed: tells whose subject a room has; NULL: nobody is
                                        forgotten in it. For tests. */
    int64_t (*clock_ms)(void);       /* for the readers; NULL: clock_mono_ms(). For tests. */
};

/* NULL: *err, and *why (static or in `arena`) says what happened and what to do: a newer schema, a
 * foreign file, a folder that cannot be written, a store another process holds. */
struct store *store_sqlite_open(const struct store_sqlite_setup *setup, struct arena *arena,
                                int *err, const char **why);

#endif
