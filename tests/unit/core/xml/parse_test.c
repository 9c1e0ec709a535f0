/*
 * The stream parser on good input: events, splits, stops, limits touched and crossed, renewal,
 * sleep. (Bad input: parse_bad_test.c. Months of it: parse_months_test.c.)
 */
#include "core/xml/parse.h"

#include "core/base/arena.h"
#include "core/base/limits.h"
#include "core/xml/frame.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OPENING                                                                                    \
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "        \
    "xmlns:db='jabber:server:dialback'>"

/* Writes down what the parser says, as XML again. */
struct seen {
    struct parser *parser;
    struct arena *arena;
    struct buf log;
    unsigned stanzas;
    unsigned stop_after; /* stanzas; 0: never */
    size_t sizes;        /* sum of wire sizes */
    size_t next_max;     /* set when the first stanza has come */
};

static bool on_opened(void *self, const struct stanza *stream)
{
    struct seen *seen = self;
    struct fb fb;
    fb_begin_fragment(&fb, seen->arena);
    fb_node(&fb, stanza_root(stream));
    buf_addc(&seen->log, '(');
    buf_add(&seen->log, fb_finish_fragment(&fb));
    return true;
}

static bool on_stanza(void *self, struct stanza *stanza)
{
    struct seen *seen = self;
    struct fb fb;
    fb_begin_fragment(&fb, seen->arena);
    fb_node(&fb, stanza_root(stanza));
    if (seen->log.len < 10000)
        buf_add(&seen->log, fb_finish_fragment(&fb));
    seen->sizes += stanza->wire_size;
    stanza_free(stanza);
    arena_reset(seen->arena);
    seen->stanzas++;
    if (seen->next_max > 0)
        parser_set_bytes_max(seen->parser, seen->next_max);
    return seen->stanzas != seen->stop_after;
}

static bool on_closed(void *self)
{
    struct seen *seen = self;
    buf_addc(&seen->log, ')');
    return false;
}

static const struct parse_handlers handlers = {on_opened, on_stanza, on_closed};

static void begin(struct seen *seen, size_t bytes_max)
{
    *seen = (struct seen){.arena = arena_new(4096)};
    buf_init(&seen->log, NULL);
    seen->parser = parser_new(&handlers, seen, bytes_max);
}

static void end(struct seen *seen)
{
    parser_free(seen->parser);
    arena_free(seen->arena);
    buf_free(&seen->log);
}

/* A stream that is open, with nothing written down yet. */
static void begin_open(struct seen *seen, size_t bytes_max)
{
    begin(seen, bytes_max);
    assert_int_equal(parser_feed(seen->parser, STR(OPENING)), PARSE_OK);
    seen->log.len = 0;
}

enum split { WHOLE, BYTES, RANDOM, SPLITS = 40 };

/* Feeds `text` in pieces; what is above RANDOM is a seed. */
static enum parse_error feed(struct seen *seen, struct str text, unsigned split)
{
    srand(split);
    enum parse_error error = PARSE_OK;
    while (text.len > 0 && error == PARSE_OK) {
        size_t len = split == WHOLE ? text.len : split == BYTES ? 1 : (size_t)rand() % 40 + 1;
        if (len > text.len)
            len = text.len;
        error = parser_feed(seen->parser, str_of(text.at, len));
        text = str_of(text.at + len, text.len - len);
    }
    return error;
}

static void expect(struct seen *seen, const char *log)
{
    assert_string_equal(buf_str(&seen->log).at, log);
}

