/*
 * What waits for a room: first in, first out; as many stanzas as may, ends of sessions beyond that.
 */
#include "shard/parking.h"

#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct message *numbered(enum message_kind kind, uint32_t number)
{
    struct message *message = message_new(kind);
    if (kind == MSG_STANZA)
        message->stanza.cost = number;
    return message;
}

static void take(struct parking *parking, uint32_t number)
{
    struct message *message = parking_take(parking);
    assert_non_null(message);
    assert_int_equal(message->stanza.cost, number);
    message_free(message);
}

static void first_in_first_out(void **state)
{
    UNUSED(state);
    struct parking parking = {0};
    uint32_t in = 0;
    uint32_t out = 0;
    assert_null(parking_take(&parking));
    /* It grows while its beginning is somewhere in the middle. */
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 7; i++)
            assert_true(parking_add(&parking, numbered(MSG_STANZA, in++)));
        for (unsigned i = 0; i < 3; i++)
            take(&parking, out++);
    }
    assert_int_equal(parking.count, in - out);
    while (out < in)
        take(&parking, out++);
    assert_null(parking_take(&parking));
    parking_fini(&parking);
}

static void it_is_full_once(void **state)
{
    UNUSED(state);
    struct parking parking = {0};
    for (uint32_t i = 0; i < ROOM_PARKED_MAX; i++)
        assert_true(parking_add(&parking, numbered(MSG_STANZA, i)));
    struct message *late = numbered(MSG_STANZA, ROOM_PARKED_MAX);
    assert_false(parking_add(&parking, late));
    /* What says that somebody has gone is never turned away. */
    assert_true(parking_add(&parking, numbered(MSG_SESSION_GONE, 0)));
    assert_int_equal(parking.count, ROOM_PARKED_MAX + 1);
    take(&parking, 0);
    take(&parking, 1);
    assert_true(parking_add(&parking, late));
    for (uint32_t i = 2; i < ROOM_PARKED_MAX; i++)
        take(&parking, i);
    struct message *gone = parking_take(&parking);
    assert_int_equal(gone->kind, MSG_SESSION_GONE);
    message_free(gone);
    take(&parking, ROOM_PARKED_MAX);
    parking_fini(&parking);
}

/* A sanitizer says whether all of them were freed. */
static void what_waits_at_the_end_is_freed(void **state)
{
    UNUSED(state);
    struct parking parking = {0};
    for (uint32_t i = 0; i < 20; i++)
        assert_true(parking_add(&parking, numbered(MSG_STANZA, i)));
    take(&parking, 0);
    parking_fini(&parking);
    assert_int_equal(parking.count, 0);
    assert_null(parking_take(&parking));
    assert_true(parking_add(&parking, numbered(MSG_STANZA, 1)));
    take(&parking, 1);
    parking_fini(&parking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(it_is_full_once),
        cmocka_unit_test(what_waits_at_the_end_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
