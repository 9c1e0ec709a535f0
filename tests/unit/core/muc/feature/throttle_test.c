/* @covers 0045#security-dos */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define SECOND                  INT64_C(1000000)
#define STANZAS                 "urn:ietf:params:xml:ns:xmpp-stanzas"
#define is_too_much(world, who) reads_error((world), (who), "wait", "policy-violation")

static const char *const slow[] = {"message_rate=1", "message_burst=2", "persistent=on", NULL};
static const char *const calm[] = {"presence_rate=2", "persistent=on", NULL};

/* Romeo is the owner. */
static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static void speaks(struct world *w, const char *who, const char *text)
{
    says(w, who, "<message to='" ROOM "' type='groupchat' id='%s'><body>%s</body></message>", text,
         text);
}

static void hears(struct world *w, const char *who, const char *nick, const char *text)
{
    reads(w, who,
          "<message from='" ROOM "/%s' type='groupchat' id='%s' scansion:strict='false'>"
          "<body>%s</body></message>",
          nick, text, text);
}

/* The refusal of a message that has waited. */
static void reads_refusal(struct world *w, const char *who, const char *id, const char *type,
                          const char *condition)
{
    reads(w, who,
          "<message type='error' id='%s' from='" ROOM "'>"
          "<error type='%s' by='" ROOM "' scansion:strict='false'><%s xmlns='" STANZAS "'/></error>"
          "</message>",
          id, type, condition);
}

static void whispers(struct world *w, const char *who, const char *text)
{
    says(w, who, "<message to='" ROOM "/Romeo' type='chat' id='%s'><body>%s</body></message>", text,
         text);
}

static void hears_whisper(struct world *w, const char *text)
{
    reads(w, ROMEO,
          "<message from='" ROOM "/Juliet' type='chat' id='%s' scansion:strict='false'>"
          "<body>%s</body></message>",
          text, text);
}

/* ---- messages ---- */

static void too_many_wait_and_come_in_order(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    speaks(w, JULIET, "d");
    hears(w, ROMEO, "Juliet", "a");
    hears(w, ROMEO, "Juliet", "b");
    reads_nothing(w, ROMEO);
    speaks(w, PARIS, "e"); /* has a measure of his own */
    hears(w, ROMEO, "Paris", "e");
    world_advance(w, SECOND - SECOND / 50);
    reads_nothing(w, ROMEO);
    world_advance(w, SECOND / 50);
    hears(w, ROMEO, "Juliet", "c");
    reads_nothing(w, ROMEO);
    world_advance(w, SECOND);
    hears(w, ROMEO, "Juliet", "d");
    hears(w, JULIET, "Juliet", "a");
    hears(w, JULIET, "Juliet", "b");
    hears(w, JULIET, "Paris", "e");
    hears(w, JULIET, "Juliet", "c");
    hears(w, JULIET, "Juliet", "d");
    world_advance(w, 100 * SECOND);
    reads_nothing(w, JULIET);
    world_free(w);
}