/* A stream says the same however it is cut, with everything in it that could irritate a cutter. */
static void any_split(void **state)
{
    UNUSED(state);
    static const char stream[] =
        "<?xml version='1.0' encoding='utf-8'?>\n"
        "<stream:stream to='a' xmlns='jabber:component:accept' xml:lang='en' "
        "xmlns:stream='http://etherx.jabber.org/streams' note='1 > 0'>  "
        "<message a='>' b=\"'>'\" c='\"/>'><body>x > y &amp;&#228; ]] > '\"</body></message>\r\n "
        "<iq><![CDATA[<a>]]]]><![CDATA[>]]></iq><presence/>\n"
        "<stream:error>\xf0\x9f\x98\x80</stream:error ><x xmlns='urn:x' ><y />z</x>"
        "</stream:stream>";
    static const char log[] =
        "(<stream xmlns='http://etherx.jabber.org/streams' to='a' xml:lang='en' note='1 &gt; 0'/>"
        "<message a='&gt;' b='&apos;&gt;&apos;' c='&quot;/&gt;'>"
        "<body>x &gt; y &amp;\xc3\xa4 ]] &gt; '\"</body></message>"
        "<iq>&lt;a&gt;]]&gt;</iq><presence/>"
        "<error xmlns='http://etherx.jabber.org/streams'>\xf0\x9f\x98\x80</error>"
        "<x xmlns='urn:x'><y/>z</x>)";
    for (unsigned split = WHOLE; split < SPLITS; split++) {
        struct seen seen;
        begin(&seen, 4096);
        assert_int_equal(feed(&seen, str_z(stream), split), PARSE_OK);
        expect(&seen, log);
        assert_true(str_eqz(parser_stream_ns(seen.parser), "jabber:component:accept"));
        /* After the end nothing happens any more. */
        assert_int_equal(parser_feed(seen.parser, STR("<a/>")), PARSE_OK);
        expect(&seen, log);
        end(&seen);
    }
}

static void stream_namespaces(void **state)
{
    UNUSED(state);
    struct seen seen;
    begin(&seen, 4096);
    assert_true(str_eqz(parser_stream_ns(seen.parser), ""));
    assert_int_equal(feed(&seen,
                          STR("<s:stream xmlns:s='http://etherx.jabber.org/streams'>"
                              "<a/><b xmlns='jabber:client'/></s:stream>"),
                          WHOLE),
                     PARSE_OK);
    assert_true(str_eqz(parser_stream_ns(seen.parser), ""));
    expect(&seen, "(<stream xmlns='http://etherx.jabber.org/streams'/><a xmlns=''/><b/>)");
    end(&seen);

    begin(&seen, 4096);
    assert_int_equal(feed(&seen, STR("<stream xmlns='http://etherx.jabber.org/streams'/>"), WHOLE),
                     PARSE_OK);
    expect(&seen, "(<stream xmlns='http://etherx.jabber.org/streams'/>)");
    end(&seen);
}

/* A handler that stops leaves exactly what follows the end of its element (STARTTLS). */
static void stops_exactly(void **state)
{
    UNUSED(state);
    static const char text[] = "<a/> <starttls><x y='>'/></starttls >\n<?junk <never/>";
    size_t behind = strlen("\n<?junk <never/>");
    for (unsigned split = WHOLE; split < SPLITS; split++) {
        struct seen seen;
        begin_open(&seen, 4096);
        seen.stop_after = 2;
        struct str rest = str_z(text);
        size_t used = 0;
        srand(split);
        while (seen.stanzas < 2) {
            size_t len = split == WHOLE ? rest.len : split == BYTES ? 1 : (size_t)rand() % 20 + 1;
            len = len < rest.len ? len : rest.len;
            assert_int_equal(parser_feed(seen.parser, str_of(rest.at, len)), PARSE_OK);
            used += len;
            rest = str_of(rest.at + len, rest.len - len);
        }
        used -= parser_rest(seen.parser);
        assert_int_equal(used, strlen(text) - behind);
        assert_false(parser_idle(seen.parser));
        expect(&seen, "<a/><starttls><x y='&gt;'/></starttls>");
        assert_int_equal(parser_feed(seen.parser, STR("<b/>")), PARSE_OK);
        assert_int_equal(parser_rest(seen.parser), 4);
        assert_int_equal(seen.stanzas, 2);
        end(&seen);
    }
}

/* One stanza of `size` bytes: <a>xxx</a>. */
static struct str sized(struct arena *arena, size_t size)
{
    char *at = arena_raw(arena, size);
    memset(at, 'x', size);
    memcpy(at, "<a>", 3);
    memcpy(at + size - 4, "</a>", 4);
    return str_of(at, size);
}

