#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

static void whispers(struct world *w, const char *from, const char *nick)
{
    says(w, from, "<message to='" ROOM "/%s' type='chat' id='p'><body>Psst</body></message>", nick);
}

/* Who may send, by each value; with both vocabularies. Paris is a visitor, Juliet a member, Romeo
 * the owner. */
static void who_may_send(void **state)
{
    static const struct {
        const char *value;
        bool visitor, member, moderator;
    } rows[] = {
        {"anyone", true, true, true},       {"participants", false, true, true},
        {"moderators", false, false, true}, {"none", false, false, false},
        {"visitor", true, true, true},      {"participant", false, true, true},
        {"moderator", false, false, true},  {"affiliated", false, true, true},
    };
    static const char *const options[] = {"moderated=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        configures(w, ROMEO, "muc#roomconfig_allowpm", rows[i].value);
        whispers(w, PARIS, "Juliet");
        assert_int_equal(world_unread(w, JULIET), rows[i].visitor);
        assert_int_equal(world_unread(w, PARIS), !rows[i].visitor);
        world_forget(w);
        whispers(w, JULIET, "Paris");
        assert_int_equal(world_unread(w, PARIS), rows[i].member);
        world_forget(w);
        whispers(w, ROMEO, "Paris");
        assert_int_equal(world_unread(w, PARIS), rows[i].moderator);
        world_forget(w);
    }
    configures(w, ROMEO, "muc#roomconfig_allowpm", "none");
    configures(w, ROMEO, "{xmpp:prosody.im}muc#allow_modpm", "1");
    whispers(w, PARIS, "Romeo");
    reads(w, ROMEO, "<message from='" ROOM "/Paris' type='chat'><body>Psst</body></message>");
    whispers(w, PARIS, "Juliet");
    reads_error(w, PARIS, "auth", "forbidden");
    world_free(w);
}

/* To whom visitors may, within what is allowed to all: Paris is one, Juliet is not, Romeo
 * moderates. */
static void to_whom_visitors_may_send(void **state)
{
    static const struct {
        const char *allow_pm, *moderator_pm, *value;
        bool participant, moderator;
    } rows[] = {
        {"anyone", "0", "anyone", true, true},
        {"anyone", "0", "moderators", false, true},
        {"anyone", "0", "nobody", false, false},
        {"anyone", "1", "nobody", false, true},
        {"participants", "0", "moderators", false, false},
        {"participants", "1", "nobody", false, true},
    };
    static const char *const options[] = {"moderated=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        configures(w, ROMEO, "muc#roomconfig_allowpm", rows[i].allow_pm);
        configures(w, ROMEO, "{xmpp:prosody.im}muc#allow_modpm", rows[i].moderator_pm);
        configures(w, ROMEO, "allow_private_messages_from_visitors", rows[i].value);
        whispers(w, PARIS, "Juliet");
        assert_int_equal(world_unread(w, JULIET), rows[i].participant);
        if (!rows[i].participant)
            reads_error(w, PARIS, "auth", "forbidden");
        whispers(w, PARIS, "Romeo");
        assert_int_equal(world_unread(w, ROMEO), rows[i].moderator);
        if (!rows[i].moderator)
            reads_error(w, PARIS, "auth", "forbidden");
        world_forget(w);
        whispers(w, JULIET, "Paris"); /* others are not concerned, nor is oneself */
        assert_int_equal(world_unread(w, PARIS), 1);
        whispers(w, PARIS, "Paris");
        assert_int_equal(world_unread(w, PARIS), 2);
        world_forget(w);
    }
    world_free(w);
}

static void no_other_value(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>"
         "http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='allow_private_messages_from_visitors'><value>owners</value></field></x>"
         "</query></iq>");
    reads_error(w, ROMEO, "modify", "not-acceptable");
    assert_int_equal(world_room(w, ROOM)->options.visitor_pm, VISITOR_PM_ANYONE);
    world_free(w);
}

