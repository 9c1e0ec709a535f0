/*
 * Inside a shard: what its files share. Nobody else includes this.
 */
#ifndef SHARD_SHARD_IMPL_H
#define SHARD_SHARD_IMPL_H

#include "shard/loads.h"
#include "shard/lower.h"
#include "shard/rewrites.h"
#include "shard/shard.h"
#include "shard/wakes.h"
#include "shard/ways.h"

enum { ENTROPY_BYTES = 4096, STEP_ARENA_BYTES = 64 * 1024 };

struct shard {
    struct agent agent;
    char name[16];
    struct shard_setup setup;
    struct mailbox *mailbox;
    struct arena *arena; /* of the step */
    struct rooms rooms;
    struct fanout fanout;
    struct windows windows;
    struct bounces bounces;
    struct commands commands;
    struct ways ways;
    uint32_t links_at; /* the place of the next room to be told of links; past the end: none */
    struct commits commits;
    struct message *forgotten; /* MSG_FORGET that go back to the scribe at the end of this cycle */
    struct keeping keeping;
    struct asks asks;
    struct wakes wakes;
    struct rewrites rewrites;
    int64_t last_step_us;
    int64_t silent_until_us; /* of rooms that cannot be loaded */
    uint32_t parked;         /* messages, in all rooms */
    struct loads loads;
    uint64_t held; /* bytes, in all rooms */
    bool closing;  /* nothing new begins: goodbye has been said, or is about to be */
    bool said_goodbye;
    bool done;         /* and main was told */
    uint32_t *credits; /* by lane: handled and not yet given back */
    unsigned credit_lanes;
    size_t entropy_used;
    uint8_t entropy[ENTROPY_BYTES];
};

/* ---- shard.c ---- */

/* A step's beginning: its instant and its secrets. The arena is empty. */
struct step shard_step(struct shard *shard, const struct muc_env *env);

/* ---- room_steps.c ---- */

/* A message for a room that is in memory, or (`need`) is to be: handled, parked, or refused. Taken.
 */
void rooms_take(struct shard *shard, const struct jid *room, bool need, struct message *message);
/* The same for a room that is known; NULL: there is none (any more). */
void rooms_give(struct shard *shard, struct room_entry *entry, struct message *message);
/* A stanza that comes too late: who sent it is told to try again. Taken. */
void rooms_turn_away(struct shard *shard, struct message *message);
/* The same for what waits for a room that is still looked for at the end. */
void rooms_turn_away_parked(struct shard *shard, struct room_entry *entry);
/* An event that no message brought: an alarm, the end. */
void rooms_tell(struct shard *shard, struct room_entry *entry, const struct event *event);

/* The scribe's answers; borrowed. */
void rooms_loaded(struct shard *shard, const struct message *message);
void rooms_committed(struct shard *shard, const struct message *message);

/* ---- room_ends.c ---- */

/* What a refused batch had of who is inside is written again, of some rooms, when it is time. True:
 * there are more to look at. */
bool rooms_rewrite(struct shard *shard);

/* The process is about to end: a room that is not stored, and where somebody will be inside who is
 * found again by the next one, is written as it is. */
void rooms_hand_over(struct shard *shard, struct room_entry *entry, const struct event *event);
/* Something has happened there after all: if nobody is inside any more, what was written goes. */
void rooms_take_back(struct shard *shard, struct room_entry *entry);
/* EV_SHUTDOWN. The entry stays. */
void rooms_goodbye(struct shard *shard, struct room_entry *entry, const struct event *event);

/* Nobody has been in it for a while: it leaves memory, once all of it is written. */
void rooms_idle(struct shard *shard, struct room_entry *entry);

/* ---- service_steps.c ---- */

/* A stanza to a service, or the store's answer to one. Taken. */
void service_take(struct shard *shard, struct message *message);
/* Commands whose rooms have reported, or all of them. Returns how many. */
unsigned service_answer_commands(struct shard *shard, bool all);

#endif
