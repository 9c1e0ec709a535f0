/*
 * What a plan is made of: entering, and flows of messages, presence updates, leaving and coming
 * back, or changes of affiliations. A flow is closed (so many outstanding, the next is sent when
 * one is complete) or open (each is due at its time, and its latency counts from then, whenever it
 * could be sent).
 */
#include "bench/load/bench.h"

#include "bench/load/util.h"

#define OUT_WAITING_MAX (64 * 1024)
#define TURN_NS_MAX     50000000U
#define COPIES_AIMED_AT 16384 /* outstanding in a closed flow; more only leaves the caches */
#define COPIES_OF_PEER  8192  /* a flood for a fast server is no fair load for a slow one */
#define WINDOW_MIN      4
#define WINDOW_MAX      8192

struct flow {
    struct group *group;
    enum mark_kind kind;
    uint32_t window;
    double period_ns; /* between two that are due; 0: closed */
    uint64_t start_ns;
    uint64_t sent;
    uint64_t limit;
    bool stopped;
};

/* ---- entering ---- */

static void send_entries(struct bench *bench, uint32_t *next)
{
    struct ledger *ledger = &bench->ledger;
    while (*next < ledger->user_count) {
        struct conn *conn = bench_conn_of(bench, *next);
        if (!bench->clients && wire_waiting(conn) > OUT_WAITING_MAX)
            return;
        uint32_t user = (*next)++;
        ledger_enter(ledger, user, now_ns());
        char *out = wire_space(conn, bench->speech.stanza_max);
        wire_put(&bench->wire, conn,
                 speech_enter(&bench->speech, out, user, ledger->users[user].room, NUMBER_NONE));
    }
}

void step_join(struct bench *bench)
{
    struct ledger *ledger = &bench->ledger;
    uint64_t expected = ledger_entries_expected(ledger);
    measure_begin(bench);
    uint32_t next = 0;
    while ((ledger->entered < ledger->user_count || ledger->presences < expected) &&
           !bench_stalled(bench)) {
        send_entries(bench, &next);
        bench_turn(bench, TURN_NS_MAX);
    }
    struct outcome *outcome = measure_end(bench, "join");
    ledger->groups[0].latency = ledger->entry_time;
    measure_latency(outcome, bench);
    bench->result.join_seconds = outcome->seconds;
    ledger_check_entries(ledger);
}

/* ---- flows ---- */

static uint32_t send_marked(struct bench *bench, enum mark_kind kind, uint32_t user,
                            uint64_t due_ns)
{
    const struct speech *speech = &bench->speech;
    uint32_t room = bench->ledger.users[user].room;
    struct conn *conn = bench_conn_of(bench, user);
    uint32_t mark = ledger_mark(&bench->ledger, kind, user, due_ns);
    if (bench->target.is_pipe)
        return mark; /* it writes the copies unasked */
    char *out = wire_space(conn, speech->stanza_max);
    size_t size = 0;
    switch (kind) {
    case MARK_MESSAGE:
        size = speech_message(speech, out, user, room, mark);
        break;
    case MARK_UPDATE:
        size = speech_update(speech, out, user, room, mark);
        break;
    case MARK_LEAVE:
        size = speech_leave(speech, out, user, room, mark);
        break;
    case MARK_ENTRY:
        size = speech_enter(speech, out, user, room, mark);
        break;
    case MARK_CHANGE:
        size =
            speech_change(speech, out, user, room, mark, bench->ledger.rooms[room].turn++ % 2 == 0);
        break;
    }
    wire_put(&bench->wire, conn, size);
    return mark;
}

/* Whose turn it is in the room: all that read, one after the other. */
static uint32_t next_in_room(struct ledger *ledger, struct room *room)
{
    uint32_t user;
    do {
        user = room->first + room->turn++ % room->occupants;
    } while (ledger->users[user].slow);
    return user;
}

