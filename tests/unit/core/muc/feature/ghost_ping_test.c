/* @covers 0199#s2c */
#include "core/muc/room.h"
#include "tests/support/room_digest.h"
#include "tests/support/talk.h"

#define MINUTE_US INT64_C(60000000)
#define PERIOD    15 /* minutes, the preset */
#define PING      "<ping xmlns='urn:xmpp:ping'/>"
#define ERROR_OF(condition)                                                                        \
    "<error type='cancel'><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

/* Something the room hears, nobody else does, and nobody answers. */
static void is_there(struct world *w, const char *who)
{
    says(w, who, "<iq to='" ROOM "' type='result' id='none'/>");
}

/* While Romeo is heard of all the time. */
static void passes(struct world *w, unsigned minutes)
{
    for (unsigned i = 0; i < minutes; i++) {
        world_advance(w, MINUTE_US);
        is_there(w, ROMEO);
    }
}

/* A ping: its id, heap. */
static char *reads_ping(struct world *w, const char *who)
{
    const char *came = world_next(w, who);
    assert_non_null(came);
    char *difference = match_difference("<iq from='" ROOM "' type='get' to='{scansion:any}' "
                                        "id='{scansion:any}' "
                                        "scansion:strict='true'>" PING "</iq>",
                                        came);
    if (difference != NULL)
        print_error("%s: %s\n", difference, came);
    assert_null(difference);
    const char *id = strstr(came, " id='");
    assert_non_null(id);
    id += strlen(" id='");
    return strndup(id, strcspn(id, "'"));
}

/* Minutes until it has received something. */
static unsigned minutes_until(struct world *w, const char *who)
{
    for (unsigned i = 0; i < 10 * PERIOD; i++) {
        if (world_unread(w, who) > 0)
            return i;
        passes(w, 1);
    }
    fail_msg("%s received nothing", who);
    return 0;
}

static void answers(struct world *w, const char *who, const char *id, const char *type,
                    const char *inside)
{
    says(w, who, "<iq to='" ROOM "' type='%s' id='%s'>%s</iq>", type, id, inside);
}

static unsigned sessions(struct world *w)
{
    const struct room *room = world_room(w, ROOM);
    return room == NULL ? 0 : room->session_count;
}

/* Romeo, who moderates, and Paris, who says nothing. */
static struct world *world_with_silence(void)
{
    struct world *w = world_with(NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    return w;
}

static char *first_ping(struct world *w)
{
    (void)minutes_until(w, PARIS);
    return reads_ping(w, PARIS);
}

static char *second_ping(struct world *w)
{
    free(first_ping(w));
    return first_ping(w);
}

static void put_out(struct world *w, const char *why)
{
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris' type='unavailable'><status>Kicked: %s</status>"
          "<x xmlns='" NS_USER "'><status code='333'/>"
          "<item affiliation='none' role='none' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>",
          why);
    reads_nothing(w, PARIS);
    reads(w, ROMEO,
          "<presence from='" ROOM "/Paris' type='unavailable'><status>Kicked: %s</status>"
          "<x xmlns='" NS_USER "'><status code='333'/>"
          "<item affiliation='none' role='none' jid='" PARIS "'/></x></presence>",
          why);
    reads_nothing(w, ROMEO);
    assert_int_equal(sessions(w), 1);
}

/* @covers 0045#service-error-kick.self 0045#service-error-kick.others */
static void silence_is_put_out(void **state)
{
    struct world *w = world_with_silence();
    (void)state;
    unsigned silent = minutes_until(w, PARIS);
    assert_in_range(silent, PERIOD, 2 * PERIOD);
    free(reads_ping(w, PARIS));
    assert_in_range(minutes_until(w, PARIS), PERIOD - 1, PERIOD + 1);
    free(reads_ping(w, PARIS));
    assert_in_range(minutes_until(w, PARIS), PERIOD - 1, PERIOD + 1);
    put_out(w, "no answer to pings");
    world_free(w);
}

