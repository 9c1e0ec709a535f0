/* Queued bytes: what goes in comes out, in chunks that are given back. */
#include "net/outbox.h"

#include "core/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK 64

static struct chunk_pool pool;
static struct outbox outbox;
static struct buf out;

static int begin(void **state)
{
    UNUSED(state);
    chunk_pool_init(&pool, BLOCK, 2);
    outbox_init(&outbox, &pool);
    buf_init(&out, NULL);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    outbox_clear(&outbox);
    chunk_pool_fini(&pool);
    buf_free(&out);
    return 0;
}

/* Takes up to `max` bytes out, as a writer would. */
static void take(size_t max)
{
    struct iovec slices[3];
    unsigned count = outbox_slices(&outbox, slices, ARRAY_LEN(slices));
    size_t taken = 0;
    for (unsigned i = 0; i < count && taken < max; i++) {
        size_t piece = slices[i].iov_len < max - taken ? slices[i].iov_len : max - taken;
        buf_add(&out, str_of(slices[i].iov_base, piece));
        taken += piece;
    }
    outbox_sent(&outbox, taken);
}

static void bytes_come_out_as_they_went_in(void **state)
{
    UNUSED(state);
    struct buf in;
    buf_init(&in, NULL);
    for (unsigned i = 0; i < 400; i++) {
        size_t before = in.len;
        buf_addf(&in, "<%u>", i);
        outbox_add(&outbox, str_of(in.at + before, in.len - before));
        if (i % 3 == 0)
            take(i % 7);
    }
    assert_int_equal(outbox.bytes, in.len - out.len);
    assert_true(pool.lent >= outbox.bytes / BLOCK);
    while (outbox.bytes > 0)
        take(50);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.at, in.at, in.len);
    buf_free(&in);
}

static void an_empty_outbox_holds_no_chunk(void **state)
{
    UNUSED(state);
    assert_int_equal(pool.lent, 0);
    outbox_add(&outbox, STR("hello"));
    assert_int_equal(pool.lent, 1);
    take(100);
    assert_int_equal(outbox.bytes, 0);
    assert_int_equal(pool.lent, 0);
    assert_int_equal(pool.spare_count, 1);
    outbox_add(&outbox, STR(""));
    assert_int_equal(pool.lent, 0);
}

static void spare_chunks_are_few(void **state)
{
    UNUSED(state);
    char bytes[10 * BLOCK];
    memset(bytes, 'x', sizeof(bytes));
    outbox_add(&outbox, str_of(bytes, sizeof(bytes)));
    assert_true(pool.lent > 10);
    outbox_clear(&outbox);
    assert_int_equal(outbox.bytes, 0);
    assert_int_equal(pool.lent, 0);
    assert_int_equal(pool.spare_count, 2);
}

/* What was needed since the pool was trimmed last stays, the rest goes. */
static void spare_chunks_go_when_nobody_needs_them(void **state)
{
    UNUSED(state);
    char bytes[BLOCK];
    memset(bytes, 'x', sizeof(bytes));
    pool.spare_max = 20;
    for (unsigned i = 0; i < 10; i++)
        outbox_add(&outbox, str_of(bytes, pool.chunk_bytes));
    outbox_clear(&outbox);
    assert_true(chunk_pool_trim(&pool)); /* in use a moment ago */
    assert_int_equal(pool.spare_count, 10);
    for (unsigned i = 0; i < 3; i++)
        outbox_add(&outbox, str_of(bytes, pool.chunk_bytes));
    assert_false(chunk_pool_trim(&pool));
    assert_int_equal(pool.lent, 3);
    assert_int_equal(pool.spare_count, 0);
    outbox_clear(&outbox);
    assert_true(chunk_pool_trim(&pool));
    assert_int_equal(pool.spare_count, 3);
    assert_false(chunk_pool_trim(&pool));
    assert_int_equal(pool.spare_count, 0);
}

static void a_frame_gets_address_and_tail(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(4096);
    struct fb fb;
    fb_begin(&fb, arena, "message", STR("a@b/c"), STR("groupchat"), STR("i1"));
    fb_leaf(&fb, NAME_BODY, NS_STANZA,
            STR("a body that is longer than one chunk is, by some bytes"));
    struct frame *frame = fb_finish(&fb);
    struct address *address = address_new(STR("romeo@example.org/'x'"));
    struct str tail = STR("<delay/>");

    struct buf expected;
    buf_init(&expected, NULL);
    frame_write(frame, str_of(address->bytes, address->size), tail, &expected);
    frame_write(frame, STR_NONE, STR_NONE, &expected);
    outbox_add_frame(&outbox, frame, address, tail);
    outbox_add_frame(&outbox, frame, NULL, STR_NONE);
    assert_int_equal(outbox.bytes, expected.len);
    while (outbox.bytes > 0)
        take(1000);
    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.at, expected.at, expected.len);

    buf_free(&expected);
    address_unref(address);
    frame_unref(frame);
    arena_free(arena);
}

/* A frame that fits into what is left of a chunk is copied in one go, another in pieces: from any
 * place it has to come out whole. */
static void a_frame_begins_anywhere(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(4096);
    struct fb fb;
    fb_begin(&fb, arena, "iq", STR_NONE, STR_NONE, STR_NONE);
    struct frame *frame = fb_finish(&fb);
    struct address *address = address_new(STR("a@b"));
    struct buf expected;
    buf_init(&expected, NULL);
    for (size_t before = 0; before < 2 * BLOCK; before++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            struct str tail = (kind & 1) != 0 ? STR("<t/>") : STR_NONE;
            const struct address *to = (kind & 2) != 0 ? address : NULL;
            expected.len = out.len = 0;
            for (size_t i = 0; i < before; i++)
                buf_addc(&expected, (char)('a' + i % 26));
            outbox_add(&outbox, str_of(expected.at, before));
            frame_write(frame, to != NULL ? str_of(to->bytes, to->size) : STR_NONE, tail,
                        &expected);
            outbox_add_frame(&outbox, frame, to, tail);
            assert_int_equal(outbox.bytes, expected.len);
            while (outbox.bytes > 0)
                take(1000);
            assert_int_equal(out.len, expected.len);
            assert_memory_equal(out.at, expected.at, expected.len);
        }
    }
    buf_free(&expected);
    address_unref(address);
    frame_unref(frame);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_come_out_as_they_went_in, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_outbox_holds_no_chunk, begin, end),
        cmocka_unit_test_setup_teardown(spare_chunks_are_few, begin, end),
        cmocka_unit_test_setup_teardown(spare_chunks_go_when_nobody_needs_them, begin, end),
        cmocka_unit_test_setup_teardown(a_frame_gets_address_and_tail, begin, end),
        cmocka_unit_test_setup_teardown(a_frame_begins_anywhere, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
