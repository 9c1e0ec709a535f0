/*
 * The directory: what was put in is found by value, also while others change it.
 */
#include "shard/directory.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "shard/runtime/agent.h"
#include "tests/support/shard_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const struct hash_key key = {3, 4};
static struct directory *directory;
static struct arena *arena;

static struct jid *jid(const char *text)
{
    struct jid *made = jid_parse(arena, str_z(text));
    ensure(made != NULL);
    return made;
}

static int begin(void **state)
{
    UNUSED(state);
    directory = directory_new(&key);
    arena = arena_new(16 * 1024);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    directory_free(directory);
    arena_free(arena);
    return 0;
}

static struct route route(uint32_t slot)
{
    return (struct route){.slot = slot, .generation = slot + 1, .lane = 2};
}

/* ---- rooms ---- */

static struct listing_page rooms_of(struct str service, struct arena *in, uint32_t max)
{
    struct listing_query query = {.domain = service, .max = max};
    return directory_page(directory, in, &query);
}

static const struct listed_room *listed(const char *name)
{
    struct listing_page page = rooms_of(STR("rooms.example"), arena, 100);
    assert_int_equal(page.count, directory_room_count(directory));
    for (uint32_t i = 0; i < page.count; i++) {
        if (str_eqz(jid_full(page.rooms[i].jid), name))
            return &page.rooms[i];
    }
    return NULL;
}

static void rooms_come_and_go(void **state)
{
    UNUSED(state);
    assert_null(listed("a@rooms.example"));
    directory_room(directory, jid("a@rooms.example"), true, STR("First"), 3);
    directory_room(directory, jid("b@rooms.example"), true, STR_NONE, 0);
    assert_int_equal(directory_room_count(directory), 2);
    const struct listed_room *room = listed("a@rooms.example");
    assert_non_null(room);
    assert_true(str_eq(room->name, STR("First")));
    assert_int_equal(room->occupants, 3);
    assert_true(str_empty(listed("b@rooms.example")->name));

    directory_room(directory, jid("a@rooms.example"), true, STR("First"), 4);
    assert_int_equal(listed("a@rooms.example")->occupants, 4);
    directory_room(directory, jid("a@rooms.example"), true, STR("Renamed"), 5);
    room = listed("a@rooms.example");
    assert_true(str_eq(room->name, STR("Renamed")));
    assert_int_equal(room->occupants, 5);
    assert_int_equal(directory_room_count(directory), 2);

    directory_room(directory, jid("a@rooms.example"), false, STR_NONE, 0);
    directory_room(directory, jid("a@rooms.example"), false, STR_NONE, 0);
    assert_null(listed("a@rooms.example"));
    assert_non_null(listed("b@rooms.example"));
    assert_int_equal(directory_room_count(directory), 1);
}

/* Only what is on the page is copied. */
static void many_rooms(void **state)
{
    UNUSED(state);
    enum { MANY = 5000 };
    char name[40];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "room%u@rooms.example", i);
        directory_room(directory, jid(name), true, STR("x"), i);
    }
    struct listing_page page = rooms_of(STR("rooms.example"), arena, MANY * 2);
    assert_int_equal(page.count, MANY);
    uint64_t sum = 0;
    for (unsigned i = 0; i < MANY; i++)
        sum += page.rooms[i].occupants;
    assert_int_equal(sum, (uint64_t)MANY * (MANY - 1) / 2);

    struct arena *small = arena_new(1024);
    page = rooms_of(STR("rooms.example"), small, 1);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.total, MANY);
    assert_true(arena_high_water(small) <= 1024);
    arena_free(small);
}

/* ---- sessions ---- */

static void sessions_are_found(void **state)
{
    UNUSED(state);
    struct session_found found[RESOURCES_PER_ACCOUNT];
    struct route at = ROUTE_NONE;
    struct directory_session *desk =
        directory_session_add(directory, jid("romeo@example.org/desk"), route(1));
    struct directory_session *phone =
        directory_session_add(directory, jid("romeo@example.org/phone"), route(2));
    struct directory_session *juliet =
        directory_session_add(directory, jid("juliet@example.org/desk"), route(3));

    assert_true(directory_session_find(directory, jid("romeo@example.org/phone"), &at));
    assert_true(route_eq(at, route(2)));
    assert_false(directory_session_find(directory, jid("romeo@example.org/tablet"), &at));
    assert_int_equal(directory_sessions(directory, STR("romeo@example.org"), found, 50), 2);
    assert_int_equal(directory_sessions(directory, STR("romeo@example.org"), found, 1), 1);
    assert_int_equal(directory_sessions(directory, STR("mercutio@example.org"), found, 50), 0);

    directory_session_presence(juliet, true, -3);
    assert_int_equal(directory_sessions(directory, STR("juliet@example.org"), found, 50), 1);
    assert_true(found[0].available);
    assert_int_equal(found[0].priority, -3);
    assert_string_equal(found[0].resource, "desk");
    assert_true(route_eq(found[0].route, route(3)));

    directory_session_remove(directory, desk);
    assert_false(directory_session_find(directory, jid("romeo@example.org/desk"), &at));
    assert_int_equal(directory_sessions(directory, STR("romeo@example.org"), found, 50), 1);
    directory_session_remove(directory, phone);
    directory_session_remove(directory, juliet);
}

