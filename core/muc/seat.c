/*
 * The order in which a session that enters, or comes back, is told things (SEMANTICS 2.3): who is
 * here, then itself, then what features add (history, subject). One step emits it all, so nothing
 * live can come in between.
 * @xep 0045 1.35.5 #order #enter-pres.list #enter-pres.self-last #enter-nonanon.warning #enter-live
 * @xep 0045 1.35.5 #enter-logging
 * @xep 0045 1.35.5 #bizrules-presence.resync-told
 */
#include "core/muc/feature.h"
#include "core/muc/silence.h"

/* Did what others see of the nickname change by this session's coming? */
static bool newcomer_is_seen(const struct session *newcomer)
{
    const struct occupant *occupant = newcomer->occupant;
    if (occupant_primary(occupant) != newcomer)
        return false;
    const struct session *before = occupant_primary_without(occupant, newcomer);
    return before == NULL || !session_looks_like(before, newcomer);
}

/* `seen`: it was inside before, and the caller knows that others see a difference. */
static void show_to_others(struct room *room, struct step *step, const struct session *session,
                           bool seen)
{
    static const struct news news = {.urgency = URGENCY_STANDING};
    const struct occupant *occupant = session->occupant;
    if (occupant->session_count == 1) {
        presence_to_others(room, step, occupant, &news);
        return;
    }
    for (const struct session *other = occupant->sessions; other != NULL; other = other->next) {
        if (other != session)
            presence_to_self(room, step, occupant, other, NULL);
    }
    presence_sessions_changed(room, step, occupant, seen || newcomer_is_seen(session),
                              URGENCY_STANDING);
}

static uint32_t room_statuses(const struct room *room)
{
    uint32_t set = 0;
    if (room->options.whois == WHOIS_ANYONE)
        set |= STATUS_BIT(100);
    if (room->options.archive || room->options.logged)
        set |= STATUS_BIT(170);
    return set;
}

void seat_session_shown(struct room *room, struct step *step, struct session *session,
                        const struct inbound *in, const struct node *x, uint32_t self_statuses,
                        bool tell_others)
{
    struct news own = {
        .self_statuses = self_statuses | room_statuses(room),
        .id = in->id,
        .id_for = session,
    };
    silence_broken(session, step->now_us);
    presence_list(room, step, session);
    if (tell_others)
        show_to_others(room, step, session, in->session == session);
    presence_to_self(room, step, session->occupant, session, &own);
    features_entered(room, step, session, x);
}
