/*
 * The rooms of one shard: found by JID, made when something happens to one, gone when there is
 * nothing of it to remember; with their alarms and their entries in the directory.
 *
 * Bound   Rooms that exist are as many as their creators make. Tombstones of destroyed rooms: at
 *         most TOMBSTONES_MAX, the oldest goes first.
 * Log     One line when a room comes into being, is destroyed, is gone.
 */
#ifndef SHARD_ROOMS_H
#define SHARD_ROOMS_H

#include "core/muc/muc.h"
#include "shard/backing.h"
#include "shard/directory.h"
#include "shard/timers.h"
#include "shard/window.h"

struct room_entry {
    struct room *room;
    const struct muc_env *env;              /* of its service */
    struct str key;                         /* bare JID, inside the room */
    struct timer alarms[ROOM_TIMER_BURIAL]; /* their tags are their indexes; the last is in: */
    struct window *window;                  /* while the room is large */
    struct backing *backing;                /* NULL: there is no store */
    struct room_entry *older, *newer;       /* tombstones, by age */
    bool known;                             /* it has been there, and the log says so */
    bool listed;                            /* in the directory */
    bool tombstone;
    bool old_tombstone; /* it comes from the store: that the room is destroyed was said before */
};

struct rooms {
    const struct muc_env *envs;
    unsigned env_count;
    struct directory *directory;
    struct map by_jid;
    struct room_place *places; /* by a part of the rooms' ids */
    uint32_t place_count;
    uint32_t free_place; /* place_count: none is free */
    uint64_t shard_bits; /* of the rooms' ids */
    struct timers timers;
    struct room_entry *oldest_tombstone, *newest_tombstone;
    uint32_t tombstone_count;
};

/* `*rooms` holds `envs`, `env_count` and `directory`; the rest is made. */
void rooms_init(struct rooms *rooms, unsigned shard, int64_t now_us);
void rooms_fini(struct rooms *rooms);

/* Of the service that the address belongs to; it is one that is served. */
const struct muc_env *rooms_env(const struct rooms *rooms, const struct jid *jid);

/* NULL: no such room here. `jid` may be an occupant's. Entries are borrowed until
 * rooms_settle(). */
struct room_entry *rooms_find(const struct rooms *rooms, const struct jid *jid);
struct room_entry *rooms_find_str(const struct rooms *rooms, struct str bare_jid);
struct room_entry *rooms_need(struct rooms *rooms, const struct jid *jid);
/* NULL: it is no more. */
struct room_entry *rooms_by_id(const struct rooms *rooms, uint64_t id);
/* Those that have a place from `*at` on; rooms may come and go meanwhile. NULL at the end. */
struct room_entry *rooms_from(const struct rooms *rooms, uint32_t *at);
/* All of them: `*at` starts at 0; NULL at the end. Settling one is allowed, needing one is not. */
struct room_entry *rooms_each(const struct rooms *rooms, uint32_t *at);
uint32_t rooms_count(const struct rooms *rooms);

/* Effects. `at_us` 0 clears the alarm. */
void rooms_set_alarm(struct rooms *rooms, struct room_entry *entry, enum room_timer which,
                     int64_t at_us);
void rooms_publish(struct rooms *rooms, struct room_entry *entry, bool listed, struct str name,
                   uint32_t occupants);

/* After a step of the room: it is forgotten if there is nothing to remember; the entry must not be
 * used any more. */
void rooms_settle(struct rooms *rooms, struct room_entry *entry);

/* Leaves memory; it is stored, or was never there. */
void rooms_forget(struct rooms *rooms, struct room_entry *entry);

/* The next room whose alarm rings, and which; NULL: none. ROOM_TIMERS: it has been idle for long.
 */
struct room_entry *rooms_ringing(struct rooms *rooms, int64_t now_us, enum room_timer *which);
int rooms_timeout_ms(const struct rooms *rooms, int64_t now_us);

#endif
