/* Client connections at the door: from the first byte to the last, on time and in order. */
#include "tests/support/lane_world.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "net/session_impl.h"
#include "tests/support/pem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cmocka.h>

#define REGISTER(name)                                                                             \
    "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>" name "</username>"        \
    "<password>secret</password></query></iq>"
#define AUTH(data)                                                                                 \
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" data "</auth>"
#define ROMEO_AUTH AUTH("AHJvbWVvAHNlY3JldA==") /* NUL romeo NUL secret */
#define JOIN                                                                                       \
    "<presence to='lounge@conference.localhost/me' id='join'>"                                     \
    "<x xmlns='http://jabber.org/protocol/muc'/></presence>"
#define STREAM_ERROR(condition)                                                                    \
    "<stream:error><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"

static struct lane_world world;

static int begin(void **state)
{
    UNUSED(state);
    lane_world_begin(&world);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    lane_world_end(&world);
    return 0;
}

static const char *talk(int peer, const char *xml)
{
    return lane_world_talk(&world, peer, xml);
}

static bool logged(const char *text)
{
    return world.log.len > 0 && strstr(buf_str(&world.log).at, text) != NULL;
}

static bool has_ended(int peer)
{
    bool ended = false;
    (void)lane_world_read(peer, &ended);
    return ended;
}

/* Logs in as romeo, whose account is made if it is not there, and binds. */
static const char *bind_romeo(int peer, const char *bind)
{
    talk(peer, LANE_OPENING);
    talk(peer, REGISTER("romeo"));
    assert_non_null(strstr(talk(peer, ROMEO_AUTH), "<success"));
    talk(peer, LANE_OPENING);
    return talk(peer, bind);
}

static struct session *session_of(const char *jid)
{
    struct route route;
    struct jid *parsed = jid_parse(NULL, str_z(jid));
    bool found = directory_session_find(world.directory, parsed, &route);
    jid_free(parsed);
    if (!found)
        return NULL;
    struct conn *conn = slots_find(&world.conns.slots, route.slot, route.generation);
    ensure(conn != NULL);
    return container_of(conn, struct session, conn);
}

/* ---- a session's life ---- */

static void a_session_begins_and_ends(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    char jid[200];
    snprintf(jid, sizeof(jid), "%s", lane_world_bind(&world, peer, "orchard"));
    assert_non_null(strstr(jid, "@localhost/orchard"));
    assert_non_null(session_of(jid));
    assert_true(logged("/orchard is here, from "));
    talk(peer, JOIN);
    assert_int_equal(world.stanzas, 1);

    assert_string_equal(talk(peer, "</stream:stream>"), "</stream:stream>");
    assert_null(session_of(jid));
    assert_int_equal(world.gone, 1);
    assert_int_equal(world.gone_properly, 1);
    assert_true(logged("/orchard is gone: it closed its stream"));
    assert_true(has_ended(peer));
    assert_int_equal(world.conns.count, 1); /* waits for our side */
    close(peer);
    lane_world_step(&world, 0);
    assert_int_equal(world.conns.count, 0);
    assert_int_equal(world.door.count, 0);
}

static void a_connection_that_breaks_takes_its_session_along(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    lane_world_bind(&world, peer, "orchard");
    talk(peer, JOIN "<message to='lounge@conference.localhost' type='groupchat'><body>half a sta");
    close(peer);
    lane_world_step(&world, 0);
    assert_int_equal(world.gone, 1);
    assert_int_equal(world.stanzas, 1);
    assert_int_equal(world.gone_properly, 0);
    assert_true(logged("/orchard is gone: connection closed"));
    assert_int_equal(world.door.count, 0);
}

static void who_does_not_close_is_dropped_in_the_end(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    lane_world_bind(&world, peer, "orchard");
    talk(peer, "</stream:stream>");
    lane_world_step(&world, CLOSE_SECONDS * 1000 - 100);
    assert_int_equal(world.conns.count, 1);
    lane_world_step(&world, 400);
    assert_int_equal(world.conns.count, 0);
    close(peer);
}