static uint32_t send_one(struct bench *bench, struct flow *flow, uint64_t due_ns)
{
    struct ledger *ledger = &bench->ledger;
    uint32_t in = flow->group->first_room + (uint32_t)(flow->sent % flow->group->rooms);
    /* One leaves when one has come back: in the same room, so that none has two under way; and an
     * owner changes something when the last change is answered. */
    if (flow->kind >= MARK_ENTRY && flow->sent >= flow->window)
        in = ledger->free_rooms[--ledger->free_count & ledger->mark_mask];
    uint32_t user = flow->kind == MARK_CHANGE ? ledger->rooms[in].first
                                              : next_in_room(ledger, &ledger->rooms[in]);
    if (bench->target.is_pipe)
        user = 0; /* whose messages it writes */
    if (flow->kind == MARK_ENTRY)
        send_marked(bench, MARK_LEAVE, user, due_ns);
    flow->sent++;
    return send_marked(bench, flow->kind, user, due_ns);
}

static bool may_send(struct bench *bench, const struct flow *flow)
{
    const struct ledger *ledger = &bench->ledger;
    if (flow->sent >= flow->limit || ledger_full(ledger, 2))
        return false;
    if (flow->kind >= MARK_ENTRY && flow->sent >= flow->window && ledger->free_count == 0)
        return false;
    return bench->clients || wire_waiting(&bench->wire.conns[0]) < OUT_WAITING_MAX;
}

static void pump_closed(struct bench *bench, struct flow *flow)
{
    uint32_t marks = flow->kind == MARK_ENTRY ? 2 : 1;
    while (flow->group->outstanding < flow->window * marks && may_send(bench, flow))
        send_one(bench, flow, now_ns());
}

/* Sends what is due; returns the time until the next is. */
static uint64_t pump_open(struct bench *bench, struct flow *flow)
{
    uint64_t now = now_ns();
    for (;;) {
        uint64_t due = flow->start_ns + (uint64_t)((double)flow->sent * flow->period_ns);
        if (due > now)
            return due - now;
        if (!may_send(bench, flow))
            return TURN_NS_MAX;
        ledger_sent(&bench->ledger, send_one(bench, flow, due), now);
    }
}

static uint64_t pump(struct bench *bench, struct flow *flows, unsigned count)
{
    uint64_t wait = TURN_NS_MAX;
    for (unsigned i = 0; i < count; i++) {
        struct flow *flow = &flows[i];
        if (flow->stopped)
            continue;
        if (flow->period_ns <= 0) {
            pump_closed(bench, flow);
            continue;
        }
        uint64_t until = pump_open(bench, flow);
        wait = until < wait ? until : wait;
    }
    return wait;
}

static uint32_t window_of(const struct bench *bench, const struct group *group, enum mark_kind kind)
{
    uint64_t users = (uint64_t)group->rooms * group->occupants;
    uint64_t window = bench->plan.window;
    if (window == 0) {
        uint64_t copies = bench->target.is_host ? COPIES_OF_PEER : COPIES_AIMED_AT;
        window = copies / group->occupants / bench->member->count;
        window = window < WINDOW_MIN ? WINDOW_MIN : window > WINDOW_MAX ? WINDOW_MAX : window;
        if (kind == MARK_ENTRY)
            window = bench->clients ? group->rooms : 2U * group->rooms;
    }
    /* Who has an update or a cycle under way does not begin another. */
    if (kind != MARK_MESSAGE && window > users)
        window = users;
    if (kind == MARK_CHANGE)
        window = group->rooms;
    uint64_t most = (bench->ledger.mark_mask + 1) / 4;
    return (uint32_t)(window < most ? window : most);
}

static struct flow flow_of(struct bench *bench, struct group *group, enum mark_kind kind,
                           double rate)
{
    double copies = kind >= MARK_ENTRY ? 1 : group->occupants;
    return (struct flow){.group = group,
                         .kind = kind,
                         .window = window_of(bench, group, kind),
                         .period_ns = rate > 0 ? copies * 1e9 / rate : 0,
                         .start_ns = now_ns(),
                         .limit = bench->plan.messages > 0 ? bench->plan.messages : UINT64_MAX};
}

