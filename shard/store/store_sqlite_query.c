/*
 * Pages of an archive, in one read transaction, which is short: what anchors and times mean is
 * looked up first and becomes a range of `seq`; then one index leads through the rows of the page,
 * wherever it lies. Counting looks at STORE_COUNT_MAX rows at most, fewer of words, from whichever
 * end is nearer: beyond that the page is not counted.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/limits.h"

#include <stdlib.h>

/* A query within its transaction. Ranges are exclusive. */
struct search {
    struct db *db;
    struct arena *arena;
    const struct archive_query *query;
    int64_t room, kept;
    bool bent;         /* times have to be compared row by row */
    int64_t low, high; /* what fits the conditions lies between these */
    struct str words;  /* for the index, or absent */
    struct str ids;    /* a JSON list of seq, or absent */
};

/* Where the parameters of a built statement are. */
enum {
    P_ROOM = 1,
    P_LOW,
    P_HIGH,
    P_LIMIT,
    P_NICK,
    P_ACCOUNT,
    P_START,
    P_END,
    P_WORDS,
    P_IDS,
    P_JID
};

static int find_room(struct search *search, struct str jid)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(search->db, "SELECT id, kept, bent FROM room WHERE jid = ?1", &err);
    if (find == NULL)
        return err;
    bind_text(find, 1, jid);
    err = db_step(search->db, find);
    if (err == 1) {
        search->room = sqlite3_column_int64(find, 0);
        search->kept = sqlite3_column_int64(find, 1);
        search->bent = sqlite3_column_int(find, 2) != 0;
    }
    sqlite3_reset(find);
    return err < 0 ? err : 0;
}

/* A message that no query finds has its place, too: newcomers have seen its id. */
static const char place_of_any[] = "SELECT seq FROM archive WHERE room = ?1 AND id = ?2";
static const char place_of_archived[] =
    "SELECT seq FROM archive WHERE room = ?1 AND id = ?2 AND archived = 1";

static int find_id(struct search *search, const char *sql, struct str id, int64_t *seq)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(search->db, sql, &err);
    if (find == NULL)
        return err;
    bind_number(find, 1, search->room);
    bind_text(find, 2, id);
    err = db_step(search->db, find);
    if (err == 1)
        *seq = sqlite3_column_int64(find, 0);
    sqlite3_reset(find);
    if (err == 0)
        return ERR_NOT_FOUND;
    return err < 0 ? err : 0;
}

/* Narrows a range to what lies behind `after` and in front of `before`. */
static int narrow(struct search *search, struct str after, struct str before, int64_t *low,
                  int64_t *high)
{
    int64_t seq;
    int err = 0;
    if (str_present(after)) {
        err = find_id(search, place_of_any, after, &seq);
        if (err == 0 && seq > *low)
            *low = seq;
    }
    if (err == 0 && str_present(before)) {
        err = find_id(search, place_of_any, before, &seq);
        if (err == 0 && seq < *high)
            *high = seq;
    }
    return err;
}

/* The seq at one end of what a time allows. `sql` orders by time, which is the order of seq unless
 * the room is bent: then it is the least or the greatest of all. None: the range is empty. */
static int find_time(struct search *search, const char *sql, int64_t at_us, int64_t *seq)
{
    int err = 0;
    sqlite3_stmt *find = db_sql(search->db, sql, &err);
    if (find == NULL)
        return err;
    bind_number(find, 1, search->room);
    bind_number(find, 2, at_us);
    err = db_step(search->db, find);
    bool there = err == 1 && sqlite3_column_type(find, 0) != SQLITE_NULL;
    if (there)
        *seq = sqlite3_column_int64(find, 0);
    sqlite3_reset(find);
    if (err >= 0 && !there)
        return ERR_NOT_FOUND;
    return err < 0 ? err : 0;
}

