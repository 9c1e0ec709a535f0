/* What waits for links: rooms take turns in each backlog, backlogs go on side by side, and the
 * order of each room holds. */
#include "tests/support/far_host.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "shard/placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LINKS 3

static struct lane_world world;
static struct far_host links[LINKS];
static struct buf all[LINKS]; /* that each has read */

static int begin(void **state)
{
    UNUSED(state);
    lane_world_begin(&world);
    for (unsigned i = 0; i < LINKS; i++) {
        far_host_open(&links[i], &world, i);
        buf_init(&all[i], NULL);
    }
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < LINKS; i++) {
        far_host_close(&links[i]);
        buf_free(&all[i]);
    }
    lane_world_end(&world);
    return 0;
}

/* ---- rooms at a full link ---- */

/* strstr() by hand: a sanitizer's looks at all of the text each time, and there are megabytes. */
static const char *find(const char *at, const char *text)
{
    size_t size = strlen(text);
    for (; *at != '\0'; at++) {
        if (*at == *text && strncmp(at, text, size) == 0)
            return at;
    }
    return NULL;
}

static unsigned messages_in(const char *xml)
{
    unsigned count = 0;
    for (const char *at = find(xml, "<message"); at != NULL; at = find(at + 1, "<message"))
        count++;
    return count;
}

/* What has come to a link since. */
static void hear(unsigned link)
{
    buf_addz(&all[link], lane_world_read(links[link].peer, NULL));
}

/* All links read until nothing waits any more. */
static void read_to_the_end(void)
{
    for (unsigned i = 0; i < 100000; i++) {
        for (unsigned k = 0; k < LINKS; k++)
            hear(k);
        if (deliver_is_empty(&world.deliver) && world.conns.large.lent == 0)
            return;
        lane_world_step(&world, 0);
    }
    fail_msg("it never ends");
}

/* A room of so many, all behind one link, each hearing about 300 bytes. */
#define CROWD 20000

static struct delivery to_crowd(struct roster *crowd, const char *word)
{
    char text[260];
    snprintf(text, sizeof(text), "%s %0200u", word, 0);
    return lane_world_broadcast(roster_ref(crowd), 1, text);
}

static void a_huge_room_does_not_hold_up_small_ones_at_a_full_link(void **state)
{
    UNUSED(state);
    struct roster *crowd = roster_new();
    far_host_seat(&links[0], &crowd, CROWD);
    struct delivery huge[] = {to_crowd(crowd, "first"), to_crowd(crowd, "second"),
                              to_crowd(crowd, "third")};
    lane_world_deliver(&world, 0, huge, 3);
    lane_world_step(&world, 0);
    assert_in_range(links[0].conn.outbox.bytes, LINK_OUTBOX_HIGH_WATER / 2,
                    2 * LINK_OUTBOX_HIGH_WATER);

    /* Ten small rooms speak, each twice, when all that is waiting already. */
    for (unsigned i = 0; i < 20; i++) {
        char text[20];
        snprintf(text, sizeof(text), "small-%u", i);
        struct delivery small = lane_world_one(links[0].route, "p1@far/x", 2 + i % 10, text);
        lane_world_deliver(&world, 1, &small, 1);
    }
    lane_world_step(&world, 0);
    read_to_the_end();
    const char *xml = buf_str(&all[0]).at;
    assert_int_equal(messages_in(xml), 3 * CROWD + 20);
    /* They come behind what the outbox held and a turn or two, not behind 18 MB. */
    const char *last = find(xml, "<body>small-19<");
    assert_non_null(last);
    assert_true((size_t)(last - xml) < LINK_OUTBOX_HIGH_WATER + 2 * 1024 * 1024);
    const char *at = xml;
    for (unsigned i = 0; i < 10; i++) {
        char first[30], second[30];
        snprintf(first, sizeof(first), "<body>small-%u<", i);
        snprintf(second, sizeof(second), "<body>small-%u<", i + 10);
        assert_true(find(at, first) < find(at, second));
    }
    /* The huge room has its order. */
    const char *begin_of_second = find(xml, "<body>second");
    const char *begin_of_third = find(xml, "<body>third");
    assert_null(find(begin_of_second, "<body>first"));
    assert_null(find(begin_of_third, "<body>second"));
    assert_int_equal(world.credit, 3 * CROWD + 20);
    roster_unref(crowd);
}

