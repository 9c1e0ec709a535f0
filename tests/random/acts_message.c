/*
 * What is said to all and to one, what comes back of it, and requests from occupant to occupant.
 */
#include "tests/random/talk.h"

#include <stdio.h>
#include <string.h>

#define STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"

static int choose_nick(struct talk *talk, int room)
{
    const struct model_occupant *occupant =
        &talk_room(talk, room)->occupants[pick(talk, MODEL_OCCUPANTS)];
    return occupant->account != CAST_NOBODY && !rarely(talk, 6) ? occupant->nick
                                                                : (int)pick(talk, CAST_NICKS);
}

/* ---- to all ---- */

void act_speak(struct talk *talk, int client, int room)
{
    char mark[60];
    const char *extra = talk_extra(talk, room);
    talk_begin(talk);
    snprintf(mark, sizeof(mark), "<body>words %lu</body>", talk->step);
    talk_write(talk, "<message type='groupchat' id='%s' to='%s'>%s%s%s</message>", talk->id,
               cast_rooms[room], mark, rarely(talk, 4) ? "<subject>not one</subject>" : "", extra);
    unsigned refused = model_speak(talk_room(talk, room), client);
    if (refused == 0 && strstr(extra, "no-store") == NULL)
        model_keep(talk_room(talk, room), client, talk->step);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk_remember(talk, client);
    talk_heard_by(talk, refused != 0 ? 0 : talk_everybody(talk_room(talk, room)), mark);
    talk_end(talk);
}

void act_subject(struct talk *talk, int client, int room)
{
    char mark[60];
    talk_begin(talk);
    snprintf(mark, sizeof(mark), "<subject>subject %lu</subject>", talk->step);
    talk_write(talk, "<message type='groupchat' id='%s' to='%s'>%s</message>", talk->id,
               cast_rooms[room], mark);
    unsigned refused = model_subject(talk_room(talk, room), client, (int)talk->step);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk_heard_by(talk, refused != 0 ? 0 : talk_everybody(talk_room(talk, room)), mark);
    talk_end(talk);
}

/* ---- to one ---- */

void act_whisper(struct talk *talk, int client, int room)
{
    static const char *const types[] = {"chat", "normal", "headline", "groupchat"};
    unsigned type = pick(talk, 4);
    int nick = choose_nick(talk, room);
    char mark[60];
    talk_begin(talk);
    snprintf(mark, sizeof(mark), "<body>secret %lu</body>", talk->step);
    talk_write(talk, "<message type='%s' id='%s' to='%s/%s'>%s%s</message>", types[type], talk->id,
               cast_rooms[room], cast_nicks[nick].xml, mark, talk_extra(talk, room));
    unsigned refused = model_private(&talk->model, talk_room(talk, room), client, nick, type == 3);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk_heard_by(talk, refused != 0 ? 0 : talk_clients(model_named(talk_room(talk, room), nick)),
                  mark);
    talk_end(talk);
}

/* ---- what comes back ---- */

struct cause {
    const char *condition;
    bool gone; /* the session is no more */
};

static const struct cause causes[] = {
    {"gone", true},
    {"item-not-found", true},
    {"recipient-unavailable", true},
    {"redirect", true},
    {"remote-server-not-found", true},
    {"remote-server-timeout", true},
    {"service-unavailable", true},
    {"internal-server-error", true},
    {"jid-malformed", true},
    {"no-such-condition", true},
    {"not-acceptable", false},
    {"forbidden", false},
    {"policy-violation", false},
    {"undefined-condition", false},
    {"resource-constraint", false},
    {"not-allowed", false},
};

/* As servers write them: with the address of who cannot be reached in every place they know. */
static void write_error(struct talk *talk, const char *condition, int client)
{
    const char *jid = cast_clients[client];
    talk_write(talk,
               "<error type='cancel' by='%s'><%s xmlns='" STANZAS "'>xmpp:%s</%s>"
               "<text xmlns='" STANZAS "'>%s is not here</text></error>",
               jid, condition, jid, condition, jid);
}

