#include "shard/store/scribe.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/runtime/rcu.h"
#include "shard/store/trouble.h"

enum { LOAD_ARENA_BYTES = 4096, GATHERED_FIRST = 16 };

/* What a tool has deleted, while this process may write more of it. */
struct forgetting {
    struct arena *arena; /* NULL: nothing */
    struct store_forgotten *list;
    unsigned count, at;
    unsigned back; /* messages that have not come back yet */
};

struct scribe {
    struct agent agent;
    struct scribe_setup setup;
    struct mailbox *mailbox;
    struct message **gathered; /* commits of this round */
    uint32_t count, cap;
    int64_t trim_at_ms, look_at_ms;
    struct forgetting forgetting;
    uint32_t untrimmed; /* rounds since the last step of trim */
    struct trouble writing, reading, trimming, looking;
    int64_t silent_until_us;  /* of rooms that are damaged */
    _Atomic int64_t since_ms; /* struct scribe_pace */
    _Atomic uint32_t prompt;
};

/* What takes as long as a disk takes happens outside of read sections; a post opens its own. */
static void scribe_on_account_ask(struct scribe *scribe, struct message *message)
{
    ASSERT_ON(&scribe->agent);
    struct account_ask *ask = &message->account.ask;
    scribe->setup.store->account(scribe->setup.store, ask);
    if (ask->err == 0 || is_trouble(ask->err))
        trouble_note(ask->op == ACCOUNT_LOAD ? &scribe->reading : &scribe->writing, ask->err);
    message->kind = MSG_ACCOUNT;
    post_lane(scribe->setup.exchange, message->account.route.lane, message);
}

static void scribe_on_room_load(struct scribe *scribe, struct message *message)
{
    struct store *store = scribe->setup.store;
    ASSERT_ON(&scribe->agent);
    message->room_load.arena = arena_new(LOAD_ARENA_BYTES);
    message->room_load.err =
        store->load(store, message->room_load.arena, jid_full(message->room_load.room),
                    &message->room_load.stored);
    int err = message->room_load.err;
    if (err == 0 || err == ERR_NOT_FOUND || is_trouble(err))
        trouble_note(&scribe->reading, is_trouble(err) ? err : 0);
    message->kind = MSG_ROOM_LOADED;
    post_shard(scribe->setup.exchange, message->room_load.shard, message);
}

static void scribe_on_commit(struct scribe *scribe, struct message *message)
{
    ASSERT_ON(&scribe->agent);
    if (scribe->count == scribe->cap) {
        scribe->cap = scribe->cap == 0 ? GATHERED_FIRST : scribe->cap * 2;
        scribe->gathered = mem_grow(scribe->gathered, sizeof(struct message *) * scribe->cap);
    }
    scribe->gathered[scribe->count++] = message;
}

/* What that shard had to be kept of it is in what is gathered, or was committed before. */
static void scribe_on_forget(struct scribe *scribe, struct message *message)
{
    ASSERT_ON(&scribe->agent);
    ensure(scribe->forgetting.back > 0);
    scribe->forgetting.back--;
    message_free(message);
}

static void scribe_on_message(void *self, struct mail *mail)
{
    struct scribe *scribe = self;
    struct message *message = container_of(mail, struct message, mail);
    switch (message->kind) {
    case MSG_ACCOUNT_ASK:
        scribe_on_account_ask(scribe, message);
        return;
    case MSG_ROOM_LOAD:
        scribe_on_room_load(scribe, message);
        return;
    case MSG_COMMIT:
        scribe_on_commit(scribe, message);
        return;
    case MSG_FORGET:
        scribe_on_forget(scribe, message);
        return;
    case MSG_STANZA:
    case MSG_SESSION_GONE:
    case MSG_LINKS:
    case MSG_LINK_LOSS:
    case MSG_PLACE_ASK:
    case MSG_PLACE_FREE:
    case MSG_LANE_CREDIT:
    case MSG_ROOM_ORDER:
    case MSG_ORDER_REPORT:
    case MSG_SHUTDOWN:
    case MSG_ROOM_WAKE:
    case MSG_ROOM_LOADED:
    case MSG_COMMITTED:
    case MSG_ANSWER:
    case MSG_DELIVERIES:
    case MSG_CREDIT:
    case MSG_ROUTED:
    case MSG_CLOSE_SESSION:
    case MSG_ACCOUNT_GONE:
    case MSG_ACCOUNT:
    case MSG_SHARD_DONE:
    case MSG_ASK:
        break;
    }
    never("a message that is not for the scribe");
}

