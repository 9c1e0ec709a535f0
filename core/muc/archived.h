/*
 * What an archive keeps of a message, what can be asked of it, and what it answers: values that
 * cross between the rules, the shard and the store. Nobody decides anything here.
 * @xep 0313 1.1.3 #business-storeret
 */
#ifndef CORE_MUC_ARCHIVED_H
#define CORE_MUC_ARCHIVED_H

#include "core/base/str.h"
#include "core/muc/privilege.h"

#include <stdbool.h>
#include <stdint.h>

/* One message, as it was broadcast, and who sent it. All texts are borrowed. */
struct archived {
    struct str id;     /* stanza-id (0359): also the archive's */
    int64_t at_us;     /* since 1970 UTC; rows of a room are in the order they were kept */
    struct str nick;   /* of the sender; empty: the room itself */
    struct str author; /* occupant-id; absent: the room itself */
    struct str jid;    /* full real JID; absent: the room itself */
    enum affiliation affiliation; /* of the sender, then */
    enum role role;
    struct str sender_id; /* its id attribute */
    struct str xml;       /* the frame's bytes, without address and tail; absent: it is damaged, and
                             has its place and its id alone */
    uint32_t address_at;  /* where those stand in it */
    uint32_t tail_at;
    struct str body; /* what a full-text search looks at; absent: nothing */
    bool history;    /* newcomers are shown it (SEMANTICS 11.2.1) */
    bool archived;   /* queries find it; else it is there for newcomers alone */
    bool retracted;  /* a tombstone */
    bool dated;      /* it carries its own time: */
    int64_t dated_us;
};

/* Is it one message, well-formed, with both tags and its places where they can be? A store may be
 * damaged, and what is not well-formed ends the stream of whoever is sent it. Costs as much as
 * reading a stanza does. */
bool archived_is_whole(const struct archived *row);

/* A query of one room's archive (0313). Absent texts and the outermost times: no condition. */
struct archive_query {
    int64_t start_us, end_us;       /* both inclusive */
    struct str with_nick;           /* sent by who had that nickname */
    struct str with_account;        /* sent by that bare real JID */
    struct str with_jid;            /* and by that full one of it */
    struct str after_id, before_id; /* between those, exclusive (extended); as `after` and `before`
                                       they may be of messages that are not archived */
    const struct str *ids;          /* these only, all of them (extended); NULL: no condition */
    unsigned id_count;
    struct str text; /* full-text search (0431) */
    /* The page (0059). */
    struct str after, before; /* next to that row; exclusive */
    bool backwards;           /* the last rows before `before`, or of all if it is absent */
    uint32_t max;             /* 0: only count */
    bool by_index;            /* the page begins at that place among those that fit: */
    uint64_t index;
    bool metadata; /* the page is the first and the last row of all */
};

struct archive_page {
    int err; /* ERR_NOT_FOUND: an id that was named is not there; ERR_LIMIT: it took too long;
                ERR_IO and others: the store */
    struct archived *rows; /* oldest first */
    unsigned count;
    bool complete;        /* nothing is beyond, in the page's direction */
    bool counted;         /* the two below are known */
    uint64_t total;       /* rows that fit the conditions */
    uint64_t first_index; /* of the page's first row among them */
};

/* A query of the stored rooms that are public, sorted by JID as bytes (0030, 0059). */
struct stored_query {
    struct str domain;
    struct str after, before; /* JIDs, exclusive; they need not exist */
    bool backwards;
    uint32_t max;
};

struct stored_listing {
    struct str jid;
    struct str name;
};

struct stored_page {
    int err;
    struct stored_listing *rows; /* sorted */
    unsigned count;
    bool counted;   /* the two below are known */
    uint64_t total; /* stored rooms that are public */
    uint64_t first_index;
};

#endif
