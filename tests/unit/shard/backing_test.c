/*
 * A shard with a store, a memory store behind a scribe that works when told to: rooms are loaded,
 * wait for commits, fail, hold back what they say, leave memory and come back, and outlive the
 * shard.
 */
#include "tests/support/backed_shard.h"

/* ---- loading ---- */

static void a_room_is_looked_for_first(void **state)
{
    UNUSED(state);
    enter(ROMEO, "Romeo");
    enter(JULIET, "Juliet");
    step();
    step();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    settle();
    /* It is made by who came first, and that is committed before anybody hears of it. */
    in_order(heard(0), "Romeo", "code='201'", "from='" ROOM "/Juliet'", NULL);
    in_order(heard(1), "from='" ROOM "/Romeo'", "from='" ROOM "/Juliet'", "code='110'", NULL);
    assert_string_equal(log_text, "room created: " ROOM "\n");
}

static void what_cannot_be_loaded_is_refused(void **state)
{
    UNUSED(state);
    two_in_a_room();
    crash();
    store_mem_fail_loads(store, 1, ERR_IO);
    talk(ROMEO, "lost");
    settle();
    in_order(heard(0), "type='error'", "<internal-server-error", NULL);
    in_order(log_text, "cannot be read", NULL);
    assert_int_equal(shard_room_count(shard), 0);
    talk(ROMEO, "found");
    settle();
    in_order(heard(0), "<body>found</body>", NULL);
}

static void no_more_wait_than_may(void **state)
{
    UNUSED(state);
    enter(ROMEO, "Romeo");
    for (unsigned i = 1; i < ROOM_PARKED_MAX; i++)
        talk(ROMEO, "parked");
    talk(JULIET, "too many");
    for (int i = 0; i < 10; i++)
        step();
    in_order(heard(1), "type='error'", "<resource-constraint", NULL);
    assert_string_equal(heard(0), "");
    write_down();
    settle();
    in_order(heard(0), "code='201'", "<body>parked</body>", NULL);
}

/* ---- changes ---- */

static void a_change_is_committed_before_it_is_seen(void **state)
{
    UNUSED(state);
    two_in_a_room();
    make_member(ROMEO, "juliet@example.org");
    talk(JULIET, "behind it");
    step();
    step();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    settle();
    in_order(heard(0), "affiliation='member'", "type='result' id='member'", "behind it", NULL);
    in_order(heard(1), "affiliation='member'", "behind it", NULL);
}

static void a_change_that_failed_has_not_happened(void **state)
{
    UNUSED(state);
    two_in_a_room();
    store_mem_fail_commits(store, 1, ERR_NO_SPACE);
    make_member(ROMEO, "juliet@example.org");
    talk(JULIET, "behind it");
    settle();
    const char *text = heard(0);
    in_order(text, "type='error' id='member'", "<resource-constraint", "behind it", NULL);
    is_absent(text, "affiliation='member'");
    make_member(ROMEO, "juliet@example.org");
    settle();
    in_order(heard(0), "affiliation='member'", "type='result'", NULL);
}

/* An alarm that rings meanwhile rings again. */
static void alarms_wait_too(void **state)
{
    UNUSED(state);
    two_in_a_room();
    make_member(ROMEO, "friar@example.org");
    step();
    pass(options.ping_minutes * 60 * 3);
    step();
    step();
    assert_string_equal(heard(0), "");
    settle();
    is_absent(heard(0), "urn:xmpp:ping");
    pass(1);
    settle();
    in_order(heard(0), "<ping xmlns='urn:xmpp:ping'/>", NULL);
}

/* ---- messages ---- */

static void a_message_is_kept_before_it_is_heard(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    talk(ROMEO, "one");
    step();
    enter(FRIAR, "Friar");
    talk(JULIET, "two");
    step();
    step();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    settle();
    in_order(heard(0), "<body>one</body>", "from='" ROOM "/Friar'", "<body>two</body>", NULL);
    in_order(heard(1), "<body>one</body>", "3 <message", "<body>one</body>", "<delay", "<subject",
             "<body>two</body>", NULL);
}

static void a_message_that_is_not_kept_is_not_heard(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    store_mem_fail_commits(store, 1, ERR_IO);
    talk(ROMEO, "one");
    step();
    enter(FRIAR, "Friar");
    step();
    write_down();
    settle();
    const char *text = heard(0);
    in_order(text, "from='" ROOM "/Friar'", NULL);
    in_order(text, "type='error' id='one'", "<internal-server-error", NULL);
    text = heard(1);
    is_absent(text, "<body>one</body>");
    in_order(text, "3 <presence", "code='110'", "3 <message", "<subject", NULL);
    in_order(log_text, "the store cannot be written", NULL);
    talk(ROMEO, "two");
    settle();
    in_order(heard(1), "<body>two</body>", NULL);
    in_order(log_text, "the store can be written again", NULL);
}

