/*
 * A client's stream around accounts: registration before and after the log-in, resource binding,
 * the session request, and what is handed on to the router.
 */
#include "tests/support/stream_side.h"

#define STANZAS " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
#define BIND    " xmlns='urn:ietf:params:xml:ns:xmpp-bind'"
#define GET     "<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>"
#define SET(content)                                                                               \
    "<iq type='set' id='s'><query xmlns='jabber:iq:register'>" content "</query></iq>"
#define USER(name, password) "<username>" name "</username><password>" password "</password>"
#define DONE                 "<iq type='result' id='s'></iq>"

/* A stanza error for `id` of that type and condition, and the stream lives. */
static void assert_refused(const char *said, const char *id, const char *type,
                           const char *condition)
{
    assert_has(said, str_fmt(world.arena, "<iq type='error' id='%s'>", id).at);
    assert_has(said, str_fmt(world.arena, "<error type='%s'><%s" STANZAS "/>", type, condition).at);
    assert_false(world.closed);
}

static bool exists(const char *name)
{
    struct account_ask ask = {.op = ACCOUNT_LOAD, .account.name = str_copy(str_z(name))};
    world.store->account(world.store, &ask);
    account_fini(&ask.account);
    assert_true(ask.err == 0 || ask.err == ERR_NOT_FOUND);
    return ask.err == 0;
}

/* ---- registration before the log-in ---- */

static void a_newcomer_learns_what_is_needed(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    assert_string_equal(feed(GET), "<iq type='result' id='g'><query xmlns='jabber:iq:register'>"
                                   "<instructions>Choose a name and a password for your account"
                                   "</instructions><username/><password/></query></iq>");
}

/* @covers 0077#usecases-register 0077#usecases-register-server */
static void a_newcomer_registers_and_logs_in(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    assert_string_equal(
        feed("<iq type='set' id='s' to='localhost'><query xmlns='jabber:iq:register'>" USER(
            "Juliet", "pencil") "</query></iq>"),
        "[ask]<iq from='localhost' type='result' id='s'></iq>");
    assert_true(exists("juliet"));
    assert_has(stream_world_login(&world, "SCRAM-SHA-256", "juliet", "pencil"), "<bind" BIND "/>");
}

static void a_name_is_given_once(void **state)
{
    UNUSED(state);
    stream_world_account(&world, "juliet", "pencil");
    feed(STREAM_OPENING);
    assert_refused(feed(SET(USER("juliet", "mine"))), "s", "cancel", "conflict");
    assert_has(stream_world_login(&world, "PLAIN", "juliet", "pencil"), "<bind" BIND "/>");
}

static const char *long_text(char byte, size_t size)
{
    char *text = arena_alloc(world.arena, size + 1);
    memset(text, byte, size);
    return text;
}

static void impossible_accounts_are_refused(void **state)
{
    static const char *const impossible[] = {
        SET("<username>juliet</username>"),
        SET("<password>pencil</password>"),
        SET(USER("", "pencil")),
        SET(USER("juliet", "")),
        SET("<username/><password/>"),
        SET(""),
        SET(USER("a b", "pencil")),
        SET(USER("juliet@localhost", "pencil")),
        SET(USER("juliet", "\xc2\xad")),
        SET(USER("02020202-0202-4202-8202-020202020202", "pencil")),
    };
    for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
        end(state);
        begin(state);
        feed(STREAM_OPENING);
        assert_refused(feed(impossible[i]), "s", "modify", "not-acceptable");
    }
}

static void names_and_passwords_have_a_limit(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    const char *set = SET(USER("%s", "%s"));
    const char *name = long_text('n', JID_PART_BYTES_MAX);
    const char *password = long_text('p', PASSWORD_BYTES_MAX);
    assert_refused(feed(str_fmt(world.arena, set, long_text('n', JID_PART_BYTES_MAX + 1), "p").at),
                   "s", "modify", "not-acceptable");
    assert_refused(feed(str_fmt(world.arena, set, "n", long_text('p', PASSWORD_BYTES_MAX + 1)).at),
                   "s", "modify", "not-acceptable");
    assert_string_equal(feed(str_fmt(world.arena, set, name, password).at), "[ask]" DONE);
    assert_has(stream_world_login(&world, "PLAIN", name, password), "<bind" BIND "/>");
}