static void an_answer_is_enough(void **state)
{
    struct world *w = world_with_silence();
    unsigned pings = 0;
    char *before = NULL;
    (void)state;
    for (unsigned minute = 0; minute < 40 * PERIOD; minute++) {
        passes(w, 1);
        if (world_unread(w, PARIS) == 0)
            continue;
        char *id = reads_ping(w, PARIS);
        pings++;
        answers(w, PARIS, id, "result", "");
        assert_true(before == NULL || strcmp(before, id) != 0);
        free(before);
        before = id;
    }
    free(before);
    assert_in_range(pings, 15, 40);
    assert_int_equal(sessions(w), 2);
    reads_nothing(w, ROMEO); /* is not asked: it speaks */
    world_free(w);
}

/* After one ping that was not answered: what else it says counts as well. */
static void so_is_anything_else(void **state)
{
    static const char *const words[] = {
        "<message to='" ROOM "/Paris' type='chat'><body>I</body></message>",
        "<presence to='" ROOM "/Paris'/>",
        "<iq to='" ROOM "' type='get' id='i'>" PING "</iq>",
        "<iq to='" ROOM "' type='result' id='i'/>",
        "<message to='" ROOM "' type='normal'/>",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct world *w = world_with_silence();
        char *id = first_ping(w);
        says(w, PARIS, "%s", words[i]);
        hush(w);
        answers(w, PARIS, id, "error", ERROR_OF("item-not-found"));
        assert_int_equal(sessions(w), 2);
        assert_in_range(minutes_until(w, PARIS), PERIOD, 2 * PERIOD);
        free(reads_ping(w, PARIS));
        (void)minutes_until(w, PARIS);
        free(reads_ping(w, PARIS));
        assert_int_equal(sessions(w), 2);
        free(id);
        world_free(w);
    }
}

/* A server makes them for sessions that are no more. */
static void errors_are_no_sign_of_life(void **state)
{
    struct world *w = world_with_silence();
    (void)state;
    free(first_ping(w));
    says(w, PARIS, "<iq to='" ROOM "/Romeo' type='error' id='i'>%s</iq>",
         ERROR_OF("service-unavailable"));
    says(w, PARIS, "<message to='" ROOM "' type='error'>%s</message>", ERROR_OF("not-allowed"));
    hush(w);
    free(first_ping(w));
    (void)minutes_until(w, PARIS);
    put_out(w, "no answer to pings");
    world_free(w);
}

static void errors_that_put_out(void **state)
{
    static const char *const gone[][2] = {
        {"gone", "gone"},
        {"item-not-found", "item not found"},
        {"recipient-unavailable", "recipient unavailable"},
        {"redirect", "redirect"},
        {"remote-server-not-found", "remote server not found"},
        {"remote-server-timeout", "remote server timeout"},
        {"internal-server-error", "internal server error"},
        {"jid-malformed", "jid malformed"},
        {"no-such-condition", "malformed error"},
    };
    struct world *w = world_with_silence();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        char *error = text_of("<error type='cancel'>"
                              "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
                              gone[i][0]);
        char *id = first_ping(w);
        answers(w, PARIS, id, "error", error);
        put_out(w, gone[i][1]);
        /* Once more, from outside: dropped, like any error. */
        answers(w, PARIS, id, "error", error);
        reads_nothing(w, PARIS);
        free(id);
        free(error);
        enters(w, PARIS, "Paris");
    }
    world_free(w);
}

/* A server says so of a session that has ended, but also of one that is about to come back. */
static void unavailable_is_asked_twice(void **state)
{
    struct world *w = world_with_silence();
    (void)state;
    char *id = first_ping(w);
    answers(w, PARIS, id, "error", ERROR_OF("service-unavailable"));
    free(id);
    assert_int_equal(sessions(w), 2);
    assert_in_range(minutes_until(w, PARIS), PERIOD - 1, PERIOD + 1);
    id = reads_ping(w, PARIS);
    answers(w, PARIS, id, "error", ERROR_OF("service-unavailable"));
    free(id);
    put_out(w, "service unavailable");
    world_free(w);
}

