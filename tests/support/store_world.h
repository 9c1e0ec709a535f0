/*
 * A store to test: either backend, in a folder of its own; batches, and messages that can be told
 * apart.
 */
#ifndef TESTS_SUPPORT_STORE_WORLD_H
#define TESTS_SUPPORT_STORE_WORLD_H

#include "core/base/arena.h"
#include "shard/store/store.h"

enum store_backend { BACKEND_MEM, BACKEND_SQLITE };

struct store_world {
    enum store_backend backend;
    struct arena *arena;
    char folder[64];
    char path[80]; /* of the store's file */
    const char *vfs;
    struct store *store;
    struct store_reader *reader;
    const char *why;
    struct buf batch; /* what store_world_commit() takes */
};

void store_world_begin(struct store_world *world, enum store_backend backend);
/* Closes the store and opens it again; a memory store would be empty. The error, or 0. */
int store_world_reopen(struct store_world *world);
void store_world_close(struct store_world *world);
/* Removes the folder too. */
void store_world_end(struct store_world *world);

/* ---- operations, to be taken together by the next commit ---- */

void add_put(struct store_world *world, enum record_kind kind, const char *key, const char *value);
void add_delete(struct store_world *world, enum record_kind kind, const char *key);
void add_clear(struct store_world *world, enum record_kind kind);
void add_wipe(struct store_world *world);
void add_show(struct store_world *world, const struct record_show *show);
/* Message `number`: id m<number>, at <number> seconds, of nick<number % 3>, and so on; its body is
 * `body`, or absent. */
struct archived message_make(struct store_world *world, unsigned number, const char *body);
void add_append(struct store_world *world, unsigned number, const char *body);
void add_message(struct store_world *world, const struct archived *message);
void add_bury(struct store_world *world, unsigned number, const char *xml);
/* All that was added, to one room. */
int store_world_commit(struct store_world *world, const char *room, bool power);

/* ---- questions ---- */

struct archive_query query_all(void);
struct archive_page ask(struct store_world *world, const char *room,
                        const struct archive_query *query);
/* The ids of a page, with a blank behind each. */
struct str page_ids(struct store_world *world, const struct archive_page *page);
/* How often the trim was run until nothing was left; an error ends it: negative. */
int trim_all(struct store_world *world, uint32_t days, uint32_t count, int64_t now_us);

#endif
