#include "tools/stentord/crypto.h"

#include "core/base/ensure.h"
#include "tools/stentord/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define NONCE_BYTES 12
#define TAG_BYTES   16

void crypto_random(void *bytes, size_t size)
{
    ensure(RAND_bytes(bytes, (int)size) == 1);
}

static void hmac_sha256(void *self, struct str key, struct str data, uint8_t out[32])
{
    UNUSED(self);
    unsigned size = 32;
    ensure(HMAC(EVP_sha256(), key.at, (int)key.len, (const unsigned char *)data.at, data.len, out,
                &size) != NULL);
}

/* nonce, tag and cipher text, as base64. */
static struct str seal(void *self, struct arena *arena, struct str plain)
{
    const struct crypto_keys *keys = self;
    uint8_t digest[32];
    hmac_sha256(NULL, str_of((const char *)keys->nonce, sizeof(keys->nonce)), plain, digest);
    size_t size = NONCE_BYTES + TAG_BYTES + plain.len;
    uint8_t *bytes = arena_raw(arena, size);
    memcpy(bytes, digest, NONCE_BYTES);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    int end = 0;
    ensure(ctx != NULL);
    ensure(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, keys->seal, bytes) == 1);
    ensure(EVP_EncryptUpdate(ctx, bytes + NONCE_BYTES + TAG_BYTES, &len,
                             (const unsigned char *)plain.at, (int)plain.len) == 1);
    ensure(EVP_EncryptFinal_ex(ctx, bytes + size, &end) == 1);
    ensure(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, bytes + NONCE_BYTES) == 1);
    EVP_CIPHER_CTX_free(ctx);
    char *text = arena_raw(arena, (size + 2) / 3 * 4 + 1);
    int text_len = EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    return str_of(text, (size_t)text_len);
}

static struct str open_sealed(void *self, struct arena *arena, struct str text)
{
    const struct crypto_keys *keys = self;
    struct str sealed = digest_unbase64(arena, text);
    if (sealed.len < NONCE_BYTES + TAG_BYTES)
        return STR_NONE;
    uint8_t *bytes = arena_raw(arena, sealed.len);
    memcpy(bytes, sealed.at, sealed.len);
    size_t plain_len = sealed.len - NONCE_BYTES - TAG_BYTES;
    uint8_t *plain = arena_raw(arena, plain_len + 1);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    int end = 0;
    ensure(ctx != NULL);
    bool ok =
        EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, keys->seal, bytes) == 1 &&
        EVP_DecryptUpdate(ctx, plain, &len, bytes + NONCE_BYTES + TAG_BYTES, (int)plain_len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, bytes + NONCE_BYTES) == 1 &&
        EVP_DecryptFinal_ex(ctx, plain + len, &end) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? str_of((const char *)plain, plain_len) : STR_NONE;
}

void crypto_init(struct muc_crypto *crypto, struct crypto_keys *keys)
{
    crypto_random(keys, sizeof(*keys));
    *crypto = (struct muc_crypto){
        .self = keys,
        .hmac_sha256 = hmac_sha256,
        .seal = seal,
        .open = open_sealed,
    };
    digest_init(crypto);
}
