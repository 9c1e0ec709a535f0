/*
 * The seeded simulation: the agents of the server in one thread, in any order, with anything going
 * wrong at any instant, and what must hold nevertheless (checkers.h).
 *
 *   sim [--first SEED] [--seeds COUNT] [--steps EACH] [--seed ONE] [--trace] [--store sqlite]
 *
 * One seed is one simulation and always the same. A failure ends the program with status 1 and says
 * which seed it was and how it is played again; --trace shows it line by line.
 */
#include "tests/sim/sim.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "net/sasl.h"
#include "shard/store/store_mem.h"
#include "tests/support/lanes.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS_PRESET = 3000, SETTLE_ROUNDS = 100000, MARGIN_STEPS = 150 };
/* Bytes, for what does not read. Small, so that it comes to that. */
enum { HIGH_WATER = 2000, CLIENT_MAX = 60000 };

struct wishes {
    uint64_t first;
    unsigned long seeds, steps;
    bool trace, sqlite;
};

struct sums {
    unsigned long received, answered, refused, talked, archived, entered, compared, acts, lives;
    unsigned long links_lost, found_again, logins, spares, registered, removed;
    unsigned long struck[FAULT_COUNT];
};

static const struct sim *volatile now; /* for on_abort() */
static bool sqlite;

/* ---- saying what happens ---- */

void sim_fail(const struct sim *sim, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "\nseed %llu, step %lu, life %u: ", (unsigned long long)sim->seed, sim->step,
            sim->life);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n  again: sim --seed %llu --steps %lu%s --trace\n",
            (unsigned long long)sim->seed, sim->steps, sqlite ? " --store sqlite" : "");
    _exit(1);
}

