/*
 * A shard with a store that fails, and what several want of the store at once: everybody is told
 * what became of it, once; what nobody waits for is tried again.
 */
#include "shard/timers.h"
#include "tests/support/backed_shard.h"

#include <time.h>

#define SUBJECT "<message type='groupchat' id='subject'><subject>News</subject></message>"

static void both_are_still_inside(void)
{
    talk(JULIET, "still here");
    settle();
    in_order(heard(0), "9 <message", "to='" ROMEO "'", "still here", NULL);
}

/* ---- messages and changes of one batch ---- */

/* What is told of a batch that was refused: who spoke that it was not kept, who asked for the
 * change that it was not made. The subject is a message as well. */
static void a_message_and_a_change_fail_together(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    options.change_subject = true;
    two_in_a_room();
    store_mem_fail_commits(store, 1, ERR_NO_SPACE);
    talk(ROMEO, "one");
    say(ROMEO, ROOM, SUBJECT);
    talk(JULIET, "behind it");
    settle();
    const char *text = heard(0);
    in_order(text, "type='error' id='subject'", "type='error' id='one'", "behind it", NULL);
    assert_int_equal(times(text, "id='subject'"), 1);
    assert_int_equal(times(text, "id='one'"), 1);
    is_absent(text, "<body>one</body>");
    is_absent(text, "<subject>News");
    text = heard(1);
    is_absent(text, "type='error'");
    is_absent(text, "<body>one</body>");
    in_order(text, "behind it", NULL);
}

/* What nobody waits for is written again from the room: what it remembers of voice, too. */
static void memory_that_was_refused_is_written_again(void **state)
{
    UNUSED(state);
    two_in_a_room();
    stop_the_clock();
    store_mem_fail_commits(store, 1, ERR_IO);
    give_role("visitor");
    settle();
    in_order(heard(0), "role='visitor'", "type='result' id='r'", NULL);
    face.mono_ms += STORE_RETRY_MS;
    settle();
    a_visitor_is_one_after_a_crash();
}

/* ---- what nobody sends again ---- */

static enum order_outcome reported;

static void note_report(void *self, struct mail *mail)
{
    struct message *message = container_of(mail, struct message, mail);
    UNUSED(self);
    assert_int_equal(message->kind, MSG_ORDER_REPORT);
    assert_int_equal(message->order_report.ticket.command, 7);
    assert_int_equal(reported, ORDER_OPEN);
    reported = message->order_report.outcome;
    message_free(message);
}

/* An admin's order, as another shard gives it; what it is told. */
static enum order_outcome order(bool closing)
{
    int err = 0;
    bool more;
    struct mailbox *asker = mailbox_new(&err);
    exchange_set_shard(exchange, 0, asker);
    struct message *message = message_new(MSG_ROOM_ORDER);
    message->room_order.room = jid(ROOM);
    message->room_order.by = jid(LANES_ADMIN "/office");
    message->room_order.ticket = (struct ticket){.command = 7};
    assert_true(post_shard(exchange, NUMBER, message));
    step();
    if (closing)
        post_shutdown();
    step();
    settle();
    reported = ORDER_OPEN;
    mailbox_drain(asker, note_report, NULL, 10, &more);
    exchange_set_shard(exchange, 0, NULL);
    mailbox_free(asker);
    return reported;
}

/* The answer does not wait until the command's time is over. */
static void an_order_to_a_room_that_cannot_be_loaded(void **state)
{
    UNUSED(state);
    two_in_a_room();
    crash();
    store_mem_fail_loads(store, 1, ERR_IO);
    assert_int_equal(order(false), ORDER_FAILED);
    assert_int_equal(order(true), ORDER_LOST);
    crash();
    assert_int_equal(order(false), ORDER_DONE);
    assert_int_equal(order(false), ORDER_NO_ROOM);
}

