/*
 * Addresses: taken apart, prepared, refused, put together again.
 */
#include "core/xmpp/jid.h"

#include "core/base/limits.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;

static int setup(void **state)
{
    UNUSED(state);
    arena = arena_new(4096);
    return prep_init();
}

static int teardown(void **state)
{
    UNUSED(state);
    arena_free(arena);
    prep_fini();
    return 0;
}

static void parts(void **state)
{
    UNUSED(state);
    struct jid *jid = jid_parse(arena, STR("Lounge@Rooms.Example/Nick @/x"));
    assert_non_null(jid);
    assert_string_equal(jid->text, "lounge@rooms.example/Nick @/x");
    assert_true(str_eqz(jid_full(jid), jid->text));
    assert_true(str_eqz(jid_bare(jid), "lounge@rooms.example"));
    assert_true(str_eqz(jid_local(jid), "lounge"));
    assert_true(str_eqz(jid_domain(jid), "rooms.example"));
    assert_true(str_eqz(jid_resource(jid), "Nick @/x"));
    assert_false(jid_is_bare(jid));

    jid = jid_parse(arena, STR("rooms.example"));
    assert_true(jid_is_bare(jid));
    assert_false(str_present(jid_local(jid)));
    assert_false(str_present(jid_resource(jid)));
    assert_true(str_eqz(jid_domain(jid), "rooms.example"));

    jid = jid_parse(arena, STR("a/b@c"));
    assert_true(str_eqz(jid_domain(jid), "a"));
    assert_true(str_eqz(jid_resource(jid), "b@c"));
}

/* @covers 0045#bizrules-jids.empty */
static void malformed(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {
        "",      "@",     "/",      "@b",     "a@",       "a@/c",       "a@b/",
        "b/",    "a@b@c", "a b@c",  "a@b c",  "a@b..c",   "a@-b",       "a@b-",
        "a@.b",  "a<@b",  "a'@b",   "a:b@c",  "a@b/\x01", "a@b/\x7f",   "a@[::1",
        "a@[]",  "a@[x]", "\xff@b", "a@\xff", "a@b/\xff", "\xc2\xa0@b", "a@b/\xe2\x80\xa8",
        "a@b&c", "a@b>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct jid *jid = jid_parse(arena, str_z(bad[i]));
        if (jid != NULL)
            print_error("taken: %s\n", bad[i]);
        assert_null(jid);
    }
    assert_null(jid_parse(arena, STR_NONE));
    assert_null(jid_parse(arena, str_of("a@b/c\0d", 7)));
}

/* Each part may have 1023 bytes and no more. */
static void lengths(void **state)
{
    UNUSED(state);
    char part[JID_PART_BYTES_MAX + 2];
    memset(part, 'x', sizeof(part));
    for (int which = 0; which < 2; which++) {
        for (int extra = 0; extra < 2; extra++) {
            int len = JID_PART_BYTES_MAX + extra;
            struct str text = which == 0 ? str_fmt(arena, "%.*s@b/c", len, part)
                                         : str_fmt(arena, "a@b/%.*s", len, part);
            assert_int_equal(jid_parse(arena, text) != NULL, extra == 0);
        }
    }
    for (size_t i = 60; i < sizeof(part); i += 60)
        part[i] = '.';
    part[JID_PART_BYTES_MAX - 1] = 'x';
    part[JID_PART_BYTES_MAX] = 'x';
    struct str most = str_fmt(arena, "a@%.*s", JID_PART_BYTES_MAX, part);
    assert_non_null(jid_parse(arena, most));
    struct str over = str_fmt(arena, "a@%.*s", JID_PART_BYTES_MAX + 1, part);
    assert_null(jid_parse(arena, over));
}

/* Different spellings of one address are the same address. */
static void same(void **state)
{
    UNUSED(state);
    static const char *const rows[][2] = {
        {"A@B/c", "a@b/c"},
        {"a@b.", "a@b"},
        {"\xc3\x84@b", "\xc3\xa4@b"},
        {"a@B\xc3\x9c"
         "CHER.de",
         "a@b\xc3\xbc"
         "cher.de"},
        {"a@xn--bcher-kva.de", "a@b\xc3\xbc"
                               "cher.de"},
        {"a@b/\xef\xbd\x8e", "a@b/n"},
        {"a@[2001:DB8::1]", "a@[2001:db8::1]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jid *a = jid_parse(arena, str_z(rows[i][0]));
        struct jid *b = jid_parse(arena, str_z(rows[i][1]));
        assert_non_null(a);
        assert_non_null(b);
        assert_true(jid_eq(a, b));
        assert_string_equal(a->text, rows[i][1]);
    }
    struct jid *a = jid_parse(arena, STR("a@b/Nick"));
    struct jid *b = jid_parse(arena, STR("a@b/nick"));
    assert_false(jid_eq(a, b));
    assert_true(jid_bare_eq(a, b));
}

static void made_from_parts(void **state)
{
    UNUSED(state);
    struct jid *jid = jid_make(NULL, STR("a"), STR("b"), STR("c"));
    assert_string_equal(jid->text, "a@b/c");
    struct jid *copy = jid_copy(jid);
    assert_true(jid_eq(copy, jid));
    struct jid *other = jid_with_resource(NULL, copy, STR("other"));
    assert_string_equal(other->text, "a@b/other");
    struct jid *bare = jid_to_bare(NULL, other);
    assert_string_equal(bare->text, "a@b");
    jid_free(jid);
    jid_free(copy);
    jid_free(other);
    jid_free(bare);
    jid_free(NULL);
    assert_string_equal(jid_make(arena, STR_NONE, STR("b"), STR_NONE)->text, "b");
    jid = jid_parse(NULL, STR("\xc3\x84@B"));
    assert_string_equal(jid->text, "\xc3\xa4@b");
    jid_free(jid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts), cmocka_unit_test(malformed),       cmocka_unit_test(lengths),
        cmocka_unit_test(same),  cmocka_unit_test(made_from_parts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
