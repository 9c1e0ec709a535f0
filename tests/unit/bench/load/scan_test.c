/*
 * The reader of the load generator: the fast ways find what the careful way finds, wherever the
 * input is cut, and nothing that differs passes for the same.
 */
#include "bench/load/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FOUND_MAX 64

static const struct names names = {"@localhost/r", "@conference.localhost", 12, 21};
static const struct reader link_reader = {{NULL, 0}, 0};

#define OCCUPANT "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='d87e'/>"
#define MUC_USER "<x xmlns='http://jabber.org/protocol/muc#user'>"
#define TALK(to, mark)                                                                             \
    "<message from='r0@conference.localhost/u1' type='groupchat' id='m" mark "' to='u" to          \
    "@localhost/r'><body>" mark " the quick</body>" OCCUPANT "</message>"
#define LISTED(nick, to)                                                                           \
    "<presence from='r0@conference.localhost/u" nick "' to='u" to                                  \
    "@localhost/r'>" OCCUPANT MUC_USER                                                             \
    "<item affiliation='none' role='participant'/></x></presence>"
#define OWN(nick)                                                                                  \
    "<presence from='r0@conference.localhost/u" nick "' to='u" nick "@localhost/r'>" MUC_USER      \
    "<item affiliation='none' role='none' jid='u" nick                                             \
    "@localhost/r'/><status code='110'/></x></presence>"
#define PAST                                                                                       \
    "<message from='r7@conference.localhost/u70' type='groupchat' to='u71@localhost/r'>"           \
    "<body>0000000009 old</body><delay xmlns='urn:xmpp:delay' from='r7@conference.localhost' "     \
    "stamp='2026-11-23T09:22:17Z'/></message>"
#define ANSWER                                                                                     \
    "<iq from='r7@conference.localhost' type='result' id='m0000000012' to='u71@localhost/r'/>"
#define NOTICE                                                                                     \
    "<message from='r7@conference.localhost' to='u71@localhost/r'>" MUC_USER                       \
    "<item affiliation='member' jid='guest@elsewhere'/></x></message>"
#define SUBJECT                                                                                    \
    "<message from='r7@conference.localhost' type='groupchat' to='u71@localhost/r'><subject/>"     \
    "</message>"

static const char conversation[] = LISTED("1", "3") LISTED("2", "3") OWN("3") LISTED("3", "1")
    LISTED("3", "2") PAST SUBJECT TALK("0", "0000000001") TALK("1", "0000000001")
        TALK("2", "0000000001") TALK("1000", "0000000001") TALK("1", "0000000002") TALK(
            "3", "0000000002") "<presence type=\"unavailable\" from=\"r0@conference.localhost/u2\" "
                               "to=\"u1@localhost/r\" say='a > b'/>" TALK("0", "0000000003")
                                   ANSWER NOTICE;

static const struct seen wanted[] = {
    {SEEN_HERE, false, 3, 0, 1, NUMBER_NONE},
    {SEEN_HERE, false, 3, 0, 2, NUMBER_NONE},
    {SEEN_HERE, true, 3, 0, 3, NUMBER_NONE},
    {SEEN_HERE, false, 1, 0, 3, NUMBER_NONE},
    {SEEN_HERE, false, 2, 0, 3, NUMBER_NONE},
    {SEEN_HISTORY, false, 71, 7, 70, 9},
    {SEEN_SUBJECT, false, 71, 7, NUMBER_NONE, NUMBER_NONE},
    {SEEN_GROUPCHAT, false, 0, 0, 1, 1},
    {SEEN_GROUPCHAT, false, 1, 0, 1, 1},
    {SEEN_GROUPCHAT, false, 2, 0, 1, 1},
    {SEEN_GROUPCHAT, false, 1000, 0, 1, 1},
    {SEEN_GROUPCHAT, false, 1, 0, 1, 2},
    {SEEN_GROUPCHAT, false, 3, 0, 1, 2},
    {SEEN_GONE, false, 1, 0, 2, NUMBER_NONE},
    {SEEN_GROUPCHAT, false, 0, 0, 1, 3},
    {SEEN_RESULT, false, 71, 7, NUMBER_NONE, 12},
    {SEEN_NOTICE, false, 71, 7, NUMBER_NONE, NUMBER_NONE},
};

