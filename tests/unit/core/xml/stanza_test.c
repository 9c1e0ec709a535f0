/*
 * The flat tree: navigation, content, and that a stanza is nothing but a block of bytes.
 */
#include "core/xml/stanza.h"

#include "core/base/arena.h"
#include "core/base/limits.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;
static struct stanza *stanza;

static const char *const text =
    "<message from='a@b/c' type='groupchat' xml:lang='de' xmlns:p='urn:p' p:type='other'>"
    "one<body>hi &amp; ho</body>two<body xml:lang='en'>hello</body>"
    "<x xmlns='http://jabber.org/protocol/muc#user'><item/>mid<item jid='j'/><p:item/></x>"
    "<unknown xmlns='urn:unknown'>a<b/>c<![CDATA[<d>]]></unknown>three</message>";

static int setup(void **state)
{
    UNUSED(state);
    arena = arena_new(1024);
    stanza = stanza_parse(str_z(text));
    return stanza == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    stanza_free(stanza);
    arena_free(arena);
    return 0;
}

static void attributes(void **state)
{
    UNUSED(state);
    const struct node *root = stanza_root(stanza);
    assert_true(str_eqz(node_attr(root, NAME_FROM), "a@b/c"));
    assert_true(str_eqz(node_attr(root, NAME_TYPE), "groupchat"));
    assert_false(str_present(node_attr(root, NAME_ID)));
    assert_false(str_present(node_attr(root, NAME_LANG)));
    assert_true(str_eqz(node_attr_ns(root, NAME_LANG, NS_XML), "de"));
    assert_true(str_eqz(node_attr_ns(root, NAME_TYPE, NS_OTHER), "other"));
    assert_int_equal(root->attr_count, 4);
    const struct attr *attr = node_attr_at(root, 3);
    assert_true(str_eqz(attr_name(root, attr), "type"));
    assert_true(str_eqz(attr_ns(root, attr), "urn:p"));
    assert_true(str_eqz(attr_value(root, attr), "other"));
    assert_null(node_attr_at(root, 4));
}

/* Elements are found past the text between them, by name and namespace or by either. */
static void navigation(void **state)
{
    UNUSED(state);
    const struct node *root = stanza_root(stanza);
    const struct node *body = node_find(root, NAME_BODY, NS_STANZA);
    assert_ptr_equal(body, node_first(root));
    assert_ptr_equal(node_find_next(body, NAME_BODY, NS_STANZA), node_next(body));
    assert_null(node_find_next(node_next(body), NAME_BODY, NS_STANZA));
    const struct node *x = node_find(root, NAME_NONE, NS_MUC_USER);
    assert_true(node_is(x, NAME_X, NS_MUC_USER));
    assert_ptr_equal(node_find(root, NAME_X, NS_NONE), x);
    assert_null(node_find(root, NAME_X, NS_MUC));
    assert_int_equal(node_count(x, NAME_ITEM, NS_MUC_USER), 2);
    assert_int_equal(node_count(x, NAME_ITEM, NS_NONE), 3);
    assert_int_equal(node_count(root, NAME_NONE, NS_NONE), 4);
    unsigned seen = 0;
    node_each (root, child) {
        assert_false(node_is_text(child));
        seen++;
    }
    assert_int_equal(seen, 4);
    const struct node *last = node_find(root, NAME_OTHER, NS_OTHER);
    assert_true(str_eqz(node_name(last), "unknown"));
    assert_true(str_eqz(node_ns(last), "urn:unknown"));
    assert_null(node_next(last));
}

/* Chains over what is not there need no checks. */
/* Names we know are kept as numbers and others as text; many more of both than the parser has at
 * hand, twice each. */
static void every_name_reads_as_written(void **state)
{
    UNUSED(state);
    struct buf xml;
    buf_init(&xml, NULL);
    buf_addz(&xml, "<all>");
    for (unsigned twice = 0; twice < 2; twice++) {
        for (unsigned i = NAME_NONE + 1; i < NAME_OTHER; i++) {
            const char *name = token_name_text((enum name)i).at;
            if (i == NAME_XMLNS) /* as an attribute it is none */
                continue;
            buf_addf(&xml, "<%s %s='1' n%u='2'/><n%u/>", name, name, i, i);
        }
    }
    buf_addz(&xml, "</all>");
    struct stanza *all = stanza_parse(buf_str(&xml));
    assert_non_null(all);
    const struct node *node = node_first(stanza_root(all));
    for (unsigned twice = 0; twice < 2; twice++) {
        for (unsigned i = NAME_NONE + 1; i < NAME_OTHER; i++) {
            char other[16];
            if (i == NAME_XMLNS)
                continue;
            snprintf(other, sizeof(other), "n%u", i);
            struct str name = token_name_text((enum name)i);
            assert_int_equal(node->name, i);
            assert_true(str_eq(node_name(node), name));
            assert_true(str_eq(attr_name(node, node_attr_at(node, 0)), name));
            assert_true(str_eqz(node_attr(node, (enum name)i), "1"));
            assert_true(str_eqz(attr_name(node, node_attr_at(node, 1)), other));
            node = node_next(node);
            assert_int_equal(node->name, NAME_OTHER);
            assert_true(str_eqz(node_name(node), other));
            node = node_next(node);
        }
    }
    assert_null(node);
    stanza_free(all);
    buf_free(&xml);
}

