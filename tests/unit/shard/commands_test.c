/*
 * Commands of admins between two shards that are stepped by hand: the rooms are told wherever they
 * are, and the answer comes when all have reported, or too late to wait for the rest.
 */
#include "shard/commands.h"

#include "core/base/ensure.h"
#include "core/xmpp/prep.h"
#include "shard/placement.h"
#include "shard/shard.h"
#include "tests/support/shard_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADMIN "admin@example.org/office"
#define ROMEO "romeo@example.org/desk"
#define GONE  "<note type='info'>The following rooms were destroyed:\n"

enum { SHARDS = 3, ADMIN_SLOT = 1, ROMEO_SLOT = 2 };

static struct exchange *exchange;
static struct directory *directory;
static struct fake_lane lane;
static struct shard *shards[SHARDS];

/* A room that lies on that shard, while there are so many. */
static const char *room_on(unsigned shard, unsigned count, unsigned which)
{
    static char names[4][64];
    static unsigned next;
    char *name = names[next++ % 4];
    for (unsigned i = 0;; i++) {
        snprintf(name, 64, "r%u@" LANES_SERVICE, i);
        if (placement_shard(&lanes_env()->hash_key, str_z(name), count) == shard && which-- == 0)
            return name;
    }
}

static void start_shard(unsigned number)
{
    int err = 0;
    struct shard_setup setup = {
        .number = number,
        .exchange = exchange,
        .directory = directory,
        .envs = lanes_env(),
        .env_count = 2,
        .placement_key = &lanes_env()->hash_key,
        .random = lanes_random,
    };
    shards[number] = shard_new(&setup, &err);
    assert_non_null(shards[number]);
}

static void end_shard(unsigned number)
{
    shard_free(shards[number]);
    shards[number] = NULL;
}

static int begin(void **state)
{
    UNUSED(state);
    exchange = exchange_new();
    directory = directory_new(&lanes_env()->hash_key);
    fake_lane_open(&lane, exchange, 0);
    start_shard(0);
    start_shard(1);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < SHARDS; i++)
        end_shard(i);
    fake_lane_close(&lane);
    directory_free(directory);
    exchange_free(exchange);
    return 0;
}

static void step(unsigned shard)
{
    agent_step(shard_agent(shards[shard]));
}

static void say(unsigned shard, const char *from, uint32_t slot, const char *to, const char *xml)
{
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(str_z(xml));
    message->stanza.from = jid_parse(NULL, str_z(from));
    message->stanza.to = jid_parse(NULL, str_z(to));
    ensure(message->stanza.stanza != NULL && message->stanza.to != NULL);
    message->stanza.route = (struct route){.slot = slot, .generation = 1, .lane = 0};
    message->stanza.lane = LANE_NONE;
    assert_true(post_shard(exchange, shard, message));
}

static void enter(unsigned shard, const char *from, uint32_t slot, const char *room)
{
    char to[80];
    snprintf(to, sizeof(to), "%s/%u", room, slot);
    say(shard, from, slot, to, "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>");
    step(shard);
}

/* The admin asks shard 0; `b` may be NULL. */
static void order(const char *id, const char *a, const char *b)
{
    char xml[600];
    snprintf(xml, sizeof(xml),
             "<iq type='set' id='%s'><command xmlns='http://jabber.org/protocol/commands' "
             "node='http://prosody.im/protocol/muc#destroy'><x xmlns='jabber:x:data' "
             "type='submit'><field var='rooms'><value>%s</value><value>%s</value></field></x>"
             "</command></iq>",
             id, a, b == NULL ? a : b);
    say(0, ADMIN, ADMIN_SLOT, LANES_SERVICE, xml);
    step(0);
}

/* What has come since it was asked last; freed with the next question. */
static const char *heard(void)
{
    static char *text;
    uint32_t cost;
    free(text);
    text = fake_lane_read(&lane, &cost);
    return text;
}

static void all_step(void)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        if (shards[i] != NULL)
            step(i);
    }
    step(0);
}

static void rooms_of_two_shards(void **state)
{
    UNUSED(state);
    const char *here = room_on(0, 2, 0), *there = room_on(1, 2, 0);
    char note[200];
    enter(0, ROMEO, ROMEO_SLOT, here);
    enter(1, ROMEO, ROMEO_SLOT, there);
    heard();
    order("o", here, there);
    step(0);
    step(0);
    const char *text = heard();
    in_order(text, "2 <presence from='r", "<destroy/>", NULL);
    assert_null(strstr(text, "<iq"));
    step(1);
    text = heard();
    in_order(text, "2 <presence from='r", "<destroy/>", NULL);
    assert_null(strstr(text, "<iq"));
    step(0);
    snprintf(note, sizeof(note), GONE "%s\n%s</note></command>", here, there);
    in_order(heard(), "1 <iq from='" LANES_SERVICE "' type='result' id='o'", note, NULL);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(shard_room_count(shards[i]), 1); /* the tombstone */
    assert_int_equal(shard_agent(shards[0])->timeout_ms(shards[0]) > COMMAND_WAIT_MS, true);
}

/* Its own shard asks for the answer in the next cycle: it must not sleep before. */
static void a_room_of_the_same_shard(void **state)
{
    UNUSED(state);
    const char *here = room_on(0, 2, 0);
    enter(0, ADMIN, ADMIN_SLOT, here);
    heard();
    order("o", here, NULL);
    for (unsigned i = 0; i < 4; i++)
        step(0);
    in_order(heard(), "1 <presence from='r", "1 <iq from='" LANES_SERVICE "'", NULL);
}

