#include "tests/sim/workload.h"

#include "core/base/ensure.h"
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NS_MUC      "http://jabber.org/protocol/muc"
#define NS_RETRACT  "urn:xmpp:message-retract:1"
#define NS_MODERATE "urn:xmpp:message-moderate:1"

enum { STANZA_MAX = 1200, TRIES = 5 };

/* ---- sending ---- */

struct route workload_route(const struct sim *sim, int user, int room)
{
    if (user < CAST_LOCAL)
        return sim_link_route(cast_service[room]);
    if (sim->world.wired)
        return sim_client_route(&sim->world, cast_users[user]);
    return (struct route){
        .slot = (uint32_t)user,
        .generation = sim->workload.generation[user],
        .lane = (uint16_t)(user % SIM_LANES),
    };
}

static struct seat_of *seat_of(struct sim *sim, int user, int room)
{
    return &sim->checkers->seats[user][room];
}

bool workload_is_here(const struct sim *sim, int user)
{
    return sim->world.wired ? peers_is_here(sim, user) : sim->workload.sessions[user] != NULL;
}

static bool may_send(const struct sim *sim, int user, int room)
{
    if (sim->world.wired)
        return peers_may_send(sim, user, cast_service[room]);
    if (user >= CAST_LOCAL && !workload_is_here(sim, user))
        return false;
    return sim_world_may_send(&sim->world, workload_route(sim, user, room).lane,
                              str_z(cast_rooms[room]));
}

/* To the room, or to `nick` in it. `stanza` as it is. */
static void send_raw(struct sim *sim, int user, int room, const char *nick, const char *stanza)
{
    char to[100];
    snprintf(to, sizeof(to), "%s%s%s", cast_rooms[room], nick[0] == '\0' ? "" : "/", nick);
    sim_note(sim, "  %s > %s: %s", cast_users[user], to, stanza);
    privacy_sent(sim->checkers->privacy[cast_service[room]], cast_users[user], stanza);
    if (sim->world.wired)
        peers_send(sim, user, cast_service[room], stanza);
    else
        sim_world_send(&sim->world, workload_route(sim, user, room), cast_users[user], to, stanza);
}

/* `inner` may name the stanza's number, once, as ~. Returns the number. */
static unsigned send(struct sim *sim, const char *kind, const char *nick, struct sent sent,
                     const char *inner)
{
    char stanza[STANZA_MAX];
    unsigned number = checkers_sending(sim->checkers, sent);
    const char *text = strstr(inner, "~");
    int before = text == NULL ? (int)strlen(inner) : (int)(text - inner);
    const char *name = kind[0] == 'i' ? "iq" : kind[0] == 'm' ? "message" : "presence";
    int len =
        snprintf(stanza, sizeof(stanza), "<%s to='%s%s%s' id='s%u'>%.*s", kind,
                 cast_rooms[sent.room], nick[0] == '\0' ? "" : "/", nick, number, before, inner);
    if (text != NULL)
        len += snprintf(stanza + len, sizeof(stanza) - (size_t)len, "t%u%s", number, text + 1);
    len += snprintf(stanza + len, sizeof(stanza) - (size_t)len, "</%s>", name);
    ensure(len < STANZA_MAX);
    send_raw(sim, sent.user, sent.room, nick, stanza);
    return number;
}

static struct sent quiet(int user, int room)
{
    return (struct sent){
        .kind = SENT_QUIET,
        .user = user,
        .room = room,
        .reg = REG_NONE,
        .buries = -1,
        .doubtful = true,
    };
}

static struct sent talk(int user, int room)
{
    struct sent sent = quiet(user, room);
    sent.kind = SENT_TALK;
    sent.doubtful = false;
    return sent;
}

static struct sent request(int user, int room)
{
    struct sent sent = quiet(user, room);
    sent.kind = SENT_IQ;
    sent.doubtful = false;
    return sent;
}

static unsigned pick(struct sim *sim, unsigned count)
{
    return dice_pick(&sim->dice, count);
}

/* ---- coming and going ---- */

