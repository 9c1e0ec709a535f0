/*
 * Thousands of random things done to two rooms by accounts with two clients each. After every step
 * the world checks the room's invariants; here it is checked that every request is answered exactly
 * once, that one that is refused changes nothing, that nobody hears a room that has told it it is
 * outside, that nobody reads an address that is kept from it, and that a run can be repeated.
 * The seed is printed with a failure; CHAOS_STEPS makes it longer.
 */
#include "core/muc/room.h"
#include "tests/support/expect.h"

#include <string.h>

enum { ACCOUNTS = 5, CLIENTS = 2 * ACCOUNTS, ROOMS = 2, STEPS = 4000, SEEDS = 4 };

static const char *const accounts[ACCOUNTS] = {"romeo@localhost", "juliet@localhost",
                                               "nurse@localhost", "tybalt@verona.example",
                                               "mantua.example" /* a gateway */};
static const char *const rooms[ROOMS] = {"lounge@" WORLD_SERVICE, "tomb@" WORLD_SERVICE};
static const char *const nicks[] = {"Romeo", "Juliet", "ROMEO",  "Nurse",   "x",
                                    "Paris", " bad ",  "o'x<>&", "Capulet", "\xc3\x89t\xc3\xa9"};
static const char *const affiliations[] = {"outcast", "none", "member", "admin", "owner", "king"};
static const char *const roles[] = {"none", "visitor", "participant", "moderator"};
static const char *const flags[] = {"persistentroom", "publicroom",    "membersonly",
                                    "moderatedroom",  "changesubject", "allowinvites"};
static const char *const conditions[] = {"gone", "item-not-found", "not-acceptable",
                                         "remote-server-timeout"};

struct chaos {
    struct world *world;
    uint64_t random;
    uint64_t digest; /* of everything received, in order */
    unsigned requests;
    unsigned arrivals, removals, speeches; /* presences with 110 and groupchat that were heard */
    char client[CLIENTS][40];
    bool inside[CLIENTS][ROOMS];
    bool trusted[CLIENTS][ROOMS]; /* before the step: may know addresses */
    bool secret;                  /* whois stays at moderators; else there is nothing to check */
    bool refused;                 /* what became of the last request */
    char text[2000];
};

static unsigned pick(struct chaos *chaos, size_t count)
{
    chaos->random = chaos->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((chaos->random >> 33) % count);
}

#define ANY(chaos, array) (array)[pick((chaos), ARRAY_LEN(array))]

static void xml_nick(char *out, size_t size, const char *nick)
{
    struct buf buf;
    buf_init(&buf, NULL);
    xml_escape(&buf, str_z(nick));
    snprintf(out, size, "%.*s", (int)buf.len, buf.at);
    buf_free(&buf);
}

/* ---- what nobody may learn, and what may not change ---- */

static struct room *room_at(const struct chaos *chaos, unsigned room)
{
    return world_room(chaos->world, rooms[room]);
}

/* Moderators, and who may read the lists. */
static bool is_trusted(const struct chaos *chaos, unsigned client, unsigned at)
{
    const struct room *room = room_at(chaos, at);
    const struct session *session =
        room == NULL ? NULL : session_find(room, str_z(chaos->client[client]));
    if (room == NULL || !room_exists(room))
        return false;
    return (session != NULL && session->occupant->role == ROLE_MODERATOR) ||
           room_affiliation_str(room, str_z(accounts[client / 2])) >= AFF_ADMIN;
}

static void remember_trusted(struct chaos *chaos)
{
    for (unsigned client = 0; client < CLIENTS; client++) {
        for (unsigned room = 0; room < ROOMS; room++)
            chaos->trusted[client][room] = is_trusted(chaos, client, room);
    }
}

