#include "core/base/limits.h"
#include "core/muc/room.h"
#include "core/xmpp/stamp.h"
#include "tests/support/talk.h"

static void speaks(struct world *w, const char *body)
{
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='%s'><body>%s</body></message>",
         body, body);
    world_forget(w);
}

/* Paris enters with that <history/> and leaves again; how many messages he was shown, which were
 * the newest, in order. */
static unsigned shown(struct world *w, const char *history, unsigned said)
{
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'>%s</x></presence>", history);
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    unsigned messages = world_unread(w, PARIS) - 1;
    for (unsigned i = said - messages; i < said; i++)
        reads(w, PARIS, "<message from='" ROOM "/Romeo' id='m%u'/>", i);
    reads(w, PARIS, "<message from='" ROOM "'><subject/></message>");
    reads_nothing(w, PARIS);
    leaves(w, PARIS);
    return messages;
}

static struct world *world_of_messages(unsigned count)
{
    static const char *const options[] = {"history=30", "history_default=10", NULL};
    struct world *w = world_with(options);
    char body[16];
    enters(w, ROMEO, "Romeo");
    for (unsigned i = 0; i < count; i++) {
        snprintf(body, sizeof(body), "m%u", i);
        speaks(w, body);
        world_advance(w, 1000000);
    }
    return w;
}

/* @covers 0045#enter-history.after-presence 0045#enter-history.before-subject */
/* @covers 0045#enter-managehistory.least 0045#enter-managehistory.bounded */
static void counts(void **state)
{
    struct world *w = world_of_messages(40);
    (void)state;
    assert_int_equal(world_room(w, ROOM)->history.count, 30);
    assert_int_equal(shown(w, "", 40), 10);
    assert_int_equal(shown(w, "<history/>", 40), 10);
    assert_int_equal(shown(w, "<history maxstanzas='7'/>", 40), 7);
    assert_int_equal(shown(w, "<history maxstanzas='0'/>", 40), 0);
    assert_int_equal(shown(w, "<history maxstanzas='1000'/>", 40), 30);
    assert_int_equal(shown(w, "<history maxstanzas='18446744073709551616'/>", 40), 10);
    assert_int_equal(shown(w, "<history maxstanzas='-1'/>", 40), 10);
    assert_int_equal(shown(w, "<history maxstanzas='2.5'/>", 40), 10);
    world_free(w);
}

/* Characters of the whole stanzas as they are sent; a stanza that does not fit ends the list. */
/* @covers 0045#enter-managehistory.least 0045#enter-managehistory.whole */
static void characters(void **state)
{
    struct world *w = world_of_messages(3);
    char history[64];
    size_t newest = 0, two = 0;
    (void)state;
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    for (const char *came; (came = world_next(w, PARIS)) != NULL;) {
        if (strstr(came, "id='m1'") != NULL)
            two += strlen(came);
        if (strstr(came, "id='m2'") != NULL)
            newest = strlen(came);
    }
    two += newest;
    leaves(w, PARIS);
    assert_true(newest > 0 && two > newest);
    snprintf(history, sizeof(history), "<history maxchars='%zu'/>", newest);
    assert_int_equal(shown(w, history, 3), 1);
    snprintf(history, sizeof(history), "<history maxchars='%zu'/>", newest - 1);
    assert_int_equal(shown(w, history, 3), 0);
    snprintf(history, sizeof(history), "<history maxchars='%zu'/>", two);
    assert_int_equal(shown(w, history, 3), 2);
    snprintf(history, sizeof(history), "<history maxchars='%zu' maxstanzas='1'/>", two);
    assert_int_equal(shown(w, history, 3), 1);
    assert_int_equal(shown(w, "<history maxchars='0'/>", 3), 0);
    world_free(w);
}

