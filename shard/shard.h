/*
 * The shard agent: drain the mailbox, step the rooms, lower the effects, flush the fan-out.
 */
#ifndef SHARD_SHARD_H
#define SHARD_SHARD_H

#include "core/muc/muc.h"
#include "shard/directory.h"
#include "shard/runtime/agent.h"
#include "shard/runtime/lane.h"

struct shard;

struct shard_setup {
    unsigned number;
    struct exchange *exchange; /* borrowed, like all below */
    struct directory *directory;
    const struct muc_env *envs; /* of each service; their hash keys are the same */
    unsigned env_count;
    bool stored;         /* there is a store: rooms come from it, and wait for it */
    bool power_gated;    /* changes are to survive the loss of power, not only of the process */
    bool power_messages; /* archived messages too */
    bool handover;       /* who is inside by a link when the process ends is so at the next start */
    struct str local;    /* domain of those who come by the client door; absent: nobody does */
    const struct hash_key *placement_key; /* as the net agents' (shard/proxy.h) */
    struct log_sink *log;
    /* Fills with unpredictable bytes; called now and then, on the shard's thread. */
    void (*random)(void *bytes, size_t size);
};

/* Makes mailbox, arena and agent, and registers with the exchange. NULL and *err on failure. */
struct shard *shard_new(const struct shard_setup *setup, int *err);
struct agent *shard_agent(struct shard *shard);
/* After the agent has ended: removes itself from the exchange, frees the rooms. */
void shard_free(struct shard *shard);

/* For tests and accounting; on the agent's thread or after it has ended. */
uint32_t shard_room_count(const struct shard *shard);
/* Rooms of which the store has refused something, to be written again; none once it is closing. */
uint32_t shard_stale_count(const struct shard *shard);

#endif
