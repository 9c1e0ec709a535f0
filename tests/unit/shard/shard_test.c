/*
 * A shard stepped by hand between two lanes: rooms end to end, credits, overload, alarms, goodbye,
 * and what nobody could be reached with.
 */
#include "shard/shard.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "tests/support/shard_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM   "cave@" LANES_SERVICE
#define ROMEO  "romeo@example.org/desk"
#define JULIET "juliet@example.org/desk"
#define MUC    "<x xmlns='http://jabber.org/protocol/muc'/>"

static struct exchange *exchange;
static struct directory *directory;
static struct fake_lane lanes[2];
static struct shard *shard;
static char log_text[4096];

static void note_line(struct log_sink *sink, enum log_level level, const char *line)
{
    UNUSED(sink);
    UNUSED(level);
    size_t used = strlen(log_text);
    snprintf(log_text + used, sizeof(log_text) - used, "%s\n", line);
}

static struct log_sink sink = {.write = note_line, .level = LOG_LEVEL_INFO};

static int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    exchange = exchange_new();
    directory = directory_new(&lanes_env()->hash_key);
    for (uint16_t i = 0; i < 2; i++)
        fake_lane_open(&lanes[i], exchange, i);
    struct shard_setup setup = {
        .number = 3,
        .exchange = exchange,
        .directory = directory,
        .envs = lanes_env(),
        .env_count = 2,
        .placement_key = &lanes_env()->hash_key,
        .log = &sink,
        .random = lanes_random,
    };
    shard = shard_new(&setup, &err);
    log_text[0] = '\0';
    return err;
}

static int end(void **state)
{
    UNUSED(state);
    shard_free(shard);
    for (unsigned i = 0; i < 2; i++)
        fake_lane_close(&lanes[i]);
    directory_free(directory);
    exchange_free(exchange);
    log_set_sink(NULL);
    return 0;
}

/* ---- doing ---- */

static struct jid *jid(const char *text)
{
    struct jid *made = jid_parse(NULL, str_z(text));
    ensure(made != NULL);
    return made;
}

/* Romeo is client 1 on lane 0, Juliet client 2 on lane 1, and so on. */
static struct route route(uint32_t slot)
{
    return (struct route){.slot = slot, .generation = 1, .lane = (uint16_t)((slot + 1) % 2)};
}

static void say(const char *from, uint32_t slot, const char *to, const char *xml)
{
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(str_z(xml));
    ensure(message->stanza.stanza != NULL);
    message->stanza.from = jid(from);
    message->stanza.to = jid(to);
    message->stanza.route = route(slot);
    message->stanza.lane = route(slot).lane;
    message->stanza.cost = 1;
    assert_true(post_shard(exchange, 3, message));
}

static void enter(const char *from, uint32_t slot, const char *to)
{
    say(from, slot, to, "<presence>" MUC "</presence>");
}

static void post_kind(enum message_kind kind)
{
    assert_true(post_shard(exchange, 3, message_new(kind)));
}

static void step(void)
{
    agent_step(shard_agent(shard));
}

/* What a lane's clients have received since it was asked last; freed with the next question. */
static const char *heard(unsigned lane)
{
    static char *text;
    uint32_t cost;
    free(text);
    text = fake_lane_read(&lanes[lane], &cost);
    return text;
}

static void forget_heard(void)
{
    for (unsigned i = 0; i < 2; i++)
        heard(i);
}

static unsigned lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* The next message of that kind, which must be there; deliveries have been read before. */
static struct message *next_of(unsigned lane, enum message_kind kind)
{
    struct message *message = fake_lane_next(&lanes[lane]);
    assert_non_null(message);
    assert_int_equal(message->kind, kind);
    return message;
}

static uint32_t credit(unsigned lane)
{
    heard(lane);
    struct message *message = fake_lane_next(&lanes[lane]);
    if (message == NULL)
        return 0;
    assert_int_equal(message->kind, MSG_CREDIT);
    assert_int_equal(message->credit.shard, 3);
    uint32_t cost = message->credit.cost;
    message_free(message);
    assert_null(fake_lane_next(&lanes[lane]));
    return cost;
}

static void two_in_a_room(void)
{
    enter(ROMEO, 1, ROOM "/Romeo");
    enter(JULIET, 2, ROOM "/Juliet");
    step();
    assert_int_equal(credit(0), 1);
    assert_int_equal(credit(1), 1);
}

