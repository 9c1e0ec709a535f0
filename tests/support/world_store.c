#include "tests/support/world_store.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/muc/change.h"
#include "core/muc/durable.h"
#include "core/xmpp/refusal.h"
#include "shard/hold.h"
#include "shard/parking.h"
#include "shard/store/store_mem.h"

enum { FAILED_MAX = 64 };

/* What a step wants kept, on its way to the store. */
struct batch {
    struct batch *next;
    struct place *place;
    struct buf bytes; /* heap */
    uint64_t ticket;
    bool gated; /* the room waits for it */
    bool held;  /* what it says does */
};

struct question {
    struct question *next;
    struct asked *asked;
};

struct world_store {
    struct store *store;
    struct store_reader *reader;
    enum world_commits mode;
    struct batch *batches, **batches_end;
    struct question *questions, **questions_end;
    uint64_t tickets;
    bool running; /* answers are being given */
};

struct backed {
    struct arena *arena;     /* of the step that waits for its commit; NULL: none does */
    struct message *message; /* it came from; NULL: nothing */
    struct parking parking;
    struct hold *hold;
    uint64_t held, released; /* tickets */
    unsigned unanswered;     /* batches on their way */
    struct batch *failed;    /* who sent the messages in them is not told yet */
    bool unparking;
};

/* ---- birth and end ---- */

void world_store_open(struct world *world)
{
    struct world_store *store = MEM_NEW(struct world_store);
    int err = 0;
    store->store = store_mem_open(&world->env.hash_key);
    store_mem_set_durable(store->store);
    store->reader = store->store->reader(store->store, &err);
    ensure(store->reader != NULL);
    store->batches_end = &store->batches;
    store->questions_end = &store->questions;
    world->store = store;
}

static void batch_free(struct batch *batch)
{
    buf_free(&batch->bytes);
    mem_free(batch);
}

static struct batch *take_batch(struct world_store *store)
{
    struct batch *batch = store->batches;
    if (batch == NULL)
        return NULL;
    store->batches = batch->next;
    if (store->batches == NULL)
        store->batches_end = &store->batches;
    batch->place->backed->unanswered--;
    return batch;
}

static struct asked *take_question(struct world_store *store)
{
    struct question *question = store->questions;
    if (question == NULL)
        return NULL;
    store->questions = question->next;
    if (store->questions == NULL)
        store->questions_end = &store->questions;
    struct asked *asked = question->asked;
    mem_free(question);
    return asked;
}

/* What is on its way never arrives. */
static void lose(struct world_store *store)
{
    struct batch *batch;
    struct asked *asked;
    while ((batch = take_batch(store)) != NULL)
        batch_free(batch);
    while ((asked = take_question(store)) != NULL)
        asked_free(asked);
}

/* A room that still waits for its commit gives back what it has kept for that. */
static void lose_pending(struct world *world, struct place *place)
{
    const struct event failed = {.kind = EV_COMMIT_FAILED,
                                 .commit_failed.refusal = &refusal_STORE_FAILED};
    if (!backed_waits(place->backed))
        return;
    struct step step = {.arena = world->arena, .env = &world->env, .now_us = ++world->now_us};
    enum step_outcome outcome = muc_step(place->room, &failed, &step);
    ensure(outcome == STEP_DONE);
    effects_release(&step.effects);
}

void world_store_close(struct world *world)
{
    struct world_store *store = world->store;
    if (store == NULL)
        return;
    lose(store);
    for (unsigned i = 0; i < world->place_count; i++)
        lose_pending(world, world->places[i]);
    store->reader->close(store->reader);
    store->store->close(store->store);
    mem_free(store);
}

struct backed *backed_new(void)
{
    struct backed *backed = MEM_NEW(struct backed);
    backed->hold = hold_new();
    return backed;
}

void backed_free(struct backed *backed)
{
    if (backed == NULL)
        return;
    ensure(backed->unanswered == 0);
    if (backed->arena != NULL)
        arena_free(backed->arena);
    message_free(backed->message);
    while (backed->failed != NULL) {
        struct batch *batch = backed->failed;
        backed->failed = batch->next;
        batch_free(batch);
    }
    parking_fini(&backed->parking);
    hold_free(backed->hold);
    mem_free(backed);
}

bool backed_waits(const struct backed *backed)
{
    return backed != NULL && backed->arena != NULL;
}

bool backed_is_idle(const struct backed *backed)
{
    return backed == NULL || (!backed_waits(backed) && backed->unanswered == 0 &&
                              !backed->unparking && backed->parking.count == 0);
}

