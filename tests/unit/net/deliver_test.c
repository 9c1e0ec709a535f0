/* Deliveries: order, turns, slow readers, a full link, and the credits that go back. */
#include "tests/support/far_host.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct guest {
    int peer;
    struct route route;
    char jid[200];
    struct address *address;
};

static struct lane_world world;
static struct guest guests[4];

static struct far_host host;

static void seat(struct guest *guest, const char *resource)
{
    guest->peer = lane_world_client(&world);
    snprintf(guest->jid, sizeof(guest->jid), "%s", lane_world_bind(&world, guest->peer, resource));
    struct jid *jid = jid_parse(NULL, str_z(guest->jid));
    bool found = directory_session_find(world.directory, jid, &guest->route);
    ensure(found);
    guest->address = address_new(jid_full(jid));
    jid_free(jid);
}

static int begin(void **state)
{
    UNUSED(state);
    lane_world_begin(&world);
    static const char *const resources[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        seat(&guests[i], resources[i]);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    far_host_close(&host);
    for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
        address_unref(guests[i].address);
        close(guests[i].peer);
    }
    lane_world_end(&world);
    return 0;
}

/* All guests, the first one a moderator. */
static struct roster *everybody(void)
{
    struct roster *roster = roster_new();
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        roster_add(&roster, guests[i].route, guests[i].address, (uint32_t)i, (uint32_t)i,
                   i == 0 ? ROSTER_MODERATOR : ROSTER_PARTICIPANT);
    return roster;
}

static const char *hear(const struct guest *guest)
{
    return lane_world_read(guest->peer, NULL);
}

/* ---- broadcasts ---- */

static void everybody_hears_with_the_own_address(void **state)
{
    UNUSED(state);
    struct delivery delivery = lane_world_broadcast(everybody(), 7, "hello");
    lane_world_deliver(&world, 0, &delivery, 1);
    lane_world_step(&world, 0);
    for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
        char expected[400];
        snprintf(expected, sizeof(expected),
                 "<message type='groupchat' to='%s'><body>hello</body></message>", guests[i].jid);
        assert_string_equal(hear(&guests[i]), expected);
    }
    assert_int_equal(world.credit, 4);
    assert_true(deliver_is_empty(&world.deliver));
}

static void an_audience_leaves_people_out(void **state)
{
    UNUSED(state);
    struct delivery deliveries[] = {lane_world_broadcast(everybody(), 7, "for moderators"),
                                    lane_world_broadcast(everybody(), 7, "not for the first")};
    deliveries[0].audience.any_of = ROSTER_MODERATOR;
    deliveries[1].audience.except = 0;
    lane_world_deliver(&world, 0, deliveries, 2);
    lane_world_step(&world, 0);
    const char *first = hear(&guests[0]);
    assert_non_null(strstr(first, "for moderators"));
    assert_null(strstr(first, "not for the first"));
    const char *second = hear(&guests[1]);
    assert_null(strstr(second, "for moderators"));
    assert_non_null(strstr(second, "not for the first"));
}

static void a_stale_route_misses(void **state)
{
    UNUSED(state);
    close(guests[1].peer);
    lane_world_step(&world, 0);
    guests[1].peer = lane_world_client(&world); /* may sit in any slot: the generation differs */
    struct delivery deliveries[] = {
        lane_world_broadcast(everybody(), 7, "hello"),
        lane_world_one(guests[1].route, guests[1].jid, 7, "for nobody"),
        lane_world_list(guests[1].route, guests[1].jid, 7, "nor this", 3, 0)};
    lane_world_deliver(&world, 0, deliveries, 3);
    lane_world_step(&world, 0);
    assert_string_equal(hear(&guests[1]), "");
    assert_non_null(strstr(hear(&guests[2]), "hello"));
    assert_int_equal(world.credit, 4 + 1 + 3);
}

static void a_huge_broadcast_does_not_delay_a_small_room(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    struct address *address = address_new(STR("nobody@nowhere/x"));
    struct route nowhere = {LINKS_MAX + 20, 77, 0};
    for (uint32_t i = 0; i < 5 * DELIVER_CYCLE_MAX; i++)
        roster_add(&roster, nowhere, address, i, i, ROSTER_PARTICIPANT);
    address_unref(address);
    struct delivery huge = lane_world_broadcast(roster, 1, "huge");
    struct delivery small = lane_world_one(guests[0].route, guests[0].jid, 2, "small");
    lane_world_deliver(&world, 0, &huge, 1);
    lane_world_deliver(&world, 1, &small, 1);
    assert_true(lane_world_cycle(&world));
    assert_non_null(strstr(hear(&guests[0]), "small"));
    assert_false(deliver_is_empty(&world.deliver));
    unsigned cycles = 1;
    while (!deliver_is_empty(&world.deliver)) {
        lane_world_cycle(&world);
        cycles++;
    }
    assert_in_range(cycles, 5, 7);
}