static bool all_complete(const struct bench *bench, const struct flow *flows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct flow *flow = &flows[i];
        if (flow->group->outstanding > 0 || (!flow->stopped && flow->sent < flow->limit))
            return false;
    }
    return wire_waiting(&bench->wire.conns[0]) == 0;
}

/* Runs until the time is over, all that there is to send was sent and came, or nothing comes. */
static void run_until(struct bench *bench, struct flow *flows, unsigned count, double seconds)
{
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
    uint64_t now;
    while ((now = now_ns()) < end && !all_complete(bench, flows, count) && !bench_stalled(bench)) {
        uint64_t wait = pump(bench, flows, count);
        bench_turn(bench, wait < end - now ? wait : end - now);
    }
}

/* The raw pipe writes as much as it was told to; all of it is looked for, from the start. */
static void pipe_flow(struct bench *bench, const char *name)
{
    struct ledger *ledger = &bench->ledger;
    struct flow flow = flow_of(bench, &ledger->groups[0], MARK_MESSAGE, 0);
    flow.window = (ledger->mark_mask + 1) / 2;
    flow.limit = target_pipe_messages(&bench->plan);
    measure_begin(bench);
    run_until(bench, &flow, 1, 1e6);
    measure_end(bench, name);
    ledger_write_off(ledger);
}

void step_flow(struct bench *bench, const char *name, enum mark_kind kind)
{
    const struct plan *plan = &bench->plan;
    struct ledger *ledger = &bench->ledger;
    struct flow flows[GROUPS_MAX];
    if (bench->target.is_pipe) {
        pipe_flow(bench, name);
        return;
    }
    ledger->free_count = 0;
    flows[0] = flow_of(bench, &ledger->groups[0], kind, plan->rate);
    if (ledger->group_count > 1)
        flows[1] = flow_of(bench, &ledger->groups[1], kind, plan->side_rate);
    unsigned count = ledger->group_count;
    ledger->open = plan->rate > 0;
    ledger->changing = kind == MARK_CHANGE;
    bench->progress.at_ns = now_ns();
    if (plan->messages == 0)
        run_until(bench, flows, count, plan->warmup);
    measure_begin(bench);
    run_until(bench, flows, count, plan->messages == 0 ? plan->seconds : 1e6);
    struct outcome *outcome = measure_end(bench, name);
    for (unsigned i = 0; i < count; i++)
        flows[i].stopped = true;
    run_until(bench, flows, count, 1e6);
    ledger->timed = false;
    measure_latency(outcome, bench);
    ledger_write_off(ledger);
}

/* Everybody goes, and the rooms are empty. */
void step_leave(struct bench *bench)
{
    struct ledger *ledger = &bench->ledger;
    measure_begin(bench);
    for (uint32_t user = 0; user < ledger->user_count;) {
        bool room = wire_waiting(bench_conn_of(bench, user)) < OUT_WAITING_MAX;
        if (room && !ledger_full(ledger, 1))
            send_marked(bench, MARK_LEAVE, user++, now_ns());
        else
            bench_turn(bench, TURN_NS_MAX);
        if (bench_stalled(bench))
            break;
    }
    while (ledger->groups[0].outstanding > 0 && !bench_stalled(bench))
        bench_turn(bench, TURN_NS_MAX);
    measure_end(bench, "leave");
    ledger->timed = false;
    ledger_write_off(ledger);
}

/* So many messages to each room, for history. */
void step_fill(struct bench *bench)
{
    struct ledger *ledger = &bench->ledger;
    struct flow flow = flow_of(bench, &ledger->groups[0], MARK_MESSAGE, 0);
    flow.limit = bench->plan.fill * ledger->groups[0].rooms;
    measure_begin(bench);
    run_until(bench, &flow, 1, 1e6);
    measure_latency(measure_end(bench, "fill"), bench);
    ledger->timed = false;
    ledger_write_off(ledger);
}
