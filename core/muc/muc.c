/*
 * The one entry of the rules: an event in, effects out. Here stands what holds for every stanza (is
 * the room there, open, gone; is the request well formed); what a stanza means is a feature's
 * matter.
 * @xep 0045 1.35.5 #enter-locked #bizrules-message.no-room #service-error-kick
 * @xep 0045 1.35.5 #service-shutdown-kick
 */
#include "core/muc/muc.h"

#include "core/base/ensure.h"
#include "core/muc/attendance.h"
#include "core/muc/burial.h"
#include "core/muc/destruction.h"
#include "core/muc/feature.h"
#include "core/muc/keeping.h"
#include "core/muc/outage.h"
#include "core/muc/rate.h"
#include "core/muc/restore.h"
#include "core/muc/silence.h"

#include <endian.h>

/* ---- ids ---- */

/* Eight digits, the lowest four bits first. All at once: every message gets an id. */
static void write_digits(char *to, uint32_t bits)
{
    uint64_t each = bits; /* spread, so that each byte has four bits */
    each = (each | each << 16) & UINT64_C(0x0000ffff0000ffff);
    each = (each | each << 8) & UINT64_C(0x00ff00ff00ff00ff);
    each = (each | each << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (each + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    each += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
    each = htole64(each);
    memcpy(to, &each, sizeof(each));
}

/* SipHash is a pseudo-random function and the step's entropy its key, used in no other step: an id
 * tells nothing of what the next will be. */
static char *write_id(struct step *step)
{
    const struct hash_key key = {step->entropy[0], step->entropy[1]};
    char *text = arena_raw(step->arena, 4 * 8);
    for (unsigned half = 0; half < 2; half++) {
        uint64_t number = (uint64_t)step->ids++;
        uint64_t bits = hash_str(&key, str_of((const char *)&number, sizeof(number)));
        write_digits(text + half * 16, (uint32_t)bits);
        write_digits(text + half * 16 + 8, (uint32_t)(bits >> 32));
    }
    return text;
}

struct str step_id(struct step *step)
{
    return str_of(write_id(step), 4 * 8);
}

struct str step_stanza_id(struct step *step)
{
    enum { TIME_DIGITS = 14 }; /* microseconds: until the year 4253 */
    char *text = write_id(step);
    uint64_t time = (uint64_t)step->now_us;
    for (unsigned i = TIME_DIGITS; i-- > 0; time >>= 4)
        text[i] = "0123456789abcdef"[time & 15];
    return str_of(text, 4 * 8);
}

/* ---- stanzas ---- */

/* Why the room's state keeps this stanza out, or NULL. */
static const struct refusal *closed_to(const struct room *room, const struct inbound *in)
{
    switch (room->state) {
    case ROOM_ABSENT:
        return &refusal_ROOM_MISSING;
    case ROOM_DESTROYED:
        return &refusal_ROOM_GONE;
    case ROOM_LOCKED:
        if (in->session != NULL || str_eq(jid_bare(in->from), room->creator))
            return NULL;
        return &refusal_ROOM_LOCKED;
    case ROOM_OPEN:
        return NULL;
    }
    never("a room in no state");
}

static bool is_malformed_request(const struct inbound *in)
{
    return in->kind == KIND_IQ && (in->type & (TYPE_RESULT | TYPE_ERROR)) == 0 &&
           !inbound_is_request(in);
}

/* Receipts and markers to the room concern nobody; refusing them would only make noise. */
static bool is_acknowledgement(const struct inbound *in)
{
    return in->type == TYPE_NORMAL && node_find(in->root, NAME_BODY, NS_STANZA) == NULL &&
           (node_find(in->root, NAME_NONE, NS_RECEIPTS) != NULL ||
            node_find(in->root, NAME_NONE, NS_CHAT_MARKERS) != NULL);
}

static enum step_outcome unhandled(struct room *room, struct step *step, const struct inbound *in)
{
    if (in->kind == KIND_IQ)
        return refuse(room, step, in, &refusal_SERVICE_UNAVAILABLE);
    if (in->kind == KIND_MESSAGE && !is_acknowledgement(in))
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    return STEP_DONE;
}

/* Stanzas that nobody expects an answer to (SEMANTICS 4.6.1, 4.7.6): refusal_frame() knows those
 * that must not be answered, here are those that one does not answer. */
static bool wants_no_answer(const struct inbound *in)
{
    return in->kind == KIND_PRESENCE && (in->type & (TYPE_UNAVAILABLE | TYPE_OTHER)) != 0;
}

/* Whom the operator has banned gets nothing done from outside, and one answer whatever is there.
 * What is wrong with the nickname of who wants to enter comes first: that asks again. */
static bool is_shut_out(const struct room *room, const struct inbound *in)
{
    bool enters = in->kind == KIND_PRESENCE && node_find(in->root, NAME_X, NS_MUC) != NULL;
    if (in->session != NULL || (in->type == TYPE_AVAILABLE && enters))
        return false;
    if ((in->type & (TYPE_ERROR | TYPE_RESULT)) != 0 || wants_no_answer(in))
        return false;
    return permit_banned(room->env->settings, jid_bare(in->from));
}

static enum step_outcome handle(struct room *room, struct step *step, const struct inbound *in)
{
    const struct handler *handler = features_handler(room, in);
    const struct refusal *closed = closed_to(room, in);
    if (closed != NULL && (handler == NULL || !handler->any_state))
        return wants_no_answer(in) ? STEP_DONE : refuse(room, step, in, closed);
    if (room->rate != NULL && rate_message_waits(room, step, in))
        return STEP_DONE;
    if (handler == NULL)
        return unhandled(room, step, in);
    return handler->run(room, step, in);
}

static enum step_outcome step_stanza(struct room *room, struct step *step,
                                     const struct event *event)
{
    /* In the arena: a change that waits for its commit needs it again. */
    struct inbound *in = arena_raw(step->arena, sizeof(*in));
    if (!inbound_read(room, step, event, in))
        return STEP_DONE;
    if (is_malformed_request(in))
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    /* The same client over another connection: answers go there from now on. What came by none (an
     * error made for somebody who could not be reached) says nothing about that. */
    if (in->session != NULL && in->route.lane != LANE_NONE &&
        !route_eq(in->session->route, in->route) && !outage_follow(room, step, event, in))
        return STEP_DONE;
    if (in->session != NULL && in->type != TYPE_ERROR)
        silence_broken(in->session, step->now_us);
    if (is_shut_out(room, in))
        return refuse(room, step, in, &refusal_SERVICE_BANNED);
    return handle(room, step, in);
}

/* The archive has answered, maybe long after the question: who asked may have left, and the room
 * may not be what it was. */
static enum step_outcome step_answer(struct room *room, struct step *step,
                                     const struct event *event)
{
    struct event asked = {.kind = EV_STANZA};
    if (event->answer.stanza == NULL)
        return burial_answered(room, step, event);
    asked.stanza.stanza = event->answer.stanza;
    asked.stanza.from = event->answer.from;
    asked.stanza.to = event->answer.to;
    asked.stanza.route = event->answer.route;
    struct inbound *in = arena_raw(step->arena, sizeof(*in));
    if (!inbound_read(room, step, &asked, in))
        return STEP_DONE;
    const struct refusal *closed = closed_to(room, in);
    if (closed == NULL && is_shut_out(room, in))
        closed = &refusal_SERVICE_BANNED;
    if (closed != NULL)
        return refuse(room, step, in, closed);
    const struct handler *handler = features_handler(room, in);
    if (handler == NULL || handler->answered == NULL)
        return unhandled(room, step, in);
    return handler->answered(room, step, in, event);
}

/* ---- stanzas that have waited for their turn ---- */

/* As if it had come now; only that it says nothing of where the client is and when it spoke. */
static enum step_outcome handle_waited(struct room *room, struct step *step,
                                       const struct event *event)
{
    struct inbound *in = arena_raw(step->arena, sizeof(*in));
    bool read = inbound_read(room, step, event, in);
    ensure(read);
    in->waited = true;
    return handle(room, step, in);
}

/* The room is no more: each is told so. */
static void end_waiting(struct room *room, struct step *step)
{
    struct event event;
    while (!room_exists(room) && rate_flush(room, step, &event))
        (void)handle_waited(room, step, &event);
}

static void refuse_waiting(struct room *room, struct step *step)
{
    struct event event;
    struct inbound in;
    while (rate_flush(room, step, &event)) {
        if (inbound_read(room, step, &event, &in))
            (void)refuse(room, step, &in, &refusal_MESSAGE_RATE);
    }
    rate_watch(room, step);
}

/* ---- other events ---- */

static void step_session_gone(struct room *room, struct step *step, const struct event *event)
{
    struct session *session = session_find(room, jid_full(event->session_gone.jid));
    if (session == NULL || !route_eq(session->route, event->session_gone.route))
        return;
    struct news news = {.statuses = event->session_gone.properly ? 0 : STATUS_BIT(333)};
    removal_session(room, step, session, &news);
}

static enum step_outcome open_with_defaults(struct room *room, struct step *step)
{
    struct change defaults = {.kind = CHANGE_OPTIONS, .options = &room->options};
    if (room->state != ROOM_LOCKED)
        return STEP_DONE;
    return change_submit(room, step, &defaults, NULL, NULL);
}

static enum step_outcome step_timer(struct room *room, struct step *step, enum room_timer timer)
{
    struct event waited;
    switch (timer) {
    case ROOM_TIMER_LOCK:
        return open_with_defaults(room, step);
    case ROOM_TIMER_TOMBSTONE:
        if (room->state == ROOM_DESTROYED)
            room_clear(room);
        return STEP_DONE;
    case ROOM_TIMER_PING:
        silence_look(room, step);
        return STEP_DONE;
    case ROOM_TIMER_OUTAGE:
        outage_look(room, step);
        return STEP_DONE;
    case ROOM_TIMER_BURIAL:
        burial_ask_again(room);
        return STEP_DONE;
    case ROOM_TIMER_RATE:
        return rate_next(room, step, &waited) ? handle_waited(room, step, &waited) : STEP_DONE;
    case ROOM_TIMERS:
        break;
    }
    never("no such alarm");
}

/* Will it be found again, without having noticed anything? */
static bool stays(const struct occupant *occupant, const struct event *event)
{
    return event->shutdown.handed_over &&
           !str_eq(jid_domain(occupant->sessions->jid), event->shutdown.local);
}

bool room_is_handed_over(const struct room *room, const struct event *event)
{
    const struct occupant *occupant;
    for (uint32_t at = 0; (occupant = occupant_next(room, &at)) != NULL;) {
        if (stays(occupant, event))
            return true;
    }
    return false;
}

/* Each session is told about itself only; a room is not emptied name by name before everybody
 * (SEMANTICS 14.1). Rooms are not over by it, so nothing is settled. */
static void step_shutdown(struct room *room, struct step *step, const struct event *event)
{
    struct news news = {.unavailable = true, .statuses = STATUS_BIT(332)};
    struct occupant *occupant;
    refuse_waiting(room, step);
    occupant_each (room, at, occupant) {
        if (stays(occupant, event))
            continue;
        presence_to_self(room, step, occupant, NULL, &news);
        occupant_tally(step, occupant, false);
        occupant_remove(room, occupant);
    }
    /* Who stays goes on seeing those who do not. So these stay in the store, where the next start
     * finds them, cannot reach them, and says that they have gone. */
    if (room->session_count > 0)
        attendance_drop(room);
    else
        attendance_tell(room, step);
}

/* ---- what follows from any step ---- */

/* It counts from when the room was made, also if the process has begun anew since. */
static int64_t opens_us(const struct room *room, const struct step *step)
{
    int64_t made_us = room->created_us < step->now_us ? room->created_us : step->now_us;
    return made_us + ROOM_LOCK_SECONDS * INT64_C(1000000);
}

/* The alarms belong to states, whoever changed them. */
static void set_alarms(struct room *room, struct step *step, enum room_state before)
{
    if (room->state == before)
        return;
    if (before == ROOM_LOCKED)
        effect_timer(step, ROOM_TIMER_LOCK, 0);
    if (before == ROOM_DESTROYED)
        effect_timer(step, ROOM_TIMER_TOMBSTONE, 0);
    if (room->state == ROOM_LOCKED)
        effect_timer(step, ROOM_TIMER_LOCK, opens_us(room, step));
    if (room->state == ROOM_DESTROYED)
        effect_timer(step, ROOM_TIMER_TOMBSTONE, room->tombstone->until_us);
}

enum step_outcome muc_step(struct room *room, const struct event *event, struct step *step)
{
    enum room_state before = room->state;
    bool occupied = room->session_count > 0;
    enum step_outcome outcome = STEP_DONE;

    ensure(room->pending == NULL || event->kind == EV_COMMITTED || event->kind == EV_COMMIT_FAILED);
    switch (event->kind) {
    case EV_STANZA:
        outcome = step_stanza(room, step, event);
        break;
    case EV_SESSION_GONE:
        step_session_gone(room, step, event);
        break;
    case EV_TIMER:
        outcome = step_timer(room, step, event->timer.timer);
        break;
    case EV_LINKS:
        outage_links(room, step);
        break;
    case EV_LINK_LOSS:
        outage_loss(room, event->link_loss.route);
        effect_loss_heard(step, event->link_loss.route);
        break;
    case EV_DESTROY:
        destruction_by_order(room, step, &event->destroy.ticket);
        break;
    case EV_SHUTDOWN:
        step_shutdown(room, step, event);
        return STEP_DONE;
    case EV_LOADED:
        room_restore(room, step, event->loaded.stored);
        break;
    case EV_COMMITTED:
        change_committed(room, step);
        break;
    case EV_COMMIT_FAILED:
        change_failed(room, step, event->commit_failed.refusal);
        break;
    case EV_APPEND_FAILED:
        keeping_failed(room, step, event);
        break;
    case EV_ANSWER:
        outcome = step_answer(room, step, event);
        break;
    case EV_FORGET:
        keeping_forget(room, step, event->forget.account, event->forget.until_us);
        break;
    }
    if (room->pending == NULL && room->session_count == 0 && (occupied || room->state != before))
        outcome = room_settle(room, step);
    attendance_tell(room, step);
    if (room->pending != NULL)
        return STEP_AWAITS_COMMIT;
    end_waiting(room, step);
    set_alarms(room, step, before);
    silence_watch(room, step);
    outage_watch(room, step);
    burial_watch(room, step);
    rate_watch(room, step);
    room_publish(room, step);
    return outcome;
}
