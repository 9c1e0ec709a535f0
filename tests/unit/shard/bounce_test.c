/*
 * What could not be delivered: the error as the room reads it, what is never answered, and how
 * many.
 */
#include "shard/bounce.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;
static struct jid *nurse;
static struct bounces bounces;

static int begin(void **state)
{
    UNUSED(state);
    arena = arena_new(4096);
    nurse = jid_parse(arena, STR("nurse@example.org/kitchen"));
    bounces = (struct bounces){0};
    return nurse == NULL;
}

static int end(void **state)
{
    UNUSED(state);
    struct bounce *bounce;
    while ((bounce = bounces_take(&bounces)) != NULL)
        bounce_free(bounce);
    arena_free(arena);
    return 0;
}

static void add(const char *stanza, const char *type)
{
    struct fb fb;
    fb_begin(&fb, arena, stanza, STR("cave@rooms.example/Romeo"), str_z(type), STR("i<1>"));
    fb_leaf(&fb, NAME_BODY, NS_STANZA, STR("secret"));
    struct frame *frame = fb_finish(&fb);
    bounces_add(&bounces, arena, frame, nurse, &refusal_SERVICE_UNAVAILABLE);
    assert_int_equal(atomic_load(&frame->refs), 1);
    frame_unref(frame);
}

static void an_error_as_from_a_server(void **state)
{
    UNUSED(state);
    add("message", NULL);
    struct bounce *bounce = bounces_take(&bounces);
    assert_non_null(bounce);
    assert_null(bounces_take(&bounces));
    assert_true(jid_eq(bounce->from, nurse));
    assert_true(str_eqz(jid_full(bounce->to), "cave@rooms.example/Romeo"));
    const struct node *root = stanza_root(bounce->stanza);
    assert_true(node_is(root, NAME_MESSAGE, NS_STANZA));
    assert_true(str_eqz(node_attr(root, NAME_TYPE), "error"));
    assert_true(str_eqz(node_attr(root, NAME_ID), "i<1>"));
    assert_true(str_eqz(node_attr(root, NAME_FROM), "nurse@example.org/kitchen"));
    assert_true(str_eqz(node_attr(root, NAME_TO), "cave@rooms.example/Romeo"));
    const struct node *error = node_find(root, NAME_ERROR, NS_STANZA);
    assert_non_null(node_find(error, NAME_SERVICE_UNAVAILABLE, NS_STANZAS));
    assert_null(node_find(root, NAME_BODY, NS_STANZA));
    bounce_free(bounce);
}

static void what_is_never_answered(void **state)
{
    UNUSED(state);
    add("message", "error");
    add("iq", "error");
    add("iq", "result");
    add("presence", NULL);
    assert_null(bounces_take(&bounces));
    add("iq", "get");
    add("iq", "set");
    assert_int_equal(bounces.count, 2);
}

static void in_order_and_not_too_many(void **state)
{
    UNUSED(state);
    add("iq", "get");
    for (unsigned i = 1; i < BOUNCES_MAX + 1; i++)
        add("message", NULL);
    assert_int_equal(bounces.count, BOUNCES_MAX);
    struct bounce *first = bounces_take(&bounces);
    assert_true(node_is(stanza_root(first->stanza), NAME_IQ, NS_STANZA));
    bounce_free(first);
    add("message", NULL);
    assert_int_equal(bounces.count, BOUNCES_MAX);
    unsigned count = 0;
    struct bounce *bounce;
    while ((bounce = bounces_take(&bounces)) != NULL) {
        bounce_free(bounce);
        count++;
    }
    assert_int_equal(count, BOUNCES_MAX);
    add("message", NULL);
    assert_int_equal(bounces.count, 1);
}

static int group_begin(void **state)
{
    UNUSED(state);
    return prep_init();
}

static int group_end(void **state)
{
    UNUSED(state);
    prep_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_error_as_from_a_server, begin, end),
        cmocka_unit_test_setup_teardown(what_is_never_answered, begin, end),
        cmocka_unit_test_setup_teardown(in_order_and_not_too_many, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
