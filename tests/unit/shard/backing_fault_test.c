/*
 * A shard with a store that fails, and what several want of the store at once: everybody is told
 * what became of it, once; what nobody waits for is tried again.
 */
#include "tests/support/backed_shard.h"

#define SUBJECT "<message type='groupchat' id='subject'><subject>News</subject></message>"

static unsigned times(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
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
    struct clock_face face = {.wall_us = shard_agent(shard)->now_us, .mono_ms = 1000};
    two_in_a_room();
    crash();
    clock_show(&face);
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
    talk(JULIET, "still here");
    settle();
    in_order(heard(0), "9 <message", "to='" ROMEO "'", "still here", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_and_a_change_fail_together, begin, end),
        cmocka_unit_test_setup_teardown(an_order_to_a_room_that_cannot_be_loaded, begin, end),
        cmocka_unit_test_setup_teardown(an_occupied_room_is_looked_for_again, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
