/*
 * What the users do: come and go, talk, whisper, change names, subjects, affiliations and options,
 * put each other out, take back what was said, read the archive, destroy rooms and make them again.
 * Which of it, and how often, is another mixture for each seed.
 */
#ifndef TESTS_SIM_WORKLOAD_H
#define TESTS_SIM_WORKLOAD_H

#include "core/base/str.h"
#include "core/muc/roster.h"
#include "tests/sim/sim_cast.h"

struct sim;
struct directory_session;

enum { WORKLOAD_ACTS = 24, WORKLOAD_PINGS = 128 };

struct workload {
    unsigned weights[WORKLOAD_ACTS];
    unsigned generation[CAST_USERS]; /* of local clients' connections */
    struct directory_session *sessions[CAST_USERS];
    struct {
        char id[400];
        int user, room;
    } pings[WORKLOAD_PINGS]; /* to be answered */
    unsigned ping_count;
    unsigned nicks; /* given so far */
    unsigned long acts;
};

/* Chooses the mixture. */
void workload_begin(struct sim *sim);
/* A process has started: local clients come back, in their time. */
void workload_started(struct sim *sim);
/* The process is about to go: the directory with it. */
void workload_ended(struct sim *sim);

void workload_act(struct sim *sim);
/* A room asks whether the user is there. */
void workload_pinged(struct sim *sim, int user, int room, struct str id);
void workload_answer_pings(struct sim *sim);
/* Whoever is not sure to be inside enters once more, or leaves. */
void workload_make_sure(struct sim *sim);
void workload_all_leave(struct sim *sim);

/* A client of our own: it has a session. */
bool workload_is_here(const struct sim *sim, int user);
/* How that user is reached by that room. */
struct route workload_route(const struct sim *sim, int user, int room);

#endif
