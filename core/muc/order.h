/*
 * An order to a room from outside of it: an admin of the service ends the room. Rooms are spread
 * over threads, so an order travels, and its outcome comes back, by a ticket.
 */
#ifndef CORE_MUC_ORDER_H
#define CORE_MUC_ORDER_H

#include <stdint.h>

/* Who waits for the outcome. Means nothing to the room, which hands it back. */
struct ticket {
    uint64_t command; /* of the asker's */
    uint32_t asker;   /* shard */
    uint32_t place;   /* of the room in the command */
};

enum order_outcome {
    ORDER_OPEN, /* nothing is known yet */
    ORDER_DONE,
    ORDER_NO_ROOM,
    ORDER_LOST,   /* it did not get to the room */
    ORDER_FAILED, /* the store did not take it */
    ORDER_OUTCOMES
};

#endif
