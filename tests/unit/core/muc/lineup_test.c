/*
 * Who is here, in a large room: whoever enters is given what those inside have seen happen,
 * whatever that was. Two of them look on from the start, one who is shown JIDs and one who is not;
 * what a newcomer of either kind is given must be what one of them was told last about everybody.
 */
#include "core/muc/lineup.h"

#include "core/base/base.h"
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/expect.h"

#include <string.h>

enum { GUESTS = 120, STANZA_MAX = 600 };

/* Client 0 is the owner, client 1 a participant; the others come and go, every fifth an admin. */
struct watch {
    struct world *world;
    unsigned watcher;
    char last[GUESTS + 1][STANZA_MAX]; /* presence by nickname's number; empty: not there */
};

static struct watch watches[2];
static char given[GUESTS + 1][STANZA_MAX];
static unsigned newcomer; /* whose presences go into `given` until its own comes */
static unsigned given_count;

static void name_client(unsigned client, char jid[40])
{
    snprintf(jid, 40, "g%u@localhost/r", client);
}

/* The number in ".../n17'", or -1. */
static int nick_of(const char *stanza)
{
    const char *from = strstr(stanza, " from='" ROOM "/n");
    return from != NULL ? atoi(from + strlen(" from='" ROOM "/n")) : -1;
}

/* Says who did it: that is news, and a newcomer is given none. */
static void cut_actor(char *stanza)
{
    static const char end[] = "/></item>";
    char *actor = strstr(stanza, "><actor ");
    if (actor == NULL)
        return;
    char *rest = strstr(actor, end);
    assert_non_null(rest);
    rest += strlen(end);
    memcpy(actor, "/>", 2);
    memmove(actor + 2, rest, strlen(rest) + 1);
}

/* Without the address, which differs. */
static void keep(char to[STANZA_MAX], const char *stanza)
{
    const char *address = strstr(stanza, " to='");
    const char *rest = address != NULL ? strchr(address + 5, '\'') + 1 : stanza;
    int head = address != NULL ? (int)(address - stanza) : 0;
    int size = snprintf(to, STANZA_MAX, "%.*s%s", head, stanza, rest);
    assert_true(size > 0 && size < STANZA_MAX);
    cut_actor(to);
}

static void heard(void *self, const char *full_jid, const char *stanza)
{
    UNUSED(self);
    unsigned client = (unsigned)atoi(full_jid + 1);
    int nick = nick_of(stanza);
    if (strncmp(stanza, "<presence", 9) != 0 || nick < 0 || strstr(stanza, "type='error'") != NULL)
        return;
    bool gone = strstr(stanza, " type='unavailable'") != NULL;
    for (unsigned i = 0; i < ARRAY_LEN(watches); i++) {
        if (watches[i].watcher == client && gone)
            watches[i].last[nick][0] = '\0';
        else if (watches[i].watcher == client)
            keep(watches[i].last[nick], stanza);
    }
    if (client != newcomer || strstr(stanza, "<status code='110'/>") != NULL) {
        newcomer = client == newcomer ? GUESTS : newcomer;
        return;
    }
    assert_int_equal(given[nick][0], '\0'); /* nobody twice */
    keep(given[nick], stanza);
    given_count++;
}

static void enter(struct world *world, unsigned client)
{
    char jid[40], nick[16];
    name_client(client, jid);
    snprintf(nick, sizeof(nick), "n%u", client);
    memset(given, 0, sizeof(given));
    given_count = 0;
    newcomer = client;
    join(world, jid, nick);
    assert_int_equal(newcomer, GUESTS); /* its own presence has come */
}

/* Of everybody but itself, what the watcher knows; about the watcher, what the other one does. */
static void check_given(unsigned client, bool is_full)
{
    const struct watch *watch = &watches[is_full ? 0 : 1];
    unsigned wanted = 0;
    for (unsigned nick = 0; nick < GUESTS; nick++) {
        if (nick == client || nick == watch->watcher)
            continue;
        if (strcmp(given[nick], watch->last[nick]) != 0)
            print_error("g%u was given about n%u\n  %s\nand not\n  %s\n", client, nick, given[nick],
                        watch->last[nick]);
        assert_string_equal(given[nick], watch->last[nick]);
        wanted += watch->last[nick][0] != '\0';
    }
    wanted += given[watch->watcher][0] != '\0';
    assert_int_equal(given_count, wanted);
}

static void say_as(struct world *world, unsigned client, const char *format, const char *what)
{
    char jid[40], xml[700];
    name_client(client, jid);
    snprintf(xml, sizeof(xml), format, what);
    say(world, jid, xml);
}

static bool is_inside(const struct world *world, unsigned client)
{
    char account[40];
    snprintf(account, sizeof(account), "g%u@localhost", client);
    const struct room *room = world_room((struct world *)(uintptr_t)world, ROOM);
    return occupant_by_account(room, str_z(account)) != NULL;
}

