#include "tests/support/store_world.h"

#include "core/base/err.h"
#include "core/base/hash.h"
#include "tests/support/lanes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct hash_key key = {7, 8};

int store_world_reopen(struct store_world *world)
{
    store_world_close(world);
    int err = 0;
    if (world->backend == BACKEND_MEM) {
        world->store = store_mem_open(&key);
    } else {
        struct store_sqlite_setup setup = {
            .path = str_z(world->path),
            .vfs = world->vfs,
            .full_text = true,
            .crypto = lanes_env()->crypto,
        };
        world->store = store_sqlite_open(&setup, world->arena, &err, &world->why);
    }
    if (world->store != NULL)
        world->reader = world->store->reader(world->store, &err);
    return err;
}

void store_world_begin(struct store_world *world, enum store_backend backend)
{
    const char *vfs = world->vfs;
    *world = (struct store_world){.backend = backend, .vfs = vfs};
    world->arena = arena_new(64 * 1024);
    snprintf(world->folder, sizeof(world->folder), "/tmp/stentor-store-XXXXXX");
    if (mkdtemp(world->folder) == NULL)
        abort();
    snprintf(world->path, sizeof(world->path), "%s/rooms.db", world->folder);
    buf_init(&world->batch, NULL);
    if (store_world_reopen(world) != 0)
        abort();
}

void store_world_close(struct store_world *world)
{
    if (world->reader != NULL)
        world->reader->close(world->reader);
    if (world->store != NULL)
        world->store->close(world->store);
    world->reader = NULL;
    world->store = NULL;
}

void store_world_end(struct store_world *world)
{
    store_world_close(world);
    DIR *folder = opendir(world->folder);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        unlink(str_fmt(world->arena, "%s/%s", world->folder, entry->d_name).at);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(world->folder);
    buf_free(&world->batch);
    arena_free(world->arena);
}

/* ---- operations ---- */

void add_put(struct store_world *world, enum record_kind kind, const char *of, const char *value)
{
    struct record_item item = {
        .op = RECORD_PUT,
        .kind = kind,
        .key = str_z(of),
        .value = str_z(value),
    };
    record_add(&world->batch, &item);
}

void add_delete(struct store_world *world, enum record_kind kind, const char *of)
{
    struct record_item item = {.op = RECORD_DELETE, .kind = kind, .key = str_z(of)};
    record_add(&world->batch, &item);
}

void add_clear(struct store_world *world, enum record_kind kind)
{
    struct record_item item = {.op = RECORD_CLEAR, .kind = kind};
    record_add(&world->batch, &item);
}

void add_wipe(struct store_world *world)
{
    struct record_item item = {.op = RECORD_WIPE};
    record_add(&world->batch, &item);
}

void add_show(struct store_world *world, const struct record_show *show)
{
    struct record_item item = {.op = RECORD_SHOW, .show = *show};
    record_add(&world->batch, &item);
}

struct archived message_make(struct store_world *world, unsigned number, const char *body)
{
    struct arena *arena = world->arena;
    struct str xml = str_fmt(arena, "<message from='r@h/nick%u' id='s%u'><body>%s</body></message>",
                             number % 3, number, body == NULL ? "" : body);
    return (struct archived){
        .id = str_fmt(arena, "m%u", number),
        .at_us = (int64_t)number * 1000000,
        .nick = str_fmt(arena, "nick%u", number % 3),
        .author = str_fmt(arena, "author%u", number % 4),
        .jid = str_fmt(arena, "user%u@h/res%u", number % 4, number % 5),
        .affiliation = number % 2 == 0 ? AFF_MEMBER : AFF_OWNER,
        .role = number % 2 == 0 ? ROLE_PARTICIPANT : ROLE_MODERATOR,
        .sender_id = str_fmt(arena, "s%u", number),
        .xml = xml,
        .address_at = 8,
        .tail_at = (uint32_t)xml.len - 10,
        .body = str_z(body),
        .history = true,
        .archived = true,
        .dated = number % 7 == 3,
        .dated_us = number % 7 == 3 ? 17 : 0,
    };
}

void add_message(struct store_world *world, const struct archived *message)
{
    struct record_item item = {.op = RECORD_APPEND, .message = *message};
    record_add(&world->batch, &item);
}

void add_append(struct store_world *world, unsigned number, const char *body)
{
    struct archived message = message_make(world, number, body);
    add_message(world, &message);
}

void add_bury(struct store_world *world, unsigned number, const char *xml)
{
    struct record_item item = {.op = RECORD_BURY, .message = message_make(world, number, NULL)};
    item.message.xml = str_z(xml);
    bool whole = str_starts(item.message.xml, STR("<message"));
    item.message.address_at = whole ? (uint32_t)strlen("<message") : 0;
    item.message.tail_at = whole ? (uint32_t)(item.message.xml.len - strlen("</message>")) : 0;
    item.message.retracted = true;
    record_add(&world->batch, &item);
}

int store_world_commit(struct store_world *world, const char *room, bool power)
{
    struct store_commit commit = {
        .room = str_z(room),
        .batch = buf_str(&world->batch),
        .power = power,
    };
    int err = world->store->commit(world->store, &commit, 1);
    world->batch.len = 0;
    return err;
}

/* ---- questions ---- */

struct archive_query query_all(void)
{
    return (struct archive_query){.start_us = INT64_MIN, .end_us = INT64_MAX, .max = 1000};
}

struct archive_page ask(struct store_world *world, const char *room,
                        const struct archive_query *query)
{
    struct archive_page page;
    world->reader->query(world->reader, world->arena, str_z(room), query, &page);
    return page;
}

struct str page_ids(struct store_world *world, const struct archive_page *page)
{
    struct buf ids;
    buf_init(&ids, world->arena);
    for (unsigned i = 0; i < page->count; i++) {
        buf_add(&ids, page->rows[i].id);
        buf_addc(&ids, ' ');
    }
    return buf_str(&ids);
}

int trim_all(struct store_world *world, uint32_t days, uint32_t count, int64_t now_us)
{
    struct store_retention retention = {.days = days, .count = count, .now_us = now_us};
    int steps = 0;
    int more;
    while ((more = world->store->trim(world->store, &retention)) == 1 && steps < 100000)
        steps++;
    return more < 0 ? more : steps;
}
