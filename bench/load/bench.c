#include "bench/load/bench.h"

#include "bench/load/handshake.h"
#include "bench/load/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARKS_CLOSED_MAX 32768
#define MARKS_OPEN_MAX   262144
#define GOODBYE_NS_MAX   2000000000U
#define ADDRESS_MAX      400

/* ---- input ---- */

static const char *link_input(void *owner, struct conn *conn, const char *begin, const char *end)
{
    struct bench *bench = owner;
    struct scan *scan = &bench->scan;
    struct ledger *ledger = &bench->ledger;
    if (bench->stopping)
        return end; /* goodbyes */
    uint32_t link = bench->clients ? 0 : conn->index;
    ledger->now_ns = now_ns();
    scan_feed(scan, conn->reader, begin, end);
    for (;;) {
        enum scan_result result = scan_next(scan);
        struct span text = {scan->stanza, (size_t)(scan->at - scan->stanza)};
        if (result == SCAN_AGAIN) {
            ledger_again(ledger, link, &scan->seen, text);
        } else if (result == SCAN_STANZA) {
            ledger_take(ledger, link, &scan->seen, text);
        } else {
            if (result != SCAN_MORE)
                die("%s: %.*s", result == SCAN_CLOSED ? "the server closed the stream" : "not XML",
                    (int)(end - scan->at > 400 ? 400 : end - scan->at), scan->at);
            break;
        }
    }
    ledger_settle(ledger);
    return scan->at;
}

static void conn_closed(void *owner, struct conn *conn)
{
    struct bench *bench = owner;
    if (bench->stopping || bench->target.is_pipe ||
        (bench->clients && bench->ledger.users[conn->index].slow))
        return;
    if (!bench->clients)
        die("the server closed the link; is it still running?");
    ledger_error(&bench->ledger, "the server closed a connection", (struct span){"", 0});
}

void bench_turn(struct bench *bench, uint64_t timeout_ns)
{
    wire_turn(&bench->wire, timeout_ns);
}

bool bench_stalled(struct bench *bench)
{
    uint64_t now = now_ns();
    uint64_t received = bench->ledger.received + bench->wire.bytes_out;
    if (bench->progress.received != received) {
        bench->progress.received = received;
        bench->progress.at_ns = now;
    }
    return (double)(now - bench->progress.at_ns) > bench->plan.patience * 1e9;
}

struct conn *bench_conn_of(struct bench *bench, uint32_t user)
{
    uint32_t index = bench->clients ? user : bench->ledger.users[user].link;
    return &bench->wire.conns[index];
}

/* ---- figures ---- */

static void moment_now(struct bench *bench, struct moment *moment)
{
    const struct ledger *ledger = &bench->ledger;
    *moment = (struct moment){
        .received = ledger->received, .got = ledger->got, .bytes_in = bench->wire.bytes_in};
    for (unsigned i = 0; i < ledger->group_count; i++) {
        moment->completed[i] = ledger->groups[i].completed;
        moment->delivered[i] = ledger->groups[i].delivered;
    }
    proc_sample(&moment->server, bench->target.server);
    moment->own_cpu_ns = proc_own_cpu_ns();
    moment->at_ns = now_ns();
}

void measure_begin(struct bench *bench)
{
    for (unsigned i = 0; i < bench->ledger.group_count; i++) {
        hist_reset(&bench->ledger.groups[i].latency);
        hist_reset(&bench->ledger.groups[i].admitted);
    }
    hist_reset(&bench->ledger.entry_time);
    bench->ledger.timed = true;
    moment_now(bench, &bench->from);
    bench->progress.at_ns = bench->from.at_ns;
}

static struct quantiles quantiles_of(const struct hist *hist)
{
    return (struct quantiles){.p50 = (double)hist_quantile_ns(hist, 0.50) / 1e3,
                              .p95 = (double)hist_quantile_ns(hist, 0.95) / 1e3,
                              .p99 = (double)hist_quantile_ns(hist, 0.99) / 1e3,
                              .p999 = (double)hist_quantile_ns(hist, 0.999) / 1e3,
                              .max = (double)hist->max_ns / 1e3};
}

struct outcome *measure_end(struct bench *bench, const char *name)
{
    struct moment to;
    moment_now(bench, &to);
    const struct moment *from = &bench->from;
    struct result *result = &bench->result;
    if (result->outcome_count == STEPS_MAX)
        die("more than %d steps in the plan", STEPS_MAX);
    struct outcome *outcome = &result->outcomes[result->outcome_count++];
    *outcome = (struct outcome){
        .seconds = (double)(to.at_ns - from->at_ns) / 1e9,
        .deliveries = to.received - from->received,
        .messages = to.completed[0] - from->completed[0],
        .bytes = to.bytes_in - from->bytes_in,
        .server_cpu_s = (double)(to.server.cpu_ns - from->server.cpu_ns) / 1e9,
        .own_cpu_s = (double)(to.own_cpu_ns - from->own_cpu_ns) / 1e9,
        .voluntary = to.server.voluntary - from->server.voluntary,
        .involuntary = to.server.involuntary - from->server.involuntary,
        .rss_bytes = to.server.rss_bytes,
    };
    snprintf(outcome->name, sizeof(outcome->name), "%s", name);
    if (bench->ledger.group_count > 1) {
        outcome->has_side = true;
        outcome->side_deliveries = to.delivered[1] - from->delivered[1];
    }
    result->server_threads = to.server.threads;
    result->rss_peak = to.server.peak_bytes;
    return outcome;
}

