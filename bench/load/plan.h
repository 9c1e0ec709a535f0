/*
 * A plan: what is done to a server, step by step, and how much of it. A file of lines key=value;
 * `--set key=value` on the command line overrides them one by one. The parameters and what they
 * mean are in bench/plans/README.md.
 */
#ifndef BENCH_LOAD_PLAN_H
#define BENCH_LOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define PLAN_TEXT_MAX    256
#define PLAN_OPTIONS_MAX 32
#define PLAN_LINKS_MAX   64

struct plan {
    char name[64];
    char steps[PLAN_TEXT_MAX]; /* words with commas */
    char drive[16];            /* host, clients */
    char refusals[16];         /* no, allowed */
    char presences[16];        /* all, none */
    char store[16];            /* memory, process, mixed, power */
    char measure[32];          /* the step the result is about; empty: the last */
    char parameters[1024];     /* as given, for the result: key=value, with spaces */
    uint64_t rooms, occupants;
    uint64_t side_rooms, side_occupants;
    uint64_t body;     /* bytes */
    uint64_t messages; /* of a step; 0: as many as `seconds` allow */
    uint64_t fill;     /* messages to each room in the step of that name */
    uint64_t window;   /* outstanding; 0: chosen by the size of the rooms */
    uint64_t history;
    uint64_t links;
    uint64_t send_buffer;  /* bytes, of a link's socket; 0: the kernel's choice */
    uint64_t logins;       /* at the same time */
    uint64_t tls;          /* 1: clients use STARTTLS */
    uint64_t archived;     /* 1: rooms have an archive, if there is a store */
    uint64_t stored_rooms; /* in the store when the server starts */
    double seconds, warmup, settle, patience;
    double idle;            /* seconds of the step of that name */
    double rate, side_rate; /* deliveries/s; 0: as fast as they are taken */
    double slow_percent;
    char options[PLAN_OPTIONS_MAX][PLAN_TEXT_MAX]; /* for stentord: name=value */
    unsigned option_count;
};

/* Reads the plan of that name, or the file. Ends the program with a message where it is wrong. */
void plan_read(struct plan *plan, const char *name_or_path);

/* key=value */
void plan_set(struct plan *plan, const char *setting);

/* Ends the program with a message where the values do not go together, or cannot be shared by so
 * many processes. */
void plan_check(const struct plan *plan, unsigned processes);

/* What one of `count` processes does of it. */
void plan_share(struct plan *share, const struct plan *plan, unsigned index, unsigned count);

#endif
