/*
 * Who is inside is written behind, in rooms that are stored: each way a session comes, changes and
 * goes is told once, and where nothing is stored nothing is told. After a restart they are inside
 * again, save those who cannot be.
 */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define MINUTE_US INT64_C(60000000)

static const char *const stored[] = {"persistent=on", NULL};
static const char *const archived[] = {"archive=on", "persistent=off", NULL};
static const char *const fleeting[] = {"persistent=off", NULL};
static const char *const moderated[] = {"persistent=on", "moderated=on", NULL};

static struct world *house(const char *const *options, const char *const *banned)
{
    struct world_config config = {.options = options, .banned = banned, .durable = true};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, JULIET_2);
    world_client(w, PARIS);
    return w;
}

static struct world *company(const char *const *options)
{
    struct world *w = house(options, NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

/* So many sessions were told of by the last step. */
static void told(struct world *w, unsigned count)
{
    assert_int_equal(world_effects(w, FX_SESSION), count);
    hush(w);
}

static void does(struct world *w, const char *who, const char *to, const char *inside)
{
    says(w, who, "<presence to='" ROOM "%s'>%s</presence>", to, inside);
}

/* ---- each way ---- */

static void who_comes_is_told_of(void **state)
{
    UNUSED(state);
    struct world *w = house(stored, NULL);
    join(w, ROMEO, "Romeo");
    told(w, 1);
    join(w, JULIET, "Juliet");
    told(w, 1);
    join(w, JULIET_2, "Juliet"); /* another session of the same nickname */
    told(w, 1);
    join(w, JULIET_2, "Juliet"); /* once more */
    assert_true(world_effects(w, FX_SESSION) <= 1);
    world_free(w);
}

static void who_changes_is_told_of(void **state)
{
    UNUSED(state);
    struct world *w = company(moderated);
    does(w, JULIET, "/Juliet", "<show>away</show>");
    told(w, 1);
    does(w, JULIET, "/Capulet", "");
    told(w, 1);
    join(w, JULIET_2, "Capulet");
    told(w, 1);
    does(w, JULIET, "/Juliet", ""); /* one of two sessions takes another nickname */
    told(w, 1);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><query xmlns='" NS_X "#admin'>"
         "<item nick='Paris' role='participant'/></query></iq>");
    told(w, 2); /* and of the voice that is remembered */
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><query xmlns='" NS_X "#admin'>"
         "<item jid='juliet@localhost' affiliation='member'/></query></iq>");
    told(w, 2); /* both nicknames of the account */
    world_free(w);
}

static void who_goes_is_told_of(void **state)
{
    UNUSED(state);
    struct world *w = company(stored);
    join(w, JULIET_2, "Juliet");
    hush(w);
    say(w, JULIET, "<presence to='" ROOM "/Juliet' type='unavailable'/>");
    told(w, 1);
    world_client_gone(w, JULIET_2);
    told(w, 1);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><query xmlns='" NS_X "#admin'>"
         "<item nick='Paris' role='none'/></query></iq>");
    told(w, 1);
    enters(w, PARIS, "Paris");
    say(w, PARIS,
        "<message to='" ROOM "' type='error'><error type='cancel'><recipient-unavailable "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
    told(w, 1);
    enters(w, PARIS, "Paris");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><query xmlns='" NS_X "#admin'>"
         "<item jid='paris@localhost' affiliation='outcast'/></query></iq>");
    told(w, 1);
    world_free(w);
}

static void what_changes_nobody_is_not_told(void **state)
{
    UNUSED(state);
    struct world *w = company(stored);
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><body>Hi</body></message>");
    told(w, 0);
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><subject>Hi</subject></message>");
    told(w, 0);
    says(w, PARIS, "<message to='" ROOM "/Romeo' type='chat'><body>psst</body></message>");
    told(w, 0);
    join(w, JULIET_2, "Paris"); /* it is taken */
    told(w, 0);
    says(w, ROMEO,
         "<iq to='" ROOM "/Paris' type='get' id='v'><query xmlns='jabber:iq:version'/></iq>");
    told(w, 0);
    world_free(w);
}