static void a_connection_makes_so_many_accounts(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    for (unsigned i = 0; i < REGISTRATIONS_PER_CONN; i++)
        assert_string_equal(feed(str_fmt(world.arena, SET(USER("user%u", "p")), i).at),
                            "[ask]" DONE);
    assert_refused(feed(SET(USER("onemore", "p"))), "s", "modify", "not-acceptable");
    assert_false(exists("onemore"));
}

static void the_store_may_refuse(void **state)
{
    static const struct {
        int err;
        const char *type, *condition;
    } errors[] = {
        {ERR_LIMIT, "wait", "resource-constraint"},
        {ERR_IO, "wait", "internal-server-error"},
    };
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        end(state);
        begin(state);
        feed(STREAM_OPENING);
        world.store_err = errors[i].err;
        assert_refused(feed(SET(USER("juliet", "p"))), "s", errors[i].type, errors[i].condition);
    }
}

static void only_members_can_leave(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    assert_refused(feed(SET("<remove/>")), "s", "wait", "unexpected-request");
}

static void registration_is_an_option(void **state)
{
    UNUSED(state);
    world.settings.registration = false;
    feed(STREAM_OPENING);
    assert_refused(feed(GET), "g", "cancel", "service-unavailable");
    assert_refused(feed(SET(USER("juliet", "p"))), "s", "cancel", "service-unavailable");
    assert_false(exists("juliet"));
    stream_world_account(&world, "romeo", "p");
    stream_world_login(&world, "PLAIN", "romeo", "p");
    feed("<iq type='set' id='b'><bind" BIND "/></iq>");
    assert_refused(feed(GET), "g", "cancel", "service-unavailable");
    assert_refused(feed(SET(USER("romeo", "other"))), "s", "cancel", "not-allowed");
    assert_refused(feed(SET("<remove/>")), "s", "cancel", "not-allowed");
    assert_true(exists("romeo"));
}

static void bad_requests_are_named(void **state)
{
    UNUSED(state);
    feed(STREAM_OPENING);
    const char *said = feed("<iq type='get'><query xmlns='jabber:iq:register'/></iq>");
    assert_has(said, "<iq type='error'><error type='modify'><bad-request" STANZAS "/>");
    assert_refused(feed("<iq type='get' id='2'><query xmlns='jabber:iq:register'/><a/></iq>"), "2",
                   "modify", "bad-request");
    assert_refused(feed("<iq type='what' id='3'><query xmlns='jabber:iq:register'/></iq>"), "3",
                   "modify", "bad-request");
}

/* ---- accounts of those who are in ---- */

static void a_member_learns_that_it_is_one(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    const char *fields = "<query xmlns='jabber:iq:register'><registered/><instructions>"
                         "Choose a new password for your account</instructions>"
                         "<username>juliet</username><password/></query></iq>";
    assert_string_equal(feed(GET), str_fmt(world.arena, "<iq type='result' id='g'>%s", fields).at);
    /* Asked of the domain, the domain answers. */
    assert_string_equal(
        feed("<iq type='get' id='g' to='localhost'>"
             "<query xmlns='jabber:iq:register'/></iq>"),
        str_fmt(world.arena, "<iq from='localhost' type='result' id='g'>%s", fields).at);
}

/* @covers 0077#usecases-changepw */
static void a_member_changes_its_password(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    assert_string_equal(feed(SET(USER("juliet", "new"))), "[ask]" DONE);
    struct account_ask ask = {.op = ACCOUNT_LOAD, .account.name = str_copy(STR("juliet"))};
    world.store->account(world.store, &ask);
    struct sasl *sasl = sasl_new(STR("localhost"), STR("a secret of the tests"));
    struct str out;
    /* \0juliet\0new */
    assert_int_equal(sasl_start(sasl, STR("PLAIN"), STR("AGp1bGlldABuZXc="), world.arena, &out),
                     SASL_NEED);
    assert_int_equal(sasl_account(sasl, &ask.account, ask.err, world.arena, &out), SASL_SUCCESS);
    sasl_free(sasl);
    account_fini(&ask.account);
}

static void a_member_changes_its_own_only(void **state)
{
    UNUSED(state);
    stream_world_account(&world, "romeo", "p");
    stream_world_bind(&world, "juliet");
    assert_refused(feed(SET(USER("romeo", "mine"))), "s", "cancel", "not-allowed");
    assert_refused(feed(SET(USER("juliet", ""))), "s", "modify", "bad-request");
    assert_refused(feed(SET("<password>p</password>")), "s", "modify", "bad-request");
    assert_refused(feed(SET(USER("juliet", "\xc2\xad"))), "s", "modify", "not-acceptable");
}

