/*
 * A shard with a store of which more is wanted than it can do: what waits has an end, what comes
 * beyond is told so, and what is done at last is done for all.
 */
#include "tests/support/backed_shard.h"
#include "tests/support/heap.h"

/* ---- rooms that are looked for ---- */

#define DISCO_QUERY "<query xmlns='http://jabber.org/protocol/disco#info'/>"
#define DISCO       "<iq type='get' id='%u'>" DISCO_QUERY "</iq>"

/* Somebody asks addresses that he has made up. */
static void ask_rooms(unsigned from, unsigned to)
{
    char room[64], xml[200];
    for (unsigned i = from; i < to; i++) {
        snprintf(room, sizeof(room), "r%u@" LANES_SERVICE, i);
        snprintf(xml, sizeof(xml), DISCO, i);
        say(JULIET, room, xml);
    }
}

/* Of Juliet's lane, what has come back. */
static unsigned credits_back(void)
{
    struct message *message;
    unsigned count = 0;
    while ((message = fake_lane_next(&lanes[1])) != NULL) {
        if (message->kind == MSG_CREDIT)
            count += message->credit.cost;
        message_free(message);
    }
    return count;
}

static void no_more_rooms_are_looked_for_than_may_wait(void **state)
{
    UNUSED(state);
    step();
    stop_the_clock(); /* the disk has all the time that we need */
    for (unsigned i = 0; i < SHARD_PARKED_MAX; i += 1000) {
        ask_rooms(i, i + 1000);
        step();
        assert_string_equal(heard(1), "");
    }
    ask_rooms(SHARD_PARKED_MAX, SHARD_PARKED_MAX + 2);
    say(JULIET, "r0@" LANES_SERVICE, "<presence type='unavailable'/>");
    step();
    const char *text = heard(1);
    in_order(text, "from='r50000@" LANES_SERVICE "'", "type='error' id='50000'",
             "<resource-constraint", "id='50001'", NULL);
    assert_int_equal(shard_room_count(shard), SHARD_PARKED_MAX);
    for (unsigned i = 0; i < SHARD_PARKED_MAX / 1000; i++) {
        settle();
        forget_heard();
    }
    assert_int_equal(shard_room_count(shard), 0);
    ask_rooms(0, 1);
    settle();
    in_order(heard(1), "type='error' id='0'", "<item-not-found", NULL);
}

/* Who makes rooms be looked for is slowed down to what the store can find. */
static void credits_wait_for_rooms_that_are_looked_for(void **state)
{
    UNUSED(state);
    step();
    stop_the_clock();
    ask_rooms(0, ROOM_LOADS_MAX);
    step();
    heard(1);
    unsigned back = credits_back();
    assert_int_equal(back, ROOM_LOADS_MAX);
    ask_rooms(ROOM_LOADS_MAX, ROOM_LOADS_MAX + 1);
    step();
    step();
    heard(1);
    assert_int_equal(credits_back(), 0);
    settle();
    heard(1);
    assert_int_equal(credits_back(), 1);
}

static int shard_timeout(void)
{
    struct agent *agent = shard_agent(shard);
    return agent->timeout_ms(agent->self);
}

/* The disk is stuck: who wants a room that is not in memory is told so, all others go on. */
static void rooms_in_memory_do_not_wait_for_a_disk_that_is_silent(void **state)
{
    UNUSED(state);
    two_in_a_room();
    stop_the_clock();
    ask_rooms(0, ROOM_LOADS_MAX + 1);
    step();
    face.mono_ms += ROOM_LOADS_SILENT_MS - 1;
    say(JULIET, ROOM, "<iq type='get' id='early'>" DISCO_QUERY "</iq>");
    step();
    in_order(heard(1), "id='early'", NULL); /* handled, but nothing more is to come */
    assert_int_equal(credits_back(), 0);
    assert_int_equal(shard_timeout(), 1);
    face.mono_ms += 1;
    step();
    heard(1);
    assert_int_equal(credits_back(), ROOM_LOADS_MAX + 2);
    ask_rooms(ROOM_LOADS_MAX + 1, ROOM_LOADS_MAX + 2);
    say(JULIET, ROOM, "<iq type='get' id='late'>" DISCO_QUERY "</iq>");
    step();
    in_order(heard(1), "type='error' id='1001'", "<resource-constraint", "type='result' id='late'",
             NULL);
    assert_int_equal(credits_back(), 2);
    assert_int_equal(shard_room_count(shard), ROOM_LOADS_MAX + 2);
    /* It answers again: of all that it was asked, and of what comes next. */
    settle();
    in_order(heard(1), "type='error' id='0'", "<item-not-found", "type='error' id='1000'",
             "<item-not-found", NULL);
    ask_rooms(1, 2);
    settle();
    in_order(heard(1), "type='error' id='1'", "<item-not-found", NULL);
}

