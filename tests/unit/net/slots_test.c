/* Routes: a stale one misses, whoever sits in the slot now. */
#include "net/slots.h"

#include "core/base/base.h"
#include "net/component.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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
        assert_int_not_equal(slot[i], COMPONENT_SLOT);
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
    assert_int_equal(slots.size, 64);
    slots_fini(&slots);
}

static void the_link_has_a_slot_of_its_own(void **state)
{
    UNUSED(state);
    struct slots slots;
    slots_init(&slots);
    assert_null(slots_find(&slots, COMPONENT_SLOT, COMPONENT_GENERATION));
    slots_set_link(&slots, conn_at(3));
    assert_ptr_equal(slots_find(&slots, COMPONENT_SLOT, COMPONENT_GENERATION), conn_at(3));
    slots_set_link(&slots, NULL);
    assert_null(slots_find(&slots, COMPONENT_SLOT, COMPONENT_GENERATION));
    slots_fini(&slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_leads_to_its_connection_and_then_nowhere),
        cmocka_unit_test(slots_are_used_again_in_turn),
        cmocka_unit_test(the_link_has_a_slot_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
