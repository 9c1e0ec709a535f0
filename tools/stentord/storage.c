#include "tools/stentord/storage.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "shard/placement.h"
#include "shard/store/reader.h"
#include "shard/store/scribe.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { STORAGE_ARENA_BYTES = 4096 };

/* ---- open ---- */

static struct store *open_store(struct storage *storage, const struct settings *settings,
                                const struct muc_crypto *crypto, int *err, const char **why)
{
    struct store_sqlite_setup setup = {
        .path = settings->store.path,
        .full_text = settings->store.full_text,
        .crypto = crypto,
    };
    if (settings->store.sqlite)
        return store_sqlite_open(&setup, storage->arena, err, why);
    return store_mem_open(&settings->hash_key);
}

/* What is asked before anybody else uses it. */
static int look_into(struct storage *storage, const struct settings *settings)
{
    struct store *store = storage->store;
    int err = 0;
    if (!store->durable)
        return 0;
    storage->connection = store->reader(store, &err);
    if (storage->connection == NULL)
        return err;
    if (settings->store.full_text)
        storage->searching = store->reader(store, &err);
    if (err != 0)
        return err;
    return store->occupied(store, storage->arena, &storage->occupied, &storage->occupied_count);
}

bool storage_open(struct storage *storage, const struct settings *settings,
                  const struct muc_crypto *crypto)
{
    const char *why = NULL;
    int err = 0;
    *storage = (struct storage){.arena = arena_new(STORAGE_ARENA_BYTES)};
    storage->store = open_store(storage, settings, crypto, &err, &why);
    if (storage->store != NULL)
        err = look_into(storage, settings);
    if (err == 0)
        return true;
    fprintf(stderr, "stentord: store.path: %s: %s\n", settings->store.path.at,
            why != NULL ? why : err_text(err));
    storage_close(storage);
    return false;
}

void storage_close(struct storage *storage)
{
    if (storage->connection != NULL)
        storage->connection->close(storage->connection);
    if (storage->searching != NULL)
        storage->searching->close(storage->searching);
    if (storage->store != NULL)
        storage->store->close(storage->store);
    arena_free(storage->arena);
    *storage = (struct storage){0};
}

void storage_log(const struct settings *settings)
{
    if (!settings->store.sqlite) {
        log_info("store: none, everything is kept in memory");
        return;
    }
    const char *durability = settings->store.power_messages ? "power"
                             : settings->store.power_gated  ? "mixed"
                                                            : "process";
    char place[PATH_MAX];
    const char *path = settings->store.path.at;
    if (realpath(path, place) != NULL)
        path = place;
    log_info("store: %s, durability %s", path, durability);
}

/* ---- run ---- */

/* The connections are taken. */
static int start_readers(struct storage *storage, struct exchange *exchange, struct logs *logs)
{
    int err = 0;
    struct store_reader *reading = storage->connection;
    struct store_reader *searching = storage->searching;
    storage->connection = NULL;
    if (reading != NULL) {
        storage->reader = reader_new(exchange, reading, logs_sink(logs, "reader"), &err);
        err = storage->reader == NULL ? err : agent_start(reader_agent(storage->reader));
    }
    if (searching == NULL || err < 0)
        return err;
    storage->searching = NULL;
    storage->searcher = searcher_new(exchange, searching, logs_sink(logs, "searcher"), &err);
    return storage->searcher == NULL ? err : agent_start(reader_agent(storage->searcher));
}

int storage_start(struct storage *storage, const struct settings *settings,
                  struct exchange *exchange, struct logs *logs)
{
    struct scribe_setup setup = {
        .exchange = exchange,
        .store = storage->store,
        .keep_days = settings->store.keep_days,
        .keep_count = settings->store.keep_count,
        .log = logs_sink(logs, "scribe"),
    };
    int err = start_readers(storage, exchange, logs);
    if (err < 0)
        return err;
    storage->scribe = scribe_new(&setup, &err);
    return storage->scribe == NULL ? err : agent_start(scribe_agent(storage->scribe));
}

static bool is_served(const struct settings *settings, const struct jid *room)
{
    for (unsigned i = 0; i < settings->service_count; i++) {
        if (str_eq(settings->services[i].domain, jid_domain(room)))
            return true;
    }
    return false;
}

void storage_wake(const struct storage *storage, const struct settings *settings,
                  struct exchange *exchange)
{
    for (unsigned i = 0; i < storage->occupied_count; i++) {
        struct jid *room = jid_parse(NULL, storage->occupied[i]);
        if (room == NULL || room->local_len == 0 || !is_served(settings, room)) {
            jid_free(room);
            continue;
        }
        struct message *message = message_new(MSG_ROOM_WAKE);
        message->room_wake.room = room;
        post_shard(exchange,
                   placement_shard(&settings->placement_key, jid_bare(room), settings->threads),
                   message);
    }
    if (storage->occupied_count > 0)
        log_info("%u rooms had somebody inside when the process ended", storage->occupied_count);
}

/* While one answer after the other comes late, that is one trouble. */
void storage_look(struct storage *storage)
{
    struct scribe_pace pace = scribe_pace(storage->scribe);
    bool late = pace.since_ms != 0 && clock_mono_ms() - pace.since_ms >= STORE_SLOW_MS;
    bool prompt = pace.since_ms == 0 || pace.prompt != storage->prompt;
    storage->prompt = pace.prompt;
    if (late && !storage->slow)
        log_warn("the store has not answered for %d seconds: what has to be kept waits for the"
                 " disk, and whoever needs it waits or is refused",
                 STORE_SLOW_MS / 1000);
    if (!late && prompt && storage->slow)
        log_info("the store answers again");
    storage->slow = late || (storage->slow && !prompt);
}

/* ---- stop ---- */

bool storage_stop(struct storage *storage, int64_t at_ms)
{
    bool stopped = true;
    if (storage->reader != NULL)
        reader_stop(storage->reader);
    if (storage->searcher != NULL)
        reader_stop(storage->searcher);
    if (storage->scribe != NULL)
        agent_stop(scribe_agent(storage->scribe));
    if (storage->reader != NULL)
        stopped &= agent_join_by(reader_agent(storage->reader), at_ms);
    if (storage->searcher != NULL)
        stopped &= agent_join_by(reader_agent(storage->searcher), at_ms);
    if (storage->scribe != NULL)
        stopped &= agent_join_by(scribe_agent(storage->scribe), at_ms);
    return stopped;
}

void storage_free(struct storage *storage)
{
    reader_free(storage->reader);
    reader_free(storage->searcher);
    scribe_free(storage->scribe);
    arena_free(storage->arena);
}
