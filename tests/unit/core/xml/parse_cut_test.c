/*
 * A stream that many share: a stanza over a limit loses everything but its root, the stream and its
 * other stanzas nothing, however the bytes are cut.
 */
#include "core/xml/parse.h"

#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPENING                                                                                    \
    "<stream:stream xmlns='jabber:component:accept' "                                              \
    "xmlns:stream='http://etherx.jabber.org/streams'>"
#define BEFORE "<message id='before'><body>b</body></message>"
#define AFTER  "<presence id='after'><show>a</show></presence> <iq id='last'/>"

static struct buf seen; /* "id:children[cut] " of each stanza */
static struct buf xml;

static bool on_opened(void *self, const struct stanza *stream)
{
    UNUSED(self);
    UNUSED(stream);
    return true;
}

static bool on_stanza(void *self, struct stanza *stanza)
{
    UNUSED(self);
    const struct node *root = stanza_root(stanza);
    struct str id = node_attr(root, NAME_ID);
    buf_addf(&seen, "%.*s:%u%s ", (int)id.len, id.at, node_count(root, NAME_NONE, NS_NONE),
             stanza->cut ? "cut" : "");
    if (stanza->cut) {
        assert_int_equal(stanza->node_count, 1);
        assert_true(stanza->size < 1000);
        assert_true(str_eq(node_attr(root, NAME_TO), STR("room@here")));
        assert_true(node_is(root, NAME_MESSAGE, NS_STANZA));
    }
    stanza_free(stanza);
    return true;
}

static bool on_closed(void *self)
{
    UNUSED(self);
    return true;
}

static const struct parse_handlers handlers = {on_opened, on_stanza, on_closed};

static int begin(void **state)
{
    UNUSED(state);
    buf_init(&seen, NULL);
    buf_init(&xml, NULL);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    buf_free(&seen);
    buf_free(&xml);
    return 0;
}

/* Feeds `bytes` in pieces of a size; the error it ends with. */
static enum parse_error feed(struct parser *parser, struct str bytes, size_t piece)
{
    enum parse_error error = PARSE_OK;
    while (bytes.len > 0 && error == PARSE_OK) {
        size_t len = bytes.len < piece ? bytes.len : piece;
        error = parser_feed(parser, str_of(bytes.at, len));
        bytes = str_of(bytes.at + len, bytes.len - len);
    }
    return error;
}

/* `xml` between its neighbours, in pieces of many sizes. */
static void expect_seen(const char *expected)
{
    struct buf all;
    buf_init(&all, NULL);
    buf_addz(&all, OPENING BEFORE);
    buf_add(&all, buf_str(&xml));
    buf_addz(&all, AFTER);
    static const size_t pieces[] = {1, 7, 100, 4096, 1u << 30};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct parser *parser = parser_new(&handlers, NULL, 1024 * 1024);
        parser_cut_large(parser);
        seen.len = 0;
        assert_int_equal(feed(parser, buf_str(&all), pieces[i]), PARSE_OK);
        assert_string_equal(buf_str(&seen).at, expected);
        assert_true(parser_idle(parser));
        parser_sleep(parser);
        assert_int_equal(parser_feed(parser, STR("<iq id='x'><a/></iq></stream:stream>")),
                         PARSE_OK);
        parser_free(parser);
    }
    /* Where nobody asked for that, the stream ends. */
    struct parser *parser = parser_new(&handlers, NULL, 1024 * 1024);
    assert_int_equal(feed(parser, buf_str(&all), 1000), PARSE_TOO_LARGE);
    parser_free(parser);
    buf_free(&all);
}

static void repeat(const char *text, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buf_addz(&xml, text);
}

static void attributes(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buf_addf(&xml, " a%u=\"'/>'\"", i);
}

#define CUT "before:1 big:0cut after:1 last:0 "

static void too_deep(void **state)
{
    UNUSED(state);
    buf_addz(&xml, "<message id='big' to='room@here'>text");
    repeat("<a>x", 500);
    repeat("</a>", 500);
    buf_addz(&xml, "<b/></message>");
    expect_seen(CUT);
}

