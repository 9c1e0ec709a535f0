/*
 * What is deleted, in steps of STORE_TRIM_ROWS rows, each a short transaction: rows of rooms that
 * were wiped; tombstones whose time is over; then messages beyond what their room keeps. Rooms that
 * got messages are looked at soon; all others when the store was opened, when the service's numbers
 * have changed, and once in STORE_SWEEP_SECONDS, since messages grow old by themselves. Last, words
 * that are not in the index yet.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

#define DAY_US (INT64_C(86400) * 1000000)

struct dirty_room {
    int64_t id; /* its bytes are the key */
};

static struct str dirty_key(const int64_t *id)
{
    return str_of((const char *)id, sizeof(*id));
}

void dirty_add(struct store_sqlite *sqlite, int64_t room)
{
    if (map_get(&sqlite->dirty, dirty_key(&room)) != NULL)
        return;
    struct dirty_room *dirty = MEM_NEW(struct dirty_room);
    dirty->id = room;
    map_put(&sqlite->dirty, dirty_key(&dirty->id), dirty);
}

static void dirty_drop(struct store_sqlite *sqlite, struct dirty_room *dirty)
{
    map_remove(&sqlite->dirty, dirty_key(&dirty->id));
    mem_free(dirty);
}

void dirty_fini(struct store_sqlite *sqlite)
{
    struct dirty_room *dirty;
    map_each (&sqlite->dirty, at, dirty)
        dirty_drop(sqlite, dirty);
    map_fini(&sqlite->dirty);
}

/* ---- rooms that are gone ---- */

static int delete_items(struct db *db, int64_t room)
{
    int err = 0;
    sqlite3_stmt *take = db_sql(db,
                                "DELETE FROM item WHERE room = ?1 AND (kind, key) IN"
                                " (SELECT kind, key FROM item WHERE room = ?1 LIMIT ?2)",
                                &err);
    if (take == NULL)
        return err;
    bind_number(take, 1, room);
    bind_number(take, 2, STORE_TRIM_ROWS);
    err = db_run(db, take);
    return err == 0 ? sqlite3_changes(db->handle) : err;
}

static int delete_any(struct db *db, int64_t room)
{
    int err = 0;
    sqlite3_stmt *any = db_sql(db,
                               "SELECT seq, room FROM archive INDEXED BY archive_room"
                               " WHERE room = ?1 LIMIT ?2",
                               &err);
    if (any == NULL)
        return err;
    bind_number(any, 1, room);
    bind_number(any, 2, STORE_TRIM_ROWS);
    return archive_delete(db, any);
}

static int gone_forget(struct db *db, int64_t room)
{
    int err = 0;
    sqlite3_stmt *forget = db_sql(db, "DELETE FROM gone WHERE room = ?1", &err);
    if (forget == NULL)
        return err;
    bind_number(forget, 1, room);
    return db_run(db, forget);
}

static int gone_step(struct store_sqlite *sqlite, int64_t room)
{
    struct db *db = &sqlite->db;
    int count = delete_items(db, room);
    if (count == 0)
        count = delete_any(db, room);
    if (count == 0)
        count = gone_forget(db, room);
    return count < 0 ? count : 1;
}

/* ---- tombstones whose time is over ---- */

/* A room that has one in memory forgets it by its own clock, and writes nothing then. */
static int tombstones_step(struct db *db, int64_t now_us)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(db,
                                "SELECT id FROM room INDEXED BY room_until"
                                " WHERE until_us > 0 AND until_us <= ?1 LIMIT ?2",
                                &err);
    if (find == NULL)
        return err;
    bind_number(find, 1, now_us);
    bind_number(find, 2, STORE_TRIM_ROWS);
    int64_t rooms[STORE_TRIM_ROWS];
    unsigned count = 0;
    while (count < ARRAY_LEN(rooms) && (err = db_step(db, find)) == 1)
        rooms[count++] = sqlite3_column_int64(find, 0);
    sqlite3_reset(find);
    for (unsigned i = 0; i < count && err >= 0; i++)
        err = sqlite_wipe(db, rooms[i]);
    return err < 0 ? err : (int)count;
}

/* ---- rooms that keep less ---- */

struct keeps {
    int64_t id, kept, history;
    int64_t count;     /* 0: all */
    int64_t before_us; /* what is older is over its time */
    bool bent;         /* its times are not in the order of its messages */
};

