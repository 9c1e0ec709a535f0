/*
 * The ledger of the load generator: a run without a fault has none, and each kind of fault a server
 * can commit is found and counted as what it is.
 */
#include "bench/load/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct span no_text = {"", 0};

static void begin(struct ledger *ledger, uint32_t rooms, uint32_t occupants, bool ordered)
{
    struct layout layout = {.rooms = rooms, .occupants = occupants, .marks_max = 63, .links = 1};
    ledger_init(ledger, &layout);
    ledger->ordered = ordered;
    ledger->presences_shown = true;
    ledger->history = 2;
    ledger->printed = PRINTED_MAX; /* faults are what is wanted here */
}

static void give(struct ledger *ledger, enum seen_kind kind, uint32_t to, uint32_t nick,
                 uint32_t mark)
{
    uint32_t room = to < ledger->user_count ? ledger->users[to].room : 0;
    struct seen seen = {kind, kind <= SEEN_GONE && kind >= SEEN_HERE && to == nick, to, room, nick,
                        mark};
    ledger_take(ledger, 0, &seen, no_text);
}

static void talk(struct ledger *ledger, uint32_t to, uint32_t nick, uint32_t mark)
{
    give(ledger, SEEN_GROUPCHAT, to, nick, mark);
}

/* Another copy of what came before, as the reader tells it. */
static void again(struct ledger *ledger, uint32_t to, uint32_t nick, uint32_t mark)
{
    struct seen seen = {SEEN_GROUPCHAT, false, to, ledger->users[to].room, nick, mark};
    ledger_again(ledger, 0, &seen, no_text);
}

static void expect_faults(const struct ledger *ledger, uint64_t misses, uint64_t duplicates,
                          uint64_t reordered, uint64_t errors)
{
    assert_int_equal(ledger->faults.misses, misses);
    assert_int_equal(ledger->faults.duplicates, duplicates);
    assert_int_equal(ledger->faults.reordered, reordered);
    assert_int_equal(ledger->faults.errors, errors);
    assert_int_equal(faults_any(&ledger->faults), misses + duplicates + reordered + errors > 0);
}

static void finish(struct ledger *ledger)
{
    ledger_write_off(ledger);
}

/* ---- copies ---- */

static void all_copies_once(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 3, true);
    uint32_t first = ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    uint32_t second = ledger_mark(&ledger, MARK_MESSAGE, 2, 0);
    talk(&ledger, 0, 1, first);
    again(&ledger, 1, 1, first);
    again(&ledger, 2, 1, first);
    talk(&ledger, 2, 2, second);
    again(&ledger, 0, 2, second);
    assert_int_equal(ledger.groups[0].completed, 1);
    again(&ledger, 1, 2, second);
    ledger_settle(&ledger);
    assert_int_equal(ledger.groups[0].completed, 2);
    assert_int_equal(ledger.groups[0].outstanding, 0);
    assert_int_equal(ledger.received, 6);
    assert_int_equal(ledger.got, 6);
    finish(&ledger);
    expect_faults(&ledger, 0, 0, 0, 0);
    ledger_free(&ledger);
}

static void one_copy_is_missing(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 3, true);
    uint32_t first = ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    uint32_t second = ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    for (uint32_t to = 0; to < 3; to++) {
        if (to != 1)
            talk(&ledger, to, 1, first);
        talk(&ledger, to, 1, second);
    }
    finish(&ledger);
    expect_faults(&ledger, 1, 0, 0, 0);
    ledger_free(&ledger);
}

static void everything_is_missing(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 2, 3, true);
    ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    ledger_mark(&ledger, MARK_MESSAGE, 4, 0);
    finish(&ledger);
    expect_faults(&ledger, 6, 0, 0, 0);
    assert_int_equal(ledger.groups[0].outstanding, 0);
    ledger_free(&ledger);
}