static void shutdown_is_told(void **state)
{
    UNUSED(state);
    int silent = lane_world_client(&world), half = lane_world_client(&world);
    int bound = lane_world_client(&world);
    talk(half, LANE_OPENING);
    lane_world_bind(&world, bound, "orchard");
    door_close(&world.door);
    lane_world_step(&world, 0);
    assert_true(has_ended(silent));
    const char *expected = STREAM_ERROR("system-shutdown") "</stream:error></stream:stream>";
    assert_string_equal(lane_world_read(half, NULL), expected);
    assert_string_equal(lane_world_read(bound, NULL), expected);
    close(silent);
    close(half);
    close(bound);
    lane_world_step(&world, 0);
    assert_int_equal(world.conns.count, 0);
}

/* ---- binding ---- */

static void the_newer_session_wins(void **state)
{
    UNUSED(state);
    int older = lane_world_client(&world), newer = lane_world_client(&world);
    assert_non_null(strstr(bind_romeo(older, LANE_BIND("orchard")), "romeo@localhost/orchard"));
    talk(older, JOIN);
    assert_non_null(strstr(bind_romeo(newer, LANE_BIND("orchard")), "romeo@localhost/orchard"));
    assert_non_null(strstr(lane_world_read(older, NULL), STREAM_ERROR("conflict")));
    assert_int_equal(world.gone, 1);
    assert_int_equal(world.gone_properly, 1);
    assert_true(logged("/orchard is gone: a newer session has its address"));
    assert_non_null(session_of("romeo@localhost/orchard"));
    talk(newer, JOIN);
    assert_int_equal(world.stanzas, 2);
    close(older);
    close(newer);
}

static void an_account_that_is_removed_takes_its_sessions_along(void **state)
{
    UNUSED(state);
    int one = lane_world_client(&world), other = lane_world_client(&world);
    bind_romeo(one, LANE_BIND("orchard"));
    bind_romeo(other, LANE_BIND("balcony"));
    talk(other, "<iq type='set' id='u'><query xmlns='jabber:iq:register'><remove/></query></iq>");
    assert_non_null(strstr(lane_world_read(one, NULL), STREAM_ERROR("not-authorized")));
    assert_true(logged("/orchard is gone: its account was removed"));
    assert_null(session_of("romeo@localhost/orchard"));
    assert_null(session_of("romeo@localhost/balcony"));
    close(one);
    close(other);
}

/* Who asked for it need not be there any more when the store has done it. */
static void an_account_is_removed_though_nobody_waits(void **state)
{
    UNUSED(state);
    int one = lane_world_client(&world), other = lane_world_client(&world);
    bind_romeo(one, LANE_BIND("orchard"));
    bind_romeo(other, LANE_BIND("balcony"));
    world.store_is_slow = true;
    talk(other, "<iq type='set' id='u'><query xmlns='jabber:iq:register'><remove/></query></iq>");
    close(other);
    lane_world_step(&world, 100);
    assert_null(session_of("romeo@localhost/balcony"));
    assert_non_null(session_of("romeo@localhost/orchard"));
    world.store_is_slow = false;
    lane_world_step(&world, 100);
    assert_non_null(strstr(lane_world_read(one, NULL), STREAM_ERROR("not-authorized")));
    assert_null(session_of("romeo@localhost/orchard"));
    close(one);
}

/* Whoever has the name next must not find somebody inside who knew the old password: neither who
 * has logged in and not bound yet, nor who is about to. */
static void an_account_that_is_removed_takes_log_ins_along(void **state)
{
    UNUSED(state);
    int owner = lane_world_client(&world), inside = lane_world_client(&world);
    int begun = lane_world_client(&world), other = lane_world_client(&world);
    bind_romeo(owner, LANE_BIND("orchard"));
    talk(inside, LANE_OPENING);
    assert_non_null(strstr(talk(inside, ROMEO_AUTH), "<success"));
    talk(begun, LANE_OPENING);
    assert_non_null(strstr(talk(begun, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
                                       "mechanism='SCRAM-SHA-1'>biwsbj1yb21lbyxyPWFiYw==</auth>"),
                           "<challenge"));
    talk(other, LANE_OPENING REGISTER("rome"));
    assert_non_null(strstr(talk(other, AUTH("AHJvbWUAc2VjcmV0")), "<success"));
    talk(owner, "<iq type='set' id='u'><query xmlns='jabber:iq:register'><remove/></query></iq>");
    assert_non_null(strstr(lane_world_read(inside, NULL), STREAM_ERROR("not-authorized")));
    assert_non_null(strstr(lane_world_read(begun, NULL), STREAM_ERROR("not-authorized")));
    talk(other, LANE_OPENING);
    assert_non_null(strstr(talk(other, LANE_BIND("tomb")), "rome@localhost/tomb"));
    close(owner);
    close(inside);
    close(begun);
    close(other);
}

