/*
 * The window: what waits for company and what does not, what is replaced, and that everything comes
 * out in the order in which it went in. Steps are made by hand, each with what a room would send.
 */
#include "shard/window.h"

#include "core/base/limits.h"
#include "core/muc/muc.h"
#include "tests/support/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LANES = 2, LISTENERS = 4, ROMEO = 11, JULIET = 12, NURSE = 13, MODS = ROSTER_MODERATOR };

static const int64_t start_us = 1000000;

static struct exchange *exchange;
static struct arena *arena;
static struct fake_lane lanes[LANES];
static struct fanout fanout;
static struct windows windows;
static struct window *window;
static struct roster *roster;
static struct address *address;
static struct step step;  /* being put together */
static uint32_t sessions; /* in the room */
static uint64_t room;     /* its id */
static int64_t now_us;
static uint32_t owed[LANES]; /* KiB that were read and not yet said to be done */

static void seat(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct route route = {.slot = i, .generation = 1, .lane = (uint16_t)(i % LANES)};
        roster_add(&roster, route, address, i, i, ROSTER_PARTICIPANT);
    }
}

static int begin(void **state)
{
    UNUSED(state);
    exchange = exchange_new();
    arena = arena_new(4096);
    for (uint16_t i = 0; i < LANES; i++)
        fake_lane_open(&lanes[i], exchange, i);
    fanout_init(&fanout, exchange, 1);
    windows_init(&windows, &fanout);
    roster = roster_new();
    address = address_new(STR("u@example.org/r"));
    seat(LISTENERS);
    sessions = PRESENCE_WINDOW_FROM;
    room = 7;
    now_us = start_us;
    memset(owed, 0, sizeof(owed));
    step = (struct step){.arena = arena};
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    effects_release(&step.effects);
    window_free(window);
    window = NULL;
    assert_null(windows.first);
    roster_unref(roster);
    address_unref(address);
    fanout_fini(&fanout);
    for (unsigned i = 0; i < LANES; i++)
        fake_lane_close(&lanes[i]);
    exchange_free(exchange);
    arena_free(arena);
    return 0;
}

/* ---- a step is put together ---- */

static struct frame *frame_made(const char *kind, const char *id)
{
    struct fb fb;
    fb_begin(&fb, arena, kind, STR("room@rooms.example"), STR_NONE, str_z(id));
    return fb_finish(&fb);
}

static void presence(const char *id, uint32_t about, uint8_t any_of, enum urgency urgency)
{
    effect_presence(&step, frame_made("presence", id), roster, (struct audience){any_of, about},
                    (struct tidings){about, urgency});
}

static void standing(const char *id, uint32_t about)
{
    presence(id, about, 0, URGENCY_STANDING);
}

static void lasting(const char *id, uint32_t about)
{
    presence(id, about, 0, URGENCY_LASTING);
}

static void message(const char *id)
{
    effect_broadcast(&step, frame_made("message", id), roster, AUDIENCE_ALL);
}

static void one(const char *kind, const char *id)
{
    effect_send(&step, frame_made(kind, id), (struct route){0, 1, 0}, address);
}

static void list(const char *first, const char *second, const char *tail)
{
    struct listed_frame *frames = ARENA_NEW_ARRAY(arena, struct listed_frame, 2);
    frames[0].frame = frame_made("presence", first);
    frames[1].frame = frame_made("message", second);
    frames[1].tail = str_in(arena, str_z(tail));
    effect_send_list(&step, frames, 2, (struct route){0, 1, 0}, address);
}

/* ---- and happens ---- */

static void send_now(const struct effect *effect)
{
    if (effect->kind == FX_SEND)
        fanout_one(&fanout, room, effect->send.route, effect->send.frame, effect->send.address);
    else if (effect->kind == FX_SEND_LIST)
        fanout_list(&fanout, room, effect->send_list.route, effect->send_list.frames,
                    effect->send_list.count, effect->send_list.address);
    else if (effect->kind == FX_BROADCAST)
        fanout_broadcast(&fanout, room, effect->broadcast.frame, effect->broadcast.roster,
                         effect->broadcast.audience);
    else
        frame_unref(effect->route.frame);
}

/* True if it waits. What it says must not be needed in the arena any more. */
static bool happens_in(struct window **of)
{
    struct window_step what = {&step.effects, room, sessions, now_us};
    struct window *in = window_for(&windows, of, &what);
    for (uint32_t i = 0; i < step.effects.count; i++) {
        if (in != NULL)
            window_hold(in, &step.effects.at[i]);
        else
            send_now(&step.effects.at[i]);
    }
    if (in != NULL)
        window_settle(in, now_us);
    step.effects = (struct effects){0};
    arena_reset(arena);
    return in != NULL;
}

