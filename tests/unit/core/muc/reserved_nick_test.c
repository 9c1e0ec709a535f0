/*
 * The life of a reserved nickname in a room that shows absent members: the same story as a script
 * that deployed services are held to, but told without gaps. What each of the three reads is
 * written down completely and in order, so that a stanza more, or two the other way round, fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/talk.h"

#define ADMIN_NS "http://jabber.org/protocol/muc#admin"
#define OWNER_NS "http://jabber.org/protocol/muc#owner"
#define INFO_NS  "http://jabber.org/protocol/disco#info"
#define SELF     STATUS_CODE("110")
#define SUBJECT  "<message type='groupchat' from='" ROOM "'><subject/></message>"
#define RESERVED "<reason>This nickname is reserved</reason>"

static void asks_admin(struct world *w, const char *type, const char *item)
{
    says(w, ROMEO,
         "<iq to='" ROOM "' type='%s' id='admin'><query xmlns='" ADMIN_NS "'>%s</query>"
         "</iq>",
         type, item);
}

static void registers(struct world *w, const char *who, const char *nick)
{
    says(w, who,
         "<iq to='" ROOM "' type='set' id='reg'><query xmlns='jabber:iq:register'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
         "#register</value></field><field var='muc#register_roomnick'><value>%s</value></field>"
         "</x></query></iq>",
         nick);
}

static void asks_own_nick(struct world *w, const char *who)
{
    says(w, who,
         "<iq to='" ROOM "' type='get' id='nick'><query xmlns='" INFO_NS
         "' node='x-roomuser-item'/></iq>");
}

static void reads_own_nick(struct world *w, const char *who, const char *inside)
{
    reads(w, who,
          "<iq type='result' id='nick' from='" ROOM "'><query xmlns='" INFO_NS
          "' node='x-roomuser-item'>%s</query></iq>",
          inside);
}

static void reads_result(struct world *w, const char *who, const char *id)
{
    reads(w, who, "<iq type='result' id='%s' from='" ROOM "'/>", id);
}

/* <presence type from=ROOM/nick><x> inside </x></presence> */
static void sees(struct world *w, const char *who, const char *nick, const char *type,
                 const char *inside)
{
    reads(w, who, "<presence from='" ROOM "/%s'%s><x xmlns='" NS_USER "'>%s</x></presence>", nick,
          type, inside);
}

#define UNAVAILABLE " type='unavailable'"

static void sees_conflict(struct world *w, const char *who)
{
    reads(w, who,
          "<presence type='error' from='" ROOM "/Juliet'><error type='cancel' by='" ROOM "'>"
          "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error><x xmlns='" NS_X "'/>"
          "</presence>");
}

/* What an account is told while it is not inside. */
static void is_told(struct world *w, const char *who, const char *item)
{
    reads(w, who,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'>" STATUS_CODE("101") "%s</x></message>",
          item);
}

static void everybody_has_read_everything(struct world *w)
{
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    reads_nothing(w, PARIS);
}

static void romeo_makes_a_room_that_shows_absent_members(struct world *w)
{
    join(w, ROMEO, "Romeo");
    sees(w, ROMEO, "Romeo", "",
         STATUS_CODE("201") "<item jid='" ROMEO "' affiliation='owner' role='moderator'/>" SELF);
    reads(w, ROMEO, SUBJECT);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='form'><query xmlns='" OWNER_NS "'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
         "#roomconfig</value></field><field var='muc#roomconfig_presencebroadcast'>"
         "<value>none</value><value>participant</value><value>moderator</value></field></x>"
         "</query></iq>");
    reads_result(w, ROMEO, "form");
    reads(w, ROMEO,
          "<message type='groupchat' from='" ROOM "' id='{scansion:any}'><x xmlns='" NS_USER
          "'>" STATUS_CODE("102") STATUS_CODE("104") "</x></message>");
    asks_admin(w, "set", "<item affiliation='member' jid='juliet@localhost'/>");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'>"
          "<item jid='juliet@localhost' affiliation='member'/></x></message>");
    reads_result(w, ROMEO, "admin");
    is_told(w, JULIET, "<item jid='juliet@localhost' affiliation='member'/>");
    everybody_has_read_everything(w);
}

