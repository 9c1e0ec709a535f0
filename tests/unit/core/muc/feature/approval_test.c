/* @covers 0045#regapprove.form 0045#registrar-formtype-register */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define REGISTER          NS_X "#register"
#define SERVICE_ADMIN     "admin@localhost/desk"
#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"
#define FORM(type, inside)                                                                         \
    "<x xmlns='jabber:x:data' type='" type "'>" FIELD("FORM_TYPE", REGISTER) inside "</x>"
#define WHO(jid, nick) FIELD("x-register_jid", jid) FIELD("muc#register_roomnick", nick)
#define ALLOW(value)   FIELD("muc#register_allow", value)
#define YES            FORM("submit", WHO("paris@localhost", "County") ALLOW("1"))

static const char *const asked[] = {"allow_register=on", "approve_registration=on", NULL};

static void applies_with(struct world *w, const char *who, const char *fields)
{
    says(w, who,
         "<iq to='" ROOM "' type='set' id='reg'><query xmlns='jabber:iq:register'>"
         "<x xmlns='jabber:x:data' type='submit'>" FIELD("FORM_TYPE",
                                                         REGISTER) "%s</x></query></iq>",
         fields);
}

static void applies(struct world *w, const char *who, const char *nick)
{
    char *field = text_of(FIELD("muc#register_roomnick", "%s"), nick);
    applies_with(w, who, field);
    free(field);
}

static void answers(struct world *w, const char *who, const char *form)
{
    says(w, who, "<message to='" ROOM "' id='a'>%s</message>", form);
}

static void reads_result(struct world *w, const char *who)
{
    reads(w, who, "<iq from='" ROOM "' type='result' id='reg'/>");
}

static void reads_request(struct world *w, const char *who, const char *jid, const char *nick)
{
    reads(w, who,
          "<message from='" ROOM "'><x xmlns='jabber:x:data' type='form' scansion:strict='false'>"
          "<title>Registration request</title><instructions>{scansion:any}</instructions>" FIELD(
              "FORM_TYPE",
              REGISTER) "<field var='x-register_jid' type='jid-single'><value>%s</value></field>"
                        "<field var='muc#register_roomnick' "
                        "type='text-single'><value>%s</value></field>"
                        "<field var='muc#register_allow' type='boolean'><value>0</value></field>"
                        "</x></message>",
          jid, nick);
}

/* Romeo owns the room, Juliet is a member and inside, Paris is inside. */
static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static struct room *room_of(struct world *w)
{
    return world_room(w, ROOM);
}

static const struct affiliate *paris(struct world *w)
{
    return room_affiliate(room_of(w), STR("paris@localhost"));
}

/* ---- what it is for ---- */

static void admins_are_asked(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    reads_result(w, PARIS);
    reads_nothing(w, PARIS);
    reads_request(w, ROMEO, "paris@localhost", "County");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    assert_null(paris(w));
    answers(w, ROMEO, YES);
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='" PARIS "'/><status code='110'/></x></presence>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant'/></x></presence>");
    assert_true(str_eqz(paris(w)->nick, "County"));
    assert_int_equal(paris(w)->affiliation, AFF_MEMBER);
    hush(w);
    answers(w, ROMEO, YES); /* once is enough */
    reads_error(w, ROMEO, "cancel", "item-not-found");
    reads_nothing(w, PARIS);
    world_free(w);
}

static void refused_by_an_admin(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    hush(w);
    answers(w, ROMEO, FORM("submit", WHO("paris@localhost", "County") ALLOW("false")));
    reads_nothing(w, ROMEO);
    reads_nothing(w, PARIS);
    answers(w, ROMEO, YES);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_null(paris(w));
    world_free(w);
}

/* Somebody else may still decide. */
static void left_to_another(void **state)
{
    struct world *w = company(asked);
    (void)state;
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    enters(w, JULIET_2, "Juliet");
    applies(w, PARIS, "County");
    reads_request(w, ROMEO, "paris@localhost", "County");
    reads_request(w, JULIET, "paris@localhost", "County");
    reads_request(w, JULIET_2, "paris@localhost", "County");
    hush(w);
    answers(w, ROMEO, FORM("cancel", ""));
    answers(w, ROMEO, "<x xmlns='jabber:x:data' type='cancel'/>");
    reads_nothing(w, ROMEO);
    answers(w, JULIET_2, YES);
    assert_int_equal(paris(w)->affiliation, AFF_MEMBER);
    world_free(w);
}

