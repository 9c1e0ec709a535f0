/*
 * stentor-fill: makes a store with many rooms, or with one that has many messages, as a server that
 * has run for long leaves it. The rooms are r0, r1, ... of the load generator, persistent, public,
 * and all alike: what differs between them is of no weight for what is measured.
 */
#include "bench/stored/message.h"
#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/muc/change.h"
#include "core/muc/room.h"
#include "core/xmpp/prep.h"
#include "shard/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TOGETHER = 1000 }; /* rooms or messages of one transaction */

static const char usage[] =
    "usage: stentor-fill [-r ROOMS] [-m MESSAGES] FILE\n"
    "Adds so many rooms, or so many messages to the archive of r0, to the store FILE.\n";

/* What creating a room writes, by the rules themselves. */
static void creation(struct buf *batch, struct arena *arena, bool archived)
{
    struct room_options options;
    options_preset(&options);
    options.persistent = true;
    options.archive = archived;
    struct muc_settings settings = {
        .domain = STR(STORED_DOMAIN), .defaults = &options, .durable = true};
    struct muc_crypto none = {0};
    struct muc_env env = {.settings = &settings, .crypto = &none, .hash_key = {3, 4}};
    struct affiliation_change owner = {.jid = STR("owner@localhost"), .after = AFF_OWNER};
    struct change change = {
        .kind = CHANGE_CREATE,
        .affiliations = &owner,
        .affiliation_count = 1,
    };
    struct jid *jid = jid_parse(arena, STORED_ROOM);
    map_init(&settings.admins, &env.hash_key);
    map_init(&settings.banned, &env.hash_key);
    struct room *room = room_new(&env, jid, 1);
    record_change(batch, arena, room, &change);
    room_free(room);
    map_fini(&settings.admins);
    map_fini(&settings.banned);
    room_options_fini(&options);
}

static int add_rooms(struct store *store, uint32_t rooms, bool archived)
{
    struct arena *arena = arena_new(64 * 1024);
    struct buf batch;
    buf_init(&batch, NULL);
    creation(&batch, arena, archived);
    int err = 0;
    for (uint32_t done = 0; done < rooms && err == 0;) {
        struct arena *names = arena_new(64 * 1024);
        static struct store_commit commits[TOGETHER];
        unsigned count = 0;
        for (; count < TOGETHER && done < rooms; count++, done++) {
            commits[count] = (struct store_commit){
                .room = str_fmt(names, "r%u@" STORED_DOMAIN, done),
                .batch = buf_str(&batch),
            };
        }
        err = store->commit(store, commits, count);
        arena_free(names);
    }
    buf_free(&batch);
    arena_free(arena);
    return err;
}

static int add_messages(struct store *store, uint32_t messages)
{
    struct buf batch;
    int err = 0;
    for (uint32_t done = 0; done < messages && err == 0;) {
        struct arena *arena = arena_new(64 * 1024);
        buf_init(&batch, NULL);
        for (unsigned count = 0; count < TOGETHER && done < messages; count++, done++)
            stored_append(&batch, arena, done);
        struct store_commit commit = {.room = STORED_ROOM, .batch = buf_str(&batch)};
        err = store->commit(store, &commit, 1);
        buf_free(&batch);
        arena_free(arena);
    }
    return err;
}

static bool read_number(uint32_t *number, const char *option, const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text != '\0' && *end == '\0' && value <= 100000000) {
        *number = (uint32_t)value;
        return true;
    }
    fprintf(stderr, "stentor-fill: %s is '%s': give a number up to 100000000\n", option, text);
    return false;
}

static int fill(const char *path, uint32_t rooms, uint32_t messages)
{
    struct arena *arena = arena_new(4096);
    struct store_sqlite_setup setup = {.path = str_z(path), .full_text = true};
    const char *why = NULL;
    int err = 0;
    struct store *store = store_sqlite_open(&setup, arena, &err, &why);
    if (store != NULL) {
        err = add_rooms(store, messages > 0 && rooms == 0 ? 1 : rooms, messages > 0);
        if (err == 0)
            err = add_messages(store, messages);
        while (err == 0 && store->trim(store, &(struct store_retention){0}) == 1) {
        }
        store->close(store);
    }
    if (err != 0)
        fprintf(stderr, "stentor-fill: %s: %s\n", path, why != NULL ? why : err_text(err));
    arena_free(arena);
    return err == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint32_t rooms = 0, messages = 0;
    for (int c; (c = getopt(argc, argv, "r:m:")) != -1;) {
        bool fine = (c == 'r' && read_number(&rooms, "-r", optarg)) ||
                    (c == 'm' && read_number(&messages, "-m", optarg));
        if (!fine) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return 2;
    }
    ensure(prep_init() == ERR_OK);
    return fill(argv[optind], rooms, messages);
}