static void nothing_gives_nothing(void **state)
{
    UNUSED(state);
    assert_null(stanza_root(NULL));
    assert_null(node_first(NULL));
    assert_null(node_next(NULL));
    assert_null(node_first_any(NULL));
    assert_null(node_find(node_find(NULL, NAME_X, NS_NONE), NAME_ITEM, NS_NONE));
    assert_int_equal(node_count(NULL, NAME_X, NS_NONE), 0);
    assert_false(node_is(NULL, NAME_NONE, NS_NONE));
    assert_false(node_is_text(NULL));
    assert_false(str_present(node_attr(NULL, NAME_ID)));
    assert_false(str_present(node_text(NULL, arena)));
    assert_false(str_present(node_name(NULL)));
    assert_false(str_present(node_ns(NULL)));
    stanza_free(NULL);
}

/* Text in one piece is borrowed, text around elements is joined, no text is empty. */
static void texts(void **state)
{
    UNUSED(state);
    const struct node *root = stanza_root(stanza);
    const struct node *body = node_first(root);
    struct str borrowed = node_text(body, arena);
    assert_true(str_eqz(borrowed, "hi & ho"));
    assert_ptr_equal(borrowed.at, node_text(body, arena).at);
    assert_true(str_eqz(node_text(root, arena), "onetwothree"));
    assert_true(str_eqz(node_text(node_find(root, NAME_OTHER, NS_OTHER), arena), "ac<d>"));
    struct str none = node_text(node_first(node_find(root, NAME_X, NS_NONE)), arena);
    assert_true(str_present(none) && none.len == 0);
}

/* One run of text, however it was written, is one node. */
static void text_nodes(void **state)
{
    UNUSED(state);
    const struct node *child = node_first_any(stanza_root(stanza));
    assert_true(node_is_text(child));
    assert_true(str_eqz(node_text_bytes(child), "one"));
    child = node_next_any(child);
    assert_false(node_is_text(child));
    assert_false(str_present(node_text_bytes(child)));
    const struct node *inside = node_first_any(child);
    assert_true(str_eqz(node_text_bytes(inside), "hi & ho"));
    assert_null(node_next_any(inside));
    assert_null(node_first_any(inside));
    assert_false(node_is(inside, NAME_NONE, NS_NONE));
}

static void is_a_block(void **state)
{
    UNUSED(state);
    struct stanza *copy = stanza_copy(stanza);
    assert_int_equal(copy->size, stanza->size);
    assert_memory_equal(copy, stanza, stanza->size);
    assert_true(str_eqz(node_attr(stanza_root(copy), NAME_FROM), "a@b/c"));
    assert_int_equal(stanza->wire_size, strlen(text));
    struct stanza *again = stanza_parse(str_z(text));
    assert_memory_equal(again, stanza, stanza->size);
    stanza_free(again);
    stanza_free(copy);
}

static void not_one_element(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {
        "",
        " ",
        "x",
        "<a>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "</a>",
        "</stream:stream>",
        "<a></b>",
        "<a/></stream:stream>",
        "<?xml version='1.0'?><a/>",
        "<p:a/>",
        "<a b=c/>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(stanza_parse(str_z(bad[i])));
        assert_false(stanza_is_whole(str_z(bad[i])));
    }
    struct stanza *good = stanza_parse(STR(" <a/>\n"));
    assert_non_null(good);
    assert_int_equal(stanza_root(good)->ns, NS_STANZA);
    stanza_free(good);
}

/* What we send may be over what we take: it is escaped anew, and has elements of ours in it. */
static void whole_but_over_the_limits(void **state)
{
    struct buf large, many;
    UNUSED(state);
    buf_init(&large, NULL);
    buf_init(&many, NULL);
    buf_addz(&large, "<message><body>");
    while (large.len <= STANZA_BYTES_MAX)
        buf_addz(&large, "&apos;");
    buf_addz(&large, "</body></message>");
    buf_addz(&many, "<message>");
    for (unsigned i = 0; i <= STANZA_NODES_MAX; i++)
        buf_addz(&many, "<a/>");
    buf_addz(&many, "</message>");
    assert_null(stanza_parse(buf_str(&large)));
    assert_null(stanza_parse(buf_str(&many)));
    assert_true(stanza_is_whole(buf_str(&large)));
    assert_true(stanza_is_whole(buf_str(&many)));
    buf_addz(&large, "<a/>");
    buf_addz(&many, "<a/>");
    assert_false(stanza_is_whole(buf_str(&large)));
    assert_false(stanza_is_whole(buf_str(&many)));
    buf_free(&large);
    buf_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes),
        cmocka_unit_test(navigation),
        cmocka_unit_test(every_name_reads_as_written),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(texts),
        cmocka_unit_test(text_nodes),
        cmocka_unit_test(is_a_block),
        cmocka_unit_test(not_one_element),
        cmocka_unit_test(whole_but_over_the_limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
