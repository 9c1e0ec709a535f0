/*
 * What stands in the archive in place of a message that is forgotten.
 */
#include "core/record/record.h"
#include "core/xml/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_place_of_a_message_stays(void **state)
{
    struct arena *arena = arena_new(4096);
    struct archived message = {
        .id = STR("0123"),
        .at_us = 77,
        .nick = STR("O'Romeo"),
        .author = STR("abcd"),
        .jid = STR("romeo@h/x"),
        .sender_id = STR("<1>"),
        .xml = STR("<message from='r@h/x'><body>words</body></message>"),
        .body = STR("words"),
        .history = true,
        .archived = true,
        .dated = true,
        .dated_us = 3,
    };
    UNUSED(state);
    struct archived left = record_placeholder(arena, STR("r@h"), &message);
    assert_true(str_eqz(left.xml,
                        "<message from='r@h/O&apos;Romeo' type='groupchat'>"
                        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='abcd'/>"
                        "<stanza-id xmlns='urn:xmpp:sid:0' by='r@h' id='0123'/></message>"));
    assert_true(frame_fits(left.xml, left.address_at, left.tail_at));
    assert_true(str_eq(left.id, message.id) && str_eq(left.jid, message.jid));
    assert_true(left.at_us == 77 && left.dated && left.dated_us == 3);
    assert_true(left.archived && left.retracted && !left.history);
    assert_false(str_present(left.body) || str_present(left.sender_id)); /* the sender's words */
    message.author = STR_NONE;
    left = record_placeholder(arena, STR("r@h"), &message);
    assert_true(str_eqz(left.xml, "<message from='r@h/O&apos;Romeo' type='groupchat'>"
                                  "<stanza-id xmlns='urn:xmpp:sid:0' by='r@h' id='0123'/>"
                                  "</message>"));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_of_a_message_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
