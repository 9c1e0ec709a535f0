/*
 * The step arena: alignment, clearing, large requests, reuse after a reset.
 */
#include "core/base/arena.h"

#include "core/base/base.h"

#include <stdalign.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Every size is aligned, cleared even where memory is used a second time, and does not overlap. */
static void aligned_and_cleared(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(1024);
    for (int round = 0; round < 3; round++) {
        char *last = NULL;
        size_t last_size = 0;
        for (size_t size = 0; size < 2000; size += 7) {
            char *at = arena_alloc(arena, size);
            assert_non_null(at);
            assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(at[i], 0);
            memset(at, 0xa5, size);
            if (last != NULL)
                assert_true(at >= last + last_size || at + size <= last);
            last = at;
            last_size = size;
        }
        arena_reset(arena);
    }
    arena_free(arena);
}

/* A request larger than a block is served, and its memory does not stay after the reset. */
static void large_requests(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(1024);
    char *large = arena_raw(arena, 1000000);
    memset(large, 1, 1000000);
    char *small = arena_raw(arena, 10);
    memset(small, 2, 10);
    assert_int_equal(large[999999], 1);
    arena_reset(arena);
    arena_free(arena);
}

/* The first block is kept: the next step allocates where the one before did. */
static void reset_reuses(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(4096);
    void *first = arena_alloc(arena, 64);
    arena_reset(arena);
    assert_ptr_equal(arena_alloc(arena, 64), first);
    arena_free(arena);
    arena_free(NULL);
}

static void high_water(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(1024);
    assert_int_equal(arena_high_water(arena), 0);
    arena_alloc(arena, 160);
    arena_alloc(arena, 5000);
    assert_int_equal(arena_high_water(arena), 160 + 5008);
    arena_reset(arena);
    arena_alloc(arena, 16);
    assert_int_equal(arena_high_water(arena), 160 + 5008);
    arena_free(arena);
}

static void typed(void **state)
{
    UNUSED(state);
    struct arena *arena = arena_new(1024);
    uint64_t *one = ARENA_NEW(arena, uint64_t);
    uint64_t *many = ARENA_NEW_ARRAY(arena, uint64_t, 100);
    assert_true(*one == 0 && many[99] == 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligned_and_cleared),
        cmocka_unit_test(large_requests),
        cmocka_unit_test(reset_reuses),
        cmocka_unit_test(high_water),
        cmocka_unit_test(typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
