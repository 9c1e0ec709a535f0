#include "tests/random/agree.h"

#include "core/muc/registration.h"
#include "core/muc/room.h"

#include <stdio.h>
#include <string.h>

static char complaint[300];

static const char *differs(const char *what, const char *about, int is, int expected)
{
    snprintf(complaint, sizeof(complaint), "the room differs: %s %s is %d, expected %d", what,
             about, is, expected);
    return complaint;
}

static const char *agree_occupant(const struct room *room, const struct model *model,
                                  struct model_room *believed,
                                  const struct model_occupant *expected)
{
    const char *nick = cast_nicks[expected->nick].text;
    const char *account = cast_entries[expected->account].address;
    for (unsigned s = 0; s < expected->count; s++) {
        const char *jid = cast_clients[expected->sessions[s].client];
        const struct session *session = session_find(room, str_z(jid));
        if (session == NULL)
            return differs("session", jid, 0, 1);
        const struct occupant *occupant = session->occupant;
        if (!str_eqz(occupant_nick(occupant), nick))
            return differs("nickname of", jid, 0, expected->nick);
        if (!str_eqz(occupant->account, account))
            return differs("account of", jid, 0, expected->account);
        if (occupant->quiet != expected->quiet)
            return differs("quiet of", nick, occupant->quiet, expected->quiet);
        if ((int)occupant->role != (int)expected->role)
            return differs("role of", nick, (int)occupant->role, (int)expected->role);
        int rank = (int)model_affiliation(model, believed, expected->account);
        if ((int)occupant->affiliation != rank)
            return differs("affiliation of", nick, (int)occupant->affiliation, rank);
        if (occupant->session_count != expected->count)
            return differs("number of sessions of", nick, (int)occupant->session_count,
                           (int)expected->count);
    }
    return NULL;
}

static const char *agree_occupants(const struct room *room, const struct model *model,
                                   struct model_room *believed)
{
    if (room->occupant_count != model_count(believed))
        return differs("number of", "occupants", (int)room->occupant_count,
                       (int)model_count(believed));
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        if (believed->occupants[i].account == CAST_NOBODY)
            continue;
        const char *wrong = agree_occupant(room, model, believed, &believed->occupants[i]);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static const char *agree_row(const struct room *room, const struct model_room *believed, int entry)
{
    const struct model_row *expected = &believed->rows[entry];
    const char *address = cast_entries[entry].address;
    const struct affiliate *row = room_affiliate(room, str_z(address));
    const struct invited_account *invited = room_invited(room, str_z(address));
    int affiliation = row == NULL ? (int)AFF_NONE : (int)row->affiliation;
    bool reserved = row != NULL && str_present(row->nick);

    if (affiliation != (int)expected->affiliation)
        return differs("listed affiliation of", address, affiliation, (int)expected->affiliation);
    if (reserved != (expected->nick >= 0) ||
        (reserved && !str_eqz(row->nick, cast_nicks[expected->nick].text)))
        return differs("reserved nickname of", address, reserved, expected->nick);
    const struct registration *waiting = registration_waiting(room, str_z(address));
    if ((waiting != NULL) != (expected->applied >= 0) ||
        (waiting != NULL && !str_eqz(waiting->nick, cast_nicks[expected->applied].text)))
        return differs("nickname asked for by", address, waiting != NULL, expected->applied);
    for (unsigned i = 0; waiting != NULL && i < CAST_QUESTIONS; i++) { /* in the same order */
        bool answered = (expected->answered & 1u << i) != 0;
        if (!str_eqz(waiting->answers[i], answered ? cast_questions[i].words : ""))
            return differs("answers of", address, (int)i, (int)expected->answered);
    }
    if ((invited != NULL) != (expected->invited_by != CAST_NOBODY))
        return differs("invitation of", address, invited != NULL, expected->invited_by);
    if (invited != NULL && !str_eqz(invited->by, cast_entries[expected->invited_by].address))
        return differs("inviter of", address, 0, expected->invited_by);
    return NULL;
}

struct flag {
    const char *name;
    bool is, expected;
};

static const char *agree_flags(const struct room_options *is, const struct model_options *expected)
{
    const struct flag flags[] = {
        {"persistent", is->persistent, expected->persistent},
        {"members-only", is->members_only, expected->members_only},
        {"moderated", is->moderated, expected->moderated},
        {"change_subject", is->change_subject, expected->change_subject},
        {"allow_invites", is->allow_invites, expected->allow_invites},
        {"allow_register", is->allow_register, expected->allow_register},
        {"allow_query", is->allow_query, expected->allow_query},
        {"moderator_pm", is->moderator_pm, expected->moderator_pm},
        {"visitor_nick_change", is->visitor_nick_change, expected->visitor_nick_change},
        {"many_sessions", is->many_sessions, expected->many_sessions},
        {"reserved_nick_only", is->reserved_nick_only, expected->reserved_nick_only},
        {"voice_requests", is->voice_requests, expected->voice_requests},
        {"see_all", is->see_all, expected->see_all},
        {"whois anyone", is->whois == WHOIS_ANYONE, expected->anyone_sees_jids},
        {"hidden", !is->is_public, expected->hidden},
        {"public_list", is->public_list, expected->lists_occupants},
        {"logged", is->logged, expected->logged},
        {"archive", is->archive, expected->archived},
        {"equals_safe", !is->kick_equals, expected->equals_safe},
        {"conceal", is->conceal, expected->conceal},
        {"approve_registration", is->approve_registration, expected->approve_registration},
    };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (flags[i].is != flags[i].expected)
            return differs("option", flags[i].name, flags[i].is, flags[i].expected);
    }
    return NULL;
}

