#include "tests/sim/checkers.h"

#include "core/base/mem.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading stanzas, as a room writes them ---- */

/* An attribute of the element that begins at `tag`. */
static struct str attribute(const char *tag, const char *name)
{
    const char *end = strchr(tag, '>');
    size_t len = strlen(name);
    for (const char *at = tag; (at = strstr(at, name)) != NULL && at < end; at++) {
        if (at[-1] != ' ' || at[len] != '=' || at[len + 1] != '\'')
            continue;
        const char *begin = at + len + 2;
        return str_of(begin, (size_t)(strchr(begin, '\'') - begin));
    }
    return STR_NONE;
}

static struct str element_attribute(const char *stanza, const char *element, const char *name)
{
    const char *at = strstr(stanza, element);
    return at == NULL ? STR_NONE : attribute(at, name);
}

static bool has(const char *stanza, const char *part)
{
    return strstr(stanza, part) != NULL;
}

/* 0: not one of ours. */
static unsigned number_of(struct str id)
{
    uint64_t number = 0;
    if (id.len < 2 || id.at[0] != 's' || !str_to_u64(str_of(id.at + 1, id.len - 1), &number))
        return 0;
    return (unsigned)number;
}

/* ---- birth ---- */

static enum privacy_rank rank(void *self, const char *room, const char *account)
{
    const struct checkers *checkers = self;
    int at = cast_room_of(room, (unsigned)strlen(room));
    for (int i = 0; at >= 0 && i < CAST_USERS; i++) {
        if (strcmp(cast_accounts[i], account) != 0)
            continue;
        const struct room_entry *entry = sim_world_room(&checkers->sim->world, cast_rooms[at]);
        enum affiliation has_now =
            entry == NULL ? AFF_NONE : room_affiliation_str(entry->room, str_z(account));
        return has_now == AFF_OWNER    ? PRIVACY_OWNER
               : has_now == AFF_ADMIN  ? PRIVACY_ADMIN
               : has_now == AFF_MEMBER ? PRIVACY_MEMBER
                                       : PRIVACY_NONE;
    }
    return PRIVACY_NONE;
}

struct checkers *checkers_new(struct sim *sim)
{
    struct checkers *checkers = MEM_NEW(struct checkers);
    checkers->sim = sim;
    for (int room = 0; room < CAST_ROOMS; room++) {
        for (int user = 0; user < CAST_USERS; user++)
            checkers->seats[user][room] = (struct seat_of){.last = -1, .shown = -1};
        for (unsigned reg = 0; reg < TARGETS; reg++)
            checkers->rooms[room].regs[reg].value = AFF_NONE;
        checkers->rooms[room].last_body = -1;
    }
    for (unsigned i = 0; i < ARRAY_LEN(checkers->privacy); i++) {
        checkers->privacy[i] =
            privacy_new(i == 0 ? SIM_ROOMS_DOMAIN : SIM_LOUNGE_DOMAIN, rank, checkers);
        for (int user = 0; user < CAST_USERS; user++)
            privacy_account(checkers->privacy[i], cast_accounts[user]);
    }
    return checkers;
}

void checkers_free(struct checkers *checkers)
{
    for (unsigned i = 0; i < ARRAY_LEN(checkers->privacy); i++)
        privacy_free(checkers->privacy[i]);
    mem_free(checkers);
}

/* ---- messages by their ids ---- */

struct heard *checkers_heard(struct checkers *checkers, struct str id, int room)
{
    static const struct hash_key key = {41, 42};
    uint64_t at = hash_str(&key, id) % ARRAY_LEN(checkers->index);
    for (; checkers->index[at] != 0; at = (at + 1) % ARRAY_LEN(checkers->index)) {
        struct heard *found = &checkers->heard[checkers->index[at] - 1];
        if (str_eqz(id, found->id) && found->room == room)
            return found;
    }
    if (checkers->heard_count == HEARD_MAX || id.len >= sizeof(checkers->heard[0].id))
        sim_fail(checkers->sim, "too many messages, or an id that is too long");
    struct heard *fresh = &checkers->heard[checkers->heard_count++];
    checkers->index[at] = checkers->heard_count;
    *fresh = (struct heard){.room = room};
    memcpy(fresh->id, id.at, id.len);
    return fresh;
}

/* ---- what is committed ---- */