/* Not bytes: a character of two bytes counts once. */
/* @covers 0045#enter-managehistory.whole */
static void characters_are_not_bytes(void **state)
{
    struct world *w = world_with(NULL);
    char history[64];
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat' id='m0'><body>\xC3\xA4\xC3\xB6</body>"
         "</message>");
    world_forget(w);
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    size_t bytes = strlen(world_next(w, PARIS));
    leaves(w, PARIS);
    snprintf(history, sizeof(history), "<history maxchars='%zu'/>", bytes - 2);
    assert_int_equal(shown(w, history, 1), 1);
    snprintf(history, sizeof(history), "<history maxchars='%zu'/>", bytes - 3);
    assert_int_equal(shown(w, history, 1), 0);
    world_free(w);
}

/* One message a second: ages and moments, and the moment of a message belongs to it. */
/* @covers 0045#enter-managehistory.least */
static void times(void **state)
{
    struct world *w = world_of_messages(5);
    struct arena *arena = arena_new(4096);
    char history[160];
    (void)state;
    int64_t third_us = room_history_at(world_room(w, ROOM), 2)->at_us;
    const char *at = stamp_text(arena, third_us).at, *after = stamp_text(arena, third_us + 1).at;

    snprintf(history, sizeof(history), "<history since='%s'/>", at);
    assert_int_equal(shown(w, history, 5), 3);
    snprintf(history, sizeof(history), "<history since='%s'/>", after);
    assert_int_equal(shown(w, history, 5), 2);
    snprintf(history, sizeof(history), "<history since='%s' seconds='1'/>", at);
    assert_in_range(shown(w, history, 5), 0, 1);
    snprintf(history, sizeof(history), "<history since='%s' seconds='3600' maxstanzas='1'/>", at);
    assert_int_equal(shown(w, history, 5), 1);
    assert_int_equal(shown(w, "<history seconds='3600'/>", 5), 5);
    assert_int_equal(shown(w, "<history seconds='18446744073709551615'/>", 5), 5);
    assert_int_equal(shown(w, "<history seconds='0'/>", 5), 0);
    assert_int_equal(shown(w, "<history since='1970-01-01T00:00:00Z'/>", 5), 5);
    assert_int_equal(shown(w, "<history since='tomorrow' seconds='x'/>", 5), 5);
    arena_free(arena);
    world_free(w);
}

/* For operators whose clients name the time of the last message they have. */
static void since_can_leave_the_moment_out(void **state)
{
    static const char *const options[] = {"since_exclusive=on", NULL};
    struct world *w = world_with(options);
    struct arena *arena = arena_new(4096);
    char history[160];
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (unsigned i = 0; i < 3; i++) {
        char id[] = {'m', (char)('0' + i), '\0'};
        speaks(w, id);
        world_advance(w, 1000000);
    }
    int64_t second_us = room_history_at(world_room(w, ROOM), 1)->at_us;
    snprintf(history, sizeof(history), "<history since='%s'/>", stamp_text(arena, second_us).at);
    assert_int_equal(shown(w, history, 3), 1);
    snprintf(history, sizeof(history), "<history since='%s'/>",
             stamp_text(arena, second_us - 1).at);
    assert_int_equal(shown(w, history, 3), 2);
    arena_free(arena);
    world_free(w);
}

/* @covers 0045#subject-mod.body */
static void what_is_kept(void **state)
{
    static const struct {
        const char *inside;
        bool kept;
    } cases[] = {
        {"<body>x</body>", true},
        {"<body/>", true},
        {"<subject>s</subject><body>x</body>", true},
        {"<subject>s</subject><thread>t</thread>", false},
        {"<subject>s</subject>", false},
        {"<composing xmlns='http://jabber.org/protocol/chatstates'/>", false},
        {"<store xmlns='urn:xmpp:hints'/>", true},
        {"<body>x</body><no-store xmlns='urn:xmpp:hints'/>", false},
        {"<body>x</body><no-permanent-store xmlns='urn:xmpp:hints'/>", false},
        {"<store xmlns='urn:xmpp:hints'/><no-store xmlns='urn:xmpp:hints'/>", false},
        {"<encryption xmlns='urn:xmpp:eme:0' namespace='x'/>", true},
        {"<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>", true},
        {"<received xmlns='urn:xmpp:receipts' id='x'/>", false},
        {"<body xmlns='urn:other'>x</body>", false},
    };
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t before = world_room(w, ROOM)->history.count;
        says(w, ROMEO, "<message to='" ROOM "' type='groupchat'>%s</message>", cases[i].inside);
        assert_int_equal(world_room(w, ROOM)->history.count - before, cases[i].kept);
        assert_int_equal(world_unread(w, ROMEO), 1);
        world_forget(w);
    }
    says(w, ROMEO, "<message to='" ROOM "/Romeo' type='chat'><body>x</body></message>");
    assert_int_equal(world_room(w, ROOM)->history.count, 6);
    world_free(w);
}