/* An invitation from one to one is no business of the room. */
static void direct_invitations_pass(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS,
         "<message to='" ROOM "/Romeo' id='p'><x xmlns='jabber:x:conference' "
         "jid='tomb@conference.localhost' password='dagger' reason='Come'/></message>");
    reads(w, ROMEO,
          "<message from='" ROOM "/Paris' id='p'><x xmlns='jabber:x:conference' "
          "jid='tomb@conference.localhost' password='dagger' reason='Come'/></message>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* @covers 0045#enter-conflict.private 0045#privatemessage.x */
static void to_every_session_of_one(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    says(w, ROMEO,
         "<message to='" ROOM "/Juliet' id='p'><body>Normal</body>"
         "<stanza-id xmlns='urn:xmpp:sid:0' by='" ROOM "' id='forged'/></message>");
    static const char *const both[] = {JULIET, JULIET_2};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        const char *came = world_next(w, both[i]);
        assert_non_null(came);
        assert_non_null(strstr(came, "<x xmlns='" NS_USER "'/>"));
        assert_null(strstr(came, "stanza-id"));
        assert_null(strstr(came, "type="));
        reads_nothing(w, both[i]);
    }
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* An address is exact, although no other spelling of it can be taken. */
/* @covers 0045#privatemessage.nobody */
static void nicknames_are_exact(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    whispers(w, ROMEO, "paris");
    reads_error(w, ROMEO, "cancel", "item-not-found");
    world_free(w);
}

/* Errors that come back are delivered without what could name an address; to nobody, they are lost.
 * */
static void bounces(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS,
         "<message to='" ROOM "/Romeo' type='error' id='p'><body>Psst</body>"
         "<error type='auth' by='paris@localhost'>"
         "<redirected xmlns='urn:example:app' seconds='5'><why>busy</why></redirected>"
         "<owner xmlns='urn:example:app'><jid>paris@localhost</jid></owner>"
         "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>paris@localhost</forbidden>"
         "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>paris@localhost says no</text>"
         "</error></message>");
    const char *came = world_next(w, ROMEO);
    assert_non_null(came);
    assert_null(strstr(came, "paris@localhost"));
    char *difference = match_difference(
        "<message from='" ROOM "/Paris' type='error' id='p'><error type='auth'>"
        "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "<redirected xmlns='urn:example:app' seconds='5'><why>busy</why></redirected></error>"
        "<x xmlns='" NS_USER "'/></message>",
        came);
    assert_null(difference);
    says(w, PARIS,
         "<message to='" ROOM "/Nobody' type='error' id='p'><error type='auth'>"
         "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    world_free(w);
}

/* What an application says of its error is kept; all of it where addresses are no secret. */
static void bounces_in_the_open(void **state)
{
    static const char *const open[] = {"whois=anyone", NULL};
    struct world *w = world_with(open);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS,
         "<message to='" ROOM "/Romeo' type='error' id='p'><error type='auth'>"
         "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
         "<owner xmlns='urn:example:app'><jid>paris@localhost</jid></owner></error></message>");
    reads(w, ROMEO,
          "<message from='" ROOM "/Paris' type='error' id='p'><error type='auth'>"
          "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
          "<owner xmlns='urn:example:app'><jid>paris@localhost</jid></owner></error></message>");
    world_free(w);
}

static void bounces_to(struct world *w, const char *from, const char *nick, const char *error)
{
    world_forget(w);
    says(w, from, "<message to='" ROOM "/%s' type='error' id='p'>%s</message>", nick, error);
}

#define POLICY "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
#define WORDS                                                                                      \
    "<error type='modify'>" POLICY "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Buy</text>"  \
    "<spam xmlns='urn:spam'>Buy at http://spam.example</spam></error>"

/* An error is an answer: it goes where a message could have come from. Who may not write there
 * itself says nothing by it but which error it is. Paris is a visitor, Juliet a member. */
static void bounces_are_no_way_around(void **state)
{
    static const struct {
        const char *allow_pm, *visitor_pm;
        bool to_member, to_visitor, with_words;
    } rows[] = {
        {"anyone", "anyone", true, true, true},
        {"anyone", "nobody", true, false, false},
        {"participants", "anyone", true, false, false},
        {"moderators", "anyone", false, false, false},
        {"affiliated", "anyone", true, false, false},
        {"none", "anyone", false, false, false},
    };
    static const char *const options[] = {"moderated=on", "whois=anyone", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        configures(w, ROMEO, "muc#roomconfig_allowpm", rows[i].allow_pm);
        configures(w, ROMEO, "allow_private_messages_from_visitors", rows[i].visitor_pm);
        bounces_to(w, PARIS, "Juliet", WORDS);
        assert_int_equal(world_unread(w, JULIET), rows[i].to_member);
        assert_int_equal(world_unread(w, PARIS), 0);
        const char *came = world_next(w, JULIET);
        if (came != NULL) {
            assert_non_null(strstr(came, "<policy-violation"));
            assert_true((strstr(came, "spam") != NULL) == rows[i].with_words);
            assert_true((strstr(came, "<text") != NULL) == rows[i].with_words);
        }
        bounces_to(w, JULIET, "Paris", WORDS);
        assert_int_equal(world_unread(w, PARIS), rows[i].to_visitor);
        bounces_to(w, PARIS, "Paris", WORDS);
        assert_int_equal(world_unread(w, PARIS), 1);
    }
    configures(w, ROMEO, "{xmpp:prosody.im}muc#allow_modpm", "1");
    bounces_to(w, PARIS, "Romeo", WORDS);
    assert_non_null(strstr(world_next(w, ROMEO), "spam"));
    assert_int_equal(world_room(w, ROOM)->session_count, 3);
    world_free(w);
}