/* Of a private message, delivered to who wrote it; or of anything else to the room. */
static unsigned bounce_message(struct talk *talk, int client, int room, const struct cause *cause,
                               int nick)
{
    struct model_room *believed = talk_room(talk, room);
    const struct model_occupant *self = model_inside(believed, client);
    unsigned hearers = 0;
    talk_write(talk, "<message type='error' id='%s' to='%s", talk->id, cast_rooms[room]);
    talk_write(talk, nick >= 0 ? "/%s'>" : "%s'>", nick >= 0 ? cast_nicks[nick].xml : "");
    if (self == NULL)
        hearers = 0;
    else if (cause->gone)
        model_leave(&talk->model, believed, client, true);
    else if (nick >= 0)
        hearers = talk_clients(model_bounced_to(&talk->model, believed, client, nick));
    return hearers;
}

static void check_bounced(struct talk *talk, unsigned hearers)
{
    unsigned heard = 0;
    char id[TALK_ID];
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (!stanza_is(frame->stanza, "message", "error") || frame->client == CAST_NOBODY ||
            !stanza_attribute(frame->stanza, "id", id, sizeof(id)) || strcmp(id, talk->id) != 0)
            continue;
        heard |= 1u << frame->client;
    }
    if (heard != hearers)
        talk_fail(talk, "an error went to %x, expected %x", heard, hearers);
}

void act_bounce(struct talk *talk, int client, int room)
{
    const struct cause *cause = &causes[pick(talk, sizeof(causes) / sizeof(causes[0]))];
    int nick = rarely(talk, 4) ? MODEL_NOTHING : choose_nick(talk, room);
    struct model_room *believed = talk_room(talk, room);
    unsigned hearers = 0;
    bool message = !rarely(talk, 4);

    /* To the room it may be about an invitation: that is another act. */
    if (message && nick == MODEL_NOTHING && model_inside(believed, client) == NULL)
        nick = 0;
    talk_begin(talk);
    if (message) {
        hearers = bounce_message(talk, client, room, cause, nick);
    } else {
        talk_write(talk, "<presence type='error' id='%s' to='%s'>", talk->id, cast_rooms[room]);
        model_leave(&talk->model, believed, client, true);
    }
    write_error(talk, cause->condition, client);
    talk_write(talk, message ? "</message>" : "</presence>");
    if (!world_stanza(talk->world, cast_clients[client], talk->text))
        talk_fail(talk, "the stanza of the test cannot be sent");
    talk_believe(talk);
    check_bounced(talk, hearers);
    talk_end(talk);
}

/* ---- from occupant to occupant ---- */

void act_ping(struct talk *talk, int client, int room)
{
    const struct model_occupant *self = model_inside(talk_room(talk, room), client);
    struct model_room *believed = talk_room(talk, room);
    int nick = self != NULL ? self->nick : (int)pick(talk, CAST_NICKS);
    talk_begin(talk);
    talk_write(talk, "<iq type='get' id='%s' to='%s/%s'><ping xmlns='urn:xmpp:ping'/></iq>",
               talk->id, cast_rooms[room], cast_nicks[nick].xml);
    unsigned refused = self != NULL ? 0 : model_query(believed, client, nick, Q_PING);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    if (talk->frame_count != 1)
        talk_fail(talk, "a ping to oneself concerns somebody else");
    talk_end(talk);
}

static const char *const payloads[] = {
    [Q_PING] = "<ping xmlns='urn:xmpp:ping'/>",
    [Q_DISCO] = "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    [Q_VCARD_GET] = "<vCard xmlns='vcard-temp'/>",
    [Q_VCARD_SET] = "<vCard xmlns='vcard-temp'><FN>x</FN></vCard>",
    [Q_OTHER] = "<query xmlns='jabber:iq:version'/>",
};

static void remember_relay(struct talk *talk, struct talk_relay relay, const char *stanza)
{
    struct talk_relay *place = &talk->relays[talk->relay_next++ % TALK_RELAYS];
    *place = relay;
    snprintf(place->id, sizeof(place->id), "%s", talk->id);
    if (!stanza_attribute(stanza, "id", place->sealed, sizeof(place->sealed)) ||
        strcmp(place->sealed, place->id) == 0)
        talk_fail(talk, "a request is passed on without an id of its own\n  %s", stanza);
}