void measure_latency(struct outcome *outcome, const struct bench *bench)
{
    outcome->latency = quantiles_of(&bench->ledger.groups[0].latency);
    outcome->is_open = bench->ledger.open;
    outcome->admitted = quantiles_of(&bench->ledger.groups[0].admitted);
    outcome->side_latency = quantiles_of(&bench->ledger.groups[1].latency);
}

/* ---- the run ---- */

/* Users and rooms of one process have other names than those of another. */
static void set_names(struct bench *bench)
{
    struct names *names = &bench->names;
    char own[16] = "";
    if (bench->member->index > 0)
        snprintf(own, sizeof(own), "-%u", bench->member->index);
    int user = snprintf(names->user_tail, sizeof(names->user_tail), "%s@%s/r", own,
                        bench->target.user_domain);
    int room = snprintf(names->room_tail, sizeof(names->room_tail), "%s@%s", own,
                        bench->target.muc_domain);
    names->user_tail_size = (size_t)user;
    names->room_tail_size = (size_t)room;
}

/* The raw pipe writes to a link as well as to clients: then each user has a connection, in order.
 */
static void connect_pipe(struct bench *bench)
{
    uint32_t count = bench->clients ? bench->ledger.user_count : 1;
    for (uint32_t i = 0; i < count; i++) {
        struct conn *conn = wire_add(&bench->wire, handshake_accept_plain(bench->target.listener));
        if (!bench->clients)
            continue;
        char *address = must_alloc(ADDRESS_MAX);
        int size = snprintf(address, ADDRESS_MAX, "u%u%s", i, bench->names.user_tail);
        conn->reader = (struct reader){.address = {address, (size_t)size}, .user = i};
    }
}

static void connect_links(struct bench *bench)
{
    struct target *target = &bench->target;
    for (uint64_t i = 0; i < bench->plan.links; i++) {
        int fd = target->is_host
                     ? handshake_connect(target->port, target->user_domain, target->secret)
                     : handshake_accept(target->listener, target->user_domain, target->secret);
        if (bench->plan.send_buffer > 0)
            wire_send_buffer(fd, (int)bench->plan.send_buffer);
        wire_add(&bench->wire, fd);
    }
}

static uint64_t rss_after(struct bench *bench, double seconds)
{
    struct proc_sample sample;
    uint64_t until = now_ns() + (uint64_t)(seconds * 1e9);
    for (uint64_t now = now_ns(); now < until; now = now_ns())
        bench_turn(bench, until - now);
    proc_sample(&sample, bench->target.server);
    return sample.rss_bytes;
}

/* Memory is looked at when the server has had time to come to rest. */
static uint64_t rss_at_rest(struct bench *bench)
{
    return rss_after(bench, bench->plan.settle);
}

static void stop_reading(struct bench *bench)
{
    if (!bench->clients)
        die("the step 'slow' is for drive=clients: on a link nobody has a connection to stop");
    for (uint32_t i = 0; i < bench->ledger.user_count; i++) {
        if (bench->ledger.users[i].slow)
            wire_pause(&bench->wire, &bench->wire.conns[i]);
    }
}

static void run_step(struct bench *bench, const char *step)
{
    if (bench->target.is_pipe && strcmp(step, "talk") != 0) {
        return; /* there is nobody to enter or leave */
    } else if (strcmp(step, "join") == 0) {
        step_join(bench);
        bench->result.rss_joined = rss_at_rest(bench);
    } else if (strcmp(step, "talk") == 0) {
        step_flow(bench, step, MARK_MESSAGE);
    } else if (strcmp(step, "presence") == 0) {
        step_flow(bench, step, MARK_UPDATE);
    } else if (strcmp(step, "churn") == 0) {
        step_flow(bench, step, MARK_ENTRY);
    } else if (strcmp(step, "changes") == 0) {
        step_flow(bench, step, MARK_CHANGE);
    } else if (strcmp(step, "leave") == 0) {
        step_leave(bench);
        bench->result.rss_left = rss_after(bench, bench->plan.settle);
    } else if (strcmp(step, "idle") == 0) {
        bench->result.rss_idle = rss_after(bench, bench->plan.idle);
    } else if (strcmp(step, "fill") == 0) {
        step_fill(bench);
    } else if (strcmp(step, "slow") == 0) {
        stop_reading(bench);
    }
}

