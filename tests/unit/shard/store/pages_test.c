/*
 * Pages of an archive, of every store: each condition, each direction, words, places.
 */
#include "core/base/limits.h"
#include "tests/support/store_expect.h"

/* ---- pages ---- */

static bool in_set(const struct archive_query *query, unsigned number)
{
    bool five = number % 5 == 0;
    bool text = !str_present(query->text) || five;
    bool nick = !str_present(query->with_nick) || number % 3 == 1;
    bool account = !str_present(query->with_account) || number % 4 == 2;
    bool after = !str_present(query->after_id) || number > 7;
    bool before = !str_present(query->before_id) || number < 44;
    int64_t at_us = (int64_t)number * 1000000;
    return text && nick && account && after && before && at_us >= query->start_us &&
           at_us <= query->end_us;
}

enum { SPOKEN = 60 };

/* Follows the pages from one end to the other; together they are what was asked for. */
static void pages_agree(struct archive_query query, bool backwards, unsigned max)
{
    unsigned numbers[SPOKEN];
    unsigned total = 0;
    for (unsigned i = 1; i <= SPOKEN; i++)
        if (in_set(&query, i))
            numbers[total++] = i;
    query.backwards = backwards;
    query.max = max;
    unsigned seen = 0;
    for (unsigned pages = 0;; pages++) {
        assert_true(pages <= total);
        struct archive_page page = ask(&world, ROOM, &query);
        assert_int_equal(page.err, 0);
        assert_true(page.counted);
        assert_int_equal(page.total, total);
        assert_true(page.count <= max);
        unsigned first = backwards ? total - seen - page.count : seen;
        if (page.count > 0)
            assert_int_equal(page.first_index, first);
        for (unsigned i = 0; i < page.count; i++)
            is_text(page.rows[i].id, str_fmt(world.arena, "m%u", numbers[first + i]).at);
        seen += page.count;
        assert_int_equal(page.complete, seen == total);
        if (page.complete)
            break;
        if (backwards)
            query.before = page.rows[0].id;
        else
            query.after = page.rows[page.count - 1].id;
    }
    assert_int_equal(seen, total);
}

static struct archive_query query_with(unsigned bits)
{
    struct archive_query query = query_all();
    if ((bits & 1) != 0)
        query.start_us = 6000000;
    if ((bits & 2) != 0)
        query.end_us = 51000000;
    if ((bits & 4) != 0)
        query.with_nick = STR("nick1");
    if ((bits & 8) != 0)
        query.with_account = STR("user2@h");
    if ((bits & 16) != 0)
        query.after_id = STR("m7");
    if ((bits & 32) != 0)
        query.before_id = STR("m44");
    if ((bits & 64) != 0)
        query.text = STR("FIVE");
    return query;
}

/* Every mixture of conditions, pages of several sizes, both ways. */
static void all_pages_are_the_whole(void **state)
{
    UNUSED(state);
    speaks("before@conference.example", 1, 20);
    speaks(ROOM, 1, SPOKEN);
    speaks("behind@conference.example", 1, 20);
    static const unsigned sizes[] = {1, 3, 10, 1000};
    for (unsigned bits = 0; bits < 128; bits++) {
        for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
            pages_agree(query_with(bits), false, sizes[i]);
            pages_agree(query_with(bits), true, sizes[i]);
        }
        arena_reset(world.arena);
    }
}

static void times_are_inclusive(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 9);
    struct archive_query query = query_all();
    query.start_us = 3000000;
    query.end_us = 5000000;
    finds(&query, "m3 m4 m5 ");
    query.start_us = 3000001;
    query.end_us = 4999999;
    finds(&query, "m4 ");
    query.start_us = 4000001;
    finds(&query, "");
    query.start_us = 20000000;
    query.end_us = INT64_MAX;
    finds(&query, "");
    query.start_us = INT64_MIN;
    query.end_us = 0;
    finds(&query, "");
    query.start_us = 5000000;
    query.end_us = 3000000;
    finds(&query, "");
}

