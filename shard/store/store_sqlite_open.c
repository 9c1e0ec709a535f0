/*
 * Opening a store, or saying why not. Who writes holds a lock on PATH.lock, for as long as the
 * process lives: a second server is refused at once, while tools that read, or write for a moment,
 * go by SQLite's own locks and are let in.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/arena.h"
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the lock ---- */

/* The process that holds it writes its number there, for people; 0: it has not. */
static long lock_holder(int lock)
{
    char text[24] = {0};
    ssize_t got = pread(lock, text, sizeof(text) - 1, 0);
    uint64_t holder = 0;
    if (got <= 0 || !str_to_u64(str_trim(str_z(text)), &holder))
        return 0;
    return (long)holder;
}

static void lock_sign(int lock)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)len, 0) == len)
        return;
    log_debug("store: the lock could not be signed: %s", err_text(err_from_errno(errno)));
}

static int lock_take(struct store_sqlite *sqlite, struct arena *arena, const char **why)
{
    struct str name = str_fmt(arena, "%s.lock", sqlite->path.at);
    sqlite->lock = open(name.at, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (sqlite->lock < 0) {
        int number = errno;
        *why = str_fmt(arena,
                       "%s cannot be written: %s; the store's folder has to exist and to"
                       " belong to the user the server runs as",
                       name.at, strerror(number))
                   .at;
        return number == EROFS ? ERR_ACCESS : err_from_errno(number);
    }
    if (flock(sqlite->lock, LOCK_EX | LOCK_NB) == 0) {
        lock_sign(sqlite->lock);
        return 0;
    }
    *why = str_fmt(arena,
                   "%s is in use by process %ld; stop that server first, or give this one a store"
                   " of its own",
                   sqlite->path.at, lock_holder(sqlite->lock))
               .at;
    return ERR_IN_USE;
}

/* ---- the connection ---- */

/* Before SQLite does, which would let everybody read it; the log gets the mode of the file. */
int sqlite_create(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    close(fd);
    return 0;
}

int sqlite_connect(struct db *db, const char *path, const char *vfs, int flags)
{
    int code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, vfs);
    if (code != SQLITE_OK)
        return db->handle == NULL ? ERR_IO : db_err(db, code);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, STORE_BUSY_MS);
    /* A file from elsewhere must not call functions by its schema. */
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return db_exec(db, "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32768");
}

void sqlite_leave_log(struct db *db)
{
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static int note_wal(void *self, sqlite3 *handle, const char *name, int pages)
{
    UNUSED(handle);
    UNUSED(name);
    struct db *db = self;
    if (pages < db->wal_pages)
        db->tried_pages = 0;
    db->wal_pages = pages;
    return SQLITE_OK;
}

/* The log's mode is kept in the file. Checkpoints are ours, between commits: see db_checkpoint().
 * What is deleted is overwritten. */
static int writer_settings(struct db *db)
{
    int err = db_exec(db, "PRAGMA journal_mode=WAL");
    if (err == 0)
        err = db_exec(db, "PRAGMA secure_delete=ON; PRAGMA journal_size_limit=67108864");
    sqlite3_wal_hook(db->handle, note_wal, db);
    return err;
}

/* ---- refusals ---- */

static const char *explain(struct arena *arena, const char *path, int err, int64_t version)
{
    switch (err) {
    case ERR_NEWER:
        return str_fmt(arena,
                       "%s was written by a newer version (its schema is %lld, this one knows %d);"
                       " run that version, or restore a backup from before",
                       path, (long long)version, SCHEMA_VERSION)
            .at;
    case ERR_FOREIGN:
        return str_fmt(arena,
                       "%s is not a store of this program; name another file, it is left as it is",
                       path)
            .at;
    case ERR_INVALID:
        return str_fmt(arena,
                       "%s was written by an older version; start the server once to bring it up"
                       " to date",
                       path)
            .at;
    case ERR_CORRUPT:
        return str_fmt(arena, "%s is damaged; check it with --check-store and restore a backup",
                       path)
            .at;
    case ERR_NO_SPACE:
        return str_fmt(arena, "%s cannot be opened: the disk is full; make room", path).at;
    case ERR_ACCESS:
        return str_fmt(arena,
                       "%s cannot be written; it, its -wal, its -shm and their folder have to"
                       " belong to the user the server runs as",
                       path)
            .at;
    case ERR_NOT_FOUND:
        return str_fmt(arena, "%s is not there", path).at;
    default:
        return str_fmt(arena, "%s cannot be opened: %s", path, err_text(err)).at;
    }
}

/* There is one to be opened. SQLite would say so only at the first write, or open the file for
 * reading. */
static int look(const char *path, enum sqlite_use use)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return errno == ENOENT && use == SQLITE_USE_SERVE ? sqlite_create(path)
                                                          : err_from_errno(errno);
    if (!S_ISREG(found.st_mode))
        return ERR_FOREIGN;
    int wanted = use == SQLITE_USE_READ ? R_OK : R_OK | W_OK;
    return access(path, wanted) == 0 ? 0 : err_from_errno(errno);
}

