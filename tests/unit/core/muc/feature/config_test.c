/* @covers 0045#registrar-formtype-owner */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/change.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define OWNER_NS           "http://jabber.org/protocol/muc#owner"
#define ROOMCONFIG         "http://jabber.org/protocol/muc#roomconfig"
#define SERVICE_ADMIN      "admin@localhost/desk"
#define VALUE(text)        "<value>" text "</value>"
#define FIELD(var, values) "<field var='muc#roomconfig_" var "'>" values "</field>"

static void asks_form(struct world *w, const char *who)
{
    says(w, who, "<iq to='" ROOM "' type='get' id='g'><query xmlns='" OWNER_NS "'/></iq>");
}

static void sends_x(struct world *w, const char *who, const char *x)
{
    says(w, who, "<iq to='" ROOM "' type='set' id='c'><query xmlns='" OWNER_NS "'>%s</query></iq>",
         x);
}

static void submits(struct world *w, const char *who, const char *fields)
{
    char *x = text_of("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
                      "<value>" ROOMCONFIG "</value></field>%s</x>",
                      fields);
    sends_x(w, who, x);
    free(x);
}

static void reads_result(struct world *w, const char *who)
{
    reads(w, who, "<iq from='" ROOM "' type='result' id='c'/>");
}

static void reads_notice(struct world *w, const char *who, const char *statuses)
{
    reads(w, who,
          "<message type='groupchat' from='" ROOM "' id='{scansion:any}'><x xmlns='" NS_USER
          "'>%s</x></message>",
          statuses);
}

static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    return w;
}

static struct room_options *options_of(struct world *w)
{
    return &world_room(w, ROOM)->options;
}

/* ---- a new room ---- */

static struct world *locked_world(void)
{
    struct world_config config = {.locked = true};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    enters(w, ROMEO, "Romeo");
    return w;
}

/* @covers 0045#createroom-general.unlocked 0045#createroom-instant.unlocked */
static void instant_room_by_an_empty_form(void **state)
{
    static const char *const forms[] = {
        "<x xmlns='jabber:x:data' type='submit'/>",
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" ROOMCONFIG
        "</value></field></x>",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct world *w = locked_world();
        asks_form(w, JULIET);
        reads_error(w, JULIET, "cancel", "item-not-found");
        sends_x(w, JULIET, forms[i]);
        reads_error(w, JULIET, "cancel", "item-not-found");
        sends_x(w, ROMEO, forms[i]);
        reads_result(w, ROMEO);
        reads_nothing(w, ROMEO); /* nothing has changed */
        enters(w, JULIET, "Juliet");
        assert_int_equal(world_room(w, ROOM)->occupant_count, 2);
        world_free(w);
    }
}

