/*
 * The roster: against a plain model, snapshots that stay as they were, counted addresses.
 */
#include "core/muc/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SESSIONS = 1000, LANES = 5 };

struct listener {
    bool in;
    struct route route;
    uint32_t account;
    uint8_t flags;
    struct address *address;
};

/* What the roster should hold, by number of session. */
static struct listener model[SESSIONS];

static int setup(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < SESSIONS; i++) {
        char jid[40];
        snprintf(jid, sizeof(jid), "user%u@localhost/r", i);
        model[i] = (struct listener){.address = address_new(str_z(jid))};
    }
    return 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < SESSIONS; i++) {
        assert_int_equal(atomic_load(&model[i].address->refs), 1); /* all given back */
        address_unref(model[i].address);
    }
    return 0;
}

static void enter(struct roster **roster, uint32_t session, uint16_t lane, uint8_t flags)
{
    struct listener *listener = &model[session];
    listener->in = true;
    listener->route = (struct route){session * 7, session + 1, lane};
    listener->account = session / 2;
    listener->flags = flags;
    roster_add(roster, listener->route, listener->address, session, listener->account, flags);
}

static void leave(struct roster **roster, uint32_t session)
{
    model[session].in = false;
    roster_remove(roster, session);
}

static void check_one(const struct roster_entry *entry, uint16_t lane,
                      const struct listener *expected)
{
    assert_true(expected->in);
    assert_ptr_equal(entry->address, expected->address);
    assert_true(route_eq(expected->route, (struct route){entry->slot, entry->generation, lane}));
    assert_int_equal(roster_account(entry), expected->account);
    assert_int_equal(roster_flags(entry), expected->flags);
}

/* The roster holds what `expected` says, each once, each in its lane. */
static void check(const struct roster *roster, const struct listener *expected)
{
    static bool seen[SESSIONS];
    uint32_t count = 0, wanted = 0;
    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < roster_lanes(roster); i++) {
        uint16_t lane = roster_lane_at(roster, i);
        const struct roster_entry *entries;
        uint32_t run, at = 0;
        while ((run = roster_run(roster, lane, at, &entries)) > 0) {
            for (uint32_t e = 0; e < run; e++) {
                assert_true(entries[e].session < SESSIONS && !seen[entries[e].session]);
                seen[entries[e].session] = true;
                check_one(&entries[e], lane, &expected[entries[e].session]);
                count++;
            }
            at += run;
        }
        assert_true(at > 0); /* a lane that is listed is not empty */
    }
    for (unsigned i = 0; i < SESSIONS; i++)
        wanted += expected[i].in;
    assert_int_equal(count, wanted);
    assert_int_equal(roster_size(roster), wanted);
}

static void starts_empty(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    const struct roster_entry *entries;
    assert_int_equal(roster_size(roster), 0);
    assert_int_equal(roster_lanes(roster), 0);
    assert_int_equal(roster_run(roster, 0, 0, &entries), 0);
    roster_unref(roster);
    roster_unref(NULL);
}

static void many_come_and_go(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    for (uint32_t i = 0; i < SESSIONS; i++)
        enter(&roster, i, (uint16_t)(i % LANES), ROSTER_PARTICIPANT);
    check(roster, model);
    assert_int_equal(roster_lanes(roster), LANES);
    for (uint32_t i = 0; i < SESSIONS; i += 3)
        leave(&roster, i);
    check(roster, model);
    for (uint32_t i = 0; i < SESSIONS; i += 3)
        enter(&roster, i, 0, ROSTER_VISITOR);
    check(roster, model);
    for (uint32_t i = SESSIONS; i-- > 0;)
        leave(&roster, i);
    check(roster, model);
    assert_int_equal(roster_lanes(roster), 0);
    roster_unref(roster);
}

static void one_lane_goes_another_stays(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    enter(&roster, 1, 7, ROSTER_MODERATOR);
    enter(&roster, 2, 3, ROSTER_MODERATOR);
    enter(&roster, 3, 9, ROSTER_MODERATOR);
    leave(&roster, 1);
    check(roster, model);
    assert_int_equal(roster_lanes(roster), 2);
    leave(&roster, 2);
    leave(&roster, 3);
    assert_int_equal(roster_lanes(roster), 0);
    roster_unref(roster);
}

