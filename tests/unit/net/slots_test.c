/* Routes: a stale one misses, whoever sits in the slot now. */
#include "net/slots.h"

#include "core/base/base.h"
#include "net/component.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Connections are only compared here. */
static char seats[1000];

static struct conn *conn_at(size_t i)
{
    return (struct conn *)(void *)&seats[i];
}

static void a_route_leads_to_its_connection_and_then_nowhere(void **state)
{
    UNUSED(state);
    struct slots slots;
    uint32_t slot[1000], generation[1000];
    slots_init(&slots);
    for (size_t i = 0; i < 1000; i++) {
        slots_take(&slots, conn_at(i), &slot[i], &generation[i]);
        assert_false(component_has_slot(slot[i]));
    }
    for (size_t i = 0; i < 1000; i += 2)
        slots_give(&slots, slot[i]);
    uint32_t new_slot, new_generation;
    for (size_t i = 0; i < 500; i++)
        slots_take(&slots, conn_at(i), &new_slot, &new_generation);
    for (size_t i = 0; i < 1000; i++) {
        struct conn *found = slots_find(&slots, slot[i], generation[i]);
        assert_ptr_equal(found, i % 2 == 0 ? NULL : conn_at(i));
    }
    assert_ptr_equal(slots_find(&slots, new_slot, new_generation), conn_at(499));
    assert_null(slots_find(&slots, new_slot, new_generation + 1));
    assert_null(slots_find(&slots, 1u << 30, 1));
    slots_fini(&slots);
}

static void slots_are_used_again_in_turn(void **state)
{
    UNUSED(state);
    struct slots slots;
    uint32_t slot, generation;
    slots_init(&slots);
    slots_take(&slots, conn_at(1), &slot, &generation);
    uint32_t first = slot;
    uint32_t uses = 1;
    for (size_t i = 0; i < 100000; i++) {
        slots_give(&slots, slot);
        slots_take(&slots, conn_at(2), &slot, &generation);
        uses += slot == first ? 1 : 0;
        if (slot == first)
            assert_int_equal(generation, uses);
    }
    assert_in_range(uses, 1000, 3000); /* not always the same slot: generations last longer */
    assert_int_equal(slots.size, 2 * LINKS_MAX);
    slots_fini(&slots);
}

static void links_have_slots_of_their_own(void **state)
{
    UNUSED(state);
    struct slots slots;
    slots_init(&slots);
    for (uint32_t i = 0; i < LINKS_MAX; i++)
        assert_null(slots_find(&slots, i, COMPONENT_GENERATION));
    for (uint32_t i = 0; i < LINKS_MAX; i++)
        slots_set_link(&slots, i, conn_at(i));
    for (uint32_t i = 0; i < LINKS_MAX; i++)
        assert_ptr_equal(slots_find(&slots, i, COMPONENT_GENERATION), conn_at(i));
    slots_set_link(&slots, 3, NULL);
    assert_null(slots_find(&slots, 3, COMPONENT_GENERATION));
    assert_ptr_equal(slots_find(&slots, 4, COMPONENT_GENERATION), conn_at(4));
    slots_fini(&slots);
}

/* Dealt out to the lanes in turn, each to a slot that is kept for links. */
static void each_link_has_one_route(void **state)
{
    UNUSED(state);
    static bool taken[64][LINKS_MAX];
    for (unsigned lanes = 1; lanes <= 64; lanes++) {
        memset(taken, 0, sizeof(taken));
        for (unsigned i = 0; i < LINKS_MAX; i++) {
            struct route route = component_route(i, lanes);
            assert_int_equal(route.lane, i % lanes);
            assert_int_equal(route.generation, COMPONENT_GENERATION);
            assert_true(component_has_slot(route.slot));
            assert_false(taken[route.lane][route.slot]);
            taken[route.lane][route.slot] = true;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_leads_to_its_connection_and_then_nowhere),
        cmocka_unit_test(slots_are_used_again_in_turn),
        cmocka_unit_test(links_have_slots_of_their_own),
        cmocka_unit_test(each_link_has_one_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
