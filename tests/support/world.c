#include "tests/support/world.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/muc/command.h"
#include "core/muc/option.h"
#include "core/xmpp/prep.h"
#include "tests/support/room_digest.h"
#include "tests/support/world_impl.h"
#include "tests/support/world_store.h"

#include <stdlib.h>

enum {
    ARENA_BYTES = 64 * 1024,
    TICK_US = 1000000,    /* a room that waits is rung for again after that */
    DIGEST_SESSIONS = 40, /* larger rooms are not compared before and after: too slow */
};

struct tally {
    struct str account;
    uint32_t rooms;
};

static void tally_free(struct tally *tally)
{
    str_free(&tally->account);
    mem_free(tally);
}

/* ---- birth and end ---- */

struct arena *world_arena_new(void)
{
    return arena_new(ARENA_BYTES);
}

static void set_defaults(struct world *world, const char *const *options)
{
    options_preset(&world->defaults);
    for (; options != NULL && *options != NULL; options++) {
        const char *equals = strchr(*options, '=');
        ensure(equals != NULL);
        const char *why = NULL;
        const struct option *option = option_by_name(str_of(*options, (size_t)(equals - *options)));
        ensure(option != NULL);
        bool set = option_set_text(&world->defaults, option, str_z(equals + 1), &why);
        ensure(set);
    }
}

static void set_names(struct world *world, struct map *names, const char *const *given)
{
    map_init(names, &world->env.hash_key);
    for (; given != NULL && *given != NULL; given++)
        map_put(names, str_z(*given), (void *)(uintptr_t)*given);
}

static void set_permit(struct world *world, struct permit *permit, const char *const *given)
{
    permit->limited = given != NULL;
    set_names(world, &permit->names, given);
}

static uint32_t lineup_from(const struct world_config *config)
{
    const char *wanted = getenv("WORLD_LINEUP_FROM");
    if (config->lineup_from > 0)
        return config->lineup_from;
    return wanted == NULL ? LINEUP_FROM : (uint32_t)strtoul(wanted, NULL, 10);
}

struct world *world_new(const struct world_config *config)
{
    static const struct world_config plain = {.locked = true};
    if (config == NULL)
        config = &plain;
    int err = prep_init();
    ensure(err == 0);

    struct world *world = MEM_NEW(struct world);
    world->arena = world_arena_new();
    world->now_us = INT64_C(1767225600000000); /* 2026-01-01T00:00:00Z */
    world->settings.started_us = world->now_us;
    world->domain = jid_parse(NULL, STR(WORLD_SERVICE));
    world_crypto(&world->crypto);
    world->env.hash_key = (struct hash_key){11, 12};
    world->env.settings = &world->settings;
    world->env.crypto = &world->crypto;
    world->settings.domain = jid_full(world->domain);
    world->settings.version = STR("test");
    world->settings.locked = config->locked;
    world->settings.defaults = &world->defaults;
    world->settings.nick = config->nick;
    world->settings.tombstone_days = config->no_tombstones ? 0 : TOMBSTONE_DAYS;
    world->settings.rooms_per_user =
        config->rooms_per_user > 0 ? config->rooms_per_user : ROOMS_MAX + 1;
    map_init(&world->tallies, &world->env.hash_key);
    world->settings.lineup_from = lineup_from(config);
    set_names(world, &world->settings.admins, config->admins);
    set_names(world, &world->settings.banned, config->banned);
    set_permit(world, &world->settings.create, config->create);
    set_permit(world, &world->settings.persistent, config->persistent);
    set_permit(world, &world->settings.listed, config->listed);
    set_defaults(world, config->options);
    world->settings.durable = config->durable;
    world->settings.full_text = config->full_text;
    world->settings.keep_days = config->keep_days;
    world->settings.keep_count = config->keep_count;
    if (config->durable)
        world_store_open(world);
    return world;
}

static void inbox_free(struct inbox *inbox)
{
    for (unsigned i = 0; i < inbox->count; i++)
        mem_free(inbox->stanzas[i]);
    mem_free(inbox->stanzas);
    *inbox = (struct inbox){0};
}