static void committed_message(struct checkers *checkers, int room, const struct archived *message)
{
    struct room_of *of = &checkers->rooms[room];
    struct heard *heard = checkers_heard(checkers, message->id, room);
    if (!message->archived)
        return;
    if (heard->archived)
        sim_fail(checkers->sim, "message %s is archived twice", heard->id);
    heard->archived = true;
    heard->seq = ++of->seq;
    heard->shown = message->history ? ++of->shown : 0;
    heard->shown_by = of->shown;
    heard->wipes = of->wipes;
    heard->sent = number_of(message->sender_id);
    of->archive[heard->seq - 1] = (unsigned)(heard - checkers->heard);
    checkers->archived++;
    if (heard->sent == 0)
        return;
    const struct sent *sent = &checkers->sent[heard->sent];
    if (heard->sent > checkers->sent_count || sent->room != room || sent->kind != SENT_TALK)
        sim_fail(checkers->sim, "message s%u is archived and was not sent", heard->sent);
    if (sent->state == SENT_REFUSED)
        sim_fail(checkers->sim, "message s%u was refused and is archived", heard->sent);
}

static void committed_wipe(struct checkers *checkers, int room)
{
    struct room_of *of = &checkers->rooms[room];
    if (room == CAST_STEADY && of->seq > 0)
        sim_fail(checkers->sim, "all of %s was deleted", cast_rooms[room]);
    of->wipes++;
    of->trimmed = false;
    of->seq = 0;
    of->shown = 0;
    for (unsigned reg = 0; reg < REGS; reg++)
        of->regs[reg].unknown = true;
}

/* What newcomers are not shown need not be kept any more. */
static void committed_trim(struct checkers *checkers, int room)
{
    if (room == CAST_STEADY)
        sim_fail(checkers->sim, "%s has no archive any more", cast_rooms[room]);
    checkers->rooms[room].trimmed = true;
}

void checkers_committed(void *self, struct str jid, const struct record_item *item)
{
    struct checkers *checkers = self;
    int room = cast_room_of(jid.at, (unsigned)jid.len);
    if (room < 0)
        sim_fail(checkers->sim, "something of an unknown room was committed");
    if (item->op == RECORD_APPEND)
        committed_message(checkers, room, &item->message);
    else if (item->op == RECORD_BURY)
        checkers_heard(checkers, item->message.id, room)->buried = true;
    else if (item->op == RECORD_WIPE)
        committed_wipe(checkers, room);
    else if (item->op == RECORD_SHOW && !item->show.archived)
        committed_trim(checkers, room);
}

/* ---- what is sent ---- */

unsigned checkers_sending(struct checkers *checkers, struct sent sent)
{
    unsigned number = ++checkers->sent_count;
    const struct seat_of *seat = &checkers->seats[sent.user][sent.room];
    if (number >= SENT_MAX)
        sim_fail(checkers->sim, "too many stanzas");
    sent.life = checkers->sim->life;
    const struct sim_world *world = &checkers->sim->world;
    sent.failures = sim_world_answers_due(world) ? checkers->failures : world->store.failures;
    sent.sure = seat->inside && !seat->unsure && !seat->disturbed;
    checkers->sent[number] = sent;
    return number;
}

void checkers_disturb(struct checkers *checkers, int user, int room)
{
    for (int i = 0; i < CAST_USERS; i++)
        if (user < 0 || i == user)
            checkers->seats[i][room].disturbed = true;
}

void checkers_lose_place(struct seat_of *seat)
{
    seat->last = -1;
    seat->last_seq = 0;
    seat->shown = -1;
}

static void leaves(struct seat_of *seat)
{
    seat->inside = false;
    seat->unsure = false;
    seat->stored = false;
    checkers_lose_place(seat);
}

void checkers_gone(struct checkers *checkers, int user)
{
    for (unsigned i = 1; i <= checkers->sent_count; i++)
        if (checkers->sent[i].user == user && checkers->sent[i].state == SENT_OPEN)
            checkers->sent[i].state = SENT_VOID;
    for (int room = 0; room < CAST_ROOMS; room++) {
        struct seat_of *seat = &checkers->seats[user][room];
        leaves(seat);
        seat->joining = 0;
        seat->disturbed = true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(checkers->privacy); i++)
        privacy_gone(checkers->privacy[i], cast_users[user]);
    for (int room = 0; room < CAST_ROOMS; room++)
        privacy_lost(checkers->privacy[cast_service[room]], cast_users[user], cast_rooms[room]);
}

void checkers_link_lost(struct checkers *checkers, unsigned service)
{
    for (unsigned i = 1; i <= checkers->sent_count; i++) {
        struct sent *sent = &checkers->sent[i];
        if (sent->user < CAST_LOCAL && cast_service[sent->room] == service &&
            sent->state == SENT_OPEN)
            sent->state = SENT_VOID;
    }
    for (int user = 0; user < CAST_LOCAL; user++) {
        for (int room = 0; room < CAST_ROOMS; room++) {
            struct seat_of *seat = &checkers->seats[user][room];
            if (cast_service[room] != service)
                continue;
            /* What would have told it that it is in, or out, may be lost. */
            if (seat->joining != 0 || seat->disturbed) {
                seat->unsure = true;
                seat->archived = false;
                checkers_lose_place(seat);
            }
            privacy_lost(checkers->privacy[service], cast_users[user], cast_rooms[room]);
            seat->joining = 0;
            seat->disturbed = true;
        }
    }
}

