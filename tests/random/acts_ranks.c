/*
 * Roles, affiliations, and the lists of them: by anyone, on anyone.
 */
#include "tests/random/talk.h"

#include <stdio.h>
#include <string.h>

#define ADMIN "http://jabber.org/protocol/muc#admin"

static const char *const roles[] = {"none", "visitor", "participant", "moderator"};
static const char *const ranks[] = {"outcast", "none", "member", "admin", "owner"};

static const char *role_word(int role)
{
    return role == MODEL_WRONG ? "king" : roles[role];
}

static const char *rank_word(int rank)
{
    return rank == MODEL_WRONG ? "friend" : ranks[rank];
}

/* ---- items ---- */

static struct model_item nothing(void)
{
    return (struct model_item){MODEL_NOTHING, MODEL_NOTHING, CAST_NOBODY, MODEL_NOTHING,
                               MODEL_NOTHING};
}

static int some_nick(struct talk *talk, int room)
{
    const struct model_occupant *occupant =
        &talk_room(talk, room)->occupants[pick(talk, MODEL_OCCUPANTS)];
    return occupant->account != CAST_NOBODY && !rarely(talk, 6) ? occupant->nick
                                                                : (int)pick(talk, CAST_NICKS);
}

static struct model_item role_item(struct talk *talk, int room)
{
    struct model_item item = nothing();
    item.role = rarely(talk, 30) ? MODEL_WRONG : (int)pick(talk, 4);
    if (!rarely(talk, 8)) {
        item.nick = some_nick(talk, room);
    } else if (rarely(talk, 2)) {
        item.client = (int)pick(talk, CAST_CLIENTS);
        item.entry = cast_account_of[item.client];
    } else if (rarely(talk, 2)) {
        item.entry = rarely(talk, 4) ? MODEL_WRONG : (int)pick(talk, CAST_ENTRIES);
        item.nick = rarely(talk, 4) ? MODEL_EMPTY : MODEL_NOTHING; /* as good as none */
    }
    return item;
}

static int some_rank(struct talk *talk)
{
    static const int often[] = {M_OUTCAST, M_NONE,  M_NONE,  M_NONE,  M_MEMBER,
                                M_MEMBER,  M_ADMIN, M_ADMIN, M_OWNER, MODEL_WRONG};
    return often[rarely(talk, 30) ? 9 : pick(talk, 9)];
}

static struct model_item rank_item(struct talk *talk, int room)
{
    struct model_item item = nothing();
    item.affiliation = some_rank(talk);
    if (rarely(talk, 8)) { /* by nickname, as old clients do; or nobody at all */
        item.nick = rarely(talk, 8) ? MODEL_NOTHING : some_nick(talk, room);
        return item;
    }
    item.entry = (int)pick(talk, rarely(talk, 3) ? CAST_ENTRIES : CAST_PEOPLE);
    if (rarely(talk, 30))
        item.entry = rarely(talk, 2) ? MODEL_WRONG : MODEL_OURS;
    else if (rarely(talk, 4)) {
        item.client = (int)pick(talk, CAST_CLIENTS);
        item.entry = cast_account_of[item.client];
    }
    if (rarely(talk, 3))
        item.nick = rarely(talk, 5) ? MODEL_EMPTY : (int)pick(talk, CAST_NICKS);
    return item;
}

static void write_item(struct talk *talk, int room, const struct model_item *item)
{
    talk_write(talk, "<item");
    if (item->client != CAST_NOBODY)
        talk_write(talk, " jid='%s'", cast_clients[item->client]);
    else if (item->entry == MODEL_WRONG)
        talk_write(talk, " jid='@@'");
    else if (item->entry == MODEL_OURS)
        talk_write(talk, " jid='%s/Ada'", cast_rooms[room]);
    else if (item->entry >= 0)
        talk_write(talk, " jid='%s'", cast_entries[item->entry].address);
    if (item->nick != MODEL_NOTHING)
        talk_write(talk, " nick='%s'", item->nick >= 0 ? cast_nicks[item->nick].xml : "");
    if (item->role != MODEL_NOTHING)
        talk_write(talk, " role='%s'", role_word(item->role));
    if (item->affiliation != MODEL_NOTHING)
        talk_write(talk, " affiliation='%s'", rank_word(item->affiliation));
    talk_write(talk, "><reason>because</reason></item>");
}

/* ---- news of who is not inside ---- */

static unsigned moderators(const struct model_room *room)
{
    unsigned clients = 0;
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        const struct model_occupant *occupant = &room->occupants[i];
        if (occupant->account != CAST_NOBODY && occupant->role == M_MODERATOR)
            clients |= talk_clients(occupant);
    }
    return clients;
}

/* A message to who may see addresses (6.7), with the code of what happened. */
static void check_news(struct talk *talk, int room, enum model_affiliation before)
{
    struct model_room *believed = talk_room(talk, room);
    int entry = talk->model.announced;
    enum model_affiliation after = believed->rows[entry].affiliation;
    bool banned = after == M_OUTCAST;
    bool put_out = before >= M_MEMBER && after == M_NONE && believed->options.members_only;
    bool all = believed->options.anyone_sees_jids;
    unsigned told = 0, expected = all ? talk_everybody(believed) : moderators(believed);
    char item[200];

    snprintf(item, sizeof(item), "<item affiliation='%s' jid='%s'>", ranks[after],
             cast_entries[entry].address);
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const char *stanza = talk->frames[i].stanza;
        if (talk->frames[i].room != room || !stanza_is(stanza, "message", "") ||
            strstr(stanza, item) == NULL || stanza_has_status(stanza, 101))
            continue;
        told |= talk->frames[i].client == CAST_NOBODY ? 0 : 1u << talk->frames[i].client;
        if (stanza_has_status(stanza, 301) != banned || stanza_has_status(stanza, 321) != put_out)
            talk_fail(talk, "the news has a wrong code\n  %s", stanza);
    }
    if (told != expected)
        talk_fail(talk, "the news went to %x, expected %x", told, expected);
}