static void place_free(struct place *place)
{
    room_free(place->room);
    backed_free(place->backed);
    str_free(&place->name);
    mem_free(place);
}

void world_free(struct world *world)
{
    if (world == NULL)
        return;
    world_store_close(world);
    for (unsigned i = 0; i < world->place_count; i++)
        place_free(world->places[i]);
    for (unsigned i = 0; i < world->client_count; i++) {
        inbox_free(&world->clients[i]->inbox);
        mem_free(world->clients[i]->sent);
        jid_free(world->clients[i]->jid);
        mem_free(world->clients[i]);
    }
    inbox_free(&world->elsewhere);
    struct tally *tally;
    map_each (&world->tallies, at, tally)
        tally_free(tally);
    map_fini(&world->tallies);
    map_fini(&world->settings.admins);
    map_fini(&world->settings.banned);
    map_fini(&world->settings.create.names);
    map_fini(&world->settings.persistent.names);
    map_fini(&world->settings.listed.names);
    room_options_fini(&world->defaults);
    arena_free(world->arena);
    jid_free(world->domain);
    mem_free(world);
}

/* ---- clients ---- */

static struct client *client_find(const struct world *world, struct str full_jid)
{
    for (unsigned i = 0; i < world->client_count; i++) {
        if (str_eq(jid_full(world->clients[i]->jid), full_jid))
            return world->clients[i];
    }
    return NULL;
}

static struct client *client_need(const struct world *world, const char *full_jid)
{
    struct client *client = client_find(world, str_z(full_jid));
    ensure(client != NULL);
    return client;
}

static struct route route_of(const struct client *client)
{
    return (struct route){client->slot, client->generation, (uint16_t)(client->slot % LANES)};
}

struct route world_route_to(const struct world *world, struct str full_jid)
{
    const struct client *client = client_find(world, full_jid);
    return client == NULL || client->gone ? ROUTE_NONE : route_of(client);
}

void world_client(struct world *world, const char *full_jid)
{
    struct client *client = client_find(world, str_z(full_jid));
    if (client == NULL) {
        ensure(world->client_count < CLIENTS_MAX);
        client = MEM_NEW(struct client);
        client->jid = jid_parse(NULL, str_z(full_jid));
        ensure(client->jid != NULL && !jid_is_bare(client->jid));
        client->slot = world->client_count;
        world->clients[world->client_count++] = client;
    }
    client->generation++;
    client->gone = false;
    inbox_free(&client->inbox);
}

static void inbox_add(struct inbox *inbox, struct str text)
{
    if (inbox->count == inbox->cap) {
        inbox->cap = inbox->cap == 0 ? 16 : inbox->cap * 2;
        inbox->stanzas = mem_grow(inbox->stanzas, sizeof(char *) * inbox->cap);
    }
    char *copy = mem_new(text.len + 1);
    memcpy(copy, text.at, text.len);
    inbox->stanzas[inbox->count++] = copy;
}

/* To somebody who is no client. */
static void deliver_elsewhere(struct world *world, struct str text)
{
    struct inbox *inbox = &world->elsewhere;
    inbox_add(inbox, text);
    if (world->onlooker.self != NULL)
        world->onlooker.received(world->onlooker.self, NULL, inbox->stanzas[inbox->count - 1]);
}

static void deliver(struct world *world, struct client *client, struct str text)
{
    if (client->gone)
        return;
    inbox_add(&client->inbox, text);
    if (world->onlooker.self != NULL)
        world->onlooker.received(world->onlooker.self, client->jid->text,
                                 client->inbox.stanzas[client->inbox.count - 1]);
    if (world->listener != NULL)
        world->listener(world->listener_self, client->jid->text,
                        client->inbox.stanzas[client->inbox.count - 1]);
}

static const char *inbox_next(struct inbox *inbox)
{
    return inbox->next < inbox->count ? inbox->stanzas[inbox->next++] : NULL;
}

const char *world_next(struct world *world, const char *full_jid)
{
    return inbox_next(&client_need(world, full_jid)->inbox);
}

unsigned world_unread(const struct world *world, const char *full_jid)
{
    const struct inbox *inbox = &client_need(world, full_jid)->inbox;
    return inbox->count - inbox->next;
}

