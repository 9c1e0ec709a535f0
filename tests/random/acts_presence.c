/*
 * Entering, showing oneself, other names, leaving; being lost; time.
 */
#include "tests/random/talk.h"

#include <stdio.h>
#include <string.h>

enum { LARGE = 17 * 1024 };

/* ---- entering and the rest of available presence ---- */

/* Absent members, each once, if the room shows them (4.5). */
static void check_absent(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    unsigned told = 0, expected = 0;
    for (int i = 0; (believed->options.shown & 1u << M_OUTSIDE) != 0 && i < CAST_ENTRIES; i++) {
        if (believed->rows[i].nick >= 0 && model_account(believed, i) == NULL)
            expected |= 1u << believed->rows[i].nick;
    }
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (frame->client == client && frame->room == room && stanza_is_absent(frame->stanza))
            told |= 1u << stanza_nick(frame->stanza);
    }
    if (told != expected)
        talk_fail(talk, "who enters is shown the absent %x, expected %x", told, expected);
}

/* Everybody it may see, each once, and then itself (2.3): by that it knows the list is complete. */
static void check_list(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    const struct model_occupant *self = model_inside(believed, client);
    unsigned listed = 0, expected = 1u << self->nick;
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        const struct model_occupant *other = &believed->occupants[i];
        if (other->account != CAST_NOBODY && model_sees(believed, self, other))
            expected |= 1u << other->nick;
    }
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (frame->client != client || frame->room != room ||
            !stanza_is(frame->stanza, "presence", ""))
            continue;
        unsigned nick = 1u << stanza_nick(frame->stanza);
        if ((listed & (nick | 1u << self->nick)) != 0)
            talk_fail(talk, "the list has somebody twice, or after oneself\n  %s", frame->stanza);
        listed |= nick;
    }
    if (listed != expected)
        talk_fail(talk, "the list has %x, expected %x", listed, expected);
}

/* An admin is given what waits to be allowed, each once. */
static void check_requests(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    bool admin = model_affiliation(&talk->model, believed, cast_account_of[client]) >= M_ADMIN;
    unsigned given = 0, expected = 0;
    for (int i = 0; admin && i < CAST_ENTRIES; i++)
        expected += believed->rows[i].applied >= 0 &&
                    model_affiliation(&talk->model, believed, i) != M_OUTCAST;
    for (unsigned i = 0; i < talk->frame_count; i++)
        given += talk->frames[i].client == client &&
                 strstr(talk->frames[i].stanza, "muc#register_allow") != NULL;
    if (given != expected)
        talk_fail(talk, "who enters is given %u requests, expected %u", given, expected);
    talk->asked += given;
}

/* The room as it has to be told to who enters, or asks to be shown everything again. */
static void check_shown(struct talk *talk, int client, int room)
{
    const struct model_room *believed = talk_room(talk, room);
    const char *self = NULL, *subject = NULL;
    char words[40];
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const char *stanza = talk->frames[i].stanza;
        if (talk->frames[i].client != client || talk->frames[i].room != room)
            continue;
        if (stanza_is(stanza, "presence", "") && stanza_has_status(stanza, 110))
            self = stanza;
        if (strstr(stanza, "<subject") == NULL || strstr(stanza, "<body") != NULL)
            continue;
        if (subject != NULL || self == NULL)
            talk_fail(talk, "the subject comes twice, or before the own presence\n  %s", stanza);
        subject = stanza;
    }
    if (self == NULL || subject == NULL)
        talk_fail(talk, "who enters is not told of itself and of the subject");
    snprintf(words, sizeof(words), "<subject>subject %d</subject>", believed->subject);
    if (strstr(subject, believed->subject < 0 ? "<subject/>" : words) == NULL)
        talk_fail(talk, "who enters is told a wrong subject, not %d\n  %s", believed->subject,
                  subject);
    if (believed->subject >= 0 && stanza_nick(subject) != believed->subject_setter)
        talk_fail(talk, "the subject is said to be set by another\n  %s", subject);
    bool logged = believed->options.logged || believed->options.archived;
    if (stanza_has_status(self, 201) != talk->model.created ||
        stanza_has_status(self, 210) != talk->model.rewritten ||
        stanza_has_status(self, 100) != believed->options.anyone_sees_jids ||
        stanza_has_status(self, 170) != logged)
        talk_fail(talk, "the own presence has wrong codes: expected%s%s%s%s\n  %s",
                  talk->model.created ? " 201" : "", talk->model.rewritten ? " 210" : "",
                  believed->options.anyone_sees_jids ? " 100" : "", logged ? " 170" : "", self);
}

/* Who believes to be inside and is not is told so, and nothing else. */
static void check_outside(struct talk *talk, int client)
{
    const char *stanza = talk->frame_count == 1 ? talk->frames[0].stanza : "";
    if (talk->frame_count != 1 || talk->frames[0].client != client ||
        !stanza_is(stanza, "presence", "unavailable") || !stanza_has_status(stanza, 307) ||
        !stanza_has_status(stanza, 333))
        talk_fail(talk, "who is outside is not told so: %u stanzas\n  %s", talk->frame_count,
                  stanza);
}

