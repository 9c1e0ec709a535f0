/*
 * Client connections: each drives a parser, a stream machine and, once bound, a session of the
 * router. The door is what all of one net agent share.
 *
 *   accepted --first byte--> stream + parser --bound--> session, found by its route --> goodbye
 *
 * A connection that has said nothing yet costs little more than its descriptor; one that is bound
 * and silent has given its parser back. What must wait (a shard without credit, the store) stops
 * the reading of this one connection: TCP carries the pressure to the client.
 *
 * One thread: the net agent's.
 */
#ifndef NET_SESSION_H
#define NET_SESSION_H

#include "net/deliver.h"
#include "net/router.h"
#include "net/stream.h"

struct session;

/* Sessions with a stanza for a shard that has no credit left, in the order they came. */
struct line {
    struct session *first, *last;
    unsigned count;
};

struct door {
    /* set by the owner; borrowed */
    struct conns *conns;
    struct deliver *deliver;
    struct router *router; /* its proxy, directory, exchange and arena are used too */
    const struct stream_settings *settings;
    struct tls *tls;
    void (*random)(void *bytes, size_t size);
    unsigned shards;

    struct line *lines; /* one per shard */
    struct session *first;
    uint32_t count; /* connections not yet buried */
};

void door_init(struct door *door);
/* All sessions must have been buried. */
void door_fini(struct door *door);

/* A descriptor from accept(): taken. */
void door_admit(struct door *door, int fd);

/* Messages to this lane. */
void door_credit(struct door *door, unsigned shard);
void door_account(struct door *door, struct message *answer); /* borrowed */
/* MSG_PLACE_FREE. */
void door_place_free(struct door *door, const struct message *message);
void door_close_session(struct door *door, struct route route);
/* `bare` was removed: its sessions end, bound or not, but the one at `except`. */
void door_account_gone(struct door *door, struct str bare, struct route except);

/* Stream error system-shutdown to everybody. */
void door_close(struct door *door);
/* What is still there is dropped. */
void door_abandon(struct door *door);

#endif
