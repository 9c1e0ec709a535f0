/*
 * The lanes as they are: two net agents, each with the link of one service, and one door for
 * clients of our own, on a network that the test moves (wire.h).
 */
#ifndef TESTS_SIM_SIM_NETS_H
#define TESTS_SIM_SIM_NETS_H

#include "net/net.h"
#include "tests/sim/sim_cast.h"

struct sim_nets {
    struct net *at[CAST_SERVICES];
    int door; /* listening; -1: the process does not run */
    struct router_settings router;
    struct stream_settings stream;
    struct component_settings component;
    unsigned shards_done; /* 1: all of them have said goodbye */
    bool closing;
};

/* Where the host server of that service listens. */
#define SIM_HOST_PORT(service) ((uint16_t)(5347 + (service)))

struct sim_nets_setup {
    struct exchange *exchange;
    struct directory *directory;
    const struct hash_key *hash_key;
    struct log_sink *log;
    void (*random)(void *bytes, size_t size);
    unsigned shards;
    const struct conn_marks *marks;
};

void sim_nets_start(struct sim_nets *nets, const struct sim_nets_setup *setup);
/* Gone at once, or after they have ended. */
void sim_nets_crash(struct sim_nets *nets);
/* One cycle; what was done. */
unsigned sim_nets_step(struct sim_nets *nets, unsigned lane);
/* All shards have said goodbye, and then the nets. */
bool sim_nets_are_over(const struct sim_nets *nets);
/* NULL: nothing is on its way. */
const char *sim_nets_unrest(const struct sim_nets *nets);

#endif
