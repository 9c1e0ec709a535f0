#include "tools/stentord/boot.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "net/net.h"
#include "net/sasl.h"
#include "shard/directory.h"
#include "shard/runtime/lane.h"
#include "shard/runtime/rcu.h"
#include "shard/shard.h"
#include "tools/stentord/crypto.h"
#include "tools/stentord/logs.h"
#include "tools/stentord/storage.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct house {
    const struct settings *settings;
    struct logs *logs;
    struct muc_crypto crypto;
    struct crypto_keys keys;
    struct muc_env envs[DOMAINS_MAX];
    struct exchange *exchange;
    struct directory *directory;
    struct storage storage;
    struct shard **shards;
    struct net **nets;
    unsigned shard_count; /* started */
    unsigned net_count;
    int listen_fd;
    int signal_fd;
    int done_fd; /* readable when all shards have said goodbye */
};

/* ---- start ---- */

static int start_shards(struct house *house)
{
    house->shards = MEM_NEW_ARRAY(struct shard *, house->settings->threads);
    for (unsigned i = 0; i < house->settings->threads; i++) {
        char name[16];
        snprintf(name, sizeof(name), "shard%u", i);
        int err = 0;
        struct shard_setup setup = {
            .number = i,
            .exchange = house->exchange,
            .directory = house->directory,
            .envs = house->envs,
            .env_count = house->settings->service_count,
            .placement_key = &house->settings->placement_key,
            .stored = house->settings->store.sqlite,
            .power_gated = house->settings->store.power_gated,
            .power_messages = house->settings->store.power_messages,
            .handover = house->settings->store.handover,
            .local = house->settings->client_door ? house->settings->stream.domain : STR_NONE,
            .log = logs_sink(house->logs, name),
            .random = crypto_random,
        };
        struct shard *shard = shard_new(&setup, &err);
        if (shard == NULL)
            return err;
        house->shards[house->shard_count++] = shard;
        err = agent_start(shard_agent(shard));
        if (err < 0)
            return err;
    }
    return 0;
}

/* On lane 0's thread. */
static void on_shards_done(void *self)
{
    const struct house *house = self;
    uint64_t one = 1;
    ensure(write(house->done_fd, &one, sizeof(one)) == sizeof(one));
}

static struct net_setup net_setup(struct house *house, unsigned lane)
{
    const struct settings *settings = house->settings;
    char name[16];
    snprintf(name, sizeof(name), "net%u", lane);
    return (struct net_setup){
        .lane = (uint16_t)lane,
        .exchange = house->exchange,
        .directory = house->directory,
        .hash_key = &settings->placement_key,
        .router = &settings->router,
        .stream = settings->client_door ? &settings->stream : NULL,
        .tls = settings->tls,
        .listen_fd = house->listen_fd,
        .component = settings->component.link_count > 0 ? &settings->component : NULL,
        .lanes = settings->net_threads,
        .log = logs_sink(house->logs, name),
        .random = crypto_random,
        .shards_done = on_shards_done,
        .shards_done_self = house,
        .shards = settings->threads,
    };
}

static int start_nets(struct house *house)
{
    house->nets = MEM_NEW_ARRAY(struct net *, house->settings->net_threads);
    for (unsigned i = 0; i < house->settings->net_threads; i++) {
        int err = 0;
        struct net_setup setup = net_setup(house, i);
        struct net *net = net_new(&setup, &err);
        if (net == NULL)
            return err;
        house->nets[house->net_count++] = net;
    }
    for (unsigned i = 0; i < house->net_count; i++) {
        int err = agent_start(net_agent(house->nets[i]));
        if (err < 0)
            return err;
    }
    return 0;
}

static int start_parts(struct house *house)
{
    const struct settings *settings = house->settings;
    house->exchange = exchange_new();
    house->directory = directory_new(&settings->hash_key);
    if (settings->client_door)
        directory_set_local(house->directory, settings->stream.domain);
    for (unsigned i = 0; i < settings->component.link_count; i++)
        directory_add_link(house->directory, component_service_of(&settings->component, i)->domain,
                           component_route(i, settings->net_threads));
    int err = storage_start(&house->storage, settings, house->exchange, house->logs);
    if (err == 0)
        err = start_shards(house);
    if (err == 0)
        storage_wake(&house->storage, settings, house->exchange);
    if (err == 0)
        err = start_nets(house);
    return err;
}

static bool start(struct house *house)
{
    const struct settings *settings = house->settings;
    house->listen_fd = -1;
    if (!storage_open(&house->storage, settings, &house->crypto))
        return false;
    if (settings->client_door) {
        char why[300];
        house->listen_fd = net_listen(settings->client_listen, why, sizeof(why));
        if (house->listen_fd < 0) {
            fprintf(stderr, "stentord: %s\n", why);
            storage_close(&house->storage);
            return false;
        }
    }
    int err = start_parts(house);
    if (err < 0) {
        /* Some threads run, others do not: nobody was served yet, so leave at once. */
        fprintf(stderr, "stentord: could not start its threads: %s\n", err_text(err));
        _exit(EXIT_FAILURE);
    }
    return true;
}

/* ---- run ---- */

static void log_start(struct house *house)
{
    const struct settings *settings = house->settings;
    for (unsigned i = 0; i < settings->service_count; i++)
        log_info("stentord %s serves %s; shards: %u, network threads: %u", STENTOR_VERSION,
                 settings->services[i].domain.at, settings->threads, settings->net_threads);
    if (settings->client_door)
        log_info("clients: %s, domain %.*s%s%s", settings->client_listen.at,
                 (int)settings->stream.domain.len, settings->stream.domain.at,
                 settings->stream.registration ? ", registration open" : "",
                 settings->stream.plaintext ? ", without TLS allowed" : "");
    storage_log(settings);
    const struct component_settings *component = &settings->component;
    for (unsigned i = 0; i < component->link_count; i++)
        log_info("component link: %s port %u, for %s", component->hosts[i].name.at,
                 component->hosts[i].port, component_service_of(component, i)->domain.at);
}

