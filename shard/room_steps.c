/*
 * What a room is given, and what becomes of it. A room that waits for the disk takes nothing: what
 * comes for it is parked, in order, and handled when the disk has answered.
 */
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/muc/durable.h"
#include "core/xmpp/refusal.h"
#include "shard/shard_impl.h"
#include "shard/store/trouble.h"

enum { FAILED_AT_ONCE = 64 };

#define NAME_OF(entry) (int)(entry)->key.len, (entry)->key.at

static void handle(struct shard *shard, struct room_entry *entry, struct message *message);
static void tell_append_failed(struct shard *shard, struct room_entry *entry,
                               const struct commit *commit);

/* ---- one step ---- */

static struct lowering lowering_for(struct shard *shard, struct room_entry *entry,
                                    const struct event *cause)
{
    return (struct lowering){
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
        .origin = cause->kind == EV_STANZA ? cause->stanza.route : ROUTE_NONE,
        .bounces = &shard->bounces,
        .keeping = entry->backing == NULL ? NULL : &shard->keeping,
    };
}

/* An error that came back to the room: what it causes does not come back again. */
static bool is_bounce(const struct message *message)
{
    return message != NULL && message->kind == MSG_STANZA && message->stanza.lane == LANE_NONE &&
           message->stanza.route.lane == LANE_NONE;
}

/* True: the room waits for a commit; `message`, which the event was made of, is kept until then. */
static bool step_room(struct shard *shard, struct room_entry *entry, const struct event *event,
                      struct message *message)
{
    struct step step = shard_step(shard, entry->env);
    enum step_outcome outcome = muc_step(entry->room, event, &step);
    struct lowering lowering = lowering_for(shard, entry, event);
    if (is_bounce(message))
        lowering.bounces = NULL;
    size_t held = entry->backing == NULL ? 0 : backing_held_bytes(entry->backing);
    if (step.awaits_rows && entry->backing != NULL)
        backing_hold_back(entry->backing, &shard->commits, shard->setup.power_gated);
    lower_effects(&lowering, &step.effects);
    if (entry->backing != NULL)
        shard->held += backing_held_bytes(entry->backing) - held;
    if (outcome == STEP_DONE)
        return false;
    struct backing *backing = entry->backing;
    ensure(outcome == STEP_AWAITS_COMMIT && backing != NULL);
    backing->waiting = WAITING_COMMIT;
    backing->arena = shard->arena;
    backing->message = message;
    shard->arena = arena_new(STEP_ARENA_BYTES);
    return true;
}

/* ---- errors that come back ---- */

/* What a bounce causes is not bounced again, so this ends. */
static void run_bounces(struct shard *shard)
{
    struct bounces caused = shard->bounces;
    shard->bounces = (struct bounces){0};
    struct bounce *bounce;
    while ((bounce = bounces_take(&caused)) != NULL) {
        struct message *message = message_new(MSG_STANZA);
        message->stanza.stanza = bounce->stanza;
        message->stanza.from = bounce->from;
        message->stanza.to = bounce->to;
        message->stanza.route = ROUTE_NONE;
        message->stanza.lane = LANE_NONE;
        bounce->stanza = NULL;
        bounce->from = NULL;
        bounce->to = NULL;
        bounce_free(bounce);
        rooms_take(shard, message->stanza.to, false, message);
    }
}

/* ---- the end of a step: does the room stay? ---- */

static void watch_idleness(struct shard *shard, struct room_entry *entry)
{
    struct backing *backing = entry->backing;
    if (backing == NULL)
        return;
    bool idle = backing->waiting == WAITING_NOTHING && room_is_parkable(entry->room);
    if (!idle)
        timer_clear(&shard->rooms.timers, &backing->idle);
    else if (!timer_is_set(&backing->idle))
        timer_set(&shard->rooms.timers, &backing->idle,
                  shard->agent.now_us + ROOM_IDLE_SECONDS * INT64_C(1000000));
}

static void settle(struct shard *shard, struct room_entry *entry)
{
    watch_idleness(shard, entry);
    rooms_settle(&shard->rooms, entry);
}

