#include "shard/store/store_tool.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/xmpp/jid.h"
#include "shard/store/store_sqlite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int tool_open(struct db *db, struct str path, enum sqlite_use use, struct arena *arena,
              const char **why)
{
    *db = (struct db){0};
    *why = NULL;
    struct store_sqlite_setup setup = {.path = str_in(arena, path)};
    return sqlite_open(db, &setup, use, arena, why);
}

int tool_close(struct db *db, int err, struct arena *arena, const char **why)
{
    db_rollback(db);
    if (err < 0 && *why == NULL)
        *why = str_fmt(arena, "it could not be finished: %s", err_text(err)).at;
    db_close(db);
    return err;
}

/* ---- checking ---- */

struct check {
    struct db *db;
    struct tool_lines *lines;
    struct arena *arena; /* of one room at a time */
    int64_t found;
};

static void PRINTF_LIKE(2, 3) find(struct check *check, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    size_t kept = len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1;
    check->lines->line(check->lines, str_of(text, kept));
    check->found++;
}

/* What SQLite says of its file. */
static int check_file(struct check *check)
{
    int err = 0;
    sqlite3_stmt *rows = db_sql(check->db, "PRAGMA integrity_check", &err);
    if (rows == NULL)
        return err;
    while ((err = db_step(check->db, rows)) == 1) {
        struct str text = column_text(rows, 0);
        if (!str_eqz(text, "ok"))
            find(check, "file: %.*s", (int)text.len, text.at);
    }
    return err;
}

