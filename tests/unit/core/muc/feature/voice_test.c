/* @covers 0045#requestvoice 0045#registrar-formtype-request */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define REQUEST_TYPE      "<field var='FORM_TYPE'><value>" NS_X "#request</value></field>"
#define FIELD(var, value) "<field var='muc#" var "'><value>" value "</value></field>"
#define WANTED            FIELD("role", "participant")

static const char *const moderated[] = {"moderated=on", "persistent=on", NULL};
static const char *const quiet[] = {"moderated=on", "voice_requests=off", NULL};

static void sends_form(struct world *w, const char *who, const char *fields)
{
    says(w, who,
         "<message to='" ROOM "' id='v'><x xmlns='jabber:x:data' type='submit'>%s</x>"
         "</message>",
         fields);
}

static void reads_form(struct world *w, const char *who, const char *jid, const char *nick)
{
    reads(w, who,
          "<message from='" ROOM "'><x xmlns='jabber:x:data' type='form' scansion:strict='false'>"
          "<field var='FORM_TYPE' type='hidden'><value>" NS_X "#request</value></field>"
          "<field var='muc#role' type='list-single'><value>participant</value></field>"
          "<field var='muc#jid' type='jid-single'><value>%s</value></field>"
          "<field var='muc#roomnick' type='text-single'><value>%s</value></field>"
          "<field var='muc#request_allow' type='boolean'><value>false</value></field></x>"
          "</message>",
          jid, nick);
}

static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static enum role role_of(struct world *w, const char *nick_key)
{
    const struct occupant *occupant = occupant_by_nick(world_room(w, ROOM), str_z(nick_key));
    assert_non_null(occupant);
    return occupant->role;
}

/* @covers 0045#voiceapprove.form */
static void request_goes_to_all_moderators(void **state)
{
    struct world *w = company(moderated);
    (void)state;
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_form(w, ROMEO, PARIS, "Paris");
    reads_form(w, JULIET, PARIS, "Paris");
    reads_nothing(w, PARIS);
    world_free(w);
}

static void requests_that_make_no_sense(void **state)
{
    static const char *const fields[] = {
        "",
        WANTED,
        REQUEST_TYPE,
        REQUEST_TYPE FIELD("role", "moderator"),
        "<field var='FORM_TYPE'><value>urn:example</value></field>" WANTED,
    };
    struct world *w = company(moderated);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        sends_form(w, PARIS, fields[i]);
        reads_error(w, PARIS, "modify", "bad-request");
    }
    says(w, PARIS, "<message to='" ROOM "'><x xmlns='jabber:x:data' type='cancel'/></message>");
    reads_nothing(w, PARIS);
    leaves(w, PARIS);
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_error(w, PARIS, "cancel", "not-acceptable");
    reads_nothing(w, ROMEO);
    world_free(w);
}

static void who_has_voice_need_not_ask(void **state)
{
    struct world *w = company(moderated);
    (void)state;
    sets(w, ROMEO, "<item nick='Paris' role='participant'/>");
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    world_free(w);

    w = company(quiet);
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_error(w, PARIS, "auth", "forbidden");
    world_free(w);
}

static void approval_needs_the_right_person(void **state)
{
    struct world *w = company(moderated);
    (void)state;
    sends_form(w, JULIET,
               REQUEST_TYPE WANTED FIELD("jid", PARIS) FIELD("roomnick", "Paris")
                   FIELD("request_allow", "1"));
    reads_error(w, JULIET, "auth", "forbidden");
    sends_form(w, JULIET,
               REQUEST_TYPE WANTED FIELD("jid", PARIS) FIELD("roomnick", "Paris")
                   FIELD("request_allow", "0"));
    reads_error(w, JULIET, "auth", "forbidden"); /* nor to say no */
    sends_form(w, ROMEO,
               REQUEST_TYPE WANTED FIELD("jid", JULIET) FIELD("roomnick", "Paris")
                   FIELD("request_allow", "1"));
    reads_error(w, ROMEO, "cancel", "item-not-found");
    sends_form(w, ROMEO,
               REQUEST_TYPE WANTED FIELD("roomnick", "Paris") FIELD("request_allow", "1"));
    reads_error(w, ROMEO, "cancel", "item-not-found");
    sends_form(w, ROMEO,
               REQUEST_TYPE WANTED FIELD("jid", PARIS) FIELD("roomnick", "PARIS")
                   FIELD("request_allow", "1"));
    reads_error(w, ROMEO, "cancel", "item-not-found");
    sends_form(w, ROMEO,
               REQUEST_TYPE WANTED FIELD("jid", PARIS) FIELD("roomnick", "Paris")
                   FIELD("request_allow", "perhaps"));
    reads_error(w, ROMEO, "modify", "bad-request");
    sends_form(w, ROMEO,
               REQUEST_TYPE FIELD("role", "moderator") FIELD("jid", PARIS)
                   FIELD("roomnick", "Paris") FIELD("request_allow", "1"));
    reads_error(w, ROMEO, "modify", "bad-request");
    assert_int_equal(role_of(w, "paris"), ROLE_VISITOR);
    reads_nothing(w, PARIS);
    world_free(w);
}