/* A room is destroyed, and another made at its address: the id is a new one, the order is not. */
static void a_room_made_anew_does_not_overtake_the_old_one(void **state)
{
    UNUSED(state);
    struct roster *crowd = roster_new();
    const uint64_t address = 77, old = UINT64_C(5) << ROOM_ID_PLACE_SHIFT | address,
                   fresh = UINT64_C(6) << ROOM_ID_PLACE_SHIFT | address;
    far_host_seat(&links[0], &crowd, CROWD);
    struct delivery last = to_crowd(crowd, "last");
    last.room = old;
    struct delivery gone = lane_world_one(links[0].route, "p1@far/x", old, "gone");
    struct delivery again = lane_world_one(links[0].route, "p1@far/x", fresh, "again");
    lane_world_deliver(&world, 0, (struct delivery[]){last, gone, again}, 3);
    lane_world_step(&world, 0);
    read_to_the_end();
    const char *xml = buf_str(&all[0]).at;
    const char *end_of_old = find(xml, "<body>gone<"), *begin_of_new = find(xml, "<body>again<");
    assert_non_null(end_of_old);
    assert_non_null(begin_of_new);
    assert_true(end_of_old < begin_of_new);
    roster_unref(crowd);
}

/* ---- several links ---- */

static void each_link_is_split_off_by_itself(void **state)
{
    UNUSED(state);
    char text[8 * 1024];
    memset(text, 'z', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct roster *roster = roster_new();
    for (unsigned i = 0; i < LINKS; i++)
        far_host_seat(&links[i], &roster, 1000);
    struct delivery deliveries[] = {lane_world_broadcast(roster_ref(roster), 7, text),
                                    lane_world_broadcast(roster_ref(roster), 7, "second"),
                                    lane_world_one(links[1].route, "p5@far/x", 7, "third")};
    lane_world_deliver(&world, 0, deliveries, 3);
    roster_unref(roster);
    /* The second host reads, the others do not. */
    for (unsigned i = 0; i < 1000 && (i < 10 || links[1].conn.outbox.bytes > 0); i++) {
        lane_world_step(&world, 0);
        hear(1);
    }
    const char *xml = buf_str(&all[1]).at;
    assert_int_equal(messages_in(xml), 1000 + 1000 + 1);
    assert_non_null(find(find(xml, "to='p999@far/x'><body>second"), "<body>third"));
    assert_int_equal(world.credit, 1); /* the other two have not had theirs */
    assert_non_null(links[0].conn.backlog);
    assert_null(links[1].conn.backlog);

    /* The first is lost, the third reads at last. */
    deliver_forget(&world.deliver, &links[0].conn);
    assert_true(world.deliver.dropped[0] > 0);
    assert_int_equal(world.deliver.dropped[2], 0);
    links[0].conn.link_up = false;
    read_to_the_end();
    xml = buf_str(&all[2]).at;
    assert_int_equal(messages_in(xml), 1000 + 1000);
    assert_null(find(find(xml, "<body>second"), "<body>zzz"));
    assert_int_equal(world.credit, 3000 + 3000 + 1);
}

/* A crowd of whom only few are behind the link: much work for few bytes. */
static struct roster *sparse_crowd(const struct far_host *far)
{
    struct roster *crowd = roster_new();
    struct address *address = address_new(STR("nobody@nowhere/x"));
    struct route nowhere = {LINKS_MAX + 20, 77, 0};
    for (uint32_t i = 0; i < CROWD; i++)
        roster_add(&crowd, i % 20 == 0 ? far->route : nowhere, address, i, i, ROSTER_PARTICIPANT);
    address_unref(address);
    return crowd;
}

/* Two hosts read as fast as they can: what waits for one does not wait for the other's to be
 * through. */
static void backlogs_go_on_side_by_side(void **state)
{
    UNUSED(state);
    enum { TALKS = 40, ALL = TALKS * CROWD / 20 };
    for (unsigned i = 0; i < 2; i++) {
        struct roster *crowd = sparse_crowd(&links[i]);
        for (unsigned k = 0; k < TALKS; k++) {
            struct delivery delivery = to_crowd(crowd, "hello");
            delivery.room = 1 + i;
            lane_world_deliver(&world, 0, &delivery, 1);
        }
        roster_unref(crowd);
    }
    lane_world_step(&world, 0);
    assert_true(links[0].conn.backlog != NULL && links[1].conn.backlog != NULL);
    while (links[0].conn.backlog != NULL && links[1].conn.backlog != NULL) {
        lane_world_cycle(&world);
        for (unsigned k = 0; k < 2; k++)
            hear(k);
    }
    /* The one is through, the other nearly. */
    size_t whole = (size_t)ALL * 270;
    assert_true(all[0].len > whole * 2 / 3 && all[1].len > whole * 2 / 3);
    read_to_the_end();
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(messages_in(buf_str(&all[i]).at), ALL);
}

/* ---- order, whatever happens ---- */

enum { ROOMS = 6, PEOPLE = 40, EVENTS = 1500 };

static uint32_t chance(uint32_t below)
{
    static uint64_t state = 7;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

/* Person `who` is behind link who % LINKS; in `expected` what the person is to hear of a room. */
static void expect(struct buf *expected, unsigned who, unsigned room, unsigned number)
{
    buf_addf(&expected[room * PEOPLE + who], "%u ", number);
}

static void deliver_something(struct roster **rosters, struct buf *expected, unsigned number)
{
    unsigned room = chance(ROOMS);
    unsigned who = chance(PEOPLE);
    char jid[20], text[20000];
    snprintf(jid, sizeof(jid), "p%u@far/x", who);
    int size = (int)(chance(8) == 0 ? 15000 : chance(400));
    snprintf(text, sizeof(text), "r%u n%u e%*s", room, number, size, "");
    struct delivery delivery;
    unsigned kind = chance(4);
    if (kind == 0) {
        delivery = lane_world_one(links[who % LINKS].route, jid, room + 1, text);
        expect(expected, who, room, number);
    } else if (kind == 1) {
        snprintf(text, sizeof(text), "r%u n%u e", room, number);
        delivery = lane_world_list(links[who % LINKS].route, jid, room + 1, text, 60, 3000);
        for (unsigned i = 0; i < 60; i++)
            expect(expected, who, room, number);
    } else {
        delivery = lane_world_broadcast(roster_ref(rosters[room]), room + 1, text);
        for (unsigned i = 0; i < PEOPLE; i++)
            expect(expected, i, room, number);
    }
    lane_world_deliver(&world, chance(2), &delivery, 1);
}

/* The number behind the next `lead`; *at moves on behind it. */
static unsigned number_behind(const char **at, const char *lead)
{
    size_t size = strlen(lead);
    ensure(strncmp(*at, lead, size) == 0);
    char *end;
    unsigned number = (unsigned)strtoul(*at + size, &end, 10);
    *at = end;
    return number;
}

/* What each person has heard of each room, by number. */
static void sort_out(const char *xml, struct buf *heard)
{
    static const char lead[] = " to='p";
    for (const char *at = find(xml, lead); at != NULL; at = find(at, lead)) {
        unsigned who = number_behind(&at, lead);
        unsigned room = number_behind(&at, "@far/x'><body>r");
        expect(heard, who, room, number_behind(&at, " n"));
    }
}

static void everybody_hears_each_room_in_its_order(void **state)
{
    UNUSED(state);
    static struct buf expected[ROOMS * PEOPLE], heard[ROOMS * PEOPLE];
    struct roster *rosters[ROOMS];
    for (unsigned i = 0; i < ROOMS * PEOPLE; i++) {
        buf_init(&expected[i], NULL);
        buf_init(&heard[i], NULL);
    }
    for (unsigned room = 0; room < ROOMS; room++) {
        rosters[room] = roster_new();
        for (unsigned who = 0; who < PEOPLE; who++) {
            char jid[20];
            snprintf(jid, sizeof(jid), "p%u@far/x", who);
            struct address *address = address_new(str_z(jid));
            roster_add(&rosters[room], links[who % LINKS].route, address, who, who,
                       ROSTER_PARTICIPANT);
            address_unref(address);
        }
    }
    unsigned held = 0;
    for (unsigned i = 0; i < EVENTS; i++) {
        deliver_something(rosters, expected, i);
        if (chance(3) == 0)
            lane_world_cycle(&world);
        unsigned far = chance(4 * LINKS);
        if (far < LINKS && (i / 200 + far) % 2 == 0) /* each has times when it does not read */
            hear(far);
        held += links[chance(LINKS)].conn.backlog != NULL;
    }
    assert_in_range(held, EVENTS / 10, EVENTS);
    read_to_the_end();
    for (unsigned i = 0; i < LINKS; i++)
        sort_out(buf_str(&all[i]).at, heard);
    for (unsigned i = 0; i < ROOMS * PEOPLE; i++) {
        assert_string_equal(buf_str(&heard[i]).at, buf_str(&expected[i]).at);
        buf_free(&heard[i]);
        buf_free(&expected[i]);
    }
    for (unsigned room = 0; room < ROOMS; room++)
        roster_unref(rosters[room]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_huge_room_does_not_hold_up_small_ones_at_a_full_link,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_room_made_anew_does_not_overtake_the_old_one, begin, end),
        cmocka_unit_test_setup_teardown(each_link_is_split_off_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(backlogs_go_on_side_by_side, begin, end),
        cmocka_unit_test_setup_teardown(everybody_hears_each_room_in_its_order, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