/* ---- one transaction for all ---- */

/* Somebody may speak there again and again, so not each time. */
static void tell_damaged(struct scribe *scribe, struct str room, int err)
{
    if (scribe->agent.now_us < scribe->silent_until_us)
        return;
    scribe->silent_until_us = scribe->agent.now_us + UNREADABLE_SECONDS * INT64_C(1000000);
    log_error("room %.*s cannot be written: %s; --check-store says what else is damaged",
              (int)room.len, room.at, err_text(err));
}

static void list_commits(const struct scribe *scribe, struct store_commit *commits)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < scribe->count; i++) {
        const struct message *message = scribe->gathered[i];
        for (uint32_t k = 0; k < message->commits.count; k++) {
            const struct commit *from = &message->commits.at[k];
            commits[at++] = (struct store_commit){from->room, from->batch, from->power};
        }
    }
}

/* In errs: 0 or why not, of each. */
static void commit_all(struct scribe *scribe, const struct store_commit *commits, int *errs,
                       uint32_t count)
{
    struct store *store = scribe->setup.store;
    int all = store->commit(store, commits, count);
    bool damaged = all < 0 && !is_trouble(all);
    for (uint32_t i = 0; i < count; i++) {
        /* What is damaged is one room's: the others are not to suffer from it. */
        errs[i] = damaged && count > 1 ? store->commit(store, &commits[i], 1) : all;
        if (errs[i] < 0 && !is_trouble(errs[i]))
            tell_damaged(scribe, commits[i].room, errs[i]);
        else
            trouble_note(&scribe->writing, errs[i]);
    }
}

static void answer_commits(struct scribe *scribe, const int *errs)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < scribe->count; i++) {
        struct message *message = scribe->gathered[i];
        for (uint32_t k = 0; k < message->commits.count; k++)
            message->commits.at[k].err = errs[at++];
        message->kind = MSG_COMMITTED;
        post_shard(scribe->setup.exchange, message->commits.shard, message);
    }
    scribe->count = 0;
}

static void commit_gathered(struct scribe *scribe)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < scribe->count; i++)
        total += scribe->gathered[i]->commits.count;
    if (total == 0)
        return;
    struct store_commit *commits = MEM_NEW_ARRAY(struct store_commit, total);
    int *errs = MEM_NEW_ARRAY(int, total);
    list_commits(scribe, commits);
    commit_all(scribe, commits, errs, total);
    answer_commits(scribe, errs);
    mem_free(errs);
    mem_free(commits);
}

/* ---- what a tool has deleted ---- */

/* A message that was said before that may still be on its way here, and is committed behind the
 * tool's back. So:
 *   1. all shards are told; each sends the message back behind all that it had to be kept by then;
 *   2. when all are back, what was committed of it is deleted here, in steps between commits;
 *   3. shards are told once more, of rooms that were loaded meanwhile.
 * The note of it goes with the last step: a process that ends before leaves it to the next. */
static void tell_shards(struct scribe *scribe, bool back)
{
    struct forgetting *forgetting = &scribe->forgetting;
    unsigned shards = exchange_shards(scribe->setup.exchange);
    for (unsigned i = 0; i < forgetting->count * shards; i++) {
        const struct store_forgotten *forgotten = &forgetting->list[i / shards];
        struct message *message = message_new(MSG_FORGET);
        if (!str_empty(forgotten->account))
            message->forget.account = str_copy(forgotten->account);
        if (!str_empty(forgotten->room))
            message->forget.room = str_copy(forgotten->room);
        message->forget.until_us = forgotten->until_us;
        message->forget.back = back;
        if (post_shard(scribe->setup.exchange, i % shards, message) && back)
            forgetting->back++;
    }
}

