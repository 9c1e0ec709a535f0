/*
 * Messages as rows. The index for senders is kept beside them by hand, and is told when a row goes
 * what it was told when it came: so room, nick, account and `archived` of a row never change. An
 * ordinary index would have its keys anywhere, and each row would write two pages more. The index
 * for words is kept in the same way: `worded` says which rows it knows.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/limits.h"

static struct str bare(struct str jid)
{
    const char *slash = str_present(jid) ? memchr(jid.at, '/', jid.len) : NULL;
    return slash == NULL ? jid : str_of(jid.at, (size_t)(slash - jid.at));
}

static struct str or_empty(struct str text)
{
    return str_present(text) ? text : STR("");
}

int archive_read(struct arena *arena, sqlite3_stmt *row, struct archived *message)
{
    *message = (struct archived){
        .id = column_in(arena, row, 1),
        .at_us = sqlite3_column_int64(row, 2),
        .nick = column_in(arena, row, 3),
        .author = column_in(arena, row, 4),
        .jid = column_in(arena, row, 5),
        .sender_id = column_in(arena, row, 8),
        .xml = column_in(arena, row, 9),
        .address_at = (uint32_t)sqlite3_column_int64(row, 10),
        .tail_at = (uint32_t)sqlite3_column_int64(row, 11),
        .body = column_in(arena, row, 12),
        .history = sqlite3_column_int(row, 13) != 0,
        .archived = sqlite3_column_int(row, 14) != 0,
        .retracted = sqlite3_column_int(row, 15) != 0,
        .dated = sqlite3_column_type(row, 16) != SQLITE_NULL,
        .dated_us = sqlite3_column_int64(row, 16),
    };
    if (affiliation_parse(column_text(row, 6), &message->affiliation) &&
        role_parse(column_text(row, 7), &message->role) &&
        message->address_at <= message->xml.len && message->tail_at <= message->xml.len)
        return 0;
    message->xml = STR_NONE;
    return ERR_CORRUPT;
}

/* ---- words ---- */

static int words_add(struct db *db, int64_t seq, int64_t room, struct str body)
{
    int err = 0;
    sqlite3_stmt *add =
        db_sql(db, "INSERT INTO archive_text(rowid, room, body) VALUES(?1, ?2, ?3)", &err);
    if (add == NULL)
        return err;
    bind_number(add, 1, seq);
    bind_number(add, 2, room);
    bind_text(add, 3, body);
    return db_run(db, add);
}

static int words_remove(struct db *db, int64_t seq, int64_t room, struct str body)
{
    int err = 0;
    sqlite3_stmt *take = db_sql(db,
                                "INSERT INTO archive_text(archive_text, rowid, room, body)"
                                " VALUES('delete', ?1, ?2, ?3)",
                                &err);
    if (take == NULL)
        return err;
    bind_number(take, 1, seq);
    bind_number(take, 2, room);
    bind_text(take, 3, body);
    return db_run(db, take);
}

int archive_index(struct db *db, unsigned max)
{
    int err = 0;
    sqlite3_stmt *rows = db_sql(db,
                                "SELECT seq, room, body FROM archive"
                                " WHERE worded = 0 AND archived = 1 AND body IS NOT NULL"
                                " ORDER BY seq LIMIT ?1",
                                &err);
    sqlite3_stmt *mark =
        rows == NULL ? NULL : db_sql(db, "UPDATE archive SET worded = 1 WHERE seq = ?1", &err);
    if (mark == NULL)
        return err;
    bind_number(rows, 1, max);
    int64_t seqs[STORE_TRIM_ROWS];
    unsigned count = 0;
    while (count < ARRAY_LEN(seqs) && (err = db_step(db, rows)) == 1) {
        int64_t seq = sqlite3_column_int64(rows, 0);
        err = words_add(db, seq, sqlite3_column_int64(rows, 1), column_text(rows, 2));
        if (err != 0)
            break;
        seqs[count++] = seq;
    }
    sqlite3_reset(rows);
    /* Marked behind the walk, which follows the index of those that are not marked. */
    for (unsigned i = 0; i < count && err >= 0; i++) {
        sqlite3_reset(mark);
        bind_number(mark, 1, seqs[i]);
        err = db_run(db, mark);
    }
    return err < 0 ? err : (int)count;
}

