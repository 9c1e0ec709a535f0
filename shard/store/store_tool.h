/*
 * What an operator does to a store from the command line. Everything works while a server has the
 * store open: what reads sees one moment of it; what deletes takes the lock for a moment at a time,
 * in small steps, and the server waits that long (STORE_BUSY_MS at most).
 *
 * A server that runs keeps the last messages of its live rooms in memory. It finds out within
 * STORE_LOOK_MS that something is to be forgotten, and shows it no more. Rows that say who may do
 * what (affiliations, reserved nicknames, registrations) and accounts stay.
 */
#ifndef SHARD_STORE_STORE_TOOL_H
#define SHARD_STORE_STORE_TOOL_H

#include "core/base/arena.h"
#include "core/base/str.h"

#include <stdint.h>

struct muc_crypto;

/* Where lines of text go: findings, exported messages. */
struct tool_lines {
    void (*line)(struct tool_lines *lines, struct str text);
};

/* All return a negative code with *why (static or in the arena) if they could not do it. */

/* Is the file whole, and does all in it make sense? One line per finding; how many. */
int64_t store_tool_check(struct str path, struct tool_lines *lines, struct arena *arena,
                         const char **why);

/* The rooms, by name: how many messages and rows are kept of each, a line per room; how many. */
int64_t store_tool_list(struct str path, struct tool_lines *lines, struct arena *arena,
                        const char **why);

/* A copy of one moment, complete in itself, in a file that must not be there yet; it appears when
 * it is complete. */
int store_tool_backup(struct str path, struct str copy, struct arena *arena, const char **why);

/* One room's archive, a JSON object per line, oldest first; how many. A message whose row is
 * damaged is left out, and `damaged` has a line that names it. ERR_NOT_FOUND: no such room. */
int64_t store_tool_export(struct str path, struct str room, struct tool_lines *lines,
                          struct tool_lines *damaged, struct arena *arena, const char **why);

/* Deletes one room's archive, or what one account (bare JID) has said in all rooms until now:
 * there, placeholders stay, so that pages and ids are what they were. How many messages; subjects
 * that this account has set go, too, of which `crypto` tells whose they are. */
int64_t store_tool_forget_room(struct str path, struct str room, struct arena *arena,
                               const char **why);
int64_t store_tool_forget_account(struct str path, struct str account,
                                  const struct muc_crypto *crypto, struct arena *arena,
                                  const char **why);

#endif
