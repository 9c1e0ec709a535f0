#include "bench/load/tls.h"

#include "bench/load/scratch.h"
#include "bench/load/util.h"

#include <stdio.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#define VALID_S 86400

static X509 *certificate_of(EVP_PKEY *key, const char *domain)
{
    X509 *certificate = X509_new();
    if (certificate == NULL)
        die("no memory for a certificate");
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)domain, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    if (X509_sign(certificate, key, EVP_sha256()) == 0)
        die("cannot sign a certificate");
    return certificate;
}

void tls_files_make(struct tls_files *files, const char *domain)
{
    *files = (struct tls_files){scratch_file("certificate.pem"), scratch_file("key.pem")};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL)
        die("cannot make a key");
    X509 *certificate = certificate_of(key, domain);
    FILE *to = fopen(files->certificate, "w");
    if (to == NULL || PEM_write_X509(to, certificate) != 1 || fclose(to) != 0)
        die("cannot write %s", files->certificate);
    to = fopen(files->key, "w");
    if (to == NULL || PEM_write_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        fclose(to) != 0)
        die("cannot write %s", files->key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

SSL_CTX *tls_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        die("cannot set up TLS");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    return context;
}
