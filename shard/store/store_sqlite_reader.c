/*
 * The store's readers: a connection each, which only reads. What is asked of one has an end: after
 * STORE_QUERY_MS it is given up, and answered with ERR_LIMIT.
 */
#include "shard/store/store_sqlite.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/runtime/agent.h"

#include <stdatomic.h>

/* Steps of SQLite's machine from one look at the clock to the next: less than a millisecond, unless
 * the disk is slow. */
enum { STEPS_PER_LOOK = 1000 };

struct sqlite_reader {
    struct store_reader reader;
    struct db db;
    bool full_text;
    int64_t (*clock_ms)(void);
    int64_t until_ms;
    atomic_bool given_up;
};

/* Anything but 0 ends what is being done. */
static int look_at_clock(void *self)
{
    const struct sqlite_reader *reader = self;
    return atomic_load_explicit(&reader->given_up, memory_order_relaxed) ||
           reader->clock_ms() > reader->until_ms;
}

static void time_begins(struct sqlite_reader *self)
{
    self->until_ms = self->clock_ms() + STORE_QUERY_MS;
}

static void reader_query(struct store_reader *reader, struct arena *arena, struct str room,
                         const struct archive_query *query, struct archive_page *page)
{
    struct sqlite_reader *self = container_of(reader, struct sqlite_reader, reader);
    time_begins(self);
    if (str_present(query->text) && !self->full_text)
        *page = (struct archive_page){.err = ERR_UNSUPPORTED};
    else
        sqlite_query(&self->db, arena, room, query, page);
}

static void reader_listing(struct store_reader *reader, struct arena *arena,
                           const struct stored_query *query, struct stored_page *page)
{
    struct sqlite_reader *self = container_of(reader, struct sqlite_reader, reader);
    time_begins(self);
    sqlite_listing(&self->db, arena, query, page);
}

static void reader_give_up(struct store_reader *reader)
{
    struct sqlite_reader *self = container_of(reader, struct sqlite_reader, reader);
    atomic_store(&self->given_up, true);
}

static void reader_close(struct store_reader *reader)
{
    struct sqlite_reader *self = container_of(reader, struct sqlite_reader, reader);
    db_close(&self->db);
    mem_free(self);
}

struct store_reader *sqlite_reader(struct store *store, int *err)
{
    struct store_sqlite *sqlite = container_of(store, struct store_sqlite, store);
    struct sqlite_reader *self = MEM_NEW(struct sqlite_reader);
    self->reader = (struct store_reader){
        .query = reader_query,
        .listing = reader_listing,
        .give_up = reader_give_up,
        .close = reader_close,
    };
    self->full_text = sqlite->full_text;
    self->clock_ms = sqlite->clock_ms != NULL ? sqlite->clock_ms : clock_mono_ms;
    /* It could write, which reading the log needs, and is told not to. */
    *err = sqlite_connect(&self->db, sqlite->path.at, sqlite->vfs.at, SQLITE_OPEN_READWRITE);
    if (*err == 0)
        *err = db_exec(&self->db, "PRAGMA query_only=1");
    if (*err == 0) {
        sqlite_leave_log(&self->db);
        sqlite3_progress_handler(self->db.handle, STEPS_PER_LOOK, look_at_clock, self);
        return &self->reader;
    }
    reader_close(&self->reader);
    return NULL;
}