const char *world_next_elsewhere(struct world *world)
{
    return inbox_next(&world->elsewhere);
}

void world_forget(struct world *world)
{
    for (unsigned i = 0; i < world->client_count; i++)
        inbox_free(&world->clients[i]->inbox);
    inbox_free(&world->elsewhere);
}

void world_look_on(struct world *world, const struct world_onlooker *onlooker)
{
    world->onlooker = *onlooker;
}

void world_listen(struct world *world, world_listener *listener, void *self)
{
    world->listener = listener;
    world->listener_self = self;
}

/* ---- effects ---- */

static struct str frame_text(struct world *world, const struct frame *frame,
                             const struct address *address, struct str tail)
{
    struct buf buf;
    buf_init(&buf, world->arena);
    frame_write(frame, str_of(address->bytes, address->size), tail, &buf);
    return buf_str(&buf);
}

/* The client a route leads to, or NULL if it was another connection's. */
static struct client *client_at(const struct world *world, struct route route)
{
    if (route.slot >= world->client_count)
        return NULL;
    struct client *client = world->clients[route.slot];
    return route_eq(route_of(client), route) ? client : NULL;
}

static void lower_send(struct world *world, struct route route, struct str text)
{
    struct client *client = client_at(world, route);
    if (client != NULL)
        deliver(world, client, text);
    else if (route.lane == LANES) /* see world_stanza_from() */
        deliver_elsewhere(world, text);
}

static void lower_broadcast(struct world *world, const struct effect *effect)
{
    const struct roster *roster = effect->broadcast.roster;
    for (unsigned i = 0; i < roster_lanes(roster); i++) {
        uint16_t lane = roster_lane_at(roster, i);
        const struct roster_entry *run;
        uint32_t count;
        for (uint32_t at = 0; (count = roster_run(roster, lane, at, &run)) > 0; at += count) {
            for (uint32_t e = 0; e < count; e++) {
                if (!audience_has(effect->broadcast.audience, &run[e]))
                    continue;
                struct str text =
                    frame_text(world, effect->broadcast.frame, run[e].address, STR_NONE);
                lower_send(world, (struct route){run[e].slot, run[e].generation, lane}, text);
            }
        }
    }
}

static void lower_route(struct world *world, const struct frame *frame, const struct jid *to)
{
    struct address *address = address_new(jid_full(to));
    struct str text = frame_text(world, frame, address, STR_NONE);
    bool known = false;
    for (unsigned i = 0; i < world->client_count; i++) {
        struct client *client = world->clients[i];
        if (client->gone || !jid_bare_eq(client->jid, to))
            continue;
        if (!jid_is_bare(to) && !jid_eq(client->jid, to))
            continue;
        known = true;
        deliver(world, client, text);
    }
    if (!known)
        deliver_elsewhere(world, text);
    address_unref(address);
}

static void lower_publish(struct place *place, const struct effect *effect)
{
    str_free(&place->name);
    place->listed = effect->publish.listed;
    place->name = str_copy(effect->publish.name);
    place->occupants = effect->publish.occupants;
}

static void lower_list(struct world *world, const struct effect *effect)
{
    struct address *address = effect->send_list.address;
    for (uint32_t i = 0; i < effect->send_list.count; i++) {
        const struct listed_frame *listed = &effect->send_list.frames[i];
        lower_send(world, effect->send_list.route,
                   frame_text(world, listed->frame, address, listed->tail));
    }
    const struct showing *showing = effect->send_list.showing;
    for (uint32_t i = 0; i < showing_places(showing); i++) {
        const struct frame *frame = showing_at(showing, i);
        if (frame != NULL)
            lower_send(world, effect->send_list.route, frame_text(world, frame, address, STR_NONE));
    }
}

static void tally(struct world *world, struct str account, bool inside)
{
    struct tally *tally = map_get(&world->tallies, account);
    if (tally == NULL) {
        tally = MEM_NEW(struct tally);
        tally->account = str_copy(account);
        map_put(&world->tallies, tally->account, tally);
    }
    ensure(inside || tally->rooms > 0);
    tally->rooms += inside ? 1 : UINT32_MAX;
    if (tally->rooms == 0)
        tally_free(map_remove(&world->tallies, tally->account));
}

