/*
 * The service itself: what it answers, what it refuses, the list of rooms page by page.
 * @covers 0045#disco-service 0030#info-basic 0030#items-basic
 * @covers 0059#limit 0059#forwards 0059#backwards 0059#last 0059#jump 0059#count 0199#c2s
 */
#include "core/base/limits.h"
#include "tests/support/expect.h"

#define SERVICE WORLD_SERVICE
#define CONDITION(type, name)                                                                      \
    "<error type='" type "'><" name " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
#define GET(payload)  "<iq to='" SERVICE "' type='get' id='i'>" payload "</iq>"
#define ITEMS(inside) "<query xmlns='http://jabber.org/protocol/disco#items'>" inside "</query>"
#define SET(inside)   "<set xmlns='http://jabber.org/protocol/rsm'>" inside "</set>"

static int setup(void **state)
{
    struct world_config config = {.locked = false};
    struct world *world = world_new(&config);
    world_client(world, ROMEO);
    world_client(world, JULIET);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void enter_room(struct world *world, const char *room)
{
    char xml[300];
    snprintf(xml, sizeof(xml),
             "<presence to='%s@" SERVICE "/me'><x xmlns='http://jabber.org/protocol/muc'/>"
             "</presence>",
             room);
    say(world, ROMEO, xml);
}

static void configure(struct world *world, const char *room, const char *field, const char *value)
{
    char xml[600];
    snprintf(xml, sizeof(xml),
             "<iq id='c' type='set' to='%s@" SERVICE "'>"
             "<query xmlns='http://jabber.org/protocol/muc#owner'>"
             "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
             "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
             "<field var='muc#roomconfig_%s'><value>%s</value></field></x></query></iq>",
             room, field, value);
    say(world, ROMEO, xml);
}

/* @covers 0045#entity.disco 0045#disco-service-features.identity 0045#message.stable-id */
/* @covers 0092#protocol 0054#usecases 0486#disco */
static void what_it_is(void **state)
{
    struct world *world = *state;
    say(world, ROMEO, GET("<query xmlns='http://jabber.org/protocol/disco#info'/>"));
    const char *came = world_next(world, ROMEO);
    assert_non_null(came);
    assert_non_null(strstr(came, "type='result'"));
    assert_non_null(strstr(came, "<identity category='conference' type='text' name='"));
    assert_non_null(strstr(came, "<feature var='http://jabber.org/protocol/muc'/>"));
    assert_non_null(strstr(came, "<feature var='http://jabber.org/protocol/disco#info'/>"));
    assert_non_null(strstr(came, "<feature var='http://jabber.org/protocol/disco#items'/>"));
    assert_non_null(strstr(came, "<feature var='http://jabber.org/protocol/rsm'/>"));
    assert_non_null(strstr(came, "<feature var='http://jabber.org/protocol/muc#stable_id'/>"));
    assert_non_null(strstr(came, "<feature var='vcard-temp'/>"));
    assert_non_null(strstr(came, "<feature var='jabber:iq:last'/>"));
    assert_non_null(strstr(came, "<feature var='urn:xmpp:time'/>"));
    assert_null(strstr(came, "mam")); /* nothing we do not have */
    say(world, ROMEO, GET("<ping xmlns='urn:xmpp:ping'/>"));
    expect(world, ROMEO, "<iq from='" SERVICE "' id='i' type='result'/>");
    say(world, ROMEO, GET("<query xmlns='jabber:iq:version'/>"));
    expect(world, ROMEO,
           "<iq from='" SERVICE "' id='i' type='result'>"
           "<query xmlns='jabber:iq:version'><name>Stentor</name>"
           "<version>test</version></query></iq>");
    say(world, ROMEO, GET("<vCard xmlns='vcard-temp'/>"));
    expect(world, ROMEO,
           "<iq from='" SERVICE "' id='i' type='result'>"
           "<vCard xmlns='vcard-temp'><FN>Chatrooms</FN></vCard></iq>");
}

/* @covers 0012#server 0202#protocol 0202#disco */
static void how_late_it_is(void **state)
{
    struct world *world = *state;
    say(world, ROMEO, GET("<query xmlns='jabber:iq:last'/>"));
    expect(world, ROMEO,
           "<iq from='" SERVICE "' id='i' type='result'>"
           "<query xmlns='jabber:iq:last' seconds='0'/></iq>");
    world_advance(world, INT64_C(3723000000)); /* 1:02:03 */
    say(world, ROMEO, GET("<query xmlns='jabber:iq:last'/>"));
    expect(world, ROMEO,
           "<iq from='" SERVICE "' id='i' type='result'>"
           "<query xmlns='jabber:iq:last' seconds='3723'/></iq>");
    say(world, ROMEO, GET("<time xmlns='urn:xmpp:time'/>"));
    expect(world, ROMEO,
           "<iq from='" SERVICE "' id='i' type='result'><time xmlns='urn:xmpp:time'>"
           "<tzo>+00:00</tzo><utc>2026-01-01T01:02:03Z</utc></time></iq>");
}

static void what_it_refuses(void **state)
{
    static const struct {
        const char *stanza;
        const char *answer;
    } cases[] = {
        {"<presence to='" SERVICE "'/>", "<presence from='" SERVICE "' type='error'>" CONDITION(
                                             "cancel", "service-unavailable") "</presence>"},
        {"<presence to='" SERVICE "/nick'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
         "<presence from='" SERVICE
         "/nick' type='error'>" CONDITION("cancel", "service-unavailable") "</presence>"},
        {"<message to='" SERVICE "' id='m' type='groupchat'><body>hi</body></message>",
         "<message from='" SERVICE
         "' id='m' type='error'>" CONDITION("cancel", "service-unavailable") "</message>"},
        {GET("<what xmlns='is:this'/>"), "<iq from='" SERVICE "' id='i' type='error'>" CONDITION(
                                             "cancel", "service-unavailable") "</iq>"},
        {"<iq to='" SERVICE "' type='set' id='i'><vCard xmlns='vcard-temp'/></iq>",
         "<iq from='" SERVICE "' id='i' type='error'>" CONDITION("cancel", "not-allowed") "</iq>"},
        {"<iq to='" SERVICE "' type='set' id='i'><query xmlns='jabber:iq:last'/></iq>",
         "<iq id='i' type='error'>" CONDITION("cancel", "service-unavailable") "</iq>"},
        {GET("<query xmlns='urn:xmpp:time'/>"),
         "<iq id='i' type='error'>" CONDITION("cancel", "service-unavailable") "</iq>"},
        {"<iq to='" SERVICE "' type='set' id='i'>" ITEMS("") "</iq>",
         "<iq from='" SERVICE "' id='i' type='error'>" CONDITION("cancel", "not-allowed") "</iq>"},
        {"<iq to='" SERVICE "/x' type='get' id='i'><ping xmlns='urn:xmpp:ping'/></iq>",
         "<iq from='" SERVICE
         "/x' id='i' type='error'>" CONDITION("cancel", "service-unavailable") "</iq>"},
        {GET("<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>"),
         "<iq id='i' type='error'>" CONDITION("cancel", "item-not-found") "</iq>"},
        {GET("<query xmlns='http://jabber.org/protocol/disco#items' node='x'/>"),
         "<iq id='i' type='error'>" CONDITION("cancel", "item-not-found") "</iq>"},
        {GET(""), "<iq id='i' type='error'>" CONDITION("modify", "bad-request") "</iq>"},
        {"<iq to='" SERVICE "' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
         "<iq type='error'>" CONDITION("modify", "bad-request") "</iq>"},
        {GET(ITEMS(SET("<max>many</max>"))),
         "<iq id='i' type='error'>" CONDITION("modify", "bad-request") "</iq>"},
    };
    struct world *world = *state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        say(world, ROMEO, cases[i].stanza);
        expect(world, ROMEO, cases[i].answer);
        expect_nothing(world, ROMEO);
    }
}

