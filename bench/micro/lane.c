/*
 * Lane expansion: net/deliver and the copy into outboxes, without sockets. One operation is one
 * recipient of a broadcast. Deliveries come as a shard posts them; outboxes are thrown away
 * unwritten.
 */
#include "bench/micro/micro.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "net/component.h"
#include "tests/support/lane_world.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS   400 /* two descriptors each */
#define ROOMS_MAX 500
#define FAR_MAX   20000
#define TEXT                                                                                       \
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt "   \
    "ut labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation"

static struct lane_world world;
static struct conn host;
static int host_peer;
static struct route clients[CLIENTS];
static struct address *client_addresses[CLIENTS];
static struct address *far[FAR_MAX];

struct shape {
    unsigned rooms;
    unsigned size;
    bool clients; /* else behind the link */
};

static const struct conn_kind host_kind = {.input = NULL};
static const struct route link_route = {0, COMPONENT_GENERATION, 0};

static void open_host(void)
{
    int fds[2];
    ensure(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    conn_init(&host, &world.conns, &host_kind, &world.conns.large);
    host.is_link = host.link_up = true;
    host.high_water = LINK_OUTBOX_HIGH_WATER;
    slots_set_link(&world.conns.slots, link_route.slot, &host);
    ensure(conn_open(&host, fds[0], false) == 0);
    host_peer = fds[1];
}

static void close_host(void)
{
    deliver_forget(&world.deliver, &host);
    conn_drop(&host);
    slots_set_link(&world.conns.slots, link_route.slot, NULL);
    close(host_peer);
}

static void seat_clients(int *peers)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        char resource[16];
        snprintf(resource, sizeof(resource), "r%u", i);
        peers[i] = lane_world_client(&world);
        struct jid *jid = jid_parse(NULL, str_z(lane_world_bind(&world, peers[i], resource)));
        ensure(directory_session_find(world.directory, jid, &clients[i]));
        client_addresses[i] = address_new(jid_full(jid));
        jid_free(jid);
    }
    for (unsigned i = 0; i < FAR_MAX; i++) {
        char jid[40];
        snprintf(jid, sizeof(jid), "u%u@users.localhost/r", i);
        far[i] = address_new(str_z(jid));
    }
}

static struct roster *seat_room(const struct shape *shape, unsigned room)
{
    struct roster *roster = roster_new();
    for (unsigned i = 0; i < shape->size; i++) {
        unsigned who = (room * shape->size + i) % (shape->clients ? CLIENTS : FAR_MAX);
        roster_add(&roster, shape->clients ? clients[who] : link_route,
                   shape->clients ? client_addresses[who] : far[who], i, i, ROSTER_PARTICIPANT);
    }
    return roster;
}

/* A message to every room, as one post of a shard. */
static void deliver_batch(struct roster **rosters, unsigned rooms, struct frame *frame)
{
    struct message *message = message_new(MSG_DELIVERIES);
    message->deliveries.at = MEM_NEW_ARRAY(struct delivery, rooms);
    message->deliveries.count = rooms;
    for (unsigned i = 0; i < rooms; i++)
        message->deliveries.at[i] = (struct delivery){.kind = DELIVER_BROADCAST,
                                                      .room = i + 1,
                                                      .cost = 1,
                                                      .frame = frame_ref(frame),
                                                      .roster = roster_ref(rosters[i]),
                                                      .audience = AUDIENCE_ALL};
    deliver_take(&world.deliver, message);
    message_free(message);
}

/* Expands all; what was copied counts and is thrown away. */
static uint64_t expand_all(const struct shape *shape)
{
    uint64_t bytes = 0;
    do {
        deliver_run(&world.deliver);
        bytes += host.outbox.bytes;
        outbox_clear(&host.outbox);
        deliver_drained(&world.deliver, &host);
    } while (!deliver_is_empty(&world.deliver));
    for (unsigned i = 0; shape->clients && i < CLIENTS; i++) {
        struct conn *conn = slots_find(&world.conns.slots, clients[i].slot, clients[i].generation);
        bytes += conn->outbox.bytes;
        outbox_clear(&conn->outbox);
    }
    return bytes;
}

static uint64_t broadcast(void *self, uint64_t operations)
{
    const struct shape *shape = self;
    struct roster *rosters[ROOMS_MAX];
    struct frame *frame = lane_world_frame(TEXT);
    for (unsigned i = 0; i < shape->rooms; i++)
        rosters[i] = seat_room(shape, i);
    uint64_t done = 0;
    while (done < operations) {
        deliver_batch(rosters, shape->rooms, frame);
        uint64_t recipients = (uint64_t)shape->rooms * shape->size;
        ensure(expand_all(shape) >= recipients * frame->size);
        lane_world_cycle(&world);
        done += recipients;
    }
    for (unsigned i = 0; i < shape->rooms; i++)
        roster_unref(rosters[i]);
    frame_unref(frame);
    return done;
}

int main(int argc, char **argv)
{
    static struct shape shapes[] = {
        {1, 1000, false}, {100, 10, false}, {500, 2, false}, {1, 20000, false}, {1, CLIENTS, true},
    };
    const struct micro_case cases[] = {
        {"the link, a room of 1,000", broadcast, &shapes[0], false},
        {"the link, 100 rooms of 10", broadcast, &shapes[1], false},
        {"the link, 500 rooms of 2", broadcast, &shapes[2], false},
        {"the link, a room of 20,000", broadcast, &shapes[3], false},
        {"clients, a room of 400", broadcast, &shapes[4], false},
    };
    static int peers[CLIENTS];
    lane_world_begin(&world);
    open_host();
    seat_clients(peers);
    int status = micro_main(argc, argv, "lane", cases, ARRAY_LEN(cases));
    close_host();
    for (unsigned i = 0; i < CLIENTS; i++) {
        address_unref(client_addresses[i]);
        close(peers[i]);
    }
    for (unsigned i = 0; i < FAR_MAX; i++)
        address_unref(far[i]);
    lane_world_end(&world);
    return status;
}