/* ---- what is heard ---- */

struct hearing {
    struct checkers *checkers;
    int user, room;
    struct seat_of *seat;
    const char *stanza;
    struct str type, from;
    unsigned number; /* of the stanza its id names; 0: none */
};

static void fail(const struct hearing *hearing, const char *what)
{
    sim_fail(hearing->checkers->sim, "%s: %s; it received\n  %s", cast_users[hearing->user], what,
             hearing->stanza);
}

static void hear_presence(const struct hearing *hearing)
{
    struct seat_of *seat = hearing->seat;
    struct checkers *checkers = hearing->checkers;
    if (str_eqz(hearing->type, "error")) {
        if (hearing->number != 0 && seat->joining == hearing->number)
            seat->joining = 0;
        promise_answered(checkers, hearing->number, true, hearing->stanza);
        return;
    }
    if (!has(hearing->stanza, "<status code='110'/>"))
        return;
    if (str_eqz(hearing->type, "unavailable")) {
        if (!has(hearing->stanza, "<status code='303'/>"))
            leaves(seat);
        return;
    }
    /* A link may have been lost since, and the request not with it. */
    bool entered = hearing->number != 0 && hearing->number <= checkers->sent_count &&
                   checkers->sent[hearing->number].kind == SENT_JOIN;
    if (entered) {
        leaves(seat);
        seat->joining = seat->joining == hearing->number ? 0 : seat->joining;
        seat->archived = has(hearing->stanza, "<status code='170'/>");
        checkers->entered++;
    }
    seat->inside = true;
    promise_answered(checkers, hearing->number, false, hearing->stanza);
    const char *slash = memchr(hearing->from.at, '/', hearing->from.len);
    if (slash != NULL)
        snprintf(seat->nick, sizeof(seat->nick), "%.*s",
                 (int)(hearing->from.at + hearing->from.len - slash - 1), slash + 1);
    if (hearing->user < CAST_OWNERS)
        checkers->rooms[hearing->room].made = true;
}

/* Committed, if the room says that it keeps them. */
static void hear_archived(const struct hearing *hearing, const struct heard *heard)
{
    const struct room_of *of = &hearing->checkers->rooms[hearing->room];
    struct seat_of *seat = hearing->seat;
    bool steady = hearing->room == CAST_STEADY;
    if (!seat->archived && !steady) {
        seat->last_seq = 0;
        seat->shown = -1;
        return;
    }
    if (!heard->archived)
        fail(hearing, "a message that is not in the archive");
    if (heard->wipes != of->wipes)
        return; /* all of the room is gone meanwhile */
    if (seat->wipes != of->wipes) {
        seat->last_seq = 0;
        seat->shown = -1;
    }
    seat->wipes = of->wipes;
    if (seat->last_seq != 0 && heard->seq != seat->last_seq + 1)
        fail(hearing, "not the message that follows in the archive");
    if (seat->last_seq == 0 && seat->shown >= 0 &&
        heard->shown_by - (heard->shown != 0) != (unsigned)seat->shown)
        fail(hearing, "a gap between history and what was said");
    seat->last_seq = heard->seq;
}

/* Whoever receives the one receives the other next. */
static bool follows(const struct checkers *checkers, struct heard *heard, struct heard *last)
{
    unsigned own = (unsigned)(heard - checkers->heard) + 1;
    unsigned before = (unsigned)(last - checkers->heard) + 1;
    if ((last->next != 0 && last->next != own) || (heard->before != 0 && heard->before != before))
        return false;
    last->next = own;
    heard->before = before;
    return true;
}

static void hear_live(const struct hearing *hearing, struct heard *heard)
{
    struct checkers *checkers = hearing->checkers;
    struct room_of *of = &checkers->rooms[hearing->room];
    struct seat_of *seat = hearing->seat;
    if (!seat->inside && !seat->unsure)
        fail(hearing, "a message of a room that it is not in");
    if (seat->last >= 0 && !follows(checkers, heard, &checkers->heard[seat->last]))
        fail(hearing, "another order, or a gap");
    seat->last = heard - checkers->heard;
    hear_archived(hearing, heard);
    if (hearing->number == 0)
        return;
    const struct sent *sent = &checkers->sent[hearing->number];
    if (heard->sent != 0 && heard->sent != hearing->number)
        fail(hearing, "another message than the one with that id");
    heard->sent = hearing->number;
    if (has(hearing->stanza, "<body>"))
        of->last_body = heard - checkers->heard;
    if (sent->reg == REG_SUBJECT)
        promise_seen(checkers, hearing->number);
    if (sent->user == hearing->user)
        promise_answered(checkers, hearing->number, false, hearing->stanza);
}