static bool join(struct sim *sim, int user, int room)
{
    struct seat_of *seat = seat_of(sim, user, room);
    bool there = sim->checkers->rooms[room].made || seat_of(sim, room, room)->inside;
    if ((seat->inside && !seat->unsure) || seat->joining != 0)
        return false;
    if (user < CAST_OWNERS ? user != room : !there)
        return false;
    char nick[16];
    snprintf(nick, sizeof(nick), "n%d", user);
    struct sent sent = quiet(user, room);
    sent.kind = SENT_JOIN;
    seat->joining = send(sim, "presence", seat->nick[0] != '\0' ? seat->nick : nick, sent,
                         "<x xmlns='" NS_MUC "'/>");
    return true;
}

static bool leave(struct sim *sim, int user, int room)
{
    struct seat_of *seat = seat_of(sim, user, room);
    if (!seat->inside && !seat->unsure)
        return false;
    checkers_disturb(sim->checkers, user, room);
    send(sim, "presence type='unavailable'", seat->nick[0] != '\0' ? seat->nick : "n",
         quiet(user, room), "");
    return true;
}

/* Owners stay, mostly: a room without one is dull. */
static bool leave_seldom(struct sim *sim, int user, int room)
{
    return (user >= CAST_OWNERS || pick(sim, 6) == 0) && leave(sim, user, room);
}

static bool change_nick(struct sim *sim, int user, int room)
{
    char nick[16];
    if (!seat_of(sim, user, room)->inside)
        return false;
    snprintf(nick, sizeof(nick), "n%d-%u", user, ++sim->workload.nicks % 10000);
    send(sim, "presence", nick, quiet(user, room), "");
    return true;
}

static bool show(struct sim *sim, int user, int room)
{
    const struct seat_of *seat = seat_of(sim, user, room);
    if (!seat->inside)
        return false;
    send(sim, "presence", seat->nick, quiet(user, room), "<show>away</show><status>~</status>");
    return true;
}

static void connect_local(struct sim *sim, int user)
{
    struct workload *workload = &sim->workload;
    struct jid *jid = jid_parse(NULL, str_z(cast_users[user]));
    workload->generation[user]++;
    workload->sessions[user] =
        directory_session_add(sim->world.directory, jid, workload_route(sim, user, 0));
    directory_session_presence(workload->sessions[user], true, 0);
    jid_free(jid);
}

static bool vanish(struct sim *sim, int user, int room)
{
    UNUSED(room);
    if (user >= CAST_LOCAL && sim->world.wired && !peers_is_away(sim, user)) {
        peers_leave(sim, user, (enum goodbye)pick(sim, GOODBYES));
        return true;
    }
    if (user < CAST_LOCAL || sim->workload.sessions[user] == NULL)
        return false;
    for (int i = 0; i < CAST_ROOMS; i++) {
        const struct seat_of *seat = seat_of(sim, user, i);
        if (seat->inside || seat->unsure || seat->joining != 0)
            sim_world_session_gone(&sim->world, workload_route(sim, user, i), cast_users[user],
                                   cast_rooms[i]);
    }
    directory_session_remove(sim->world.directory, sim->workload.sessions[user]);
    sim->workload.sessions[user] = NULL;
    checkers_gone(sim->checkers, user);
    return true;
}

/* The account goes, and with it the session. */
static bool remove_account(struct sim *sim, int user, int room)
{
    UNUSED(room);
    if (!sim->world.wired || user < CAST_LOCAL || !peers_is_here(sim, user))
        return false;
    peers_remove_account(sim, user);
    return true;
}

static bool come_back(struct sim *sim, int user, int room)
{
    UNUSED(room);
    if (user >= CAST_LOCAL && sim->world.wired && peers_is_away(sim, user)) {
        peers_call(sim, user);
        return true;
    }
    if (user < CAST_LOCAL || sim->world.wired || sim->workload.sessions[user] != NULL)
        return false;
    connect_local(sim, user);
    return true;
}

/* ---- talking ---- */

static bool say(struct sim *sim, int user, int room)
{
    const struct seat_of *seat = seat_of(sim, user, room);
    if (!seat->inside && pick(sim, 20) != 0)
        return false;
    send(sim, "message type='groupchat'", "", talk(user, room), "<body>~</body>");
    return true;
}

