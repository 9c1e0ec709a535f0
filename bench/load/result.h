/*
 * What a run came to, as plain values: one process can hand it to another.
 */
#ifndef BENCH_LOAD_RESULT_H
#define BENCH_LOAD_RESULT_H

#include "bench/load/ledger.h"
#include "bench/load/plan.h"

#define STEPS_MAX       12
#define FAILED_TEXT_MAX 400

struct quantiles {
    double p50, p95, p99, p999, max; /* µs */
};

/* What one step came to. */
struct outcome {
    char name[32];
    double seconds;
    uint64_t deliveries; /* stanzas for users; with two groups: of the first */
    uint64_t messages;   /* marks that were completed: messages, updates, cycles */
    uint64_t bytes;
    double server_cpu_s, own_cpu_s;
    uint64_t voluntary, involuntary;
    uint64_t rss_bytes;
    struct quantiles latency;
    bool is_open; /* a flow by the clock */
    struct quantiles admitted;
    bool has_side;
    uint64_t side_deliveries;
    struct quantiles side_latency;
};

struct result {
    char failed[FAILED_TEXT_MAX]; /* why it was not carried to its end; empty: it was */
    bool clients;
    uint64_t users, rooms;
    uint64_t rss_start, rss_connected, rss_joined, rss_peak;
    uint64_t rss_left, rss_idle; /* when all had gone; when nobody had come back for long */
    double start_seconds, connect_seconds, join_seconds;
    unsigned server_threads;
    struct faults faults;
    uint64_t removed, refused;
    struct outcome outcomes[STEPS_MAX];
    unsigned outcome_count;
};

/* The outcome that the plan is about; NULL: it was not reached. */
const struct outcome *result_measured(const struct result *result, const struct plan *plan);

/* Whether its figures say nothing. */
bool result_failed(const struct result *result);

/* Adds the part of another process that did the same steps at the same time. Counts add up; of
 * times and latencies the worse one stays; what belongs to the server is the first one's view. */
void result_merge(struct result *sum, const struct result *part);

#endif