/* ---- rooms ---- */

static void a_room_lives(void **state)
{
    UNUSED(state);
    enter(ROMEO, 1, ROOM "/Romeo");
    step();
    const char *text = heard(0);
    in_order(text, "1 <presence from='" ROOM "/Romeo' ", "to='" ROMEO "'", "code='201'",
             "code='110'", "1 <message", "<subject", NULL);
    assert_int_equal(lines(text), 2);
    assert_int_equal(shard_room_count(shard), 1);
    assert_string_equal(log_text, "room created: " ROOM "\n");

    enter(JULIET, 2, ROOM "/Juliet");
    say(ROMEO, 1, ROOM, "<message type='groupchat' id='m1'><body>one</body></message>");
    say(JULIET, 2, ROOM, "<message type='groupchat' id='m2'><body>two</body></message>");
    step();
    in_order(heard(0), "1 <presence from='" ROOM "/Juliet'", "<body>one</body>", "<body>two</body>",
             NULL);
    in_order(heard(1), "2 <presence from='" ROOM "/Romeo'", "2 <presence from='" ROOM "/Juliet'",
             "code='110'", "<subject", "<body>one</body>", "to='" JULIET "'", "<body>two</body>",
             NULL);

    say(ROMEO, 1, ROOM "/Romeo", "<presence type='unavailable'/>");
    step();
    assert_int_equal(shard_room_count(shard), 1);
    in_order(heard(1), "from='" ROOM "/Romeo' type='unavailable'", NULL);
    say(JULIET, 2, ROOM "/Juliet", "<presence type='unavailable'/>");
    step();
    assert_int_equal(shard_room_count(shard), 0);
    assert_string_equal(log_text, "room created: " ROOM "\nroom gone: " ROOM "\n");
    forget_heard();
}

/* Somebody asks a room that is not there: an answer, and nothing is left of it. */
static void a_room_that_is_not_there(void **state)
{
    UNUSED(state);
    say(ROMEO, 1, ROOM, "<message type='groupchat'><body>hello?</body></message>");
    step();
    in_order(heard(0), "1 <message from='" ROOM "' type='error'", "<item-not-found", NULL);
    assert_int_equal(shard_room_count(shard), 0);
    assert_string_equal(log_text, "");
}

/* Within one cycle, too, every step has its own instant and its own secrets. */
static void steps_are_told_apart(void **state)
{
    UNUSED(state);
    two_in_a_room();
    say(ROMEO, 1, ROOM, "<message type='groupchat'><body>one</body></message>");
    say(ROMEO, 1, ROOM, "<message type='groupchat'><body>one</body></message>");
    step();
    char *both = strdup(heard(1));
    char *second = strchr(both, '\n') + 1;
    const char *first_id = strstr(both, "<stanza-id");
    const char *second_id = strstr(second, "<stanza-id");
    assert_true(first_id != NULL && first_id < second && second_id != NULL);
    assert_true(strncmp(first_id, second_id, strcspn(first_id, ">")) != 0);
    free(both);
}

static void a_session_is_gone(void **state)
{
    UNUSED(state);
    two_in_a_room();
    for (unsigned generation = 0; generation < 2; generation++) {
        struct message *message = message_new(MSG_SESSION_GONE);
        message->session_gone.jid = jid(ROMEO);
        message->session_gone.room = jid(ROOM);
        message->session_gone.route = route(1);
        message->session_gone.route.generation = generation;
        assert_true(post_shard(exchange, 3, message));
        step();
        /* Generation 0 is an older connection of the same client: it is still here. */
        assert_int_equal(lines(heard(1)), generation);
    }
    struct message *message = message_new(MSG_SESSION_GONE);
    message->session_gone.jid = jid(ROMEO);
    message->session_gone.room = jid("elsewhere@" LANES_SERVICE);
    assert_true(post_shard(exchange, 3, message));
    step();
    assert_int_equal(shard_room_count(shard), 1);
}

static void ask_of(const char *room, uint32_t number)
{
    struct message *message = message_new(MSG_PLACE_ASK);
    message->place.jid = jid(ROMEO);
    message->place.room = jid(room);
    message->place.route = route(1);
    message->place.presence = number;
    assert_true(post_shard(exchange, 3, message));
}

