/*
 * The net agent: epoll, its connections, its mailbox. One owner per connection; the rest of the
 * process knows a connection as a route.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "net/component.h"
#include "net/conn.h"
#include "net/router.h"
#include "net/stream.h"
#include "net/tls.h"
#include "shard/runtime/agent.h"

struct net;

struct net_setup {
    uint16_t lane;
    struct exchange *exchange; /* borrowed, like all below */
    struct directory *directory;
    const struct hash_key *hash_key;
    const struct router_settings *router;
    const struct stream_settings *stream; /* NULL: no client door */
    struct tls *tls;                      /* NULL: no STARTTLS */
    int listen_fd;                        /* shared by all net agents (EPOLLEXCLUSIVE); -1: none */
    const struct component_settings *component; /* NULL: no links */
    unsigned lanes; /* net agents in all, among which the links are dealt out */
    struct log_sink *log;
    void (*random)(void *bytes, size_t size);
    /* Lane 0: called when all shards have answered MSG_SHUTDOWN (counted by it). */
    void (*shards_done)(void *self);
    void *shards_done_self;
    unsigned shards;
    const struct conn_marks *marks; /* for tests; NULL: the limits */
};

struct net *net_new(const struct net_setup *setup, int *err);
struct agent *net_agent(struct net *net);
void net_free(struct net *net); /* after the agent has ended */

/* Asks for the end: stop accepting; flush what is queued, close streams with system-shutdown, then
 * the agent ends by itself at the latest after `deadline_ms`. Any thread. */
void net_close(struct net *net, int deadline_ms);

/* For tests that step the agent: NULL if nothing is on its way through it, all credits are back and
 * nothing waits to be written; else what is. Its own thread. */
const char *net_unrest(const struct net *net);

/* A listening socket for "host:port" or "[v6]:port"; negative code, with *why (static or in `text`)
 * for the operator: which address, what is wrong. */
int net_listen(struct str address, char *text, size_t text_size);
/* Is it written like one of those? */
bool net_is_address(struct str text);
/* Is the address of that listener a loopback one? */
bool net_is_loopback(struct str address);

#endif