static void rooms_that_are_not_stored_tell_nothing(void **state)
{
    UNUSED(state);
    struct world *w = company(fleeting);
    join(w, JULIET_2, "Juliet");
    told(w, 0);
    does(w, JULIET, "/Capulet", "<show>away</show>");
    told(w, 0);
    say(w, PARIS, "<presence to='" ROOM "/Paris' type='unavailable'/>");
    told(w, 0);
    world_free(w);

    w = company(archived);
    say(w, PARIS, "<presence to='" ROOM "/Paris' type='unavailable'/>");
    told(w, 1);
    world_free(w);
}

/* ---- a restart ---- */

static void nobody_notices(void **state)
{
    UNUSED(state);
    struct world *w = company(moderated);
    does(w, JULIET, "/Juliet", "<show>away</show><status>asleep</status>");
    hush(w);
    for (enum world_end end = WORLD_CLEAN; end <= WORLD_CRASH; end++) {
        world_restart(w, end);
        reads_nothing(w, ROMEO);
        reads_nothing(w, JULIET);
        reads_nothing(w, PARIS);
        join(w, JULIET_2, "Capulet");
        reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
        reads(w, JULIET_2,
              "<presence from='" ROOM
              "/Juliet'><show>away</show><status>asleep</status></presence>");
        hush(w);
        say(w, JULIET_2, "<presence to='" ROOM "/Capulet' type='unavailable'/>");
        hush(w);
    }
    world_free(w);
}

/* Its connection ended with the process: those who stay are told, when they can be. */
static struct route any(void *self, struct str service)
{
    UNUSED(service);
    return *(bool *)self ? (struct route){77, 1, 0} : ROUTE_NONE;
}

static struct route now(void *self, struct route route)
{
    return *(bool *)self ? route : ROUTE_NONE;
}

static bool replaced(void *self, const struct jid *jid, struct route route)
{
    UNUSED(self);
    UNUSED(jid);
    UNUSED(route);
    return false;
}

static void link_is(struct world *w, bool *up, bool wanted)
{
    static const struct event event = {.kind = EV_LINKS};
    *up = wanted;
    world_event(w, &event);
}

static void who_is_not_found_is_put_out(void **state)
{
    UNUSED(state);
    bool up = true;
    const struct ways ways = {&up, now, any, replaced};
    struct world *w = house(stored, NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    world_commits(w, WORLD_LATER); /* that she goes is never written */
    world_client_gone(w, JULIET);
    hush(w);
    up = false;
    world_ways(w, &ways);
    world_commits(w, WORLD_AT_ONCE);
    world_restart(w, WORLD_CRASH);
    world_advance(w, MINUTE_US);
    reads_nothing(w, ROMEO);
    link_is(w, &up, true);
    world_advance(w, MINUTE_US);
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet' type='unavailable'>"
          "<x xmlns='" NS_USER "'><status code='333'/>"
          "<item affiliation='none' role='none' jid='" JULIET "'/></x></presence>");
    reads_nothing(w, ROMEO);
    assert_int_equal(room_sessions(world_room(w, ROOM)), 1);
    world_ways(w, NULL);
    world_restart(w, WORLD_CLEAN);
    assert_int_equal(room_sessions(world_room(w, ROOM)), 1);
    world_free(w);
}

/* Nobody is left to be told: nothing waits for a link. */
static void a_room_of_those_who_are_gone_is_empty(void **state)
{
    UNUSED(state);
    struct world *w = house(stored, NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    world_commits(w, WORLD_LATER);
    world_client_gone(w, JULIET);
    world_client_gone(w, ROMEO);
    world_commits(w, WORLD_AT_ONCE);
    world_restart(w, WORLD_CRASH);
    struct room *room = world_room(w, ROOM);
    assert_true(room == NULL || room_sessions(room) == 0);
    world_restart(w, WORLD_CLEAN);
    assert_null(world_room(w, ROOM)); /* and is not woken again */
    world_free(w);
}

/* ---- pings afterwards ---- */

static unsigned pings(struct world *w, char (*jids)[64], unsigned count)
{
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++) {
        const char *came;
        while ((came = world_next(w, jids[i])) != NULL)
            found += strstr(came, "urn:xmpp:ping") != NULL;
    }
    world_forget(w);
    return found;
}

