/*
 * What the service's admins may have it do: rooms are destroyed, or nothing is changed and the
 * refusal says why.
 * @covers 0050#execute-simple 0050#impl-forms
 */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/room_digest.h"
#include "tests/support/talk.h"

#define ADMIN          "admin@localhost/office"
#define ADMIN_2        "admin@localhost/pocket"
#define SERVICE        WORLD_SERVICE
#define DESTROY        "http://prosody.im/protocol/muc#destroy"
#define COMMANDS       "http://jabber.org/protocol/commands"
#define SPECIFIC(name) "<" name " xmlns='" COMMANDS "'/>"
#define SET(attributes, inside)                                                                    \
    "<iq to='" SERVICE "' type='set' id='c'><command xmlns='" COMMANDS "'" attributes ">" inside   \
    "</command></iq>"
#define NODE             " node='" DESTROY "'"
#define FORM(inside)     "<x xmlns='jabber:x:data' type='submit'>" inside "</x>"
#define ROOMS(values)    FORM("<field var='rooms'>" values "</field>")
#define VALUE(text)      "<value>" text "</value>"
#define NOTE(type, text) "<note type='" type "'>" text "</note>"
#define GONE             "The following rooms were destroyed:"
#define MISSING          "These rooms do not exist:"
#define DONE(notes)                                                                                \
    "<iq from='" SERVICE "' id='c' type='result' xml:lang='en'><command xmlns='" COMMANDS          \
    "' node='" DESTROY "' sessionid='{scansion:any}' status='completed'>" notes "</command></iq>"