static bool set_subject(struct sim *sim, int user, int room)
{
    UNUSED(user);
    if (!seat_of(sim, room, room)->inside)
        return false;
    struct sent sent = talk(room, room);
    sent.reg = REG_SUBJECT;
    sent.value = (int)sim->checkers->sent_count + 1;
    send(sim, "message type='groupchat'", "", sent, "<subject>~</subject>");
    return true;
}

static bool whisper(struct sim *sim, int user, int room)
{
    int other = (int)pick(sim, CAST_USERS);
    const struct seat_of *seat = seat_of(sim, other, room);
    if (!seat_of(sim, user, room)->inside || !seat->inside || other == user)
        return false;
    send(sim, "message type='chat'", seat->nick, quiet(user, room), "<body>~</body>");
    return true;
}

static const struct heard *last_body(struct sim *sim, int room)
{
    long last = sim->checkers->rooms[room].last_body;
    return last < 0 ? NULL : &sim->checkers->heard[last];
}

static bool take_back(struct sim *sim, int user, int room)
{
    char inner[300];
    const struct heard *heard = last_body(sim, room);
    UNUSED(user);
    if (heard == NULL || heard->sent == 0 || heard->buried)
        return false;
    struct sent sent = talk(sim->checkers->sent[heard->sent].user, room);
    if (!seat_of(sim, sent.user, room)->inside || !may_send(sim, sent.user, room))
        return false;
    snprintf(inner, sizeof(inner), "<retract xmlns='" NS_RETRACT "' id='%s'/><body>~</body>",
             heard->id);
    send(sim, "message type='groupchat'", "", sent, inner);
    return true;
}

/* ---- the owner ---- */

static bool moderate(struct sim *sim, int user, int room)
{
    char inner[300];
    const struct heard *heard = last_body(sim, room);
    UNUSED(user);
    if (heard == NULL || heard->buried || !seat_of(sim, room, room)->inside)
        return false;
    struct sent sent = request(room, room);
    sent.doubtful = room != CAST_STEADY; /* it may not be kept any more */
    sent.buries = (int)(heard - sim->checkers->heard);
    snprintf(inner, sizeof(inner),
             "<moderate xmlns='" NS_MODERATE "' id='%s'><retract xmlns='" NS_RETRACT
             "'/></moderate>",
             heard->id);
    send(sim, "iq type='set'", "", sent, inner);
    return true;
}

static void set_affiliation(struct sim *sim, int room, unsigned reg, enum affiliation value)
{
    char inner[300];
    const char *account = reg < CAST_GUESTS ? cast_guests[reg] : cast_accounts[reg - CAST_GUESTS];
    struct sent sent = request(room, room);
    sent.reg = reg;
    sent.value = value;
    snprintf(inner, sizeof(inner),
             "<query xmlns='" NS_MUC "#admin'><item jid='%s' affiliation='%s'/></query>", account,
             affiliation_text(value).at);
    send(sim, "iq type='set'", "", sent, inner);
}

static bool affiliate_guest(struct sim *sim, int user, int room)
{
    UNUSED(user);
    if (!seat_of(sim, room, room)->inside)
        return false;
    set_affiliation(sim, room, pick(sim, CAST_GUESTS), (enum affiliation)pick(sim, AFF_OWNER));
    return true;
}

static bool affiliate_user(struct sim *sim, int user, int room)
{
    static const enum affiliation values[] = {AFF_OUTCAST, AFF_NONE, AFF_NONE,
                                              AFF_MEMBER,  AFF_NONE, AFF_ADMIN};
    enum affiliation value = values[pick(sim, ARRAY_LEN(values))];
    if (user < CAST_OWNERS || !seat_of(sim, room, room)->inside)
        return false;
    if (value == AFF_OUTCAST || sim->checkers->rooms[room].regs[CAST_GUESTS + user].value == 0)
        checkers_disturb(sim->checkers, user, room);
    if (value == AFF_ADMIN)
        seat_of(sim, user, room)->admin = true;
    set_affiliation(sim, room, (unsigned)(CAST_GUESTS + user), value);
    return true;
}