static void a_resource_is_chosen_at_random(void **state)
{
    UNUSED(state);
    const char *wish =
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";
    char chosen[2][17] = {"", ""};
    for (int i = 0; i < 2; i++) {
        int peer = lane_world_client(&world);
        const char *answer = strstr(bind_romeo(peer, wish), "romeo@localhost/");
        assert_non_null(answer);
        memcpy(chosen[i], answer + 16, 16);
        assert_int_equal(strspn(chosen[i], "0123456789abcdef"), 16);
        close(peer);
    }
    assert_string_not_equal(chosen[0], chosen[1]);
}

static void an_account_has_so_many_sessions_and_no_more(void **state)
{
    UNUSED(state);
    int peers[RESOURCES_PER_ACCOUNT + 2];
    for (int i = 0; i < RESOURCES_PER_ACCOUNT + 2; i++) {
        char wish[200], jid[60];
        peers[i] = lane_world_client(&world);
        /* The last one takes the place of the first. */
        snprintf(wish, sizeof(wish), LANE_BIND("r%d"), i % (RESOURCES_PER_ACCOUNT + 1));
        snprintf(jid, sizeof(jid), "<jid>romeo@localhost/r%d</jid>",
                 i % (RESOURCES_PER_ACCOUNT + 1));
        const char *answer = bind_romeo(peers[i], wish);
        if (i == RESOURCES_PER_ACCOUNT) {
            assert_non_null(strstr(answer, "resource-constraint"));
            assert_null(strstr(answer, "<jid>"));
        } else {
            assert_non_null(strstr(answer, jid));
        }
    }
    for (int i = 0; i < RESOURCES_PER_ACCOUNT + 2; i++)
        close(peers[i]);
}

/* ---- time ---- */

static void who_does_not_log_in_is_closed_in_time(void **state)
{
    UNUSED(state);
    int silent = lane_world_client(&world), half = lane_world_client(&world);
    talk(half, LANE_OPENING);
    lane_world_step(&world, HANDSHAKE_SECONDS * 1000 - 300);
    assert_false(has_ended(silent));
    lane_world_step(&world, 600);
    assert_true(has_ended(silent));
    assert_non_null(strstr(lane_world_read(half, NULL), STREAM_ERROR("connection-timeout")));
    close(silent);
    close(half);
}

static void a_silent_session_gives_its_parser_back_and_is_pinged(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    char jid[200];
    snprintf(jid, sizeof(jid), "%s", lane_world_bind(&world, peer, "orchard"));
    const struct session *session = session_of(jid);
    assert_true(parser_memory(session->parser) > 8 * 1024);
    lane_world_step(&world, CLIENT_DOZE_SECONDS * 1000 + 300);
    assert_true(parser_memory(session->parser) < 3 * 1024);
    assert_int_equal(world.conns.small.lent, 0);

    /* It wakes up for a stanza as if nothing had been, and dozes off again. */
    talk(peer, JOIN);
    assert_int_equal(world.stanzas, 1);
    assert_true(parser_memory(session->parser) > 8 * 1024);
    lane_world_step(&world, CLIENT_DOZE_SECONDS * 1000 + 300);
    assert_true(parser_memory(session->parser) < 3 * 1024);

    lane_world_step(&world, (CLIENT_IDLE_SECONDS - CLIENT_DOZE_SECONDS) * 1000 - 1000);
    assert_string_equal(lane_world_read(peer, NULL), "");
    lane_world_step(&world, 1500);
    assert_string_equal(lane_world_read(peer, NULL), " ");
    lane_world_step(&world, CLIENT_IDLE_SECONDS * 1000 + 300);
    assert_string_equal(lane_world_read(peer, NULL), " ");
    assert_non_null(session_of(jid));
    close(peer);
}

/* ---- waiting ---- */