static void what_it_swallows(void **state)
{
    static const char *const stanzas[] = {
        "<presence to='" SERVICE "' type='unavailable'/>",
        "<presence to='" SERVICE "' type='error'><error type='cancel'/></presence>",
        "<message to='" SERVICE "' type='error'><error type='cancel'/></message>",
        "<iq to='" SERVICE "' type='error' id='i'><error type='cancel'/></iq>",
        "<iq to='" SERVICE "' type='result' id='i'/>",
    };
    struct world *world = *state;
    for (unsigned i = 0; i < ARRAY_LEN(stanzas); i++)
        say(world, ROMEO, stanzas[i]);
    expect_nothing(world, ROMEO);
}

/* @covers 0045#disco-rooms.public */
static void public_rooms_are_listed(void **state)
{
    struct world *world = *state;
    say(world, JULIET, GET(ITEMS("")));
    expect(world, JULIET, "<iq from='" SERVICE "' id='i' type='result'>" ITEMS("") "</iq>");
    enter_room(world, "beta");
    enter_room(world, "alpha");
    enter_room(world, "hidden");
    configure(world, "hidden", "publicroom", "0");
    say(world, ROMEO,
        "<iq to='hidden@" SERVICE "' type='set' id='a'>"
        "<query xmlns='http://jabber.org/protocol/muc#admin'>"
        "<item jid='juliet@localhost' affiliation='member'/></query></iq>");
    world_forget(world); /* not for its members either */
    configure(world, "beta", "roomname", "Second &lt;letter&gt;");
    say(world, JULIET, GET(ITEMS("")));
    expect(world, JULIET,
           "<iq id='i' type='result'>" ITEMS("<item jid='alpha@" SERVICE "'/>"
                                             "<item jid='beta@" SERVICE
                                             "' name='Second &lt;letter&gt;'/>") "</iq>");
    say(world, ROMEO, "<presence to='alpha@" SERVICE "' type='unavailable'/>");
    configure(world, "hidden", "publicroom", "1");
    say(world, JULIET, GET(ITEMS("")));
    expect(world, JULIET,
           "<iq id='i' type='result'>" ITEMS("<item jid='beta@" SERVICE
                                             "' name='Second &lt;letter&gt;'/>"
                                             "<item jid='hidden@" SERVICE "'/>") "</iq>");
}