/* Two rooms: the lounge, in which are Romeo, who owns it, and Juliet; and Romeo's den, locked. */
static int setup(void **state)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    static const char *const options[] = {"ping_minutes=0", NULL};
    struct world_config config = {.locked = true, .admins = admins, .options = options};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, ADMIN);
    world_client(w, ADMIN_2);
    join(w, ROMEO, "Romeo");
    say(w, ROMEO,
        "<iq id='u' type='set' to='" ROOM "'><query xmlns='http://jabber.org/protocol/muc#owner'>"
        "<x xmlns='jabber:x:data' type='submit'/></query></iq>");
    join(w, JULIET, "Juliet");
    say(w, ROMEO, "<presence to='den@" SERVICE "/me'><x xmlns='" NS_X "'/></presence>");
    hush(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static bool stands(struct world *w, const char *room)
{
    return world_room(w, room) != NULL && room_exists(world_room(w, room));
}

/* The id of the session that the last answer to that client names; heap. */
static char *session_of(const char *answer)
{
    const char *at = strstr(answer, "sessionid='");
    assert_non_null(at);
    at += strlen("sessionid='");
    return text_of("%.*s", (int)strcspn(at, "'"), at);
}

static char *begun(struct world *w, const char *who)
{
    says(w, who, SET(NODE, ""));
    return session_of(world_next(w, who));
}

/* ---- what it does ---- */

/* @covers 0050#execute-simple 0045#destroyroom.once 0045#destroyroom.element */
static void at_once(void **state)
{
    struct world *w = *state;
    says(w, ADMIN, SET(NODE " action='execute'", ROOMS(VALUE(ROOM))));
    reads(w, ADMIN, DONE(NOTE("info", GONE "\n" ROOM)));
    reads_nothing(w, ADMIN);
    reads(w, ROMEO,
          "<presence from='" ROOM "/Romeo' type='unavailable'><x xmlns='" NS_USER "'><destroy/>"
          "<item affiliation='owner' role='none' jid='" ROMEO "'/><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, ROMEO);
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'><destroy/>"
          "<item affiliation='none' role='none' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, JULIET);
    assert_false(stands(w, ROOM));
    assert_true(stands(w, "den@" SERVICE));
    join(w, JULIET, "Juliet");
    reads_error(w, JULIET, "cancel", "gone");
}

/* @covers 0050#execute-multiple 0050#impl-actions 0050#impl-i18n */
static void with_a_form(void **state)
{
    struct world *w = *state;
    says(w, ADMIN, SET(NODE, ""));
    const char *came = world_next(w, ADMIN);
    char *session = session_of(came);
    char *difference = match_difference(
        "<iq from='" SERVICE "' id='c' type='result' xml:lang='en'><command xmlns='" COMMANDS
        "' node='" DESTROY "' sessionid='{scansion:any}' status='executing'>"
        "<actions execute='complete'><complete/></actions><x xmlns='jabber:x:data' type='form'>"
        "<title>Destroy rooms</title><instructions>{scansion:any}</instructions>"
        "<field var='FORM_TYPE' type='hidden'><value>" DESTROY "</value></field>"
        "<field var='rooms' type='jid-multi' label='{scansion:any}'><required/></field>"
        "</x></command></iq>",
        came);
    assert_null(difference);
    assert_true(stands(w, ROOM));
    says(w, ADMIN, SET(NODE " sessionid='%s' action='complete'", "%s"), session,
         FORM("<field var='FORM_TYPE'><value>" DESTROY
              "</value></field><field var='rooms'>" VALUE(ROOM) "</field>"));
    came = world_next(w, ADMIN);
    char *again = session_of(came);
    assert_string_equal(again, session);
    assert_non_null(strstr(came, "status='completed'"));
    assert_false(stands(w, ROOM));
    free(session);
    free(again);
}

/* The action that a form is sent by may be named or not; whichever comes first. */
static void any_way_to_complete(void **state)
{
    static const char *const actions[] = {"", " action='execute'", " action='complete'"};
    for (unsigned i = 0; i < 2 * ARRAY_LEN(actions); i++) {
        (void)teardown(state);
        (void)setup(state);
        struct world *w = *state;
        char *session = begun(w, ADMIN);
        char *named = i % 2 == 0 ? text_of(" sessionid='%s'", session) : text_of("%s", "");
        says(w, ADMIN, SET(NODE "%s%s", ROOMS(VALUE(ROOM))), named, actions[i / 2]);
        reads(w, ADMIN, DONE(NOTE("info", GONE "\n" ROOM)));
        assert_false(stands(w, ROOM));
        free(session);
        free(named);
    }
}

/* Locked rooms too; each once; those that are not there are named apart. */
/* @covers 0050#desc-note */
static void several_rooms(void **state)
{
    struct world *w = *state;
    says(w, ADMIN,
         SET(NODE, ROOMS(VALUE(" Den@" SERVICE " ") VALUE("nowhere@" SERVICE) VALUE("") VALUE(ROOM)
                             VALUE("den@" SERVICE))));
    reads(w, ADMIN,
          DONE(NOTE("info", GONE "\nden@" SERVICE "\n" ROOM)
                   NOTE("warn", MISSING "\nnowhere@" SERVICE)));
    assert_false(stands(w, "den@" SERVICE));
    assert_false(stands(w, ROOM));
    assert_null(world_room(w, "nowhere@" SERVICE));
    hush(w);
    says(w, ADMIN, SET(NODE, ROOMS(VALUE(ROOM))));
    reads(w, ADMIN, DONE(NOTE("warn", MISSING "\n" ROOM)));
}

/* Where there are no tombstones the address is free at once, and nothing is left of the room. */
static void without_a_tombstone(void **state)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    struct world_config config = {.no_tombstones = true, .admins = admins};
    struct world *w = world_new(&config);
    UNUSED(state);
    world_client(w, ROMEO);
    world_client(w, ADMIN);
    enters(w, ROMEO, "Romeo");
    says(w, ADMIN, SET(NODE, ROOMS(VALUE(ROOM))));
    reads(w, ADMIN, DONE(NOTE("info", GONE "\n" ROOM)));
    assert_null(world_room(w, ROOM));
    world_free(w);
}

/* @covers 0050#cancel */
static void taken_back(void **state)
{
    struct world *w = *state;
    char *session = begun(w, ADMIN);
    says(w, ADMIN, SET(NODE " action='cancel' sessionid='%s'", ROOMS(VALUE(ROOM))), session);
    reads(w, ADMIN,
          "<iq from='" SERVICE "' id='c' type='result'><command xmlns='" COMMANDS "' node='" DESTROY
          "' sessionid='%s' status='canceled'/></iq>",
          session);
    assert_true(stands(w, ROOM));
    free(session);
}

/* ---- what it refuses ---- */

static void refuses(struct world *w, const char *who, const char *type, const char *condition,
                    const char *specific)
{
    struct room *room = world_room(w, ROOM), *den = world_room(w, "den@" SERVICE);
    assert_non_null(room);
    assert_non_null(den);
    assert_int_equal(world_unread(w, who), 1);
    const char *came = world_next(w, who), *sent = world_sent(w, who);
    const char *flaw = error_flaw(came, sent, type, condition);
    if (flaw == NULL && strstr(came, "by='" SERVICE "'") == NULL)
        flaw = "by";
    if (flaw == NULL && (strstr(came, COMMANDS) != NULL) != (specific[0] != '\0'))
        flaw = "the condition of its own";
    if (flaw == NULL && strstr(came, specific) == NULL)
        flaw = specific;
    if (flaw != NULL)
        print_error("%s\n  sent: %s\n  came: %s\n", flaw, sent, came);
    assert_null(flaw);
    assert_int_equal(room_sessions(room), 2);
    assert_int_equal(world_unread(w, ROMEO) + world_unread(w, JULIET), 0);
}

/* @covers 0050#desc-errors 0050#impl-actions 0050#impl-forms */
static void what_is_wrong_with_it(void **state)
{
    static const char payload[] = SPECIFIC("bad-payload");
    static const struct {
        const char *stanza;
        const char *type, *condition, *specific;
    } cases[] = {
        {SET("", ROOMS(VALUE(ROOM))), "modify", "bad-request", ""},
        {SET(" node=''", ROOMS(VALUE(ROOM))), "cancel", "item-not-found", ""},
        {SET(" node='reboot'", ROOMS(VALUE(ROOM))), "cancel", "item-not-found", ""},
        {"<iq to='" SERVICE "' type='get' id='c'><command xmlns='" COMMANDS "'" NODE
         ">" ROOMS(VALUE(ROOM)) "</command></iq>",
         "modify", "bad-request", ""},
        {"<iq to='" SERVICE "' type='set' id='c'><command xmlns='other:commands'" NODE "/></iq>",
         "cancel", "service-unavailable", ""},
        {"<iq to='" SERVICE "' type='set' id='c'><command xmlns='" COMMANDS "'" NODE
         "/><command xmlns='" COMMANDS "'" NODE "/></iq>",
         "modify", "bad-request", ""},
        {"<iq to='" SERVICE "/x' type='set' id='c'><command xmlns='" COMMANDS "'" NODE
         ">" ROOMS(VALUE(ROOM)) "</command></iq>",
         "cancel", "service-unavailable", ""},
        {SET(NODE " action='next'", ROOMS(VALUE(ROOM))), "modify", "bad-request",
         SPECIFIC("bad-action")},
        {SET(NODE " action='prev'", ROOMS(VALUE(ROOM))), "modify", "bad-request",
         SPECIFIC("bad-action")},
        {SET(NODE " action='explode'", ROOMS(VALUE(ROOM))), "modify", "bad-request",
         SPECIFIC("malformed-action")},
        {SET(NODE " action=''", ROOMS(VALUE(ROOM))), "modify", "bad-request",
         SPECIFIC("malformed-action")},
        {SET(NODE " action='cancel'", ""), "modify", "bad-request", SPECIFIC("bad-sessionid")},
        {SET(NODE " sessionid=''", ROOMS(VALUE(ROOM))), "modify", "bad-request",
         SPECIFIC("bad-sessionid")},
        {SET(NODE " sessionid='mine'", ROOMS(VALUE(ROOM))), "modify", "bad-request",
         SPECIFIC("bad-sessionid")},
        {SET(NODE " action='complete'", ""), "modify", "bad-request", payload},
        {SET(NODE, ROOMS(VALUE(ROOM)) ROOMS(VALUE(ROOM))), "modify", "bad-request", payload},
        {SET(NODE, "<x xmlns='jabber:x:data' type='cancel'><field var='rooms'>" VALUE(
                       ROOM) "</field></x>"),
         "modify", "bad-request", payload},
        {SET(NODE, "<x xmlns='jabber:x:data'><field var='rooms'>" VALUE(ROOM) "</field></x>"),
         "modify", "bad-request", payload},
        {SET(NODE, FORM("")), "modify", "bad-request", payload},
        {SET(NODE, ROOMS("")), "modify", "bad-request", payload},
        {SET(NODE, ROOMS(VALUE(" "))), "modify", "bad-request", payload},
        {SET(NODE, FORM("<field var='room'>" VALUE(ROOM) "</field>")), "modify", "bad-request",
         payload},
        {SET(NODE, FORM("<field var='rooms'>" VALUE(ROOM) "</field><field var='rooms'>" VALUE(
                       ROOM) "</field>")),
         "modify", "bad-request", payload},
        {SET(NODE,
             FORM("<field var='FORM_TYPE'><value>other</value></field><field var='rooms'>" VALUE(
                 ROOM) "</field>")),
         "modify", "bad-request", payload},
        {SET(NODE, ROOMS(VALUE(ROOM) VALUE("lounge"))), "modify", "bad-request", payload},
        {SET(NODE, ROOMS(VALUE(ROOM) VALUE(SERVICE))), "modify", "bad-request", payload},
        {SET(NODE, ROOMS(VALUE(ROOM) VALUE(ROOM "/Romeo"))), "modify", "bad-request", payload},
        {SET(NODE, ROOMS(VALUE(ROOM) VALUE("lounge@elsewhere.example"))), "modify", "bad-request",
         payload},
        {SET(NODE, ROOMS(VALUE(ROOM) VALUE("@" SERVICE))), "modify", "bad-request", payload},
    };
    struct world *w = *state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t before = room_digest(world_room(w, ROOM));
        say(w, ADMIN, cases[i].stanza);
        refuses(w, ADMIN, cases[i].type, cases[i].condition, cases[i].specific);
        assert_int_equal(room_digest(world_room(w, ROOM)), before);
    }
}