void world_lower(struct world *world, struct place *place, struct effect *effect)
{
    switch (effect->kind) {
    case FX_SEND:
        lower_send(world, effect->send.route,
                   frame_text(world, effect->send.frame, effect->send.address, STR_NONE));
        return;
    case FX_SEND_LIST:
        lower_list(world, effect);
        return;
    case FX_BROADCAST:
        lower_broadcast(world, effect);
        return;
    case FX_ROUTE:
        lower_route(world, effect->route.frame, effect->route.to);
        return;
    case FX_LOSS_HEARD:
        return;
    case FX_TIMER:
        place->alarms[effect->timer.timer] = effect->timer.at_us;
        return;
    case FX_PUBLISH:
        lower_publish(place, effect);
        return;
    case FX_TALLY:
        tally(world, effect->tally.account, effect->tally.inside);
        return;
    case FX_COMMAND:
        ensure(world->command == NULL);
        world->command = effect->command.command;
        effect->command.command = NULL;
        return;
    case FX_REPORT:
        command_report(world->command, effect->report.ticket.place, effect->report.outcome);
        return;
    case FX_COMMIT:
    case FX_APPEND:
    case FX_ASK:
    case FX_SESSION:
        break;
    }
    never("nothing is kept in a world without a store");
}

static struct step step_begin(struct world *world)
{
    const struct hash_key key = {21, 22};
    world->steps++;
    world->now_us += 1000;
    uint64_t number = world->steps;
    uint64_t word = hash_str(&key, str_of((const char *)&number, sizeof(number)));
    return (struct step){
        .arena = world->arena,
        .env = &world->env,
        .ways = world->ways,
        .now_us = world->now_us,
        .entropy = {word, ~word + number},
    };
}

void world_settled(const struct world *world)
{
    if (world->onlooker.self != NULL)
        world->onlooker.settled(world->onlooker.self);
}

static void step_end(struct world *world, struct place *place, struct step *step)
{
    struct effects *effects = &step->effects;
    memset(world->effects, 0, sizeof(world->effects));
    for (uint32_t i = 0; i < effects->count; i++)
        world->effects[effects->at[i].kind]++;
    if (world->store != NULL)
        world_store_take(world, place, effects);
    for (uint32_t i = 0; i < effects->count; i++)
        world_lower(world, place, &effects->at[i]);
    effects_release(effects);
    world_settled(world);
}

/* ---- rooms ---- */

struct place *world_place(const struct world *world, struct str bare_jid)
{
    for (unsigned i = 0; i < world->place_count; i++) {
        if (str_eq(jid_full(room_jid(world->places[i]->room)), bare_jid))
            return world->places[i];
    }
    return NULL;
}

struct place *world_place_need(struct world *world, const struct jid *jid)
{
    struct place *place = world_place(world, jid_bare(jid));
    if (place != NULL)
        return place;
    ensure(world->place_count < ROOMS_MAX);
    place = MEM_NEW(struct place);
    place->room = room_new(&world->env, jid_to_bare(world->arena, jid), ++world->rooms_made);
    world->places[world->place_count++] = place;
    if (world->store != NULL) {
        place->backed = backed_new();
        world_store_load(world, place);
    }
    return place;
}

void world_forget_tallies(struct world *world)
{
    struct tally *tally;
    map_each (&world->tallies, at, tally)
        tally_free(tally);
    map_fini(&world->tallies);
    map_init(&world->tallies, &world->env.hash_key);
}

void world_place_drop(struct world *world, struct place *place)
{
    unsigned i = 0;
    while (world->places[i] != place)
        i++;
    world->place_count--;
    memmove(&world->places[i], &world->places[i + 1],
            sizeof(world->places[0]) * (world->place_count - i));
    place_free(place);
}

void world_place_settle(struct world *world, struct place *place)
{
    if (!room_forgettable(place->room) || !backed_is_idle(place->backed))
        return;
    ensure(!place->listed);
    for (unsigned timer = 0; timer < ROOM_TIMERS; timer++)
        ensure(place->alarms[timer] == 0);
    world_place_drop(world, place);
}