static void juliet_registers_and_leaves(struct world *w)
{
    join(w, JULIET, "Juliet");
    sees(w, JULIET, "Romeo", "", "<item affiliation='owner' role='moderator'/>");
    sees(w, JULIET, "Juliet", "",
         "<item affiliation='member' role='participant' jid='" JULIET "'/>" SELF);
    reads(w, JULIET, SUBJECT);
    sees(w, ROMEO, "Juliet", "",
         "<item affiliation='member' role='participant' jid='" JULIET "'/>");
    registers(w, JULIET, "Juliet");
    sees(w, JULIET, "Juliet", "",
         "<item affiliation='member' role='participant' jid='" JULIET "'/>" SELF);
    reads_result(w, JULIET, "reg");
    sees(w, ROMEO, "Juliet", "",
         "<item affiliation='member' role='participant' jid='" JULIET "'/>");
    asks_own_nick(w, JULIET);
    reads_own_nick(w, JULIET, "<identity category='conference' type='text' name='Juliet'/>");
    say(w, JULIET, "<presence type='unavailable' to='" ROOM "/Juliet'/>");
    sees(w, JULIET, "Juliet", UNAVAILABLE,
         "<item jid='" JULIET "' affiliation='member' role='none'/>" SELF);
    sees(w, ROMEO, "Juliet", UNAVAILABLE,
         "<item jid='" JULIET "' affiliation='member' role='none'/>");
    everybody_has_read_everything(w);
}

static void paris_gets_the_nickname_only_when_it_is_free(struct world *w)
{
    join(w, PARIS, "Juliet");
    sees_conflict(w, PARIS);
    says(w, JULIET,
         "<iq to='" ROOM "' type='set' id='unreg'><query xmlns='jabber:iq:register'>"
         "<remove/></query></iq>");
    reads_result(w, JULIET, "unreg");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'>"
          "<item jid='juliet@localhost' affiliation='none'/></x></message>");
    join(w, PARIS, "Juliet");
    sees(w, PARIS, "Romeo", "", "<item affiliation='owner' role='moderator'/>");
    sees(w, PARIS, "Juliet", "",
         "<item affiliation='none' jid='" PARIS "' role='participant'/>" SELF);
    reads(w, PARIS, SUBJECT);
    sees(w, ROMEO, "Juliet", "", "<item affiliation='none' jid='" PARIS "' role='participant'/>");
    everybody_has_read_everything(w);
}

/* Eviction, message, how the absent member is shown, result. */
static void romeo_gives_the_nickname_back(struct world *w)
{
    asks_admin(w, "set", "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    sees(w, ROMEO, "Juliet", UNAVAILABLE,
         STATUS_CODE("307") "<item affiliation='none' role='none' jid='" PARIS "'>" RESERVED
                            "</item>");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'>"
          "<item jid='juliet@localhost' affiliation='member'/></x></message>");
    sees(w, ROMEO, "Juliet", UNAVAILABLE,
         "<item affiliation='member' role='none' jid='juliet@localhost' nick='Juliet'/>");
    reads_result(w, ROMEO, "admin");
    sees(w, PARIS, "Juliet", UNAVAILABLE,
         STATUS_CODE("307") "<item affiliation='none' role='none' jid='" PARIS "'>" RESERVED
                            "</item>" SELF);
    is_told(w, JULIET, "<item jid='juliet@localhost' affiliation='member'/>");
    join(w, PARIS, "Juliet");
    sees_conflict(w, PARIS);
    join(w, JULIET, "Juliet");
    sees(w, JULIET, "Romeo", "", "<item affiliation='owner' role='moderator'/>");
    sees(w, JULIET, "Juliet", "",
         "<item affiliation='member' role='participant' jid='" JULIET "'/>" SELF);
    reads(w, JULIET, SUBJECT);
    sees(w, ROMEO, "Juliet", "",
         "<item affiliation='member' role='participant' jid='" JULIET "'/>");
    everybody_has_read_everything(w);
}

