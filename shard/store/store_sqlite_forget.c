/*
 * What somebody wants to be forgotten: one room's archive, which goes, and one account's messages
 * and subjects everywhere. Of the messages, placeholders stay in the archives, so that ids and
 * pages are what they were. In small steps, since a server may have the store open; then a note for
 * that server, which has the last messages of its rooms in memory.
 */
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/record/record.h"
#include "shard/runtime/agent.h"
#include "shard/store/store_sqlite.h"
#include "shard/store/store_tool.h"

#include <time.h>

enum { FORGET_ARENA_BYTES = 64 * 1024 };

struct forget {
    struct db *db;
    struct arena *arena; /* of one step */
    struct str account;
    const struct muc_crypto *crypto;
    int64_t until_us;  /* what is said meanwhile stays */
    int64_t seq, room; /* where it has come to */
    int64_t count;
};

struct victim {
    int64_t room, seq;
    struct str jid; /* of the room; absent: it is gone, and trim deletes what it has left */
    struct archived message;
};

/* ---- one message ---- */

static int put_placeholder(struct db *db, struct arena *arena, const struct victim *victim)
{
    int err = 0;
    struct archived left = record_placeholder(arena, victim->jid, &victim->message);
    err = archive_bury(db, victim->room, &left);
    sqlite3_stmt *hide =
        err == 0
            ? db_sql(db, "UPDATE archive SET history = 0, sender_id = NULL WHERE seq = ?1", &err)
            : NULL;
    if (hide == NULL)
        return err;
    bind_number(hide, 1, victim->seq);
    return db_run(db, hide);
}

static int take(struct db *db, int64_t seq)
{
    int err = 0;
    sqlite3_stmt *one = db_sql(db, "SELECT seq, room FROM archive WHERE seq = ?1", &err);
    if (one == NULL)
        return err;
    bind_number(one, 1, seq);
    int count = archive_delete(db, one);
    return count < 0 ? count : 0;
}

/* Who asks for pages has seen the ids of those that are archived. Of a tombstone nothing is left
 * to be forgotten. */
static int forget_message(struct forget *forget, const struct victim *victim)
{
    if (victim->message.retracted)
        return 0;
    forget->count++;
    if (victim->message.archived && str_present(victim->jid))
        return put_placeholder(forget->db, forget->arena, victim);
    return take(forget->db, victim->seq);
}

/* ---- an account's messages ---- */

/* Up to STORE_TRIM_ROWS of them: how many, or an error. */
static int find_victims(struct forget *forget, struct victim *victims)
{
    int err = 0;
    sqlite3_stmt *find =
        db_sql(forget->db,
               "SELECT " ARCHIVE_COLUMNS ", a.room, (SELECT jid FROM room r WHERE r.id = a.room)"
               " FROM archive_sender CROSS JOIN archive a ON a.seq = archive_sender.rowid"
               " WHERE archive_sender.rowid > ?2 AND a.account = ?1"
               " AND archive_sender MATCH 'a' || hex(?1) ORDER BY archive_sender.rowid LIMIT ?3",
               &err);
    if (find == NULL)
        return err;
    bind_text(find, 1, forget->account);
    bind_number(find, 2, forget->seq);
    bind_number(find, 3, STORE_TRIM_ROWS);
    int count = 0;
    while (count < STORE_TRIM_ROWS && (err = db_step(forget->db, find)) == 1) {
        struct victim *victim = &victims[count++];
        /* One that cannot be read goes all the same. */
        if (archive_read(forget->arena, find, &victim->message) != 0)
            victim->message.affiliation = AFF_NONE;
        victim->seq = sqlite3_column_int64(find, 0);
        victim->room = sqlite3_column_int64(find, ARCHIVE_COLUMN_COUNT);
        victim->jid = column_in(forget->arena, find, ARCHIVE_COLUMN_COUNT + 1);
    }
    sqlite3_reset(find);
    return err < 0 ? err : count;
}

static int forget_some(struct forget *forget)
{
    struct victim victims[STORE_TRIM_ROWS];
    int count = find_victims(forget, victims);
    int err = 0;
    for (int i = 0; i < count && err == 0; i++) {
        if (victims[i].message.at_us <= forget->until_us)
            err = forget_message(forget, &victims[i]);
    }
    if (count > 0)
        forget->seq = victims[count - 1].seq;
    return err < 0 ? err : count;
}

