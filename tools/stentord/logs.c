#include "tools/stentord/logs.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "shard/runtime/logring.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* main, the scribe, and up to 64 shards and net agents each */
#define RINGS_MAX 132

struct logs {
    FILE *file;
    enum log_level level;
    int wake_fd;
    struct logring *rings[RINGS_MAX];
    unsigned ring_count;
};

static void wake(void *self)
{
    const struct logs *logs = self;
    uint64_t one = 1;
    /* A full counter is readable already. */
    ssize_t written = write(logs->wake_fd, &one, sizeof(one));
    UNUSED(written);
}

struct logs *logs_open(struct str target, enum log_level level, const char **why)
{
    FILE *file = str_eqz(target, "stderr") ? stderr : fopen(target.at, "ae");
    if (file == NULL) {
        *why = strerror(errno);
        return NULL;
    }
    struct logs *logs = MEM_NEW(struct logs);
    logs->file = file;
    logs->level = level;
    logs->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ensure(logs->wake_fd >= 0);
    return logs;
}

struct log_sink *logs_sink(struct logs *logs, const char *name)
{
    ensure(logs->ring_count < RINGS_MAX);
    struct logring *ring = logring_new(name, logs->level, wake, logs);
    logs->rings[logs->ring_count++] = ring;
    return logring_sink(ring);
}

int logs_fd(const struct logs *logs)
{
    return logs->wake_fd;
}

static void write_line(void *self, enum log_level level, const char *agent, int64_t time_us,
                       const char *line)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    struct logs *logs = self;
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm tm;
    char stamp[32];
    gmtime_r(&seconds, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(logs->file, "%s.%03dZ %-5s %-8s %s\n", stamp, (int)(time_us / 1000 % 1000),
            names[level], agent, line);
}

void logs_drain(struct logs *logs)
{
    uint64_t count;
    ssize_t got = read(logs->wake_fd, &count, sizeof(count));
    UNUSED(got);
    for (unsigned i = 0; i < logs->ring_count; i++)
        logring_drain(logs->rings[i], write_line, logs);
    fflush(logs->file);
}

void logs_close(struct logs *logs)
{
    logs_drain(logs);
    for (unsigned i = 0; i < logs->ring_count; i++)
        logring_free(logs->rings[i]);
    if (logs->file != stderr)
        fclose(logs->file);
    close(logs->wake_fd);
    mem_free(logs);
}
