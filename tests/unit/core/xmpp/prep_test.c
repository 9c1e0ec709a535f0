/*
 * Preparation of addresses and nicknames, and the key nicknames are compared by.
 */
#include "core/xmpp/prep.h"

#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct nick_rules plain_rules = {0};
static struct arena *arena;

static int setup(void **state)
{
    UNUSED(state);
    arena = arena_new(4096);
    return prep_init() == 0 && prep_init() == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    UNUSED(state);
    arena_free(arena);
    prep_fini();
    prep_fini();
    return 0;
}

/* ASCII by our tables and by ICU: each byte has the same fate alone as beside a character that
 * sends the text the long way. */
static void ascii_agrees_with_icu(void **state)
{
    UNUSED(state);
    for (int byte = 1; byte < 0x80; byte++) {
        char plain[] = {'a', (char)byte, 'b', 0};
        char mixed[] = {'a', (char)byte, 'b', '\xc3', '\xa4', 0};
        struct str (*const prep[])(struct arena *, struct str) = {prep_local, prep_resource};
        for (int i = 0; i < 2; i++) {
            struct str fast = prep[i](arena, str_of(plain, 3));
            struct str slow = prep[i](arena, str_of(mixed, 5));
            assert_int_equal(str_present(fast), str_present(slow));
            if (str_present(fast))
                assert_memory_equal(fast.at, slow.at, 3);
        }
        struct str nick;
        bool fast = prep_nick(arena, str_of(plain, 3), &plain_rules, &nick) == NICK_OK;
        assert_int_equal(prep_nick(arena, str_of(mixed, 5), &plain_rules, &nick) == NICK_OK, fast);
        if (fast)
            assert_memory_equal(prep_nick_key(arena, str_of(plain, 3)).at,
                                prep_nick_key(arena, str_of(mixed, 5)).at, 3);
    }
}

/* What needs no change is not copied. */
static void unchanged_is_borrowed(void **state)
{
    UNUSED(state);
    static const char *const texts[] = {"plain", "\xc3\xa4pfel"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str text = str_z(texts[i]), nick;
        assert_ptr_equal(prep_local(arena, text).at, text.at);
        assert_ptr_equal(prep_domain(arena, text).at, text.at);
        assert_ptr_equal(prep_resource(arena, text).at, text.at);
        assert_int_equal(prep_nick(arena, text, &plain_rules, &nick), NICK_OK);
        assert_ptr_equal(nick.at, text.at);
    }
    assert_ptr_equal(prep_nick_key(arena, str_z(texts[0])).at, texts[0]);
}

/* The quick look says yes only to what would be borrowed; between any two bytes, for what may stand
 * in a domain depends on what is beside it. */
static void plain_is_unchanged(void **state)
{
    UNUSED(state);
    unsigned plain = 0;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char texts[3][4] = {{'a', (char)(pair >> 8), (char)pair, 'b'},
                            {(char)(pair >> 8), (char)pair, 'a', 'b'},
                            {'a', 'b', (char)(pair >> 8), (char)pair}};
        for (unsigned i = 0; i < 3; i++) {
            struct str text = str_of(texts[i], 4), other = STR("example.org");
            if (prep_is_plain(text, other, STR_NONE))
                assert_ptr_equal(prep_local(arena, text).at, text.at);
            if (prep_is_plain(STR_NONE, other, text))
                assert_ptr_equal(prep_resource(arena, text).at, text.at);
            if (!prep_is_plain(STR_NONE, text, STR_NONE))
                continue;
            assert_ptr_equal(prep_domain(arena, text).at, text.at);
            assert_int_equal(prep_domain(arena, text).len, 4);
            plain++;
        }
        arena_reset(arena);
    }
    /* 37 may stand anywhere, dot and hyphen not at the ends and not together. */
    assert_int_equal(plain, 39 * 39 - 4 + 2 * (37 * 37 + 2 * 37));
}