static bool happens(void)
{
    return happens_in(&window);
}

static void append_id(void *self, struct route route, const char *text)
{
    static char last[64];
    char *line = self;
    char id[64];
    UNUSED(route);
    assert_int_equal(sscanf(strstr(text, " id='"), " id='%60[^']'", id), 1);
    /* One broadcast is read by all its listeners: it is written down once. */
    if (line[0] != '\0' && strcmp(last, id) == 0)
        return;
    snprintf(last, sizeof(last), "%s", id);
    snprintf(line + strlen(line), 4000 - strlen(line), "%s%s%s", line[0] == '\0' ? "" : " ", id,
             strstr(text, "tail") != NULL ? "+tail" : "");
}

/* The ids of what came to a lane, in order. */
static const char *came(unsigned lane)
{
    static char line[4096];
    struct message *message;
    line[0] = '\0';
    fanout_flush(&fanout);
    fake_lane_drain(&lanes[lane]);
    while ((message = fake_lane_next(&lanes[lane])) != NULL) {
        for (uint32_t i = 0; i < message->deliveries.count; i++) {
            const struct delivery *delivery = &message->deliveries.at[i];
            owed[lane] += delivery->cost;
            delivery_expand(delivery, (uint16_t)lane, append_id, line);
        }
        message_free(message);
    }
    return line;
}

#define CAME(expected) assert_string_equal(came(0), expected)

/* The lanes are done with all that came to them. */
static void lanes_rest(void)
{
    for (uint16_t i = 0; i < LANES; i++) {
        (void)came(i);
        fanout_lane_credit(&fanout, i, owed[i]);
        owed[i] = 0;
    }
    assert_true(fanout_idle(&fanout));
}

/* Presence has just gone out, and the lanes are busy with it. */
static void rush(void)
{
    standing("first", NURSE);
    assert_false(happens());
    CAME("first");
}

static void clock_out(void)
{
    now_us += PRESENCE_WINDOW_US;
    windows_look(&windows, now_us);
}

/* ---- tests ---- */

static void alone_it_goes_at_once(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < 3; i++) {
        standing("alone", ROMEO);
        assert_false(happens());
        CAME("alone");
        assert_int_equal(windows_timeout_ms(&windows, now_us), -1);
        now_us += PRESENCE_WINDOW_US;
    }
}

static void nothing_waits_while_the_lanes_rest(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < 3; i++) {
        standing("quick", ROMEO);
        assert_false(happens());
        CAME("quick");
        lanes_rest();
        now_us += 100;
    }
}

static void a_rush_goes_out_together(void **state)
{
    UNUSED(state);
    rush();
    standing("second", ROMEO);
    assert_true(happens());
    assert_int_equal(windows_timeout_ms(&windows, now_us), PRESENCE_WINDOW_US / 1000);
    now_us += PRESENCE_WINDOW_US - 1;
    lasting("third", JULIET);
    one("presence", "own");
    assert_true(happens());
    windows_look(&windows, now_us);
    CAME("");
    assert_int_equal(windows_timeout_ms(&windows, now_us), 1);
    now_us++;
    assert_int_equal(windows_timeout_ms(&windows, now_us), 0);
    windows_look(&windows, now_us);
    CAME("second third own");
    assert_string_equal(came(1), "first second third");
    assert_int_equal(windows_timeout_ms(&windows, now_us), -1);

    /* The clock runs from there, not from the first. */
    standing("fourth", ROMEO);
    assert_true(happens());
    clock_out();
    CAME("fourth");
}

static void it_goes_when_the_lanes_are_done(void **state)
{
    UNUSED(state);
    rush();
    standing("second", ROMEO);
    assert_true(happens());
    windows_look(&windows, now_us);
    CAME("");
    lanes_rest();
    windows_look(&windows, now_us);
    CAME("second");
}

static void a_later_one_replaces(void **state)
{
    UNUSED(state);
    rush();
    standing("romeo-1", ROMEO);
    one("presence", "own-1");
    assert_true(happens());
    standing("juliet-1", JULIET);
    assert_true(happens());
    standing("romeo-2", ROMEO);
    one("presence", "own-2");
    assert_true(happens());
    standing("romeo-3", ROMEO);
    assert_true(happens());
    clock_out();
    CAME("own-1 juliet-1 own-2 romeo-3");
    /* What is out is out. */
    standing("romeo-4", ROMEO);
    assert_true(happens());
    clock_out();
    CAME("romeo-4");
}

