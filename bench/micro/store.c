/*
 * The store's port, with SQLite behind it: shard/store. One thread does what the scribe and the
 * reader do, without their questions and answers; by the wall clock, since a commit with `power`
 * waits for the disk, that of $TMPDIR or /tmp. Messages have 80 bytes.
 *
 * usage: bench-micro-store [--messages N] [what all of them take]; so many are archived already
 */
#include "bench/micro/micro.h"
#include "bench/stored/message.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "shard/store/store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRIMMED   64 /* commits between two checkpoints, which the scribe makes when it has time */
#define TOGETHER  1000
#define PAGE      100
#define AFF_COUNT 100
#define MESSAGES  20000

static struct {
    char folder[64];
    char path[96];
    struct arena *arena; /* of what lives as long as the store */
    struct store *store;
    struct store_reader *reader;
    uint32_t messages;
    unsigned commits;
} world;

static void open_store(void)
{
    const char *base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    snprintf(world.folder, sizeof(world.folder), "%.32s/stentor-micro-XXXXXX", base);
    if (mkdtemp(world.folder) == NULL) {
        fprintf(stderr, "cannot make a folder in %s\n", base);
        exit(1);
    }
    snprintf(world.path, sizeof(world.path), "%s/store.db", world.folder);
    world.arena = arena_new(4096);
    struct store_sqlite_setup setup = {.path = str_z(world.path), .full_text = true};
    const char *why = NULL;
    int err = 0;
    world.store = store_sqlite_open(&setup, world.arena, &err, &why);
    ensure(world.store != NULL);
    world.reader = world.store->reader(world.store, &err);
    ensure(world.reader != NULL);
    world.messages = 0;
}

static void close_store(void)
{
    world.reader->close(world.reader);
    world.store->close(world.store);
    arena_free(world.arena);
    DIR *folder = opendir(world.folder);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[sizeof(world.folder) + sizeof(entry->d_name) + 1];
        snprintf(path, sizeof(path), "%s/%s", world.folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(world.folder);
}

static void commit(struct str room, struct buf *batch, bool power)
{
    struct store_commit commit = {.room = room, .batch = buf_str(batch), .power = power};
    ensure(world.store->commit(world.store, &commit, 1) == 0);
    if (++world.commits % TRIMMED != 0)
        return;
    while (world.store->trim(world.store, &(struct store_retention){0}) == 1) {
    }
}

/* ---- writing ---- */

static void append(uint32_t count, bool power)
{
    struct arena *arena = arena_new(64 * 1024);
    struct buf batch;
    buf_init(&batch, NULL);
    for (uint32_t i = 0; i < count; i++)
        stored_append(&batch, arena, world.messages++);
    commit(STORED_ROOM, &batch, power);
    buf_free(&batch);
    arena_free(arena);
}

struct batches {
    uint32_t size;
    bool power;
};

static uint64_t append_batches(void *self, uint64_t operations)
{
    const struct batches *batches = self;
    uint64_t done = 0;
    for (; done < operations; done += batches->size)
        append(batches->size, batches->power);
    return done;
}

/* One affiliation is one row. */
static uint64_t put_rows(void *self, uint64_t operations)
{
    const struct batches *batches = self;
    for (uint64_t i = 0; i < operations; i++) {
        char key[32];
        snprintf(key, sizeof(key), "guest%u@localhost", (unsigned)(i % AFF_COUNT));
        struct record_item item = {
            .op = RECORD_PUT,
            .kind = RECORD_AFFILIATION,
            .key = str_z(key),
            .value = STR("what is kept of an affiliation"),
        };
        struct buf batch;
        buf_init(&batch, NULL);
        record_add(&batch, &item);
        commit(STORED_ROOM, &batch, batches->power);
        buf_free(&batch);
    }
    return operations;
}

/* ---- reading ---- */

static void ask_for(const struct archive_query *query, unsigned wanted)
{
    struct arena *arena = arena_new(64 * 1024);
    struct archive_page page = {0};
    world.reader->query(world.reader, arena, STORED_ROOM, query, &page);
    ensure(page.err == 0 && page.count == wanted);
    micro_keep(&page);
    arena_free(arena);
}

static void ask(const struct archive_query *query)
{
    ask_for(query, query->max);
}

static struct archive_query all(void)
{
    return (struct archive_query){.start_us = INT64_MIN, .end_us = INT64_MAX, .max = PAGE};
}

static uint64_t first_page(void *self, uint64_t operations)
{
    UNUSED(self);
    struct archive_query query = all();
    for (uint64_t i = 0; i < operations; i++)
        ask(&query);
    return operations;
}

/* Neither end is near enough to be counted from, if there are many. */
static uint64_t middle_page(void *self, uint64_t operations)
{
    UNUSED(self);
    struct archive_query query = all();
    struct arena *arena = arena_new(256);
    query.after = stored_id(arena, world.messages / 2);
    for (uint64_t i = 0; i < operations; i++)
        ask(&query);
    arena_free(arena);
    return operations;
}

/* One in a thousand messages is that user's: of fewer than 100,000, the page is not full. */
static uint64_t page_of_nick(void *self, uint64_t operations)
{
    UNUSED(self);
    struct archive_query query = all();
    unsigned had = (world.messages + STORED_SPEAKERS - 1) / STORED_SPEAKERS;
    query.with_nick = STR("u0");
    query.backwards = true;
    for (uint64_t i = 0; i < operations; i++)
        ask_for(&query, had < PAGE ? had : PAGE);
    return operations;
}

static uint64_t page_of_word(void *self, uint64_t operations)
{
    UNUSED(self);
    struct archive_query query = all();
    query.text = STR("fox");
    query.backwards = true;
    for (uint64_t i = 0; i < operations; i++)
        ask(&query);
    return operations;
}

/* Each message has its number among its words. */
static uint64_t page_of_rare_word(void *self, uint64_t operations)
{
    UNUSED(self);
    struct archive_query query = all();
    for (uint64_t i = 0; i < operations; i++) {
        char word[16];
        snprintf(word, sizeof(word), "%010u", (unsigned)(i * 7919 % world.messages));
        query.text = str_z(word);
        ask_for(&query, 1);
    }
    return operations;
}

/* The last page, as a client asks for that comes back. */
static uint64_t last_page(void *self, uint64_t operations)
{
    UNUSED(self);
    struct archive_query query = all();
    query.backwards = true;
    for (uint64_t i = 0; i < operations; i++)
        ask(&query);
    return operations;
}

/* One behind another, from anywhere. */
static uint64_t page_after(void *self, uint64_t operations)
{
    UNUSED(self);
    uint32_t messages = world.messages;
    for (uint64_t i = 0; i < operations; i++) {
        struct archive_query query = all();
        struct arena *arena = arena_new(256);
        query.after = stored_id(arena, (uint32_t)(i * 7919 % (messages - PAGE - 1)));
        ask(&query);
        arena_free(arena);
    }
    return operations;
}

/* The page behind a moment. */
static uint64_t page_since(void *self, uint64_t operations)
{
    UNUSED(self);
    uint32_t messages = world.messages;
    for (uint64_t i = 0; i < operations; i++) {
        struct archive_query query = all();
        query.start_us =
            STORED_FIRST_US + (int64_t)(i * 7919 % (messages - PAGE - 1)) * STORED_STEP_US;
        ask(&query);
    }
    return operations;
}

static uint64_t load(void *self, uint64_t operations)
{
    UNUSED(self);
    for (uint64_t i = 0; i < operations; i++) {
        struct arena *arena = arena_new(16 * 1024);
        struct store_room loaded;
        ensure(world.store->load(world.store, arena, STORED_ROOM, &loaded) == 0);
        micro_keep(&loaded);
        arena_free(arena);
    }
    return operations;
}

/* The room, with twenty messages for newcomers. */
static void make_room(void)
{
    struct record_item items[] = {
        {.op = RECORD_PUT, .kind = RECORD_HEAD, .value = STR("what is kept of a room's head")},
        {.op = RECORD_PUT, .kind = RECORD_OPTIONS, .value = STR("what is kept of its options")},
        {.op = RECORD_SHOW, .show = {.name = STR("r0"), .archived = true, .history = 20}},
    };
    struct buf batch;
    buf_init(&batch, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(items); i++)
        record_add(&batch, &items[i]);
    commit(STORED_ROOM, &batch, false);
    buf_free(&batch);
}

static uint32_t read_messages(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text != '\0' && *end == '\0' && value >= MESSAGES && value <= 100000000)
        return (uint32_t)value;
    fprintf(stderr, "--messages is '%s': use a number from %d to 100000000\n", text, MESSAGES);
    exit(2);
}