/* Takes the message, if there is one. The entry may be gone afterwards. */
static void run(struct shard *shard, struct room_entry *entry, const struct event *event,
                struct message *message)
{
    struct backing *backing = entry->backing;
    bool bounce = is_bounce(message);
    if (backing != NULL) {
        timer_clear(&shard->rooms.timers, &backing->idle);
        backing->moved_on = true;
    }
    if (!step_room(shard, entry, event, message))
        message_free(message);
    if (backing != NULL && backing->handed)
        rooms_take_back(shard, entry);
    settle(shard, entry);
    if (!bounce)
        run_bounces(shard);
}

/* ---- parking ---- */

/* `entry` may be NULL: the room is not in memory. */
static void refuse(struct shard *shard, const struct room_entry *entry,
                   const struct message *message, const struct refusal *refusal)
{
    const struct asked *ask = message->kind == MSG_ANSWER ? message->ask : NULL;
    if (ask == NULL && message->kind != MSG_STANZA)
        return;
    const struct stanza *stanza = ask != NULL ? ask->stanza : message->stanza.stanza;
    if (stanza == NULL)
        return;
    const struct jid *to = ask != NULL ? ask->to : message->stanza.to;
    struct refuse_more more = {.by = jid_bare(to)};
    struct frame *frame =
        refusal_frame(shard->arena, stanza_root(stanza), refusal, jid_full(to), &more);
    if (frame == NULL)
        return;
    const struct jid *from = ask != NULL ? ask->from : message->stanza.from;
    struct route route = ask != NULL ? ask->route : message->stanza.route;
    fanout_one(&shard->fanout, entry == NULL ? 0 : room_id(entry->room), route, frame,
               address_new(jid_full(from)));
}

static void park(struct shard *shard, struct room_entry *entry, struct message *message)
{
    bool room = shard->parked < SHARD_PARKED_MAX || message->kind != MSG_STANZA;
    if (room && parking_add(&entry->backing->parking, message)) {
        shard->parked++;
        return;
    }
    refuse(shard, entry, message, &refusal_RESOURCE_CONSTRAINT);
    message_free(message);
}

/* Before whoever waits to enter, and would be shown what nobody may see. */
static void park_first(struct shard *shard, struct room_entry *entry, struct message *message)
{
    parking_put_first(&entry->backing->parking, message);
    shard->parked++;
}

static void unpark(struct shard *shard, struct room_entry *entry)
{
    struct backing *backing = entry->backing;
    if (backing->unparking)
        return;
    backing->unparking = true;
    while (backing_is_open(backing)) {
        struct message *message = parking_take(&backing->parking);
        if (message == NULL)
            break;
        shard->parked--;
        handle(shard, entry, message);
    }
    backing->unparking = false;
    if (backing->parking.count == 0)
        parking_fini(&backing->parking);
    settle(shard, entry);
}

/* Nobody sends these again: an admin waits for the one, those who are inside for the other, and a
 * lane for the third. */
static void drop_order(struct shard *shard, const struct message *message)
{
    if (message->kind == MSG_ROOM_ORDER)
        commands_report(&shard->commands, &message->room_order.ticket,
                        shard->closing ? ORDER_LOST : ORDER_FAILED);
    else if (message->kind == MSG_ROOM_WAKE && !shard->closing)
        wakes_add(&shard->wakes, message->room_wake.room, shard->agent.mono_ms);
    else if (message->kind == MSG_LINK_LOSS)
        fanout_loss_heard(&shard->fanout, message->link_loss.room, message->link_loss.route);
}

static void refuse_parked(struct shard *shard, struct room_entry *entry,
                          const struct refusal *refusal)
{
    struct message *message;
    while ((message = parking_take(&entry->backing->parking)) != NULL) {
        shard->parked--;
        refuse(shard, entry, message, refusal);
        drop_order(shard, message);
        message_free(message);
    }
}

void rooms_turn_away_parked(struct shard *shard, struct room_entry *entry)
{
    refuse_parked(shard, entry, &refusal_RESOURCE_CONSTRAINT);
}

void rooms_turn_away(struct shard *shard, struct message *message)
{
    arena_reset(shard->arena); /* there may be many of them, and no step any more */
    refuse(shard, NULL, message, &refusal_RESOURCE_CONSTRAINT);
    message_free(message);
}

/* What is parked cannot be handled: it is refused, and the next to come tries again. */
static void give_up(struct shard *shard, struct room_entry *entry, const struct refusal *refusal)
{
    struct backing *backing = entry->backing;
    refuse_parked(shard, entry, refusal);
    backing->waiting = WAITING_NOTHING;
    rooms_forget(&shard->rooms, entry);
}

