/*
 * SASL: our side against GNU SASL's client, and what a client should not be able to do or to learn.
 */
#include "net/sasl.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "tests/support/sasl_client.h"

#include <gsasl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DOMAIN STR("localhost")
#define SECRET STR("sixteen bytes and more")

static struct arena *arena;
static struct account juliet;
static uint8_t next_byte;

static void count_bytes(void *bytes, size_t size)
{
    memset(bytes, ++next_byte, size);
}

static int begin(void **state)
{
    UNUSED(state);
    arena = arena_new(16 * 1024);
    juliet = (struct account){.name = str_copy(STR("juliet"))};
    ensure(prep_init() == 0);
    ensure(sasl_init() == 0);
    /* Nine as one character: SASLprep makes "IX" of it. */
    return sasl_make_verifiers(&juliet, STR("r0m30 \xe2\x85\xa8"), count_bytes);
}

static int end(void **state)
{
    UNUSED(state);
    account_fini(&juliet);
    sasl_fini();
    prep_fini();
    arena_free(arena);
    return 0;
}

/* ---- whole exchanges ---- */

struct attempt {
    const char *mechanism, *name, *password, *authzid;
    bool without_initial;
};

static const struct account *find(struct str name)
{
    return str_eq(name, juliet.name) ? &juliet : NULL;
}

/* As far as it goes; *client tells whether it is content. */
static enum sasl_outcome play(const struct attempt *attempt, bool *content)
{
    struct sasl_client *client =
        sasl_client_new(attempt->mechanism, attempt->name, attempt->password, attempt->authzid);
    struct sasl *sasl = sasl_new(DOMAIN, SECRET);
    struct str out;
    struct str initial = STR_NONE;
    if (!attempt->without_initial)
        initial = str_z(sasl_client_step(client, ""));
    enum sasl_outcome outcome = sasl_start(sasl, str_z(attempt->mechanism), initial, arena, &out);
    while (outcome == SASL_NEED || outcome == SASL_CHALLENGE) {
        if (outcome == SASL_NEED) {
            outcome = sasl_account(sasl, find(sasl_account_name(sasl)), 0, arena, &out);
            continue;
        }
        const char *response = sasl_client_step(client, str_in(arena, out).at);
        ensure(response != NULL);
        outcome = sasl_response(sasl, str_z(response), arena, &out);
    }
    if (str_present(out))
        sasl_client_step(client, str_in(arena, out).at);
    *content = sasl_client_is_content(client);
    if (outcome == SASL_SUCCESS && sasl_account_name(sasl).len > 0)
        assert_true(str_eq(sasl_account_name(sasl), juliet.name));
    sasl_client_free(client);
    sasl_free(sasl);
    return outcome;
}

#define GOOD "r0m30 IX"