static void approval_gives_voice(void **state)
{
    const char *grant = REQUEST_TYPE WANTED FIELD("jid", PARIS) FIELD("roomnick", "Paris")
        FIELD("request_allow", "true");
    struct world *w = company(moderated);
    (void)state;
    sends_form(w, ROMEO,
               REQUEST_TYPE WANTED FIELD("jid", PARIS) FIELD("roomnick", "Paris")
                   FIELD("request_allow", "false"));
    assert_int_equal(role_of(w, "paris"), ROLE_VISITOR);
    sends_form(w, ROMEO, grant);
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='none' "
          "role='participant' jid='" PARIS "'><actor nick='Romeo'/><reason>Voice granted</reason>"
          "</item><status code='110'/></x></presence>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='none' "
          "role='participant'><actor nick='Romeo'/><reason>Voice granted</reason></item></x>"
          "</presence>");
    world_forget(w);
    sends_form(w, ROMEO, grant); /* another moderator was faster */
    reads_nothing(w, ROMEO);
    reads_nothing(w, PARIS);
    leaves(w, PARIS); /* what was given is kept */
    enters(w, PARIS, "Paris");
    assert_int_equal(role_of(w, "paris"), ROLE_PARTICIPANT);
    world_free(w);
}

/* ---- nobody to ask ---- */