/* Every admin who comes is asked what is still open, behind all that one is told on entry. */
static void admins_who_come_are_asked(void **state)
{
    static const char *const options[] = {"allow_register=on", "approve_registration=on",
                                          "persistent=on", NULL};
    struct world *w = company(options);
    (void)state;
    leaves(w, ROMEO);
    applies(w, PARIS, "County");
    reads_result(w, PARIS);
    reads_nothing(w, JULIET);
    join(w, JULIET_2, "Juliet");
    world_forget(w);
    for (int i = 0; i < 2; i++) {
        const char *came, *last = NULL;
        join(w, ROMEO, "Romeo");
        while ((came = world_next(w, ROMEO)) != NULL)
            last = came;
        assert_non_null(last);
        assert_non_null(strstr(last, "x-register_jid"));
        leaves(w, ROMEO);
    }
    enters(w, ROMEO, "Romeo");
    answers(w, ROMEO, YES);
    enters(w, JULIET_2, "Juliet");
    assert_int_equal(paris(w)->affiliation, AFF_MEMBER);
    leaves(w, ROMEO);
    join(w, ROMEO, "Romeo");
    for (const char *came; (came = world_next(w, ROMEO)) != NULL;)
        assert_null(strstr(came, "x-register_jid"));
    world_free(w);
}

/* By the list of affiliations, and by that of the room's form. */
static void who_becomes_an_admin_is_asked(void **state)
{
    struct world *w = company(asked);
    (void)state;
    enters(w, JULIET_2, "Juliet");
    applies(w, PARIS, "County");
    hush(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='set'><query xmlns='" NS_X "#admin'>"
         "<item affiliation='admin' jid='juliet@localhost'/></query></iq>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>"); /* what it is comes first */
    while (world_unread(w, JULIET) > 1)
        world_next(w, JULIET);
    reads_request(w, JULIET, "paris@localhost", "County");
    while (world_unread(w, JULIET_2) > 1)
        world_next(w, JULIET_2);
    reads_request(w, JULIET_2, "paris@localhost", "County");
    hush(w);
    /* An admin who becomes an owner has it already. */
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='set'><query xmlns='" NS_X "#admin'>"
         "<item affiliation='owner' jid='juliet@localhost'/></query></iq>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    reads_nothing(w, JULIET);
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    configures(w, ROMEO, "muc#roomconfig_roomadmins", "paris@localhost");
    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    world_advance(w, REGISTERING_SECONDS * INT64_C(1000000));
    applies(w, PARIS, "County");
    hush(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='form'><query xmlns='" NS_X "#owner'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
         "#roomconfig</value></field><field var='muc#roomconfig_roomadmins'>"
         "<value>juliet@localhost</value></field></x></query></iq>");
    unsigned requests = 0;
    for (const char *came; (came = world_next(w, JULIET)) != NULL;)
        requests += strstr(came, "muc#register_allow") != NULL;
    assert_int_equal(requests, 1);
    world_free(w);
}

/* A request of a stranger says nothing any more once it is somebody, or was told to be nobody:
 * allowing it late would undo that. */
static void overtaken(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    applies(w, PARIS, "Prince");
    hush(w);
    answers(w, ROMEO, YES);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_true(str_eqz(paris(w)->nick, "Prince"));

    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    world_advance(w, REGISTERING_SECONDS * INT64_C(1000000));
    applies(w, PARIS, "County");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost' nick='Duke'/>");
    answers(w, ROMEO, YES);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_true(str_eqz(paris(w)->nick, "Duke"));

    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    world_advance(w, REGISTERING_SECONDS * INT64_C(1000000));
    applies(w, PARIS, "County");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    answers(w, ROMEO, YES);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_int_equal(room_of(w)->registrations.count, 0);
    world_free(w);
}

static void who_is_somebody_needs_nobody(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, JULIET, "Capulet");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    reads_result(w, JULIET);
    world_client(w, SERVICE_ADMIN);
    applies(w, SERVICE_ADMIN, "Admin");
    reads_result(w, SERVICE_ADMIN);
    assert_non_null(room_affiliate(room_of(w), STR("admin@localhost")));
    assert_int_equal(room_of(w)->registrations.count, 0);
    world_free(w);
}

