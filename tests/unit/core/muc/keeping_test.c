/*
 * What is kept of messages to everybody, where, and what becomes of those that could not be kept.
 */
#include "core/muc/room.h"
#include "tests/support/room_digest.h"
#include "tests/support/talk.h"

static const char *const archived[] = {"persistent=on", "archive=on", NULL};

static struct room *lounge(struct world *w)
{
    return world_room(w, ROOM);
}

static void talks(struct world *w, const char *who, const char *id, const char *inside)
{
    says(w, who, "<message to='" ROOM "' type='groupchat' id='%s'>%s</message>", id, inside);
}

/* ---- what is kept (SEMANTICS 11.2) ---- */

/* @covers 0313#business-storeret 0424#rules */
static void what_is_kept_where(void **state)
{
    static const struct {
        const char *inside;
        bool archived, shown;
    } rows[] = {
        {"<body>Hi</body>", true, true},
        {"<body>Hi</body><no-store xmlns='urn:xmpp:hints'/>", false, false},
        {"<body>Hi</body><no-permanent-store xmlns='urn:xmpp:hints'/>", false, false},
        {"<x xmlns='urn:example'/><store xmlns='urn:xmpp:hints'/>", true, true},
        {"<encryption xmlns='urn:xmpp:eme:0' namespace='urn:example'/>", true, true},
        {"<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>", true, true},
        {"<reactions xmlns='urn:xmpp:reactions:0' id='m'><reaction>!</reaction></reactions>", true,
         false},
        {"<retract xmlns='urn:xmpp:message-retract:1' id='unheard-of'/>", true, false},
        {"<retract xmlns='urn:xmpp:message-retract:1' id='unheard-of'/><body>Hi</body>"
         "<no-store xmlns='urn:xmpp:hints'/>",
         true, false},
        {"<replace xmlns='urn:xmpp:message-correct:0' id='m'/>", true, false},
        {"<apply-to xmlns='urn:xmpp:fasten:0' id='m'/>", true, false},
        {"<composing xmlns='http://jabber.org/protocol/chatstates'/>", false, false},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = kept_world_with(archived);
        talks(w, JULIET, "a", rows[i].inside);
        if (lounge(w)->history.count != rows[i].shown)
            fail_msg("newcomers %s shown %s", rows[i].shown ? "are not" : "are", rows[i].inside);
        if (archive_size(w) != rows[i].archived)
            fail_msg("the archive %s %s", rows[i].archived ? "has not" : "has", rows[i].inside);
        /* And the same when it was read again. */
        world_restart(w, WORLD_CRASH);
        if (lounge(w)->history.count != rows[i].shown)
            fail_msg("after a restart: %s", rows[i].inside);
        world_free(w);
    }
}

/* What concerns two is nobody else's matter, and what the room says of itself is no message. */
static void what_is_never_kept(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    says(w, JULIET, "<message to='" ROOM "/Romeo' type='chat'><body>psst</body></message>");
    says(w, JULIET, "<message to='" ROOM "' type='error'><body>psst</body></message>");
    configures(w, ROMEO, "muc#roomconfig_roomname", "Verona");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    says(w, PARIS, "<message to='" ROOM "' type='groupchat'><body>from outside</body></message>");
    assert_int_equal(archive_size(w), 0);
    assert_int_equal(lounge(w)->history.count, 0);
    world_free(w);
}

