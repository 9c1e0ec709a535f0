/*
 * A cycle: messages, alarms, then what they caused goes out, one message per lane. A step sees its
 * own instant, later than that of every step before it, and secrets of its own.
 *
 * Credits for stanzas go back at the end of the cycle that handled them; while a lane has more
 * to expand than it should, they stay here, the net agents run out of them and stop reading from
 * those who talk to this shard. Messages that need no credit are handled all the same.
 */
#include "shard/shard.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/lower.h"
#include "shard/ways.h"

#include <stdio.h>

enum { ARENA_BLOCK = 64 * 1024, ENTROPY_BYTES = 4096 };

struct shard {
    struct agent agent;
    char name[16];
    struct shard_setup setup;
    struct mailbox *mailbox;
    struct arena *arena;
    struct rooms rooms;
    struct fanout fanout;
    struct windows windows;
    struct bounces bounces;
    struct commands commands;
    struct ways ways;
    uint32_t links_at; /* the place of the next room to be told of links; past the end: none */
    int64_t last_step_us;
    bool closing;      /* goodbye has been said: nothing new begins */
    uint32_t *credits; /* by lane: handled and not yet given back */
    unsigned credit_lanes;
    size_t entropy_used;
    uint8_t entropy[ENTROPY_BYTES];
};

/* ---- steps ---- */

/* A secret is used once and wiped. */
static void entropy_take(struct shard *shard, void *to, size_t size)
{
    if (shard->entropy_used + size > sizeof(shard->entropy)) {
        shard->setup.random(shard->entropy, sizeof(shard->entropy));
        shard->entropy_used = 0;
    }
    memcpy(to, shard->entropy + shard->entropy_used, size);
    explicit_bzero(shard->entropy + shard->entropy_used, size);
    shard->entropy_used += size;
}

static struct step step_begin(struct shard *shard, const struct muc_env *env)
{
    arena_reset(shard->arena);
    int64_t now_us = shard->agent.now_us;
    if (now_us <= shard->last_step_us)
        now_us = shard->last_step_us + 1;
    shard->last_step_us = now_us;
    struct step step = {.arena = shard->arena, .env = env, .ways = &shard->ways, .now_us = now_us};
    entropy_take(shard, step.entropy, sizeof(step.entropy));
    return step;
}

static struct route origin_of(const struct event *event)
{
    return event->kind == EV_STANZA ? event->stanza.route : ROUTE_NONE;
}

static void step_room(struct shard *shard, struct room_entry *entry, const struct event *event,
                      struct bounces *bounces)
{
    struct step step = step_begin(shard, entry->env);
    enum step_outcome outcome = muc_step(entry->room, event, &step);
    ensure(outcome == STEP_DONE);
    struct lowering lowering = {
        .arena = shard->arena,
        .fanout = &shard->fanout,
        .directory = shard->setup.directory,
        .commands = &shard->commands,
        .rooms = &shard->rooms,
        .entry = entry,
        .windows = &shard->windows,
        .now_us = shard->agent.now_us,
        .order = room_id(entry->room),
        .service = entry->env->settings->domain,
        .origin = origin_of(event),
        .bounces = bounces,
    };
    lower_effects(&lowering, &step.effects);
    rooms_settle(&shard->rooms, entry);
}

/* What a bounce causes is not bounced again, so this ends. */
static void run_room(struct shard *shard, struct room_entry *entry, const struct event *event)
{
    step_room(shard, entry, event, &shard->bounces);
    for (;;) {
        struct bounce *bounce = bounces_take(&shard->bounces);
        if (bounce == NULL)
            return;
        struct room_entry *sender = rooms_find(&shard->rooms, bounce->to);
        if (sender != NULL) {
            struct event back = {.kind = EV_STANZA};
            back.stanza.stanza = bounce->stanza;
            back.stanza.from = bounce->from;
            back.stanza.to = bounce->to;
            back.stanza.route = ROUTE_NONE;
            step_room(shard, sender, &back, NULL);
        }
        bounce_free(bounce);
    }
}

static struct listing_page listing_page(void *self, struct arena *arena,
                                        const struct listing_query *query)
{
    const struct shard *shard = self;
    return directory_page(shard->setup.directory, arena, query);
}