/* Who is inside knows of nothing: the room is looked for until it is there. */
static void an_occupied_room_is_looked_for_again(void **state)
{
    UNUSED(state);
    two_in_a_room();
    crash();
    stop_the_clock();
    store_mem_fail_loads(store, 3, ERR_IO);
    wake();
    settle();
    struct agent *agent = shard_agent(shard);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(shard_room_count(shard), 0);
        assert_int_equal(agent->timeout_ms(agent->self), STORE_RETRY_MS);
        face.mono_ms += STORE_RETRY_MS;
        settle();
    }
    assert_int_equal(shard_room_count(shard), 1);
    assert_true(agent->timeout_ms(agent->self) > STORE_RETRY_MS);
    clock_show(NULL);
    forget_heard();
    both_are_still_inside();
}

/* ---- the end, on a slow disk ---- */

/* The cell waits for its commit when the end comes; the room with two in it is in memory alone. */
static void stop_behind_a_slow_commit(void)
{
    say(FRIAR, "cell@" LANES_SERVICE "/Friar", "<presence>" MUC "</presence>");
    settle();
    all_rooms(false, false);
    two_in_a_room();
    say(FRIAR, "cell@" LANES_SERVICE,
        "<message type='groupchat' id='s'><subject>slow</subject></message>");
    step();
    post_shutdown();
    step();
}

static void session_ends(const char *who)
{
    struct message *message = message_new(MSG_SESSION_GONE);
    message->session_gone.jid = jid(who);
    message->session_gone.room = jid(ROOM);
    message->session_gone.route = route_of(who);
    assert_true(post_shard(exchange, NUMBER, message));
}

/* A commit takes so long that nobody waits for it any more; the rooms of those who stay were
 * written behind it. */
static void a_stop_that_does_not_wait_for_the_disk(void **state)
{
    UNUSED(state);
    stop_behind_a_slow_commit();
    assert_false(said_done());
    crash();
    wake();
    settle();
    assert_int_equal(shard_room_count(shard), 1);
    both_are_still_inside();
}

/* The store takes it a moment later: who stays is not lost for the moment in which it did not. */
static void a_refused_handover_is_written_again(void **state)
{
    UNUSED(state);
    stop_behind_a_slow_commit();
    assert_false(said_done());
    store_mem_fail_commits(store, 1, ERR_BUSY);
    settle();
    assert_true(said_done());
    crash();
    wake();
    settle();
    assert_int_equal(shard_room_count(shard), 1);
    both_are_still_inside();
}

/* Nobody waits for its answers; what it was given is written. */
static void the_scribe_ends_with_nothing_left(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    store_mem_slow(store, 200);
    talk(ROMEO, "slow");
    step();
    assert_int_equal(agent_start(scribe_agent(scribe)), 0);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* it is at it now */
    talk(ROMEO, "last words");
    step();
    agent_stop(scribe_agent(scribe));
    agent_join(scribe_agent(scribe));
    step();
    in_order(heard(1), "<body>slow", "<body>last words", NULL);
}

/* Who leaves then, of a client of ours, leaves the others what was written. */
static void sessions_that_end_while_the_process_does(void **state)
{
    UNUSED(state);
    static const char *const all[] = {JULIET, ROMEO};
    stop_behind_a_slow_commit();
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        session_ends(all[i]);
        step();
        assert_false(said_done());
        struct store_room stored;
        struct arena *arena = arena_new(4096);
        write_down(); /* and nobody hears of it */
        int err = store->load(store, arena, STR(ROOM), &stored);
        assert_int_equal(err, i == 0 ? 0 : ERR_NOT_FOUND);
        arena_free(arena);
    }
}

/* What happens to a room after that is not lost: it is written once more. */
static void a_room_that_changes_while_the_process_ends(void **state)
{
    UNUSED(state);
    stop_behind_a_slow_commit();
    session_ends(JULIET);
    settle();
    assert_true(said_done());
    crash();
    wake();
    settle();
    forget_heard();
    enter(FRIAR, "Friar");
    settle();
    const char *text = heard(1);
    in_order(text, "from='" ROOM "/Romeo'", "from='" ROOM "/Friar'", NULL);
    is_absent(text, "Juliet");
}

