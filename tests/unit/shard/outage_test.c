/*
 * A shard when component links fall and come back: who is behind them, what is told to whom, and by
 * which link. Stepped by hand between two lanes.
 */
#include "shard/shard.h"

#include "core/base/ensure.h"
#include "core/xmpp/prep.h"
#include "shard/placement.h"
#include "shard/timers.h"
#include "tests/support/shard_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM  "cave@" LANES_SERVICE
#define OTHER "den@" LANES_SERVICE
#define ROMEO "romeo@example.org/desk"    /* a client */
#define NURSE "nurse@far.example/kitchen" /* behind link 6 */
#define FRIAR "friar@far.example/cell"    /* too */
#define INVITE                                                                                     \
    "<message id='i'><x xmlns='http://jabber.org/protocol/muc#user'><invite "                      \
    "to='%s'/></x></message>"

static struct exchange *exchange;
static struct directory *directory;
static struct fake_lane lanes[2];
static struct shard *shard;

/* Slots 1, 6 and 9; the first is a client's on lane 0, 6 a link on lane 1, 9 one on lane 0. */
static struct route route(uint32_t slot)
{
    return (struct route){.slot = slot, .generation = 1, .lane = (uint16_t)((slot + 1) % 2)};
}

static void link_is(uint32_t slot, bool up)
{
    directory_link_up(directory, route(slot), up);
    assert_true(post_shard(exchange, 3, message_new(MSG_LINKS)));
}

static int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    exchange = exchange_new();
    directory = directory_new(&lanes_env()->hash_key);
    directory_set_local(directory, STR("example.org"));
    directory_add_link(directory, STR(LANES_SERVICE), route(6));
    directory_add_link(directory, STR(LANES_SERVICE), route(9));
    for (uint16_t i = 0; i < 2; i++)
        fake_lane_open(&lanes[i], exchange, i);
    struct shard_setup setup = {
        .number = 3,
        .exchange = exchange,
        .directory = directory,
        .envs = lanes_env(),
        .env_count = 1,
        .placement_key = &lanes_env()->hash_key,
        .random = lanes_random,
    };
    shard = shard_new(&setup, &err);
    link_is(6, true);
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
    return 0;
}

static void say(const char *from, uint32_t slot, const char *to, const char *xml)
{
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(str_z(xml));
    message->stanza.from = jid_parse(NULL, str_z(from));
    message->stanza.to = jid_parse(NULL, str_z(to));
    ensure(message->stanza.stanza != NULL && message->stanza.from != NULL);
    message->stanza.route = route(slot);
    message->stanza.lane = route(slot).lane;
    message->stanza.cost = 1;
    assert_true(post_shard(exchange, 3, message));
}

static void enter(const char *from, uint32_t slot, const char *to)
{
    say(from, slot, to, "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>");
}

/* What was sent to both lanes since it was asked last, "slot stanza" each; freed with the next. */
static const char *heard(void)
{
    static char *text;
    uint32_t cost;
    free(text);
    agent_step(shard_agent(shard));
    usleep(2 * TIMER_TICK_US); /* for an alarm that was set */
    agent_step(shard_agent(shard));
    char *first = fake_lane_read(&lanes[0], &cost);
    char *second = fake_lane_read(&lanes[1], &cost);
    size_t size = strlen(first) + strlen(second) + 1;
    text = malloc(size);
    ensure(text != NULL);
    snprintf(text, size, "%s%s", first, second);
    free(first);
    free(second);
    return text;
}

static void everybody_enters(void)
{
    enter(ROMEO, 1, ROOM "/Romeo");
    enter(NURSE, 6, ROOM "/Nurse");
    enter(FRIAR, 6, ROOM "/Friar");
    enter(FRIAR, 6, OTHER "/Friar");
    heard();
}

/* The lane of link 6 has thrown something of the first room away. */
static void lose(uint64_t room)
{
    struct message *message = message_new(MSG_LINK_LOSS);
    message->link_loss.room = room;
    message->link_loss.route = route(6);
    assert_true(post_shard(exchange, 3, message));
}

static uint64_t room_of(const char *text)
{
    say(ROMEO, 1, text, "<message type='groupchat'><body>which?</body></message>");
    for (unsigned i = 0; i < 2; i++)
        agent_step(shard_agent(shard));
    uint64_t room = 0;
    for (unsigned lane = 0; lane < 2; lane++) {
        fake_lane_drain(&lanes[lane]);
        for (unsigned i = lanes[lane].next; i < lanes[lane].count; i++) {
            struct message *message = lanes[lane].kept[i];
            if (message->kind == MSG_DELIVERIES)
                room = message->deliveries.at[0].room;
        }
    }
    heard();
    assert_int_equal(placement_of_id(room), 3);
    return room;
}

static void has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        print_error("missing: %s\nin:\n%s\n", what, text);
    assert_non_null(strstr(text, what));
}

/* How many answers to lose() have come to the lane of link 6, and nothing of the room behind them:
 * before heard(), which takes the rest out. */
static unsigned answers(uint64_t room)
{
    unsigned count = 0;
    struct fake_lane *lane = &lanes[route(6).lane];
    agent_step(shard_agent(shard));
    fake_lane_drain(lane);
    for (unsigned i = lane->next; i < lane->count; i++) {
        const struct message *message = lane->kept[i];
        for (uint32_t k = 0; message->kind == MSG_DELIVERIES && k < message->deliveries.count; k++)
            count += message->deliveries.at[k].room == room &&
                     message->deliveries.at[k].kind == DELIVER_LOSS_HEARD;
    }
    return count;
}

