/*
 * Room options: the rows of all features fit together; values are read, written and refused by
 * type.
 * @covers 0045#registrar-formtype-owner
 */
#include "core/muc/option.h"

#include "core/muc/room.h"
#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct room_options options;

static int setup(void **state)
{
    UNUSED(state);
    arena = arena_new(4096);
    options_preset(&options);
    return prep_init();
}

static int teardown(void **state)
{
    UNUSED(state);
    room_options_fini(&options);
    arena_free(arena);
    return 0;
}

/* ---- the real rows ---- */

static void no_two_rows_share_a_name(void **state)
{
    UNUSED(state);
    unsigned count;
    const struct option *const *rows = options_all(&count);
    assert_true(count > 10);
    for (unsigned i = 0; i < count; i++) {
        assert_ptr_equal(option_by_name(str_z(rows[i]->name)), rows[i]);
        assert_non_null(rows[i]->preset);
        assert_non_null(rows[i]->help);
        if (rows[i]->field == NULL)
            continue;
        assert_non_null(rows[i]->label);
        assert_ptr_equal(option_by_field(str_z(rows[i]->field)), rows[i]);
        for (unsigned a = 0; a < ARRAY_LEN(rows[i]->aliases); a++) {
            if (rows[i]->aliases[a] != NULL)
                assert_ptr_equal(option_by_field(str_z(rows[i]->aliases[a])), rows[i]);
        }
    }
    assert_null(option_by_name(STR("no_such_option")));
    assert_null(option_by_field(STR("muc#roomconfig_nothing")));
}

/* A stored room calls its options by these numbers. */
static void every_row_has_a_number_of_its_own(void **state)
{
    static const struct {
        const char *name;
        unsigned id;
    } written[] = {
        {"change_subject", 1},
        {"name", 16},
        {"password", 23},
        {"history_default", 32},
    };
    UNUSED(state);
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_not_equal(rows[i]->id, 0);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(rows[i]->id, rows[j]->id);
    }
    for (unsigned i = 0; i < ARRAY_LEN(written); i++)
        assert_int_equal(option_by_name(str_z(written[i].name))->id, written[i].id);
}

/* @covers 0045#registrar-formtype-roominfo */
static void no_row_tells_a_secret(void **state)
{
    UNUSED(state);
    unsigned count, told = 0;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned v = 0; v < ARRAY_LEN(rows[i]->info) && rows[i]->info[v] != NULL; v++) {
            assert_int_not_equal(rows[i]->type, OPTION_SECRET);
            assert_non_null(rows[i]->label);
            for (unsigned j = 0; j < i; j++)
                for (unsigned u = 0; u < ARRAY_LEN(rows[j]->info) && rows[j]->info[u] != NULL; u++)
                    assert_string_not_equal(rows[i]->info[v], rows[j]->info[u]);
            told++;
        }
    }
    assert_true(told >= 10);
}

static void presets_are_what_we_promise(void **state)
{
    UNUSED(state);
    assert_true(options.is_public);
    assert_false(options.persistent);
    assert_false(options.archive);
    assert_false(options.moderated);
    assert_false(options.members_only);
    assert_false(options.change_subject);
    assert_true(options.allow_invites);
    assert_int_equal(options.whois, WHOIS_MODERATORS);
    assert_int_equal(options.allow_pm, PM_ANYONE);
    assert_int_equal(options.broadcast,
                     BROADCAST_VISITOR | BROADCAST_PARTICIPANT | BROADCAST_MODERATOR);
    assert_int_equal(options.history, ROOM_HISTORY_DEFAULT);
    assert_int_equal(options.max_users, 0);
    assert_true(str_empty(options.password));
    assert_false(options.logged);
    assert_false(options.conceal);
    assert_true(str_empty(options.contact));
}

