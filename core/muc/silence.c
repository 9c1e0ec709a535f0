#include "core/muc/silence.h"

#include "core/muc/feature.h"
#include "core/muc/outage.h"

/* So that a look at some places at a time comes round in a period, no sooner. */
static int64_t interval_us(const struct room *room)
{
    int64_t looks = (room->sessions_size + ROOM_PINGS_PER_LOOK - 1) / ROOM_PINGS_PER_LOOK;
    return (silence_period_us(room) + looks - 1) / looks;
}

static void set_alarm(struct room *room, struct step *step, int64_t at_us)
{
    room->silence_alarm_us = at_us;
    effect_timer(step, ROOM_TIMER_PING, at_us);
}

/* Rooms that fill at the same time, after a restart say, do not all ask at the same time. */
static int64_t first_look_us(const struct room *room, const struct step *step)
{
    int64_t half = interval_us(room) / 2;
    uint64_t share = hash_str(&room->env->hash_key, jid_full(room->jid)) % (uint64_t)half;
    return step->now_us + half + (int64_t)share;
}

void silence_watch(struct room *room, struct step *step)
{
    bool wanted = room->session_count > 0 && room->options.ping_minutes > 0;
    bool set = room->silence_alarm_us != 0;
    if (wanted && !set)
        set_alarm(room, step, first_look_us(room, step));
    else if (set && !wanted)
        set_alarm(room, step, 0);
}

/* No other ping's, and no relayed request's, which begins with an address of a room. */
static struct str question(const struct room *room, struct arena *arena,
                           const struct session *asked)
{
    struct buf plain;
    buf_init(&plain, arena);
    buf_addz(&plain, "ping\n");
    buf_add(&plain, jid_full(room->jid));
    buf_addf(&plain, "\n%lld\n%u\n", (long long)asked->heard_us, asked->pings);
    buf_add(&plain, jid_full(asked->jid));
    return buf_str(&plain);
}

bool silence_asked(const struct room *room, struct step *step, struct str id,
                   const struct session *asked)
{
    const struct muc_crypto *crypto = step->env->crypto;
    if (str_empty(id))
        return false;
    struct str opened = crypto->open(crypto->self, step->arena, id);
    return str_present(opened) && str_eq(opened, question(room, step->arena, asked));
}

static void ask(struct room *room, struct step *step, const struct session *session)
{
    const struct muc_crypto *crypto = step->env->crypto;
    struct str id = crypto->seal(crypto->self, step->arena, question(room, step->arena, session));
    struct fb fb;
    fb_begin(&fb, step->arena, "iq", jid_full(room->jid), STR("get"), id);
    fb_empty(&fb, NAME_PING, NS_PING);
    effect_send(step, fb_finish(&fb), session->route, session->address);
}

static void look_at(struct room *room, struct step *step, struct session *session)
{
    if (step->now_us - session->heard_us < silence_period_us(room))
        return;
    /* A question that cannot arrive proves nothing, nor do those that were asked before. */
    if (outage_way(step, session->route).lane == LANE_NONE) {
        session->pings = 0;
        return;
    }
    if (session->pings < ROOM_PINGS_UNANSWERED) {
        session->pings++;
        ask(room, step, session);
        return;
    }
    struct news news = {
        .statuses = STATUS_BIT(333),
        .status_text = STR("Kicked: no answer to pings"),
    };
    removal_session(room, step, session, &news);
}

void silence_look(struct room *room, struct step *step)
{
    for (uint32_t i = 0; i < ROOM_PINGS_PER_LOOK && i < room->sessions_size; i++) {
        uint32_t number = room->silence_next;
        room->silence_next = (number + 1) % room->sessions_size;
        if (room->sessions[number] != NULL)
            look_at(room, step, room->sessions[number]);
    }
    set_alarm(room, step, step->now_us + interval_us(room));
}