static void lower_service(struct shard *shard, struct step *step, struct route origin)
{
    struct lowering lowering = {
        .arena = shard->arena,
        .fanout = &shard->fanout,
        .directory = shard->setup.directory,
        .commands = &shard->commands,
        .now_us = shard->agent.now_us,
        .service = step->env->settings->domain,
        .origin = origin,
    };
    lower_effects(&lowering, &step->effects);
}

static void run_service(struct shard *shard, const struct event *event)
{
    const struct muc_env *env = rooms_env(&shard->rooms, event->stanza.to);
    struct step step = step_begin(shard, env);
    struct room_lister lister = {.self = shard, .page = listing_page};
    struct service_view view = {.rooms = &lister, .commands_full = commands_full(&shard->commands)};
    service_step(event, &view, &step);
    lower_service(shard, &step, origin_of(event));
}

static void answer_command(struct shard *shard, struct command *command)
{
    struct step step = step_begin(shard, rooms_env(&shard->rooms, command_service(command)));
    command_answer(command, &step);
    lower_service(shard, &step, ROUTE_NONE);
    command_free(command);
}

static unsigned answer_commands(struct shard *shard, bool all)
{
    unsigned count = 0;
    struct command *command;
    while ((command = commands_over(&shard->commands, shard->agent.now_us, all)) != NULL) {
        answer_command(shard, command);
        count++;
    }
    return count;
}

/* ---- messages ---- */

static void credit_gather(struct shard *shard, uint16_t lane, uint32_t cost)
{
    if (lane == LANE_NONE)
        return;
    if (lane >= shard->credit_lanes) {
        unsigned count = (unsigned)lane + 1;
        shard->credits = mem_grow(shard->credits, sizeof(*shard->credits) * count);
        while (shard->credit_lanes < count)
            shard->credits[shard->credit_lanes++] = 0;
    }
    shard->credits[lane] += cost;
}

static void credits_flush(struct shard *shard)
{
    if (fanout_overloaded(&shard->fanout))
        return;
    for (unsigned lane = 0; lane < shard->credit_lanes; lane++) {
        if (shard->credits[lane] == 0)
            continue;
        struct message *message = message_new(MSG_CREDIT);
        message->credit.shard = shard->setup.number;
        message->credit.cost = shard->credits[lane];
        shard->credits[lane] = 0;
        if (post_lane_quietly(shard->setup.exchange, (uint16_t)lane, message))
            fanout_ring_due(&shard->fanout, (uint16_t)lane);
    }
}

/* Nobody is asked but where it matters: of a presence that may enter. */
static uint32_t rooms_of_sender(const struct shard *shard, const struct muc_settings *settings,
                                const struct message *message)
{
    const struct node *root = stanza_root(message->stanza.stanza);
    if (settings->rooms_per_user == 0 || !node_is(root, NAME_PRESENCE, NS_STANZA) ||
        node_find(root, NAME_X, NS_MUC) == NULL)
        return 0;
    return tallies_rooms(directory_tallies(shard->setup.directory), settings->domain,
                         jid_bare(message->stanza.from));
}

static void shard_on_stanza(struct shard *shard, const struct message *message)
{
    ASSERT_ON(&shard->agent);
    credit_gather(shard, message->stanza.lane, message->stanza.cost);
    if (shard->closing)
        return;
    struct event event = {.kind = EV_STANZA};
    event.stanza.stanza = message->stanza.stanza;
    event.stanza.from = message->stanza.from;
    event.stanza.to = message->stanza.to;
    event.stanza.route = message->stanza.route;
    if (message->stanza.to->local_len == 0) {
        run_service(shard, &event);
        return;
    }
    struct room_entry *entry = rooms_need(&shard->rooms, message->stanza.to);
    event.stanza.rooms = rooms_of_sender(shard, entry->env->settings, message);
    run_room(shard, entry, &event);
}

static void shard_on_session_gone(struct shard *shard, const struct message *message)
{
    ASSERT_ON(&shard->agent);
    struct room_entry *entry = rooms_find(&shard->rooms, message->session_gone.room);
    if (entry == NULL)
        return;
    struct event event = {.kind = EV_SESSION_GONE};
    event.session_gone.jid = message->session_gone.jid;
    event.session_gone.route = message->session_gone.route;
    event.session_gone.properly = message->session_gone.properly;
    run_room(shard, entry, &event);
}