/* The clock was set back: the order stays that of arrival, and times are those of the rows. */
static void a_clock_that_was_set_back(void **state)
{
    UNUSED(state);
    static const unsigned seconds[] = {10, 20, 30, 5, 15, 25, 35};
    struct record_show show = {.archived = true, .history = 20};
    add_show(&world, &show);
    for (unsigned i = 0; i < ARRAY_LEN(seconds); i++) {
        struct archived message = message_make(&world, i, "text");
        message.at_us = seconds[i] * INT64_C(1000000);
        add_message(&world, &message);
        if (i % 2 == 0)
            commits(ROOM);
    }
    struct archive_query query = query_all();
    finds(&query, "m0 m1 m2 m3 m4 m5 m6 ");
    query.start_us = 15000000;
    finds(&query, "m1 m2 m4 m5 m6 ");
    query.end_us = 25000000;
    finds(&query, "m1 m4 m5 ");
    query.start_us = INT64_MIN;
    query.end_us = 10000000;
    finds(&query, "m0 m3 ");
    query.end_us = 4000000;
    finds(&query, "");
    query = query_all();
    query.start_us = 15000000;
    query.max = 2;
    query.backwards = true;
    finds(&query, "m5 m6 ");
    assert_int_equal(ask(&world, ROOM, &query).total, 5);
}

static void ids_have_to_be_there(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 9);
    speaks("other@conference.example", 1, 12);
    struct archive_query query = query_all();
    query.ids = (struct str[]){STR("m7"), STR("m2"), STR("m7"), STR("m4")};
    query.id_count = 4;
    finds(&query, "m2 m4 m7 ");
    assert_int_equal(ask(&world, ROOM, &query).total, 3);
    query.max = 2;
    finds(&query, "m2 m4 ");
    query.backwards = true;
    finds(&query, "m4 m7 ");
    query.with_nick = STR("nick1");
    finds(&query, "m4 m7 ");
    query.text = STR("word");
    finds(&query, "m4 m7 ");
    query.start_us = 5000000;
    finds(&query, "m7 ");
    query.ids = (struct str[]){STR("m7"), STR("m12")}; /* of the other room */
    query.id_count = 2;
    refuses(&query, ERR_NOT_FOUND);
    query.id_count = 0;
    finds(&query, "");
}

static void anchors_have_to_be_there(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 9);
    struct archive_query query = query_all();
    query.after = STR("m99");
    refuses(&query, ERR_NOT_FOUND);
    query = query_all();
    query.before = STR("'; DROP TABLE archive; --");
    refuses(&query, ERR_NOT_FOUND);
    query = query_all();
    query.after_id = STR("");
    refuses(&query, ERR_NOT_FOUND);
    query = query_all();
    query.before_id = STR("M9");
    refuses(&query, ERR_NOT_FOUND);
    query = query_all();
    query.after = STR("m2");
    query.before = STR("m6");
    finds(&query, "m3 m4 m5 ");
    /* an anchor need not fit the conditions */
    query.with_nick = STR("nick0");
    finds(&query, "m3 ");
    query.after = STR("m6");
    query.before = STR("m2");
    finds(&query, "");
    struct archive_page page = ask(&world, "nobody@conference.example", &query);
    assert_int_equal(page.err, ERR_NOT_FOUND);
    query = query_all();
    page = ask(&world, "nobody@conference.example", &query);
    assert_int_equal(page.err, 0);
    assert_true(page.complete && page.counted);
    assert_int_equal(page.total, 0);
}

static void counting_and_ends(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 9);
    struct archive_query query = query_all();
    query.max = 0;
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.err, 0);
    assert_int_equal(page.count, 0);
    assert_true(page.counted);
    assert_int_equal(page.total, 9);
    assert_false(page.complete);
    query.metadata = true;
    finds(&query, "m1 m9 ");
    query.start_us = 9000000;
    finds(&query, "m9 ");
    query.start_us = 9000001;
    finds(&query, "");
}

