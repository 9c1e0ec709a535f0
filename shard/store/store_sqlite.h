/*
 * What the files of the SQLite store share; private to them.
 *
 *   store_sqlite.c          rows of rooms: load, commit
 *   store_sqlite_archive.c  messages: append, bury, delete, read a row
 *   store_sqlite_reader.c   the connections that only read, and how long they may take
 *   store_sqlite_gate.c     how readers make way when the log is too long
 *   store_sqlite_query.c    pages of an archive; store_sqlite_listing.c: pages of rooms
 *   store_sqlite_trim.c     what is deleted in small steps
 *   store_sqlite_account.c  accounts
 *   store_sqlite_open.c     opening, refusing, the lock beside the file
 *   store_sqlite_schema.c   tables, and steps from older ones
 *   store_sqlite_db.c       one connection: statements, values, errors
 *   store_sqlite_tool.c     what is done to a store from the command line;
 *   store_sqlite_forget.c   of that, what deletes
 *
 * A connection is used by one thread at a time. The store's own writes, its reader only reads.
 */
#ifndef SHARD_STORE_STORE_SQLITE_H
#define SHARD_STORE_STORE_SQLITE_H

#include "core/base/base.h"
#include "core/base/map.h"
#include "shard/store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* ---- one connection ---- */

enum { DB_STATEMENTS_MAX = 64 };

struct db_statement {
    const char *sql; /* borrowed literal, or heap if `built` */
    sqlite3_stmt *prepared;
    bool built;
};

struct db {
    sqlite3 *handle;
    struct db_statement statements[DB_STATEMENTS_MAX];
    unsigned statement_count;
    unsigned next_victim;
    int wal_pages;    /* in the log after the last commit */
    int tried_pages;  /* when it was last tried to copy it back; 0: it has begun anew since */
    int64_t tried_ms; /* and when that was, by clock_mono_ms() */
    bool synced;      /* commits are synced: PRAGMA synchronous as it stands */
    bool synced_known;
};

/* A prepared statement, reset; NULL: *err. `sql` is a literal: found again by its address. */
sqlite3_stmt *db_sql(struct db *db, const char *sql, int *err);
/* The same for a text that was put together: found again by its bytes. */
sqlite3_stmt *db_built(struct db *db, struct str sql, int *err);
/* Runs to the end and resets: 0 or the error. */
MUST_CHECK int db_run(struct db *db, sqlite3_stmt *statement);
/* 1: there is a row; 0: there are no more, and it is reset; or the error, and it is reset. */
MUST_CHECK int db_step(struct db *db, sqlite3_stmt *statement);
/* Without values and without rows. */
MUST_CHECK int db_exec(struct db *db, const char *sql);
/* The first column of the first row of a literal; 0 and `absent` if there is none. */
MUST_CHECK int db_number(struct db *db, const char *sql, int64_t absent, int64_t *number);

MUST_CHECK int db_begin(struct db *db, bool synced);
/* Commits; on failure nothing of it has happened. */
MUST_CHECK int db_commit(struct db *db);
/* If a transaction is open (SQLite itself may have ended it). */
void db_rollback(struct db *db);
/* Copies the log back into the file if it is longer than that, and it was not just tried. */
void db_checkpoint(struct db *db, int pages);
/* Copies the log back and empties it: what was deleted is not in it either. Waits for nobody, and
 * makes others wait for no more than a sync. 1: done; 0: not now, somebody is reading or writing;
 * or the error. */
int db_empty_log(struct db *db);
int db_err(struct db *db, int code);
void db_close(struct db *db);

/* Borrowed until the statement is stepped or reset. Absent texts are NULL. */
void bind_text(sqlite3_stmt *statement, int at, struct str text);
void bind_blob(sqlite3_stmt *statement, int at, struct str bytes);
void bind_number(sqlite3_stmt *statement, int at, int64_t number);
struct str column_text(sqlite3_stmt *statement, int at);
struct str column_in(struct arena *arena, sqlite3_stmt *statement, int at);

/* ---- readers that make way ---- */

/* Shared by the scribe and all readers of a store. */
struct sqlite_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* opened, or nobody is inside any more */
    unsigned inside;        /* readers */
    bool shut;
    _Atomic unsigned round; /* how often it was shut; wraps. Read without the lock, too */
};

void gate_init(struct sqlite_gate *gate);
void gate_fini(struct sqlite_gate *gate);
/* Any reader, before and after it reads. While it is shut, it is waited for STORE_GATE_MS at most:
 * a disk that does not answer holds the scribe, not those who read. The round that is entered. */
unsigned gate_enter(struct sqlite_gate *gate);
void gate_leave(struct sqlite_gate *gate);
/* It was shut since. */
bool gate_asks_to_leave(struct sqlite_gate *gate, unsigned entered);
/* The scribe: waits STORE_GATE_MS at most until nobody is inside. */
void gate_shut(struct sqlite_gate *gate);
void gate_open(struct sqlite_gate *gate);

/* ---- the store ---- */

