/*
 * Rooms and what a store would have of them: rows, written by operations and read back. No shard,
 * no scribe; the rooms are changed by change_apply() alone, as a committed change is.
 */
#ifndef TESTS_SUPPORT_RECORD_WORLD_H
#define TESTS_SUPPORT_RECORD_WORLD_H

#include "core/muc/change.h"
#include "core/muc/room.h"
#include "core/record/record.h"

struct record_world {
    struct muc_env env;
    struct muc_settings settings;
    struct muc_crypto crypto;
    struct room_options defaults;
    struct arena *arena;
    struct room *room;
    struct record_row *rows; /* as stored */
    unsigned row_count, row_cap;
    struct record_show show;       /* as told last */
    unsigned ops[RECORD_BURY + 1]; /* of the last batch, by operation */
    size_t batch_bytes;            /* its size */
    struct str batch;              /* itself */
};

#define RECORD_ROOM "lounge@rooms.example"

/* With a durable store and presets but for: rooms are persistent, and not locked. */
struct record_world *record_world_new(void);
void record_world_free(struct record_world *world);

/* An absent room at that address, with the world's rules; room_free(). */
struct room *record_room(struct record_world *world);

/* Takes the operations into the rows. */
void record_keep(struct record_world *world, struct str batch);
/* Writes the change, then applies it to the world's room. */
void record_commit(struct record_world *world, const struct change *change);
/* Another room, made of the rows and these messages; room_free(). */
struct room *record_reload_with(struct record_world *world, const struct archived *history,
                                unsigned count);
struct room *record_reload(struct record_world *world);
/* The first row of that kind; NULL: there is none. */
struct record_row *record_row(struct record_world *world, enum record_kind kind);

/* Change and frames, in the world's arena. */
struct change *record_affiliation(struct record_world *world, const char *jid,
                                  enum affiliation after);
struct frame *record_frame(struct record_world *world, const char *nick, const char *inside);
/* Seats a session, as entering does. */
struct session *record_enter(struct record_world *world, const char *full_jid, const char *nick,
                             enum role role);
/* The room exists: its creator is romeo@example.org. */
void record_create(struct record_world *world);

#endif
