/*
 * Rows of rooms. One transaction takes the commits of all rooms that wait; if anything of it fails,
 * nothing of it has happened, and the store goes on as before.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/log.h"

/* A room within a transaction. */
struct room_ref {
    struct str jid;
    int64_t id;        /* 0: it is not there */
    int64_t last_us;   /* the latest of its messages */
    unsigned appended; /* archived ones */
    bool bent;
};

static int room_find(struct db *db, struct room_ref *room)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(db, "SELECT id, last_us FROM room WHERE jid = ?1", &err);
    if (find == NULL)
        return err;
    bind_text(find, 1, room->jid);
    err = db_step(db, find);
    room->id = 0;
    if (err == 1) {
        room->id = sqlite3_column_int64(find, 0);
        room->last_us = sqlite3_column_int64(find, 1);
    }
    sqlite3_reset(find);
    return err < 0 ? err : 0;
}

static struct str domain_of(struct str jid)
{
    const char *at = memchr(jid.at, '@', jid.len);
    if (at == NULL)
        return jid;
    return str_of(at + 1, jid.len - (size_t)(at + 1 - jid.at));
}

/* Rows need a room: the first of them makes it. */
static int room_make(struct db *db, struct room_ref *room)
{
    if (room->id != 0)
        return 0;
    int err = 0;
    sqlite3_stmt *make = db_sql(db, "INSERT INTO room(jid, domain) VALUES(?1, ?2)", &err);
    if (make == NULL)
        return err;
    bind_text(make, 1, room->jid);
    bind_text(make, 2, domain_of(room->jid));
    err = db_run(db, make);
    if (err != 0)
        return err;
    *room = (struct room_ref){.jid = room->jid, .id = sqlite3_last_insert_rowid(db->handle)};
    return 0;
}

static int item_put(struct db *db, int64_t room, const struct record_item *item)
{
    int err = 0;
    sqlite3_stmt *put =
        db_sql(db, "REPLACE INTO item(room, kind, key, value) VALUES(?1, char(?2), ?3, ?4)", &err);
    if (put == NULL)
        return err;
    bind_number(put, 1, room);
    bind_number(put, 2, item->kind);
    bind_text(put, 3, str_present(item->key) ? item->key : STR(""));
    bind_blob(put, 4, item->value);
    return db_run(db, put);
}

static int item_delete(struct db *db, int64_t room, const struct record_item *item)
{
    int err = 0;
    sqlite3_stmt *take =
        db_sql(db, "DELETE FROM item WHERE room = ?1 AND kind = char(?2) AND key = ?3", &err);
    if (take == NULL)
        return err;
    bind_number(take, 1, room);
    bind_number(take, 2, item->kind);
    bind_text(take, 3, str_present(item->key) ? item->key : STR(""));
    return db_run(db, take);
}

static int item_clear(struct db *db, int64_t room, enum record_kind kind)
{
    int err = 0;
    sqlite3_stmt *clear = db_sql(db, "DELETE FROM item WHERE room = ?1 AND kind = char(?2)", &err);
    if (clear == NULL)
        return err;
    bind_number(clear, 1, room);
    bind_number(clear, 2, kind);
    return db_run(db, clear);
}

/* Its number goes to those that trim deletes the rest of; what follows makes a new room. */
int sqlite_wipe(struct db *db, int64_t room)
{
    int err = 0;
    sqlite3_stmt *note = db_sql(db, "INSERT INTO gone(room) VALUES(?1)", &err);
    if (note == NULL)
        return err;
    bind_number(note, 1, room);
    err = db_run(db, note);
    if (err != 0)
        return err;
    sqlite3_stmt *wipe = db_sql(db, "DELETE FROM room WHERE id = ?1", &err);
    if (wipe == NULL)
        return err;
    bind_number(wipe, 1, room);
    return db_run(db, wipe);
}

static int room_wipe(struct db *db, struct room_ref *room)
{
    int err = sqlite_wipe(db, room->id);
    *room = (struct room_ref){.jid = room->jid};
    return err;
}

/* What newcomers are shown no more they never are again, nor what they were not shown before: the
 * shorter one of the history that was and the one that is to be says where it begins. */
static int room_show_from(struct db *db, int64_t room, uint32_t history)
{
    int err = 0;
    sqlite3_stmt *set = db_sql(db,
                               "UPDATE room SET shown_from = max(shown_from, coalesce("
                               " CASE WHEN min(history, ?2) = 0"
                               " THEN (SELECT max(seq) + 1 FROM archive INDEXED BY archive_history"
                               " WHERE room = ?1 AND history = 1)"
                               " ELSE (SELECT seq FROM archive INDEXED BY archive_history"
                               " WHERE room = ?1 AND history = 1 ORDER BY seq DESC LIMIT 1"
                               " OFFSET (SELECT min(history, ?2) - 1 FROM room WHERE id = ?1))"
                               " END, 0)) WHERE id = ?1",
                               &err);
    if (set == NULL)
        return err;
    bind_number(set, 1, room);
    bind_number(set, 2, history);
    return db_run(db, set);
}

