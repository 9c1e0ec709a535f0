/*
 * The tables, as steps from one version to the next: a new file takes all of them, an older one
 * those it lacks, each in a transaction of its own together with the version it leads to. A step is
 * never changed once it was released, and takes seconds for a million messages, not minutes: what
 * takes longer is left to trim.
 *
 * - room: one row per room; `id` is never used again, so what is left of a room that was wiped is
 *   never taken for its successor's. `kept`: its archived messages; `bent`: their times are not in
 *   the order of `seq`, since the clock was set back.
 * - item: what core/record makes of a room.
 * - archive: messages; `seq` is their order, in all rooms; those that are not `archived` are there
 *   for newcomers alone, and no query finds them.
 * - archive_text: the index for words.
 * - archive_sender: the index by sender.
 * - forgotten: what a tool has taken out of archives, for rooms in memory that may still show it.
 * - gone: rooms that were wiped: their rows are deleted in small steps.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/err.h"

#include <stdio.h>

static const char *const first =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE room("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, jid TEXT NOT NULL UNIQUE, domain TEXT NOT NULL,"
    " name TEXT NOT NULL DEFAULT '', listed INTEGER NOT NULL DEFAULT 0,"
    " archived INTEGER NOT NULL DEFAULT 0, history INTEGER NOT NULL DEFAULT 0,"
    " keep_days INTEGER NOT NULL DEFAULT 0, keep_count INTEGER NOT NULL DEFAULT 0,"
    " kept INTEGER NOT NULL DEFAULT 0, last_us INTEGER NOT NULL DEFAULT 0,"
    " bent INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX room_listed ON room(domain, jid, name) WHERE listed = 1;"
    "CREATE TABLE item("
    " room INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(room, kind, key)) WITHOUT ROWID;"
    "CREATE INDEX item_session ON item(room) WHERE kind = 'p';"
    "CREATE TABLE gone(room INTEGER PRIMARY KEY);"
    "CREATE TABLE archive("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, room INTEGER NOT NULL, id TEXT NOT NULL,"
    " at_us INTEGER NOT NULL, nick TEXT NOT NULL, author TEXT, account TEXT, jid TEXT,"
    " affiliation TEXT NOT NULL, role TEXT NOT NULL, sender_id TEXT, xml TEXT NOT NULL,"
    " address_at INTEGER NOT NULL, tail_at INTEGER NOT NULL, history INTEGER NOT NULL,"
    " retracted INTEGER NOT NULL, dated_us INTEGER, body TEXT);"
    "CREATE UNIQUE INDEX archive_id ON archive(room, id);"
    "CREATE INDEX archive_room ON archive(room);" /* and `seq`, which every index ends with */
    "CREATE INDEX archive_time ON archive(room, at_us);"
    "CREATE INDEX archive_nick ON archive(room, nick);"
    "CREATE INDEX archive_account ON archive(account, room) WHERE account IS NOT NULL;"
    "CREATE INDEX archive_history ON archive(room) WHERE history = 1;"
    "CREATE VIRTUAL TABLE archive_text USING fts5(body, content='archive', content_rowid='seq',"
    " tokenize='unicode61 remove_diacritics 2');"
    "CREATE TABLE account("
    " name TEXT PRIMARY KEY, sha1_salt TEXT, sha1_iterations INTEGER, sha1_stored TEXT,"
    " sha1_server TEXT, sha256_salt TEXT, sha256_iterations INTEGER, sha256_stored TEXT,"
    " sha256_server TEXT) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('torn', 0);";

/* Three things. What a shorter history has dropped stays dropped if it grows again: `shown_from` is
 * where it begins at the earliest. Messages may be there for newcomers alone: every index that
 * leads through an archive leads through the archived ones only. And the room is a word of the
 * index for words: a search in one room does not wade through what others have said. `worded` says
 * which messages are in that index; a step of trim puts in the others, so that old messages can be
 * found again some time after this, and searching can be switched off and on.
 */
