/*
 * A shard with a store that fails, and what several want of the store at once: everybody is told
 * what became of it, once; what nobody waits for is tried again.
 */
#include "tests/support/backed_shard.h"

#define SUBJECT "<message type='groupchat' id='subject'><subject>News</subject></message>"
#define DESTROY_COMMAND                                                                            \
    "<iq type='set' id='order'><command xmlns='http://jabber.org/protocol/commands' "              \
    "node='http://prosody.im/protocol/muc#destroy'><x xmlns='jabber:x:data' type='submit'>"        \
    "<field var='rooms'><value>" ROOM "</value></field></x></command></iq>"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_and_a_change_fail_together, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