/* Others do not wait for a room that waits. */
static void each_room_waits_by_itself(void **state)
{
    UNUSED(state);
    two_in_a_room();
    say(FRIAR, "cell@" LANES_SERVICE "/Friar", "<presence>" MUC "</presence>");
    settle();
    forget_heard();
    make_member(ROMEO, "juliet@example.org");
    say(FRIAR, "cell@" LANES_SERVICE, "<message type='groupchat'><body>meanwhile</body></message>");
    step();
    in_order(heard(1), "3 <message", "<body>meanwhile</body>", NULL);
    settle();
    in_order(heard(0), "type='result' id='member'", NULL);
}

/* ---- memory ---- */

static void an_idle_room_leaves_and_comes_back(void **state)
{
    UNUSED(state);
    two_in_a_room();
    make_member(ROMEO, "juliet@example.org");
    say(ROMEO, ROOM, "<message type='groupchat'><subject>cheese</subject></message>");
    talk(ROMEO, "before");
    settle();
    leave(ROMEO, "Romeo");
    leave(JULIET, "Juliet");
    settle();
    pass(ROOM_IDLE_SECONDS - 1);
    settle();
    assert_int_equal(shard_room_count(shard), 1);
    pass(2);
    settle();
    pass(1);
    settle();
    assert_int_equal(shard_room_count(shard), 0);
    assert_string_equal(log_text, "room created: " ROOM "\n");
    forget_heard();
    enter(JULIET, "Juliet");
    settle();
    const char *text = heard(1);
    in_order(text, "affiliation='member'", "code='110'", "<body>before</body>", "<delay",
             "<subject>cheese</subject>", NULL);
    is_absent(text, "code='201'");
}

/* Who comes while it is about to leave finds it, and it stays. */
static void a_room_that_is_wanted_again_stays(void **state)
{
    UNUSED(state);
    two_in_a_room();
    leave(ROMEO, "Romeo");
    leave(JULIET, "Juliet");
    settle();
    pass(ROOM_IDLE_SECONDS + 1);
    step(); /* what it remembers is being written */
    enter(FRIAR, "Friar");
    settle();
    pass(ROOM_IDLE_SECONDS + 1);
    settle();
    assert_int_equal(shard_room_count(shard), 1);
    in_order(heard(1), "3 <presence", "code='110'", NULL);
}

static void a_tombstone_outlives_memory(void **state)
{
    UNUSED(state);
    two_in_a_room();
    say(ROMEO, ROOM,
        "<iq type='set' id='x'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/>"
        "</query></iq>");
    settle();
    pass(ROOM_IDLE_SECONDS + 1);
    settle();
    pass(1);
    settle();
    assert_int_equal(shard_room_count(shard), 0);
    forget_heard();
    enter(FRIAR, "Friar");
    settle();
    in_order(heard(1), "type='error'", "<gone ", NULL);
    /* It was destroyed once, and the log says so once. */
    assert_string_equal(log_text, "room created: " ROOM "\nroom destroyed: " ROOM "\n");
    pass(INT64_C(86400) * settings.tombstone_days);
    settle();
    assert_int_equal(shard_room_count(shard), 0);
    enter(FRIAR, "Friar");
    settle();
    in_order(heard(1), "code='201'", NULL);
    in_order(log_text, "destroyed: " ROOM "\nroom created: " ROOM "\n", NULL);
}

/* ---- the end ---- */

static void shutdown_waits_for_commits(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    make_member(ROMEO, "juliet@example.org");
    step();
    post_shutdown();
    step();
    step();
    assert_string_equal(heard(0), "");
    assert_false(said_done());
    write_down();
    step();
    in_order(heard(0), "type='result' id='member'", NULL);
    settle();
    assert_true(said_done());
}

static void sessions_outlive_the_shard(void **state)
{
    UNUSED(state);
    two_in_a_room();
    post_shutdown();
    settle();
    assert_true(said_done());
    is_absent(heard(1), "unavailable");
    crash();
    wake();
    settle();
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    assert_int_equal(shard_room_count(shard), 1);
    talk(JULIET, "still here");
    settle();
    /* Romeo is behind the link, Juliet is where she was heard from. */
    in_order(heard(0), "9 <message", "to='" ROMEO "'", "still here", NULL);
    in_order(heard(1), "2 <message", "still here", NULL);
}