void world_room_step(struct world *world, struct place *place, const struct event *event,
                     struct message *message)
{
    struct step step = step_begin(world);
    enum step_outcome outcome = muc_step(place->room, event, &step);
    room_check(place->room);
    step_end(world, place, &step);
    if (outcome == STEP_AWAITS_COMMIT) {
        world_store_wait(world, place, message);
    } else {
        arena_reset(world->arena);
        message_free(message);
    }
    if (event->kind != EV_SHUTDOWN)
        world_place_settle(world, place);
}

/* By looking into each of them; what the rooms have told about it must be the same. */
static uint32_t rooms_of(const struct world *world, const struct jid *jid)
{
    const struct tally *told = map_get(&world->tallies, jid_bare(jid));
    uint32_t rooms = 0;
    for (unsigned i = 0; i < world->place_count; i++)
        rooms += backed_counts(world->places[i]->room, jid);
    ensure(rooms == (told == NULL ? 0 : told->rooms));
    return rooms;
}

void world_give(struct world *world, struct place *place, struct message *message)
{
    struct event event = {.kind = EV_STANZA};
    if (backed_waits(place->backed)) {
        backed_park(place->backed, message);
        return;
    }
    if (message->kind == MSG_SESSION_GONE) {
        event.kind = EV_SESSION_GONE;
        event.session_gone.jid = message->session_gone.jid;
        event.session_gone.route = message->session_gone.route;
    } else if (message->kind == MSG_ANSWER) {
        event.kind = EV_ANSWER;
        event.answer.stanza = message->ask->stanza;
        event.answer.from = message->ask->from;
        event.answer.to = message->ask->to;
        event.answer.route = message->ask->route;
        event.answer.query = message->ask->query;
        event.answer.page = &message->ask->page;
    } else {
        event.stanza.stanza = message->stanza.stanza;
        event.stanza.from = message->stanza.from;
        event.stanza.to = message->stanza.to;
        event.stanza.route = message->stanza.route;
        event.stanza.rooms = rooms_of(world, message->stanza.from);
    }
    world_room_step(world, place, &event, message);
    world_store_run(world);
}

struct room *world_room(struct world *world, const char *bare_jid)
{
    struct place *place = world_place(world, str_z(bare_jid));
    return place == NULL ? NULL : place->room;
}

unsigned world_effects(const struct world *world, enum effect_kind kind)
{
    return world->effects[kind];
}

/* ---- the list of rooms ---- */

static int by_jid(const void *left, const void *right)
{
    const struct listed_room *a = left, *b = right;
    return strcmp(a->jid->text, b->jid->text);
}

static uint32_t gather(const struct world *world, struct listed_room *rooms)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < world->place_count; i++) {
        const struct place *place = world->places[i];
        if (place->listed)
            rooms[count++] =
                (struct listed_room){room_jid(place->room), place->name, place->occupants};
    }
    qsort(rooms, count, sizeof(*rooms), by_jid);
    return count;
}

/* All of them, from which what is not wanted is cut off at either end. */
static struct listing_page listing_page(void *self, struct arena *arena,
                                        const struct listing_query *query)
{
    const struct world *world = self;
    struct listed_room *rooms = ARENA_NEW_ARRAY(arena, struct listed_room, world->place_count);
    uint32_t total = gather(world, rooms), first = 0, end = total;
    const char *after = str_in(arena, query->after).at, *before = str_in(arena, query->before).at;
    if (query->backwards) {
        while (!str_empty(query->before) && end > 0 &&
               strcmp(rooms[end - 1].jid->text, before) >= 0)
            end--;
        first = end > query->max ? end - query->max : 0;
    } else if (!str_empty(query->after)) {
        while (first < end && strcmp(rooms[first].jid->text, after) <= 0)
            first++;
    } else {
        first = query->index < end ? (uint32_t)query->index : end;
    }
    if (end - first > query->max)
        end = first + query->max;
    return (struct listing_page){rooms + first, end - first, first, total};
}

/* ---- what happens ---- */