static const char *const second =
    "ALTER TABLE archive ADD COLUMN archived INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE room ADD COLUMN shown_from INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX archive_room;"
    "DROP INDEX archive_time;"
    "DROP INDEX archive_nick;"
    "DROP INDEX archive_account;"
    "CREATE INDEX archive_room ON archive(room, archived);"
    "CREATE INDEX archive_time ON archive(room, archived, at_us);"
    "CREATE INDEX archive_nick ON archive(room, archived, nick);"
    "CREATE INDEX archive_account ON archive(account, room, archived)"
    " WHERE account IS NOT NULL;"
    "ALTER TABLE archive ADD COLUMN worded INTEGER NOT NULL DEFAULT 0;"
    "DROP TABLE archive_text;"
    "CREATE VIRTUAL TABLE archive_text USING fts5(room, body, content='archive',"
    " content_rowid='seq', tokenize='unicode61 remove_diacritics 2');"
    "CREATE INDEX archive_unworded ON archive(seq)"
    " WHERE worded = 0 AND archived = 1 AND body IS NOT NULL;";

/* A tombstone goes when its time is over, also if nobody asks for the room: the row says when. In
 * those that are there it stands within a value; none is later than a year from now.
 * `forgotten`: what a tool has taken out of the archives and rooms in memory may still show: of one
 * account or (empty) of all, in one room or in all.
 *
 * Two indexes by sender had their keys anywhere, so that each message wrote a page of both. The one
 * instead of them takes new rows as they come and merges later; store_sqlite_archive.c says what
 * its words are. */
static const char *const third =
    "ALTER TABLE room ADD COLUMN until_us INTEGER NOT NULL DEFAULT 0;"
    "UPDATE room SET until_us = CAST(strftime('%s', 'now', '+366 days') AS INTEGER) * 1000000"
    " WHERE id IN"
    " (SELECT room FROM item WHERE kind = 'h' AND substr(value, 1, 2) = x'0103');"
    "CREATE INDEX room_until ON room(until_us) WHERE until_us > 0;"
    "CREATE TABLE forgotten("
    " account TEXT NOT NULL, room TEXT NOT NULL, at_us INTEGER NOT NULL,"
    " PRIMARY KEY(account, room)) WITHOUT ROWID;"
    "CREATE VIRTUAL TABLE archive_sender USING fts5(sender, content='', detail=none, columnsize=0,"
    " tokenize='ascii');"
    "INSERT INTO archive_sender(rowid, sender)"
    " SELECT seq, iif(archived, 'n' || room || 'x' || hex(nick), '')"
    " || iif(account IS NULL, '', ' a' || hex(account))"
    " || iif(archived AND account IS NOT NULL, ' r' || room || 'x' || hex(account), '')"
    " FROM archive;"
    "DROP INDEX archive_nick;"
    "DROP INDEX archive_account;";

static const char *const steps[SCHEMA_VERSION] = {first, second, third};

static int tables(struct db *db, int64_t *count)
{
    return db_number(db, "SELECT count(*) FROM sqlite_schema", 0, count);
}

int schema_examine(struct db *db, int64_t *version)
{
    int64_t application = 0;
    int64_t count = 0;
    int err = db_number(db, "PRAGMA application_id", 0, &application);
    if (err == 0)
        err = db_number(db, "PRAGMA user_version", 0, version);
    if (err == 0)
        err = tables(db, &count);
    if (err != 0)
        return err;
    bool fresh = application == 0 && *version == 0 && count == 0;
    if (!fresh && application != SCHEMA_APPLICATION)
        return ERR_FOREIGN;
    if (*version > SCHEMA_VERSION)
        return ERR_NEWER;
    return *version < SCHEMA_VERSION ? ERR_INVALID : 0;
}

int schema_step(struct db *db, unsigned to)
{
    char mark[96];
    snprintf(mark, sizeof(mark), "PRAGMA application_id=%d; PRAGMA user_version=%u",
             SCHEMA_APPLICATION, to);
    int err = db_begin(db, true);
    if (err != 0)
        return err;
    err = db_exec(db, steps[to - 1]);
    if (err == 0)
        err = db_exec(db, mark);
    if (err != 0) {
        db_rollback(db);
        return err;
    }
    return db_commit(db);
}

int schema_prepare(struct db *db, int64_t *version)
{
    int err = schema_examine(db, version);
    if (err != ERR_INVALID)
        return err;
    for (unsigned to = (unsigned)*version + 1; to <= SCHEMA_VERSION; to++) {
        err = schema_step(db, to);
        if (err != 0)
            return err;
    }
    return 0;
}
