/*
 * Plays a script against something: the pure core, or a server over the network. The something is
 * known only as six functions; what it sends to the clients comes in by player_deliver().
 *
 * Every client has an inbox: what arrives while another is on turn is matched later, in order. A
 * stanza that does not fit the `receives` it meets is passed over: it leaves the inbox for good.
 */
#ifndef TESTS_SUPPORT_PLAYER_H
#define TESTS_SUPPORT_PLAYER_H

#include "tests/support/script.h"

#include <stdbool.h>
#include <stdio.h>

struct player;

/* Functions that fail set *problem to a sentence on the heap. */
struct player_stage {
    /* Logs the client in; *full_jid (heap) is what it is known by from then on. */
    bool (*connect)(void *self, unsigned client, char **full_jid, char **problem);
    bool (*disconnect)(void *self, unsigned client, char **problem);
    bool (*send)(void *self, unsigned client, const char *stanza, char **problem);
    /* The service ends and begins anew; returns when it is there again. NULL: not possible. */
    bool (*restart)(void *self, char **problem);
    /* Lets what is under way arrive, for at most that long; may return earlier. */
    void (*pump)(void *self, unsigned ms);
    void *self;
    bool pump_is_clock;  /* time is what pump() lets pass, all of it, and nothing else */
    unsigned receive_ms; /* how long a `receives` waits; 0: everything is there at once */
    unsigned pause_ms;   /* before another client acts than the one before */
    unsigned quiet_ms;   /* how long `receives nothing` listens */
    bool reordered;      /* a host in between changes the order of a stanza's children */
};

/* `script` and `stage` are borrowed. */
struct player *player_new(const struct script *script, const struct player_stage *stage);
void player_free(struct player *player); /* NULL allowed */

/* A stanza for a client arrived; copied. */
void player_deliver(struct player *player, unsigned client, const char *stanza);
/* A client's connection ended although the script did not say so; it receives nothing more. */
void player_lost(struct player *player, unsigned client, const char *why);

/* True: every step went as written. Else the report tells the step, what was expected and
 * everything that came instead. */
bool player_run(struct player *player, FILE *report);

#endif