/* @covers 0045#createroom-general.cancelled 0045#createroom-reserved.cancelled */
static void cancelled_room_never_was(void **state)
{
    struct world *w = locked_world();
    (void)state;
    sends_x(w, ROMEO, "<x xmlns='jabber:x:data' type='cancel'/>");
    reads(w, ROMEO,
          "<presence type='unavailable' from='" ROOM "/Romeo'><x xmlns='" NS_USER "'><destroy/>"
          "<item affiliation='owner' role='none' jid='" ROMEO "'/><status code='110'/></x>"
          "</presence>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    assert_null(world_room(w, ROOM));
    join(w, JULIET, "Juliet");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><status code='201'/>"
          "<item affiliation='owner' role='moderator' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

/* @covers 0045#roomconfig.cancelled */
static void cancelling_later_changes_nothing(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sends_x(w, ROMEO, "<x xmlns='jabber:x:data' type='cancel'/>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    assert_int_equal(world_room(w, ROOM)->occupant_count, 2);
    world_free(w);
}

static void room_opens_by_itself_in_the_end(void **state)
{
    struct world *w = locked_world();
    (void)state;
    world_advance(w, (ROOM_LOCK_SECONDS - 1) * INT64_C(1000000));
    join(w, JULIET, "Juliet");
    reads_error(w, JULIET, "cancel", "item-not-found");
    world_advance(w, INT64_C(2000000));
    enters(w, JULIET, "Juliet");
    assert_int_equal(world_room(w, ROOM)->occupant_count, 2);
    world_free(w);
}

/* ---- the form ---- */

/* @covers 0045#roomconfig.forbidden */
static void only_owners_see_the_form(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, SERVICE_ADMIN);
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    asks_form(w, JULIET);
    reads_error(w, JULIET, "auth", "forbidden");
    submits(w, JULIET, "");
    reads_error(w, JULIET, "auth", "forbidden");
    asks_form(w, SERVICE_ADMIN);
    reads(w, SERVICE_ADMIN, "<iq type='result' id='g'/>");
    says(w, PARIS,
         "<iq to='void@conference.localhost' type='get' id='g'><query xmlns='" OWNER_NS "'/></iq>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    assert_null(world_room(w, "void@conference.localhost"));
    world_free(w);
}

/* @covers 0045#createroom-general.form 0045#createroom-reserved.form 0045#roomconfig.form */
static void form_has_the_current_values(void **state)
{
    static const char *const parts[] = {
        "<field var='FORM_TYPE' type='hidden'><value>" ROOMCONFIG "</value></field>",
        "<value>Verona</value>",
        ("<field var='muc#roomconfig_passwordprotectedroom' type='boolean' "
         "label='Is a password needed to enter?'><value>1</value></field>"),
        "<value>balcony</value>",
        "var='muc#roomconfig_roomowners' type='jid-multi'",
        "<value>romeo@localhost</value></field>",
        "var='muc#roomconfig_presencebroadcast' type='list-multi'",
    };
    static const char *const options[] = {"name=Verona", "password=balcony", NULL};
    struct world *w = world_with(options);
    const char *form;
    (void)state;
    says(w, ROMEO,
         "<presence to='" ROOM "/Romeo'><x xmlns='" NS_X "'><password>balcony</password>"
         "</x></presence>");
    world_forget(w);
    asks_form(w, ROMEO);
    form = world_next(w, ROMEO);
    assert_non_null(form);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (strstr(form, parts[i]) == NULL)
            fail_msg("%s is not in %s", parts[i], form);
    }
    assert_null(strstr(form, "enablearchiving")); /* not possible, so not offered */
    const char *form_type = strstr(form, "<field ");
    assert_non_null(strstr(form, "<title>Configuration of the room</title><instructions>"));
    assert_true(strstr(form, "</instructions>") < form_type);
    assert_memory_equal(form_type, "<field var='FORM_TYPE'", strlen("<field var='FORM_TYPE'"));
    world_free(w);
}

/* ---- submitting ---- */

/* @covers 0045#createroom-reserved.refused 0045#roomconfig.last-owner */
static void what_cannot_be_submitted(void **state)
{
    static const struct {
        const char *fields, *type, *condition;
    } rows[] = {
        {FIELD("membersonly", VALUE("perhaps")), "modify", "not-acceptable"},
        {FIELD("whois", VALUE("nobody")), "modify", "not-acceptable"},
        {FIELD("presencebroadcast", VALUE("moderator") VALUE("king")), "modify", "not-acceptable"},
        {FIELD("maxusers", VALUE("many")), "modify", "not-acceptable"},
        {FIELD("maxusers", VALUE("7")), "modify", "not-acceptable"}, /* not offered */
        {FIELD("enablelogging", VALUE("perhaps")), "modify", "not-acceptable"},
        {FIELD("pubsub", VALUE("a") VALUE("b")), "modify", "not-acceptable"},
        {"<field var='muc#roominfo_contactjid'><value>romeo@localhost</value>"
         "<value>@localhost</value></field>",
         "modify", "not-acceptable"},
        {"<field var='muc#roominfo_contactjid'><value>romeo@localhost/phone</value></field>",
         "modify", "not-acceptable"},
        {FIELD("passwordprotectedroom", VALUE("1")), "modify", "not-acceptable"},
        {FIELD("passwordprotectedroom", VALUE("1")) FIELD("roomsecret", VALUE("  ")), "modify",
         "not-acceptable"},
        {FIELD("roomowners", ""), "cancel", "conflict"},
        {FIELD("roomowners", VALUE("juliet@localhost@localhost")), "modify", "not-acceptable"},
        {FIELD("roomadmins", VALUE("localhost")), "modify", "not-acceptable"},
        {FIELD("roomadmins", VALUE(ROOM "/Juliet")), "modify", "not-acceptable"},
        {FIELD("voicerequestmininterval", VALUE("-1")), "modify", "not-acceptable"},
        {FIELD("roomname", VALUE("a")) FIELD("roomname", VALUE("b")), "modify", "bad-request"},
    };
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *fields = text_of(FIELD("moderatedroom", VALUE("1")) "%s", rows[i].fields);
        submits(w, ROMEO, fields);
        reads_error(w, ROMEO, rows[i].type, rows[i].condition);
        reads_nothing(w, JULIET);
        assert_false(options_of(w)->moderated); /* nothing of it took effect */
        free(fields);
    }
    world_free(w);
}

/* Each is told what is wrong with it. */
static void forms_that_are_none(void **state)
{
    static const char other[] = "The form is missing or of another type";
    static const struct {
        const char *form, *text;
    } rows[] = {
        {"", "There is no form in it"},
        {"<x xmlns='urn:example:data' type='submit'/>", "There is no form in it"},
        {"<x xmlns='jabber:x:data'/>", "The form says no type: submit or cancel"},
        {"<x xmlns='jabber:x:data' type='form'/>", other},
        {"<x xmlns='jabber:x:data' type='submit'>" FIELD("roomname", VALUE("a")) "</x>", other},
        {"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
         "#register</value></field></x>",
         other},
        {"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" ROOMCONFIG
         "</value></field>" FIELD("roomname", VALUE("a")) FIELD("roomname", VALUE("b")) "</x>",
         "The form has a field twice"},
    };
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sends_x(w, ROMEO, rows[i].form);
        reads(w, ROMEO,
              "<iq type='error' id='c' from='" ROOM "'><error type='modify' by='" ROOM "'>"
              "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
              "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s</text></error></iq>",
              rows[i].text);
        assert_true(str_empty(options_of(w)->name));
    }
    reads_nothing(w, JULIET);
    world_free(w);
}

