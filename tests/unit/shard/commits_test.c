/*
 * What rooms want kept: one message per cycle, one part per room in it, tickets that rise, and a
 * count of what is not answered yet.
 */
#include "shard/commits.h"

#include "core/base/limits.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct exchange *exchange;
static struct mailbox *mailbox;
static struct commits commits;
static struct unsaved rooms[20];
static struct message *posted; /* the last that came */
static unsigned post_count;

static int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    exchange = exchange_new();
    mailbox = mailbox_new(&err);
    exchange_set_scribe(exchange, mailbox);
    commits = (struct commits){.exchange = exchange, .shard = 4};
    for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
        rooms[i] = (struct unsaved){.room = STR("cave@rooms.example")};
    posted = NULL;
    post_count = 0;
    return err;
}

static int end(void **state)
{
    UNUSED(state);
    message_free(posted);
    exchange_set_scribe(exchange, NULL);
    mailbox_free(mailbox);
    for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
        unsaved_fini(&rooms[i]);
    commits_fini(&commits);
    exchange_free(exchange);
    return 0;
}

static void take(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(posted);
    posted = container_of(mail, struct message, mail);
    post_count++;
}

static void flush(void)
{
    bool more;
    commits_flush(&commits);
    mailbox_drain(mailbox, take, NULL, 100, &more);
}

static void add(unsigned room, const char *text)
{
    buf_addz(commits_batch(&commits, &rooms[room]), text);
}

static void is_batch(unsigned i, uint64_t ticket, const char *text)
{
    const struct commit *commit = &posted->commits.at[i];
    assert_int_equal(commit->ticket, ticket);
    assert_true(str_eqz(commit->batch, text));
}

static void a_cycle_is_one_message(void **state)
{
    UNUSED(state);
    flush();
    assert_int_equal(post_count, 0);
    add(0, "a");
    add(1, "x");
    rooms[1].power = true;
    add(0, "b");
    rooms[0].gated = true;
    flush();
    assert_int_equal(post_count, 1);
    assert_int_equal(posted->kind, MSG_COMMIT);
    assert_int_equal(posted->commits.shard, 4);
    assert_int_equal(posted->commits.count, 2);
    is_batch(0, 1, "ab");
    is_batch(1, 2, "x");
    assert_true(posted->commits.at[0].gated && !posted->commits.at[0].power);
    assert_true(posted->commits.at[1].power && !posted->commits.at[1].gated);
    assert_int_equal(rooms[0].at_scribe, 1);
    assert_int_equal(rooms[0].ticket, 0);
    flush();
    assert_int_equal(post_count, 1);
}

/* What was asked of one batch is not asked of the next; tickets rise. */
static void the_next_cycle_begins_anew(void **state)
{
    UNUSED(state);
    add(0, "a");
    rooms[0].gated = true;
    rooms[0].power = true;
    flush();
    add(0, "b");
    flush();
    assert_int_equal(post_count, 2);
    is_batch(0, 2, "b");
    assert_false(posted->commits.at[0].gated || posted->commits.at[0].power);
    assert_int_equal(rooms[0].at_scribe, 2);
    assert_int_equal(commits.at_scribe, 2);
}

static void many_rooms(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < ARRAY_LEN(rooms); i++)
        add(i, "a");
    flush();
    assert_int_equal(posted->commits.count, ARRAY_LEN(rooms));
    is_batch(ARRAY_LEN(rooms) - 1, ARRAY_LEN(rooms), "a");
}

static void what_is_unanswered_is_counted(void **state)
{
    UNUSED(state);
    char *text = mem_raw(1024 * 1024 + 1);
    memset(text, 'x', 1024 * 1024);
    text[1024 * 1024] = '\0';
    for (unsigned i = 0; i < COMMIT_BYTES_MAX / (1024 * 1024); i++)
        add(0, text);
    flush();
    assert_false(commits_overloaded(&commits));
    struct message *large = posted;
    posted = NULL;
    add(1, "one more byte");
    flush();
    assert_true(commits_overloaded(&commits));
    commits_answered(&commits, large);
    assert_false(commits_overloaded(&commits));
    assert_int_equal(commits.at_scribe, 1);
    commits_answered(&commits, posted);
    assert_int_equal(commits.at_scribe, 0);
    assert_int_equal(commits.bytes, 0);
    message_free(large);
    mem_free(text);
}

/* A sanitizer says whether it was freed. */
static void what_was_not_posted_is_dropped(void **state)
{
    UNUSED(state);
    add(0, "never");
    assert_int_equal(commits.count, 1);
    assert_int_equal(commits.at_scribe, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cycle_is_one_message, begin, end),
        cmocka_unit_test_setup_teardown(the_next_cycle_begins_anew, begin, end),
        cmocka_unit_test_setup_teardown(many_rooms, begin, end),
        cmocka_unit_test_setup_teardown(what_is_unanswered_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(what_was_not_posted_is_dropped, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