/* Sends groupchat messages id 0, 1, 2, ... until the client's end is full; how many went out. */
static unsigned fill(int peer, unsigned from, unsigned max)
{
    for (unsigned i = from; i < max; i++) {
        char xml[200];
        int size = snprintf(xml, sizeof(xml),
                            "<message to='lounge@conference.localhost' type='groupchat' id='%06u'>"
                            "<body>hi</body></message>",
                            i);
        ssize_t written = write(peer, xml, (size_t)size);
        if (written < 0)
            return i;
        ensure(written == size);
        if (i % 100 == 0)
            lane_world_step(&world, 0);
    }
    return max;
}

static unsigned shard_in_use(void)
{
    return world.cost[0] > 0 ? 0 : 1;
}

static void without_credit_nothing_is_read_and_nothing_lost(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    lane_world_bind(&world, peer, "orchard");
    unsigned sent = fill(peer, 0, 100000);
    assert_true(sent < 100000); /* TCP carries the pressure back */
    lane_world_step(&world, 0);
    assert_int_equal(world.stanzas, CREDITS_FIRST);

    for (unsigned i = 0; i < 100 && world.stanzas < sent; i++) {
        lane_world_give_credit(&world, shard_in_use());
        world.last[0] = '\0';
        lane_world_step(&world, 0);
    }
    assert_int_equal(world.stanzas, sent);
    world.last[0] = '\0';
    lane_world_give_credit(&world, shard_in_use());
    fill(peer, sent, sent + 3);
    lane_world_step(&world, 0);
    char expected[40];
    snprintf(expected, sizeof(expected), "%06u %06u %06u ", sent, sent + 1, sent + 2);
    assert_string_equal(world.last, expected);
    close(peer);
}

static void the_order_is_kept_while_waiting(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    lane_world_bind(&world, peer, "orchard");
    fill(peer, 0, CREDITS_FIRST);
    lane_world_step(&world, 0);
    fill(peer, CREDITS_FIRST, CREDITS_FIRST + 5);
    lane_world_step(&world, 0);
    assert_int_equal(world.stanzas, CREDITS_FIRST);
    world.last[0] = '\0';
    lane_world_give_credit(&world, shard_in_use());
    lane_world_step(&world, 0);
    assert_string_equal(world.last, "000256 000257 000258 000259 000260 ");
    close(peer);
}

/* One client has sent a hundred in one piece, another one message: a stanza each. */
static void a_flood_of_one_is_no_delay_for_another(void **state)
{
    UNUSED(state);
    int flood = lane_world_client(&world), other = lane_world_client(&world);
    lane_world_bind(&world, flood, "flood");
    lane_world_bind(&world, other, "other");
    fill(flood, 0, CREDITS_FIRST);
    lane_world_step(&world, 0);
    fill(flood, CREDITS_FIRST, CREDITS_FIRST + 100);
    lane_world_step(&world, 0);
    fill(other, 900001, 900003);
    lane_world_step(&world, 0);
    assert_int_equal(world.stanzas, CREDITS_FIRST);
    world.last[0] = '\0';
    struct message *message = message_new(MSG_CREDIT);
    message->credit.shard = shard_in_use();
    message->credit.cost = CREDITS_FIRST;
    world.cost[shard_in_use()] = 0;
    world.conns.now_ms += CREDIT_WAIT_MS * CREDITS_FIRST; /* so that there are few */
    lane_world_cycle(&world);
    post_lane(world.exchange, 0, message);
    lane_world_step(&world, 0);
    assert_string_equal(world.last, "000256 900001 000257 900002 ");
    for (unsigned i = 0; i < 100 && world.stanzas < CREDITS_FIRST + 102; i++) {
        lane_world_give_credit(&world, shard_in_use());
        lane_world_step(&world, 0);
    }
    assert_int_equal(world.stanzas, CREDITS_FIRST + 102);
    assert_non_null(strstr(world.last, "000353 000354 000355 "));
    close(flood);
    close(other);
}

static void last_words_wait_for_credit_too(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    lane_world_bind(&world, peer, "orchard");
    fill(peer, 0, CREDITS_FIRST);
    lane_world_step(&world, 0);
    fill(peer, CREDITS_FIRST, CREDITS_FIRST + 2);
    talk(peer, "</stream:stream>");
    assert_false(logged("is gone"));
    lane_world_give_credit(&world, shard_in_use());
    lane_world_step(&world, 0);
    assert_int_equal(world.stanzas, CREDITS_FIRST + 2);
    assert_true(logged("is gone: it closed its stream"));
    close(peer);
}