/* Owning the room is not enough, nor is being inside. */
/* @covers 0050#desc-errors */
static void who_may_not(void **state)
{
    static const char *const who[] = {ROMEO, JULIET, NURSE};
    static const char *const stanzas[] = {
        SET(NODE, ROOMS(VALUE(ROOM))),
        SET(NODE, ""),
        SET(NODE " action='cancel'", ""),
        SET(NODE " action='explode'", ""),
    };
    struct world *w = *state;
    world_client(w, NURSE);
    for (unsigned i = 0; i < ARRAY_LEN(who) * ARRAY_LEN(stanzas); i++) {
        say(w, who[i % ARRAY_LEN(who)], stanzas[i / ARRAY_LEN(who)]);
        refuses(w, who[i % ARRAY_LEN(who)], "auth", "forbidden", "");
    }
}

/* Another client of the same account, however well it knows the id. */
/* @covers 0050#impl-session */
static void sessions_are_ones_own(void **state)
{
    struct world *w = *state;
    char *session = begun(w, ADMIN);
    says(w, ADMIN_2, SET(NODE " sessionid='%s'", ROOMS(VALUE(ROOM))), session);
    refuses(w, ADMIN_2, "modify", "bad-request", SPECIFIC("bad-sessionid"));
    world_advance(w, (COMMAND_SESSION_SECONDS - 1) * INT64_C(1000000));
    says(w, ADMIN, SET(NODE " action='cancel' sessionid='%s'", ""), session);
    assert_non_null(strstr(world_next(w, ADMIN), "status='canceled'"));
    world_advance(w, INT64_C(1000000));
    says(w, ADMIN, SET(NODE " sessionid='%s'", ROOMS(VALUE(ROOM))), session);
    const char *came = world_next(w, ADMIN);
    assert_null(error_flaw(came, world_sent(w, ADMIN), "cancel", "not-allowed"));
    assert_non_null(strstr(came, SPECIFIC("session-expired")));
    assert_true(stands(w, ROOM));
    free(session);
}