static const char *agree_options(const struct room_options *is,
                                 const struct model_options *expected)
{
    static const enum allow_pm pms[] = {
        [M_PM_ANYONE] = PM_ANYONE,         [M_PM_PARTICIPANTS] = PM_PARTICIPANTS,
        [M_PM_MODERATORS] = PM_MODERATORS, [M_PM_NONE] = PM_NONE,
        [M_PM_AFFILIATED] = PM_AFFILIATED,
    };
    static const enum newcomers newcomers[] = {
        [M_OUTSIDE] = NEWCOMERS_AUTOMATIC,
        [M_VISITOR] = NEWCOMERS_VISITOR,
        [M_PARTICIPANT] = NEWCOMERS_PARTICIPANT,
    };
    const char *password = str_empty(is->password) ? "" : is->password.at;
    if (!str_eqz(str_z(password), cast_passwords[expected->password]))
        return differs("option", "password", 0, expected->password);
    if (is->max_users != expected->max)
        return differs("option", "max_users", (int)is->max_users, (int)expected->max);
    if (is->history != expected->history)
        return differs("option", "history", (int)is->history, (int)expected->history);
    if (is->quiet_above != expected->quiet_above)
        return differs("option", "quiet_above", (int)is->quiet_above, (int)expected->quiet_above);
    if (is->broadcast != expected->shown)
        return differs("option", "broadcast", (int)is->broadcast, (int)expected->shown);
    if (is->member_list != expected->list_readers)
        return differs("option", "member_list", (int)is->member_list, (int)expected->list_readers);
    if (is->register_fields != expected->questions) /* in the same order */
        return differs("option", "questions", (int)is->register_fields, (int)expected->questions);
    if (is->visitor_pm != (uint32_t)expected->visitor_pm) /* in the same order */
        return differs("option", "visitor_pm", (int)is->visitor_pm, expected->visitor_pm);
    if (is->allow_pm != (uint32_t)pms[expected->pm])
        return differs("option", "allow_pm", (int)is->allow_pm, expected->pm);
    if (is->newcomers != newcomers[expected->newcomers])
        return differs("option", "newcomers", (int)is->newcomers, (int)expected->newcomers);
    return agree_flags(is, expected);
}

/* What is kept, in order; of what was taken back not a word is left. */
static const char *agree_said(const struct room *room, const struct model_room *believed)
{
    unsigned count = model_shown_count(believed);
    if (room->history.count != count)
        return differs("number of", "messages kept", (int)room->history.count, (int)count);
    for (unsigned i = 0; i < count; i++) {
        const struct history_entry *entry = room_history_at(room, i);
        const struct model_message *message = &believed->said[believed->said_count - count + i];
        struct str text = str_of(entry->frame->bytes, entry->frame->size);
        char id[24];
        snprintf(id, sizeof(id), " id='q%lu'", message->number);
        bool words = memmem(text.at, text.len, "<body", 5) != NULL;
        if (memmem(text.at, text.len, id, strlen(id)) == NULL)
            return differs("message kept as", id, 0, 1);
        if (entry->retracted != message->retracted || words == message->retracted)
            return differs("retraction of", id, entry->retracted, message->retracted);
    }
    return NULL;
}

const char *agree(const struct room *room, const struct model *model, struct model_room *believed)
{
    static const enum room_state states[] = {[M_ABSENT] = ROOM_ABSENT,
                                             [M_LOCKED] = ROOM_LOCKED,
                                             [M_OPEN] = ROOM_OPEN,
                                             [M_DESTROYED] = ROOM_DESTROYED};
    enum room_state state = room == NULL ? ROOM_ABSENT : room->state;
    if (state != states[believed->state])
        return differs("state of", "it", (int)state, (int)states[believed->state]);
    if (room == NULL)
        return NULL;
    const char *wrong = agree_occupants(room, model, believed);
    for (int i = 0; wrong == NULL && i < CAST_ENTRIES; i++)
        wrong = agree_row(room, believed, i);
    if (wrong == NULL && room_exists(room))
        wrong = agree_options(&room->options, &believed->options);
    if (wrong == NULL)
        wrong = agree_said(room, believed);
    return wrong;
}
