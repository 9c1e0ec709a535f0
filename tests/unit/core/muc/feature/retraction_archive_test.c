/*
 * Messages that only the archive has any more: their authors take them back there, though it cannot
 * be asked at once, and though the process ends before it was.
 */
#include "core/muc/burial.h"
#include "core/muc/durable.h"
#include "core/muc/room.h"
#include "core/xmpp/stamp.h"
#include "tests/support/archive_talk.h"
#include "tests/support/log_ear.h"

/* @covers 0424#usecase 0424#rules 0424#tombstones */
static void authors_take_back_their_own(void **state)
{
    static const char *const *const all[] = {nothing_shown, one_shown};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        char id[STANZA_ID_BYTES + 1];
        struct world *w = company_and_id(all[i], id);
        retracts(w, PARIS, id);
        reads(w, JULIET,
              "<message from='" ROOM "/Paris' id='r'><retract xmlns='" RETRACT
              "' id='%s'/></message>",
              id);
        assert_int_equal(notices(w, JULIET), 0); /* once */
        reads(w, PARIS, "<message from='" ROOM "/Paris' id='r'/>");
        reads_nothing(w, PARIS);
        assert_true(is_buried(w, id, "<retracted xmlns='" RETRACT "' id='r' "));
        world_restart(w, WORLD_CRASH);
        assert_true(is_buried(w, id, "<retracted xmlns='" RETRACT "' id='r' "));
        world_free(w);
    }
}

/* Passed on, as clients may know more; but nothing is buried. */
/* @covers 0424#rules */
static void others_do_not(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    says(w, PARIS, "<presence to='" ROOM "' type='unavailable'/>");
    says(w, JULIET, "<presence to='" ROOM "/Paris'/>"); /* the nickname is no proof */
    static const char *const others[] = {JULIET, ROMEO};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        hush(w);
        retracts(w, others[i], id);
        assert_int_equal(notices(w, ROMEO), 1);
        assert_false(is_buried(w, id, ""));
    }
    world_free(w);
}

/* It has been said to everybody; whether its author is inside still is of no importance. */
static void an_author_that_has_left(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_commits(w, WORLD_LATER);
    retracts(w, PARIS, id);
    leaves(w, PARIS);
    world_settle(w);
    world_commits(w, WORLD_AT_ONCE);
    assert_true(is_buried(w, id, "id='r'"));
    world_free(w);
}

/* The message is passed on all the same, and the archive is asked again until it answers. */
static void a_store_that_fails(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_fail_queries(w, 2);
    retracts(w, PARIS, id);
    assert_int_equal(notices(w, JULIET), 1);
    retracts(w, PARIS, id); /* once more: it is said, and nothing else is to be done */
    retracts(w, PARIS, UNKNOWN);
    assert_int_equal(notices(w, JULIET), 2);
    assert_int_equal(burial_count(world_room(w, ROOM)), 2);
    world_advance(w, BURIAL_RETRY_SECONDS * INT64_C(1000000));
    assert_int_equal(burial_count(world_room(w, ROOM)), 2);
    assert_false(is_buried(w, id, ""));
    world_advance(w, BURIAL_RETRY_SECONDS * INT64_C(1000000));
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    assert_true(is_buried(w, id, "id='r'"));
    world_free(w);
}

/* Told to everybody, it is done, whatever happens to the process before the archive has answered.
 */
static void a_crash_before_it_is_buried(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_fail_queries(w, 1);
    retracts(w, PARIS, id);
    assert_int_equal(notices(w, JULIET), 1);
    int64_t told_us = world_now(w);
    assert_false(is_buried(w, id, ""));
    world_fail_queries(w, 1);
    world_restart(w, WORLD_CRASH);
    assert_int_equal(burial_count(world_room(w, ROOM)), 1); /* as often as it takes */
    world_advance(w, INT64_C(1000000));
    world_restart(w, WORLD_CRASH);
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    assert_true(is_buried(w, id, "<retracted xmlns='" RETRACT "' id='r' "));
    /* With the time at which it was said, to the second. */
    struct arena *arena = arena_new(1024);
    char *stamp = text_of("stamp='%.19s", stamp_text(arena, told_us).at);
    assert_true(is_buried(w, id, stamp));
    free(stamp);
    arena_free(arena);
    /* Nothing is left to be done. */
    world_restart(w, WORLD_CRASH);
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    assert_int_equal(notices(w, JULIET), 0);
    world_free(w);
}

