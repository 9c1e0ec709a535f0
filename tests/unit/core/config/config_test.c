/*
 * The configuration: what is accepted, and that every message tells the operator where and what.
 */
#include "core/config/config.h"

#include "core/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

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

/* ---- several services ---- */

static const char two_more[] = "muc:\n"
                               "  domain: rooms.example\n"
                               "  locked: on\n"
                               "  domains:\n"
                               "    lounge.rooms.example:\n"
                               "      locked: off\n"
                               "      admins: [a@x, b@x]\n"
                               "      defaults:\n"
                               "        public: off\n"
                               "      component:\n"
                               "        host: far.example\n"
                               "        port: 5348\n"
                               "        links: ['[::1]:2']\n"
                               "    plain.example: {}\n"
                               "    bare.example:\n";

static void a_domain_has_options_of_its_own(void **state)
{
    struct config *config = *state;
    assert_true(config_load(config, str_z(two_more), "f.yaml"));
    assert_int_equal(config->domain_count, 3);
    assert_true(str_eqz(config->domains[0].name, "lounge.rooms.example"));
    assert_true(str_eqz(config->domains[0].where, "f.yaml:5"));
    const struct config *own = config->domains[0].own;
    assert_true(str_eqz(config_text(own, CONFIG_MUC_DOMAIN), "lounge.rooms.example"));
    assert_false(config_on(own, CONFIG_MUC_LOCKED));
    assert_int_equal(own->values[CONFIG_MUC_ADMINS].item_count, 2);
    assert_true(str_eqz(config_text(own, CONFIG_COMPONENT_HOST), "far.example"));
    assert_int_equal(config_number(own, CONFIG_COMPONENT_PORT), 5348);
    assert_true(str_eqz(own->values[CONFIG_COMPONENT_LINKS].items[0], "[::1]:2"));
    assert_true(config_any_set(own, "component."));
    assert_int_equal(own->default_count, 1);
    assert_true(str_eqz(own->defaults[0].name, "public"));
    assert_true(str_eqz(own->defaults[0].where, "f.yaml:9"));
    /* Nothing of that is the first service's. */
    assert_true(config_on(config, CONFIG_MUC_LOCKED));
    assert_int_equal(config->default_count, 0);
    assert_false(config_any_set(config, "component."));
}

static void a_domain_without_options_has_the_presets(void **state)
{
    struct config *config = *state;
    assert_true(config_set(config, "muc.locked=off"));
    assert_true(config_load(config, str_z("muc:\n  admins: [a@x]\n"), "f.yaml"));
    assert_true(
        config_load(config, str_z("muc: {domains: {plain.example: {}, b.example: }}\n"), "f.yaml"));
    assert_int_equal(config->domain_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct config *own = config->domains[i].own;
        assert_true(config_on(own, CONFIG_MUC_LOCKED));
        assert_int_equal(own->values[CONFIG_MUC_ADMINS].item_count, 0);
        assert_int_equal(config_number(own, CONFIG_COMPONENT_PORT), 5347);
    }
}

static void domains_are_set_by_the_same_names(void **state)
{
    struct config *config = *state;
    assert_true(config_load(config, str_z(two_more), "f.yaml"));
    assert_true(config_set(config, "muc.domains[lounge.rooms.example].locked=on"));
    assert_true(config_set(config, "muc.domains[lounge.rooms.example].admins=c@x,d@x,e@x"));
    assert_true(config_set(config, "muc.domains[late.example].component.secret=hush"));
    assert_true(config_set(config, "muc.domains[[::1]].defaults.name=six"));
    const struct config *own = config->domains[0].own;
    assert_true(config_on(own, CONFIG_MUC_LOCKED));
    assert_int_equal(own->values[CONFIG_MUC_ADMINS].item_count, 3);
    assert_int_equal(config->domain_count, 5);
    assert_true(str_eqz(config->domains[3].where, "--set"));
    assert_true(str_eqz(config_text(config->domains[3].own, CONFIG_COMPONENT_SECRET), "hush"));
    assert_true(str_eqz(config->domains[4].name, "[::1]"));
    assert_true(str_eqz(config->domains[4].own->defaults[0].value, "six"));
}

