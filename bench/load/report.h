/* What a run came to, for people and for programs. */
#ifndef BENCH_LOAD_REPORT_H
#define BENCH_LOAD_REPORT_H

#include "bench/load/result.h"

#include <stdio.h>

struct report {
    const struct result *result;
    const struct plan *plan;
    const char *target;
    unsigned threads, net_threads, processes;
    const char *server_cpu, *load_cpu;
};

void report_head(FILE *out);
/* `limit_per_s`: deliveries/s of the limit in the same run; 0: there was none. */
void report_rows(FILE *out, const struct report *report, double limit_per_s);
void report_json(FILE *out, const struct report *report);

#endif