static int room_show(struct db *db, int64_t room, const struct record_show *show)
{
    int err = room_show_from(db, room, show->history);
    if (err != 0)
        return err;
    sqlite3_stmt *set = db_sql(db,
                               "UPDATE room SET name = ?2, listed = ?3, archived = ?4,"
                               " history = ?5, keep_days = ?6, keep_count = ?7, until_us = ?8"
                               " WHERE id = ?1",
                               &err);
    if (set == NULL)
        return err;
    bind_number(set, 1, room);
    bind_text(set, 2, str_present(show->name) ? show->name : STR(""));
    bind_number(set, 3, show->listed);
    bind_number(set, 4, show->archived);
    bind_number(set, 5, show->history);
    bind_number(set, 6, show->keep_days);
    bind_number(set, 7, show->keep_count);
    bind_number(set, 8, show->until_us);
    return db_run(db, set);
}

static int append(struct store_sqlite *sqlite, struct room_ref *room,
                  const struct archived *message)
{
    dirty_add(sqlite, room->id);
    int err = archive_append(&sqlite->db, room->id, message, sqlite->full_text);
    if (err <= 0 || !message->archived)
        return err < 0 ? err : 0;
    room->appended++;
    room->bent |= message->at_us < room->last_us;
    if (message->at_us > room->last_us)
        room->last_us = message->at_us;
    return 0;
}

static int item_apply(struct store_sqlite *sqlite, struct room_ref *room,
                      const struct record_item *item)
{
    struct db *db = &sqlite->db;
    bool makes = item->op == RECORD_PUT || item->op == RECORD_SHOW || item->op == RECORD_APPEND;
    int err = makes ? room_make(db, room) : 0;
    if (err != 0 || room->id == 0)
        return err;
    switch (item->op) {
    case RECORD_PUT:
        return item_put(db, room->id, item);
    case RECORD_DELETE:
        return item_delete(db, room->id, item);
    case RECORD_CLEAR:
        return item_clear(db, room->id, item->kind);
    case RECORD_WIPE:
        sqlite->log_tells = true;
        return room_wipe(db, room);
    case RECORD_SHOW:
        dirty_add(sqlite, room->id);
        return room_show(db, room->id, &item->show);
    case RECORD_APPEND:
        return append(sqlite, room, &item->message);
    case RECORD_BURY:
        sqlite->words_done = false;
        sqlite->log_tells = true;
        return archive_bury(db, room->id, &item->message);
    }
    return ERR_INVALID;
}

/* What the appended messages change in the room's own row. */
static int room_count(struct store_sqlite *sqlite, const struct room_ref *room)
{
    if (room->appended == 0)
        return 0;
    int err = 0;
    sqlite3_stmt *count = db_sql(&sqlite->db,
                                 "UPDATE room SET kept = kept + ?2, last_us = ?3,"
                                 " bent = bent OR ?4 WHERE id = ?1",
                                 &err);
    if (count == NULL)
        return err;
    bind_number(count, 1, room->id);
    bind_number(count, 2, room->appended);
    bind_number(count, 3, room->last_us);
    bind_number(count, 4, room->bent);
    return db_run(&sqlite->db, count);
}

static int commit_apply(struct store_sqlite *sqlite, const struct store_commit *commit)
{
    struct room_ref room = {.jid = commit->room};
    int err = room_find(&sqlite->db, &room);
    struct str rest = commit->batch;
    struct record_item item;
    int more = 0;
    while (err == 0 && (more = record_next(&rest, &item)) == 1)
        err = item_apply(sqlite, &room, &item);
    if (err == 0)
        err = more;
    return err == 0 ? room_count(sqlite, &room) : err;
}

static int count_torn(struct db *db, bool synced)
{
    int err = db_begin(db, synced);
    if (err == 0)
        err = db_exec(db, "UPDATE meta SET value = value + 1 WHERE key = 'torn'");
    if (err == 0)
        return db_commit(db);
    db_rollback(db);
    return err;
}

/* A commit whose sync failed stands in the log: if the process ended now, the next one would find
 * and believe it. Whatever is committed next is written over it; so something is, if the disk takes
 * it. Some of that commit may have reached the disk: so synced, if it was to be, or else not. */
void sqlite_write_over(struct store_sqlite *sqlite)
{
    struct db *db = &sqlite->db;
    int err = db->synced ? count_torn(db, true) : ERR_IO;
    if (err != 0)
        err = count_torn(db, false);
    if (err != 0)
        log_debug("store: what failed could not be written over: %s", err_text(err));
}

static bool wants_power(const struct store_commit *commits, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (commits[i].power)
            return true;
    return false;
}

