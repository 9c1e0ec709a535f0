/*
 * What every client believes, from nothing but the presences it was sent, is what the room shows
 * it: who is there under which nickname, with which role, affiliation, show and real addresses,
 * neither more nor less; and after it was told to be outside it is told nothing more. Random things
 * are done; after each step everybody's picture is compared. CHAOS_STEPS makes it longer.
 * @covers 0045#bizrules-presence 0045#enter-pres 0045#enter-semianon 0045#changenick
 * @covers 0045#registrar-formtype-owner
 */
#include "core/muc/presence.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

enum { ACCOUNTS = 4, CLIENTS = 3 * ACCOUNTS, SEEN_MAX = 32, STEPS = 8000, SEEDS = 4 };

static const char *const accounts[ACCOUNTS] = {"romeo@localhost", "juliet@localhost",
                                               "nurse@localhost", "paris@localhost"};
static const char *const nicks[] = {"Romeo", "Juliet", "JULIET", "Nurse", "Paris", "Rosaline"};
static const char *const looks[] = {"", "<show>away</show>", "<priority>5</priority>",
                                    "<show>dnd</show><priority>-1</priority>"};

/* One nickname as a client knows it: the last stanza it was sent about it. */
struct seen {
    char nick[40];
    char *stanza;
};

struct picture {
    bool inside;
    bool left;     /* in this step */
    char nick[40]; /* its own */
    struct seen seen[SEEN_MAX];
    unsigned count;
};

struct watch {
    struct world *world;
    uint64_t random;
    char client[CLIENTS][40];
    struct picture picture[CLIENTS];
    char last[2000]; /* what was sent last */
    unsigned step;
    unsigned compared; /* views */
};

static unsigned pick(struct watch *watch, size_t count)
{
    watch->random = watch->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((watch->random >> 33) % count);
}

#define ANY(watch, array) (array)[pick((watch), ARRAY_LEN(array))]

/* ---- pictures ---- */

static struct seen *find(struct picture *picture, const char *nick)
{
    for (unsigned i = 0; i < picture->count; i++) {
        if (strcmp(picture->seen[i].nick, nick) == 0)
            return &picture->seen[i];
    }
    return NULL;
}

static void forget(struct picture *picture, const char *nick)
{
    struct seen *seen = find(picture, nick);
    if (seen == NULL)
        return;
    free(seen->stanza);
    *seen = picture->seen[--picture->count];
}

static void forget_all(struct picture *picture)
{
    while (picture->count > 0)
        forget(picture, picture->seen[0].nick);
    picture->inside = false;
}

static void learn(struct picture *picture, const char *nick, const char *stanza)
{
    forget(picture, nick);
    assert_true(picture->count < SEEN_MAX);
    struct seen *seen = &picture->seen[picture->count++];
    snprintf(seen->nick, sizeof(seen->nick), "%s", nick);
    seen->stanza = text_of("%s", stanza);
}

/* The value of an attribute, first occurrence behind `at`. */
static void attribute(const char *at, const char *name, char *value, size_t size)
{
    char start[20];
    snprintf(start, sizeof(start), " %s='", name);
    const char *found = strstr(at, start);
    value[0] = '\0';
    if (found == NULL)
        return;
    found += strlen(start);
    snprintf(value, size, "%.*s", (int)strcspn(found, "'"), found);
}

static void hear(struct picture *picture, const char *stanza)
{
    char nick[40];
    if (picture->left && strncmp(stanza, "<iq", 3) != 0) {
        print_error("after it was told to be outside: %s\n", stanza);
        fail();
    }
    const char *from = "from='" ROOM "/";
    const char *at = strstr(stanza, from);
    if (strncmp(stanza, "<presence", 9) != 0 || strstr(stanza, "type='error'") != NULL ||
        at == NULL)
        return;
    at += strlen(from);
    snprintf(nick, sizeof(nick), "%.*s", (int)strcspn(at, "'"), at);
    bool gone = strstr(stanza, "type='unavailable'") != NULL;
    bool self = strstr(stanza, "<status code='110'/>") != NULL;
    bool renamed = strstr(stanza, "<status code='303'/>") != NULL;
    if (gone && !self && find(picture, nick) == NULL && strstr(stanza, " nick='") == NULL) {
        print_error("told of the going of somebody it did not know: %s\n", stanza);
        fail();
    }
    if (gone)
        forget(picture, nick);
    else
        learn(picture, nick, stanza);
    if (!self)
        return;
    if (gone && !renamed) {
        forget_all(picture);
        picture->left = true;
    }
    if (!gone) {
        picture->inside = true;
        snprintf(picture->nick, sizeof(picture->nick), "%s", nick);
    }
}

/* ---- what it should be ---- */

static void wrong(const struct watch *watch, unsigned client, const char *what, const char *about,
                  const char *knows)
{
    print_error("step %u, %s: %s %s\n  after: %s\n  knows: %s\n", watch->step,
                watch->client[client], what, about, watch->last, knows);
    fail();
}

