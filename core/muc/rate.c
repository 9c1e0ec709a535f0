#include "core/muc/rate.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

enum rate_kind { RATE_MESSAGE, RATE_PRESENCE, RATE_KINDS };

struct waiting {
    struct waiting *next;
    struct stanza *stanza;
    struct jid *from;
    struct jid *to;
    struct route route;
};

/* What one account sends of one kind. */
struct line {
    struct sender *sender;
    int64_t full_us; /* then the bucket is full, if nothing is taken from it */
    struct waiting *first;
    uint32_t count;
    struct line *before; /* of the lines in which somebody waits, by full_us */
    struct line *after;
};

struct sender {
    struct str account; /* heap, bare */
    struct line lines[RATE_KINDS];
    struct sender *older; /* of those of whom nothing waits, by when they sent last */
    struct sender *newer;
};

/* A token comes back after `interval_us`; one can be taken from a bucket that will be full in
 * `slack_us`. */
struct pace {
    int64_t interval_us;
    int64_t slack_us;
};

struct rate {
    struct map senders; /* bare JID -> struct sender */
    struct sender *oldest;
    struct sender *newest;
    struct line *first[RATE_KINDS];
    struct line *last[RATE_KINDS];
    struct pace paces[RATE_KINDS];
    uint32_t waiting;
    uint32_t bytes;   /* of what waits */
    int64_t alarm_us; /* 0: not set */
};

/* ---- measures ---- */

static struct pace pace_of(const struct room_options *options, enum rate_kind kind)
{
    int64_t interval_us = 0, burst = 1;
    if (kind == RATE_MESSAGE && options->message_rate > 0) {
        interval_us = INT64_C(1000000) / options->message_rate;
        burst = options->message_burst;
    }
    if (kind == RATE_PRESENCE && options->presence_rate > 0) {
        interval_us = INT64_C(60000000) / options->presence_rate;
        burst = options->presence_rate;
    }
    return (struct pace){interval_us, interval_us * (burst - 1)};
}

static int64_t due_us(const struct rate *rate, enum rate_kind kind, const struct line *line)
{
    return line->full_us - rate->paces[kind].slack_us;
}

static void spend(const struct rate *rate, enum rate_kind kind, struct line *line, int64_t now_us)
{
    int64_t full_us = line->full_us > now_us ? line->full_us : now_us;
    line->full_us = full_us + rate->paces[kind].interval_us;
}

/* Who waits is not overtaken. */
static bool take(const struct rate *rate, enum rate_kind kind, struct line *line, int64_t now_us)
{
    if (line->count > 0 || due_us(rate, kind, line) > now_us)
        return false;
    spend(rate, kind, line, now_us);
    return true;
}

/* ---- who has sent something lately ---- */

static bool nothing_waits(const struct sender *sender)
{
    return sender->lines[RATE_MESSAGE].count == 0 && sender->lines[RATE_PRESENCE].count == 0;
}

static bool is_full(const struct sender *sender, int64_t now_us)
{
    return sender->lines[RATE_MESSAGE].full_us <= now_us &&
           sender->lines[RATE_PRESENCE].full_us <= now_us;
}

static void shelve(struct rate *rate, struct sender *sender)
{
    sender->older = rate->newest;
    sender->newer = NULL;
    if (rate->newest != NULL)
        rate->newest->newer = sender;
    else
        rate->oldest = sender;
    rate->newest = sender;
}

static void unshelve(struct rate *rate, struct sender *sender)
{
    if (sender->older != NULL)
        sender->older->newer = sender->newer;
    else
        rate->oldest = sender->newer;
    if (sender->newer != NULL)
        sender->newer->older = sender->older;
    else
        rate->newest = sender->older;
}

static void forget(struct rate *rate, struct sender *sender)
{
    ensure(nothing_waits(sender));
    unshelve(rate, sender);
    map_remove(&rate->senders, sender->account);
    str_free(&sender->account);
    mem_free(sender);
}

