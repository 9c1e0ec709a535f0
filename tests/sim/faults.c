#include "tests/sim/faults.h"

#include "core/base/err.h"
#include "tests/sim/sim.h"

/* How often it begins, once in so many steps; how long it lasts at most. */
static const struct {
    const char *name;
    unsigned once_in;
    unsigned lasts;
} kinds[FAULT_COUNT] = {
    [FAULT_COMMIT_FAILS] = {"COMMIT_FAILS", 120, 30},
    [FAULT_COMMIT_SLOW] = {"COMMIT_SLOW", 100, 120},
    [FAULT_LOAD_FAILS] = {"LOAD_FAILS", 200, 40},
    [FAULT_QUERY_FAILS] = {"QUERY_FAILS", 200, 40},
    [FAULT_LANE_STALLS] = {"LANE_STALLS", 120, 150},
    [FAULT_SHARD_STALLS] = {"SHARD_STALLS", 150, 80},
    [FAULT_CRASH] = {"CRASH", 500, 1},
    [FAULT_PLANNED_RESTART] = {"PLANNED_RESTART", 900, 1},
    [FAULT_CLOCK_JUMPS] = {"CLOCK_JUMPS", 200, 1},
    [FAULT_LINK_BREAKS] = {"LINK_BREAKS", 250, 1},
    [FAULT_LINK_BLINKS] = {"LINK_BLINKS", 250, 1},
    [FAULT_LINK_CLOSES] = {"LINK_CLOSES", 400, 1},
    [FAULT_LINK_GARBAGE] = {"LINK_GARBAGE", 300, 1},
    [FAULT_LINK_SLOW] = {"LINK_SLOW", 150, 200},
    [FAULT_HOST_AWAY] = {"HOST_AWAY", 400, 150},
    [FAULT_CLIENT_SLOW] = {"CLIENT_SLOW", 150, 200},
};

const char *fault_name(enum fault fault)
{
    return kinds[fault].name;
}

void faults_begin(struct sim *sim)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        sim->faults.chosen[i] =
            dice_pick(&sim->dice, 5) < 3 && (i < FAULT_LINK_BREAKS || sim->world.wired);
}

bool fault_lasts(const struct sim *sim, enum fault fault, unsigned which)
{
    return sim->faults.until[fault] > sim->step && sim->faults.which[fault] == which;
}

static void settle_errors(struct sim *sim)
{
    static const int errors[] = {ERR_NO_SPACE, ERR_IO, ERR_BUSY};
    struct sim_store *store = &sim->world.store;
    const struct faults *faults = &sim->faults;
    store->commit_err = faults->until[FAULT_COMMIT_FAILS] > sim->step
                            ? errors[faults->which[FAULT_COMMIT_FAILS] % ARRAY_LEN(errors)]
                            : 0;
    store->load_err = faults->until[FAULT_LOAD_FAILS] > sim->step ? ERR_IO : 0;
    store->query_err = faults->until[FAULT_QUERY_FAILS] > sim->step ? ERR_IO : 0;
}

static void jump(struct sim *sim)
{
    static const int64_t jumps_s[] = {-7200, -60, -1, 1, 60, 90, 400, 7200};
    int64_t s = jumps_s[dice_pick(&sim->dice, ARRAY_LEN(jumps_s))];
    sim_note(sim, "  the clock jumps by %lld s", (long long)s);
    sim->world.clock.wall_us += s * 1000000;
    /* Who could not be asked meanwhile may be put out. */
    for (int room = 0; room < CAST_ROOMS && s > 0; room++)
        checkers_disturb(sim->checkers, -1, room);
}

static void befall(struct sim *sim, enum fault fault)
{
    unsigned which = sim->faults.which[fault];
    if (fault == FAULT_CLIENT_SLOW)
        sim->faults.which[fault] = CAST_LOCAL + which % (CAST_USERS - CAST_LOCAL);
    else if (fault >= FAULT_LINK_BREAKS)
        sim->faults.which[fault] = which % CAST_SERVICES;
    if (fault == FAULT_LINK_BREAKS || fault == FAULT_HOST_AWAY)
        peers_break_link(sim, which % CAST_SERVICES);
    else if (fault == FAULT_LINK_BLINKS)
        peers_blink_link(sim, which % CAST_SERVICES);
    else if (fault == FAULT_LINK_CLOSES)
        peers_close_link(sim, which % CAST_SERVICES);
    else if (fault == FAULT_LINK_GARBAGE)
        peers_send_garbage(sim, which % CAST_SERVICES, dice_pick(&sim->dice, 100));
}

void faults_strike(struct sim *sim)
{
    struct faults *faults = &sim->faults;
    for (int i = 0; i < FAULT_COUNT; i++) {
        bool lasts = faults->until[i] > sim->step;
        if (!faults->chosen[i] || lasts || !dice_once_in(&sim->dice, kinds[i].once_in))
            continue;
        faults->struck[i]++;
        faults->until[i] = sim->step + 1 + dice_pick(&sim->dice, kinds[i].lasts);
        faults->which[i] = dice_pick(&sim->dice, 6);
        sim_note(sim, "  %s %u, %lu steps", kinds[i].name, faults->which[i],
                 faults->until[i] - sim->step);
        if (i == FAULT_CRASH)
            sim_crash(sim);
        else if (i == FAULT_PLANNED_RESTART)
            sim_restart(sim);
        else if (i == FAULT_CLOCK_JUMPS)
            jump(sim);
        else
            befall(sim, (enum fault)i);
    }
    settle_errors(sim);
}

void faults_end(struct sim *sim)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        sim->faults.until[i] = 0;
    settle_errors(sim);
}