/* A size the operator has chosen is none of those offered, but may stay. */
static void size_in_force_may_be_submitted(void **state)
{
    static const char *const options[] = {"max_users=7", NULL};
    struct world *w = company(options);
    (void)state;
    submits(w, ROMEO, FIELD("maxusers", VALUE("7")));
    reads_result(w, ROMEO);
    reads_nothing(w, JULIET); /* nothing has changed */
    submits(w, ROMEO, FIELD("maxusers", VALUE("8")));
    reads_error(w, ROMEO, "modify", "not-acceptable");
    assert_int_equal(options_of(w)->max_users, 7);
    submits(w, ROMEO, FIELD("maxusers", VALUE("5")));
    reads_result(w, ROMEO);
    submits(w, ROMEO, FIELD("maxusers", VALUE("7")));
    reads_notice(w, ROMEO, STATUS_CODE("104"));
    reads_error(w, ROMEO, "modify", "not-acceptable");
    assert_int_equal(options_of(w)->max_users, 5);
    world_free(w);
}

static void what_is_left_out_stays(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO, FIELD("roomname", VALUE("Verona")) FIELD("roomdesc", VALUE("Fair")));
    submits(w, ROMEO, FIELD("roomdesc", "") FIELD("unheard_of", VALUE("x")));
    assert_true(str_eqz(options_of(w)->name, "Verona"));
    assert_true(str_empty(options_of(w)->description));
    world_free(w);
}

/* What is not kept cannot be switched on, whatever it is called; that it is off is no news. */
static void there_is_no_archive_to_be_switched_on(void **state)
{
    static const char *const names[] = {"muc#roomconfig_enablearchiving", "mam"};
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *on = text_of("<field var='%s'><value>1</value></field>", names[i]);
        char *off = text_of("<field var='%s'><value>0</value></field>", names[i]);
        const char *why =
            "The value given for muc#roomconfig_enablearchiving is not possible: it must "
            "be off: this service keeps no archives";
        submits(w, ROMEO, on);
        reads(w, ROMEO,
              "<iq type='error' id='c'><error type='modify'><not-acceptable "
              "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text "
              "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s</text></error></iq>",
              why);
        submits(w, ROMEO, off);
        reads_result(w, ROMEO);
        reads_nothing(w, ROMEO);
        free(on);
        free(off);
    }
    world_free(w);
}

