#include "core/muc/room.h"
#include "tests/support/talk.h"

static void bounce(struct world *w, const char *from, const char *to, const char *condition)
{
    says(w, from,
         "<message to='%s' type='error' id='b'><error type='cancel'>"
         "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
         to, condition);
}

/* @covers 0045#service-error-kick.self 0045#service-error-kick.others */
/* @covers 0045#impl-service-ghosts.errors */
static void errors_that_put_out(void **state)
{
    static const char *const gone[] = {
        "gone",
        "item-not-found",
        "recipient-unavailable",
        "redirect",
        "remote-server-not-found",
        "remote-server-timeout",
        "service-unavailable",
        "internal-server-error",
        "jid-malformed",
        "no-such-condition",
    };
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        enters(w, PARIS, "Paris");
        bounce(w, PARIS, i % 2 == 0 ? ROOM : ROOM "/Romeo", gone[i]);
        reads(w, PARIS,
              "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
              "<status code='333'/><item affiliation='none' role='none' jid='" PARIS "'/>"
              "<status code='110'/></x></presence>");
        reads(w, ROMEO,
              "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
              "<status code='333'/><item affiliation='none' role='none' jid='" PARIS "'/>"
              "</x></presence>");
        reads_nothing(w, ROMEO);
        assert_int_equal(world_room(w, ROOM)->session_count, 1);
    }
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<message to='" ROOM "' type='error'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Paris' type='unavailable'>"
          "<status>Kicked: malformed error</status></presence>");
    world_free(w);
}

/* @covers 0045#impl-service-ghosts.errors */
static void errors_that_put_nobody_out(void **state)
{
    static const char *const own[] = {
        "bad-request",
        "conflict",
        "feature-not-implemented",
        "forbidden",
        "not-acceptable",
        "not-allowed",
        "not-authorized",
        "policy-violation",
        "registration-required",
        "resource-constraint",
        "subscription-required",
        "undefined-condition",
        "unexpected-request",
    };
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        bounce(w, PARIS, ROOM, own[i]);
    /* Nor does an answer to a request, whatever it says. */
    says(w, PARIS,
         "<iq to='" ROOM "/Romeo' type='error' id='x'><error type='cancel'>"
         "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    world_free(w);
}

static void any_presence_error_puts_out(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS,
         "<presence to='" ROOM "/Romeo' type='error'><error type='modify'>"
         "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Paris' type='unavailable'>"
          "<status>Kicked: not acceptable</status></presence>");
    world_free(w);
}

/* What an error says may name an address. */
static void words_of_an_error(void **state)
{
    static const char *const open[] = {"whois=anyone", NULL};
    static const char *const error =
        "<message to='" ROOM "' type='error'><error type='cancel'>"
        "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>paris@localhost moved</text>"
        "</error></message>";
    (void)state;
    struct world *w = world_with(NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "%s", error);
    reads(w, ROMEO, "<presence from='" ROOM "/Paris'><status>Kicked: gone</status></presence>");
    world_free(w);
    w = world_with(open);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "%s", error);
    reads(w, ROMEO,
          "<presence from='" ROOM "/Paris'>"
          "<status>Kicked: gone: paris@localhost moved</status></presence>");
    world_free(w);
}

static void only_the_failing_session_goes(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    bounce(w, JULIET, ROOM, "recipient-unavailable");
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

/* Unreachable server: all sessions of the account. Other errors from the bare address: none. */
static void errors_from_the_bare_address(void **state)
{
    static const char *const error =
        "<message to='" ROOM "' type='error'><error type='wait'>"
        "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
    char xml[256];
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Nurse");
    snprintf(xml, sizeof(xml), error, "item-not-found");
    assert_true(world_stanza_from(w, "juliet@localhost", xml));
    assert_int_equal(world_room(w, ROOM)->session_count, 3);
    assert_true(world_stanza_from(w, "juliet@localhost",
                                  "<presence to='" ROOM "/Romeo' type='error'><error type='cancel'>"
                                  "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
                                  "</presence>"));
    assert_int_equal(world_room(w, ROOM)->session_count, 3);
    snprintf(xml, sizeof(xml), error, "remote-server-timeout");
    assert_true(world_stanza_from(w, "localhost", xml));
    assert_int_equal(world_room(w, ROOM)->session_count, 3);
    assert_true(world_stanza_from(w, "juliet@localhost", xml));
    assert_int_equal(world_room(w, ROOM)->session_count, 1);
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Nurse' type='unavailable'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads_nothing(w, JULIET);             /* not of her other nickname's end */
    assert_null(world_next_elsewhere(w)); /* no error is answered */
    world_free(w);
}

/* @covers 0045#bizrules-presence.ignored */
static void errors_of_strangers_are_dropped(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    bounce(w, PARIS, ROOM, "item-not-found");
    bounce(w, PARIS, ROOM "/Romeo", "not-acceptable");
    bounce(w, PARIS, ROOM "/Nobody", "gone");
    bounce(w, PARIS, "none@conference.localhost", "gone");
    says(w, PARIS, "<presence to='none@conference.localhost/x' type='unavailable'/>");
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    assert_null(world_room(w, "none@conference.localhost"));
    world_free(w);
}

/* Nothing reaches a session after its own unavailable presence. */
/* @covers 0045#exit.self 0045#exit.nobody 0045#bizrules-presence.standing */
static void leaving_is_the_last_word(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<presence to='" ROOM "/Paris' type='unavailable' id='bye'/>");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><body>Gone?</body></message>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris' type='unavailable' id='bye'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='none' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, PARIS);
    world_free(w);
}

static void the_last_one_ends_a_temporary_room(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    world_client_gone(w, ROMEO);
    assert_null(world_room(w, ROOM));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_that_put_out),
        cmocka_unit_test(errors_that_put_nobody_out),
        cmocka_unit_test(any_presence_error_puts_out),
        cmocka_unit_test(words_of_an_error),
        cmocka_unit_test(only_the_failing_session_goes),
        cmocka_unit_test(errors_from_the_bare_address),
        cmocka_unit_test(errors_of_strangers_are_dropped),
        cmocka_unit_test(leaving_is_the_last_word),
        cmocka_unit_test(the_last_one_ends_a_temporary_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
