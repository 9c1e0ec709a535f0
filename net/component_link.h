/*
 * A component link as its net agent sees it. One thread.
 */
#ifndef NET_COMPONENT_LINK_H
#define NET_COMPONENT_LINK_H

#include "net/component.h"
#include "net/deliver.h"
#include "net/router.h"

struct link;

struct link_setup {
    const struct component_settings *settings; /* borrowed, like all below */
    unsigned number;                           /* of settings->hosts */
    struct route route;                        /* known to the directory */
    struct conns *conns;
    struct deliver *deliver;
    struct router *router;
    void (*random)(void *bytes, size_t size);
    unsigned shards;
};

/* Connects at the next cycle, and again whenever the link is lost. */
struct link *link_new(const struct link_setup *setup);
/* After link_close() and when it is down. NULL allowed. */
void link_free(struct link *link);

/* Once per cycle. */
void link_cycle(struct link *link);
/* A shard gave credits back. */
void link_credit(struct link *link, unsigned shard);
/* Does something wait for credits? Then link_cycle() is due in a millisecond. */
bool link_waits(const struct link *link);

/* Ends the stream properly, for good. */
void link_close(struct link *link);
bool link_is_down(const struct link *link);
/* Down at once. */
void link_abandon(struct link *link);

#endif