static void a_bucket_fills_up_again(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    world_advance(w, SECOND);
    hush(w);
    speaks(w, JULIET, "c");
    hears(w, ROMEO, "Juliet", "c");
    speaks(w, JULIET, "d");
    reads_nothing(w, ROMEO);
    world_advance(w, 10 * SECOND);
    hears(w, ROMEO, "Juliet", "d");
    speaks(w, JULIET, "e");
    speaks(w, JULIET, "f");
    speaks(w, JULIET, "g"); /* however long she was quiet */
    hears(w, ROMEO, "Juliet", "e");
    hears(w, ROMEO, "Juliet", "f");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* One measure for all that an account says, from all its clients and to whom it may be. */
static void nothing_overtakes(void **state)
{
    struct world *w = company(slow);
    (void)state;
    enters(w, JULIET_2, "Juliet");
    speaks(w, JULIET, "a");
    speaks(w, JULIET_2, "b");
    hush(w);
    speaks(w, JULIET, "c");
    whispers(w, JULIET_2, "d");
    says(w, JULIET,
         "<message to='" ROOM "' type='groupchat' id='e'><subject>e</subject></message>");
    speaks(w, JULIET_2, "f");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    reads_nothing(w, JULIET_2);
    world_advance(w, 4 * SECOND);
    hears(w, ROMEO, "Juliet", "c");
    hears_whisper(w, "d");
    hears(w, ROMEO, "Juliet", "f");
    hears(w, JULIET, "Juliet", "c");
    reads(w, JULIET,
          "<message from='" ROOM "' type='error' id='e'><subject>e</subject>"
          "<error type='auth' by='" ROOM "' scansion:strict='false'><forbidden xmlns='" STANZAS
          "'/></error></message>");
    hears(w, JULIET, "Juliet", "f");
    world_free(w);
}

/* Who waits has its turn when its own time has come, whoever else waits for longer. */
static void each_at_its_time(void **state)
{
    static const char *const one[] = {"message_rate=1", "message_burst=1", NULL};
    struct world *w = company(one);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    world_advance(w, SECOND * 4 / 10);
    speaks(w, PARIS, "d");
    world_advance(w, SECOND * 7 / 10);
    speaks(w, PARIS, "e");
    hears(w, ROMEO, "Juliet", "a");
    hears(w, ROMEO, "Paris", "d");
    hears(w, ROMEO, "Juliet", "b");
    reads_nothing(w, ROMEO);
    world_advance(w, SECOND * 4 / 10);
    hears(w, ROMEO, "Paris", "e");
    reads_nothing(w, ROMEO);
    world_advance(w, SECOND);
    hears(w, ROMEO, "Juliet", "c");
    world_free(w);
}

/* It answers what somebody else has sent. */
static void an_error_does_not_wait(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    hush(w);
    says(w, JULIET,
         "<message to='" ROOM "/Romeo' type='error' id='pm'><error type='cancel'>"
         "<not-acceptable xmlns='" STANZAS "'/></error></message>");
    reads(w, ROMEO, "<message from='" ROOM "/Juliet' type='error' id='pm'/>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

static void staff_is_not_measured(void **state)
{
    static const char *const admin = "admin@localhost/office";
    static const char *const texts[] = {"a", "b", "c", "d", "e"};
    struct world *w = company(slow);
    (void)state;
    world_client(w, admin);
    enters(w, admin, "Admin");
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        speaks(w, ROMEO, texts[i]);
        speaks(w, JULIET, texts[i]);
        speaks(w, admin, texts[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        hears(w, PARIS, "Romeo", texts[i]);
        hears(w, PARIS, "Juliet", texts[i]);
        hears(w, PARIS, "Admin", texts[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        speaks(w, PARIS, texts[i]); /* a member is */
    hush(w);
    world_advance(w, SECOND);
    hears(w, ROMEO, "Paris", "c");
    world_free(w);
}

static void who_becomes_an_admin_waits_behind_itself(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    speaks(w, JULIET, "d");
    reads_nothing(w, PARIS);
    world_advance(w, 2 * SECOND);
    hears(w, PARIS, "Juliet", "c");
    hears(w, PARIS, "Juliet", "d");
    speaks(w, JULIET, "e");
    speaks(w, JULIET, "f");
    speaks(w, JULIET, "g");
    hears(w, PARIS, "Juliet", "e");
    hears(w, PARIS, "Juliet", "f");
    hears(w, PARIS, "Juliet", "g");
    world_free(w);
}

static void so_many_wait_and_no_more(void **state)
{
    struct world *w = company(slow);
    char text[16];
    (void)state;
    for (int i = 0; i < 2 + RATE_QUEUE_MAX; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        speaks(w, JULIET, text);
    }
    hears(w, JULIET, "Juliet", "m0");
    hears(w, JULIET, "Juliet", "m1");
    reads_nothing(w, JULIET);
    speaks(w, JULIET, "over");
    is_too_much(w, JULIET);
    whispers(w, JULIET, "over");
    is_too_much(w, JULIET);
    hush(w);
    world_advance(w, SECOND);
    hears(w, ROMEO, "Juliet", "m2");
    speaks(w, JULIET, "last");
    world_advance(w, 100 * SECOND);
    for (int i = 3; i < 2 + RATE_QUEUE_MAX; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        hears(w, ROMEO, "Juliet", text);
    }
    hears(w, ROMEO, "Juliet", "last");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* ---- what has become of who waits ---- */

static void who_has_left_is_refused(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    whispers(w, JULIET, "d");
    leaves(w, JULIET);
    world_advance(w, 2 * SECOND);
    reads_refusal(w, JULIET, "c", "cancel", "not-acceptable");
    reads(w, JULIET,
          "<message type='error' id='d' from='" ROOM "/Romeo'>"
          "<error type='cancel' by='" ROOM
          "' scansion:strict='false'><not-acceptable xmlns='" STANZAS "'/></error></message>");
    reads_nothing(w, JULIET);
    reads_nothing(w, ROMEO);
    world_free(w);
}

static void who_has_no_voice_any_more_is_refused(void **state)
{
    static const char *const options[] = {"message_rate=1", "message_burst=1", "moderated=on",
                                          NULL};
    struct world *w = company(options);
    (void)state;
    sets(w, ROMEO, "<item nick='Juliet' role='participant'/>");
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    sets(w, ROMEO, "<item nick='Juliet' role='visitor'/>");
    world_advance(w, SECOND);
    reads_refusal(w, JULIET, "b", "auth", "forbidden");
    reads_nothing(w, JULIET);
    reads_nothing(w, PARIS);
    speaks(w, PARIS, "c"); /* a visitor's attempts count too */
    reads_error(w, PARIS, "auth", "forbidden");
    speaks(w, PARIS, "d");
    reads_nothing(w, PARIS);
    world_advance(w, SECOND);
    reads_refusal(w, PARIS, "d", "auth", "forbidden");
    world_free(w);
}

/* Who comes again speaks under its new name, and behind what it said before. */
static void who_comes_again_goes_on(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    leaves(w, JULIET);
    enters(w, JULIET, "Capulet");
    speaks(w, JULIET, "d");
    reads_nothing(w, ROMEO);
    world_advance(w, 2 * SECOND);
    hears(w, ROMEO, "Capulet", "c");
    hears(w, ROMEO, "Capulet", "d");
    world_free(w);
}

static void another_connection_hears_of_it(void **state)
{
    static const char *const options[] = {"message_rate=1", "message_burst=1", "moderated=on",
                                          NULL};
    struct world *w = company(options);
    (void)state;
    sets(w, ROMEO, "<item nick='Juliet' role='participant'/>");
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    world_client(w, JULIET);
    say(w, JULIET, "<presence to='" ROOM "/Juliet'/>");
    hush(w);
    world_advance(w, SECOND);
    hears(w, JULIET, "Juliet", "b");
    sets(w, ROMEO, "<item nick='Juliet' role='visitor'/>");
    world_advance(w, SECOND);
    reads_refusal(w, JULIET, "c", "auth", "forbidden");
    world_free(w);
}

/* ---- the end of the room ---- */

static void destroyed_rooms_answer(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    speaks(w, JULIET, "d");
    hush(w);
    say(w, ROMEO,
        "<iq to='" ROOM "' type='set' id='end'><query xmlns='" NS_X "#owner'><destroy/></query>"
        "</iq>");
    reads(w, JULIET, "<presence type='unavailable' from='" ROOM "/Juliet'/>");
    reads_refusal(w, JULIET, "c", "cancel", "gone");
    reads_refusal(w, JULIET, "d", "cancel", "gone");
    reads_nothing(w, JULIET);
    assert_null(world_room(w, ROOM)->rate);
    world_advance(w, 100 * SECOND);
    reads_nothing(w, JULIET);
    world_free(w);
}

static void rooms_that_are_over_answer(void **state)
{
    static const char *const options[] = {"message_rate=1", "message_burst=1", NULL};
    struct world *w = company(options);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    leaves(w, ROMEO);
    leaves(w, PARIS);
    say(w, JULIET, "<presence to='" ROOM "' type='unavailable'/>");
    reads(w, JULIET, "<presence type='unavailable' from='" ROOM "/Juliet'/>");
    reads_refusal(w, JULIET, "b", "cancel", "item-not-found");
    reads_nothing(w, JULIET);
    assert_null(world_room(w, ROOM));
    world_free(w);
}

static void a_service_that_stops_answers(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    hush(w);
    world_shutdown(w);
    reads_refusal(w, JULIET, "c", "wait", "policy-violation");
    reads(w, JULIET,
          "<presence type='unavailable' from='" ROOM "/Juliet'>"
          "<x xmlns='" NS_USER "' scansion:strict='false'><status code='332'/></x></presence>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* A room that goes away with a shard: nothing is leaked. */
static void rooms_are_freed_while_somebody_waits(void **state)
{
    struct world *w = company(slow);
    (void)state;
    speaks(w, JULIET, "a");
    speaks(w, JULIET, "b");
    speaks(w, JULIET, "c");
    say(w, JULIET, "<presence to='" ROOM "/Juliet'><show>away</show></presence>");
    world_free(w);
}

/* ---- options ---- */

static void without_a_limit_nothing_waits(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    for (int i = 0; i < 100; i++)
        speaks(w, JULIET, "a");
    assert_int_equal(world_unread(w, ROMEO), 100);
    assert_null(world_room(w, ROOM)->rate);
    world_free(w);
}

static void a_new_measure_is_a_new_start(void **state)
{
    struct world *w = company(slow);
    (void)state;
    for (int i = 0; i < 6; i++)
        speaks(w, JULIET, "a");
    configures(w, ROMEO, "x-message_burst", "3");
    world_advance(w, SECOND / 10);
    assert_int_equal(world_unread(w, PARIS), 3);
    configures(w, ROMEO, "x-message_rate", "0");
    speaks(w, JULIET, "b"); /* behind the one that still waits */
    world_advance(w, SECOND / 10);
    hears(w, PARIS, "Juliet", "a");
    hears(w, PARIS, "Juliet", "b");
    reads_nothing(w, PARIS);
    assert_null(world_room(w, ROOM)->rate);
    for (int i = 0; i < 20; i++)
        speaks(w, JULIET, "c");
    assert_int_equal(world_unread(w, PARIS), 20);
    world_free(w);
}

static void values_have_a_range(void **state)
{
    static const struct {
        const char *field, *value;
        bool possible;
    } rows[] = {
        {"x-message_rate", "1000", true},   {"x-message_rate", "1001", false},
        {"x-message_rate", "-1", false},    {"x-message_rate", "fast", false},
        {"x-message_rate", "", false},      {"message_rate", "1", true},
        {"x-message_burst", "1", true},     {"x-message_burst", "1000", true},
        {"x-message_burst", "0", false},    {"x-message_burst", "1001", false},
        {"message_burst", "2", true},       {"x-presence_rate", "6000", true},
        {"x-presence_rate", "6001", false}, {"x-presence_rate", "1.5", false},
        {"presence_rate", "0", true},
    };
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        says(w, ROMEO,
             "<iq to='" ROOM "' type='set' id='form'><query xmlns='" NS_X "#owner'>"
             "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
             "<value>" NS_X "#roomconfig</value></field>"
             "<field var='%s'><value>%s</value></field></x></query></iq>",
             rows[i].field, rows[i].value);
        if (rows[i].possible)
            reads(w, ROMEO, "<iq type='result' id='form' from='" ROOM "'/>");
        else
            reads_error(w, ROMEO, "modify", "not-acceptable");
        hush(w);
    }
    assert_int_equal(world_room(w, ROOM)->options.message_rate, 1);
    assert_int_equal(world_room(w, ROOM)->options.message_burst, 2);
    assert_int_equal(world_room(w, ROOM)->options.presence_rate, 0);
    world_free(w);
}

/* ---- presence ---- */

static void shows(struct world *w, const char *who, const char *show)
{
    says(w, who, "<presence to='" ROOM "/Juliet' id='%s'><show>%s</show></presence>", show, show);
}

static void sees(struct world *w, const char *who, const char *nick, const char *show)
{
    reads(w, who, "<presence from='" ROOM "/%s' scansion:strict='false'><show>%s</show></presence>",
          nick, show);
}

/* Entering has taken one of two tokens. */
static void only_the_newest_availability_waits(void **state)
{
    struct world *w = company(calm);
    (void)state;
    shows(w, JULIET, "away");
    sees(w, ROMEO, "Juliet", "away");
    sees(w, JULIET, "Juliet", "away");
    shows(w, JULIET, "xa");
    shows(w, JULIET, "dnd");
    shows(w, JULIET, "chat");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    speaks(w, JULIET, "a"); /* words have another measure */
    hears(w, ROMEO, "Juliet", "a");
    world_advance(w, 30 * SECOND);
    sees(w, ROMEO, "Juliet", "chat");
    world_advance(w, 100 * SECOND);
    reads_nothing(w, ROMEO);
    hears(w, JULIET, "Juliet", "a");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet' id='chat' scansion:strict='false'><show>chat</show>"
          "</presence>");
    reads_nothing(w, JULIET);
    world_free(w);
}

static void each_session_has_its_newest(void **state)
{
    static const char *const options[] = {"presence_rate=3", NULL};
    struct world *w = company(options);
    (void)state;
    enters(w, JULIET_2, "Juliet");
    shows(w, JULIET, "away");
    hush(w);
    shows(w, JULIET, "xa");
    shows(w, JULIET_2, "dnd");
    shows(w, JULIET_2, "chat");
    shows(w, JULIET, "dnd"); /* behind the other's now */
    reads_nothing(w, JULIET);
    world_advance(w, 20 * SECOND);
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet' id='chat' scansion:strict='false'/>");
    reads_nothing(w, JULIET_2);
    hush(w);
    world_advance(w, 20 * SECOND);
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' id='dnd' scansion:strict='false'/>");
    world_free(w);
}

static void leaving_is_never_limited(void **state)
{
    struct world *w = company(calm);
    (void)state;
    shows(w, JULIET, "away");
    shows(w, JULIET, "xa");
    hush(w);
    say(w, JULIET, "<presence to='" ROOM "' type='unavailable'/>");
    reads(w, JULIET, "<presence type='unavailable' from='" ROOM "/Juliet'/>");
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Juliet'/>");
    world_advance(w, 100 * SECOND); /* what she was going to show is over with it */
    reads_nothing(w, JULIET);
    reads_nothing(w, ROMEO);
    world_free(w);
}

static void coming_and_going_is(void **state)
{
    struct world *w = company(calm);
    (void)state;
    leaves(w, JULIET);
    enters(w, JULIET, "Juliet");
    leaves(w, JULIET);
    join(w, JULIET, "Juliet");
    is_too_much(w, JULIET);
    reads_nothing(w, ROMEO);
    world_advance(w, 30 * SECOND);
    join(w, JULIET, "Juliet");
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet'/>");
    hush(w);
    join(w, JULIET, "Juliet"); /* being shown everything again is the same */
    is_too_much(w, JULIET);
    reads_nothing(w, JULIET);
    leaves(w, ROMEO);
    for (int i = 0; i < 5; i++)
        enters(w, ROMEO, "Romeo");
    join(w, ROMEO, "Romeo");
    reads(w, ROMEO, "<presence from='" ROOM "/Paris'/>");
    world_free(w);
}

static void names_change_so_often(void **state)
{
    struct world *w = company(calm);
    (void)state;
    say(w, JULIET, "<presence to='" ROOM "/Paris'/>"); /* what is impossible costs nothing */
    reads_error(w, JULIET, "cancel", "conflict");
    say(w, JULIET, "<presence to='" ROOM "/Capulet'/>");
    reads(w, JULIET,
          "<presence type='unavailable' from='" ROOM "/Juliet'>"
          "<x xmlns='" NS_USER "' scansion:strict='false'><status code='303'/></x></presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Capulet'/>");
    hush(w);
    say(w, JULIET, "<presence to='" ROOM "/Montague'/>");
    is_too_much(w, JULIET);
    say(w, JULIET, "<presence to='" ROOM "/Paris'/>");
    reads_error(w, JULIET, "cancel", "conflict");
    say(w, JULIET, "<presence to='" ROOM "/Capulet'><show>away</show></presence>");
    say(w, JULIET, "<presence to='" ROOM "/Montague'/>");
    is_too_much(w, JULIET);
    reads_nothing(w, ROMEO);
    hush(w);
    world_advance(w, 30 * SECOND); /* the one that waited was first */
    sees(w, ROMEO, "Capulet", "away");
    sees(w, JULIET, "Capulet", "away");
    say(w, JULIET, "<presence to='" ROOM "/Montague'/>");
    is_too_much(w, JULIET);
    world_advance(w, 30 * SECOND);
    say(w, JULIET, "<presence to='" ROOM "/Montague'><show>xa</show></presence>");
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Capulet'/>");
    sees(w, ROMEO, "Montague", "xa");
    world_free(w);
}

/* What waits was addressed to a name that somebody else has changed. */
static void availability_goes_with_a_new_name(void **state)
{
    static const char *const options[] = {"presence_rate=2", "allow_register=on",
                                          "reserved_nick_only=on", NULL};
    struct world *w = company(options);
    (void)state;
    shows(w, JULIET, "away");
    shows(w, JULIET, "xa");
    says(
        w, JULIET,
        "<iq to='" ROOM "' type='set' id='r'><query xmlns='jabber:iq:register'>"
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
        "#register</value></field><field var='muc#register_roomnick'><value>Capulet</value></field>"
        "</x></query></iq>");
    hush(w);
    assert_non_null(occupant_by_nick(world_room(w, ROOM), STR("capulet")));
    world_advance(w, 30 * SECOND);
    sees(w, ROMEO, "Capulet", "xa");
    assert_null(occupant_by_nick(world_room(w, ROOM), STR("juliet")));
    world_free(w);
}

/* A newer one that need not wait does not come before an older one. */
static void who_becomes_an_admin_is_shown_as_it_is(void **state)
{
    struct world *w = company(calm);
    (void)state;
    shows(w, JULIET, "away");
    shows(w, JULIET, "xa");
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    shows(w, JULIET, "chat");
    sees(w, ROMEO, "Juliet", "chat");
    hush(w);
    world_advance(w, 100 * SECOND);
    reads_nothing(w, ROMEO);
    world_free(w);
}

static void who_becomes_an_admin_may_take_another_name(void **state)
{
    struct world *w = company(calm);
    (void)state;
    shows(w, JULIET, "away");
    shows(w, JULIET, "xa");
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    say(w, JULIET, "<presence to='" ROOM "/Capulet'><show>chat</show></presence>");
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Juliet'/>");
    sees(w, ROMEO, "Capulet", "chat");
    world_advance(w, 100 * SECOND);
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* ---- at the door ---- */

static void who_may_not_enter_may_not_try_often(void **state)
{
    static const char *const options[] = {"presence_rate=2", "password=friend", NULL};
    struct world *w = world_with(options);
    (void)state;
    say(w, ROMEO,
        "<presence to='" ROOM "/Romeo'><x xmlns='" NS_X "'><password>friend</password></x>"
        "</presence>");
    hush(w);
    join(w, JULIET, "Juliet");
    reads_error(w, JULIET, "auth", "not-authorized");
    join(w, JULIET_2, "Juliet");
    reads_error(w, JULIET_2, "auth", "not-authorized");
    say(w, JULIET,
        "<presence to='" ROOM "/Juliet'><x xmlns='" NS_X "'><password>friend</password></x>"
        "</presence>");
    is_too_much(w, JULIET);
    join(w, PARIS, "Paris");
    reads_error(w, PARIS, "auth", "not-authorized");
    world_advance(w, 30 * SECOND);
    say(w, JULIET,
        "<presence to='" ROOM "/Juliet'><x xmlns='" NS_X "'><password>friend</password></x>"
        "</presence>");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    world_free(w);
}

/* A locked room is no other than one that is not there. */
static void locked_rooms_do_not_count(void **state)
{
    const struct world_config config = {.options = calm, .locked = true};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, JULIET);
    enters(w, ROMEO, "Romeo");
    for (int i = 0; i < 10; i++) {
        join(w, JULIET, "Juliet");
        reads_error(w, JULIET, "cancel", "item-not-found");
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_wait_and_come_in_order),
        cmocka_unit_test(a_bucket_fills_up_again),
        cmocka_unit_test(nothing_overtakes),
        cmocka_unit_test(each_at_its_time),
        cmocka_unit_test(an_error_does_not_wait),
        cmocka_unit_test(staff_is_not_measured),
        cmocka_unit_test(who_becomes_an_admin_waits_behind_itself),
        cmocka_unit_test(so_many_wait_and_no_more),
        cmocka_unit_test(who_has_left_is_refused),
        cmocka_unit_test(who_has_no_voice_any_more_is_refused),
        cmocka_unit_test(who_comes_again_goes_on),
        cmocka_unit_test(another_connection_hears_of_it),
        cmocka_unit_test(destroyed_rooms_answer),
        cmocka_unit_test(rooms_that_are_over_answer),
        cmocka_unit_test(a_service_that_stops_answers),
        cmocka_unit_test(rooms_are_freed_while_somebody_waits),
        cmocka_unit_test(without_a_limit_nothing_waits),
        cmocka_unit_test(a_new_measure_is_a_new_start),
        cmocka_unit_test(values_have_a_range),
        cmocka_unit_test(only_the_newest_availability_waits),
        cmocka_unit_test(each_session_has_its_newest),
        cmocka_unit_test(leaving_is_never_limited),
        cmocka_unit_test(coming_and_going_is),
        cmocka_unit_test(names_change_so_often),
        cmocka_unit_test(availability_goes_with_a_new_name),
        cmocka_unit_test(who_becomes_an_admin_is_shown_as_it_is),
        cmocka_unit_test(who_becomes_an_admin_may_take_another_name),
        cmocka_unit_test(who_may_not_enter_may_not_try_often),
        cmocka_unit_test(locked_rooms_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