/* The limit on bytes is exact, whatever came before and however the stanza is cut. */
static void bytes_limit(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(4096);
    static const size_t limits[] = {100, 4096, 16384, 20000, STANZA_BYTES_MAX};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        for (unsigned split = WHOLE; split < RANDOM + 3; split++) {
            if (split != WHOLE && limits[i] > 20000)
                continue;
            struct seen seen;
            begin_open(&seen, limits[i] < 1000 ? 1000 : limits[i]);
            parser_set_bytes_max(seen.parser, limits[i]);
            struct str exact = sized(arena, limits[i]);
            assert_int_equal(feed(&seen, STR("<b/>  \n"), split), PARSE_OK);
            assert_int_equal(feed(&seen, exact, split), PARSE_OK);
            assert_int_equal(feed(&seen, exact, split), PARSE_OK);
            assert_int_equal(seen.stanzas, 3);
            assert_int_equal(seen.sizes, 4 + 2 * limits[i]);
            assert_int_equal(feed(&seen, sized(arena, limits[i] + 1), split), PARSE_TOO_LARGE);
            assert_int_equal(parser_feed(seen.parser, STR("<b/>")), PARSE_TOO_LARGE);
            assert_int_equal(seen.stanzas, 3);
            end(&seen);
        }
    }
    arena_free(arena);
}

/* The opening tag has the same limit. */
static void opening_limit(void **state)
{
    UNUSED(state);
    for (unsigned split = WHOLE; split <= RANDOM; split++) {
        struct seen seen;
        begin(&seen, strlen(OPENING));
        assert_int_equal(feed(&seen, STR(OPENING), split), PARSE_OK);
        end(&seen);
        begin(&seen, strlen(OPENING) - 1);
        assert_int_equal(feed(&seen, STR(OPENING), split), PARSE_TOO_LARGE);
        end(&seen);
    }
}

/* An attribute value without end is not collected. */
static void endless_attribute(void **state)
{
    UNUSED(state);
    struct seen seen;
    begin_open(&seen, STANZA_BYTES_UNAUTH);
    assert_int_equal(parser_feed(seen.parser, STR("<a b='")), PARSE_OK);
    char piece[1000];
    memset(piece, '>', sizeof(piece));
    unsigned fed = 0;
    while (parser_feed(seen.parser, str_of(piece, sizeof(piece))) == PARSE_OK)
        fed++;
    assert_int_equal(fed, STANZA_BYTES_UNAUTH / 1000);
    assert_true(parser_memory(seen.parser) < 64 * 1024);
    end(&seen);
}

/* A handler changes the limit for what follows, even inside one feed. */
static void limit_changes(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(4096);
    struct seen seen;
    begin_open(&seen, 1000);
    parser_set_bytes_max(seen.parser, 100);
    seen.next_max = 2000;
    struct buf both;
    buf_init(&both, arena);
    buf_addz(&both, "<a/>");
    buf_add(&both, sized(arena, 2000));
    assert_int_equal(parser_feed(seen.parser, buf_str(&both)), PARSE_OK);
    assert_int_equal(seen.stanzas, 2);
    assert_int_equal(parser_feed(seen.parser, sized(arena, 2001)), PARSE_TOO_LARGE);
    end(&seen);
    arena_free(arena);
}

static void repeat(struct buf *buf, const char *text, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        buf_addz(buf, text);
}

/* Feeds a stanza put together from repeated parts. */
static enum parse_error feed_repeated(const char *before, const char *part, unsigned times,
                                      const char *after, unsigned split)
{
    struct seen seen;
    begin_open(&seen, STANZA_BYTES_MAX);
    struct buf text;
    buf_init(&text, NULL);
    buf_addz(&text, before);
    repeat(&text, part, times);
    buf_addz(&text, after);
    enum parse_error error = feed(&seen, buf_str(&text), split);
    assert_int_equal(seen.stanzas, error == PARSE_OK);
    buf_free(&text);
    end(&seen);
    return error;
}

