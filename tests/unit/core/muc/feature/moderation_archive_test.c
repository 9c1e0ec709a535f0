/*
 * Messages that only the archive has any more: moderators take them back there.
 */
#include "core/muc/room.h"
#include "tests/support/archive_talk.h"

/* @covers 0425#usecase 0425#usecase-success 0425#tombstones */
static void a_moderator_takes_it_back(void **state)
{
    static const char *const *const all[] = {nothing_shown, one_shown};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        char id[STANZA_ID_BYTES + 1];
        struct world *w = company_and_id(all[i], id);
        moderates(w, ROMEO, id, "Be polite");
        static const char *const inside[] = {ROMEO, JULIET, PARIS};
        for (size_t k = 0; k < ARRAY_LEN(inside); k++) {
            reads(w, inside[k],
                  "<message from='" ROOM "' type='groupchat'><retract xmlns='" RETRACT
                  "' id='%s'><moderated xmlns='" MODERATE "' by='" ROOM "/Romeo'>"
                  "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='{scansion:any}'/></moderated>"
                  "<reason>Be polite</reason></retract></message>",
                  id);
        }
        reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='mod'/>");
        assert_true(is_buried(w, id, "<reason>Be polite</reason>"));
        assert_true(is_buried(w, id, "by='" ROOM "/Romeo'"));
        assert_int_equal(world_room(w, ROOM)->history.count, i); /* it does not come back there */
        world_restart(w, WORLD_CRASH);
        assert_true(is_buried(w, id, "<reason>Be polite</reason>"));
        assert_int_equal(world_room(w, ROOM)->history.count, i);
        world_free(w);
    }
}

static void in_the_former_form(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='mod'><apply-to xmlns='urn:xmpp:fasten:0' id='%s'>"
         "<moderate xmlns='urn:xmpp:message-moderate:0'><retract "
         "xmlns='urn:xmpp:message-retract:0'/><reason>No</reason></moderate></apply-to></iq>",
         id);
    assert_int_equal(notices(w, JULIET), 1);
    assert_true(is_buried(w, id, "<reason>No</reason>"));
    world_free(w);
}

/* Nobody is told before it is certain. */
static void not_before_it_is_certain(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_commits(w, WORLD_LATER);
    moderates(w, ROMEO, id, "x");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    world_commits(w, WORLD_FAIL);
    world_settle(w);
    reads_error(w, ROMEO, "wait", "internal-server-error");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    world_commits(w, WORLD_AT_ONCE);
    assert_false(is_buried(w, id, ""));
    moderates(w, ROMEO, id, "again");
    assert_int_equal(notices(w, JULIET), 1);
    assert_true(is_buried(w, id, "again"));
    world_free(w);
}

/* @covers 0425#usecase-error */
static void what_the_archive_does_not_have(void **state)
{
    struct world *w = company(nothing_shown);
    UNUSED(state);
    moderates(w, ROMEO, UNKNOWN, "x");
    reads_error(w, ROMEO, "cancel", "item-not-found");
    moderates(w, ROMEO, "m1", "x"); /* its sender's id is not the room's */
    reads_error(w, ROMEO, "cancel", "item-not-found");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    world_free(w);
}

/* What the room itself has said has no author, and is not taken back: not the notice of a
 * moderation either. */
/* @covers 0425#usecase-error */
static void what_the_room_has_said(void **state)
{
    struct row rows[ROWS_MAX];
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    moderates(w, ROMEO, id, "rude");
    unsigned count = archive(w, rows);
    assert_int_equal(count, 3);
    assert_non_null(strstr(rows[2].came, "<retract "));
    moderates(w, ROMEO, rows[2].id, "again");
    reads_error(w, ROMEO, "cancel", "item-not-found");
    reads_nothing(w, JULIET);
    retracts(w, ROMEO, rows[2].id);
    assert_int_equal(notices(w, JULIET), 1); /* passed on, as any other */
    rows_free(rows, count);
    count = archive(w, rows);
    assert_int_equal(count, 4);
    assert_non_null(strstr(rows[2].came, "<reason>rude</reason></retract>"));
    assert_null(strstr(rows[2].came, "<retracted "));
    rows_free(rows, count);
    world_free(w);
}

static void an_archive_that_cannot_be_read(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    world_fail_queries(w, 1);
    moderates(w, ROMEO, id, "x");
    reads_error(w, ROMEO, "wait", "internal-server-error");
    reads_nothing(w, JULIET);
    assert_false(is_buried(w, id, ""));
    world_free(w);
}

/* Somebody was faster: then there is nothing left to tell. */
static void once_is_enough(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    moderates(w, ROMEO, id, "first");
    hush(w);
    moderates(w, ROMEO, id, "second");
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='mod'/>");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    retracts(w, PARIS, id);
    assert_true(is_buried(w, id, "<reason>first</reason>"));
    world_free(w);
}