/* Who has given the order and is inside reads of the end first. */
static void presence_comes_first(void **state)
{
    UNUSED(state);
    const char *there = room_on(1, 2, 0);
    enter(1, ADMIN, ADMIN_SLOT, there);
    heard();
    order("o", there, NULL);
    step(1);
    step(0);
    in_order(heard(), "1 <presence from='r", "1 <iq from='" LANES_SERVICE "'", NULL);
}

static void rooms_that_are_not_there(void **state)
{
    UNUSED(state);
    order("o", room_on(0, 2, 0), room_on(1, 2, 0));
    all_step();
    all_step();
    const char *text = heard();
    in_order(text, "1 <iq from='" LANES_SERVICE "'", "<note type='warn'>", NULL);
    assert_null(strstr(text, "type='info'"));
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(shard_room_count(shards[i]), 0);
}

/* The other shard hangs: what is known is said; what it reports later is for nobody. */
static void a_report_that_does_not_come(void **state)
{
    UNUSED(state);
    const char *here = room_on(0, 2, 0), *there = room_on(1, 2, 0);
    struct agent *agent = shard_agent(shards[0]);
    char note[300];
    enter(0, ROMEO, ROMEO_SLOT, here);
    order("o", here, there);
    step(0);
    step(0);
    heard();
    assert_in_range(agent->timeout_ms(agent->self), COMMAND_WAIT_MS - 1000, COMMAND_WAIT_MS);
    agent->now_us += (COMMAND_WAIT_MS - 1000) * INT64_C(1000);
    step(0);
    assert_string_equal(heard(), "");
    agent->now_us += 1000 * INT64_C(1000);
    step(0);
    const char *text = heard();
    snprintf(note, sizeof(note), GONE "%s</note><note type='error'>", here);
    in_order(text, note, there, NULL);
    enter(1, ROMEO, ROMEO_SLOT, there);
    heard();
    order("again", there, NULL);
    step(1);
    step(0);
    in_order(heard(), "id='again'", there, NULL);
    all_step();
    assert_string_equal(heard(), "");
}

static void only_so_many_at_a_time(void **state)
{
    UNUSED(state);
    const char *there = room_on(1, 2, 0);
    for (unsigned i = 0; i < COMMANDS_PENDING_MAX; i++)
        order("o", there, NULL);
    assert_string_equal(heard(), "");
    order("late", there, NULL);
    in_order(heard(), "1 <iq from='" LANES_SERVICE "' type='error' id='late'",
             "<error type='wait' by='" LANES_SERVICE "'><resource-constraint", NULL);
    step(1);
    step(0);
    const char *text = heard();
    unsigned answers = 0;
    for (; (text = strstr(text, "id='o'")) != NULL; text++)
        answers++;
    assert_int_equal(answers, COMMANDS_PENDING_MAX);
    order("next", there, NULL);
    assert_string_equal(heard(), "");
    step(1);
    step(0);
    in_order(heard(), "id='next'", "<note type='warn'>", NULL);
}

static void shut_down(unsigned shard)
{
    assert_true(post_shard(exchange, shard, message_new(MSG_SHUTDOWN)));
    step(shard);
}

static void a_shard_that_has_stopped(void **state)
{
    UNUSED(state);
    const char *there = room_on(1, 2, 0);
    enter(1, ROMEO, ROMEO_SLOT, there);
    shut_down(1);
    heard();
    order("o", there, NULL);
    step(1);
    step(0);
    in_order(heard(), "<note type='error'>The order did not reach", there, NULL);
    assert_int_equal(shard_room_count(shards[1]), 1);
}

static void a_shard_that_is_not_there(void **state)
{
    UNUSED(state);
    start_shard(2);
    end_shard(1);
    const char *nowhere = room_on(1, 3, 0), *there = room_on(2, 3, 0);
    order("o", nowhere, there);
    all_step();
    const char *text = heard();
    in_order(text, "<note type='warn'>", there, NULL);
    in_order(text, "<note type='error'>The order did not reach", nowhere, NULL);
}

/* Nobody is left waiting for an answer. */
static void the_asker_stops(void **state)
{
    UNUSED(state);
    const char *there = room_on(1, 2, 0);
    order("o", there, NULL);
    assert_string_equal(heard(), "");
    shut_down(0);
    in_order(heard(), "1 <iq from='" LANES_SERVICE "' type='result' id='o'",
             "<note type='error'>No answer has come yet", NULL);
    step(1);
    step(0);
    assert_string_equal(heard(), "");
}

/* Orders and reports that lie in mailboxes are freed with the shards. */
static void an_end_in_the_middle(void **state)
{
    UNUSED(state);
    const char *there = room_on(1, 2, 0);
    enter(1, ROMEO, ROMEO_SLOT, there);
    order("o", there, NULL);
    step(1);
    order("p", there, room_on(0, 2, 0));
    assert_int_equal(shard_room_count(shards[1]), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rooms_of_two_shards),
        TEST(a_room_of_the_same_shard),
        TEST(presence_comes_first),
        TEST(rooms_that_are_not_there),
        TEST(a_report_that_does_not_come),
        TEST(only_so_many_at_a_time),
        TEST(a_shard_that_has_stopped),
        TEST(a_shard_that_is_not_there),
        TEST(the_asker_stops),
        TEST(an_end_in_the_middle),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