/* All were silent for long, as far as the new process knows: they are asked in the course of a
 * period, never more than some at a time. */
static void a_large_room_is_not_asked_at_once(void **state)
{
    UNUSED(state);
    enum { COUNT = 1000, PERIOD = 15 };
    static char jids[COUNT][64];
    static const char *const quiet[] = {"persistent=on", "broadcast=moderator", NULL};
    struct world *w = house(quiet, NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        char nick[16];
        snprintf(nick, sizeof(nick), "n%u", i);
        snprintf(jids[i], sizeof(jids[i]), "user%u@localhost/desk", i);
        world_client(w, jids[i]);
        enters(w, jids[i], nick);
    }
    world_restart(w, WORLD_CRASH);
    assert_int_equal(pings(w, jids, COUNT), 0);
    unsigned total = 0;
    for (unsigned second = 0; second < PERIOD * 60 * 3 / 2; second++) {
        world_advance(w, 1000000);
        unsigned now_asked = pings(w, jids, COUNT);
        assert_true(now_asked <= ROOM_PINGS_PER_LOOK);
        total += now_asked;
        if (second < 60)
            assert_true(total <= 2 * ROOM_PINGS_PER_LOOK);
    }
    assert_in_range(total, COUNT, 2 * COUNT);
    world_free(w);
}

/* Nor are many small ones: each has its own instant within a period. */
static void many_rooms_are_not_asked_at_once(void **state)
{
    UNUSED(state);
    enum { ROOMS = 300, PERIOD = 15 };
    static char who[1][64] = {ROMEO};
    struct world *w = house(stored, NULL);
    for (unsigned i = 0; i < ROOMS; i++)
        says(w, ROMEO,
             "<presence to='r%u@" WORLD_SERVICE "/Romeo'><x xmlns='" NS_X "'/></presence>", i);
    hush(w);
    world_restart(w, WORLD_CRASH);
    unsigned total = 0, most = 0;
    for (unsigned second = 0; second < PERIOD * 60 + 1; second++) {
        world_advance(w, 1000000);
        unsigned now_asked = pings(w, who, 1);
        most = now_asked > most ? now_asked : most;
        total += now_asked;
    }
    assert_int_equal(total, ROOMS);
    assert_in_range(most, 1, 8);
    world_free(w);
}

/* A voice that was taken is taken, whatever becomes of the process. */
static void a_mute_outlives_a_crash(void **state)
{
    UNUSED(state);
    struct world *w = company(stored);
    hush(w);
    says(w, ROMEO,
         "<iq type='set' id='mute' to='" ROOM
         "'><query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item nick='Juliet' role='visitor'/></query></iq>");
    does(w, JULIET, "/Juliet", "");
    says(w, JULIET, "<presence to='" ROOM "/Juliet' type='unavailable'/>");
    world_restart(w, WORLD_CRASH);
    hush(w);
    join(w, JULIET, "Juliet");
    bool visitor = false;
    const char *stanza;
    while ((stanza = world_next(w, JULIET)) != NULL)
        visitor |= strstr(stanza, "code='110'") != NULL && strstr(stanza, "role='visitor'") != NULL;
    assert_true(visitor);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_is_told_of),
        cmocka_unit_test(who_changes_is_told_of),
        cmocka_unit_test(who_goes_is_told_of),
        cmocka_unit_test(what_changes_nobody_is_not_told),
        cmocka_unit_test(rooms_that_are_not_stored_tell_nothing),
        cmocka_unit_test(nobody_notices),
        cmocka_unit_test(who_is_not_found_is_put_out),
        cmocka_unit_test(a_room_of_those_who_are_gone_is_empty),
        cmocka_unit_test(a_large_room_is_not_asked_at_once),
        cmocka_unit_test(many_rooms_are_not_asked_at_once),
        cmocka_unit_test(a_mute_outlives_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
