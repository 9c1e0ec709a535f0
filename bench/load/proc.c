#include "bench/load/proc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t field(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    return line != NULL ? strtoull(line + strlen(name), NULL, 10) : 0;
}

/* The whole of a small file, as text; empty where it cannot be read (the thread is gone). */
static void slurp(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t got = file != NULL ? fread(text, 1, size - 1, file) : 0;
    text[got] = '\0';
    if (file != NULL)
        fclose(file);
}

static void add_thread(struct proc_sample *sample, pid_t pid, const char *thread)
{
    char path[300], text[4096];
    snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, thread);
    slurp(path, text, sizeof(text));
    sample->cpu_ns += strtoull(text, NULL, 10);
    snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, thread);
    slurp(path, text, sizeof(text));
    sample->voluntary += field(text, "\nvoluntary_ctxt_switches:");
    sample->involuntary += field(text, "nonvoluntary_ctxt_switches:");
    sample->threads++;
}

void proc_sample(struct proc_sample *sample, pid_t pid)
{
    *sample = (struct proc_sample){0};
    char path[64], text[8192];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (struct dirent *entry; threads != NULL && (entry = readdir(threads)) != NULL;) {
        if (entry->d_name[0] != '.')
            add_thread(sample, pid, entry->d_name);
    }
    if (threads != NULL)
        closedir(threads);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    slurp(path, text, sizeof(text));
    sample->rss_bytes = field(text, "VmRSS:") * 1024;
    sample->peak_bytes = field(text, "VmHWM:") * 1024;
}

uint64_t proc_own_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}
