/*
 * The process under test in one thread: real shards, scribe and reader, stepped one at a time in
 * any order; two lanes; a clock that only the test moves; and a store that outlives it all. Lanes
 * are net agents (`wired`, sim_nets.h), or only expand what they are sent, in larger or smaller
 * steps and as late as the seed wants.
 *
 *     lanes <-> shards --(ways)--> scribe, reader --(ways)--> shards
 *
 * What goes from shards to the two and back lies in ways, so that it can be held up anywhere, also
 * between a commit and its answer. A life ends by sim_world_crash() at any instant: all that the
 * agents had is gone. Or by sim_world_stop(): every agent runs to its end.
 */
#ifndef TESTS_SIM_SIM_WORLD_H
#define TESTS_SIM_SIM_WORLD_H

#include "core/muc/room.h"
#include "shard/runtime/agent.h"
#include "shard/shard_impl.h"
#include "shard/store/reader.h"
#include "shard/store/scribe.h"
#include "tests/sim/dice.h"
#include "tests/sim/sim_cast.h"
#include "tests/sim/sim_nets.h"
#include "tests/sim/sim_store.h"

#define SIM_ROOMS_DOMAIN  "rooms.example"
#define SIM_LOUNGE_DOMAIN "lounge.example"
#define SIM_LOCAL_DOMAIN  "local.example"

enum {
    SIM_SHARDS_MAX = 3,
    SIM_LANES = 2,
    SIM_UNREAD_MAX = 64 * 1024, /* bytes that a peer writes ahead */
    SIM_CREDITS = 64, /* stanzas a lane sends to one shard before it waits for some to come back */
};

struct sim_lane {
    struct sim_world *world;
    uint16_t number;
    struct mailbox *mailbox;
    uint32_t spent[SIM_SHARDS_MAX];
};

/* What lies between two agents. */
struct sim_way {
    struct exchange *to;
    struct mailbox *mailbox;
};

/* What a client reads, with its `to`. */
typedef void sim_hear(void *self, struct route route, const char *stanza);

struct sim_world {
    /* Chosen before the first life. */
    unsigned shard_count;
    bool handover;
    bool wired;
    struct conn_marks marks; /* if it is */
    uint32_t tombstone_days;
    const char *const *options; /* of new rooms, "name=value", ends in NULL */
    sim_hear *hear;
    void *self;
    struct dice *dice;

    struct clock_face clock;
    int64_t latest_us; /* ever shown */
    struct sim_store store;
    struct muc_settings settings[2]; /* the lounge is the second: new rooms are locked there */
    struct room_options defaults;
    struct muc_env envs[2];
    struct log_sink sink;
    bool trace;

    struct exchange *near; /* shards, lanes */
    struct exchange *far;  /* scribe, reader */
    struct directory *directory;
    struct shard *shards[SIM_SHARDS_MAX];
    struct scribe *scribe;
    struct reader *reader;
    struct sim_lane lanes[SIM_LANES]; /* unless it is wired; else: */
    struct sim_nets nets;
    struct sim_way to_scribe, to_reader, to_shards[SIM_SHARDS_MAX], to_lanes[SIM_LANES];
    unsigned goodbyes; /* of shards, in this life */
    uint64_t work;     /* messages and steps that did something; ever */
};

/* Before the first and after the last of all worlds. */
void sim_world_open(void);
void sim_world_close(void);

/* `world` has its first part filled in, and store.behind, store.committed. */
void sim_world_new(struct sim_world *world);
void sim_world_free(struct sim_world *world); /* after the last life */

/* A process starts on what the store has. */
void sim_world_start(struct sim_world *world);
/* It is gone; whatever was on its way inside is lost. */
void sim_world_crash(struct sim_world *world);
/* It was asked to end: MSG_SHUTDOWN. To be stepped until sim_world_is_over(), then crashed. */
void sim_world_shutdown(struct sim_world *world);
bool sim_world_is_over(const struct sim_world *world);

/* ---- one agent or way at a time; what was done, 0: nothing ---- */
unsigned sim_world_step_shard(struct sim_world *world, unsigned shard);
unsigned sim_world_step_scribe(struct sim_world *world);
unsigned sim_world_step_reader(struct sim_world *world);
/* At most `max` messages. */
unsigned sim_way_run(struct sim_way *way, unsigned max);
unsigned sim_world_step_lane(struct sim_world *world, unsigned lane, unsigned max);
/* Each of them once, everything that lies there. */
unsigned sim_world_round(struct sim_world *world);
void sim_world_advance(struct sim_world *world, int64_t us);
/* The store has refused something that is to be written again, after a pause. */
bool sim_world_owes(const struct sim_world *world);

/* ---- clients ---- */
unsigned sim_world_shard_of(const struct sim_world *world, struct str bare);
bool sim_world_may_send(const struct sim_world *world, uint16_t lane, struct str room);
void sim_world_send(struct sim_world *world, struct route route, const char *from, const char *to,
                    const char *stanza);
void sim_world_session_gone(struct sim_world *world, struct route route, const char *jid,
                            const char *room);
struct route sim_link_route(unsigned service);
/* Of a client of our own, in a wired world; ROUTE_NONE: it has no session. */
struct route sim_client_route(const struct sim_world *world, const char *jid);

/* ---- a look inside ---- */
/* NULL: not in memory, or between two lives. */
struct room_entry *sim_world_room(const struct sim_world *world, const char *room);
/* What the store has answered is on its way, or what waited for that. */
bool sim_world_answers_due(const struct sim_world *world);
/* NULL: at rest, every count is zero; else which is not. */
const char *sim_world_unrest(const struct sim_world *world);

#endif