/* Where absent members are shown, everybody is shown this one (4.5.4). */
static void check_absent_shown(struct talk *talk, int room)
{
    const struct model_room *believed = talk_room(talk, room);
    int nick = believed->rows[talk->model.announced].nick;
    unsigned told = 0, expected = talk_everybody(believed);
    if (nick < 0 || (believed->options.shown & 1u << M_OUTSIDE) == 0)
        return;
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (frame->client != CAST_NOBODY && frame->room == room &&
            stanza_is_absent(frame->stanza) && stanza_nick(frame->stanza) == nick)
            told |= 1u << frame->client;
    }
    if (told != expected)
        talk_fail(talk, "the absent member was shown to %x, expected %x", told, expected);
}

static void send_items(struct talk *talk, int client, int room, const struct model_item *items,
                       unsigned count)
{
    talk_begin(talk);
    talk_write(talk, "<iq type='set' id='%s' to='%s'><query xmlns='" ADMIN "'>", talk->id,
               cast_rooms[room]);
    for (unsigned i = 0; i < count; i++)
        write_item(talk, room, &items[i]);
    talk_write(talk, "</query></iq>");
    int entry = count > 0 ? items[0].entry : CAST_NOBODY;
    enum model_affiliation before =
        entry < 0 ? M_NONE : model_affiliation(&talk->model, talk_room(talk, room), entry);
    unsigned refused = model_admin(&talk->model, talk_room(talk, room), client, items, count);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    if (refused == 0 && count == 1 && talk->model.announced != CAST_NOBODY &&
        talk->model.ended_at == CAST_NOBODY) {
        check_news(talk, room, before);
        check_absent_shown(talk, room);
    }
    talk_end(talk);
}

static unsigned some_count(struct talk *talk)
{
    return rarely(talk, 3) ? 1 + pick(talk, MODEL_ITEMS) : 1;
}

void act_roles(struct talk *talk, int client, int room)
{
    struct model_item items[MODEL_ITEMS];
    unsigned count = some_count(talk);
    for (unsigned i = 0; i < count; i++)
        items[i] = role_item(talk, room);
    send_items(talk, client, room, items, count);
}

void act_affiliations(struct talk *talk, int client, int room)
{
    struct model_item items[MODEL_ITEMS];
    unsigned count = some_count(talk);
    for (unsigned i = 0; i < count; i++)
        items[i] = rank_item(talk, room);
    send_items(talk, client, room, items, count);
}

/* A role and an affiliation in one item or in one query; none of both; no item. */
void act_mixed_items(struct talk *talk, int client, int room)
{
    struct model_item items[MODEL_ITEMS];
    unsigned count = pick(talk, MODEL_ITEMS + 1);
    for (unsigned i = 0; i < count; i++) {
        items[i] = i % 2 == 0 ? rank_item(talk, room) : role_item(talk, room);
        if (count == 1)
            items[i].role = M_PARTICIPANT;
        if (count == 3)
            items[i].affiliation = items[i].role = MODEL_NOTHING;
    }
    send_items(talk, client, room, items, count);
}

/* ---- lists ---- */

static unsigned with_rank(const struct model_room *room, int rank)
{
    unsigned count = 0;
    for (int i = 0; i < CAST_ENTRIES; i++)
        count += (int)room->rows[i].affiliation == rank;
    return count;
}

static unsigned with_role(const struct model_room *room, int role)
{
    unsigned count = 0;
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        const struct model_occupant *occupant = &room->occupants[i];
        if (occupant->account != CAST_NOBODY && (int)occupant->role == role)
            count += occupant->count; /* one item for each session */
    }
    return count;
}

void act_list(struct talk *talk, int client, int room)
{
    bool of_roles = rarely(talk, 2);
    int wanted = of_roles ? (int)pick(talk, 4) : (int)pick(talk, 5);
    struct model_room *believed = talk_room(talk, room);
    if (rarely(talk, 20))
        wanted = MODEL_WRONG;
    talk_begin(talk);
    talk_write(talk, "<iq type='get' id='%s' to='%s'><query xmlns='" ADMIN "'><item %s='%s'/>",
               talk->id, cast_rooms[room], of_roles ? "role" : "affiliation",
               of_roles ? role_word(wanted) : rank_word(wanted));
    talk_write(talk, "</query></iq>");
    unsigned refused = of_roles ? model_list_role(&talk->model, believed, client, wanted)
                                : model_list_affiliation(&talk->model, believed, client, wanted);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    unsigned expected = of_roles ? with_role(believed, wanted) : with_rank(believed, wanted);
    if (refused == 0 && talk_count_items(talk) != expected)
        talk_fail(talk, "the list has %u items, expected %u", talk_count_items(talk), expected);
    talk_end(talk);
}