static void forgetting_end(struct scribe *scribe, int64_t look_in_ms)
{
    arena_free(scribe->forgetting.arena);
    scribe->forgetting = (struct forgetting){0};
    scribe->look_at_ms = scribe->agent.mono_ms + look_in_ms;
}

static void look_for_forgotten(struct scribe *scribe)
{
    struct store *store = scribe->setup.store;
    struct forgetting *forgetting = &scribe->forgetting;
    if (scribe->agent.mono_ms < scribe->look_at_ms)
        return;
    forgetting->arena = arena_new(LOAD_ARENA_BYTES);
    int err = store->forgotten(store, forgetting->arena, &forgetting->list, &forgetting->count);
    trouble_note(&scribe->looking, err < 0 ? err : 0);
    if (err < 0 || forgetting->count == 0)
        forgetting_end(scribe, STORE_LOOK_MS);
    else
        tell_shards(scribe, true);
}

/* True: there is more to be done. */
static bool forget_step(struct scribe *scribe)
{
    struct store *store = scribe->setup.store;
    struct forgetting *forgetting = &scribe->forgetting;
    int more = store->forget(store, &forgetting->list[forgetting->at]);
    trouble_note(&scribe->looking, more < 0 ? more : 0);
    if (more == 0)
        forgetting->at++;
    if (more >= 0 && forgetting->at < forgetting->count)
        return true;
    if (more >= 0)
        tell_shards(scribe, false);
    /* What could not be done is found again, and then all rooms are told again: not so often that
     * none of them is ever idle. */
    forgetting_end(scribe, more < 0 ? STORE_FORGET_RETRY_MS : STORE_LOOK_MS);
    return false;
}

static bool forget(struct scribe *scribe)
{
    if (scribe->setup.store->forgotten == NULL)
        return false;
    if (scribe->forgetting.arena == NULL)
        look_for_forgotten(scribe);
    bool ready = scribe->forgetting.arena != NULL && scribe->forgetting.back == 0;
    return ready && forget_step(scribe);
}

/* ---- deleting, when there is time, or has been none for long ---- */

static bool trim_is_due(const struct scribe *scribe, bool idle)
{
    int64_t late_ms = scribe->agent.mono_ms - scribe->trim_at_ms;
    if (idle)
        return late_ms >= 0;
    return late_ms >= STORE_TRIM_LATE_MS && scribe->untrimmed >= STORE_TRIM_ROUNDS;
}

static bool trim(struct scribe *scribe)
{
    struct store *store = scribe->setup.store;
    struct store_retention retention = {
        .days = scribe->setup.keep_days,
        .count = scribe->setup.keep_count,
        .now_us = scribe->agent.now_us,
    };
    scribe->untrimmed = 0;
    int more = store->trim(store, &retention);
    trouble_note(&scribe->trimming, more < 0 ? more : 0);
    if (more <= 0)
        scribe->trim_at_ms = scribe->agent.mono_ms + STORE_TRIM_MS;
    return more > 0;
}

/* ---- the agent ---- */

static int serve(struct scribe *scribe)
{
    bool more = false;
    unsigned count =
        mailbox_drain(scribe->mailbox, scribe_on_message, scribe, SHARD_DRAIN_MAX, &more);
    commit_gathered(scribe);
    bool left = forget(scribe);
    bool idle = count == 0 && !more;
    scribe->untrimmed++;
    left |= trim_is_due(scribe, idle) && trim(scribe);
    if (idle)
        return left ? 1 : 0;
    return (int)count + (more ? 1 : 0);
}