/* What the form says, submitted again, is the same room. */
static void every_field_goes_there_and_back(void **state)
{
    UNUSED(state);
    struct room_options again;
    const char *why;
    assert_true(option_set_text(&options, option_by_name(STR("name")), STR("A <b> & 'c'"), &why));
    assert_true(
        option_set_text(&options, option_by_name(STR("broadcast")), STR("none,moderator"), &why));
    assert_true(option_set_text(&options, option_by_name(STR("max_users")), STR("20"), &why));
    options_preset(&again);

    struct fb fb;
    fb_begin(&fb, arena, "iq", STR_NONE, STR_NONE, STR_NONE);
    fb_form_begin(&fb, "submit", NS_MUC_OWNER);
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        if (rows[i]->field != NULL)
            option_write_field(&fb, rows[i], &options);
    }
    fb_close(&fb);
    struct frame *frame = fb_finish(&fb);
    struct stanza *stanza = stanza_parse(str_of(frame->bytes, frame->size));
    assert_non_null(stanza);

    struct form form;
    assert_true(form_read(arena, node_first(stanza_root(stanza)), &form));
    for (unsigned i = 0; i < count; i++) {
        if (rows[i]->field == NULL)
            continue;
        const struct form_field *field = form_field(&form, str_z(rows[i]->field));
        assert_non_null(field);
        assert_true(option_set_field(&again, rows[i], field));
        assert_true(option_equal(rows[i], &options, &again));
    }
    assert_true(str_eqz(again.name, "A <b> & 'c'"));
    assert_int_equal(again.broadcast, BROADCAST_NONE | BROADCAST_MODERATOR);
    assert_int_equal(again.max_users, 20);
    stanza_free(stanza);
    frame_unref(frame);
    room_options_fini(&again);
}

static bool is_text(const struct option *option)
{
    return option->type == OPTION_TEXT || option->type == OPTION_MULTI ||
           option->type == OPTION_SECRET || option->type == OPTION_JIDS;
}

static struct str text_in(const struct room_options *in, const struct option *option)
{
    return *(const struct str *)(const void *)((const char *)in + option->offset);
}

static void copies_are_copies(void **state)
{
    UNUSED(state);
    struct room_options copy;
    const char *why;
    unsigned count, texts = 0;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        if (is_text(rows[i]))
            assert_true(option_set_text(&options, rows[i], STR("one"), &why));
    }
    room_options_copy(&copy, &options);
    for (unsigned i = 0; i < count; i++) {
        assert_true(option_equal(rows[i], &copy, &options));
        if (!is_text(rows[i]))
            continue;
        assert_ptr_not_equal(text_in(&copy, rows[i]).at, text_in(&options, rows[i]).at);
        assert_true(option_set_text(&options, rows[i], STR("two"), &why));
        assert_false(option_equal(rows[i], &copy, &options));
        assert_true(str_eqz(text_in(&copy, rows[i]), "one"));
        texts++;
    }
    assert_true(texts >= 7);
    room_options_fini(&copy);
}

/* ---- one row of each type ---- */

static const struct option_choice colours[] = {
    {"red", "Red", 1, false},
    {"green", "Green", 2, false},
    {"blue", "Blue", 4, false},
    {"azure", "Azure", 4, true},
};
static const struct option_choice sizes[] = {
    {"none", "No limit", 0, false},
    {"50", "50", 50, false},
};

#define ROW(type_, member, ...)                                                                    \
    ((const struct option){.name = "row",                                                          \
                           .field = "x-row",                                                       \
                           .label = "Row",                                                         \
                           .type = (type_),                                                        \
                           .offset = offsetof(struct room_options, member),                        \
                           __VA_ARGS__})

#define A_BOOL   ROW(OPTION_BOOL, moderated, .min = 0)
#define A_TEXT   ROW(OPTION_TEXT, name, .max = 10)
#define A_MULTI  ROW(OPTION_MULTI, description, .max = 20)
#define A_JIDS   ROW(OPTION_JIDS, contact, .max = 30)
#define A_SECRET ROW(OPTION_SECRET, password, .max = 10)
#define A_NUMBER ROW(OPTION_NUMBER, history, .min = 3, .max = 500)
#define A_SIZE                                                                                     \
    ROW(OPTION_NUMBER, max_users, .min = 0, .max = 1000, .choices = sizes,                         \
        .choice_count = ARRAY_LEN(sizes))