void sim_note(const struct sim *sim, const char *format, ...)
{
    va_list args;
    if (!sim->trace)
        return;
    printf("%lu.%lu", sim->seed, sim->step);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* A broken invariant ends the process from within it: the seed is said nevertheless. */
static void on_abort(int number)
{
    char line[200];
    const struct sim *sim = now;
    if (sim != NULL) {
        int len = snprintf(line, sizeof(line),
                           "\nseed %llu, step %lu: stopped from within\n"
                           "  again: sim --seed %llu --steps %lu --trace\n",
                           (unsigned long long)sim->seed, sim->step, (unsigned long long)sim->seed,
                           sim->steps);
        ssize_t written = write(STDERR_FILENO, line, (size_t)len);
        (void)written;
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* ---- one step ---- */

/* Of the root. */
static struct str address(const struct sim *sim, const char *stanza, const char *name)
{
    const char *at = strstr(stanza, name), *end = strchr(stanza, '>');
    if (at == NULL || at > end)
        sim_fail(sim, "a stanza without%s: %s", name, stanza);
    at += strlen(name) + 2;
    return str_of(at, strcspn(at, "'"));
}

void sim_hear_by_link(struct sim *sim, unsigned service, const char *stanza)
{
    struct str to = address(sim, stanza, " to"), from = address(sim, stanza, " from");
    int user = cast_user_of(to.at, (unsigned)to.len);
    int room = cast_room_of(from.at, (unsigned)from.len);
    if (user < 0)
        return; /* a guest, or the answer to garbage */
    if (user >= CAST_LOCAL || room < 0 || cast_service[room] != service)
        sim_fail(sim, "by the link of service %u: %s", service, stanza);
    checkers_hear(sim->checkers, user, stanza);
}

void sim_hear_by_client(struct sim *sim, int user, const char *stanza)
{
    struct str to = address(sim, stanza, " to"), from = address(sim, stanza, " from");
    if (cast_user_of(to.at, (unsigned)to.len) != user && !str_eqz(to, cast_accounts[user]))
        sim_fail(sim, "%s received what is for another: %s", cast_users[user], stanza);
    if (cast_room_of(from.at, (unsigned)from.len) >= 0)
        checkers_hear(sim->checkers, user, stanza);
    else if (cast_user_of(from.at, (unsigned)from.len) < CAST_LOCAL)
        sim_fail(sim, "a stanza of no room: %s", stanza);
}

static void hear(void *self, struct route route, const char *stanza)
{
    struct sim *sim = self;
    struct str to = address(sim, stanza, " to"), from = address(sim, stanza, " from");
    int user = cast_user_of(to.at, (unsigned)to.len);
    int room = cast_room_of(from.at, (unsigned)from.len);
    if (user < 0)
        return; /* a guest is told of its affiliation */
    if (room < 0)
        sim_fail(sim, "a stanza of no room: %s", stanza);
    if ((user < CAST_LOCAL || workload_is_here(sim, user)) &&
        route_eq(route, workload_route(sim, user, room)))
        checkers_hear(sim->checkers, user, stanza);
    else if (user < CAST_LOCAL)
        sim_fail(sim, "on the wrong way: %s", stanza);
}

static unsigned some(struct sim *sim)
{
    return 1 + dice_pick(&sim->dice, 8);
}

static void run_ways(struct sim *sim)
{
    struct sim_world *world = &sim->world;
    unsigned lanes = world->wired ? SIM_LANES : 0;
    unsigned way = dice_pick(&sim->dice, 2 + lanes + world->shard_count);
    if (fault_lasts(sim, FAULT_COMMIT_SLOW, way))
        return;
    if (way == 0)
        sim_way_run(&world->to_scribe, some(sim));
    else if (way == 1)
        sim_way_run(&world->to_reader, some(sim));
    else if (way < 2 + lanes)
        sim_way_run(&world->to_lanes[way - 2], some(sim));
    else
        sim_way_run(&world->to_shards[way - 2 - lanes], some(sim));
}

static void run_something(struct sim *sim)
{
    struct sim_world *world = &sim->world;
    unsigned chance = dice_pick(&sim->dice, 100);
    unsigned shard = dice_pick(&sim->dice, world->shard_count);
    unsigned lane = dice_pick(&sim->dice, SIM_LANES);
    /* Half a second at the least passes before a link calls again. */
    if (sim->world.wired && peers_are_busy(sim) && dice_once_in(&sim->dice, 15))
        sim_world_advance(&sim->world, dice_pick(&sim->dice, 600000));
    if (chance < 35)
        workload_act(sim);
    else if (chance < 38)
        workload_make_sure(sim);
    else if (chance < 40)
        workload_answer_pings(sim);
    else if (chance < 52 && !fault_lasts(sim, FAULT_SHARD_STALLS, shard))
        sim_world_step_shard(world, shard);
    else if (chance >= 52 && chance < 60 && sim->world.wired)
        peers_step(sim);
    else if (chance >= 60 && chance < 75)
        run_ways(sim);
    else if (chance >= 75 && chance < 83 && !fault_lasts(sim, FAULT_COMMIT_SLOW, 5))
        sim_world_step_scribe(world);
    else if (chance >= 83 && chance < 87)
        sim_world_step_reader(world);
    else if (chance >= 87 && !fault_lasts(sim, FAULT_LANE_STALLS, lane))
        sim_world_step_lane(world, lane, some(sim));
}

/* Until nothing is left to do, nor waits for the store to take it again. */
static void drain(struct sim *sim)
{
    unsigned quiet = 0;
    for (unsigned i = 0; quiet < 4 || sim_world_owes(&sim->world); i++) {
        if (i == SETTLE_ROUNDS)
            sim_fail(sim, "it does not come to rest");
        sim_world_advance(&sim->world, quiet == 0 ? 2000 : 400000);
        bool pings = sim->workload.ping_count > 0;
        workload_answer_pings(sim);
        bool moved = sim->world.wired && (peers_round(sim) != 0 || peers_are_busy(sim));
        quiet = sim_world_round(&sim->world) == 0 && !pings && !moved ? quiet + 1 : 0;
    }
}

void sim_settle(struct sim *sim)
{
    sim->settling = true;
    faults_end(sim);
    /* Alarms wait until the clock shows a later time than ever. */
    if (sim->world.clock.wall_us < sim->world.latest_us)
        sim->world.clock.wall_us = sim->world.latest_us;
    drain(sim);
    peers_check_left(sim);
    peers_give_up(sim);
    if (sim->peers.left_count > 0)
        drain(sim);
    sim_note(sim, "  at rest");
    sim->settling = false;
    peers_settled(sim);
    check_rest(sim->checkers);
}

/* ---- lives ---- */

static void start(struct sim *sim)
{
    sim->life++;
    sim_note(sim, "  life %u begins", sim->life);
    sim_world_start(&sim->world);
    workload_started(sim);
}

static void end(struct sim *sim, bool planned)
{
    workload_ended(sim);
    sim_world_crash(&sim->world);
    peers_lose_all(sim);
    check_death(sim->checkers, planned);
}

void sim_crash(struct sim *sim)
{
    end(sim, false);
    start(sim);
}

void sim_restart(struct sim *sim)
{
    faults_end(sim);
    sim->ending = true;
    sim_world_shutdown(&sim->world);
    for (unsigned i = 0; !sim_world_is_over(&sim->world); i++) {
        if (i == SETTLE_ROUNDS)
            sim_fail(sim, "it does not end");
        unsigned shard = dice_pick(&sim->dice, sim->world.shard_count);
        sim_world_advance(&sim->world, dice_pick(&sim->dice, 2000));
        if (sim->world.wired)
            peers_step(sim);
        if (dice_pick(&sim->dice, 3) == 0)
            sim_world_round(&sim->world);
        else
            sim_world_step_shard(&sim->world, shard);
    }
    drain(sim);
    sim->ending = false;
    end(sim, true);
    start(sim);
}

/* ---- one simulation ---- */

static struct store *open_store(char *path, size_t size)
{
    static const struct hash_key key = {51, 52};
    struct arena *arena = arena_new(4096);
    const char *why = NULL;
    int err = 0;
    struct store *store;
    path[0] = '\0';
    if (sqlite) {
        const char *folder = getenv("TMPDIR");
        snprintf(path, size, "%s/stentor-sim-XXXXXX", folder == NULL ? "/tmp" : folder);
        ensure(mkdtemp(path) != NULL);
        struct store_sqlite_setup setup = {.path = str_fmt(arena, "%s/sim.db", path)};
        store = store_sqlite_open(&setup, arena, &err, &why);
    } else {
        store = store_mem_open(&key);
        store_mem_set_durable(store);
    }
    ensure(store != NULL);
    arena_free(arena);
    return store;
}

static void close_store(struct store *store, const char *path)
{
    static const char *const files[] = {"sim.db", "sim.db-wal", "sim.db-shm", "sim.db.lock"};
    char name[300];
    store->close(store);
    for (unsigned i = 0; path[0] != '\0' && i < ARRAY_LEN(files); i++) {
        snprintf(name, sizeof(name), "%s/%s", path, files[i]);
        (void)unlink(name); /* it need not be there */
    }
    if (path[0] != '\0')
        rmdir(path);
}

static struct sim *begin(uint64_t seed, const struct wishes *wishes, struct store *store)
{
    static const char *const options[] = {"persistent=on", "archive=on", "history=20",
                                          "history_default=20", NULL};
    struct sim *sim = MEM_NEW(struct sim);
    sim->seed = seed;
    sim->steps = wishes->steps;
    sim->trace = wishes->trace;
    sim->dice.state = seed;
    sim->checkers = checkers_new(sim);
    sim->world = (struct sim_world){
        .shard_count = 1 + dice_pick(&sim->dice, SIM_SHARDS_MAX),
        .handover = dice_pick(&sim->dice, 3) != 0,
        .wired = seed % 2 == 0,
        .marks = {.client = HIGH_WATER, .link = HIGH_WATER, .client_max = CLIENT_MAX},
        .tombstone_days = dice_pick(&sim->dice, 3) == 0 ? 31 : 0,
        .options = options,
        .hear = hear,
        .self = sim,
        .dice = &sim->dice,
        .trace = wishes->trace,
        .store = {.behind = store, .committed = checkers_committed, .self = sim->checkers},
    };
    workload_begin(sim);
    faults_begin(sim);
    peers_begin(sim);
    sim_world_new(&sim->world);
    return sim;
}

/* Nobody is inside any more, and after a while no room is in memory. */
static void finish(struct sim *sim)
{
    sim_settle(sim);
    workload_all_leave(sim);
    sim_settle(sim);
    for (int i = 0; i < MARGIN_STEPS; i++) {
        sim_world_advance(&sim->world, 1000000);
        sim_world_round(&sim->world);
    }
    sim_settle(sim);
    for (int room = 0; room < CAST_ROOMS; room++) {
        const struct room_entry *entry = sim_world_room(&sim->world, cast_rooms[room]);
        if (entry != NULL && room_exists(entry->room))
            sim_fail(sim, "%s is still in memory, with %u inside", cast_rooms[room],
                     room_sessions(entry->room));
    }
}

static void add_up(const struct sim *sim, struct sums *sums)
{
    const struct checkers *checkers = sim->checkers;
    sums->received += checkers->received;
    sums->answered += checkers->answered;
    sums->refused += checkers->refused;
    sums->talked += checkers->talked;
    sums->archived += checkers->archived;
    sums->entered += checkers->entered;
    sums->compared += checkers->compared;
    sums->acts += sim->workload.acts;
    sums->lives += sim->life;
    sums->links_lost += sim->peers.links_lost;
    sums->found_again += sim->peers.found_again;
    sums->logins += sim->peers.logins;
    sums->spares += sim->peers.spares;
    sums->registered += sim->peers.registered;
    sums->removed += sim->peers.removed;
    for (int i = 0; i < FAULT_COUNT; i++)
        sums->struck[i] += sim->faults.struck[i];
}

static void simulate(uint64_t seed, const struct wishes *wishes, struct sums *sums)
{
    char path[200];
    struct store *store = open_store(path, sizeof(path));
    struct sim *sim = begin(seed, wishes, store);
    now = sim;
    start(sim);
    for (sim->step = 1; sim->step <= sim->steps; sim->step++) {
        sim_world_advance(&sim->world, dice_pick(&sim->dice, 2000));
        faults_strike(sim);
        run_something(sim);
        if (dice_once_in(&sim->dice, 250))
            sim_settle(sim);
    }
    finish(sim);
    add_up(sim, sums);
    workload_ended(sim);
    sim_world_crash(&sim->world);
    peers_end(sim);
    wire_fini();
    sim_world_free(&sim->world);
    now = NULL;
    checkers_free(sim->checkers);
    mem_free(sim);
    close_store(store, path);
}

/* ---- the program ---- */

/* By hand: the library's `struct option` is another one than ours. */
static bool read_wish(struct wishes *wishes, const char *name, const char *value)
{
    uint64_t number = 0;
    if (strcmp(name, "--store") == 0) {
        wishes->sqlite = strcmp(value, "sqlite") == 0;
        return wishes->sqlite || strcmp(value, "memory") == 0;
    }
    if (!str_to_u64(str_z(value), &number))
        return false;
    if (strcmp(name, "--seed") == 0)
        wishes->seeds = 1;
    if (strcmp(name, "--seed") == 0 || strcmp(name, "--first") == 0)
        wishes->first = number;
    else if (strcmp(name, "--seeds") == 0)
        wishes->seeds = (unsigned long)number;
    else if (strcmp(name, "--steps") == 0)
        wishes->steps = (unsigned long)number;
    else
        return false;
    return true;
}

static bool read_wishes(int argc, char **argv, struct wishes *wishes)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            wishes->trace = true;
        else if (i + 1 == argc || !read_wish(wishes, argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    return wishes->steps > 0 && wishes->seeds > 0;
}

static void say(const struct sums *sums, const struct wishes *wishes)
{
    printf("%lu simulations, %lu lives, %lu acts: %lu stanzas read, %lu answers, %lu refusals, "
           "%lu entered, %lu messages heard, %lu archived, %lu rows compared, %lu links lost, %lu "
           "found again amid it all, %lu log-ins, %lu spare ones, %lu accounts made, %lu removed;",
           wishes->seeds, sums->lives, sums->acts, sums->received, sums->answered, sums->refused,
           sums->entered, sums->talked, sums->archived, sums->compared, sums->links_lost,
           sums->found_again, sums->logins, sums->spares, sums->registered, sums->removed);
    for (int i = 0; i < FAULT_COUNT; i++)
        printf(" %s %lu", fault_name((enum fault)i), sums->struck[i]);
    printf("\n");
}

/* Simulations in which hardly anything happens prove nothing. */
static bool went_somewhere(const struct sums *sums, const struct wishes *wishes)
{
    unsigned long steps = wishes->seeds * wishes->steps;
    bool good = sums->acts > steps / 10 && sums->answered > steps / 20 &&
                sums->talked > steps / 20 && sums->archived > steps / 100 &&
                sums->entered > steps / 200;
    for (int i = 0; i < FAULT_COUNT && steps > 100000; i++)
        good = good && sums->struck[i] > 0;
    if (steps > 100000)
        good = good && sums->links_lost > 0 && sums->found_again > 0 && sums->logins > 0 &&
               sums->registered > 0 && sums->removed > 0;
    if (!good)
        printf("not enough happened for that to mean anything\n");
    return good;
}

int main(int argc, char **argv)
{
    struct wishes wishes = {.first = 1, .seeds = 1, .steps = STEPS_PRESET};
    struct sums sums = {0};
    if (!read_wishes(argc, argv, &wishes)) {
        fprintf(stderr, "usage: sim [--first SEED] [--seeds COUNT] [--steps EACH] [--seed ONE] "
                        "[--trace] [--store memory|sqlite]\n");
        return 2;
    }
    if (prep_init() < 0) {
        fprintf(stderr, "sim: ICU has no data for preparing addresses\n");
        return 2;
    }
    if (sasl_init() < 0) {
        fprintf(stderr, "sim: GNU SASL cannot be used\n");
        return 2;
    }
    sqlite = wishes.sqlite;
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
    agent_register_thread();
    sim_world_open();
    for (unsigned long i = 0; i < wishes.seeds; i++)
        simulate(wishes.first + i, &wishes, &sums);
    sim_world_close();
    agent_unregister_thread();
    lanes_env_free();
    sasl_fini();
    prep_fini();
    say(&sums, &wishes);
    return wishes.seeds < 20 || went_somewhere(&sums, &wishes) ? 0 : 1;
}
