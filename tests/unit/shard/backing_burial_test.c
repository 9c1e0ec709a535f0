/*
 * A shard with a store: messages that only the archive has are taken back, by several at once,
 * while it cannot be asked, and over a crash.
 */
#include "tests/support/backed_shard.h"

/* Newcomers are not shown it. */
static const char *something_said(void)
{
    options.history = 0;
    return a_secret_is_said();
}

static void retract(const char *who, const char *id)
{
    tell_room(who,
              "<message type='groupchat' id='taken-back'>"
              "<retract xmlns='urn:xmpp:message-retract:1' id='%s'/></message>",
              id);
}

/* What the archive says of it now. */
static const char *archived(void)
{
    forget_heard();
    say(JULIET, ROOM, MAM);
    settle();
    read_on();
    return heard(1);
}

/* Both have asked before either is answered: it is told once, and both are. */
static void two_moderators_at_once(void **state)
{
    UNUSED(state);
    const char *id = something_said();
    give_role("moderator");
    settle();
    forget_heard();
    moderate(ROMEO, id);
    moderate(JULIET, id);
    settle();
    read_on();
    const char *text = heard(0);
    assert_int_equal(times(text, "<retract xmlns='urn:xmpp:message-retract:1'"), 1);
    assert_int_equal(times(text, "type='result' id='mod'"), 1);
    text = heard(1);
    assert_int_equal(times(text, "<retract xmlns='urn:xmpp:message-retract:1'"), 1);
    assert_int_equal(times(text, "type='result' id='mod'"), 1);
    text = archived();
    assert_int_equal(times(text, "<retracted "), 1);
    is_absent(text, "<body>SECRET");
}

/* An author and a moderator are each told of; the first word stays. */
static void an_author_and_a_moderator_at_once(void **state)
{
    UNUSED(state);
    const char *id = something_said();
    retract(JULIET, id);
    moderate(ROMEO, id);
    settle();
    read_on();
    read_on();
    in_order(heard(0), "id='taken-back'", "type='result' id='mod'", NULL);
    const char *text = archived();
    assert_int_equal(times(text, "<retracted "), 1);
    is_absent(text, "<body>SECRET");
}

/* Nobody answers questions: so many may be asked, and the room goes on asking when it can. */
static void more_questions_than_may_be_asked(void **state)
{
    UNUSED(state);
    const char *id = something_said();
    stop_the_clock();
    for (unsigned i = 0; i < ASKS_MAX / ASKS_PER_ACCOUNT; i++) {
        char who[64];
        snprintf(who, sizeof(who), "f%u@example.org/desk", i);
        for (unsigned k = 0; k < ASKS_PER_ACCOUNT; k++)
            say(who, ROOM, "<iq type='set' id='m'><query xmlns='urn:xmpp:mam:2'/></iq>");
    }
    settle();
    forget_heard();
    retract(JULIET, id);
    settle();
    in_order(heard(0), "id='taken-back'", NULL);
    for (unsigned i = 0; i < ASKS_MAX; i++) /* all are asked anew: the room has changed */
        read_on();
    in_order(archived(), "<body>SECRET", NULL);
    face.wall_us += (BURIAL_RETRY_SECONDS + 1) * INT64_C(1000000);
    settle();
    read_on();
    const char *text = archived();
    assert_int_equal(times(text, "<retracted "), 1);
    is_absent(text, "<body>SECRET");
}

/* The process ends when everybody has been told, and the archive has not been asked. */
static void a_crash_before_the_archive_is_asked(void **state)
{
    UNUSED(state);
    const char *id = something_said();
    retract(JULIET, id);
    settle();
    in_order(heard(0), "id='taken-back'", NULL);
    reader_free(reader);
    crash();
    open_reader();
    wake();
    settle();
    read_on();
    const char *text = archived();
    in_order(text, "<retracted ", "id='taken-back'", NULL);
    is_absent(text, "<body>SECRET");
}

/* ---- those that cannot be read ---- */

