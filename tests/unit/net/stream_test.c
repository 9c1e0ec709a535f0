/*
 * A client's stream up to the log-in: headers, features, STARTTLS, SASL, and what must not be said
 * before. (After it: stream_account_test.c.)
 */
#include "tests/support/stream_side.h"

#define STREAMS " xmlns='urn:ietf:params:xml:ns:xmpp-streams'"
#define SASL    " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define TLS     " xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
#define HEADER(id)                                                                                 \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' id='" id "' from='localhost' "                \
    "version='1.0' xml:lang='en'>"
#define FIRST_ID "01010101010101010101010101010101"
#define MECHANISMS                                                                                 \
    "<mechanisms" SASL "><mechanism>SCRAM-SHA-256</mechanism>"                                     \
    "<mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism>"
#define REGISTER "<register xmlns='http://jabber.org/features/iq-register'/>"
#define AFTER_LOGIN                                                                                \
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"                            \
    "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session></stream:features>"
#define AUTH(mechanism, data) "<auth" SASL " mechanism='" mechanism "'>" data "</auth>"
#define FAILED(condition)     "<failure" SASL "><" condition "/></failure>"

static void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in '%s'", part, text);
}

/* Ends in a stream error with that condition and the end of the connection. */
static void assert_stream_error(const char *said, const char *condition)
{
    assert_has(said, str_fmt(world.arena, "<stream:error><%s" STREAMS "/>", condition).at);
    assert_has(said, "</stream:error></stream:stream>[close]");
    assert_true(world.closed);
}

/* ---- headers and features ---- */

/* @covers 0077#streamfeature */
static void the_opening_is_answered(void **state)
{
    UNUSED(state);
    assert_string_equal(feed(STREAM_OPENING),
                        HEADER(FIRST_ID) "<stream:features>" MECHANISMS "</mechanisms>" REGISTER
                                         "</stream:features>");
    assert_false(stream_authenticated(world.stream));
}

static void features_follow_the_settings(void **state)
{
    UNUSED(state);
    world.settings.registration = false;
    world.settings.anonymous = true;
    world.settings.tls = true;
    assert_has(feed(STREAM_OPENING), "<stream:features><starttls" TLS "/>" MECHANISMS
                                     "<mechanism>ANONYMOUS</mechanism></mechanisms>"
                                     "</stream:features>");
}

static void a_header_without_to_is_for_us(void **state)
{
    UNUSED(state);
    assert_has(feed("<stream:stream xmlns='jabber:client' version='1.0' "
                    "xmlns:stream='http://etherx.jabber.org/streams'>"),
               "<stream:features>");
}

static void the_peer_is_called_as_it_calls_itself(void **state)
{
    UNUSED(state);
    const char *said = feed("<stream:stream xmlns='jabber:client' version='1.0' to='LocalHost' "
                            "from='Juliet@localhost/r' "
                            "xmlns:stream='http://etherx.jabber.org/streams'>");
    assert_has(said, " from='localhost' to='juliet@localhost' version='1.0'");
    assert_has(said, "<stream:features>");
}

static const char *opening(const char *ns, const char *to, const char *version)
{
    return str_fmt(world.arena,
                   "<stream:stream xmlns='%s' to='%s' %s "
                   "xmlns:stream='http://etherx.jabber.org/streams'>",
                   ns, to, version)
        .at;
}

