/*
 * Accounts: what SCRAM needs, never a password. Each change is a transaction of its own, synced:
 * who was told that the password is changed relies on it.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/err.h"
#include "core/base/limits.h"

static struct scram_verifier read_verifier(sqlite3_stmt *row, int at)
{
    return (struct scram_verifier){
        .salt = str_copy(column_text(row, at)),
        .iterations = (uint32_t)sqlite3_column_int64(row, at + 1),
        .stored_key = str_copy(column_text(row, at + 2)),
        .server_key = str_copy(column_text(row, at + 3)),
    };
}

static void bind_verifier(sqlite3_stmt *row, int at, const struct scram_verifier *verifier)
{
    bind_text(row, at, verifier->salt);
    bind_number(row, at + 1, verifier->iterations);
    bind_text(row, at + 2, verifier->stored_key);
    bind_text(row, at + 3, verifier->server_key);
}

static int account_load(struct db *db, struct account *account)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(db,
                                "SELECT name, sha1_salt, sha1_iterations, sha1_stored,"
                                " sha1_server, sha256_salt, sha256_iterations, sha256_stored,"
                                " sha256_server FROM account WHERE name = ?1",
                                &err);
    if (find == NULL)
        return err;
    bind_text(find, 1, account->name);
    err = db_step(db, find);
    if (err != 1)
        return err == 0 ? ERR_NOT_FOUND : err;
    struct account found = {
        .name = str_copy(column_text(find, 0)),
        .sha1 = read_verifier(find, 1),
        .sha256 = read_verifier(find, 5),
    };
    sqlite3_reset(find);
    account_fini(account);
    *account = found;
    return 0;
}

/* Runs a change of one row: `none` if it has changed none. */
static int run_one(struct db *db, sqlite3_stmt *statement, int none)
{
    int err = db_run(db, statement);
    if (err == 0 && sqlite3_changes(db->handle) == 0)
        return none;
    return err;
}

static int account_create(struct db *db, const struct account *account)
{
    int err = 0;
    sqlite3_stmt *add = db_sql(db,
                               "INSERT INTO account VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                               " ON CONFLICT DO NOTHING",
                               &err);
    if (add == NULL)
        return err;
    bind_text(add, 1, account->name);
    bind_verifier(add, 2, &account->sha1);
    bind_verifier(add, 6, &account->sha256);
    return run_one(db, add, ERR_EXISTS);
}

static int account_change(struct db *db, const struct account *account)
{
    int err = 0;
    sqlite3_stmt *set = db_sql(db,
                               "UPDATE account SET sha1_salt = ?2, sha1_iterations = ?3,"
                               " sha1_stored = ?4, sha1_server = ?5, sha256_salt = ?6,"
                               " sha256_iterations = ?7, sha256_stored = ?8, sha256_server = ?9"
                               " WHERE name = ?1",
                               &err);
    if (set == NULL)
        return err;
    bind_text(set, 1, account->name);
    bind_verifier(set, 2, &account->sha1);
    bind_verifier(set, 6, &account->sha256);
    return run_one(db, set, ERR_NOT_FOUND);
}

static int account_remove(struct db *db, const struct account *account)
{
    int err = 0;
    sqlite3_stmt *take = db_sql(db, "DELETE FROM account WHERE name = ?1", &err);
    if (take == NULL)
        return err;
    bind_text(take, 1, account->name);
    return run_one(db, take, ERR_NOT_FOUND);
}

/* `*accounts` becomes what it is if this is committed. */
static int account_do(struct db *db, const struct account_ask *ask, int64_t *accounts)
{
    int err;
    switch (ask->op) {
    case ACCOUNT_CREATE:
        err = account_create(db, &ask->account);
        return err == 0 && ++*accounts > ACCOUNTS_MAX ? ERR_LIMIT : err;
    case ACCOUNT_CHANGE:
        return account_change(db, &ask->account);
    case ACCOUNT_REMOVE:
        --*accounts;
        return account_remove(db, &ask->account);
    case ACCOUNT_LOAD:
        break;
    }
    return ERR_INVALID;
}

static int account_write(struct store_sqlite *sqlite, const struct account_ask *ask)
{
    struct db *db = &sqlite->db;
    int64_t accounts = sqlite->accounts;
    int err = db_begin(db, true);
    if (err == 0 && accounts < 0)
        err = db_number(db, "SELECT count(*) FROM account", 0, &accounts);
    if (err == 0)
        err = account_do(db, ask, &accounts);
    if (err != 0) {
        db_rollback(db);
        return err;
    }
    err = db_commit(db);
    sqlite->accounts = err == 0 ? accounts : -1;
    if (err != 0)
        sqlite_write_over(sqlite);
    return err;
}

void sqlite_account(struct store *store, struct account_ask *ask)
{
    struct store_sqlite *sqlite = container_of(store, struct store_sqlite, store);
    ask->err = ask->op == ACCOUNT_LOAD ? account_load(&sqlite->db, &ask->account)
                                       : account_write(sqlite, ask);
}