/* The net agent only knows what the session has asked for. */
static void shard_on_place_ask(struct shard *shard, const struct message *message)
{
    ASSERT_ON(&shard->agent);
    const struct room_entry *entry = rooms_find(&shard->rooms, message->place.room);
    if (entry != NULL && room_has_session(entry->room, message->place.jid))
        return;
    struct message *answer = message_new(MSG_PLACE_FREE);
    answer->place.room = jid_copy(message->place.room);
    answer->place.route = message->place.route;
    answer->place.presence = message->place.presence;
    post_lane(shard->setup.exchange, message->place.route.lane, answer);
}

/* ---- links that fall and come back ---- */

/* So many rooms are looked at before anything else is; the rest in later cycles. True: there are
 * more. */
static bool tell_of_links(struct shard *shard)
{
    struct event event = {.kind = EV_LINKS};
    for (unsigned i = 0; i < SHARD_DRAIN_MAX; i++) {
        struct room_entry *entry = rooms_from(&shard->rooms, &shard->links_at);
        if (entry == NULL) {
            shard->links_at = UINT32_MAX; /* rooms that are made from now on need not be told */
            return false;
        }
        if (room_sessions(entry->room) > 0)
            run_room(shard, entry, &event);
    }
    return true;
}

static void shard_on_links(struct shard *shard)
{
    ASSERT_ON(&shard->agent);
    shard->links_at = 0;
    (void)tell_of_links(shard);
}

static void shard_on_link_loss(struct shard *shard, const struct message *message)
{
    ASSERT_ON(&shard->agent);
    struct room_entry *entry = rooms_by_id(&shard->rooms, message->link_loss.room);
    if (entry == NULL)
        return;
    struct event event = {.kind = EV_LINK_LOSS};
    event.link_loss.route = message->link_loss.route;
    run_room(shard, entry, &event);
}

/* ---- orders, the end ---- */

/* The room may be there or not: it knows, and says so. */
static void shard_on_room_order(struct shard *shard, const struct message *message)
{
    ASSERT_ON(&shard->agent);
    const struct jid *room = message->room_order.room;
    if (shard->closing) {
        commands_report(&shard->commands, &message->room_order.ticket, ORDER_LOST);
        return;
    }
    struct event event = {.kind = EV_DESTROY};
    event.destroy.ticket = message->room_order.ticket;
    log_info("%s orders room to be destroyed: %s", message->room_order.by->text, room->text);
    run_room(shard, rooms_need(&shard->rooms, room), &event);
}

static void shard_on_shutdown(struct shard *shard)
{
    ASSERT_ON(&shard->agent);
    if (!shard->closing) {
        struct event event = {.kind = EV_SHUTDOWN};
        uint32_t at = 0;
        struct room_entry *entry;
        while ((entry = rooms_each(&shard->rooms, &at)) != NULL)
            run_room(shard, entry, &event);
    }
    shard->closing = true;
    answer_commands(shard, true);
    fanout_flush(&shard->fanout);
    struct message *done = message_new(MSG_SHARD_DONE);
    done->shard_done.shard = shard->setup.number;
    post_lane(shard->setup.exchange, 0, done);
}

static void shard_on_message(void *self, struct mail *mail)
{
    struct shard *shard = self;
    struct message *message = container_of(mail, struct message, mail);
    switch (message->kind) {
    case MSG_STANZA:
        shard_on_stanza(shard, message);
        break;
    case MSG_SESSION_GONE:
        shard_on_session_gone(shard, message);
        break;
    case MSG_PLACE_ASK:
        shard_on_place_ask(shard, message);
        break;
    case MSG_LINKS:
        shard_on_links(shard);
        break;
    case MSG_LINK_LOSS:
        shard_on_link_loss(shard, message);
        break;
    case MSG_LANE_CREDIT:
        fanout_lane_credit(&shard->fanout, message->lane_credit.lane, message->lane_credit.cost);
        break;
    case MSG_ROOM_ORDER:
        shard_on_room_order(shard, message);
        break;
    case MSG_ORDER_REPORT:
        commands_reported(&shard->commands, &message->order_report.ticket,
                          message->order_report.outcome);
        break;
    case MSG_SHUTDOWN:
        shard_on_shutdown(shard);
        break;
    case MSG_DELIVERIES:
    case MSG_CREDIT:
    case MSG_ROUTED:
    case MSG_CLOSE_SESSION:
    case MSG_PLACE_FREE:
    case MSG_ACCOUNT_GONE:
    case MSG_ACCOUNT:
    case MSG_SHARD_DONE:
    case MSG_ACCOUNT_ASK:
        never("a message that is not for a shard");
    }
    message_free(message);
}