static void plain_or_not(void **state)
{
    UNUSED(state);
    char label[64];
    memset(label, 'a', sizeof(label));
    assert_true(prep_is_plain(STR("romeo"), STR("a-b.example.org"), STR("A room & 'more'/")));
    assert_true(prep_is_plain(STR_NONE, str_of(label, 63), STR_NONE));
    assert_false(prep_is_plain(STR_NONE, str_of(label, 64), STR_NONE));
    static const char *const domains[] = {"", ".", "a.", "-a", "a-", "a..b", "xn--a", "A", "[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(domains); i++)
        assert_false(prep_is_plain(STR("romeo"), str_z(domains[i]), STR_NONE));
    assert_false(prep_is_plain(STR(""), STR("a"), STR_NONE));
    assert_false(prep_is_plain(STR_NONE, STR("a"), STR("")));
    assert_false(prep_is_plain(STR("Romeo"), STR("a"), STR_NONE));
    assert_false(prep_is_plain(STR_NONE, STR("a"), STR("\xc3\xa4")));
}

/* @covers 0045#bizrules-jids.prepared */
static void local_parts(void **state)
{
    UNUSED(state);
    static const char *const rows[][2] = {
        {"Romeo", "romeo"},
        {"stra\xc3\x9f"
         "e",
         "strasse"},
        {"\xce\xa3", "\xcf\x83"}, /* capital sigma */
        {"a\xc2\xad"
         "b",
         "ab"},                                   /* soft hyphen: to nothing */
        {"\xef\xbc\xa1", "a"},                    /* full-width A */
        {"\xf0\x9f\xa4\x96", "\xf0\x9f\xa4\x96"}, /* unassigned in 3.2: lets pass */
        {"a\\20b", "a\\20b"},                     /* XEP-0106 is opaque */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(str_eqz(prep_local(arena, str_z(rows[i][0])), rows[i][1]));
    static const char *const bad[] = {"",
                                      "a b",
                                      "a\xc2\xa0"
                                      "b",
                                      "a@b\xc3\xa4",
                                      "\xc2\xad",
                                      "\xe2\x80\xae"
                                      "a",
                                      "\xed\xa0\x80",
                                      "a\xd7\x90"}; /* left and right mixed */
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_present(prep_local(arena, str_z(bad[i]))));
    assert_true(prep_local_is_strict(STR("lounge")));
    assert_true(prep_local_is_strict(STR("\xc3\xa4")));
    assert_false(prep_local_is_strict(STR("\xf0\x9f\xa4\x96")));
}

static void domains(void **state)
{
    UNUSED(state);
    static const char *const rows[][2] = {
        {"Example.ORG", "example.org"},
        {"example.org.", "example.org"},
        {"127.0.0.1", "127.0.0.1"},
        {"[::FFFF:1.2.3.4]", "[::ffff:1.2.3.4]"},
        {"my_host", "my_host"},
        {"XN--BCHER-KVA.de", "b\xc3\xbc"
                             "cher.de"},
        {"b\xc3\xbc"
         "cher\xe3\x80\x82"
         "de",
         "b\xc3\xbc"
         "cher.de"}, /* ideographic full stop */
        {"\xd9\x85\xd8\xab\xd8\xa7\xd9\x84", "\xd9\x85\xd8\xab\xd8\xa7\xd9\x84"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str domain = prep_domain(arena, str_z(rows[i][0]));
        assert_true(str_eqz(domain, rows[i][1]));
        assert_true(str_eq(prep_domain(arena, domain), domain));
    }
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a..b",
        "a b",
        "-a",
        "a-",
        "a.-b",
        "a/b",
        "a@b",
        "[1.2.3.4]",
        "[::1",
        "[::1]x",
        "xn--\x80",
        "xn--a-\xc3\xa4",
        "xn--99999999",
        "\xc3\xa4..b",
        "\xc3\xa4 b",
        "\xc3\xa4>b",
        "0123456789012345678901234567890123456789012345678901234567890123",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_present(prep_domain(arena, str_z(bad[i]))));
}

static void resources(void **state)
{
    UNUSED(state);
    static const char *const rows[][2] = {
        {"Nick Name", "Nick Name"},
        {"\xc2\xa0"
         "a",
         " a"},                                               /* no-break space */
        {"\xf0\x9f\xa4\x96\xef\xb8\x8f", "\xf0\x9f\xa4\x96"}, /* the selector is dropped */
        {"e\xcc\x81", "\xc3\xa9"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(str_eqz(prep_resource(arena, str_z(rows[i][0])), rows[i][1]));
    static const char *const bad[] = {"", "\xef\xb8\x8f", "a\n", "\xee\x80\x80", "\xef\xbf\xbd"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(str_present(prep_resource(arena, str_z(bad[i]))));
    /* What is dropped does not count, up to a point; what remains does. */
    char text[JID_PART_BYTES_MAX + 8];
    memset(text, 'x', sizeof(text));
    memcpy(text, "\xc2\xad\xc3\xa4", 4);
    assert_int_equal(prep_resource(arena, str_of(text, JID_PART_BYTES_MAX + 2)).len,
                     JID_PART_BYTES_MAX);
    assert_false(str_present(prep_resource(arena, str_of(text, JID_PART_BYTES_MAX + 3))));
}

/* @covers 0045#bizrules-jids.prepared 0045#bizrules-jids.invisible */
static void nicknames(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        enum nick_verdict verdict;
        const char *nick;
    } rows[] = {
        {"Romeo", NICK_OK, "Romeo"},
        {"Romeo M", NICK_OK, "Romeo M"},
        {"J\xc3\xbcrgen", NICK_OK, "J\xc3\xbcrgen"},
        {"\xe2\x98\xba\xef\xb8\x8f", NICK_OK, "\xe2\x98\xba"}, /* smiley with selector */
        {"\xef\xbc\xa1", NICK_OK, "A"},
        {"", NICK_BLANK, NULL},
        {"  ", NICK_BLANK, NULL},
        {"\xc2\xa0", NICK_BLANK, NULL},
        {"\xe2\x80\x8b", NICK_BLANK, NULL},  /* zero width space */
        {"\xef\xb8\x8f", NICK_BLANK, NULL},  /* a selector alone */
        {"\xe2\xa0\x80 ", NICK_BLANK, NULL}, /* Braille blank */
        {"\xe3\x85\xa4", NICK_BLANK, NULL},  /* Hangul filler */
        {"\xe3\x80\x80\xe2\x80\x8f", NICK_BLANK, NULL},
        {" Romeo", NICK_INVALID, NULL},
        {"Romeo ", NICK_INVALID, NULL},
        {"Romeo\xc2\xa0", NICK_INVALID, NULL},
        {"\xe3\x80\x80\xc3\xa4", NICK_INVALID, NULL},
        {"Ro\tmeo", NICK_INVALID, NULL},
        {"Ro\xe2\x80\x8bmeo", NICK_INVALID, NULL},
        {"Ro\xe2\x80\xaemeo", NICK_INVALID, NULL}, /* right-to-left override */
        {"Ro\xe2\x81\xa6meo", NICK_INVALID, NULL}, /* isolate, younger than 3.2 */
        {"\xf0\x9f\xa4\x96", NICK_INVALID, NULL},  /* robot face, younger than 3.2 */
        {"\xf0\x9f\xa4\x96\xef\xb8\x8f", NICK_INVALID, NULL},
        {"Ro\xff", NICK_INVALID, NULL},
        {"Ro\xee\x80\x80", NICK_INVALID, NULL}, /* private use */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str nick = STR("unset");
        enum nick_verdict verdict = prep_nick(arena, str_z(rows[i].text), &plain_rules, &nick);
        if (verdict != rows[i].verdict)
            print_error("row %zu: %d\n", i, (int)verdict);
        assert_int_equal(verdict, rows[i].verdict);
        assert_int_equal(str_present(nick), verdict == NICK_OK);
        if (verdict == NICK_OK)
            assert_true(str_eqz(nick, rows[i].nick));
    }
}

/* What changes, and what does not, when the operator wants it otherwise. */
static void nicknames_by_other_rules(void **state)
{
    UNUSED(state);
    static const struct nick_rules trim = {.trim = true}, opaque = {.opaque = true};
    static const struct nick_rules both = {.trim = true, .opaque = true}, four = {.chars_max = 4};
    static const struct {
        const struct nick_rules *rules;
        const char *text;
        enum nick_verdict verdict;
        const char *nick;
    } rows[] = {
        {&trim, " Romeo  ", NICK_OK, "Romeo"},
        {&trim, "Romeo", NICK_OK, "Romeo"},
        {&trim, "  ", NICK_BLANK, NULL},
        {&trim, "", NICK_BLANK, NULL},
        {&trim, "\tRomeo", NICK_INVALID, NULL},
        {&trim, "\xe3\x80\x80\xc3\xa4 \xc2\xa0", NICK_OK, "\xc3\xa4"},
        {&trim, "\xe2\xa0\x80Romeo", NICK_OK, "Romeo"},
        {&trim, " Ro\xe2\x80\x8bmeo", NICK_INVALID, NULL},
        {&trim, "\xe2\x80\x8bRomeo ", NICK_INVALID, NULL},
        {&trim, " \xe2\x80\x8b ", NICK_BLANK, NULL},
        {&trim, "\xf0\x9f\xa4\x96 ", NICK_INVALID, NULL},
        {&opaque, "\xf0\x9f\xa4\x96", NICK_OK, "\xf0\x9f\xa4\x96"},
        {&opaque, "\xf0\x9f\xa4\x96\xef\xb8\x8f", NICK_OK, "\xf0\x9f\xa4\x96"},
        {&opaque, "J\xc3\xbcrgen", NICK_OK, "J\xc3\xbcrgen"},
        {&opaque, "\xef\xbc\xa1", NICK_OK, "A"},
        {&opaque, "Romeo ", NICK_INVALID, NULL},
        {&opaque, "\xf0\x9f\xa4\x96 ", NICK_INVALID, NULL},
        {&opaque, "Ro\xe2\x81\xa6meo", NICK_INVALID, NULL},  /* isolate */
        {&opaque, "Ro\xe2\x80\xaemeo", NICK_INVALID, NULL},  /* override */
        {&opaque, "Ro\xee\x80\x80", NICK_INVALID, NULL},     /* private use */
        {&opaque, "Ro\xf3\xa0\x80\x81", NICK_INVALID, NULL}, /* tag */
        {&opaque, "Ro\xcd\xb8", NICK_INVALID, NULL},         /* assigned nowhere */
        {&opaque, "Ro\xef\xb7\x90", NICK_INVALID, NULL},     /* no character */
        {&opaque, "Ro\xea\xa5\xa0", NICK_INVALID, NULL},     /* old jamo, younger than 3.2 */
        {&both, " \xf0\x9f\xa4\x96 ", NICK_OK, "\xf0\x9f\xa4\x96"},
        {&four, "Nick", NICK_OK, "Nick"},
        {&four, "Nicky", NICK_INVALID, NULL},
        {&four, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", NICK_OK, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"},
        {&four, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", NICK_INVALID, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str nick = STR("unset");
        enum nick_verdict verdict = prep_nick(arena, str_z(rows[i].text), rows[i].rules, &nick);
        if (verdict != rows[i].verdict)
            print_error("row %zu: %d\n", i, (int)verdict);
        assert_int_equal(verdict, rows[i].verdict);
        assert_int_equal(str_present(nick), verdict == NICK_OK);
        if (verdict != NICK_OK)
            continue;
        assert_true(str_eqz(nick, rows[i].nick));
        assert_true(str_eq(prep_resource(arena, nick), nick)); /* no server changes it */
        assert_true(str_present(prep_nick_key(arena, nick)));
    }
}

/* Each code point, alone: what passes is what every server leaves as it is, and has a key. */
static void accepted_nicknames_are_stable(void **state)
{
    UNUSED(state);
    static const struct nick_rules rules[] = {{0}, {.opaque = true, .trim = true}};
    unsigned accepted[2] = {0};
    for (uint32_t c = 0x80; c < 0x30000; c++) {
        char text[5] = {0};
        if (c >= 0xd800 && c < 0xe000)
            continue;
        if (c < 0x800) {
            text[0] = (char)(0xc0 | c >> 6);
            text[1] = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            text[0] = (char)(0xe0 | c >> 12);
            text[1] = (char)(0x80 | (c >> 6 & 0x3f));
            text[2] = (char)(0x80 | (c & 0x3f));
        } else {
            text[0] = (char)(0xf0 | c >> 18);
            text[1] = (char)(0x80 | (c >> 12 & 0x3f));
            text[2] = (char)(0x80 | (c >> 6 & 0x3f));
            text[3] = (char)(0x80 | (c & 0x3f));
        }
        for (int i = 0; i < 2; i++) {
            struct str nick;
            if (prep_nick(arena, str_z(text), &rules[i], &nick) != NICK_OK)
                continue;
            accepted[i]++;
            if (!str_eq(prep_resource(arena, nick), nick) ||
                !str_present(prep_nick_key(arena, nick)))
                fail_msg("U+%04X is not stable", (unsigned)c);
        }
        if (c % 4096 == 0)
            arena_reset(arena);
    }
    assert_true(accepted[0] > 80000);
    assert_true(accepted[1] > accepted[0]);
}

/* The limit counts code points, after preparation. */
static void nickname_length(void **state)
{
    UNUSED(state);
    struct buf text;
    buf_init(&text, arena);
    struct str nick;
    for (int i = 0; i < NICK_CHARS_MAX; i++)
        buf_addz(&text, "\xe4\xb8\xad");
    assert_int_equal(prep_nick(arena, buf_str(&text), &plain_rules, &nick), NICK_OK);
    buf_addz(&text, "\xef\xb8\x8f");
    assert_int_equal(prep_nick(arena, buf_str(&text), &plain_rules, &nick), NICK_OK);
    buf_addz(&text, "a");
    assert_int_equal(prep_nick(arena, buf_str(&text), &plain_rules, &nick), NICK_INVALID);
    text.len = 0;
    for (int i = 0; i < NICK_CHARS_MAX; i++)
        buf_addc(&text, 'x');
    assert_int_equal(prep_nick(arena, buf_str(&text), &plain_rules, &nick), NICK_OK);
    buf_addc(&text, 'x');
    assert_int_equal(prep_nick(arena, buf_str(&text), &plain_rules, &nick), NICK_INVALID);
}

/* Nicknames a person could take for each other have one key; a key is its own key. */
static void nickname_keys(void **state)
{
    UNUSED(state);
    static const char *const rows[][2] = {
        {"Romeo", "romeo"},
        {"ROMEO M", "romeo m"},
        {"a   b", "a b"},
        {"  a  ", "a"},
        {"A\xc2\xa0\xe3\x80\x80"
         "B",
         "a b"},
        {"stra\xc3\x9f"
         "e",
         "strasse"},
        {"\xc3\x84pfel", "\xc3\xa4pfel"},
        {"A\xcc\x88pfel", "\xc3\xa4pfel"},
        {"\xef\xbc\xa1\xef\xbc\xa2", "ab"},
        {"\xce\xa3\xce\xaf\xcf\x82", "\xcf\x83\xce\xaf\xcf\x83"},
        {"\xe2\x85\xa3", "iv"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str key = prep_nick_key(arena, str_z(rows[i][0]));
        assert_true(str_eqz(key, rows[i][1]));
        assert_true(str_eq(prep_nick_key(arena, key), key));
    }
    assert_false(str_present(prep_nick_key(arena, STR("\xff"))));
}

/* A nickname that was accepted always has a key, however much folding makes of it. */
static void keys_fit(void **state)
{
    UNUSED(state);
    static const char *const growing[] = {"\xce\x90", "\xe1\xbe\xb7", "\xc3\x9f",
                                          "\xc4\xb0", "\xe1\xbd\x92", "\xf0\x90\x90\x80"};
    for (size_t i = 0; i < ARRAY_LEN(growing); i++) {
        struct buf text;
        buf_init(&text, arena);
        for (int n = 0; n < NICK_CHARS_MAX; n++)
            buf_addz(&text, growing[i]);
        struct str nick;
        assert_int_equal(prep_nick(arena, buf_str(&text), &plain_rules, &nick), NICK_OK);
        assert_true(str_present(prep_nick_key(arena, nick)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_agrees_with_icu),
        cmocka_unit_test(unchanged_is_borrowed),
        cmocka_unit_test(plain_is_unchanged),
        cmocka_unit_test(plain_or_not),
        cmocka_unit_test(local_parts),
        cmocka_unit_test(domains),
        cmocka_unit_test(resources),
        cmocka_unit_test(nicknames),
        cmocka_unit_test(nicknames_by_other_rules),
        cmocka_unit_test(accepted_nicknames_are_stable),
        cmocka_unit_test(nickname_length),
        cmocka_unit_test(nickname_keys),
        cmocka_unit_test(keys_fit),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