/* What comes that late is about a question nobody asks any more. */
static void the_last_ping_is_answered(void **state)
{
    struct world *w = world_with_silence();
    (void)state;
    char *first = first_ping(w);
    char *second = first_ping(w);
    assert_string_not_equal(first, second);
    answers(w, PARIS, first, "error", ERROR_OF("service-unavailable"));
    assert_int_equal(sessions(w), 2);
    answers(w, PARIS, second, "error", ERROR_OF("service-unavailable"));
    put_out(w, "service unavailable");
    free(first);
    free(second);
    world_free(w);
}

static void errors_of_who_is_there(void **state)
{
    static const char *const own[] = {
        "bad-request",         "conflict",
        "forbidden",           "feature-not-implemented",
        "not-acceptable",      "not-allowed",
        "not-authorized",      "policy-violation",
        "undefined-condition", "resource-constraint",
    };
    struct world *w = world_with_silence();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        char *error = text_of("<error type='cancel'>"
                              "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
                              own[i]);
        char *id = first_ping(w);
        answers(w, PARIS, id, "error", error);
        reads_nothing(w, PARIS);
        assert_in_range(minutes_until(w, PARIS), PERIOD, 2 * PERIOD);
        free(id);
        id = second_ping(w);
        answers(w, PARIS, id, "error", error);
        free(id);
        free(error);
    }
    reads_nothing(w, ROMEO);
    assert_int_equal(sessions(w), 2);
    world_free(w);
}

struct answer {
    const char *what;
    const char *from, *to;
    const char *id; /* NULL: the ping's */
    const char *inside;
};

/* @covers 0045#impl-service-ghosts.errors */
static void answers_that_are_none(void **state)
{
    static const struct answer none[] = {
        {"a stranger", JULIET_2, ROOM, NULL, ERROR_OF("gone")},
        {"another session of the nickname", "paris@localhost/tomb", ROOM, NULL, ERROR_OF("gone")},
        {"another occupant", JULIET, ROOM, NULL, ERROR_OF("gone")},
        {"an outcast", NURSE, ROOM, NULL, ERROR_OF("gone")},
        {"to a nickname", PARIS, ROOM "/Romeo", NULL, ERROR_OF("gone")},
        {"to another room", PARIS, "none@conference.localhost", NULL, ERROR_OF("gone")},
        {"an id of nobody's", PARIS, ROOM, "x", ERROR_OF("gone")},
        {"an id in words", PARIS, ROOM, "ping", ERROR_OF("gone")},
        {"an empty id", PARIS, ROOM, "", ERROR_OF("gone")},
    };
    struct world *w = world_with_silence();
    (void)state;
    world_client(w, NURSE);
    world_client(w, "paris@localhost/tomb");
    enters(w, JULIET, "Juliet");
    enters(w, "paris@localhost/tomb", "Paris");
    sets(w, ROMEO, "<item affiliation='outcast' jid='nurse@localhost'/>");
    while (world_unread(w, PARIS) == 0) {
        passes(w, 1);
        is_there(w, JULIET);
    }
    char *id = reads_ping(w, PARIS);
    hush(w);
    uint64_t before = room_digest(world_room(w, ROOM));
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        const struct answer *answer = &none[i];
        says(w, answer->from, "<iq to='%s' type='error' id='%s'>%s</iq>", answer->to,
             answer->id == NULL ? id : answer->id, answer->inside);
        if (sessions(w) != 4 || world_unread(w, answer->from) != 0)
            fail_msg("counted, or answered: %s", answer->what);
    }
    says(w, PARIS, "<iq to='" ROOM "' type='error'>%s</iq>", ERROR_OF("gone"));
    assert_true(room_digest(world_room(w, ROOM)) == before);
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    answers(w, PARIS, id, "error", ERROR_OF("gone")); /* it would have */
    assert_int_equal(sessions(w), 3);
    free(id);
    world_free(w);
}