/* Readers make way once for each STORE_WAL_GATE by which it has grown: if it was in vain,
 * somebody else reads there, or a disk does not answer. */
void sqlite_checkpoint(struct store_sqlite *sqlite, int pages)
{
    struct db *db = &sqlite->db;
    if (db->wal_pages < sqlite->gated_pages)
        sqlite->gated_pages = 0;
    if (db->wal_pages <= sqlite->gated_pages + STORE_WAL_GATE) {
        db_checkpoint(db, pages);
        return;
    }
    sqlite->gated_pages = db->wal_pages;
    db->tried_pages = 0;
    gate_shut(&sqlite->gate);
    db_checkpoint(db, pages);
    gate_open(&sqlite->gate);
}

int sqlite_commit(struct store *store, const struct store_commit *commits, unsigned count)
{
    struct store_sqlite *sqlite = container_of(store, struct store_sqlite, store);
    sqlite_checkpoint(sqlite, STORE_WAL_PAGES_MAX);
    int err = db_begin(&sqlite->db, wants_power(commits, count));
    if (err != 0)
        return err;
    for (unsigned i = 0; i < count && err == 0; i++)
        err = commit_apply(sqlite, &commits[i]);
    if (err != 0) {
        db_rollback(&sqlite->db);
        return err;
    }
    err = db_commit(&sqlite->db);
    if (err != 0)
        sqlite_write_over(sqlite);
    return err;
}

/* ---- loading ---- */

static int load_items(struct db *db, struct arena *arena, int64_t room, struct store_room *loaded)
{
    int err = 0;
    sqlite3_stmt *items =
        db_sql(db, "SELECT kind, key, value FROM item WHERE room = ?1 ORDER BY kind, key", &err);
    if (items == NULL)
        return err;
    bind_number(items, 1, room);
    unsigned cap = 0;
    while ((err = db_step(db, items)) == 1) {
        if (loaded->row_count == cap) {
            struct record_row *before = loaded->rows;
            cap = cap == 0 ? 64 : cap * 2;
            loaded->rows = arena_raw(arena, cap * sizeof(struct record_row));
            if (before != NULL)
                memcpy(loaded->rows, before, loaded->row_count * sizeof(struct record_row));
        }
        struct str kind = column_text(items, 0);
        loaded->rows[loaded->row_count++] = (struct record_row){
            .kind = (enum record_kind)(kind.len == 1 ? kind.at[0] : 0),
            .key = column_in(arena, items, 1),
            .value = column_in(arena, items, 2),
        };
    }
    return err;
}

static int load_history(struct db *db, struct arena *arena, int64_t room, unsigned max,
                        struct store_room *loaded)
{
    int err = 0;
    sqlite3_stmt *rows =
        db_sql(db,
               "SELECT " ARCHIVE_COLUMNS " FROM archive a INDEXED BY archive_history"
               " WHERE a.room = ?1 AND a.history = 1"
               " AND a.seq >= (SELECT shown_from FROM room WHERE id = ?1)"
               " ORDER BY a.seq DESC LIMIT ?2",
               &err);
    if (rows == NULL)
        return err;
    bind_number(rows, 1, room);
    bind_number(rows, 2, max);
    struct archived *history = ARENA_NEW_ARRAY(arena, struct archived, max + 1);
    unsigned count = 0;
    while ((err = db_step(db, rows)) == 1) {
        archive_read(arena, rows, &history[max - 1 - count]); /* a damaged one is not the room */
        count++;
    }
    sqlite3_reset(rows);
    loaded->history = history + (max - count);
    loaded->history_count = count;
    return err;
}

int sqlite_load_room(struct db *db, struct arena *arena, struct str jid, struct store_room *loaded)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(db, "SELECT id, history FROM room WHERE jid = ?1", &err);
    if (find == NULL)
        return err;
    bind_text(find, 1, jid);
    err = db_step(db, find);
    if (err != 1)
        return err == 0 ? ERR_NOT_FOUND : err;
    int64_t room = sqlite3_column_int64(find, 0);
    int64_t history = sqlite3_column_int64(find, 1);
    sqlite3_reset(find);
    err = load_items(db, arena, room, loaded);
    if (err == 0 && loaded->row_count == 0)
        return ERR_NOT_FOUND; /* messages alone make no room */
    if (err != 0)
        return err;
    unsigned max = history > ROOM_HISTORY_MAX ? ROOM_HISTORY_MAX : (unsigned)history;
    return load_history(db, arena, room, max, loaded);
}

/* Only this connection writes, save for tools that delete messages: rows and history need no
 * transaction around them to agree. */
int sqlite_load(struct store *store, struct arena *arena, struct str room,
                struct store_room *loaded)
{
    struct store_sqlite *sqlite = container_of(store, struct store_sqlite, store);
    *loaded = (struct store_room){0};
    return sqlite_load_room(&sqlite->db, arena, room, loaded);
}
