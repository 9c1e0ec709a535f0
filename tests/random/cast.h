/*
 * Who takes part in random conversations, and the words they have: fixed tables, so that what is
 * said about a name (which key it is compared by, whether it is possible) is written down here by
 * hand and asked of nobody. All addresses of people begin with letters that occur nowhere else.
 */
#ifndef TESTS_RANDOM_CAST_H
#define TESTS_RANDOM_CAST_H

#include <stdbool.h>
#include <stdint.h>

#define CAST_SERVICE "conference.localhost"

enum {
    CAST_PEOPLE = 6,  /* accounts; the last is a gateway, whose address is a domain */
    CAST_ENTRIES = 8, /* and the domains of the others: all that can stand in a list */
    CAST_CLIENTS = 12,
    CAST_ROOMS = 2,
    CAST_NICKS = 15,
    CAST_LOOKS = 4,
    CAST_PASSWORDS = 3,
    CAST_QUESTIONS = 5,
    CAST_NOBODY = -1,
};

struct cast_entry {
    const char *address; /* bare */
    int domain;          /* entry of its domain; itself if it is one */
};

/* What is wrong with a name depends on the operator's rules. */
enum nick_fault {
    NICK_FINE,
    NICK_IMPOSSIBLE,
    NICK_INVISIBLE,
    NICK_PADDED, /* by blanks, which may be taken off */
    NICK_RECENT, /* of letters that addresses did not have at first */
};

enum { CAST_NICK_SHORT = 8 }; /* characters, where names have to be short */

struct cast_nick {
    const char *text;
    const char *xml; /* the same, escaped */
    int key;         /* names with the same key are one name to the others */
    enum nick_fault fault;
    bool is_long; /* more than CAST_NICK_SHORT */
    int inside;   /* the one without the blanks; else itself */
};

struct cast_look {
    const char *xml; /* children of a presence */
    int priority;
};

/* What a room may ask of who wants to be registered; the first two have to be answered. */
struct cast_question {
    const char *option; /* what its owner calls it */
    const char *var;
    const char *words; /* that occur nowhere else */
};

enum { CAST_QUESTIONS_REQUIRED = 1 << 0 | 1 << 1 };

extern const struct cast_entry cast_entries[CAST_ENTRIES];
extern const char *const cast_clients[CAST_CLIENTS];
extern const int cast_account_of[CAST_CLIENTS];
extern const char *const cast_rooms[CAST_ROOMS];
extern const struct cast_nick cast_nicks[CAST_NICKS];
extern const struct cast_look cast_looks[CAST_LOOKS];
extern const char *const cast_passwords[CAST_PASSWORDS]; /* the first is empty: none */
extern const struct cast_question cast_questions[CAST_QUESTIONS];

static inline bool cast_is_domain(int entry)
{
    return cast_entries[entry].domain == entry;
}

/* The client with that full JID, or CAST_NOBODY. */
int cast_client_named(const char *full_jid);

/* Below `count`; the same sequence for the same start. */
unsigned cast_pick(uint64_t *random, unsigned count);

#endif
