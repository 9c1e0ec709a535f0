/*
 * Who hears: an immutable snapshot of a room's sessions, grouped by lane, in counted chunks.
 *
 * The room's shard changes "the" roster by copy on write: what a delivery in flight holds stays as
 * it was when the delivery was made; if nobody holds it, the change is made in place. Entries carry
 * what a lane needs and nothing of the room: route, address, and flag bits an audience is tested
 * against.
 *
 *                add/remove/flags   ref/unref   read
 *   owner shard        ok               ok       ok
 *   lanes              NO               ok       ok      (of a snapshot they hold a reference to)
 */
#ifndef CORE_MUC_ROSTER_H
#define CORE_MUC_ROSTER_H

#include "core/xml/frame.h"

#include <stdbool.h>
#include <stdint.h>

/* A connection, by value: a stale one misses, it never dangles. For a component link, slot and
 * generation are those of the link and stay the same over reconnects. */
struct route {
    uint32_t slot;
    uint32_t generation;
    uint16_t lane;
};

#define LANE_NONE  UINT16_MAX
#define ROUTE_NONE ((struct route){0, 0, LANE_NONE})

static inline bool route_eq(struct route a, struct route b)
{
    return a.slot == b.slot && a.generation == b.generation && a.lane == b.lane;
}

/* Flag bits of an entry: the role of the listener's occupant, exactly one is set. */
enum roster_flag {
    ROSTER_VISITOR = 1,
    ROSTER_PARTICIPANT = 2,
    ROSTER_MODERATOR = 4,
};

#define ROSTER_OCCUPANTS_MAX (1u << 24)
#define OCCUPANT_NONE        UINT32_MAX

struct roster_entry {
    struct address *address; /* counted: the chunk holds a reference */
    uint32_t slot;
    uint32_t generation;
    uint32_t session;       /* number of the session in its room */
    uint32_t account_flags; /* number of its account's first occupant << 8 | flags */
};

static inline uint32_t roster_account(const struct roster_entry *entry)
{
    return entry->account_flags >> 8;
}

static inline uint8_t roster_flags(const struct roster_entry *entry)
{
    return (uint8_t)entry->account_flags;
}

struct roster; /* chunks and counts are in roster.c */

/* Empty, one reference. */
struct roster *roster_new(void);
struct roster *roster_ref(struct roster *roster);
void roster_unref(struct roster *roster); /* NULL allowed; any thread */

/* ---- the owner's changes; `*roster` is replaced when somebody else holds the old one ---- */
/* `address` counted: the roster takes a reference of its own. */
void roster_add(struct roster **roster, struct route route, struct address *address,
                uint32_t session, uint32_t account, uint8_t flags);
void roster_remove(struct roster **roster, uint32_t session);
/* New flags, account or route for a session that is in. */
void roster_update(struct roster **roster, uint32_t session, struct route route, uint32_t account,
                   uint8_t flags);

/* ---- reading ---- */
uint32_t roster_size(const struct roster *roster);
/* Lanes that have an entry: i from 0 to roster_lanes() - 1. */
unsigned roster_lanes(const struct roster *roster);
uint16_t roster_lane_at(const struct roster *roster, unsigned i);
/* Entries of one lane; 0 if it has none. */
uint32_t roster_lane_size(const struct roster *roster, uint16_t lane);
/*
 * A run of neighbouring entries of one lane, from position `at` of that lane: returns how many lie
 * there in one piece (0 at the end) and sets *entries, borrowed from the snapshot.
 */
uint32_t roster_run(const struct roster *roster, uint16_t lane, uint32_t at,
                    const struct roster_entry **entries);

/* Whom a broadcast is for. An account goes by the number of the first of its occupants: most have
 * one, and who has several is told of them in its own way (core/muc/presence.h). */
struct audience {
    uint8_t any_of;  /* entry flags, one of which must be set; 0: everybody */
    uint32_t except; /* account left out, or OCCUPANT_NONE */
};

#define AUDIENCE_ALL ((struct audience){0, OCCUPANT_NONE})

static inline bool audience_has(struct audience audience, const struct roster_entry *entry)
{
    return (audience.any_of == 0 || (roster_flags(entry) & audience.any_of) != 0) &&
           roster_account(entry) != audience.except;
}

#endif
