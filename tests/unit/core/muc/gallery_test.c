/*
 * The gallery: against a plain model, snapshots that stay as they were, counted frames.
 */
#include "core/muc/gallery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PLACES = 1500, FRAMES = 40, ROUNDS = 50 };

static struct frame *frames[FRAMES];
static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(4096);
    for (unsigned i = 0; i < FRAMES; i++) {
        char from[80];
        struct fb fb;
        snprintf(from, sizeof(from), "room@localhost/%.*s%u", (int)i,
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", i);
        fb_begin(&fb, arena, "presence", str_z(from), STR_NONE, STR_NONE);
        frames[i] = fb_finish(&fb);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FRAMES; i++) {
        assert_int_equal(atomic_load(&frames[i]->refs), 1); /* all given back */
        frame_unref(frames[i]);
    }
    arena_free(arena);
    return 0;
}

/* What should be there, by place; NULL: nothing. */
struct model {
    struct frame *at[PLACES];
    uint32_t places; /* in use or not */
};

static void check_showing(const struct showing *showing, const struct model *model, uint32_t except)
{
    uint32_t count = 0, wanted = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < showing_places(showing); i++) {
        const struct frame *frame = showing_at(showing, i);
        const struct frame *expected = i < model->places && i != except ? model->at[i] : NULL;
        assert_ptr_equal(frame, expected);
        count += frame != NULL;
        bytes += frame != NULL ? frame->size : 0;
    }
    for (uint32_t i = 0; i < model->places; i++)
        wanted += model->at[i] != NULL && i != except;
    assert_int_equal(count, wanted);
    assert_int_equal(showing_count(showing), count);
    assert_int_equal(showing_bytes(showing), bytes);
}

static void check(const struct gallery *gallery, const struct model *model)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->places; i++) {
        assert_ptr_equal(gallery_at(gallery, i), model->at[i]);
        count += model->at[i] != NULL;
    }
    assert_int_equal(gallery_count(gallery), count);
    struct showing *showing = gallery_show(gallery, NULL, 0);
    check_showing(showing, model, PLACE_NONE);
    showing_free(showing);
}

static uint32_t add(struct gallery *gallery, struct model *model, struct frame *frame)
{
    uint32_t place = gallery_add(gallery, frame_ref(frame));
    assert_true(place != PLACE_NONE && place >= model->places && place < PLACES);
    model->at[place] = frame;
    model->places = place + 1;
    return place;
}

static void set(struct gallery *gallery, struct model *model, uint32_t place, struct frame *frame)
{
    gallery_set(gallery, place, frame != NULL ? frame_ref(frame) : NULL);
    model->at[place] = frame;
}

static void an_empty_one_shows_nothing(void **state)
{
    (void)state;
    struct gallery *gallery = gallery_new();
    assert_null(gallery_show(gallery, NULL, 0));
    assert_int_equal(showing_places(NULL), 0);
    assert_int_equal(showing_count(NULL), 0);
    assert_int_equal(showing_bytes(NULL), 0);
    uint32_t place = gallery_add(gallery, frame_ref(frames[0]));
    assert_null(gallery_show(gallery, &place, 1)); /* itself alone */
    gallery_set(gallery, place, NULL);
    gallery_set(gallery, place, NULL);
    assert_null(gallery_show(gallery, NULL, 0));
    showing_free(NULL);
    gallery_free(gallery);
    gallery_free(NULL);
}

static void one_is_left_out(void **state)
{
    (void)state;
    static struct model model;
    model.places = 0;
    struct gallery *gallery = gallery_new();
    uint32_t own = 0;
    for (unsigned i = 0; i < 200; i++) {
        uint32_t place = add(gallery, &model, frames[i % FRAMES]);
        own = i == 70 ? place : own;
    }
    struct showing *showing = gallery_show(gallery, &own, 1);
    check_showing(showing, &model, own);
    assert_int_equal(showing_count(showing), 199);
    showing_free(showing);
    gallery_free(gallery);
}

/* A list that waits keeps nothing of its own alive when others come: the same sheets serve all. */
static void coming_copies_nothing(void **state)
{
    (void)state;
    struct gallery *gallery = gallery_new();
    struct showing *showings[100];
    gallery_add(gallery, frame_ref(frames[0]));
    for (unsigned i = 0; i < 100; i++) {
        showings[i] = gallery_show(gallery, NULL, 0);
        gallery_add(gallery, frame_ref(frames[1]));
    }
    assert_int_equal(atomic_load(&frames[0]->refs), 2);
    assert_int_equal(atomic_load(&frames[1]->refs), 101);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(showing_count(showings[i]), i + 1);
        showing_free(showings[i]);
    }
    gallery_free(gallery);
}

/* Snapshots taken between changes of every kind; each still says what was so at its time. */
static void snapshots_do_not_change(void **state)
{
    (void)state;
    static struct model model, then[ROUNDS];
    struct showing *showings[ROUNDS];
    struct gallery *gallery = gallery_new();
    uint32_t random = 4711;
    memset(&model, 0, sizeof(model));
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 30; i++) {
            random = random * 1664525 + 1013904223;
            uint32_t place = (random >> 8) % (model.places + 1);
            struct frame *frame = frames[(random >> 20) % FRAMES];
            if (i % 3 == 0 || place == model.places || model.at[place] == NULL)
                add(gallery, &model, frame);
            else
                set(gallery, &model, place, (random & 64) != 0 ? frame : NULL);
        }
        check(gallery, &model);
        then[round] = model;
        showings[round] = gallery_show(gallery, NULL, 0);
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        check_showing(showings[round], &then[round], PLACE_NONE);
    /* the gallery goes first: the snapshots live on, and end in any order */
    gallery_free(gallery);
    for (unsigned round = 0; round < ROUNDS; round += 2)
        showing_free(showings[round]);
    for (unsigned round = 1; round < ROUNDS; round += 2) {
        check_showing(showings[round], &then[round], PLACE_NONE);
        showing_free(showings[round]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Several at once, one of which is not there (any more), and then all. */
static void several_are_left_out(void **state)
{
    (void)state;
    struct gallery *gallery = gallery_new();
    uint32_t places[70], some[4];
    for (unsigned i = 0; i < ARRAY_LEN(places); i++)
        places[i] = gallery_add(gallery, frame_ref(frames[i % FRAMES]));
    gallery_set(gallery, places[7], NULL);
    some[0] = places[69];
    some[1] = places[7];
    some[2] = PLACE_NONE;
    some[3] = places[0];
    struct showing *showing = gallery_show(gallery, some, ARRAY_LEN(some));
    gallery_set(gallery, places[7], frame_ref(frames[0])); /* of no matter to a snapshot */
    assert_int_equal(showing_count(showing), 67);
    uint32_t count = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < showing_places(showing); i++) {
        const struct frame *frame = showing_at(showing, i);
        assert_true(frame == NULL || (i != some[0] && i != some[1] && i != some[3]));
        count += frame != NULL;
        bytes += frame != NULL ? frame->size : 0;
    }
    assert_int_equal(count, 67);
    assert_int_equal(showing_bytes(showing), bytes);
    showing_free(showing);
    assert_null(gallery_show(gallery, places, ARRAY_LEN(places)));
    gallery_free(gallery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_one_shows_nothing), TEST(one_is_left_out),      TEST(coming_copies_nothing),
        TEST(snapshots_do_not_change),    TEST(several_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
