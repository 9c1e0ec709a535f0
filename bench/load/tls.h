/*
 * TLS for clients: the context they share, and a certificate for the server under test, made for
 * the run. Who the server is does not matter here, so that nothing is verified.
 */
#ifndef BENCH_LOAD_TLS_H
#define BENCH_LOAD_TLS_H

#include <stddef.h>

#include <openssl/ssl.h>

#define TLS_PATH_MAX 128

/* Files in a folder of their own. */
struct tls_files {
    char folder[TLS_PATH_MAX / 2];
    char certificate[TLS_PATH_MAX];
    char key[TLS_PATH_MAX];
};

void tls_files_make(struct tls_files *files, const char *domain);
void tls_files_remove(const struct tls_files *files);

SSL_CTX *tls_context(void);

#endif