static void hear_history(const struct hearing *hearing, const struct heard *heard)
{
    struct seat_of *seat = hearing->seat;
    const struct room_of *of = &hearing->checkers->rooms[hearing->room];
    bool steady = hearing->room == CAST_STEADY;
    if (!seat->inside && !seat->unsure)
        fail(hearing, "history of a room that it is not in");
    if (steady && !heard->archived)
        fail(hearing, "history that is not in the archive");
    if ((!seat->archived && !steady) || heard->shown == 0 || heard->wipes != of->wipes)
        return;
    if (seat->last_seq != 0)
        fail(hearing, "history behind what was said");
    if (seat->shown >= 0 && seat->wipes == of->wipes && heard->shown != (unsigned)seat->shown + 1)
        fail(hearing, "history with a gap, or in another order");
    seat->shown = heard->shown;
    seat->wipes = of->wipes;
}

/* What it says is what was sent under that id. */
static void check_text(const struct hearing *hearing)
{
    char text[40];
    if (hearing->number == 0)
        return;
    const struct checkers *checkers = hearing->checkers;
    const struct sent *sent = &checkers->sent[hearing->number];
    bool own = hearing->number <= checkers->sent_count && sent->room == hearing->room &&
               sent->kind == SENT_TALK;
    snprintf(text, sizeof(text), ">t%u<", hearing->number);
    if (!own || (!has(hearing->stanza, text) && !has(hearing->stanza, "<retracted")))
        fail(hearing, "a message that nobody sent");
}

static void hear_message(const struct hearing *hearing)
{
    struct checkers *checkers = hearing->checkers;
    struct str id = element_attribute(hearing->stanza, "<stanza-id ", "id");
    if (str_eqz(hearing->type, "error")) {
        promise_answered(checkers, hearing->number, true, hearing->stanza);
        return;
    }
    if (has(hearing->stanza, "<result xmlns='urn:xmpp:mam:2'")) {
        id = element_attribute(hearing->stanza, "<result ", "id");
        if (!checkers_heard(checkers, id, hearing->room)->archived)
            fail(hearing, "found in the archive, and never committed");
        return;
    }
    if (!str_eqz(hearing->type, "groupchat"))
        return;
    if (has(hearing->stanza, "<status code='170'/>"))
        hearing->seat->archived = true;
    if (has(hearing->stanza, "<status code='171'/>"))
        hearing->seat->archived = false;
    if (!str_present(id))
        return;
    checkers->talked++;
    check_text(hearing);
    struct heard *heard = checkers_heard(checkers, id, hearing->room);
    if (!has(hearing->stanza, "<delay "))
        hear_live(hearing, heard);
    else if (!has(hearing->stanza, "<subject>"))
        hear_history(hearing, heard);
}

static void hear_iq(const struct hearing *hearing)
{
    struct checkers *checkers = hearing->checkers;
    if (str_eqz(hearing->type, "get")) {
        struct str id = attribute(hearing->stanza, "id");
        workload_pinged(checkers->sim, hearing->user, hearing->room, id);
        return;
    }
    promise_answered(checkers, hearing->number, str_eqz(hearing->type, "error"), hearing->stanza);
}

void checkers_hear(struct checkers *checkers, int user, const char *stanza)
{
    struct str from = attribute(stanza, "from");
    struct hearing hearing = {
        .checkers = checkers,
        .user = user,
        .room = cast_room_of(from.at, (unsigned)from.len),
        .stanza = stanza,
        .type = attribute(stanza, "type"),
        .from = from,
        .number = number_of(attribute(stanza, "id")),
    };
    checkers->received++;
    sim_note(checkers->sim, "      %s < %s", cast_users[user], stanza);
    if (hearing.room < 0)
        fail(&hearing, "a stanza of no room");
    hearing.seat = &checkers->seats[user][hearing.room];
    struct privacy *privacy = checkers->privacy[cast_service[hearing.room]];
    /* Admins are told of everybody by the archive, inside or not, and who was inside when the
     * process died may be so still: that is not to be seen from the conversation alone. */
    bool told = user == hearing.room || hearing.seat->admin;
    bool passed = hearing.seat->unsure || (told && has(stanza, "<result xmlns='urn:xmpp:mam:2'"));
    if (!passed || has(stanza, "<status code='110'/>"))
        privacy_received(privacy, cast_users[user], stanza);
    if (stanza[1] == 'p')
        hear_presence(&hearing);
    else if (stanza[1] == 'm')
        hear_message(&hearing);
    else
        hear_iq(&hearing);
    const char *breach = privacy_breach(privacy);
    if (breach != NULL)
        sim_fail(checkers->sim, "%s", breach);
}
