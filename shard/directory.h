/*
 * What everybody may look up without asking an agent, by RCU: public rooms (discovery) and client
 * sessions by JID (invitations, stanzas between local users), and where other domains are reached.
 *
 *                     add/update/remove     look up
 *   rooms              the room's shard     any agent
 *   sessions           the session's lane   any agent
 *   local domain, links main, at start      any agent
 *   which link is up   the link's lane      any agent
 *
 * Look-ups open their own read section (they may run inside one) and give values, never pointers.
 */
#ifndef SHARD_DIRECTORY_H
#define SHARD_DIRECTORY_H

#include "core/base/hash.h"
#include "core/muc/muc.h"
#include "core/muc/roster.h"
#include "core/xmpp/jid.h"
#include "shard/tallies.h"

struct directory;

struct directory *directory_new(const struct hash_key *hash_key);
/* After the last agent has ended; what is still listed goes too. The thread is registered with RCU
 * and in no read section. */
void directory_free(struct directory *directory);

struct tallies *directory_tallies(const struct directory *directory);

/* ---- where JIDs live ---- */
/* The domain of client accounts; absent: the client door is closed. Borrowed for ever. */
void directory_set_local(struct directory *directory, struct str domain);
/* A component link, by which the service `domain` (borrowed for ever) reaches all other domains; at
 * most LINKS_MAX in all. It is down. */
void directory_add_link(struct directory *directory, struct str domain, struct route route);
/* By who owns the link. */
void directory_link_up(struct directory *directory, struct route route, bool up);
/* By which route what is for that one goes now: itself, another link of the same service that is
 * up, or ROUTE_NONE. And any that is up. */
struct route directory_link_now(const struct directory *directory, struct route route);
struct route directory_link_any(const struct directory *directory, struct str domain);
/* Any link of the service, one that is up if there is one: where those are who came by one. */
struct route directory_link_home(const struct directory *directory, struct str domain);
bool directory_is_local(const struct directory *directory, const struct jid *jid);

/* ---- rooms: call again to update; `listed` false removes ---- */
void directory_room(struct directory *directory, const struct jid *jid, bool listed,
                    struct str name, uint32_t occupants);
uint32_t directory_room_count(const struct directory *directory);
/* A part of the listed rooms of one service, copied into the arena. */
struct listing_page directory_page(struct directory *directory, struct arena *arena,
                                   const struct listing_query *query);

/* ---- sessions ---- */
struct directory_session; /* handle, kept by the session's lane */
struct directory_session *directory_session_add(struct directory *directory, const struct jid *full,
                                                struct route route);
/* `available`: it has sent initial presence. */
void directory_session_presence(struct directory_session *session, bool available, int8_t priority);
void directory_session_remove(struct directory *directory, struct directory_session *session);

struct session_found {
    struct route route;
    bool available;
    int8_t priority;
    char resource[1024]; /* NUL-terminated, prepared */
};
/* The session with that full JID; the newer one while one replaces another. */
bool directory_session_find(struct directory *directory, const struct jid *full,
                            struct route *route);
/* Routes of the sessions with that full JID that a newer one has replaced: they must end. Whoever
 * adds a session looks afterwards, so that of two added at once at least one sees the other. */
unsigned directory_sessions_replaced(struct directory *directory, const struct jid *full,
                                     struct route *routes, unsigned max);
/* Sessions of an account, at most `max` (RESOURCES_PER_ACCOUNT); returns how many. */
unsigned directory_sessions(struct directory *directory, struct str bare,
                            struct session_found *found, unsigned max);

struct way {
    struct str service; /* the domain of the room or service that sends */
    const struct jid *to;
    struct route origin; /* of what caused it; ROUTE_NONE: nothing did */
};

/*
 * Where a stanza for `to` goes that is not addressed to the service: a local full JID to its
 * session, a local bare JID (messages) to all available sessions with priority >= 0, another domain
 * to a link of the service that is up: the one that what caused it came by, else the first.
 * Returns how many routes were written; 0: nobody there, or no link is up.
 */
/* Does that service reach other domains at all, were it only at other times? */
bool directory_has_links(const struct directory *directory, struct str domain);
unsigned directory_reach(struct directory *directory, const struct way *way, struct route *routes,
                         unsigned max);

#endif
