/*
 * Rooms, archives and accounts in memory, for throw-away servers and for tests. Small and plain
 * rather than fast: it says what the other store has to do. Its reader may be another thread's, so
 * one lock is around everything.
 */
#include "shard/store/store_mem.h"

#include "core/base/arena.h"
#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "shard/store/store_mem_room.h"

#include <pthread.h>
#include <time.h>

struct fault {
    unsigned count;
    int err;
};

struct store_mem {
    struct store store;
    struct hash_key hash_key;
    pthread_mutex_t lock;
    struct map accounts; /* name -> struct account, heap */
    struct map rooms;    /* JID -> struct mem_room */
    struct fault commits, loads, queries;
    unsigned slow_ms;
};

static struct store_mem *mem_of(struct store *store)
{
    return container_of(store, struct store_mem, store);
}

/* Begins an operation: takes its time, takes the lock. The error it is to fail with, or 0. */
static int mem_begin(struct store_mem *mem, struct fault *fault)
{
    pthread_mutex_lock(&mem->lock);
    unsigned ms = mem->slow_ms;
    pthread_mutex_unlock(&mem->lock);
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    if (ms != 0)
        nanosleep(&wait, NULL);
    pthread_mutex_lock(&mem->lock);
    if (fault->count == 0)
        return 0;
    fault->count--;
    return fault->err;
}

static void mem_end(struct store_mem *mem)
{
    pthread_mutex_unlock(&mem->lock);
}

/* ---- accounts ---- */

static void drop(struct account *account)
{
    account_fini(account);
    mem_free(account);
}

static int load(struct store_mem *mem, struct account *account)
{
    const struct account *kept = map_get(&mem->accounts, account->name);
    if (kept == NULL)
        return ERR_NOT_FOUND;
    account_fini(account);
    account_copy(account, kept);
    return 0;
}

static void keep(struct store_mem *mem, const struct account *account)
{
    struct account *kept = MEM_NEW(struct account);
    account_copy(kept, account);
    struct account *before = map_remove(&mem->accounts, kept->name);
    map_put(&mem->accounts, kept->name, kept);
    if (before != NULL)
        drop(before);
}

static int create(struct store_mem *mem, const struct account *account)
{
    if (map_get(&mem->accounts, account->name) != NULL)
        return ERR_EXISTS;
    if (mem->accounts.count >= ACCOUNTS_MAX)
        return ERR_LIMIT;
    keep(mem, account);
    return 0;
}

static int change(struct store_mem *mem, const struct account *account)
{
    if (map_get(&mem->accounts, account->name) == NULL)
        return ERR_NOT_FOUND;
    keep(mem, account);
    return 0;
}

static int forget(struct store_mem *mem, const struct account *account)
{
    struct account *kept = map_remove(&mem->accounts, account->name);
    if (kept == NULL)
        return ERR_NOT_FOUND;
    drop(kept);
    return 0;
}

static int account_do(struct store_mem *mem, struct account_ask *ask)
{
    switch (ask->op) {
    case ACCOUNT_LOAD:
        return load(mem, &ask->account);
    case ACCOUNT_CREATE:
        return create(mem, &ask->account);
    case ACCOUNT_CHANGE:
        return change(mem, &ask->account);
    case ACCOUNT_REMOVE:
        return forget(mem, &ask->account);
    }
    return ERR_INVALID;
}

static void store_mem_account(struct store *store, struct account_ask *ask)
{
    struct store_mem *mem = mem_of(store);
    pthread_mutex_lock(&mem->lock);
    ask->err = account_do(mem, ask);
    pthread_mutex_unlock(&mem->lock);
}

/* ---- rooms ---- */

static int store_mem_load(struct store *store, struct arena *arena, struct str jid,
                          struct store_room *loaded)
{
    struct store_mem *mem = mem_of(store);
    *loaded = (struct store_room){0};
    int err = mem_begin(mem, &mem->loads);
    struct mem_room *room = err == 0 ? map_get(&mem->rooms, jid) : NULL;
    if (room != NULL && room->item_count > 0)
        mem_room_load(room, arena, loaded);
    else if (err == 0)
        err = ERR_NOT_FOUND;
    mem_end(mem);
    return err;
}

static void room_wipe(struct store_mem *mem, struct mem_room *room)
{
    if (room == NULL)
        return;
    map_remove(&mem->rooms, room->jid);
    mem_room_free(room);
}

static void commit_item(struct store_mem *mem, struct str jid, const struct record_item *item)
{
    struct mem_room *room = map_get(&mem->rooms, jid);
    bool makes = item->op == RECORD_PUT || item->op == RECORD_SHOW || item->op == RECORD_APPEND;
    if (item->op == RECORD_WIPE) {
        room_wipe(mem, room);
        return;
    }
    if (room == NULL && makes) {
        room = mem_room_new(jid);
        map_put(&mem->rooms, room->jid, room);
    }
    if (room != NULL)
        mem_room_apply(room, item);
}

/* Nothing is done before all of it was read. */
static int commit_walk(struct store_mem *mem, const struct store_commit *commit, bool apply)
{
    struct str rest = commit->batch;
    struct record_item item;
    int more;
    while ((more = record_next(&rest, &item)) == 1)
        if (apply)
            commit_item(mem, commit->room, &item);
    return more;
}