static bool kick(struct sim *sim, int user, int room)
{
    char inner[300];
    const struct seat_of *seat = seat_of(sim, user, room);
    if (user < CAST_OWNERS || !seat->inside || !seat_of(sim, room, room)->inside)
        return false;
    checkers_disturb(sim->checkers, user, room);
    snprintf(inner, sizeof(inner),
             "<query xmlns='" NS_MUC "#admin'><item nick='%s' role='none'/></query>", seat->nick);
    struct sent sent = request(room, room);
    sent.doubtful = true; /* somebody of that name may be gone by then, or be an admin */
    send(sim, "iq type='set'", "", sent, inner);
    return true;
}

static void configure(struct sim *sim, struct sent sent, const char *fields)
{
    char inner[800];
    snprintf(inner, sizeof(inner),
             "<query xmlns='" NS_MUC "#owner'><x xmlns='jabber:x:data' type='submit'>"
             "<field var='FORM_TYPE'><value>" NS_MUC "#roomconfig</value></field>"
             "%s</x></query>",
             fields);
    send(sim, "iq type='set'", "", sent, inner);
}

static bool set_title(struct sim *sim, int user, int room)
{
    UNUSED(user);
    if (!seat_of(sim, room, room)->inside)
        return false;
    struct sent sent = request(room, room);
    sent.reg = REG_TITLE;
    sent.value = (int)sim->checkers->sent_count + 1;
    configure(sim, sent, "<field var='muc#roomconfig_roomname'><value>~</value></field>");
    return true;
}

/* The room may be stored by it, or be stored no more, or be over when all have left. */
static bool toggle(struct sim *sim, int user, int room)
{
    char fields[300];
    UNUSED(user);
    if (room == CAST_STEADY || !seat_of(sim, room, room)->inside)
        return false;
    snprintf(fields, sizeof(fields),
             "<field var='muc#roomconfig_persistentroom'><value>%u</value></field>"
             "<field var='muc#roomconfig_enablearchiving'><value>%u</value></field>",
             pick(sim, 2), pick(sim, 2));
    sim->checkers->rooms[room].frail = true;
    checkers_disturb(sim->checkers, -1, room);
    configure(sim, request(room, room), fields);
    return true;
}

static bool destroy(struct sim *sim, int user, int room)
{
    UNUSED(user);
    if (room == CAST_STEADY || !seat_of(sim, room, room)->inside)
        return false;
    sim->checkers->rooms[room].frail = true;
    sim->checkers->rooms[room].made = false;
    checkers_disturb(sim->checkers, -1, room);
    send(sim, "iq type='set'", "", request(room, room),
         "<query xmlns='" NS_MUC "#owner'><destroy/></query>");
    return true;
}

/* ---- asking ---- */

static bool read_archive(struct sim *sim, int user, int room)
{
    static const char *const pages[] = {
        "",
        "<set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set>",
        "<set xmlns='http://jabber.org/protocol/rsm'><max>10</max></set>",
    };
    char inner[300];
    snprintf(inner, sizeof(inner), "<query xmlns='urn:xmpp:mam:2'>%s</query>",
             pages[pick(sim, ARRAY_LEN(pages))]);
    send(sim, "iq type='set'", "", request(user, room), inner);
    return true;
}

static bool look(struct sim *sim, int user, int room)
{
    send(sim, "iq type='get'", "", request(user, room),
         "<query xmlns='http://jabber.org/protocol/disco#info'/>");
    return true;
}

/* ---- who does what ---- */

static const struct {
    const char *name;
    bool (*run)(struct sim *sim, int user, int room);
    unsigned weight;
} acts[] = {
    {"join", join, 60},
    {"leave", leave_seldom, 10},
    {"nick", change_nick, 8},
    {"show", show, 8},
    {"vanish", vanish, 4},
    {"come back", come_back, 40},
    {"remove account", remove_account, 4},
    {"say", say, 120},
    {"subject", set_subject, 10},
    {"whisper", whisper, 8},
    {"take back", take_back, 6},
    {"moderate", moderate, 6},
    {"affiliate guest", affiliate_guest, 25},
    {"affiliate user", affiliate_user, 12},
    {"kick", kick, 4},
    {"title", set_title, 10},
    {"toggle", toggle, 6},
    {"destroy", destroy, 2},
    {"archive", read_archive, 10},
    {"look", look, 5},
};