/* ---- messages for rooms ---- */

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

static void stanza_event(const struct shard *shard, const struct room_entry *entry,
                         const struct message *message, struct event *event)
{
    event->kind = EV_STANZA;
    event->stanza.stanza = message->stanza.stanza;
    event->stanza.from = message->stanza.from;
    event->stanza.to = message->stanza.to;
    event->stanza.route = message->stanza.route;
    event->stanza.rooms = rooms_of_sender(shard, entry->env->settings, message);
}

static void answer_event(const struct asked *ask, struct event *event)
{
    event->kind = EV_ANSWER;
    event->answer.stanza = ask->stanza;
    event->answer.from = ask->from;
    event->answer.to = ask->to;
    event->answer.route = ask->route;
    event->answer.query = ask->query;
    event->answer.page = &ask->page;
}

/* False: it is no event. */
static bool event_of(const struct shard *shard, const struct room_entry *entry,
                     const struct message *message, struct event *event)
{
    *event = (struct event){.kind = EV_LINKS};
    if (message->kind == MSG_STANZA) {
        stanza_event(shard, entry, message, event);
    } else if (message->kind == MSG_SESSION_GONE) {
        event->kind = EV_SESSION_GONE;
        event->session_gone.jid = message->session_gone.jid;
        event->session_gone.route = message->session_gone.route;
        event->session_gone.properly = message->session_gone.properly;
    } else if (message->kind == MSG_ANSWER) {
        answer_event(message->ask, event);
    } else if (message->kind == MSG_ROOM_ORDER) {
        event->kind = EV_DESTROY;
        event->destroy.ticket = message->room_order.ticket;
    } else if (message->kind == MSG_LINK_LOSS) {
        event->kind = EV_LINK_LOSS;
        event->link_loss.route = message->link_loss.route;
    } else if (message->kind == MSG_FORGET) {
        event->kind = EV_FORGET;
        event->forget.account = message->forget.account;
        event->forget.until_us = message->forget.until_us;
    } else {
        return message->kind == MSG_LINKS;
    }
    return true;
}

/* Between the question and now a message may have been retracted, or the whole room have been made
 * anew: what the store said then is not for anybody's eyes. */
static bool is_outdated(const struct room_entry *entry, const struct message *message)
{
    return message->kind == MSG_ANSWER && entry->backing != NULL &&
           message->ask->as_of != entry->backing->changed;
}

static void ask_again(struct shard *shard, struct room_entry *entry, struct message *message)
{
    const struct event cause = {.kind = EV_ANSWER};
    struct lowering lowering = lowering_for(shard, entry, &cause);
    message->ask = asked_again(message->ask);
    lower_asked(&lowering, message);
}

static void handle(struct shard *shard, struct room_entry *entry, struct message *message)
{
    struct event event;
    if (is_outdated(entry, message)) {
        ask_again(shard, entry, message);
        return;
    }
    if (event_of(shard, entry, message, &event)) {
        run(shard, entry, &event, message);
        return;
    }
    ensure(message->kind == MSG_COMMITTED || message->kind == MSG_ROOM_WAKE);
    if (message->kind == MSG_COMMITTED)
        tell_append_failed(shard, entry, &message->commits.at[0]);
    message_free(message);
}

/* Rooms that somebody is inside of after a restart are as many as they are; who talks to one cannot
 * help that. */
static void load(struct shard *shard, struct room_entry *entry, const struct message *cause)
{
    struct message *message = message_new(MSG_ROOM_LOAD);
    entry->backing = backing_new(entry, entry->key);
    entry->backing->waiting = WAITING_LOAD;
    entry->backing->counted = cause->kind == MSG_STANZA;
    if (entry->backing->counted)
        loads_begin(&shard->loads, shard->agent.mono_ms);
    message->room_load.shard = shard->setup.number;
    message->room_load.room = jid_copy(room_jid(entry->room));
    post_scribe(shard->setup.exchange, message);
}

void rooms_give(struct shard *shard, struct room_entry *entry, struct message *message)
{
    if (entry == NULL)
        message_free(message);
    else if (backing_is_open(entry->backing))
        handle(shard, entry, message);
    else
        park(shard, entry, message);
}

