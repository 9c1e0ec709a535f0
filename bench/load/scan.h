/*
 * Finds the stanzas in what a server sent and says what each means, at a few nanoseconds per
 * stanza.
 *
 * Three ways, from fast to slow:
 *   again     the stanza is the previous one with another number in `to`: two comparisons
 *   shape     it is like one seen before, but for known places (addresses, ids, the mark): shape.h
 *   careful   anything else is read token by token (careful.h) and becomes a shape
 * Every byte is compared or read on each of them; nothing is skipped and nothing is guessed.
 */
#ifndef BENCH_LOAD_SCAN_H
#define BENCH_LOAD_SCAN_H

#include "bench/load/seen.h"
#include "bench/load/shape.h"

enum scan_result {
    SCAN_STANZA, /* scan->seen tells what it was */
    SCAN_AGAIN,  /* as SCAN_STANZA; nothing but seen.to differs from the stanza before */
    SCAN_MORE,   /* what is left from scan->at on is the beginning of a stanza */
    SCAN_CLOSED, /* the server closed the stream */
    SCAN_BROKEN, /* what comes at scan->at is not XML */
};

struct scan {
    const struct names *names;
    const char *at; /* what comes next */
    const char *end;
    const char *stanza; /* where the one last returned began; it ends at `at` */
    struct seen seen;
    struct detail detail; /* of the stanza last read the careful way */
    struct reader reader;
    struct {
        const char *begin; /* NULL: there is none to compare with */
        size_t head;       /* bytes up to the number in `to` */
        size_t tail;       /* bytes behind it */
    } last;
    struct shapes shapes;
};

void scan_init(struct scan *scan, const struct names *names);
void scan_free(struct scan *scan);

/* Goes on with the bytes from `begin` to `end`, which came for `reader`. */
void scan_feed(struct scan *scan, struct reader reader, const char *begin, const char *end);

enum scan_result scan_next(struct scan *scan);

#endif