static void places_are_free_where_one_is_not(void **state)
{
    UNUSED(state);
    two_in_a_room();
    ask_of(ROOM, 1); /* he is there */
    ask_of("elsewhere@" LANES_SERVICE, 2);
    say(ROMEO, 1, ROOM "/Romeo", "<presence type='unavailable'/>");
    ask_of(ROOM, 3);
    step();
    heard(0);
    for (uint32_t number = 2; number <= 3; number++) {
        struct message *answer = fake_lane_next(&lanes[0]);
        while (answer != NULL && answer->kind != MSG_PLACE_FREE) {
            message_free(answer);
            answer = fake_lane_next(&lanes[0]);
        }
        assert_non_null(answer);
        assert_int_equal(answer->place.presence, number);
        assert_true(route_eq(answer->place.route, route(1)));
        message_free(answer);
    }
}

static void the_service_answers(void **state)
{
    UNUSED(state);
    two_in_a_room();
    say(ROMEO, 1, LANES_SERVICE,
        "<iq type='get' id='d1'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
    say(ROMEO, 1, LANES_SERVICE,
        "<iq type='get' id='d2'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    step();
    in_order(heard(0), "1 <iq from='" LANES_SERVICE "' type='result' id='d1'", "jid='" ROOM "'",
             "1 <iq", "id='d2'", "category='conference'", NULL);
    say(ROMEO, 1, ROOM "/Romeo", "<presence type='unavailable'/>");
    say(JULIET, 2, ROOM "/Juliet", "<presence type='unavailable'/>");
    step();
    assert_int_equal(directory_room_count(directory), 0);
}

static const char destroy[] = "<iq type='set' id='x'><query xmlns='http://jabber.org/protocol/"
                              "muc#owner'><destroy/></query></iq>";

static void a_tombstone_stands_for_a_month(void **state)
{
    UNUSED(state);
    enter(ROMEO, 1, ROOM "/Romeo");
    say(ROMEO, 1, ROOM, destroy);
    step();
    assert_int_equal(shard_room_count(shard), 1);
    assert_string_equal(log_text, "room created: " ROOM "\nroom destroyed: " ROOM "\n");
    forget_heard();
    enter(JULIET, 2, ROOM "/Juliet");
    step();
    in_order(heard(1), "2 <presence", "type='error'", "<gone ", NULL);

    struct agent *agent = shard_agent(shard);
    int64_t day_us = INT64_C(86400) * 1000000;
    int timeout_ms = agent->timeout_ms(agent->self);
    assert_in_range(timeout_ms, 1, INT32_MAX);
    agent->now_us += (TOMBSTONE_DAYS - 1) * day_us;
    step();
    assert_int_equal(shard_room_count(shard), 1);
    agent->now_us += 2 * day_us;
    step();
    assert_int_equal(shard_room_count(shard), 0);
    assert_int_equal(agent->timeout_ms(agent->self), -1);
    enter(JULIET, 2, ROOM "/Juliet");
    step();
    in_order(heard(1), "code='201'", NULL);
}

/* Tombstones are remembered up to a number: the oldest goes first. */
static void tombstones_are_limited(void **state)
{
    UNUSED(state);
    char room[64], occupant[64];
    for (unsigned i = 0; i <= TOMBSTONES_MAX; i++) {
        snprintf(room, sizeof(room), "r%u@" LANES_SERVICE, i);
        snprintf(occupant, sizeof(occupant), "r%u@" LANES_SERVICE "/Romeo", i);
        enter(ROMEO, 1, occupant);
        say(ROMEO, 1, room, destroy);
        if (i % 100 == 0) {
            step();
            forget_heard();
        }
    }
    while (agent_step(shard_agent(shard)) != 0)
        forget_heard();
    assert_int_equal(shard_room_count(shard), TOMBSTONES_MAX);
    forget_heard();
    enter(JULIET, 2, "r1@" LANES_SERVICE "/Juliet");
    enter(JULIET, 2, "r0@" LANES_SERVICE "/Juliet");
    step();
    in_order(heard(1), "<gone ", "from='r0@" LANES_SERVICE "/Juliet'", "code='201'", NULL);
}

/* ---- credits ---- */

static void credits_come_back_once_a_cycle(void **state)
{
    UNUSED(state);
    two_in_a_room();
    for (unsigned i = 0; i < 5; i++)
        say(ROMEO, 1, ROOM, "<message type='groupchat'><body>x</body></message>");
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(STR("<presence/>"));
    message->stanza.from = jid(ROMEO);
    message->stanza.to = jid(ROOM "/Romeo");
    message->stanza.route = route(1);
    message->stanza.lane = LANE_NONE; /* took none */
    message->stanza.cost = 7;
    post_shard(exchange, 3, message);
    step();
    assert_int_equal(credit(0), 5);
    assert_int_equal(credit(1), 0);
    step();
    assert_int_equal(credit(0), 0);
}

/* A flood is handled in portions: what waits longer than one goes out in between. */
static void a_cycle_has_an_end(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < SHARD_DRAIN_MAX + 1; i++)
        say(ROMEO, 1, ROOM "/Romeo", "<presence type='unavailable'/>");
    assert_true(agent_step(shard_agent(shard)) > SHARD_DRAIN_MAX);
    assert_int_equal(credit(0), SHARD_DRAIN_MAX);
    assert_int_equal(agent_step(shard_agent(shard)), 1);
    assert_int_equal(credit(0), 1);
    assert_int_equal(agent_step(shard_agent(shard)), 0);
}

/* One occupant on lane 1, so a message of n KiB costs that lane about as many. */
static void long_message(void)
{
    enum { BYTES = 200 * 1024 };
    static char xml[BYTES + 100];
    int len = snprintf(xml, sizeof(xml), "<message type='groupchat'><body>");
    memset(xml + len, 'x', BYTES);
    snprintf(xml + len + BYTES, sizeof(xml) - (size_t)len - BYTES, "</body></message>");
    say(ROMEO, 1, ROOM, xml);
}

static void lane_has_expanded(uint16_t lane, uint32_t cost)
{
    struct message *message = message_new(MSG_LANE_CREDIT);
    message->lane_credit.lane = lane;
    message->lane_credit.cost = cost;
    assert_true(post_shard(exchange, 3, message));
}

static uint32_t read_cost(unsigned lane)
{
    uint32_t cost = 0;
    free(fake_lane_read(&lanes[lane], &cost));
    return cost;
}

/* Lane 0 keeps up, lane 1 expands nothing. */
static void credits_wait_for_an_overloaded_lane(void **state)
{
    UNUSED(state);
    enter(ROMEO, 1, ROOM "/Romeo");
    enter(JULIET, 2, ROOM "/Juliet");
    step();
    uint32_t backlog = read_cost(1);
    lane_has_expanded(0, read_cost(0));
    assert_int_equal(credit(0), 1);
    assert_int_equal(credit(1), 1);
    while (backlog <= LANE_BACKLOG_MAX) {
        long_message();
        step();
        backlog += read_cost(1);
        lane_has_expanded(0, read_cost(0));
        assert_int_equal(credit(0), backlog <= LANE_BACKLOG_MAX ? 1 : 0);
    }
    say(JULIET, 2, ROOM, "<message type='groupchat'><body>are you there?</body></message>");
    step();
    backlog += read_cost(1);
    in_order(heard(0), "are you there?", NULL);
    /* Handled, and everybody was told; only the credits are missing. */
    assert_int_equal(credit(0), 0);
    assert_int_equal(credit(1), 0);
    lane_has_expanded(1, backlog - LANE_BACKLOG_MAX / 2);
    step();
    assert_int_equal(credit(0), 1);
    assert_int_equal(credit(1), 1);
}

/* ---- nobody there ---- */

static const char invite[] = "<message id='i1'><x xmlns='http://jabber.org/protocol/muc#user'>"
                             "<invite to='%s'><reason>come</reason></invite></x></message>";

static void invite_to(const char *whom)
{
    char xml[512];
    snprintf(xml, sizeof(xml), invite, whom);
    say(ROMEO, 1, ROOM, xml);
    step();
}

static void invitations_reach_accounts(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_set_local(directory, STR("example.org"));
    struct jid *nurse = jid("nurse@example.org/kitchen");
    struct directory_session *session = directory_session_add(directory, nurse, route(4));
    directory_session_presence(session, true, 0);
    invite_to("nurse@example.org");
    in_order(heard(1), "4 <message from='" ROOM "'", "to='nurse@example.org'>", "<invite ", NULL);
    assert_string_equal(heard(0), "");
    invite_to("nurse@example.org/kitchen");
    in_order(heard(1), "4 <message", "to='nurse@example.org/kitchen'>", NULL);
    directory_add_link(directory, STR(LANES_SERVICE), route(6));
    directory_link_up(directory, route(6), true);
    invite_to("friar@elsewhere.example");
    in_order(heard(1), "6 <message", "to='friar@elsewhere.example'>", NULL);
    directory_session_remove(directory, session);
    jid_free(nurse);
}

/* Links 6 (lane 1) and 9 (lane 0), to people of other domains. */
static void invitations_go_by_the_link_they_came_by(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_add_link(directory, STR(LANES_SERVICE), route(6));
    directory_add_link(directory, STR(LANES_SERVICE), route(9));
    directory_link_up(directory, route(6), true);
    directory_link_up(directory, route(9), true);
    forget_heard();
    invite_to("friar@elsewhere.example");
    in_order(heard(1), "6 <message", NULL);
    say(ROMEO, 9, ROOM, "<presence/>"); /* he is behind the second one from now on */
    step();
    forget_heard();
    char xml[512];
    snprintf(xml, sizeof(xml), invite, "friar@elsewhere.example");
    say(ROMEO, 9, ROOM, xml);
    step();
    in_order(heard(0), "9 <message", "to='friar@elsewhere.example'>", NULL);
    assert_string_equal(heard(1), "");
    directory_link_up(directory, route(9), false);
    say(ROMEO, 9, ROOM, xml);
    step();
    in_order(heard(1), "6 <message", "to='friar@elsewhere.example'>", NULL);
    assert_string_equal(heard(0), "");
}

/* A cluster moves its users from one link to another, in the same lane or not: whatever they send
 * shows the way. */
static void a_session_follows_its_link(void **state)
{
    UNUSED(state);
    static const char hello[] = "<message type='groupchat'><body>hello</body></message>";
    static const uint32_t ways[] = {3, 2, 6, 4, 1}; /* lanes 0, 1, 1, 1, 0 */
    two_in_a_room();
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        char line[40];
        unsigned lane = route(ways[i]).lane;
        snprintf(line, sizeof(line), "%u <message ", ways[i]);
        say(ROMEO, ways[i], ROOM "/Romeo",
            i % 2 == 0 ? "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
                       : "<presence><show>away</show></presence>");
        step();
        forget_heard();
        say(JULIET, 4, ROOM, hello);
        step();
        char *first = strdup(heard(0));
        char *second = strdup(heard(1));
        in_order(lane == 0 ? first : second, line, "to='" ROMEO "'>", NULL);
        assert_int_equal(lines(first) + lines(second), 2); /* once each */
        assert_null(strstr(lane == 0 ? second : first, "to='" ROMEO "'"));
        assert_non_null(strstr(second, "to='" JULIET "'"));
        free(first);
        free(second);
    }
    /* What ends the connection it came by at first does not end the session. */
    struct message *gone = message_new(MSG_SESSION_GONE);
    gone->session_gone.jid = jid(ROMEO);
    gone->session_gone.room = jid(ROOM);
    gone->session_gone.route = route(3);
    assert_true(post_shard(exchange, 3, gone));
    step();
    assert_string_equal(heard(1), "");
}

