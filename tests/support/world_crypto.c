/*
 * A little cryptography for worlds: deterministic, keyed, good enough for tests.
 */
#include "core/base/mem.h"
#include "tests/support/world_impl.h"
#include "tools/stentord/digest.h"

enum { SEAL_MAC = 16 }; /* characters */

static struct hash_key key_of(struct str key)
{
    const struct hash_key left = {1, 2}, right = {3, 4};
    return (struct hash_key){hash_str(&left, key), hash_str(&right, key)};
}

static void mac_of(void *self, struct str key, struct str data, uint8_t out[32])
{
    UNUSED(self);
    struct hash_key keyed = key_of(key);
    for (unsigned i = 0; i < 4; i++) {
        struct hash_key part = {keyed.k0 + i, keyed.k1};
        uint64_t word = hash_str(&part, data);
        memcpy(out + 8 * i, &word, sizeof(word));
    }
}

static const struct hash_key seal_key = {0x5ea1, 0x5ea2};

static uint8_t seal_byte(size_t i)
{
    uint64_t position = i;
    return (uint8_t)hash_str(&seal_key, str_of((const char *)&position, sizeof(position)));
}

static struct str seal(void *self, struct arena *arena, struct str plain)
{
    UNUSED(self);
    struct buf buf;
    buf_init(&buf, arena);
    buf_addf(&buf, "%016llx", (unsigned long long)hash_str(&seal_key, plain));
    for (size_t i = 0; i < plain.len; i++)
        buf_addf(&buf, "%02x", (uint8_t)plain.at[i] ^ seal_byte(i));
    return buf_str(&buf);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct str unseal(void *self, struct arena *arena, struct str sealed)
{
    if (sealed.len < SEAL_MAC || sealed.len % 2 != 0)
        return STR_NONE;
    size_t len = (sealed.len - SEAL_MAC) / 2;
    char *plain = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(sealed.at[SEAL_MAC + 2 * i]);
        int low = hex_digit(sealed.at[SEAL_MAC + 2 * i + 1]);
        if (high < 0 || low < 0)
            return STR_NONE;
        plain[i] = (char)((high << 4 | low) ^ seal_byte(i));
    }
    struct str opened = str_of(plain, len);
    return str_eq(seal(self, arena, opened), sealed) ? opened : STR_NONE;
}

void world_crypto(struct muc_crypto *crypto)
{
    *crypto = (struct muc_crypto){.hmac_sha256 = mac_of, .seal = seal, .open = unseal};
    digest_init(crypto);
}