static enum parse_error feed_depth(unsigned depth, unsigned split)
{
    struct buf closing;
    buf_init(&closing, NULL);
    repeat(&closing, "</a>", depth);
    enum parse_error error = feed_repeated("", "<a>", depth, buf_str(&closing).at, split);
    buf_free(&closing);
    return error;
}

static enum parse_error feed_attributes(unsigned count, const char *prefix, unsigned split)
{
    struct buf tag;
    buf_init(&tag, NULL);
    for (unsigned i = 0; i < count; i++)
        buf_addf(&tag, " %s%u='urn:%u'", prefix, i, i);
    enum parse_error error = feed_repeated("<b><a", buf_str(&tag).at, 1, "/></b>", split);
    buf_free(&tag);
    return error;
}

static void shape_limits(void **state)
{
    UNUSED(state);
    for (unsigned split = WHOLE; split <= RANDOM; split++) {
        assert_int_equal(feed_depth(STANZA_DEPTH_MAX, split), PARSE_OK);
        assert_int_equal(feed_depth(STANZA_DEPTH_MAX + 1, split), PARSE_TOO_LARGE);
        assert_int_equal(feed_attributes(STANZA_ATTRIBUTES_MAX, "a", split), PARSE_OK);
        assert_int_equal(feed_attributes(STANZA_ATTRIBUTES_MAX + 1, "a", split), PARSE_TOO_LARGE);
        assert_int_equal(feed_attributes(STANZA_ATTRIBUTES_MAX, "xmlns:p", split), PARSE_OK);
        assert_int_equal(feed_attributes(STANZA_ATTRIBUTES_MAX + 1, "xmlns:p", split),
                         PARSE_TOO_LARGE);
    }
    unsigned nodes = STANZA_NODES_MAX;
    assert_int_equal(feed_repeated("<a>", "<b/>", nodes - 1, "</a>", WHOLE), PARSE_OK);
    assert_int_equal(feed_repeated("<a>", "<b/>", nodes, "</a>", WHOLE), PARSE_TOO_LARGE);
    assert_int_equal(feed_repeated("<a>", "<b/>x", nodes / 2, "</a>", WHOLE), PARSE_TOO_LARGE);
}

/* Parses "<a xmlns:p='...'>", a part repeated, "</a>"; the namespace has `len` bytes. */
static struct stanza *parse_long_namespace(size_t len, const char *part, unsigned times)
{
    struct buf text;
    buf_init(&text, NULL);
    buf_addz(&text, "<a xmlns:p='urn:");
    for (size_t i = 4; i < len; i++)
        buf_addc(&text, 'x');
    buf_addz(&text, "'>");
    repeat(&text, part, times);
    buf_addz(&text, "</a>");
    struct stanza *stanza = stanza_parse(buf_str(&text));
    buf_free(&text);
    return stanza;
}

/* Namespaces stand in a stanza once, however often they are used; both their number and what they
 * would take where each element has to declare its own are limited. */
static void namespace_limits(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(4096);
    for (unsigned extra = 0; extra < 2; extra++) {
        struct buf text;
        buf_init(&text, arena);
        buf_addz(&text, "<a>");
        for (unsigned i = 0; i < STANZA_NAMESPACES_MAX - 1 + extra; i++)
            buf_addf(&text, "<b xmlns='urn:%u'/>", i);
        buf_addz(&text, "</a>");
        struct stanza *stanza = stanza_parse(buf_str(&text));
        assert_int_equal(stanza != NULL, extra == 0);
        stanza_free(stanza);
    }
    arena_free(arena);

    struct stanza *stanza = parse_long_namespace(50000, "<p:b><p:c/><p:c/></p:b>", 20);
    assert_non_null(stanza);
    assert_true(stanza->text_size < 51000);
    stanza_free(stanza);

    static const char *const parts[] = {"<p:b/>", "<b p:c=''/>"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        /* <a/> itself is in jabber:client, 13 bytes; the second part counts once for its attribute.
         */
        unsigned fits = STANZA_DECLARED_MAX / 1024 - 1;
        stanza = parse_long_namespace(1024, parts[i], fits);
        assert_non_null(stanza);
        stanza_free(stanza);
        assert_null(parse_long_namespace(1024, parts[i], fits + 1));
    }
    stanza = parse_long_namespace(UINT16_MAX, "<p:b/>", 1);
    assert_non_null(stanza);
    assert_int_equal(node_ns(node_first(stanza_root(stanza))).len, UINT16_MAX);
    stanza_free(stanza);
    assert_null(parse_long_namespace(UINT16_MAX + 1, "<p:b/>", 1));
}