/* The disk is only busy: whoever asks waits, however long it takes, and nobody is refused. */
static void nobody_is_refused_while_a_busy_disk_answers(void **state)
{
    UNUSED(state);
    two_in_a_room();
    stop_the_clock();
    unsigned asked = 0;
    for (; asked < 6000; asked += 1000) {
        ask_rooms(asked, asked + 1000);
        step();
    }
    heard(1);
    (void)credits_back();
    for (unsigned i = 0; i < 4; i++) {
        face.mono_ms += ROOM_LOADS_SILENT_MS - 1;
        write_down(); /* SHARD_DRAIN_MAX of them */
        step();
        ask_rooms(asked, asked + 1);
        asked++;
        step();
        is_absent(heard(1), "<resource-constraint");
        assert_int_equal(credits_back(), 0);
    }
    settle();
    is_absent(heard(1), "<resource-constraint");
    assert_int_equal(shard_room_count(shard), 1);
}

/* It is the shard that was late: the answers are there, behind what came before them. */
static void a_late_shard_takes_no_disk_for_silent(void **state)
{
    UNUSED(state);
    two_in_a_room();
    stop_the_clock();
    ask_rooms(0, ROOM_LOADS_MAX + 1);
    step();
    face.mono_ms += 10 * ROOM_LOADS_SILENT_MS;
    ask_rooms(ROOM_LOADS_MAX + 1, ROOM_LOADS_MAX + 2);
    write_down();
    step();
    ask_rooms(ROOM_LOADS_MAX + 2, ROOM_LOADS_MAX + 3);
    settle();
    is_absent(heard(1), "<resource-constraint");
}

/* ---- questions to the archive ---- */

/* The id that the room gave to what Juliet says now. */
static const char *id_of(const char *text)
{
    talk(JULIET, text);
    settle();
    return stanza_id_in(heard(1));
}

/* What was posted is committed while the reader looks. */
static void commit_beside_the_reader(void)
{
    step();
    write_down();
    step();
    agent_step(reader_agent(reader));
    step();
}

/* Changes that the archive has no part in are not worth another question. */
static void an_answer_does_not_wait_for_a_room_to_rest(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    open_reader();
    two_in_a_room();
    talk(JULIET, "hello");
    settle();
    forget_heard();
    say(JULIET, ROOM, MAM);
    step();
    make_member(ROMEO, "friar@example.org");
    commit_beside_the_reader();
    in_order(heard(1), "<body>hello</body>", "complete='true'", NULL);
}

/* Somebody moderates all the time: the question has an end, and who asks is told. */
static void a_question_is_asked_again_so_often(void **state)
{
    UNUSED(state);
    char ids[ASKS_AGAIN_MAX + 2][64];
    all_rooms(true, true);
    open_reader();
    two_in_a_room();
    for (unsigned i = 0; i < ASKS_AGAIN_MAX + 2; i++)
        snprintf(ids[i], sizeof(ids[i]), "%s", id_of("secret"));
    forget_heard();
    say(JULIET, ROOM, MAM);
    step();
    for (unsigned i = 0; i < ASKS_AGAIN_MAX + 1; i++) {
        is_absent(heard(1), "id='mam'");
        moderate(ROMEO, ids[i]);
        commit_beside_the_reader();
    }
    const char *text = heard(1);
    is_absent(text, "<body>secret");
    in_order(text, "type='error' id='mam'", "type='wait'", "<resource-constraint", NULL);
    /* What has come to rest meanwhile is answered. */
    say(JULIET, ROOM, MAM);
    step();
    for (unsigned i = 0; i < 3; i++) {
        if (i == 0)
            moderate(ROMEO, ids[ASKS_AGAIN_MAX + 1]);
        commit_beside_the_reader();
    }
    text = heard(1);
    in_order(text, "<retracted ", "complete='true'", NULL);
    is_absent(text, "<body>secret");
}