/* Those nobody has heard of for longest are most likely to be full: looking at two for each who is
 * new keeps up with them. */
static void make_room(struct rate *rate, int64_t now_us)
{
    for (unsigned i = 0; i < 2 && rate->oldest != NULL && is_full(rate->oldest, now_us); i++)
        forget(rate, rate->oldest);
    if (rate->senders.count >= RATE_ACCOUNTS_MAX)
        forget(rate, rate->oldest);
}

static void sweep(struct rate *rate, int64_t now_us)
{
    struct sender *next;
    for (struct sender *sender = rate->oldest; sender != NULL; sender = next) {
        next = sender->newer;
        if (is_full(sender, now_us))
            forget(rate, sender);
    }
}

static struct sender *sender_of(struct rate *rate, const struct inbound *in)
{
    return map_get(&rate->senders, jid_bare(in->from));
}

static struct sender *sender_need(struct rate *rate, const struct inbound *in, int64_t now_us)
{
    struct sender *sender = sender_of(rate, in);
    if (sender != NULL) {
        if (nothing_waits(sender)) {
            unshelve(rate, sender);
            shelve(rate, sender);
        }
        return sender;
    }
    make_room(rate, now_us);
    sender = MEM_NEW(struct sender);
    sender->account = str_copy(jid_bare(in->from));
    for (unsigned kind = 0; kind < RATE_KINDS; kind++)
        sender->lines[kind].sender = sender;
    map_put(&rate->senders, sender->account, sender);
    shelve(rate, sender);
    return sender;
}

/* ---- lines ---- */

static void unlink_line(struct rate *rate, enum rate_kind kind, const struct line *line)
{
    if (line->before != NULL)
        line->before->after = line->after;
    else
        rate->first[kind] = line->after;
    if (line->after != NULL)
        line->after->before = line->before;
    else
        rate->last[kind] = line->before;
}

/* All go at the same pace, so a line's place is at the end or near it. */
static void link_line(struct rate *rate, enum rate_kind kind, struct line *line)
{
    struct line *before = rate->last[kind];
    while (before != NULL && before->full_us > line->full_us)
        before = before->before;
    line->before = before;
    line->after = before == NULL ? rate->first[kind] : before->after;
    if (line->after != NULL)
        line->after->before = line;
    else
        rate->last[kind] = line;
    if (before != NULL)
        before->after = line;
    else
        rate->first[kind] = line;
}

static uint32_t size_of(const struct stanza *stanza, const struct jid *from, const struct jid *to)
{
    return stanza->size + (uint32_t)(jid_full(from).len + jid_full(to).len);
}

static void append(struct rate *rate, enum rate_kind kind, struct line *line,
                   const struct inbound *in)
{
    struct waiting *waiting = MEM_NEW(struct waiting);
    waiting->stanza = stanza_copy(in->stanza);
    waiting->from = jid_copy(in->from);
    waiting->to = jid_copy(in->to);
    waiting->route = in->route;
    struct waiting **end = &line->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = waiting;
    if (nothing_waits(line->sender))
        unshelve(rate, line->sender);
    if (line->count++ == 0)
        link_line(rate, kind, line);
    rate->waiting++;
    rate->bytes += size_of(in->stanza, in->from, in->to);
}

/* Takes out what `*at` points to, for the caller to free. */
static struct waiting *take_out(struct rate *rate, enum rate_kind kind, struct line *line,
                                struct waiting **at)
{
    struct waiting *waiting = *at;
    *at = waiting->next;
    rate->waiting--;
    rate->bytes -= size_of(waiting->stanza, waiting->from, waiting->to);
    if (--line->count == 0)
        unlink_line(rate, kind, line);
    if (nothing_waits(line->sender))
        shelve(rate, line->sender);
    return waiting;
}

static void waiting_free(struct waiting *waiting)
{
    stanza_free(waiting->stanza);
    jid_free(waiting->from);
    jid_free(waiting->to);
    mem_free(waiting);
}

