#include "bench/load/scan.h"

#include "bench/load/careful.h"

#include <string.h>

void scan_init(struct scan *scan, const struct names *names)
{
    memset(scan, 0, sizeof(*scan));
    scan->names = names;
}

void scan_free(struct scan *scan)
{
    shapes_free(&scan->shapes);
}

void scan_feed(struct scan *scan, struct reader reader, const char *begin, const char *end)
{
    scan->reader = reader;
    scan->at = begin;
    scan->end = end;
    scan->last.begin = NULL; /* its bytes may be gone */
}

/* The stanza before with another number in `to`, told by comparing all the rest. */
static bool is_again(struct scan *scan)
{
    const char *at = scan->at;
    size_t left = (size_t)(scan->end - at);
    if (scan->last.begin == NULL || left < scan->last.head + scan->last.tail)
        return false;
    if (memcmp(at, scan->last.begin, scan->last.head) != 0)
        return false;
    uint32_t to;
    const char *tail = seen_number(&to, at + scan->last.head, scan->end);
    if (tail == NULL || (size_t)(scan->end - tail) < scan->last.tail)
        return false;
    if (memcmp(tail, at - scan->last.tail, scan->last.tail) != 0)
        return false;
    scan->seen.to = to;
    scan->last.begin = at;
    scan->stanza = at;
    scan->at = tail + scan->last.tail;
    return true;
}

/* Remembers the stanza just found, if it is one for a user among many. */
static void remember(struct scan *scan, const char *to_at)
{
    scan->last.begin = NULL;
    if (to_at == NULL || scan->reader.address.at != NULL || scan->seen.to == NUMBER_NONE)
        return;
    uint32_t number;
    const char *tail = seen_number(&number, to_at + 1, scan->at);
    if (tail == NULL)
        return;
    scan->last.begin = scan->stanza;
    scan->last.head = (size_t)(to_at + 1 - scan->stanza);
    scan->last.tail = (size_t)(scan->at - tail);
}

static enum scan_result scan_careful(struct scan *scan)
{
    struct careful careful;
    struct span input = {scan->at, (size_t)(scan->end - scan->at)};
    switch (careful_read(&careful, scan->names, &scan->reader, input)) {
    case CAREFUL_MORE:
        return SCAN_MORE;
    case CAREFUL_CLOSED:
        return SCAN_CLOSED;
    case CAREFUL_BROKEN:
        return SCAN_BROKEN;
    case CAREFUL_STANZA:
        break;
    }
    scan->stanza = scan->at;
    scan->at = careful.end;
    scan->seen = careful.seen;
    scan->detail = careful.detail;
    if (careful.seen.kind < SEEN_BUSY && careful.seen.to != NUMBER_NONE &&
        careful.seen.room != NUMBER_NONE) {
        struct span stanza = {scan->stanza, (size_t)(scan->at - scan->stanza)};
        shape_learn(&scan->shapes, stanza, &careful.outline, &careful.seen);
    }
    scan->last.begin = NULL;
    return SCAN_STANZA;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

enum scan_result scan_next(struct scan *scan)
{
    if (is_again(scan))
        return SCAN_AGAIN;
    skip_space(scan);
    if (scan->at == scan->end)
        return SCAN_MORE;
    struct shape_match match;
    struct span input = {scan->at, (size_t)(scan->end - scan->at)};
    switch (shapes_match(&scan->shapes, scan->names, &scan->reader, input, &match)) {
    case SHAPE_MORE:
        return SCAN_MORE;
    case SHAPE_OTHER:
        return scan_careful(scan);
    case SHAPE_MATCH:
        break;
    }
    scan->stanza = scan->at;
    scan->at = match.end;
    scan->seen = match.seen;
    remember(scan, match.to_at);
    return SCAN_STANZA;
}