/* So do temporary rooms; and a shutdown that comes while they are being loaded loses nothing. */
static void temporary_rooms_outlive_a_shutdown(void **state)
{
    UNUSED(state);
    all_rooms(false, false);
    two_in_a_room();
    talk(ROMEO, "before");
    settle();
    post_shutdown();
    settle();
    for (int i = 0; i < 2; i++) {
        crash();
        wake();
        step();
        post_shutdown();
        settle();
        forget_heard();
    }
    crash();
    wake();
    settle();
    talk(JULIET, "still here");
    enter(FRIAR, "Friar");
    settle();
    in_order(heard(0), "9 <message", "to='" ROMEO "'", "still here", NULL);
    in_order(heard(1), "2 <message", "still here", "3 <message", "<body>before</body>", NULL);
    /* It is not in the store any more: after a crash it is gone. */
    crash();
    wake();
    settle();
    assert_int_equal(shard_room_count(shard), 0);
}

/* ---- what the reviewers of this part have found ---- */

#define DESTROY                                                                                    \
    "<iq type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>" \
    "</iq>"

/* A page that was read before a message was moderated is not sent after it. */
static void what_is_moderated_does_not_come_back(void **state)
{
    UNUSED(state);
    const char *id = a_secret_is_said();
    say(JULIET, ROOM, MAM);
    moderate(ROMEO, id);
    step();
    agent_step(reader_agent(reader));
    write_down();
    step();
    settle();
    read_on();
    const char *text = heard(1);
    in_order(text, "<retract ", "<retracted ", "complete='true'", NULL);
    is_absent(text, "<body>SECRET");
}

/* Who owns the room now has no part in the one before it. */
static void the_next_room_has_not_the_archive_of_the_last(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    settings.tombstone_days = 0;
    open_reader();
    two_in_a_room();
    enter(FRIAR, "Friar");
    talk(FRIAR, "anonymous");
    settle();
    forget_heard();
    say(JULIET, ROOM, MAM);
    say(ROMEO, ROOM, DESTROY);
    enter(JULIET, "Juliet");
    step();
    agent_step(reader_agent(reader));
    write_down();
    step();
    settle();
    read_on();
    const char *text = heard(1);
    in_order(text, "affiliation='owner'", "complete='true'", NULL);
    is_absent(text, "<body>anonymous");
    is_absent(text, "<result ");
}

/* Rooms in memory show no more what was taken out of the archives. */
static void what_is_forgotten_is_not_shown(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    talk(JULIET, "hers");
    talk(ROMEO, "his");
    settle();
    for (unsigned i = 0; i < 3; i++) { /* older ones, another room's, hers */
        struct message *message = message_new(MSG_FORGET);
        message->forget.account = i == 1 ? STR_NONE : str_copy(STR("juliet@example.org"));
        message->forget.room = i == 1 ? str_copy(STR("other@" LANES_SERVICE)) : STR_NONE;
        message->forget.until_us = i == 0 ? 1 : INT64_MAX;
        make_member(JULIET, "member@example.org"); /* it waits for the disk just then */
        step();
        post_shard(exchange, NUMBER, message);
        settle();
        forget_heard();
        enter(FRIAR, "Friar");
        settle();
        const char *text = heard(1);
        assert_int_equal(strstr(text, "<body>hers") == NULL, i == 2);
        assert_non_null(strstr(text, "<body>his"));
        leave(FRIAR, "Friar");
        settle();
    }
}

/* It was read before that was taken out, and comes when the room has been told. */
static void a_page_of_what_is_forgotten_is_read_again(void **state)
{
    UNUSED(state);
    all_rooms(true, true);
    two_in_a_room();
    talk(JULIET, "hers");
    settle();
    forget_heard();
    open_reader();
    say(ROMEO, ROOM, MAM);
    step();
    struct message *message = message_new(MSG_FORGET);
    message->forget.account = str_copy(STR("juliet@example.org"));
    message->forget.until_us = INT64_MAX;
    post_shard(exchange, NUMBER, message);
    agent_step(reader_agent(reader));
    struct record_item wipe = {.op = RECORD_WIPE};
    struct buf batch;
    buf_init(&batch, NULL);
    record_add(&batch, &wipe);
    struct store_commit commit = {.room = STR(ROOM), .batch = buf_str(&batch)};
    assert_int_equal(store->commit(store, &commit, 1), 0);
    buf_free(&batch);
    settle();
    read_on();
    const char *text = heard(0);
    in_order(text, "complete='true'", NULL);
    is_absent(text, "<body>hers");
}

static void note_kind(void *self, struct mail *mail)
{
    char *kinds = self;
    struct message *message = container_of(mail, struct message, mail);
    snprintf(kinds + strlen(kinds), 8, "%s", message->kind == MSG_COMMIT ? "C" : "F");
    message_free(message);
}

/* The scribe learns by it that nothing that was said before is on its way any more: also what was
 * said in the same cycle. */