/* In a transaction of its own. How many were looked at. */
static int forget_step(struct forget *forget, bool synced)
{
    int err = db_begin(forget->db, synced);
    if (err != 0)
        return err;
    int count = forget_some(forget);
    arena_reset(forget->arena);
    if (count < 0) {
        db_rollback(forget->db);
        return count;
    }
    err = db_commit(forget->db);
    return err != 0 ? err : count;
}

/* The server writes, too. */
static void breathe(struct db *db)
{
    static const struct timespec breath = {.tv_nsec = 2000000};
    db_checkpoint(db, STORE_WAL_PAGES);
    nanosleep(&breath, NULL);
}

static int64_t forget_account(struct forget *forget)
{
    int count; /* synced, since somebody wants it gone */
    while ((count = forget_step(forget, true)) > 0)
        breathe(forget->db);
    return count < 0 ? count : forget->count;
}

/* ---- the subjects an account has set ---- */

/* Those among the next rooms, up to STORE_TRIM_ROOMS; how many rooms these are, or an error. */
static int find_subjects(struct forget *forget, int64_t *rooms, unsigned *found)
{
    int err = 0;
    sqlite3_stmt *find =
        db_sql(forget->db,
               "SELECT r.id, h.value, s.value"
               " FROM (SELECT id FROM room WHERE id > ?1 ORDER BY id LIMIT ?2) r"
               " LEFT JOIN item h ON h.room = r.id AND h.kind = char(?3) AND h.key = ''"
               " LEFT JOIN item s ON s.room = r.id AND s.kind = char(?4) AND s.key = ''"
               " ORDER BY r.id",
               &err);
    if (find == NULL)
        return err;
    bind_number(find, 1, forget->room);
    bind_number(find, 2, STORE_TRIM_ROOMS);
    bind_number(find, 3, RECORD_HEAD);
    bind_number(find, 4, RECORD_SUBJECT);
    int count = 0;
    while (count < STORE_TRIM_ROOMS && (err = db_step(forget->db, find)) == 1) {
        forget->room = sqlite3_column_int64(find, 0);
        count++;
        if (sqlite3_column_type(find, 2) != SQLITE_NULL &&
            record_subject_is_by(forget->crypto, column_text(find, 1), column_text(find, 2),
                                 forget->account, forget->until_us))
            rooms[(*found)++] = forget->room;
    }
    sqlite3_reset(find);
    return err < 0 ? err : count;
}

static int drop_subject(struct db *db, int64_t room)
{
    int err = 0;
    sqlite3_stmt *drop =
        db_sql(db, "DELETE FROM item WHERE room = ?1 AND kind = char(?2) AND key = ''", &err);
    if (drop == NULL)
        return err;
    bind_number(drop, 1, room);
    bind_number(drop, 2, RECORD_SUBJECT);
    return db_run(db, drop);
}

/* In a transaction of its own. How many rooms were looked at. */
static int forget_subjects_step(struct forget *forget, bool synced)
{
    int64_t rooms[STORE_TRIM_ROOMS];
    unsigned found = 0;
    int err = db_begin(forget->db, synced);
    if (err != 0)
        return err;
    int count = find_subjects(forget, rooms, &found);
    for (unsigned i = 0; i < found && count >= 0; i++) {
        err = drop_subject(forget->db, rooms[i]);
        count = err < 0 ? err : count;
    }
    if (count < 0) {
        db_rollback(forget->db);
        return count;
    }
    err = db_commit(forget->db);
    return err != 0 ? err : count;
}

static int forget_subjects(struct forget *forget)
{
    int count;
    while ((count = forget_subjects_step(forget, true)) > 0)
        breathe(forget->db);
    return count;
}

/* ---- a room's messages ---- */

struct emptying {
    const char *sql; /* ?1: the room; ?2: so many; and what it knows of these: */
    int64_t room;
    int64_t until_us; /* ?3 */
    int64_t last;     /* ?4: the last message that was there when it began */
};

static int empty_step(struct db *db, const struct emptying *emptying, bool synced)
{
    int err = db_begin(db, synced);
    sqlite3_stmt *select = err == 0 ? db_sql(db, emptying->sql, &err) : NULL;
    if (select == NULL) {
        db_rollback(db);
        return err;
    }
    bind_number(select, 1, emptying->room);
    bind_number(select, 2, STORE_TRIM_ROWS);
    bind_number(select, 3, emptying->until_us);
    bind_number(select, 4, emptying->last);
    int count = archive_delete(db, select);
    if (count < 0) {
        db_rollback(db);
        return count;
    }
    err = db_commit(db);
    return err != 0 ? err : count;
}

