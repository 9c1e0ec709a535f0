/*
 * A router of lane 0 among real exchange, directory and proxy, with one shard and a lane 1 that
 * only collect what they are sent. What happens comes out as text, in this order:
 *
 *   (wait) (invalid)             the outcome, if it is not "done"
 *   [slot <stanza/>]             delivered to a connection here
 *   {from -> to <stanza/>}       posted to the shard
 *   {gone jid room}              a session's end, to the shard
 *   [1:slot <stanza/>]           posted to the other lane
 *   {removed bare but 1:slot}    posted to each lane: the account is no more
 */
#ifndef TESTS_SUPPORT_ROUTER_WORLD_H
#define TESTS_SUPPORT_ROUTER_WORLD_H

#include "net/router.h"

struct router_world {
    struct router_settings settings;
    struct exchange *exchange;
    struct directory *directory;
    struct mailbox *shard, *lanes[2];
    struct router router;
    struct arena *arena; /* for the test */
    struct buf log;
    unsigned asked;        /* of places, so often */
    struct client *answer; /* it is in none of them; NULL: nobody answers */
    uint32_t wire_size;    /* of stanzas of the link, whatever they have; 0: what they have */
};

/* Domains localhost and conference.localhost. The calling thread is registered with RCU. */
void router_world_begin(struct router_world *world);
void router_world_end(struct router_world *world);

/* A bound session on lane 0 with that slot; available with priority 0 if `available`. */
void router_world_client(struct router_world *world, struct client *client, const char *jid,
                         uint32_t slot, bool available);
/* A session on lane 1; the caller removes it from the directory, before the world ends, or not. */
struct directory_session *router_world_remote(struct router_world *world, const char *jid,
                                              uint32_t slot);

/* What came of it; valid until the next call. A stanza that has to wait is thrown away. */
const char *router_world_send(struct router_world *world, struct client *client, const char *xml);
const char *router_world_link(struct router_world *world, const char *xml);
const char *router_world_link_refuse(struct router_world *world, const char *xml);
/* Ends the session. */
const char *router_world_leave(struct router_world *world, struct client *client);
/* What else has happened. */
const char *router_world_look(struct router_world *world);

#endif