static void undeliverable_invitations_come_back(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_set_local(directory, STR("example.org"));
    invite_to("nobody@example.org");
    in_order(heard(0), "1 <message from='" ROOM "'", "type='error' id='i1'", "to='" ROMEO "'",
             "<service-unavailable ", NULL);
    invite_to("friar@elsewhere.example");
    in_order(heard(0), "1 <message from='" ROOM "'", "type='error' id='i1'",
             "<remote-server-not-found ", NULL);
    assert_string_equal(heard(1), "");
}

/* Who is inside but was not found: the room hears of it and still knows the way to it. */
static void an_occupant_who_cannot_be_reached(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_set_local(directory, STR("example.org"));
    invite_to(JULIET);
    forget_heard();
    say(ROMEO, 1, ROOM, "<message type='groupchat'><body>still here?</body></message>");
    step();
    assert_int_equal(lines(heard(0)), 1);
}

/* What is asked of an account is for its server, which here is us: we have no vCards. */
static void an_account_is_no_client(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_set_local(directory, STR("example.org"));
    struct jid *juliet = jid(JULIET);
    struct directory_session *session = directory_session_add(directory, juliet, route(2));
    directory_session_presence(session, true, 0);
    say(ROMEO, 1, ROOM "/Juliet", "<iq type='get' id='v1'><vCard xmlns='vcard-temp'/></iq>");
    step();
    assert_string_equal(heard(1), "");
    in_order(heard(0), "1 <iq from='" ROOM "/Juliet' type='error' id='v1'", "<service-unavailable ",
             NULL);
    directory_session_remove(directory, session);
    jid_free(juliet);
}