/* Both ways to say that a password is needed. */
static void password_fields(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO, FIELD("roomsecret", VALUE("balcony")));
    assert_true(str_eqz(options_of(w)->password, "balcony"));
    submits(w, ROMEO, FIELD("passwordprotectedroom", VALUE("1")));
    assert_true(str_eqz(options_of(w)->password, "balcony"));
    submits(w, ROMEO,
            FIELD("passwordprotectedroom", VALUE("0")) FIELD("roomsecret", VALUE("balcony")));
    assert_true(str_empty(options_of(w)->password));
    submits(w, ROMEO,
            FIELD("passwordprotectedroom", VALUE("true")) FIELD("roomsecret", VALUE("tomb")));
    assert_true(str_eqz(options_of(w)->password, "tomb"));
    submits(w, ROMEO, FIELD("roomsecret", ""));
    assert_true(str_empty(options_of(w)->password));
    world_free(w);
}

static void name_of_the_longest_length(void **state)
{
    static char name[ROOM_TEXT_BYTES_MAX + 2];
    struct world *w = company(NULL);
    char *fields;
    (void)state;
    memset(name, 'n', ROOM_TEXT_BYTES_MAX + 1);
    fields = text_of(FIELD("roomname", VALUE("%s")), name);
    submits(w, ROMEO, fields);
    reads_error(w, ROMEO, "modify", "not-acceptable");
    free(fields);
    name[ROOM_TEXT_BYTES_MAX] = '\0';
    fields = text_of(FIELD("roomname", VALUE("%s")), name);
    submits(w, ROMEO, fields);
    free(fields);
    assert_int_equal(options_of(w)->name.len, ROOM_TEXT_BYTES_MAX);
    world_free(w);
}

/* ---- what everybody is told ---- */

/* @covers 0045#roomconfig-notify.privacy 0045#roomconfig-notify.other */
static void codes_of_the_notice(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO, FIELD("whois", VALUE("anyone")));
    reads_result(w, ROMEO);
    reads_notice(w, ROMEO, STATUS_CODE("172"));
    reads_notice(w, JULIET, STATUS_CODE("172"));
    submits(w, ROMEO, FIELD("whois", VALUE("moderators")) FIELD("membersonly", VALUE("0")));
    reads_notice(w, JULIET, STATUS_CODE("173"));
    submits(w, ROMEO, FIELD("whois", VALUE("anyone")) FIELD("roomname", VALUE("Verona")));
    reads_notice(w, JULIET, STATUS_CODE("104") STATUS_CODE("172"));
    submits(w, ROMEO, FIELD("roomname", VALUE("Verona")) FIELD("whois", VALUE("anyone")));
    reads_nothing(w, JULIET);
    submits(w, ROMEO,
            FIELD("presencebroadcast",
                  VALUE("none") VALUE("visitor") VALUE("participant") VALUE("moderator")));
    reads_notice(w, JULIET, STATUS_CODE("102") STATUS_CODE("104"));
    submits(w, ROMEO,
            FIELD("presencebroadcast", VALUE("visitor") VALUE("participant") VALUE("moderator")));
    reads_notice(w, JULIET, STATUS_CODE("103") STATUS_CODE("104"));
    reads_nothing(w, JULIET);
    world_free(w);
}

/* That what is said is published is a matter of privacy: no other code with it (13.7). */
/* @covers 0045#roomconfig-notify.privacy */
static void codes_of_publishing(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO, FIELD("enablelogging", VALUE("1")));
    reads_result(w, ROMEO);
    reads_notice(w, ROMEO, STATUS_CODE("170"));
    reads_notice(w, JULIET, STATUS_CODE("170"));
    submits(w, ROMEO, FIELD("enablelogging", VALUE("true")));
    reads_nothing(w, JULIET);
    submits(w, ROMEO, FIELD("enablelogging", VALUE("0")) FIELD("whois", VALUE("anyone")));
    reads_notice(w, JULIET, STATUS_CODE("171") STATUS_CODE("172"));
    submits(w, ROMEO, FIELD("enablelogging", VALUE("1")) FIELD("lang", VALUE("it")));
    reads_notice(w, JULIET, STATUS_CODE("104") STATUS_CODE("170"));
    reads_nothing(w, JULIET);
    world_free(w);
}

