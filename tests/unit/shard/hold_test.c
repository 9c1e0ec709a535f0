/*
 * The door of an archived room: steps leave whole and in order when what they wait for is kept;
 * what was not kept is in nobody's sight.
 */
#include "shard/hold.h"

#include "core/base/mem.h"
#include "core/muc/muc.h"
#include "core/muc/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct hold *hold;
static struct roster *roster;
static struct address *address;
static struct step step;

static int begin(void **state)
{
    UNUSED(state);
    arena = arena_new(4096);
    hold = hold_new();
    roster = roster_new();
    address = address_new(STR("romeo@example.org/desk"));
    step = (struct step){.arena = arena};
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    hold_free(hold);
    address_unref(address);
    roster_unref(roster);
    arena_free(arena);
    return 0;
}

static struct frame *frame_made(const char *body)
{
    struct fb fb;
    fb_begin(&fb, arena, "message", STR_NONE, STR_NONE, STR_NONE);
    fb_text(&fb, str_z(body));
    return fb_finish(&fb);
}

static struct route route(uint32_t slot)
{
    return (struct route){.slot = slot, .generation = 1, .lane = 0};
}

/* ---- what steps do ---- */

static void broadcast(struct frame *frame)
{
    effect_broadcast(&step, frame_ref(frame), roster, (struct audience){0});
}

static void list_of(struct frame *const *frames, uint32_t count)
{
    struct listed_frame *listed = ARENA_NEW_ARRAY(arena, struct listed_frame, count);
    for (uint32_t i = 0; i < count; i++) {
        listed[i].frame = frame_ref(frames[i]);
        listed[i].tail = str_in(arena, STR("<delay/>"));
    }
    effect_send_list(&step, listed, count, route(1), address);
}

static void wait_for(uint64_t ticket)
{
    hold_add(hold, &step.effects, route((uint32_t)ticket), ticket);
    assert_int_equal(step.effects.count, 0);
    arena_reset(arena); /* nothing that waits may lie in it */
    step = (struct step){.arena = arena};
}

/* ---- what leaves ---- */

static bool carries(const struct frame *frame, const char *body)
{
    return memmem(frame->bytes, frame->size, body, strlen(body)) != NULL;
}

static struct held_step next_step(uint64_t ticket, uint32_t effects)
{
    struct held_step held;
    assert_true(hold_next(hold, ticket, &held));
    assert_int_equal(held.effects.count, effects);
    return held;
}

static void done(struct held_step *held)
{
    effects_release(&held->effects);
    hold_done(held);
}

static void nothing_for(uint64_t ticket)
{
    struct held_step held;
    assert_false(hold_next(hold, ticket, &held));
}

static void steps_leave_in_order(void **state)
{
    UNUSED(state);
    struct frame *first = frame_made("first");
    struct frame *second = frame_made("second");
    broadcast(first);
    effect_send(&step, frame_ref(second), route(1), address);
    wait_for(3);
    broadcast(second);
    wait_for(3);
    broadcast(first);
    wait_for(5);
    nothing_for(2);
    assert_false(hold_empty(hold));

    struct held_step held = next_step(3, 2);
    assert_int_equal(held.origin.slot, 3);
    assert_int_equal(held.effects.at[0].kind, FX_BROADCAST);
    assert_ptr_equal(held.effects.at[0].broadcast.frame, first);
    assert_int_equal(held.effects.at[1].kind, FX_SEND);
    assert_true(carries(held.effects.at[1].send.frame, "second"));
    done(&held);
    held = next_step(4, 1);
    assert_ptr_equal(held.effects.at[0].broadcast.frame, second);
    done(&held);
    nothing_for(4);
    held = next_step(5, 1);
    done(&held);
    nothing_for(UINT64_MAX);
    assert_true(hold_empty(hold));
    frame_unref(first);
    frame_unref(second);
}

/* Nothing to deliver: nothing waits. */
static void an_empty_step_is_none(void **state)
{
    UNUSED(state);
    wait_for(1);
    assert_true(hold_empty(hold));
}

static void many_wait(void **state)
{
    UNUSED(state);
    uint64_t in = 1;
    uint64_t out = 1;
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < 7; i++) {
            effect_send(&step, frame_made("x"), route(1), address);
            wait_for(in++);
        }
        for (unsigned i = 0; i < 3; i++) {
            struct held_step held = next_step(out, 1);
            assert_int_equal(held.origin.slot, out++);
            done(&held);
        }
    }
    while (out < in) {
        struct held_step held = next_step(out, 1);
        assert_int_equal(held.origin.slot, out++);
        done(&held);
    }
    assert_true(hold_empty(hold));
    assert_int_equal(hold_bytes(hold), 0);
}