static bool is_quiet(struct world *world, unsigned client)
{
    char account[40];
    snprintf(account, sizeof(account), "g%u@localhost", client);
    return occupant_by_account(world_room(world, ROOM), str_z(account))->quiet;
}

static bool is_admin(unsigned client)
{
    return client % 5 == 0;
}

static struct world *begin(const char *const *options)
{
    struct world_config config = {.options = options};
    struct world *world = world_new(&config);
    memset(watches, 0, sizeof(watches));
    watches[1].watcher = 1;
    newcomer = GUESTS;
    world_listen(world, heard, NULL);
    for (unsigned i = 0; i < GUESTS; i++) {
        char jid[40];
        name_client(i, jid);
        world_client(world, jid);
    }
    enter(world, 0);
    enter(world, 1);
    for (unsigned i = 5; i < GUESTS; i += 5) {
        char item[80];
        snprintf(item, sizeof(item), "<item jid='g%u@localhost' affiliation='admin'/>", i);
        say_as(world, 0,
               "<iq id='a' type='set' to='" ROOM
               "'><query xmlns='http://jabber.org/protocol/muc#admin'>%s</query></iq>",
               item);
    }
    return world;
}

static void change_role(struct world *world, unsigned client, const char *role)
{
    char item[80];
    snprintf(item, sizeof(item), "<item nick='n%u' role='%s'/>", client, role);
    say_as(world, 0,
           "<iq id='a' type='set' to='" ROOM
           "'><query xmlns='http://jabber.org/protocol/muc#admin'>%s</query></iq>",
           item);
}

static void show_of_it(struct world *world, unsigned client, const char *show)
{
    char jid[40], xml[200];
    name_client(client, jid);
    snprintf(xml, sizeof(xml), "<presence to='" ROOM "/n%u'><show>%s</show></presence>", client,
             show);
    say(world, jid, xml);
}

static void leave(struct world *world, unsigned client)
{
    say_as(world, client, "<presence to='" ROOM "/x' type='%s'/>", "unavailable");
}

static void do_something(struct world *world, uint32_t random)
{
    unsigned client = 2 + (random >> 8) % (GUESTS - 2);
    if (!is_inside(world, client)) {
        enter(world, client);
        check_given(client, is_admin(client));
        return;
    }
    switch (random >> 24 & 7) {
    case 0:
        leave(world, client);
        break;
    case 1:
    case 2:
        if (!is_admin(client))
            change_role(world, client, (random & 1) != 0 ? "visitor" : "participant");
        break;
    default:
        show_of_it(world, client, (random & 1) != 0 ? "away" : "dnd");
    }
    world_forget(world);
}

static void many_things_happen(struct world *world, uint32_t random)
{
    for (unsigned i = 2; i < GUESTS; i++) {
        enter(world, i);
        check_given(i, is_admin(i));
        world_forget(world);
    }
    assert_non_null(world_room(world, ROOM)->lineup);
    for (unsigned i = 0; i < 1500; i++) {
        random = random * 1664525 + 1013904223;
        do_something(world, random);
    }
}

static void in_a_semi_anonymous_room(void **state)
{
    static const char *const options[] = {"moderated=on", NULL};
    UNUSED(state);
    struct world *world = begin(options);
    many_things_happen(world, 42);
    world_free(world);
}

/* Visitors are not shown: those who become visitors vanish, and are not given to who comes. */
static void where_visitors_are_hidden(void **state)
{
    static const char *const options[] = {"moderated=on", "broadcast=participant,moderator", NULL};
    UNUSED(state);
    struct world *world = begin(options);
    many_things_happen(world, 4711);
    world_free(world);
}

/* The owner hides visitors, and shows them again. */
static void when_the_option_changes(void **state)
{
    static const char *const options[] = {"moderated=on", NULL};
    static const char *const shown[] = {
        "<value>moderator</value><value>participant</value>",
        "<value>moderator</value>",
        "<value>moderator</value><value>participant</value><value>visitor</value>",
    };
    UNUSED(state);
    struct world *world = begin(options);
    uint32_t random = 7;
    many_things_happen(world, random);
    for (unsigned i = 0; i < 30; i++) {
        say_as(world, 0,
               "<iq id='a' type='set' to='" ROOM
               "'><query xmlns='http://jabber.org/protocol/muc#owner'>"
               "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
               "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
               "<field var='muc#roomconfig_presencebroadcast'>%s</field></x></query></iq>",
               shown[i % ARRAY_LEN(shown)]);
        for (unsigned k = 0; k < 20; k++) {
            random = random * 1664525 + 1013904223;
            do_something(world, random);
        }
    }
    world_free(world);
}

