/*
 * What the rules need from OpenSSL, handed to the core as functions (core/muc/muc.h). Keys live in
 * memory only: relayed ids made before a restart are not understood after it, which XEP-0045 allows
 * (the requester's client times out and asks again).
 */
#ifndef TOOLS_STENTORD_CRYPTO_H
#define TOOLS_STENTORD_CRYPTO_H

#include "core/muc/muc.h"

struct crypto_keys {
    uint8_t seal[32];  /* AES-256-GCM */
    uint8_t nonce[32]; /* HMAC key: the nonce is made of the text, so equal texts give equal ids */
};

/* Unpredictable bytes; stops the process if the operating system has none. */
void crypto_random(void *bytes, size_t size);

/* Fresh keys; `crypto` uses them for life. */
void crypto_init(struct muc_crypto *crypto, struct crypto_keys *keys);

#endif
