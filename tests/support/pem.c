#include "tests/support/pem.h"

#include "core/base/base.h"
#include "core/base/ensure.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

static void write_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
    FILE *file = fopen(path, "we");
    ensure(file != NULL);
    int done = PEM_write_PrivateKey(file, key, passphrase != NULL ? EVP_aes_128_cbc() : NULL, NULL,
                                    0, NULL, (void *)(uintptr_t)passphrase);
    ensure(done == 1 && fclose(file) == 0);
}

static void write_certificate(const char *path, EVP_PKEY *key)
{
    X509 *x509 = X509_new();
    ensure(x509 != NULL);
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_NAME *name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(x509, name);
    ensure(X509_sign(x509, key, EVP_sha256()) > 0);
    FILE *file = fopen(path, "we");
    ensure(file != NULL && PEM_write_X509(file, x509) == 1 && fclose(file) == 0);
    X509_free(x509);
}

void pem_make(struct pem *pem)
{
    snprintf(pem->folder, sizeof(pem->folder), "/tmp/stentor-pem-XXXXXX");
    ensure(mkdtemp(pem->folder) != NULL);
    snprintf(pem->certificate, sizeof(pem->certificate), "%s/cert.pem", pem->folder);
    snprintf(pem->key, sizeof(pem->key), "%s/key.pem", pem->folder);
    snprintf(pem->other_key, sizeof(pem->other_key), "%s/other.pem", pem->folder);
    snprintf(pem->locked_key, sizeof(pem->locked_key), "%s/locked.pem", pem->folder);
    snprintf(pem->text, sizeof(pem->text), "%s/text.pem", pem->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    ensure(key != NULL && other != NULL);
    write_certificate(pem->certificate, key);
    write_key(pem->key, key, NULL);
    write_key(pem->other_key, other, NULL);
    write_key(pem->locked_key, key, "secret");
    FILE *file = fopen(pem->text, "we");
    ensure(file != NULL && fputs("no PEM at all\n", file) >= 0 && fclose(file) == 0);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

void pem_remove(const struct pem *pem)
{
    const char *const files[] = {pem->certificate, pem->key, pem->other_key, pem->locked_key,
                                 pem->text};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(files[i]);
    rmdir(pem->folder);
}
