#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

/* The id of the request the client reads next; heap. */
static char *asked(struct world *w, const char *who)
{
    const char *came = world_next(w, who);
    assert_non_null(came);
    const char *at = strstr(came, " id='");
    assert_non_null(at);
    return text_of("%.*s", (int)strcspn(at + 5, "'"), at + 5);
}

static void asks(struct world *w, const char *from, const char *nick, const char *id)
{
    says(w, from, "<iq to='" ROOM "/%s' type='get' id='%s'><query xmlns='jabber:iq:last'/></iq>",
         nick, id);
}

static void answers(struct world *w, const char *from, const char *nick, const char *id)
{
    says(w, from,
         "<iq to='" ROOM "/%s' type='result' id='%s'>"
         "<query xmlns='jabber:iq:last' seconds='1'/></iq>",
         nick, id);
}

static struct world *world_of_three(void)
{
    struct world *w = world_with(NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

/* @covers 0045#bizrules-iq.forward 0045#bizrules-iq.secret */
static void there_and_back(void **state)
{
    struct world *w = world_of_three();
    (void)state;
    asks(w, ROMEO, "Juliet", "q&amp;1");
    char *id = asked(w, JULIET);
    assert_null(strstr(id, "romeo"));
    assert_null(strstr(id, "q"));
    answers(w, JULIET, "Romeo", id);
    reads(w, ROMEO,
          "<iq from='" ROOM "/Juliet' to='" ROMEO "' type='result' id='q&amp;1'>"
          "<query xmlns='jabber:iq:last' seconds='1'/></iq>");
    free(id);
    world_free(w);
}

/* To the session that asked, and from the one that was asked, which is the one others see. */
static void between_sessions(void **state)
{
    struct world *w = world_of_three();
    (void)state;
    enters(w, JULIET_2, "Juliet");
    says(w, JULIET, "<presence to='" ROOM "/Juliet'><priority>1</priority></presence>");
    world_forget(w);
    asks(w, ROMEO, "Juliet", "q1");
    reads_nothing(w, JULIET_2);
    char *id = asked(w, JULIET);
    answers(w, JULIET_2, "Romeo", id);
    answers(w, PARIS, "Romeo", id);
    reads_nothing(w, ROMEO);
    answers(w, JULIET, "Romeo", id);
    reads(w, ROMEO,
          "<iq from='" ROOM "/Juliet' id='q1' type='result'>"
          "<query xmlns='jabber:iq:last' seconds='1'/></iq>");
    free(id);
    asks(w, JULIET_2, "Romeo", "q2");
    id = asked(w, ROMEO);
    answers(w, ROMEO, "Juliet", id);
    reads_nothing(w, JULIET);
    reads(w, JULIET_2,
          "<iq from='" ROOM "/Romeo' id='q2' type='result'>"
          "<query xmlns='jabber:iq:last' seconds='1'/></iq>");
    free(id);
    world_free(w);
}

static void answers_that_come_too_late(void **state)
{
    struct world *w = world_of_three();
    (void)state;
    asks(w, PARIS, "Juliet", "q1");
    char *id = asked(w, JULIET);
    leaves(w, PARIS);
    answers(w, JULIET, "Paris", id);
    reads_nothing(w, PARIS);
    enters(w, PARIS, "Paris");
    /* In another room it means nothing. */
    says(w, JULIET, "<presence to='other@" WORLD_SERVICE "/J'><x xmlns='" NS_X "'/></presence>");
    says(w, PARIS, "<presence to='other@" WORLD_SERVICE "/P'><x xmlns='" NS_X "'/></presence>");
    world_forget(w);
    says(w, JULIET, "<iq to='other@" WORLD_SERVICE "/P' type='result' id='%s'/>", id);
    reads_nothing(w, PARIS);
    answers(w, JULIET, "Paris", id);
    assert_int_equal(world_unread(w, PARIS), 1);
    free(id);
    world_free(w);
}

/* @covers 0045#bizrules-iq.secret */
static void errors_name_no_address(void **state)
{
    struct world *w = world_of_three();
    (void)state;
    asks(w, PARIS, "Juliet", "q1");
    char *id = asked(w, JULIET);
    says(w, JULIET,
         "<iq to='" ROOM "/Paris' type='error' id='%s'><query xmlns='jabber:iq:last'/>"
         "<error type='cancel' by='juliet@localhost'>"
         "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:juliet@localhost</gone>"
         "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>" JULIET " is away</text></error></iq>",
         id);
    free(id);
    const char *came = world_next(w, PARIS);
    assert_non_null(came);
    assert_null(strstr(came, "juliet@localhost"));
    char *difference =
        match_difference("<iq from='" ROOM "/Juliet' type='error' id='q1'><error type='cancel'>"
                         "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                         came);
    assert_null(difference);
    world_free(w);
}

/* A vCard is the account's: its server is asked, and answers from the bare address. */
static void what_is_the_accounts(void **state)
{
    struct world *w = world_of_three();
    (void)state;
    world_client_gone(w, JULIET); /* from here on somebody elsewhere */
    assert_true(world_stanza_from(w, "tybalt@elsewhere/x",
                                  "<presence to='" ROOM "/Tybalt'><x xmlns='" NS_X
                                  "'/></presence>"));
    while (world_next_elsewhere(w) != NULL)
        continue;
    world_forget(w);
    says(w, ROMEO, "<iq to='" ROOM "/Tybalt' type='get' id='v1'><vCard xmlns='vcard-temp'/></iq>");
    const char *came = world_next_elsewhere(w);
    assert_non_null(came);
    assert_non_null(strstr(came, " to='tybalt@elsewhere'"));
    const char *at = strstr(came, " id='") + 5;
    char *answer = text_of("<iq to='" ROOM "/Romeo' type='result' id='%.*s'><vCard "
                           "xmlns='vcard-temp'><FN>T</FN></vCard></iq>",
                           (int)strcspn(at, "'"), at);
    assert_true(world_stanza_from(w, "tybalt@elsewhere/x", answer));
    reads_nothing(w, ROMEO); /* was not asked */
    assert_true(world_stanza_from(w, "tybalt@elsewhere", answer));
    reads(w, ROMEO,
          "<iq from='" ROOM "/Tybalt' type='result' id='v1'>"
          "<vCard xmlns='vcard-temp'><FN>T</FN></vCard></iq>");
    free(answer);
    static const char *const accounts[] = {"<vCard xmlns='vcard-temp'/>",
                                           "<pubsub xmlns='http://jabber.org/protocol/pubsub'/>",
                                           "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>"};
    for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
        says(w, ROMEO, "<iq to='" ROOM "/Tybalt' type='set' id='v'>%s</iq>", accounts[i]);
        reads_error(w, ROMEO, "auth", "forbidden");
        says(w, ROMEO, "<iq to='" ROOM "/Tybalt' type='get' id='v'>%s</iq>", accounts[i]);
        reads_nothing(w, ROMEO);
        came = world_next_elsewhere(w);
        assert_non_null(came);
        assert_non_null(strstr(came, " to='tybalt@elsewhere'"));
    }
    world_free(w);
}

static void longest_id(void **state)
{
    static char id[RELAYED_ID_BYTES_MAX + 2];
    struct world *w = world_of_three();
    (void)state;
    memset(id, 'i', RELAYED_ID_BYTES_MAX + 1);
    asks(w, ROMEO, "Juliet", id);
    reads_error(w, ROMEO, "modify", "bad-request");
    reads_nothing(w, JULIET);
    id[RELAYED_ID_BYTES_MAX] = '\0';
    asks(w, ROMEO, "Juliet", id);
    char *sealed = asked(w, JULIET);
    answers(w, JULIET, "Romeo", sealed);
    reads(w, ROMEO, "<iq from='" ROOM "/Juliet' id='%s'/>", id);
    free(sealed);
    world_free(w);
}

/* Neither without an id nor with several requests in one, nor anything to strangers. */
/* @covers 0045#disco-occupant.stranger */
static void requests_that_are_none(void **state)
{
    struct world *w = world_of_three();
    (void)state;
    says(w, ROMEO, "<iq to='" ROOM "/Juliet' type='get'><query xmlns='jabber:iq:last'/></iq>");
    reads_error(w, ROMEO, "modify", "bad-request");
    says(w, ROMEO, "<iq to='" ROOM "/Juliet' type='get' id='a'><a xmlns='x'/><b xmlns='x'/></iq>");
    reads_error(w, ROMEO, "modify", "bad-request");
    says(w, ROMEO, "<iq to='" ROOM "/Juliet' type='get' id='a'/>");
    reads_error(w, ROMEO, "modify", "bad-request");
    says(w, JULIET_2,
         "<iq to='" ROOM "/Paris' type='get' id='a'>"
         "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
    reads_error(w, JULIET_2, "modify", "bad-request");
    asks(w, JULIET_2, "Paris", "a");
    reads_error(w, JULIET_2, "cancel", "not-acceptable");
    reads_nothing(w, JULIET);
    reads_nothing(w, PARIS);
    world_free(w);
}

static void not_allowed_but_answered(void **state)
{
    struct world *w = world_of_three();
    (void)state;
    asks(w, ROMEO, "Juliet", "q1");
    char *id = asked(w, JULIET);
    configures(w, ROMEO, "allow_query_users", "0");
    asks(w, PARIS, "Juliet", "q2");
    reads_error(w, PARIS, "cancel", "not-allowed");
    answers(w, JULIET, "Romeo", id);
    reads(w, ROMEO, "<iq from='" ROOM "/Juliet' id='q1'/>");
    asks(w, PARIS, "Paris", "q3"); /* oneself one may always ask */
    reads(w, PARIS, "<iq from='" ROOM "/Paris' type='get'/>");
    free(id);
    world_free(w);
}

/* @covers 0045#i18n.lang */
static void the_language_goes_along(void **state)
{
    struct world *w = world_of_three();
    (void)state;
    says(w, ROMEO,
         "<iq to='" ROOM "/Juliet' type='get' id='q' xml:lang='it'><query xmlns='jabber:iq:last'/>"
         "</iq>");
    const char *came = world_next(w, JULIET);
    assert_non_null(came);
    assert_non_null(strstr(came, " xml:lang='it'>"));
    const char *at = strstr(came, " id='") + 5;
    char *id = text_of("%.*s", (int)strcspn(at, "'"), at);
    says(w, JULIET,
         "<iq to='" ROOM "/Romeo' type='result' id='%s' xml:lang='de'>"
         "<query xmlns='jabber:iq:last' seconds='1'/></iq>",
         id);
    came = world_next(w, ROMEO);
    assert_non_null(came);
    assert_non_null(strstr(came, " xml:lang='de'>"));
    free(id);
    world_free(w);
}

/* @covers 0045#bizrules-iq.secret */
static void ids_do_not_tell_how_long_an_address_is(void **state)
{
    struct world *w = world_of_three();
    size_t length = 0;
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        char nick[80], jid[120];
        memset(nick, 'n', sizeof(nick));
        snprintf(nick + 10, 20, "%u", i);
        snprintf(jid, sizeof(jid), "x%.*s@localhost/desk", (int)i,
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        world_client(w, jid);
        enters(w, jid, nick);
        asks(w, jid, "Juliet", "q1");
        char *id = asked(w, JULIET);
        if (length == 0)
            length = strlen(id);
        assert_int_equal(strlen(id), length);
        world_forget(w);
        answers(w, JULIET, nick, id);
        assert_int_equal(world_unread(w, jid), 1);
        free(id);
        leaves(w, jid);
        world_forget(w);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(between_sessions),
        cmocka_unit_test(answers_that_come_too_late),
        cmocka_unit_test(errors_name_no_address),
        cmocka_unit_test(ids_do_not_tell_how_long_an_address_is),
        cmocka_unit_test(what_is_the_accounts),
        cmocka_unit_test(longest_id),
        cmocka_unit_test(requests_that_are_none),
        cmocka_unit_test(not_allowed_but_answered),
        cmocka_unit_test(the_language_goes_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