static void bad_headers_are_named(void **state)
{
    static const struct {
        const char *ns, *to, *version, *condition;
    } bad[] = {
        {"jabber:server", "localhost", "version='1.0'", "invalid-namespace"},
        {"", "localhost", "version='1.0'", "invalid-namespace"},
        {"jabber:client", "elsewhere", "version='1.0'", "host-unknown"},
        {"jabber:client", "juliet@localhost", "version='1.0'", "host-unknown"},
        {"jabber:client", "@", "version='1.0'", "improper-addressing"},
        {"jabber:client", "localhost", "", "unsupported-version"},
        {"jabber:client", "localhost", "version='0.9'", "unsupported-version"},
        {"jabber:client", "localhost", "version='1'", "unsupported-version"},
        {"jabber:client", "localhost", "version='x.y'", "unsupported-version"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        end(state);
        begin(state);
        const char *said = feed(opening(bad[i].ns, bad[i].to, bad[i].version));
        assert_int_equal(strncmp(said, HEADER(FIRST_ID), strlen(HEADER(FIRST_ID))), 0);
        assert_stream_error(said, bad[i].condition);
    }
}

static void a_later_version_is_welcome(void **state)
{
    UNUSED(state);
    const char *said = feed(opening("jabber:client", "localhost", "version='2.7'"));
    assert_has(said, " version='1.0' ");
    assert_has(said, "<stream:features>");
}

/* What is no stream gets our header first, so that it can read the error. */
static void what_is_no_stream_is_told_so(void **state)
{
    static const struct {
        const char *bytes, *condition;
    } bad[] = {
        {"GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
        {"<stream xmlns='jabber:client'>", "invalid-namespace"},
        {"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>", "restricted-xml"},
        {"<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream>", "unsupported-encoding"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        end(state);
        begin(state);
        const char *said = feed(bad[i].bytes);
        assert_int_equal(strncmp(said, HEADER(FIRST_ID), strlen(HEADER(FIRST_ID))), 0);
        assert_stream_error(said, bad[i].condition);
    }
}

static void broken_xml_later_is_a_stream_error_too(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    const char *said = feed("<iq></message>");
    assert_stream_error(said, "not-well-formed");
    assert_has_not(said, "<?xml");
    assert_string_equal(feed("<presence/>"), "");
}

static void goodbye_is_answered(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    assert_string_equal(feed("</stream:stream>"), "</stream:stream>[close]");
    assert_string_equal(feed("<presence/>"), "");
}

static void we_may_say_goodbye_at_any_time(void **state)
{
    /* Before a word was said there is nothing to close but the connection. */
    stream_fail(world.stream, NULL, NULL);
    assert_string_equal(stream_world_look(&world), "[close]");
    end(state);
    begin(state);
    stream_fail(world.stream, "system-shutdown", NULL);
    assert_string_equal(stream_world_look(&world),
                        HEADER(FIRST_ID) "<stream:error><system-shutdown" STREAMS
                                         "/></stream:error></stream:stream>[close]");
    end(state);
    begin(state);
    feed(STREAM_OPENING);
    stream_fail(world.stream, "conflict", "You & I");
    stream_fail(world.stream, "reset", NULL);
    assert_string_equal(stream_world_look(&world),
                        "<stream:error><conflict" STREAMS "/><text" STREAMS
                        " xml:lang='en'>You &amp; I</text></stream:error></stream:stream>[close]");
}

static void only_three_kinds_of_elements_are_stanzas(void **state)
{
    static const char *const strange[] = {
        "<foo/>",
        "<message xmlns='jabber:server'/>",
        "<iq xmlns='urn:example'/>",
        "<stream:features/>",
        "<other" SASL "/>",
        "<other" TLS "/>",
    };
    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        end(state);
        begin(state);
        feed(STREAM_OPENING);
        assert_stream_error(feed(strange[i]), "unsupported-stanza-type");
    }
}

static void stanzas_wait_for_the_login(void **state)
{
    static const char *const early[] = {
        "<message to='a@localhost'><body>hello</body></message>",
        "<presence/>",
        "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
        "<iq type='get' id='1' to='elsewhere'><query xmlns='jabber:iq:register'/></iq>",
    };
    for (size_t i = 0; i < ARRAY_LEN(early); i++) {
        end(state);
        begin(state);
        feed(STREAM_OPENING);
        assert_stream_error(feed(early[i]), "not-authorized");
    }
}

/* ---- STARTTLS ---- */

static void tls_comes_first_where_it_must(void **state)
{
    UNUSED(state);
    world.settings.tls = true;
    world.settings.plaintext = false;
    stream_world_account(&world, "juliet", "pencil");
    assert_has(feed(STREAM_OPENING),
               "<stream:features><starttls" TLS "><required/></starttls></stream:features>");
    assert_string_equal(feed(AUTH("PLAIN", "AGp1bGlldABwZW5jaWw=")), FAILED("encryption-required"));
    assert_has(feed("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>"),
               "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
    /* What stands behind <starttls/> in the clear is not taken. */
    assert_string_equal(feed("<starttls" TLS "/><presence/>"), "<proceed" TLS "/>[tls]");
    stream_on_tls(world.stream);
    assert_string_equal(stream_world_look(&world), "[restart]");
    const char *said = feed(STREAM_OPENING);
    assert_has(said, "<stream:features>" MECHANISMS "</mechanisms>" REGISTER);
    assert_has_not(said, FIRST_ID);
    assert_has(stream_world_login(&world, "PLAIN", "juliet", "pencil"), AFTER_LOGIN);
    assert_true(stream_authenticated(world.stream));
}

static void tls_is_refused_where_there_is_none(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    assert_string_equal(feed("<starttls" TLS "/>"), "<failure" TLS "/></stream:stream>[close]");
}

static void tls_is_started_once(void **state)
{
    UNUSED(state);
    world.settings.tls = true;
    feed(STREAM_OPENING);
    feed("<starttls" TLS "/>");
    stream_on_tls(world.stream);
    feed(STREAM_OPENING);
    assert_has(feed("<starttls" TLS "/>"), "<failure" TLS "/></stream:stream>[close]");
}

/* No XML in the middle of a handshake. */
static void a_handshake_ends_without_words(void **state)
{
    UNUSED(state);
    world.settings.tls = true;
    feed(STREAM_OPENING);
    feed("<starttls" TLS "/>");
    stream_fail(world.stream, "connection-timeout", NULL);
    assert_string_equal(stream_world_look(&world), "[close]");
}

/* ---- SASL ---- */

static void every_mechanism_logs_in(void **state)
{
    static const char *const mechanisms[] = {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
        end(state);
        begin(state);
        stream_world_account(&world, "juliet", "pencil");
        feed(STREAM_OPENING);
        const char *said = stream_world_login(&world, mechanisms[i], "juliet", "pencil");
        assert_has(said, AFTER_LOGIN);
        assert_has_not(said, "mechanism");
        assert_true(stream_authenticated(world.stream));
        assert_false(stream_is_bound(world.stream));
    }
}

static void success_restarts_the_stream(void **state)
{
    UNUSED(state);
    stream_world_account(&world, "juliet", "pencil");
    feed(STREAM_OPENING);
    /* What was sent behind it was sent too early: it belongs to no stream. */
    assert_string_equal(feed(AUTH("PLAIN", "AGp1bGlldABwZW5jaWw=") "<presence/>"),
                        "[ask]<success" SASL "/>[restart]");
    assert_has(feed(STREAM_OPENING), AFTER_LOGIN);
    assert_stream_error(feed(AUTH("PLAIN", "AGp1bGlldABwZW5jaWw=")), "unsupported-stanza-type");
}

/* @covers 0175#recommendations 0175#flow */
static void anonymous_gets_a_name_of_its_own(void **state)
{
    UNUSED(state);
    world.settings.anonymous = true;
    feed(STREAM_OPENING);
    assert_string_equal(feed("<auth" SASL " mechanism='ANONYMOUS'/>"),
                        "<success" SASL "/>[restart]");
    feed(STREAM_OPENING);
    const char *said =
        feed("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    assert_has(said, "[bind 02020202-0202-4202-8202-020202020202@localhost -]");
    assert_true(stream_name_is_anonymous(STR("02020202-0202-4202-8202-020202020202")));
}

/* @covers 0175#recommendations */
static void anonymous_is_an_option(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    assert_string_equal(feed("<auth" SASL " mechanism='ANONYMOUS'/>"), FAILED("invalid-mechanism"));
}

static void what_names_are_anonymous(void **state)
{
    UNUSED(state);
    assert_false(stream_name_is_anonymous(STR("juliet")));
    assert_false(stream_name_is_anonymous(STR("02020202-0202-1202-8202-020202020202")));
    assert_false(stream_name_is_anonymous(STR("0202020220202-4202-8202-0202020202020")));
    assert_false(stream_name_is_anonymous(STR("0202020g-0202-4202-8202-020202020202")));
    assert_false(stream_name_is_anonymous(STR("02020202-0202-4202-8202-02020202020")));
    assert_false(stream_name_is_anonymous(STR_NONE));
}

static void three_wrong_passwords_are_enough(void **state)
{
    UNUSED(state);
    stream_world_account(&world, "juliet", "pencil");
    feed(STREAM_OPENING);
    for (unsigned i = 1; i < SASL_ATTEMPTS_MAX; i++) {
        assert_string_equal(stream_world_login(&world, "SCRAM-SHA-1", "juliet", "wrong"),
                            FAILED("not-authorized"));
        assert_false(world.closed);
    }
    const char *said = stream_world_login(&world, "PLAIN", "nobody", "pencil");
    assert_has(said, FAILED("not-authorized"));
    assert_stream_error(said, "policy-violation");
}

static void a_second_try_may_succeed(void **state)
{
    UNUSED(state);
    stream_world_account(&world, "juliet", "pencil");
    feed(STREAM_OPENING);
    assert_string_equal(stream_world_login(&world, "PLAIN", "juliet", "wrong"),
                        "[ask]" FAILED("not-authorized"));
    assert_has(stream_world_login(&world, "SCRAM-SHA-256", "juliet", "pencil"), AFTER_LOGIN);
}

static void sasl_failures_are_named(void **state)
{
    static const struct {
        const char *element, *condition;
    } bad[] = {
        {AUTH("PLAIN", "not base64"), "incorrect-encoding"},
        {AUTH("PLAIN", "Zm9v"), "malformed-request"},
        {AUTH("SCRAM-SHA-1", "Zm9v"), "malformed-request"},
        {AUTH("DIGEST-MD5", ""), "invalid-mechanism"},
        {AUTH("SCRAM-SHA-1-PLUS", ""), "invalid-mechanism"},
        {"<auth" SASL "/>", "invalid-mechanism"},
        {AUTH("PLAIN", "<a/>"), "malformed-request"},
        {"<response" SASL ">Zm9v</response>", "malformed-request"},
        {"<abort" SASL "/>", "aborted"},
        /* romeo, juliet, pencil */
        {AUTH("PLAIN", "cm9tZW8AanVsaWV0AHBlbmNpbA=="), "invalid-authzid"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        end(state);
        begin(state);
        feed(STREAM_OPENING);
        assert_string_equal(feed(bad[i].element),
                            str_fmt(world.arena, FAILED("%s"), bad[i].condition).at);
    }
}

static void an_exchange_can_be_aborted(void **state)
{
    UNUSED(state);
    stream_world_account(&world, "juliet", "pencil");
    feed(STREAM_OPENING);
    assert_string_equal(feed(AUTH("PLAIN", "")), "<challenge" SASL "/>");
    assert_string_equal(feed("<abort" SASL "/>"), FAILED("aborted"));
    /* It is over: an answer comes too late. */
    assert_string_equal(feed("<response" SASL ">AGp1bGlldABwZW5jaWw=</response>"),
                        FAILED("malformed-request"));
}

static void a_store_that_fails_says_try_again(void **state)
{
    UNUSED(state);
    world.store_err = ERR_IO;
    feed(STREAM_OPENING);
    assert_string_equal(feed(AUTH("PLAIN", "AGp1bGlldABwZW5jaWw=")),
                        "[ask]" FAILED("temporary-auth-failure"));
}

/* ---- while the store is asked ---- */

static void what_comes_while_the_store_is_asked_is_kept(void **state)
{
    UNUSED(state);
    world.slow = true;
    feed(STREAM_OPENING);
    /* An account and the log-in in one piece. */
    assert_string_equal(
        feed("<iq type='set' id='1'><query xmlns='jabber:iq:register'>"
             "<username>juliet</username><password>pencil</password></query></iq>" AUTH(
                 "PLAIN", "AGp1bGlldABwZW5jaWw=")),
        "[ask]");
    assert_true(stream_waits(world.stream));
    assert_string_equal(stream_world_answer(&world), "<iq type='result' id='1'></iq>[ask]");
    assert_true(stream_waits(world.stream));
    assert_string_equal(stream_world_answer(&world), "<success" SASL "/>[restart]");
    assert_false(stream_waits(world.stream));
}

static void an_answer_after_goodbye_is_for_nobody(void **state)
{
    UNUSED(state);
    world.slow = true;
    feed(STREAM_OPENING);
    feed(AUTH("PLAIN", "AGp1bGlldABwZW5jaWw=") "<presence/>");
    stream_fail(world.stream, "connection-timeout", NULL);
    stream_world_look(&world);
    assert_false(stream_waits(world.stream));
    assert_string_equal(stream_world_answer(&world), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_opening_is_answered),
        TEST(features_follow_the_settings),
        TEST(a_header_without_to_is_for_us),
        TEST(the_peer_is_called_as_it_calls_itself),
        TEST(bad_headers_are_named),
        TEST(a_later_version_is_welcome),
        TEST(what_is_no_stream_is_told_so),
        TEST(broken_xml_later_is_a_stream_error_too),
        TEST(goodbye_is_answered),
        TEST(we_may_say_goodbye_at_any_time),
        TEST(only_three_kinds_of_elements_are_stanzas),
        TEST(stanzas_wait_for_the_login),
        TEST(tls_comes_first_where_it_must),
        TEST(tls_is_refused_where_there_is_none),
        TEST(tls_is_started_once),
        TEST(a_handshake_ends_without_words),
        TEST(every_mechanism_logs_in),
        TEST(success_restarts_the_stream),
        TEST(anonymous_gets_a_name_of_its_own),
        TEST(anonymous_is_an_option),
        TEST(what_names_are_anonymous),
        TEST(three_wrong_passwords_are_enough),
        TEST(a_second_try_may_succeed),
        TEST(sasl_failures_are_named),
        TEST(an_exchange_can_be_aborted),
        TEST(a_store_that_fails_says_try_again),
        TEST(what_comes_while_the_store_is_asked_is_kept),
        TEST(an_answer_after_goodbye_is_for_nobody),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