/* Nobody who is shown JIDs looks, while others come, change and go; who does then is shown who is
 * there. And when most are gone nothing is kept any more. */
static void when_nobody_looks(void **state)
{
    UNUSED(state);
    struct world *world = begin(NULL);
    for (unsigned i = 2; i < GUESTS; i++)
        enter(world, i);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 2; i < GUESTS / 2; i++) {
            if (is_admin(i))
                continue;
            show_of_it(world, i, (round & 1) != 0 ? "away" : "dnd");
            leave(world, i);
            enter(world, i);
            check_given(i, false);
            world_forget(world);
        }
    }
    leave(world, 5);
    enter(world, 5);
    check_given(5, true);
    struct room *room = world_room(world, ROOM);
    for (unsigned i = 2; i < GUESTS; i++) {
        assert_true(room->lineup != NULL || room->occupant_count < LINEUP_FROM);
        leave(world, i);
    }
    assert_null(room->lineup);
    enter(world, 7);
    check_given(7, false);
    world_free(world);
}

/* ---- several nicknames of one account, and those who are quiet ---- */

static unsigned read_list(struct world *world, const char *jid, unsigned *own)
{
    unsigned count = 0;
    *own = 0;
    for (const char *came; (came = world_next(world, jid)) != NULL; count++) {
        if (strncmp(came, "<presence", 9) != 0 || strstr(came, "<status code='110'/>") != NULL)
            return count;
        assert_null(strstr(came, "unavailable"));
        if (strstr(came, ROOM "/n3'") != NULL || strstr(came, ROOM "/m3'") != NULL) {
            assert_non_null(strstr(came, " jid='g3@localhost/"));
            ++*own;
        }
    }
    return count;
}

/* g3 is inside as n3 and m3 and comes as k3: it is given both with its own JIDs, and once, whether
 * others are shown them or not. */
static void check_own(const char *const *options, unsigned shown)
{
    static const char *const more[] = {"g3@localhost/second", "g3@localhost/third"};
    struct world *world = begin(options);
    unsigned own;
    world_client(world, more[0]);
    world_client(world, more[1]);
    for (unsigned i = 2; i < GUESTS; i++)
        enter(world, i);
    join(world, more[0], "m3");
    assert_non_null(world_room(world, ROOM)->lineup);
    world_forget(world);
    join(world, more[1], "k3");
    assert_int_equal(read_list(world, more[1], &own), shown);
    assert_int_equal(own, 2);
    world_forget(world);
    join(world, more[1], "k3"); /* everything again */
    assert_int_equal(read_list(world, more[1], &own), shown);
    assert_int_equal(own, 2);
    world_free(world);
}

static void own_nicknames_in_full(void **state)
{
    static const char *const hidden[] = {"broadcast=moderator", NULL};
    static const char *const open[] = {"whois=anyone", NULL};
    static const char *const quiet[] = {"quiet_above=2", NULL};
    UNUSED(state);
    check_own(NULL, GUESTS + 1);
    check_own(open, GUESTS + 1);
    check_own(hidden, GUESTS / 5 + 2);    /* moderators, and its own */
    check_own(quiet, GUESTS / 5 + 1 + 2); /* and g1, who came early enough */
}

/* Who comes is given those who are shown, while quiet ones come, change and go, until one of them
 * moderates, and until all are shown. */
static void where_many_are_quiet(void **state)
{
    static const char *const options[] = {"moderated=off", "quiet_above=80", NULL};
    UNUSED(state);
    struct world *world = begin(options);
    many_things_happen(world, 99);
    const struct room *room = world_room(world, ROOM);
    assert_true(room->quiet_count > 0);
    unsigned promoted = 0;
    for (unsigned i = 2; promoted < 3 && i < GUESTS; i++) {
        if (is_admin(i) || !is_inside(world, i) || !is_quiet(world, i))
            continue;
        change_role(world, i, "moderator");
        leave(world, 5);
        enter(world, 5);
        check_given(5, true);
        change_role(world, i, "participant");
        world_forget(world);
        promoted++;
    }
    assert_int_equal(promoted, 3);
    say_as(world, 0,
           "<iq id='a' type='set' to='" ROOM
           "'><query xmlns='http://jabber.org/protocol/muc#owner'>"
           "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
           "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
           "<field var='x-presence_quiet_above'><value>%s</value></field></x></query></iq>",
           "0");
    assert_int_equal(room->quiet_count, 0);
    for (uint32_t i = 0, random = 5; i < 200; i++) {
        random = random * 1664525 + 1013904223;
        do_something(world, random);
    }
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_semi_anonymous_room), cmocka_unit_test(where_visitors_are_hidden),
        cmocka_unit_test(when_the_option_changes),  cmocka_unit_test(when_nobody_looks),
        cmocka_unit_test(own_nicknames_in_full),    cmocka_unit_test(where_many_are_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