/* What counts is the work: few people and a large frame are as much as many and a small one. */
static void a_large_broadcast_does_not_either(void **state)
{
    UNUSED(state);
    enum { KIB = 63, PEOPLE = 5 * DELIVER_CYCLE_MAX / (KIB + 1) };
    static char text[KIB * 1024 + 1];
    memset(text, 'x', sizeof(text) - 1);
    struct roster *roster = roster_new();
    struct route nowhere = {LINKS_MAX + 20, 77, 0};
    for (uint32_t i = 0; i < PEOPLE; i++)
        roster_add(&roster, i % 100 == 0 ? guests[1].route : nowhere, guests[1].address, i, i,
                   ROSTER_PARTICIPANT);
    struct delivery large = lane_world_broadcast(roster, 1, text);
    struct delivery small = lane_world_one(guests[0].route, guests[0].jid, 2, "small");
    lane_world_deliver(&world, 0, &large, 1);
    lane_world_deliver(&world, 1, &small, 1);
    assert_true(lane_world_cycle(&world));
    assert_non_null(strstr(hear(&guests[0]), "small"));
    unsigned cycles = 1;
    while (!deliver_is_empty(&world.deliver)) {
        lane_world_cycle(&world);
        cycles++;
    }
    assert_in_range(cycles, 5, 7);
    unsigned heard = 0;
    for (unsigned i = 0; i < 10; i++) {
        heard += lane_world_count(hear(&guests[1]), "<body>");
        lane_world_step(&world, 0);
    }
    assert_int_equal(heard, (PEOPLE + 99) / 100);
}

/* ---- lists and slow readers ---- */

/* 3 MiB: more than the outbox and the socket take. */
#define LIST_ITEMS 3000
#define LIST_BYTES 1024

static void a_list_pauses_and_live_frames_queue_behind_it(void **state)
{
    UNUSED(state);
    struct delivery deliveries[] = {
        lane_world_list(guests[0].route, guests[0].jid, 7, "item", LIST_ITEMS, LIST_BYTES),
        lane_world_broadcast(everybody(), 7, "live one"),
        lane_world_list(guests[0].route, guests[0].jid, 7, "history", 3, 0),
        lane_world_broadcast(everybody(), 7, "live two")};
    lane_world_deliver(&world, 0, deliveries, 4);
    lane_world_step(&world, 0);

    /* Nobody else waits for the newcomer, and the shard has its credits. */
    const char *other = hear(&guests[1]);
    assert_int_equal(lane_world_count(other, "live one"), 1);
    assert_int_equal(lane_world_count(other, "live two"), 1);
    assert_int_equal(world.credit, LIST_ITEMS + 4 + 3 + 4);
    assert_false(deliver_is_empty(&world.deliver));
    assert_true(world.conns.small.lent * 4096 < 2 * OUTBOX_HIGH_WATER);

    /* The newcomer reads at last: everything, in order. */
    struct buf all;
    buf_init(&all, NULL);
    while (!deliver_is_empty(&world.deliver) || world.conns.small.lent > 0) {
        buf_addz(&all, hear(&guests[0]));
        lane_world_step(&world, 0);
    }
    buf_addz(&all, hear(&guests[0]));
    const char *at = buf_str(&all).at;
    for (unsigned i = 0; i < LIST_ITEMS; i++) {
        char item[32];
        snprintf(item, sizeof(item), "<body>item-%u-x", i);
        at = strstr(at, item);
        assert_non_null(at);
    }
    static const char *const rest[] = {"live one", "history-0-", "history-2-", "live two"};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
        at = strstr(at, rest[i]);
        assert_non_null(at);
    }
    assert_int_equal(lane_world_count(all.at, "</body><delay/></message>"), LIST_ITEMS + 3);
    buf_free(&all);
}

