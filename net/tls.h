/*
 * TLS by OpenSSL: one server context for all connections (TLS 1.2 and later), one object per
 * connection on memory BIOs, so that the socket stays with the connection.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct tls; /* context; shared by net agents, read only */

/* NULL and a text for the operator in `why`: which file, what is wrong with it. */
struct tls *tls_new(const char *certificate_path, const char *key_path, char *why, size_t why_size);
void tls_free(struct tls *tls);

struct tls_conn;

struct tls_conn *tls_accept(struct tls *tls);
void tls_conn_free(struct tls_conn *conn);
/* Bytes from the socket in. Negative code: the peer does not speak TLS, or a record is broken. */
MUST_CHECK int tls_feed(struct tls_conn *conn, struct str bytes);
bool tls_done(const struct tls_conn *conn); /* the handshake is complete */
/* Decrypted bytes out; 0: none now; ERR_IO: closed by the peer's close_notify. */
MUST_CHECK long tls_read(struct tls_conn *conn, char *into, size_t size);
/* Plain bytes in, to be encrypted. Returns how many were taken or a negative code. */
MUST_CHECK long tls_write(struct tls_conn *conn, struct str bytes);
/* Encrypted bytes waiting for the socket: borrowed until tls_sent(). */
struct str tls_pending(struct tls_conn *conn);
void tls_sent(struct tls_conn *conn, size_t count);
void tls_shutdown(struct tls_conn *conn); /* queues close_notify */

#endif