static void a_copy_comes_twice(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 3, true);
    uint32_t mark = ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    talk(&ledger, 0, 1, mark);
    again(&ledger, 0, 1, mark); /* at once */
    talk(&ledger, 1, 1, mark);
    talk(&ledger, 2, 1, mark);
    ledger_settle(&ledger);
    talk(&ledger, 2, 1, mark); /* when all have it */
    finish(&ledger);
    expect_faults(&ledger, 0, 2, 0, 0);
    ledger_free(&ledger);
}

static void two_change_places(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, true);
    uint32_t first = ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    uint32_t second = ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    talk(&ledger, 0, 1, first);
    talk(&ledger, 0, 1, second);
    talk(&ledger, 1, 1, second);
    talk(&ledger, 1, 1, first);
    finish(&ledger);
    expect_faults(&ledger, 0, 0, 1, 0);
    ledger_free(&ledger);
}

/* Order not known before: the first who is given a message says what it is, for all. */
static void two_see_different_orders(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 3, false);
    uint32_t mine = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    uint32_t yours = ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    talk(&ledger, 2, 1, yours);
    talk(&ledger, 2, 0, mine);
    talk(&ledger, 0, 1, yours);
    talk(&ledger, 0, 0, mine);
    expect_faults(&ledger, 0, 0, 0, 0);
    talk(&ledger, 1, 0, mine);
    talk(&ledger, 1, 1, yours);
    finish(&ledger);
    expect_faults(&ledger, 0, 0, 1, 0);
    ledger_free(&ledger);
}

static void a_sender_is_overtaken_by_himself(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, false);
    uint32_t first = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    uint32_t second = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    for (uint32_t to = 0; to < 2; to++) {
        talk(&ledger, to, 0, second);
        talk(&ledger, to, 0, first);
    }
    finish(&ledger);
    expect_faults(&ledger, 0, 0, 1, 0);
    ledger_free(&ledger);
}

static void not_for_these(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 2, 2, true);
    uint32_t mark = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    talk(&ledger, 2, 0, mark);     /* of the other room */
    talk(&ledger, 0, 1, mark);     /* from another sender */
    talk(&ledger, 9, 0, mark);     /* a user that is none of ours */
    talk(&ledger, 0, 0, mark + 7); /* nobody said that */
    give(&ledger, SEEN_ERROR, 0, 0, 0);
    struct seen elsewhere = {SEEN_GROUPCHAT, false, 0, 1, 0, mark}; /* from another room */
    ledger_take(&ledger, 0, &elsewhere, no_text);
    struct seen other_link = {SEEN_GROUPCHAT, false, 0, 0, 0, mark};
    ledger_take(&ledger, 1, &other_link, no_text);
    expect_faults(&ledger, 0, 0, 0, 7);
    ledger_free(&ledger);
}

static void the_server_may_say_that_it_is_busy(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, false);
    ledger.refusals = true;
    uint32_t refused = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    uint32_t taken = ledger_mark(&ledger, MARK_MESSAGE, 1, 0);
    give(&ledger, SEEN_BUSY, 0, NUMBER_NONE, refused);
    talk(&ledger, 0, 1, taken);
    talk(&ledger, 1, 1, taken);
    ledger_settle(&ledger);
    assert_int_equal(ledger.refused, 1);
    assert_int_equal(ledger.groups[0].outstanding, 0);
    assert_int_equal(ledger.received, 2);
    expect_faults(&ledger, 0, 0, 0, 0);
    give(&ledger, SEEN_BUSY, 0, NUMBER_NONE, refused); /* said twice */
    uint32_t both = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    talk(&ledger, 1, 0, both);
    give(&ledger, SEEN_BUSY, 0, NUMBER_NONE, both); /* and yet it was sent to one */
    ledger.refusals = false;
    uint32_t strict = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    give(&ledger, SEEN_BUSY, 0, NUMBER_NONE, strict); /* the plan does not ask for too much */
    finish(&ledger);
    expect_faults(&ledger, 3, 0, 0, 3);
    ledger_free(&ledger);
}