/* All that is there now; of what is said after `until_us`, nothing. */
static int64_t empty_room(struct db *db, int64_t room, int64_t *until_us)
{
    struct emptying emptying = {
        .sql = "SELECT seq, room FROM archive INDEXED BY archive_room"
               " WHERE room = ?1 AND (seq <= ?4 OR at_us <= ?3) LIMIT ?2",
        .room = room,
    };
    int64_t all = 0;
    int count = db_number(db, "SELECT max(seq) FROM archive", 0, &emptying.last);
    if (count != 0)
        return count;
    emptying.until_us = *until_us = clock_wall_us();
    while ((count = empty_step(db, &emptying, true)) > 0) {
        all += count;
        breathe(db);
    }
    return count < 0 ? count : all;
}

/* ---- the note for the server ---- */

/* When all is done: what a server has yet to write of it then, it deletes itself when it has read
 * this. */
static int leave_note(struct db *db, struct str account, struct str room, int64_t until_us)
{
    int err = db_begin(db, true);
    sqlite3_stmt *note =
        err == 0
            ? db_sql(db, "REPLACE INTO forgotten(account, room, at_us) VALUES(?1, ?2, ?3)", &err)
            : NULL;
    if (note != NULL) {
        bind_text(note, 1, account);
        bind_text(note, 2, room);
        bind_number(note, 3, until_us);
        err = db_run(db, note);
    }
    if (err != 0) {
        db_rollback(db);
        return err;
    }
    return db_commit(db);
}

static int read_notes(struct db *db, struct arena *arena, struct store_forgotten *list,
                      unsigned *count)
{
    int err = 0;
    sqlite3_stmt *rows = db_sql(db, "SELECT account, room, at_us FROM forgotten LIMIT ?1", &err);
    if (rows == NULL)
        return err;
    bind_number(rows, 1, STORE_TRIM_ROWS);
    while (*count < STORE_TRIM_ROWS && (err = db_step(db, rows)) == 1)
        list[(*count)++] = (struct store_forgotten){
            .account = column_in(arena, rows, 0),
            .room = column_in(arena, rows, 1),
            .until_us = sqlite3_column_int64(rows, 2),
        };
    sqlite3_reset(rows);
    return err < 0 ? err : 0;
}

static int drop_note(struct db *db, const struct store_forgotten *note)
{
    int err = 0;
    sqlite3_stmt *drop =
        db_sql(db, "DELETE FROM forgotten WHERE account = ?1 AND room = ?2 AND at_us = ?3", &err);
    if (drop == NULL)
        return err;
    bind_text(drop, 1, note->account);
    bind_text(drop, 2, note->room);
    bind_number(drop, 3, note->until_us);
    return db_run(db, drop);
}

int sqlite_forgotten(struct store *store, struct arena *arena, struct store_forgotten **list,
                     unsigned *count)
{
    struct store_sqlite *sqlite = container_of(store, struct store_sqlite, store);
    *list = ARENA_NEW_ARRAY(arena, struct store_forgotten, STORE_TRIM_ROWS);
    *count = 0;
    int err = read_notes(&sqlite->db, arena, *list, count);
    sqlite->log_tells |= *count > 0;
    return err;
}

/* ---- what a server has written since ---- */

static int forget_account_again(struct store_sqlite *sqlite, struct store_forgotten *what)
{
    struct forget forget = {
        .db = &sqlite->db,
        .arena = arena_new(FORGET_ARENA_BYTES),
        .account = what->account,
        .crypto = sqlite->crypto,
        .until_us = what->until_us,
        .seq = what->at,
        .room = what->room_at,
    };
    int count = forget_step(&forget, false);
    if (count == 0 && forget.crypto != NULL)
        count = forget_subjects_step(&forget, false);
    arena_free(forget.arena);
    if (count >= 0) {
        what->at = forget.seq;
        what->room_at = forget.room;
    }
    return count;
}

static int empty_room_again(struct db *db, const struct store_forgotten *what)
{
    struct emptying emptying = {
        .sql = "SELECT seq, room FROM archive INDEXED BY archive_time"
               " WHERE room = ?1 AND archived IN (0, 1) AND at_us <= ?3 LIMIT ?2",
        .until_us = what->until_us,
    };
    int err = tool_room(db, what->room, &emptying.room);
    if (err != 0)
        return err == ERR_NOT_FOUND ? 0 : err;
    return empty_step(db, &emptying, false);
}

