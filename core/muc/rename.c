#include "core/muc/rename.h"

#include "core/muc/feature.h"
#include "core/xmpp/prep.h"

static void rename_whole(struct room *room, struct step *step, struct occupant *occupant,
                         struct str nick)
{
    struct news leaving = {
        .unavailable = true,
        .statuses = STATUS_BIT(303),
        .new_nick = nick,
        .urgency = URGENCY_LASTING,
    };
    struct news arriving = {.self_statuses = STATUS_BIT(210), .urgency = URGENCY_LASTING};

    presence_announce(room, step, occupant, &leaving);
    occupant_rename(room, occupant, nick, prep_nick_key(step->arena, nick));
    presence_announce(room, step, occupant, &arriving);
}

static bool is_among(struct session *const *sessions, uint32_t count, const struct session *one)
{
    for (uint32_t i = 0; i < count; i++) {
        if (sessions[i] == one)
            return true;
    }
    return false;
}

/* Others are shown the end of the one and, once all have moved, what the other has become: so are
 * the sessions that were there already, for it has more addresses now. */
static void join(struct room *room, struct step *step, struct occupant *from, struct occupant *to)
{
    struct news moved = {
        .unavailable = true, .statuses = STATUS_BIT(303), .new_nick = occupant_nick(to)};
    struct news gone = {.unavailable = true, .urgency = URGENCY_LASTING};
    struct news arrived = {.self_statuses = STATUS_BIT(210)};
    uint32_t count = from->session_count;
    struct session **sessions = ARENA_NEW_ARRAY(step->arena, struct session *, count);
    enum role before = from->role;
    uint32_t at = 0;

    for (struct session *session = from->sessions; session != NULL; session = session->next)
        sessions[at++] = session;
    presence_to_self(room, step, from, NULL, &moved);
    presence_to_others(room, step, from, &gone);
    for (uint32_t i = 0; i < count; i++)
        (void)session_move(room, sessions[i], to);
    for (const struct session *there = to->sessions; there != NULL; there = there->next) {
        if (!is_among(sessions, count, there))
            presence_to_self(room, step, to, there, NULL);
    }
    for (uint32_t i = 0; i < count; i++) {
        presence_eyes_changed(room, step, sessions[i], before);
        presence_to_self(room, step, to, sessions[i], &arrived);
    }
    presence_sessions_changed(room, step, to, true, URGENCY_LASTING);
}

void rename_account(struct room *room, struct step *step, struct str account, struct str nick)
{
    struct occupant *occupant = occupant_by_account(room, account);
    struct occupant *holder = occupant_by_nick(room, prep_nick_key(step->arena, nick));

    if (occupant == NULL)
        return;
    if (holder == NULL)
        holder = occupant;
    if (!str_eq(occupant_nick(holder), nick))
        rename_whole(room, step, holder, nick);
    occupant = occupant_by_account(room, account);
    while (occupant != NULL) {
        struct occupant *next = occupant->same_account;
        if (occupant != holder && room->options.many_sessions &&
            holder->session_count + occupant->session_count <= ROOM_SESSIONS_PER_NICK)
            join(room, step, occupant, holder);
        occupant = next;
    }
}
