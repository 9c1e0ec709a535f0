/*
 * What every store deletes by and by, played to each of them: by number, by age, when a tombstone's
 * time is over; and what stays for newcomers.
 */
#include "core/base/limits.h"
#include "tests/support/store_expect.h"

static void only_so_many_are_kept(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 1000);
    struct archive_query query = query_all();
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    assert_int_equal(ask(&world, ROOM, &query).total, 1000);
    assert_true(trim_all(&world, 0, 1000, 0) >= 0);
    assert_int_equal(ask(&world, ROOM, &query).total, 1000);
    assert_true(trim_all(&world, 0, 3, 0) >= 0);
    finds(&query, "m998 m999 m1000 ");
    /* the room's own number is stronger; what was said since is counted */
    struct record_show show = {.archived = true, .history = 20, .keep_count = 2};
    add_show(&world, &show);
    commits(ROOM);
    assert_true(trim_all(&world, 0, 3, 0) >= 0);
    finds(&query, "m999 m1000 ");
    add_append(&world, 1001, "one more");
    commits(ROOM);
    assert_true(trim_all(&world, 0, 3, 0) >= 0);
    finds(&query, "m1000 m1001 ");
    query.after = STR("m999");
    refuses(&query, ERR_NOT_FOUND);
}

static void tombstone_until(const char *room, int64_t until_us)
{
    struct record_show show = {.until_us = until_us};
    add_wipe(&world);
    add_put(&world, RECORD_HEAD, "", "tombstone");
    add_show(&world, &show);
    commits(room);
}

/* Whether or not somebody asks for the room; of one that is made anew meanwhile, nothing goes. */
static void tombstones_go_when_their_time_is_over(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < 250; i++)
        tombstone_until(str_fmt(world.arena, "old%u@c.example", i).at, 1000 + i);
    tombstone_until(ROOM, 1000);
    assert_true(trim_all(&world, 0, 0, 999) >= 0);
    assert_int_equal(loads("old0@c.example").row_count, 1);
    assert_true(trim_all(&world, 0, 0, 1000) >= 0);
    is_absent("old0@c.example");
    is_absent(ROOM);
    assert_int_equal(loads("old1@c.example").row_count, 1);
    speaks(ROOM, 1, 3); /* a shard that had it in memory would begin with a wipe, or not: */
    add_delete(&world, RECORD_SESSION, "who@was.there/then");
    add_clear(&world, RECORD_SESSION);
    add_wipe(&world);
    commits("old0@c.example");
    is_absent("old0@c.example");
    assert_true(trim_all(&world, 0, 0, 1249) >= 0);
    is_absent("old249@c.example");
    assert_int_equal(loads(ROOM).history_count, 3);
    struct archive_query query = query_all();
    finds(&query, "m1 m2 m3 ");
}

#define DAY_US (INT64_C(86400) * 1000000)

static void only_so_long_they_are_kept(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = true, .history = 20};
    add_show(&world, &show);
    for (unsigned day = 1; day <= 10; day++) {
        struct archived message = message_make(&world, day, "text");
        message.at_us = day * DAY_US;
        add_message(&world, &message);
    }
    commits(ROOM);
    struct archive_query query = query_all();
    assert_true(trim_all(&world, 0, 0, 10 * DAY_US) >= 0);
    assert_int_equal(ask(&world, ROOM, &query).total, 10);
    assert_true(trim_all(&world, 5, 0, 10 * DAY_US) >= 0);
    finds(&query, "m5 m6 m7 m8 m9 m10 ");
    assert_true(trim_all(&world, 5, 0, 11 * DAY_US + 1) >= 0);
    finds(&query, "m7 m8 m9 m10 ");
    show.keep_days = 2;
    add_show(&world, &show);
    commits(ROOM);
    assert_true(trim_all(&world, 5, 0, 11 * DAY_US + 2) >= 0);
    finds(&query, "m10 ");
}

/* What newcomers alone are shown is not shown for longer than an archive would keep it. */
static void what_is_shown_ages(void **state)
{
    UNUSED(state);
    struct record_show show = {.history = 20};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned day = 1; day <= 10; day++) {
        struct archived message = message_make(&world, day, "text");
        message.at_us = day * DAY_US;
        message.archived = false;
        add_message(&world, &message);
    }
    commits(ROOM);
    assert_true(trim_all(&world, 0, 0, 20 * DAY_US) >= 0);
    assert_int_equal(loads(ROOM).history_count, 10);
    assert_true(trim_all(&world, 5, 0, 10 * DAY_US) >= 0);
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.history_count, 6);
    is_text(loaded.history[0].id, "m5");
    show.keep_days = 2;
    add_show(&world, &show);
    commits(ROOM);
    assert_true(trim_all(&world, 5, 0, 10 * DAY_US + DAY_US / 2) >= 0);
    loaded = loads(ROOM);
    assert_int_equal(loaded.history_count, 2);
    is_text(loaded.history[0].id, "m9");
}

/* The clock was set back for some: they go when all that was said before them has gone, so that
 * there are no holes. */
static void age_makes_no_holes(void **state)
{
    UNUSED(state);
    static const unsigned days[] = {11, 12, 2, 3, 13, 14, 4, 30};
    struct record_show show = {.archived = true, .history = 20};
    add_show(&world, &show);
    for (unsigned i = 0; i < ARRAY_LEN(days); i++) {
        struct archived message = message_make(&world, i, "text");
        message.at_us = days[i] * DAY_US;
        add_message(&world, &message);
    }
    commits(ROOM);
    struct archive_query query = query_all();
    assert_true(trim_all(&world, 10, 0, 20 * DAY_US) >= 0);
    finds(&query, "m0 m1 m2 m3 m4 m5 m6 m7 ");
    assert_true(trim_all(&world, 10, 0, 22 * DAY_US) >= 0);
    finds(&query, "m1 m2 m3 m4 m5 m6 m7 ");
    assert_true(trim_all(&world, 10, 0, 22 * DAY_US + DAY_US / 2) >= 0);
    finds(&query, "m4 m5 m6 m7 ");
    assert_true(trim_all(&world, 10, 0, 40 * DAY_US) >= 0);
    finds(&query, "m7 ");
    assert_true(trim_all(&world, 10, 0, 40 * DAY_US + DAY_US / 2) >= 0);
    finds(&query, "");
}

