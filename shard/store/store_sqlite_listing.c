#include "shard/store/store_sqlite.h"

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/limits.h"

/* Rooms up to that JID, exclusive, or all; at most STORE_COUNT_MAX + 1 of them. */
static int count_listed(struct db *db, struct str domain, struct str below, uint64_t *count)
{
    int err = 0;
    sqlite3_stmt *rows =
        str_present(below)
            ? db_sql(db,
                     "SELECT count(*) FROM (SELECT 1 FROM room INDEXED BY room_listed"
                     " WHERE listed = 1 AND domain = ?1 AND jid < ?3 LIMIT ?2)",
                     &err)
            : db_sql(db,
                     "SELECT count(*) FROM (SELECT 1 FROM room INDEXED BY room_listed"
                     " WHERE listed = 1 AND domain = ?1 LIMIT ?2)",
                     &err);
    if (rows == NULL)
        return err;
    bind_text(rows, 1, domain);
    bind_number(rows, 2, STORE_COUNT_MAX + 1);
    if (str_present(below))
        bind_text(rows, 3, below);
    err = db_step(db, rows);
    if (err == 1)
        *count = (uint64_t)sqlite3_column_int64(rows, 0);
    sqlite3_reset(rows);
    return err < 0 ? err : 0;
}

static int count_page(struct db *db, const struct stored_query *query, struct stored_page *page)
{
    int err = count_listed(db, query->domain, STR_NONE, &page->total);
    page->counted = err == 0 && page->total <= STORE_COUNT_MAX;
    if (!page->counted || page->count == 0)
        return err;
    return count_listed(db, query->domain, page->rows[0].jid, &page->first_index);
}

static sqlite3_stmt *listing_sql(struct db *db, struct arena *arena,
                                 const struct stored_query *query, int *err)
{
    struct str sql =
        str_fmt(arena,
                "SELECT jid, name FROM room INDEXED BY room_listed"
                " WHERE listed = 1 AND domain = ?1%s%s"
                " ORDER BY jid %s LIMIT ?2",
                str_present(query->after) ? " AND jid > ?3" : "",
                str_present(query->before) ? " AND jid < ?4" : "", query->backwards ? "DESC" : "");
    return db_built(db, sql, err);
}

static int fill(struct db *db, struct arena *arena, const struct stored_query *query,
                struct stored_page *page)
{
    unsigned max = query->max < STORE_PAGE_MAX ? query->max : STORE_PAGE_MAX;
    struct stored_listing *rows = ARENA_NEW_ARRAY(arena, struct stored_listing, max + 1);
    int err = 0;
    sqlite3_stmt *statement = listing_sql(db, arena, query, &err);
    if (statement == NULL)
        return err;
    bind_text(statement, 1, query->domain);
    bind_number(statement, 2, max);
    bind_text(statement, 3, query->after);
    bind_text(statement, 4, query->before);
    unsigned count = 0;
    while (count < max && (err = db_step(db, statement)) == 1) {
        rows[query->backwards ? max - 1 - count : count] = (struct stored_listing){
            .jid = column_in(arena, statement, 0),
            .name = column_in(arena, statement, 1),
        };
        count++;
    }
    sqlite3_reset(statement);
    page->rows = query->backwards ? rows + (max - count) : rows;
    page->count = count;
    return err < 0 ? err : 0;
}

void sqlite_listing(struct db *db, struct arena *arena, const struct stored_query *query,
                    struct stored_page *page)
{
    *page = (struct stored_page){.err = db_exec(db, "BEGIN")};
    if (page->err != 0)
        return;
    int err = fill(db, arena, query, page);
    if (err == 0)
        err = count_page(db, query, page);
    db_rollback(db);
    if (err != 0)
        *page = (struct stored_page){.err = err};
}
