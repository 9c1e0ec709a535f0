/*
 * Somebody says more than the room lets through: what is over it is heard later, in order, or is
 * refused if who said it has left or lost its voice by then.
 */
#include "tests/random/talk.h"

#include <stdio.h>
#include <string.h>

enum { WAITING = 2 };

#define CONFIG "http://jabber.org/protocol/muc#roomconfig"

/* As it was sent. */
struct words {
    char id[TALK_ID];
    char mark[60];
    unsigned long number;
};

static int some_owner(struct talk *talk, struct model_room *room)
{
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        const struct model_occupant *occupant = &room->occupants[i];
        if (occupant->account != CAST_NOBODY &&
            model_affiliation(&talk->model, room, occupant->account) == M_OWNER)
            return occupant->sessions[0].client;
    }
    return CAST_NOBODY;
}

static unsigned set_rate(struct talk *talk, int owner, int room, const char *rate)
{
    struct model_form form = {.options = talk_room(talk, room)->options};
    talk_begin(talk);
    talk_write(talk,
               "<iq type='set' id='%s' to='%s'>"
               "<query xmlns='http://jabber.org/protocol/muc#owner'>"
               "<x xmlns='jabber:x:data' type='submit'>",
               talk->id, cast_rooms[room]);
    talk_field(talk, "FORM_TYPE", CONFIG);
    talk_field(talk, "x-message_rate", rate);
    talk_field(talk, "x-message_burst", "1");
    talk_write(talk, "</x></query></iq>");
    unsigned refused = model_configure(&talk->model, talk_room(talk, room), owner, &form);
    talk_send(talk, owner, room, refused, ANSWER_REQUEST);
    talk_end(talk);
    return refused;
}

static void speak(struct talk *talk, int client, int room, struct words *words, bool waits)
{
    talk_begin(talk);
    memcpy(words->id, talk->id, sizeof(words->id));
    words->number = talk->step;
    snprintf(words->mark, sizeof(words->mark), "<body>words %lu</body>", talk->step);
    talk_write(talk, "<message type='groupchat' id='%s' to='%s'>%s</message>", talk->id,
               cast_rooms[room], words->mark);
    if (!waits)
        model_keep(talk_room(talk, room), client, words->number);
    talk_send(talk, client, room, 0, ANSWER_REFUSAL);
    talk_heard_by(talk, waits ? 0 : talk_everybody(talk_room(talk, room)), words->mark);
    talk_end(talk);
}

static void check_refusal(struct talk *talk, int client, const struct words *words,
                          unsigned refused)
{
    const char *condition = refused == R_FORBIDDEN ? "<forbidden" : "<not-acceptable";
    unsigned answers = 0;
    for (unsigned i = 0; i < talk->frame_count; i++) {
        char id[TALK_ID];
        const struct talk_frame *frame = &talk->frames[i];
        if (frame->client == client && stanza_is(frame->stanza, "message", "error") &&
            stanza_attribute(frame->stanza, "id", id, sizeof(id)) && strcmp(id, words->id) == 0 &&
            strstr(frame->stanza, condition) != NULL)
            answers++;
    }
    if (answers != 1)
        talk_fail(talk, "%s is told %u times that %s was refused", cast_clients[client], answers,
                  words->mark);
}

static unsigned place_of(struct talk *talk, const char *mark)
{
    unsigned i = 0;
    while (i < talk->frame_count && strstr(talk->frames[i].stanza, mark) == NULL)
        i++;
    return i;
}

static void wait_for(struct talk *talk, int client, int room, struct words *words)
{
    struct model_room *believed = talk_room(talk, room);
    talk_begin(talk);
    talk_write(talk, "(what waits comes to its turn)");
    world_advance(talk->world, 3 * INT64_C(1000000));
    model_time(&talk->model, world_now(talk->world));
    talk_believe(talk);
    unsigned refused = model_speak(believed, client);
    for (int i = 0; i < WAITING; i++) {
        if (refused != 0)
            check_refusal(talk, client, &words[i], refused);
        else
            model_keep(believed, client, words[i].number);
        talk_heard_by(talk, refused != 0 ? 0 : talk_everybody(believed), words[i].mark);
    }
    if (refused == 0 && place_of(talk, words[0].mark) > place_of(talk, words[1].mark))
        talk_fail(talk, "%s comes before %s", words[1].mark, words[0].mark);
    talk_end(talk);
}

static void flood(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    const struct model_occupant *self = model_inside(believed, client);
    int owner = some_owner(talk, believed);
    struct words first, waiting[WAITING];
    if (owner == CAST_NOBODY || self == NULL || model_speak(believed, client) != 0 ||
        model_affiliation(&talk->model, believed, self->account) >= M_ADMIN ||
        set_rate(talk, owner, room, "1") != 0) {
        act_speak(talk, client, room);
        return;
    }
    speak(talk, client, room, &first, false);
    for (int i = 0; i < WAITING; i++)
        speak(talk, client, room, &waiting[i], true);
    if (rarely(talk, 3))
        act_leave(talk, client, room);
    else if (rarely(talk, 2))
        act_roles(talk, owner, room);
    wait_for(talk, client, room, waiting);
    set_rate(talk, owner, room, "0");
}

/* What is set is also taken back. */
void act_flood(struct talk *talk, int client, int room)
{
    talk->calm = true;
    flood(talk, client, room);
    talk->calm = false;
}
