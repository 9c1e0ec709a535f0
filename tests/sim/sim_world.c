#include "tests/sim/sim_world.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/placement.h"
#include "tests/support/lanes.h"

#include <stdio.h>

static const struct hash_key placement_key = {31, 32};

/* ---- the rules' environment ---- */

static void set_defaults(struct sim_world *world)
{
    options_preset(&world->defaults);
    for (const char *const *at = world->options; *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        const char *why = NULL;
        ensure(equals != NULL);
        const struct option *option = option_by_name(str_of(*at, (size_t)(equals - *at)));
        ensure(option != NULL);
        bool set = option_set_text(&world->defaults, option, str_z(equals + 1), &why);
        ensure(set);
    }
}

static void write_log(struct log_sink *sink, enum log_level level, const char *line)
{
    const struct sim_world *world = container_of(sink, struct sim_world, sink);
    UNUSED(level);
    if (world->trace)
        printf("      log: %s\n", line);
}

void sim_world_new(struct sim_world *world)
{
    static const struct hash_key key = {11, 12};
    world->clock = (struct clock_face){
        .wall_us = INT64_C(1767225600000000), /* 2026-01-01T00:00:00Z */
        .mono_ms = 1000000,
    };
    clock_show(&world->clock);
    set_defaults(world);
    for (unsigned i = 0; i < 2; i++) {
        world->settings[i] = (struct muc_settings){
            .domain = i == 0 ? STR(SIM_ROOMS_DOMAIN) : STR(SIM_LOUNGE_DOMAIN),
            .defaults = &world->defaults,
            .version = STR("test"),
            .tombstone_days = world->tombstone_days,
            .started_us = world->clock.wall_us,
            .locked = i == 1,
            .durable = true,
        };
        map_init(&world->settings[i].admins, &key);
        struct permit *create = &world->settings[i].create;
        create->limited = true;
        map_init(&create->names, &key);
        for (unsigned k = 0; k < CAST_OWNERS; k++)
            map_put(&create->names, str_z(cast_accounts[k]), (void *)(uintptr_t)cast_accounts[k]);
        world->envs[i] = (struct muc_env){&world->settings[i], lanes_env()->crypto, key};
    }
    world->sink = (struct log_sink){.write = write_log, .level = LOG_LEVEL_INFO};
}

void sim_world_free(struct sim_world *world)
{
    for (unsigned i = 0; i < 2; i++)
        map_fini(&world->settings[i].create.names);
    room_options_fini(&world->defaults);
    log_set_sink(NULL);
    clock_show(NULL);
}

/* ---- start ---- */

static struct dice *entropy; /* one thread; setup.random has no self */

static void random_bytes(void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)dice_roll(entropy);
}

static struct mailbox *open_mailbox(void)
{
    int err = 0;
    struct mailbox *mailbox = mailbox_new(&err);
    ensure(mailbox != NULL);
    return mailbox;
}

static void open_way(struct sim_way *way, struct exchange *to)
{
    way->mailbox = open_mailbox();
    way->to = to;
}

struct route sim_link_route(unsigned service)
{
    return component_route(service, SIM_LANES);
}

struct route sim_client_route(const struct sim_world *world, const char *jid)
{
    struct route route = ROUTE_NONE;
    struct jid *full = jid_parse(NULL, str_z(jid));
    if (!directory_session_find(world->directory, full, &route))
        route = ROUTE_NONE;
    jid_free(full);
    return route;
}

/* One for all lives: to end one takes as long as RCU takes. Shards and clients take out what they
 * have put into it when they go. */
static struct directory *everything;

void sim_world_open(void)
{
    everything = directory_new(&placement_key);
    directory_set_local(everything, STR(SIM_LOCAL_DOMAIN));
    for (unsigned i = 0; i < 2; i++) {
        struct str domain = i == 0 ? STR(SIM_ROOMS_DOMAIN) : STR(SIM_LOUNGE_DOMAIN);
        directory_add_link(everything, domain, sim_link_route(i));
    }
}

void sim_world_close(void)
{
    directory_free(everything);
}