#define MADE_UP "0123456789abcdef0123456789abcdef"

static struct store_reader *(*real_reader)(struct store *self, int *err);
static void (*real_query)(struct store_reader *self, struct arena *arena, struct str room,
                          const struct archive_query *query, struct archive_page *page);
static int made_up_err;
static unsigned made_up_asked;

static void fail_made_up(struct store_reader *self, struct arena *arena, struct str room,
                         const struct archive_query *query, struct archive_page *page)
{
    if (query->id_count == 0 || !str_eqz(query->ids[0], MADE_UP)) {
        real_query(self, arena, room, query, page);
        return;
    }
    made_up_asked++;
    *page = (struct archive_page){.err = made_up_err};
}

static struct store_reader *read_badly(struct store *self, int *err)
{
    struct store_reader *connection = real_reader(self, err);
    real_query = connection->query;
    connection->query = fail_made_up;
    return connection;
}

/* The archive answers for the first with that error each time it is asked. */
static void two_are_taken_back(int err)
{
    made_up_err = err;
    made_up_asked = 0;
    real_reader = store->reader;
    store->reader = read_badly;
    stop_the_clock();
    const char *id = something_said();
    retract(JULIET, MADE_UP);
    retract(JULIET, id);
    settle();
}

static void one_that_fails_and_one_that_does_not(int err)
{
    two_are_taken_back(err);
    read_on();
    assert_int_equal(made_up_asked, 1);
}

/* It waits for its turn like the others. */
static void one_that_always_fails_holds_up_nobody(void **state)
{
    UNUSED(state);
    one_that_fails_and_one_that_does_not(ERR_IO);
    in_order(archived(), "<body>SECRET", NULL);
    run_on((BURIAL_RETRY_SECONDS + 1) * 1000);
    read_on();
    const char *text = archived();
    assert_int_equal(times(text, "<retracted "), 1);
    is_absent(text, "<body>SECRET");
    unsigned asked = made_up_asked;
    run_on((BURIAL_RETRY_SECONDS + 1) * 1000);
    read_on();
    assert_int_equal(made_up_asked, asked + 1);
}

/* It cannot be read later either: the operator is told, and the room may leave memory. */
static void one_that_is_damaged_is_over(void **state)
{
    UNUSED(state);
    one_that_fails_and_one_that_does_not(ERR_CORRUPT);
    assert_int_equal(times(archived(), "<retracted "), 1);
    assert_int_equal(times(log_text, "room " ROOM ": the message " MADE_UP), 1);
    leave(ROMEO, "Romeo");
    leave(JULIET, "Juliet");
    settle();
    run_on(ROOM_IDLE_SECONDS * 1000 + 2000);
    run_on(2000);
    assert_int_equal(shard_room_count(shard), 0);
    assert_int_equal(made_up_asked, 1);
}

/* An archive slower than the alarm: its answers count, though it is another's turn. */
static void late_answers_are_answers(void **state)
{
    UNUSED(state);
    two_are_taken_back(ERR_NOT_FOUND);
    run_on((BURIAL_RETRY_SECONDS + 1) * 1000);
    read_on();
    read_on();
    assert_int_equal(times(archived(), "<retracted "), 1);
    run_on((BURIAL_RETRY_SECONDS + 1) * 1000);
    read_on();
    assert_int_equal(made_up_asked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_moderators_at_once, begin, end),
        cmocka_unit_test_setup_teardown(an_author_and_a_moderator_at_once, begin, end),
        cmocka_unit_test_setup_teardown(more_questions_than_may_be_asked, begin, end),
        cmocka_unit_test_setup_teardown(a_crash_before_the_archive_is_asked, begin, end),
        cmocka_unit_test_setup_teardown(one_that_always_fails_holds_up_nobody, begin, end),
        cmocka_unit_test_setup_teardown(one_that_is_damaged_is_over, begin, end),
        cmocka_unit_test_setup_teardown(late_answers_are_answers, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