bool backed_counts(const struct room *room, const struct jid *jid)
{
    const struct pending_change *pending = room->pending;
    bool makes = pending != NULL && pending->change.kind == CHANGE_CREATE &&
                 str_eq(pending->change.affiliations[0].jid, jid_bare(jid));
    return makes || occupant_by_account(room, jid_bare(jid)) != NULL;
}

void backed_park(struct backed *backed, struct message *message)
{
    bool taken = parking_add(&backed->parking, message);
    ensure(taken);
}

/* Takes the bytes; nothing else is on its way. */
static void commit_now(struct world *world, const struct place *place, struct buf *bytes)
{
    struct store *store = world->store->store;
    const struct store_commit commit = {.room = jid_full(room_jid(place->room)),
                                        .batch = buf_str(bytes)};
    int err = bytes->len == 0 ? 0 : store->commit(store, &commit, 1);
    ensure(err == 0);
    buf_free(bytes);
}

/* Handed over by the process before: it is in memory only now. Or nothing is left of it. */
static void forget_stored(struct world *world, const struct place *place)
{
    struct buf bytes;
    if (room_is_durable(place->room) || room_is_parkable(place->room))
        return;
    buf_init(&bytes, NULL);
    record_gone(&bytes);
    commit_now(world, place, &bytes);
}

/* ---- loading ---- */

bool world_store_has(struct world *world, const struct jid *room)
{
    struct store *store = world->store->store;
    struct arena *arena = world_arena_new();
    struct store_room from;
    int err = store->load(store, arena, jid_bare(room), &from);
    arena_free(arena);
    ensure(err == 0 || err == ERR_NOT_FOUND);
    return err == 0;
}

void world_store_load(struct world *world, struct place *place)
{
    struct store *store = world->store->store;
    struct arena *arena = world_arena_new();
    struct event event = {.kind = EV_LOADED};
    struct stored_room stored = {0};
    struct store_room from;
    const char *why = NULL;
    int err = store->load(store, arena, jid_full(room_jid(place->room)), &from);
    ensure(err == 0 || err == ERR_NOT_FOUND);
    if (err == 0) {
        err = record_read(arena, from.rows, from.row_count, &stored, &why);
        ensure(err == 0);
        stored.history = from.history;
        stored.history_count = from.history_count;
        for (unsigned i = 0; i < stored.session_count; i++)
            stored.sessions[i].route = world_route_to(world, stored.sessions[i].jid);
        event.loaded.stored = &stored;
    }
    place->backed->unparking = true; /* it stays: something is to happen to it */
    world_room_step(world, place, &event, NULL);
    place->backed->unparking = false;
    if (err == 0)
        forget_stored(world, place);
    arena_free(arena);
}

/* ---- what a step wants ---- */

static struct batch *batch_for(struct world_store *store, struct place *place,
                               struct batch **current)
{
    if (*current != NULL)
        return *current;
    struct batch *batch = MEM_NEW(struct batch);
    batch->place = place;
    batch->ticket = ++store->tickets;
    buf_init(&batch->bytes, NULL);
    *current = batch;
    *store->batches_end = batch;
    store->batches_end = &batch->next;
    place->backed->unanswered++;
    return batch;
}

static void take_append(struct backed *backed, struct batch *batch, const struct effect *effect)
{
    const struct record_item item = {.op = RECORD_APPEND, .message = *effect->append.message};
    record_add(&batch->bytes, &item);
    if (effect->append.held) {
        batch->held = true;
        backed->held = batch->ticket;
        hold_message(backed->hold, effect->append.frame, batch->ticket);
    }
    frame_unref(effect->append.frame);
}

static void take_ask(struct world_store *store, const struct effect *effect)
{
    struct question *question = MEM_NEW(struct question);
    struct asked *asked = asked_new(effect->ask.query, effect->ask.listing);
    asked->stanza = effect->ask.stanza == NULL ? NULL : stanza_copy(effect->ask.stanza);
    asked->from = jid_copy(effect->ask.from);
    asked->to = jid_copy(effect->ask.to);
    asked->route = effect->ask.by;
    question->asked = asked;
    *store->questions_end = question;
    store->questions_end = &question->next;
}

