/*
 * A cycle: messages, alarms, then what they caused goes out, one message per lane. A step sees its
 * own instant, later than that of every step before it, and secrets of its own.
 *
 * Credits for stanzas go back at the end of the cycle that handled them; while a lane has more
 * to expand than it should, they stay here, the net agents run out of them and stop reading from
 * those who talk to this shard. Messages that need no credit are handled all the same.
 */
#include "shard/shard_impl.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

#include <stdio.h>

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

struct step shard_step(struct shard *shard, const struct muc_env *env)
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
    if (fanout_overloaded(&shard->fanout) || commits_overloaded(&shard->commits) ||
        shard->held > HELD_BYTES_MAX || loads_overloaded(&shard->loads))
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

static void shard_on_stanza(struct shard *shard, struct message *message)
{
    ASSERT_ON(&shard->agent);
    credit_gather(shard, message->stanza.lane, message->stanza.cost);
    if (shard->closing)
        rooms_turn_away(shard, message);
    else if (message->stanza.to->local_len > 0)
        rooms_take(shard, message->stanza.to, true, message);
    else
        service_take(shard, message);
}

static void shard_on_session_gone(struct shard *shard, struct message *message)
{
    ASSERT_ON(&shard->agent);
    rooms_take(shard, message->session_gone.room, false, message);
}

static void shard_on_room_wake(struct shard *shard, struct message *message)
{
    ASSERT_ON(&shard->agent);
    if (shard->closing)
        message_free(message);
    else
        rooms_take(shard, message->room_wake.room, true, message);
}

static void try_to_wake(struct shard *shard)
{
    struct jid *room;
    while (!shard->closing && (room = wakes_take(&shard->wakes, shard->agent.mono_ms)) != NULL) {
        struct message *message = message_new(MSG_ROOM_WAKE);
        message->room_wake.room = room;
        rooms_take(shard, room, true, message);
    }
}

static void shard_on_answer(struct shard *shard, struct message *message)
{
    ASSERT_ON(&shard->agent);
    asks_end(&shard->asks, message->ask->from);
    if (message->ask->query != NULL)
        rooms_take(shard, message->ask->to, true, message);
    else
        service_take(shard, message);
}

/* The net agent only knows what the session has asked for. */
static void shard_on_place_ask(struct shard *shard, const struct message *message)
{
    ASSERT_ON(&shard->agent);
    const struct room_entry *entry = rooms_find(&shard->rooms, message->place.room);
    if (entry != NULL &&
        (!backing_is_open(entry->backing) || room_has_session(entry->room, message->place.jid)))
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
            rooms_tell(shard, entry, &event);
    }
    return true;
}

static void shard_on_links(struct shard *shard)
{
    ASSERT_ON(&shard->agent);
    if (shard->closing)
        return;
    shard->links_at = 0;
    (void)tell_of_links(shard);
}

/* When we are done, links are closed by ourselves: what a host has not read by then it reads
 * afterwards. */
static void shard_on_link_loss(struct shard *shard, struct message *message)
{
    ASSERT_ON(&shard->agent);
    struct room_entry *entry = NULL;
    if (!shard->done)
        entry = rooms_by_id(&shard->rooms, message->link_loss.room);
    if (entry != NULL) {
        rooms_give(shard, entry, message);
        return;
    }
    fanout_loss_heard(&shard->fanout, message->link_loss.room, message->link_loss.route);
    message_free(message);
}

/* ---- what is to be forgotten ---- */

/* A page that was read before that comes behind it, and is read again. */
static void tell_to_forget(struct shard *shard, struct room_entry *entry,
                           const struct message *from)
{
    struct message *message = message_new(MSG_FORGET);
    if (entry->backing != NULL)
        entry->backing->changed = ++shard->commits.last_ticket;
    message->forget.account = str_copy(from->forget.account);
    message->forget.until_us = from->forget.until_us;
    rooms_give(shard, entry, message);
}

/* Whatever this cycle has stamped with its time goes to the scribe before that. */
static void forget_is_told(struct shard *shard, struct message *message)
{
    if (!message->forget.back) {
        message_free(message);
        return;
    }
    message->forget.next = shard->forgotten;
    shard->forgotten = message;
}

static void forgotten_flush(struct shard *shard)
{
    while (shard->forgotten != NULL) {
        struct message *message = shard->forgotten;
        shard->forgotten = message->forget.next;
        post_scribe(shard->setup.exchange, message);
    }
}

/* So many rooms are told at a time; the rest when the message comes again. Rooms that come into
 * memory meanwhile come from a store that has forgotten. */
static void shard_on_forget(struct shard *shard, struct message *message)
{
    ASSERT_ON(&shard->agent);
    struct room_entry *entry = NULL;
    if (str_present(message->forget.room)) {
        entry = rooms_find_str(&shard->rooms, message->forget.room);
        if (entry != NULL)
            tell_to_forget(shard, entry, message);
        forget_is_told(shard, message);
        return;
    }
    for (unsigned i = 0; i < SHARD_DRAIN_MAX; i++) {
        entry = rooms_from(&shard->rooms, &message->forget.at);
        if (entry == NULL) {
            forget_is_told(shard, message);
            return;
        }
        tell_to_forget(shard, entry, message);
    }
    post_shard(shard->setup.exchange, shard->setup.number, message);
}

/* ---- orders, the end ---- */

/* The room may be there or not: it knows, and says so. */
static void shard_on_room_order(struct shard *shard, struct message *message)
{
    ASSERT_ON(&shard->agent);
    const struct jid *room = message->room_order.room;
    if (shard->closing) {
        commands_report(&shard->commands, &message->room_order.ticket, ORDER_LOST);
        message_free(message);
        return;
    }
    log_info("%s orders room to be destroyed: %s", message->room_order.by->text, room->text);
    rooms_take(shard, room, true, message);
}

