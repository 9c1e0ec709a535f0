/*
 * The server under test: starts it on its own processors, says how to reach it, and stops it.
 *
 *   stentor               build/stentord, in a host's component link or with a door for clients
 *   null                  build/stentor-null, the least a component can do
 *   pipe                  build/stentor-pipe, which writes what a room would write, unasked
 *   prosody, ejabberd     bench/peers/NAME.py starts the peer, which hosts the rooms
 *   prosody-tuned         the same with the settings that make it faster
 */
#ifndef BENCH_LOAD_TARGET_H
#define BENCH_LOAD_TARGET_H

#include "bench/load/plan.h"

#include <stdint.h>
#include <sys/types.h>

struct target_setup {
    const char *name;
    const struct plan *plan;
    unsigned threads, net_threads;
    const char *cpus; /* of the server, as for taskset */
};

struct target {
    const char *name;
    pid_t child;   /* what was started: the server, or the script that runs it */
    pid_t server;  /* whose time and memory count */
    int keep;      /* the script ends when this is closed */
    bool is_pipe;  /* nothing is sent to it */
    bool is_host;  /* we are its component; else it is ours */
    int listener;  /* where our component connects to */
    uint16_t port; /* of the component link */
    uint16_t client_port;
    char secret[64];
    char user_domain[128];
    char muc_domain[128];
    char client_domain[128];
    uint64_t spawned_ns; /* when the child was started */
};

/* Ends the program with a message if there is none of that name, or it cannot do what the plan
 * asks. */
void target_check(const char *name, const struct plan *plan);

void target_start(struct target *target, const struct target_setup *setup);

/* Waits for its first link, if that is what it makes: how long it took to start, in seconds. Ends
 * the program with a message where it has ended instead. */
double target_await_link(const struct target *target);

/* Asks it to end; then the connections are to be closed, and then it is waited for. */
void target_end(struct target *target);
void target_await_end(struct target *target);

/* Whether who enters is given what was said before. */
bool target_keeps_history(const struct target_setup *setup);

/* How many messages the raw pipe writes. */
uint64_t target_pipe_messages(const struct plan *plan);

/* Ends the program with a message if the text is not a list of processors. */
void target_pin(pid_t pid, const char *cpus);

#endif
