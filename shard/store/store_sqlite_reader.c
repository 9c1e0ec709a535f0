/*
 * The store's readers: a connection each, which only reads. What is asked of one has an end: after
 * STORE_QUERY_MS it is given up, and answered with ERR_LIMIT. If the gate is shut meanwhile, it is
 * left and asked again, with what is left of its time.
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
    struct sqlite_gate *gate; /* the store's */
    unsigned round;           /* of the gate, when it was entered */
    bool full_text;
    int64_t (*clock_ms)(void);
    int64_t until_ms;
    atomic_bool given_up;
};

/* Anything but 0 ends what is being done. */
static int look_around(void *self)
{
    const struct sqlite_reader *reader = self;
    return atomic_load_explicit(&reader->given_up, memory_order_relaxed) ||
           gate_asks_to_leave(reader->gate, reader->round) || reader->clock_ms() > reader->until_ms;
}

static void reading_begins(struct sqlite_reader *self)
{
    self->until_ms = self->clock_ms() + STORE_QUERY_MS;
    self->round = gate_enter(self->gate);
}

/* False: it has to be done again, as it made way. */
static bool reading_ends(struct sqlite_reader *self, int err)
{
    bool made_way = err == ERR_LIMIT && gate_asks_to_leave(self->gate, self->round);
    gate_leave(self->gate);
    if (!made_way || atomic_load_explicit(&self->given_up, memory_order_relaxed) ||
        self->clock_ms() > self->until_ms)
        return true;
    self->round = gate_enter(self->gate);
    return false;
}

static void reader_query(struct store_reader *reader, struct arena *arena, struct str room,
                         const struct archive_query *query, struct archive_page *page)
{
    struct sqlite_reader *self = container_of(reader, struct sqlite_reader, reader);
    if (str_present(query->text) && !self->full_text) {
        *page = (struct archive_page){.err = ERR_UNSUPPORTED};
        return;
    }
    reading_begins(self);
    do
        sqlite_query(&self->db, arena, room, query, page);
    while (!reading_ends(self, page->err));
}

static void reader_listing(struct store_reader *reader, struct arena *arena,
                           const struct stored_query *query, struct stored_page *page)
{
    struct sqlite_reader *self = container_of(reader, struct sqlite_reader, reader);
    reading_begins(self);
    do
        sqlite_listing(&self->db, arena, query, page);
    while (!reading_ends(self, page->err));
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
    self->gate = &sqlite->gate;
    self->full_text = sqlite->full_text;
    self->clock_ms = sqlite->clock_ms != NULL ? sqlite->clock_ms : clock_mono_ms;
    /* It could write, which reading the log needs, and is told not to. */
    *err = sqlite_connect(&self->db, sqlite->path.at, sqlite->vfs.at, SQLITE_OPEN_READWRITE);
    if (*err == 0)
        *err = db_exec(&self->db, "PRAGMA query_only=1");
    if (*err == 0) {
        sqlite_leave_log(&self->db);
        sqlite3_progress_handler(self->db.handle, STEPS_PER_LOOK, look_around, self);
        return &self->reader;
    }
    reader_close(&self->reader);
    return NULL;
}