/* Each audience by itself: moderators see JIDs, others do not. */
static void a_pair_is_replaced_as_one(void **state)
{
    UNUSED(state);
    uint8_t others = ROSTER_VISITOR | ROSTER_PARTICIPANT;
    struct roster *before = roster_ref(roster);
    roster_update(&roster, 0, (struct route){0, 1, 0}, 0, ROSTER_MODERATOR);
    roster_unref(before);
    rush();
    presence("full-1", ROMEO, MODS, URGENCY_STANDING);
    presence("anon-1", ROMEO, others, URGENCY_STANDING);
    assert_true(happens());
    presence("full-2", ROMEO, MODS, URGENCY_STANDING);
    presence("anon-2", ROMEO, others, URGENCY_STANDING);
    assert_true(happens());
    presence("full-3", ROMEO, MODS, URGENCY_STANDING);
    assert_true(happens());
    clock_out();
    CAME("anon-2 full-3");
}

/* Two nicknames of one account, which is left out of the news of both; and the same nickname when
 * the account goes by another number. */
static void nicknames_of_an_account_are_two(void **state)
{
    enum { FIRST = 1, SECOND = 2 };
    static const struct news {
        const char *id;
        uint32_t about, account;
    } news[] = {
        {"first-1", FIRST, FIRST},
        {"second-1", SECOND, FIRST},
        {"first-2", FIRST, FIRST},
        {"second-2", SECOND, SECOND},
    };
    UNUSED(state);
    rush();
    for (unsigned i = 0; i < ARRAY_LEN(news); i++) {
        effect_presence(&step, frame_made("presence", news[i].id), roster,
                        (struct audience){0, news[i].account},
                        (struct tidings){news[i].about, URGENCY_STANDING});
        assert_true(happens());
    }
    clock_out();
    CAME("first-2 second-2");
}

static void what_lasts_is_kept(void **state)
{
    UNUSED(state);
    rush();
    standing("enters", ROMEO);
    assert_true(happens());
    lasting("old-nick", ROMEO);
    lasting("new-nick", ROMEO);
    assert_true(happens());
    standing("away", ROMEO);
    assert_true(happens());
    lasting("kicked", JULIET);
    assert_true(happens());
    standing("back", ROMEO);
    assert_true(happens());
    lasting("leaves", ROMEO);
    assert_true(happens());
    standing("another-romeo", ROMEO);
    assert_true(happens());
    clock_out();
    CAME("enters old-nick new-nick kicked back leaves another-romeo");
}

static void a_message_takes_it_along(void **state)
{
    UNUSED(state);
    rush();
    standing("romeo", ROMEO);
    assert_true(happens());
    message("said");
    assert_false(happens());
    standing("juliet", JULIET);
    assert_true(happens());
    CAME("romeo said");
    one("message", "whispered");
    assert_false(happens());
    CAME("juliet whispered");

    standing("juliet", JULIET);
    assert_true(happens());
    list("shown", "told", "");
    assert_false(happens());
    CAME("juliet shown told");

    standing("juliet", JULIET);
    assert_true(happens());
    effect_route(&step, frame_made("message", "routed"), jid_parse(arena, STR("a@b")));
    assert_false(happens());
    CAME("juliet");

    /* A change of role: not a message, and yet it changes who sees what. */
    standing("juliet", JULIET);
    assert_true(happens());
    presence("promoted", ROMEO, 0, URGENCY_PROMPT);
    lasting("put-out", NURSE);
    assert_false(happens());
    CAME("juliet promoted put-out");
}

static void an_answer_stays_behind(void **state)
{
    UNUSED(state);
    one("iq", "answer-0");
    assert_false(happens());
    CAME("answer-0");
    rush();
    one("iq", "answer-1");
    assert_false(happens());
    CAME("answer-1");
    standing("romeo", ROMEO);
    assert_true(happens());
    one("iq", "answer-2");
    assert_true(happens());
    assert_true(happens()); /* nothing at all */
    clock_out();
    CAME("romeo answer-2");
}

static void a_newcomer_is_told_in_order(void **state)
{
    UNUSED(state);
    rush();
    list("is-here", "history", "<tail/>");
    standing("comes", ROMEO);
    one("presence", "self");
    one("message", "subject");
    assert_true(happens());
    standing("goes-on", ROMEO);
    assert_true(happens());
    clock_out();
    CAME("is-here history+tail self subject goes-on");
}