static void roles_survive_a_change_of_moderation(void **state)
{
    struct world *w = company(NULL);
    const struct occupant *juliet = occupant_by_nick(world_room(w, ROOM), STR("juliet"));
    (void)state;
    submits(w, ROMEO, FIELD("moderatedroom", VALUE("1")));
    assert_int_equal(juliet->role, ROLE_PARTICIPANT);
    sets(w, ROMEO, "<item nick='Juliet' role='visitor'/>");
    submits(w, ROMEO, FIELD("moderatedroom", VALUE("0")));
    assert_int_equal(juliet->role, ROLE_VISITOR);
    world_free(w);
}

/* Everybody hears of who goes before the one who asked hears that it is done. */
/* @covers 0045#roomconfig.closed */
static void closing_puts_strangers_out(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    enters(w, PARIS, "Paris");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    submits(w, ROMEO, FIELD("membersonly", VALUE("1")));
    reads(w, PARIS,
          "<presence type='unavailable' from='" ROOM "/Paris'><x xmlns='" NS_USER "'>"
          "<status code='322'/><item affiliation='none' role='none' jid='" PARIS "'/>"
          "<status code='110'/></x></presence>");
    reads_nothing(w, PARIS);
    reads(w, ROMEO,
          "<presence type='unavailable' from='" ROOM "/Paris'><x xmlns='" NS_USER "'>"
          "<status code='322'/><item affiliation='none' role='none' jid='" PARIS "'/></x>"
          "</presence>");
    reads_result(w, ROMEO);
    reads_notice(w, ROMEO, STATUS_CODE("104"));
    reads(w, JULIET,
          "<presence type='unavailable' from='" ROOM "/Paris'><x xmlns='" NS_USER "'>"
          "<status code='322'/><item affiliation='none' role='none'/></x></presence>");
    reads_notice(w, JULIET, STATUS_CODE("104"));
    world_free(w);
}

static void hidden_roles_vanish_and_appear(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO, FIELD("presencebroadcast", ""));
    reads(w, ROMEO,
          "<presence type='unavailable' from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/></x></presence>");
    reads_result(w, ROMEO);
    reads(w, JULIET,
          "<presence type='unavailable' from='" ROOM "/Romeo'><x xmlns='" NS_USER "'>"
          "<item affiliation='owner' role='moderator'/></x></presence>");
    world_forget(w);
    submits(w, ROMEO, FIELD("presencebroadcast", VALUE("participant")));
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/></x></presence>");
    reads_result(w, ROMEO);
    reads_notice(w, JULIET, STATUS_CODE("104"));
    world_free(w);
}

/* Who is put out by the very change that hides it is missed once, by those who saw it. */
static void hidden_and_put_out_at_once(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO,
            FIELD("presencebroadcast", VALUE("moderator")) FIELD("membersonly", VALUE("1")));
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Juliet'/>");
    reads_result(w, ROMEO);
    reads(w, JULIET, "<presence type='unavailable' from='" ROOM "/Juliet'/>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* ---- admins and owners ---- */

static enum affiliation affiliation_of(struct world *w, const char *account)
{
    return room_affiliation_str(world_room(w, ROOM), str_z(account));
}

/* @covers 0045#roomconfig.step-down */
static void lists_are_complete(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO,
            FIELD("roomadmins", VALUE("juliet@localhost/balcony") VALUE("paris@localhost")
                                    VALUE("romeo@localhost") VALUE("")));
    assert_int_equal(affiliation_of(w, "juliet@localhost"), AFF_ADMIN);
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_ADMIN);
    assert_int_equal(affiliation_of(w, "romeo@localhost"), AFF_OWNER);
    world_forget(w);
    submits(w, ROMEO, FIELD("roomowners", VALUE("juliet@localhost") VALUE("tybalt@localhost")));
    assert_int_equal(affiliation_of(w, "juliet@localhost"), AFF_OWNER);
    assert_int_equal(affiliation_of(w, "tybalt@localhost"), AFF_OWNER);
    assert_int_equal(affiliation_of(w, "romeo@localhost"), AFF_ADMIN);
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_ADMIN);
    submits(w, JULIET, FIELD("roomowners", VALUE("juliet@localhost")) FIELD("roomadmins", ""));
    assert_int_equal(affiliation_of(w, "tybalt@localhost"), AFF_MEMBER);
    assert_int_equal(affiliation_of(w, "romeo@localhost"), AFF_MEMBER);
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_MEMBER);
    assert_int_equal(world_room(w, ROOM)->owner_count, 1);
    world_free(w);
}