/* ---- requests ---- */

static void asked_again(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    reads_request(w, ROMEO, "paris@localhost", "County");
    reads_result(w, PARIS);
    applies(w, PARIS, "County");
    reads_result(w, PARIS);
    reads_nothing(w, ROMEO); /* knows it */
    world_advance(w, REGISTERING_SECONDS * INT64_C(1000000));
    applies(w, PARIS, "Count");
    reads_result(w, PARIS);
    reads_request(w, ROMEO, "paris@localhost", "Count");
    answers(w, ROMEO, YES); /* to the first one, which is no more */
    reads_error(w, ROMEO, "cancel", "item-not-found");
    says(w, PARIS,
         "<iq to='" ROOM "' type='set' id='reg'><query xmlns='jabber:iq:register'>"
         "<remove/></query></iq>");
    reads_result(w, PARIS);
    answers(w, ROMEO, FORM("submit", WHO("paris@localhost", "Count") ALLOW("1")));
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_null(paris(w));
    world_free(w);
}

/* What is wrong with a request is said at once, and nobody is asked. */
static void requests_that_cannot_be(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "");
    reads_error(w, PARIS, "modify", "bad-request");
    applies(w, PARIS, "ROMEO");
    reads_error(w, PARIS, "cancel", "conflict");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    applies(w, PARIS, "County");
    reads_error(w, PARIS, "auth", "forbidden");
    reads_nothing(w, ROMEO);
    assert_int_equal(room_of(w)->registrations.count, 0);
    world_free(w);
}

static void the_most_requests(void **state)
{
    struct world *w = company(asked);
    (void)state;
    for (int i = 0; i <= ROOM_REGISTERING_MAX; i++) {
        char *who = text_of("guest%d@localhost/r", i), *nick = text_of("guest%d", i);
        world_client(w, who);
        applies(w, who, nick);
        if (i < ROOM_REGISTERING_MAX)
            reads_result(w, who);
        else
            reads_error(w, who, "wait", "resource-constraint");
        free(who);
        free(nick);
    }
    world_advance(w, REGISTERING_SECONDS * INT64_C(1000000));
    applies(w, "guest0@localhost/r", "another"); /* one's own is replaced */
    reads_result(w, "guest0@localhost/r");
    assert_int_equal(room_of(w)->registrations.count, ROOM_REGISTERING_MAX);
    world_free(w);
}

/* ---- answers ---- */

static void answers_that_are_none(void **state)
{
    static const struct {
        const char *form, *type, *condition;
    } rows[] = {
        {FORM("submit", WHO("paris@localhost", "County")), "modify", "bad-request"},
        {FORM("submit", WHO("paris@localhost", "County") ALLOW("maybe")), "modify", "bad-request"},
        {FORM("submit", WHO("paris@localhost", "County") ALLOW("1") ALLOW("1")), "modify",
         "bad-request"},
        {FORM("form", WHO("paris@localhost", "County") ALLOW("1")), "modify", "bad-request"},
        {FORM("submit", WHO("paris@localhost", "county") ALLOW("1")), "cancel", "item-not-found"},
        {FORM("submit", WHO("romeo@localhost", "County") ALLOW("1")), "cancel", "item-not-found"},
        {FORM("submit", WHO("@@", "County") ALLOW("1")), "cancel", "item-not-found"},
        {FORM("submit", FIELD("x-register_jid", "paris@localhost") ALLOW("1")), "cancel",
         "item-not-found"},
        {FORM("submit", FIELD("muc#register_roomnick", "County") ALLOW("0")), "cancel",
         "item-not-found"},
    };
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    hush(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answers(w, ROMEO, rows[i].form);
        reads_error(w, ROMEO, rows[i].type, rows[i].condition);
        reads_nothing(w, PARIS);
        assert_null(paris(w));
        assert_int_equal(room_of(w)->registrations.count, 1);
    }
    world_free(w);
}