static int flags_for(enum sqlite_use use)
{
    switch (use) {
    case SQLITE_USE_SERVE:
    case SQLITE_USE_ASSIST:
        return SQLITE_OPEN_READWRITE;
    case SQLITE_USE_READ:
        return SQLITE_OPEN_READONLY;
    }
    never("no such use");
}

/* Is it ours? Before anything is written to it, also the mode of its log. */
static int open_db(struct db *db, const struct store_sqlite_setup *setup, enum sqlite_use use,
                   int64_t *version)
{
    int err = look(setup->path.at, use);
    if (err == 0)
        err = sqlite_connect(db, setup->path.at, setup->vfs, flags_for(use));
    if (err == 0)
        err = schema_examine(db, version);
    bool outdated = err == ERR_INVALID && use == SQLITE_USE_SERVE;
    if (err != 0 && !outdated)
        return err;
    if (use == SQLITE_USE_SERVE)
        sqlite_leave_log(db);
    if (use != SQLITE_USE_READ)
        err = writer_settings(db);
    return err == 0 && outdated ? schema_prepare(db, version) : err;
}

int sqlite_open(struct db *db, const struct store_sqlite_setup *setup, enum sqlite_use use,
                struct arena *arena, const char **why)
{
    int64_t version = 0;
    int err = open_db(db, setup, use, &version);
    if (err == 0)
        return 0;
    *why = explain(arena, setup->path.at, err, version);
    db_close(db);
    return err;
}

/* ---- the port ---- */

static int occupied(struct store *store, struct arena *arena, struct str **rooms, unsigned *count)
{
    struct db *db = &container_of(store, struct store_sqlite, store)->db;
    int err = 0;
    *rooms = NULL;
    *count = 0;
    sqlite3_stmt *find = db_sql(db,
                                "SELECT jid FROM room WHERE id IN"
                                " (SELECT room FROM item INDEXED BY item_session WHERE kind = 'p')"
                                " ORDER BY jid",
                                &err);
    if (find == NULL)
        return err;
    unsigned cap = 0;
    while ((err = db_step(db, find)) == 1) {
        if (*count == cap) {
            struct str *before = *rooms;
            cap = cap == 0 ? 64 : cap * 2;
            *rooms = ARENA_NEW_ARRAY(arena, struct str, cap);
            if (before != NULL)
                memcpy(*rooms, before, *count * sizeof(struct str));
        }
        (*rooms)[(*count)++] = column_in(arena, find, 0);
    }
    return err;
}

static void store_free(struct store_sqlite *sqlite)
{
    dirty_fini(sqlite);
    db_close(&sqlite->db);
    gate_fini(&sqlite->gate);
    if (sqlite->lock >= 0)
        close(sqlite->lock); /* and with it the lock goes; the file stays */
    str_free(&sqlite->path);
    str_free(&sqlite->vfs);
    mem_free(sqlite);
}

static void store_sqlite_close(struct store *store)
{
    store_free(container_of(store, struct store_sqlite, store));
}

struct store *store_sqlite_open(const struct store_sqlite_setup *setup, struct arena *arena,
                                int *err, const char **why)
{
    /* Its keys are numbers of ours: nobody else chooses them. */
    static const struct hash_key dirty_key = {1, 2};
    struct store_sqlite *sqlite = MEM_NEW(struct store_sqlite);
    sqlite->store = (struct store){
        .durable = true,
        .load = sqlite_load,
        .commit = sqlite_commit,
        .trim = sqlite_trim,
        .forgotten = sqlite_forgotten,
        .forget = sqlite_forget,
        .occupied = occupied,
        .account = sqlite_account,
        .reader = sqlite_reader,
        .close = store_sqlite_close,
    };
    map_init(&sqlite->dirty, &dirty_key);
    gate_init(&sqlite->gate);
    sqlite->path = str_copy(setup->path);
    sqlite->vfs = str_copy(str_z(setup->vfs));
    sqlite->full_text = setup->full_text;
    sqlite->crypto = setup->crypto;
    sqlite->clock_ms = setup->clock_ms;
    sqlite->lock = -1;
    sqlite->accounts = -1;
    sqlite->log_tells = true; /* what the last process had deleted */
    *why = NULL;
    struct store_sqlite_setup plain = *setup;
    plain.path = sqlite->path;
    enum sqlite_use use = setup->read_only ? SQLITE_USE_READ : SQLITE_USE_SERVE;
    *err = setup->read_only ? 0 : lock_take(sqlite, arena, why);
    if (*err == 0)
        *err = sqlite_open(&sqlite->db, &plain, use, arena, why);
    if (*err == 0)
        return &sqlite->store;
    store_free(sqlite);
    return NULL;
}