static void the_scribe_is_told_behind_what_was_said(void **state)
{
    UNUSED(state);
    int err = 0;
    bool more;
    char kinds[32] = "";
    all_rooms(true, true);
    two_in_a_room();
    struct mailbox *box = mailbox_new(&err);
    exchange_set_scribe(exchange, box);
    for (unsigned i = 0; i < 3;
         i++) { /* of an account, of a room, and one that is not waited for */
        struct message *message = message_new(MSG_FORGET);
        message->forget.account = i == 1 ? STR_NONE : str_copy(STR("juliet@example.org"));
        message->forget.room = i == 1 ? str_copy(STR(ROOM)) : STR_NONE;
        message->forget.until_us = INT64_MAX;
        message->forget.back = i < 2;
        post_shard(exchange, NUMBER, message);
        talk(JULIET, "hers");
        step();
    }
    mailbox_drain(box, note_kind, kinds, 20, &more);
    assert_string_equal(kinds, "CFCFC");
    exchange_set_scribe(exchange, NULL);
    mailbox_free(box);
}

static void give_it_up(void *self, struct mail *mail)
{
    UNUSED(self);
    struct message *message = container_of(mail, struct message, mail);
    message->ask->page.err = ERR_LIMIT;
    message->kind = MSG_ANSWER;
    post_shard(exchange, NUMBER, message);
}

/* A page without words has no rarer ones, and a stop is nobody's fault: both are told what is true.
 */
static void who_is_given_up_is_told_what_to_do(void **state)
{
    UNUSED(state);
    int err = 0;
    bool more;
    all_rooms(true, true);
    two_in_a_room();
    struct mailbox *box = mailbox_new(&err);
    exchange_set_reader(exchange, box);
    say(ROMEO, ROOM, MAM);
    step();
    mailbox_drain(box, give_it_up, NULL, 1, &more);
    step();
    const char *text = heard(0);
    in_order(text, "<resource-constraint", "was not read in time: ask again", NULL);
    is_absent(text, "words");
    exchange_set_reader(exchange, NULL);
    mailbox_free(box);
}

/* The oldest tombstone gives way, unless the store has something of it. */
static void the_oldest_tombstone_may_be_busy(void **state)
{
    char to[80];
    unsigned made = 0;
    UNUSED(state);
    settings.tombstone_days = 30;
    for (; made <= TOMBSTONES_MAX; made++) {
        snprintf(to, sizeof(to), "r%u@" LANES_SERVICE "/R", made);
        say(ROMEO, to, "<presence>" MUC "</presence>");
        settle();
        *strchr(to, '/') = '\0';
        if (made == TOMBSTONES_MAX)
            pass(61); /* the oldest are idle now, and written */
        say(ROMEO, to, DESTROY);
        if (made == TOMBSTONES_MAX)
            step();
        else
            settle();
        forget_heard();
    }
    write_down();
    step();
    settle();
    assert_true(shard_room_count(shard) <= TOMBSTONES_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_room_is_looked_for_first, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_loaded_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(no_more_wait_than_may, begin, end),
        cmocka_unit_test_setup_teardown(a_change_is_committed_before_it_is_seen, begin, end),
        cmocka_unit_test_setup_teardown(a_change_that_failed_has_not_happened, begin, end),
        cmocka_unit_test_setup_teardown(alarms_wait_too, begin, end),
        cmocka_unit_test_setup_teardown(a_message_is_kept_before_it_is_heard, begin, end),
        cmocka_unit_test_setup_teardown(a_message_that_is_not_kept_is_not_heard, begin, end),
        cmocka_unit_test_setup_teardown(each_room_waits_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(an_idle_room_leaves_and_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(a_room_that_is_wanted_again_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_tombstone_outlives_memory, begin, end),
        cmocka_unit_test_setup_teardown(shutdown_waits_for_commits, begin, end),
        cmocka_unit_test_setup_teardown(sessions_outlive_the_shard, begin, end),
        cmocka_unit_test_setup_teardown(temporary_rooms_outlive_a_shutdown, begin, end),
        cmocka_unit_test_setup_teardown(what_is_moderated_does_not_come_back, begin, end),
        cmocka_unit_test_setup_teardown(the_next_room_has_not_the_archive_of_the_last, begin, end),
        cmocka_unit_test_setup_teardown(what_is_forgotten_is_not_shown, begin, end),
        cmocka_unit_test_setup_teardown(a_page_of_what_is_forgotten_is_read_again, begin, end),
        cmocka_unit_test_setup_teardown(the_scribe_is_told_behind_what_was_said, begin, end),
        cmocka_unit_test_setup_teardown(who_is_given_up_is_told_what_to_do, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_tombstone_may_be_busy, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