/* 1; 0: there is no such room. */
static int keeps_find(struct store_sqlite *sqlite, int64_t room, struct keeps *keeps)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(&sqlite->db,
                                "SELECT kept, history, keep_days, keep_count, bent FROM room"
                                " WHERE id = ?1",
                                &err);
    if (find == NULL)
        return err;
    bind_number(find, 1, room);
    err = db_step(&sqlite->db, find);
    if (err == 1) {
        const struct store_retention *service = &sqlite->sweep;
        int64_t days = sqlite3_column_int64(find, 2);
        int64_t count = sqlite3_column_int64(find, 3);
        days = days != 0 ? days : service->days;
        *keeps = (struct keeps){
            .id = room,
            .kept = sqlite3_column_int64(find, 0),
            .history = sqlite3_column_int64(find, 1),
            .count = count != 0 ? count : service->count,
            .before_us = days != 0 ? service->now_us - days * DAY_US : INT64_MIN,
            .bent = sqlite3_column_int(find, 4) != 0,
        };
    }
    sqlite3_reset(find);
    return err;
}

static int delete_oldest(struct db *db, int64_t room, int64_t count)
{
    int err = 0;
    sqlite3_stmt *oldest = db_sql(db,
                                  "SELECT seq, room FROM archive INDEXED BY archive_room"
                                  " WHERE room = ?1 AND archived = 1 ORDER BY seq LIMIT ?2",
                                  &err);
    if (oldest == NULL)
        return err;
    bind_number(oldest, 1, room);
    bind_number(oldest, 2, count);
    return archive_delete(db, oldest);
}

/* From the first message on, while they are too old: none goes from between others, whose ids would
 * be there and its own unknown. Bent times have to be looked at in the order of messages. */
static int delete_aged(struct db *db, const struct keeps *keeps)
{
    static const char *const straight = "SELECT seq, room FROM archive INDEXED BY archive_time"
                                        " WHERE room = ?1 AND archived = 1 AND at_us < ?2"
                                        " ORDER BY at_us LIMIT ?3";
    static const char *const bent =
        "SELECT seq, room FROM (SELECT seq, room, max(at_us >= ?2) OVER (ORDER BY seq) AS stays"
        " FROM (SELECT seq, room, at_us FROM archive INDEXED BY archive_room"
        " WHERE room = ?1 AND archived = 1 ORDER BY seq LIMIT ?3)) WHERE stays = 0";
    int err = 0;
    sqlite3_stmt *aged = db_sql(db, keeps->bent ? bent : straight, &err);
    if (aged == NULL)
        return err;
    bind_number(aged, 1, keeps->id);
    bind_number(aged, 2, keeps->before_us);
    bind_number(aged, 3, STORE_TRIM_ROWS);
    return archive_delete(db, aged);
}

static int trim_archived(struct db *db, const struct keeps *keeps)
{
    if (keeps->count != 0 && keeps->kept > keeps->count) {
        int64_t over = keeps->kept - keeps->count;
        return delete_oldest(db, keeps->id, over < STORE_TRIM_ROWS ? over : STORE_TRIM_ROWS);
    }
    return keeps->before_us != INT64_MIN ? delete_aged(db, keeps) : 0;
}

/* The first message newcomers are still shown: what is older goes. */
static int history_floor(struct db *db, const struct keeps *keeps, int64_t *floor)
{
    int err = 0;
    *floor = INT64_MAX;
    if (keeps->history == 0)
        return 0;
    sqlite3_stmt *find = db_sql(db,
                                "SELECT seq FROM archive INDEXED BY archive_history"
                                " WHERE room = ?1 AND history = 1 ORDER BY seq DESC LIMIT 1"
                                " OFFSET ?2",
                                &err);
    if (find == NULL)
        return err;
    bind_number(find, 1, keeps->id);
    bind_number(find, 2, keeps->history - 1);
    err = db_step(db, find);
    *floor = err == 1 ? sqlite3_column_int64(find, 0) : INT64_MIN;
    sqlite3_reset(find);
    return err < 0 ? err : 0;
}

static int delete_unshown(struct db *db, const struct keeps *keeps, int64_t floor)
{
    int err = 0;
    sqlite3_stmt *unshown = db_sql(db,
                                   "SELECT seq, room FROM archive INDEXED BY archive_room"
                                   " WHERE room = ?1 AND archived = 0"
                                   " AND (seq < ?2 OR history = 0 OR at_us < ?4)"
                                   " ORDER BY seq LIMIT ?3",
                                   &err);
    if (unshown == NULL)
        return err;
    bind_number(unshown, 1, keeps->id);
    bind_number(unshown, 2, floor);
    bind_number(unshown, 3, STORE_TRIM_ROWS);
    bind_number(unshown, 4, keeps->before_us);
    return archive_delete(db, unshown);
}

/* Of what nobody can ask for, the room keeps what it shows, and that as long as any other. */
static int trim_history(struct db *db, const struct keeps *keeps)
{
    int64_t floor;
    int err = history_floor(db, keeps, &floor);
    return err == 0 ? delete_unshown(db, keeps, floor) : err;
}

/* Rows deleted; 0: it keeps no more than it should. What was archived can be asked for, also when
 * the room archives nothing any more (SEMANTICS 13.12). */
