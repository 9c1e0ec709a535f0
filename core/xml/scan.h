/*
 * Finds where pieces of markup end, without understanding them. The parser hands libxml2 complete
 * tags only, which buys four things:
 *
 *   - a slow sender cannot make libxml2 look through the same half tag again and again
 *   - libxml2's push parser gets a '>' inside an attribute right only if the whole tag is there
 *   - attributes are counted before anybody compares each with every other
 *   - comments, DTDs and processing instructions end the stream before anybody parses them
 *
 * What is wrong with the markup otherwise is libxml2's to find: a scan that went astray in bad XML
 * changes where the pieces are cut, never what they mean.
 */
#ifndef CORE_XML_SCAN_H
#define CORE_XML_SCAN_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum scan_verdict {
    SCAN_OK,
    SCAN_RESTRICTED, /* comment, DTD, processing instruction */
    SCAN_ENCODING,   /* begins like UTF-16 or UTF-32 */
    SCAN_TOO_LARGE,  /* more than STANZA_ATTRIBUTES_MAX attributes in one tag */
};

struct scan {
    enum scan_state {
        SCAN_START,    /* nothing seen yet */
        SCAN_FIRST_LT, /* behind a '<' that is the first byte: "<?xml" may follow */
        SCAN_TEXT,
        SCAN_LT,          /* behind any other '<' */
        SCAN_BANG,        /* in "<![CDATA[", `matched` bytes of it behind the '!' */
        SCAN_CDATA,       /* `matched` brackets at the end so far */
        SCAN_DECLARATION, /* in "<?xml", `matched` is 1 behind a question mark */
        SCAN_TAG,
        SCAN_APOS, /* in a value in single quotes */
        SCAN_QUOT,
    } state;
    unsigned matched;
    unsigned attributes; /* of the current tag */
};

/* Where complete tags end, counted in bytes from the start of what was scanned; 0: none does. */
struct scan_cuts {
    size_t first;
    size_t last;
};

/* Scans on. With another verdict than SCAN_OK the cuts are those before the trouble. */
enum scan_verdict scan_bytes(struct scan *scan, struct str bytes, struct scan_cuts *cuts);

/* True for an XML declaration that names another encoding than UTF-8; libxml2 would go and look for
 * a converter. `piece` is what the stream begins with. */
bool scan_encoding_is_bad(struct str piece);

/* White space as XML means it. */
bool scan_is_blank(char byte);

#endif