void rooms_take(struct shard *shard, const struct jid *room, bool need, struct message *message)
{
    struct room_entry *entry = rooms_find(&shard->rooms, room);
    bool missing = entry == NULL && need;
    bool full = shard->parked >= SHARD_PARKED_MAX || shard->loads.silent;
    if (missing && message->kind == MSG_STANZA && full) {
        rooms_turn_away(shard, message);
        return;
    }
    if (missing) {
        entry = rooms_need(&shard->rooms, room);
        if (shard->setup.stored)
            load(shard, entry, message);
    }
    rooms_give(shard, entry, message);
}

void rooms_tell(struct shard *shard, struct room_entry *entry, const struct event *event)
{
    if (backing_is_open(entry->backing))
        run(shard, entry, event, NULL);
    else if (event->kind == EV_TIMER)
        rooms_set_alarm(&shard->rooms, entry, event->timer.timer,
                        shard->agent.now_us + TIMER_TICK_US);
    else if (event->kind == EV_LINKS)
        park(shard, entry, message_new(MSG_LINKS));
}

/* ---- a room comes from the store ---- */

/* A client's connection ended with the process: under its name there is another one now. All others
 * came by a link, and will again. */
static void find_sessions(struct shard *shard, const struct room_entry *entry,
                          struct stored_room *stored)
{
    const struct directory *directory = shard->setup.directory;
    struct route route = directory_link_home(directory, entry->env->settings->domain);
    for (unsigned i = 0; i < stored->session_count; i++) {
        struct stored_session *session = &stored->sessions[i];
        const struct jid *jid = jid_parse(shard->arena, session->jid);
        bool remote = jid != NULL && !directory_is_local(directory, jid);
        session->route = remote ? route : ROUTE_NONE;
    }
}

/* Somebody may try to enter again and again, so not each time. Of a disk that fails, the scribe has
 * spoken. */
static void tell_unreadable(struct shard *shard, const struct room_entry *entry, int err,
                            const char *why)
{
    if (is_trouble(err) || shard->agent.now_us < shard->silent_until_us)
        return;
    shard->silent_until_us = shard->agent.now_us + UNREADABLE_SECONDS * INT64_C(1000000);
    log_error("room %.*s cannot be loaded: %s; --check-store says what else is damaged",
              NAME_OF(entry), why != NULL ? why : err_text(err));
}

void rooms_loaded(struct shard *shard, const struct message *message)
{
    struct room_entry *entry = rooms_find(&shard->rooms, message->room_load.room);
    const struct store_room *from = &message->room_load.stored;
    struct stored_room stored = {0};
    const char *why = NULL;
    int err = message->room_load.err;
    ensure(entry != NULL && entry->backing->waiting == WAITING_LOAD);
    loads_answered(&shard->loads, entry->backing->counted, shard->agent.mono_ms);
    entry->backing->counted = false;
    if (shard->closing) { /* nobody is let in any more, and what is stored stays as it is */
        give_up(shard, entry, &refusal_RESOURCE_CONSTRAINT);
        return;
    }
    bool found = err == 0;
    if (found)
        err = record_read(message->room_load.arena, from->rows, from->row_count, &stored, &why);
    if (err < 0 && err != ERR_NOT_FOUND) {
        tell_unreadable(shard, entry, err, why);
        give_up(shard, entry, &refusal_STORE_FAILED);
        return;
    }
    struct event event = {.kind = EV_LOADED};
    if (found) {
        stored.history = from->history;
        stored.history_count = from->history_count;
        find_sessions(shard, entry, &stored);
        event.loaded.stored = &stored;
        entry->old_tombstone = stored.changes[0].kind == CHANGE_DESTROY;
        entry->known = !entry->old_tombstone;
    }
    entry->backing->waiting = WAITING_NOTHING;
    entry->backing->unparking = true; /* it stays until those that wait are handled */
    run(shard, entry, &event, NULL);
    /* Handed over by the process before: it is in memory only now. Or nothing is left of it. */
    if (found && !room_is_durable(entry->room) && !room_is_parkable(entry->room))
        record_gone(commits_batch(&shard->commits, &entry->backing->unsaved));
    entry->backing->unparking = false;
    unpark(shard, entry);
}

/* ---- a commit is answered ---- */

static const struct refusal *refusal_of(int err)
{
    return err == ERR_NO_SPACE ? &refusal_STORE_FULL : &refusal_STORE_FAILED;
}

