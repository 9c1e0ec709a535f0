/* The rooms of a shard, and their ids. */
#include "shard/rooms.h"

#include "shard/placement.h"
#include "tests/support/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SHARD = 3 };

static struct rooms rooms;

static int begin(void **state)
{
    UNUSED(state);
    rooms = (struct rooms){.envs = lanes_env(), .env_count = 2};
    rooms_init(&rooms, SHARD, 0);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    rooms_fini(&rooms);
    lanes_env_free();
    return 0;
}

static struct room_entry *make(const char *bare)
{
    struct jid *jid = jid_parse(NULL, str_z(bare));
    struct room_entry *entry = rooms_need(&rooms, jid);
    jid_free(jid);
    return entry;
}

static void an_id_names_its_shard_and_one_room(void **state)
{
    UNUSED(state);
    struct room_entry *cave = make("cave@" LANES_SERVICE), *barn = make("barn@" LANES_SERVICE);
    uint64_t id = room_id(cave->room);
    assert_int_not_equal(id, room_id(barn->room));
    assert_int_equal(placement_of_id(id), SHARD);
    assert_ptr_equal(rooms_by_id(&rooms, id), cave);
    assert_ptr_equal(rooms_by_id(&rooms, room_id(barn->room)), barn);
    rooms_forget(&rooms, cave);
    assert_null(rooms_by_id(&rooms, id));
    assert_ptr_equal(make("barn@" LANES_SERVICE), barn);
}

/* What the new one says must not overtake what the old one has said. */
static void a_room_made_anew_keeps_its_order(void **state)
{
    UNUSED(state);
    struct room_entry *cave = make("cave@" LANES_SERVICE), *barn = make("barn@" LANES_SERVICE);
    uint64_t first = room_id(cave->room), other = room_id(barn->room);
    rooms_forget(&rooms, cave);
    make("loft@" LANES_SERVICE); /* has its place */
    uint64_t second = room_id(make("cave@" LANES_SERVICE)->room);
    assert_int_not_equal(first, second);
    assert_int_equal(placement_order(first), placement_order(second));
    assert_int_not_equal(placement_order(first), placement_order(other));
    assert_int_not_equal(placement_order(first), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_id_names_its_shard_and_one_room, begin, end),
        cmocka_unit_test_setup_teardown(a_room_made_anew_keeps_its_order, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
