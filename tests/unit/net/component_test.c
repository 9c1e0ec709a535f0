/* The component link against a host server played by the test. */
#include "tests/support/host_side.h"

#define OUR_HEADER                                                                                 \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"                          \
    " xmlns:stream='http://etherx.jabber.org/streams' to='conference.localhost'>"
#define STREAM_ERROR(condition)                                                                    \
    "<stream:error><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"                   \
    "</stream:error></stream:stream>"
#define MESSAGE(id, room)                                                                          \
    "<message from='a@far/x' to='" room "@conference.localhost' type='groupchat' id='" id "'>"     \
    "<body>hi</body></message>"

/* ---- what works ---- */

/* @covers 0114#proto */
static void the_handshake_is_the_digest_of_id_and_secret(void **state)
{
    UNUSED(state);
    link_begin();
    assert_true(host_accept(1000) >= 0);
    assert_string_equal(host_read(NULL), OUR_HEADER);
    host_send(HOST_HEADER);
    /* The example of XEP-0114 section 3 has id 3BF96D32 and secret "test". */
    assert_string_equal(host_read(NULL),
                        "<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>");
    assert_false(logged("component link: up"));
    host_send("<handshake/>");
    assert_true(logged("component link: up"));
}

static void stanzas_go_both_ways(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    host_send(MESSAGE("m1", "lounge") MESSAGE("m2", "lounge") "<presence from='a@far/x' "
                                                              "to='lounge@conference.localhost/me' "
                                                              "id='p1'/>");
    assert_string_equal(world.last, "m1 m2 p1 ");
    struct delivery delivery = lane_world_one(component_route(0, 1), "a@far/x", 7, "hello");
    lane_world_deliver(&world, 0, &delivery, 1);
    assert_string_equal(host_read(NULL),
                        "<message type='groupchat' to='a@far/x'><body>hello</body></message>");
    host_send("<iq from='a@far/x' to='other.localhost' type='get' id='q'>"
              "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_non_null(strstr(host_read(NULL), "service-unavailable"));
}

static void nothing_is_said_before_the_handshake_is_done(void **state)
{
    UNUSED(state);
    link_begin();
    assert_true(host_accept(1000) >= 0);
    host_read(NULL);
    struct delivery delivery = lane_world_one(component_route(0, 1), "a@far/x", 7, "hello");
    lane_world_deliver(&world, 0, &delivery, 1);
    host_send(HOST_HEADER);
    host_send(MESSAGE("m1", "lounge"));
    assert_null(strstr(host_read(NULL), "hello"));
    assert_int_equal(world.stanzas, 0);
    host_send("<handshake/>");
    assert_true(logged("1 stanzas for the host server were dropped"));
}

static void a_quiet_link_is_kept_awake(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    lane_world_step(&world, LINK_PING_SECONDS * 1000 + 300);
    assert_string_equal(host_read(NULL), " ");
    lane_world_step(&world, LINK_PING_SECONDS * 1000 + 300);
    assert_string_equal(host_read(NULL), " ");
}

static void it_ends_properly(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    link_close(world.links.at[0]);
    bool ended = false;
    assert_string_equal(host_read(&ended), "</stream:stream>");
    host_read(&ended);
    assert_true(ended);
    assert_false(link_is_down(world.links.at[0]));
    close(host);
    host = -1;
    for (unsigned i = 0; i < 100 && !link_is_down(world.links.at[0]); i++) {
        lane_world_step(&world, 0);
        usleep(1000);
    }
    assert_true(link_is_down(world.links.at[0]));
    assert_int_equal(host_accept(2 * LINK_RETRY_MS_MAX), -1); /* it stays away */
}

/* ---- trouble ---- */

static void a_refused_connection_is_tried_again_and_told_once(void **state)
{
    UNUSED(state);
    close(listener);
    link_begin();
    for (int ms = 0; ms < 3 * LINK_RETRY_MS_MAX; ms += 100)
        lane_world_step(&world, 100);
    assert_int_equal(log_count("nothing listens at 127.0.0.1 port"), 1);
    host_listen();
    link_up();
    /* Lost again: it comes back quickly, not at the slow end. */
    close(host);
    int ms = host_accept(LINK_RETRY_MS_MAX);
    assert_in_range(ms, 0, LINK_RETRY_MS_MIN + 300);
    assert_true(logged("component link: lost: "));
}

static void a_wrong_secret_is_said_so_and_tried_seldom(void **state)
{
    UNUSED(state);
    link_begin();
    for (unsigned i = 0; i < 3; i++) {
        int after_ms = host_accept(2 * LINK_RETRY_MS_MAX);
        assert_true(after_ms >= (i == 0 ? 0 : LINK_RETRY_MS_MAX / 2 - 100));
        host_read(NULL);
        host_send(HOST_HEADER);
        host_read(NULL);
        host_send(STREAM_ERROR("not-authorized"));
        close(host);
    }
    assert_int_equal(log_count("does not accept the secret for conference.localhost"), 1);
    assert_true(logged("error component link: "));
}

static void an_unknown_domain_is_said_so(void **state)
{
    UNUSED(state);
    link_begin();
    assert_true(host_accept(1000) >= 0);
    host_read(NULL);
    host_send("<stream:stream xmlns='jabber:component:accept'"
              " xmlns:stream='http://etherx.jabber.org/streams'>" STREAM_ERROR("host-unknown"));
    assert_true(logged("does not know the component conference.localhost"));
    close(host);
    assert_int_equal(host_accept(LINK_RETRY_MS_MAX / 2 - 500), -1);
}

static void another_component_is_said_so(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    host_send(STREAM_ERROR("conflict"));
    assert_true(logged("lost: another component is connected to 127.0.0.1 port"));
}

static void other_ends_are_named(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    host_send(STREAM_ERROR("system-shutdown"));
    assert_true(logged("the host server ended the stream with an error: system-shutdown"));
    close(host);
    link_up();
    host_send("</stream:stream>");
    assert_true(logged("the host server has closed the stream"));
    close(host);
    link_up();
    host_send("<message></presence>");
    assert_true(logged("is not a stream we can read: not-well-formed"));
    close(host);
    link_up();
}

static void an_unknown_host_is_said_so(void **state)
{
    UNUSED(state);
    settings.hosts[0].name = STR("no-such-host.invalid");
    link_begin();
    for (unsigned i = 0; i < 10000 && !logged("cannot be found"); i++) {
        lane_world_step(&world, 100);
        usleep(1000);
    }
    assert_true(logged("the host server's name 'no-such-host.invalid' cannot be found"));
}

static void a_host_that_does_not_answer_is_left(void **state)
{
    UNUSED(state);
    link_begin();
    assert_true(host_accept(1000) >= 0);
    lane_world_step(&world, HANDSHAKE_SECONDS * 1000 + 300);
    assert_true(logged("the host server does not answer"));
    bool ended = false;
    host_read(&ended);
    assert_true(host_read(&ended)[0] == '\0' && ended);
}

/* Its queue of connections is full: to a new one it does not even say no. */
static void a_host_that_does_not_accept_is_left(void **state)
{
    UNUSED(state);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(settings.hosts[0].port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int others[8];
    ensure(listen(listener, 0) == 0);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        others[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(others[i], (struct sockaddr *)&at, sizeof(at));
    }
    link_begin();
    lane_world_step(&world, 200);
    lane_world_step(&world, HANDSHAKE_SECONDS * 1000 + 300);
    assert_true(logged("cannot connect to 127.0.0.1 port"));
    assert_true(logged("timed out"));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        close(others[i]);
}

static void a_host_may_vanish_in_the_middle_of_a_stanza(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    host_send("<message from='a@far/x' to='lounge@conference.localhost'><body>half a");
    close(host);
    link_up();
    assert_int_equal(world.stanzas, 0);
    host_send(MESSAGE("m1", "lounge"));
    assert_string_equal(world.last, "m1 ");
}

/* ---- too much ---- */

static void a_stanza_over_our_limit_is_refused_and_the_link_stays(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    static const char head[] = "<message from='a@far/x' to='lounge@conference.localhost' id='big'>"
                               "<body>";
    static const char foot[] = "</body></message>" MESSAGE("m1", "lounge");
    size_t size = STANZA_BYTES_MAX + 1000;
    char *xml = mem_new(size + sizeof(head) + sizeof(foot));
    memcpy(xml, head, sizeof(head) - 1);
    memset(xml + sizeof(head) - 1, 'x', size);
    memcpy(xml + sizeof(head) - 1 + size, foot, sizeof(foot));
    size_t left = strlen(xml), at = 0;
    while (left > 0) {
        ssize_t written = write(host, xml + at, left);
        at += written > 0 ? (size_t)written : 0;
        left -= written > 0 ? (size_t)written : 0;
        lane_world_step(&world, 0);
    }
    const char *answer = host_read(NULL);
    assert_non_null(strstr(answer, "id='big' to='a@far/x'"));
    assert_non_null(strstr(answer, "<policy-violation"));
    host_send(" ");
    assert_string_equal(world.last, "m1 ");
    mem_free(xml);
}

/* `count` times `text` between head and foot, and a message behind it. */
static void send_repeated(const char *head, const char *text, unsigned count, const char *foot)
{
    struct buf xml;
    buf_init(&xml, NULL);
    buf_addz(&xml, head);
    for (unsigned i = 0; i < count; i++)
        buf_addf(&xml, text, i);
    buf_addz(&xml, foot);
    buf_addz(&xml, MESSAGE("m1", "lounge"));
    host_send(buf_str(&xml).at);
    buf_free(&xml);
}

static void a_stanza_of_an_impossible_shape_costs_its_sender_alone(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    send_repeated("<message from='a@far/x' to='lounge@conference.localhost' id='deep'>", "<a>", 100,
                  "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
                  "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
                  "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
                  "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
                  "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
                  "</message>");
    assert_non_null(strstr(host_read(NULL), "id='deep' to='a@far/x'><error type='modify'>"
                                            "<policy-violation"));
    assert_string_equal(world.last, "m1 ");
    send_repeated("<iq from='a@far/x' to='lounge@conference.localhost' type='get' id='wide'><x",
                  " a%u='1'", 1000, "/></iq>");
    assert_non_null(strstr(host_read(NULL), "id='wide' to='a@far/x'><error"));
    assert_string_equal(world.last, "m1 m1 ");
    /* It is over for who leaves, though. */
    send_repeated("<presence from='a@far/x' to='lounge@conference.localhost/n' type='unavailable' "
                  "id='bye'><x",
                  " a%u='1'", 1000, "/></presence>");
    assert_string_equal(world.last, "m1 m1 bye m1 ");
    assert_false(logged("lost"));
}

static void a_host_that_does_not_read_is_not_read_either(void **state)
{
    UNUSED(state);
    link_begin();
    link_up();
    /* Answers of the router are not held back by the high-water mark. */
    static const char ask[] =
        "<iq from='a@far/x' to='other.localhost' type='get' id='"
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "'><query xmlns='jabber:iq:version'/></iq>";
    size_t at = 0; /* within the request being written */
    unsigned full = 0;
    for (unsigned long i = 0; full < 50 && i < 4000000; i++) {
        ssize_t taken = write(host, ask + at, sizeof(ask) - 1 - at);
        at = (at + (taken > 0 ? (size_t)taken : 0)) % (sizeof(ask) - 1);
        if (taken <= 0 || i % 100 == 0)
            lane_world_step(&world, 0);
        full = taken > 0 ? 0 : full + 1;
        if (taken <= 0)
            usleep(100);
    }
    assert_int_equal(full, 50); /* TCP says: enough */
    unsigned chunks = world.conns.large.lent;
    assert_in_range(chunks, LINK_OUTBOX_PAUSE_READ / 65536, LINK_OUTBOX_PAUSE_READ / 65536 + 16);

    /* It reads again: so do we. */
    for (unsigned i = 0; i < 100000 && world.conns.large.lent > 0; i++) {
        lane_world_read(host, NULL);
        lane_world_step(&world, 0);
    }
    assert_int_equal(world.conns.large.lent, 0);
    assert_true(world.conns.count == 1);
}

/* ---- several ---- */

static void deliver_to(unsigned link, const char *text)
{
    struct delivery delivery = lane_world_one(component_route(link, 1), "a@far/x", 7, text);
    lane_world_deliver(&world, 0, &delivery, 1);
}

/* The slot of the link by which somebody elsewhere is reached. */
static uint32_t way_out(void)
{
    struct jid *to = jid_parse(NULL, STR("somebody@far"));
    struct route route = ROUTE_NONE;
    struct way way = {settings.services[0].domain, to, ROUTE_NONE};
    unsigned count = directory_reach(world.directory, &way, &route, 1);
    jid_free(to);
    assert_int_equal(count, 1);
    return route.slot;
}

static void each_link_has_its_own_route_and_name(void **state)
{
    UNUSED(state);
    int peers[2];
    two_up(peers);
    deliver_to(0, "by the first");
    deliver_to(1, "by the second");
    for (unsigned i = 0; i < 2; i++) {
        host = peers[i];
        const char *heard = host_read(NULL);
        assert_int_equal(strstr(heard, "by the first") != NULL, i == 0);
        assert_int_equal(strstr(heard, "by the second") != NULL, i == 1);
    }
    /* What is asked by one is answered by it. */
    host_send("<iq from='a@far/x' to='other.localhost' type='get' id='q'><query "
              "xmlns='jabber:iq:version'/></iq>");
    assert_non_null(strstr(host_read(NULL), "id='q'"));
    host = peers[0];
    assert_string_equal(lane_world_read(host, NULL), "");
    close(peers[1]);
}

/* A handshake holds only with the secret of its own domain, so both are looked at. */
static void each_domain_has_its_own_link_and_secret(void **state)
{
    UNUSED(state);
    settings.services[1] = (struct component_service){.domain = STR("lounge.localhost"),
                                                      .secret = STR("another"),
                                                      .domain_option = STR("muc.domains[x]"),
                                                      .section = STR("muc.domains[x].component"),
                                                      .link_count = 1};
    settings.service_count = 2;
    settings.hosts[1] = settings.hosts[0];
    settings.hosts[1].service = 1;
    settings.link_count = 2;
    link_begin();
    char shaken[2][100];
    for (unsigned i = 0; i < 2; i++) {
        assert_true(host_accept(LINK_RETRY_MS_MAX) >= 0);
        bool first = strstr(host_read(NULL), " to='conference.localhost'>") != NULL;
        host_send(HOST_HEADER);
        snprintf(shaken[!first], sizeof(shaken[0]), "%s", host_read(NULL));
        if (first)
            host_send("<handshake/>");
        else
            host_send("<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                      "</stream:error>");
        for (unsigned turn = 0; turn < 5; turn++)
            lane_world_step(&world, 0);
        close(host);
        host = -1;
    }
    assert_string_not_equal(shaken[0], shaken[1]);
    assert_true(logged("component link (conference.localhost): up, speaking for conference"));
    assert_true(logged("component link (lounge.localhost): "));
    assert_true(logged("does not accept the secret for lounge.localhost; "
                       "muc.domains[x].component.secret must be"));
}

static void a_lost_link_leaves_the_others_alone(void **state)
{
    UNUSED(state);
    int peers[2];
    two_up(peers);
    assert_int_equal(way_out(), 0);
    close(peers[0]);
    host = peers[1];
    for (unsigned i = 0; i < 100 && !logged("component link 1: lost: "); i++) {
        lane_world_step(&world, 0);
        usleep(1000);
    }
    assert_true(logged("component link 1: lost: "));
    assert_false(logged("component link 2: lost"));
    assert_int_equal(way_out(), 1);
    deliver_to(0, "lost");
    deliver_to(0, "lost too");
    deliver_to(1, "not lost");
    assert_non_null(strstr(host_read(NULL), "not lost"));
    assert_int_equal(world.links_told, 3 * LANE_SHARDS); /* two have come up, one has gone */
    assert_int_equal(world.losses, 1);
    assert_int_equal(world.deliver.dropped[0], 2);
    assert_int_equal(world.deliver.dropped[1], 0);

    link_up(); /* the first one again, with the route it had */
    assert_int_equal(log_count("component link 1: up"), 2);
    assert_true(logged("component link 1: 2 stanzas for the host server were dropped"));
    assert_int_equal(way_out(), 0);
    deliver_to(0, "sent before the room knew");
    struct delivery known = lane_world_loss_heard(component_route(0, 1), 7);
    lane_world_deliver(&world, 0, &known, 1);
    deliver_to(0, "back again");
    const char *read = host_read(NULL);
    assert_non_null(strstr(read, "back again"));
    assert_null(strstr(read, "before the room knew"));
    close(peers[1]);
}

static void all_links_end_properly(void **state)
{
    UNUSED(state);
    int peers[2];
    two_up(peers);
    links_close(&world.links);
    for (unsigned i = 0; i < 2; i++) {
        bool ended = false;
        host = peers[i];
        assert_string_equal(host_read(&ended), "</stream:stream>");
        host_read(&ended);
        assert_true(ended);
        close(host);
    }
    host = -1;
    for (unsigned i = 0; i < 100 && world.conns.count > 0; i++) {
        lane_world_step(&world, 0);
        usleep(1000);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_true(link_is_down(world.links.at[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_handshake_is_the_digest_of_id_and_secret, begin, end),
        cmocka_unit_test_setup_teardown(stanzas_go_both_ways, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_said_before_the_handshake_is_done, begin, end),
        cmocka_unit_test_setup_teardown(a_quiet_link_is_kept_awake, begin, end),
        cmocka_unit_test_setup_teardown(it_ends_properly, begin, end),
        cmocka_unit_test_setup_teardown(a_refused_connection_is_tried_again_and_told_once, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_wrong_secret_is_said_so_and_tried_seldom, begin, end),
        cmocka_unit_test_setup_teardown(an_unknown_domain_is_said_so, begin, end),
        cmocka_unit_test_setup_teardown(another_component_is_said_so, begin, end),
        cmocka_unit_test_setup_teardown(other_ends_are_named, begin, end),
        cmocka_unit_test_setup_teardown(an_unknown_host_is_said_so, begin, end),
        cmocka_unit_test_setup_teardown(a_host_that_does_not_answer_is_left, begin, end),
        cmocka_unit_test_setup_teardown(a_host_that_does_not_accept_is_left, begin, end),
        cmocka_unit_test_setup_teardown(a_host_may_vanish_in_the_middle_of_a_stanza, begin, end),
        cmocka_unit_test_setup_teardown(a_stanza_over_our_limit_is_refused_and_the_link_stays,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_stanza_of_an_impossible_shape_costs_its_sender_alone,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_host_that_does_not_read_is_not_read_either, begin, end),
        cmocka_unit_test_setup_teardown(each_link_has_its_own_route_and_name, begin, end),
        cmocka_unit_test_setup_teardown(each_domain_has_its_own_link_and_secret, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_link_leaves_the_others_alone, begin, end),
        cmocka_unit_test_setup_teardown(all_links_end_properly, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