#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

/* Reads all of it and adds what was found; returns what the end was. */
static enum scan_result read_all(struct scan *scan, struct reader reader, const char *begin,
                                 const char *end, struct seen *found, unsigned *count)
{
    scan_feed(scan, reader, begin, end);
    for (;;) {
        enum scan_result result = scan_next(scan);
        if (result != SCAN_STANZA && result != SCAN_AGAIN)
            return result;
        assert_true(*count < FOUND_MAX);
        found[(*count)++] = scan->seen;
    }
}

static void check(const struct seen *found, unsigned count)
{
    assert_int_equal(count, WANTED);
    for (unsigned i = 0; i < WANTED; i++) {
        assert_int_equal(found[i].kind, wanted[i].kind);
        assert_int_equal(found[i].self, wanted[i].self);
        assert_int_equal(found[i].to, wanted[i].to);
        assert_int_equal(found[i].room, wanted[i].room);
        assert_int_equal(found[i].nick, wanted[i].nick);
        assert_int_equal(found[i].mark, wanted[i].mark);
    }
}

/* Twice, so that the second time finds all shapes there. */
static void finds_everything_wherever_it_is_cut(void **state)
{
    (void)state;
    struct scan scan;
    scan_init(&scan, &names);
    const char *end = conversation + sizeof(conversation) - 1;
    for (const char *cut = conversation; cut <= end; cut++) {
        struct seen found[FOUND_MAX];
        unsigned count = 0;
        assert_int_equal(read_all(&scan, link_reader, conversation, cut, found, &count), SCAN_MORE);
        assert_int_equal(read_all(&scan, link_reader, scan.at, end, found, &count), SCAN_MORE);
        check(found, count);
    }
    scan_free(&scan);
}

static enum scan_result second_result(const char *text, struct seen *second)
{
    struct scan scan;
    scan_init(&scan, &names);
    scan_feed(&scan, link_reader, text, text + strlen(text));
    assert_int_equal(scan_next(&scan), SCAN_STANZA);
    (void)scan_next(&scan); /* the careful way leaves nothing to compare with */
    enum scan_result result = scan_next(&scan);
    *second = scan.seen;
    scan_free(&scan);
    return result;
}

static void again_means_nothing_else_differs(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(second_result(TALK("1", "0000000001") TALK("2", "0000000001")
                                       TALK("30", "0000000001"),
                                   &seen),
                     SCAN_AGAIN);
    assert_int_equal(seen.to, 30);
    assert_int_equal(second_result(TALK("1", "0000000001") TALK("2", "0000000001")
                                       TALK("3", "0000000002"),
                                   &seen),
                     SCAN_STANZA);
    assert_int_equal(seen.mark, 2);
    /* The text of the body counts, too. */
    assert_int_equal(
        second_result(
            TALK("1", "0000000001") TALK(
                "2", "0000000001") "<message from='r0@conference.localhost/u1' type='groupchat' "
                                   "id='m0000000001' to='u3@localhost/r'><body>0000000001 the "
                                   "quack</body>" OCCUPANT "</message>",
            &seen),
        SCAN_STANZA);
    assert_int_equal(seen.to, 3);
}

static void shapes_do_not_hide_an_error(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(
        second_result(
            TALK("1", "0000000001")
                TALK("2", "0000000002") "<message from='r0@conference.localhost/u1' type='error' "
                                        "id='m0000000001' to='u3@localhost/r'/>",
            &seen),
        SCAN_STANZA);
    assert_int_equal(seen.kind, SEEN_ERROR);
    assert_int_equal(seen.mark, 1);
    assert_int_equal(
        second_result(
            TALK("1", "0000000001")
                TALK("2", "0000000002") "<message from='r0@conference.localhost' type='error' "
                                        "id='m0000000007' to='u3@localhost/r'><error type='wait'>"
                                        "<resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-"
                                        "stanzas'/></error></message>",
            &seen),
        SCAN_STANZA);
    assert_int_equal(seen.kind, SEEN_BUSY);
    assert_int_equal(seen.mark, 7);
    assert_int_equal(seen.to, 3);
}

