/*
 * What ties a room to the store: it is loaded when something happens to it, waits while a change of
 * it is committed, holds back what it says until that is kept, and leaves memory when nobody has
 * been in it for a while and all of it is written.
 *
 *                     events           what it says
 *   loading           parked           -
 *   awaits commit     parked           waits behind what is held, if anything is
 *   something held    handled          held, in order
 *
 * Rooms of a shard without a store have none of this.
 */
#ifndef SHARD_BACKING_H
#define SHARD_BACKING_H

#include "shard/commits.h"
#include "shard/hold.h"
#include "shard/parking.h"
#include "shard/timers.h"

struct room_entry;

enum waiting_for { WAITING_NOTHING, WAITING_LOAD, WAITING_COMMIT };

struct backing {
    enum waiting_for waiting;
    struct parking parking;
    struct arena *arena;     /* WAITING_COMMIT: of the step that decided; owned */
    struct message *message; /* and what it came from, owned; NULL: nothing did */
    struct hold *hold;       /* NULL: nothing was held yet */
    uint64_t changed;        /* ticket of the last change after which answers are outdated */
    uint64_t held;           /* the last ticket that something waits for */
    uint64_t released;       /* the last that was answered; not below `held`: nothing waits */
    struct unsaved unsaved;
    struct timer idle;   /* until it leaves memory; its tag is ROOM_TIMERS */
    struct timer burial; /* ROOM_TIMER_BURIAL */
    bool outdates;       /* WAITING_COMMIT: a change after which answers are */
    bool counted;        /* WAITING_LOAD: among those that the shard has count of */
    bool stale;          /* who is inside is not what is stored: a batch was refused */
    bool handed;         /* written for the next process, as it was */
    bool moved_on;       /* and something has happened there since */
    bool unparking;      /* those that were parked are being handled */
    struct room_entry *entry;
};

struct backing *backing_new(struct room_entry *entry, struct str room);
/* Nothing may be with the scribe any more, unless the process ends. */
void backing_free(struct backing *backing); /* NULL allowed */

/* Events can be handled now. NULL: always. */
static inline bool backing_is_open(const struct backing *backing)
{
    return backing == NULL || backing->waiting == WAITING_NOTHING;
}

/* Nothing waits here, nothing is unwritten: the room may be forgotten if the rules say so. */
bool backing_is_idle(const struct backing *backing);

/* A message is not kept yet, so what the room says now has to wait behind it. */
static inline bool backing_holds(const struct backing *backing)
{
    return backing != NULL && backing->held > backing->released;
}

/* What the room says from now on waits for what is written of it in this cycle, which is something.
 * `power`: that is to survive its loss. */
void backing_hold_back(struct backing *backing, struct commits *commits, bool power);

static inline size_t backing_held_bytes(const struct backing *backing)
{
    return backing->hold == NULL ? 0 : hold_bytes(backing->hold);
}

#endif