static void romeo_registers_as_well(struct world *w)
{
    asks_own_nick(w, ROMEO);
    reads_own_nick(w, ROMEO, "");
    registers(w, ROMEO, "Romeo");
    sees(w, ROMEO, "Romeo", "",
         "<item affiliation='owner' jid='" ROMEO "' role='moderator'/>" SELF);
    reads_result(w, ROMEO, "reg");
    sees(w, JULIET, "Romeo", "", "<item affiliation='owner' role='moderator'/>");
    asks_own_nick(w, ROMEO);
    reads_own_nick(w, ROMEO, "<identity category='conference' type='text' name='Romeo'/>");
    asks_admin(w, "get", "<item affiliation='member'/>");
    reads(w, ROMEO,
          "<iq type='result' id='admin'><query xmlns='" ADMIN_NS "'>"
          "<item jid='juliet@localhost' affiliation='member' nick='Juliet'/></query></iq>");
    say(w, JULIET, "<presence type='unavailable' to='" ROOM "/Juliet'/>");
    sees(w, JULIET, "Juliet", UNAVAILABLE,
         "<item jid='" JULIET "' affiliation='member' role='none'/>" SELF);
    sees(w, ROMEO, "Juliet", UNAVAILABLE,
         "<item jid='" JULIET "' affiliation='member' role='none'/>");
    everybody_has_read_everything(w);
}

/* Absent members behind those present and before oneself, without an address for a participant. */
static void paris_comes_under_his_own_name(struct world *w)
{
    join(w, PARIS, "Paris");
    sees(w, PARIS, "Romeo", "", "<item affiliation='owner' role='moderator'/>");
    sees(w, PARIS, "Juliet", UNAVAILABLE, "<item affiliation='member' role='none' nick='Juliet'/>");
    sees(w, PARIS, "Paris", "",
         "<item affiliation='none' role='participant' jid='" PARIS "'/>" SELF);
    reads(w, PARIS, SUBJECT);
    sees(w, ROMEO, "Paris", "", "<item affiliation='none' role='participant' jid='" PARIS "'/>");
    registers(w, PARIS, "Romeo");
    reads_error(w, PARIS, "auth", "registration-required");
    asks_admin(w, "set", "<item affiliation='member' jid='paris@localhost' nick='Paris'/>");
    sees(w, ROMEO, "Paris", "",
         "<item affiliation='member' role='participant' jid='" PARIS "'>"
         "<actor nick='Romeo' jid='" ROMEO "'/></item>");
    reads_result(w, ROMEO, "admin");
    sees(w, PARIS, "Paris", "",
         "<item affiliation='member' role='participant' jid='" PARIS "'><actor nick='Romeo'/>"
         "</item>" SELF);
    everybody_has_read_everything(w);
}

/* Nothing changes by it, and everybody is told all the same; the actor's own address is not. */
static void romeo_reserves_what_he_has(struct world *w)
{
    asks_admin(w, "set", "<item affiliation='owner' jid='romeo@localhost' nick='Romeo'/>");
    sees(w, ROMEO, "Romeo", "",
         "<item affiliation='owner' role='moderator' jid='" ROMEO
         "'><actor nick='Romeo'/></item>" SELF);
    reads_result(w, ROMEO, "admin");
    sees(w, PARIS, "Romeo", "",
         "<item affiliation='owner' role='moderator'><actor nick='Romeo'/></item>");
}

/* @covers 0045#reservednick.name 0045#reservednick.inside 0045#reservednick.taken */
static void whole_story(void **state)
{
    struct world *w = world_new(NULL);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, PARIS);
    romeo_makes_a_room_that_shows_absent_members(w);
    juliet_registers_and_leaves(w);
    paris_gets_the_nickname_only_when_it_is_free(w);
    romeo_gives_the_nickname_back(w);
    romeo_registers_as_well(w);
    paris_comes_under_his_own_name(w);
    romeo_reserves_what_he_has(w);
    everybody_has_read_everything(w);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