static bool sees(const struct room *room, const struct occupant *viewer, const struct occupant *o)
{
    return presence_shown(room, o->role) ||
           (room->options.see_all && viewer->role == ROLE_MODERATOR);
}

static void compare_items(const struct watch *watch, unsigned client, const struct seen *seen,
                          const struct occupant *occupant, bool jids)
{
    const char *at = strstr(seen->stanza, "<item");
    const struct session *session = occupant->sessions;
    char value[80];
    for (; at != NULL; at = strstr(at + 1, "<item")) {
        attribute(at, "role", value, sizeof(value));
        if (!str_eqz(role_text(occupant->role), value))
            wrong(watch, client, "wrong role of", seen->nick, seen->stanza);
        attribute(at, "affiliation", value, sizeof(value));
        if (!str_eqz(affiliation_text(occupant->affiliation), value))
            wrong(watch, client, "wrong affiliation of", seen->nick, seen->stanza);
        if (!jids)
            continue;
        attribute(at, "jid", value, sizeof(value));
        if (session == NULL || !str_eqz(jid_full(session->jid), value))
            wrong(watch, client, "wrong address of", seen->nick, seen->stanza);
        session = session->next;
    }
    if (jids && session != NULL)
        wrong(watch, client, "an address is missing of", seen->nick, seen->stanza);
    if (!jids && strstr(seen->stanza, " jid='") != NULL)
        wrong(watch, client, "an address is told of", seen->nick, seen->stanza);
}

static void compare_look(const struct watch *watch, unsigned client, const struct seen *seen,
                         const struct session *shown)
{
    struct str look = shown->payload;
    bool fits = str_empty(look) ? strstr(seen->stanza, "<show") == NULL &&
                                      strstr(seen->stanza, "<priority") == NULL
                                : strstr(seen->stanza, look.at) != NULL;
    if (!fits)
        wrong(watch, client, "wrong look of", seen->nick, seen->stanza);
}

static void compare(struct watch *watch, unsigned client)
{
    const struct room *room = world_room(watch->world, ROOM);
    struct picture *picture = &watch->picture[client];
    const struct session *session =
        room == NULL ? NULL : session_find(room, str_z(watch->client[client]));
    unsigned expected = 0;
    const struct occupant *occupant;

    if (picture->inside != (session != NULL))
        wrong(watch, client, "wrong about being inside", "", picture->nick);
    if (session == NULL)
        return;
    if (!str_eqz(session->occupant->nick, picture->nick))
        wrong(watch, client, "wrong own nickname", picture->nick, "");
    occupant_each (room, at, occupant) {
        bool self = occupant == session->occupant;
        const struct seen *seen = find(picture, occupant->nick.at);
        if (!self && !sees(room, session->occupant, occupant))
            continue;
        expected++;
        if (seen == NULL) {
            wrong(watch, client, "does not know of", occupant->nick.at, "nothing");
            return;
        }
        compare_items(watch, client, seen, occupant,
                      self || presence_sees_jids(room, session->occupant));
        if (!self)
            compare_look(watch, client, seen, occupant_primary(occupant));
    }
    for (unsigned i = 0; i < picture->count && picture->count != expected; i++)
        print_error("knows %s\n", picture->seen[i].nick);
    if (picture->count != expected)
        wrong(watch, client, "knows more than there is", "", "");
    watch->compared++;
}

static void everybody_looks(struct watch *watch)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        const char *stanza;
        watch->picture[i].left = false;
        while ((stanza = world_next(watch->world, watch->client[i])) != NULL)
            hear(&watch->picture[i], stanza);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        compare(watch, i);
    world_forget(watch->world);
}

/* ---- what is done ---- */

static void do_presence(struct watch *watch, unsigned client)
{
    snprintf(watch->last, sizeof(watch->last), "<presence to='" ROOM "/%s'>%s%s</presence>",
             ANY(watch, nicks), ANY(watch, looks),
             pick(watch, 3) > 0 ? "<x xmlns='" NS_X "'/>" : "");
    say(watch->world, watch->client[client], watch->last);
}

static void do_resync(struct watch *watch, unsigned client)
{
    if (!watch->picture[client].inside)
        return;
    snprintf(watch->last, sizeof(watch->last), "<presence to='" ROOM "/%s'>%s%s</presence>",
             watch->picture[client].nick, ANY(watch, looks),
             pick(watch, 2) > 0 ? "<x xmlns='" NS_X "'/>" : "");
    say(watch->world, watch->client[client], watch->last);
}

static void do_leave(struct watch *watch, unsigned client)
{
    snprintf(watch->last, sizeof(watch->last), "<presence to='" ROOM "' type='unavailable'/>");
    say(watch->world, watch->client[client], watch->last);
}

