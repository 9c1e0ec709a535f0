/* What waits for a shard on the component link: its order, its time, its memory. */
#include "net/side.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SHARDS = 3 };

static struct side side;

static int begin(void **state)
{
    UNUSED(state);
    ensure(prep_init() == 0);
    side_init(&side, SHARDS);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    side_fini(&side);
    prep_fini();
    return 0;
}

static struct passing passing(unsigned shard, const char *kind, unsigned id, unsigned bytes)
{
    char *xml = mem_new(bytes + 100);
    snprintf(xml, bytes + 100, "<%s id='%u'><a>%0*u</a></%s>", kind, id, (int)bytes, 0U, kind);
    struct passing made = {.stanza = stanza_parse(str_z(xml)),
                           .from = jid_parse(NULL, STR("a@far/x")),
                           .to = jid_parse(NULL, STR("room@conference.localhost")),
                           .shard = shard};
    mem_free(xml);
    ensure(made.stanza != NULL && made.from != NULL && made.to != NULL);
    return made;
}

/* False: there was no room. */
static bool add(unsigned shard, const char *kind, unsigned id, unsigned bytes, int64_t now_ms)
{
    struct passing made = passing(shard, kind, id, bytes);
    bool added = side_add(&side, &made, now_ms, kind[0] == 'p');
    if (!added)
        passing_free(&made);
    return added;
}

static unsigned id_of(const struct passing *one)
{
    return (unsigned)atoi(node_attr(stanza_root(one->stanza), NAME_ID).at);
}

/* The first in the queue, taken; 0: nothing waits. */
static unsigned take(unsigned shard)
{
    const struct passing *first = side_first(&side, shard);
    assert_int_equal(first != NULL, side_waits(&side, shard));
    if (first == NULL)
        return 0;
    struct passing taken = *first;
    unsigned id = id_of(&taken);
    side_drop_first(&side, shard);
    passing_free(&taken);
    return id;
}

/* One that is late, 0: none is. */
static unsigned late(unsigned shard, int64_t now_ms)
{
    struct passing found;
    if (!side_late(&side, shard, now_ms, &found))
        return 0;
    unsigned id = id_of(&found);
    passing_free(&found);
    return id;
}

static void shards_wait_on_their_own_and_in_order(void **state)
{
    UNUSED(state);
    assert_true(side_is_empty(&side));
    for (unsigned id = 1; id <= 6; id++)
        assert_true(add(id % 2, id == 3 ? "presence" : "message", id, 1, 0));
    assert_false(side_waits(&side, 2));
    assert_int_equal(take(2), 0);
    assert_int_equal(take(1), 1);
    assert_int_equal(take(0), 2);
    assert_int_equal(take(1), 3);
    assert_int_equal(take(1), 5);
    assert_int_equal(take(1), 0);
    assert_true(add(1, "message", 7, 1, 0));
    assert_int_equal(take(1), 7);
    assert_int_equal(take(0), 4);
    assert_false(side_is_empty(&side));
    assert_int_equal(take(0), 6);
    assert_true(side_is_empty(&side));
}

static void what_may_be_refused_waits_so_long(void **state)
{
    UNUSED(state);
    assert_true(add(0, "message", 1, 1, 1000));
    assert_true(add(0, "iq", 2, 1, 1001));
    assert_int_equal(late(0, 1000 + SIDE_WAIT_MS_MAX), 0);
    assert_int_equal(late(0, 1001 + SIDE_WAIT_MS_MAX), 1);
    assert_int_equal(late(0, 1001 + SIDE_WAIT_MS_MAX), 0);
    assert_int_equal(late(1, 9000), 0);
    assert_int_equal(late(0, 9000), 2);
    assert_true(side_is_empty(&side));
}

static void presence_waits_for_ever_and_holds_nobody_longer(void **state)
{
    UNUSED(state);
    static const char *const kinds[] = {"presence", "message",  "presence", "message",
                                        "message",  "presence", "message"};
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        assert_true(add(0, kinds[i], i + 1, 1, 1000 + i));
    /* From the middle, oldest first; what is left keeps its order. */
    assert_int_equal(late(0, 1004 + SIDE_WAIT_MS_MAX), 2);
    assert_int_equal(late(0, 1004 + SIDE_WAIT_MS_MAX), 4);
    assert_int_equal(late(0, 1004 + SIDE_WAIT_MS_MAX), 0);
    assert_int_equal(take(0), 1);
    assert_int_equal(take(0), 3);
    assert_int_equal(take(0), 5);
    assert_int_equal(late(0, 9000), 7);
    assert_int_equal(late(0, 9000), 0);
    assert_true(add(0, "message", 8, 1, 9000));
    assert_int_equal(take(0), 6);
    assert_int_equal(late(0, 9999), 8);
    assert_int_equal(take(0), 0);
    assert_true(side_is_empty(&side));
}

static void messages_are_bounded_and_presence_is_by_reading(void **state)
{
    UNUSED(state);
    unsigned taken = 0;
    while (add(taken % SHARDS, "message", taken + 1, 10000, 0))
        taken++;
    assert_in_range(side.bytes, SIDE_QUEUE_BYTES_MAX - 11000, SIDE_QUEUE_BYTES_MAX);
    assert_in_range(taken, SIDE_QUEUE_BYTES_MAX / 11000, SIDE_QUEUE_BYTES_MAX / 10000);
    assert_true(add(0, "message", 1, 1, 0)); /* a small one still fits */
    assert_true(add(0, "presence", 1, 10000, 0));
    assert_true(side.bytes > SIDE_QUEUE_BYTES_MAX);
    assert_false(add(0, "message", 1, 1, 0));

    while (!side_is_full(&side, false))
        assert_true(add(1, "presence", 9, 10000, 0));
    assert_in_range(side.bytes, SIDE_PAUSE_BYTES, SIDE_PAUSE_BYTES + 11000);
    while (side_is_full(&side, true))
        take(1);
    assert_true(side.bytes <= SIDE_PAUSE_BYTES / 2);
    assert_true(side_waits(&side, 1)); /* and is given back at the end */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shards_wait_on_their_own_and_in_order),
        TEST(what_may_be_refused_waits_so_long),
        TEST(presence_waits_for_ever_and_holds_nobody_longer),
        TEST(messages_are_bounded_and_presence_is_by_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