static void who_does_not_read_is_closed_and_told_why(void **state)
{
    UNUSED(state);
    char text[64 * 1024];
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    unsigned sent = 0;
    while (world.gone == 0 && world.conns.count == 4 && sent < 1000) {
        struct delivery delivery = lane_world_one(guests[0].route, guests[0].jid, 7, text);
        lane_world_deliver(&world, 0, &delivery, 1);
        lane_world_step(&world, 0);
        sent++;
        if (strstr(buf_str(&world.log).at, "does not read") != NULL)
            break;
    }
    assert_in_range(sent, CLIENT_OUTBOX_MAX / sizeof(text), CLIENT_OUTBOX_MAX / sizeof(text) + 10);
    assert_non_null(strstr(buf_str(&world.log).at, "is gone: it does not read what is sent to it"));

    /* Its session is gone, its connection gets the rest and the reason. */
    bool ended = false;
    struct buf all;
    buf_init(&all, NULL);
    for (unsigned i = 0; i < 1000 && !ended; i++) {
        buf_addz(&all, lane_world_read(guests[0].peer, &ended));
        lane_world_step(&world, 0);
    }
    assert_true(ended);
    const char *tail = "<stream:error><resource-constraint "
                       "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>";
    assert_non_null(strstr(buf_str(&all).at, tail));
    assert_string_equal(all.at + all.len - 16, "</stream:stream>");
    buf_free(&all);

    struct delivery delivery = lane_world_broadcast(everybody(), 7, "still here");
    lane_world_deliver(&world, 0, &delivery, 1);
    lane_world_step(&world, 0);
    assert_non_null(strstr(hear(&guests[1]), "still here"));
}

static void live_frames_behind_a_list_count_too(void **state)
{
    UNUSED(state);
    char text[64 * 1024];
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct delivery list =
        lane_world_list(guests[0].route, guests[0].jid, 7, "item", LIST_ITEMS, LIST_BYTES);
    lane_world_deliver(&world, 0, &list, 1);
    for (unsigned i = 0; i < CLIENT_OUTBOX_MAX / sizeof(text) + 10; i++) {
        struct delivery delivery = lane_world_one(guests[0].route, guests[0].jid, 7, text);
        lane_world_deliver(&world, 0, &delivery, 1);
        lane_world_step(&world, 0);
    }
    assert_non_null(strstr(buf_str(&world.log).at, "is gone: it does not read what is sent to it"));
    assert_true(deliver_is_empty(&world.deliver));
}

static void lists_without_end_are_too_much_too(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < 41; i++) {
        struct delivery list = lane_world_list(guests[0].route, guests[0].jid, 7, "item",
                                               CLIENT_LIST_ITEMS_MAX / 40, 0);
        lane_world_deliver(&world, 0, &list, 1);
        lane_world_step(&world, 0);
        bool closed = strstr(buf_str(&world.log).at, "is gone: it does not read") != NULL;
        if (i < 40)
            assert_false(closed);
        else
            assert_true(closed);
    }
    assert_true(deliver_is_empty(&world.deliver));
}

/* Pages of an archive, for one: they are made for who asks. */
static void large_lists_are_too_much_sooner(void **state)
{
    UNUSED(state);
    bool closed = false;
    unsigned count = 0;
    for (; count < 100 && !closed; count++) {
        struct delivery list =
            lane_world_list(guests[0].route, guests[0].jid, 7, "item", 50, 60000);
        lane_world_deliver(&world, 0, &list, 1);
        lane_world_step(&world, 0);
        closed = strstr(buf_str(&world.log).at, "is gone: it does not read") != NULL;
    }
    assert_true(closed);
    assert_in_range(count, 40, 60); /* of 3 MB each */
    assert_true(deliver_is_empty(&world.deliver));
}

/* ---- the link ---- */

