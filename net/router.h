/*
 * to='...' decides: the service's rooms (a shard), the client domain itself, a local session here
 * or on another lane, or an error. One per net agent, used on its thread only.
 *
 *   router.c            sessions: begin, end, what they send
 *   router_users.c      from one local user to another (RFC 6121 section 8)
 *   router_component.c  what the host server sends over the component link
 *   local.c             answers of the client domain and on behalf of accounts
 */
#ifndef NET_ROUTER_H
#define NET_ROUTER_H

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/xml/frame.h"
#include "core/xml/stanza.h"
#include "core/xmpp/domains.h"
#include "core/xmpp/jid.h"
#include "shard/directory.h"
#include "shard/proxy.h"
#include "shard/runtime/lane.h"

/* A bound client session; made and freed by its connection. */
struct client {
    struct jid *jid;         /* full, owned */
    struct address *address; /* of jid */
    struct route route;
    struct directory_session *entry;
    /* Where it has sent available presence: struct place, rooms (with the nick) by bare JID, other
     * users by full or bare JID as they were addressed. */
    struct map rooms;
    uint32_t presences; /* available ones, sent to anybody */
    uint32_t asked_at;  /* where in the map asking goes on */
    bool available;     /* it has sent initial presence */
    int8_t priority;
};

struct router_settings {
    struct domains muc_domains; /* all of them; local clients reach each */
    struct str client_domain;   /* prepared; absent: no client door */
    bool registration;          /* XEP-0077 is open: discovery says so */
    struct str version;
};

struct router {
    const struct router_settings *settings;
    struct proxy *proxy;
    struct directory *directory;
    struct exchange *exchange;
    const struct hash_key *hash_key;
    struct arena *arena; /* reset by the caller between stanzas */
    uint16_t lane;
    bool forgery_told; /* that the host server sends in our clients' names was logged */
    /* Hands a frame (TAKEN) to a connection of this lane; a stale route misses silently. The
     * address is borrowed. */
    void (*deliver)(void *net, struct route route, struct frame *frame, struct address *address);
    void *net;
};

/* Makes the session's entry in the directory, its address and an empty map of rooms; `client->jid`
 * and `route` are set, the rest is zero. */
void router_client_begin(struct router *router, struct client *client);
/* The connection ended: tells rooms (proxy_session_gone), local contacts, directory. `properly`: it
 * was not lost. Frees what is in *client. */
void router_client_end(struct router *router, struct client *client, bool properly);
/* The session is not in that room, or was not when its presence of that number had come there: the
 * place is free, unless it has sent another one. */
void router_place_free(struct client *client, const struct jid *room, uint32_t presence);
/* The account (bare JID) was removed: all lanes close what goes by its name, but `except`. */
void router_account_gone(struct router *router, struct str bare, struct route except);

enum routed {
    ROUTED_DONE,    /* the stanza was taken */
    ROUTED_WAIT,    /* its shard has no credit: NOT taken; stop reading and offer it again */
    ROUTED_INVALID, /* `from` is not the session's: stream error invalid-from; taken */
};
/* A stanza of a bound session; `from` is stamped by us whatever it says. */
enum routed router_client(struct router *router, struct client *client, struct stanza *stanza);

/* A component link: where it is, and the one domain that it speaks for. */
struct inlet {
    struct route route;
    struct str domain; /* borrowed */
};

/* A stanza of the component link that is good enough for a room; all of it heap. */
struct passing {
    struct stanza *stanza;
    struct jid *from, *to;
    unsigned shard;
};
void passing_free(struct passing *passing);

/* A stanza from the component link (taken). ROUTED_WAIT: its shard has no credit, it is in
 * *waiting now, for the side queue. Not for the link's domain: service-unavailable for requests,
 * else dropped. */
enum routed router_component(struct router *router, const struct inlet *link, struct stanza *stanza,
                             struct passing *waiting);
/* One that has waited; false: no credit yet, it is still the caller's. */
MUST_CHECK bool router_component_again(struct router *router, struct route link,
                                       const struct passing *waiting);
/* Refused with resource-constraint, or dropped if it must not be answered. Takes it. */
void router_component_refuse(struct router *router, struct route link, struct passing *waiting);

/* MSG_ROUTED: a stanza of another lane for a session here is simply delivered by the agent. */

#endif