/* Else they would come behind those of the newer one, and say that the client is here. */
static void what_a_replaced_session_has_not_said_is_not_said(void **state)
{
    UNUSED(state);
    for (int closing = 0; closing < 2; closing++) {
        int older = lane_world_client(&world), newer = lane_world_client(&world);
        bind_romeo(older, LANE_BIND("orchard"));
        talk(older, JOIN);
        (void)fill(older, 0, 20000);
        if (closing != 0) /* it may have said goodbye, and only these wait */
            (void)!write(older, "</stream:stream>", 16);
        lane_world_step(&world, 0);
        unsigned said = world.stanzas;
        unsigned gone = world.gone;
        bind_romeo(newer, LANE_BIND("orchard"));
        assert_int_equal(world.gone, gone + 1);
        for (unsigned shard = 0; shard < LANE_SHARDS; shard++)
            lane_world_give_credit(&world, shard);
        lane_world_step(&world, 0);
        assert_int_equal(world.stanzas, said);
        close(older);
        close(newer);
        lane_world_step(&world, 0);
    }
}

static void last_words_do_not_wait_for_ever(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    lane_world_bind(&world, peer, "orchard");
    fill(peer, 0, CREDITS_FIRST + 2);
    talk(peer, "</stream:stream>");
    lane_world_step(&world, CLOSE_SECONDS * 1000 + 300);
    assert_int_equal(world.stanzas, CREDITS_FIRST);
    assert_true(logged("is gone: it closed its stream"));
    close(peer);
}

static void a_slow_store_stops_the_reading_of_one_client(void **state)
{
    UNUSED(state);
    int other = lane_world_client(&world), peer = lane_world_client(&world);
    bind_romeo(other, LANE_BIND("balcony"));
    world.store_is_slow = true;
    talk(peer, LANE_OPENING);
    assert_string_equal(talk(peer, ROMEO_AUTH), "");
    talk(other, JOIN);
    assert_int_equal(world.stanzas, 1);
    world.store_is_slow = false;
    lane_world_step(&world, 0);
    assert_non_null(strstr(lane_world_read(peer, NULL), "<success"));
    talk(peer, LANE_OPENING);
    assert_non_null(strstr(talk(peer, LANE_BIND("orchard")), "romeo@localhost/orchard"));
    close(other);
    close(peer);
}

static void the_stores_answer_for_somebody_who_left_is_dropped(void **state)
{
    UNUSED(state);
    int peer = lane_world_client(&world);
    talk(peer, LANE_OPENING);
    world.store_is_slow = true;
    talk(peer, ROMEO_AUTH);
    close(peer);
    lane_world_step(&world, 0);
    peer = lane_world_client(&world);
    talk(peer, LANE_OPENING);
    world.store_is_slow = false;
    lane_world_step(&world, 0);
    assert_string_equal(lane_world_read(peer, NULL), "");
    close(peer);
}

/* ---- bad input ---- */