#define A_CHOICE ROW(OPTION_CHOICE, whois, .choices = colours, .choice_count = ARRAY_LEN(colours))
#define A_SET    ROW(OPTION_SET, broadcast, .choices = colours, .choice_count = ARRAY_LEN(colours))

static bool set(struct option row, const char *text)
{
    const char *why = NULL;
    bool possible = option_set_text(&options, &row, str_z(text), &why);
    assert_int_equal(possible, why == NULL);
    return possible;
}

static void refuses(struct option row, const char *text, const char *reason)
{
    const char *why = NULL;
    struct room_options before;
    room_options_copy(&before, &options);
    assert_false(option_set_text(&options, &row, str_z(text), &why));
    assert_string_equal(why, reason);
    assert_true(option_equal(&row, &before, &options)); /* as it was */
    room_options_fini(&before);
}

static void switches(void **state)
{
    UNUSED(state);
    static const char *const on[] = {"on", "yes", "true", "1"};
    static const char *const off[] = {"off", "no", "false", "0"};
    for (unsigned i = 0; i < ARRAY_LEN(on); i++) {
        assert_true(set(A_BOOL, on[i]));
        assert_true(options.moderated);
        assert_true(set(A_BOOL, off[i]));
        assert_false(options.moderated);
    }
    refuses(A_BOOL, "maybe", "must be on or off");
    refuses(A_BOOL, "", "must be on or off");
}

static void texts(void **state)
{
    UNUSED(state);
    const char *reason = "must be printable text of at most 10 bytes";
    assert_true(set(A_TEXT, "ten bytes!"));
    assert_true(str_eqz(options.name, "ten bytes!"));
    refuses(A_TEXT, "eleven byte", reason);
    refuses(A_TEXT, "a\nb", reason);
    refuses(A_TEXT, "\x01", reason);
    refuses(A_TEXT, "\xff\xfe", reason);
    assert_true(str_eqz(options.name, "ten bytes!"));
    assert_true(set(A_TEXT, ""));
    assert_false(str_present(options.name));
    assert_true(set(A_MULTI, "two\nlines"));
    assert_true(set(A_SECRET, "caudron"));
    assert_true(str_eqz(options.password, "caudron"));
}

static void addresses(void **state)
{
    UNUSED(state);
    const char *reason = "must be addresses of the form user@server, together at most 30 bytes";
    assert_true(set(A_JIDS, "Romeo@Localhost, help.localhost"));
    assert_true(str_eqz(options.contact, "romeo@localhost\nhelp.localhost"));
    refuses(A_JIDS, "romeo@localhost juliet@localhost", reason); /* 32 with the line end */
    refuses(A_JIDS, "romeo@@localhost", reason);
    refuses(A_JIDS, "romeo@localhost/phone", reason);
    refuses(A_JIDS, "romeo@localhost @localhost", reason);
    assert_true(str_eqz(options.contact, "romeo@localhost\nhelp.localhost"));
    assert_true(set(A_JIDS, " , "));
    assert_true(str_empty(options.contact));
}

static void numbers(void **state)
{
    UNUSED(state);
    const char *reason = "must be a number from 3 to 500";
    assert_true(set(A_NUMBER, "3"));
    assert_int_equal(options.history, 3);
    assert_true(set(A_NUMBER, "500"));
    assert_int_equal(options.history, 500);
    refuses(A_NUMBER, "2", reason);
    refuses(A_NUMBER, "501", reason);
    refuses(A_NUMBER, "-1", reason);
    refuses(A_NUMBER, "4294967300", reason); /* 2^32 + 4 */
    refuses(A_NUMBER, "99999999999999999999", reason);
    refuses(A_NUMBER, "ten", reason);
    refuses(A_NUMBER, "", reason);
    assert_true(set(A_SIZE, "none"));
    assert_int_equal(options.max_users, 0);
    assert_true(set(A_SIZE, "77"));
    assert_int_equal(options.max_users, 77);
}

