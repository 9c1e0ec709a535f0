/*
 * The watcher over addresses sees what it is to see: each rule of who may read whose address, kept
 * and broken; and every way an address may be written.
 */
#include "tests/support/privacy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROOM   "den@rooms.example"
#define ROMEO  "romeo@home.example/1"
#define JULIET "juliet@home.example/1"
#define USER   "http://jabber.org/protocol/muc#user"

static enum privacy_rank romeos_rank; /* of everybody else: none */

static enum privacy_rank rank(void *self, const char *room, const char *account)
{
    (void)self;
    assert_string_equal(room, ROOM);
    return strcmp(account, "romeo@home.example") == 0 ? romeos_rank : PRIVACY_NONE;
}

static int setup(void **state)
{
    struct privacy *privacy = privacy_new("rooms.example", rank, NULL);
    privacy_account(privacy, "romeo@home.example");
    privacy_account(privacy, "juliet@home.example");
    romeos_rank = PRIVACY_NONE;
    *state = privacy;
    return 0;
}

static int teardown(void **state)
{
    privacy_free(*state);
    return 0;
}

static bool may_read(struct privacy *privacy, const char *to, const char *stanza)
{
    privacy_received(privacy, to, stanza);
    privacy_settled(privacy);
    return privacy_breach(privacy) == NULL;
}

/* An own presence with that role and these codes besides 110. */
#define OWN(nick, role, codes)                                                                     \
    "<presence from='" ROOM "/" nick "'><x xmlns='" USER "'>" codes                                \
    "<item affiliation='none' role='" role "'/><status code='110'/></x></presence>"
#define SHOWN                                                                                      \
    "<presence from='" ROOM "/Juliet'><x xmlns='" USER "'>"                                        \
    "<item affiliation='none' role='participant' jid='juliet@home.example/1'/></x></presence>"

static void a_participant_reads_no_address(void **state)
{
    assert_true(may_read(*state, ROMEO, OWN("Romeo", "participant", "")));
    assert_false(may_read(*state, ROMEO, SHOWN));
    assert_non_null(strstr(privacy_breach(*state), "juliet@home.example"));
}

static void nor_does_who_is_outside(void **state)
{
    assert_false(may_read(*state, ROMEO, SHOWN));
}

static void a_moderator_does_until_it_is_none(void **state)
{
    assert_true(may_read(*state, ROMEO, OWN("Romeo", "moderator", "")));
    assert_true(may_read(*state, ROMEO, SHOWN));
    assert_int_equal(privacy_permitted(*state), 1);
    assert_true(may_read(*state, ROMEO, OWN("Romeo", "participant", "")));
    assert_false(may_read(*state, ROMEO, SHOWN));
}

static void and_who_enters_as_one_is_shown_the_others_first(void **state)
{
    privacy_received(*state, ROMEO, SHOWN);
    privacy_received(*state, ROMEO, OWN("Romeo", "moderator", ""));
    privacy_settled(*state);
    assert_null(privacy_breach(*state));
}

static void which_excuses_nobody_else(void **state)
{
    assert_true(may_read(*state, "paris@home.example/1", OWN("Paris", "participant", "")));
    privacy_received(*state, ROMEO, SHOWN);
    privacy_received(*state, "paris@home.example/1", SHOWN);
    privacy_received(*state, ROMEO, OWN("Romeo", "moderator", ""));
    privacy_settled(*state);
    assert_non_null(strstr(privacy_breach(*state), "paris@home.example/1"));
}

static void not_who_enters_as_another(void **state)
{
    privacy_received(*state, ROMEO, SHOWN);
    privacy_received(*state, ROMEO, OWN("Romeo", "visitor", ""));
    privacy_settled(*state);
    assert_non_null(privacy_breach(*state));
}

static void nobody_in_a_presence_about_itself(void **state)
{
    assert_true(may_read(*state, ROMEO, OWN("Romeo", "moderator", "")));
    assert_false(
        may_read(*state, ROMEO, OWN("Romeo", "moderator", "<actor jid='juliet@home.example/1'/>")));
}

static void all_inside_where_addresses_are_public(void **state)
{
    assert_true(may_read(*state, ROMEO, OWN("Romeo", "visitor", "<status code='100'/>")));
    assert_true(privacy_room_is_open(*state, ROOM));
    assert_true(may_read(*state, ROMEO, SHOWN));
    assert_true(may_read(*state, ROMEO,
                         "<message type='groupchat' from='" ROOM "'><x xmlns='" USER "'>"
                         "<status code='173'/></x></message>"));
    assert_false(may_read(*state, ROMEO, SHOWN));
}

static void from_the_form_that_says_so_if_it_is_taken(void **state)
{
    const char *form = "<iq to='" ROOM "' type='set' id='f'><query "
                       "xmlns='http://jabber.org/protocol/muc#owner'><field "
                       "var='muc#roomconfig_whois'><value>anyone</value></field></query></iq>";
    assert_true(may_read(*state, ROMEO, OWN("Romeo", "visitor", "")));
    privacy_sent(*state, JULIET, form);
    assert_true(may_read(*state, ROMEO, SHOWN));
    assert_true(may_read(*state, JULIET, "<iq from='" ROOM "' type='error' id='f'/>"));
    assert_false(privacy_room_is_open(*state, ROOM));
    privacy_sent(*state, JULIET, form);
    assert_true(may_read(*state, JULIET, "<iq from='" ROOM "' type='result' id='f'/>"));
    assert_true(privacy_room_is_open(*state, ROOM));
}