/* Synced, and with it all steps before. */
static int note_is_done(struct db *db, const struct store_forgotten *what)
{
    int err = db_begin(db, true);
    if (err == 0)
        err = drop_note(db, what);
    if (err == 0)
        return db_commit(db);
    db_rollback(db);
    return err;
}

int sqlite_forget(struct store *store, struct store_forgotten *what)
{
    struct store_sqlite *sqlite = container_of(store, struct store_sqlite, store);
    sqlite_checkpoint(sqlite, STORE_WAL_PAGES);
    sqlite->log_tells = true; /* again, if it was emptied between two steps */
    int count = str_empty(what->room) ? forget_account_again(sqlite, what)
                                      : empty_room_again(&sqlite->db, what);
    if (count == 0)
        return note_is_done(&sqlite->db, what);
    return count < 0 ? count : 1;
}

/* ---- nothing of it in the log, and no word in an index ---- */

/* The indexes for words and senders drop what they were told to only when they merge: all of each
 * is merged, in steps of so many pages. */
static int merge_step(struct db *db, const char *sql, int pages)
{
    int err = db_begin(db, true);
    sqlite3_stmt *merge = err == 0 ? db_sql(db, sql, &err) : NULL;
    int before = sqlite3_total_changes(db->handle);
    if (merge != NULL) {
        bind_number(merge, 1, pages);
        err = db_run(db, merge);
    }
    int changes = sqlite3_total_changes(db->handle) - before;
    if (err != 0) {
        db_rollback(db);
        return err;
    }
    err = db_commit(db);
    /* One is that of the statement itself: nothing was left to be merged. */
    return err != 0 ? err : changes > 1;
}

static int merge(struct db *db, const char *sql)
{
    int more = merge_step(db, sql, -STORE_MERGE_PAGES); /* begins with all parts there are */
    while (more > 0) {
        breathe(db);
        more = merge_step(db, sql, STORE_MERGE_PAGES);
    }
    return more;
}

static int merge_indexes(struct db *db)
{
    int err = merge(db, "INSERT INTO archive_text(archive_text, rank) VALUES('merge', ?1)");
    if (err != 0)
        return err;
    return merge(db, "INSERT INTO archive_sender(archive_sender, rank) VALUES('merge', ?1)");
}

/* A server may be reading just now; one that is never done with it empties the log itself, when it
 * finds the note. */
static int empty_log(struct db *db)
{
    int done = 0;
    for (unsigned waited_ms = 0; done == 0 && waited_ms < STORE_BUSY_MS; waited_ms += 2) {
        breathe(db);
        done = db_empty_log(db);
    }
    return done < 0 ? done : 0;
}

/* `count` messages were deleted. */
static int finish(struct db *db, int64_t count, struct str account, struct str room,
                  int64_t until_us)
{
    int err = count > 0 ? merge_indexes(db) : 0;
    if (err == 0)
        err = leave_note(db, account, room, until_us);
    return err == 0 ? empty_log(db) : err;
}

/* ---- from the command line ---- */

int64_t store_tool_forget_room(struct str path, struct str room, struct arena *arena,
                               const char **why)
{
    struct db db;
    int err = tool_open(&db, path, SQLITE_USE_ASSIST, arena, why);
    if (err != 0)
        return err;
    int64_t number = 0;
    int64_t count = 0;
    int64_t until_us = 0;
    err = tool_room(&db, room, &number);
    if (err == ERR_NOT_FOUND)
        *why = tool_no_room(arena, room);
    if (err == 0)
        count = empty_room(&db, number, &until_us);
    if (err == 0 && count >= 0)
        err = finish(&db, count, STR(""), room, until_us);
    err = tool_close(&db, count < 0 ? (int)count : err, arena, why);
    return err != 0 ? err : count;
}

int64_t store_tool_forget_account(struct str path, struct str account,
                                  const struct muc_crypto *crypto, struct arena *arena,
                                  const char **why)
{
    struct db db;
    int err = tool_open(&db, path, SQLITE_USE_ASSIST, arena, why);
    if (err != 0)
        return err;
    struct forget forget = {
        .db = &db,
        .arena = arena_new(FORGET_ARENA_BYTES),
        .account = account,
        .crypto = crypto,
        .until_us = clock_wall_us(),
    };
    int64_t count = forget_account(&forget);
    arena_free(forget.arena);
    if (count >= 0)
        err = forget_subjects(&forget);
    if (count >= 0 && err == 0)
        err = finish(&db, count, account, STR(""), forget.until_us);
    err = tool_close(&db, count < 0 ? (int)count : err, arena, why);
    return err != 0 ? err : count;
}