static void updates(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    for (uint32_t i = 0; i < 200; i++)
        enter(&roster, i, (uint16_t)(i % 2), ROSTER_VISITOR);
    for (uint32_t i = 0; i < 200; i += 5) {
        model[i].flags = ROSTER_MODERATOR;
        model[i].account = 5000 + i;
        model[i].route.generation = 77;
        model[i].route.lane = (uint16_t)(i % 3); /* the same lane or another one */
        roster_update(&roster, i, model[i].route, model[i].account, ROSTER_MODERATOR);
    }
    check(roster, model);
    for (uint32_t i = 0; i < 200; i++)
        leave(&roster, i);
    roster_unref(roster);
}

static void alone_it_changes_in_place(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    enter(&roster, 0, 0, ROSTER_VISITOR);
    struct roster *before = roster;
    roster_update(&roster, 0, model[0].route, 9, ROSTER_MODERATOR);
    assert_ptr_equal(roster, before);
    struct roster *held = roster_ref(roster);
    roster_update(&roster, 0, model[0].route, 10, ROSTER_MODERATOR);
    assert_ptr_not_equal(roster, held);
    roster_unref(held);
    leave(&roster, 0);
    roster_unref(roster);
}

/* Snapshots taken between changes of every kind; each still says what was so at its time. */
static void snapshots_do_not_change(void **state)
{
    UNUSED(state);
    enum { ROUNDS = 60 };
    static struct listener then[ROUNDS][SESSIONS];
    struct roster *snapshots[ROUNDS];
    struct roster *roster = roster_new();
    uint32_t random = 4711;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 40; i++) {
            random = random * 1664525 + 1013904223;
            uint32_t session = (random >> 8) % SESSIONS;
            if (!model[session].in) {
                enter(&roster, session, (uint16_t)(random >> 30), ROSTER_PARTICIPANT);
            } else if ((random & 128) != 0) {
                leave(&roster, session);
            } else {
                model[session].flags = ROSTER_MODERATOR;
                roster_update(&roster, session, model[session].route, model[session].account,
                              ROSTER_MODERATOR);
            }
        }
        memcpy(then[round], model, sizeof(model));
        snapshots[round] = roster_ref(roster);
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        check(snapshots[round], then[round]);
    /* the owner's reference goes first: the snapshots live on, and end in any order */
    roster_unref(roster);
    for (unsigned round = 0; round < ROUNDS; round += 2)
        roster_unref(snapshots[round]);
    for (unsigned round = 1; round < ROUNDS; round += 2) {
        check(snapshots[round], then[round]);
        roster_unref(snapshots[round]);
    }
}

static unsigned heard_by(const struct roster *roster, struct audience audience)
{
    unsigned heard = 0;
    for (unsigned i = 0; i < roster_lanes(roster); i++) {
        const struct roster_entry *entries;
        uint32_t run;
        for (uint32_t at = 0;
             (run = roster_run(roster, roster_lane_at(roster, i), at, &entries)) > 0; at += run) {
            for (uint32_t e = 0; e < run; e++)
                heard += audience_has(audience, &entries[e]);
        }
    }
    return heard;
}

static void audiences(void **state)
{
    UNUSED(state);
    struct roster *roster = roster_new();
    for (uint32_t i = 0; i < 60; i++) /* two sessions each; 10 visitors, 10 participants, 10 mods */
        enter(&roster, i, (uint16_t)(i % LANES), (uint8_t)(1u << (i / 2 % 3)));
    assert_int_equal(heard_by(roster, AUDIENCE_ALL), 60);
    assert_int_equal(heard_by(roster, (struct audience){ROSTER_MODERATOR, OCCUPANT_NONE}), 20);
    assert_int_equal(
        heard_by(roster, (struct audience){ROSTER_VISITOR | ROSTER_PARTICIPANT, OCCUPANT_NONE}),
        40);
    assert_int_equal(heard_by(roster, (struct audience){0, 4}), 58);
    assert_int_equal(heard_by(roster, (struct audience){ROSTER_MODERATOR, 2}), 18);
    assert_int_equal(heard_by(roster, (struct audience){ROSTER_MODERATOR, 0}), 20);
    roster_unref(roster);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(starts_empty), TEST(many_come_and_go),          TEST(one_lane_goes_another_stays),
        TEST(updates),      TEST(alone_it_changes_in_place), TEST(snapshots_do_not_change),
        TEST(audiences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