/* A client came back before its old connection was given up: the new one counts, whatever the order
 * of their ends. */
static void the_newer_session_counts(void **state)
{
    UNUSED(state);
    struct session_found found[RESOURCES_PER_ACCOUNT];
    struct route at = ROUTE_NONE;
    struct directory_session *old =
        directory_session_add(directory, jid("romeo@example.org/desk"), route(1));
    struct directory_session *new =
        directory_session_add(directory, jid("romeo@example.org/desk"), route(2));
    assert_true(directory_session_find(directory, jid("romeo@example.org/desk"), &at));
    assert_true(route_eq(at, route(2)));
    assert_int_equal(directory_sessions(directory, STR("romeo@example.org"), found, 50), 1);
    assert_true(route_eq(found[0].route, route(2)));
    directory_session_remove(directory, old);
    assert_true(directory_session_find(directory, jid("romeo@example.org/desk"), &at));
    assert_true(route_eq(at, route(2)));
    directory_session_remove(directory, new);
    assert_false(directory_session_find(directory, jid("romeo@example.org/desk"), &at));
}

/* Who has to go when two have bound the same address; each of them may be the one that asks. */
static void the_replaced_are_named(void **state)
{
    UNUSED(state);
    struct route routes[3];
    const struct jid *desk = jid("romeo@example.org/desk");
    assert_int_equal(directory_sessions_replaced(directory, desk, routes, 3), 0);
    struct directory_session *sessions[] = {
        directory_session_add(directory, desk, route(1)),
        directory_session_add(directory, jid("romeo@example.org/phone"), route(2)),
    };
    assert_int_equal(directory_sessions_replaced(directory, desk, routes, 3), 0);
    struct directory_session *newer = directory_session_add(directory, desk, route(3));
    assert_int_equal(directory_sessions_replaced(directory, desk, routes, 3), 1);
    assert_true(route_eq(routes[0], route(1)));
    struct directory_session *newest = directory_session_add(directory, desk, route(4));
    assert_int_equal(directory_sessions_replaced(directory, desk, routes, 3), 2);
    assert_int_equal(directory_sessions_replaced(directory, desk, routes, 1), 1);
    directory_session_remove(directory, newest);
    directory_session_remove(directory, newer);
    directory_session_remove(directory, sessions[0]);
    directory_session_remove(directory, sessions[1]);
}

/* As many as an account may have are found; one that should not be there is left out. */
static void sessions_are_limited(void **state)
{
    UNUSED(state);
    enum { MANY = RESOURCES_PER_ACCOUNT + 1 };
    struct session_found found[MANY];
    struct directory_session *sessions[MANY];
    char name[40];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "romeo@example.org/r%u", i);
        sessions[i] = directory_session_add(directory, jid(name), route(i));
        unsigned expected = i < RESOURCES_PER_ACCOUNT ? i + 1 : RESOURCES_PER_ACCOUNT;
        assert_int_equal(directory_sessions(directory, STR("romeo@example.org"), found, MANY),
                         expected);
    }
    for (unsigned i = 0; i < MANY; i++)
        directory_session_remove(directory, sessions[i]);
}

static unsigned reach(const char *to, struct route *routes)
{
    struct way way = {STR("rooms.example"), jid(to), ROUTE_NONE};
    return directory_reach(directory, &way, routes, 4);
}

