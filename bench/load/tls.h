/*
 * TLS for clients: the context they share, and a certificate for the server under test, made for
 * the run. Who the server is does not matter here, so that nothing is verified.
 */
#ifndef BENCH_LOAD_TLS_H
#define BENCH_LOAD_TLS_H

#include <openssl/ssl.h>

/* Files of the run (scratch.h). */
struct tls_files {
    const char *certificate;
    const char *key;
};

void tls_files_make(struct tls_files *files, const char *domain);

SSL_CTX *tls_context(void);

#endif