static void open_surroundings(struct sim_world *world)
{
    world->near = exchange_new();
    world->far = exchange_new();
    world->directory = everything;
    for (uint16_t i = 0; i < SIM_LANES && !world->wired; i++) {
        world->lanes[i] = (struct sim_lane){.world = world, .number = i, .mailbox = open_mailbox()};
        exchange_set_lane(world->near, i, world->lanes[i].mailbox);
    }
    for (uint16_t i = 0; i < SIM_LANES && world->wired; i++) {
        open_way(&world->to_lanes[i], world->near);
        exchange_set_lane(world->far, i, world->to_lanes[i].mailbox);
    }
    for (unsigned i = 0; i < CAST_SERVICES; i++)
        directory_link_up(everything, sim_link_route(i), !world->wired);
    open_way(&world->to_scribe, world->far);
    open_way(&world->to_reader, world->far);
    exchange_set_scribe(world->near, world->to_scribe.mailbox);
    exchange_set_reader(world->near, world->to_reader.mailbox);
    for (unsigned i = 0; i < world->shard_count; i++) {
        open_way(&world->to_shards[i], world->near);
        exchange_set_shard(world->far, i, world->to_shards[i].mailbox);
    }
}

static void open_agents(struct sim_world *world, struct store *store, struct store_reader *reader)
{
    int err = 0;
    struct scribe_setup to_scribe = {.exchange = world->far, .store = store, .log = &world->sink};
    entropy = world->dice;
    world->reader = reader_new(world->far, reader, &world->sink, &err);
    world->scribe = scribe_new(&to_scribe, &err);
    ensure(world->reader != NULL && world->scribe != NULL);
    for (unsigned i = 0; i < world->shard_count; i++) {
        struct shard_setup setup = {
            .number = i,
            .exchange = world->near,
            .directory = world->directory,
            .envs = world->envs,
            .env_count = 2,
            .stored = true,
            .power_gated = true,
            .handover = world->handover,
            .local = STR(SIM_LOCAL_DOMAIN),
            .log = &world->sink,
            .random = random_bytes,
        };
        world->shards[i] = shard_new(&setup, &err);
        ensure(world->shards[i] != NULL);
    }
}

static void open_nets(struct sim_world *world)
{
    struct sim_nets_setup setup = {
        .exchange = world->near,
        .directory = world->directory,
        .hash_key = &placement_key,
        .log = &world->sink,
        .random = random_bytes,
        .shards = world->shard_count,
        .marks = &world->marks,
    };
    sim_nets_start(&world->nets, &setup);
}

/* Rooms that had somebody inside. */
static void wake_rooms(struct sim_world *world, struct store *store)
{
    struct arena *arena = arena_new(4096);
    struct str *rooms;
    unsigned count = 0;
    int err = store->occupied(store, arena, &rooms, &count);
    ensure(err == 0);
    for (unsigned i = 0; i < count; i++) {
        struct message *message = message_new(MSG_ROOM_WAKE);
        message->room_wake.room = jid_parse(NULL, rooms[i]);
        post_shard(world->near, sim_world_shard_of(world, rooms[i]), message);
    }
    arena_free(arena);
}

void sim_world_start(struct sim_world *world)
{
    int err = 0;
    struct store *store = sim_store_open(&world->store);
    struct store_reader *reader = store->reader(store, &err);
    ensure(reader != NULL);
    world->goodbyes = 0;
    open_surroundings(world);
    open_agents(world, store, reader);
    if (world->wired)
        open_nets(world);
    wake_rooms(world, store);
}

/* ---- the end ---- */

