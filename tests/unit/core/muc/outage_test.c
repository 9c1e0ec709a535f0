/* Links that fall and come back: nobody is taken for gone, nobody has a gap it does not know of.
 * @covers 0045#service-error-kick.self 0045#service-error-kick.others */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#include <stdio.h>

#define MINUTE_US INT64_C(60000000)
#define PERIOD    15 /* minutes, the preset */
#define MISSED                                                                                     \
    "<presence from='" ROOM "/Paris' type='unavailable'>"                                          \
    "<status>Missed messages: the connection to your server was lost</status>"                     \
    "<x xmlns='" NS_USER "'><status code='333'/>"                                                  \
    "<item affiliation='none' role='none' jid='" PARIS "'/>%s</x></presence>"

/* The link that Paris is behind, and another one. */
static struct {
    struct route link, other;
    bool link_up, other_up;
    bool replaced;
} net;

static struct route any(void *self, struct str service)
{
    UNUSED(self);
    UNUSED(service);
    if (net.link_up)
        return net.link;
    return net.other_up ? net.other : ROUTE_NONE;
}

static struct route now(void *self, struct route route)
{
    return route_eq(route, net.link) && !net.link_up ? any(self, STR_NONE) : route;
}

static bool replaced(void *self, const struct jid *jid, struct route route)
{
    UNUSED(self);
    UNUSED(route);
    return net.replaced && str_eqz(jid_full(jid), PARIS);
}

static const struct ways ways = {.now = now, .any = any, .replaced = replaced};

static struct session *session_of(struct world *w, const char *who)
{
    return session_find(world_room(w, ROOM), str_z(who));
}