/* @covers 0045#roomconfig.admin-gained */
static void new_admin_is_announced_before_the_result(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO, FIELD("roomadmins", VALUE("juliet@localhost")));
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><item affiliation='admin' "
          "role='moderator' jid='" JULIET
          "'/></x></presence>"); /* no actor: it is the form's doing */
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO); /* no option has changed */
    world_free(w);
}

/* An absent one hears of it as by an admin's request; who asks does not. */
static void absent_admin_is_told(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    submits(w, ROMEO,
            FIELD("roomowners", VALUE("paris@localhost"))
                FIELD("roomadmins", VALUE("romeo@localhost")));
    reads(w, PARIS,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='101'/>"
          "<item affiliation='owner' jid='paris@localhost'/></x></message>");
    reads_nothing(w, PARIS);
    leaves(w, ROMEO);
    submits(w, PARIS,
            FIELD("roomadmins", "")
                FIELD("roomowners", VALUE("paris@localhost") VALUE("romeo@localhost")));
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='101'/>"
          "<item affiliation='owner' jid='romeo@localhost'/></x></message>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

static void empty_room_that_ceases_to_persist_is_gone(void **state)
{
    static const char *const persistent[] = {"persistent=on", NULL};
    struct world *w = company(persistent);
    (void)state;
    leaves(w, ROMEO);
    leaves(w, JULIET);
    assert_non_null(world_room(w, ROOM));
    submits(w, ROMEO, FIELD("persistentroom", VALUE("0")));
    reads_result(w, ROMEO);
    assert_null(world_room(w, ROOM));
    world_free(w);
}

static unsigned count_unread(struct world *w, const char *who, const char *what)
{
    unsigned count = 0;
    for (const char *came; (came = world_next(w, who)) != NULL;)
        count += strstr(came, what) != NULL;
    return count;
}

/* Of many who have to go, each is told of itself alone; who stays is told of each of them, before
 * the owner has its answer. */
static void closing_is_told_to_who_stays(void **state)
{
    enum { STRANGERS = 200 };
    static const char *const members[] = {ROMEO, JULIET, PARIS};
    struct world *w = company(NULL);
    char jid[40], nick[20];
    (void)state;
    enters(w, PARIS, "Paris");
    sets(w, ROMEO,
         "<item affiliation='member' jid='juliet@localhost'/>"
         "<item affiliation='member' jid='paris@localhost'/>");
    for (unsigned i = 0; i < STRANGERS; i++) {
        snprintf(jid, sizeof(jid), "s%u@localhost/r", i / 2 * 2); /* each second: a nickname more */
        snprintf(jid + strlen(jid), sizeof(jid) - strlen(jid), "%u", i);
        snprintf(nick, sizeof(nick), "s%u", i);
        world_client(w, jid);
        enters(w, jid, nick);
    }
    submits(w, ROMEO, FIELD("membersonly", VALUE("1")));
    assert_int_equal(world_effects(w, FX_BROADCAST), 2 * STRANGERS + 1);
    for (unsigned i = 0; i < STRANGERS; i++) {
        snprintf(jid, sizeof(jid), "s%u@localhost/r%u", i / 2 * 2, i);
        reads(w, jid,
              "<presence type='unavailable' from='" ROOM "/s%u'><x xmlns='" NS_USER "'>"
              "<status code='322'/><item affiliation='none' role='none' jid='%s'/>"
              "<status code='110'/></x></presence>",
              i, jid);
        reads_nothing(w, jid);
    }
    for (unsigned i = 0; i < STRANGERS; i++)
        reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/s%u'/>", i);
    reads_result(w, ROMEO);
    for (size_t i = 1; i < ARRAY_LEN(members); i++)
        assert_int_equal(count_unread(w, members[i], "<status code='322'/>"), STRANGERS);
    assert_int_equal(world_room(w, ROOM)->session_count, ARRAY_LEN(members));
    world_free(w);
}

/* The last ones go: nobody is left to be told. */
static void closing_empties_the_room(void **state)
{
    static const char *const options[] = {"persistent=on", NULL};
    struct world *w = company(options);
    (void)state;
    enters(w, PARIS, "Paris");
    leaves(w, ROMEO);
    submits(w, ROMEO, FIELD("membersonly", VALUE("1")));
    assert_int_equal(world_effects(w, FX_BROADCAST), 1); /* that the room has changed */
    reads(w, PARIS, "<presence type='unavailable' from='" ROOM "/Paris'/>");
    reads_nothing(w, PARIS);
    assert_int_equal(world_room(w, ROOM)->session_count, 0);
    world_free(w);
}

/* ---- what only some may turn on ---- */

static struct world *world_with_permits(void)
{
    static const char *const some[] = {"juliet@localhost", NULL};
    static const char *const admins[] = {"admin@localhost", NULL};
    struct world_config config = {.admins = admins, .persistent = some, .listed = some};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, SERVICE_ADMIN);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='owner' jid='juliet@localhost'/>");
    return w;
}