static struct event shutdown_event(const struct shard *shard)
{
    struct event event = {.kind = EV_SHUTDOWN};
    event.shutdown.handed_over = shard->setup.stored && shard->setup.handover;
    event.shutdown.local = shard->setup.local;
    return event;
}

static void shard_on_shutdown(struct shard *shard)
{
    ASSERT_ON(&shard->agent);
    const struct event event = shutdown_event(shard);
    uint32_t at = 0;
    struct room_entry *entry;
    while (!shard->closing && (entry = rooms_each(&shard->rooms, &at)) != NULL)
        rooms_hand_over(shard, entry, &event);
    shard->closing = true;
    shard->done = false; /* each is answered */
}

static void say_goodbye(struct shard *shard)
{
    const struct event event = shutdown_event(shard);
    uint32_t at = 0;
    struct room_entry *entry;
    while ((entry = rooms_each(&shard->rooms, &at)) != NULL)
        rooms_goodbye(shard, entry, &event);
    shard->said_goodbye = true;
}

/* What was begun is brought to its end: changes that wait for their commit are answered, what is
 * held is said. Then everybody is told, what that leaves to be written is, and main is told. */
static void close_down(struct shard *shard)
{
    if (!shard->closing || shard->done)
        return;
    if (shard->commits.count > 0 || shard->commits.at_scribe > 0)
        return;
    if (!shard->said_goodbye) {
        say_goodbye(shard);
        if (shard->commits.count > 0)
            return;
    }
    shard->done = true;
    service_answer_commands(shard, true);
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
        return;
    case MSG_SESSION_GONE:
        shard_on_session_gone(shard, message);
        return;
    case MSG_ROOM_WAKE:
        shard_on_room_wake(shard, message);
        return;
    case MSG_ANSWER:
        shard_on_answer(shard, message);
        return;
    case MSG_FORGET:
        shard_on_forget(shard, message);
        return;
    case MSG_ROOM_LOADED:
        rooms_loaded(shard, message);
        break;
    case MSG_COMMITTED:
        commits_answered(&shard->commits, message);
        rooms_committed(shard, message);
        break;
    case MSG_PLACE_ASK:
        shard_on_place_ask(shard, message);
        break;
    case MSG_LINKS:
        shard_on_links(shard);
        break;
    case MSG_LINK_LOSS:
        shard_on_link_loss(shard, message);
        return;
    case MSG_LANE_CREDIT:
        fanout_lane_credit(&shard->fanout, message->lane_credit.lane, message->lane_credit.cost);
        break;
    case MSG_ROOM_ORDER:
        shard_on_room_order(shard, message);
        return;
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
    case MSG_ROOM_LOAD:
    case MSG_COMMIT:
    case MSG_ASK:
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
        if (event.timer.timer == ROOM_TIMERS)
            rooms_idle(shard, entry);
        else
            rooms_tell(shard, entry, &event);
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
    if (!more)
        loads_look(&shard->loads, shard->agent.mono_ms);
    count += ring_alarms(shard);
    count += service_answer_commands(shard, false);
    bool unwritten = rooms_rewrite(shard);
    try_to_wake(shard);
    windows_look(&shard->windows, shard->agent.now_us);
    close_down(shard);
    commits_flush(&shard->commits);
    forgotten_flush(shard);
    credits_flush(shard);
    fanout_flush(&shard->fanout);
    commands_flush(&shard->commands);
    return (int)count + (more || untold || unwritten ? 1 : 0);
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
    if (!shard->closing)
        timeout_ms =
            sooner_ms(timeout_ms, rewrites_timeout_ms(&shard->rewrites, shard->agent.mono_ms));
    timeout_ms = sooner_ms(timeout_ms, loads_timeout_ms(&shard->loads, shard->agent.mono_ms));
    timeout_ms = sooner_ms(timeout_ms, wakes_timeout_ms(&shard->wakes, shard->agent.mono_ms));
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
    shard->arena = arena_new(STEP_ARENA_BYTES);
    shard->entropy_used = sizeof(shard->entropy);
    shard->links_at = UINT32_MAX;
    shard->ways = ways_of(setup->directory);
    shard->rooms = (struct rooms){
        .envs = setup->envs, .env_count = setup->env_count, .directory = setup->directory};
    int64_t now_us = clock_wall_us();
    rooms_init(&shard->rooms, setup->number, now_us);
    fanout_init(&shard->fanout, setup->exchange, setup->number);
    shard->commits = (struct commits){.exchange = setup->exchange, .shard = setup->number};
    shard->keeping = (struct keeping){
        .commits = &shard->commits,
        .exchange = setup->exchange,
        .asks = &shard->asks,
        .shard = setup->number,
        .power_gated = setup->power_gated,
        .power_messages = setup->power_messages,
    };
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
        .now_us = now_us, /* never before what the alarms know */
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
    wakes_fini(&shard->wakes);
    fanout_fini(&shard->fanout);
    rooms_fini(&shard->rooms);
    commits_fini(&shard->commits);
    arena_free(shard->arena);
    mem_free(shard->credits);
    explicit_bzero(shard->entropy, sizeof(shard->entropy));
    mem_free(shard);
}

uint32_t shard_room_count(const struct shard *shard)
{
    return rooms_count(&shard->rooms);
}

uint32_t shard_stale_count(const struct shard *shard)
{
    return shard->closing ? 0 : shard->rewrites.stale;
}
