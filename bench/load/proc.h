/* What the kernel knows about a process: time, memory, context switches. */
#ifndef BENCH_LOAD_PROC_H
#define BENCH_LOAD_PROC_H

#include <stdint.h>
#include <sys/types.h>

struct proc_sample {
    uint64_t cpu_ns; /* of all threads, user and system */
    uint64_t rss_bytes;
    uint64_t peak_bytes;
    uint64_t voluntary, involuntary; /* context switches */
    unsigned threads;
};

void proc_sample(struct proc_sample *sample, pid_t pid);

/* CPU time of this process. */
uint64_t proc_own_cpu_ns(void);

#endif
