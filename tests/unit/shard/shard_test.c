/*
 * A shard stepped by hand between two lanes: rooms end to end, credits, overload, alarms, goodbye.
 */
#include "tests/support/bare_shard.h"

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
        assert_true(post_shard(exchange, NUMBER, message));
        step();
        /* Generation 0 is an older connection of the same client: it is still here. */
        assert_int_equal(lines(heard(1)), generation);
    }
    struct message *message = message_new(MSG_SESSION_GONE);
    message->session_gone.jid = jid(ROMEO);
    message->session_gone.room = jid("elsewhere@" LANES_SERVICE);
    assert_true(post_shard(exchange, NUMBER, message));
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
    assert_true(post_shard(exchange, NUMBER, message));
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
    post_shard(exchange, NUMBER, message);
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
    assert_true(post_shard(exchange, NUMBER, message));
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

/* ---- the end ---- */

static void post_kind(enum message_kind kind)
{
    assert_true(post_shard(exchange, NUMBER, message_new(kind)));
}

/* The next message of that kind, which must be there; deliveries have been read before. */
static struct message *next_of(unsigned lane, enum message_kind kind)
{
    struct message *message = fake_lane_next(&lanes[lane]);
    assert_non_null(message);
    assert_int_equal(message->kind, kind);
    return message;
}

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
    assert_int_equal(done->shard_done.shard, NUMBER);
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
        cmocka_unit_test_setup_teardown(goodbye, begin, end),
        cmocka_unit_test_setup_teardown(an_end_without_goodbye, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
