/*
 * Nicknames are registered, given up, and allowed by who decides.
 */
#include "tests/random/talk.h"

#define REGISTER "http://jabber.org/protocol/muc#register"

static unsigned admins(struct talk *talk, struct model_room *room)
{
    unsigned clients = 0;
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        const struct model_occupant *occupant = &room->occupants[i];
        if (occupant->account != CAST_NOBODY &&
            model_affiliation(&talk->model, room, occupant->account) >= M_ADMIN)
            clients |= talk_clients(occupant);
    }
    return clients;
}

/* Mostly with what has to be said, sometimes with what was not asked. */
static unsigned write_enrolment(struct talk *talk, int client, int room)
{
    int nick = rarely(talk, 20) ? MODEL_EMPTY : (int)pick(talk, CAST_NICKS);
    unsigned given = pick(talk, 1u << CAST_QUESTIONS);
    if (!rarely(talk, 4))
        given |= CAST_QUESTIONS_REQUIRED;
    talk_write(talk, "<x xmlns='jabber:x:data' type='submit'>");
    talk_field(talk, "FORM_TYPE", REGISTER);
    talk_field(talk, "muc#register_roomnick", nick >= 0 ? cast_nicks[nick].xml : "");
    for (unsigned i = 0; i < CAST_QUESTIONS; i++) {
        if ((given & 1u << i) != 0)
            talk_field(talk, cast_questions[i].var, cast_questions[i].words);
    }
    talk_write(talk, "</x>");
    return model_register(&talk->model, talk_room(talk, room), client, nick, given);
}

/* The form asks what the room wants to know, unless there is nothing to fill in. */
static void check_form(struct talk *talk, int client, const struct model_room *room)
{
    int account = cast_account_of[client];
    unsigned questions = model_questions(&talk->model, room, account);
    for (unsigned i = 0; i < CAST_QUESTIONS; i++) {
        bool expected = (questions & 1u << i) != 0 && room->rows[account].nick < 0;
        talk_heard_by(talk, expected ? 1u << client : 0, cast_questions[i].var);
    }
}

/* Who may decide is told all that was answered, and nobody else any of it. */
static void check_told(struct talk *talk, struct model_room *room, int account, bool news)
{
    unsigned who = news ? admins(talk, room) : 0, answered = room->rows[account].answered;
    talk_heard_by(talk, who, "muc#register_allow");
    for (unsigned i = 0; i < CAST_QUESTIONS; i++)
        talk_heard_by(talk, (answered & 1u << i) != 0 ? who : 0, cast_questions[i].words);
}

/* Where somebody has to allow it, all who may are asked, if it is news. */
void act_register(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    const struct model_row *row = &believed->rows[cast_account_of[client]];
    unsigned what = pick(talk, 4), refused = 0;
    struct model_row before = *row;
    talk_begin(talk);
    talk_write(talk, "<iq type='%s' id='%s' to='%s'><query xmlns='jabber:iq:register'>",
               what == 0 ? "get" : "set", talk->id, cast_rooms[room]);
    if (what == 0) {
        refused = model_registration(&talk->model, believed, client);
    } else if (what == 1) {
        talk_write(talk, "<remove/>");
        refused = model_unregister(&talk->model, believed, client);
    } else {
        refused = write_enrolment(talk, client, room);
    }
    talk_write(talk, "</query></iq>");
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    if (what == 0 && refused == 0)
        check_form(talk, client, believed);
    check_told(talk, believed, cast_account_of[client],
               row->applied >= 0 &&
                   (row->applied != before.applied || row->answered != before.answered));
    talk_end(talk);
}

/* Mostly to what waits, if anything does. */
void act_consent(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    int entry = (int)pick(talk, CAST_PEOPLE), nick = (int)pick(talk, CAST_NICKS);
    bool cancel = rarely(talk, 8), allow = !rarely(talk, 4);
    for (int i = 0; i < CAST_PEOPLE && believed->rows[entry].applied < 0; i++)
        entry = (entry + 1) % CAST_PEOPLE;
    if (believed->rows[entry].applied >= 0 && !rarely(talk, 6))
        nick = believed->rows[entry].applied;
    talk_begin(talk);
    talk_write(talk, "<message id='%s' to='%s'><x xmlns='jabber:x:data' type='%s'>", talk->id,
               cast_rooms[room], cancel ? "cancel" : "submit");
    talk_field(talk, "FORM_TYPE", REGISTER);
    talk_field(talk, "x-register_jid", cast_entries[entry].address);
    talk_field(talk, "muc#register_roomnick", cast_nicks[nick].xml);
    talk_field(talk, "muc#register_allow", allow ? "1" : "0");
    talk_write(talk, "</x></message>");
    unsigned refused = model_consent(&talk->model, believed, client, entry, nick,
                                     cancel  ? CONSENT_LATER
                                     : allow ? CONSENT_GIVEN
                                             : CONSENT_REFUSED);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk->consented += refused == 0 && !cancel && allow;
    talk_end(talk);
}