/* ---- what nobody waits for ---- */

#define TYBALT "tybalt@far.example/keep" /* behind the link */

/* Local clients are told of the end and leave; who stays is to be told at the next start. */
static void a_refused_batch_at_the_end_leaves_no_ghosts(void **state)
{
    UNUSED(state);
    clients = STR("example.org");
    directory_set_local(directory, clients);
    crash();
    two_in_a_room();
    enter(TYBALT, "Tybalt");
    settle();
    store_mem_fail_commits(store, 1, ERR_IO);
    enter(FRIAR, "Friar");
    settle();
    post_shutdown();
    settle();
    assert_true(said_done());
    crash();
    directory_link_up(directory, (struct route){.slot = 9, .generation = 1}, true);
    wake();
    settle();
    pass(1);
    settle();
    const char *text = heard(0);
    in_order(text, "9 <presence", "from='" ROOM "/Romeo'", "type='unavailable'", NULL);
    in_order(text, "from='" ROOM "/Friar'", "type='unavailable'", NULL);
}

/* The host server does not come back: who is gone is not shown for ever. */
static void ghosts_go_without_a_link(void **state)
{
    UNUSED(state);
    stop_the_clock();
    directory_set_local(directory, STR("example.org"));
    two_in_a_room();
    enter(TYBALT, "Tybalt");
    settle();
    crash();
    wake();
    settle();
    enter(FRIAR, "Friar");
    run_on(0);
    in_order(heard(1), "from='" ROOM "/Romeo'", "code='110'", NULL);
    run_on(ROOM_GHOSTS_SECONDS * 1000 - 1000);
    is_absent(heard(1), "unavailable");
    run_on(1000 + 2 * TIMER_TICK_US / 1000);
    const char *text = heard(1);
    in_order(text, "from='" ROOM "/Romeo'", "type='unavailable'", NULL);
    in_order(text, "from='" ROOM "/Juliet'", "type='unavailable'", NULL);
    is_absent(text, "Tybalt");
}

/* A full disk is not asked more often by a room that wants to leave memory than by others. */
static void an_idle_room_does_not_insist(void **state)
{
    UNUSED(state);
    stop_the_clock();
    two_in_a_room();
    leave(ROMEO, "Romeo");
    settle();
    store_mem_fail_commits(store, 1000, ERR_NO_SPACE);
    leave(JULIET, "Juliet");
    settle();
    count_from_now();
    for (unsigned i = 0; i < 1400; i++) /* ten seconds longer than it would stay */
        run_on(50);
    assert_in_range(commits, 5, 6);
    assert_int_equal(shard_room_count(shard), 1);
    store_mem_fail_commits(store, 0, 0);
    for (unsigned i = 0; i < STORE_RETRY_MS_MAX / 50; i++)
        run_on(50);
    assert_int_equal(shard_room_count(shard), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_and_a_change_fail_together, begin, end),
        cmocka_unit_test_setup_teardown(memory_that_was_refused_is_written_again, begin, end),
        cmocka_unit_test_setup_teardown(an_order_to_a_room_that_cannot_be_loaded, begin, end),
        cmocka_unit_test_setup_teardown(an_occupied_room_is_looked_for_again, begin, end),
        cmocka_unit_test_setup_teardown(a_stop_that_does_not_wait_for_the_disk, begin, end),
        cmocka_unit_test_setup_teardown(a_refused_handover_is_written_again, begin, end),
        cmocka_unit_test_setup_teardown(the_scribe_ends_with_nothing_left, begin, end),
        cmocka_unit_test_setup_teardown(sessions_that_end_while_the_process_does, begin, end),
        cmocka_unit_test_setup_teardown(a_room_that_changes_while_the_process_ends, begin, end),
        cmocka_unit_test_setup_teardown(a_refused_batch_at_the_end_leaves_no_ghosts, begin, end),
        cmocka_unit_test_setup_teardown(ghosts_go_without_a_link, begin, end),
        cmocka_unit_test_setup_teardown(an_idle_room_does_not_insist, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
