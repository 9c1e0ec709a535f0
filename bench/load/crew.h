/*
 * The processes of a run. Each run has a process of its own, so that one that fails or hangs ends
 * alone and is reported; and one run can be driven by several, each with a share of the rooms, the
 * links and the clients, where a single one is slower than the server.
 */
#ifndef BENCH_LOAD_CREW_H
#define BENCH_LOAD_CREW_H

#include "bench/load/result.h"
#include "bench/load/target.h"

#include <stdatomic.h>

#define CREW_MAX 32

/* In memory that all of them share. */
struct crew {
    atomic_uint arrived; /* at meetings, since the start */
    char phase[32];      /* of the run, for people */
    struct result results[CREW_MAX];
};

/* One of them. The first starts and stops the server. */
struct member {
    struct crew *crew;
    unsigned index, count;
    unsigned meetings;
    pid_t others[CREW_MAX];
};

/* Carries out a run with so many processes; `timeout_s` 0: it may take as long as it likes. */
void crew_run(struct result *result, const struct target_setup *setup, unsigned processes,
              double timeout_s);

/* From here on there are as many as asked for: it returns in each of them. */
void crew_fork(struct member *member);

/* What begins now: what is said about a run that does not get to its end. */
void crew_phase(struct member *member, const char *phase);

/* Waits until all are here. Ends the program where one of them has failed. */
void crew_meet(struct member *member);

#endif