static int trim_room(struct store_sqlite *sqlite, int64_t room)
{
    struct keeps keeps = {0};
    int err = keeps_find(sqlite, room, &keeps);
    if (err != 1)
        return err;
    int deleted = trim_history(&sqlite->db, &keeps);
    if (deleted == 0)
        deleted = trim_archived(&sqlite->db, &keeps);
    sqlite->log_tells |= deleted > 0;
    return deleted;
}

static int dirty_step(struct store_sqlite *sqlite)
{
    int err = 0;
    unsigned looked = 0;
    struct dirty_room *dirty;
    map_each (&sqlite->dirty, at, dirty) {
        err = trim_room(sqlite, dirty->id);
        if (err != 0)
            break;
        dirty_drop(sqlite, dirty);
        if (++looked == STORE_TRIM_ROOMS)
            break;
    }
    return err < 0 ? err : 1;
}

/* ---- all rooms, one after the other ---- */

static int sweep_next(struct store_sqlite *sqlite, int64_t *room)
{
    int err = 0;
    sqlite3_stmt *next =
        db_sql(&sqlite->db, "SELECT id FROM room WHERE id > ?1 ORDER BY id LIMIT 1", &err);
    if (next == NULL)
        return err;
    bind_number(next, 1, sqlite->sweep_at);
    err = db_step(&sqlite->db, next);
    if (err == 1)
        *room = sqlite3_column_int64(next, 0);
    sqlite3_reset(next);
    return err;
}

static int sweep_step(struct store_sqlite *sqlite)
{
    for (unsigned looked = 0; looked < STORE_TRIM_ROOMS; looked++) {
        int64_t room = 0;
        int more = sweep_next(sqlite, &room);
        sqlite->swept = more == 0;
        if (more != 1)
            return more;
        int deleted = trim_room(sqlite, room);
        if (deleted != 0)
            return deleted < 0 ? deleted : 1;
        sqlite->sweep_at = room;
    }
    return 1;
}

static void sweep_begin(struct store_sqlite *sqlite, const struct store_retention *retention)
{
    const struct store_retention *last = &sqlite->sweep;
    bool same = last->days == retention->days && last->count == retention->count;
    int64_t since_us = retention->now_us - last->now_us;
    if (sqlite->swept && same && since_us >= 0 && since_us < INT64_C(1000000) * STORE_SWEEP_SECONDS)
        return;
    if (!sqlite->swept && same && sqlite->sweep_at != 0)
        return; /* still at it */
    sqlite->sweep = *retention;
    sqlite->sweep_at = 0;
    sqlite->swept = false;
}

/* ---- one step ---- */

static int words_step(struct store_sqlite *sqlite)
{
    int count = archive_index(&sqlite->db, STORE_TRIM_ROWS);
    sqlite->words_done = count == 0;
    return count < 0 ? count : count > 0;
}

static int trim_step(struct store_sqlite *sqlite, int64_t now_us)
{
    int64_t gone = 0;
    int err = db_number(&sqlite->db, "SELECT room FROM gone LIMIT 1", 0, &gone);
    if (err != 0)
        return err;
    if (gone != 0)
        return gone_step(sqlite, gone);
    int over = tombstones_step(&sqlite->db, now_us);
    if (over != 0)
        return over < 0 ? over : 1;
    if (sqlite->dirty.count > 0)
        return dirty_step(sqlite);
    if (!sqlite->swept) {
        int deleted = sweep_step(sqlite);
        return deleted < 0 ? deleted : 1;
    }
    if (sqlite->full_text && !sqlite->words_done)
        return words_step(sqlite);
    return 0;
}

/* When all is done that is to be deleted, so once for all of it. Of readers without a pause there
 * is always one that holds the log, so they make way. What does not work now is tried again with
 * the next trim. */
static void empty_log(struct store_sqlite *sqlite)
{
    if (!sqlite->log_tells)
        return;
    gate_shut(&sqlite->gate);
    if (db_empty_log(&sqlite->db) == 1)
        sqlite->log_tells = false;
    gate_open(&sqlite->gate);
}

int sqlite_trim(struct store *store, const struct store_retention *retention)
{
    struct store_sqlite *sqlite = container_of(store, struct store_sqlite, store);
    sqlite_checkpoint(sqlite, STORE_WAL_PAGES);
    sweep_begin(sqlite, retention);
    int err = db_begin(&sqlite->db, false);
    if (err != 0)
        return err;
    int more = trim_step(sqlite, retention->now_us);
    if (more < 0) {
        db_rollback(&sqlite->db);
        return more;
    }
    err = db_commit(&sqlite->db);
    if (err == 0 && more == 0)
        empty_log(sqlite);
    return err != 0 ? err : more;
}
