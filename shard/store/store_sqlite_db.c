#include "shard/store/store_sqlite.h"

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/runtime/agent.h"

#include <errno.h>

/* A full disk shows as SQLITE_FULL when a file grows, and as a write error when the log does. */
static int io_err(struct db *db)
{
    int number = sqlite3_system_errno(db->handle);
    return number == ENOSPC || number == EDQUOT ? ERR_NO_SPACE : ERR_IO;
}

int db_err(struct db *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERR_BUSY;
    case SQLITE_INTERRUPT: /* its time was over */
        return ERR_LIMIT;
    case SQLITE_CORRUPT:
        return ERR_CORRUPT;
    case SQLITE_NOTADB:
        return ERR_FOREIGN;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_ACCESS;
    case SQLITE_CANTOPEN:
        return sqlite3_system_errno(db->handle) == EACCES ? ERR_ACCESS : ERR_IO;
    default:
        return io_err(db);
    }
}

static void statement_drop(struct db_statement *statement)
{
    sqlite3_finalize(statement->prepared);
    if (statement->built)
        mem_free((char *)(uintptr_t)statement->sql);
    *statement = (struct db_statement){0};
}

static struct db_statement *statement_slot(struct db *db)
{
    if (db->statement_count < DB_STATEMENTS_MAX)
        return &db->statements[db->statement_count++];
    struct db_statement *victim = &db->statements[db->next_victim++ % DB_STATEMENTS_MAX];
    statement_drop(victim);
    return victim;
}

static sqlite3_stmt *prepare(struct db *db, const char *sql, bool built, int *err)
{
    sqlite3_stmt *prepared = NULL;
    int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, NULL);
    if (code != SQLITE_OK) {
        /* What our statements name is gone: that is no file of ours any more. */
        *err = code == SQLITE_ERROR ? ERR_CORRUPT : db_err(db, code);
        if (built)
            mem_free((char *)(uintptr_t)sql);
        return NULL;
    }
    *statement_slot(db) = (struct db_statement){.sql = sql, .prepared = prepared, .built = built};
    return prepared;
}

static sqlite3_stmt *ready(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return statement;
}

sqlite3_stmt *db_sql(struct db *db, const char *sql, int *err)
{
    for (unsigned i = 0; i < db->statement_count; i++)
        if (db->statements[i].sql == sql)
            return ready(db->statements[i].prepared);
    return prepare(db, sql, false, err);
}

sqlite3_stmt *db_built(struct db *db, struct str sql, int *err)
{
    for (unsigned i = 0; i < db->statement_count; i++)
        if (db->statements[i].built && str_eqz(sql, db->statements[i].sql))
            return ready(db->statements[i].prepared);
    return prepare(db, str_copy(sql).at, true, err);
}

int db_step(struct db *db, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return 1;
    int err = code == SQLITE_DONE ? 0 : db_err(db, code);
    sqlite3_reset(statement);
    return err;
}

int db_run(struct db *db, sqlite3_stmt *statement)
{
    int more;
    do
        more = db_step(db, statement);
    while (more == 1);
    return more;
}

int db_exec(struct db *db, const char *sql)
{
    return db_err(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

int db_number(struct db *db, const char *sql, int64_t absent, int64_t *number)
{
    int err = 0;
    *number = absent;
    sqlite3_stmt *statement = db_sql(db, sql, &err);
    if (statement == NULL)
        return err;
    err = db_step(db, statement);
    if (err == 1)
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return err < 0 ? err : 0;
}

int db_begin(struct db *db, bool synced)
{
    if (!db->synced_known || db->synced != synced) {
        int err = db_exec(db, synced ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
        if (err != 0)
            return err;
        db->synced = synced;
        db->synced_known = true;
    }
    int err = 0;
    sqlite3_stmt *begin = db_sql(db, "BEGIN IMMEDIATE", &err);
    return begin == NULL ? err : db_run(db, begin);
}

int db_commit(struct db *db)
{
    int err = 0;
    sqlite3_stmt *commit = db_sql(db, "COMMIT", &err);
    if (commit != NULL)
        err = db_run(db, commit);
    if (err != 0)
        db_rollback(db);
    return err;
}

void db_rollback(struct db *db)
{
    for (unsigned i = 0; i < db->statement_count; i++)
        sqlite3_reset(db->statements[i].prepared);
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* What a reader still needs, or a disk does not take, is copied another time, and what is copied
 * may stay in the log as long as somebody reads there: not every commit has to try. */
void db_checkpoint(struct db *db, int pages)
{
    if (db->wal_pages <= pages)
        return;
    int64_t now_ms = clock_mono_ms();
    if (db->tried_pages != 0 && db->wal_pages < db->tried_pages + STORE_WAL_PAGES &&
        now_ms < db->tried_ms + STORE_WAL_RETRY_MS)
        return;
    db->tried_pages = db->wal_pages;
    db->tried_ms = now_ms;
    sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* Most of it is copied before anybody is kept out. */
int db_empty_log(struct db *db)
{
    sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    sqlite3_busy_timeout(db->handle, 0);
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->handle, STORE_BUSY_MS);
    int err = db_err(db, code);
    if (err == ERR_BUSY)
        return 0;
    if (err == 0)
        db->wal_pages = db->tried_pages = 0;
    return err == 0 ? 1 : err;
}

void db_close(struct db *db)
{
    for (unsigned i = 0; i < db->statement_count; i++)
        statement_drop(&db->statements[i]);
    db->statement_count = 0;
    sqlite3_close(db->handle);
    db->handle = NULL;
}

void bind_text(sqlite3_stmt *statement, int at, struct str text)
{
    if (str_present(text))
        sqlite3_bind_text64(statement, at, text.at, text.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null(statement, at);
}

void bind_blob(sqlite3_stmt *statement, int at, struct str bytes)
{
    if (str_empty(bytes))
        sqlite3_bind_zeroblob(statement, at, 0);
    else
        sqlite3_bind_blob64(statement, at, bytes.at, bytes.len, SQLITE_STATIC);
}

void bind_number(sqlite3_stmt *statement, int at, int64_t number)
{
    sqlite3_bind_int64(statement, at, number);
}

struct str column_text(sqlite3_stmt *statement, int at)
{
    if (sqlite3_column_type(statement, at) == SQLITE_NULL)
        return STR_NONE;
    const char *bytes = sqlite3_column_blob(statement, at);
    size_t len = (size_t)sqlite3_column_bytes(statement, at);
    return bytes == NULL ? STR("") : str_of(bytes, len);
}

struct str column_in(struct arena *arena, sqlite3_stmt *statement, int at)
{
    struct str text = column_text(statement, at);
    return str_present(text) ? str_in(arena, text) : STR_NONE;
}
