/* Rooms to be loaded again: in turn, so many at a time, and not at once. */
#include "shard/wakes.h"

#include "core/base/limits.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(struct wakes *wakes, unsigned number, int64_t mono_ms)
{
    char text[64];
    snprintf(text, sizeof(text), "r%u@rooms.example", number);
    struct jid *room = jid_parse(NULL, str_z(text));
    wakes_add(wakes, room, mono_ms);
    jid_free(room);
}

/* The number of the next one; -1: none. */
static int take(struct wakes *wakes, int64_t mono_ms)
{
    int number = -1;
    struct jid *room = wakes_take(wakes, mono_ms);
    if (room != NULL)
        assert_int_equal(sscanf(jid_full(room).at, "r%d@", &number), 1);
    jid_free(room);
    return number;
}

static void not_at_once(void **state)
{
    struct wakes wakes = {0};
    (void)state;
    assert_int_equal(wakes_timeout_ms(&wakes, 5000), -1);
    assert_int_equal(take(&wakes, 5000), -1);
    add(&wakes, 1, 5000);
    add(&wakes, 2, 5100);
    assert_int_equal(take(&wakes, 5000 + STORE_RETRY_MS - 1), -1);
    assert_int_equal(wakes_timeout_ms(&wakes, 5000), STORE_RETRY_MS);
    assert_int_equal(wakes_timeout_ms(&wakes, 5000 + 2 * STORE_RETRY_MS), 0);
    assert_int_equal(take(&wakes, 5000 + STORE_RETRY_MS), 1);
    assert_int_equal(take(&wakes, 5000 + STORE_RETRY_MS), 2);
    assert_int_equal(take(&wakes, 5000 + STORE_RETRY_MS), -1);
    /* It failed again. */
    add(&wakes, 1, 5000 + STORE_RETRY_MS);
    assert_int_equal(take(&wakes, 5000 + STORE_RETRY_MS), -1);
    assert_int_equal(wakes_timeout_ms(&wakes, 5000 + STORE_RETRY_MS), STORE_RETRY_MS);
    wakes_fini(&wakes);
}

static void so_many_at_a_time(void **state)
{
    struct wakes wakes = {0};
    int64_t now_ms = 0;
    unsigned tried[3 * WAKES_AT_A_TIME] = {0};
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(tried); i++)
        add(&wakes, i, now_ms);
    for (unsigned turn = 0; turn < 6; turn++) {
        int number, count = 0;
        now_ms += STORE_RETRY_MS;
        while ((number = take(&wakes, now_ms)) >= 0) {
            tried[number]++;
            count++;
            add(&wakes, (unsigned)number, now_ms); /* and fails */
        }
        assert_int_equal(count, WAKES_AT_A_TIME);
    }
    for (unsigned i = 0; i < ARRAY_LEN(tried); i++)
        assert_int_equal(tried[i], 2);
    wakes_fini(&wakes);
}

/* However they come and go. */
static void in_turn(void **state)
{
    struct wakes wakes = {0};
    int64_t now_ms = 0;
    unsigned in = 0, out = 0;
    (void)state;
    for (unsigned turn = 0; turn < 20; turn++) {
        for (unsigned i = 0; i < 7 * turn; i++)
            add(&wakes, in++, now_ms);
        now_ms += STORE_RETRY_MS;
        int number;
        while ((number = take(&wakes, now_ms)) >= 0)
            assert_int_equal(number, out++);
    }
    assert_int_equal(wakes.count, in - out);
    assert_in_range(in - out, 1, in - 1);
    wakes_fini(&wakes); /* what is left in it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_at_once),
        cmocka_unit_test(so_many_at_a_time),
        cmocka_unit_test(in_turn),
    };
    int err = prep_init();
    int failed = err < 0 ? err : cmocka_run_group_tests(tests, NULL, NULL);
    prep_fini();
    return failed;
}