/* Of an answer with the right id: what is no error one can read means that nobody is there. */
static void answers_that_are_odd(void **state)
{
    static const struct {
        const char *inside;
        bool gone;
    } odd[] = {
        {"", true},
        {"<error/>", true},
        {"<error type='cancel'><gone/></error>", true},
        {"<error xmlns='urn:example:other'><gone/></error>", true},
        {ERROR_OF("not-allowed") ERROR_OF("gone"), false},
        {ERROR_OF("gone") ERROR_OF("not-allowed"), true},
        {PING ERROR_OF("not-allowed"), false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct world *w = world_with_silence();
        char *id = first_ping(w);
        answers(w, PARIS, id, "error", odd[i].inside);
        if (sessions(w) != (odd[i].gone ? 1 : 2))
            fail_msg("%u inside after %s", sessions(w), odd[i].inside);
        free(id);
        world_free(w);
    }
}

static void relayed_requests_are_no_pings(void **state)
{
    struct world *w = world_with_silence();
    (void)state;
    says(w, ROMEO, "<iq to='" ROOM "/Paris' type='get' id='i'>" PING "</iq>");
    const char *came = world_next(w, PARIS);
    const char *at = came == NULL ? NULL : strstr(came, " id='");
    assert_non_null(at);
    at += strlen(" id='");
    char *relayed = strndup(at, strcspn(at, "'"));
    char *id = first_ping(w);
    answers(w, PARIS, relayed, "error", ERROR_OF("gone"));
    says(w, PARIS, "<iq to='" ROOM "/Romeo' type='error' id='%s'>%s</iq>", id, ERROR_OF("gone"));
    reads_nothing(w, ROMEO);
    assert_int_equal(sessions(w), 2);
    free(relayed);
    free(id);
    world_free(w);
}

/* @covers 0045#service-error-kick.others */
static void only_the_silent_session_goes(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    for (unsigned minute = 0; sessions(w) == 4 && minute < 5 * PERIOD; minute++) {
        passes(w, 1);
        is_there(w, JULIET_2);
        is_there(w, PARIS);
    }
    assert_int_equal(sessions(w), 3);
    free(reads_ping(w, JULIET));
    free(reads_ping(w, JULIET));
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='none' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/><status code='110'/></x>"
          "</presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/></x></presence>");
    reads_nothing(w, PARIS); /* sees no addresses, so nothing has changed */
    world_free(w);
}

static void never_if_the_operator_says_so(void **state)
{
    static const char *const off[] = {"ping_minutes=0", NULL};
    struct world *w = world_with(off);
    (void)state;
    enters(w, ROMEO, "Romeo");
    assert_int_equal(world_effects(w, FX_TIMER), 0);
    enters(w, PARIS, "Paris");
    world_advance(w, 10000 * MINUTE_US);
    reads_nothing(w, ROMEO);
    reads_nothing(w, PARIS);
    assert_int_equal(sessions(w), 2);
    world_free(w);
}

static void as_often_as_the_operator_says(void **state)
{
    static const char *const hourly[] = {"ping_minutes=60", NULL};
    struct world *w = world_with(hourly);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    assert_in_range(minutes_until(w, PARIS), 60, 120);
    free(reads_ping(w, PARIS));
    assert_in_range(minutes_until(w, PARIS), 59, 61);
    world_free(w);
}

/* The range of the option: what is beyond is no number of minutes. */
static void how_long_at_most(void **state)
{
    struct room_options options;
    const char *why = NULL;
    const struct option *option = option_by_name(STR("ping_minutes"));
    (void)state;
    assert_non_null(option);
    options_preset(&options);
    assert_int_equal(options.ping_minutes, PERIOD);
    assert_true(option_set_text(&options, option, STR("10080"), &why));
    assert_int_equal(options.ping_minutes, PING_MINUTES_MAX);
    assert_false(option_set_text(&options, option, STR("10081"), &why));
    assert_non_null(why);
    assert_int_equal(options.ping_minutes, PING_MINUTES_MAX);
    assert_null(option->field); /* the operator's, not the owners' */
    room_options_fini(&options);
}