/* Each room is told, each reports at once. */
static void carry_out_command(struct world *world)
{
    world_settle(world);
    for (uint32_t i = 0; i < command_rooms(world->command); i++) {
        struct event event = {.kind = EV_DESTROY};
        event.destroy.ticket.place = i;
        world_room_step(world, world_place_need(world, command_room(world->command, i)), &event,
                        NULL);
        world_settle(world);
    }
    ensure(command_is_over(world->command));
    struct step step = step_begin(world);
    command_answer(world->command, &step);
    step_end(world, NULL, &step);
    arena_reset(world->arena);
    command_free(world->command);
    world->command = NULL;
}

static bool keep_elements(const struct node *child, void *self)
{
    UNUSED(self);
    return !node_is_text(child);
}

/* From client to client, as a server would pass it on. */
static void pass_on(struct world *world, const struct node *root, const struct jid *from,
                    const struct jid *to)
{
    struct fb fb;
    fb_begin(&fb, world->arena, token_name_text((enum name)root->name).at, jid_full(from),
             node_attr(root, NAME_TYPE), node_attr(root, NAME_ID));
    fb_children(&fb, root, keep_elements, NULL);
    struct frame *frame = fb_finish(&fb);
    lower_route(world, frame, to);
    frame_unref(frame);
}

void world_service_step(struct world *world, const struct event *event)
{
    struct room_lister lister = {world, listing_page};
    struct service_view view = {.rooms = &lister};
    struct step step = step_begin(world);
    service_step(event, &view, &step);
    step_end(world, NULL, &step);
    arena_reset(world->arena);
    if (world->command != NULL)
        carry_out_command(world);
    world_store_run(world);
}

/* Takes the message. */
static void take_stanza(struct world *world, struct message *message)
{
    struct event event = {.kind = EV_STANZA};
    const struct jid *to = message->stanza.to;
    event.stanza.stanza = message->stanza.stanza;
    event.stanza.from = message->stanza.from;
    event.stanza.to = to;
    event.stanza.route = message->stanza.route;
    bool here = str_eq(jid_domain(to), jid_domain(world->domain));
    if (here && to->local_len > 0) {
        world_give(world, world_place_need(world, to), message);
        return;
    }
    if (here)
        world_service_step(world, &event);
    else
        pass_on(world, stanza_root(event.stanza.stanza), event.stanza.from, to);
    message_free(message);
}

static bool stanza_by(struct world *world, const char *from, const char *xml, struct route route)
{
    struct stanza *stanza = stanza_parse(str_z(xml));
    if (stanza == NULL)
        return false;
    if (world->onlooker.self != NULL)
        world->onlooker.sent(world->onlooker.self, from, xml);
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza;
    message->stanza.from = jid_parse(NULL, str_z(from));
    message->stanza.to = jid_parse(NULL, node_attr(stanza_root(stanza), NAME_TO));
    message->stanza.route = route;
    ensure(message->stanza.from != NULL);
    if (message->stanza.to == NULL) {
        message_free(message);
        return false;
    }
    take_stanza(world, message);
    return true;
}

static void wake(struct world *world, const struct jid *room)
{
    if (world->store != NULL && world_place(world, jid_bare(room)) == NULL &&
        world_store_has(world, room))
        (void)world_place_need(world, room);
}

void world_wake(struct world *world, const char *bare_jid)
{
    struct jid *room = jid_parse(NULL, str_z(bare_jid));
    ensure(room != NULL);
    wake(world, room);
    world_store_run(world);
    jid_free(room);
}

/* Of the room that a stanza goes to; 0: there is none, or it is too large. */
static uint64_t digest_at(struct world *world, const struct jid *to)
{
    if (to == NULL || to->local_len == 0 || !str_eq(jid_domain(to), jid_domain(world->domain)))
        return 0;
    wake(world, to); /* that it is loaded is no change */
    const struct place *place = world_place(world, jid_bare(to));
    if (place == NULL || room_sessions(place->room) > DIGEST_SESSIONS)
        return 0;
    return room_digest(place->room);
}