static void bytes_are_counted(void **state)
{
    UNUSED(state);
    struct frame *frames[] = {frame_made("one"), frame_made("another one")};
    size_t both = frames[0]->size + frames[1]->size;
    assert_int_equal(hold_bytes(hold), 0);
    broadcast(frames[0]);
    wait_for(1);
    assert_int_equal(hold_bytes(hold), frames[0]->size);
    list_of(frames, 2);
    wait_for(2);
    assert_int_equal(hold_bytes(hold), frames[0]->size + both);
    struct held_step held = next_step(1, 1);
    done(&held);
    assert_int_equal(hold_bytes(hold), both);
    held = next_step(2, 1);
    assert_int_equal(held.effects.at[0].send_list.count, 2);
    assert_true(str_eqz(held.effects.at[0].send_list.frames[1].tail, "<delay/>"));
    done(&held);
    assert_int_equal(hold_bytes(hold), 0);
    frame_unref(frames[0]);
    frame_unref(frames[1]);
}

/* ---- failure ---- */

static void what_was_not_kept_is_not_seen(void **state)
{
    UNUSED(state);
    struct frame *kept = frame_made("kept");
    struct frame *lost = frame_made("lost");
    struct frame *older = frame_made("older");
    struct frame *const history[] = {older, kept, lost};
    broadcast(kept);
    hold_message(hold, kept, 1);
    wait_for(1);
    broadcast(lost);
    effect_send(&step, frame_made("an answer"), route(1), address);
    hold_message(hold, lost, 2);
    wait_for(2);
    list_of(history, 3); /* to a newcomer */
    list_of(&history[2], 1);
    wait_for(2);

    struct held_step held = next_step(1, 1);
    done(&held);
    nothing_for(1);
    hold_fail(hold, 2);
    held = next_step(2, 1);
    assert_true(carries(held.effects.at[0].send.frame, "an answer"));
    done(&held);
    held = next_step(2, 1);
    assert_int_equal(held.effects.at[0].send_list.count, 2);
    assert_ptr_equal(held.effects.at[0].send_list.frames[0].frame, older);
    assert_ptr_equal(held.effects.at[0].send_list.frames[1].frame, kept);
    done(&held);
    assert_true(hold_empty(hold));
    frame_unref(kept);
    frame_unref(lost);
    frame_unref(older);
}

/* The lane waits for it, behind what was said before. */
static void the_answer_to_a_loss_keeps_its_place(void **state)
{
    UNUSED(state);
    struct frame *lost = frame_made("lost");
    broadcast(lost);
    hold_message(hold, lost, 1);
    wait_for(1);
    effect_loss_heard(&step, route(6));
    wait_for(1);
    hold_fail(hold, 1);
    struct held_step held = next_step(1, 0);
    done(&held);
    held = next_step(1, 1);
    assert_int_equal(held.effects.at[0].kind, FX_LOSS_HEARD);
    assert_int_equal(held.effects.at[0].loss_heard.link.slot, 6);
    done(&held);
    assert_int_equal(hold_bytes(hold), 0);
    frame_unref(lost);
}

/* The batches behind it are others: theirs stay. */
static void one_ticket_fails_alone(void **state)
{
    UNUSED(state);
    struct frame *lost = frame_made("lost");
    struct frame *next = frame_made("next");
    struct frame *const history[] = {lost, next};
    broadcast(lost);
    hold_message(hold, lost, 1);
    wait_for(1);
    broadcast(next);
    hold_message(hold, next, 2);
    wait_for(2);
    list_of(history, 2);
    wait_for(2);
    hold_fail(hold, 1);
    struct held_step held = next_step(1, 0);
    done(&held);
    nothing_for(1);
    held = next_step(2, 1);
    assert_ptr_equal(held.effects.at[0].broadcast.frame, next);
    done(&held);
    held = next_step(2, 1);
    assert_int_equal(held.effects.at[0].send_list.count, 1);
    assert_ptr_equal(held.effects.at[0].send_list.frames[0].frame, next);
    done(&held);
    nothing_for(2);
    frame_unref(lost);
    frame_unref(next);
}

/* A sanitizer says whether all of it was given back. */
static void what_waits_at_the_end_is_dropped(void **state)
{
    UNUSED(state);
    struct frame *frame = frame_made("never");
    struct jid *friar = jid_parse(arena, STR("friar@example.org"));
    broadcast(frame);
    list_of(&frame, 1);
    effect_route(&step, frame_ref(frame), friar);
    hold_message(hold, frame, 1);
    wait_for(1);
    assert_true(hold_bytes(hold) > 0);
    frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps_leave_in_order, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_step_is_none, begin, end),
        cmocka_unit_test_setup_teardown(many_wait, begin, end),
        cmocka_unit_test_setup_teardown(bytes_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(what_was_not_kept_is_not_seen, begin, end),
        cmocka_unit_test_setup_teardown(the_answer_to_a_loss_keeps_its_place, begin, end),
        cmocka_unit_test_setup_teardown(one_ticket_fails_alone, begin, end),
        cmocka_unit_test_setup_teardown(what_waits_at_the_end_is_dropped, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