/* Romeo, who moderates, and Paris, behind the link. */
static struct world *begin(void)
{
    struct world *w = world_with(NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    net.link = session_of(w, PARIS)->route;
    net.other = (struct route){77, 1, 0};
    net.link_up = true;
    net.other_up = net.replaced = false;
    world_ways(w, &ways);
    return w;
}

static void link_is(struct world *w, bool up)
{
    static const struct event event = {.kind = EV_LINKS};
    net.link_up = up;
    world_event(w, &event);
}

static void lose(struct world *w)
{
    struct event event = {.kind = EV_LINK_LOSS};
    event.link_loss.route = net.link;
    world_event(w, &event);
}

static void tells(struct world *w, const char *who, const char *body)
{
    says(w, who, "<message to='" ROOM "' type='groupchat'><body>%s</body></message>", body);
}

/* Romeo is heard of all the time. */
static void pass(struct world *w, unsigned minutes)
{
    for (unsigned i = 0; i < minutes; i++) {
        world_advance(w, MINUTE_US);
        says(w, ROMEO, "<iq to='" ROOM "' type='result' id='none'/>");
    }
}

static void silence_behind_a_dead_link_proves_nothing(void **state)
{
    struct world *w = begin();
    (void)state;
    pass(w, 2 * PERIOD);
    assert_int_equal(session_of(w, PARIS)->pings, 1); /* asked, and then the link falls */
    link_is(w, false);
    hush(w);
    pass(w, 10 * PERIOD);
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    assert_non_null(session_of(w, PARIS));
    /* Who is back is asked within a period, from the beginning. */
    link_is(w, true);
    pass(w, PERIOD + 1);
    assert_non_null(strstr(world_next(w, PARIS), "<ping"));
    assert_int_equal(session_of(w, PARIS)->pings, 1);
    says(w, PARIS, "<iq to='" ROOM "' type='result' id='none'/>");
    assert_int_equal(session_of(w, PARIS)->pings, 0);
    /* And who is not back is put out as ever. */
    pass(w, 4 * PERIOD);
    assert_null(session_of(w, PARIS));
    world_free(w);
}

static void who_missed_nothing_stays(void **state)
{
    struct world *w = begin();
    (void)state;
    link_is(w, false);
    link_is(w, true);
    tells(w, ROMEO, "together again");
    assert_non_null(strstr(world_next(w, PARIS), "together again"));
    world_free(w);
}

static void who_missed_something_is_told_first_of_all(void **state)
{
    struct world *w = begin();
    (void)state;
    link_is(w, false);
    lose(w);
    tells(w, ROMEO, "lost");
    says(w, ROMEO, "<message to='" ROOM "/Paris' type='chat' id='p'><body>lost</body></message>");
    hush(w);
    world_advance(w, MINUTE_US);
    reads_nothing(w, PARIS);
    assert_non_null(session_of(w, PARIS));
    link_is(w, true);
    tells(w, ROMEO, "not for Paris");
    world_advance(w, 1);
    reads(w, PARIS, MISSED, "<status code='110'/>");
    reads_nothing(w, PARIS);
    assert_non_null(strstr(world_next(w, ROMEO), "not for Paris"));
    reads(w, ROMEO, MISSED, "");
    assert_null(session_of(w, PARIS));
    world_free(w);
}

/* Before its turn to be put out comes. */
static void who_is_put_out_meanwhile_is_told_that(void **state)
{
    static const struct {
        const char *request, *told;
    } ways_out[] = {
        {"<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Paris' "
         "role='none'/></query>",
         "307"},
        {"<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='paris@localhost' "
         "affiliation='outcast'/></query>",
         "301"},
        {"<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>", "<destroy/>"},
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(ways_out); i++) {
        struct world *w = begin();
        link_is(w, false);
        lose(w);
        net.link_up = true; /* the alarm to put it out has not rung yet */
        says(w, ROMEO, "<iq to='" ROOM "' type='set' id='o'>%s</iq>", ways_out[i].request);
        const char *told = world_next(w, PARIS);
        assert_non_null(told);
        assert_non_null(strstr(told, "type='unavailable'"));
        assert_non_null(strstr(told, ways_out[i].told));
        reads_nothing(w, PARIS);
        world_free(w);
    }
}

static void who_speaks_first_is_told_then(void **state)
{
    static const char *const first[] = {
        "<message to='" ROOM "' type='groupchat' id='m'><body>Hello?</body></message>",
        "<presence to='" ROOM "/Paris' id='e'><x xmlns='" NS_X "'/></presence>",
    };
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *w = begin();
        link_is(w, false);
        lose(w);
        net.link_up = true; /* the room has not been told yet */
        says(w, PARIS, "%s", first[i]);
        reads(w, PARIS, MISSED, "<status code='110'/>");
        reads(w, ROMEO, MISSED, "");
        if (i == 0)
            assert_non_null(strstr(world_next(w, PARIS), "<not-acceptable"));
        assert_int_equal(session_of(w, PARIS) != NULL, i == 1); /* it has entered again */
        world_free(w);
    }
}

static void another_link_takes_over(void **state)
{
    struct world *w = begin();
    (void)state;
    net.other_up = true;
    link_is(w, false);
    assert_true(route_eq(session_of(w, PARIS)->route, net.other));
    tells(w, ROMEO, "by the other");
    assert_null(world_next(w, PARIS)); /* it is nobody's in this world */
    /* What was on its way by the first one is missed all the same. */
    lose(w);
    assert_true(session_is_cut_off(session_of(w, PARIS)));
    world_advance(w, 1);
    assert_null(session_of(w, PARIS));
    world_free(w);
}

/* What waited of a link that is down does not bring its sender's way back. */
static void a_late_stanza_does_not_lead_to_a_dead_link(void **state)
{
    struct world *w = begin();
    (void)state;
    net.other_up = true;
    link_is(w, false);
    tells(w, PARIS, "from before");
    assert_true(route_eq(session_of(w, PARIS)->route, net.other));
    net.other_up = false;
    link_is(w, false);
    tells(w, PARIS, "and again");
    assert_true(route_eq(session_of(w, PARIS)->route, net.other));
    world_free(w);
}