/* Nobody is told of what might be lost. */
static void an_author_is_not_heard_before(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_commits(w, WORLD_LATER);
    retracts(w, PARIS, id);
    reads_nothing(w, JULIET);
    world_commits(w, WORLD_FAIL);
    world_settle(w);
    reads_nothing(w, JULIET);
    reads_error(w, PARIS, "wait", "internal-server-error");
    world_commits(w, WORLD_AT_ONCE);
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    assert_false(is_buried(w, id, ""));
    retracts(w, PARIS, id);
    assert_int_equal(notices(w, JULIET), 1);
    assert_true(is_buried(w, id, "id='r'"));
    world_free(w);
}

/* Whoever says so first: it is the author's word that counts. */
static void somebody_else_was_first(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_fail_queries(w, 1);
    retracts(w, JULIET, id);
    retracts(w, PARIS, id);
    assert_int_equal(burial_count(world_room(w, ROOM)), 2);
    assert_int_equal(notices(w, ROMEO), 2);
    world_restart(w, WORLD_CRASH);
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    assert_true(is_buried(w, id, "id='r'"));
    world_free(w);
}

/* It will not be read later either: nothing is pending, and the operator is told, once it is
 * certain. */
static void what_is_damaged_is_not_asked_for_again(void **state)
{
    struct log_ear heard = LOG_EAR;
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_damaged_query(w);
    log_set_sink(&heard.sink);
    world_commits(w, WORLD_LATER);
    retracts(w, PARIS, UNKNOWN);
    assert_int_equal(heard.lines, 0);
    world_settle(w);
    world_settle(w);
    world_commits(w, WORLD_AT_ONCE);
    world_settle(w);
    log_set_sink(NULL);
    assert_int_equal(heard.lines, 1);
    assert_non_null(strstr(heard.last, "room " ROOM ": "));
    assert_non_null(strstr(heard.last, UNKNOWN));
    assert_non_null(strstr(heard.last, "--check-store"));
    assert_int_equal(notices(w, JULIET), 1);
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    retracts(w, PARIS, id);
    assert_true(is_buried(w, id, "id='r'"));
    world_restart(w, WORLD_CRASH);
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    world_free(w);
}

/* So many of one author: made-up ids leave others their places. */
static void no_more_of_one_author(void **state)
{
    struct world *w = company(nothing_shown);
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    world_fail_queries(w, 1);
    for (unsigned i = 0; i <= BURIALS_PER_AUTHOR; i++) {
        hush(w);
        snprintf(id, sizeof(id), "%032x", i);
        retracts(w, PARIS, id);
        assert_int_equal(notices(w, JULIET), i < BURIALS_PER_AUTHOR);
    }
    reads_error(w, PARIS, "wait", "resource-constraint");
    assert_int_equal(burial_count(world_room(w, ROOM)), BURIALS_PER_AUTHOR);
    retracts(w, JULIET, id);
    assert_int_equal(notices(w, PARIS), 1);
    assert_int_equal(burial_count(world_room(w, ROOM)), BURIALS_PER_AUTHOR + 1);
    world_restart(w, WORLD_CRASH);
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    world_free(w);
}