static void write_large(struct talk *talk)
{
    talk_write(talk, "<status>%*s</status>", LARGE, "x");
}

/* One in the namespace of joins would make it a join. */
static void write_extra(struct talk *talk, int room, bool x)
{
    const char *extra = talk_extra(talk, room);
    if (x || strstr(extra, "protocol/muc'") == NULL)
        talk_write(talk, "%s", extra);
}

static void send_presence(struct talk *talk, int client, int room,
                          const struct model_presence *presence)
{
    talk_begin(talk);
    talk_write(talk, "<presence id='%s' to='%s", talk->id, cast_rooms[room]);
    if (presence->nick >= 0)
        talk_write(talk, "/%s", cast_nicks[presence->nick].xml);
    talk_write(talk, "'>%s", cast_looks[presence->look].xml);
    if (presence->large)
        write_large(talk);
    if (presence->x) {
        talk_write(talk, "<x xmlns='http://jabber.org/protocol/muc'>");
        if (presence->password > 0)
            talk_write(talk, "<password>%s</password>", cast_passwords[presence->password]);
        talk_write(talk, "</x>");
    }
    if (rarely(talk, 4))
        write_extra(talk, room, presence->x);
    talk_write(talk, "</presence>");
    const struct model_occupant *self = model_inside(talk_room(talk, room), client);
    bool renames = self != NULL && presence->nick >= 0 && presence->nick != self->nick;
    unsigned refused = model_presence(&talk->model, talk_room(talk, room), client, presence);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    if (refused == 0 && talk->model.entered) {
        talk->entered++;
        check_shown(talk, client, room);
        check_absent(talk, client, room);
        check_requests(talk, client, room);
        if (!renames)
            check_list(talk, client, room);
    }
    if (talk->model.outside)
        check_outside(talk, client);
    talk_end(talk);
}

/* Mostly with the right password: guessing keeps rooms empty. */
static int choose_password(struct talk *talk, int room)
{
    return rarely(talk, 8) ? (int)pick(talk, CAST_PASSWORDS)
                           : talk_room(talk, room)->options.password;
}

void act_join(struct talk *talk, int client, int room)
{
    struct model_presence presence = {
        .nick = (int)pick(talk, CAST_NICKS),
        .x = !rarely(talk, 8),
        .password = choose_password(talk, room),
        .look = (int)pick(talk, CAST_LOOKS),
        .large = rarely(talk, 60),
    };
    if (rarely(talk, 40))
        presence.nick = MODEL_NOTHING;
    send_presence(talk, client, room, &presence);
}

/* From inside, under its own name or to the room: a new show, or everything once more. */
void act_presence(struct talk *talk, int client, int room)
{
    const struct model_occupant *self = model_inside(talk_room(talk, room), client);
    struct model_presence presence = {
        .nick = MODEL_NOTHING,
        .x = rarely(talk, 3),
        .look = (int)pick(talk, CAST_LOOKS),
        .large = rarely(talk, 60),
    };
    if (self != NULL && !rarely(talk, 3))
        presence.nick = self->nick;
    else if (rarely(talk, 2))
        presence.nick = (int)pick(talk, CAST_NICKS);
    send_presence(talk, client, room, &presence);
}

void act_probe(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    unsigned refused = 0;
    talk_begin(talk);
    talk->prober = client;
    talk_write(talk, "<presence type='probe' id='%s' to='%s", talk->id, cast_rooms[room]);
    if (!rarely(talk, 4))
        talk_write(talk, "/%s", cast_nicks[pick(talk, CAST_NICKS)].xml);
    talk_write(talk, "'>%s</presence>",
               rarely(talk, 3) ? "<x xmlns='http://jabber.org/protocol/muc'/>" : "");
    if (model_inside(believed, client) == NULL)
        refused = model_closed(believed, client);
    if (model_inside(believed, client) == NULL && refused == 0)
        refused = R_NOT_ACCEPTABLE;
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk_end(talk);
}

/* ---- going ---- */

static bool says_goodbye(const struct talk_frame *frame, int room, int nick)
{
    return frame->client != CAST_NOBODY && frame->room == room &&
           stanza_is(frame->stanza, "presence", "unavailable") &&
           stanza_nick(frame->stanza) == nick &&
           strstr(frame->stanza, "<status>bye</status>") != NULL;
}

/* Everybody who saw it is told its last words (4.6.2). */
static void check_goodbye(struct talk *talk, int room, int nick, unsigned viewers)
{
    unsigned told = 0;
    for (unsigned i = 0; i < talk->frame_count; i++)
        told |= says_goodbye(&talk->frames[i], room, nick) ? 1u << talk->frames[i].client : 0;
    if (told != viewers)
        talk_fail(talk, "the last words went to %x, expected %x", told, viewers);
}

static unsigned viewers_of(struct model_room *room, const struct model_occupant *seen)
{
    unsigned clients = 0;
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        const struct model_occupant *viewer = &room->occupants[i];
        if (viewer->account != CAST_NOBODY && model_sees(room, viewer, seen))
            clients |= talk_clients(viewer);
    }
    return clients;
}

