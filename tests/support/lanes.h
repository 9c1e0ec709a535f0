/*
 * What stands around shards in a test: lanes that keep what they are sent and can say how a client
 * would have read it, an environment for the rules, and randomness that is the same in every run.
 */
#ifndef TESTS_SUPPORT_LANES_H
#define TESTS_SUPPORT_LANES_H

#include "core/muc/muc.h"
#include "shard/runtime/lane.h"

#define LANES_SERVICE "rooms.example"
#define LANES_LOUNGE  "lounge.example" /* a second one, where new rooms are locked */

#define LANES_ADMIN "admin@example.org" /* of both */

enum { LANE_KEPT_MAX = 4096, LANES_LOUNGE_ROOMS = 2 /* per user, there */ };

struct fake_lane {
    struct exchange *exchange;
    uint16_t number;
    struct mailbox *mailbox;
    struct message *kept[LANE_KEPT_MAX];
    unsigned count; /* kept */
    unsigned next;  /* not yet looked at */
};

void fake_lane_open(struct fake_lane *lane, struct exchange *exchange, uint16_t number);
void fake_lane_close(struct fake_lane *lane);

/* Fetches what has been posted; returns how many messages. */
unsigned fake_lane_drain(struct fake_lane *lane);
/* The next message, the caller's; NULL: no more. */
struct message *fake_lane_next(struct fake_lane *lane);

/* What the recipients of a delivery read, in order. `text` is borrowed. */
typedef void fake_hear(void *self, struct route route, const char *text);
void delivery_expand(const struct delivery *delivery, uint16_t lane, fake_hear *hear, void *self);

/* Everything kept, as it would have been read: one line per stanza, "slot<space>stanza". The caller
 * frees. Other messages are left for fake_lane_next(). Deliveries are freed; *cost: their KiB. */
char *fake_lane_read(struct fake_lane *lane, uint32_t *cost);

/* Presets of all options, rooms not locked, one admin. Static; that of LANES_LOUNGE lies behind it.
 */
const struct muc_env *lanes_env(void);
void lanes_env_free(void);

/* Different bytes at each call, the same in each run. One thread. */
void lanes_random(void *bytes, size_t size);

#endif