static void choices(void **state)
{
    UNUSED(state);
    assert_true(set(A_CHOICE, "green"));
    assert_int_equal(options.whois, 2);
    assert_true(set(A_CHOICE, "azure")); /* hidden, but understood */
    assert_int_equal(options.whois, 4);
    refuses(A_CHOICE, "yellow", "must be one of red, green, blue");
    refuses(A_CHOICE, "red,green", "must be one of red, green, blue");

    assert_true(set(A_SET, "red, blue"));
    assert_int_equal(options.broadcast, 5);
    assert_true(set(A_SET, ""));
    assert_int_equal(options.broadcast, 0);
    assert_true(set(A_SET, " , green,, "));
    assert_int_equal(options.broadcast, 2);
    refuses(A_SET, "green,mauve", "must be a list of red, green, blue");
}

static bool submit(struct option row, unsigned count, const char *first, const char *second)
{
    struct str values[2] = {str_z(first), str_z(second)};
    struct form_field field = {STR("x-row"), values, count};
    return option_set_field(&options, &row, &field);
}

static void submitted_fields(void **state)
{
    UNUSED(state);
    assert_true(submit(A_BOOL, 1, "true", NULL));
    assert_true(options.moderated);
    assert_false(submit(A_BOOL, 1, "on", NULL)); /* not xs:boolean */
    assert_false(submit(A_BOOL, 0, NULL, NULL));
    assert_false(submit(A_BOOL, 2, "0", "1"));
    assert_true(options.moderated);

    assert_true(submit(A_SECRET, 1, "secret", NULL));
    assert_true(submit(A_SECRET, 0, NULL, NULL)); /* no value: cleared */
    assert_true(str_empty(options.password));

    assert_true(submit(A_MULTI, 2, "first", "second"));
    assert_true(str_eqz(options.description, "first\nsecond"));
    assert_false(submit(A_MULTI, 2, "far too long, both", "of them"));
    assert_true(submit(A_MULTI, 0, NULL, NULL));
    assert_true(str_empty(options.description));

    assert_true(submit(A_SET, 2, "red", "green"));
    assert_int_equal(options.broadcast, 3);
    assert_false(submit(A_SET, 2, "red", "mauve"));
    assert_int_equal(options.broadcast, 3);
    assert_true(submit(A_SET, 0, NULL, NULL));
    assert_int_equal(options.broadcast, 0);

    assert_true(submit(A_JIDS, 2, "b@localhost", " A@localhost "));
    assert_true(str_eqz(options.contact, "b@localhost\na@localhost"));
    assert_false(submit(A_JIDS, 2, "c@localhost", "a b@localhost"));
    assert_false(submit(A_JIDS, 1, "a@localhost,b@localhost", NULL));
    assert_true(str_eqz(options.contact, "b@localhost\na@localhost"));
    assert_true(submit(A_JIDS, 1, "", NULL)); /* as clients submit a field left empty */
    assert_true(str_empty(options.contact));

    assert_false(submit(A_CHOICE, 0, NULL, NULL));
    assert_false(submit(A_NUMBER, 1, "1", NULL));
    assert_true(submit(A_NUMBER, 1, "4", NULL));
}

/* @covers 0045#createroom-reserved.refused  a number that was not offered */
static void numbers_are_offered(void **state)
{
    UNUSED(state);
    assert_true(submit(A_SIZE, 1, "50", NULL));
    assert_false(submit(A_SIZE, 1, "33", NULL));
    assert_false(submit(A_SIZE, 1, "0", NULL));
    assert_int_equal(options.max_users, 50);
    assert_true(set(A_SIZE, "33")); /* the operator may */
    assert_true(submit(A_SIZE, 1, "33", NULL));
    assert_int_equal(options.max_users, 33);
    assert_true(submit(A_SIZE, 1, "none", NULL));
    assert_int_equal(options.max_users, 0);
    assert_false(submit(A_SIZE, 1, "33", NULL)); /* no more */
}

/* ---- fields as written ---- */

typedef void write_fn(struct fb *fb, const struct option *option,
                      const struct room_options *options);

