/* TLS as a server, against OpenSSL's client side; certificate files as operators get them wrong. */
#include "net/tls.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "tests/support/pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cmocka.h>

static struct pem pem;

static int prepare(void **state)
{
    UNUSED(state);
    pem_make(&pem);
    return 0;
}

static int clean(void **state)
{
    UNUSED(state);
    pem_remove(&pem);
    return 0;
}

/* ---- a client ---- */

struct far_end {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
};

static struct tls *tls;
static struct tls_conn *conn;
static struct far_end client;

static int begin(void **state)
{
    UNUSED(state);
    char why[300] = "";
    tls = tls_new(pem.certificate, pem.key, why, sizeof(why));
    if (tls == NULL)
        print_error("%s\n", why);
    ensure(tls != NULL);
    conn = tls_accept(tls);
    client.ctx = SSL_CTX_new(TLS_client_method());
    client.ssl = SSL_new(client.ctx);
    client.in = BIO_new(BIO_s_mem());
    client.out = BIO_new(BIO_s_mem());
    SSL_set_bio(client.ssl, client.in, client.out);
    SSL_set_connect_state(client.ssl);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    SSL_free(client.ssl);
    SSL_CTX_free(client.ctx);
    tls_conn_free(conn);
    tls_free(tls);
    ERR_clear_error();
    return 0;
}

/* Carries bytes both ways, at most `piece` at a time; the result of the last tls_feed(). */
static int carry(size_t piece)
{
    char bytes[4096];
    int result = 0;
    for (;;) {
        int count =
            BIO_read(client.out, bytes, (int)(piece < sizeof(bytes) ? piece : sizeof(bytes)));
        if (count > 0)
            result = tls_feed(conn, str_of(bytes, (size_t)count));
        struct str pending = tls_pending(conn);
        size_t taken = pending.len < piece ? pending.len : piece;
        if (taken > 0)
            BIO_write(client.in, pending.at, (int)taken);
        tls_sent(conn, taken);
        if (count <= 0 && taken == 0)
            return result;
    }
}

static void shake_hands(size_t piece)
{
    for (unsigned i = 0; i < 10 && (!tls_done(conn) || !SSL_is_init_finished(client.ssl)); i++) {
        (void)SSL_do_handshake(client.ssl);
        assert_int_equal(carry(piece), 0);
    }
    (void)SSL_do_handshake(client.ssl);
    assert_true(tls_done(conn));
    assert_int_equal(SSL_is_init_finished(client.ssl), 1);
}

/* ---- what works ---- */

static void both_sides_read_what_the_other_wrote(void **state)
{
    UNUSED(state);
    char got[100];
    assert_int_equal(tls_write(conn, STR("too early")), 0);
    shake_hands(4096);
    assert_int_equal(SSL_write(client.ssl, "hello", 5), 5);
    assert_int_equal(carry(4096), 0);
    assert_int_equal(tls_read(conn, got, sizeof(got)), 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(tls_read(conn, got, sizeof(got)), 0);
    assert_int_equal(tls_write(conn, STR("welcome")), 7);
    assert_int_equal(carry(4096), 0);
    assert_int_equal(SSL_read(client.ssl, got, sizeof(got)), 7);
    assert_memory_equal(got, "welcome", 7);
}

static void bytes_may_come_one_by_one(void **state)
{
    UNUSED(state);
    char got[100];
    shake_hands(1);
    assert_int_equal(SSL_write(client.ssl, "hello", 5), 5);
    assert_int_equal(carry(1), 0);
    assert_int_equal(tls_read(conn, got, sizeof(got)), 5);
}

static void much_goes_through(void **state)
{
    UNUSED(state);
    size_t size = 1000000, sent = 0, got = 0;
    char *bytes = mem_raw(size), *back = mem_raw(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 1000);
    shake_hands(4096);
    while (got < size) {
        if (sent < size) {
            size_t piece = size - sent < 5000 ? size - sent : 5000;
            long taken = tls_write(conn, str_of(bytes + sent, piece));
            assert_true(taken > 0);
            sent += (size_t)taken;
        }
        /* Part of what is pending stays: the pipe is never empty until the end. */
        struct str pending = tls_pending(conn);
        size_t some = sent < size && pending.len > 100 ? pending.len - 100 : pending.len;
        BIO_write(client.in, pending.at, (int)some);
        tls_sent(conn, some);
        int count = SSL_read(client.ssl, back + got, (int)(size - got));
        got += count > 0 ? (size_t)count : 0;
    }
    assert_memory_equal(bytes, back, size);
    assert_int_equal(tls_pending(conn).len, 0);
    mem_free(bytes);
    mem_free(back);
}

static void the_end_is_told(void **state)
{
    UNUSED(state);
    char got[10];
    shake_hands(4096);
    SSL_shutdown(client.ssl);
    assert_int_equal(carry(4096), 0);
    assert_int_equal(tls_read(conn, got, sizeof(got)), ERR_IO);
    tls_shutdown(conn);
    assert_true(tls_pending(conn).len > 0);
    assert_int_equal(carry(4096), 0);
    assert_int_equal(SSL_read(client.ssl, got, sizeof(got)), 0);
    assert_int_equal(SSL_get_error(client.ssl, 0), SSL_ERROR_ZERO_RETURN);
}

/* ---- what is refused ---- */

static void old_versions_are_refused(void **state)
{
    UNUSED(state);
    SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION);
    SSL_set_security_level(client.ssl, 0);
    (void)SSL_do_handshake(client.ssl);
    assert_int_equal(carry(4096), ERR_CRYPTO);
    assert_false(tls_done(conn));
    assert_true(SSL_do_handshake(client.ssl) <= 0); /* it was told by an alert */
    assert_int_equal(SSL_get_error(client.ssl, -1), SSL_ERROR_SSL);
}