/* ---- words ---- */

static void words_are_found(void **state)
{
    UNUSED(state);
    struct record_show show = {.archived = true, .history = 20};
    add_show(&world, &show);
    add_append(&world, 1, "the quick brown fox");
    add_append(&world, 2, "The brown, quick FOX!");
    add_append(&world, 3, "a foxglove; 17 room body");
    add_append(&world, 4, NULL);
    add_append(&world, 5, "don't say \"AND\" or NEAR(this)");
    commits(ROOM);
    add_append(&world, 1, "the quick brown fox");
    commits("other@conference.example");
    struct archive_query query = query_all();
    static const char *const asked[][2] = {
        {"fox", "m1 m2 "},
        {"QUICK fox", "m1 m2 "},
        {"fox quick wolf", ""},
        {"\"quick brown\"", "m1 "},
        {"\"brown quick\" fox", "m2 "},
        {"fo", ""},
        {"fo*", ""},
        {"body", "m3 "},
        {"17", "m3 "},
        {"AND", "m5 "},
        {"NOT", ""},
        {"fox OR foxglove", ""},
        {"near(this)", "m5 "},
        {"room : 17", "m3 "},
        {"don't", "m5 "},
        {"", ""},
        {" ", ""},
        {"!!!", ""},
        {"fox !!!", "m1 m2 "},
        {"\"", ""},
        {"\"quick brown", "m1 "},
        {"\"\"\"", ""},
        {"fox\"quick\"", "m1 m2 "},
        {"body : (", "m3 "},
        {"{room body} : fox", ""},
        {"^fox", "m1 m2 "},
        {"fox + quick", "m1 m2 "},
        {"-fox", "m1 m2 "},
        {"') OR 1=1 --", ""},
        {"\\", ""},
        {"%", ""},
        {"\xf0\x9f\xa6\x8a", ""},
    };
    for (unsigned i = 0; i < ARRAY_LEN(asked); i++) {
        query.text = str_z(asked[i][0]);
        struct archive_page page = ask(&world, ROOM, &query);
        if (page.err != 0 || !str_eqz(page_ids(&world, &page), asked[i][1]))
            fail_msg("'%s': error %d, '%s' instead of '%s'", asked[i][0], page.err,
                     page_ids(&world, &page).at, asked[i][1]);
    }
}

static void a_page_begins_at_a_place(void **state)
{
    UNUSED(state);
    speaks(ROOM, 1, 30);
    struct archive_query query = query_all();
    query.by_index = true;
    query.max = 2;
    query.index = 7;
    finds(&query, "m8 m9 ");
    struct archive_page page = ask(&world, ROOM, &query);
    assert_int_equal(page.first_index, 7);
    assert_false(page.complete);
    query.index = 28;
    finds(&query, "m29 m30 ");
    assert_true(ask(&world, ROOM, &query).complete);
    query.index = 30;
    finds(&query, "");
    query.index = UINT64_MAX;
    finds(&query, "");
    query.index = 1;
    query.text = STR("five");
    finds(&query, "m10 m15 ");
    query.text = STR_NONE;
    query.with_nick = STR("nick2");
    finds(&query, "m5 m8 ");
    query.start_us = 4000000;
    finds(&query, "m8 m11 ");
}

int main(void)
{
    struct CMUnitTest tests[] = {
        STORE_CASE(all_pages_are_the_whole),   STORE_CASE(times_are_inclusive),
        STORE_CASE(a_clock_that_was_set_back), STORE_CASE(ids_have_to_be_there),
        STORE_CASE(anchors_have_to_be_there),  STORE_CASE(counting_and_ends),
        STORE_CASE(words_are_found),           STORE_CASE(a_page_begins_at_a_place),
    };
    return run_with_both(tests, ARRAY_LEN(tests), __FILE__);
}
