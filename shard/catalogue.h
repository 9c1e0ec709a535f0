/*
 * The listed rooms of each service in the order of their JIDs, from which pages are taken: a page
 * costs what is on it, and a little more the more rooms there are, but nobody ever looks at all.
 *
 * Any thread. There is a lock, held for as long as it takes to find a place or to copy pointers.
 * Entries are freed by who put them in, a grace period after they were taken out or replaced.
 */
#ifndef SHARD_CATALOGUE_H
#define SHARD_CATALOGUE_H

#include "core/muc/muc.h"

struct catalogue;

struct catalogue *catalogue_new(void);
void catalogue_free(struct catalogue *catalogue); /* NULL allowed; entries are not touched */

/* Puts the entry in, instead of one with an equal JID. `jid` is bare and part of the entry. */
void catalogue_put(struct catalogue *catalogue, const struct jid *jid, void *entry);
/* The JID was put in before. */
void catalogue_remove(struct catalogue *catalogue, const struct jid *jid);

/* A part of the rooms of one service. */
struct catalogue_page {
    uint64_t first_index;
    uint64_t total;
    uint32_t count;
    void **entries; /* in the arena */
};

/* Inside an RCU section, as long as which the entries may be looked at. */
struct catalogue_page catalogue_page(struct catalogue *catalogue, struct arena *arena,
                                     const struct listing_query *query);

#endif