/* Rows that belong to no room, and counts that are wrong. */
static int check_counts(struct check *check)
{
    static const struct {
        const char *sql;
        const char *what;
    } counts[] = {
        {"SELECT count(*) FROM archive WHERE room NOT IN (SELECT id FROM room UNION SELECT room"
         " FROM gone)",
         "messages that belong to no room"},
        {"SELECT count(*) FROM item WHERE room NOT IN (SELECT id FROM room UNION SELECT room FROM"
         " gone)",
         "rows that belong to no room"},
        {"SELECT count(*) FROM room r WHERE kept != (SELECT count(*) FROM archive a INDEXED BY"
         " archive_room WHERE a.room = r.id AND a.archived = 1)",
         "rooms that have another number of messages than they think"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(counts); i++) {
        int64_t count = 0;
        int err = db_number(check->db, counts[i].sql, 0, &count);
        if (err != 0)
            return err;
        if (count != 0)
            find(check, "%lld %s", (long long)count, counts[i].what);
    }
    return 0;
}

static void check_rows(struct check *check, struct str jid, const struct store_room *loaded)
{
    struct stored_room stored;
    const char *why = "";
    int err = record_read(check->arena, loaded->rows, loaded->row_count, &stored, &why);
    if (err != 0)
        find(check, "%.*s: cannot be read: %s", (int)jid.len, jid.at, why);
}

static int check_rooms(struct check *check)
{
    int err = 0;
    sqlite3_stmt *rooms = db_sql(check->db, "SELECT jid FROM room ORDER BY id", &err);
    if (rooms == NULL)
        return err;
    while ((err = db_step(check->db, rooms)) == 1) {
        struct str jid = column_in(check->arena, rooms, 0);
        struct store_room loaded = {0};
        if (jid_parse(check->arena, jid) == NULL)
            find(check, "%.*s: no room can have that address", (int)jid.len, jid.at);
        int read = sqlite_load_room(check->db, check->arena, jid, &loaded);
        if (read == 0)
            check_rows(check, jid, &loaded);
        else if (read == ERR_CORRUPT)
            find(check, "%.*s: cannot be read: its rows or messages are damaged", (int)jid.len,
                 jid.at);
        else if (read != ERR_NOT_FOUND)
            return read;
        arena_reset(check->arena);
    }
    return err;
}

/* What keeps a message from being shown as it was sent; NULL: nothing. */
static const char *flaw_of(struct arena *arena, const struct archived *message)
{
    if (str_empty(message->id))
        return "it has no id";
    if (!archived_is_whole(message))
        return "its text is not one well-formed message";
    if (str_present(message->jid) && jid_parse(arena, message->jid) == NULL)
        return "the address of its sender is none";
    return NULL;
}

static void check_message(struct check *check, sqlite3_stmt *row)
{
    struct archived message;
    int read = archive_read(check->arena, row, &message);
    const char *flaw = read != 0 ? "its row is damaged" : flaw_of(check->arena, &message);
    struct str room = column_text(row, ARCHIVE_COLUMN_COUNT);
    if (flaw == NULL)
        return;
    if (!str_present(room))
        room = STR("a room that is gone");
    find(check, "%.*s: message %.*s cannot be read: %s", (int)room.len, room.at,
         (int)message.id.len, message.id.at, flaw);
}

static int check_messages(struct check *check)
{
    int err = 0;
    sqlite3_stmt *rows =
        db_sql(check->db,
               "SELECT " ARCHIVE_COLUMNS ", (SELECT jid FROM room WHERE id = a.room)"
               " FROM archive a ORDER BY a.seq",
               &err);
    if (rows == NULL)
        return err;
    while ((err = db_step(check->db, rows)) == 1) {
        check_message(check, rows);
        arena_reset(check->arena);
    }
    return err;
}

/* What stands in the index for senders, against what archive_sender is told of a row
 * (store_sqlite_archive.c). It has no contents of its own, so SQLite does not compare them. */
static int compare_senders(struct check *check, int64_t *missing, int64_t *stray)
{
    int64_t expected = 0;
    int64_t found = 0;
    int err = db_exec(check->db, "CREATE VIRTUAL TABLE IF NOT EXISTS temp.senders"
                                 " USING fts5vocab('main', 'archive_sender', 'instance')");
    if (err != 0)
        return err;
    err = db_number(check->db,
                    "SELECT sum(archived + (account IS NOT NULL) * (1 + archived)) FROM archive", 0,
                    &expected);
    sqlite3_stmt *sums =
        err == 0 ? db_sql(check->db,
                          "SELECT count(*), coalesce(sum(CASE substr(v.term, 1, 1)"
                          " WHEN 'n' THEN a.archived AND v.term = lower('n' || a.room || 'x' || "
                          "hex(a.nick))"
                          " WHEN 'a' THEN v.term = lower('a' || hex(a.account))"
                          " WHEN 'r' THEN a.archived AND v.term = lower('r' || a.room || 'x' || "
                          "hex(a.account)) END), 0)"
                          " FROM temp.senders v LEFT JOIN archive a ON a.seq = v.doc",
                          &err)
                 : NULL;
    if (sums == NULL)
        return err;
    err = db_step(check->db, sums);
    if (err == 1) {
        found = sqlite3_column_int64(sums, 1);
        *stray = sqlite3_column_int64(sums, 0) - found;
        *missing = expected - found;
    }
    sqlite3_reset(sums);
    return err < 0 ? err : 0;
}

static int check_senders(struct check *check)
{
    int64_t missing = 0;
    int64_t stray = 0;
    int err = compare_senders(check, &missing, &stray);
    if (err == ERR_CORRUPT)
        find(check, "index for senders: damaged so that it cannot be read to the end");
    else if (err != 0)
        return err;
    if (missing != 0)
        find(check,
             "index for senders: %lld entries are missing: who asks for what somebody sent"
             " is not given all of it",
             (long long)missing);
    if (stray != 0)
        find(check, "index for senders: %lld entries belong to no message that is there",
             (long long)stray);
    return 0;
}

/* One after the other, whatever the one before has found: a damaged page is one room's, and who is
 * told which may go on without it. */
static int check_all(struct check *check)
{
    static int (*const parts[])(struct check * check) = {check_file, check_counts, check_rooms,
                                                         check_messages, check_senders};
    for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
        int err = parts[i](check);
        if (err == ERR_CORRUPT && check->found == 0)
            find(check, "file: damaged so that it cannot be read to the end");
        if (err != 0 && err != ERR_CORRUPT)
            return err;
    }
    return 0;
}