/* Who declines an invitation says who it is. */
static void check_secret(const struct chaos *chaos, unsigned client, unsigned room,
                         const char *stanza)
{
    if (!chaos->secret || chaos->trusted[client][room] || is_trusted(chaos, client, room) ||
        strstr(stanza, "<decline") != NULL)
        return;
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        bool leaked = i != client / 2 && strstr(stanza, accounts[i]) != NULL;
        if (leaked)
            print_error("%s learns %s from %s\n  after %s\n", chaos->client[client], accounts[i],
                        stanza, chaos->text);
        assert_false(leaked);
    }
}

/* Everything a request could change, in one number. */
static uint64_t state_of(const struct room *room)
{
    static const struct hash_key key = {7, 8};
    uint64_t state = 0;
    const struct affiliate *row;
    const struct occupant *occupant;
    if (room == NULL)
        return 0;
    struct room_options values = room->options;
    values.name = values.description = values.language = values.password = STR_NONE;
    map_each (&room->affiliations, a, row)
        state += hash_str(&key, row->jid) *
                 (hash_str(&key, row->nick) ^ hash_str(&key, row->reason) ^ row->affiliation);
    occupant_each (room, o, occupant)
        state +=
            hash_str(&key, occupant->nick) *
            (uint64_t)(occupant->role + 10 * occupant->affiliation + 100 * occupant->session_count);
    return state * 31 + hash_str(&key, str_of((const char *)&values, sizeof(values))) +
           (uint64_t)room->state;
}

/* ---- what came ---- */

static void hear_presence(struct chaos *chaos, unsigned client, unsigned room, const char *stanza)
{
    if (strstr(stanza, "<status code='110'/>") == NULL || strstr(stanza, "type='error'") != NULL)
        return;
    bool gone = strstr(stanza, "type='unavailable'") != NULL;
    chaos->arrivals += !gone && !chaos->inside[client][room];
    chaos->removals += gone;
    if (!gone || strstr(stanza, "<status code='303'/>") == NULL)
        chaos->inside[client][room] = !gone;
}

static void hear(struct chaos *chaos, unsigned client, const char *stanza)
{
    static const struct hash_key key = {5, 6};
    chaos->digest = chaos->digest * 31 + hash_str(&key, str_z(stanza)) + client;
    for (unsigned room = 0; room < ROOMS; room++) {
        char from[60];
        snprintf(from, sizeof(from), "from='%s", rooms[room]);
        const char *at = strstr(stanza, from);
        if (at == NULL || at > strchr(stanza, '>'))
            continue;
        check_secret(chaos, client, room, stanza);
        if (strncmp(stanza, "<presence", 9) == 0)
            hear_presence(chaos, client, room, stanza);
        if (strstr(stanza, "type='groupchat'") == NULL)
            continue;
        chaos->speeches++;
        if (!chaos->inside[client][room])
            print_error("%s is outside and hears %s\n", chaos->client[client], stanza);
        assert_true(chaos->inside[client][room]);
    }
}

/* Everybody reads; how many answers to request `id` were among it. */
static unsigned listen_all(struct chaos *chaos, const char *id)
{
    unsigned answers = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        const char *stanza;
        while ((stanza = world_next(chaos->world, chaos->client[i])) != NULL) {
            bool answer =
                id != NULL && strncmp(stanza, "<iq", 3) == 0 && strstr(stanza, id) != NULL;
            hear(chaos, i, stanza);
            if (answer)
                chaos->refused = strstr(stanza, "type='error'") != NULL;
            answers += answer;
        }
    }
    world_forget(chaos->world);
    return answers;
}

/* ---- what is done ---- */

static void tell(struct chaos *chaos, unsigned client)
{
    say(chaos->world, chaos->client[client], chaos->text);
    listen_all(chaos, NULL);
}