static void request_waits_for_a_moderator(void **state)
{
    struct world *w = company(moderated);
    (void)state;
    leaves(w, ROMEO);
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    sends_form(w, PARIS, REQUEST_TYPE WANTED); /* once per account */
    sends_form(w, JULIET, REQUEST_TYPE WANTED);
    reads_nothing(w, PARIS);
    leaves(w, JULIET); /* and with her, her request */
    join(w, ROMEO, "Romeo");
    reads(w, ROMEO, "<presence from='" ROOM "/Paris'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Romeo'/>");
    reads(w, ROMEO, "<message type='groupchat' from='" ROOM "'><subject/></message>");
    reads_form(w, ROMEO, PARIS, "Paris");
    reads_nothing(w, ROMEO);
    leaves(w, ROMEO); /* shown once */
    join(w, ROMEO, "Romeo");
    reads(w, ROMEO, "<presence from='" ROOM "/Paris'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Romeo'/>");
    reads(w, ROMEO, "<message type='groupchat' from='" ROOM "'><subject/></message>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* Who is inside already and becomes a moderator is given them as well, in all its sessions. */
static void request_waits_for_who_is_made_one(void **state)
{
    static const char *const both[] = {JULIET, JULIET_2};
    struct world *w = company(moderated);
    (void)state;
    enters(w, JULIET_2, "Juliet");
    leaves(w, ROMEO);
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>"); /* changes nothing */
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='s'><query xmlns='" NS_X "#admin'>"
         "<item affiliation='admin' jid='juliet@localhost'/></query></iq>");
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        reads(w, both[i],
              "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "' scansion:strict='false'>"
              "<item affiliation='admin' role='moderator'/></x></presence>");
    }
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        reads(w, both[i], "<presence from='" ROOM "/Paris'/>"); /* now with his address */
        reads_form(w, both[i], PARIS, "Paris");
        reads_nothing(w, both[i]);
    }
    assert_int_equal(world_room(w, ROOM)->voice_pending.count, 0);
    hush(w);
    join(w, ROMEO, "Romeo"); /* shown once */
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Paris'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Romeo'/>");
    reads(w, ROMEO, "<message type='groupchat' from='" ROOM "'><subject/></message>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

static void as_many_as_can_wait(void **state)
{
    struct world *w = world_with(moderated);
    char *who = NULL;
    (void)state;
    enters(w, ROMEO, "Romeo");
    leaves(w, ROMEO);
    for (int i = 0; i <= ROOM_VOICE_PENDING_MAX; i++) {
        char *nick = text_of("guest%d", i);
        free(who);
        who = text_of("guest%d@localhost/r", i);
        world_client(w, who);
        enters(w, who, nick);
        sends_form(w, who, REQUEST_TYPE WANTED);
        if (i < ROOM_VOICE_PENDING_MAX)
            reads_nothing(w, who);
        free(nick);
    }
    reads_error(w, who, "wait", "resource-constraint");
    sets(w, ROMEO, "<item affiliation='member' jid='guest0@localhost'/>"); /* has voice by that */
    sends_form(w, who, REQUEST_TYPE WANTED);
    reads_nothing(w, who);
    free(who);
    world_free(w);
}

/* ---- not all the time ---- */

static void visitor_waits_between_two_requests(void **state)
{
    static const char *const slow[] = {"moderated=on", "voice_request_min_interval=60", NULL};
    struct world *w = company(slow);
    (void)state;
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_form(w, ROMEO, PARIS, "Paris");
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_error(w, PARIS, "wait", "resource-constraint");
    leaves(w, PARIS); /* it is the account's, not the visit's */
    enters(w, PARIS, "Paris");
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_error(w, PARIS, "wait", "resource-constraint");
    reads_nothing(w, ROMEO);
    sends_form(w, JULIET, REQUEST_TYPE WANTED);
    reads_form(w, ROMEO, JULIET, "Juliet");
    world_advance(w, INT64_C(60) * 1000 * 1000);
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_form(w, ROMEO, PARIS, "Paris");
    configures(w, ROMEO, "voice_request_min_interval", "0");
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    reads_form(w, ROMEO, PARIS, "Paris");
    world_free(w);
}

static void interval_has_an_end(void **state)
{
    struct world *w = company(moderated);
    char *seconds = text_of("%d", VOICE_SECONDS_MAX);
    char *more = text_of("%d", VOICE_SECONDS_MAX + 1);
    (void)state;
    configures(w, ROMEO, "muc#roomconfig_voicerequestmininterval", seconds);
    configures(w, ROMEO, "muc#roomconfig_voicerequestmininterval", more);
    assert_int_equal(world_room(w, ROOM)->options.voice_seconds, VOICE_SECONDS_MAX);
    free(seconds);
    free(more);
    world_free(w);
}

/* ---- who waits, and for whom ---- */

/* By role alone, from outside; and not for who was one before. */
static void request_waits_for_who_is_made_one_by_role(void **state)
{
    static const char *const afar[] = {"moderated=on", "persistent=on", "outside_admins=on", NULL};
    struct world *w = company(afar);
    (void)state;
    leaves(w, ROMEO);
    sends_form(w, PARIS, REQUEST_TYPE WANTED);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='s'><query xmlns='" NS_X "#admin'>"
         "<item role='participant' nick='Juliet'/></query></iq>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    reads_nothing(w, JULIET);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='s'><query xmlns='" NS_X "#admin'>"
         "<item role='moderator' nick='Juliet'/></query></iq>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Paris'/>");
    reads_form(w, JULIET, PARIS, "Paris");
    reads_nothing(w, JULIET);
    assert_int_equal(world_room(w, ROOM)->voice_pending.count, 0);
    world_free(w);
}

/* The nickname that asked is the one that counts. */
static void other_nickname_of_who_asked_leaves(void **state)
{
    struct world *w = world_with(moderated);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "J1");
    enters(w, JULIET_2, "J2");
    leaves(w, ROMEO);
    sends_form(w, JULIET, REQUEST_TYPE WANTED);
    leaves(w, JULIET_2);
    assert_int_equal(world_room(w, ROOM)->voice_pending.count, 1);
    enters(w, JULIET_2, "J2");
    leaves(w, JULIET);
    assert_int_equal(world_room(w, ROOM)->voice_pending.count, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_goes_to_all_moderators),
        cmocka_unit_test(requests_that_make_no_sense),
        cmocka_unit_test(who_has_voice_need_not_ask),
        cmocka_unit_test(approval_needs_the_right_person),
        cmocka_unit_test(approval_gives_voice),
        cmocka_unit_test(request_waits_for_a_moderator),
        cmocka_unit_test(request_waits_for_who_is_made_one),
        cmocka_unit_test(as_many_as_can_wait),
        cmocka_unit_test(visitor_waits_between_two_requests),
        cmocka_unit_test(interval_has_an_end),
        cmocka_unit_test(request_waits_for_who_is_made_one_by_role),
        cmocka_unit_test(other_nickname_of_who_asked_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