static bool is_offered(struct world *w, const char *who, const char *var)
{
    world_forget(w);
    asks_form(w, who);
    const char *form = world_next(w, who);
    assert_non_null(form);
    assert_non_null(strstr(form, "muc#roomconfig_roomname"));
    bool offered = strstr(form, var) != NULL;
    world_forget(w);
    return offered;
}

/* Not offered, refused as a whole; turning it off, and leaving it on, is for every owner. */
static void what_takes_a_permission(void **state)
{
    static const char *const vars[] = {"persistentroom", "publicroom"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
        struct world *w = world_with_permits();
        char on[256], off[256];
        snprintf(on, sizeof(on), FIELD("%s", VALUE("1")) FIELD("roomname", VALUE("Verona")),
                 vars[i]);
        snprintf(off, sizeof(off), FIELD("%s", VALUE("0")), vars[i]);
        struct room_options *options = options_of(w);
        bool *value = i == 0 ? &options->persistent : &options->is_public;
        assert_false(*value);

        assert_false(is_offered(w, ROMEO, vars[i]));
        submits(w, ROMEO, on);
        reads_error(w, ROMEO, "modify", "not-acceptable");
        submits(w, ROMEO, off);
        reads_result(w, ROMEO);
        assert_false(*value);
        assert_true(str_empty(options->name));

        assert_true(is_offered(w, JULIET, vars[i]));
        submits(w, JULIET, on);
        reads_result(w, JULIET);
        assert_true(*value);

        assert_true(is_offered(w, ROMEO, vars[i]));
        submits(w, ROMEO, on);
        reads_result(w, ROMEO);
        submits(w, ROMEO, off);
        hush(w);
        assert_false(*value);
        submits(w, ROMEO, on);
        reads_error(w, ROMEO, "modify", "not-acceptable");

        submits(w, SERVICE_ADMIN, on);
        assert_true(*value);
        world_free(w);
    }
}

static void the_refusal_names_the_permission(void **state)
{
    struct world *w = world_with_permits();
    (void)state;
    submits(w, ROMEO, FIELD("persistentroom", VALUE("true")));
    const char *came = world_next(w, ROMEO);
    assert_non_null(strstr(came, "muc#roomconfig_persistentroom"));
    assert_non_null(strstr(came, "permission"));
    world_free(w);
}

