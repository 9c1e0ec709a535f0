/*
 * What must hold whatever happens, whoever runs first and whatever fails:
 *
 *   order      all users of a room receive its messages in one order, without a gap while inside;
 *              in an archived room it is the archive's order, and history joins on to it
 *   kept       a message that anybody received from an archived room is committed by then; and
 *              what is committed stays, in its order, once, as it was sent
 *   promises   a change that was answered stands after a crash, a refused one does not; everything
 *              that was sent is answered or seen, once; no error without a reason
 *   inside     who believes to be inside is, and the other way round
 *   privacy    nobody reads an address that is kept from him (tests/support/privacy.h)
 *   rest       when nothing moves any more, every count is zero, and the store has what the rooms
 *              have
 */
#ifndef TESTS_SIM_CHECKERS_H
#define TESTS_SIM_CHECKERS_H

#include "core/record/record.h"
#include "core/muc/roster.h"
#include "tests/sim/sim_cast.h"
#include "tests/support/privacy.h"

struct sim;

enum {
    SENT_MAX = 16384,
    HEARD_MAX = 16384,
    TARGETS = CAST_GUESTS + CAST_USERS, /* whose affiliations change */
    REG_TITLE = TARGETS,
    REG_SUBJECT,
    REGS,
    REG_NONE = REGS,
};

enum sent_kind {
    SENT_QUIET, /* nothing is said back to it */
    SENT_JOIN,
    SENT_TALK, /* to everybody: its sender sees it, or an error */
    SENT_IQ,
};

enum sent_state { SENT_OPEN, SENT_DONE, SENT_REFUSED, SENT_VOID };

/* Stanza number n has the id "s<n>", its text is "t<n>". */
struct sent {
    enum sent_kind kind;
    enum sent_state state;
    int user, room;
    unsigned reg;      /* what it changes; REG_NONE: nothing of that kind */
    int value;         /* to that */
    int buries;        /* message it takes back (index of heard), or -1 */
    unsigned life;     /* of the process */
    uint64_t failures; /* of the store, before those that may concern it */
    bool sure;         /* its sender was inside, and nothing was about to change that */
    bool doubtful;     /* it may be refused, as far as its sender knows */
};

/* A message by the id the room gave it. */
struct heard {
    char id[40];
    int room;
    unsigned sent;     /* 0: the room's own */
    unsigned next;     /* index + 1 of the one that somebody received right after it; 0: nobody */
    unsigned before;   /* the same the other way round */
    bool archived;     /* committed; then: */
    unsigned seq;      /* place in the archive, from 1 */
    unsigned shown;    /* place among those that newcomers are shown, from 1; 0: it is none */
    unsigned shown_by; /* how many of those there were by then */
    unsigned wipes;    /* of its room, when it was committed */
    bool buried;       /* its tombstone is committed */
};

/* One user in one room. */
struct seat_of {
    bool inside;      /* so it was told */
    bool unsure;      /* the process died meanwhile */
    bool disturbed;   /* something is under way that may change it */
    bool archived;    /* so the room says */
    bool admin;       /* it is an admin, or was one */
    bool stored;      /* the process died, and it is in the store that it is inside */
    unsigned joining; /* number of the stanza; 0: it is not */
    char nick[16];
    long last;         /* index of the message received last, or -1 */
    unsigned wipes;    /* of the room, when the next two were noted */
    unsigned last_seq; /* the same in the archive; 0: none */
    long shown;        /* of the last message of history, since it entered; -1: none */
};

struct reg {
    unsigned since; /* the number sent whose value is known to stand, or a later one's */
    int value;
    bool unknown;
};

struct room_of {
    unsigned seq, shown;         /* committed */
    unsigned archive[HEARD_MAX]; /* index of heard, by seq - 1 */
    unsigned wipes;
    bool trimmed; /* it had no archive for a while */
    bool made;    /* its owner is inside, or was */
    bool frail;   /* it may have ended since all was at rest, and begun again */
    struct reg regs[REGS];
    long last_body; /* index of the heard one received last, or -1 */
};

struct checkers {
    struct sim *sim;
    struct sent sent[SENT_MAX];
    unsigned sent_count; /* from 1 */
    struct heard heard[HEARD_MAX];
    unsigned heard_count;
    unsigned index[2 * HEARD_MAX]; /* by hash of the id: place in heard + 1 */
    struct seat_of seats[CAST_USERS][CAST_ROOMS];
    struct room_of rooms[CAST_ROOMS];
    uint64_t failures;          /* of the store, when all was at rest last */
    struct privacy *privacy[2]; /* of each service */
    unsigned long received, answered, refused, talked, archived, entered, compared;
};

struct checkers *checkers_new(struct sim *sim);
void checkers_free(struct checkers *checkers);

/* ---- what happens (checkers.c) ---- */

/* Before a stanza is sent: its number. */
unsigned checkers_sending(struct checkers *checkers, struct sent sent);
/* Something may put a user out, or everybody (`user` -1). */
void checkers_disturb(struct checkers *checkers, int user, int room);
/* The user reads it. */
void checkers_hear(struct checkers *checkers, int user, const char *stanza);
/* For sim_store: an operation is durable. */
void checkers_committed(void *checkers, struct str room, const struct record_item *item);
/* A client of our own has lost its connection. */
void checkers_gone(struct checkers *checkers, int user);
/* The link of that service is lost, with whatever was under way on it, to the rooms and from them.
 * Who was inside stays so, hears all, or is put out before anything else. */
void checkers_link_lost(struct checkers *checkers, unsigned service);
/* What it receives next need not follow on what it received last. */
void checkers_lose_place(struct seat_of *seat);
struct heard *checkers_heard(struct checkers *checkers, struct str id, int room);

/* ---- promises (promises.c) ---- */
void promise_answered(struct checkers *checkers, unsigned number, bool refused, const char *stanza);
/* Somebody has seen the value that this stanza set. */
void promise_seen(struct checkers *checkers, unsigned number);
/* NULL: it may have that value; else what is wrong. What it has is known from then on. */
void promise_check(struct checkers *checkers, int room, unsigned reg, int value, const char *where);
/* Nothing moves any more: nothing is left unanswered. */
void promises_settled(struct checkers *checkers);
/* The process is gone: nobody knows about what was not answered. */
void promises_void(struct checkers *checkers);

/* ---- comparing with the store and the rooms (at_rest.c) ---- */
/* What was committed is there; right after a crash too. */
void check_store(struct checkers *checkers);
/* Everything, when nothing moves any more. */
void check_rest(struct checkers *checkers);
/* The process is gone, unexpected or (`planned`) as it was asked to: who is inside, as it is
 * stored, is so afterwards. */
void check_death(struct checkers *checkers, bool planned);

#endif