static void empty_line(struct rate *rate, enum rate_kind kind, struct line *line)
{
    while (line->first != NULL)
        waiting_free(take_out(rate, kind, line, &line->first));
}

/* ---- what comes in ---- */

static bool is_exempt(const struct inbound *in)
{
    return in->affiliation >= AFF_ADMIN;
}

static bool hold(struct room *room, struct step *step, const struct inbound *in,
                 enum rate_kind kind)
{
    static const struct refusal *const refusals[] = {&refusal_MESSAGE_RATE, &refusal_PRESENCE_RATE};
    struct rate *rate = room->rate;
    struct line *line = &sender_of(rate, in)->lines[kind];
    if (line->count >= RATE_QUEUE_MAX || rate->waiting >= RATE_ROOM_QUEUE_MAX ||
        rate->bytes + size_of(in->stanza, in->from, in->to) > RATE_ROOM_BYTES_MAX)
        (void)refuse(room, step, in, refusals[kind]);
    else
        append(rate, kind, line, in);
    return true;
}

bool rate_message_waits(struct room *room, struct step *step, const struct inbound *in)
{
    struct rate *rate = room->rate;
    if (in->kind != KIND_MESSAGE || in->type == TYPE_ERROR || in->session == NULL || in->waited)
        return false;
    const struct sender *known = sender_of(rate, in);
    bool queued = known != NULL && known->lines[RATE_MESSAGE].count > 0;
    bool measured = room->options.message_rate > 0 && !is_exempt(in);
    if (!measured && !queued)
        return false;
    struct line *line = &sender_need(rate, in, step->now_us)->lines[RATE_MESSAGE];
    return !take(rate, RATE_MESSAGE, line, step->now_us) && hold(room, step, in, RATE_MESSAGE);
}

/* What that session has said before of its availability is outdated. */
static void supersede(struct rate *rate, const struct inbound *in)
{
    struct sender *sender = sender_of(rate, in);
    if (sender == NULL)
        return;
    struct line *line = &sender->lines[RATE_PRESENCE];
    for (struct waiting **at = &line->first; *at != NULL; at = &(*at)->next) {
        if (jid_eq((*at)->from, in->from)) {
            waiting_free(take_out(rate, RATE_PRESENCE, line, at));
            return;
        }
    }
}

bool rate_update_waits(struct room *room, struct step *step, const struct inbound *in)
{
    struct rate *rate = room->rate;
    if (rate == NULL || in->waited)
        return false;
    supersede(rate, in);
    if (is_exempt(in) || room->options.presence_rate == 0)
        return false;
    struct line *line = &sender_need(rate, in, step->now_us)->lines[RATE_PRESENCE];
    return !take(rate, RATE_PRESENCE, line, step->now_us) && hold(room, step, in, RATE_PRESENCE);
}

const struct refusal *rate_refuses(struct room *room, struct step *step, const struct inbound *in)
{
    struct rate *rate = room->rate;
    if (rate == NULL)
        return NULL;
    if (!is_exempt(in) && room->options.presence_rate > 0) {
        struct line *line = &sender_need(rate, in, step->now_us)->lines[RATE_PRESENCE];
        if (!take(rate, RATE_PRESENCE, line, step->now_us))
            return &refusal_PRESENCE_RATE;
    }
    supersede(rate, in);
    return NULL;
}

/* ---- whose turn it is ---- */

static struct stanza *stanza_in(struct arena *arena, const struct stanza *stanza)
{
    return memcpy(arena_raw(arena, stanza->size), stanza, stanza->size);
}

static struct jid *jid_in(struct arena *arena, const struct jid *jid)
{
    return jid_make(arena, jid_local(jid), jid_domain(jid), jid_resource(jid));
}