/* While the archive cannot be asked, so many may wait. */
static void no_more_than_may_wait(void **state)
{
    struct world *w = company(nothing_shown);
    char id[STANZA_ID_BYTES + 1], who[40] = "", nick[8];
    UNUSED(state);
    world_fail_queries(w, 1);
    for (unsigned i = 0; i < ROOM_BURIALS_MAX; i++) {
        if (i % BURIALS_PER_AUTHOR == 0) {
            snprintf(nick, sizeof(nick), "a%u", i);
            snprintf(who, sizeof(who), "%s@localhost/desk", nick);
            world_client(w, who);
            enters(w, who, nick);
        }
        hush(w);
        snprintf(id, sizeof(id), "%032x", i);
        retracts(w, who, id);
        assert_int_equal(notices(w, JULIET), 1);
    }
    hush(w);
    retracts(w, PARIS, UNKNOWN);
    reads_nothing(w, JULIET);
    reads_error(w, PARIS, "wait", "resource-constraint");
    assert_int_equal(burial_count(world_room(w, ROOM)), ROOM_BURIALS_MAX);
    world_restart(w, WORLD_CRASH);
    assert_int_equal(burial_count(world_room(w, ROOM)), 0); /* there is none of those */
    world_free(w);
}

/* An empty room does not leave memory over it, and its end ends it. */
static void a_room_that_is_destroyed_meanwhile(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_fail_queries(w, 1);
    retracts(w, PARIS, id);
    leaves(w, PARIS);
    leaves(w, JULIET);
    leaves(w, ROMEO);
    assert_false(room_is_parkable(world_room(w, ROOM)));
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<destroy/></query></iq>");
    assert_int_equal(burial_count(world_room(w, ROOM)), 0);
    assert_true(room_is_parkable(world_room(w, ROOM)));
    world_advance(w, BURIAL_RETRY_SECONDS * INT64_C(2000000));
    world_free(w);
}

/* A message that has waited for its turn asks the archive as any other does. */
static void when_one_has_to_wait(void **state)
{
    static const char *const slow[] = {"persistent=on",  "archive=on",      "history=0",
                                       "message_rate=1", "message_burst=3", NULL};
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(slow, id);
    for (unsigned i = 0; i < 3; i++)
        says(w, PARIS, "<message to='" ROOM "' type='groupchat'><body>x</body></message>");
    hush(w);
    retracts(w, PARIS, id);
    reads_nothing(w, JULIET);
    world_advance(w, 5000000);
    assert_int_equal(notices(w, JULIET), 1);
    assert_true(is_buried(w, id, "id='r'"));
    world_free(w);
}

/* Nor does it matter to a change, and what waits behind both comes to its turn. */
static void when_a_change_has_to_wait(void **state)
{
    static const char *const slow[] = {"persistent=on", "archive=on", "message_rate=1",
                                       "message_burst=3", NULL};
    char id[STANZA_ID_BYTES + 1];
    const char *came;
    unsigned heard = 0;
    UNUSED(state);
    struct world *w = company_and_id(slow, id);
    for (unsigned i = 0; i < 3; i++)
        says(w, PARIS, "<message to='" ROOM "' type='groupchat'><body>x</body></message>");
    retracts(w, PARIS, id);
    says(w, PARIS, "<message to='" ROOM "' type='groupchat'><body>last</body></message>");
    hush(w);
    world_commits(w, WORLD_LATER);
    world_advance(w, 9000000);
    reads_nothing(w, JULIET);
    world_commits(w, WORLD_AT_ONCE);
    world_settle(w);
    world_advance(w, 9000000);
    while ((came = world_next(w, JULIET)) != NULL) {
        heard += strstr(came, "<retract ") != NULL ? 1 : 0;
        heard += strstr(came, "<body>last</body>") != NULL ? 10 : 0;
    }
    assert_int_equal(heard, 11);
    assert_true(is_buried(w, id, "id='r'"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authors_take_back_their_own),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(an_author_that_has_left),
        cmocka_unit_test(a_store_that_fails),
        cmocka_unit_test(a_crash_before_it_is_buried),
        cmocka_unit_test(an_author_is_not_heard_before),
        cmocka_unit_test(somebody_else_was_first),
        cmocka_unit_test(what_is_damaged_is_not_asked_for_again),
        cmocka_unit_test(no_more_of_one_author),
        cmocka_unit_test(no_more_than_may_wait),
        cmocka_unit_test(a_room_that_is_destroyed_meanwhile),
        cmocka_unit_test(when_one_has_to_wait),
        cmocka_unit_test(when_a_change_has_to_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
