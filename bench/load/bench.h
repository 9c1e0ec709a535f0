/* One run of one plan against one server: everything it is made of. */
#ifndef BENCH_LOAD_BENCH_H
#define BENCH_LOAD_BENCH_H

#include "bench/load/crew.h"
#include "bench/load/ledger.h"
#include "bench/load/plan.h"
#include "bench/load/proc.h"
#include "bench/load/result.h"
#include "bench/load/scan.h"
#include "bench/load/stanza.h"
#include "bench/load/target.h"
#include "bench/load/wire.h"

/* A moment: what differs between two of them is what a step did. */
struct moment {
    uint64_t at_ns;
    uint64_t own_cpu_ns;
    uint64_t received;
    uint64_t got;
    uint64_t bytes_in;
    uint64_t completed[GROUPS_MAX];
    uint64_t delivered[GROUPS_MAX];
    struct proc_sample server;
};

struct bench {
    struct plan plan; /* this process's share of it */
    struct member *member;
    struct target target;
    struct names names;
    struct wire wire;
    struct scan scan;
    struct ledger ledger;
    struct speech speech;
    bool clients;

    struct {
        uint64_t received;
        uint64_t at_ns; /* when it changed last */
    } progress;
    bool stopping;      /* a connection that closes now is no fault */
    uint32_t logged_in; /* clients */
    SSL_CTX *tls;       /* NULL: in the clear */

    struct moment from;
    struct result result;
};

/* Starts the server, runs all steps, stops the server, and leaves what came of it with the crew. It
 * returns in each of its processes. */
void bench_run(struct bench *bench, const struct target_setup *setup, struct member *member);
void bench_free(struct bench *bench);

/* ---- for the steps ---- */

/* One turn of the loop: sends what waits, takes in what came. */
void bench_turn(struct bench *bench, uint64_t timeout_ns);

/* Nothing came for longer than the plan's patience, counted from the last call that reset it. */
bool bench_stalled(struct bench *bench);

void measure_begin(struct bench *bench);
struct outcome *measure_end(struct bench *bench, const char *name);
void measure_latency(struct outcome *outcome, const struct bench *bench);

struct conn *bench_conn_of(struct bench *bench, uint32_t user);

/* The steps; each ends with all that was sent having arrived, or with misses. */
void step_join(struct bench *bench);
void step_flow(struct bench *bench, const char *name, enum mark_kind kind);
void step_fill(struct bench *bench);
void step_leave(struct bench *bench);

/* The clients' side (login.c). */
void login_all(struct bench *bench);
const char *login_input(void *owner, struct conn *conn, const char *begin, const char *end);

#endif
