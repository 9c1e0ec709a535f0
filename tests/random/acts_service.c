/*
 * Orders to the service: a room is destroyed by an admin of the service, and by nobody else.
 */
#include "tests/random/talk.h"

#include <string.h>

#define DESTROY "http://prosody.im/protocol/muc#destroy"

static const char *answer_of(const struct talk *talk, int client)
{
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (frame->client == client && strstr(frame->stanza, "<iq ") == frame->stanza &&
            strstr(frame->stanza, " from='" CAST_SERVICE "'") != NULL)
            return frame->stanza;
    }
    return NULL;
}

void act_order(struct talk *talk, int client, int room)
{
    bool bad = rarely(talk, 4);
    struct model_room *believed = talk_room(talk, room);
    bool stands = believed->state == M_OPEN || believed->state == M_LOCKED;
    talk_begin(talk);
    talk_write(talk,
               "<iq type='set' id='%s' to='" CAST_SERVICE "'><command xmlns="
               "'http://jabber.org/protocol/commands' node='" DESTROY "'><x xmlns='jabber:x:data' "
               "type='submit'><field var='rooms'><value>%s</value>%s</field></x></command></iq>",
               talk->id, cast_rooms[room], bad ? "<value>elsewhere.example</value>" : "");
    unsigned refused = model_order(&talk->model, believed, client, bad);
    if (!world_stanza(talk->world, cast_clients[client], talk->text))
        talk_fail(talk, "the stanza of the test cannot be sent");
    talk_believe(talk);
    const char *answer = answer_of(talk, client);
    const char *expected = refused == R_FORBIDDEN     ? "<forbidden "
                           : refused == R_BAD_REQUEST ? "<bad-request "
                           : stands                   ? "<note type='info'>"
                                                      : "<note type='warn'>";
    if (answer == NULL || strstr(answer, expected) == NULL)
        talk_fail(talk, "the service should answer with %s, and answers\n  %s", expected,
                  answer == NULL ? "nothing" : answer);
    talk_end(talk);
}