static void who_knows_the_password_gets_in(void **state)
{
    UNUSED(state);
    static const struct attempt good[] = {
        {"SCRAM-SHA-256", "juliet", GOOD, NULL, false},
        {"SCRAM-SHA-1", "juliet", GOOD, NULL, false},
        {"SCRAM-SHA-1", "juliet", GOOD, NULL, true},
        {"SCRAM-SHA-256", "juliet", "r0m30 \xe2\x85\xa8", NULL, false},
        {"SCRAM-SHA-256", "Juliet", GOOD, NULL, false}, /* one account, however it is written */
        {"SCRAM-SHA-256", "juliet", GOOD, "juliet@localhost", false},
        {"PLAIN", "juliet", GOOD, NULL, false},
        {"PLAIN", "juliet", "r0m30 \xe2\x85\xa8", NULL, false},
        {"PLAIN", "juliet", GOOD, "juliet@localhost", false},
        {"PLAIN", "juliet", GOOD, NULL, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        bool content = false;
        assert_int_equal(play(&good[i], &content), SASL_SUCCESS);
        /* With SCRAM the client has checked us. */
        assert_true(content);
    }
}

static void who_does_not_stays_out(void **state)
{
    UNUSED(state);
    static const struct attempt bad[] = {
        {"SCRAM-SHA-256", "juliet", "wrong", NULL, false},
        {"SCRAM-SHA-1", "juliet", "r0m30", NULL, false},
        {"SCRAM-SHA-256", "nobody", GOOD, NULL, false},
        {"SCRAM-SHA-1", "nobody", GOOD, NULL, true},
        {"SCRAM-SHA-1", "not a name", GOOD, NULL, false},
        {"PLAIN", "juliet", "wrong", NULL, false},
        {"PLAIN", "juliet", "", NULL, false},
        {"PLAIN", "nobody", GOOD, NULL, false},
        {"PLAIN", "juliet", "\xf0\x9f\x98\x80", NULL, false},
        {"PLAIN", "juliet@localhost", GOOD, NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bool content;
        assert_int_equal(play(&bad[i], &content), SASL_NOT_AUTHORIZED);
    }
}

static void nobody_acts_for_another(void **state)
{
    UNUSED(state);
    static const struct attempt greedy[] = {
        {"SCRAM-SHA-256", "juliet", GOOD, "romeo@localhost", false},
        {"SCRAM-SHA-1", "juliet", GOOD, "juliet@elsewhere", false},
        {"PLAIN", "juliet", GOOD, "romeo", false},
        {"PLAIN", "juliet", GOOD, "localhost", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(greedy); i++) {
        bool content;
        assert_int_equal(play(&greedy[i], &content), SASL_INVALID_AUTHZID);
    }
}

static void anonymous_needs_nothing(void **state)
{
    UNUSED(state);
    static const char *const traces[] = {NULL, "=", "c29tZWJvZHk="};
    for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
        struct sasl *sasl = sasl_new(DOMAIN, SECRET);
        struct str out;
        assert_int_equal(sasl_start(sasl, STR("ANONYMOUS"), str_z(traces[i]), arena, &out),
                         SASL_SUCCESS);
        assert_false(str_present(out));
        assert_false(str_present(sasl_account_name(sasl)));
        sasl_free(sasl);
    }
}

/* ---- what an account that does not exist looks like ---- */

/* The server's first message, for a client-first message with that name. */
static struct str first_of(const char *mechanism, const char *name, struct str secret,
                           const struct account *account)
{
    char *base64 = NULL;
    struct str message = str_fmt(arena, "n,,n=%s,r=abc", name);
    ensure(gsasl_base64_to(message.at, message.len, &base64, NULL) == GSASL_OK);
    struct sasl *sasl = sasl_new(DOMAIN, secret);
    struct str out;
    enum sasl_outcome outcome = sasl_start(sasl, str_z(mechanism), str_z(base64), arena, &out);
    assert_int_equal(outcome, SASL_NEED);
    assert_int_equal(sasl_account(sasl, account, 0, arena, &out), SASL_CHALLENGE);
    gsasl_free(base64);
    char *text = NULL;
    size_t len = 0;
    ensure(gsasl_base64_from(out.at, out.len, &text, &len) == GSASL_OK);
    struct str said = str_in(arena, str_of(text, len));
    gsasl_free(text);
    sasl_free(sasl);
    return said;
}

/* Salt and iterations: from ",s=" on. */
static const char *parameters(struct str first)
{
    const char *at = strstr(first.at, ",s=");
    ensure(at != NULL);
    return at;
}

static void an_unknown_name_looks_like_an_account(void **state)
{
    UNUSED(state);
    static const char *const scrams[] = {"SCRAM-SHA-1", "SCRAM-SHA-256"};
    for (size_t i = 0; i < ARRAY_LEN(scrams); i++) {
        const char *real = parameters(first_of(scrams[i], "juliet", SECRET, &juliet));
        const char *once = parameters(first_of(scrams[i], "nobody", SECRET, NULL));
        const char *again = parameters(first_of(scrams[i], "Nobody", SECRET, NULL));
        const char *other = parameters(first_of(scrams[i], "noone", SECRET, NULL));
        const char *elsewhere =
            parameters(first_of(scrams[i], "nobody", STR("another secret"), NULL));
        assert_string_equal(once, again);
        assert_string_not_equal(once, other);
        assert_string_not_equal(once, elsewhere);
        assert_int_equal(strlen(once), strlen(real));
        /* The same number of iterations. */
        assert_string_equal(strstr(once, ",i="), strstr(real, ",i="));
    }
}

/* ---- messages that are none ---- */

struct bad_start {
    const char *mechanism, *initial;
    enum sasl_outcome outcome;
};

static void bad_beginnings_are_named(void **state)
{
    UNUSED(state);
    static const struct bad_start bad[] = {
        {"DIGEST-MD5", NULL, SASL_INVALID_MECHANISM},
        {"SCRAM-SHA-256-PLUS", NULL, SASL_INVALID_MECHANISM},
        {"scram-sha-1", NULL, SASL_INVALID_MECHANISM},
        {"", NULL, SASL_INVALID_MECHANISM},
        {"PLAIN", "not base64!", SASL_INCORRECT_ENCODING},
        {"PLAIN", "AGp1bGll\ndABy", SASL_INCORRECT_ENCODING},
        {"PLAIN", "Zm9v", SASL_MALFORMED},
        {"SCRAM-SHA-1", "Zm9v", SASL_MALFORMED},
        {"SCRAM-SHA-256", "Y", SASL_INCORRECT_ENCODING},
        {"PLAIN", "=", SASL_CHALLENGE},
        {"SCRAM-SHA-256", NULL, SASL_CHALLENGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sasl *sasl = sasl_new(DOMAIN, SECRET);
        struct str out;
        assert_int_equal(
            sasl_start(sasl, str_z(bad[i].mechanism), str_z(bad[i].initial), arena, &out),
            bad[i].outcome);
        assert_false(str_present(out));
        sasl_free(sasl);
    }
}

static void a_message_has_a_limit(void **state)
{
    UNUSED(state);
    char *large = arena_alloc(arena, SASL_MESSAGE_BYTES_MAX + 1);
    memset(large, 'A', SASL_MESSAGE_BYTES_MAX + 1);
    /* The largest message is read (and is no PLAIN); one byte more is not even decoded. */
    for (size_t more = 0; more < 2; more++) {
        struct sasl *sasl = sasl_new(DOMAIN, SECRET);
        struct str out;
        assert_int_equal(sasl_start(sasl, STR("PLAIN"),
                                    str_of(large, SASL_MESSAGE_BYTES_MAX + more), arena, &out),
                         SASL_MALFORMED);
        sasl_free(sasl);
    }
}

static void an_empty_answer_to_an_empty_challenge_ends_it(void **state)
{
    UNUSED(state);
    struct sasl *sasl = sasl_new(DOMAIN, SECRET);
    struct str out;
    assert_int_equal(sasl_start(sasl, STR("PLAIN"), STR_NONE, arena, &out), SASL_CHALLENGE);
    assert_int_equal(sasl_response(sasl, STR("="), arena, &out), SASL_MALFORMED);
    sasl_free(sasl);
}

/* Somebody who saw the beginning of an exchange cannot go on with another nonce. */
static void a_foreign_nonce_is_refused(void **state)
{
    UNUSED(state);
    struct sasl_client *one = sasl_client_new("SCRAM-SHA-1", "juliet", GOOD, NULL);
    struct sasl_client *two = sasl_client_new("SCRAM-SHA-1", "juliet", GOOD, NULL);
    struct sasl *sasl[2];
    struct str out[2];
    struct sasl_client *clients[2] = {one, two};
    const char *finals[2];
    for (size_t i = 0; i < 2; i++) {
        sasl[i] = sasl_new(DOMAIN, SECRET);
        struct str initial = str_z(sasl_client_step(clients[i], ""));
        assert_int_equal(sasl_start(sasl[i], STR("SCRAM-SHA-1"), initial, arena, &out[i]),
                         SASL_NEED);
        assert_int_equal(sasl_account(sasl[i], &juliet, 0, arena, &out[i]), SASL_CHALLENGE);
        finals[i] = sasl_client_step(clients[i], out[i].at);
        assert_non_null(finals[i]);
    }
    assert_int_equal(sasl_response(sasl[0], str_z(finals[1]), arena, &out[0]), SASL_NOT_AUTHORIZED);
    assert_int_equal(sasl_response(sasl[1], str_z(finals[1]), arena, &out[1]), SASL_SUCCESS);
    /* What is over is over. */
    assert_int_equal(sasl_response(sasl[1], str_z(finals[1]), arena, &out[1]), SASL_MALFORMED);
    for (size_t i = 0; i < 2; i++) {
        sasl_client_free(clients[i]);
        sasl_free(sasl[i]);
    }
}

static void a_store_that_fails_is_a_temporary_failure(void **state)
{
    UNUSED(state);
    struct sasl *sasl = sasl_new(DOMAIN, SECRET);
    struct str out;
    struct str initial = STR("AGp1bGlldABy"); /* \0juliet\0r */
    assert_int_equal(sasl_start(sasl, STR("PLAIN"), initial, arena, &out), SASL_NEED);
    assert_int_equal(sasl_account(sasl, NULL, ERR_IO, arena, &out), SASL_TEMPORARY);
    sasl_free(sasl);
}

/* ---- verifiers ---- */

static void verifiers_are_salted_and_say_nothing(void **state)
{
    UNUSED(state);
    struct account account = {.name = str_copy(STR("romeo"))};
    assert_int_equal(sasl_make_verifiers(&account, STR("secret"), count_bytes), 0);
    assert_true(str_eq(account.name, STR("romeo")));
    assert_int_equal(account.sha1.iterations, SCRAM_ITERATIONS);
    assert_int_equal(account.sha256.iterations, SCRAM_ITERATIONS);
    assert_int_equal(account.sha1.stored_key.len, 28);
    assert_int_equal(account.sha256.stored_key.len, 44);
    assert_false(str_eq(account.sha1.salt, account.sha256.salt));
    struct str before = str_copy(account.sha256.stored_key);
    /* The same password again: other salt, other keys; the old ones are freed (leak checkers see).
     */
    assert_int_equal(sasl_make_verifiers(&account, STR("secret"), count_bytes), 0);
    assert_false(str_eq(before, account.sha256.stored_key));
    str_free(&before);
    account_fini(&account);
}

static void impossible_passwords_leave_the_account_alone(void **state)
{
    UNUSED(state);
    struct account account = {.name = str_copy(STR("romeo"))};
    assert_int_equal(sasl_make_verifiers(&account, STR("secret"), count_bytes), 0);
    struct str before = str_copy(account.sha1.stored_key);
    char *large = arena_alloc(arena, PASSWORD_BYTES_MAX + 1);
    memset(large, 'A', PASSWORD_BYTES_MAX + 1);
    struct str impossible[] = {
        STR(""),         str_of(large, PASSWORD_BYTES_MAX + 1),
        STR("\xc2\xad"),                          /* a soft hyphen: nothing is left of it */
        STR("a\x07"),                             /* a control character */
        STR("a\0b"),     STR("\xf0\x9f\x98\x80"), /* unassigned in SASLprep's Unicode */
        STR("\xff"),
    };
    for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
        assert_int_equal(sasl_make_verifiers(&account, impossible[i], count_bytes), ERR_INVALID);
        assert_true(str_eq(before, account.sha1.stored_key));
    }
    assert_int_equal(sasl_make_verifiers(&account, str_of(large, PASSWORD_BYTES_MAX), count_bytes),
                     0);
    str_free(&before);
    account_fini(&account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_knows_the_password_gets_in),
        cmocka_unit_test(who_does_not_stays_out),
        cmocka_unit_test(nobody_acts_for_another),
        cmocka_unit_test(anonymous_needs_nothing),
        cmocka_unit_test(an_unknown_name_looks_like_an_account),
        cmocka_unit_test(bad_beginnings_are_named),
        cmocka_unit_test(a_message_has_a_limit),
        cmocka_unit_test(an_empty_answer_to_an_empty_challenge_ends_it),
        cmocka_unit_test(a_foreign_nonce_is_refused),
        cmocka_unit_test(a_store_that_fails_is_a_temporary_failure),
        cmocka_unit_test(verifiers_are_salted_and_say_nothing),
        cmocka_unit_test(impossible_passwords_leave_the_account_alone),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