static int narrow_start(struct search *search, int64_t *low)
{
    static const char *const straight =
        "SELECT seq FROM archive INDEXED BY archive_time WHERE room = ?1 AND archived = 1"
        " AND at_us >= ?2"
        " ORDER BY at_us, seq LIMIT 1";
    static const char *const bent =
        "SELECT min(+seq) FROM archive INDEXED BY archive_time WHERE room = ?1 AND archived = 1"
        " AND at_us >= ?2";
    if (search->query->start_us == INT64_MIN)
        return 0;
    int64_t seq = 0;
    int err = find_time(search, search->bent ? bent : straight, search->query->start_us, &seq);
    if (err == 0 && seq - 1 > *low)
        *low = seq - 1;
    return err;
}

static int narrow_end(struct search *search, int64_t *high)
{
    static const char *const straight =
        "SELECT seq FROM archive INDEXED BY archive_time WHERE room = ?1 AND archived = 1"
        " AND at_us <= ?2"
        " ORDER BY at_us DESC, seq DESC LIMIT 1";
    static const char *const bent =
        "SELECT max(+seq) FROM archive INDEXED BY archive_time WHERE room = ?1 AND archived = 1"
        " AND at_us <= ?2";
    if (search->query->end_us == INT64_MAX)
        return 0;
    int64_t seq = 0;
    int err = find_time(search, search->bent ? bent : straight, search->query->end_us, &seq);
    if (err == 0 && seq + 1 < *high)
        *high = seq + 1;
    return err;
}

