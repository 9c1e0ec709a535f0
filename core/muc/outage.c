#include "core/muc/outage.h"

#include "core/muc/attendance.h"
#include "core/muc/feature.h"
#include "core/muc/permit.h"
#include "core/muc/silence.h"

/* ---- putting out who has missed something ---- */

uint32_t outage_bars(const struct room *room, const struct occupant *occupant)
{
    if (occupant->affiliation == AFF_OUTCAST ||
        permit_banned(room->env->settings, occupant->account))
        return STATUS_BIT(301);
    if (room->options.members_only && occupant->affiliation == AFF_NONE)
        return STATUS_BIT(322);
    return 0;
}

static struct news farewell(const struct room *room, const struct session *session)
{
    struct news news = {.statuses = outage_bars(room, session->occupant)};
    if (news.statuses != 0)
        return news;
    news.statuses = STATUS_BIT(333);
    if (session->gone)
        return news;
    news.missed = true;
    news.status_text = STR("Missed messages: the connection to your server was lost");
    return news;
}

/* Who is gone is told nothing: its connection ended with the process it was inside of. */
static void put_out(struct room *room, struct step *step, struct session *session,
                    struct route route)
{
    struct news news = farewell(room, session);
    if (!session->gone)
        session_set_route(room, session, route);
    removal_session(room, step, session, &news);
}

static bool has_cut_off(const struct room *room)
{
    return roster_size(room->roster) < room->session_count;
}

static struct route any_way(const struct step *step)
{
    if (step->ways == NULL)
        return ROUTE_NONE;
    return step->ways->any(step->ways->self, step->env->settings->domain);
}

/* What the alarm is set for: to put out those who can be told, or those who need not be because
 * they are gone, when no link has come up for long. Before that others would miss it. */
enum { ALARM_NONE, ALARM_TELLS, ALARM_GHOSTS };

/* Is anybody reached while no link is up? His coming was already lost for those behind the links,
 * so that more of it costs them nothing. If there is nobody, it would. */
static bool anybody_sees(const struct room *room, const struct step *step)
{
    for (uint32_t i = 0; i < room->sessions_size; i++) {
        const struct session *session = room->sessions[i];
        if (session != NULL && !session_is_cut_off(session) &&
            outage_way(step, session->route).lane != LANE_NONE)
            return true;
    }
    return false;
}

void outage_reach(struct room *room, const struct step *step, const struct occupant *occupant)
{
    struct route route = any_way(step);
    if (route.lane == LANE_NONE)
        return;
    for (struct session *session = occupant->sessions; session != NULL; session = session->next) {
        if (session_is_cut_off(session) && !session->gone)
            session_set_route(room, session, route);
    }
}

void outage_look(struct room *room, struct step *step)
{
    struct route route = any_way(step);
    bool tells = route.lane != LANE_NONE;
    uint32_t left = ROOM_OUTAGE_PER_LOOK;
    uint8_t alarm = tells ? ALARM_TELLS : room->outage_alarm;
    room->outage_alarm = ALARM_NONE;
    if (!tells && (alarm != ALARM_GHOSTS || !anybody_sees(room, step)))
        return; /* outage_watch() sets it again, if it is still wanted */
    for (uint32_t i = 0; i < room->sessions_size && left > 0 && has_cut_off(room); i++) {
        struct session *session = room->sessions[i];
        if (session == NULL || !session_is_cut_off(session) || (!tells && !session->gone))
            continue;
        put_out(room, step, session, route);
        left--;
    }
    if (tells ? !has_cut_off(room) : room->gone_count == 0)
        return;
    room->outage_alarm = alarm;
    effect_timer(step, ROOM_TIMER_OUTAGE, step->now_us + ROOM_OUTAGE_LOOK_MS * INT64_C(1000));
}

void outage_watch(struct room *room, struct step *step)
{
    int64_t at_us = 0;
    uint8_t wanted = ALARM_NONE;
    if (has_cut_off(room) && any_way(step).lane != LANE_NONE) {
        wanted = ALARM_TELLS;
        at_us = step->now_us;
    } else if (room->gone_count > 0) {
        wanted = ALARM_GHOSTS;
        at_us = step->now_us + ROOM_GHOSTS_SECONDS * INT64_C(1000000);
    }
    if (wanted == room->outage_alarm)
        return;
    room->outage_alarm = wanted;
    effect_timer(step, ROOM_TIMER_OUTAGE, at_us);
}

/* ---- links ---- */

/* As if it had been silent for long: it is asked when its turn comes, at the pace of all pings. */
static void ask_soon(const struct room *room, const struct step *step, struct session *session)
{
    int64_t long_ago_us = step->now_us - silence_period_us(room);
    session->pings = 0;
    if (session->heard_us > long_ago_us)
        session->heard_us = long_ago_us;
}

static void look_after(struct room *room, struct step *step, struct session *session)
{
    struct route now = outage_way(step, session->route);
    if (now.lane == LANE_NONE) {
        session->stranded = true;
        return;
    }
    bool moves = !route_eq(now, session->route);
    if (moves) {
        session_set_route(room, session, now);
        session->moved = true;
    }
    if (moves || session->stranded)
        ask_soon(room, step, session);
    session->stranded = false;
}

void outage_links(struct room *room, struct step *step)
{
    for (uint32_t i = 0; i < room->sessions_size; i++) {
        struct session *session = room->sessions[i];
        if (session != NULL && !session_is_cut_off(session))
            look_after(room, step, session);
    }
}

/* What was lost may have been for any of them. Who was moved away from a link may have been meant
 * by what was on its way when it was. */
void outage_loss(struct room *room, struct route lost)
{
    for (uint32_t i = 0; i < room->sessions_size; i++) {
        struct session *session = room->sessions[i];
        if (session == NULL || session_is_cut_off(session))
            continue;
        if (!session->moved && !route_eq(session->route, lost))
            continue;
        session_cut_off(room, session);
        attendance_note(room, session);
    }
}

/* ---- stanzas by another route ---- */

bool outage_follow(struct room *room, struct step *step, const struct event *event,
                   struct inbound *in)
{
    const struct ways *ways = step->ways;
    /* What an older connection of the client had sent comes late. It says what it says, but not
     * where the client is, nor whether it is there. */
    if (ways != NULL && ways->replaced(ways->self, in->from, in->route))
        return in->kind != KIND_PRESENCE;
    struct route now = outage_way(step, in->route);
    if (now.lane == LANE_NONE)
        return true;
    in->route = now;
    if (!session_is_cut_off(in->session)) {
        session_set_route(room, in->session, now);
        return true;
    }
    put_out(room, step, in->session, now);
    if (!inbound_read(room, step, event, in))
        return false;
    in->route = now;
    return true;
}