/* Clients take the ids they see here for those of the archive. */
static void what_is_not_archived_has_no_id(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    says(w, JULIET,
         "<message to='" ROOM "' type='groupchat' id='typing'>"
         "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
    const char *typing = world_next(w, ROMEO);
    assert_non_null(strstr(typing, "composing"));
    assert_null(strstr(typing, "urn:xmpp:sid:0"));
    world_forget(w);
    talks(w, JULIET, "1", "<body>one</body>");
    assert_non_null(strstr(world_next(w, ROMEO), "urn:xmpp:sid:0"));
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><subject>new</subject></message>");
    world_free(w);
}

/* A persistent room without an archive remembers what newcomers are shown, and no more. */
static void a_room_without_an_archive(void **state)
{
    static const char *const options[] = {"persistent=on", "history=2", NULL};
    struct world *w = kept_world_with(options);
    UNUSED(state);
    /* Nobody waits for it to be written. */
    world_commits(w, WORLD_LATER);
    talks(w, JULIET, "1", "<body>one</body>");
    reads(w, ROMEO, "<message id='1'/>");
    world_settle(w);
    world_commits(w, WORLD_AT_ONCE);
    talks(w, JULIET, "2", "<body>two</body>");
    talks(w, JULIET, "3", "<body>three</body>");
    uint64_t before = room_digest(lounge(w));
    world_restart(w, WORLD_CRASH);
    assert_int_equal(lounge(w)->history.count, 2);
    assert_int_equal(room_digest(lounge(w)), before);
    hush(w);
    join(w, PARIS, "Paris");
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(world_next(w, PARIS)); /* who is here */
    reads(w, PARIS,
          "<message id='2'><body>two</body>"
          "<delay xmlns='urn:xmpp:delay' from='" ROOM "' stamp='{scansion:any}'/></message>");
    reads(w, PARIS, "<message id='3'><body>three</body></message>");
    reads(w, PARIS, "<message><subject/></message>");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Its own time and its sender's nickname stay with a message, whatever happened since. */
static void history_reads_as_before(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    talks(w, ROMEO, "old",
          "<body>then</body><delay xmlns='urn:xmpp:delay' "
          "stamp='2002-09-10T23:08:25Z'/>");
    talks(w, JULIET, "new", "<body>now</body>");
    says(w, JULIET, "<presence to='" ROOM "/Capulet'/>");
    hush(w);
    join(w, PARIS, "Paris");
    char *before[2] = {NULL, NULL};
    const char *came;
    unsigned count = 0;
    while ((came = world_next(w, PARIS)) != NULL) {
        if (strstr(came, "<body>") != NULL && count < 2)
            before[count++] = text_of("%s", came);
    }
    assert_int_equal(count, 2);
    leaves(w, PARIS);
    world_restart(w, WORLD_CRASH);
    hush(w);
    join(w, PARIS, "Paris");
    count = 0;
    while ((came = world_next(w, PARIS)) != NULL) {
        if (strstr(came, "<body>") != NULL && count < 2)
            assert_string_equal(came, before[count++]);
    }
    assert_int_equal(count, 2);
    free(before[0]);
    free(before[1]);
    world_free(w);
}

/* ---- what is not kept ---- */

/* Nobody sees a message of an archived room before it is kept; what comes after it waits behind. */
static void nobody_sees_it_before(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    talks(w, JULIET, "1", "<body>one</body>");
    assert_int_equal(world_effects(w, FX_APPEND), 1);
    says(w, ROMEO, "<iq to='" ROOM "' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
    join(w, PARIS, "Paris");
    talks(w, ROMEO, "2", "<composing xmlns='http://jabber.org/protocol/chatstates'/>");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    reads_nothing(w, PARIS);
    world_settle(w);
    reads(w, ROMEO, "<message id='1'><body>one</body></message>");
    assert_non_null(strstr(world_next(w, ROMEO), "id='p'"));
    reads(w, ROMEO, "<presence from='" ROOM "/Paris'/>");
    reads(w, ROMEO, "<message id='2'/>");
    reads_nothing(w, ROMEO);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(world_next(w, PARIS)); /* who is here */
    reads(w, PARIS,
          "<message id='1'><body>one</body>"
          "<delay xmlns='urn:xmpp:delay' from='" ROOM "' stamp='{scansion:any}'/></message>");
    world_free(w);
}

static void reads_failure(struct world *w, const char *who, const char *id)
{
    reads(w, who,
          "<message type='error' id='%s' from='" ROOM "'><error type='wait' by='" ROOM "'>"
          "<internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
          "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>{scansion:any}</text>"
          "</error></message>",
          id);
}

/* It was never said; its sender knows. */
static void a_message_that_was_not_kept(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    talks(w, ROMEO, "0", "<body>before</body>");
    hush(w);
    uint64_t before = room_digest(lounge(w));
    world_commits(w, WORLD_FAIL);
    talks(w, JULIET, "1", "<body>lost</body>");
    reads_failure(w, JULIET, "1");
    reads_nothing(w, JULIET);
    reads_nothing(w, ROMEO);
    assert_int_equal(room_digest(lounge(w)), before);
    world_commits(w, WORLD_AT_ONCE);
    talks(w, JULIET, "2", "<body>kept</body>");
    reads(w, ROMEO, "<message id='2'/>");
    assert_int_equal(archive_size(w), 2);
    world_free(w);
}

/* Somebody entered meanwhile: not even in its history. */
static void newcomers_are_not_shown_it(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    talks(w, JULIET, "1", "<body>lost</body>");
    join(w, PARIS, "Paris");
    talks(w, ROMEO, "2", "<composing xmlns='http://jabber.org/protocol/chatstates'/>");
    world_commits(w, WORLD_FAIL);
    world_settle(w);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(world_next(w, PARIS)); /* who is here */
    reads(w, PARIS, "<message><subject/></message>");
    reads(w, PARIS, "<message id='2'/>");
    reads_nothing(w, PARIS);
    reads(w, JULIET, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET, "<message id='2'/>");
    reads_failure(w, JULIET, "1");
    reads_nothing(w, JULIET);
    reads(w, ROMEO, "<presence from='" ROOM "/Paris'/>");
    reads(w, ROMEO, "<message id='2'/>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* A change that was decided after it waits; who comes meanwhile is not shown it either. */
static void newcomers_behind_a_change(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    talks(w, JULIET, "1", "<body>lost</body>");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><query "
         "xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item affiliation='member' jid='paris@localhost'/></query></iq>");
    join(w, PARIS, "Paris");
    world_commits(w, WORLD_FAIL);
    world_settle(w);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(strstr(world_next(w, PARIS), "<presence"));
    reads(w, PARIS, "<message><subject/></message>");
    reads_nothing(w, PARIS);
    reads_error(w, ROMEO, "wait", "internal-server-error");
    world_free(w);
}

/* It may have left, or be back over another connection. */
static void a_sender_that_has_gone(void **state)
{
    struct world *w = kept_world_with(archived);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    talks(w, JULIET, "1", "<body>lost</body>");
    says(w, JULIET, "<presence to='" ROOM "/Juliet' type='unavailable'/>");
    world_commits(w, WORLD_FAIL);
    world_settle(w);
    reads(w, JULIET, "<presence type='unavailable'/>");
    reads_failure(w, JULIET, "1");
    assert_int_equal(lounge(w)->history.count, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_where),
        cmocka_unit_test(what_is_never_kept),
        cmocka_unit_test(what_is_not_archived_has_no_id),
        cmocka_unit_test(a_room_without_an_archive),
        cmocka_unit_test(history_reads_as_before),
        cmocka_unit_test(nobody_sees_it_before),
        cmocka_unit_test(a_message_that_was_not_kept),
        cmocka_unit_test(newcomers_are_not_shown_it),
        cmocka_unit_test(newcomers_behind_a_change),
        cmocka_unit_test(a_sender_that_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
