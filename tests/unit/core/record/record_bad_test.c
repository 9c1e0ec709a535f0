/*
 * Bytes that nobody has written. Valid rows and batches are changed at random places, by the same
 * numbers in every run; what is read all the same makes a room that keeps every promise of one.
 */
#include "tests/support/record_world.h"

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/muc/registration.h"
#include "core/muc/rate.h"
#include "core/muc/restore.h"
#include "core/record/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 100000, CHANGES_MAX = 3, ROWS_MAX = 32 };

/* ---- numbers and texts ---- */

static const uint64_t numbers[] = {
    0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX,
};

static void numbers_come_back(void **state)
{
    struct buf out;
    UNUSED(state);
    buf_init(&out, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
        out.len = 0;
        put_number(&out, numbers[i]);
        put_signed(&out, (int64_t)numbers[i]);
        put_signed(&out, -(int64_t)(numbers[i] / 2));
        put_signed(&out, INT64_MIN);
        struct reader reader = reader_of(buf_str(&out));
        assert_true(get_number(&reader) == numbers[i]);
        assert_true(get_signed(&reader) == (int64_t)numbers[i]);
        assert_true(get_signed(&reader) == -(int64_t)(numbers[i] / 2));
        assert_true(get_signed(&reader) == INT64_MIN);
        assert_false(reader.bad);
        assert_int_equal(reader.left, 0);
    }
    buf_free(&out);
}

static struct reader reading(const char *bytes, size_t len)
{
    return reader_of(str_of(bytes, len));
}