/* What the form offers it takes: an owner may be a bot that is a whole server by its address. */
static void a_server_may_be_on_the_staff(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    world_client(w, "bot.localhost/x");
    enters(w, "bot.localhost/x", "Bot");
    submits(w, "bot.localhost/x",
            FIELD("roomowners", VALUE("bot.localhost")) FIELD("roomadmins", ""));
    reads_result(w, "bot.localhost/x");
    submits(w, "bot.localhost/x",
            FIELD("roomowners", VALUE("bot.localhost") VALUE("other.localhost")));
    reads_error(w, "bot.localhost/x", "modify", "not-acceptable");
    submits(w, "bot.localhost/x", FIELD("roomowners", VALUE("bot.localhost/x")));
    reads_error(w, "bot.localhost/x", "modify", "not-acceptable");
    submits(w, "bot.localhost/x",
            FIELD("roomowners", VALUE("juliet@localhost"))
                FIELD("roomadmins", VALUE("bot.localhost")));
    assert_int_equal(room_affiliation_str(world_room(w, ROOM), STR("bot.localhost")), AFF_ADMIN);
    world_free(w);
}

/* Named or not, it is what it was: nobody is told of a change there is not. */
static void service_admin_is_an_owner_whatever_the_form_says(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, SERVICE_ADMIN);
    enters(w, SERVICE_ADMIN, "Escalus");
    submits(w, ROMEO, FIELD("roomadmins", VALUE("admin@localhost")));
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    submits(w, ROMEO, FIELD("roomadmins", ""));
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    reads_nothing(w, SERVICE_ADMIN);
    assert_int_equal(affiliation_of(w, "admin@localhost"), AFF_OWNER);
    world_free(w);
}

/* The lists in the form are complete or they are not there: what cannot be submitted again is not
 * offered. */
static void more_staff_than_a_form_can_say(void **state)
{
    struct world *w = company(NULL);
    static char jids[ADMIN_ITEMS_MAX][32];
    static struct affiliation_change added[ADMIN_ITEMS_MAX];
    struct change change = {.kind = CHANGE_AFFILIATIONS, .affiliations = added};
    (void)state;
    for (unsigned i = 0; i < ADMIN_ITEMS_MAX; i++) {
        snprintf(jids[i], sizeof(jids[i]), "u%u@localhost", i);
        added[i] = (struct affiliation_change){
            .jid = str_z(jids[i]), .before = AFF_NONE, .after = AFF_ADMIN};
    }
    change.affiliation_count = ADMIN_ITEMS_MAX;
    change_apply(world_room(w, ROOM), &change);
    asks_form(w, ROMEO);
    const char *form = world_next(w, ROMEO);
    assert_non_null(form);
    assert_non_null(strstr(form, "muc#roomconfig_roomname"));
    assert_null(strstr(form, "muc#roomconfig_roomadmins"));
    assert_null(strstr(form, "muc#roomconfig_roomowners"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instant_room_by_an_empty_form),
        cmocka_unit_test(cancelled_room_never_was),
        cmocka_unit_test(cancelling_later_changes_nothing),
        cmocka_unit_test(room_opens_by_itself_in_the_end),
        cmocka_unit_test(only_owners_see_the_form),
        cmocka_unit_test(form_has_the_current_values),
        cmocka_unit_test(what_cannot_be_submitted),
        cmocka_unit_test(forms_that_are_none),
        cmocka_unit_test(size_in_force_may_be_submitted),
        cmocka_unit_test(what_is_left_out_stays),
        cmocka_unit_test(there_is_no_archive_to_be_switched_on),
        cmocka_unit_test(password_fields),
        cmocka_unit_test(name_of_the_longest_length),
        cmocka_unit_test(codes_of_the_notice),
        cmocka_unit_test(codes_of_publishing),
        cmocka_unit_test(roles_survive_a_change_of_moderation),
        cmocka_unit_test(closing_puts_strangers_out),
        cmocka_unit_test(hidden_roles_vanish_and_appear),
        cmocka_unit_test(hidden_and_put_out_at_once),
        cmocka_unit_test(lists_are_complete),
        cmocka_unit_test(new_admin_is_announced_before_the_result),
        cmocka_unit_test(absent_admin_is_told),
        cmocka_unit_test(empty_room_that_ceases_to_persist_is_gone),
        cmocka_unit_test(closing_is_told_to_who_stays),
        cmocka_unit_test(closing_empties_the_room),
        cmocka_unit_test(what_takes_a_permission),
        cmocka_unit_test(the_refusal_names_the_permission),
        cmocka_unit_test(a_server_may_be_on_the_staff),
        cmocka_unit_test(service_admin_is_an_owner_whatever_the_form_says),
        cmocka_unit_test(more_staff_than_a_form_can_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
