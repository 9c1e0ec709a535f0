/*
 * Frames: the bytes the builder makes, the two slots, escaping, received elements written again.
 */
#include "core/xml/frame.h"

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
    return 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    arena_free(arena);
    return 0;
}

/* Finishes the stanza and compares; `to` and `tail` may be absent. */
static void finish_and_expect(struct fb *fb, struct str to, struct str tail, const char *expected)
{
    struct frame *frame = fb_finish(fb);
    struct buf out;
    buf_init(&out, arena);
    frame_write(frame, to, tail, &out);
    assert_string_equal(buf_str(&out).at, expected);
    assert_int_equal(out.len, frame->size + to.len + tail.len);
    frame_unref(frame);
}

static void slots(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR("lounge@rooms/R"), STR("groupchat"), STR("a1"));
    fb_lang(&fb, STR("en"));
    fb_leaf(&fb, NAME_BODY, NS_STANZA, STR("hi"));
    struct address *address = address_new(STR("o'neill@b/<c>"));
    finish_and_expect(&fb, str_of(address->bytes, address->size), STR("<delay/>"),
                      "<message from='lounge@rooms/R' type='groupchat' id='a1'"
                      " to='o&apos;neill@b/&lt;c&gt;' xml:lang='en'><body>hi</body><delay/>"
                      "</message>");
    address_unref(address);
}

/* A stanza without content still has room for a tail; absent attributes are left out. */
static void empty_stanza(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin(&fb, arena, "presence", STR("a@b"), STR_NONE, STR(""));
    finish_and_expect(&fb, STR_NONE, STR_NONE, "<presence from='a@b' id=''></presence>");
    fb_begin(&fb, arena, "presence", STR_NONE, STR_NONE, STR_NONE);
    finish_and_expect(&fb, STR(" to='x'"), STR("<t/>"), "<presence to='x'><t/></presence>");
}

/* xmlns is written where the namespace changes, in both directions, and for "none". */
static void namespaces(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin(&fb, arena, "iq", STR_NONE, STR("result"), STR("1"));
    fb_open(&fb, NAME_QUERY, NS_MUC_OWNER);
    fb_empty(&fb, NAME_X, NS_MUC_OWNER);
    fb_open_str(&fb, STR("forwarded"), STR("urn:xmpp:forward:0"));
    fb_open(&fb, NAME_MESSAGE, NS_STANZA);
    fb_empty(&fb, NAME_BODY, NS_STANZA);
    fb_open_str(&fb, STR("server"), STR("jabber:server"));
    fb_close(&fb);
    fb_close(&fb);
    fb_close(&fb);
    fb_close(&fb);
    fb_open(&fb, NAME_ITEM, NS_NONE);
    fb_open_str(&fb, STR("none"), STR(""));
    fb_close(&fb);
    fb_empty(&fb, NAME_ITEM, NS_STANZA);
    fb_close(&fb);
    fb_open_str(&fb, STR("ours"), STR_NONE);
    fb_close(&fb);
    finish_and_expect(&fb, STR_NONE, STR_NONE,
                      "<iq type='result' id='1'>"
                      "<query xmlns='http://jabber.org/protocol/muc#owner'><x/>"
                      "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'>"
                      "<body/><server/></message></forwarded></query>"
                      "<item xmlns=''><none/><item xmlns='jabber:client'/></item><ours/></iq>");
}

/* Values that would break out of their place, or change on the way, are written as references. */
static void escaping(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR_NONE, STR_NONE, STR("'\"<&>\t\n\r"));
    fb_attr_u64(&fb, "n", UINT64_MAX);
    fb_text(&fb, STR("'\"<&>\t\n\r\x01\xc3\xa4"));
    fb_text(&fb, STR(""));
    finish_and_expect(&fb, STR_NONE, STR_NONE,
                      "<message id='&apos;&quot;&lt;&amp;&gt;&#9;&#10;&#13;' "
                      "n='18446744073709551615'>"
                      "'\"&lt;&amp;&gt;\t\n&#13;\xef\xbf\xbd\xc3\xa4</message>");
    struct buf out;
    buf_init(&out, NULL);
    xml_escape(&out, STR("a'\"<&>\tb"));
    assert_string_equal(buf_str(&out).at, "a&apos;&quot;&lt;&amp;&gt;&#9;b");
    buf_free(&out);
}

static void fragments(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin_fragment(&fb, arena);
    assert_int_equal(fb_finish_fragment(&fb).len, 0);
    fb_begin_fragment(&fb, arena);
    fb_leaf(&fb, NAME_BODY, NS_STANZA, STR(""));
    fb_open(&fb, NAME_X, NS_MUC);
    fb_raw(&fb, STR(""));
    fb_attr(&fb, "a", STR("1"));
    fb_raw(&fb, STR("<raw/>"));
    fb_close(&fb);
    struct str text = fb_finish_fragment(&fb);
    assert_string_equal(text.at,
                        "<body/><x xmlns='http://jabber.org/protocol/muc' a='1'><raw/></x>");
}

