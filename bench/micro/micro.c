#include "bench/micro/micro.h"

#include "core/base/base.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS_MAX 100

struct options {
    unsigned runs;
    unsigned ms; /* one run, about */
    const char *only;
};

static double now_ns(bool wall)
{
    struct timespec now;
    clock_gettime(wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Nanoseconds per operation; *done is how many operations there were. */
static double run_once(const struct micro_case *what, uint64_t operations, uint64_t *done)
{
    double began = now_ns(what->wall);
    *done = what->run(what->self, operations);
    return (now_ns(what->wall) - began) / (double)*done;
}

/* How many operations take about `ms`; warms caches and allocator as it looks. */
static uint64_t calibrate(const struct micro_case *what, unsigned ms)
{
    uint64_t operations = 1;
    for (;;) {
        uint64_t done;
        double took_ns = run_once(what, operations, &done) * (double)done;
        if (took_ns * 4 >= ms * 1e6) {
            double wanted = (double)done * ms * 1e6 / took_ns;
            return wanted < 1 ? 1 : (uint64_t)wanted;
        }
        operations = done * 4;
    }
}

static void report(const char *bench, const char *name, const double *ns, unsigned runs,
                   uint64_t operations)
{
    double sorted[RUNS_MAX];
    memcpy(sorted, ns, runs * sizeof(*ns));
    qsort(sorted, runs, sizeof(*sorted), by_size);
    double median = (sorted[runs / 2] + sorted[(runs - 1) / 2]) / 2;
    printf("{\"micro\": \"%s\", \"case\": \"%s\", \"ns_per_operation\": %.3f, \"runs\": [", bench,
           name, median);
    for (unsigned i = 0; i < runs; i++)
        printf("%s%.3f", i > 0 ? ", " : "", ns[i]);
    printf("], \"operations\": %llu}\n", (unsigned long long)operations);
    fflush(stdout);
    fprintf(stderr, "%-8s %-46s %10.1f ns   (%.1f to %.1f in %u runs)\n", bench, name, median,
            sorted[0], sorted[runs - 1], runs);
}

static unsigned read_number(const char *name, const char *text, unsigned max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1 || value > max) {
        fprintf(stderr, "--%s is '%s': use a number from 1 to %u\n", name, text, max);
        exit(2);
    }
    return (unsigned)value;
}

static struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {{"runs", required_argument, NULL, 'r'},
                                          {"ms", required_argument, NULL, 'm'},
                                          {"only", required_argument, NULL, 'o'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {.runs = 7, .ms = 50};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'r') {
            options.runs = read_number("runs", optarg, RUNS_MAX);
        } else if (c == 'm') {
            options.ms = read_number("ms", optarg, 60000);
        } else if (c == 'o') {
            options.only = optarg;
        } else {
            fprintf(stderr, "usage: %s [--runs N] [--ms N] [--only TEXT]\n", argv[0]);
            exit(2);
        }
    }
    return options;
}

int micro_main(int argc, char **argv, const char *bench, const struct micro_case *cases,
               unsigned count)
{
    struct options options = read_options(argc, argv);
    for (unsigned i = 0; i < count; i++) {
        const struct micro_case *what = &cases[i];
        if (options.only != NULL && strstr(what->name, options.only) == NULL)
            continue;
        double ns[RUNS_MAX];
        uint64_t operations = calibrate(what, options.ms), done = 0;
        for (unsigned run = 0; run < options.runs; run++)
            ns[run] = run_once(what, operations, &done);
        report(bench, what->name, ns, options.runs, done);
    }
    return 0;
}
