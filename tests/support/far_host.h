/*
 * A host server behind a component link, as deliveries see it: a connection that reads only when
 * the test does. No stream and no handshake.
 */
#ifndef TESTS_SUPPORT_FAR_HOST_H
#define TESTS_SUPPORT_FAR_HOST_H

#include "tests/support/lane_world.h"

struct far_host { /* zero: closed */
    struct lane_world *world;
    struct conn conn;
    struct route route;
    int peer; /* to be read from */
};

/* As link `number` of the lane. */
void far_host_open(struct far_host *far, struct lane_world *world, unsigned number);
/* Lost; what waited for it is thrown away. Does nothing if it is closed. */
void far_host_close(struct far_host *far);
/* Adds people behind it to a room: p0@far/x, p1@far/x, ... */
void far_host_seat(const struct far_host *far, struct roster **roster, unsigned count);

#endif