static const char *written_again(const char *xml)
{
    struct stanza *stanza = stanza_parse(str_z(xml));
    assert_non_null(stanza);
    struct fb fb;
    fb_begin_fragment(&fb, arena);
    fb_node(&fb, stanza_root(stanza));
    fb_node(&fb, NULL);
    struct str text = fb_finish_fragment(&fb);
    stanza_free(stanza);
    return text.at;
}

/* What was received means the same when it is sent on, prefixes or not. */
static void received(void **state)
{
    UNUSED(state);
    static const char *const rows[][2] = {
        {"<a xmlns='jabber:server'/>", "<a/>"},
        {"<a>1<b xmlns=''><c/>2</b> </a>", "<a>1<b xmlns=''><c/>2</b> </a>"},
        {"<p:a xmlns:p='urn:p' b='&lt;'><p:c/></p:a>", "<a xmlns='urn:p' b='&lt;'><c/></a>"},
        {"<a xmlns:p='urn:p' p:b='1' c='2' p:d='3' xml:lang='de'/>",
         "<a xmlns:ns1='urn:p' ns1:b='1' c='2' ns1:d='3' xml:lang='de'/>"},
        {"<a xmlns:p='urn:p' xmlns:q='urn:q' p:b='1' q:b='2'/>",
         "<a xmlns:ns1='urn:p' ns1:b='1' xmlns:ns2='urn:q' ns2:b='2'/>"},
        {"<a b='&#10;&#x9;'>&#13;<![CDATA[<&>]]></a>", "<a b='&#10;&#9;'>&#13;&lt;&amp;&gt;</a>"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *once = written_again(rows[i][0]);
        assert_string_equal(once, rows[i][1]);
        assert_string_equal(written_again(once), rows[i][1]);
    }
}

static bool not_body(const struct node *child, void *self)
{
    ++*(unsigned *)self;
    return !node_is(child, NAME_BODY, NS_STANZA);
}

static void children(void **state)
{
    UNUSED(state);
    struct stanza *stanza = stanza_parse(STR("<a>x<body>y</body> <b>z</b><c xmlns='urn:c'/></a>"));
    struct fb fb;
    unsigned asked = 0;
    fb_begin_fragment(&fb, arena);
    fb_open(&fb, NAME_X, NS_MUC);
    fb_children(&fb, stanza_root(stanza), not_body, &asked);
    fb_close(&fb);
    fb_children(&fb, stanza_root(stanza), NULL, NULL);
    assert_string_equal(fb_finish_fragment(&fb).at,
                        "<x xmlns='http://jabber.org/protocol/muc'>"
                        "<b xmlns='jabber:client'>z</b><c xmlns='urn:c'/></x>"
                        "x<body>y</body> <b>z</b><c xmlns='urn:c'/>");
    assert_int_equal(asked, 3);
    stanza_free(stanza);
}

/* The deepest stanza the parser lets in can be wrapped and sent on. */
static void deep(void **state)
{
    UNUSED(state);
    struct buf xml;
    buf_init(&xml, arena);
    for (int i = 0; i < 64; i++)
        buf_addz(&xml, "<a>");
    for (int i = 0; i < 64; i++)
        buf_addz(&xml, "</a>");
    struct stanza *stanza = stanza_parse(buf_str(&xml));
    assert_non_null(stanza);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR_NONE, STR_NONE, STR_NONE);
    for (int i = 0; i < 4; i++)
        fb_open(&fb, NAME_X, NS_MUC);
    fb_node(&fb, stanza_root(stanza));
    for (int i = 0; i < 4; i++)
        fb_close(&fb);
    frame_unref(fb_finish(&fb));
    stanza_free(stanza);
}

static void counts(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR_NONE, STR_NONE, STR_NONE);
    struct frame *frame = fb_finish(&fb);
    assert_ptr_equal(frame_ref(frame), frame);
    frame_unref(frame);
    assert_int_equal(frame->size, strlen("<message></message>"));
    frame_unref(frame);
    frame_unref(NULL);
    struct address *address = address_new(STR("a@b"));
    assert_ptr_equal(address_ref(address), address);
    address_unref(address);
    assert_memory_equal(address->bytes, " to='a@b'", address->size);
    address_unref(address);
    address_unref(NULL);
}

/* Escaping looks at eight bytes at a time where it can: every byte at every place has to come out
 * as if it were looked at alone. */
