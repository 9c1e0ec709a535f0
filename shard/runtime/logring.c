#include "shard/runtime/logring.h"

#include "core/base/mem.h"
#include "core/base/str.h"
#include "shard/runtime/agent.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum { LINES = 256, NAME_MAX_BYTES = 15 };

struct line {
    int64_t time_us;
    enum log_level level;
    char text[LOG_LINE_MAX + 1];
};

struct logring {
    struct log_sink sink;
    char name[NAME_MAX_BYTES + 1];
    void (*wake)(void *self);
    void *wake_self;

    /* the owning agent writes; both only grow, a line's place is its number modulo LINES */
    _Atomic uint64_t written;
    _Atomic uint64_t lost; /* since the last drain */
    char apart[CACHE_LINE];

    /* main writes */
    _Atomic uint64_t drained;

    struct line lines[LINES];
};

static void write_line(struct log_sink *sink, enum log_level level, const char *text)
{
    struct logring *ring = container_of(sink, struct logring, sink);
    uint64_t at = atomic_load_explicit(&ring->written, memory_order_relaxed);
    if (at - atomic_load_explicit(&ring->drained, memory_order_acquire) == LINES) {
        atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
        return;
    }
    struct line *line = &ring->lines[at % LINES];
    line->time_us = clock_wall_us();
    line->level = level;
    snprintf(line->text, sizeof(line->text), "%s", text);
    /* Store, then look; main stores what it has drained, then looks for more: one of the two
     * sees. */
    atomic_store(&ring->written, at + 1);
    if (atomic_load(&ring->drained) == at && ring->wake != NULL)
        ring->wake(ring->wake_self);
}

struct logring *logring_new(const char *name, enum log_level level, void (*wake)(void *self),
                            void *wake_self)
{
    struct logring *ring = MEM_NEW(struct logring);
    ring->sink = (struct log_sink){.write = write_line, .level = level};
    ring->wake = wake;
    ring->wake_self = wake_self;
    snprintf(ring->name, sizeof(ring->name), "%s", name);
    return ring;
}

void logring_free(struct logring *ring)
{
    mem_free(ring);
}

struct log_sink *logring_sink(struct logring *ring)
{
    return &ring->sink;
}

unsigned logring_drain(struct logring *ring,
                       void (*write)(void *self, enum log_level level, const char *agent,
                                     int64_t time_us, const char *line),
                       void *self)
{
    unsigned count = 0;
    uint64_t at = atomic_load_explicit(&ring->drained, memory_order_relaxed);
    while (at != atomic_load(&ring->written)) {
        const struct line *line = &ring->lines[at % LINES];
        write(self, line->level, ring->name, line->time_us, line->text);
        count++;
        at++;
        atomic_store(&ring->drained, at);
    }
    uint64_t lost = atomic_exchange_explicit(&ring->lost, 0, memory_order_relaxed);
    if (lost == 0)
        return count;
    char text[LOG_LINE_MAX + 1];
    snprintf(text, sizeof(text), "%llu lines were lost: written faster than they could be put out",
             (unsigned long long)lost);
    write(self, LOG_LEVEL_WARN, ring->name, clock_wall_us(), text);
    return count + 1;
}
