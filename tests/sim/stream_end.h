/*
 * A stream of XML as its other end reads it: cut into elements, each as it was written.
 */
#ifndef TESTS_SIM_STREAM_END_H
#define TESTS_SIM_STREAM_END_H

#include "tests/sim/wire.h"

struct stream_end {
    struct wire *wire; /* NULL: none */
    struct buf got;    /* read, and not a whole element yet */
};

/* Takes what has arrived. */
void stream_end_read(struct stream_end *end);
/* The next element, or tag of the stream, without what is blank before it; on the heap. NULL: it
 * is not all there. */
char *stream_end_take(struct stream_end *end);
void stream_end_write(const struct stream_end *end, const char *text);
/* Gives the wire up, with what was not taken. */
void stream_end_drop(struct stream_end *end);

#endif