static void ask(struct chaos *chaos, unsigned client, const char *room, const char *type,
                const char *payload)
{
    char id[30];
    uint64_t before = state_of(world_room(chaos->world, room));
    snprintf(id, sizeof(id), "id='request%u'", ++chaos->requests);
    snprintf(chaos->text, sizeof(chaos->text), "<iq to='%s' type='%s' %s>%s</iq>", room, type, id,
             payload);
    say(chaos->world, chaos->client[client], chaos->text);
    unsigned answers = listen_all(chaos, id);
    if (answers != 1)
        print_error("%u answers to %s\n", answers, chaos->text);
    assert_int_equal(answers, 1);
    bool changed = chaos->refused && state_of(world_room(chaos->world, room)) != before;
    if (changed)
        print_error("refused, and yet something changed: %s\n", chaos->text);
    assert_false(changed);
}

static void do_presence(struct chaos *chaos, unsigned client, const char *room)
{
    static const char *const extras[] = {"", "<show>away</show>", "<priority>5</priority>",
                                         "<status>hm</status>"};
    char nick[60];
    bool enters = pick(chaos, 3) > 0;
    xml_nick(nick, sizeof(nick), ANY(chaos, nicks));
    snprintf(chaos->text, sizeof(chaos->text), "<presence to='%s/%s'>%s%s</presence>", room, nick,
             enters ? "<x xmlns='http://jabber.org/protocol/muc'/>" : "", ANY(chaos, extras));
    tell(chaos, client);
}

static void do_leave(struct chaos *chaos, unsigned client, const char *room)
{
    snprintf(chaos->text, sizeof(chaos->text), "<presence to='%s' type='unavailable'/>", room);
    tell(chaos, client);
}

static void do_speak(struct chaos *chaos, unsigned client, const char *room)
{
    static const char *const bodies[] = {"<body>hello</body>", "<subject>news</subject>",
                                         "<subject/>", "<body>a</body><subject>b</subject>"};
    snprintf(chaos->text, sizeof(chaos->text), "<message to='%s' type='groupchat'>%s</message>",
             room, ANY(chaos, bodies));
    tell(chaos, client);
}

static void do_whisper(struct chaos *chaos, unsigned client, const char *room)
{
    char nick[60];
    xml_nick(nick, sizeof(nick), ANY(chaos, nicks));
    snprintf(chaos->text, sizeof(chaos->text),
             "<message to='%s/%s' type='chat'><body>psst</body></message>", room, nick);
    tell(chaos, client);
}

static void do_bounce(struct chaos *chaos, unsigned client, const char *room)
{
    char nick[60];
    const char *kind = pick(chaos, 2) == 0 ? "message" : "presence";
    xml_nick(nick, sizeof(nick), ANY(chaos, nicks));
    snprintf(chaos->text, sizeof(chaos->text),
             "<%s to='%s/%s' type='error'><error type='cancel'>"
             "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></%s>",
             kind, room, nick, ANY(chaos, conditions), kind);
    tell(chaos, client);
}

static void do_admin(struct chaos *chaos, unsigned client, const char *room)
{
    char payload[1500];
    size_t len = (size_t)snprintf(payload, sizeof(payload),
                                  "<query xmlns='http://jabber.org/protocol/muc#admin'>");
    bool by_role = pick(chaos, 3) == 0;
    for (unsigned i = 0, count = 1 + pick(chaos, 3); i < count; i++) {
        char nick[60], named[80];
        xml_nick(nick, sizeof(nick), ANY(chaos, nicks));
        snprintf(named, sizeof(named), " nick='%s'", nick);
        if (by_role)
            len += (size_t)snprintf(payload + len, sizeof(payload) - len, "<item%s role='%s'/>",
                                    named, ANY(chaos, roles));
        else
            len += (size_t)snprintf(payload + len, sizeof(payload) - len,
                                    "<item jid='%s' affiliation='%s'%s><reason>why</reason></item>",
                                    pick(chaos, 9) == 0 ? "verona.example" : ANY(chaos, accounts),
                                    ANY(chaos, affiliations), pick(chaos, 2) == 0 ? named : "");
    }
    snprintf(payload + len, sizeof(payload) - len, "</query>");
    ask(chaos, client, room, "set", payload);
}