static void only_admins_allow_it(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    hush(w);
    answers(w, PARIS, YES);
    reads(w, PARIS,
          "<message from='" ROOM "' type='error' id='a'><error type='auth' by='" ROOM "'>"
          "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
    answers(w, JULIET, YES); /* a member */
    reads_error(w, JULIET, "auth", "forbidden");
    sets(w, ROMEO, "<item role='moderator' nick='Juliet'/>");
    answers(w, JULIET, YES);
    reads_error(w, JULIET, "auth", "forbidden");
    sets(w, ROMEO, "<item role='visitor' nick='Juliet'/>");
    answers(w, JULIET, YES);
    reads_error(w, JULIET, "auth", "forbidden");
    answers(w, JULIET_2, YES); /* this session is not inside */
    reads_error(w, JULIET_2, "cancel", "not-acceptable");
    sets(w, ROMEO, "<item affiliation='outcast' jid='juliet@localhost'/>");
    answers(w, JULIET, YES);
    reads_error(w, JULIET, "cancel", "not-acceptable");
    reads_nothing(w, ROMEO);
    assert_null(paris(w));
    assert_int_equal(room_of(w)->registrations.count, 1);
    world_free(w);
}

/* What was possible when it was asked for need not be any more. */
static void meanwhile(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    sets(w, ROMEO, "<item affiliation='member' jid='tybalt@localhost' nick='county'/>");
    answers(w, ROMEO, YES);
    reads_error(w, ROMEO, "cancel", "conflict");
    assert_null(paris(w));
    sets(w, ROMEO, "<item affiliation='member' jid='tybalt@localhost' nick='Tybalt'/>");
    answers(w, ROMEO, YES); /* still waiting */
    assert_int_equal(paris(w)->affiliation, AFF_MEMBER);
    assert_true(str_eqz(paris(w)->nick, "County"));
    world_free(w);

    w = company(asked);
    applies(w, PARIS, "County");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    assert_int_equal(room_of(w)->registrations.count, 0);
    answers(w, ROMEO, YES);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_int_equal(paris(w)->affiliation, AFF_OUTCAST);
    world_free(w);
}

/* A domain that is banned may be let in again: the request waits, but not for who is banned. */
static void banned_with_the_domain(void **state)
{
    static const char *const form = FORM("submit", WHO("guest@far.example", "Guest") ALLOW("1"));
    struct world *w = company(asked);
    (void)state;
    world_client(w, "guest@far.example/r");
    applies(w, "guest@far.example/r", "Guest");
    sets(w, ROMEO, "<item affiliation='outcast' jid='far.example'/>");
    answers(w, ROMEO, form);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    leaves(w, ROMEO);
    join(w, ROMEO, "Romeo");
    for (const char *came; (came = world_next(w, ROMEO)) != NULL;)
        assert_null(strstr(came, "x-register_jid"));
    world_free(w);

    w = company(asked);
    world_client(w, "guest@far.example/r");
    applies(w, "guest@far.example/r", "Guest");
    sets(w, ROMEO, "<item affiliation='outcast' jid='far.example'/>");
    sets(w, ROMEO, "<item affiliation='none' jid='far.example'/>");
    answers(w, ROMEO, form);
    assert_non_null(room_affiliate(room_of(w), STR("guest@far.example")));
    world_free(w);
}

/* Who is not inside is told where the room tells such things. */
static void told_from_afar(void **state)
{
    static const char *const options[] = {"allow_register=on", "approve_registration=on",
                                          "members_only=on", "tell_absent=all", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    applies(w, PARIS, "County");
    reads_request(w, ROMEO, "paris@localhost", "County");
    answers(w, ROMEO, YES);
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><item affiliation='member' "
          "jid='paris@localhost'/></x></message>");
    reads(w, PARIS, "<iq from='" ROOM "' type='result' id='reg'/>");
    reads(w, PARIS,
          "<message from='" ROOM "' to='paris@localhost'><x xmlns='" NS_USER "'>"
          "<status code='101'/><item affiliation='member' jid='paris@localhost'/></x></message>");
    enters(w, PARIS, "County");
    assert_int_equal(room_of(w)->session_count, 2);
    world_free(w);
}

/* ---- further questions ---- */

static const char *const curious[] = {"allow_register=on", "approve_registration=on",
                                      "register_fields=first,faqentry", NULL};

static void further_questions(void **state)
{
    struct world *w = company(curious);
    (void)state;
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='reg'><query xmlns='jabber:iq:register'/></iq>");
    reads(w, PARIS,
          "<iq type='result' id='reg'><query xmlns='jabber:iq:register'>"
          "<x xmlns='jabber:x:data' type='form'>"
          "<field var='FORM_TYPE' type='hidden'><value>" REGISTER "</value></field>"
          "<field var='muc#register_roomnick' type='text-single' label='Nickname'><required/>"
          "</field><field var='muc#register_first' type='text-single' label='Given Name'>"
          "<required/></field><field var='muc#register_faqentry' type='text-multi' "
          "label='FAQ Entry'/></x></query></iq>");
    applies_with(w, PARIS,
                 FIELD("muc#register_roomnick", "County") FIELD("muc#register_first", "P.")
                     FIELD("muc#register_email", "not@asked") "<field var='muc#register_faqentry'>"
                                                              "<value>a</value><value>b</value>"
                                                              "</field>");
    reads_result(w, PARIS);
    const char *form = world_next(w, ROMEO);
    assert_non_null(strstr(form, "label='Given Name'><value>P.</value></field>"));
    assert_non_null(strstr(form, "<value>a</value><value>b</value></field>"));
    assert_null(strstr(form, "not@asked"));
    answers(w, ROMEO, YES);
    assert_int_equal(paris(w)->affiliation, AFF_MEMBER);
    world_free(w);
}

/* Members are asked for a nickname and nothing else: nobody would read it. */
static void members_are_not_asked_more(void **state)
{
    struct world *w = company(curious);
    (void)state;
    says(w, JULIET,
         "<iq to='" ROOM "' type='get' id='reg'><query xmlns='jabber:iq:register'/></iq>");
    const char *form = world_next(w, JULIET);
    assert_non_null(strstr(form, "muc#register_roomnick"));
    assert_null(strstr(form, "muc#register_first"));
    applies(w, JULIET, "Juliet");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    reads_result(w, JULIET);
    world_free(w);
}

static void answers_one_cannot_give(void **state)
{
    struct world *w = company(curious);
    char *text = malloc(ROOM_TEXT_BYTES_MAX + 2);
    (void)state;
    assert_non_null(text);
    memset(text, 'x', ROOM_TEXT_BYTES_MAX + 2);
    applies(w, PARIS, "County"); /* the first name is missing */
    reads_error(w, PARIS, "modify", "bad-request");
    applies_with(w, PARIS,
                 FIELD("muc#register_roomnick", "County") FIELD("muc#register_first", "  "));
    reads_error(w, PARIS, "modify", "bad-request");
    for (int over = 1; over >= 0; over--) {
        char *fields =
            text_of(FIELD("muc#register_roomnick", "County") FIELD("muc#register_first", "%.*s"),
                    ROOM_TEXT_BYTES_MAX + over, text);
        reads_nothing(w, ROMEO);
        applies_with(w, PARIS, fields);
        free(fields);
        if (over == 1)
            reads_error(w, PARIS, "modify", "bad-request");
        else
            reads_result(w, PARIS);
    }
    free(text);
    world_free(w);
}

/* ---- a room's life ---- */

static void gone_with_the_room(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='d'><query "
         "xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>");
    hush(w);
    answers(w, ROMEO, YES);
    assert_non_null(strstr(world_next(w, ROMEO), "type='error'"));
    world_advance(w, (TOMBSTONE_DAYS + 1) * INT64_C(86400000000));
    enters(w, ROMEO, "Romeo");
    answers(w, ROMEO, YES);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    world_free(w);
}

