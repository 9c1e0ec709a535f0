/*
 * One lane without its thread: connections, deliveries, door and links stepped by hand, with a
 * clock that only the test moves. Peers are the far ends of socket pairs. The shards are two
 * mailboxes that count and keep what they are sent; the store answers at once.
 */
#ifndef TESTS_SUPPORT_LANE_WORLD_H
#define TESTS_SUPPORT_LANE_WORLD_H

#include "core/base/log.h"
#include "net/links.h"
#include "net/session.h"
#include "shard/runtime/message.h"

#define LANE_SHARDS 2
#define LANE_OPENING                                                                               \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"
#define LANE_BIND(resource)                                                                        \
    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"                        \
    "<resource>" resource "</resource></bind></iq>"

struct lane_world {
    struct conns conns;
    struct deliver deliver;
    struct router router;
    struct door door;
    struct router_settings settings;
    struct stream_settings stream;
    struct exchange *exchange;
    struct directory *directory;
    struct mailbox *lane, *scribe, *shards[LANE_SHARDS];
    struct store *store;
    struct links links; /* made by the test; stepped if there */

    bool store_is_slow;     /* the store's answers wait until this is false */
    uint32_t credit;        /* KiB given back to shards */
    unsigned stanzas;       /* posted to shards */
    unsigned gone;          /* sessions' ends posted to shards */
    unsigned gone_properly; /* of them */
    unsigned places_asked;  /* of sessions */
    unsigned links_told;    /* changes of links, posted to each shard */
    unsigned losses;        /* posted, and of which room the last one was */
    uint64_t lossy_room;
    uint32_t cost[LANE_SHARDS]; /* credits used of each shard, not yet given back */
    char last[400];             /* id attribute of the last stanzas posted, "id " each */

    struct log_sink sink;
    struct buf log; /* what was logged, a line each */
};

/* Domains localhost and conference.localhost; PLAIN and ANONYMOUS without TLS, registration open.
 */
void lane_world_begin(struct lane_world *world);
void lane_world_end(struct lane_world *world);

/* Moves the clock and runs cycles until nothing more happens. */
void lane_world_step(struct lane_world *world, int ms);
/* One cycle; true: there is more to do. */
bool lane_world_cycle(struct lane_world *world);

/* A client at the door: the test's end of its connection, non-blocking. */
int lane_world_client(struct lane_world *world);
/* Logs in as anonymous and binds the resource: the full JID, valid until the next call. */
const char *lane_world_bind(struct lane_world *world, int peer, const char *resource);

/* Writes, steps, and reads what has come until now; valid until the next call. */
const char *lane_world_talk(struct lane_world *world, int peer, const char *xml);
/* Reads what has come; *ended (may be NULL): the lane has closed its side. */
const char *lane_world_read(int peer, bool *ended);

/* Different bytes at each call, the same in each run. */
void lane_world_random(void *bytes, size_t size);

/* All credits used come back from the shard. */
void lane_world_give_credit(struct lane_world *world, unsigned shard);

/* ---- deliveries ---- */

/* "<message type='...'[address]><body>text</body>[tail]</message>" */
struct frame *lane_world_frame(const char *text);
/* Posts deliveries (contents taken) from a shard to the lane. */
void lane_world_deliver(struct lane_world *world, unsigned shard, struct delivery *deliveries,
                        uint32_t count);
struct delivery lane_world_one(struct route route, const char *to, uint64_t room, const char *text);
/* The room's answer to its loss with that link. */
struct delivery lane_world_loss_heard(struct route link, uint64_t room);
/* A list of `count` items: text-0, text-1, ... of at least `bytes` bytes each. */
struct delivery lane_world_list(struct route route, const char *to, uint64_t room, const char *text,
                                uint32_t count, size_t bytes);
/* The roster is taken. */
struct delivery lane_world_broadcast(struct roster *roster, uint64_t room, const char *text);

/* How often a text occurs in another. */
unsigned lane_world_count(const char *text, const char *what);

#endif