/* ---- senders ---- */

/* What names a sender, as words of an index of their own: who had that nickname in that room, that
 * account in it, that account anywhere. Of messages that no query finds, the last alone. */
#define SENDER_WORDS                                                                               \
    "iif(?2, 'n' || ?3 || 'x' || hex(?4), '') || iif(?5 IS NULL, '', ' a' || hex(?5))"             \
    " || iif(?2 AND ?5 IS NOT NULL, ' r' || ?3 || 'x' || hex(?5), '')"

struct sender {
    int64_t seq, room;
    bool archived;
    struct str nick, account;
};

static int sender_run(struct db *db, const char *sql, const struct sender *sender)
{
    int err = 0;
    sqlite3_stmt *statement = db_sql(db, sql, &err);
    if (statement == NULL)
        return err;
    bind_number(statement, 1, sender->seq);
    bind_number(statement, 2, sender->archived);
    bind_number(statement, 3, sender->room);
    bind_text(statement, 4, sender->nick);
    bind_text(statement, 5, sender->account);
    return db_run(db, statement);
}

static int sender_add(struct db *db, const struct sender *sender)
{
    return sender_run(db, "INSERT INTO archive_sender(rowid, sender) VALUES(?1, " SENDER_WORDS ")",
                      sender);
}

static int sender_remove(struct db *db, const struct sender *sender)
{
    return sender_run(db,
                      "INSERT INTO archive_sender(archive_sender, rowid, sender)"
                      " VALUES('delete', ?1, " SENDER_WORDS ")",
                      sender);
}

/* ---- writing ---- */

static void bind_message(sqlite3_stmt *row, const struct archived *message)
{
    bind_text(row, 2, message->id);
    bind_number(row, 3, message->at_us);
    bind_text(row, 4, or_empty(message->nick));
    bind_text(row, 5, message->author);
    bind_text(row, 6, bare(message->jid));
    bind_text(row, 7, message->jid);
    bind_text(row, 8, affiliation_text(message->affiliation));
    bind_text(row, 9, role_text(message->role));
    bind_text(row, 10, message->sender_id);
    bind_text(row, 11, or_empty(message->xml));
    bind_number(row, 12, message->address_at);
    bind_number(row, 13, message->tail_at);
    bind_number(row, 14, message->history);
    bind_number(row, 15, message->archived);
    bind_number(row, 16, message->retracted);
    if (message->dated)
        bind_number(row, 17, message->dated_us);
    bind_text(row, 18, message->body);
}

/* An id is never used twice: what comes with one that is there is the same message once more. */
int archive_append(struct db *db, int64_t room, const struct archived *message, bool full_text)
{
    int err = 0;
    sqlite3_stmt *add =
        db_sql(db,
               "INSERT INTO archive(room, id, at_us, nick, author, account, jid, affiliation, role,"
               " sender_id, xml, address_at, tail_at, history, archived, retracted, dated_us, body,"
               " worded)"
               " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
               "?17, ?18, ?19)"
               " ON CONFLICT(room, id) DO NOTHING",
               &err);
    if (add == NULL)
        return err;
    bool worded = full_text && message->archived && str_present(message->body);
    bind_number(add, 1, room);
    bind_message(add, message);
    bind_number(add, 19, worded);
    err = db_run(db, add);
    if (err != 0 || sqlite3_changes(db->handle) == 0)
        return err;
    const struct sender sender = {
        .seq = sqlite3_last_insert_rowid(db->handle),
        .room = room,
        .archived = message->archived,
        .nick = or_empty(message->nick),
        .account = bare(message->jid),
    };
    err = sender_add(db, &sender);
    if (err == 0 && worded)
        err = words_add(db, sender.seq, room, message->body);
    return err < 0 ? err : 1;
}