static void room_that_is_not_there(void **state)
{
    struct world *w = world_new(NULL);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, PARIS);
    answers(w, PARIS, YES);
    reads_error(w, PARIS, "cancel", "item-not-found");
    assert_null(room_of(w));
    enters(w, ROMEO, "Romeo"); /* locked */
    answers(w, PARIS, YES);
    reads_error(w, PARIS, "cancel", "item-not-found");
    world_free(w);
}

/* ---- what else becomes of who asked ---- */

/* Whoever has become somebody otherwise waits for nothing any more. */
static void answered_otherwise(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    assert_int_equal(room_of(w)->registrations.count, 0);
    applies(w, PARIS, "Own"); /* a member needs nobody */
    hush(w);
    answers(w, ROMEO, YES);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_true(str_eqz(paris(w)->nick, "Own"));
    says(w, PARIS,
         "<iq to='" ROOM "' type='set' id='reg'><query xmlns='jabber:iq:register'>"
         "<remove/></query></iq>");
    assert_null(paris(w));
    world_free(w);

    w = company(asked); /* by an invitation */
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    applies(w, PARIS, "County");
    says(w, JULIET,
         "<message to='" ROOM "'><x xmlns='" NS_USER "'><invite to='paris@localhost'/></x>"
         "</message>");
    assert_int_equal(paris(w)->affiliation, AFF_MEMBER);
    assert_int_equal(room_of(w)->registrations.count, 0);
    world_free(w);

    w = company(asked); /* by the owner's form */
    applies(w, PARIS, "County");
    configures(w, ROMEO, "muc#roomconfig_roomadmins", "paris@localhost");
    assert_int_equal(paris(w)->affiliation, AFF_ADMIN);
    assert_int_equal(room_of(w)->registrations.count, 0);
    world_free(w);
}