/* ---- the end ---- */

static void goodbye(void **state)
{
    UNUSED(state);
    two_in_a_room();
    enter(ROMEO, 1, "other@" LANES_SERVICE "/Romeo");
    post_kind(MSG_SHUTDOWN);
    enter(JULIET, 2, "late@" LANES_SERVICE "/Juliet");
    step();
    char *text = strdup(heard(0));
    in_order(text, "from='other@" LANES_SERVICE "/Romeo'",
             "from='" ROOM "/Romeo' type='unavailable'", "code='332'",
             "from='other@" LANES_SERVICE "/Romeo' type='unavailable'", "code='332'", NULL);
    free(text);
    struct message *done = next_of(0, MSG_SHARD_DONE);
    assert_int_equal(done->shard_done.shard, 3);
    message_free(done);
    text = strdup(heard(1));
    in_order(text, "type='unavailable'", "code='332'", NULL);
    /* Who came too late is told so, is not inside, and has its credit back. */
    in_order(text, "from='late@" LANES_SERVICE "/Juliet' type='error'", "<resource-constraint ",
             "from='" ROOM "/Juliet'", NULL);
    assert_null(strstr(strstr(text, "late@") + strlen("late@"), "from='late@"));
    free(text);
    struct message *credit_back = next_of(1, MSG_CREDIT);
    assert_int_equal(credit_back->credit.cost, 1);
    message_free(credit_back);
    message_free(next_of(0, MSG_CREDIT));
    post_kind(MSG_SHUTDOWN);
    step();
    assert_string_equal(heard(0), "");
    message_free(next_of(0, MSG_SHARD_DONE));
}

