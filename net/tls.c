/*
 * The memory BIO is our own: OpenSSL's keeps the largest buffer it ever needed, which for ten
 * thousand idle connections would be most of what they cost. This one owns nothing while nothing
 * waits.
 */
#include "net/tls.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/mem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct tls {
    SSL_CTX *ctx;
    BIO_METHOD *method;
};

/* Bytes that wait: added at the end, taken from the start, no memory when empty. */
struct pipe_bytes {
    struct buf buf;
    size_t taken;
};

struct tls_conn {
    SSL *ssl;
    struct pipe_bytes in, out; /* encrypted */
    bool broken;
};

static struct str waiting(const struct pipe_bytes *bytes)
{
    if (bytes->buf.len == 0)
        return STR_NONE;
    return str_of(bytes->buf.at + bytes->taken, bytes->buf.len - bytes->taken);
}

/* The space of what was taken is used again, or a pipe that never runs dry would grow for ever. */
static void put(struct pipe_bytes *bytes, struct str more)
{
    if (bytes->taken > bytes->buf.len / 2) {
        memmove(bytes->buf.at, bytes->buf.at + bytes->taken, bytes->buf.len - bytes->taken);
        bytes->buf.len -= bytes->taken;
        bytes->taken = 0;
    }
    buf_add(&bytes->buf, more);
}

static void take(struct pipe_bytes *bytes, size_t count)
{
    ensure(count <= bytes->buf.len - bytes->taken);
    bytes->taken += count;
    if (bytes->taken < bytes->buf.len)
        return;
    buf_free(&bytes->buf);
    buf_init(&bytes->buf, NULL);
    bytes->taken = 0;
}

/* ---- the BIO ---- */

static int bio_write(BIO *bio, const char *bytes, size_t size, size_t *written)
{
    struct tls_conn *conn = BIO_get_data(bio);
    put(&conn->out, str_of(bytes, size));
    *written = size;
    return 1;
}

static int bio_read(BIO *bio, char *into, size_t size, size_t *read)
{
    struct tls_conn *conn = BIO_get_data(bio);
    struct str bytes = waiting(&conn->in);
    BIO_clear_retry_flags(bio);
    if (bytes.len == 0) {
        BIO_set_retry_read(bio);
        *read = 0;
        return 0;
    }
    *read = bytes.len < size ? bytes.len : size;
    memcpy(into, bytes.at, *read);
    take(&conn->in, *read);
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    UNUSED(bio);
    UNUSED(number);
    UNUSED(pointer);
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
    ensure(method != NULL);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_ctrl(method, bio_ctrl);
    return method;
}

/* ---- context ---- */

/* A key that is locked by a passphrase cannot be opened by a server: it must not ask on a terminal.
 */
static int no_passphrase(char *buf, int size, int writing, void *self)
{
    UNUSED(buf);
    UNUSED(size);
    UNUSED(writing);
    UNUSED(self);
    return 0;
}

static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason != NULL ? reason : "no reason given";
}

/* A file that cannot be read gets the system's words, not OpenSSL's. */
static bool readable(const char *path, const char *what, char *why, size_t why_size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(why, why_size, "cannot read the %s file %s: %s", what, path, strerror(errno));
        return false;
    }
    fclose(file);
    return true;
}

static bool load_files(SSL_CTX *ctx, const char *certificate_path, const char *key_path, char *why,
                       size_t why_size)
{
    if (!readable(certificate_path, "certificate", why, why_size) ||
        !readable(key_path, "key", why, why_size))
        return false;
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate_path) != 1) {
        snprintf(why, why_size,
                 "the certificate file %s does not begin with a certificate in PEM: %s",
                 certificate_path, openssl_reason());
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1) {
        bool mismatch = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_X509;
        snprintf(why, why_size,
                 mismatch ? "the key file %s does not belong to the certificate: %s"
                          : "the key file %s holds no private key in PEM without a passphrase: %s",
                 key_path, openssl_reason());
        return false;
    }
    if (SSL_CTX_check_private_key(ctx) != 1) {
        snprintf(why, why_size, "the key file %s does not belong to the certificate %s", key_path,
                 certificate_path);
        return false;
    }
    return true;
}

struct tls *tls_new(const char *certificate_path, const char *key_path, char *why, size_t why_size)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    ensure(ctx != NULL);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Without tickets and session cache there is no resumption: streams are long, handshakes few.
     */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (!load_files(ctx, certificate_path, key_path, why, why_size)) {
        ERR_clear_error();
        SSL_CTX_free(ctx);
        return NULL;
    }
    struct tls *tls = MEM_NEW(struct tls);
    tls->ctx = ctx;
    tls->method = make_method();
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx);
    BIO_meth_free(tls->method);
    mem_free(tls);
}

/* ---- one connection ---- */

struct tls_conn *tls_accept(struct tls *tls)
{
    struct tls_conn *conn = MEM_NEW(struct tls_conn);
    buf_init(&conn->in.buf, NULL);
    buf_init(&conn->out.buf, NULL);
    conn->ssl = SSL_new(tls->ctx);
    BIO *bio = BIO_new(tls->method);
    ensure(conn->ssl != NULL && bio != NULL);
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    SSL_set_bio(conn->ssl, bio, bio);
    SSL_set_accept_state(conn->ssl);
    return conn;
}

void tls_conn_free(struct tls_conn *conn)
{
    if (conn == NULL)
        return;
    SSL_free(conn->ssl);
    buf_free(&conn->in.buf);
    buf_free(&conn->out.buf);
    mem_free(conn);
}

/* What a call that gave `result` means: 0, nothing now; ERR_IO, closed; ERR_CRYPTO, broken. */
static long verdict(struct tls_conn *conn, int result)
{
    switch (SSL_get_error(conn->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return ERR_IO;
    default:
        conn->broken = true;
        ERR_clear_error();
        return ERR_CRYPTO;
    }
}

int tls_feed(struct tls_conn *conn, struct str bytes)
{
    if (conn->broken)
        return ERR_CRYPTO;
    put(&conn->in, bytes);
    if (SSL_is_init_finished(conn->ssl))
        return 0;
    ERR_clear_error();
    int result = SSL_do_handshake(conn->ssl);
    return result == 1 ? 0 : (int)verdict(conn, result);
}

bool tls_done(const struct tls_conn *conn)
{
    return SSL_is_init_finished(conn->ssl) == 1;
}

static int int_size(size_t size)
{
    return size < INT_MAX ? (int)size : INT_MAX;
}

long tls_read(struct tls_conn *conn, char *into, size_t size)
{
    if (conn->broken)
        return ERR_CRYPTO;
    ERR_clear_error();
    int result = SSL_read(conn->ssl, into, int_size(size));
    return result > 0 ? result : verdict(conn, result);
}

long tls_write(struct tls_conn *conn, struct str bytes)
{
    if (conn->broken)
        return ERR_CRYPTO;
    if (bytes.len == 0 || !tls_done(conn))
        return 0;
    ERR_clear_error();
    int result = SSL_write(conn->ssl, bytes.at, int_size(bytes.len));
    return result > 0 ? result : verdict(conn, result);
}

struct str tls_pending(struct tls_conn *conn)
{
    return waiting(&conn->out);
}

void tls_sent(struct tls_conn *conn, size_t count)
{
    take(&conn->out, count);
}

void tls_shutdown(struct tls_conn *conn)
{
    if (conn->broken || !tls_done(conn))
        return;
    ERR_clear_error();
    /* The peer's own close_notify is not waited for: the stream inside was closed properly. */
    (void)SSL_shutdown(conn->ssl);
    ERR_clear_error();
}
