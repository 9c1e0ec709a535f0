/*
 * The configuration: what is accepted, and that every message tells the operator where and what.
 */
#include "core/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static int setup(void **state)
{
    static struct config config;
    config_init(&config);
    *state = &config;
    return 0;
}

static int teardown(void **state)
{
    config_fini(*state);
    return 0;
}

static void assert_error_has(const struct config *config, const char *part)
{
    if (strstr(config->error, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, config->error);
}

static void presets_hold_without_a_file(void **state)
{
    struct config *config = *state;
    assert_true(str_eqz(config_text(config, CONFIG_MUC_DOMAIN), "conference.localhost"));
    assert_true(config_on(config, CONFIG_MUC_LOCKED));
    assert_int_equal(config_number(config, CONFIG_THREADS), 0);
    assert_int_equal(config_number(config, CONFIG_LOG_LEVEL), LOG_LEVEL_INFO);
    assert_false(config_any_set(config, "client."));
}

static void a_file_sets_nested_names_and_lists(void **state)
{
    struct config *config = *state;
    const char *yaml = "threads: 3\n"
                       "muc:\n"
                       "  domain: rooms.example\n"
                       "  locked: off\n"
                       "  admins: [a@x, b@x]\n"
                       "  defaults:\n"
                       "    public: off\n"
                       "client:\n"
                       "  listen: '[::1]:5222'\n";
    assert_true(config_load(config, str_z(yaml), "f.yaml"));
    assert_int_equal(config_number(config, CONFIG_THREADS), 3);
    assert_true(str_eqz(config_text(config, CONFIG_MUC_DOMAIN), "rooms.example"));
    assert_false(config_on(config, CONFIG_MUC_LOCKED));
    assert_int_equal(config->values[CONFIG_MUC_ADMINS].item_count, 2);
    assert_true(str_eqz(config->values[CONFIG_MUC_ADMINS].items[1], "b@x"));
    assert_int_equal(config->default_count, 1);
    assert_true(str_eqz(config->defaults[0].name, "public"));
    assert_true(str_eqz(config->defaults[0].where, "f.yaml:7"));
    assert_true(config_any_set(config, "client."));
    assert_false(config_any_set(config, "component."));
}

static void set_overrides_the_file(void **state)
{
    struct config *config = *state;
    assert_true(config_load(config, STR("muc:\n  admins: [a@x]\nthreads: 2\n"), "f.yaml"));
    assert_true(config_set(config, "threads=5"));
    assert_true(config_set(config, "muc.admins=c@x, d@x"));
    assert_true(config_set(config, "muc.defaults.whois=anyone"));
    assert_int_equal(config_number(config, CONFIG_THREADS), 5);
    assert_int_equal(config->values[CONFIG_MUC_ADMINS].item_count, 2);
    assert_true(str_eqz(config->values[CONFIG_MUC_ADMINS].items[0], "c@x"));
    assert_true(str_eqz(config->defaults[0].value, "anyone"));
}

static void an_empty_file_is_good(void **state)
{
    assert_true(config_load(*state, STR(""), "f.yaml"));
    assert_true(config_load(*state, STR("# nothing but a comment\n"), "f.yaml"));
}

static void an_unknown_name_gets_line_and_suggestion(void **state)
{
    struct config *config = *state;
    assert_false(config_load(config, STR("muc:\n  locked: on\n  domian: x\n"), "f.yaml"));
    assert_error_has(config, "f.yaml:3");
    assert_error_has(config, "muc.domian");
    assert_error_has(config, "did you mean 'muc.domain'");
    assert_false(config_set(config, "entirely.different=1"));
    assert_error_has(config, "--print-config");
}

static void numbers_name_their_range(void **state)
{
    struct config *config = *state;
    assert_true(config_set(config, "threads=64"));
    assert_false(config_set(config, "threads=65"));
    assert_error_has(config, "1 to 64");
    assert_false(config_set(config, "threads=0"));
    assert_false(config_set(config, "threads=two"));
    assert_error_has(config, "'two'");
    assert_int_equal(config_number(config, CONFIG_THREADS), 64);
}

static void switches_and_levels_take_known_words_only(void **state)
{
    struct config *config = *state;
    assert_true(config_set(config, "muc.locked=false"));
    assert_false(config_on(config, CONFIG_MUC_LOCKED));
    assert_false(config_set(config, "muc.locked=maybe"));
    assert_error_has(config, "neither on nor off");
    assert_true(config_set(config, "log.level=debug"));
    assert_false(config_set(config, "log.level=loud"));
    assert_error_has(config, "error, warn, info, debug");
    assert_false(config_set(config, "threads"));
    assert_error_has(config, "name=value");
}

static void yaml_of_the_wrong_shape_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *yaml;
        const char *part;
    } rows[] = {
        {"muc:\n  domain: [a, b]\n", "f.yaml:2"},
        {"- a\n- b\n", "mapping"},
        {"just text\n", "mapping"},
        {"muc:\n  defaults:\n    a:\n      b:\n        c: d\n", "deeper"},
        {"muc: {domain: x\n", "f.yaml:"},
        {"muc:\n  admins: [[a]]\n", "plain"},
        {"a: &x 1\nb: *x\n", "f.yaml:1"},
        {"muc:\n\tdomain: x\n", "f.yaml:2"},
    };
    struct config *config = *state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        assert_false(config_load(config, str_z(rows[i].yaml), "f.yaml"));
        assert_error_has(config, rows[i].part);
    }
}

/* YAML leaves it open which of two counts; an operator who wrote both meant something else. */
static void an_option_given_twice_is_refused(void **state)
{
    static const char *const rows[] = {
        "threads: 2\nthreads: 3\n",
        "muc:\n  admins: [a@x]\nmuc:\n  admins: [b@x]\n",
        "muc:\n  defaults:\n    public: on\n    name: x\n    public: off\n",
    };
    UNUSED(state);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct config config;
        config_init(&config);
        assert_false(config_load(&config, str_z(rows[i]), "f.yaml"));
        assert_error_has(&config, "twice");
        config_fini(&config);
    }
}

static void texts_have_a_length_limit(void **state)
{
    struct config *config = *state;
    assert_false(config_set(config, "muc.domain="));
    char text[1100] = "muc.domain=";
    memset(text + 11, 'a', 1024);
    assert_false(config_set(config, text));
    assert_error_has(config, "1 to 1023");
    text[11 + 1023] = '\0';
    assert_true(config_set(config, text));
}

static void nearest_looks_at_further_names(void **state)
{
    static const char *const more[] = {"persistent", "whois"};
    (void)state;
    assert_string_equal(config_nearest(STR("persistant"), more, 2), "persistent");
    assert_null(config_nearest(STR("zzzzzz"), more, 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(presets_hold_without_a_file),
        TEST(a_file_sets_nested_names_and_lists),
        TEST(set_overrides_the_file),
        TEST(an_empty_file_is_good),
        TEST(an_unknown_name_gets_line_and_suggestion),
        TEST(numbers_name_their_range),
        TEST(switches_and_levels_take_known_words_only),
        TEST(yaml_of_the_wrong_shape_is_refused_with_its_line),
        TEST(an_option_given_twice_is_refused),
        TEST(texts_have_a_length_limit),
        TEST(nearest_looks_at_further_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