/* Between question and answer a lot can happen. */
static void a_role_that_was_lost_meanwhile(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    sets(w, ROMEO, "<item role='moderator' nick='Juliet'/>");
    world_commits(w, WORLD_LATER);
    moderates(w, JULIET, id, "x");
    sets(w, ROMEO, "<item role='participant' nick='Juliet'/>");
    world_settle(w);
    reads_error(w, JULIET, "auth", "forbidden");
    reads_nothing(w, PARIS);
    sets(w, ROMEO, "<item role='moderator' nick='Juliet'/>");
    moderates(w, JULIET, id, "x");
    leaves(w, JULIET);
    world_settle(w);
    const char *came = world_next(w, JULIET);
    assert_non_null(came);
    assert_non_null(strstr(came, "id='mod'"));
    assert_non_null(strstr(came, "<forbidden "));
    reads_nothing(w, PARIS);
    world_commits(w, WORLD_AT_ONCE);
    assert_false(is_buried(w, id, ""));
    world_free(w);
}

static void who_is_no_moderator(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    moderates(w, PARIS, id, "x");
    reads_error(w, PARIS, "auth", "forbidden");
    /* Nor is it told whether there is such a message. */
    moderates(w, PARIS, UNKNOWN, "x");
    reads_error(w, PARIS, "auth", "forbidden");
    assert_false(is_buried(w, id, ""));
    world_free(w);
}

/* What was archived can still be read, so it can still be taken back (13.12). */
static void when_the_archive_is_off(void **state)
{
    char id[STANZA_ID_BYTES + 1];
    UNUSED(state);
    struct world *w = company_and_id(nothing_shown, id);
    configures(w, ROMEO, "muc#roomconfig_enablearchiving", "0");
    moderates(w, ROMEO, id, "late");
    assert_int_equal(notices(w, JULIET), 1);
    reads(w, PARIS, "<message from='" ROOM "'/>");
    assert_true(is_buried(w, id, "<reason>late</reason>"));
    world_free(w);
}

/* Nobody is shown a subject that was taken back, newcomers neither. */
static void a_subject_is_taken_back(void **state)
{
    struct row rows[ROWS_MAX];
    UNUSED(state);
    for (unsigned by_author = 0; by_author < 2; by_author++) {
        struct world *w = company(nothing_shown);
        sets(w, ROMEO, "<item role='moderator' nick='Paris'/>");
        says(w, PARIS,
             "<message to='" ROOM "' type='groupchat' id='s'><subject>Slander</subject>"
             "</message>");
        unsigned count = archive(w, rows);
        assert_int_equal(count, 3);
        if (by_author)
            retracts(w, PARIS, rows[2].id);
        else
            moderates(w, ROMEO, rows[2].id, "rude");
        assert_non_null(strstr(world_next(w, JULIET), "<retract "));
        reads(w, JULIET, "<message from='" ROOM "' type='groupchat'><subject/></message>");
        reads_nothing(w, JULIET);
        rows_free(rows, count);
        for (unsigned restarted = 0; restarted < 2; restarted++) {
            struct room *room = world_room(w, ROOM);
            assert_null(room->subject.frame);
            assert_true(str_empty(room->subject.plain));
            count = archive(w, rows);
            assert_non_null(strstr(rows[2].came, "<retracted "));
            assert_null(strstr(rows[2].came, "Slander"));
            rows_free(rows, count);
            world_restart(w, WORLD_CRASH);
        }
        world_free(w);
    }
}

/* One that is not the subject any more leaves the one there is alone. */
static void a_former_subject_is_taken_back(void **state)
{
    struct world *w = company(nothing_shown);
    struct row rows[ROWS_MAX];
    UNUSED(state);
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><subject>Slander</subject></message>");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><subject>Peace</subject></message>");
    unsigned count = archive(w, rows);
    assert_int_equal(count, 4);
    moderates(w, ROMEO, rows[2].id, "rude");
    assert_int_equal(notices(w, JULIET), 1);
    assert_true(str_eqz(world_room(w, ROOM)->subject.plain, "Peace"));
    rows_free(rows, count);
    world_free(w);
}

/* @covers 0425#disco */
static void told_where_it_can_be_done(void **state)
{
    struct world *w = company(nothing_shown);
    UNUSED(state);
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='i'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    const char *came = world_next(w, PARIS);
    assert_non_null(came);
    assert_non_null(strstr(came, "<feature var='" MODERATE "'/>"));
    assert_non_null(strstr(came, "<feature var='" RETRACT "#tombstone'/>"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moderator_takes_it_back),
        cmocka_unit_test(in_the_former_form),
        cmocka_unit_test(not_before_it_is_certain),
        cmocka_unit_test(what_the_archive_does_not_have),
        cmocka_unit_test(what_the_room_has_said),
        cmocka_unit_test(an_archive_that_cannot_be_read),
        cmocka_unit_test(once_is_enough),
        cmocka_unit_test(a_role_that_was_lost_meanwhile),
        cmocka_unit_test(who_is_no_moderator),
        cmocka_unit_test(when_the_archive_is_off),
        cmocka_unit_test(a_subject_is_taken_back),
        cmocka_unit_test(a_former_subject_is_taken_back),
        cmocka_unit_test(told_where_it_can_be_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