static void every_byte_is_escaped_at_every_place(void **state)
{
    UNUSED(state);
    for (unsigned byte = 0; byte < 256; byte++) {
        struct buf alone;
        char one = (char)byte;
        buf_init(&alone, NULL);
        xml_escape(&alone, str_of(&one, 1));
        for (size_t place = 0; place < 19; place++) {
            char text[19];
            struct buf out;
            memset(text, 'x', sizeof(text));
            text[place] = one;
            buf_init(&out, NULL);
            xml_escape(&out, str_of(text, sizeof(text)));
            assert_int_equal(out.len, sizeof(text) - 1 + alone.len);
            assert_memory_equal(out.at, "xxxxxxxxxxxxxxxxxxx", place);
            assert_memory_equal(out.at + place, alone.at, alone.len);
            assert_memory_equal(out.at + place + alone.len, "xxxxxxxxxxxxxxxxxxx",
                                sizeof(text) - 1 - place);
            buf_free(&out);
        }
        bool special = byte < 0x20 || strchr("&<>'\"", (int)byte) != NULL;
        assert_int_equal(alone.len > 1, special);
        buf_free(&alone);
    }
}

/* ---- frames from bytes ---- */

static void a_frame_is_made_of_its_bytes(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR("a>b@c/d' e"), STR("groupchat"), STR_NONE);
    fb_lang(&fb, STR("en"));
    fb_leaf(&fb, NAME_BODY, NS_STANZA, STR("hi"));
    struct frame *frame = fb_finish(&fb);
    struct str bytes = str_of(frame->bytes, frame->size);
    struct frame *again = frame_of(bytes, frame->address_at, frame->tail_at);
    assert_non_null(again);
    assert_int_equal(again->size, frame->size);
    assert_memory_equal(again->bytes, frame->bytes, frame->size);
    assert_int_equal(again->address_at, frame->address_at);
    assert_int_equal(again->tail_at, frame->tail_at);
    frame_unref(again);
    /* In no other place is there one. */
    unsigned fitting = 0;
    for (uint32_t address = 0; address <= frame->size + 1; address++) {
        for (uint32_t tail = 0; tail <= frame->size + 1; tail++) {
            bool fits = frame_fits(bytes, address, tail);
            assert_true(!fits || (tail == frame->tail_at && address < tail));
            fitting += fits;
        }
    }
    assert_int_equal(fitting, 4); /* before each attribute, and before the end of the tag */
    frame_unref(frame);
}

static void bytes_that_are_no_frame(void **state)
{
    UNUSED(state);
    assert_true(frame_fits(STR("<a></a>"), 2, 3));
    assert_false(frame_fits(STR_NONE, 0, 0));
    assert_false(frame_fits(STR("<a></a>"), 3, 3));
    assert_false(frame_fits(STR("<a></b>"), 2, 3));
    assert_false(frame_fits(STR("<a></a "), 2, 3));
    assert_false(frame_fits(STR("<></>"), 1, 2));
    assert_false(frame_fits(STR("<></>"), 2, 3));
    assert_false(frame_fits(STR("a></a>"), 1, 2));
    assert_false(frame_fits(STR("<a><b></a>"), 5, 6)); /* not in the start tag */
    assert_false(frame_fits(STR("<a></a></a>"), 2, 3));
    assert_false(frame_fits(STR("<a></a>"), UINT32_MAX, UINT32_MAX));
    assert_null(frame_of(STR("<a></b>"), 2, 3));
}

static void kinds(void **state)
{
    UNUSED(state);
    static const char *const names[] = {"message", "presence", "iq"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        /* The shortest of its kind, and one with attributes. */
        struct fb bare, full;
        fb_begin(&bare, arena, names[i], STR_NONE, STR_NONE, STR_NONE);
        fb_begin(&full, arena, names[i], STR("iq@message/presence"), STR_NONE, STR_NONE);
        struct frame *frames[] = {fb_finish(&bare), fb_finish(&full)};
        for (unsigned f = 0; f < ARRAY_LEN(frames); f++) {
            for (unsigned k = 0; k < ARRAY_LEN(names); k++)
                assert_int_equal(frame_is(frames[f], str_z(names[k])), k == i);
            assert_false(frame_is(frames[f], STR("i")));
            assert_false(frame_is(frames[f], STR("presence from")));
            frame_unref(frames[f]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_made_of_its_bytes),
        cmocka_unit_test(bytes_that_are_no_frame),
        cmocka_unit_test(slots),
        cmocka_unit_test(empty_stanza),
        cmocka_unit_test(namespaces),
        cmocka_unit_test(escaping),
        cmocka_unit_test(fragments),
        cmocka_unit_test(received),
        cmocka_unit_test(children),
        cmocka_unit_test(deep),
        cmocka_unit_test(kinds),
        cmocka_unit_test(counts),
        cmocka_unit_test(every_byte_is_escaped_at_every_place),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