static void writes_by(write_fn *write, struct option row, const char *expected)
{
    struct fb fb;
    fb_begin(&fb, arena, "iq", STR_NONE, STR_NONE, STR_NONE);
    fb_form_begin(&fb, "form", NS_MUC_OWNER);
    write(&fb, &row, &options);
    fb_close(&fb);
    struct frame *frame = fb_finish(&fb);
    struct str text = str_in(arena, str_of(frame->bytes, frame->size));
    frame_unref(frame);
    if (strstr(text.at, expected) == NULL)
        print_error("wanted %s\nin     %s\n", expected, text.at);
    assert_non_null(strstr(text.at, expected));
}

static void writes(struct option row, const char *expected)
{
    writes_by(option_write_field, row, expected);
}

#define NOTHING "</field></x>" /* but FORM_TYPE */

static void tells(struct option row, const char *expected)
{
    row.info[0] = "x-told";
    writes_by(option_write_info, row, expected);
}

/* @covers 0045#registrar-formtype-roominfo */
static void what_the_room_tells(void **state)
{
    UNUSED(state);
    writes_by(option_write_info, A_BOOL, "muc#owner</value>" NOTHING);
    assert_true(set(A_BOOL, "on"));
    tells(A_BOOL, "<field var='x-told' type='boolean' label='Row'><value>1</value>" NOTHING);
    tells(A_TEXT, "muc#owner</value>" NOTHING);
    assert_true(set(A_TEXT, "it"));
    tells(A_TEXT, "<field var='x-told' type='text-single' label='Row'><value>it</value>" NOTHING);
    assert_true(set(A_JIDS, "a@b c@d"));
    tells(A_JIDS, "<field var='x-told' type='jid-multi' label='Row'><value>a@b</value>"
                  "<value>c@d</value>" NOTHING);
    assert_true(set(A_SIZE, "33"));
    tells(A_SIZE, "type='text-single' label='Row'><value>33</value>" NOTHING);
    assert_true(set(A_CHOICE, "azure"));
    tells(A_CHOICE, "type='text-single' label='Row'><value>blue</value>" NOTHING);
    assert_true(set(A_SET, "red,green"));
    tells(A_SET, "type='text-multi' label='Row'><value>red</value><value>green</value>" NOTHING);
}

static void written_fields(void **state)
{
    UNUSED(state);
    assert_true(set(A_BOOL, "on"));
    writes(A_BOOL, "<field var='x-row' type='boolean' label='Row'><value>1</value></field>");
    writes(A_TEXT, "<field var='x-row' type='text-single' label='Row'><value/></field>");
    assert_true(set(A_MULTI, "a\nb"));
    writes(A_MULTI, "<value>a</value><value>b</value></field>");
    assert_true(set(A_JIDS, "a@b"));
    writes(A_JIDS, "<field var='x-row' type='jid-multi' label='Row'><value>a@b</value></field>");
    assert_true(set(A_NUMBER, "20"));
    writes(A_NUMBER, "<field var='x-row' type='text-single' label='Row'><value>20</value></field>");
    assert_true(set(A_SET, "red,blue"));
    writes(A_SET, "<value>red</value><value>blue</value><option label='Red'><value>red</value>");
    assert_true(set(A_CHOICE, "azure"));
    writes(A_CHOICE, "type='list-single' label='Row'><value>blue</value><option label='Red'>");
}

/* What is in force is offered even if it is none of the usual choices. */
static void an_unusual_number_is_offered(void **state)
{
    UNUSED(state);
    assert_true(set(A_SIZE, "50"));
    writes(A_SIZE, "<value>50</value><option label='No limit'><value>none</value></option>"
                   "<option label='50'><value>50</value></option></field>");
    assert_true(set(A_SIZE, "33"));
    writes(A_SIZE, "<value>33</value><option><value>33</value></option>"
                   "<option label='No limit'><value>none</value></option>");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_two_rows_share_a_name),
        TEST(every_row_has_a_number_of_its_own),
        TEST(no_row_tells_a_secret),
        TEST(presets_are_what_we_promise),
        TEST(every_field_goes_there_and_back),
        TEST(copies_are_copies),
        TEST(switches),
        TEST(texts),
        TEST(addresses),
        TEST(numbers),
        TEST(choices),
        TEST(submitted_fields),
        TEST(numbers_are_offered),
        TEST(what_the_room_tells),
        TEST(written_fields),
        TEST(an_unusual_number_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
