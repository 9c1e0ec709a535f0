#include "tests/support/far_host.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "net/component.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_input(struct conn *conn)
{
    const char *why = NULL;
    if (!conn_read(conn, &why))
        conn_drop(conn);
    (void)conn_next(conn);
}

static const struct conn_kind far_kind = {.input = on_input};

void far_host_open(struct far_host *far, struct lane_world *world, unsigned number)
{
    int fds[2];
    ensure(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    *far = (struct far_host){.world = world, .peer = fds[1]};
    far->route = component_route(number, 1);
    conn_init(&far->conn, &world->conns, &far_kind, &world->conns.large);
    far->conn.is_link = far->conn.link_up = true;
    far->conn.slot = far->route.slot;
    far->conn.generation = far->route.generation;
    far->conn.high_water = LINK_OUTBOX_HIGH_WATER;
    slots_set_link(&world->conns.slots, far->route.slot, &far->conn);
    ensure(conn_open(&far->conn, fds[0], false) == 0);
}

void far_host_close(struct far_host *far)
{
    if (far->world == NULL)
        return;
    struct conns *conns = &far->world->conns;
    deliver_forget(&far->world->deliver, &far->conn);
    conn_drop(&far->conn);
    conns_flush(conns);
    slots_set_link(&conns->slots, far->route.slot, NULL);
    close(far->peer);
    *far = (struct far_host){0};
}

void far_host_seat(const struct far_host *far, struct roster **roster, unsigned count)
{
    uint32_t first = 1000 + roster_size(*roster);
    for (unsigned i = 0; i < count; i++) {
        char jid[40];
        snprintf(jid, sizeof(jid), "p%u@far/x", i);
        struct address *address = address_new(str_z(jid));
        roster_add(roster, far->route, address, first + i, first + i, ROSTER_PARTICIPANT);
        address_unref(address);
    }
}