static void bad_input_gets_its_stream_error(void **state)
{
    UNUSED(state);
    static const struct {
        const char *sent, *condition;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
        {LANE_OPENING "<message></presence>", "not-well-formed"},
        {LANE_OPENING "<!-- a comment -->", "restricted-xml"},
        {"<!DOCTYPE x><x/>", "restricted-xml"},
        {LANE_OPENING "<message to='a@localhost'><body>too early</body></message>",
         "not-authorized"},
        {"<?xml version='1.0' encoding='ISO-8859-1'?><a>", "unsupported-encoding"},
        {"<stream xmlns='jabber:client'>", "invalid-namespace"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int peer = lane_world_client(&world);
        const char *answer = talk(peer, cases[i].sent);
        char expected[200];
        snprintf(expected, sizeof(expected),
                 "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>",
                 cases[i].condition);
        if (strstr(answer, expected) == NULL)
            fail_msg("%s: no %s in %s", cases[i].sent, cases[i].condition, answer);
        assert_string_equal(answer + strlen(answer) - 16, "</stream:stream>");
        close(peer);
        lane_world_step(&world, 0);
    }
    assert_int_equal(world.door.count, 0);
}

static void a_stanza_before_log_in_may_be_less_large(void **state)
{
    UNUSED(state);
    char *xml = mem_new(STANZA_BYTES_UNAUTH + 100);
    memset(xml, ' ', STANZA_BYTES_UNAUTH + 50);
    memcpy(xml, "<a b='", 6);
    int peer = lane_world_client(&world);
    talk(peer, LANE_OPENING);
    assert_non_null(strstr(talk(peer, xml), STREAM_ERROR("policy-violation")));
    close(peer);

    /* After it, the same is fine. */
    peer = lane_world_client(&world);
    lane_world_bind(&world, peer, "orchard");
    memcpy(xml, "<message to='", 13);
    snprintf(xml + STANZA_BYTES_UNAUTH + 50, 50, "lounge@conference.localhost'/>");
    assert_null(strstr(talk(peer, xml), "stream:error"));
    close(peer);
    mem_free(xml);
}

static void thousands_of_half_open_connections_are_survived(void **state)
{
    UNUSED(state);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    /* Both ends are ours: as many as there are descriptors for. */
    unsigned half_open = limit.rlim_cur < 20200 ? (unsigned)(limit.rlim_cur - 200) / 2 : 10000;
    assert_true(half_open > 100);
    int *peers = MEM_NEW_ARRAY(int, half_open);
    for (unsigned i = 0; i < half_open; i++) {
        peers[i] = lane_world_client(&world);
        if (i % 2 == 0)
            ensure(write(peers[i], "<", 1) == 1);
    }
    lane_world_step(&world, 0);
    assert_int_equal(world.door.count, half_open);
    int peer = lane_world_client(&world);
    lane_world_bind(&world, peer, "orchard");
    talk(peer, JOIN);
    assert_int_equal(world.stanzas, 1);

    lane_world_step(&world, HANDSHAKE_SECONDS * 1000 + 300);
    for (unsigned i = 0; i < half_open; i++) {
        const char *heard = lane_world_read(peers[i], NULL);
        assert_true(i % 2 != 0 || strstr(heard, STREAM_ERROR("connection-timeout")) != NULL);
        close(peers[i]);
    }
    lane_world_step(&world, 0);
    assert_int_equal(world.door.count, 1);
    close(peer);
    mem_free(peers);
}

/* ---- TLS ---- */

static void step_ssl(SSL *ssl)
{
    for (unsigned i = 0; i < 20 && !SSL_is_init_finished(ssl); i++) {
        (void)SSL_do_handshake(ssl);
        lane_world_step(&world, 0);
    }
}

static struct pem pem;

static void tls_begin(bool plaintext)
{
    char why[300];
    pem_make(&pem);
    world.stream.tls = true;
    world.stream.plaintext = plaintext;
    world.door.tls = tls_new(pem.certificate, pem.key, why, sizeof(why));
    assert_non_null(world.door.tls);
}

static void tls_end(void)
{
    ERR_clear_error();
    lane_world_step(&world, 0);
    assert_int_equal(world.door.count, 0);
    tls_free(world.door.tls);
    pem_remove(&pem);
}

static SSL *tls_client(SSL_CTX *ctx, int peer)
{
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, peer);
    SSL_set_connect_state(ssl);
    step_ssl(ssl);
    assert_int_equal(SSL_is_init_finished(ssl), 1);
    return ssl;
}