static void strangers_are_nobody(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(
        second_result(
            TALK("1", "0000000001") TALK(
                "2", "0000000002") "<message from='r0@conference.localhost/u1' type='groupchat' "
                                   "id='m0000000003' to='u3@elsewhere/r'><body>0000000003 the "
                                   "quick</body>" OCCUPANT "</message>",
            &seen),
        SCAN_STANZA);
    assert_int_equal(seen.to, NUMBER_NONE);
    assert_int_equal(
        second_result(
            TALK("1", "0000000001") TALK(
                "2", "0000000002") "<message from='lobby@conference.localhost/u1' to='u3@localhost/"
                                   "r' type='groupchat'><body>0000000003</body></message>",
            &seen),
        SCAN_STANZA);
    assert_int_equal(seen.room, NUMBER_NONE);
    assert_int_equal(seen.to, 3);
}

static void a_client_reads_only_its_own(void **state)
{
    (void)state;
    static const char address[] = "x7f@localhost/abc";
    static const char text[] = "<message from='r0@conference.localhost/u1' to='x7f@localhost/abc' "
                               "type='groupchat'><body>0000000004</body></message>"
                               "<message from='r0@conference.localhost/u1' to='x7f@localhost/abc' "
                               "type='groupchat'><body>0000000005</body></message>"
                               "<message from='r0@conference.localhost/u1' to='x8f@localhost/abc' "
                               "type='groupchat'><body>0000000006</body></message>";
    struct reader reader = {{address, sizeof(address) - 1}, 42};
    struct scan scan;
    scan_init(&scan, &names);
    struct seen found[FOUND_MAX];
    unsigned count = 0;
    assert_int_equal(read_all(&scan, reader, text, text + sizeof(text) - 1, found, &count),
                     SCAN_MORE);
    assert_int_equal(count, 3);
    assert_int_equal(found[0].to, 42);
    assert_int_equal(found[1].to, 42);
    assert_int_equal(found[1].mark, 5);
    assert_int_equal(found[2].to, NUMBER_NONE);
    scan_free(&scan);
}

static enum scan_result result_of(const char *text)
{
    struct scan scan;
    scan_init(&scan, &names);
    struct seen found[FOUND_MAX];
    unsigned count = 0;
    enum scan_result result =
        read_all(&scan, link_reader, text, text + strlen(text), found, &count);
    scan_free(&scan);
    return result;
}

static void ends_and_nonsense(void **state)
{
    (void)state;
    assert_int_equal(result_of(TALK("1", "0000000001") "</stream:stream>"), SCAN_CLOSED);
    assert_int_equal(result_of("<message><body></message>"), SCAN_BROKEN);
    assert_int_equal(result_of("<message to=u1/>"), SCAN_BROKEN);
    assert_int_equal(result_of("< message/>"), SCAN_BROKEN);
    assert_int_equal(result_of("<!DOCTYPE x>"), SCAN_BROKEN);
    assert_int_equal(result_of(" \n "), SCAN_MORE);
    assert_int_equal(result_of("<?xml version='1.0'?><stream:stream id='a'>" OWN("1")), SCAN_MORE);
}

/* More kinds of stanzas than there are places for shapes. */
static void many_shapes_take_turns(void **state)
{
    (void)state;
    char text[SHAPES_MAX * 3 * 256];
    size_t size = 0;
    for (unsigned i = 0; i < SHAPES_MAX * 3; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size,
                                 "<message from='r0@conference.localhost/u1' to='u2@localhost/r' "
                                 "type='groupchat'><body>%u</body><k%u/></message>",
                                 i, i % (SHAPES_MAX * 2));
    struct scan scan;
    scan_init(&scan, &names);
    scan_feed(&scan, link_reader, text, text + size);
    for (unsigned i = 0; i < SHAPES_MAX * 3; i++) {
        assert_int_equal(scan_next(&scan), SCAN_STANZA);
        assert_int_equal(scan.seen.mark, i);
    }
    assert_int_equal(scan_next(&scan), SCAN_MORE);
    scan_free(&scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_everything_wherever_it_is_cut),
        cmocka_unit_test(again_means_nothing_else_differs),
        cmocka_unit_test(shapes_do_not_hide_an_error),
        cmocka_unit_test(strangers_are_nobody),
        cmocka_unit_test(a_client_reads_only_its_own),
        cmocka_unit_test(ends_and_nonsense),
        cmocka_unit_test(many_shapes_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