struct store_sqlite {
    struct store store;
    struct db db;
    struct sqlite_gate gate;
    int gated_pages; /* of the log, when the gate was last shut; 0: it has begun anew since */
    struct str path; /* heap */
    struct str vfs;  /* heap, or absent */
    int lock;        /* descriptor; -1: none */
    bool full_text;
    const struct muc_crypto *crypto;
    int64_t (*clock_ms)(void); /* NULL: clock_mono_ms() */
    int64_t accounts;          /* how many there are; -1: not counted yet */
    struct map dirty;          /* rooms that trim has to look at */
    bool swept;                /* all rooms were looked at, with: */
    struct store_retention sweep;
    int64_t sweep_at; /* the room the sweep has come to */
    bool words_done;  /* nothing waits to be searchable */
    bool log_tells;   /* text that was deleted may stand in the log */
};

/* What a file is opened for. */
enum sqlite_use {
    SQLITE_USE_SERVE,  /* may be made, and brought up to date */
    SQLITE_USE_READ,   /* beside a server or without */
    SQLITE_USE_ASSIST, /* the same, to delete something */
};

/* 0, or the error and *why for the operator. */
int sqlite_open(struct db *db, const struct store_sqlite_setup *setup, enum sqlite_use use,
                struct arena *arena, const char **why);
/* An empty file that only its owner may read. */
MUST_CHECK int sqlite_create(const char *path);
/* The last one to close would copy the log back into the file and sync it, for as long as the disk
 * takes, while a stop has to be over in time. The next start goes on with the log. */
void sqlite_leave_log(struct db *db);
/* A connection with our settings; for readers too. */
int sqlite_connect(struct db *db, const char *path, const char *vfs, int flags);

enum { SCHEMA_VERSION = 3, SCHEMA_APPLICATION = 0x53746e74 };

/* Makes an empty file a store, or brings an older one up to date. 0; ERR_NEWER, ERR_FOREIGN. */
int schema_prepare(struct db *db, int64_t *version);
/* The same without writing: also ERR_INVALID, if it would have to be brought up to date. */
int schema_examine(struct db *db, int64_t *version);
/* Version `to` from the one before. For tests of migration, `to` may be below the last. */
int schema_step(struct db *db, unsigned to);

/* Copies the log back into the file if it is longer than that: between transactions. */
void sqlite_checkpoint(struct store_sqlite *sqlite, int pages);
int sqlite_commit(struct store *store, const struct store_commit *commits, unsigned count);
int sqlite_load(struct store *store, struct arena *arena, struct str room,
                struct store_room *loaded);
/* The room with that number goes; what it had is deleted in small steps. */
int sqlite_wipe(struct db *db, int64_t room);
int sqlite_load_room(struct db *db, struct arena *arena, struct str jid, struct store_room *loaded);
int sqlite_forgotten(struct store *store, struct arena *arena, struct store_forgotten **list,
                     unsigned *count);
int sqlite_forget(struct store *store, struct store_forgotten *what);
int sqlite_trim(struct store *store, const struct store_retention *retention);
void sqlite_account(struct store *store, struct account_ask *ask);
struct store_reader *sqlite_reader(struct store *store, int *err);
void sqlite_listing(struct db *db, struct arena *arena, const struct stored_query *query,
                    struct stored_page *page);
void sqlite_query(struct db *db, struct arena *arena, struct str room,
                  const struct archive_query *query, struct archive_page *page);

/* After a commit that failed: nothing of it may come back. */
void sqlite_write_over(struct store_sqlite *sqlite);

/* Trim will look at that room. */
void dirty_add(struct store_sqlite *sqlite, int64_t room);
void dirty_fini(struct store_sqlite *sqlite);

/* ---- what tools share ---- */

/* 0, or the error and *why for the operator. */
int tool_open(struct db *db, struct str path, enum sqlite_use use, struct arena *arena,
              const char **why);
/* `err`: what went wrong while it was done, or 0; given back. */
int tool_close(struct db *db, int err, struct arena *arena, const char **why);
/* The number of a room; ERR_NOT_FOUND: there is none, and tool_no_room() says so. */
int tool_room(struct db *db, struct str jid, int64_t *room);
const char *tool_no_room(struct arena *arena, struct str room);

/* ---- messages ---- */

#define ARCHIVE_COLUMNS                                                                            \
    "a.seq, a.id, a.at_us, a.nick, a.author, a.jid, a.affiliation, a.role, a.sender_id, a.xml,"    \
    " a.address_at, a.tail_at, a.body, a.history, a.archived, a.retracted,"                        \
    " a.dated_us"
enum { ARCHIVE_COLUMN_COUNT = 17 };

/* 0; or ERR_CORRUPT, and then its xml is absent. Texts in the arena. */
int archive_read(struct arena *arena, sqlite3_stmt *statement, struct archived *message);
/* 1: it is there now; 0: that id was there already. */
MUST_CHECK int archive_append(struct db *db, int64_t room, const struct archived *message,
                              bool full_text);
MUST_CHECK int archive_bury(struct db *db, int64_t room, const struct archived *message);
/* Deletes the messages whose seq `select` (bound) gives, and counts them off their rooms. The
 * number of messages, or an error. */
MUST_CHECK int archive_delete(struct db *db, sqlite3_stmt *select);
/* Makes some messages searchable that are not yet: how many, or an error. */
MUST_CHECK int archive_index(struct db *db, unsigned max);

#endif