static void version_1_2_is_welcome_and_gets_no_ticket(void **state)
{
    UNUSED(state);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    shake_hands(4096);
    assert_string_equal(SSL_get_version(client.ssl), "TLSv1.2");
    assert_int_equal(SSL_SESSION_has_ticket(SSL_get_session(client.ssl)), 0);
}

static void who_does_not_speak_tls_is_refused(void **state)
{
    UNUSED(state);
    assert_int_equal(tls_feed(conn, STR("<stream:stream xmlns='jabber:client'>")), ERR_CRYPTO);
    char got[10];
    assert_int_equal(tls_read(conn, got, sizeof(got)), ERR_CRYPTO);
    assert_int_equal(tls_write(conn, STR("x")), ERR_CRYPTO);
    assert_int_equal(tls_feed(conn, STR("x")), ERR_CRYPTO);
}

static void a_broken_record_ends_it(void **state)
{
    UNUSED(state);
    char bytes[200], got[10];
    shake_hands(4096);
    SSL_write(client.ssl, "hello", 5);
    int count = BIO_read(client.out, bytes, sizeof(bytes));
    assert_true(count > 10);
    bytes[count - 1] ^= 1;
    assert_int_equal(tls_feed(conn, str_of(bytes, (size_t)count)), 0);
    assert_int_equal(tls_read(conn, got, sizeof(got)), ERR_CRYPTO);
    assert_true(tls_pending(conn).len > 0); /* the alert that says so */
}

/* ---- files that are wrong ---- */

static void expect_complaint(const char *cert, const char *key, const char *about)
{
    char why[300] = "";
    assert_null(tls_new(cert, key, why, sizeof(why)));
    if (strstr(why, about) == NULL)
        fail_msg("'%s' does not say '%s'", why, about);
}

static void wrong_files_are_named_with_what_is_wrong(void **state)
{
    UNUSED(state);
    expect_complaint("/nowhere/cert.pem", pem.key,
                     "cannot read the certificate file /nowhere/cert.pem: No such file");
    expect_complaint(pem.certificate, "/nowhere/key.pem",
                     "cannot read the key file /nowhere/key.pem: No such file");
    expect_complaint(pem.text, pem.key, "text.pem does not begin with a certificate in PEM");
    expect_complaint(pem.certificate, pem.text, "text.pem holds no private key in PEM");
    expect_complaint(pem.certificate, pem.other_key,
                     "other.pem does not belong to the certificate");
    expect_complaint(pem.certificate, pem.locked_key, "without a passphrase");
    expect_complaint(pem.key, pem.certificate, "key.pem does not begin with a certificate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_sides_read_what_the_other_wrote, begin, end),
        cmocka_unit_test_setup_teardown(bytes_may_come_one_by_one, begin, end),
        cmocka_unit_test_setup_teardown(much_goes_through, begin, end),
        cmocka_unit_test_setup_teardown(the_end_is_told, begin, end),
        cmocka_unit_test_setup_teardown(old_versions_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(version_1_2_is_welcome_and_gets_no_ticket, begin, end),
        cmocka_unit_test_setup_teardown(who_does_not_speak_tls_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_broken_record_ends_it, begin, end),
        cmocka_unit_test(wrong_files_are_named_with_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