/* @covers 0077#usecases-cancel */
static void a_member_leaves_and_is_shown_out(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    assert_refused(feed(SET("<remove/><username>juliet</username>")), "s", "modify", "bad-request");
    assert_true(exists("juliet"));
    const char *said = feed(SET("<remove/>"));
    assert_has(said, "[ask]" DONE "<stream:error><not-authorized");
    assert_has(said, "</stream:stream>[close]");
    assert_false(exists("juliet"));
}

static void an_account_may_be_gone_already(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    world.store_err = ERR_NOT_FOUND;
    assert_refused(feed(SET("<remove/>")), "s", "auth", "registration-required");
    assert_refused(feed(SET(USER("juliet", "p"))), "s", "auth", "registration-required");
}

static void nobody_registers_in_anothers_name(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    const char *said = feed("<iq type='set' id='s' from='romeo@localhost'>"
                            "<query xmlns='jabber:iq:register'><remove/></query></iq>");
    assert_has(said, "<stream:error><invalid-from");
    assert_true(world.closed);
    assert_true(exists("juliet"));
}

static void an_anonymous_session_has_no_account(void **state)
{
    UNUSED(state);
    world.settings.anonymous = true;
    feed(STREAM_OPENING);
    feed("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    feed(STREAM_OPENING);
    feed("<iq type='set' id='b'><bind" BIND "/></iq>");
    assert_true(stream_is_bound(world.stream));
    assert_refused(feed(SET("<remove/>")), "s", "cancel", "not-allowed");
}

/* Registration with a room is the room's business. */
static void registration_elsewhere_is_not_ours(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    assert_has(feed("<iq type='get' id='1' to='room@conference.localhost'>"
                    "<query xmlns='jabber:iq:register'/></iq>"),
               "[stanza <iq");
}

/* ---- binding ---- */

static void log_in(void)
{
    stream_world_account(&world, "juliet", "pencil");
    feed(STREAM_OPENING);
    stream_world_login(&world, "PLAIN", "juliet", "pencil");
}

static void a_resource_is_bound(void **state)
{
    UNUSED(state);
    log_in();
    assert_string_equal(
        feed("<iq type='set' id='b'><bind" BIND "><resource>balcony</resource></bind></iq>"),
        "[bind juliet@localhost balcony]<iq type='result' id='b'><bind" BIND ">"
        "<jid>juliet@localhost/balcony</jid></bind></iq>");
    assert_true(stream_is_bound(world.stream));
}

static void a_resource_is_chosen_if_none_is_named(void **state)
{
    static const char *const open[] = {
        "<iq type='set' id='b'><bind" BIND "/></iq>",
        "<iq type='set' id='b'><bind" BIND "><resource/></bind></iq>",
    };
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        end(state);
        begin(state);
        log_in();
        assert_has(feed(open[i]), "[bind juliet@localhost -]");
        assert_true(stream_is_bound(world.stream));
    }
}

static void impossible_resources_can_be_tried_again(void **state)
{
    UNUSED(state);
    log_in();
    assert_refused(feed("<iq type='get' id='b'><bind" BIND "/></iq>"), "b", "modify",
                   "bad-request");
    assert_refused(feed("<iq type='set' id='b'><bind" BIND "><resource>\xee\x80\x80</resource>"
                        "</bind></iq>"),
                   "b", "modify", "bad-request");
    const char *set = "<iq type='set' id='b'><bind" BIND "><resource>%s</resource></bind></iq>";
    const char *large = long_text('r', JID_PART_BYTES_MAX + 1);
    assert_refused(feed(str_fmt(world.arena, set, large).at), "b", "modify", "bad-request");
    assert_has(feed(str_fmt(world.arena, set, large + 1).at), "<iq type='result' id='b'>");
}

static void the_connection_may_refuse(void **state)
{
    UNUSED(state);
    log_in();
    world.refuse_bind = "resource-constraint";
    assert_refused(feed("<iq type='set' id='b'><bind" BIND "/></iq>"), "b", "wait",
                   "resource-constraint");
    world.refuse_bind = "conflict";
    assert_refused(feed("<iq type='set' id='b'><bind" BIND "/></iq>"), "b", "cancel", "conflict");
    world.refuse_bind = "who-knows";
    assert_refused(feed("<iq type='set' id='b'><bind" BIND "/></iq>"), "b", "wait",
                   "internal-server-error");
    world.refuse_bind = NULL;
    assert_has(feed("<iq type='set' id='b'><bind" BIND "/></iq>"), "<iq type='result' id='b'>");
}