/* The client may be there over another connection by now. Takes `waiting`. */
static void make_event(const struct room *room, struct step *step, struct waiting *waiting,
                       struct event *event)
{
    const struct session *session = session_find(room, jid_full(waiting->from));
    *event = (struct event){.kind = EV_STANZA};
    event->stanza.stanza = stanza_in(step->arena, waiting->stanza);
    event->stanza.from = jid_in(step->arena, waiting->from);
    event->stanza.to = jid_in(step->arena, waiting->to);
    event->stanza.route = session != NULL ? session->route : waiting->route;
    waiting_free(waiting);
}

/* It was about the nickname of then, and is about that of now. False: the session has ended. */
static bool is_still_inside(const struct room *room, struct waiting *waiting)
{
    const struct session *session = session_find(room, jid_full(waiting->from));
    if (session == NULL)
        return false;
    if (!jid_is_bare(waiting->to) && !jid_eq(waiting->to, session->occupant->jid)) {
        jid_free(waiting->to);
        waiting->to = jid_copy(session->occupant->jid);
    }
    return true;
}

static enum rate_kind first_kind(const struct rate *rate)
{
    const struct line *message = rate->first[RATE_MESSAGE], *presence = rate->first[RATE_PRESENCE];
    if (message == NULL || presence == NULL)
        return message != NULL ? RATE_MESSAGE : RATE_PRESENCE;
    bool message_first =
        due_us(rate, RATE_MESSAGE, message) <= due_us(rate, RATE_PRESENCE, presence);
    return message_first ? RATE_MESSAGE : RATE_PRESENCE;
}

bool rate_next(struct room *room, struct step *step, struct event *event)
{
    struct rate *rate = room->rate;
    if (rate == NULL)
        return false;
    rate->alarm_us = 0;
    enum rate_kind kind = first_kind(rate);
    struct line *line = rate->first[kind];
    if (line == NULL || due_us(rate, kind, line) > step->now_us) {
        sweep(rate, step->now_us);
        return false;
    }
    struct waiting *waiting = take_out(rate, kind, line, &line->first);
    bool stale = kind == RATE_PRESENCE && !is_still_inside(room, waiting);
    if (!stale)
        spend(rate, kind, line, step->now_us);
    if (line->count > 0) {
        unlink_line(rate, kind, line);
        link_line(rate, kind, line);
    }
    if (stale) {
        waiting_free(waiting);
        return false;
    }
    make_event(room, step, waiting, event);
    return true;
}

bool rate_flush(struct room *room, struct step *step, struct event *event)
{
    struct rate *rate = room->rate;
    if (rate == NULL || rate->first[RATE_MESSAGE] == NULL)
        return false;
    struct line *line = rate->first[RATE_MESSAGE];
    make_event(room, step, take_out(rate, RATE_MESSAGE, line, &line->first), event);
    return true;
}

/* ---- the room's life ---- */

static bool is_limited(const struct room *room)
{
    return room_exists(room) && (room->options.message_rate > 0 || room->options.presence_rate > 0);
}

/* Once the numbers are others, what was counted by the old ones means nothing. */
static void renew(const struct room *room, struct rate *rate)
{
    bool changed = false;
    for (unsigned kind = 0; kind < RATE_KINDS; kind++) {
        struct pace pace = pace_of(&room->options, kind);
        changed |= pace.interval_us != rate->paces[kind].interval_us ||
                   pace.slack_us != rate->paces[kind].slack_us;
        rate->paces[kind] = pace;
    }
    if (!changed)
        return;
    struct sender *sender;
    map_each (&rate->senders, at, sender) {
        for (unsigned kind = 0; kind < RATE_KINDS; kind++)
            sender->lines[kind].full_us = 0;
    }
    sweep(rate, 0);
}

/* Until somebody's turn; or until those who have been quiet can be forgotten. */
static int64_t next_alarm_us(const struct rate *rate, int64_t now_us)
{
    enum rate_kind kind = first_kind(rate);
    if (rate->first[kind] != NULL) {
        int64_t at_us = due_us(rate, kind, rate->first[kind]);
        return at_us > now_us ? at_us : now_us;
    }
    if (rate->senders.count == 0)
        return 0;
    return rate->alarm_us != 0 ? rate->alarm_us : now_us + RATE_SWEEP_SECONDS * INT64_C(1000000);
}

