#include "tests/sim/sim_store.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

struct front {
    struct store store;
    struct sim_store *sim;
};

struct front_reader {
    struct store_reader reader;
    struct store_reader *behind;
    struct sim_store *sim;
};

static struct sim_store *sim_of(struct store *store)
{
    return container_of(store, struct front, store)->sim;
}

static int refused(struct sim_store *sim, int err)
{
    if (err < 0)
        sim->failures++;
    return err;
}

static int front_load(struct store *store, struct arena *arena, struct str room,
                      struct store_room *loaded)
{
    struct sim_store *sim = sim_of(store);
    *loaded = (struct store_room){0};
    if (refused(sim, sim->load_err) < 0)
        return sim->load_err;
    return sim->behind->load(sim->behind, arena, room, loaded);
}

static int front_commit(struct store *store, const struct store_commit *commits, unsigned count)
{
    struct sim_store *sim = sim_of(store);
    if (refused(sim, sim->commit_err) < 0)
        return sim->commit_err;
    int err = sim->behind->commit(sim->behind, commits, count);
    ensure(err == 0);
    sim->commits++;
    for (unsigned i = 0; i < count; i++) {
        struct record_item item;
        struct str rest = commits[i].batch;
        int more;
        while ((more = record_next(&rest, &item)) == 1)
            sim->committed(sim->self, commits[i].room, &item);
        ensure(more == 0);
    }
    return 0;
}

static int front_trim(struct store *store, const struct store_retention *retention)
{
    struct sim_store *sim = sim_of(store);
    return sim->behind->trim(sim->behind, retention);
}

static int front_occupied(struct store *store, struct arena *arena, struct str **rooms,
                          unsigned *count)
{
    struct sim_store *sim = sim_of(store);
    return sim->behind->occupied(sim->behind, arena, rooms, count);
}

static void front_account(struct store *store, struct account_ask *ask)
{
    struct sim_store *sim = sim_of(store);
    int err = ask->op == ACCOUNT_LOAD ? sim->load_err : sim->commit_err;
    ask->err = refused(sim, err);
    if (err == 0)
        sim->behind->account(sim->behind, ask);
}

/* ---- the reader ---- */

static void front_query(struct store_reader *reader, struct arena *arena, struct str room,
                        const struct archive_query *query, struct archive_page *page)
{
    struct front_reader *front = container_of(reader, struct front_reader, reader);
    *page = (struct archive_page){.err = refused(front->sim, front->sim->query_err)};
    if (page->err == 0)
        front->behind->query(front->behind, arena, room, query, page);
}

static void front_listing(struct store_reader *reader, struct arena *arena,
                          const struct stored_query *query, struct stored_page *page)
{
    struct front_reader *front = container_of(reader, struct front_reader, reader);
    *page = (struct stored_page){.err = refused(front->sim, front->sim->query_err)};
    if (page->err == 0)
        front->behind->listing(front->behind, arena, query, page);
}

static void front_reader_close(struct store_reader *reader)
{
    struct front_reader *front = container_of(reader, struct front_reader, reader);
    front->behind->close(front->behind);
    mem_free(front);
}

static struct store_reader *front_reader(struct store *store, int *err)
{
    struct sim_store *sim = sim_of(store);
    struct store_reader *behind = sim->behind->reader(sim->behind, err);
    if (behind == NULL)
        return NULL;
    struct front_reader *front = MEM_NEW(struct front_reader);
    front->behind = behind;
    front->sim = sim;
    front->reader = (struct store_reader){
        .query = front_query,
        .listing = front_listing,
        .close = front_reader_close,
    };
    return &front->reader;
}

static void front_close(struct store *store)
{
    mem_free(container_of(store, struct front, store));
}

struct store *sim_store_open(struct sim_store *sim)
{
    struct front *front = MEM_NEW(struct front);
    front->sim = sim;
    front->store = (struct store){
        .durable = true,
        .load = front_load,
        .commit = front_commit,
        .trim = front_trim,
        .occupied = front_occupied,
        .account = front_account,
        .reader = front_reader,
        .close = front_close,
    };
    return &front->store;
}
