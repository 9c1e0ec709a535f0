/*
 * One simulation: who takes part, and what its parts know of each other.
 *
 *     sim_world   the process under test
 *     peers       host servers and clients, at the other ends of its connections
 *     workload    what its users do
 *     faults      what goes wrong
 *     checkers    what must hold whatever happens
 *
 * The same seed plays the same simulation; a failure ends the program and says how to play it
 * again.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "tests/sim/checkers.h"
#include "tests/sim/faults.h"
#include "tests/sim/peers.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

struct sim {
    uint64_t seed;
    unsigned long step, steps;
    unsigned life;
    bool trace;
    bool settling;
    bool ending; /* the process was asked to end */
    struct dice dice;
    struct sim_world world;
    struct peers peers; /* if it is wired */
    struct workload workload;
    struct faults faults;
    struct checkers *checkers;
};

/* Ends the program. */
void sim_fail(const struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* Shown with --trace. */
void sim_note(const struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What somebody reads: by the link of that service, or as a client of our own. */
void sim_hear_by_link(struct sim *sim, unsigned service, const char *stanza);
void sim_hear_by_client(struct sim *sim, int user, const char *stanza);

/* Nothing goes wrong any more, and nothing new is said, until all is at rest; then all of it is
 * checked. */
void sim_settle(struct sim *sim);

/* The process ends, in one way or the other; the next begins on what is stored. */
void sim_crash(struct sim *sim);
void sim_restart(struct sim *sim);

#endif