static int scribe_work(void *self)
{
    struct scribe *scribe = self;
    atomic_store_explicit(&scribe->since_ms, scribe->agent.mono_ms, memory_order_relaxed);
    int work = serve(scribe);
    if (clock_mono_ms() - scribe->agent.mono_ms < STORE_SLOW_MS)
        atomic_fetch_add_explicit(&scribe->prompt, 1, memory_order_relaxed);
    atomic_store_explicit(&scribe->since_ms, 0, memory_order_relaxed);
    return work;
}

struct scribe_pace scribe_pace(const struct scribe *scribe)
{
    return (struct scribe_pace){
        .since_ms = atomic_load_explicit(&scribe->since_ms, memory_order_relaxed),
        .prompt = atomic_load_explicit(&scribe->prompt, memory_order_relaxed),
    };
}

/* What shards have posted last, on a disk that was too slow for them to wait. */
static void scribe_finish(void *self)
{
    struct scribe *scribe = self;
    for (bool more = true; more;) {
        mailbox_drain(scribe->mailbox, scribe_on_message, scribe, SHARD_DRAIN_MAX, &more);
        commit_gathered(scribe);
    }
}

static void scribe_wait(void *self, int work, int timeout_ms)
{
    struct scribe *scribe = self;
    if (work == 0)
        mailbox_wait(scribe->mailbox, timeout_ms);
}

static int scribe_timeout_ms(void *self)
{
    struct scribe *scribe = self;
    bool looks = scribe->setup.store->forgotten != NULL && scribe->forgetting.arena == NULL &&
                 scribe->look_at_ms < scribe->trim_at_ms;
    int64_t at_ms = looks ? scribe->look_at_ms : scribe->trim_at_ms;
    int64_t left_ms = at_ms - scribe->agent.mono_ms;
    return left_ms < 0 ? 0 : (int)left_ms;
}

static void scribe_wake(void *self)
{
    struct scribe *scribe = self;
    mailbox_wake(scribe->mailbox);
}

struct scribe *scribe_new(const struct scribe_setup *setup, int *err)
{
    struct mailbox *mailbox = mailbox_new(err);
    if (mailbox == NULL) {
        setup->store->close(setup->store);
        return NULL;
    }
    struct scribe *scribe = MEM_NEW(struct scribe);
    scribe->setup = *setup;
    scribe->mailbox = mailbox;
    scribe->writing.begins = "the store cannot be written";
    scribe->writing.ends = "the store can be written again";
    scribe->reading.begins = "the store cannot be read";
    scribe->reading.ends = "the store can be read again";
    scribe->trimming.begins = "what is to be deleted cannot be deleted from the store";
    scribe->trimming.ends = "what is to be deleted is deleted again";
    scribe->looking.begins = "what was deleted from the command line cannot be read, and "
                             "rooms in memory keep it";
    scribe->looking.ends = "the store says again what was deleted from the command line";
    scribe->agent = (struct agent){
        .name = "scribe",
        .self = scribe,
        .do_work = scribe_work,
        .wait = scribe_wait,
        .wake = scribe_wake,
        .finish = scribe_finish,
        .timeout_ms = scribe_timeout_ms,
        .blocking = true,
        .log = setup->log,
    };
    exchange_set_scribe(setup->exchange, mailbox);
    return scribe;
}

struct agent *scribe_agent(struct scribe *scribe)
{
    return &scribe->agent;
}

static void discard(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

void scribe_free(struct scribe *scribe)
{
    if (scribe == NULL)
        return;
    exchange_set_scribe(scribe->setup.exchange, NULL);
    bool more = true;
    while (more)
        mailbox_drain(scribe->mailbox, discard, NULL, SHARD_DRAIN_MAX, &more);
    mailbox_free(scribe->mailbox);
    mem_free(scribe->gathered);
    if (scribe->forgetting.arena != NULL)
        arena_free(scribe->forgetting.arena);
    scribe->setup.store->close(scribe->setup.store);
    mem_free(scribe);
}
