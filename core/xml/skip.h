/*
 * Finds the end of an element without understanding it: for a stanza that is over a limit while the
 * stream it came on must go on. It only counts tags, so it is for XML that somebody has written who
 * can: on a stream between servers. What was skipped is never looked at again.
 */
#ifndef CORE_XML_SKIP_H
#define CORE_XML_SKIP_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct skip {
    enum skip_state {
        SKIP_TEXT,
        SKIP_LT, /* behind a '<' */
        SKIP_START_TAG,
        SKIP_SLASH, /* behind a '/' in one: it may be empty */
        SKIP_APOS,  /* in a value in single quotes */
        SKIP_QUOT,
        SKIP_END_TAG,
        SKIP_CDATA, /* `matched` brackets at the end so far */
    } state;
    unsigned matched;
    unsigned open; /* elements */
};

/* What comes lies inside `open` elements, of which the outermost is the one to be skipped; 0: it
 * begins with what comes. */
void skip_begin(struct skip *skip, unsigned open);

/* Skips on. True: the element has ended behind *taken bytes; else all were taken. */
bool skip_bytes(struct skip *skip, struct str bytes, size_t *taken);

#endif