static void only_so_many_rooms(void **state)
{
    struct world *w = *state;
    struct buf values;
    buf_init(&values, NULL);
    buf_addz(&values, VALUE(ROOM));
    for (unsigned i = 1; i < COMMAND_ROOMS_MAX; i++)
        buf_addf(&values, VALUE("none%u@" SERVICE), i);
    says(w, ADMIN, SET(NODE, ROOMS("%s" VALUE("one@" SERVICE))), buf_str(&values).at);
    refuses(w, ADMIN, "modify", "bad-request", SPECIFIC("bad-payload"));
    says(w, ADMIN, SET(NODE, ROOMS("%s" VALUE(ROOM))), buf_str(&values).at);
    assert_non_null(strstr(world_next(w, ADMIN), GONE "\n" ROOM "</note>"));
    assert_false(stands(w, ROOM));
    buf_free(&values);
}

/* ---- discovery ---- */

#define INFO(attributes)  "<query xmlns='http://jabber.org/protocol/disco#info'" attributes "/>"
#define ITEMS(attributes) "<query xmlns='http://jabber.org/protocol/disco#items'" attributes "/>"
#define GET(payload)      "<iq to='" SERVICE "' type='get' id='c'>" payload "</iq>"

/* @covers 0050#discover 0050#retrieve */
static void who_sees_it(void **state)
{
    struct world *w = *state;
    say(w, ADMIN, GET(INFO("")));
    assert_non_null(strstr(world_next(w, ADMIN), "<feature var='" COMMANDS "'/>"));
    say(w, ADMIN, GET(ITEMS(" node='" COMMANDS "'")));
    reads(w, ADMIN,
          "<iq from='" SERVICE "' id='c' type='result'>"
          "<query xmlns='http://jabber.org/protocol/disco#items' node='" COMMANDS "'>"
          "<item jid='" SERVICE "' node='" DESTROY "' name='Destroy rooms'/></query></iq>");
    say(w, ADMIN, GET(INFO(" node='" COMMANDS "'")));
    reads(w, ADMIN,
          "<iq id='c' type='result'><query xmlns='http://jabber.org/protocol/disco#info' "
          "node='" COMMANDS
          "'><identity category='automation' type='command-list' name='{scansion:any}'/>"
          "<feature var='" COMMANDS "'/></query></iq>");
    say(w, ADMIN, GET(INFO(NODE)));
    reads(w, ADMIN,
          "<iq id='c' type='result'><query xmlns='http://jabber.org/protocol/disco#info'" NODE ">"
          "<identity category='automation' type='command-node' name='Destroy rooms'/>"
          "<feature var='" COMMANDS "'/><feature var='jabber:x:data'/></query></iq>");
    say(w, ADMIN, GET(ITEMS(NODE)));
    reads(w, ADMIN,
          "<iq id='c' type='result'><query xmlns='http://jabber.org/protocol/disco#items'" NODE
          "/></iq>");

    say(w, ROMEO, GET(INFO("")));
    assert_null(strstr(world_next(w, ROMEO), COMMANDS));
    say(w, ROMEO, GET(ITEMS(" node='" COMMANDS "'")));
    reads_error(w, ROMEO, "cancel", "item-not-found");
    say(w, ROMEO, GET(INFO(" node='" COMMANDS "'")));
    reads_error(w, ROMEO, "cancel", "item-not-found");
    say(w, ROMEO, GET(INFO(NODE)));
    reads_error(w, ROMEO, "auth", "forbidden");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(at_once),
        TEST(with_a_form),
        TEST(any_way_to_complete),
        TEST(several_rooms),
        cmocka_unit_test(without_a_tombstone),
        TEST(taken_back),
        TEST(what_is_wrong_with_it),
        TEST(who_may_not),
        TEST(sessions_are_ones_own),
        TEST(only_so_many_rooms),
        TEST(who_sees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
