/*
 * The component links of one lane. One thread.
 */
#ifndef NET_LINKS_H
#define NET_LINKS_H

#include "net/component_link.h"

struct links { /* zero: none */
    struct link *at[LINKS_MAX];
    unsigned count;
    unsigned turn; /* whose waiting stanzas get credits first */
};

/* Makes those links of the settings that live on this lane, one of `lanes`; number and route of the
 * setup are filled in. */
void links_begin(struct links *links, const struct link_setup *setup, unsigned lanes);
/* After links_abandon(). */
void links_fini(struct links *links);

/* Once per cycle. */
void links_cycle(struct links *links);
/* A shard gave credits back: what waits for them comes before what is read now. */
void links_credit(struct links *links, unsigned shard);
/* Does something wait for credits? Then links_cycle() is due in a millisecond. */
bool links_wait(const struct links *links);

/* Ends all streams properly, for good. */
void links_close(struct links *links);
/* Down at once. */
void links_abandon(struct links *links);

#endif