static void so_many_and_no_more(void **state)
{
    UNUSED(state);
    char id[20];
    rush();
    for (unsigned i = 1; i <= PRESENCE_WINDOW_STEPS; i++) {
        snprintf(id, sizeof(id), "n%u", i);
        lasting(id, ROMEO);
        assert_true(happens());
        if (i == PRESENCE_WINDOW_STEPS - 1)
            CAME("");
    }
    const char *all = came(0);
    assert_non_null(strstr(all, "n1 n2 "));
    assert_non_null(strstr(all, "n63 n64"));
    assert_int_equal(windows_timeout_ms(&windows, now_us), -1);
}

static void so_many_copies_and_no_more(void **state)
{
    UNUSED(state);
    struct roster *small = roster;
    roster = roster_new();
    seat(PRESENCE_WINDOW_COPIES / 2);
    rush();
    lasting("half", ROMEO);
    assert_true(happens());
    CAME("");
    lasting("other-half", ROMEO);
    assert_true(happens());
    CAME("half other-half");
    roster_unref(roster);
    roster = small;
    /* One that is replaced no longer counts. */
    roster = roster_new();
    seat(PRESENCE_WINDOW_COPIES - 1);
    for (unsigned i = 0; i < 3; i++) {
        standing("again", ROMEO);
        assert_true(happens());
    }
    CAME("");
    roster_unref(roster);
    roster = small;
    one("presence", "last");
    assert_true(happens());
    CAME("again last");
}

static void a_small_room_knows_nothing_of_it(void **state)
{
    UNUSED(state);
    sessions = PRESENCE_WINDOW_FROM - 1;
    rush();
    standing("second", ROMEO);
    assert_false(happens());
    CAME("second");
    assert_null(window);
}

static void a_room_that_shrinks_hands_over(void **state)
{
    UNUSED(state);
    rush();
    standing("romeo", ROMEO);
    assert_true(happens());
    sessions--;
    lasting("leaves", JULIET);
    assert_false(happens());
    assert_null(window);
    assert_null(windows.first);
    CAME("romeo leaves");
}

static void rooms_wait_by_themselves(void **state)
{
    UNUSED(state);
    struct window *other = NULL;
    rush();
    standing("here-1", ROMEO);
    assert_true(happens());
    room = 8;
    now_us += 1000;
    standing("there-0", ROMEO);
    assert_false(happens_in(&other));
    standing("there-1", ROMEO);
    assert_true(happens_in(&other));
    room = 7;
    standing("here-2", ROMEO);
    assert_true(happens());
    CAME("there-0");
    assert_int_equal(windows_timeout_ms(&windows, now_us), 2);
    now_us += PRESENCE_WINDOW_US - 1000;
    windows_look(&windows, now_us);
    CAME("here-2");
    assert_int_equal(windows_timeout_ms(&windows, now_us), 1);
    clock_out();
    CAME("there-1");
    window_free(other);
}

/* Frames, lists, rosters, addresses: the sanitizer counts. */
static void what_is_dropped_is_given_back(void **state)
{
    UNUSED(state);
    rush();
    list("is-here", "history", "<tail/>");
    standing("comes", ROMEO);
    one("presence", "self");
    assert_true(happens());
    standing("goes-on", ROMEO);
    assert_true(happens());
    window_free(window);
    window = NULL;
    assert_int_equal(windows_timeout_ms(&windows, now_us), -1);
    CAME("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(alone_it_goes_at_once, begin, end),
        cmocka_unit_test_setup_teardown(nothing_waits_while_the_lanes_rest, begin, end),
        cmocka_unit_test_setup_teardown(a_rush_goes_out_together, begin, end),
        cmocka_unit_test_setup_teardown(it_goes_when_the_lanes_are_done, begin, end),
        cmocka_unit_test_setup_teardown(a_later_one_replaces, begin, end),
        cmocka_unit_test_setup_teardown(a_pair_is_replaced_as_one, begin, end),
        cmocka_unit_test_setup_teardown(nicknames_of_an_account_are_two, begin, end),
        cmocka_unit_test_setup_teardown(what_lasts_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(a_message_takes_it_along, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_stays_behind, begin, end),
        cmocka_unit_test_setup_teardown(a_newcomer_is_told_in_order, begin, end),
        cmocka_unit_test_setup_teardown(so_many_and_no_more, begin, end),
        cmocka_unit_test_setup_teardown(so_many_copies_and_no_more, begin, end),
        cmocka_unit_test_setup_teardown(a_small_room_knows_nothing_of_it, begin, end),
        cmocka_unit_test_setup_teardown(a_room_that_shrinks_hands_over, begin, end),
        cmocka_unit_test_setup_teardown(rooms_wait_by_themselves, begin, end),
        cmocka_unit_test_setup_teardown(what_is_dropped_is_given_back, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