static void changes_are_answered_once(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 2, 2, true);
    ledger.changing = true;
    uint32_t spoken = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    uint32_t change = ledger_mark(&ledger, MARK_CHANGE, 0, 0);
    give(&ledger, SEEN_NOTICE, 1, NUMBER_NONE, NUMBER_NONE);
    give(&ledger, SEEN_RESULT, 0, NUMBER_NONE, change);
    assert_int_equal(ledger.free_count, 1); /* the room may be changed again */
    assert_int_equal(ledger.free_rooms[0], 0);
    talk(&ledger, 0, 0, spoken); /* which has its place in the room's order, the change has none */
    talk(&ledger, 1, 0, spoken);
    ledger_settle(&ledger);
    assert_int_equal(ledger.groups[0].completed, 2);
    expect_faults(&ledger, 0, 0, 0, 0);
    give(&ledger, SEEN_RESULT, 0, NUMBER_NONE, change); /* twice */
    uint32_t other = ledger_mark(&ledger, MARK_CHANGE, 2, 0);
    give(&ledger, SEEN_RESULT, 3, NUMBER_NONE, other); /* not to who has asked */
    ledger_mark(&ledger, MARK_CHANGE, 0, 0);
    ledger.changing = false;
    give(&ledger, SEEN_NOTICE, 1, NUMBER_NONE, NUMBER_NONE); /* of nothing */
    finish(&ledger);                                         /* and two that nobody answers */
    expect_faults(&ledger, 2, 0, 0, 3);
    ledger_free(&ledger);
}

static void a_full_ledger_says_so(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 1, true);
    uint32_t count = 0;
    while (!ledger_full(&ledger, 1)) {
        ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
        count++;
    }
    assert_in_range(count, 63, 128);
    talk(&ledger, 0, 0, 0);
    ledger_settle(&ledger);
    assert_false(ledger_full(&ledger, 1));
    assert_true(ledger_full(&ledger, 2));
    ledger_free(&ledger);
}

static void latency_counts_from_when_it_was_due(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, true);
    ledger.timed = true;
    uint32_t mark = ledger_mark(&ledger, MARK_MESSAGE, 0, 1000);
    ledger.now_ns = 51000;
    talk(&ledger, 0, 0, mark);
    ledger_settle(&ledger);
    ledger.now_ns = 2001000;
    talk(&ledger, 1, 0, mark);
    ledger_settle(&ledger);
    assert_int_equal(ledger.groups[0].latency.count, 2);
    assert_in_range(hist_quantile_ns(&ledger.groups[0].latency, 0.1), 49000, 50000);
    assert_int_equal(ledger.groups[0].latency.max_ns, 2000000);
    ledger_free(&ledger);
}

/* ---- entering ---- */

static void here(struct ledger *ledger, uint32_t to, uint32_t nick)
{
    give(ledger, SEEN_HERE, to, nick, NUMBER_NONE);
}

static void subject(struct ledger *ledger, uint32_t to)
{
    give(ledger, SEEN_SUBJECT, to, NUMBER_NONE, NUMBER_NONE);
}

/* User `who` enters behind all with lower numbers, and they are told. */
static void enter(struct ledger *ledger, uint32_t who)
{
    ledger_enter(ledger, who, 0);
    for (uint32_t other = 0; other < who; other++)
        here(ledger, who, other);
    here(ledger, who, who);
    subject(ledger, who);
    for (uint32_t other = 0; other < who; other++)
        here(ledger, other, who);
}

static void all_enter(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 4, true);
    for (uint32_t i = 0; i < 4; i++)
        enter(&ledger, i);
    ledger_check_entries(&ledger);
    expect_faults(&ledger, 0, 0, 0, 0);
    assert_int_equal(ledger.entered, 4);
    assert_int_equal(ledger.presences, 12);
    assert_int_equal(ledger_entries_expected(&ledger), 12);
    ledger_free(&ledger);
}

