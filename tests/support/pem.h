/*
 * Keys and self-signed certificates for tests, in files of a folder of their own.
 */
#ifndef TESTS_SUPPORT_PEM_H
#define TESTS_SUPPORT_PEM_H

struct pem {
    char folder[40];
    char certificate[64]; /* for localhost */
    char key[64];         /* of the certificate */
    char other_key[64];   /* of none */
    char locked_key[64];  /* the certificate's, with a passphrase */
    char text[64];        /* not PEM */
};

void pem_make(struct pem *pem);
void pem_remove(const struct pem *pem);

#endif
