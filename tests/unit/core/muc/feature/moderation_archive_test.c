/*
 * Messages that only the archive has any more: moderators and authors take them back there.
 */
#include "core/base/limits.h"
#include "core/muc/burial.h"
#include "core/muc/durable.h"
#include "core/muc/room.h"
#include "core/xmpp/stamp.h"
#include "tests/support/log_ear.h"
#include "tests/support/talk.h"

#define MAM      "urn:xmpp:mam:2"
#define MODERATE "urn:xmpp:message-moderate:1"
#define RETRACT  "urn:xmpp:message-retract:1"
#define UNKNOWN  "0123456789abcdef0123456789abcdef"

enum { ROWS_MAX = 8 };

struct row {
    char id[STANZA_ID_BYTES + 1];
    char *came; /* heap */
};

/* Newcomers are shown nothing, or the last message alone. */
static const char *const nothing_shown[] = {"persistent=on", "archive=on", "history=0", NULL};
static const char *const one_shown[] = {"persistent=on", "archive=on", "history=1", NULL};

/* Romeo owns the room, Juliet and Paris are in it; Paris has said two things. */
static struct world *company(const char *const *options)
{
    struct world *w = kept_world_with(options);
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='m1'><body>Rude</body></message>");
    world_advance(w, 1000000);
    says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='m2'><body>Ruder</body></message>");
    hush(w);
    return w;
}

/* What the archive has, by Romeo's eyes. */
static unsigned archive(struct world *w, struct row rows[ROWS_MAX])
{
    const char *came;
    unsigned count = 0;
    hush(w);
    says(w, ROMEO, "<iq to='" ROOM "' type='set' id='q'><query xmlns='" MAM "'/></iq>");
    while ((came = world_next(w, ROMEO)) != NULL) {
        const char *result = strstr(came, "<result ");
        const char *id = result == NULL ? NULL : strstr(result, " id='");
        if (id == NULL)
            continue;
        assert_true(count < ROWS_MAX);
        memcpy(rows[count].id, id + 5, STANZA_ID_BYTES);
        rows[count].id[STANZA_ID_BYTES] = '\0';
        rows[count++].came = text_of("%s", came);
    }
    hush(w);
    return count;
}

static void rows_free(struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        free(rows[i].came);
}

/* The same company, and the archive's id of the first message. */
static struct world *company_and_id(const char *const *options, char id[STANZA_ID_BYTES + 1])
{
    struct world *w = company(options);
    struct row rows[ROWS_MAX];
    unsigned count = archive(w, rows);
    assert_int_equal(count, 2);
    memcpy(id, rows[0].id, STANZA_ID_BYTES + 1);
    rows_free(rows, count);
    return w;
}

/* Is the message of that id a tombstone (with that text in it), or is it as it was? */
static bool is_buried(struct world *w, const char *id, const char *inside)
{
    struct row rows[ROWS_MAX];
    unsigned count = archive(w, rows), found = 0;
    bool buried = false;
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(rows[i].id, id) != 0)
            continue;
        found++;
        buried = strstr(rows[i].came, "<retracted ") != NULL;
        assert_true(buried != (strstr(rows[i].came, "<body>Rude</body>") != NULL));
        assert_non_null(strstr(rows[i].came, "from='" ROOM "/Paris' type='groupchat' id='m1'"));
        if (buried)
            assert_non_null(strstr(rows[i].came, inside));
    }
    assert_int_equal(found, 1);
    rows_free(rows, count);
    return buried;
}

static void moderates(struct world *w, const char *who, const char *id, const char *reason)
{
    says(w, who,
         "<iq to='" ROOM "' type='set' id='mod'><moderate xmlns='" MODERATE "' id='%s'>"
         "<retract xmlns='" RETRACT "'/><reason>%s</reason></moderate></iq>",
         id, reason);
}

static void retracts(struct world *w, const char *who, const char *id)
{
    says(w, who,
         "<message to='" ROOM "' type='groupchat' id='r'><retract xmlns='" RETRACT
         "' id='%s'/></message>",
         id);
}

static unsigned notices(struct world *w, const char *who)
{
    const char *came;
    unsigned count = 0;
    while ((came = world_next(w, who)) != NULL)
        count += strstr(came, "<retract ") != NULL;
    return count;
}

/* ---- by moderators ---- */

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

/* ---- by authors ---- */

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
