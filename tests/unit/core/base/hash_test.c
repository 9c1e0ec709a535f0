/*
 * SipHash-1-3 against values of an independent implementation (which gives the published value for
 * SipHash-2-4).
 */
#include "core/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct hash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

static void known_values(void **state)
{
    UNUSED(state);
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        {0, 0xabac0158050fc4dcu}, {1, 0xc9f49bf37d57ca93u},  {7, 0xd3927d989bb11140u},
        {8, 0x369095118d299a8eu}, {15, 0xd320d86d2a519956u}, {63, 0x9d199062b7bbb3a8u},
    };
    char bytes[64];
    for (int i = 0; i < 64; i++)
        bytes[i] = (char)i;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(hash_str(&key, str_of(bytes, rows[i].len)) == rows[i].hash);
    assert_true(hash_str(&key, STR_NONE) == rows[0].hash);
}

/* Another key, another hash; and where the text lies does not matter. */
static void key_and_place(void **state)
{
    UNUSED(state);
    struct hash_key other = {key.k0, key.k1 + 1};
    assert_true(hash_str(&key, STR("lounge")) != hash_str(&other, STR("lounge")));
    char shifted[] = "xxlounge";
    for (int i = 0; i < 3; i++) {
        memmove(shifted + i, "lounge", 6);
        assert_true(hash_str(&key, str_of(shifted + i, 6)) == hash_str(&key, STR("lounge")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(key_and_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