/* The very frame: with the nickname of then, its ids, and the delay in the end. */
/* @covers 0045#enter-history.delay 0045#i18n.lang 0045#bizrules-message.extensions */
static void as_it_was_sent(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat' id='a' xml:lang='it'><body>Ciao</body>"
         "</message>");
    char *live = text_of("%s", world_next(w, ROMEO));
    says(w, ROMEO, "<presence to='" ROOM "/Montague'/>");
    world_forget(w);
    says(w, PARIS, "<presence to='" ROOM "/Romeo'><x xmlns='" NS_X "'/></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Montague'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    char *end = strstr(live, "</message>");
    *end = '\0';
    const char *inside = strstr(live, "<body>");
    assert_non_null(inside);
    reads(w, PARIS,
          "<message xmlns:scansion='https://matthewwild.co.uk/projects/scansion' "
          "from='" ROOM "/Romeo' to='" PARIS "' type='groupchat' id='a' xml:lang='it'>%s"
          "<delay xmlns='urn:xmpp:delay' from='" ROOM "' stamp='{scansion:any}'/></message>",
          inside);
    free(live);
    world_free(w);
}

/* What an owner brings along of an earlier conversation keeps its time, and only that (7.9). Who is
 * no owner, or speaks for the room, has no say in when something was said here. */
/* @covers 0045#continue.delay */
static void earlier_conversation_keeps_its_time(void **state)
{
    static const char then[] =
        "<delay xmlns='urn:xmpp:delay' from='%s' stamp='2004-09-29T01:54:37Z'/>";
    struct world *w = world_with(NULL);
    char *delays[] = {text_of(then, ROMEO), text_of(then, ROOM), text_of(then, PARIS)};
    const char *const says_it[] = {ROMEO, ROMEO, PARIS};
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    for (unsigned i = 0; i < ARRAY_LEN(delays); i++)
        says(w, says_it[i], "<message to='" ROOM "' type='groupchat'><body>%u</body>%s</message>",
             i, delays[i]);
    hush(w);
    join(w, JULIET, "Juliet");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    for (unsigned i = 0; i < ARRAY_LEN(delays); i++) {
        const char *came = world_next(w, JULIET);
        assert_non_null(came);
        bool by_room = strstr(came, "<delay xmlns='urn:xmpp:delay' from='" ROOM "'") != NULL;
        assert_int_equal(by_room, i != 0);
        assert_int_equal(strstr(came, "2004-09-29T01:54:37Z") != NULL, i != 1);
        free(delays[i]);
    }
    world_free(w);
}

/* The most a room keeps, and one more; then the owner keeps less. */
/* @covers 0045#enter-managehistory.bounded */
static void the_most_a_room_keeps(void **state)
{
    static const char *const options[] = {"history=500", "history_default=500", NULL};
    struct world *w = world_with(options);
    char body[16];
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (unsigned i = 0; i <= ROOM_HISTORY_MAX; i++) {
        snprintf(body, sizeof(body), "m%u", i);
        speaks(w, body);
    }
    assert_int_equal(world_room(w, ROOM)->history.count, ROOM_HISTORY_MAX);
    assert_int_equal(shown(w, "", ROOM_HISTORY_MAX + 1), ROOM_HISTORY_MAX);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='f'><query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
         "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='muc#roomconfig_historylength'><value>501</value></field></x></query></iq>");
    reads_error(w, ROMEO, "modify", "not-acceptable");
    configures(w, ROMEO, "muc#maxhistoryfetch", "3");
    assert_int_equal(world_room(w, ROOM)->history.count, 3);
    assert_int_equal(shown(w, "", ROOM_HISTORY_MAX + 1), 3);
    configures(w, ROMEO, "muc#roomconfig_historylength", "0");
    assert_int_equal(shown(w, "<history maxstanzas='5'/>", ROOM_HISTORY_MAX + 1), 0);
    world_free(w);
}

