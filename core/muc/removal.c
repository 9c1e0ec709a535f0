/*
 * Putting somebody out: the news first, while the occupant is still there to be described, then the
 * state. Who is put out is never among those the news is broadcast to, so nothing reaches a session
 * after its own unavailable presence (SEMANTICS 4.6.4).
 */
#include "core/muc/absence.h"
#include "core/muc/feature.h"
#include "core/muc/outage.h"
#include "core/muc/voice_pending.h"

static void going(struct room *room, const struct step *step, const struct occupant *occupant,
                  struct news *news)
{
    outage_reach(room, step, occupant);
    news->unavailable = true;
    news->urgency = URGENCY_LASTING;
    /* A room that was never configured goes with its creator, who is told so (SEMANTICS 3.5). */
    news->ends_room = room->state == ROOM_LOCKED && room->session_count == occupant->session_count;
}

static struct absentee take_out(struct room *room, struct step *step, struct occupant *occupant)
{
    struct absentee absentee = absence_leaving(room, step, occupant);
    occupant_tally(step, occupant, false);
    voice_pending_leave(room, occupant);
    occupant_remove(room, occupant);
    return absentee;
}

void removal_occupant(struct room *room, struct step *step, struct occupant *occupant,
                      struct news *news)
{
    going(room, step, occupant, news);
    presence_announce(room, step, occupant, news);
    struct absentee absentee = take_out(room, step, occupant);
    absence_left(room, step, &absentee);
}

void removal_many(struct room *room, struct step *step, const struct leavers *leavers)
{
    struct presence_parting *partings =
        ARENA_NEW_ARRAY(step->arena, struct presence_parting, leavers->count);
    struct absentee *absentees = ARENA_NEW_ARRAY(step->arena, struct absentee, leavers->count);
    bool missed = leavers->sessions < room->session_count;

    for (uint32_t i = 0; i < leavers->count; i++) {
        struct occupant *occupant = leavers->at[i].occupant;
        struct news *news = leavers->at[i].news;
        going(room, step, occupant, news);
        presence_to_self(room, step, occupant, NULL, news);
        if (missed)
            partings[i] = presence_parting(room, step, occupant, news);
        absentees[i] = take_out(room, step, occupant);
    }
    for (uint32_t i = 0; missed && i < leavers->count; i++)
        presence_part(room, step, &partings[i]);
    for (uint32_t i = 0; missed && i < leavers->count; i++)
        absence_left(room, step, &absentees[i]);
}

struct leavers leavers_begin(struct step *step, uint32_t most)
{
    return (struct leavers){.at = ARENA_NEW_ARRAY(step->arena, struct leaver, most)};
}

void leavers_add(struct leavers *leavers, struct occupant *occupant, struct news *news)
{
    leavers->at[leavers->count++] = (struct leaver){occupant, news};
    leavers->sessions += occupant->session_count;
}

void removal_session(struct room *room, struct step *step, struct session *session,
                     struct news *news)
{
    struct occupant *occupant = session->occupant;
    if (occupant->session_count == 1) {
        removal_occupant(room, step, occupant, news);
        return;
    }
    const struct session *seen = occupant_primary(occupant);
    const struct session *left = occupant_primary_without(occupant, session);
    bool seen_changed = seen == session && !session_looks_like(seen, left);
    news->unavailable = true;
    /* A technical problem of one session is none of the nickname's (SEMANTICS 4.7.4), but it must
     * know of a gap itself. */
    if (!news->missed)
        news->statuses &= ~STATUS_BIT(333);
    news->only = session;
    presence_to_self(room, step, occupant, session, news);
    session_remove(room, session);
    presence_to_self(room, step, occupant, NULL, NULL);
    presence_sessions_changed(room, step, occupant, seen_changed, URGENCY_LASTING);
}