/* More than one step. */
static void age_makes_no_holes_in_much(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = true, .history = 20};
    add_show(&world, &show);
    for (unsigned i = 1; i <= 3 * STORE_TRIM_ROWS; i++) {
        struct archived message = message_make(&world, i, "text");
        bool young = i == 5 * STORE_TRIM_ROWS / 2;
        message.at_us = young ? 9 * DAY_US : DAY_US - (int64_t)i;
        add_message(&world, &message);
    }
    commits(ROOM);
    struct archive_query query = query_all();
    assert_true(trim_all(&world, 1, 0, 5 * DAY_US) >= 0);
    assert_int_equal(ask(&world, ROOM, &query).total, STORE_TRIM_ROWS / 2 + 1);
    query.max = 1;
    finds(&query, str_fmt(world.arena, "m%u ", 5 * STORE_TRIM_ROWS / 2).at);
}

/* Those that no query finds are there for newcomers, as long as they are shown to them. */
static void some_are_there_for_newcomers_alone(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = true, .history = 4};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = 1; i <= 40; i++) {
        struct archived message = message_make(&world, i, "text");
        message.archived = i % 2 == 0;
        add_message(&world, &message);
    }
    commits(ROOM);
    for (unsigned round = 0; round < 2; round++) {
        struct archive_query query = query_all();
        query.after = STR("m30");
        finds(&query, "m32 m34 m36 m38 m40 ");
        assert_int_equal(ask(&world, ROOM, &query).total, 20);
        query.text = STR("text");
        assert_int_equal(ask(&world, ROOM, &query).total, 20);
        query = query_all();
        query.start_us = 38000000;
        finds(&query, "m38 m40 ");
        query.with_nick = STR("nick0"); /* m39 */
        finds(&query, "");
        query = query_all();
        query.after = STR("m39"); /* has its place, though no query finds it */
        finds(&query, "m40 ");
        query = query_all();
        query.before = STR("m39");
        query.max = 2;
        query.backwards = true;
        finds(&query, "m36 m38 ");
        query = query_all();
        query.after_id = STR("m37");
        query.before_id = STR("m39");
        finds(&query, "m38 ");
        assert_int_equal(ask(&world, ROOM, &query).total, 1);
        query = query_all();
        query.ids = (struct str[]){STR("m39")};
        query.id_count = 1;
        refuses(&query, ERR_NOT_FOUND);
        struct store_room loaded = loads(ROOM);
        assert_int_equal(loaded.history_count, 4);
        is_text(loaded.history[0].id, "m37");
        assert_false(loaded.history[0].archived);
        assert_true(loaded.history[1].archived);
        assert_true(trim_all(&world, 0, 20, 0) >= 0);
    }
    /* What is over the number are archived ones; then those alone are shown that are left. */
    assert_true(trim_all(&world, 0, 1, 0) >= 0);
    struct archive_query query = query_all();
    finds(&query, "m40 ");
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.history_count, 3);
    is_text(loaded.history[1].id, "m39");
}

static void without_archive_the_history_is_kept(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = false, .history = 3};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = 1; i <= 500; i++) {
        struct archived message = message_make(&world, i, "text");
        message.history = i % 2 == 0;
        message.archived = false;
        add_message(&world, &message);
    }
    commits(ROOM);
    assert_true(trim_all(&world, 1, 1, 0) >= 0);
    struct store_room loaded = loads(ROOM);
    assert_int_equal(loaded.history_count, 3);
    is_text(loaded.history[0].id, "m496");
    is_text(loaded.history[2].id, "m500");
    show.history = 0;
    add_show(&world, &show);
    commits(ROOM);
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    show.history = 3;
    add_show(&world, &show);
    commits(ROOM);
    assert_int_equal(loads(ROOM).history_count, 0);
}

/* It can still be read, as long as any other (SEMANTICS 13.12). */
static void what_was_archived_before(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = false, .history = 2};
    add_put(&world, RECORD_HEAD, "", "head");
    add_show(&world, &show);
    for (unsigned i = 1; i <= 10; i++) {
        struct archived message = message_make(&world, i, "text");
        message.archived = i <= 6;
        add_message(&world, &message);
    }
    commits(ROOM);
    struct archive_query query = query_all();
    assert_true(trim_all(&world, 0, 0, 0) >= 0);
    finds(&query, "m1 m2 m3 m4 m5 m6 ");
    assert_int_equal(loads(ROOM).history_count, 2);
    assert_true(trim_all(&world, 0, 2, 0) >= 0);
    finds(&query, "m5 m6 ");
    assert_int_equal(loads(ROOM).history_count, 2);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        STORE_CASE(only_so_many_are_kept),
        STORE_CASE(tombstones_go_when_their_time_is_over),
        STORE_CASE(only_so_long_they_are_kept),
        STORE_CASE(what_is_shown_ages),
        STORE_CASE(age_makes_no_holes),
        STORE_CASE(age_makes_no_holes_in_much),
        STORE_CASE(some_are_there_for_newcomers_alone),
        STORE_CASE(without_archive_the_history_is_kept),
        STORE_CASE(what_was_archived_before),
    };
    return run_with_both(tests, ARRAY_LEN(tests), __FILE__);
}
