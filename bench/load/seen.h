/*
 * What a stanza from the server under test means to the load generator, and how it tells its own
 * users and rooms by their addresses: users are u0, u1, ... and rooms r0, r1, ...; a user's
 * nickname is its local part. A number in the body of a message or the status of a presence, its
 * mark, tells which of the generator's stanzas it is a copy of.
 */
#ifndef BENCH_LOAD_SEEN_H
#define BENCH_LOAD_SEEN_H

#include "bench/load/tokens.h"

#include <stdbool.h>
#include <stdint.h>

#define NUMBER_NONE UINT32_MAX

enum seen_kind {
    SEEN_GROUPCHAT,
    SEEN_HISTORY, /* the same with a delay */
    SEEN_SUBJECT,
    SEEN_HERE, /* available presence */
    SEEN_GONE, /* unavailable presence */
    SEEN_BUSY, /* an error that says: not now (resource-constraint) */
    SEEN_ERROR,
    SEEN_RESULT, /* of an IQ */
    SEEN_NOTICE, /* that the affiliation of somebody who is not inside has changed */
    SEEN_OTHER,  /* see struct detail */
};

struct seen {
    enum seen_kind kind;
    bool self;     /* status code 110 */
    uint32_t to;   /* user */
    uint32_t room; /* room it came from */
    uint32_t nick; /* user whose nickname it came from; NUMBER_NONE: from the room itself */
    uint32_t mark; /* NUMBER_NONE: it has none; of an error or a result, that in its id */
};

/* What only the careful way finds out; the spans point into the stanza. */
struct detail {
    struct span name;
    struct span type;
    struct span id;
    struct span condition; /* first element inside <error/> or <failure/> */
    struct span jid;       /* text of <jid/>, the answer to a bind */
    bool anonymous;        /* the mechanism is offered */
    bool plain;
    bool bind;
    bool starttls;
};

struct names {
    char user_tail[300]; /* "@localhost/r", behind the number */
    char room_tail[300]; /* "@conference.localhost" */
    size_t user_tail_size;
    size_t room_tail_size;
};

/* Whom the bytes came for. A link carries stanzas for many users: address.at is NULL. */
struct reader {
    struct span address;
    uint32_t user;
};

/* Both return where the address ends, or NULL where it is not one of ours. */
const char *seen_to(struct seen *seen, const struct names *names, const struct reader *reader,
                    struct span input);
const char *seen_from(struct seen *seen, const struct names *names, struct span input);

/* Reads a number; NULL where there is none or it does not end before `end`. */
const char *seen_number(uint32_t *number, const char *at, const char *end);

#endif