static void what_came_in_the_clear_behind_starttls_does_not_count(void **state)
{
    UNUSED(state);
    tls_begin(false);
    int peer = lane_world_client(&world);
    assert_null(strstr(talk(peer, LANE_OPENING), "<mechanism>"));
    const char *answer = talk(
        peer,
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" LANE_OPENING REGISTER("mallory"));
    assert_string_equal(answer, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");

    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = tls_client(ctx, peer);
    char got[4096] = "";
    assert_true(SSL_read(ssl, got, sizeof(got)) <= 0); /* no answer to what was slipped in */
    assert_int_equal(SSL_write(ssl, LANE_OPENING, sizeof(LANE_OPENING) - 1),
                     sizeof(LANE_OPENING) - 1);
    lane_world_step(&world, 0);
    assert_true(SSL_read(ssl, got, sizeof(got) - 1) > 0);
    assert_non_null(strstr(got, "<mechanism>PLAIN</mechanism>"));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(peer);
    tls_end();
}

/* Both in one piece: the store is asked about the one while the other is there already. */
static void starttls_may_wait_for_the_store(void **state)
{
    UNUSED(state);
    tls_begin(true);
    int peer = lane_world_client(&world);
    talk(peer, LANE_OPENING);
    const char *answer =
        talk(peer, REGISTER("romeo") "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                                     "<iq type='get' id='x'/>");
    assert_non_null(strstr(answer, "id='r'"));
    assert_non_null(strstr(answer, "<proceed"));
    assert_null(strstr(answer, "id='x'"));
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_free(tls_client(ctx, peer));
    SSL_CTX_free(ctx);
    close(peer);
    tls_end();
}

/* Each request for new keys is answered; answers nobody reads must not pile up. */
static void who_makes_tls_talk_and_does_not_listen_is_left(void **state)
{
    UNUSED(state);
    tls_begin(true);
    int peer = lane_world_client(&world);
    talk(peer, LANE_OPENING);
    talk(peer, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = tls_client(ctx, peer);
    int small = 1;
    setsockopt(world.door.first->conn.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (unsigned i = 0; i < 40000 && !logged("TLS failed") && world.door.count > 0; i++) {
        (void)SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        (void)SSL_do_handshake(ssl);
        if (i % 50 == 0)
            lane_world_step(&world, 0);
        if (i % 50 == 0 && world.door.count > 0 && world.door.first->conn.tls != NULL)
            assert_true(tls_pending(world.door.first->conn.tls).len < 512 * 1024);
    }
    lane_world_step(&world, 0);
    lane_world_step(&world, (CLOSE_SECONDS + 1) * 1000);
    assert_int_equal(world.door.count, 0);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(peer);
    tls_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_begins_and_ends, begin, end),
        cmocka_unit_test_setup_teardown(a_connection_that_breaks_takes_its_session_along, begin,
                                        end),
        cmocka_unit_test_setup_teardown(who_does_not_close_is_dropped_in_the_end, begin, end),
        cmocka_unit_test_setup_teardown(shutdown_is_told, begin, end),
        cmocka_unit_test_setup_teardown(the_newer_session_wins, begin, end),
        cmocka_unit_test_setup_teardown(an_account_that_is_removed_takes_its_sessions_along, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_account_is_removed_though_nobody_waits, begin, end),
        cmocka_unit_test_setup_teardown(an_account_that_is_removed_takes_log_ins_along, begin, end),
        cmocka_unit_test_setup_teardown(a_resource_is_chosen_at_random, begin, end),
        cmocka_unit_test_setup_teardown(an_account_has_so_many_sessions_and_no_more, begin, end),
        cmocka_unit_test_setup_teardown(who_does_not_log_in_is_closed_in_time, begin, end),
        cmocka_unit_test_setup_teardown(a_silent_session_gives_its_parser_back_and_is_pinged, begin,
                                        end),
        cmocka_unit_test_setup_teardown(without_credit_nothing_is_read_and_nothing_lost, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_order_is_kept_while_waiting, begin, end),
        cmocka_unit_test_setup_teardown(a_flood_of_one_is_no_delay_for_another, begin, end),
        cmocka_unit_test_setup_teardown(last_words_wait_for_credit_too, begin, end),
        cmocka_unit_test_setup_teardown(what_a_replaced_session_has_not_said_is_not_said, begin,
                                        end),
        cmocka_unit_test_setup_teardown(last_words_do_not_wait_for_ever, begin, end),
        cmocka_unit_test_setup_teardown(a_slow_store_stops_the_reading_of_one_client, begin, end),
        cmocka_unit_test_setup_teardown(the_stores_answer_for_somebody_who_left_is_dropped, begin,
                                        end),
        cmocka_unit_test_setup_teardown(bad_input_gets_its_stream_error, begin, end),
        cmocka_unit_test_setup_teardown(a_stanza_before_log_in_may_be_less_large, begin, end),
        cmocka_unit_test_setup_teardown(thousands_of_half_open_connections_are_survived, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_came_in_the_clear_behind_starttls_does_not_count,
                                        begin, end),
        cmocka_unit_test_setup_teardown(starttls_may_wait_for_the_store, begin, end),
        cmocka_unit_test_setup_teardown(who_makes_tls_talk_and_does_not_listen_is_left, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
