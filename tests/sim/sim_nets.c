#include "tests/sim/sim_nets.h"

#include "core/base/ensure.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/wire.h"

#include <gsasl.h>
#include <string.h>
#include <unistd.h>

enum { CLOSE_MS = 5000 };

/* Verifiers are made as they are, with one round: 4,096 of them for each log-in would be most of
 * what the test does. */
int __wrap_gsasl_scram_secrets_from_password(Gsasl_hash hash, const char *password, unsigned rounds,
                                             const char *salt, size_t salt_size, char *salted,
                                             char *client, char *server, char *stored);
int __real_gsasl_scram_secrets_from_password(Gsasl_hash hash, const char *password, unsigned rounds,
                                             const char *salt, size_t salt_size, char *salted,
                                             char *client, char *server, char *stored);

int __wrap_gsasl_scram_secrets_from_password(Gsasl_hash hash, const char *password, unsigned rounds,
                                             const char *salt, size_t salt_size, char *salted,
                                             char *client, char *server, char *stored)
{
    ensure(rounds > 0);
    return __real_gsasl_scram_secrets_from_password(hash, password, 1, salt, salt_size, salted,
                                                    client, server, stored);
}

static void on_shards_done(void *self)
{
    struct sim_nets *nets = self;
    nets->shards_done++;
}

static void settle_settings(struct sim_nets *nets)
{
    nets->router = (struct router_settings){
        .muc_domains = {.at = {STR(SIM_ROOMS_DOMAIN), STR(SIM_LOUNGE_DOMAIN)}, .count = 2},
        .client_domain = STR(SIM_LOCAL_DOMAIN),
        .registration = true,
        .version = STR("test"),
    };
    nets->stream = (struct stream_settings){
        .domain = STR(SIM_LOCAL_DOMAIN),
        .plaintext = true,
        .registration = true,
        .secret = STR("0123456789abcdef"),
        .version = STR("test"),
    };
    nets->component = (struct component_settings){
        .service_count = CAST_SERVICES,
        .link_count = CAST_SERVICES,
    };
    for (unsigned i = 0; i < CAST_SERVICES; i++) {
        nets->component.services[i] = (struct component_service){
            .domain = i == 0 ? STR(SIM_ROOMS_DOMAIN) : STR(SIM_LOUNGE_DOMAIN),
            .secret = STR("test"),
            .domain_option = STR("muc.domain"),
            .section = STR("component"),
            .link_count = 1,
        };
        nets->component.hosts[i] = (struct component_host){
            .name = STR("127.0.0.1"),
            .port = SIM_HOST_PORT(i),
            .service = i,
        };
    }
}

void sim_nets_start(struct sim_nets *nets, const struct sim_nets_setup *setup)
{
    *nets = (struct sim_nets){.door = wire_listen()};
    settle_settings(nets);
    for (uint16_t i = 0; i < CAST_SERVICES; i++) {
        int err = 0;
        struct net_setup one = {
            .lane = i,
            .exchange = setup->exchange,
            .directory = setup->directory,
            .hash_key = setup->hash_key,
            .router = &nets->router,
            .stream = &nets->stream,
            .listen_fd = nets->door,
            .component = &nets->component,
            .lanes = CAST_SERVICES,
            .log = setup->log,
            .random = setup->random,
            .shards_done = on_shards_done,
            .shards_done_self = nets,
            .shards = setup->shards,
            .marks = setup->marks,
        };
        nets->at[i] = net_new(&one, &err);
        ensure(nets->at[i] != NULL);
    }
}

void sim_nets_crash(struct sim_nets *nets)
{
    for (unsigned i = 0; i < CAST_SERVICES; i++) {
        net_free(nets->at[i]);
        nets->at[i] = NULL;
    }
    close(nets->door);
    nets->door = -1;
}

static bool has_ended(struct net *net)
{
    return atomic_load(&net_agent(net)->stop);
}

unsigned sim_nets_step(struct sim_nets *nets, unsigned lane)
{
    struct agent *agent = net_agent(nets->at[lane]);
    if (has_ended(nets->at[lane]))
        return 0;
    if (nets->shards_done > 0 && !nets->closing) {
        nets->closing = true;
        for (unsigned i = 0; i < CAST_SERVICES; i++)
            net_close(nets->at[i], CLOSE_MS);
    }
    agent->wait(agent->self, 1, 0);
    return (unsigned)agent_step(agent);
}

bool sim_nets_are_over(const struct sim_nets *nets)
{
    bool over = nets->shards_done > 0;
    for (unsigned i = 0; i < CAST_SERVICES; i++)
        over = over && has_ended(nets->at[i]);
    return over;
}

const char *sim_nets_unrest(const struct sim_nets *nets)
{
    const char *unrest = NULL;
    for (unsigned i = 0; i < CAST_SERVICES && unrest == NULL; i++)
        unrest = net_unrest(nets->at[i]);
    return unrest;
}
