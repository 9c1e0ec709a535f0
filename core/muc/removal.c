/*
 * Putting somebody out: the news first, while the occupant is still there to be described, then the
 * state. Who is put out is never among those the news is broadcast to, so nothing reaches a session
 * after its own unavailable presence (SEMANTICS 4.6.4).
 */
#include "core/muc/feature.h"

void removal_occupant(struct room *room, struct step *step, struct occupant *occupant,
                      struct news *news)
{
    news->unavailable = true;
    news->urgency = URGENCY_LASTING;
    /* A room that was never configured goes with its creator, who is told so (SEMANTICS 3.5). */
    news->ends_room = room->state == ROOM_LOCKED && room->session_count == occupant->session_count;
    presence_announce(room, step, occupant, news);
    room_voice_forget(room, occupant->account);
    occupant_remove(room, occupant);
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
    /* A technical problem of one session is none of the nickname's (SEMANTICS 4.7.4). */
    news->unavailable = true;
    news->statuses &= ~STATUS_BIT(333);
    news->only = session;
    presence_to_self(room, step, occupant, session, news);
    session_remove(room, session);
    presence_to_self(room, step, occupant, NULL, NULL);
    presence_sessions_changed(room, step, occupant, seen_changed, URGENCY_LASTING);
}