static void an_older_connection_says_nothing_of_its_client(void **state)
{
    struct world *w = begin();
    (void)state;
    const struct route newer = {78, 1, 0};
    session_set_route(world_room(w, ROOM), session_of(w, PARIS), newer);
    net.replaced = true; /* what Paris sends now comes from the old one */
    tells(w, PARIS, "late");
    assert_non_null(strstr(world_next(w, ROMEO), "late"));
    says(w, PARIS, "<presence to='" ROOM "/Paris' type='unavailable'/>");
    reads_nothing(w, ROMEO);
    assert_true(route_eq(session_of(w, PARIS)->route, newer));
    world_client_gone(w, PARIS); /* the old one */
    assert_non_null(session_of(w, PARIS));
    world_free(w);
}

static void one_of_several_sessions_is_told_and_nobody_else(void **state)
{
    struct world *w = begin();
    (void)state;
    world_client(w, "paris@localhost/tomb");
    enters(w, "paris@localhost/tomb", "Paris");
    link_is(w, false);
    lose(w);
    link_is(w, true);
    hush(w);
    world_advance(w, 1);
    assert_non_null(strstr(world_next(w, PARIS), "<status code='333'/>"));
    const char *came;
    while ((came = world_next(w, ROMEO)) != NULL)
        assert_null(strstr(came, "333"));
    assert_null(session_of(w, PARIS));
    assert_non_null(session_of(w, "paris@localhost/tomb"));
    world_free(w);
}

static void many_are_put_out_bit_by_bit(void **state)
{
    struct world *w = begin();
    (void)state;
    enum { CROWD = 250 };
    for (unsigned i = 0; i < CROWD; i++) {
        char who[40], nick[20];
        snprintf(who, sizeof(who), "u%u@localhost/x", i);
        snprintf(nick, sizeof(nick), "u%u", i);
        world_client(w, who);
        enters(w, who, nick);
        session_set_route(world_room(w, ROOM), session_of(w, who), net.link);
    }
    link_is(w, false);
    lose(w);
    link_is(w, true);
    assert_int_equal(world_room(w, ROOM)->session_count, CROWD + 2);
    world_advance(w, 1);
    assert_int_equal(world_room(w, ROOM)->session_count, CROWD + 2 - ROOM_OUTAGE_PER_LOOK);
    world_advance(w, 3 * ROOM_OUTAGE_LOOK_MS * 1000);
    assert_int_equal(world_room(w, ROOM)->session_count, 1);
    world_free(w);
}

static void who_ends_properly_has_no_technical_problem(void **state)
{
    (void)state;
    for (int properly = 0; properly < 2; properly++) {
        struct world *w = begin();
        struct jid *jid = jid_parse(NULL, STR(PARIS));
        struct event event = {.kind = EV_SESSION_GONE};
        event.session_gone.jid = jid;
        event.session_gone.route = net.link;
        event.session_gone.properly = properly != 0;
        world_event(w, &event);
        const char *came = world_next(w, ROMEO);
        assert_non_null(strstr(came, "type='unavailable'"));
        assert_int_equal(strstr(came, "333") != NULL, properly == 0);
        jid_free(jid);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_behind_a_dead_link_proves_nothing),
        cmocka_unit_test(who_missed_nothing_stays),
        cmocka_unit_test(who_missed_something_is_told_first_of_all),
        cmocka_unit_test(who_is_put_out_meanwhile_is_told_that),
        cmocka_unit_test(who_speaks_first_is_told_then),
        cmocka_unit_test(another_link_takes_over),
        cmocka_unit_test(a_late_stanza_does_not_lead_to_a_dead_link),
        cmocka_unit_test(an_older_connection_says_nothing_of_its_client),
        cmocka_unit_test(one_of_several_sessions_is_told_and_nobody_else),
        cmocka_unit_test(many_are_put_out_bit_by_bit),
        cmocka_unit_test(who_ends_properly_has_no_technical_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