static void release(struct shard *shard, struct room_entry *entry, uint64_t ticket)
{
    struct backing *backing = entry->backing;
    struct held_step held;
    if (backing->hold == NULL)
        return;
    size_t before = hold_bytes(backing->hold);
    while (hold_next(backing->hold, ticket, &held)) {
        const struct event cause = {.kind = EV_STANZA, .stanza.route = held.origin};
        arena_reset(shard->arena);
        struct lowering lowering = lowering_for(shard, entry, &cause);
        lower_held(&lowering, &held.effects);
        hold_done(&held);
    }
    shard->held -= before - hold_bytes(backing->hold);
    if (backing->released < ticket)
        backing->released = ticket;
}

/* The messages in a batch that was not committed; what came with a change is the change's. */
static void tell_append_failed(struct shard *shard, struct room_entry *entry,
                               const struct commit *commit)
{
    struct archived messages[FAILED_AT_ONCE];
    struct record_item item;
    struct str rest = str_of(commit->batch.at, commit->gated_at);
    int more = 1;
    while (more == 1) {
        struct event event = {.kind = EV_APPEND_FAILED};
        event.append_failed.messages = messages;
        event.append_failed.refusal = refusal_of(commit->err);
        while (event.append_failed.count < FAILED_AT_ONCE &&
               (more = record_next(&rest, &item)) == 1) {
            if (item.op == RECORD_APPEND)
                messages[event.append_failed.count++] = item.message;
        }
        if (event.append_failed.count > 0)
            run(shard, entry, &event, NULL);
    }
}

static void continue_pending(struct shard *shard, struct room_entry *entry, int err)
{
    struct backing *backing = entry->backing;
    struct arena *arena = backing->arena;
    struct message *message = backing->message;
    struct event event = {.kind = err == 0 ? EV_COMMITTED : EV_COMMIT_FAILED};
    ensure(backing->waiting == WAITING_COMMIT);
    if (err < 0)
        event.commit_failed.refusal = refusal_of(err);
    backing->waiting = WAITING_NOTHING;
    backing->arena = NULL;
    backing->message = NULL;
    run(shard, entry, &event, NULL);
    arena_free(arena);
    message_free(message);
}

/* A change is awaited: who sent the messages is told after that. */
static struct message *part_of(const struct commit *commit)
{
    struct message *message = message_new(MSG_COMMITTED);
    message->commits.at = MEM_NEW(struct commit);
    message->commits.count = 1;
    message->commits.at[0] = *commit;
    message->commits.at[0].room = str_copy(commit->room);
    message->commits.at[0].batch = str_copy(commit->batch);
    return message;
}

/* Nobody waits for who is inside to be written, so nobody would ask for it again. */
static void refused(struct shard *shard, struct backing *backing)
{
    if (!backing->stale)
        rewrites_refused(&shard->rewrites, shard->agent.mono_ms);
    backing->stale = true;
    backing->handed = false;
}

static void answered(struct shard *shard, struct room_entry *entry, const struct commit *commit)
{
    struct backing *backing = entry->backing;
    bool unparking = backing->unparking;
    backing->unparking = true;
    if (commit->err < 0)
        refused(shard, backing);
    rewrites_answered(&shard->rewrites, commit->ticket, commit->err < 0, shard->agent.mono_ms);
    if (commit->err < 0 && backing->hold != NULL)
        hold_fail(backing->hold, commit->ticket);
    release(shard, entry, commit->ticket);
    if (commit->gated && commit->err == 0 && backing->outdates)
        backing->changed = commit->ticket;
    if (commit->gated)
        continue_pending(shard, entry, commit->err);
    bool unsaid = commit->err < 0 && commit->held;
    if (unsaid && backing_is_open(backing))
        tell_append_failed(shard, entry, commit);
    else if (unsaid)
        park_first(shard, entry, part_of(commit));
    backing->unparking = unparking;
    unpark(shard, entry);
    run_bounces(shard);
}

void rooms_committed(struct shard *shard, const struct message *message)
{
    for (uint32_t i = 0; i < message->commits.count; i++) {
        const struct commit *commit = &message->commits.at[i];
        struct room_entry *entry = rooms_find_str(&shard->rooms, commit->room);
        ensure(entry != NULL && entry->backing->unsaved.at_scribe > 0);
        entry->backing->unsaved.at_scribe--;
        answered(shard, entry, commit);
    }
}