/* Nor is one that is being configured, or that has been destroyed. */
/* @covers 0045#disco-rooms.public */
static void only_rooms_that_are_there_are_listed(void **state)
{
    struct world_config config = {.locked = true};
    struct world *world = world_new(&config);
    UNUSED(state);
    world_client(world, ROMEO);
    world_client(world, JULIET);
    enter_room(world, "new");
    say(world, JULIET, GET(ITEMS("")));
    expect(world, JULIET, "<iq id='i' type='result'>" ITEMS("") "</iq>");
    configure(world, "new", "roomname", "New");
    say(world, JULIET, GET(ITEMS("")));
    expect(world, JULIET,
           "<iq id='i' type='result'>" ITEMS("<item jid='new@" SERVICE "' name='New'/>") "</iq>");
    say(world, ROMEO,
        "<iq id='d' type='set' to='new@" SERVICE "'><query "
        "xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>");
    say(world, JULIET, GET(ITEMS("")));
    expect(world, JULIET, "<iq id='i' type='result'>" ITEMS("") "</iq>");
    world_free(world);
}

static void ten_rooms(struct world *world)
{
    static const char *const names[] = {"d", "a", "j", "c", "g", "b", "i", "e", "h", "f"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        enter_room(world, names[i]);
    hush(world);
}

/* The rooms of the answer, one letter each, then "first index/count"; "-" for no first. */
static void expect_page(struct world *world, const char *set, const char *expected)
{
    char xml[400], got[64];
    size_t len = 0;
    snprintf(xml, sizeof(xml), GET(ITEMS(SET("%s"))), set);
    say(world, JULIET, xml);
    const char *came = world_next(world, JULIET);
    assert_non_null(came);
    for (const char *at = came; (at = strstr(at, "<item jid='")) != NULL; at++)
        got[len++] = at[strlen("<item jid='")];
    const char *index = strstr(came, "index='"), *count = strstr(came, "<count>");
    assert_non_null(count);
    snprintf(got + len, sizeof(got) - len, " %.1s/%d", index == NULL ? "-" : index + 7,
             atoi(count + 7));
    if (strcmp(got, expected) != 0)
        print_error("asked %s\ncame  %s\n", set, came);
    assert_string_equal(got, expected);
}

static void page_by_page(void **state)
{
    struct world *world = *state;
    ten_rooms(world);
    expect_page(world, "<max>4</max>", "abcd 0/10");
    expect_page(world, "<max>4</max><after>d@" SERVICE "</after>", "efgh 4/10");
    expect_page(world, "<max>4</max><after>h@" SERVICE "</after>", "ij 8/10");
    expect_page(world, "<max>4</max><after>j@" SERVICE "</after>", " -/10");
    expect_page(world, "<max>4</max><before/>", "ghij 6/10");
    expect_page(world, "<max>4</max><before>g@" SERVICE "</before>", "cdef 2/10");
    expect_page(world, "<max>4</max><before>c@" SERVICE "</before>", "ab 0/10");
    expect_page(world, "<max>4</max><before>a@" SERVICE "</before>", " -/10");
    expect_page(world, "<max>3</max><index>5</index>", "fgh 5/10");
    expect_page(world, "<max>3</max><index>50</index>", " -/10");
    expect_page(world, "<max>0</max>", " -/10");
    expect_page(world, "", "abcdefghij 0/10");
    /* a room that is gone still tells where it stood */
    say(world, ROMEO, "<presence to='d@" SERVICE "' type='unavailable'/>");
    expect_page(world, "<max>2</max><after>d@" SERVICE "</after>", "ef 3/9");
    expect_page(world, "<max>2</max><before>d@" SERVICE "</before>", "bc 1/9");
}

/* Without paging the list is capped, and says so. */
/* @covers 0045#disco-rooms.partial */
static void a_long_list_is_capped(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i <= DISCO_ITEMS_PAGE; i++) {
        char name[20];
        snprintf(name, sizeof(name), "room%05u", i);
        enter_room(world, name);
    }
    say(world, JULIET, GET(ITEMS("")));
    const char *came = world_next(world, JULIET);
    unsigned items = 0;
    for (const char *at = came; (at = strstr(at, "<item ")) != NULL; at++)
        items++;
    assert_int_equal(items, DISCO_ITEMS_PAGE);
    char count[40];
    snprintf(count, sizeof(count), "<count>%d</count>", DISCO_ITEMS_PAGE + 1);
    assert_non_null(strstr(came, count));
    say(world, JULIET, GET(ITEMS(SET("<max>100000</max>"))));
    came = world_next(world, JULIET);
    assert_null(strstr(came, "room00500"));
    say(world, ROMEO, "<presence to='room00000@" SERVICE "' type='unavailable'/>");
    say(world, JULIET, GET(ITEMS("")));
    came = world_next(world, JULIET);
    assert_null(strstr(came, "<set ")); /* all of it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_is),
        TEST(how_late_it_is),
        TEST(only_rooms_that_are_there_are_listed),
        TEST(what_it_refuses),
        TEST(what_it_swallows),
        TEST(public_rooms_are_listed),
        TEST(page_by_page),
        TEST(a_long_list_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