static void one_inside_is_not_listed(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 3, true);
    enter(&ledger, 0);
    enter(&ledger, 1);
    ledger_enter(&ledger, 2, 0);
    here(&ledger, 2, 0);
    here(&ledger, 2, 2);
    assert_int_equal(ledger.faults.misses, 1);
    subject(&ledger, 2);
    here(&ledger, 0, 2);
    here(&ledger, 1, 2);
    ledger_check_entries(&ledger);
    assert_true(ledger.faults.misses >= 1);
    ledger_free(&ledger);
}

static void one_is_listed_twice_in_place_of_another(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 3, true);
    enter(&ledger, 0);
    enter(&ledger, 1);
    ledger_enter(&ledger, 2, 0);
    here(&ledger, 2, 1);
    here(&ledger, 2, 1);
    here(&ledger, 2, 2);
    subject(&ledger, 2);
    here(&ledger, 0, 2);
    here(&ledger, 1, 2);
    ledger_check_entries(&ledger);
    expect_faults(&ledger, 0, 0, 0, 1);
    ledger_free(&ledger);
}

static void one_is_not_told_of_a_newcomer(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, true);
    enter(&ledger, 0);
    ledger_enter(&ledger, 1, 0);
    here(&ledger, 1, 0);
    here(&ledger, 1, 1);
    subject(&ledger, 1);
    ledger_check_entries(&ledger);
    expect_faults(&ledger, 1, 0, 0, 0);
    ledger_free(&ledger);
}

static void own_presence_without_110(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, true);
    ledger_enter(&ledger, 0, 0);
    struct seen own = {SEEN_HERE, false, 0, 0, 0, NUMBER_NONE};
    ledger_take(&ledger, 0, &own, no_text);
    expect_faults(&ledger, 0, 0, 0, 1);
    own = (struct seen){SEEN_HERE, true, 0, 0, 1, NUMBER_NONE};
    ledger_take(&ledger, 0, &own, no_text);
    expect_faults(&ledger, 0, 0, 0, 2);
    ledger_free(&ledger);
}

static void subject_before_own_presence(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 1, true);
    ledger_enter(&ledger, 0, 0);
    subject(&ledger, 0);
    expect_faults(&ledger, 0, 0, 0, 1);
    here(&ledger, 0, 0);
    ledger_check_entries(&ledger);
    expect_faults(&ledger, 1, 0, 0, 1);
    ledger_free(&ledger);
}

/* Two who were told the same number inside cannot both be right. */
static void lists_that_do_not_add_up(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, false);
    ledger_enter(&ledger, 0, 0);
    ledger_enter(&ledger, 1, 0);
    here(&ledger, 0, 0);
    here(&ledger, 1, 1);
    subject(&ledger, 0);
    subject(&ledger, 1);
    here(&ledger, 0, 1);
    here(&ledger, 1, 0);
    ledger_check_entries(&ledger);
    expect_faults(&ledger, 0, 0, 0, 1);
    ledger_free(&ledger);
}

static void a_room_that_shows_nobody(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, true);
    ledger.presences_shown = false;
    for (uint32_t i = 0; i < 2; i++) {
        ledger_enter(&ledger, i, 0);
        here(&ledger, i, i);
        subject(&ledger, i);
    }
    ledger_check_entries(&ledger);
    expect_faults(&ledger, 0, 0, 0, 0);
    here(&ledger, 0, 1);
    ledger_check_entries(&ledger);
    expect_faults(&ledger, 0, 1, 0, 0);
    ledger_free(&ledger);
}

/* ---- leaving and coming back ---- */