/* It reached the session that is shown, or all of the account, under the asker's nickname. */
static void check_relayed(struct talk *talk, int client, int room, int nick, bool to_account)
{
    const struct model_occupant *to = model_named(talk_room(talk, room), nick);
    const struct model_occupant *self = model_inside(talk_room(talk, room), client);
    struct talk_relay relay = {room, client, model_primary(to)->client, to_account, "", ""};
    unsigned reached = 0, expected = 1u << relay.asked;
    const char *stanza = NULL;

    if (to_account) {
        relay.asked = to->account;
        expected = 0;
        for (int i = 0; i < CAST_CLIENTS; i++)
            expected |= cast_account_of[i] == to->account ? 1u << i : 0;
    }
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (frame->client == CAST_NOBODY || strncmp(frame->stanza, "<iq", 3) != 0)
            continue;
        reached |= 1u << frame->client;
        stanza = frame->stanza;
        if (stanza_nick(stanza) != self->nick)
            talk_fail(talk, "a request comes from another than who asks\n  %s", stanza);
    }
    if (reached != expected)
        talk_fail(talk, "a request went to %x, expected %x", reached, expected);
    remember_relay(talk, relay, stanza);
}

void act_query(struct talk *talk, int client, int room)
{
    enum model_query query = (enum model_query)pick(talk, 5);
    struct model_room *believed = talk_room(talk, room);
    int nick = choose_nick(talk, room);
    const struct model_occupant *self = model_inside(believed, client);
    bool to_account = query == Q_VCARD_GET || query == Q_VCARD_SET;

    if (query == Q_PING && self != NULL && self->nick == nick)
        query = Q_OTHER;
    talk_begin(talk);
    talk_write(talk, "<iq type='%s' id='%s' to='%s/%s'>%s</iq>",
               query == Q_VCARD_SET ? "set" : "get", talk->id, cast_rooms[room],
               cast_nicks[nick].xml, payloads[query]);
    unsigned refused = model_query(believed, client, nick, query);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    if (refused == 0)
        check_relayed(talk, client, room, nick, to_account);
    talk_end(talk);
}

/* The asker, and nobody else, is answered; if it still can be, and by who was asked. */
static void check_answered(struct talk *talk, const struct talk_relay *relay, bool counts)
{
    unsigned arrived = 0;
    for (unsigned i = 0; i < talk->frame_count; i++)
        arrived += strncmp(talk->frames[i].stanza, "<iq", 3) == 0 &&
                   talk->frames[i].client == relay->asker;
    if (arrived != (counts ? 1u : 0u) || arrived != talk->frame_count)
        talk_fail(talk, "%u stanzas after an answer, %u of them to who asked; expected %d",
                  talk->frame_count, arrived, counts);
}

/* From who was asked, or from somebody who was not but has seen the id. */
void act_answer(struct talk *talk, int client, int room)
{
    const struct talk_relay *relay = &talk->relays[pick(talk, TALK_RELAYS)];
    bool right = !rarely(talk, 3), error = rarely(talk, 2);
    (void)room;
    if (relay->sealed[0] == '\0')
        return;
    bool as_account = right && relay->to_account;
    if (right && !relay->to_account)
        client = relay->asked;
    bool counts = right || (!relay->to_account && client == relay->asked);
    struct model_room *believed = talk_room(talk, relay->room);

    talk_begin(talk);
    talk_write(talk, "<iq type='%s' id='%s' to='%s/%s'>", error ? "error" : "result", relay->sealed,
               cast_rooms[relay->room], cast_nicks[0].xml);
    if (error)
        write_error(talk, "not-allowed", client);
    else
        talk_write(talk, "<query xmlns='jabber:iq:version'><name>x</name></query>");
    talk_write(talk, "</iq>");
    if (as_account)
        talk_send_as(talk, cast_entries[relay->asked].address);
    else
        talk_send(talk, client, relay->room, 0, ANSWER_ANY);
    if (believed->state == M_OPEN)
        check_answered(talk, relay, counts && model_inside(believed, relay->asker) != NULL);
    talk_end(talk);
}