static void set_alarm(struct rate *rate, struct step *step, int64_t at_us)
{
    if (at_us == rate->alarm_us)
        return;
    rate->alarm_us = at_us;
    effect_timer(step, ROOM_TIMER_RATE, at_us);
}

void rate_watch(struct room *room, struct step *step)
{
    bool limited = is_limited(room);
    if (room->rate == NULL && !limited)
        return;
    if (room->rate == NULL) {
        room->rate = MEM_NEW(struct rate);
        map_init(&room->rate->senders, &room->env->hash_key);
    }
    renew(room, room->rate);
    bool over = !room_exists(room) || (!limited && room->rate->waiting == 0);
    set_alarm(room->rate, step, over ? 0 : next_alarm_us(room->rate, step->now_us));
    if (over)
        rate_free(room);
}

uint32_t rate_known(const struct room *room)
{
    return room->rate == NULL ? 0 : room->rate->senders.count;
}

void rate_free(struct room *room)
{
    struct rate *rate = room->rate;
    if (rate == NULL)
        return;
    for (unsigned kind = 0; kind < RATE_KINDS; kind++) {
        while (rate->first[kind] != NULL)
            empty_line(rate, kind, rate->first[kind]);
    }
    while (rate->oldest != NULL)
        forget(rate, rate->oldest);
    map_fini(&rate->senders);
    mem_free(rate);
    room->rate = NULL;
}

/* ---- what holds between two steps ---- */

static uint32_t check_line(const struct rate *rate, const struct sender *sender,
                           enum rate_kind kind, uint32_t *bytes)
{
    const struct line *line = &sender->lines[kind];
    uint32_t count = 0;
    ensure(line->sender == sender && line->full_us >= 0);
    for (const struct waiting *waiting = line->first; waiting != NULL; waiting = waiting->next) {
        ensure(str_eq(jid_bare(waiting->from), sender->account));
        *bytes += size_of(waiting->stanza, waiting->from, waiting->to);
        count++;
    }
    ensure(count == line->count && count <= RATE_QUEUE_MAX);
    if (count == 0)
        return 0;
    ensure(line->before == NULL ? rate->first[kind] == line : line->before->after == line);
    ensure(line->after == NULL ? rate->last[kind] == line : line->after->before == line);
    ensure(line->after == NULL || line->full_us <= line->after->full_us);
    return count;
}

static uint32_t shelved(const struct rate *rate)
{
    uint32_t count = 0;
    const struct sender *older = NULL;
    for (const struct sender *sender = rate->oldest; sender != NULL; sender = sender->newer) {
        ensure(sender->older == older && nothing_waits(sender));
        older = sender;
        count++;
    }
    ensure(rate->newest == older);
    return count;
}

void rate_check(const struct room *room)
{
    const struct rate *rate = room->rate;
    ensure(rate != NULL || !is_limited(room));
    if (rate == NULL)
        return;
    ensure(room_exists(room) && (is_limited(room) || rate->waiting > 0));
    uint32_t waiting = 0, bytes = 0, still = 0;
    const struct sender *sender;
    map_each (&rate->senders, at, sender) {
        ensure(map_get(&rate->senders, sender->account) == sender);
        still += nothing_waits(sender);
        for (unsigned kind = 0; kind < RATE_KINDS; kind++)
            waiting += check_line(rate, sender, kind, &bytes);
    }
    ensure(waiting == rate->waiting && waiting <= RATE_ROOM_QUEUE_MAX);
    ensure(bytes == rate->bytes && bytes <= RATE_ROOM_BYTES_MAX);
    ensure(shelved(rate) == still && rate->senders.count <= RATE_ACCOUNTS_MAX);
    /* A step that waits for its commit has not come to its end. */
    ensure(room->pending != NULL || (rate->alarm_us != 0) == (rate->senders.count > 0));
}
