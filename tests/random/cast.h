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
    CAST_NICKS = 13,
    CAST_LOOKS = 4,
    CAST_PASSWORDS = 3,
    CAST_NOBODY = -1,
};

struct cast_entry {
    const char *address; /* bare */
    int domain;          /* entry of its domain; itself if it is one */
};

enum nick_fault { NICK_FINE, NICK_IMPOSSIBLE, NICK_INVISIBLE };

struct cast_nick {
    const char *text;
    const char *xml; /* the same, escaped */
    int key;         /* names with the same key are one name to the others */
    enum nick_fault fault;
};

struct cast_look {
    const char *xml; /* children of a presence */
    int priority;
};

extern const struct cast_entry cast_entries[CAST_ENTRIES];
extern const char *const cast_clients[CAST_CLIENTS];
extern const int cast_account_of[CAST_CLIENTS];
extern const char *const cast_rooms[CAST_ROOMS];
extern const struct cast_nick cast_nicks[CAST_NICKS];
extern const struct cast_look cast_looks[CAST_LOOKS];
extern const char *const cast_passwords[CAST_PASSWORDS]; /* the first is empty: none */

static inline bool cast_is_domain(int entry)
{
    return cast_entries[entry].domain == entry;
}

/* The client with that full JID, or CAST_NOBODY. */
int cast_client_named(const char *full_jid);

/* Below `count`; the same sequence for the same start. */
unsigned cast_pick(uint64_t *random, unsigned count);

#endif
