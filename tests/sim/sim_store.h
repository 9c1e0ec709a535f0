/*
 * A store between the scribe and the one that keeps: it refuses when told to, and shows the
 * checkers what was committed. It lives as long as one process does; what is behind it stays.
 */
#ifndef TESTS_SIM_SIM_STORE_H
#define TESTS_SIM_SIM_STORE_H

#include "shard/store/store.h"

struct sim_store {
    struct store *behind; /* borrowed; stays open from life to life */
    int commit_err;       /* what the next ones fail with; 0: they do not */
    int load_err;
    int query_err;
    uint64_t failures; /* ever */
    uint64_t commits;  /* ever, that succeeded */
    /* Each operation that is durable from now on, in the order they were committed. */
    void (*committed)(void *self, struct str room, const struct record_item *item);
    void *self;
};

/* For scribe_new(): its reader too. Closing it leaves what is behind alone. `sim` is borrowed. */
struct store *sim_store_open(struct sim_store *sim);

#endif