/* Admins are not to be worn down: not by another nickname each time, nor by taking it back. */
static void not_all_the_time(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    reads_result(w, PARIS);
    reads_request(w, ROMEO, "paris@localhost", "County");
    applies(w, PARIS, "Count");
    reads_error(w, PARIS, "wait", "resource-constraint");
    applies(w, PARIS, "County"); /* that one waits */
    reads_result(w, PARIS);
    says(w, PARIS,
         "<iq to='" ROOM "' type='set' id='reg'><query xmlns='jabber:iq:register'>"
         "<remove/></query></iq>");
    reads_result(w, PARIS);
    applies(w, PARIS, "County");
    reads_error(w, PARIS, "wait", "resource-constraint");
    reads_nothing(w, ROMEO);
    world_advance(w, (REGISTERING_SECONDS - 1) * INT64_C(1000000));
    applies(w, PARIS, "Count");
    reads_error(w, PARIS, "wait", "resource-constraint");
    world_advance(w, INT64_C(1000000));
    applies(w, PARIS, "Count");
    reads_result(w, PARIS);
    reads_request(w, ROMEO, "paris@localhost", "Count");
    answers(w, ROMEO, FORM("submit", WHO("paris@localhost", "Count") ALLOW("0")));
    applies(w, PARIS, "Count"); /* refused, and asks again at once */
    reads_error(w, PARIS, "wait", "resource-constraint");
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* A request has an address in it: who enters, or enters again, is shown it only if it is an admin.
 */
/* @covers 0045#regapprove.form */
static void nobody_else_who_comes_learns_of_it(void **state)
{
    struct world *w = company(asked);
    (void)state;
    applies(w, PARIS, "County");
    leaves(w, JULIET);
    join(w, JULIET, "Juliet");
    for (const char *came = world_next(w, JULIET); came != NULL; came = world_next(w, JULIET)) {
        assert_null(strstr(came, "paris@localhost"));
        assert_null(strstr(came, "jabber:x:data"));
    }
    sets(w, ROMEO, "<item nick='Juliet' role='moderator'/>"); /* nor by its role */
    join(w, JULIET, "Juliet");
    for (const char *came = world_next(w, JULIET); came != NULL; came = world_next(w, JULIET))
        assert_null(strstr(came, "jabber:x:data"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admins_are_asked),
        cmocka_unit_test(refused_by_an_admin),
        cmocka_unit_test(left_to_another),
        cmocka_unit_test(admins_who_come_are_asked),
        cmocka_unit_test(who_becomes_an_admin_is_asked),
        cmocka_unit_test(overtaken),
        cmocka_unit_test(who_is_somebody_needs_nobody),
        cmocka_unit_test(asked_again),
        cmocka_unit_test(requests_that_cannot_be),
        cmocka_unit_test(the_most_requests),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(only_admins_allow_it),
        cmocka_unit_test(meanwhile),
        cmocka_unit_test(banned_with_the_domain),
        cmocka_unit_test(told_from_afar),
        cmocka_unit_test(further_questions),
        cmocka_unit_test(members_are_not_asked_more),
        cmocka_unit_test(answers_one_cannot_give),
        cmocka_unit_test(gone_with_the_room),
        cmocka_unit_test(room_that_is_not_there),
        cmocka_unit_test(answered_otherwise),
        cmocka_unit_test(not_all_the_time),
        cmocka_unit_test(nobody_else_who_comes_learns_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