/* ---- the agent ---- */

static unsigned ring_alarms(struct shard *shard)
{
    struct event event = {.kind = EV_TIMER};
    unsigned count = 0;
    while (count < SHARD_DRAIN_MAX) {
        struct room_entry *entry =
            rooms_ringing(&shard->rooms, shard->agent.now_us, &event.timer.timer);
        if (entry == NULL)
            break;
        run_room(shard, entry, &event);
        count++;
    }
    return count;
}

static int shard_work(void *self)
{
    struct shard *shard = self;
    bool more = false;
    bool untold = tell_of_links(shard);
    unsigned count = mailbox_drain(shard->mailbox, shard_on_message, shard, SHARD_DRAIN_MAX, &more);
    count += ring_alarms(shard);
    count += answer_commands(shard, false);
    windows_look(&shard->windows, shard->agent.now_us);
    credits_flush(shard);
    fanout_flush(&shard->fanout);
    commands_flush(&shard->commands);
    return (int)count + (more || untold ? 1 : 0);
}

static void shard_wait(void *self, int work, int timeout_ms)
{
    struct shard *shard = self;
    if (work == 0)
        mailbox_wait(shard->mailbox, timeout_ms);
}

static void shard_wake(void *self)
{
    struct shard *shard = self;
    mailbox_wake(shard->mailbox);
}

/* The last step's arena would stay until the next step. */
static bool shard_rest(void *self)
{
    struct shard *shard = self;
    arena_reset(shard->arena);
    return false;
}

/* Of two times to wait; -1 is for ever. */
static int sooner_ms(int a_ms, int b_ms)
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static int shard_timeout_ms(void *self)
{
    struct shard *shard = self;
    int64_t now_us = shard->agent.now_us;
    int timeout_ms = sooner_ms(rooms_timeout_ms(&shard->rooms, now_us),
                               windows_timeout_ms(&shard->windows, now_us));
    return sooner_ms(timeout_ms, commands_timeout_ms(&shard->commands, now_us));
}

struct shard *shard_new(const struct shard_setup *setup, int *err)
{
    ensure(setup->number < SHARDS_MAX);
    struct mailbox *mailbox = mailbox_new(err);
    if (mailbox == NULL)
        return NULL;
    struct shard *shard = MEM_NEW(struct shard);
    shard->setup = *setup;
    shard->mailbox = mailbox;
    shard->arena = arena_new(ARENA_BLOCK);
    shard->entropy_used = sizeof(shard->entropy);
    shard->links_at = UINT32_MAX;
    shard->ways = ways_of(setup->directory);
    shard->rooms = (struct rooms){
        .envs = setup->envs, .env_count = setup->env_count, .directory = setup->directory};
    rooms_init(&shard->rooms, setup->number, clock_wall_us());
    fanout_init(&shard->fanout, setup->exchange, setup->number);
    windows_init(&shard->windows, &shard->fanout);
    shard->commands = (struct commands){
        .exchange = setup->exchange,
        .placement_key = setup->placement_key,
        .shard = setup->number,
    };
    snprintf(shard->name, sizeof(shard->name), "shard%u", setup->number);
    shard->agent = (struct agent){
        .name = shard->name,
        .self = shard,
        .do_work = shard_work,
        .wait = shard_wait,
        .wake = shard_wake,
        .timeout_ms = shard_timeout_ms,
        .rest = shard_rest,
        .log = setup->log,
    };
    exchange_set_shard(setup->exchange, setup->number, mailbox);
    return shard;
}

struct agent *shard_agent(struct shard *shard)
{
    return &shard->agent;
}

static void discard(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

void shard_free(struct shard *shard)
{
    if (shard == NULL)
        return;
    exchange_set_shard(shard->setup.exchange, shard->setup.number, NULL);
    bool more = true;
    while (more)
        mailbox_drain(shard->mailbox, discard, NULL, SHARD_DRAIN_MAX, &more);
    mailbox_free(shard->mailbox);
    commands_fini(&shard->commands);
    fanout_fini(&shard->fanout);
    rooms_fini(&shard->rooms);
    arena_free(shard->arena);
    mem_free(shard->credits);
    explicit_bzero(shard->entropy, sizeof(shard->entropy));
    mem_free(shard);
}

uint32_t shard_room_count(const struct shard *shard)
{
    return rooms_count(&shard->rooms);
}