static void throw_away(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

static void close_mailbox(struct mailbox *mailbox)
{
    bool more = true;
    while (more)
        mailbox_drain(mailbox, throw_away, NULL, SHARD_DRAIN_MAX, &more);
    mailbox_free(mailbox);
}

static void close_lanes(struct sim_world *world)
{
    for (uint16_t i = 0; i < SIM_LANES; i++) {
        struct exchange *to = world->wired ? world->far : world->near;
        exchange_set_lane(to, i, NULL);
        close_mailbox(world->wired ? world->to_lanes[i].mailbox : world->lanes[i].mailbox);
    }
}

void sim_world_crash(struct sim_world *world)
{
    if (world->wired)
        sim_nets_crash(&world->nets);
    for (unsigned i = 0; i < world->shard_count; i++) {
        shard_free(world->shards[i]);
        world->shards[i] = NULL;
        exchange_set_shard(world->far, i, NULL);
        close_mailbox(world->to_shards[i].mailbox);
    }
    reader_free(world->reader);
    exchange_set_reader(world->far, NULL);
    scribe_free(world->scribe);
    exchange_set_scribe(world->near, NULL);
    exchange_set_reader(world->near, NULL);
    close_mailbox(world->to_scribe.mailbox);
    close_mailbox(world->to_reader.mailbox);
    close_lanes(world);
    exchange_free(world->near);
    exchange_free(world->far);
}

void sim_world_shutdown(struct sim_world *world)
{
    for (unsigned i = 0; i < world->shard_count; i++)
        post_shard(world->near, i, message_new(MSG_SHUTDOWN));
}

bool sim_world_is_over(const struct sim_world *world)
{
    return world->wired ? sim_nets_are_over(&world->nets) : world->goodbyes == world->shard_count;
}

/* ---- stepping ---- */

static void check_rooms(const struct shard *shard)
{
    uint32_t at = 0;
    const struct room_entry *entry;
    while ((entry = rooms_each(&shard->rooms, &at)) != NULL)
        room_check(entry->room);
}

unsigned sim_world_step_shard(struct sim_world *world, unsigned shard)
{
    unsigned work = (unsigned)agent_step(shard_agent(world->shards[shard]));
    check_rooms(world->shards[shard]);
    world->work += work;
    return work;
}

unsigned sim_world_step_scribe(struct sim_world *world)
{
    unsigned work = (unsigned)agent_step(scribe_agent(world->scribe));
    world->work += work;
    return work;
}

unsigned sim_world_step_reader(struct sim_world *world)
{
    unsigned work = (unsigned)agent_step(reader_agent(world->reader));
    world->work += work;
    return work;
}

static void pass_on(void *self, struct mail *mail)
{
    struct sim_way *way = self;
    struct message *message = container_of(mail, struct message, mail);
    bool posted = false;
    if (message->kind == MSG_COMMIT || message->kind == MSG_ROOM_LOAD ||
        message->kind == MSG_ACCOUNT_ASK)
        posted = post_scribe(way->to, message);
    else if (message->kind == MSG_ASK)
        posted = post_reader(way->to, message);
    else if (message->kind == MSG_COMMITTED)
        posted = post_shard(way->to, message->commits.shard, message);
    else if (message->kind == MSG_ROOM_LOADED)
        posted = post_shard(way->to, message->room_load.shard, message);
    else if (message->kind == MSG_ANSWER)
        posted = post_shard(way->to, message->ask->shard, message);
    else if (message->kind == MSG_ACCOUNT)
        posted = post_lane(way->to, message->account.route.lane, message);
    ensure(posted);
}

unsigned sim_way_run(struct sim_way *way, unsigned max)
{
    bool more;
    return mailbox_drain(way->mailbox, pass_on, way, max, &more);
}

static void lane_on_deliveries(struct sim_lane *lane, struct message *message)
{
    struct sim_world *world = lane->world;
    struct message *credit = message_new(MSG_LANE_CREDIT);
    credit->lane_credit.lane = lane->number;
    for (uint32_t i = 0; i < message->deliveries.count; i++) {
        const struct delivery *delivery = &message->deliveries.at[i];
        delivery_expand(delivery, lane->number, world->hear, world->self);
        credit->lane_credit.cost += delivery->cost;
    }
    post_shard(world->near, message->deliveries.shard, credit);
}

static void lane_on_message(void *self, struct mail *mail)
{
    struct sim_lane *lane = self;
    struct message *message = container_of(mail, struct message, mail);
    if (message->kind == MSG_DELIVERIES) {
        lane_on_deliveries(lane, message);
    } else if (message->kind == MSG_CREDIT) {
        ensure(lane->spent[message->credit.shard] >= message->credit.cost);
        lane->spent[message->credit.shard] -= message->credit.cost;
    } else {
        ensure(message->kind == MSG_SHARD_DONE);
        lane->world->goodbyes++;
    }
    message_free(message);
}

unsigned sim_world_step_lane(struct sim_world *world, unsigned lane, unsigned max)
{
    bool more;
    struct sim_lane *fake = &world->lanes[lane];
    unsigned count = world->wired ? sim_nets_step(&world->nets, lane)
                                  : mailbox_drain(fake->mailbox, lane_on_message, fake, max, &more);
    world->work += count;
    return count;
}

unsigned sim_world_round(struct sim_world *world)
{
    unsigned work = 0;
    for (unsigned i = 0; i < world->shard_count; i++)
        work += sim_world_step_shard(world, i);
    work += sim_way_run(&world->to_scribe, SHARD_DRAIN_MAX);
    work += sim_way_run(&world->to_reader, SHARD_DRAIN_MAX);
    work += sim_world_step_scribe(world);
    work += sim_world_step_reader(world);
    for (unsigned i = 0; i < world->shard_count; i++)
        work += sim_way_run(&world->to_shards[i], SHARD_DRAIN_MAX);
    for (unsigned i = 0; i < SIM_LANES && world->wired; i++)
        work += sim_way_run(&world->to_lanes[i], SHARD_DRAIN_MAX);
    for (unsigned i = 0; i < SIM_LANES; i++)
        work += sim_world_step_lane(world, i, SHARD_DRAIN_MAX);
    return work;
}

bool sim_world_owes(const struct sim_world *world)
{
    for (unsigned i = 0; i < world->shard_count; i++) {
        if (world->shards[i] != NULL && shard_stale_count(world->shards[i]) > 0)
            return true;
    }
    return false;
}

void sim_world_advance(struct sim_world *world, int64_t us)
{
    world->clock.wall_us += us;
    world->clock.mono_ms += us / 1000;
    if (world->latest_us < world->clock.wall_us)
        world->latest_us = world->clock.wall_us;
}

/* ---- clients ---- */

unsigned sim_world_shard_of(const struct sim_world *world, struct str bare)
{
    return placement_shard(&placement_key, bare, world->shard_count);
}

bool sim_world_may_send(const struct sim_world *world, uint16_t lane, struct str room)
{
    return world->lanes[lane].spent[sim_world_shard_of(world, room)] < SIM_CREDITS;
}

void sim_world_send(struct sim_world *world, struct route route, const char *from, const char *to,
                    const char *stanza)
{
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(str_z(stanza));
    message->stanza.from = jid_parse(NULL, str_z(from));
    message->stanza.to = jid_parse(NULL, str_z(to));
    ensure(message->stanza.stanza != NULL && message->stanza.from != NULL &&
           message->stanza.to != NULL);
    message->stanza.route = route;
    message->stanza.lane = route.lane;
    message->stanza.cost = 1;
    unsigned shard = sim_world_shard_of(world, jid_bare(message->stanza.to));
    world->lanes[route.lane].spent[shard]++;
    post_shard(world->near, shard, message);
}

void sim_world_session_gone(struct sim_world *world, struct route route, const char *jid,
                            const char *room)
{
    struct message *message = message_new(MSG_SESSION_GONE);
    message->session_gone.jid = jid_parse(NULL, str_z(jid));
    message->session_gone.room = jid_parse(NULL, str_z(room));
    message->session_gone.route = route;
    post_shard(world->near, sim_world_shard_of(world, str_z(room)), message);
}

/* ---- a look inside ---- */

struct room_entry *sim_world_room(const struct sim_world *world, const char *room)
{
    const struct shard *shard = world->shards[sim_world_shard_of(world, str_z(room))];
    return shard == NULL ? NULL : rooms_find_str(&shard->rooms, str_z(room));
}

static const char *room_unrest(const struct room_entry *entry)
{
    const struct backing *backing = entry->backing;
    if (backing->waiting != WAITING_NOTHING)
        return "a room waits for the store";
    if (backing->parking.count != 0)
        return "something is parked";
    if (backing_holds(backing) || (backing->hold != NULL && !hold_empty(backing->hold)))
        return "something is held";
    if (backing->unsaved.ticket != 0 || backing->unsaved.at_scribe != 0)
        return "something of a room is not written";
    return NULL;
}

static const char *shard_unrest(const struct shard *shard)
{
    uint32_t at = 0;
    const struct room_entry *entry;
    const char *unrest = NULL;
    while (unrest == NULL && (entry = rooms_each(&shard->rooms, &at)) != NULL)
        unrest = room_unrest(entry);
    for (unsigned lane = 0; lane < shard->credit_lanes; lane++)
        if (shard->credits[lane] != 0)
            return "the shard keeps credits";
    if (shard->parked != 0)
        return "the shard counts parked messages";
    if (shard->held != 0)
        return "the shard counts held bytes";
    if (shard->commits.count != 0 || shard->commits.at_scribe != 0 || shard->commits.bytes != 0)
        return "the shard counts commits";
    if (!fanout_idle(&shard->fanout))
        return "the shard counts deliveries that are not expanded";
    if (mailbox_depth(shard->mailbox) != 0)
        return "the shard has mail";
    return unrest;
}

bool sim_world_answers_due(const struct sim_world *world)
{
    uint64_t waiting = 0;
    for (unsigned i = 0; i < world->shard_count; i++)
        waiting += mailbox_depth(world->to_shards[i].mailbox) +
                   mailbox_depth(world->shards[i]->mailbox) + world->shards[i]->parked;
    return waiting > 0;
}

const char *sim_world_unrest(const struct sim_world *world)
{
    const char *unrest = NULL;
    for (unsigned i = 0; i < world->shard_count && unrest == NULL; i++)
        unrest = shard_unrest(world->shards[i]);
    if (world->wired && unrest == NULL)
        unrest = sim_nets_unrest(&world->nets);
    for (unsigned i = 0; i < SIM_LANES && !world->wired; i++)
        for (unsigned k = 0; k < world->shard_count; k++)
            if (world->lanes[i].spent[k] != 0)
                return "credits did not come back";
    return unrest;
}
