/*
 * The ledger: what every user must be given, and whether it was.
 *
 * Exact    A mark is one stanza of the generator that a room copies to its occupants. Each of them
 *          must be given each copy exactly once.
 * Order    All occupants of a room are given its marks in one order, and the marks of one sender in
 *          the order they were sent. Where one link carries everything, that is the order of
 * sending. Entry    Who enters is given the presence of everybody inside, once each, then its own,
 * then the history asked for, in order, then the subject. Everybody inside is given its presence.
 * Cost     A copy that is as expected costs one comparison and one addition per recipient.
 *
 * What is against these rules is counted, and the first few cases are printed.
 */
#ifndef BENCH_LOAD_LEDGER_H
#define BENCH_LOAD_LEDGER_H

#include "bench/load/hist.h"
#include "bench/load/seen.h"

#define GROUPS_MAX  2
#define RECENT_MAX  20
#define GAPS_MAX    4096
#define PRINTED_MAX 3
#define ORDER_OPEN  UINT32_MAX /* the place of a mark in its room is not known yet */

enum mark_kind {
    MARK_MESSAGE,
    MARK_UPDATE, /* a presence of one inside */
    MARK_LEAVE,
    MARK_ENTRY,  /* complete when the one who enters was given everything, too */
    MARK_CHANGE, /* of an affiliation: complete with the answer to who has asked for it */
};

enum user_state {
    USER_OUT,
    USER_ENTERING,
    USER_SEATED, /* has its own presence, not yet the subject */
    USER_IN,
};

struct user {
    uint32_t room;
    uint32_t at;         /* the mark it must be given next, by its place in the room */
    uint32_t listed;     /* presences of others it was given since it entered */
    uint32_t prior;      /* of them, before its own */
    uint64_t who;        /* sum of their fingerprints */
    uint64_t entered_ns; /* when it asked to */
    uint32_t spoken;     /* its own mark that a room was last heard to have taken */
    uint32_t entry;      /* mark of its coming back; NUMBER_NONE: first entry */
    uint32_t leaving;    /* mark of its going */
    uint16_t link;
    uint8_t state;
    uint8_t history;
    bool slow; /* does not read: nothing is expected of it */
};

struct room {
    uint32_t first; /* its users are numbered from here */
    uint32_t occupants;
    uint32_t readers;            /* occupants that read */
    uint32_t present;            /* that have been sent in so far */
    uint32_t turn;               /* who is the next to speak */
    uint32_t placed;             /* marks that have a place in the room's order */
    uint32_t recent[RECENT_MAX]; /* the last messages by place, for history */
    uint32_t messages;
    uint64_t fingerprints; /* sum over all occupants */
    uint8_t group;
};

struct mark {
    uint32_t number; /* NUMBER_NONE: free */
    uint32_t place;  /* in its room's order, or ORDER_OPEN */
    uint32_t left;   /* copies outstanding */
    uint32_t room;
    uint32_t sender;
    enum mark_kind kind;
    uint64_t due_ns;  /* when it was to be sent */
    uint64_t sent_ns; /* when it was */
};

/* One stream of marks and what it cost its recipients in time. */
struct group {
    uint32_t first_room, rooms;
    uint32_t occupants; /* of each room */
    uint32_t outstanding;
    uint64_t completed;   /* marks, those of leaving aside */
    uint64_t delivered;   /* copies */
    struct hist latency;  /* from when they were due */
    struct hist admitted; /* from when the socket took them, where that may be later */
};

struct faults {
    uint64_t misses;
    uint64_t duplicates;
    uint64_t reordered;
    uint64_t errors;
};

struct ledger {
    struct user *users;
    struct room *rooms;
    struct mark *marks; /* a ring by number */
    uint32_t user_count, room_count, mark_mask;
    uint32_t next_mark;
    struct group groups[GROUPS_MAX];
    unsigned group_count;
    bool ordered; /* one link, or one sender at a time: places are given when sending */
    bool presences_shown;
    bool rooms_speak; /* presence from a room's own address is none of our business */
    bool changing;    /* affiliations: those inside hear of it */
    bool refusals;    /* a server may say that it is busy; what it refuses nobody must be given */
    uint32_t history; /* messages that one who comes back must be given */
    uint64_t now_ns;  /* when the bytes looked at now were received */
    bool timed;       /* latencies are recorded */
    bool open;        /* what is due may be sent later */

    uint64_t received;  /* stanzas of any kind for users */
    uint64_t expected;  /* copies of marks, since the start */
    uint64_t got;       /* of them, in place */
    uint64_t refused;   /* marks */
    uint64_t removed;   /* users that do not read and were put out by the server */
    uint32_t entered;   /* users that are in */
    uint64_t presences; /* of others, that came with entries */
    struct hist entry_time;
    struct faults faults;
    unsigned printed;

    struct {
        struct mark *mark; /* copies of it come one after the other; NULL: none */
        struct room *room;
        uint32_t count; /* not yet entered below */
    } run;
    struct {
        uint32_t user, place;
    } gaps[GAPS_MAX]; /* what was passed over: late or lost */
    unsigned gap_count;

    uint32_t *free_rooms; /* rooms where an entry or a change was completed: the next may begin */
    uint32_t free_count;
};

struct layout {
    uint32_t rooms, occupants;           /* group 0 */
    uint32_t side_rooms, side_occupants; /* group 1; no rooms: there is none */
    uint32_t marks_max;                  /* outstanding at a time */
    uint32_t links;
    uint32_t slow_percent_x100;
};

void ledger_init(struct ledger *ledger, const struct layout *layout);
void ledger_free(struct ledger *ledger);

/* A new mark that `sender` is about to send to its room; not while ledger_full(). */
uint32_t ledger_mark(struct ledger *ledger, enum mark_kind kind, uint32_t sender, uint64_t due_ns);
void ledger_sent(struct ledger *ledger, uint32_t mark, uint64_t sent_ns);
/* Whether there is no place for so many more. */
bool ledger_full(const struct ledger *ledger, uint32_t more);

/* `user` is about to be sent into its room for the first time. */
void ledger_enter(struct ledger *ledger, uint32_t user, uint64_t now);

/* One stanza, for a user of the connection `link`; `text` is it, for a fault's message. */
void ledger_take(struct ledger *ledger, uint32_t link, const struct seen *seen, struct span text);

/* Another copy of the stanza before, for another user. */
void ledger_again(struct ledger *ledger, uint32_t link, const struct seen *seen, struct span text);

/* Enters what was put off for speed; to be called behind each block of input. */
void ledger_settle(struct ledger *ledger);

/* Copies and entries outstanding are lost: they are counted as misses, once. */
void ledger_write_off(struct ledger *ledger);

/* One stanza about who is in the room (entry.c). */
void ledger_here(struct ledger *ledger, const struct seen *seen, struct span text);
void ledger_gone(struct ledger *ledger, const struct seen *seen, struct span text);
void ledger_past(struct ledger *ledger, const struct seen *seen, struct span text);
void ledger_subject(struct ledger *ledger, const struct seen *seen, struct span text);
void ledger_copy(struct ledger *ledger, const struct seen *seen, struct span text);
void ledger_copies_came(struct ledger *ledger, struct mark *mark, uint32_t count);
uint64_t ledger_fingerprint(uint32_t user);

/* Everybody is in and was given everybody's presence; counts what is missing where not. */
void ledger_check_entries(struct ledger *ledger);

uint64_t ledger_entries_expected(const struct ledger *ledger);
bool faults_any(const struct faults *faults);
void ledger_error(struct ledger *ledger, const char *what, struct span text);

#endif