/* Posted, and never drained: freed with the shard. */
static void an_end_without_goodbye(void **state)
{
    UNUSED(state);
    two_in_a_room();
    enter(ROMEO, 1, "other@" LANES_SERVICE "/Romeo");
    assert_int_equal(shard_room_count(shard), 1);
}

/* ---- two services ---- */

#define LOUNGE "cave@" LANES_LOUNGE
#define ITEMS  "<query xmlns='http://jabber.org/protocol/disco#items'/>"

static void rooms_of_two_services_are_two_rooms(void **state)
{
    UNUSED(state);
    two_in_a_room();
    forget_heard();
    enter(ROMEO, 1, LOUNGE "/Romeo");
    step();
    /* By the rules of that service: locked, and nobody of the other room is in it. */
    in_order(heard(0), "1 <presence from='" LOUNGE "/Romeo'", "<status code='201'/>", NULL);
    assert_int_equal(shard_room_count(shard), 2);
    enter(JULIET, 2, LOUNGE "/Juliet");
    step();
    in_order(heard(1), "2 <presence from='" LOUNGE "/Juliet' type='error'", "<item-not-found",
             NULL);
    say(ROMEO, 1, ROOM, "<message type='groupchat'><body>by the fire</body></message>");
    step();
    in_order(heard(1), "from='" ROOM "/Romeo'", "by the fire", NULL);
    const char *romeo = heard(0);
    in_order(romeo, "by the fire", NULL);
    assert_null(strstr(romeo, LOUNGE));
}