/* Keepalives neither end the idle state nor leave anything behind, in any amount. */
static void white_space(void **state)
{
    UNUSED(state);
    struct seen seen;
    begin_open(&seen, 1000);
    char blanks[5000];
    memset(blanks, ' ', sizeof(blanks));
    assert_int_equal(parser_feed(seen.parser, STR("<a/>")), PARSE_OK);
    size_t memory = parser_memory(seen.parser);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(parser_feed(seen.parser, str_of(blanks, sizeof(blanks))), PARSE_OK);
        assert_true(parser_idle(seen.parser));
        assert_true(parser_memory(seen.parser) == memory);
    }
    /* The same in front of a stanza and behind it, in one feed. */
    struct buf text;
    buf_init(&text, NULL);
    buf_add(&text, str_of(blanks, sizeof(blanks)));
    buf_addz(&text, "<b/>");
    buf_add(&text, str_of(blanks, sizeof(blanks)));
    buf_addz(&text, "<c/>\n");
    assert_int_equal(parser_feed(seen.parser, buf_str(&text)), PARSE_OK);
    assert_true(parser_idle(seen.parser));
    assert_int_equal(seen.sizes, 12);
    assert_int_equal(parser_feed(seen.parser, STR(" <")), PARSE_OK);
    assert_false(parser_idle(seen.parser));
    expect(&seen, "<a/><b/><c/>");
    buf_free(&text);
    end(&seen);
}

/* Far more names and bytes than one libxml2 parser is kept for, in feeds that end anywhere: nobody
 * notices, and prefixes declared by the stream still mean what they meant. */
static void renewal(void **state)
{
    UNUSED(state);
    struct seen seen;
    begin_open(&seen, STANZA_BYTES_MAX);
    struct buf text;
    buf_init(&text, NULL);
    size_t size = 0;
    unsigned count = 3 * PARSER_RENEW_NAMES;
    for (unsigned i = 0; i < count; i++) {
        size_t before = text.len;
        buf_addf(&text, "<db:n%u a%u='1'/>", i, i);
        size += text.len - before;
        buf_addc(&text, ' ');
    }
    assert_int_equal(feed(&seen, buf_str(&text), WHOLE), PARSE_OK);
    assert_int_equal(seen.stanzas, count);
    assert_int_equal(seen.sizes, size);
    assert_int_equal(feed(&seen, buf_str(&text), RANDOM), PARSE_OK);
    assert_int_equal(seen.stanzas, 2 * count);
    assert_int_equal(seen.sizes, 2 * size);
    static const char first[] = "<n0 xmlns='jabber:server:dialback' a0='1'/>";
    assert_memory_equal(seen.log.at, first, strlen(first));
    assert_true(parser_memory(seen.parser) < 1024 * 1024);
    assert_int_equal(feed(&seen, STR("</stream:stream>"), WHOLE), PARSE_OK);
    assert_int_equal(seen.log.at[seen.log.len - 1], ')');
    buf_free(&text);
    end(&seen);
}

/* A stop is exact right behind renewals too. */
static void stop_after_renewal(void **state)
{
    UNUSED(state);
    struct seen seen;
    begin_open(&seen, STANZA_BYTES_MAX);
    struct buf text;
    buf_init(&text, NULL);
    for (unsigned i = 0; i < 2 * PARSER_RENEW_NAMES + 100; i++)
        buf_addf(&text, "<a%05u/>", i);
    seen.stop_after = 2 * PARSER_RENEW_NAMES + 7;
    assert_int_equal(parser_feed(seen.parser, buf_str(&text)), PARSE_OK);
    assert_int_equal(parser_rest(seen.parser), 93 * 9);
    buf_free(&text);
    end(&seen);
}

