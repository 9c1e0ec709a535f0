/*
 * After a restart on which the host server does not come back for long: who is gone, and who came
 * along behind the link that is down.
 */
#include "shard/timers.h"
#include "tests/support/backed_shard.h"

#define TYBALT "tybalt@far.example/keep" /* behind the link */

static const struct route link_route = {.slot = 9, .generation = 1};

/* Two of our own clients and one behind the link were inside. The link is down since. */
static void restarted(void)
{
    stop_the_clock();
    directory_set_local(directory, STR("example.org"));
    two_in_a_room();
    enter(TYBALT, "Tybalt");
    settle();
    crash();
    wake();
    settle();
    forget_heard();
}

static void link_is_up(void)
{
    directory_link_up(directory, link_route, true);
    assert_true(post_shard(exchange, NUMBER, message_new(MSG_LINKS)));
    run_on(0);
    run_on(2 * ROOM_OUTAGE_LOOK_MS);
}

/* Nobody is inside who would see them: telling who is behind the link would be lost, and cost him
 * his place. He is told when it is back, and is inside still. */
static void nobody_loses_his_place_for_ghosts_that_nobody_sees(void **state)
{
    UNUSED(state);
    restarted();
    for (unsigned i = 0; i < 3; i++)
        run_on(ROOM_GHOSTS_SECONDS * 1000 + 2 * TIMER_TICK_US / 1000);
    assert_string_equal(heard(0), "");
    assert_string_equal(heard(1), "");
    link_is_up();
    const char *text = heard(0);
    in_order(text, "9 <presence", "from='" ROOM "/Romeo'", "type='unavailable'", NULL);
    in_order(text, "9 <presence", "from='" ROOM "/Juliet'", "type='unavailable'", NULL);
    talk(TYBALT, "back");
    settle();
    in_order(heard(1), "<body>back</body>", NULL);
}

/* One comes later than that: he does not see them for ever. */
static void ghosts_go_when_somebody_sees_them(void **state)
{
    UNUSED(state);
    restarted();
    run_on(ROOM_GHOSTS_SECONDS * 1000 + 2 * TIMER_TICK_US / 1000);
    enter(FRIAR, "Friar");
    run_on(0);
    const char *text = heard(1);
    in_order(text, "from='" ROOM "/Romeo'", "code='110'", NULL);
    is_absent(text, "unavailable");
    run_on(ROOM_GHOSTS_SECONDS * 1000 + 2 * TIMER_TICK_US / 1000);
    text = heard(1);
    in_order(text, "from='" ROOM "/Romeo'", "type='unavailable'", NULL);
    in_order(text, "from='" ROOM "/Juliet'", "type='unavailable'", NULL);
    is_absent(text, "Tybalt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_loses_his_place_for_ghosts_that_nobody_sees, begin,
                                        end),
        cmocka_unit_test_setup_teardown(ghosts_go_when_somebody_sees_them, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