void act_leave(struct talk *talk, int client, int room)
{
    talk_begin(talk);
    talk_write(talk, "<presence type='unavailable' id='%s' to='%s", talk->id, cast_rooms[room]);
    if (rarely(talk, 2))
        talk_write(talk, "/%s", cast_nicks[pick(talk, CAST_NICKS)].xml);
    talk_write(talk, "'><status>bye</status></presence>");
    const struct model_occupant *self = model_inside(talk_room(talk, room), client);
    bool last = self != NULL && self->count == 1;
    unsigned viewers = last ? viewers_of(talk_room(talk, room), self) : 0;
    int nick = last ? self->nick : MODEL_NOTHING;
    model_leave(&talk->model, talk_room(talk, room), client, false);
    talk_send(talk, client, room, 0, ANSWER_NONE);
    if (last)
        check_goodbye(talk, room, nick, viewers);
    talk_end(talk);
}

/* The connection ends without a word, and the client comes back over another. */
void act_vanish(struct talk *talk, int client, int room)
{
    (void)room;
    talk_begin(talk);
    talk_write(talk, "(the connection of %s ends)", cast_clients[client]);
    model_gone(&talk->model, client);
    world_client_gone(talk->world, cast_clients[client]);
    for (int i = 0; i < CAST_ROOMS; i++)
        picture_forget(&talk->pictures[client][i]);
    talk_believe(talk);
    talk_end(talk);
    world_client(talk->world, cast_clients[client]);
}

/* Its server says that it cannot be reached: nobody of the account is there any more. */
void act_server_gone(struct talk *talk, int client, int room)
{
    static const char *const causes[] = {"remote-server-not-found", "remote-server-timeout",
                                         "item-not-found"};
    unsigned cause = pick(talk, 3);
    const char *kind = rarely(talk, 2) ? "message" : "presence";
    int account = cast_account_of[client];
    talk_begin(talk);
    talk_write(talk,
               "<%s type='error' id='%s' to='%s/%s'><error type='cancel'><%s "
               "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></%s>",
               kind, talk->id, cast_rooms[room], cast_nicks[pick(talk, CAST_NICKS)].xml,
               causes[cause], kind);
    if (cause < 2)
        model_account_gone(&talk->model, talk_room(talk, room), account);
    talk_send_as(talk, cast_entries[account].address);
    talk_end(talk);
}

/* ---- time ---- */

enum {
    DAY_SECONDS = 86400,
    SILENCE_DAYS = 5, /* are enough for two pings a day apart, and to be put out a day later */
};

/* Whom a room asks says that it is there, or that it knows no pings. The mute one says nothing, or
 * its server that there is nobody. */
static void answer_ping(struct talk *talk, const struct talk_frame *frame, int mute)
{
    static const char *const conditions[] = {"feature-not-implemented", "service-unavailable"};
    bool there = frame->client != mute;
    const char *answer = there && rarely(talk, 2) ? "result" : "error";
    char id[512];

    if (!there && rarely(talk, 2))
        return;
    if (!stanza_attribute(frame->stanza, "id", id, sizeof(id)))
        talk_fail(talk, "a request without an id\n  %s", frame->stanza);
    talk->len = 0;
    talk_write(talk, "<iq type='%s' id='%s' to='%s'>", answer, id, cast_rooms[frame->room]);
    if (strcmp(answer, "error") == 0)
        talk_write(talk,
                   "<error type='cancel'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
                   conditions[!there]);
    talk_write(talk, "</iq>");
    if (!world_stanza(talk->world, cast_clients[frame->client], talk->text))
        talk_fail(talk, "the stanza of the test cannot be sent");
}

static void pass(struct talk *talk, int64_t seconds, int mute)
{
    unsigned heard = 0;
    while (seconds > 0) {
        int64_t some = seconds < DAY_SECONDS / 2 ? seconds : DAY_SECONDS / 2;
        world_advance(talk->world, some * INT64_C(1000000));
        seconds -= some;
        for (; heard < talk->frame_count; heard++) {
            struct talk_frame frame = talk->frames[heard]; /* which may move */
            if (stanza_is(frame.stanza, "iq", "get"))
                answer_ping(talk, &frame, mute);
        }
    }
}

/* Days may pass; then, at times, somebody is silent all the while. */
void act_time(struct talk *talk, int client, int room)
{
    int64_t seconds = (int64_t)pick(talk, 400) * (rarely(talk, 3) ? 8640 : 1);
    int mute = seconds > SILENCE_DAYS * DAY_SECONDS && rarely(talk, 2) ? client : CAST_NOBODY;
    (void)room;
    talk_begin(talk);
    talk_write(talk, "(%lld seconds pass%s%s)", (long long)seconds,
               mute == CAST_NOBODY ? "" : ", silent is ",
               mute == CAST_NOBODY ? "" : cast_clients[mute]);
    if (talk->print)
        printf("%6lu  %s\n", talk->step, talk->text);
    pass(talk, seconds, mute);
    model_time(&talk->model, world_now(talk->world));
    if (mute != CAST_NOBODY)
        model_silent(&talk->model, mute);
    talk_believe(talk);
    talk_end(talk);
}