static void reaching(void **state)
{
    UNUSED(state);
    struct route routes[4];
    assert_int_equal(reach("romeo@example.org", routes), 0);

    directory_set_local(directory, STR("example.org"));
    directory_add_link(directory, STR("rooms.example"), route(9));
    assert_true(directory_is_local(directory, jid("romeo@example.org/desk")));
    assert_false(directory_is_local(directory, jid("romeo@elsewhere.example")));

    assert_int_equal(reach("nurse@elsewhere.example/x", routes), 0); /* it is down */
    directory_link_up(directory, route(9), true);
    assert_int_equal(reach("nurse@elsewhere.example/x", routes), 1);
    assert_true(route_eq(routes[0], route(9)));

    assert_int_equal(reach("romeo@example.org/desk", routes), 0);
    struct directory_session *desk =
        directory_session_add(directory, jid("romeo@example.org/desk"), route(1));
    struct directory_session *phone =
        directory_session_add(directory, jid("romeo@example.org/phone"), route(2));
    /* By its full JID a session is reached before it is available, by the bare one it is not. */
    assert_int_equal(reach("romeo@example.org/desk", routes), 1);
    assert_true(route_eq(routes[0], route(1)));
    assert_int_equal(reach("romeo@example.org", routes), 0);
    directory_session_presence(desk, true, -1);
    assert_int_equal(reach("romeo@example.org", routes), 0);
    directory_session_presence(phone, true, 0);
    assert_int_equal(reach("romeo@example.org", routes), 1);
    assert_true(route_eq(routes[0], route(2)));
    directory_session_presence(desk, true, 1);
    assert_int_equal(reach("romeo@example.org", routes), 2);
    directory_session_remove(directory, desk);
    directory_session_remove(directory, phone);
}

#define NO_LINK UINT32_MAX

/* The slot of the link that somebody elsewhere is reached by. */
static uint32_t link_for(struct route origin)
{
    struct route found = ROUTE_NONE;
    struct way way = {STR("rooms.example"), jid("nurse@elsewhere.example"), origin};
    return directory_reach(directory, &way, &found, 1) == 0 ? NO_LINK : found.slot;
}

static void elsewhere_is_behind_a_link_that_is_up(void **state)
{
    UNUSED(state);
    for (uint32_t i = 1; i <= 3; i++)
        directory_add_link(directory, STR("rooms.example"), route(i));
    assert_int_equal(link_for(ROUTE_NONE), NO_LINK);
    assert_int_equal(link_for(route(2)), NO_LINK);
    assert_true(directory_has_links(directory, STR("rooms.example")));
    assert_false(directory_has_links(directory, STR("lounge.example")));
    assert_int_equal(directory_link_now(directory, route(2)).lane, LANE_NONE);
    assert_true(route_eq(directory_link_now(directory, route(77)), route(77))); /* a client's */
    directory_link_up(directory, route(2), true);
    directory_link_up(directory, route(3), true);
    assert_int_equal(link_for(ROUTE_NONE), 2);
    assert_true(route_eq(directory_link_now(directory, route(1)), route(2)));
    assert_true(route_eq(directory_link_now(directory, route(3)), route(3)));
    assert_true(route_eq(directory_link_any(directory, STR("rooms.example")), route(2)));
    assert_int_equal(directory_link_any(directory, STR("lounge.example")).lane, LANE_NONE);
    assert_int_equal(link_for(route(1)), 2); /* its own is lost */
    assert_int_equal(link_for(route(3)), 3);
    assert_int_equal(link_for(route(77)), 2); /* a client's */
    directory_link_up(directory, route(2), false);
    assert_int_equal(link_for(route(2)), 3);
    directory_link_up(directory, route(1), true);
    assert_int_equal(link_for(ROUTE_NONE), 1);
    directory_link_up(directory, route(1), false);
    directory_link_up(directory, route(3), false);
    assert_int_equal(link_for(route(3)), NO_LINK);
}

static void there_are_as_many_links_as_a_mask_has_bits(void **state)
{
    UNUSED(state);
    for (uint32_t i = 0; i < LINKS_MAX; i++)
        directory_add_link(directory, STR("rooms.example"), route(i));
    directory_link_up(directory, route(LINKS_MAX - 1), true);
    assert_int_equal(link_for(ROUTE_NONE), LINKS_MAX - 1);
    directory_link_up(directory, route(0), true);
    assert_int_equal(link_for(ROUTE_NONE), 0);
    assert_int_equal(link_for(route(LINKS_MAX - 1)), LINKS_MAX - 1);
}

/* ---- of two services ---- */