static void too_many_nodes(void **state)
{
    UNUSED(state);
    buf_addz(&xml, "<message id='big' to='room@here'>");
    repeat("<a/>", STANZA_NODES_MAX + 10);
    buf_addz(&xml, "</message>");
    expect_seen(CUT);
}

static void too_many_namespaces(void **state)
{
    UNUSED(state);
    buf_addz(&xml, "<message id='big' to='room@here'>");
    for (unsigned i = 0; i < STANZA_NAMESPACES_MAX + 10; i++)
        buf_addf(&xml, "<a xmlns='urn:%u'><b c='d'/></a>", i);
    buf_addz(&xml, "</message>");
    expect_seen(CUT);
}

static void too_many_attributes(void **state)
{
    UNUSED(state);
    buf_addz(&xml, "<message id='big' to='room@here'><body>text</body><x><y");
    attributes(STANZA_ATTRIBUTES_MAX + 1);
    buf_addz(&xml, "/><![CDATA[ ]] > </message> ]]]><z a='</message>'>deep</z></x>tail</message>");
    expect_seen(CUT);
}

static void too_many_attributes_more_than_once(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < 5; i++) {
        buf_addz(&xml, "<message id='big' to='room@here'><x");
        attributes(5000);
        buf_addz(&xml, "><y");
        attributes(5000);
        buf_addz(&xml, "/></x></message>");
    }
    expect_seen("before:1 big:0cut big:0cut big:0cut big:0cut big:0cut after:1 last:0 ");
}

static void too_many_attributes_on_the_root(void **state)
{
    UNUSED(state);
    buf_addz(&xml, "<message id='big' to='room@here'");
    attributes(STANZA_ATTRIBUTES_MAX);
    buf_addz(&xml, "><a><b/></a></message><message id='big'");
    attributes(STANZA_ATTRIBUTES_MAX);
    buf_addz(&xml, "/>");
    expect_seen("before:1 after:1 last:0 ");
}

static void all_of_it_at_once(void **state)
{
    UNUSED(state);
    buf_addz(&xml, "<message id='big' to='room@here'>");
    repeat("<a>x", 500);
    buf_addz(&xml, "<b");
    attributes(STANZA_ATTRIBUTES_MAX + 1);
    buf_addz(&xml, "/>");
    repeat("</a>", 500);
    buf_addz(&xml, "</message>");
    expect_seen(CUT);
}

static void too_many_bytes_still_end_the_stream(void **state)
{
    UNUSED(state);
    static const char *const heads[] = {"<message to='room@here'>", "<message to='room@here'><x"};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct parser *parser = parser_new(&handlers, NULL, 64 * 1024);
        parser_cut_large(parser);
        xml.len = 0;
        buf_addz(&xml, heads[i]);
        if (i == 1)
            attributes(STANZA_ATTRIBUTES_MAX + 1);
        else
            repeat("<deep>", 100);
        assert_int_equal(parser_feed(parser, STR(OPENING)), PARSE_OK);
        assert_int_equal(feed(parser, buf_str(&xml), 1000), PARSE_OK);
        xml.len = 0;
        repeat("0123456789", 7000);
        assert_int_equal(feed(parser, buf_str(&xml), 1000), PARSE_TOO_LARGE);
        parser_free(parser);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(too_deep, begin, end),
        cmocka_unit_test_setup_teardown(too_many_nodes, begin, end),
        cmocka_unit_test_setup_teardown(too_many_namespaces, begin, end),
        cmocka_unit_test_setup_teardown(too_many_attributes, begin, end),
        cmocka_unit_test_setup_teardown(too_many_attributes_more_than_once, begin, end),
        cmocka_unit_test_setup_teardown(too_many_attributes_on_the_root, begin, end),
        cmocka_unit_test_setup_teardown(all_of_it_at_once, begin, end),
        cmocka_unit_test_setup_teardown(too_many_bytes_still_end_the_stream, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