static void numbers_that_are_none(void **state)
{
    UNUSED(state);
    struct reader reader = reading("\x80", 1); /* more follows, and does not */
    assert_true(get_number(&reader) == 0 && reader.bad);
    reader = reading("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_true(get_number(&reader) == UINT64_MAX && !reader.bad);
    reader = reading("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10); /* 65 bits */
    assert_true(get_number(&reader) == 0 && reader.bad);
    reader = reading("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11);
    assert_true(get_number(&reader) == 0 && reader.bad);
    reader = reading("\xff\xff\xff\xff\x1f", 5); /* 33 bits */
    assert_true(get_number_32(&reader) == 0 && reader.bad);
    reader = reading("\x02", 1);
    assert_true(!get_flag(&reader) && reader.bad);
    assert_true(get_byte(&reader) == 0 && reader.bad); /* and stays so */
}

static void texts_that_are_none(void **state)
{
    UNUSED(state);
    struct reader reader = reading("\x04"
                                   "ab",
                                   3); /* three bytes, of which two are there */
    assert_false(str_present(get_text(&reader)));
    assert_true(reader.bad);
    reader = reading("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10); /* so long that it wraps */
    assert_false(str_present(get_bytes(&reader)));
    assert_true(reader.bad);
    reader = reading("\x02\xff", 2); /* no UTF-8 */
    assert_false(str_present(get_text(&reader)));
    assert_true(reader.bad);
    reader = reading("\x02\x01", 2); /* a control character */
    assert_false(str_present(get_text(&reader)));
    assert_true(reader.bad);
    reader = reading("\x00\x01\x04\t\n\r", 6);
    assert_false(str_present(get_text(&reader)));
    struct str empty = get_text(&reader);
    assert_true(str_present(empty) && str_empty(empty));
    assert_true(str_eqz(get_text(&reader), "\t\n\r") && !reader.bad);
    reader = reading("\x05", 1); /* five of something, and nothing behind */
    assert_true(get_count(&reader) == 0 && reader.bad);
}

/* ---- what is changed ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static size_t below(uint64_t *seed, size_t limit)
{
    return (size_t)(next_random(seed) % limit);
}

static void spoil_once(uint64_t *seed, struct buf *bytes)
{
    static const char ends[] = {0, 1, 2, 0x7f, (char)0x80, (char)0xff};
    if (bytes->len == 0)
        return;
    size_t at = below(seed, bytes->len);
    switch (below(seed, 6)) {
    case 0:
        bytes->len = at;
        return;
    case 1:
        bytes->at[at] = ends[below(seed, sizeof(ends))];
        return;
    case 2: /* one is missing */
        memmove(bytes->at + at, bytes->at + at + 1, bytes->len - at - 1);
        bytes->len--;
        return;
    case 3: /* one is too much */
        buf_addc(bytes, bytes->at[bytes->len - 1]);
        memmove(bytes->at + at + 1, bytes->at + at, bytes->len - 1 - at);
        return;
    case 4: /* a number as large as can be */
        for (size_t i = at; i < bytes->len && i < at + 9; i++)
            bytes->at[i] = (char)0xff;
        return;
    default:
        bytes->at[at] = (char)(bytes->at[at] ^ 1 << below(seed, 8));
    }
}

/* On the heap, and not a byte more than it is long: reading behind it is noticed. */
static struct str spoiled(uint64_t *seed, struct str text)
{
    struct buf bytes;
    size_t changes = 1 + below(seed, CHANGES_MAX);
    buf_init(&bytes, NULL);
    buf_add(&bytes, text);
    for (size_t i = 0; i < changes; i++)
        spoil_once(seed, &bytes);
    struct str copy = str_of(mem_dup(bytes.len > 0 ? bytes.at : "", bytes.len), bytes.len);
    buf_free(&bytes);
    return copy;
}

static void drop(struct str text)
{
    mem_free((void *)(uintptr_t)text.at);
}

/* ---- a room with all kinds of rows ---- */

static void make_memory(struct record_world *world)
{
    struct buf batch;
    static const char *const jids[] = {"juliet@example.org/pda", "juliet@example.org/balcony",
                                       "romeo@example.org/a"};
    record_enter(world, jids[0], "Juliet", ROLE_PARTICIPANT);
    record_enter(world, jids[1], "Juliet", ROLE_PARTICIPANT);
    record_enter(world, jids[2], "Romeo", ROLE_MODERATOR);
    room_keep_role(world->room, STR("a@example.org"), ROLE_VISITOR);
    room_invite_keep(world->room, STR("b@example.org"), STR("romeo@example.org"), STR("i"));
    assert_true(room_voice_keep(world->room, STR("c@example.org"), STR("c@example.org/x")));
    buf_init(&batch, world->arena);
    record_memory(&batch, world->arena, world->room);
    for (unsigned i = 0; i < ARRAY_LEN(jids); i++)
        record_session(&batch, world->arena, world->room, str_z(jids[i]));
    record_keep(world, buf_str(&batch));
}

static struct record_world *full_world(void)
{
    struct record_world *world = record_world_new();
    record_create(world);
    struct change *juliet = record_affiliation(world, "juliet@example.org", AFF_MEMBER);
    juliet->affiliations[0].set_nick = true;
    juliet->affiliations[0].nick = STR("Juliet");
    juliet->affiliations[0].reason = STR("why not");
    record_commit(world, juliet);
    struct card card = {.xml = STR("<vCard xmlns='vcard-temp'><FN>L</FN></vCard>"),
                        .photo_count = 1};
    memset(card.photos[0].digits, '0', PHOTO_HASH_CHARS);
    struct change carded = {.kind = CHANGE_CARD, .card = &card};
    record_commit(world, &carded);
    struct change subject = {.kind = CHANGE_SUBJECT};
    subject.subject.frame = record_frame(world, "Romeo", "<subject>s</subject>");
    subject.subject.plain = STR("s");
    record_commit(world, &subject);
    frame_unref(subject.subject.frame);
    struct registration wanted = {.account = STR("n@example.org"), .nick = STR("Nurse")};
    struct change waiting = {.kind = CHANGE_WAITING, .waiting = {wanted.account, &wanted}};
    record_commit(world, &waiting);
    make_memory(world);
    return world;
}

/* 1: it was read, and is a room. */
static unsigned read_spoiled(struct record_world *world, struct arena *arena,
                             const struct record_row *rows, unsigned count)
{
    struct stored_room stored;
    const char *why = NULL;
    if (record_read(arena, rows, count, &stored, &why) != ERR_OK) {
        assert_non_null(why);
        return 0;
    }
    for (unsigned i = 0; i < stored.session_count; i++)
        stored.sessions[i].route = (struct route){1, 1, 0};
    struct room *room = record_room(world);
    struct step step = {.arena = arena, .env = &world->env, .now_us = 1000};
    room_restore(room, &step, &stored);
    rate_watch(room, &step); /* as at the end of any step */
    room_check(room);
    room_free(room);
    return 1;
}

static void rows_of_any_bytes(void **state)
{
    struct record_world *world = full_world();
    struct arena *arena = arena_new(64 * 1024);
    struct record_row rows[ROWS_MAX];
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    unsigned read = 0;
    UNUSED(state);
    assert_true(world->row_count <= ROWS_MAX);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct record_row *row = &rows[below(&seed, world->row_count)];
        bool key = below(&seed, 8) == 0;
        memcpy(rows, world->rows, sizeof(*rows) * world->row_count);
        struct str changed = spoiled(&seed, key ? row->key : row->value);
        *(key ? &row->key : &row->value) = changed;
        read += read_spoiled(world, arena, rows, world->row_count);
        drop(changed);
        arena_reset(arena);
    }
    /* Both happen, or nothing is tested. */
    assert_in_range(read, ROUNDS / 50, ROUNDS / 2);
    arena_free(arena);
    record_world_free(world);
}

/* ---- batches ---- */

static struct str any_batch(struct record_world *world)
{
    struct buf batch;
    struct archived message = {
        .id = STR("0123456789abcdef0123456789abcdef"),
        .at_us = 12345678,
        .xml = STR("<message from='x'></message>"),
        .body = STR("b"),
    };
    struct record_item items[] = {
        {.op = RECORD_WIPE},
        {.op = RECORD_PUT, .kind = RECORD_HEAD, .key = STR(""), .value = STR("value")},
        {.op = RECORD_DELETE, .kind = RECORD_SESSION, .key = STR("a@b/c")},
        {.op = RECORD_CLEAR, .kind = RECORD_CARD},
        {.op = RECORD_SHOW, .show = {STR("Lounge"), true, true, 20, 31, 1000000, 77}},
        {.op = RECORD_APPEND, .message = message},
        {.op = RECORD_BURY, .message = message},
    };
    buf_init(&batch, world->arena);
    for (unsigned i = 0; i < ARRAY_LEN(items); i++)
        record_add(&batch, &items[i]);
    return buf_str(&batch);
}

static void an_operation_comes_back(void **state)
{
    struct record_world *world = record_world_new();
    struct record_item item;
    struct str rest = any_batch(world);
    unsigned count = 0;
    UNUSED(state);
    while (record_next(&rest, &item) == 1) {
        count++;
        if (item.op != RECORD_SHOW)
            continue;
        assert_true(str_eqz(item.show.name, "Lounge"));
        assert_true(item.show.listed && item.show.archived);
        assert_int_equal(item.show.history, 20);
        assert_int_equal(item.show.keep_days, 31);
        assert_int_equal(item.show.keep_count, 1000000);
        assert_int_equal(item.show.until_us, 77);
    }
    assert_int_equal(count, 7);
    assert_int_equal(rest.len, 0);
    record_world_free(world);
}

static void batches_of_any_bytes(void **state)
{
    struct record_world *world = record_world_new();
    struct str batch = any_batch(world);
    uint64_t seed = 88172645463325252u;
    unsigned whole = 0;
    UNUSED(state);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct str changed = spoiled(&seed, batch), rest = changed;
        struct record_item item;
        unsigned items = 0;
        int more;
        while ((more = record_next(&rest, &item)) == 1)
            items++;
        assert_true(items <= changed.len);
        assert_true(more == 0 || more == ERR_INVALID);
        /* Where it does not go on, it does not go on: nothing is taken. */
        if (more != 0)
            assert_int_equal(record_next(&rest, &item), ERR_INVALID);
        whole += more == 0;
        drop(changed);
    }
    assert_in_range(whole, ROUNDS / 50, ROUNDS - ROUNDS / 50);
    record_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),       cmocka_unit_test(numbers_that_are_none),
        cmocka_unit_test(texts_that_are_none),     cmocka_unit_test(rows_of_any_bytes),
        cmocka_unit_test(an_operation_comes_back), cmocka_unit_test(batches_of_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
