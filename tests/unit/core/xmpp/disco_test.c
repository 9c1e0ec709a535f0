/*
 * Service discovery and paging.
 */
#include "core/xmpp/disco.h"

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

/* @covers 0030#info  identities and features stand side by side in one query */
static void info(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin_fragment(&fb, arena);
    fb_open(&fb, NAME_QUERY, NS_DISCO_INFO);
    fb_identity(&fb, "conference", "text", STR("Caf\xc3\xa9 & bar"));
    fb_identity(&fb, "store", "file", STR_NONE);
    fb_feature(&fb, "muc_open");
    fb_feature_ns(&fb, NS_MUC);
    fb_close(&fb);
    assert_string_equal(fb_finish_fragment(&fb).at,
                        "<query xmlns='http://jabber.org/protocol/disco#info'>"
                        "<identity category='conference' type='text' name='Caf\xc3\xa9 &amp; bar'/>"
                        "<identity category='store' type='file'/><feature var='muc_open'/>"
                        "<feature var='http://jabber.org/protocol/muc'/></query>");
}

/* @covers 0030#items */
static void items(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin_fragment(&fb, arena);
    fb_open(&fb, NAME_QUERY, NS_DISCO_ITEMS);
    fb_disco_item(&fb, STR("a@b"), STR("A"));
    fb_disco_item(&fb, STR("c@b"), STR_NONE);
    fb_close(&fb);
    assert_string_equal(fb_finish_fragment(&fb).at,
                        "<query xmlns='http://jabber.org/protocol/disco#items'>"
                        "<item jid='a@b' name='A'/><item jid='c@b'/></query>");
}

static struct rsm_request read(const char *set)
{
    struct str xml = str_fmt(arena, "<query>%s</query>", set);
    struct stanza *stanza = stanza_parse(xml);
    assert_non_null(stanza);
    struct rsm_request request = rsm_read(arena, stanza_root(stanza));
    request.after = str_in(arena, request.after);
    request.before = str_in(arena, request.before);
    stanza_free(stanza);
    return request;
}

#define SET(inside) "<set xmlns='http://jabber.org/protocol/rsm'>" inside "</set>"

static void page_requests(void **state)
{
    UNUSED(state);
    struct rsm_request request = read("<set/>");
    assert_false(request.present);
    request = read(SET(""));
    assert_true(request.present && !request.malformed && !request.has_max && !request.has_index);
    assert_false(request.backwards || str_present(request.after) || str_present(request.before));
    request = read(SET("<max> 20 </max><after>x&amp;y</after>"));
    assert_true(request.has_max && request.max == 20);
    assert_true(str_eqz(request.after, "x&y"));
    request = read(SET("<max>0</max>"));
    assert_true(request.has_max && request.max == 0);
    request = read(SET("<before/>"));
    assert_true(request.backwards && str_present(request.before) && request.before.len == 0);
    request = read(SET("<before>b</before><index>7</index>"));
    assert_true(request.backwards && str_eqz(request.before, "b"));
    assert_true(request.has_index && request.index == 7);
    assert_true(read(SET("<max>-1</max>")).malformed);
    assert_true(read(SET("<max/>")).malformed);
    assert_true(read(SET("<index>x</index>")).malformed);
    assert_false(rsm_read(arena, NULL).present);
}

/* @covers 0059#count  an empty page has a count and no first or last */
static void page_answers(void **state)
{
    UNUSED(state);
    struct fb fb;
    fb_begin_fragment(&fb, arena);
    fb_rsm(&fb, STR("a"), 3, STR("c<"), 800);
    fb_rsm(&fb, STR_NONE, 0, STR_NONE, 0);
    assert_string_equal(fb_finish_fragment(&fb).at,
                        SET("<first index='3'>a</first><last>c&lt;</last><count>800</count>")
                            SET("<count>0</count>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info),
        cmocka_unit_test(items),
        cmocka_unit_test(page_requests),
        cmocka_unit_test(page_answers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