static void set_up(struct bench *bench, const struct target_setup *setup)
{
    const struct plan *plan = &bench->plan;
    bool open = plan->rate > 0 || plan->side_rate > 0;
    uint32_t marks = open ? MARKS_OPEN_MAX : MARKS_CLOSED_MAX;
    struct layout layout = {.rooms = bench->target.is_pipe ? 1 : (uint32_t)plan->rooms,
                            .occupants = (uint32_t)plan->occupants,
                            .side_rooms = (uint32_t)plan->side_rooms,
                            .side_occupants = (uint32_t)plan->side_occupants,
                            .marks_max = marks,
                            .links = bench->clients ? 1 : (uint32_t)plan->links,
                            .slow_percent_x100 = (uint32_t)(plan->slow_percent * 100)};
    ledger_init(&bench->ledger, &layout);
    bench->ledger.refusals = strcmp(plan->refusals, "allowed") == 0;
    /* Where one may be refused, those behind it have no place before they come. */
    bench->ledger.ordered = !bench->clients && plan->links == 1 && !bench->ledger.refusals;
    bench->ledger.rooms_speak = bench->target.is_host;
    bench->ledger.presences_shown = strcmp(plan->presences, "all") == 0;
    bench->ledger.history = target_keeps_history(setup) ? (uint32_t)plan->history : 0;
    set_names(bench);
    speech_init(&bench->speech, &bench->names, !bench->clients, plan->body);
    scan_init(&bench->scan, &bench->names);
    wire_init(&bench->wire, bench->clients ? bench->ledger.user_count : (uint32_t)plan->links);
    bench->wire.owner = bench;
    bench->wire.on_closed = conn_closed;
    bench->tls = plan->tls > 0 ? tls_context() : NULL;
}

/* All processes of the run begin a step together. */
static void meet(struct bench *bench, const char *phase)
{
    crew_meet(bench->member);
    crew_phase(bench->member, phase);
}

static void run_steps(struct bench *bench)
{
    char steps[PLAN_TEXT_MAX];
    memcpy(steps, bench->plan.steps, sizeof(steps));
    char *rest = steps;
    for (char *step; (step = strsep(&rest, ",")) != NULL;) {
        meet(bench, step);
        run_step(bench, step);
    }
}

static void connect_all(struct bench *bench)
{
    crew_phase(bench->member, "connecting");
    if (bench->target.listener >= 0 && bench->member->index == 0)
        bench->result.start_seconds = target_await_link(&bench->target);
    bench->wire.on_input = bench->clients ? login_input : link_input;
    if (bench->target.is_pipe) {
        connect_pipe(bench);
    } else if (bench->clients) {
        login_all(bench);
        bench->result.rss_connected = rss_at_rest(bench);
    } else {
        connect_links(bench);
        bench->result.rss_start = rss_at_rest(bench);
    }
    bench->wire.on_input = link_input;
}

/* Leaves it with the crew; the first process adds up what all of them have left. */
static void hand_in(struct bench *bench)
{
    struct member *member = bench->member;
    struct result *result = &bench->result;
    const struct ledger *ledger = &bench->ledger;
    result->clients = bench->clients;
    result->users = ledger->user_count;
    result->rooms = ledger->room_count;
    result->faults = ledger->faults;
    result->removed = ledger->removed;
    result->refused = ledger->refused;
    member->crew->results[member->index] = *result;
    bench->stopping = true;
    meet(bench, "stopping the server");
    for (unsigned i = 1; member->index == 0 && i < member->count; i++)
        result_merge(&member->crew->results[0], &member->crew->results[i]);
}

void bench_run(struct bench *bench, const struct target_setup *setup, struct member *member)
{
    bench->member = member;
    bench->clients = strcmp(setup->plan->drive, "clients") == 0;
    crew_phase(member, "starting the server");
    target_start(&bench->target, setup);
    crew_fork(member);
    plan_share(&bench->plan, setup->plan, member->index, member->count);
    set_up(bench, setup);
    connect_all(bench);
    run_steps(bench);
    hand_in(bench);
    if (member->index > 0)
        return;
    target_end(&bench->target);
    uint64_t until = now_ns() + GOODBYE_NS_MAX;
    while (bench->wire.open > 0 && now_ns() < until)
        bench_turn(bench, GOODBYE_NS_MAX / 20);
    wire_close_all(&bench->wire);
    target_await_end(&bench->target);
}

void bench_free(struct bench *bench)
{
    wire_free(&bench->wire);
    scan_free(&bench->scan);
    speech_free(&bench->speech);
    ledger_free(&bench->ledger);
    SSL_CTX_free(bench->tls);
}
