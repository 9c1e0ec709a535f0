/*
 * Reads one stanza token by token: where it ends, what it means, and where the slots of its shape
 * are.
 */
#ifndef BENCH_LOAD_CAREFUL_H
#define BENCH_LOAD_CAREFUL_H

#include "bench/load/seen.h"
#include "bench/load/shape.h"

enum careful_result {
    CAREFUL_STANZA,
    CAREFUL_MORE,
    CAREFUL_CLOSED, /* the end of the stream */
    CAREFUL_BROKEN,
};

struct careful {
    const char *end; /* of the stanza; the start tag of a stream is one by itself */
    struct seen seen;
    struct detail detail;
    struct outline outline;
};

enum careful_result careful_read(struct careful *careful, const struct names *names,
                                 const struct reader *reader, struct span input);

#endif