static void ids_of_occupants_differ_by_service(void **state)
{
    UNUSED(state);
    char ids[2][200];
    static const char *const rooms[] = {ROOM, LOUNGE};
    for (unsigned i = 0; i < 2; i++) {
        char to[64];
        snprintf(to, sizeof(to), "%s/Romeo", rooms[i]);
        enter(ROMEO, 1, to);
        step();
        const char *id = strstr(heard(0), "<occupant-id ");
        assert_non_null(id);
        snprintf(ids[i], sizeof(ids[i]), "%.*s", (int)strcspn(id, ">"), id);
    }
    assert_string_not_equal(ids[0], ids[1]);
}

static void each_service_lists_its_own(void **state)
{
    UNUSED(state);
    two_in_a_room();
    enter(ROMEO, 1, "den@" LANES_LOUNGE "/Romeo");
    say(ROMEO, 1, "den@" LANES_LOUNGE,
        "<iq type='set' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'>"
        "<x xmlns='jabber:x:data' type='submit'/></query></iq>");
    step();
    forget_heard();
    say(ROMEO, 1, LANES_SERVICE, "<iq type='get' id='d1'>" ITEMS "</iq>");
    step();
    const char *first = heard(0);
    in_order(first, "1 <iq from='" LANES_SERVICE "'", "jid='" ROOM "'", NULL);
    assert_null(strstr(first, LANES_LOUNGE));
    say(ROMEO, 1, LANES_LOUNGE, "<iq type='get' id='d2'>" ITEMS "</iq>");
    step();
    const char *second = heard(0);
    in_order(second, "1 <iq from='" LANES_LOUNGE "'", "jid='den@" LANES_LOUNGE "'", NULL);
    assert_null(strstr(second, LANES_SERVICE));
}

static void each_service_has_its_own_way_out(void **state)
{
    UNUSED(state);
    two_in_a_room();
    directory_add_link(directory, STR(LANES_LOUNGE), route(6));
    directory_link_up(directory, route(6), true);
    forget_heard();
    invite_to("friar@elsewhere.example");
    /* That link would not take it: it speaks for the other one. */
    in_order(heard(0), "1 <message from='" ROOM "' type='error'", "<remote-server-not-found", NULL);
    assert_string_equal(heard(1), "");
    directory_add_link(directory, STR(LANES_SERVICE), route(8));
    directory_link_up(directory, route(8), true);
    invite_to("friar@elsewhere.example");
    in_order(heard(1), "8 <message from='" ROOM "'", "to='friar@elsewhere.example'>", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_room_lives, begin, end),
        cmocka_unit_test_setup_teardown(a_room_that_is_not_there, begin, end),
        cmocka_unit_test_setup_teardown(steps_are_told_apart, begin, end),
        cmocka_unit_test_setup_teardown(a_session_is_gone, begin, end),
        cmocka_unit_test_setup_teardown(places_are_free_where_one_is_not, begin, end),
        cmocka_unit_test_setup_teardown(the_service_answers, begin, end),
        cmocka_unit_test_setup_teardown(a_tombstone_stands_for_a_month, begin, end),
        cmocka_unit_test_setup_teardown(tombstones_are_limited, begin, end),
        cmocka_unit_test_setup_teardown(credits_come_back_once_a_cycle, begin, end),
        cmocka_unit_test_setup_teardown(a_cycle_has_an_end, begin, end),
        cmocka_unit_test_setup_teardown(credits_wait_for_an_overloaded_lane, begin, end),
        cmocka_unit_test_setup_teardown(invitations_reach_accounts, begin, end),
        cmocka_unit_test_setup_teardown(invitations_go_by_the_link_they_came_by, begin, end),
        cmocka_unit_test_setup_teardown(a_session_follows_its_link, begin, end),
        cmocka_unit_test_setup_teardown(undeliverable_invitations_come_back, begin, end),
        cmocka_unit_test_setup_teardown(an_occupant_who_cannot_be_reached, begin, end),
        cmocka_unit_test_setup_teardown(an_account_is_no_client, begin, end),
        cmocka_unit_test_setup_teardown(rooms_of_two_services_are_two_rooms, begin, end),
        cmocka_unit_test_setup_teardown(ids_of_occupants_differ_by_service, begin, end),
        cmocka_unit_test_setup_teardown(each_service_lists_its_own, begin, end),
        cmocka_unit_test_setup_teardown(each_service_has_its_own_way_out, begin, end),
        cmocka_unit_test_setup_teardown(goodbye, begin, end),
        cmocka_unit_test_setup_teardown(an_end_without_goodbye, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