/* A large stanza does not leave its buffers behind. */
static void gives_back(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(4096);
    struct seen seen;
    begin_open(&seen, STANZA_BYTES_MAX);
    assert_int_equal(parser_feed(seen.parser, STR("<a/>")), PARSE_OK);
    size_t small = parser_memory(seen.parser);
    struct str large = sized(arena, STANZA_BYTES_MAX);
    assert_int_equal(feed(&seen, str_of(large.at, large.len - 1), WHOLE), PARSE_OK);
    assert_true(parser_memory(seen.parser) > STANZA_BYTES_MAX);
    assert_int_equal(feed(&seen, STR(">"), WHOLE), PARSE_OK);
    assert_true(parser_memory(seen.parser) < small + 20000);
    end(&seen);
    arena_free(arena);
}

/* Asleep, a parser holds next to nothing; white space does not wake it, a stanza does. */
static void sleep_and_wake(void **state)
{
    UNUSED(state);
    struct seen seen;
    begin(&seen, 1000);
    parser_sleep(seen.parser);
    assert_int_equal(feed(&seen, STR(OPENING "<a/>"), WHOLE), PARSE_OK);
    seen.log.len = 0;
    assert_int_equal(feed(&seen, STR("<b>"), WHOLE), PARSE_OK);
    parser_sleep(seen.parser); /* not idle: nothing happens */
    assert_int_equal(feed(&seen, STR("x</b>"), WHOLE), PARSE_OK);
    for (int i = 0; i < 3; i++) {
        parser_sleep(seen.parser);
        assert_true(parser_idle(seen.parser));
        assert_int_equal(feed(&seen, STR(" \n"), WHOLE), PARSE_OK);
        assert_true(parser_memory(seen.parser) < 2500);
        assert_int_equal(feed(&seen, STR("<db:c/> "), BYTES), PARSE_OK);
        assert_true(parser_memory(seen.parser) > 2500);
    }
    expect(&seen, "<b>x</b><c xmlns='jabber:server:dialback'/>"
                  "<c xmlns='jabber:server:dialback'/><c xmlns='jabber:server:dialback'/>");
    seen.stop_after = seen.stanzas + 1;
    parser_sleep(seen.parser);
    assert_int_equal(feed(&seen, STR(" <d/>  "), WHOLE), PARSE_OK);
    assert_int_equal(parser_rest(seen.parser), 2);
    end(&seen);
}

static void conditions(void **state)
{
    UNUSED(state);
    assert_string_equal(parse_error_condition(PARSE_NOT_WELL_FORMED), "not-well-formed");
    assert_string_equal(parse_error_condition(PARSE_RESTRICTED), "restricted-xml");
    assert_string_equal(parse_error_condition(PARSE_BAD_NAMESPACE), "invalid-namespace");
    assert_string_equal(parse_error_condition(PARSE_BAD_ENCODING), "unsupported-encoding");
    assert_string_equal(parse_error_condition(PARSE_TOO_LARGE), "policy-violation");
    assert_string_equal(parse_error_condition(PARSE_NOT_STREAM), "bad-format");
    assert_string_equal(parse_error_condition(PARSE_OK), "undefined-condition");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split),        cmocka_unit_test(stream_namespaces),
        cmocka_unit_test(stops_exactly),    cmocka_unit_test(bytes_limit),
        cmocka_unit_test(opening_limit),    cmocka_unit_test(endless_attribute),
        cmocka_unit_test(limit_changes),    cmocka_unit_test(shape_limits),
        cmocka_unit_test(namespace_limits), cmocka_unit_test(white_space),
        cmocka_unit_test(renewal),          cmocka_unit_test(stop_after_renewal),
        cmocka_unit_test(gives_back),       cmocka_unit_test(sleep_and_wake),
        cmocka_unit_test(conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