static void rooms_are_listed_by_service(void **state)
{
    UNUSED(state);
    directory_room(directory, jid("a@rooms.example"), true, STR("Here"), 1);
    directory_room(directory, jid("a@lounge.example"), true, STR("There"), 2);
    struct listing_page page = rooms_of(STR("lounge.example"), arena, 10);
    assert_int_equal(page.count, 1);
    assert_true(str_eq(page.rooms[0].name, STR("There")));
    page = rooms_of(STR("rooms.example"), arena, 10);
    assert_int_equal(page.count, 1);
    assert_true(str_eq(page.rooms[0].name, STR("Here")));
    page = rooms_of(STR("example"), arena, 10);
    assert_int_equal(page.count, 0);
    assert_int_equal(directory_room_count(directory), 2);
}

static unsigned way_out(const char *service, struct route origin, uint32_t *slot)
{
    struct route found = ROUTE_NONE;
    struct way way = {str_z(service), jid("nurse@elsewhere.example"), origin};
    unsigned count = directory_reach(directory, &way, &found, 1);
    *slot = found.slot;
    return count;
}

static void a_service_goes_by_links_of_its_own(void **state)
{
    UNUSED(state);
    uint32_t slot;
    directory_add_link(directory, STR("rooms.example"), route(1));
    directory_add_link(directory, STR("lounge.example"), route(2));
    directory_add_link(directory, STR("lounge.example"), route(3));
    directory_link_up(directory, route(1), true);
    assert_int_equal(way_out("lounge.example", ROUTE_NONE, &slot), 0); /* that is another's */
    directory_link_up(directory, route(3), true);
    assert_int_equal(way_out("lounge.example", route(1), &slot), 1);
    assert_int_equal(slot, 3);
    assert_int_equal(way_out("rooms.example", route(3), &slot), 1);
    assert_int_equal(slot, 1);
    assert_int_equal(way_out("direct.example", ROUTE_NONE, &slot), 0);
}

/* ---- with readers ---- */

enum { CHANGES = 4000 };

static _Atomic bool finished;
static _Atomic unsigned seen;

static void *read_on(void *self)
{
    UNUSED(self);
    struct arena *own = arena_new(4096);
    struct jid *full = jid_make(NULL, STR("romeo"), STR("example.org"), STR("desk"));
    agent_register_thread();
    while (!atomic_load(&finished)) {
        struct route at;
        struct listing_page page = rooms_of(STR("rooms.example"), own, 10);
        for (uint32_t i = 0; i < page.count; i++)
            ensure(str_starts(page.rooms[i].name, STR("name ")));
        if (directory_session_find(directory, full, &at))
            ensure(at.generation == at.slot + 1);
        atomic_fetch_add(&seen, page.count > 0);
        arena_reset(own);
    }
    agent_unregister_thread();
    jid_free(full);
    arena_free(own);
    return NULL;
}

static void readers_see_whole_entries(void **state)
{
    UNUSED(state);
    pthread_t reader;
    atomic_store(&finished, false);
    directory_room(directory, jid("steady@rooms.example"), true, STR("name "), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_on, NULL), 0);
    const struct jid *full = jid("romeo@example.org/desk");
    const struct jid *room = jid("changing@rooms.example");
    for (uint32_t i = 0; i < CHANGES || atomic_load(&seen) < 10; i++) {
        char name[24];
        int len = snprintf(name, sizeof(name), "name %u", i);
        struct directory_session *session = directory_session_add(directory, full, route(i));
        directory_room(directory, room, true, str_of(name, (size_t)len), i);
        directory_session_presence(session, true, 1);
        if (i % 3 == 0)
            directory_room(directory, room, false, STR_NONE, 0);
        directory_session_remove(directory, session);
    }
    directory_room(directory, room, true, STR("name last"), 1);
    atomic_store(&finished, true);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(directory_room_count(directory), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rooms_come_and_go, begin, end),
        cmocka_unit_test_setup_teardown(many_rooms, begin, end),
        cmocka_unit_test_setup_teardown(sessions_are_found, begin, end),
        cmocka_unit_test_setup_teardown(the_newer_session_counts, begin, end),
        cmocka_unit_test_setup_teardown(the_replaced_are_named, begin, end),
        cmocka_unit_test_setup_teardown(sessions_are_limited, begin, end),
        cmocka_unit_test_setup_teardown(reaching, begin, end),
        cmocka_unit_test_setup_teardown(elsewhere_is_behind_a_link_that_is_up, begin, end),
        cmocka_unit_test_setup_teardown(there_are_as_many_links_as_a_mask_has_bits, begin, end),
        cmocka_unit_test_setup_teardown(rooms_are_listed_by_service, begin, end),
        cmocka_unit_test_setup_teardown(a_service_goes_by_links_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(readers_see_whole_entries, begin, end),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