int64_t store_tool_check(struct str path, struct tool_lines *lines, struct arena *arena,
                         const char **why)
{
    struct db db;
    int err = tool_open(&db, path, SQLITE_USE_READ, arena, why);
    if (err == ERR_CORRUPT) {
        lines->line(lines, STR("file: damaged so that nothing in it can be read"));
        return 1;
    }
    if (err != 0)
        return err;
    struct check check = {.db = &db, .lines = lines, .arena = arena_new(64 * 1024)};
    err = db_exec(&db, "BEGIN");
    if (err == 0)
        err = check_all(&check);
    arena_free(check.arena);
    err = tool_close(&db, err, arena, why);
    return err != 0 ? err : check.found;
}

/* ---- the rooms ---- */

static int64_t list_rooms(struct db *db, struct tool_lines *lines)
{
    int err = 0;
    sqlite3_stmt *rows = db_sql(db,
                                "SELECT jid, kept, (SELECT count(*) FROM item WHERE room = id)"
                                " FROM room ORDER BY jid",
                                &err);
    if (rows == NULL)
        return err;
    struct arena *arena = arena_new(4096);
    int64_t count = 0;
    while ((err = db_step(db, rows)) == 1) {
        struct str jid = column_text(rows, 0);
        lines->line(lines, str_fmt(arena, "%.*s\t%lld messages\t%lld rows", (int)jid.len, jid.at,
                                   (long long)sqlite3_column_int64(rows, 1),
                                   (long long)sqlite3_column_int64(rows, 2)));
        arena_reset(arena);
        count++;
    }
    arena_free(arena);
    return err < 0 ? err : count;
}

int64_t store_tool_list(struct str path, struct tool_lines *lines, struct arena *arena,
                        const char **why)
{
    struct db db;
    int err = tool_open(&db, path, SQLITE_USE_READ, arena, why);
    if (err != 0)
        return err;
    int64_t count = list_rooms(&db, lines);
    err = tool_close(&db, count < 0 ? (int)count : 0, arena, why);
    return err != 0 ? err : count;
}

/* ---- a copy ---- */

/* All in one go, in one read transaction: a server that writes meanwhile does not make it begin
 * again, and its log is copied back when this is done. */
static int backup_copy(struct db *from, struct db *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    if (backup == NULL)
        return db_err(to, sqlite3_errcode(to->handle));
    sqlite3_backup_step(backup, -1);
    return db_err(to, sqlite3_backup_finish(backup));
}

static int backup_to(struct db *from, const char *name)
{
    struct db to = {0};
    int err = sqlite_create(name);
    if (err == 0)
        err = sqlite_connect(&to, name, NULL, SQLITE_OPEN_READWRITE);
    if (err == 0)
        err = backup_copy(from, &to);
    db_close(&to);
    return err;
}

int store_tool_backup(struct str path, struct str copy, struct arena *arena, const char **why)
{
    struct str name = str_in(arena, copy);
    struct str part = str_fmt(arena, "%s.part", name.at);
    if (access(name.at, F_OK) == 0) {
        *why = str_fmt(arena, "%s is there already; name another file", name.at).at;
        return ERR_EXISTS;
    }
    struct db db;
    int err = tool_open(&db, path, SQLITE_USE_READ, arena, why);
    if (err != 0)
        return err;
    unlink(part.at); /* of one that was interrupted */
    err = backup_to(&db, part.at);
    if (err == 0 && rename(part.at, name.at) != 0)
        err = err_from_errno(errno);
    if (err != 0) {
        *why = str_fmt(arena, "%s could not be written: %s", part.at, err_text(err)).at;
        unlink(part.at);
    }
    return tool_close(&db, err, arena, why);
}

/* ---- exporting ---- */

