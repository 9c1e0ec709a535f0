/*
 * Who is at the other end of the wires: the host server of each service (XEP-0114, its side), and
 * our own clients, with accounts that they register, use and remove.
 */
#ifndef TESTS_SIM_PEERS_H
#define TESTS_SIM_PEERS_H

#include "tests/sim/sim_cast.h"
#include "tests/sim/stream_end.h"

struct sim;

enum { PEERS_LEFT = 32 };

enum host_state { HOST_AWAY, HOST_OPENING, HOST_SHAKING, HOST_UP };

enum client_state {
    CLIENT_AWAY,
    CLIENT_OPENING, /* the first stream */
    CLIENT_REGISTERING,
    CLIENT_LOGGING_IN,
    CLIENT_REOPENING, /* logged in */
    CLIENT_BINDING,
    CLIENT_HERE,
    CLIENT_REMOVING, /* its account */
};

/* What its user knows of an account. */
enum account_state { ACCOUNT_NONE, ACCOUNT_THERE, ACCOUNT_DOUBT };

/* How a client goes. */
enum goodbye { GOODBYE_POLITE, GOODBYE_BROKEN, GOODBYE_SILENT, GOODBYES };

struct peers {
    struct {
        struct stream_end end;
        enum host_state state;
    } hosts[CAST_SERVICES];
    struct {
        struct stream_end end;
        enum client_state state;
        enum account_state account;
        bool removal;      /* was asked for, and is not answered; it may be done yet */
        uint64_t failures; /* of the store, when it began */
        int64_t called_ms; /* when it did */
    } clients[CAST_USERS];
    struct {
        struct wire *wire;
        int user;
        enum client_state state; /* when it left */
        bool removed;            /* its account was, since */
    } left[PEERS_LEFT];          /* that a client does not look at any more */
    unsigned left_count;
    bool given_up; /* they all are about to end */
    unsigned long links_lost, found_again, logins, spares, registered, removed;
};

void peers_begin(struct sim *sim);
void peers_end(struct sim *sim);

/* Something moves on some wire. */
void peers_step(struct sim *sim);
/* All that can move does; how much it was. */
unsigned peers_round(struct sim *sim);
/* Somebody is about to get somewhere. */
bool peers_are_busy(const struct sim *sim);
/* The process is gone. */
void peers_lose_all(struct sim *sim);
/* Nothing moves any more: whose address has a newer session, or whose account is gone, is closed.
 */
void peers_check_left(struct sim *sim);
/* Who has vanished silently is found out. */
void peers_give_up(struct sim *sim);
/* All is at rest. */
void peers_settled(struct sim *sim);

bool peers_may_send(const struct sim *sim, int user, unsigned service);
/* As it is, with a `from` for those behind the link. */
void peers_send(struct sim *sim, int user, unsigned service, const char *stanza);

/* ---- clients of our own ---- */
bool peers_is_away(const struct sim *sim, int user);
bool peers_is_here(const struct sim *sim, int user);
void peers_call(struct sim *sim, int user);
void peers_leave(struct sim *sim, int user, enum goodbye how);
void peers_remove_account(struct sim *sim, int user);

/* ---- what befalls links ---- */
bool peers_link_is_up(const struct sim *sim, unsigned service);
void peers_break_link(struct sim *sim, unsigned service);
/* The host server ends the stream as it should. */
void peers_close_link(struct sim *sim, unsigned service);
/* It breaks, and is there again before anything else happens. */
void peers_blink_link(struct sim *sim, unsigned service);
/* Something that a host server should not send. */
void peers_send_garbage(struct sim *sim, unsigned service, unsigned which);

#endif