static void do_admin(struct watch *watch, unsigned client)
{
    static const char *const roles[] = {"none", "visitor", "participant", "moderator"};
    static const char *const standings[] = {"none",  "none",  "none",  "member", "member",
                                            "admin", "admin", "owner", "outcast"};
    char item[300];
    if (pick(watch, 2) == 0)
        snprintf(item, sizeof(item), "<item nick='%s' role='%s'/><item nick='%s' role='%s'/>",
                 ANY(watch, nicks), ANY(watch, roles), ANY(watch, nicks), ANY(watch, roles));
    else if (pick(watch, 2) == 0)
        snprintf(item, sizeof(item), "<item jid='%s' affiliation='%s' nick='%s'/>",
                 ANY(watch, accounts), ANY(watch, standings), ANY(watch, nicks));
    else
        snprintf(item, sizeof(item),
                 "<item jid='%s' affiliation='%s'/><item jid='%s' affiliation='%s'/>",
                 ANY(watch, accounts), ANY(watch, standings), ANY(watch, accounts),
                 ANY(watch, standings));
    snprintf(watch->last, sizeof(watch->last),
             "<iq to='" ROOM "' type='set' id='a'>"
             "<query xmlns='http://jabber.org/protocol/muc#admin'>%s</query></iq>",
             item);
    say(watch->world, watch->client[client], watch->last);
}

/* Not whois: after that nobody's presence is sent again (SEMANTICS 13.8). */
static void do_configure(struct watch *watch, unsigned client)
{
    static const char *const shown[] = {"none", "visitor", "participant", "moderator"};
    static const char *const flags[] = {
        "muc#roomconfig_membersonly", "muc#roomconfig_moderatedroom",
        "x-presencebroadcast_moderators_see_all", "x-reserved_nick_only"};
    const char *flag = ANY(watch, flags);
    snprintf(watch->last, sizeof(watch->last),
             "<iq to='" ROOM "' type='set' id='c'>"
             "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
             "type='submit'><field var='FORM_TYPE'><value>"
             "http://jabber.org/protocol/muc#roomconfig</value></field>"
             "<field var='%s'><value>%u</value></field>"
             "<field var='muc#roomconfig_presencebroadcast'><value>%s</value><value>%s</value>"
             "<value>%s</value></field></x></query></iq>",
             flag, pick(watch, 3) == 0, ANY(watch, shown), ANY(watch, shown), ANY(watch, shown));
    say(watch->world, watch->client[client], watch->last);
}

static void do_register(struct watch *watch, unsigned client)
{
    char form[600];
    snprintf(form, sizeof(form),
             "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>"
             "http://jabber.org/protocol/muc#register</value></field>"
             "<field var='muc#register_roomnick'><value>%s</value></field></x>",
             ANY(watch, nicks));
    snprintf(watch->last, sizeof(watch->last),
             "<iq to='" ROOM
             "' type='set' id='r'><query xmlns='jabber:iq:register'>%s</query></iq>",
             pick(watch, 3) == 0 ? "<remove/>" : form);
    say(watch->world, watch->client[client], watch->last);
}

static void do_bounce(struct watch *watch, unsigned client)
{
    snprintf(watch->last, sizeof(watch->last), "<presence to='" ROOM "/x' type='error'/>");
    say(watch->world, watch->client[client], watch->last);
}

static void do_vanish(struct watch *watch, unsigned client)
{
    snprintf(watch->last, sizeof(watch->last), "(the connection of %s ends)",
             watch->client[client]);
    world_client_gone(watch->world, watch->client[client]);
    world_client(watch->world, watch->client[client]);
    forget_all(&watch->picture[client]);
}

typedef void deed(struct watch *watch, unsigned client);

static void run(uint64_t seed, const char *const *options)
{
    static deed *const deeds[] = {do_presence, do_presence, do_presence, do_presence,  do_resync,
                                  do_resync,   do_resync,   do_leave,    do_admin,     do_admin,
                                  do_admin,    do_register, do_bounce,   do_configure, do_vanish};
    struct watch *watch = test_calloc(1, sizeof(*watch));
    struct world_config config = {.options = options};
    watch->world = world_new(&config);
    watch->random = seed;
    for (unsigned i = 0; i < CLIENTS; i++) {
        snprintf(watch->client[i], sizeof(watch->client[i]), "%s/%u", accounts[i / 3], i % 3);
        world_client(watch->world, watch->client[i]);
    }
    const char *wanted = getenv("CHAOS_STEPS");
    unsigned steps = wanted == NULL ? STEPS : (unsigned)strtoul(wanted, NULL, 10);
    for (watch->step = 0; watch->step < steps; watch->step++) {
        unsigned client = pick(watch, CLIENTS);
        ANY(watch, deeds)(watch, client);
        everybody_looks(watch);
    }
    assert_true(watch->compared > steps); /* the room was not empty all the time */
    for (unsigned i = 0; i < CLIENTS; i++)
        forget_all(&watch->picture[i]);
    world_free(watch->world);
    test_free(watch);
}

static void pictures_are_true(void **state)
{
    static const char *const secret[] = {"persistent=on", NULL};
    static const char *const open[] = {"persistent=on", "whois=anyone", NULL};
    UNUSED(state);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        run(seed, seed % 2 == 0 ? open : secret);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