static void do_configure(struct chaos *chaos, unsigned client, const char *room)
{
    static const char *const whois[] = {"anyone", "moderators"};
    static const char *const shown[] = {"none", "visitor", "participant", "moderator"};
    char payload[1500];
    snprintf(payload, sizeof(payload),
             "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
             "type='submit'><field var='FORM_TYPE'><value>"
             "http://jabber.org/protocol/muc#roomconfig</value></field>"
             "<field var='muc#roomconfig_%s'><value>%u</value></field>"
             "<field var='muc#roomconfig_whois'><value>%s</value></field>"
             "<field var='muc#roomconfig_presencebroadcast'><value>%s</value><value>%s</value>"
             "<value>%s</value></field></x></query>",
             ANY(chaos, flags), pick(chaos, 2), whois[chaos->secret || pick(chaos, 2) == 0],
             ANY(chaos, shown), ANY(chaos, shown), ANY(chaos, shown));
    ask(chaos, client, room, "set", payload);
}

/* Complete lists of owners or admins; or a form without anything, which opens a room or ends it. */
static void do_staff(struct chaos *chaos, unsigned client, const char *room)
{
    static const char *const lists[] = {"roomowners", "roomadmins"};
    static const char *const types[] = {"submit", "cancel"};
    char payload[1000], second[100];
    snprintf(second, sizeof(second), "<value>%s/x</value>", ANY(chaos, accounts));
    if (pick(chaos, 3) == 0)
        snprintf(payload, sizeof(payload),
                 "<query xmlns='http://jabber.org/protocol/muc#owner'>"
                 "<x xmlns='jabber:x:data' type='%s'/></query>",
                 ANY(chaos, types));
    else
        snprintf(payload, sizeof(payload),
                 "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
                 "type='submit'><field var='FORM_TYPE'><value>"
                 "http://jabber.org/protocol/muc#roomconfig</value></field>"
                 "<field var='muc#roomconfig_%s'><value>%s</value>%s</field></x></query>",
                 ANY(chaos, lists), ANY(chaos, accounts), pick(chaos, 2) == 0 ? second : "");
    ask(chaos, client, room, "set", payload);
}

static void do_voice(struct chaos *chaos, unsigned client, const char *room)
{
    char nick[60], approval[400] = "";
    xml_nick(nick, sizeof(nick), ANY(chaos, nicks));
    if (pick(chaos, 2) == 0)
        snprintf(approval, sizeof(approval),
                 "<field var='muc#jid'><value>%s</value></field>"
                 "<field var='muc#roomnick'><value>%s</value></field>"
                 "<field var='muc#request_allow'><value>1</value></field>",
                 ANY(chaos, chaos->client), nick);
    snprintf(chaos->text, sizeof(chaos->text),
             "<message to='%s'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
             "<value>http://jabber.org/protocol/muc#request</value></field>"
             "<field var='muc#role'><value>participant</value></field>%s</x></message>",
             room, approval);
    tell(chaos, client);
}

static void do_register(struct chaos *chaos, unsigned client, const char *room)
{
    char nick[60], payload[1000];
    xml_nick(nick, sizeof(nick), ANY(chaos, nicks));
    snprintf(payload, sizeof(payload),
             "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>"
             "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>"
             "<field var='muc#register_roomnick'><value>%s</value></field></x></query>",
             nick);
    ask(chaos, client, room, "set",
        pick(chaos, 3) == 0 ? "<query xmlns='jabber:iq:register'><remove/></query>" : payload);
}

static void do_destroy(struct chaos *chaos, unsigned client, const char *room)
{
    if (pick(chaos, 4) == 0)
        ask(chaos, client, room, "set",
            "<query xmlns='http://jabber.org/protocol/muc#owner'>"
            "<destroy><reason>done</reason></destroy></query>");
    /* minutes, so that locks open; or a month, so that tombstones fall */
    bool long_pause = pick(chaos, 3) == 0;
    world_advance(chaos->world,
                  pick(chaos, 400) * (long_pause ? INT64_C(8640000000) : INT64_C(1000000)));
    listen_all(chaos, NULL);
}

