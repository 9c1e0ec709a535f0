/*
 * Names and namespaces as integers.
 */
#include "core/xml/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Every row of names.def is found by its text and gives it back. */
static void all_rows(void **state)
{
    UNUSED(state);
    for (int name = NAME_NONE + 1; name < NAME_OTHER; name++) {
        struct str text = token_name_text((enum name)name);
        assert_true(text.len > 0);
        assert_int_equal(token_name(text), name);
    }
    for (int ns = NS_NONE + 1; ns < NS_OTHER; ns++) {
        struct str uri = token_ns_uri((enum ns)ns);
        assert_true(uri.len > 0);
        assert_int_equal(token_ns(uri), ns);
    }
}

/* Stanzas read alike whatever door they came in by. */
static void stanza_namespaces(void **state)
{
    UNUSED(state);
    assert_int_equal(token_ns(STR("jabber:client")), NS_STANZA);
    assert_int_equal(token_ns(STR("jabber:server")), NS_STANZA);
    assert_int_equal(token_ns(STR("jabber:component:accept")), NS_STANZA);
    assert_true(str_eqz(token_ns_uri(NS_STANZA), "jabber:client"));
}

static void unknown(void **state)
{
    UNUSED(state);
    assert_int_equal(token_name(STR("")), NAME_NONE);
    assert_int_equal(token_ns(STR_NONE), NS_NONE);
    static const char *const texts[] = {
        "a", "Message", "messag", "messages", "bod", "stanza-i", "remote-server-not-foune"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(token_name(str_z(texts[i])), NAME_OTHER);
    assert_int_equal(token_ns(STR("http://jabber.org/protocol/muc#")), NS_OTHER);
    assert_int_equal(token_ns(STR("jabber:clienu")), NS_OTHER);
    assert_true(str_eqz(token_name_text(NAME_NONE), ""));
    assert_true(str_eqz(token_name_text(NAME_OTHER), ""));
    assert_true(str_eqz(token_ns_uri(NS_OTHER), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows),
        cmocka_unit_test(stanza_namespaces),
        cmocka_unit_test(unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