/* One condition of ours, one of an application, some words: each once, and short. */
static void bounces_are_small(void **state)
{
    static const char *const open[] = {"whois=anyone", NULL};
    struct world *w = world_with(open);
    char big[BOUNCE_WORDS_BYTES_MAX + 1], *text;
    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    text = text_of("<error type='spam'>" POLICY
                   "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                   "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s</text>"
                   "<a xmlns='urn:example:app'>%s</a><b xmlns='urn:example:app'/>"
                   "<c xmlns='urn:example:app'/></error>",
                   big, big);
    bounces_to(w, PARIS, "Romeo", text);
    free(text);
    const char *came = world_next(w, ROMEO);
    assert_non_null(came);
    char *difference = match_difference("<message from='" ROOM "/Paris' type='error' id='p'>"
                                        "<error type='cancel' scansion:strict='true'>" POLICY
                                        "<b xmlns='urn:example:app'/></error>"
                                        "<x xmlns='" NS_USER "'/></message>",
                                        came);
    if (difference != NULL)
        print_error("%s: %s\n", difference, came);
    assert_null(difference);
    assert_null(strstr(came, "forbidden"));
    assert_null(strstr(came, "xxxx"));
    assert_null(strstr(came, "<c "));
    assert_null(strstr(came, "type='spam'"));
    world_free(w);
}

/* @covers 0045#i18n.lang */
static void the_language_goes_along(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS,
         "<message to='" ROOM "/Romeo' type='chat' xml:lang='it'><body>x</body></message>");
    const char *came = world_next(w, ROMEO);
    assert_non_null(came);
    assert_non_null(strstr(came, " xml:lang='it'>"));
    world_free(w);
}

/* @covers 0045#privatemessage.groupchat 0045#privatemessage.stranger */
static void each_type_but_groupchat_is_delivered(void **state)
{
    static const char *const types[] = {"type='chat'", "type='normal'", "type='headline'", ""};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        says(w, PARIS, "<message to='" ROOM "/Romeo' %s id='p'><body>x</body></message>", types[i]);
        reads(w, ROMEO,
              "<message from='" ROOM "/Paris' to='" ROMEO "' %s id='p'><body>x</body></message>",
              types[i]);
        reads_nothing(w, PARIS);
    }
    says(w, PARIS, "<message to='" ROOM "/Romeo' type='groupchat' id='p'><body>x</body></message>");
    reads_error(w, PARIS, "modify", "bad-request");
    reads_nothing(w, ROMEO);
    says(w, JULIET,
         "<message to='" ROOM "/Romeo' type='groupchat' id='p'><body>x</body></message>");
    reads_error(w, JULIET, "cancel", "not-acceptable");
    says(w, JULIET, "<message to='" ROOM "/Romeo' type='chat' id='p'><body>x</body></message>");
    reads_error(w, JULIET, "cancel", "not-acceptable");
    reads_nothing(w, ROMEO);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_send),
        cmocka_unit_test(to_whom_visitors_may_send),
        cmocka_unit_test(no_other_value),
        cmocka_unit_test(direct_invitations_pass),
        cmocka_unit_test(to_every_session_of_one),
        cmocka_unit_test(nicknames_are_exact),
        cmocka_unit_test(bounces),
        cmocka_unit_test(bounces_in_the_open),
        cmocka_unit_test(bounces_are_no_way_around),
        cmocka_unit_test(bounces_are_small),
        cmocka_unit_test(the_language_goes_along),
        cmocka_unit_test(each_type_but_groupchat_is_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