static void do_invite(struct chaos *chaos, unsigned client, const char *room)
{
    snprintf(chaos->text, sizeof(chaos->text),
             "<message to='%s'><x xmlns='http://jabber.org/protocol/muc#user'>"
             "<%s to='%s'/></x></message>",
             room, pick(chaos, 3) == 0 ? "decline" : "invite", ANY(chaos, accounts));
    tell(chaos, client);
}

static void do_vanish(struct chaos *chaos, unsigned client, const char *room)
{
    UNUSED(room);
    if (pick(chaos, 4) > 0) {
        listen_all(chaos, NULL);
        return;
    }
    world_client_gone(chaos->world, chaos->client[client]);
    listen_all(chaos, NULL);
    for (unsigned i = 0; i < ROOMS; i++)
        chaos->inside[client][i] = false;
    world_client(chaos->world, chaos->client[client]);
}

static void do_ask(struct chaos *chaos, unsigned client, const char *room)
{
    static const char *const gets[] = {
        "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        "<query xmlns='http://jabber.org/protocol/disco#items'/>",
        "<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/>",
        "<query xmlns='http://jabber.org/protocol/muc#owner'/>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member'/></query>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item role='visitor'/></query>",
        "<query xmlns='jabber:iq:register'/>",
        "<vCard xmlns='vcard-temp'/>",
        "<strange xmlns='to:us'/>",
    };
    ask(chaos, client, room, "get", ANY(chaos, gets));
}

typedef void deed(struct chaos *chaos, unsigned client, const char *room);

/* ---- runs ---- */

static uint64_t run(uint64_t seed, unsigned steps)
{
    static deed *const deeds[] = {
        do_presence, do_presence, do_presence,  do_presence, do_speak,  do_speak,  do_whisper,
        do_admin,    do_admin,    do_configure, do_register, do_invite, do_bounce, do_leave,
        do_destroy,  do_vanish,   do_ask,       do_staff,    do_voice,  do_voice,
    };
    struct chaos *chaos = test_calloc(1, sizeof(*chaos));
    static const char *const admins[] = {"nurse@localhost", NULL};
    struct world_config config = {.locked = seed % 2 == 0, .admins = admins};
    chaos->world = world_new(&config);
    chaos->random = seed;
    chaos->secret = seed % 2 == 1;
    for (unsigned i = 0; i < CLIENTS; i++) {
        snprintf(chaos->client[i], sizeof(chaos->client[i]), "%s/%u", accounts[i / 2], i % 2);
        world_client(chaos->world, chaos->client[i]);
    }
    for (unsigned step = 0; step < steps; step++) {
        unsigned client = pick(chaos, CLIENTS);
        remember_trusted(chaos);
        ANY(chaos, deeds)(chaos, client, ANY(chaos, rooms));
    }
    world_shutdown(chaos->world);
    listen_all(chaos, NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        for (unsigned room = 0; room < ROOMS; room++)
            assert_false(chaos->inside[i][room]);
    }
    /* the doors were not simply shut all the time */
    assert_true(chaos->arrivals > steps / 50 && chaos->removals > steps / 50);
    assert_true(chaos->speeches > steps / 10);
    uint64_t digest = chaos->digest;
    world_free(chaos->world);
    test_free(chaos);
    return digest;
}

static void rooms_withstand_chaos(void **state)
{
    UNUSED(state);
    const char *wanted = getenv("CHAOS_STEPS");
    unsigned steps = wanted == NULL ? STEPS : (unsigned)strtoul(wanted, NULL, 10);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %u, %u steps\n", (unsigned)seed, steps);
        run(seed, steps);
    }
}

static void the_same_seed_is_the_same_run(void **state)
{
    UNUSED(state);
    uint64_t first = run(77, 500);
    assert_true(run(77, 500) == first);
    assert_true(run(78, 500) != first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_withstand_chaos),
        cmocka_unit_test(the_same_seed_is_the_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