/* Serves the log, and has an eye on the store, until a stop signal comes. */
static void run(struct house *house)
{
    struct pollfd fds[] = {
        {.fd = house->signal_fd, .events = POLLIN},
        {.fd = logs_fd(house->logs), .events = POLLIN},
    };
    while ((fds[0].revents & POLLIN) == 0) {
        int ready = poll(fds, ARRAY_LEN(fds), STORAGE_LOOK_MS);
        ensure(ready >= 0 || errno == EINTR);
        storage_look(&house->storage);
        logs_drain(house->logs);
    }
    struct signalfd_siginfo info;
    ensure(read(house->signal_fd, &info, sizeof(info)) == sizeof(info));
    log_info("stopping on %s", strsignal((int)info.ssi_signo));
}

/* ---- stop ---- */

static void say_goodbye(struct house *house)
{
    for (unsigned i = 0; i < house->shard_count; i++)
        post_shard(house->exchange, i, message_new(MSG_SHUTDOWN));
    struct pollfd done = {.fd = house->done_fd, .events = POLLIN};
    if (poll(&done, 1, SHUTDOWN_MS_MAX / 2) == 0)
        log_warn("rooms did not finish their goodbyes in time");
}

static void stop_nets(struct house *house)
{
    for (unsigned i = 0; i < house->net_count; i++)
        net_close(house->nets[i], SHUTDOWN_MS_MAX / 2);
    for (unsigned i = 0; i < house->net_count; i++)
        agent_join(net_agent(house->nets[i]));
}

static void stop_agent(struct agent *agent)
{
    agent_stop(agent);
    agent_join(agent);
}

static void free_parts(struct house *house)
{
    for (unsigned i = 0; i < house->net_count; i++)
        net_free(house->nets[i]);
    for (unsigned i = 0; i < house->shard_count; i++)
        shard_free(house->shards[i]);
    storage_free(&house->storage);
    rcu_finish_later();
    if (house->directory != NULL)
        directory_free(house->directory);
    if (house->exchange != NULL)
        exchange_free(house->exchange);
    mem_free(house->nets);
    mem_free(house->shards);
}

/* What its threads use cannot be taken from under them. */
_Noreturn static void leave(struct house *house)
{
    log_error("stopped before the disk had answered; who was inside, and what rooms last remembered"
              " of themselves, may be found as it was a moment earlier");
    logs_close(house->logs);
    _exit(EXIT_FAILURE);
}

static void stop(struct house *house)
{
    /* What the others leave of their time is the store's. */
    int64_t store_at_ms = clock_mono_ms() + SHUTDOWN_MS_MAX + STORE_STOP_MS;
    /* Closed only when nobody watches it any more: its number may be used again at once. */
    if (house->listen_fd >= 0)
        shutdown(house->listen_fd, SHUT_RDWR);
    say_goodbye(house);
    stop_nets(house);
    if (house->listen_fd >= 0)
        close(house->listen_fd);
    for (unsigned i = 0; i < house->shard_count; i++)
        stop_agent(shard_agent(house->shards[i]));
    if (!storage_stop(&house->storage, store_at_ms))
        leave(house);
    free_parts(house);
    log_info("stopped");
}

/* ---- the whole life ---- */

/* A connection is an open file, and what a process gets by itself is often 1024 of them. */
static void raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = before;
    if (limit.rlim_cur < OPEN_FILES_FEW)
        log_warn("only %llu files may be open here, so fewer clients than that can connect; raise "
                 "the hard limit (ulimit -Hn, LimitNOFILE= of a systemd unit)",
                 (unsigned long long)limit.rlim_cur);
}

static int open_signals(struct house *house)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP); /* its terminal was closed */
    /* Before any thread is made: all inherit it, so only the descriptor sees them. */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    house->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    house->done_fd = eventfd(0, EFD_CLOEXEC);
    return house->signal_fd < 0 || house->done_fd < 0 ? err_from_errno(errno) : 0;
}

int boot_run(const struct settings *settings, const struct config *config)
{
    struct house house = {.settings = settings};
    const char *why = NULL;
    struct str target = config_text(config, CONFIG_LOG_TARGET);
    house.logs = logs_open(target, (enum log_level)config_number(config, CONFIG_LOG_LEVEL), &why);
    if (house.logs == NULL) {
        fprintf(stderr, "stentord: log.target: %s: %s\n", target.at, why);
        return 1;
    }
    if (open_signals(&house) < 0 || sasl_init() < 0) {
        fprintf(stderr, "stentord: the operating system or the SASL library refused to start\n");
        logs_close(house.logs);
        return 1;
    }
    crypto_init(&house.crypto, &house.keys);
    for (unsigned i = 0; i < settings->service_count; i++)
        house.envs[i] = (struct muc_env){&settings->services[i], &house.crypto, settings->hash_key};
    agent_register_thread();
    log_set_sink(logs_sink(house.logs, "main"));
    raise_open_files();
    bool started = start(&house);
    if (started) {
        log_start(&house);
        run(&house);
        stop(&house);
    }
    agent_unregister_thread();
    sasl_fini();
    log_set_sink(NULL);
    logs_close(house.logs);
    close(house.signal_fd);
    close(house.done_fd);
    return started ? 0 : 1;
}
