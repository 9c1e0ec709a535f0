/*
 * What goes wrong, by name. Each seed has some of them, at any instant.
 */
#ifndef TESTS_SIM_FAULTS_H
#define TESTS_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct sim;

enum fault {
    FAULT_COMMIT_FAILS,    /* disk full, write error: for a while */
    FAULT_COMMIT_SLOW,     /* the scribe does nothing for a while, or its answers lie on the way */
    FAULT_LOAD_FAILS,      /* rooms cannot be loaded for a while */
    FAULT_QUERY_FAILS,     /* the archive cannot be read */
    FAULT_LANE_STALLS,     /* a lane expands nothing for a while */
    FAULT_SHARD_STALLS,    /* a shard is not run for a while */
    FAULT_CRASH,           /* the process ends between any two steps */
    FAULT_PLANNED_RESTART, /* it is asked to end, and does */
    FAULT_CLOCK_JUMPS,     /* to and fro, by up to hours */
    /* Of a wired world: */
    FAULT_LINK_BREAKS,  /* with what is under way, either way */
    FAULT_LINK_BLINKS,  /* the same, and it is there again at once */
    FAULT_LINK_CLOSES,  /* the host server ends the stream */
    FAULT_LINK_GARBAGE, /* the host server sends what it should not */
    FAULT_LINK_SLOW,    /* nothing moves on it for a while */
    FAULT_HOST_AWAY,    /* it is lost, and nobody takes our calls for a while */
    FAULT_CLIENT_SLOW,  /* nothing moves there for a while */
    FAULT_COUNT
};

struct faults {
    bool chosen[FAULT_COUNT];
    unsigned long until[FAULT_COUNT]; /* the step it ends in */
    unsigned which[FAULT_COUNT];      /* lane, shard, or place on the way */
    unsigned long struck[FAULT_COUNT];
};

const char *fault_name(enum fault fault);
/* Chooses which. */
void faults_begin(struct sim *sim);
/* Before each step: some begin, some end. */
void faults_strike(struct sim *sim);
/* It lasts. */
bool fault_lasts(const struct sim *sim, enum fault fault, unsigned which);
/* All is well again. */
void faults_end(struct sim *sim);

#endif