/* Not when somebody comes who is shown it; and to all who come the same. */
/* @covers 0045#enter-history.delay */
static void each_says_when_it_was_said(void **state)
{
    static const char *const who[] = {JULIET, PARIS};
    struct world *w = world_with(NULL);
    struct arena *arena = arena_new(1024);
    struct str said[2];
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        world_advance(w, INT64_C(60000000));
        says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><body>%u</body></message>",
             (unsigned)i);
        said[i] = stamp_text(arena, world_now(w));
    }
    for (size_t k = 0; k < ARRAY_LEN(who); k++) {
        world_advance(w, INT64_C(60000000));
        world_forget(w);
        join(w, who[k], k == 0 ? "Juliet" : "Paris");
        for (size_t i = 0; i < 2 + k; i++)
            assert_non_null(world_next(w, who[k])); /* the presences */
        for (size_t i = 0; i < ARRAY_LEN(said); i++)
            reads(w, who[k],
                  "<message from='" ROOM "/Romeo' type='groupchat'><body>%u</body>"
                  "<delay xmlns='urn:xmpp:delay' from='" ROOM "' stamp='%.*s'/></message>",
                  (unsigned)i, (int)said[i].len, said[i].at);
    }
    arena_free(arena);
    world_free(w);
}

/* What the archive has deleted newcomers are not shown, however long the room is in memory. */
static void no_more_than_retention_leaves(void **state)
{
    static const char *const plain[] = {"ping_minutes=0", "persistent=on", "archive=on", NULL};
    static const char *const day[] = {"ping_minutes=0", "persistent=on", "archive=on",
                                      "keep_days=1", NULL};
    static const char *const two[] = {"ping_minutes=0", "persistent=on", "archive=on",
                                      "keep_count=2", NULL};
    static const char *const off[] = {"ping_minutes=0", "persistent=on", "keep_days=1",
                                      "keep_count=2", NULL};
    static const char *const temporary[] = {"ping_minutes=0", "keep_days=1", "keep_count=2", NULL};
    static const struct {
        const char *const *options;
        uint32_t keep_days, keep_count; /* of the service */
        unsigned shown;
    } rows[] =
        {
            {plain, 0, 0, 6},     {day, 0, 0, 3}, {two, 0, 0, 2}, {plain, 1, 0, 3},
            {plain, 0, 2, 2},     {day, 9, 9, 3}, {two, 9, 9, 2}, {plain, 2, 5, 5},
            {off, 0, 0, 3},       /* nothing is archived, so nothing is counted */
            {temporary, 1, 1, 6}, /* it is in no store */
        };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world_config config = {.options = rows[i].options,
                                      .durable = true,
                                      .keep_days = rows[i].keep_days,
                                      .keep_count = rows[i].keep_count};
        struct world *w = world_new(&config);
        world_client(w, ROMEO);
        world_client(w, PARIS);
        enters(w, ROMEO, "Romeo");
        for (unsigned m = 0; m < 6; m++) {
            char *body = text_of("m%u", m);
            speaks(w, body);
            free(body);
            world_advance(w, INT64_C(7) * 3600 * 1000000);
        }
        world_forget(w);
        unsigned messages = shown(w, "", 6);
        if (messages != rows[i].shown)
            fail_msg("row %zu: %u messages instead of %u", i, messages, rows[i].shown);
        world_forget(w);
        messages = shown(w, "<history maxstanzas='100'/>", 6);
        assert_int_equal(messages, rows[i].shown);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(characters),
        cmocka_unit_test(characters_are_not_bytes),
        cmocka_unit_test(times),
        cmocka_unit_test(since_can_leave_the_moment_out),
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(as_it_was_sent),
        cmocka_unit_test(earlier_conversation_keeps_its_time),
        cmocka_unit_test(the_most_a_room_keeps),
        cmocka_unit_test(each_says_when_it_was_said),
        cmocka_unit_test(no_more_than_retention_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