/* As the room sends it; and as somebody writes it who is inside. */
#define ARCHIVED(from)                                                                             \
    "<message from='" from "' id='1'><result xmlns='urn:xmpp:mam:2' id='2'><forwarded "            \
    "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='" ROOM "/Juliet'><x "         \
    "xmlns='" USER "'><item affiliation='none' jid='juliet@home.example/1' role='participant'/>"   \
    "</x></message></forwarded></result></message>"

static void what_is_archived_where_addresses_are_public(void **state)
{
    assert_true(may_read(*state, JULIET, OWN("Juliet", "moderator", "<status code='100'/>")));
    assert_true(may_read(*state, ROMEO, ARCHIVED(ROOM))); /* who is outside, too */
    assert_false(may_read(*state, ROMEO, ARCHIVED(ROOM "/Juliet")));
}

static void what_is_archived_where_they_are_not(void **state)
{
    romeos_rank = PRIVACY_ADMIN;
    assert_true(may_read(*state, ROMEO, ARCHIVED(ROOM)));
    romeos_rank = PRIVACY_MEMBER;
    assert_false(may_read(*state, ROMEO, ARCHIVED(ROOM)));
}

static void lists_by_rank(void **state)
{
    const char *members =
        "<iq from='" ROOM "' type='result' id='1'><query xmlns='http://jabber.org/"
        "protocol/muc#admin'><item affiliation='member' "
        "jid='juliet@home.example'/></query></iq>";
    const char *owners = "<iq from='" ROOM "' type='result' id='1'><query xmlns='http://jabber.org/"
                         "protocol/muc#admin'><item affiliation='owner' "
                         "jid='juliet@home.example'/></query></iq>";
    romeos_rank = PRIVACY_ADMIN;
    assert_true(may_read(*state, ROMEO, members));
    assert_false(may_read(*state, ROMEO, owners));
}

static void no_list_for_members(void **state)
{
    romeos_rank = PRIVACY_MEMBER;
    assert_false(may_read(*state, ROMEO,
                          "<iq from='" ROOM "' type='result' id='1'><query "
                          "xmlns='http://jabber.org/protocol/muc#admin'><item "
                          "affiliation='member' jid='juliet@home.example'/></query></iq>"));
}

static void the_inviter_is_told_who_declines(void **state)
{
    const char *decline = "<message from='" ROOM "'><x xmlns='" USER
                          "'><decline from='juliet@home.example'/></x></message>";
    assert_true(may_read(*state, ROMEO, OWN("Romeo", "visitor", "")));
    privacy_sent(*state, ROMEO,
                 "<message to='" ROOM "'><x xmlns='" USER
                 "'><invite to='juliet@home.example'/></x></message>");
    assert_true(may_read(*state, JULIET, OWN("Juliet", "visitor", "")));
    privacy_sent(*state, JULIET, "<message to='" ROOM "'/>");
    assert_true(may_read(*state, ROMEO, decline));
    assert_false(may_read(*state, "paris@home.example/1", decline));
}

static void the_invited_only_if_it_would_moderate(void **state)
{
    const char *invite = "<message from='" ROOM "'><x xmlns='" USER
                         "'><invite from='juliet@home.example/1'/></x></message>";
    romeos_rank = PRIVACY_ADMIN;
    assert_true(may_read(*state, ROMEO, invite));
    romeos_rank = PRIVACY_MEMBER;
    assert_false(may_read(*state, ROMEO, invite));
}

static void an_address_hides_in_no_writing(void **state)
{
    static const char *const writings[] = {
        "juliet@home.example",          "6a756c69657440686f6d652e6578616d706c65", /* hexadecimal */
        "anVsaWV0QGhvbWUuZXhhbXBsZQ==",                                           /* base64 */
        "eGp1bGlldEBob21lLmV4YW1wbGU=", /* of x before it */
        "eHlqdWxpZXRAaG9tZS5leGFtcGxl", /* of xy before it */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(writings) / sizeof(writings[0]); i++) {
        void *fresh = NULL;
        char stanza[200];
        snprintf(stanza, sizeof(stanza), "<iq from='" ROOM "/Juliet' type='get' id='%s'/>",
                 writings[i]);
        setup(&fresh);
        assert_false(may_read(fresh, ROMEO, stanza));
        teardown(&fresh);
    }
}

static void longer_addresses_are_others(void **state)
{
    assert_true(may_read(*state, ROMEO,
                         "<message from='" ROOM "/x'><body>xjuliet@home.example "
                         "juliet@home.example.org -juliet@home.examples</body></message>"));
    assert_false(may_read(*state, ROMEO,
                          "<message from='" ROOM "/x'><body>(juliet@home.example.)</body>"
                          "</message>"));
}

static void only_rooms_are_watched(void **state)
{
    assert_true(may_read(*state, ROMEO,
                         "<message from='juliet@home.example/1'><body>it is me, "
                         "juliet@home.example</body></message>"));
    assert_int_equal(privacy_searched(*state), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_participant_reads_no_address),
        CASE(nor_does_who_is_outside),
        CASE(a_moderator_does_until_it_is_none),
        CASE(and_who_enters_as_one_is_shown_the_others_first),
        CASE(which_excuses_nobody_else),
        CASE(not_who_enters_as_another),
        CASE(nobody_in_a_presence_about_itself),
        CASE(all_inside_where_addresses_are_public),
        CASE(from_the_form_that_says_so_if_it_is_taken),
        CASE(what_is_archived_where_addresses_are_public),
        CASE(what_is_archived_where_they_are_not),
        CASE(lists_by_rank),
        CASE(no_list_for_members),
        CASE(the_inviter_is_told_who_declines),
        CASE(the_invited_only_if_it_would_moderate),
        CASE(an_address_hides_in_no_writing),
        CASE(longer_addresses_are_others),
        CASE(only_rooms_are_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