static void a_slow_host_holds_up_itself_alone(void **state)
{
    UNUSED(state);
    far_host_open(&host, &world, 0);
    struct roster *roster = everybody();
    far_host_seat(&host, &roster, 2000);
    roster_ref(roster);
    char text[16 * 1024];
    memset(text, 'z', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct delivery deliveries[] = {lane_world_broadcast(roster, 7, text),
                                    lane_world_broadcast(roster, 7, "second"),
                                    lane_world_one(host.route, "p5@far/x", 7, "third"),
                                    lane_world_list(host.route, "p6@far/x", 7, "fourth", 2, 0)};
    lane_world_deliver(&world, 0, deliveries, 4);
    lane_world_step(&world, 0);

    /* 32 MB are for the host: it has been given its high-water mark and no more. */
    assert_in_range(host.conn.outbox.bytes, LINK_OUTBOX_HIGH_WATER - 1024 * 1024,
                    LINK_OUTBOX_HIGH_WATER + sizeof(text) + 1024);
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        assert_non_null(strstr(hear(&guests[i]), "second"));
    assert_int_equal(world.credit, 0);

    /* It reads: all of it comes, each recipient in the room's order. */
    struct buf all;
    buf_init(&all, NULL);
    for (unsigned i = 0; i < 100000 && !deliver_is_empty(&world.deliver); i++) {
        buf_addz(&all, lane_world_read(host.peer, NULL));
        lane_world_step(&world, 0);
    }
    for (unsigned i = 0; i < 100 && world.conns.large.lent > 0; i++) {
        buf_addz(&all, lane_world_read(host.peer, NULL));
        lane_world_step(&world, 0);
    }
    buf_addz(&all, lane_world_read(host.peer, NULL));
    const char *xml = buf_str(&all).at;
    assert_int_equal(lane_world_count(xml, "<message"), 2000 + 2000 + 1 + 2);
    const char *big = strstr(xml, "to='p5@far/x'><body>zzz");
    const char *second = strstr(xml, "to='p5@far/x'><body>second");
    const char *third = strstr(xml, "to='p5@far/x'><body>third");
    const char *fourth = strstr(xml, "to='p6@far/x'><body>fourth-1-</body><delay/>");
    assert_true(big != NULL && second > big && third > second && fourth > third);
    assert_int_equal(world.credit, 2004 + 2004 + 1 + 2);
    buf_free(&all);
    far_host_close(&host);
}

static void what_is_for_a_link_that_is_down_is_counted_and_dropped(void **state)
{
    UNUSED(state);
    far_host_open(&host, &world, 0);
    host.conn.link_up = false;
    struct roster *roster = everybody();
    far_host_seat(&host, &roster, 10);
    struct delivery deliveries[] = {lane_world_broadcast(roster, 7, "hello"),
                                    lane_world_one(host.route, "p5@far/x", 7, "third")};
    lane_world_deliver(&world, 0, deliveries, 2);
    lane_world_step(&world, 0);
    assert_string_equal(lane_world_read(host.peer, NULL), "");
    assert_int_equal(world.deliver.dropped[0], 11);
    assert_int_equal(world.credit, 15);
    /* The room is told, once for all of it; and of another one's. */
    assert_int_equal(world.losses, 1);
    assert_int_equal(world.lossy_room, 7);
    struct delivery list = lane_world_list(host.route, "p5@far/x", 8, "history", 3, 0);
    lane_world_deliver(&world, 0, &list, 1);
    lane_world_step(&world, 0);
    assert_int_equal(world.losses, 2);
    assert_int_equal(world.lossy_room, 8);
    struct address *address = address_new(STR("p5@far/x"));
    deliver_direct(&world.deliver, host.route, lane_world_frame("from no room"), address);
    address_unref(address);
    lane_world_step(&world, 0);
    assert_int_equal(world.losses, 2);
    assert_non_null(strstr(hear(&guests[0]), "hello"));
    far_host_close(&host);
}

static void a_lost_link_gives_its_credits_back(void **state)
{
    UNUSED(state);
    far_host_open(&host, &world, 0);
    struct delivery list =
        lane_world_list(host.route, "p1@far/x", 7, "item", 3 * LIST_ITEMS, LIST_BYTES);
    lane_world_deliver(&world, 0, &list, 1);
    lane_world_step(&world, 0);
    assert_int_equal(world.credit, 0);
    far_host_close(&host);
    lane_world_step(&world, 0);
    assert_true(deliver_is_empty(&world.deliver));
    assert_int_equal(world.credit, 3 * LIST_ITEMS);
    assert_int_equal(world.losses, 1); /* and its room knows */
    assert_int_equal(world.lossy_room, 7);
}

/* What is of no room has nobody who could answer, and nobody reads it behind a gap. */
static void what_is_of_no_room_cuts_nothing(void **state)
{
    UNUSED(state);
    far_host_open(&host, &world, 0);
    struct delivery list =
        lane_world_list(host.route, "p1@far/x", 0, "item", 3 * LIST_ITEMS, LIST_BYTES);
    lane_world_deliver(&world, 0, &list, 1);
    lane_world_step(&world, 0);
    assert_false(deliver_is_empty(&world.deliver)); /* it waits for the link */
    far_host_close(&host);
    lane_world_step(&world, 0);
    assert_true(deliver_is_empty(&world.deliver));
    assert_int_equal(world.losses, 0);
    assert_true(cuts_is_empty(&world.deliver.cuts));
}

/* What a room has sent before it knew of a loss comes when the link is back. */
static void nothing_is_read_behind_a_gap(void **state)
{
    UNUSED(state);
    far_host_open(&host, &world, 0);
    struct roster *roster = roster_new();
    far_host_seat(&host, &roster, 3);
    struct roster *again = roster_ref(roster);
    host.conn.link_up = false;
    struct delivery lost = lane_world_one(host.route, "p0@far/x", 7, "lost");
    lane_world_deliver(&world, 0, &lost, 1);
    lane_world_step(&world, 0);
    assert_int_equal(world.losses, 1);

    host.conn.link_up = true;
    struct delivery late[] = {lane_world_one(host.route, "p0@far/x", 7, "late"),
                              lane_world_one(host.route, "p1@far/x", 7, "put out"),
                              lane_world_list(host.route, "p2@far/x", 7, "late", 2, 0),
                              lane_world_broadcast(roster, 7, "late"),
                              lane_world_one(host.route, "p0@far/x", 8, "of another room")};
    late[1].frame->farewell = true;
    lane_world_deliver(&world, 0, late, ARRAY_LEN(late));
    lane_world_step(&world, 0);
    const char *xml = lane_world_read(host.peer, NULL);
    assert_null(strstr(xml, "late"));
    assert_non_null(strstr(xml, "put out"));
    assert_non_null(strstr(xml, "of another room"));
    assert_int_equal(world.losses, 1); /* it will answer once */
    assert_false(cuts_is_empty(&world.deliver.cuts));

    struct delivery known[] = {lane_world_loss_heard(host.route, 7),
                               lane_world_broadcast(again, 7, "to who has no gap")};
    lane_world_deliver(&world, 0, known, ARRAY_LEN(known));
    lane_world_step(&world, 0);
    assert_int_equal(lane_world_count(lane_world_read(host.peer, NULL), "to who has no gap"), 3);
    assert_true(cuts_is_empty(&world.deliver.cuts));
    assert_int_equal(world.credit, 1 + 1 + 1 + 2 + 3 + 1 + 1 + 3);
    far_host_close(&host);
}

/* Two links of one lane, and what is lost with one of them. */
static void another_link_is_not_cut(void **state)
{
    UNUSED(state);
    struct far_host other = {0};
    far_host_open(&host, &world, 0);
    far_host_open(&other, &world, 1);
    host.conn.link_up = other.conn.link_up = false;
    struct delivery lost[] = {lane_world_one(host.route, "p0@far/x", 7, "lost"),
                              lane_world_one(other.route, "p1@far/x", 7, "lost")};
    lane_world_deliver(&world, 0, lost, 2);
    lane_world_step(&world, 0);
    assert_int_equal(world.losses, 2);
    host.conn.link_up = other.conn.link_up = true;
    struct delivery next[] = {lane_world_loss_heard(other.route, 7),
                              lane_world_one(host.route, "p0@far/x", 7, "next"),
                              lane_world_one(other.route, "p1@far/x", 7, "next")};
    lane_world_deliver(&world, 0, next, 3);
    lane_world_step(&world, 0);
    assert_string_equal(lane_world_read(host.peer, NULL), "");
    assert_non_null(strstr(lane_world_read(other.peer, NULL), "next"));
    far_host_close(&other);
    far_host_close(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everybody_hears_with_the_own_address, begin, end),
        cmocka_unit_test_setup_teardown(an_audience_leaves_people_out, begin, end),
        cmocka_unit_test_setup_teardown(a_stale_route_misses, begin, end),
        cmocka_unit_test_setup_teardown(a_huge_broadcast_does_not_delay_a_small_room, begin, end),
        cmocka_unit_test_setup_teardown(a_large_broadcast_does_not_either, begin, end),
        cmocka_unit_test_setup_teardown(a_list_pauses_and_live_frames_queue_behind_it, begin, end),
        cmocka_unit_test_setup_teardown(who_does_not_read_is_closed_and_told_why, begin, end),
        cmocka_unit_test_setup_teardown(live_frames_behind_a_list_count_too, begin, end),
        cmocka_unit_test_setup_teardown(lists_without_end_are_too_much_too, begin, end),
        cmocka_unit_test_setup_teardown(large_lists_are_too_much_sooner, begin, end),
        cmocka_unit_test_setup_teardown(a_slow_host_holds_up_itself_alone, begin, end),
        cmocka_unit_test_setup_teardown(what_is_for_a_link_that_is_down_is_counted_and_dropped,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_lost_link_gives_its_credits_back, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_read_behind_a_gap, begin, end),
        cmocka_unit_test_setup_teardown(another_link_is_not_cut, begin, end),
        cmocka_unit_test_setup_teardown(what_is_of_no_room_cuts_nothing, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