static const char hello[] = "<message type='groupchat'><body>hello</body></message>";

static void another_link_takes_over(void **state)
{
    UNUSED(state);
    everybody_enters();
    link_is(9, true);
    link_is(6, false);
    say(ROMEO, 1, ROOM, hello);
    const char *text = heard();
    assert_null(strstr(text, "6 <"));
    has(text, "9 <message from='" ROOM "/Romeo'");
    has(text, "to='" NURSE "'");
    has(text, "to='" FRIAR "'");
}

static void losses_are_told_by_the_other_link(void **state)
{
    UNUSED(state);
    everybody_enters();
    uint64_t room = room_of(ROOM);
    link_is(9, true);
    directory_link_up(directory, route(6), false);
    lose(room);
    assert_true(post_shard(exchange, 3, message_new(MSG_LINKS)));
    const char *text = heard();
    has(text, "9 <presence from='" ROOM "/Nurse' type='unavailable' to='" NURSE "'>");
    has(text, "9 <presence from='" ROOM "/Friar' type='unavailable' to='" FRIAR "'>");
    has(text, "<status code='333'/>");
    /* In the other room nothing was lost. */
    say(FRIAR, 9, OTHER, hello);
    has(heard(), "9 <message from='" OTHER "/Friar' type='groupchat'");
    assert_int_equal(shard_room_count(shard), 2);
}

static void nobody_is_told_before_a_link_is_up(void **state)
{
    UNUSED(state);
    everybody_enters();
    uint64_t room = room_of(ROOM);
    directory_link_up(directory, route(6), false);
    lose(room);
    assert_true(post_shard(exchange, 3, message_new(MSG_LINKS)));
    say(ROMEO, 1, ROOM, hello);
    const char *text = heard();
    has(text, "1 <message from='" ROOM "/Romeo'");
    assert_null(strstr(text, "far.example"));
    link_is(6, true);
    text = heard();
    has(text, "6 <presence from='" ROOM "/Nurse' type='unavailable' to='" NURSE "'>");
    has(text, "1 <presence from='" ROOM "/Nurse' type='unavailable' to='" ROMEO "'>");
    /* A room that is no more has lost nothing, nor has one that has its place now. */
    lose(room + (UINT64_C(1) << 24));
    lose(UINT64_C(3) << 48 | 0xffffff);
    say(ROMEO, 1, ROOM, hello);
    has(heard(), "1 <message from='" ROOM "/Romeo'");
}

static void what_goes_nowhere_comes_back(void **state)
{
    UNUSED(state);
    char xml[300];
    everybody_enters();
    link_is(6, false);
    snprintf(xml, sizeof(xml), INVITE, "mercutio@far.example");
    say(ROMEO, 1, ROOM, xml);
    const char *text = heard();
    has(text, "1 <message from='" ROOM "' type='error' id='i'");
    has(text, "<error type='wait'");
    has(text, "<remote-server-timeout ");
    /* But who is inside has not gone because of that. */
    snprintf(xml, sizeof(xml), INVITE, "nurse@far.example");
    say(ROMEO, 1, ROOM, xml);
    assert_null(strstr(heard(), "unavailable"));
    link_is(6, true);
    say(ROMEO, 1, ROOM, hello);
    has(heard(), "to='" NURSE "'");
}

static void what_an_older_connection_sent_leads_nowhere(void **state)
{
    UNUSED(state);
    struct jid *romeo = jid_parse(NULL, STR(ROMEO));
    struct directory_session *older = directory_session_add(directory, romeo, route(1));
    everybody_enters();
    struct directory_session *newer = directory_session_add(directory, romeo, route(3));
    enter(ROMEO, 3, ROOM "/Romeo");
    say(ROMEO, 1, ROOM, hello); /* late */
    heard();
    directory_session_remove(directory, older);
    struct message *gone = message_new(MSG_SESSION_GONE);
    gone->session_gone.jid = romeo;
    gone->session_gone.room = jid_parse(NULL, STR(ROOM));
    gone->session_gone.route = route(1);
    assert_true(post_shard(exchange, 3, gone));
    say(NURSE, 6, ROOM, hello);
    const char *text = heard();
    assert_null(strstr(text, "unavailable"));
    has(text, "3 <message from='" ROOM "/Nurse'");
    directory_session_remove(directory, newer);
}

/* The lane drops what the room sends until it is answered: so it is, whatever has become of the
 * room. */
static void each_loss_is_answered(void **state)
{
    UNUSED(state);
    everybody_enters();
    uint64_t room = room_of(ROOM);
    lose(room);
    assert_int_equal(answers(room), 1);
    heard();
    lose(room + (UINT64_C(1) << 40)); /* one that is no more */
    assert_int_equal(answers(room + (UINT64_C(1) << 40)), 1);
    heard();
    lose(room);
    assert_true(post_shard(exchange, 3, message_new(MSG_SHUTDOWN)));
    lose(room);
    assert_int_equal(answers(room), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_link_takes_over, begin, end),
        cmocka_unit_test_setup_teardown(losses_are_told_by_the_other_link, begin, end),
        cmocka_unit_test_setup_teardown(nobody_is_told_before_a_link_is_up, begin, end),
        cmocka_unit_test_setup_teardown(each_loss_is_answered, begin, end),
        cmocka_unit_test_setup_teardown(what_goes_nowhere_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(what_an_older_connection_sent_leads_nowhere, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