/* A page that is not used does not stay. */
static void a_question_asked_again_is_as_small_as_it_was(void **state)
{
    UNUSED(state);
    const struct archive_query query = {.max = 3};
    struct asked *asked = asked_new(&query, NULL);
    asked->from = jid(JULIET);
    const struct jid *from = asked->from;
    size_t before = 0;
    for (unsigned i = 1; i < 4; i++) {
        (void)arena_alloc(asked->arena, (size_t)1024 * 1024);
        asked = asked_again(asked);
        size_t now = heap_bytes();
        assert_true(i == 1 || now <= before + 1024);
        before = now;
        assert_int_equal(asked->again, i);
        assert_ptr_equal(asked->from, from);
        assert_int_equal(asked->query->max, 3);
    }
    asked_free(asked);
}

/* ---- what comes while the process ends ---- */

/* Between the order to stop and the end of the links everybody is answered. */
static void what_comes_while_it_stops_is_answered(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    make_member(ROMEO, "friar@example.org");
    talk(JULIET, "before");
    step();
    post_shutdown();
    ask_rooms(7, 8); /* before the shard has heard of it */
    step();
    talk(JULIET, "during");
    ask_rooms(1, 2);
    say(JULIET, LANES_SERVICE,
        "<iq type='get' id='service'><query xmlns='jabber:iq:version'/></iq>");
    say(JULIET, ROOM, "<message type='error' id='no answer'/>");
    settle();
    const char *text = heard(1);
    in_order(text, "type='error' id='during'", "<resource-constraint", "id='1'",
             "<resource-constraint", "id='service'", "<resource-constraint", "<body>before</body>",
             NULL);
    in_order(text, "type='error' id='7'", "<resource-constraint", NULL);
    is_absent(text, "no answer");
    is_absent(text, "<body>during</body>");
    assert_true(said_done());
    talk(JULIET, "after");
    step();
    in_order(heard(1), "type='error' id='after'", "type='wait'", NULL);
}

/* The store may be too slow to find a room before the end. */
static void who_waits_for_a_room_at_the_end_is_answered(void **state)
{
    UNUSED(state);
    ask_rooms(1, 2);
    step();
    post_shutdown();
    step();
    in_order(heard(1), "type='error' id='1'", "<resource-constraint", NULL);
    assert_true(said_done());
    settle();
    assert_string_equal(heard(1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_more_rooms_are_looked_for_than_may_wait, begin, end),
        cmocka_unit_test_setup_teardown(credits_wait_for_rooms_that_are_looked_for, begin, end),
        cmocka_unit_test_setup_teardown(rooms_in_memory_do_not_wait_for_a_disk_that_is_silent,
                                        begin, end),
        cmocka_unit_test_setup_teardown(nobody_is_refused_while_a_busy_disk_answers, begin, end),
        cmocka_unit_test_setup_teardown(a_late_shard_takes_no_disk_for_silent, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_does_not_wait_for_a_room_to_rest, begin, end),
        cmocka_unit_test_setup_teardown(a_question_is_asked_again_so_often, begin, end),
        cmocka_unit_test_setup_teardown(a_question_asked_again_is_as_small_as_it_was, begin, end),
        cmocka_unit_test_setup_teardown(what_comes_while_it_stops_is_answered, begin, end),
        cmocka_unit_test_setup_teardown(who_waits_for_a_room_at_the_end_is_answered, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
