/*
 * Where the routes of a lane lead: slot and generation to connection. A slot is used again, a
 * generation of it is not (for 2^32 uses): a route that outlived its connection misses. The first
 * LINKS_MAX slots belong to component links and are never handed out. One thread.
 */
#ifndef NET_SLOTS_H
#define NET_SLOTS_H

#include <stdint.h>

struct conn;

struct slots {
    struct slot {
        struct conn *conn;   /* NULL: free */
        uint32_t generation; /* of the present use, or of the next */
        uint32_t next_free;
    } * at;
    uint32_t size;
    uint32_t first_free, last_free; /* 0: none; taken at the front, given back at the end */
};

void slots_init(struct slots *slots);
void slots_fini(struct slots *slots);

/* The route is (*slot, *generation) until slots_give(). */
void slots_take(struct slots *slots, struct conn *conn, uint32_t *slot, uint32_t *generation);
void slots_give(struct slots *slots, uint32_t slot);
/* The slot of a link; NULL empties it. */
void slots_set_link(struct slots *slots, uint32_t slot, struct conn *conn);

/* NULL: a stale route. */
struct conn *slots_find(const struct slots *slots, uint32_t slot, uint32_t generation);

#endif