static void fill(uint32_t messages)
{
    while (world.messages < messages)
        append(TOGETHER, false);
}

int main(int argc, char **argv)
{
    static struct batches one = {1, false}, ten = {10, false}, hundred = {100, false},
                          thousand = {1000, false}, one_synced = {1, true},
                          hundred_synced = {100, true};
    const struct micro_case cases[] = {
        {"put an affiliation, process", put_rows, &one, true},
        {"put an affiliation, power", put_rows, &one_synced, true},
        {"append a message, in batches of 1, process", append_batches, &one, true},
        {"append a message, in batches of 10, process", append_batches, &ten, true},
        {"append a message, in batches of 100, process", append_batches, &hundred, true},
        {"append a message, in batches of 1,000, process", append_batches, &thousand, true},
        {"append a message, in batches of 1, power", append_batches, &one_synced, true},
        {"append a message, in batches of 100, power", append_batches, &hundred_synced, true},
        {"load a room with 100 affiliations, history", load, NULL, true},
        {"first page of 100", first_page, NULL, true},
        {"last page of 100", last_page, NULL, true},
        {"page of 100 from the middle", middle_page, NULL, true},
        {"last page of 100 by a nickname", page_of_nick, NULL, true},
        {"last page of 100 by a common word", page_of_word, NULL, true},
        {"page by a rare word", page_of_rare_word, NULL, true},
        {"page of 100 after an id", page_after, NULL, true},
        {"page of 100 since a time, counted", page_since, NULL, true},
    };
    uint32_t messages = MESSAGES;
    if (argc > 2 && strcmp(argv[1], "--messages") == 0) {
        messages = read_messages(argv[2]);
        argv[2] = argv[0];
        argc -= 2;
        argv += 2;
    }
    open_store();
    make_room();
    fill(messages);
    int status = micro_main(argc, argv, "store", cases, ARRAY_LEN(cases));
    close_store();
    return status;
}