static int narrow_times(struct search *search)
{
    int err = narrow_start(search, &search->low);
    if (err == 0)
        err = narrow_end(search, &search->high);
    if (err != ERR_NOT_FOUND)
        return err;
    search->high = search->low; /* nothing is so early, or so late */
    return 0;
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int find_ids(struct search *search)
{
    const struct archive_query *query = search->query;
    if (query->ids == NULL)
        return 0;
    int64_t *seqs = ARENA_NEW_ARRAY(search->arena, int64_t, query->id_count + 1);
    for (unsigned i = 0; i < query->id_count; i++) {
        int err = find_id(search, place_of_archived, query->ids[i], &seqs[i]);
        if (err != 0)
            return err;
    }
    qsort(seqs, query->id_count, sizeof(*seqs), by_value);
    struct buf list;
    buf_init(&list, search->arena);
    for (unsigned i = 0; i < query->id_count; i++)
        if (i == 0 || seqs[i] != seqs[i - 1])
            buf_addf(&list, "%c%lld", i == 0 ? '[' : ',', (long long)seqs[i]);
    buf_addz(&list, query->id_count == 0 ? "[]" : "]");
    search->ids = buf_str(&list);
    return 0;
}

/* One word, or several in quotes that follow each other, as the index wants it: in quotes, where
 * nothing but a quote has a meaning, and there are none within. */
static void add_phrase(struct buf *words, struct str phrase)
{
    phrase = str_trim(phrase);
    if (str_empty(phrase))
        return;
    buf_addz(words, " \"");
    buf_add(words, phrase);
    buf_addc(words, '"');
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void add_words(struct buf *words, struct str text)
{
    size_t begin = 0;
    bool quoted = false;
    for (size_t i = 0; i <= text.len; i++) {
        bool end = i == text.len || text.at[i] == '"';
        if (!end && (quoted || !is_blank(text.at[i])))
            continue;
        add_phrase(words, str_of(text.at + begin, i - begin));
        begin = i + 1;
        if (end)
            quoted = !quoted;
    }
}

static void find_words(struct search *search)
{
    if (!str_present(search->query->text))
        return;
    struct buf words;
    buf_init(&words, search->arena);
    buf_addf(&words, "room : \"%lld\" AND body : (", (long long)search->room);
    size_t before = words.len;
    add_words(&words, search->query->text);
    if (words.len == before)
        buf_addz(&words, "\"\""); /* no word: nothing is found */
    buf_addc(&words, ')');
    search->words = buf_str(&words);
}

/* ---- statements ---- */

/* What leads through the rows. */
enum way { WAY_WORDS, WAY_IDS, WAY_ACCOUNT, WAY_NICK, WAY_ROOM };

static enum way way_of(const struct search *search)
{
    if (str_present(search->words))
        return WAY_WORDS;
    if (str_present(search->ids))
        return WAY_IDS;
    if (str_present(search->query->with_account))
        return WAY_ACCOUNT;
    return str_present(search->query->with_nick) ? WAY_NICK : WAY_ROOM;
}

/* Where it has the places of the rows, and what it is asked. */
static const struct {
    const char *source, *place, *match;
} ways[] = {
    [WAY_WORDS] = {"archive_text CROSS JOIN archive a ON a.seq = archive_text.rowid",
                   "archive_text.rowid", " AND archive_text MATCH ?9"},
    [WAY_IDS] = {"json_each(?10) j CROSS JOIN archive a ON a.seq = j.value", "a.seq", ""},
    [WAY_ACCOUNT] = {"archive_sender CROSS JOIN archive a ON a.seq = archive_sender.rowid",
                     "archive_sender.rowid",
                     " AND archive_sender MATCH 'r' || ?1 || 'x' || hex(?6)"},
    [WAY_NICK] = {"archive_sender CROSS JOIN archive a ON a.seq = archive_sender.rowid",
                  "archive_sender.rowid", " AND archive_sender MATCH 'n' || ?1 || 'x' || hex(?5)"},
    [WAY_ROOM] = {"archive a INDEXED BY archive_room", "a.seq", ""},
};

static const char *place_of(const struct search *search)
{
    return ways[way_of(search)].place;
}

static void add_conditions(struct buf *sql, const struct search *search)
{
    enum way way = way_of(search);
    buf_addf(sql, " FROM %s WHERE %s > ?2 AND %s < ?3 AND a.room = ?1 AND a.archived = 1%s",
             ways[way].source, ways[way].place, ways[way].place, ways[way].match);
    if (way == WAY_WORDS && str_present(search->ids))
        buf_addz(sql, " AND a.seq IN (SELECT value FROM json_each(?10))");
    if (str_present(search->query->with_account))
        buf_addz(sql, " AND a.account = ?6");
    if (str_present(search->query->with_jid))
        buf_addz(sql, " AND a.jid = ?11");
    if (str_present(search->query->with_nick))
        buf_addz(sql, " AND a.nick = ?5");
    if (search->bent)
        buf_addz(sql, " AND a.at_us >= ?7 AND a.at_us <= ?8");
}

/* The index that can count by itself, without the rows, or NULL: those for words and for senders
 * have archived messages only, and their room, and know one thing of each. */
static const char *counting_index(const struct search *search)
{
    const struct archive_query *query = search->query;
    bool account = str_present(query->with_account);
    bool nick = str_present(query->with_nick);
    if (search->bent || str_present(query->with_jid) || str_present(search->ids) ||
        str_present(search->words) + account + nick != 1)
        return NULL;
    return account || nick ? "archive_sender" : "archive_text";
}

static void bind_search(sqlite3_stmt *statement, const struct search *search, int64_t low,
                        int64_t high, int64_t limit)
{
    bind_number(statement, P_ROOM, search->room);
    bind_number(statement, P_LOW, low);
    bind_number(statement, P_HIGH, high);
    bind_number(statement, P_LIMIT, limit);
    /* Those that the statement does not have are no error worth looking at. */
    bind_text(statement, P_NICK, search->query->with_nick);
    bind_text(statement, P_ACCOUNT, search->query->with_account);
    bind_number(statement, P_START, search->query->start_us);
    bind_number(statement, P_END, search->query->end_us);
    bind_text(statement, P_WORDS, search->words);
    bind_text(statement, P_IDS, search->ids);
    bind_text(statement, P_JID, search->query->with_jid);
}

/* Up to `limit` rows of the range from one end into `rows`, oldest first. The number, or an error.
 */
static int fetch(struct search *search, int64_t low, int64_t high, bool backwards, unsigned limit,
                 struct archived *rows, int64_t *seqs)
{
    struct buf sql;
    buf_init(&sql, search->arena);
    buf_addz(&sql, "SELECT " ARCHIVE_COLUMNS);
    add_conditions(&sql, search);
    buf_addf(&sql, " ORDER BY %s %s LIMIT ?4", place_of(search), backwards ? "DESC" : "");
    int err = 0;
    sqlite3_stmt *statement = db_built(search->db, buf_str(&sql), &err);
    if (statement == NULL)
        return err;
    bind_search(statement, search, low, high, limit);
    unsigned count = 0;
    while (count < limit && (err = db_step(search->db, statement)) == 1) {
        unsigned at = backwards ? limit - 1 - count : count;
        seqs[at] = sqlite3_column_int64(statement, 0);
        archive_read(search->arena, statement, &rows[at]); /* a damaged one is not the page */
        count++;
    }
    sqlite3_reset(statement);
    if (err < 0)
        return err;
    if (backwards && count < limit) {
        memmove(rows, rows + (limit - count), count * sizeof(*rows));
        memmove(seqs, seqs + (limit - count), count * sizeof(*seqs));
    }
    return (int)count;
}

/* Looking at words costs more than at any other index. */
static int count_max(const struct search *search)
{
    return str_present(search->words) ? STORE_COUNT_MAX / 10 : STORE_COUNT_MAX;
}

/* Rows of the range, at most one more than count_max(); or an error. */
static int count_rows(struct search *search, int64_t low, int64_t high)
{
    struct buf sql;
    buf_init(&sql, search->arena);
    buf_addz(&sql, "SELECT count(*) FROM (SELECT 1");
    const char *index = counting_index(search);
    if (index != NULL)
        buf_addf(&sql, " FROM %s WHERE rowid > ?2 AND rowid < ?3%s", index,
                 ways[way_of(search)].match);
    else
        add_conditions(&sql, search);
    buf_addz(&sql, " LIMIT ?4)");
    int err = 0;
    sqlite3_stmt *statement = db_built(search->db, buf_str(&sql), &err);
    if (statement == NULL)
        return err;
    bind_search(statement, search, low, high, count_max(search) + 1);
    err = db_step(search->db, statement);
    int count = err == 1 ? sqlite3_column_int(statement, 0) : 0;
    sqlite3_reset(statement);
    return err < 0 ? err : count;
}

/* ---- the page ---- */

/* To begin at that place among all that fit: the index is followed to there. */
static int narrow_index(struct search *search, int64_t *low, int64_t *high)
{
    struct buf sql;
    buf_init(&sql, search->arena);
    buf_addf(&sql, "SELECT %s", place_of(search));
    add_conditions(&sql, search);
    buf_addf(&sql, " ORDER BY %s LIMIT 1 OFFSET ?4", place_of(search));
    int err = 0;
    sqlite3_stmt *statement = db_built(search->db, buf_str(&sql), &err);
    if (statement == NULL)
        return err;
    uint64_t index = search->query->index < INT64_MAX ? search->query->index : INT64_MAX;
    bind_search(statement, search, search->low, search->high, (int64_t)index);
    err = db_step(search->db, statement);
    int64_t seq = err == 1 ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    if (err == 0)
        *high = *low; /* beyond the end */
    else if (err == 1 && seq - 1 > *low)
        *low = seq - 1;
    return err < 0 ? err : 0;
}

/* Whether the room's own count is the answer. */
static bool unconditional(const struct search *search)
{
    const struct archive_query *query = search->query;
    return search->low == INT64_MIN && search->high == INT64_MAX && !str_present(search->words) &&
           !str_present(search->ids) && !str_present(query->with_nick) &&
           !str_present(query->with_account) && query->start_us == INT64_MIN &&
           query->end_us == INT64_MAX;
}

/* The index of the page's first row: counted from the end that was asked for, which is the nearer
 * one for whoever wants the last page, else from the other. */
static int place_page(struct search *search, struct archive_page *page, int64_t first)
{
    for (unsigned turn = 0; turn < 2 && !page->counted; turn++) {
        bool behind = (turn == 0) == search->query->backwards;
        int count = behind ? count_rows(search, first, search->high)
                           : count_rows(search, search->low, first);
        if (count < 0)
            return count;
        if (count > count_max(search))
            continue;
        page->first_index = behind ? page->total - 1 - (uint64_t)count : (uint64_t)count;
        page->counted = true;
    }
    return 0;
}

static int count_page(struct search *search, struct archive_page *page, const int64_t *seqs)
{
    int64_t total = search->kept;
    if (!unconditional(search)) {
        total = count_rows(search, search->low, search->high);
        if (total < 0 || total > count_max(search))
            return total < 0 ? (int)total : 0;
    }
    page->total = (uint64_t)total;
    if (page->count == 0) {
        page->counted = true;
        return 0;
    }
    return place_page(search, page, seqs[0]);
}

static int fill_ends(struct search *search, struct archive_page *page)
{
    page->rows = ARENA_NEW_ARRAY(search->arena, struct archived, 2);
    page->complete = true;
    int64_t seqs[2] = {0, 0};
    int first = fetch(search, search->low, search->high, false, 1, &page->rows[0], &seqs[0]);
    if (first <= 0)
        return first < 0 ? first : count_page(search, page, seqs);
    int last = fetch(search, search->low, search->high, true, 1, &page->rows[1], &seqs[1]);
    if (last < 0)
        return last;
    page->count = seqs[0] == seqs[1] ? 1 : 2;
    return count_page(search, page, seqs);
}

static int fill_page(struct search *search, struct archive_page *page)
{
    const struct archive_query *query = search->query;
    int64_t low = search->low;
    int64_t high = search->high;
    int err = narrow(search, query->after, query->before, &low, &high);
    if (err == 0 && query->by_index)
        err = narrow_index(search, &low, &high);
    if (err != 0)
        return err;
    unsigned max = query->max < STORE_PAGE_MAX ? query->max : STORE_PAGE_MAX;
    struct archived *rows = ARENA_NEW_ARRAY(search->arena, struct archived, max + 1);
    int64_t *seqs = ARENA_NEW_ARRAY(search->arena, int64_t, max + 1);
    /* One more than wanted tells whether there is more. */
    int count = fetch(search, low, high, query->backwards, max + 1, rows, seqs);
    if (count < 0)
        return count;
    page->complete = (unsigned)count <= max;
    unsigned skip = query->backwards && !page->complete ? 1 : 0;
    page->rows = rows + skip;
    page->count = page->complete ? (unsigned)count : max;
    return count_page(search, page, seqs + skip);
}

static int search_room(struct search *search, struct str room, struct archive_page *page)
{
    const struct archive_query *query = search->query;
    int err = find_room(search, room);
    if (err == 0)
        err = find_ids(search);
    if (err == 0)
        err = narrow(search, query->after_id, query->before_id, &search->low, &search->high);
    if (err == 0)
        err = narrow_times(search);
    if (err != 0)
        return err;
    find_words(search);
    return query->metadata ? fill_ends(search, page) : fill_page(search, page);
}

void sqlite_query(struct db *db, struct arena *arena, struct str room,
                  const struct archive_query *query, struct archive_page *page)
{
    struct search search = {
        .db = db,
        .arena = arena,
        .query = query,
        .low = INT64_MIN,
        .high = INT64_MAX,
    };
    *page = (struct archive_page){.err = db_exec(db, "BEGIN")};
    if (page->err != 0)
        return;
    int err = search_room(&search, room, page);
    db_rollback(db); /* nothing was written: it only ends the reading */
    if (err != 0)
        *page = (struct archive_page){.err = err};
}