/* Nobody is inside: nobody is asked, however long the room stays. */
static void an_empty_room_is_at_rest(void **state)
{
    static const char *const stays[] = {"persistent=on", NULL};
    struct world *w = world_with(stays);
    (void)state;
    enters(w, ROMEO, "Romeo");
    assert_true(world_room(w, ROOM)->silence_alarm_us > world_now(w));
    leaves(w, ROMEO);
    assert_true(world_room(w, ROOM)->silence_alarm_us == 0);
    enters(w, ROMEO, "Romeo");
    assert_true(world_room(w, ROOM)->silence_alarm_us > world_now(w));
    world_free(w);
}

static void nobody_is_left(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, PARIS, "Paris");
    world_advance(w, 5 * PERIOD * MINUTE_US);
    free(reads_ping(w, PARIS));
    free(reads_ping(w, PARIS));
    reads(w, PARIS, "<presence from='" ROOM "/Paris' type='unavailable'/>");
    assert_null(world_room(w, ROOM));
    world_free(w);
}

/* ---- many ---- */

#define CROWD 300

struct watch {
    struct world *world;
    int64_t last_us[CROWD];
    unsigned pings[CROWD];
    int64_t look_us;
    unsigned in_look, most_in_look, looks;
};

static void on_stanza(void *self, const char *full_jid, const char *stanza)
{
    struct watch *watch = self;
    if (strstr(stanza, "urn:xmpp:ping") == NULL)
        return;
    unsigned number = (unsigned)strtoul(full_jid + 1, NULL, 10);
    int64_t now_us = world_now(watch->world);
    assert_in_range(number, 0, CROWD - 1);
    assert_true(watch->pings[number] == 0 || now_us - watch->last_us[number] >= PERIOD * MINUTE_US);
    watch->last_us[number] = now_us;
    watch->pings[number]++;
    if (watch->look_us != now_us) {
        watch->looks++;
        watch->in_look = 0;
    }
    watch->look_us = now_us;
    if (++watch->in_look > watch->most_in_look)
        watch->most_in_look = watch->in_look;
}

/* All at once they come; they are asked some at a time, each once in a period. */
static void a_crowd_is_asked_bit_by_bit(void **state)
{
    struct world *w = world_with(NULL);
    struct watch watch = {.world = w};
    char jid[40], nick[16];
    (void)state;
    world_listen(w, on_stanza, &watch);
    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(jid, sizeof(jid), "u%u@localhost/r", i);
        snprintf(nick, sizeof(nick), "u%u", i);
        world_client(w, jid);
        enters(w, jid, nick);
    }
    int64_t first_us = world_now(w);
    world_advance(w, (int64_t)(2 * PERIOD * MINUTE_US));
    for (unsigned i = 0; i < CROWD; i++)
        assert_in_range(watch.pings[i], 1, 2);
    assert_in_range(watch.most_in_look, 1, ROOM_PINGS_PER_LOOK);
    assert_true(watch.looks >= CROWD / ROOM_PINGS_PER_LOOK);
    assert_int_equal(sessions(w), CROWD);
    world_advance(w, (int64_t)(2 * PERIOD * MINUTE_US) + MINUTE_US);
    assert_true(world_now(w) - first_us >= 4 * PERIOD * MINUTE_US);
    for (unsigned i = 0; i < CROWD; i++)
        assert_int_equal(watch.pings[i], ROOM_PINGS_UNANSWERED);
    assert_null(world_room(w, ROOM));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_put_out),
        cmocka_unit_test(an_answer_is_enough),
        cmocka_unit_test(so_is_anything_else),
        cmocka_unit_test(errors_are_no_sign_of_life),
        cmocka_unit_test(errors_that_put_out),
        cmocka_unit_test(unavailable_is_asked_twice),
        cmocka_unit_test(the_last_ping_is_answered),
        cmocka_unit_test(errors_of_who_is_there),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(answers_that_are_odd),
        cmocka_unit_test(relayed_requests_are_no_pings),
        cmocka_unit_test(only_the_silent_session_goes),
        cmocka_unit_test(never_if_the_operator_says_so),
        cmocka_unit_test(as_often_as_the_operator_says),
        cmocka_unit_test(how_long_at_most),
        cmocka_unit_test(an_empty_room_is_at_rest),
        cmocka_unit_test(nobody_is_left),
        cmocka_unit_test(a_crowd_is_asked_bit_by_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