/* Room of 3 with three messages said; user 1 leaves and asks to come back. */
static void begin_cycle(struct ledger *ledger, uint32_t *leave, uint32_t *entry)
{
    begin(ledger, 1, 3, true);
    for (uint32_t i = 0; i < 3; i++)
        enter(ledger, i);
    for (uint32_t message = 0; message < 3; message++) {
        uint32_t mark = ledger_mark(ledger, MARK_MESSAGE, 0, 0);
        for (uint32_t to = 0; to < 3; to++)
            talk(ledger, to, 0, mark);
    }
    ledger_settle(ledger);
    *leave = ledger_mark(ledger, MARK_LEAVE, 1, 0);
    *entry = ledger_mark(ledger, MARK_ENTRY, 1, 0);
    give(ledger, SEEN_GONE, 1, 1, *leave);
    give(ledger, SEEN_GONE, 0, 1, *leave);
    give(ledger, SEEN_GONE, 2, 1, NUMBER_NONE); /* a server may leave the status out */
    here(ledger, 1, 0);
    here(ledger, 1, 2);
    give(ledger, SEEN_HERE, 1, 1, *entry);
    give(ledger, SEEN_HERE, 0, 1, *entry);
    give(ledger, SEEN_HERE, 2, 1, *entry);
}

static void leaves_and_comes_back(void **state)
{
    (void)state;
    struct ledger ledger;
    uint32_t leave, entry;
    begin_cycle(&ledger, &leave, &entry);
    assert_int_equal(ledger.entered, 2);
    give(&ledger, SEEN_HISTORY, 1, 0, 1);
    give(&ledger, SEEN_HISTORY, 1, 0, 2);
    assert_int_equal(ledger.free_count, 0);
    subject(&ledger, 1);
    assert_int_equal(ledger.free_count, 1);
    assert_int_equal(ledger.groups[0].completed, 4);
    assert_int_equal(ledger.entered, 3);
    finish(&ledger);
    expect_faults(&ledger, 0, 0, 0, 0);
    ledger_free(&ledger);
}

static void history_is_short(void **state)
{
    (void)state;
    struct ledger ledger;
    uint32_t leave, entry;
    begin_cycle(&ledger, &leave, &entry);
    give(&ledger, SEEN_HISTORY, 1, 0, 1);
    subject(&ledger, 1);
    expect_faults(&ledger, 1, 0, 0, 1);
    ledger_free(&ledger);
}

static void history_is_out_of_order_or_too_long(void **state)
{
    (void)state;
    struct ledger ledger;
    uint32_t leave, entry;
    begin_cycle(&ledger, &leave, &entry);
    give(&ledger, SEEN_HISTORY, 1, 0, 2);
    give(&ledger, SEEN_HISTORY, 1, 0, 1);
    expect_faults(&ledger, 0, 0, 0, 2);
    give(&ledger, SEEN_HISTORY, 1, 0, 0);
    expect_faults(&ledger, 0, 0, 0, 3);
    give(&ledger, SEEN_HISTORY, 0, 0, 2); /* one who did not leave */
    expect_faults(&ledger, 0, 0, 0, 4);
    ledger_free(&ledger);
}

static void nobody_comes_back(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, true);
    enter(&ledger, 0);
    enter(&ledger, 1);
    uint32_t leave = ledger_mark(&ledger, MARK_LEAVE, 1, 0);
    ledger_mark(&ledger, MARK_ENTRY, 1, 0);
    give(&ledger, SEEN_GONE, 1, 1, leave);
    give(&ledger, SEEN_GONE, 0, 1, leave);
    finish(&ledger);
    expect_faults(&ledger, 3, 0, 0, 0); /* two copies and the end of the entry */
    ledger_free(&ledger);
}

static void one_leaves_unasked(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, true);
    enter(&ledger, 0);
    enter(&ledger, 1);
    give(&ledger, SEEN_GONE, 0, 1, NUMBER_NONE);
    expect_faults(&ledger, 0, 0, 0, 1);
    ledger_free(&ledger);
}

