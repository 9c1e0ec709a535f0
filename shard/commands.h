/*
 * Commands of the service's admins on their way: the shard that was asked sends an order to the
 * shard of each room, keeps the command until all have reported or COMMAND_WAIT_MS are over, and
 * then has it answered. A report is posted behind what the room had to say, so that who is put out
 * and has given the order reads of the room's end first, as far as lanes keep the order.
 *
 * Bound   COMMANDS_PENDING_MAX commands of at most COMMAND_ROOMS_MAX rooms; no credits are needed.
 * Lost    A report that comes too late, or to a shard that has been asked to stop, is for nobody.
 */
#ifndef SHARD_COMMANDS_H
#define SHARD_COMMANDS_H

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/muc/command.h"
#include "shard/runtime/lane.h"

struct commands {
    struct exchange *exchange;
    const struct hash_key *placement_key;
    unsigned shard;
    uint64_t last; /* number given */
    struct pending_command {
        uint64_t number;
        int64_t until_us;
        struct command *command;
    } at[COMMANDS_PENDING_MAX]; /* oldest first */
    unsigned count;
    struct message **reports; /* not yet posted */
    unsigned report_count, report_cap;
};

/* `*commands` holds the first three; the rest is zero. */
void commands_fini(struct commands *commands);

bool commands_full(const struct commands *commands);
/* Gives the orders. The command is TAKEN; there is room for it. */
void commands_begin(struct commands *commands, struct command *command, int64_t now_us);
/* MSG_ORDER_REPORT has come. */
void commands_reported(struct commands *commands, const struct ticket *ticket,
                       enum order_outcome outcome);
/* A command that can be answered, the caller's; NULL: none. `all`: whether it can or not. */
struct command *commands_over(struct commands *commands, int64_t now_us, bool all);
/* Until one can be, whatever comes; -1: there is none. */
int commands_timeout_ms(const struct commands *commands, int64_t now_us);

/* ---- the other end: what a room's shard reports, posted by commands_flush() ---- */
void commands_report(struct commands *commands, const struct ticket *ticket,
                     enum order_outcome outcome);
void commands_flush(struct commands *commands);

#endif
