#include "tools/stentord/digest.h"

#include "core/base/ensure.h"

#include <openssl/evp.h>

enum { SHA1_BYTES = 20 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* As many as there are at the end, two at the most. */
static size_t padding_of(struct str text)
{
    size_t count = 0;

    while (count < 2 && count < text.len && text.at[text.len - 1 - count] == '=')
        count++;
    return count;
}

/* OpenSSL skips line ends at both ends only, and takes some texts that are no base64. */
struct str digest_unbase64(struct arena *arena, struct str text)
{
    char *digits = arena_raw(arena, text.len + 1);
    struct str packed = {digits, 0};

    for (size_t i = 0; i < text.len; i++) {
        if (!is_blank(text.at[i]))
            digits[packed.len++] = text.at[i];
    }
    size_t padding = padding_of(packed);
    if (packed.len % 4 != 0)
        return STR_NONE;
    for (size_t i = 0; i < packed.len - padding; i++) {
        if (!is_digit64(packed.at[i]))
            return STR_NONE;
    }
    uint8_t *bytes = arena_raw(arena, packed.len / 4 * 3 + 1);
    int len = EVP_DecodeBlock(bytes, (const unsigned char *)packed.at, (int)packed.len);
    ensure(len >= 0 && (size_t)len >= padding);
    return str_of((const char *)bytes, (size_t)len - padding);
}

static void sha1(struct str data, uint8_t out[SHA1_BYTES])
{
    ensure(EVP_Digest(data.at, data.len, out, NULL, EVP_sha1(), NULL) == 1);
}

static bool photo_hash(void *self, struct arena *arena, struct str base64, uint8_t out[SHA1_BYTES])
{
    struct str bytes = digest_unbase64(arena, base64);

    UNUSED(self);
    if (!str_present(bytes))
        return false;
    sha1(bytes, out);
    return true;
}

static struct str caps_hash(void *self, struct arena *arena, struct str text)
{
    uint8_t bytes[SHA1_BYTES];
    unsigned char *base64 = arena_raw(arena, (SHA1_BYTES + 2) / 3 * 4 + 1);

    UNUSED(self);
    sha1(text, bytes);
    int len = EVP_EncodeBlock(base64, bytes, SHA1_BYTES);
    return str_of((const char *)base64, (size_t)len);
}

void digest_init(struct muc_crypto *crypto)
{
    crypto->photo_hash = photo_hash;
    crypto->caps_hash = caps_hash;
}