/* ---- who does not read ---- */

static void nothing_is_expected_of_who_does_not_read(void **state)
{
    (void)state;
    struct ledger ledger;
    struct layout layout = {
        .rooms = 1, .occupants = 10, .marks_max = 63, .links = 1, .slow_percent_x100 = 2000};
    ledger_init(&ledger, &layout);
    ledger.ordered = true;
    ledger.printed = PRINTED_MAX;
    unsigned slow = 0;
    uint32_t one_slow = 0;
    for (uint32_t i = 0; i < 10; i++) {
        slow += ledger.users[i].slow;
        one_slow = ledger.users[i].slow ? i : one_slow;
    }
    assert_int_equal(slow, 2);
    uint32_t mark = ledger_mark(&ledger, MARK_MESSAGE, 0, 0);
    for (uint32_t to = 0; to < 10; to++) {
        if (!ledger.users[to].slow)
            talk(&ledger, to, 0, mark);
    }
    give(&ledger, SEEN_GONE, 0, one_slow, NUMBER_NONE);
    give(&ledger, SEEN_GONE, 1, one_slow, NUMBER_NONE);
    assert_int_equal(ledger.removed, 1);
    finish(&ledger);
    expect_faults(&ledger, 0, 0, 0, 0);
    ledger_free(&ledger);
}

static void a_room_speaks_for_itself(void **state)
{
    (void)state;
    struct ledger ledger;
    begin(&ledger, 1, 2, true);
    ledger.rooms_speak = true; /* as ejabberd's do */
    ledger_enter(&ledger, 0, 0);
    give(&ledger, SEEN_HERE, 0, NUMBER_NONE, NUMBER_NONE);
    here(&ledger, 0, 0);
    subject(&ledger, 0);
    give(&ledger, SEEN_GONE, 0, NUMBER_NONE, NUMBER_NONE);
    expect_faults(&ledger, 0, 0, 0, 0);
    assert_int_equal(ledger.received, 2); /* what it says is no delivery */
    ledger.rooms_speak = false;           /* as ours do not */
    give(&ledger, SEEN_HERE, 0, NUMBER_NONE, NUMBER_NONE);
    give(&ledger, SEEN_GONE, 0, NUMBER_NONE, NUMBER_NONE);
    expect_faults(&ledger, 0, 0, 0, 2);
    ledger_free(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_copies_once),
        cmocka_unit_test(one_copy_is_missing),
        cmocka_unit_test(everything_is_missing),
        cmocka_unit_test(a_copy_comes_twice),
        cmocka_unit_test(two_change_places),
        cmocka_unit_test(two_see_different_orders),
        cmocka_unit_test(a_sender_is_overtaken_by_himself),
        cmocka_unit_test(not_for_these),
        cmocka_unit_test(the_server_may_say_that_it_is_busy),
        cmocka_unit_test(changes_are_answered_once),
        cmocka_unit_test(a_full_ledger_says_so),
        cmocka_unit_test(latency_counts_from_when_it_was_due),
        cmocka_unit_test(all_enter),
        cmocka_unit_test(one_inside_is_not_listed),
        cmocka_unit_test(one_is_listed_twice_in_place_of_another),
        cmocka_unit_test(one_is_not_told_of_a_newcomer),
        cmocka_unit_test(own_presence_without_110),
        cmocka_unit_test(subject_before_own_presence),
        cmocka_unit_test(lists_that_do_not_add_up),
        cmocka_unit_test(a_room_that_shows_nobody),
        cmocka_unit_test(leaves_and_comes_back),
        cmocka_unit_test(history_is_short),
        cmocka_unit_test(history_is_out_of_order_or_too_long),
        cmocka_unit_test(nobody_comes_back),
        cmocka_unit_test(one_leaves_unasked),
        cmocka_unit_test(nothing_is_expected_of_who_does_not_read),
        cmocka_unit_test(a_room_speaks_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