/* False: it is something to be delivered. */
static bool take(struct world *world, struct place *place, struct effect *effect,
                 struct batch **current)
{
    struct world_store *store = world->store;
    struct batch *batch;
    switch (effect->kind) {
    case FX_SEND:
    case FX_SEND_LIST:
    case FX_BROADCAST:
    case FX_ROUTE:
    case FX_LOSS_HEARD:
        return false;
    case FX_TIMER:
    case FX_PUBLISH:
    case FX_TALLY:
    case FX_COMMAND:
    case FX_REPORT:
        world_lower(world, place, effect);
        return true;
    case FX_COMMIT:
        batch = batch_for(store, place, current);
        batch->gated = true;
        record_change(&batch->bytes, world->arena, place->room, effect->commit.change);
        return true;
    case FX_APPEND:
        take_append(place->backed, batch_for(store, place, current), effect);
        return true;
    case FX_ASK:
        take_ask(store, effect);
        return true;
    case FX_SESSION:
        batch = batch_for(store, place, current);
        record_behind(&batch->bytes, world->arena, place->room, effect->session.jid);
        return true;
    }
    never("an effect nobody takes");
}

void world_store_take(struct world *world, struct place *place, struct effects *effects)
{
    struct batch *current = NULL;
    uint32_t left = 0;
    for (uint32_t i = 0; i < effects->count; i++) {
        if (!take(world, place, &effects->at[i], &current))
            effects->at[left++] = effects->at[i];
    }
    effects->count = left;
    if (place == NULL || place->backed->held <= place->backed->released)
        return;
    hold_add(place->backed->hold, effects, ROUTE_NONE, place->backed->held);
}

void world_store_wait(struct world *world, struct place *place, struct message *message)
{
    ensure(place->backed != NULL && place->backed->arena == NULL);
    place->backed->arena = world->arena;
    place->backed->message = message;
    world->arena = world_arena_new();
}

/* ---- what comes back ---- */

static void release(struct world *world, struct place *place, uint64_t ticket)
{
    struct backed *backed = place->backed;
    struct held_step held;
    while (hold_next(backed->hold, ticket, &held)) {
        for (uint32_t i = 0; i < held.effects.count; i++)
            world_lower(world, place, &held.effects.at[i]);
        effects_release(&held.effects);
        hold_done(&held);
        world_settled(world);
    }
    arena_reset(world->arena);
    if (backed->released < ticket)
        backed->released = ticket;
}

static void go_on(struct world *world, struct place *place, int err)
{
    struct backed *backed = place->backed;
    struct arena *arena = backed->arena;
    struct message *message = backed->message;
    struct event event = {.kind = err == 0 ? EV_COMMITTED : EV_COMMIT_FAILED};
    if (err < 0)
        event.commit_failed.refusal = &refusal_STORE_FAILED;
    backed->arena = NULL;
    backed->message = NULL;
    world_room_step(world, place, &event, NULL);
    arena_free(arena);
    message_free(message);
}

static void tell_failed(struct world *world, struct place *place, struct batch *batch)
{
    struct archived messages[FAILED_MAX];
    struct str rest = buf_str(&batch->bytes);
    struct record_item item;
    struct event event = {.kind = EV_APPEND_FAILED};
    event.append_failed.messages = messages;
    event.append_failed.refusal = &refusal_STORE_FAILED;
    while (record_next(&rest, &item) == 1) {
        ensure(event.append_failed.count < FAILED_MAX);
        if (item.op == RECORD_APPEND)
            messages[event.append_failed.count++] = item.message;
    }
    if (event.append_failed.count > 0)
        world_room_step(world, place, &event, NULL);
}

static void unpark(struct world *world, struct place *place)
{
    struct backed *backed = place->backed;
    while (!backed_waits(backed)) {
        struct message *message = parking_take(&backed->parking);
        if (message == NULL)
            return;
        world_give(world, place, message);
    }
}

/* Before anything else happens in the room: nobody may be shown them. */
static void tell_all_failed(struct world *world, struct place *place)
{
    struct backed *backed = place->backed;
    while (backed->failed != NULL && !backed_waits(backed)) {
        struct batch *batch = backed->failed;
        backed->failed = batch->next;
        tell_failed(world, place, batch);
        batch_free(batch);
    }
}