static int unword(struct db *db, int64_t room, struct str id)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(
        db, "SELECT seq, body FROM archive WHERE room = ?1 AND id = ?2 AND worded = 1", &err);
    if (find == NULL)
        return err;
    bind_number(find, 1, room);
    bind_text(find, 2, id);
    err = db_step(db, find);
    if (err == 1)
        err = words_remove(db, sqlite3_column_int64(find, 0), room, column_text(find, 1));
    sqlite3_reset(find);
    return err;
}

/* Who sent it, when, and its place stay as they were. If a tombstone has words, trim makes them
 * searchable. */
int archive_bury(struct db *db, int64_t room, const struct archived *message)
{
    int err = unword(db, room, message->id);
    if (err != 0)
        return err;
    sqlite3_stmt *bury =
        db_sql(db,
               "UPDATE archive SET xml = ?3, address_at = ?4, tail_at = ?5, retracted = ?6,"
               " body = ?7, worded = 0 WHERE room = ?1 AND id = ?2",
               &err);
    if (bury == NULL)
        return err;
    bind_number(bury, 1, room);
    bind_text(bury, 2, message->id);
    bind_text(bury, 3, or_empty(message->xml));
    bind_number(bury, 4, message->address_at);
    bind_number(bury, 5, message->tail_at);
    bind_number(bury, 6, message->retracted);
    bind_text(bury, 7, message->body);
    return db_run(db, bury);
}

/* ---- deleting ---- */

struct doomed {
    int64_t seq;
    int64_t room;
};

/* What has to be told of it elsewhere; `*archived`: whether its room counts it. */
static int doom_words(struct db *db, const struct doomed *message, bool *archived)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(
        db, "SELECT archived, worded, body, nick, account FROM archive WHERE seq = ?1", &err);
    if (find == NULL)
        return err;
    bind_number(find, 1, message->seq);
    err = db_step(db, find);
    if (err == 1) {
        *archived = sqlite3_column_int(find, 0) != 0;
        bool worded = sqlite3_column_int(find, 1) != 0;
        const struct sender sender = {
            .seq = message->seq,
            .room = message->room,
            .archived = *archived,
            .nick = column_text(find, 3),
            .account = column_text(find, 4),
        };
        err = sender_remove(db, &sender);
        if (err == 0 && worded)
            err = words_remove(db, message->seq, message->room, column_text(find, 2));
    }
    sqlite3_reset(find);
    return err;
}

static int doom(struct db *db, const struct doomed *message)
{
    bool archived = false;
    int err = doom_words(db, message, &archived);
    if (err != 0)
        return err;
    sqlite3_stmt *take = db_sql(db, "DELETE FROM archive WHERE seq = ?1", &err);
    if (take == NULL)
        return err;
    bind_number(take, 1, message->seq);
    err = db_run(db, take);
    if (err != 0 || !archived)
        return err;
    sqlite3_stmt *count = db_sql(db, "UPDATE room SET kept = kept - 1 WHERE id = ?1", &err);
    if (count == NULL)
        return err;
    bind_number(count, 1, message->room);
    return db_run(db, count);
}

int archive_delete(struct db *db, sqlite3_stmt *select)
{
    struct doomed doomed[STORE_TRIM_ROWS];
    unsigned count = 0;
    int err = 0;
    while (count < ARRAY_LEN(doomed) && (err = db_step(db, select)) == 1)
        doomed[count++] = (struct doomed){
            .seq = sqlite3_column_int64(select, 0),
            .room = sqlite3_column_int64(select, 1),
        };
    sqlite3_reset(select);
    for (unsigned i = 0; i < count && err >= 0; i++)
        err = doom(db, &doomed[i]);
    return err < 0 ? err : (int)count;
}
