/*
 * What was said is taken back: by its author, by who moderates, by who may not; by the right id, by
 * that of something long gone, by one that never was.
 */
#include "tests/random/talk.h"

#include <stdio.h>
#include <string.h>

void talk_remember(struct talk *talk, int client)
{
    static const char *const begin = "<stanza-id xmlns='urn:xmpp:sid:0' by='";
    struct talk_said *place = &talk->said[talk->said_next % TALK_SAID];
    char own[TALK_ID + 8];
    snprintf(own, sizeof(own), " id='%s'", talk->id);
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        const char *at = frame->client == client ? strstr(frame->stanza, begin) : NULL;
        if (at == NULL || strstr(frame->stanza, own) == NULL)
            continue;
        at = strstr(at, " id='") + strlen(" id='");
        snprintf(place->id, sizeof(place->id), "%.*s", (int)strcspn(at, "'"), at);
        place->number = talk->step;
        talk->said_next++;
        return;
    }
}

/* Mostly something the room keeps. */
static const struct talk_said *choose_said(struct talk *talk, int room)
{
    static const struct talk_said never = {0, "0123456789abcdef0123456789abcdef"};
    const struct model_room *believed = talk_room(talk, room);
    const struct talk_said *any = &talk->said[pick(talk, TALK_SAID)];
    unsigned long number = any->number;
    if (believed->said_count > 0 && !rarely(talk, 6))
        number = believed->said[pick(talk, believed->said_count)].number;
    for (unsigned i = 0; number != 0 && i < TALK_SAID; i++) {
        if (talk->said[i].number == number)
            return &talk->said[i];
    }
    return &never;
}

void act_moderate(struct talk *talk, int client, int room)
{
    const struct talk_said *said = choose_said(talk, room);
    struct model_room *believed = talk_room(talk, room);
    const struct model_message *message = model_known(believed, said->number);
    bool again = message != NULL && message->retracted;
    char mark[160];
    talk_begin(talk);
    talk_write(talk, "<iq type='set' id='%s' to='%s'>", talk->id, cast_rooms[room]);
    if (rarely(talk, 3))
        talk_write(talk,
                   "<apply-to xmlns='urn:xmpp:fasten:0' id='%s'>"
                   "<moderate xmlns='urn:xmpp:message-moderate:0'>"
                   "<retract xmlns='urn:xmpp:message-retract:0'/></moderate></apply-to></iq>",
                   said->id);
    else
        talk_write(talk,
                   "<moderate xmlns='urn:xmpp:message-moderate:1' id='%s'>"
                   "<retract xmlns='urn:xmpp:message-retract:1'/><reason>so</reason></moderate>"
                   "</iq>",
                   said->id);
    unsigned refused = model_moderate(&talk->model, believed, client, said->number);
    snprintf(mark, sizeof(mark), "<retract xmlns='urn:xmpp:message-retract:1' id='%s'><moderated",
             said->id);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    talk_heard_by(talk, refused != 0 || again ? 0 : talk_everybody(believed), mark);
    talk_end(talk);
}

void act_retract(struct talk *talk, int client, int room)
{
    const struct talk_said *said = choose_said(talk, room);
    struct model_room *believed = talk_room(talk, room);
    char mark[60];
    talk_begin(talk);
    snprintf(mark, sizeof(mark), "<body>unsaid %lu</body>", talk->step);
    talk_write(talk,
               "<message type='groupchat' id='%s' to='%s'>%s"
               "<retract xmlns='urn:xmpp:message-retract:1' id='%s'/></message>",
               talk->id, cast_rooms[room], mark, said->id);
    unsigned refused = model_speak(believed, client);
    if (refused == 0) {
        talk->replaces = model_retract(believed, client, said->number);
        model_keep(believed, client, talk->step);
    }
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk_remember(talk, client);
    talk_heard_by(talk, refused != 0 ? 0 : talk_everybody(believed), mark);
    talk_end(talk);
}