bool world_stanza(struct world *world, const char *from, const char *xml)
{
    struct client *client = client_need(world, from);
    char *sent = mem_new(strlen(xml) + 1);
    memcpy(sent, xml, strlen(xml));
    mem_free(client->sent);
    client->sent = sent;

    struct stanza *stanza = stanza_parse(str_z(sent));
    struct jid *to =
        stanza == NULL ? NULL : jid_parse(NULL, node_attr(stanza_root(stanza), NAME_TO));
    uint64_t before = digest_at(world, to);
    bool taken = stanza_by(world, from, sent, route_of(client));
    client->changed = digest_at(world, to) != before;
    jid_free(to);
    stanza_free(stanza);
    return taken;
}

const char *world_sent(const struct world *world, const char *full_jid)
{
    return client_need(world, full_jid)->sent;
}

bool world_changed(const struct world *world, const char *full_jid)
{
    return client_need(world, full_jid)->changed;
}

bool world_stanza_from(struct world *world, const char *from, const char *xml)
{
    return stanza_by(world, from, xml, (struct route){0, 0, LANES});
}

/* Steps may end a room: the next one is looked for by the id of the last. */
static struct place *place_after(const struct world *world, uint64_t id)
{
    struct place *next = NULL;
    for (unsigned i = 0; i < world->place_count; i++) {
        uint64_t this = room_id(world->places[i]->room);
        if (this > id && (next == NULL || this < room_id(next->room)))
            next = world->places[i];
    }
    return next;
}

void world_ways(struct world *world, const struct ways *ways)
{
    world->ways = ways;
}

void world_event(struct world *world, const struct event *event)
{
    uint64_t id = 0;
    struct place *place;
    world_settle(world);
    while ((place = place_after(world, id)) != NULL) {
        id = room_id(place->room);
        world_room_step(world, place, event, NULL);
        world_store_run(world);
    }
}

void world_client_gone(struct world *world, const char *full_jid)
{
    struct client *client = client_need(world, full_jid);
    uint64_t id = 0;
    struct place *place;
    client->gone = true;
    if (world->onlooker.self != NULL)
        world->onlooker.gone(world->onlooker.self, full_jid);
    while ((place = place_after(world, id)) != NULL) {
        id = room_id(place->room);
        struct message *message = message_new(MSG_SESSION_GONE);
        message->session_gone.jid = jid_copy(client->jid);
        message->session_gone.route = route_of(client);
        world_give(world, place, message);
    }
}

void world_shutdown(struct world *world)
{
    const struct event event = {.kind = EV_SHUTDOWN};
    uint64_t id = 0;
    struct place *place;
    world_settle(world);
    while ((place = place_after(world, id)) != NULL) {
        id = room_id(place->room);
        world_room_step(world, place, &event, NULL);
    }
}

/* ---- time ---- */

int64_t world_now(const struct world *world)
{
    return world->now_us;
}

/* The alarm that rings first, if it does until then. */
static struct place *next_alarm(const struct world *world, int64_t until_us, enum room_timer *timer)
{
    struct place *first = NULL;
    int64_t at_us = until_us + 1;
    for (unsigned i = 0; i < world->place_count; i++) {
        for (unsigned t = 0; t < ROOM_TIMERS; t++) {
            int64_t alarm = world->places[i]->alarms[t];
            if (alarm == 0 || alarm >= at_us)
                continue;
            at_us = alarm;
            first = world->places[i];
            *timer = (enum room_timer)t;
        }
    }
    return first;
}

void world_advance(struct world *world, int64_t us)
{
    int64_t until_us = world->now_us + us;
    enum room_timer timer = ROOM_TIMERS;
    struct place *place;
    while ((place = next_alarm(world, until_us, &timer)) != NULL) {
        struct event event = {.kind = EV_TIMER};
        event.timer.timer = timer;
        if (place->alarms[timer] > world->now_us)
            world->now_us = place->alarms[timer];
        if (backed_waits(place->backed)) {
            place->alarms[timer] = world->now_us + TICK_US;
            continue;
        }
        place->alarms[timer] = 0;
        world_room_step(world, place, &event, NULL);
        world_store_run(world);
    }
    if (world->now_us < until_us)
        world->now_us = until_us;
}