/* Takes the batch. */
static void answered(struct world *world, struct batch *batch, int err)
{
    struct place *place = batch->place;
    struct backed *backed = place->backed;
    backed->unparking = true; /* it is not forgotten meanwhile */
    if (err < 0)
        hold_fail(backed->hold, batch->ticket);
    release(world, place, batch->ticket);
    if (batch->gated)
        go_on(world, place, err);
    /* A message that comes with a change has been refused with it. */
    if (err < 0 && !batch->gated) {
        batch->next = backed->failed;
        backed->failed = batch;
    } else {
        batch_free(batch);
    }
    tell_all_failed(world, place);
    unpark(world, place);
    backed->unparking = false;
    world_place_settle(world, place);
}

/* Who came and went is written behind, and written whole each time: that alone does not fail. */
static int commit(struct world_store *store, struct batch *batch)
{
    const struct store_commit commit = {.room = jid_full(room_jid(batch->place->room)),
                                        .batch = buf_str(&batch->bytes)};
    if (store->mode == WORLD_FAIL && (batch->gated || batch->held))
        store_mem_fail_commits(store->store, 1, ERR_IO);
    return store->store->commit(store->store, &commit, 1);
}

static void answer(struct world *world, struct asked *asked)
{
    struct world_store *store = world->store;
    struct message *message = message_new(MSG_ANSWER);
    message->ask = asked;
    if (asked->query != NULL) {
        store->reader->query(store->reader, asked->arena, jid_bare(asked->to), asked->query,
                             &asked->page);
        world_give(world, world_place_need(world, asked->to), message);
        return;
    }
    struct event event = {.kind = EV_ANSWER};
    store->reader->listing(store->reader, asked->arena, asked->listing, &asked->listed);
    event.answer.stanza = asked->stanza;
    event.answer.from = asked->from;
    event.answer.to = asked->to;
    event.answer.route = asked->route;
    event.answer.listing = asked->listing;
    event.answer.listed = &asked->listed;
    world_service_step(world, &event);
    message_free(message);
}

void world_settle(struct world *world)
{
    struct world_store *store = world->store;
    if (store == NULL || store->running)
        return;
    store->running = true;
    while (store->batches != NULL || store->questions != NULL) {
        struct batch *batch = take_batch(store);
        if (batch == NULL) {
            answer(world, take_question(store));
            continue;
        }
        answered(world, batch, commit(store, batch));
    }
    store->running = false;
}

void world_store_run(struct world *world)
{
    if (world->store != NULL && world->store->mode != WORLD_LATER)
        world_settle(world);
}

void world_commits(struct world *world, enum world_commits mode)
{
    ensure(world->store != NULL);
    world->store->mode = mode;
}

bool world_waits(struct world *world, const char *bare_jid)
{
    const struct place *place = world_place(world, str_z(bare_jid));
    return place != NULL && !backed_is_idle(place->backed);
}

void world_fail_queries(struct world *world, unsigned count)
{
    store_mem_fail_queries(world->store->store, count, ERR_IO);
}

void world_damaged_query(struct world *world)
{
    store_mem_fail_queries(world->store->store, 1, ERR_CORRUPT);
}

void world_slow_query(struct world *world)
{
    store_mem_fail_queries(world->store->store, 1, ERR_LIMIT);
}

/* ---- the process ends and begins ---- */

static void remember(struct world *world, const struct place *place, enum world_end end)
{
    struct buf bytes;
    buf_init(&bytes, NULL);
    if (!room_is_durable(place->room) && end == WORLD_PLANNED && room_sessions(place->room) > 0)
        record_handover(&bytes, world->arena, place->room);
    commit_now(world, place, &bytes);
    arena_reset(world->arena);
}

static void wake_occupied(struct world *world)
{
    struct store *store = world->store->store;
    struct arena *arena = world_arena_new();
    struct str *rooms;
    unsigned count;
    int err = store->occupied(store, arena, &rooms, &count);
    ensure(err == 0);
    for (unsigned i = 0; i < count; i++)
        (void)world_place_need(world, jid_parse(arena, rooms[i]));
    arena_free(arena);
}

void world_trim(struct world *world)
{
    struct store *store = world->store->store;
    const struct store_retention retention = {.now_us = world->now_us};
    int more;
    do {
        more = store->trim(store, &retention);
        ensure(more >= 0);
    } while (more > 0);
}

void world_restart(struct world *world, enum world_end end)
{
    if (end == WORLD_CRASH)
        lose(world->store);
    else
        world_settle(world);
    while (world->place_count > 0) {
        struct place *place = world->places[0];
        if (end != WORLD_CRASH)
            remember(world, place, end);
        lose_pending(world, place);
        world_place_drop(world, place);
    }
    world_forget_tallies(world);
    wake_occupied(world);
    world_store_run(world);
}