static int store_mem_commit(struct store *store, const struct store_commit *commits, unsigned count)
{
    struct store_mem *mem = mem_of(store);
    int err = mem_begin(mem, &mem->commits);
    for (unsigned i = 0; i < count && err == 0; i++)
        err = commit_walk(mem, &commits[i], false);
    for (unsigned i = 0; i < count && err == 0; i++)
        err = commit_walk(mem, &commits[i], true);
    mem_end(mem);
    return err;
}

static int store_mem_trim(struct store *store, const struct store_retention *retention)
{
    struct store_mem *mem = mem_of(store);
    pthread_mutex_lock(&mem->lock);
    struct mem_room *room;
    map_each (&mem->rooms, at, room) {
        if (mem_room_is_over(room, retention->now_us))
            room_wipe(mem, room);
        else
            mem_room_trim(room, retention);
    }
    pthread_mutex_unlock(&mem->lock);
    return 0;
}

static int store_mem_occupied(struct store *store, struct arena *arena, struct str **rooms,
                              unsigned *count)
{
    struct store_mem *mem = mem_of(store);
    pthread_mutex_lock(&mem->lock);
    *rooms = ARENA_NEW_ARRAY(arena, struct str, mem->rooms.count + 1);
    *count = 0;
    struct mem_room *room;
    map_each (&mem->rooms, at, room)
        if (mem_room_occupied(room))
            (*rooms)[(*count)++] = str_in(arena, room->jid);
    pthread_mutex_unlock(&mem->lock);
    return 0;
}

static void store_mem_close(struct store *store)
{
    struct store_mem *mem = mem_of(store);
    struct account *account;
    map_each (&mem->accounts, at, account)
        drop(account);
    map_fini(&mem->accounts);
    struct mem_room *room;
    map_each (&mem->rooms, at, room)
        mem_room_free(room);
    map_fini(&mem->rooms);
    pthread_mutex_destroy(&mem->lock);
    mem_free(mem);
}

/* ---- the reader ---- */

struct mem_reader {
    struct store_reader reader;
    struct store_mem *mem;
};

static void reader_query(struct store_reader *reader, struct arena *arena, struct str jid,
                         const struct archive_query *query, struct archive_page *page)
{
    struct store_mem *mem = container_of(reader, struct mem_reader, reader)->mem;
    *page = (struct archive_page){.err = mem_begin(mem, &mem->queries)};
    if (page->err == 0)
        mem_room_query(map_get(&mem->rooms, jid), arena, query, page);
    mem_end(mem);
}

static void reader_listing(struct store_reader *reader, struct arena *arena,
                           const struct stored_query *query, struct stored_page *page)
{
    struct store_mem *mem = container_of(reader, struct mem_reader, reader)->mem;
    *page = (struct stored_page){.err = mem_begin(mem, &mem->queries)};
    if (page->err == 0)
        mem_rooms_listing(&mem->rooms, arena, query, page);
    mem_end(mem);
}

static void reader_close(struct store_reader *reader)
{
    mem_free(container_of(reader, struct mem_reader, reader));
}

static struct store_reader *store_mem_reader(struct store *store, int *err)
{
    struct mem_reader *reader = MEM_NEW(struct mem_reader);
    reader->mem = mem_of(store);
    reader->reader = (struct store_reader){
        .query = reader_query,
        .listing = reader_listing,
        .close = reader_close,
    };
    *err = 0;
    return &reader->reader;
}

struct store *store_mem_open(const struct hash_key *hash_key)
{
    struct store_mem *mem = MEM_NEW(struct store_mem);
    mem->store = (struct store){
        .load = store_mem_load,
        .commit = store_mem_commit,
        .trim = store_mem_trim,
        .occupied = store_mem_occupied,
        .account = store_mem_account,
        .reader = store_mem_reader,
        .close = store_mem_close,
    };
    mem->hash_key = *hash_key;
    pthread_mutex_init(&mem->lock, NULL);
    map_init(&mem->accounts, &mem->hash_key);
    map_init(&mem->rooms, &mem->hash_key);
    return &mem->store;
}

/* ---- on request ---- */

void store_mem_set_durable(struct store *store)
{
    store->durable = true;
}

static void set_fault(struct store_mem *mem, struct fault *fault, unsigned count, int err)
{
    pthread_mutex_lock(&mem->lock);
    *fault = (struct fault){.count = count, .err = err};
    pthread_mutex_unlock(&mem->lock);
}

void store_mem_fail_commits(struct store *store, unsigned count, int err)
{
    set_fault(mem_of(store), &mem_of(store)->commits, count, err);
}

void store_mem_fail_loads(struct store *store, unsigned count, int err)
{
    set_fault(mem_of(store), &mem_of(store)->loads, count, err);
}

void store_mem_fail_queries(struct store *store, unsigned count, int err)
{
    set_fault(mem_of(store), &mem_of(store)->queries, count, err);
}

void store_mem_slow(struct store *store, unsigned ms)
{
    struct store_mem *mem = mem_of(store);
    pthread_mutex_lock(&mem->lock);
    mem->slow_ms = ms;
    pthread_mutex_unlock(&mem->lock);
}
