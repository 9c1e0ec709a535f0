/*
 * What a store has refused and nobody waits for: how often it is tried again, by how many rooms,
 * and that all of it is written once the store takes it. And how much a stanza writes.
 */
#include "tests/support/backed_shard.h"

static void room_name(char *text, size_t size, unsigned number)
{
    snprintf(text, size, "room%u@" LANES_SERVICE, number);
}

static void come(const char *who, const char *nick, unsigned number)
{
    char room[64], to[128];
    room_name(room, sizeof(room), number);
    snprintf(to, sizeof(to), "%s/%s", room, nick);
    say(who, to, "<presence>" MUC "</presence>");
}

/* In each of so many rooms Romeo; then nothing is taken any more, and Juliet comes. */
static void refuse_all_of(unsigned rooms)
{
    for (unsigned i = 0; i < rooms; i++)
        come(ROMEO, "Romeo", i);
    settle();
    store_mem_fail_commits(store, UINT32_MAX, ERR_NO_SPACE);
    for (unsigned i = 0; i < rooms; i++)
        come(JULIET, "Juliet", i);
    settle();
    count_from_now();
}

/* Juliet is inside each of them after a crash. */
static void expect_inside(unsigned rooms)
{
    crash();
    for (unsigned i = 0; i < rooms; i++) {
        char room[64], xml[200], said[32];
        room_name(room, sizeof(room), i);
        snprintf(xml, sizeof(xml),
                 "<message type='groupchat' id='%u'><body>in %u.</body></message>", i, i);
        say(JULIET, room, xml);
        settle();
        snprintf(said, sizeof(said), "in %u.", i);
        const char *text = heard(1);
        in_order(text, said, NULL);
        is_absent(text, "type='error'");
        forget_heard();
    }
}

enum { MANY = 600 };

/* One asks for all of them, and not more and more often. */
static void one_room_asks_for_all(void **state)
{
    UNUSED(state);
    stop_the_clock();
    refuse_all_of(MANY);
    for (unsigned i = 0; i < 63; i++)
        run_on(500);
    assert_int_equal(commits, 5); /* after 1, 3, 7, 15 and 31 seconds */
    assert_int_equal(most, 1);
    for (unsigned i = 0; i < 240; i++)
        run_on(500);
    assert_int_equal(commits, 9); /* every half minute from then on */
    struct agent *agent = shard_agent(shard);
    assert_true(agent->timeout_ms(agent->self) <= STORE_RETRY_MS_MAX);
}

static void all_is_written_within_the_pause(void **state)
{
    UNUSED(state);
    stop_the_clock();
    refuse_all_of(MANY);
    for (unsigned i = 0; i < 8; i++)
        run_on(500);
    store_mem_fail_commits(store, 0, 0);
    count_from_now();
    run_on(2500);
    assert_int_equal(commits, 0);
    run_on(500); /* the seventh second */
    assert_int_equal(commits, MANY);
    assert_int_equal(most, REWRITE_ROOMS);
    expect_inside(MANY);
}

/* The next refusal begins with the short pause. */
static void the_pause_is_short_again(void **state)
{
    UNUSED(state);
    stop_the_clock();
    refuse_all_of(3);
    for (unsigned i = 0; i < 20; i++)
        run_on(500);
    store_mem_fail_commits(store, 0, 0);
    for (unsigned i = 0; i < 12; i++)
        run_on(500);
    count_from_now();
    store_mem_fail_commits(store, 1, ERR_IO);
    come(FRIAR, "Friar", 1);
    settle();
    assert_int_equal(commits, 1);
    run_on(STORE_RETRY_MS - 1);
    assert_int_equal(commits, 1);
    run_on(1);
    assert_int_equal(commits, 2);
    run_on(STORE_RETRY_MS_MAX);
    assert_int_equal(commits, 2);
}

static const struct str *spoiled; /* the room whose commits fail, whatever the disk does */

static int refuse_one(struct store *self, const struct store_commit *at, unsigned count)
{
    commits += count;
    for (unsigned i = 0; i < count; i++) {
        if (str_eq(at[i].room, *spoiled))
            return ERR_CORRUPT;
    }
    return real_commit(self, at, count);
}

/* A room that is damaged does not keep the others from being written. */
static void a_damaged_room_bars_no_other(void **state)
{
    UNUSED(state);
    static const struct str first = {"room0@" LANES_SERVICE, sizeof("room0@" LANES_SERVICE) - 1};
    stop_the_clock();
    refuse_all_of(5);
    spoiled = &first;
    store->commit = refuse_one;
    store_mem_fail_commits(store, 0, 0);
    for (unsigned i = 0; i < 20; i++)
        run_on(500);
    commits = 0;
    for (unsigned i = 0; i < 240; i++)
        run_on(500);
    assert_in_range(commits, 4, 2 * 6); /* only that one, taken apart or not */
    store->commit = count_commits;
    for (unsigned i = 0; i < 61; i++)
        run_on(500);
    expect_inside(5);
}

/* At the end each is written, however long the pause is. */
static void the_end_does_not_wait(void **state)
{
    UNUSED(state);
    stop_the_clock();
    refuse_all_of(MANY);
    for (unsigned i = 0; i < 20; i++)
        run_on(500);
    store_mem_fail_commits(store, 0, 0);
    post_shutdown();
    settle();
    assert_true(said_done());
    expect_inside(MANY);
}

/* ---- how much is written ---- */

static void invite(unsigned number)
{
    tell_room(ROMEO,
              "<message id='i'><x xmlns='http://jabber.org/protocol/muc#user'>"
              "<invite to='u%u%0*d@far.example'/></x></message>",
              number, 400, 0);
}

/* A decision writes its own row, whatever else the room remembers, and stands after a crash. */
static void a_decision_writes_its_row(void **state)
{
    UNUSED(state);
    directory_link_up(directory, (struct route){.slot = 9, .generation = 1}, true);
    two_in_a_room();
    count_from_now();
    for (unsigned i = 0; i < ROOM_INVITED_MAX; i++) {
        invite(i);
        if (i % 100 == 99) {
            settle();
            forget_heard();
        }
    }
    settle();
    assert_in_range(bytes, ROOM_INVITED_MAX * 400, ROOM_INVITED_MAX * 500); /* none came back */
    count_from_now();
    give_role("visitor");
    settle();
    in_order(heard(0), "role='visitor'", "type='result' id='r'", NULL);
    assert_int_equal(commits, 1);
    assert_in_range(bytes, 1, 300); /* with her session's */
    count_from_now();
    invite(0); /* once more */
    settle();
    assert_in_range(bytes, 1, 600);
    a_visitor_is_one_after_a_crash();
    count_from_now();
    leave(ROMEO, "Romeo");
    leave(JULIET, "Juliet");
    settle();
    pass(ROOM_IDLE_SECONDS + 1);
    settle();
    assert_int_equal(shard_room_count(shard), 0);
    assert_in_range(bytes, 1, 300); /* it leaves memory, and nothing is written for that */
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_room_asks_for_all),    CASE(all_is_written_within_the_pause),
        CASE(the_pause_is_short_again), CASE(a_damaged_room_bars_no_other),
        CASE(the_end_does_not_wait),    CASE(a_decision_writes_its_row),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