static void names_are_told_with_their_domain(void **state)
{
    struct config *config = *state;
    assert_true(config_load(config, str_z(two_more), "f.yaml"));
    const struct config *own = config->domains[0].own;
    assert_string_equal(config_name(own, CONFIG_MUC_LOCKED).text,
                        "muc.domains[lounge.rooms.example].locked");
    assert_string_equal(config_name(own, CONFIG_COMPONENT_HOST).text,
                        "muc.domains[lounge.rooms.example].component.host");
    assert_string_equal(config_name(own, CONFIG_MUC_DOMAIN).text,
                        "muc.domains[lounge.rooms.example]");
    assert_string_equal(config_name(config, CONFIG_MUC_LOCKED).text, "muc.locked");
    assert_true(str_eqz(own->values[CONFIG_COMPONENT_PORT].where, "f.yaml:12"));
    assert_false(str_present(own->values[CONFIG_COMPONENT_SECRET].where));
}

/* In a file of their own each, as a mapping is never read in two pieces. */
static void what_is_wrong_in_a_domain_is_told(void **state)
{
    static const struct {
        const char *yaml;
        const char *place;
        const char *part;
    } rows[] = {
        {"    a.b:\n      lokced: on\n", "f.yaml:4",
         "'muc.domains[a.b].lokced'; did you mean 'muc.domains[a.b].locked'?"},
        {"    a.b:\n      component:\n        hosst: x\n", "f.yaml:5",
         "'muc.domains[a.b].component.hosst'; did you mean 'muc.domains[a.b].component.host'?"},
        {"    a.b:\n      locked: perhaps\n", "f.yaml:4",
         "muc.domains[a.b].locked: 'perhaps' is neither on nor off"},
        {"    a.b:\n      component: {port: 70000}\n", "f.yaml:4",
         "muc.domains[a.b].component.port: '70000' is not a number from 1 to 65535"},
        {"    a.b:\n      domain: c\n", "f.yaml:4", "no option 'muc.domains[a.b].domain'"},
        {"    a.b:\n      domains: {c: x}\n", "f.yaml:4", "no option"},
        {"    a.b:\n      client: {listen: x}\n", "f.yaml:4", "no option"},
        {"    a.b: {defaults: {'x]': {'y]': {'z]': 1}}}}\n", "f.yaml:3", "deeper"},
        {"    a.b: {'x]': {'y]': 1}}\n", "f.yaml:3", "no option 'muc.domains[a.b].x]'"},
        {"    a.b: on\n", "f.yaml:3", "a mapping of its options"},
        {"    a.b: [x]\n", "f.yaml:3", "a list does not belong here"},
        {"    a.b: {}\n    a.b: {}\n", "f.yaml:4", "twice"},
        {"    a.b: {locked: on, locked: off}\n", "f.yaml:3", "twice"},
        {"    a.b: {defaults: {name: a, name: b}}\n", "f.yaml:3", "twice"},
        {"    '': {}\n", "f.yaml:3", "a domain has 1 to 1023 bytes"},
    };
    UNUSED(state);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct config config;
        char yaml[300];
        snprintf(yaml, sizeof(yaml), "muc:\n  domains:\n%s", rows[i].yaml);
        config_init(&config);
        assert_false(config_load(&config, str_z(yaml), "f.yaml"));
        assert_error_has(&config, rows[i].place);
        assert_error_has(&config, rows[i].part);
        config_fini(&config);
    }
}

static void domains_are_written_in_brackets(void **state)
{
    static const char *const wrong[] = {"muc.domains=a", "muc.domains.a.locked=on",
                                        "muc.domains[a=on", "muc.domains[a]locked=on",
                                        "muc.domainslocked=on"};
    for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(config_set(*state, wrong[i]));
        assert_error_has(*state, "muc.domains[DOMAIN].OPTION");
    }
    assert_false(config_load(*state, STR("muc:\n  domains: a\n"), "f.yaml"));
    assert_error_has(*state, "f.yaml:2");
    assert_int_equal(((struct config *)*state)->domain_count, 0);
}

static void there_are_so_many_domains(void **state)
{
    struct config *config = *state;
    char text[64];
    for (unsigned i = 1; i < DOMAINS_MAX; i++) {
        snprintf(text, sizeof(text), "muc.domains[d%u.example].locked=on", i);
        assert_true(config_set(config, text));
    }
    assert_true(config_set(config, "muc.domains[d1.example].locked=off"));
    assert_false(config_set(config, "muc.domains[one.more.example].locked=on"));
    assert_error_has(config, "more than 15");
    assert_int_equal(config->domain_count, DOMAINS_MAX - 1);
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
        TEST(a_domain_has_options_of_its_own),
        TEST(a_domain_without_options_has_the_presets),
        TEST(domains_are_set_by_the_same_names),
        TEST(names_are_told_with_their_domain),
        TEST(what_is_wrong_in_a_domain_is_told),
        TEST(domains_are_written_in_brackets),
        TEST(there_are_so_many_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