static_assert(ARRAY_LEN(acts) <= WORKLOAD_ACTS, "as many as there is room for");

void workload_begin(struct sim *sim)
{
    for (unsigned i = 0; i < ARRAY_LEN(acts); i++) {
        /* Entering and talking always; of the rest some, some of it much. */
        bool needed = acts[i].run == join || acts[i].run == say || acts[i].run == come_back;
        unsigned factor = needed ? 2 : pick(sim, 5);
        sim->workload.weights[i] = acts[i].weight * factor / 2;
    }
}

void workload_started(struct sim *sim)
{
    sim->workload.ping_count = 0;
}

void workload_ended(struct sim *sim)
{
    for (int user = CAST_LOCAL; user < CAST_USERS; user++) {
        if (sim->workload.sessions[user] != NULL)
            directory_session_remove(sim->world.directory, sim->workload.sessions[user]);
        sim->workload.sessions[user] = NULL;
    }
}

void workload_pinged(struct sim *sim, int user, int room, struct str id)
{
    struct workload *workload = &sim->workload;
    if (workload->ping_count == WORKLOAD_PINGS || id.len >= sizeof(workload->pings[0].id))
        sim_fail(sim, "too many pings, or one with too long an id");
    unsigned at = workload->ping_count++;
    workload->pings[at].user = user;
    workload->pings[at].room = room;
    snprintf(workload->pings[at].id, sizeof(workload->pings[at].id), "%.*s", (int)id.len, id.at);
}

void workload_answer_pings(struct sim *sim)
{
    struct workload *workload = &sim->workload;
    while (workload->ping_count > 0) {
        unsigned at = --workload->ping_count;
        char stanza[STANZA_MAX];
        int user = workload->pings[at].user, room = workload->pings[at].room;
        if (user >= CAST_LOCAL && !workload_is_here(sim, user))
            continue;
        if (sim->world.wired && user < CAST_LOCAL && !peers_link_is_up(sim, cast_service[room]))
            continue;
        snprintf(stanza, sizeof(stanza), "<iq to='%s' type='result' id='%s'/>", cast_rooms[room],
                 workload->pings[at].id);
        send_raw(sim, user, room, "", stanza);
    }
}

static bool is_of_owner(unsigned act)
{
    return acts[act].run == set_subject || acts[act].run == moderate ||
           acts[act].run == affiliate_guest || acts[act].run == affiliate_user ||
           acts[act].run == kick || acts[act].run == set_title || acts[act].run == toggle ||
           acts[act].run == destroy;
}

static bool try_act(struct sim *sim)
{
    unsigned sum = 0, act = 0;
    for (unsigned i = 0; i < ARRAY_LEN(acts); i++)
        sum += sim->workload.weights[i];
    unsigned at = pick(sim, sum);
    while (at >= sim->workload.weights[act])
        at -= sim->workload.weights[act++];
    int room = pick(sim, 2) == 0 ? CAST_STEADY : (int)pick(sim, CAST_ROOMS);
    int user = (int)pick(sim, CAST_USERS);
    if (user < CAST_OWNERS)
        room = user;
    bool free = acts[act].run == come_back || acts[act].run == vanish ||
                acts[act].run == remove_account ||
                may_send(sim, is_of_owner(act) ? room : user, room);
    return free && acts[act].run(sim, user, room);
}

void workload_act(struct sim *sim)
{
    /* Much of it is not possible for that user now. */
    for (int i = 0; i < TRIES; i++) {
        if (!try_act(sim))
            continue;
        sim->workload.acts++;
        return;
    }
}

void workload_make_sure(struct sim *sim)
{
    int user = (int)pick(sim, CAST_USERS), room = (int)pick(sim, CAST_ROOMS);
    const struct seat_of *seat = seat_of(sim, user, room);
    if (!seat->unsure || !may_send(sim, user, room))
        return;
    if (pick(sim, 4) == 0)
        leave(sim, user, room);
    else
        join(sim, user, room);
}

void workload_all_leave(struct sim *sim)
{
    for (int user = 0; user < CAST_USERS; user++)
        for (int room = 0; room < CAST_ROOMS; room++)
            if (may_send(sim, user, room))
                leave(sim, user, room);
}