static void a_stream_is_bound_once(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    assert_refused(
        feed("<iq type='set' id='2'><bind" BIND "><resource>again</resource></bind></iq>"), "2",
        "cancel", "not-allowed");
    /* Somebody else may think about it what it likes. */
    assert_has(feed("<iq type='set' id='3' to='room@conference.localhost'><bind" BIND "/></iq>"),
               "[stanza <iq");
}

static void binding_comes_first(void **state)
{
    static const char *const early[] = {
        "<presence/>",
        "<message to='romeo@localhost'/>",
        "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
        "<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
        GET,
    };
    for (size_t i = 0; i < ARRAY_LEN(early); i++) {
        end(state);
        begin(state);
        log_in();
        assert_has(feed(early[i]), "<stream:error><not-authorized");
        assert_true(world.closed);
    }
}

/* ---- bound ---- */

static void the_session_request_is_granted(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    assert_string_equal(
        feed("<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>"),
        "<iq type='result' id='1'></iq>");
    assert_string_equal(feed("<iq type='set' id='2' to='localhost'>"
                             "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>"),
                        "<iq from='localhost' type='result' id='2'></iq>");
}

static void everything_else_is_handed_on(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    assert_string_equal(feed("<presence/><message to='a@b'><body>x</body></message>"
                             "<iq type='get'/>"),
                        "[stanza <presence/>][stanza <message to='a@b'><body>x</body></message>]"
                        "[stanza <iq type='get'/>]");
}

static void a_bound_stream_may_fail_too(void **state)
{
    static const struct {
        const char *xml, *condition;
    } bad[] = {
        {"<foo/>", "unsupported-stanza-type"},
        {"<message xmlns='jabber:component:accept'/>", "unsupported-stanza-type"},
        {"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
         "unsupported-stanza-type"},
        {"<!-- what -->", "restricted-xml"},
        {"<message", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        end(state);
        begin(state);
        stream_world_bind(&world, "juliet");
        const char *said = feed(bad[i].xml);
        if (bad[i].condition == NULL)
            assert_string_equal(said, "");
        else
            assert_has(said, str_fmt(world.arena, "<stream:error><%s ", bad[i].condition).at);
    }
}

static void order_is_kept_around_the_store(void **state)
{
    UNUSED(state);
    stream_world_bind(&world, "juliet");
    world.slow = true;
    assert_string_equal(feed("<message id='1'/>" SET(USER("juliet", "new")) "<message id='2'/>"
                                                                            "<message id='3'/>"),
                        "[stanza <message id='1'/>][ask]");
    assert_string_equal(feed("<message id='4'/>"), "");
    assert_string_equal(stream_world_answer(&world),
                        DONE "[stanza <message id='2'/>][stanza <message id='3'/>]"
                             "[stanza <message id='4'/>]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_newcomer_learns_what_is_needed),
        TEST(a_newcomer_registers_and_logs_in),
        TEST(a_name_is_given_once),
        TEST(impossible_accounts_are_refused),
        TEST(names_and_passwords_have_a_limit),
        TEST(a_connection_makes_so_many_accounts),
        TEST(the_store_may_refuse),
        TEST(only_members_can_leave),
        TEST(registration_is_an_option),
        TEST(bad_requests_are_named),
        TEST(a_member_learns_that_it_is_one),
        TEST(a_member_changes_its_password),
        TEST(a_member_changes_its_own_only),
        TEST(a_member_leaves_and_is_shown_out),
        TEST(an_account_may_be_gone_already),
        TEST(nobody_registers_in_anothers_name),
        TEST(an_anonymous_session_has_no_account),
        TEST(registration_elsewhere_is_not_ours),
        TEST(a_resource_is_bound),
        TEST(a_resource_is_chosen_if_none_is_named),
        TEST(impossible_resources_can_be_tried_again),
        TEST(the_connection_may_refuse),
        TEST(a_stream_is_bound_once),
        TEST(binding_comes_first),
        TEST(the_session_request_is_granted),
        TEST(everything_else_is_handed_on),
        TEST(a_bound_stream_may_fail_too),
        TEST(order_is_kept_around_the_store),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