static void add_json(struct buf *line, const char *name, struct str text)
{
    if (!str_present(text))
        return;
    buf_addf(line, "%s\"%s\":\"", line->len > 1 ? "," : "", name);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte == '"' || byte == '\\')
            buf_addf(line, "\\%c", byte);
        else if (byte < 0x20)
            buf_addf(line, "\\u%04x", byte);
        else
            buf_addc(line, (char)byte);
    }
    buf_addc(line, '"');
}

static struct str time_text(struct arena *arena, int64_t at_us)
{
    int64_t rest = at_us % 1000000;
    int64_t us = rest < 0 ? rest + 1000000 : rest;
    time_t seconds = (time_t)((at_us - us) / 1000000);
    struct tm utc;
    char text[32] = "";
    if (gmtime_r(&seconds, &utc) != NULL)
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    return str_fmt(arena, "%s.%06dZ", text, (int)us);
}

static struct str message_json(struct arena *arena, const struct archived *message)
{
    struct buf line;
    buf_init(&line, arena);
    buf_addc(&line, '{');
    add_json(&line, "id", message->id);
    add_json(&line, "at", time_text(arena, message->at_us));
    add_json(&line, "nick", message->nick);
    add_json(&line, "jid", message->jid);
    add_json(&line, "occupant-id", message->author);
    add_json(&line, "affiliation", affiliation_text(message->affiliation));
    add_json(&line, "role", role_text(message->role));
    add_json(&line, "body", message->body);
    add_json(&line, "xml", message->xml);
    buf_addf(&line, ",\"retracted\":%s}", message->retracted ? "true" : "false");
    return buf_str(&line);
}

int tool_room(struct db *db, struct str jid, int64_t *room)
{
    int err = 0;
    sqlite3_stmt *find_room = db_sql(db, "SELECT id FROM room WHERE jid = ?1", &err);
    if (find_room == NULL)
        return err;
    bind_text(find_room, 1, jid);
    err = db_step(db, find_room);
    if (err == 1)
        *room = sqlite3_column_int64(find_room, 0);
    sqlite3_reset(find_room);
    if (err == 0)
        return ERR_NOT_FOUND;
    return err < 0 ? err : 0;
}

static int64_t export_rows(struct db *db, int64_t room, struct tool_lines *lines,
                           struct tool_lines *damaged)
{
    int err = 0;
    sqlite3_stmt *rows = db_sql(db,
                                "SELECT " ARCHIVE_COLUMNS " FROM archive a INDEXED BY archive_room"
                                " WHERE a.room = ?1 AND a.archived = 1"
                                " ORDER BY a.seq",
                                &err);
    if (rows == NULL)
        return err;
    bind_number(rows, 1, room);
    struct arena *arena = arena_new(64 * 1024);
    int64_t count = 0;
    while ((err = db_step(db, rows)) == 1) {
        struct archived message;
        if (archive_read(arena, rows, &message) == 0) {
            lines->line(lines, message_json(arena, &message));
            count++;
        } else {
            damaged->line(damaged, str_fmt(arena, "message %.*s is left out: its row is damaged",
                                           (int)message.id.len, message.id.at));
        }
        arena_reset(arena);
    }
    sqlite3_reset(rows);
    arena_free(arena);
    return err < 0 ? err : count;
}

const char *tool_no_room(struct arena *arena, struct str room)
{
    return str_fmt(arena, "no room %.*s is stored", (int)room.len, room.at).at;
}

int64_t store_tool_export(struct str path, struct str room, struct tool_lines *lines,
                          struct tool_lines *damaged, struct arena *arena, const char **why)
{
    struct db db;
    int err = tool_open(&db, path, SQLITE_USE_READ, arena, why);
    if (err != 0)
        return err;
    int64_t number = 0;
    int64_t count = 0;
    err = tool_room(&db, room, &number);
    if (err == ERR_NOT_FOUND)
        *why = tool_no_room(arena, room);
    if (err == 0)
        count = export_rows(&db, number, lines, damaged);
    err = tool_close(&db, count < 0 ? (int)count : err, arena, why);
    return err != 0 ? err : count;
}
