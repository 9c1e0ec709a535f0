#include "core/config/config.h"

#include "core/config/assign.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

const struct config_row config_rows[CONFIG_COUNT] = {
#define OPTION(id, name, type, preset, min, max, help)                                             \
    [CONFIG_##id] = {name, CONFIG_##type, preset, min, max, help},
#include "core/config/options.def"
#undef OPTION
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

#define DEFAULTS_PREFIX STR("muc.defaults.")

static bool fail(struct config *config, const char *where, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool fail(struct config *config, const char *where, const char *format, ...)
{
    char what[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(config->error, sizeof(config->error), "%.150s: %.340s", where, what);
    return false;
}

/* ---- values ---- */

static void list_free(struct config_value *value)
{
    for (unsigned i = 0; i < value->item_count; i++)
        str_free(&value->items[i]);
    mem_free(value->items);
    value->items = NULL;
    value->item_count = 0;
}

static bool list_add(struct config *config, enum config_id id, struct str text, const char *where)
{
    struct config_value *value = &config->values[id];
    if (value->item_count >= config_rows[id].max)
        return fail(config, where, "%s: more than %lld entries", config_rows[id].name,
                    (long long)config_rows[id].max);
    value->items = mem_grow(value->items, (value->item_count + 1) * sizeof(*value->items));
    value->items[value->item_count++] = str_copy(text);
    return true;
}

static bool parse_bool(struct str text, int64_t *flag)
{
    static const char *const words[2][4] = {{"off", "false", "no", "0"},
                                            {"on", "true", "yes", "1"}};
    for (int side = 0; side < 2; side++) {
        for (unsigned i = 0; i < ARRAY_LEN(words[side]); i++) {
            if (str_eqz(text, words[side][i])) {
                *flag = side;
                return true;
            }
        }
    }
    return false;
}

static bool parse_level(struct str text, int64_t *level)
{
    for (unsigned i = 0; i < ARRAY_LEN(level_names); i++) {
        if (str_eqz(text, level_names[i])) {
            *level = i;
            return true;
        }
    }
    return false;
}

static bool set_number(struct config *config, enum config_id id, struct str text, const char *where)
{
    const struct config_row *row = &config_rows[id];
    int64_t number;
    if (!str_to_i64(text, &number) || number < row->min || number > row->max)
        return fail(config, where, "%s: '%.*s' is not a number from %lld to %lld", row->name,
                    (int)text.len, text.at, (long long)row->min, (long long)row->max);
    config->values[id].number = number;
    return true;
}

static bool set_text(struct config *config, enum config_id id, struct str text, const char *where)
{
    const struct config_row *row = &config_rows[id];
    if (text.len < (size_t)row->min || text.len > (size_t)row->max)
        return fail(config, where, "%s: a text of %lld to %lld bytes is needed", row->name,
                    (long long)row->min, (long long)row->max);
    str_free(&config->values[id].text);
    config->values[id].text = str_copy(text);
    return true;
}

static bool set_scalar(struct config *config, enum config_id id, struct str text, const char *where)
{
    struct config_value *value = &config->values[id];
    const char *name = config_rows[id].name;
    switch (config_rows[id].type) {
    case CONFIG_NUMBER:
        return set_number(config, id, text, where);
    case CONFIG_BOOL:
        return parse_bool(text, &value->number) ||
               fail(config, where, "%s: '%.*s' is neither on nor off", name, (int)text.len,
                    text.at);
    case CONFIG_LEVEL:
        return parse_level(text, &value->number) ||
               fail(config, where, "%s: '%.*s' is none of error, warn, info, debug", name,
                    (int)text.len, text.at);
    case CONFIG_TEXT:
        return set_text(config, id, text, where);
    case CONFIG_LIST:
        return list_add(config, id, text, where);
    }
    return false;
}

/* ---- names ---- */

/* Edit distance, cut off: names are short. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[64];
    if (a.len >= ARRAY_LEN(row) || b.len >= ARRAY_LEN(row))
        return 64;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned change = corner + (a.at[i - 1] != b.at[j - 1]);
            corner = row[j];
            unsigned best = change < row[j] + 1 ? change : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[b.len];
}

const char *config_nearest(struct str name, const char *const *more, unsigned more_count)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)name.len / 3 + 2;
    for (unsigned i = 0; i < CONFIG_COUNT + more_count; i++) {
        const char *known = i < CONFIG_COUNT ? config_rows[i].name : more[i - CONFIG_COUNT];
        unsigned far = distance(name, str_z(known));
        if (far < best) {
            best = far;
            nearest = known;
        }
    }
    return nearest;
}

static int find(struct str name)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        if (str_eqz(name, config_rows[i].name))
            return i;
    }
    return -1;
}

static bool fail_unknown(struct config *config, struct str name, const char *where)
{
    const char *nearest = config_nearest(name, NULL, 0);
    if (nearest == NULL)
        return fail(config, where, "there is no option '%.*s' (--print-config lists them)",
                    (int)name.len, name.at);
    return fail(config, where, "there is no option '%.*s'; did you mean '%s'?", (int)name.len,
                name.at, nearest);
}

static void set_default(struct config *config, struct str name, struct str value, const char *where)
{
    size_t size = (config->default_count + 1) * sizeof(*config->defaults);
    config->defaults = mem_grow(config->defaults, size);
    config->defaults[config->default_count++] = (struct config_default){
        str_copy(name),
        str_copy(value),
        str_copy(str_z(where)),
    };
}

bool config_assign(struct config *config, struct str name, struct str value, bool first,
                   const char *where)
{
    if (str_starts(name, DEFAULTS_PREFIX)) {
        set_default(config, str_of(name.at + DEFAULTS_PREFIX.len, name.len - DEFAULTS_PREFIX.len),
                    value, where);
        return true;
    }
    int id = find(name);
    if (id < 0)
        return fail_unknown(config, name, where);
    if (config_rows[id].type == CONFIG_LIST && first)
        list_free(&config->values[id]);
    if (!set_scalar(config, (enum config_id)id, value, where))
        return false;
    config->values[id].set = true;
    return true;
}

bool config_is_set(const struct config *config, struct str name)
{
    int id = find(name);
    if (id >= 0)
        return config->values[id].set;
    for (unsigned i = 0; i < config->default_count; i++) {
        struct str given = config->defaults[i].name;
        if (name.len == DEFAULTS_PREFIX.len + given.len && str_starts(name, DEFAULTS_PREFIX) &&
            str_eq(str_of(name.at + DEFAULTS_PREFIX.len, given.len), given))
            return true;
    }
    return false;
}

bool config_is_list(struct str name)
{
    int id = find(name);
    return id >= 0 && config_rows[id].type == CONFIG_LIST;
}

bool config_fail(struct config *config, const char *where, const char *what)
{
    return fail(config, where, "%s", what);
}

/* ---- interface ---- */

void config_init(struct config *config)
{
    *config = (struct config){0};
    for (int id = 0; id < CONFIG_COUNT; id++) {
        config->values[id].text = str_copy(STR(""));
        const char *preset = config_rows[id].preset;
        if (preset[0] != '\0' && !set_scalar(config, (enum config_id)id, str_z(preset), "preset"))
            never("a preset in options.def is not a possible value");
    }
}

void config_fini(struct config *config)
{
    for (int id = 0; id < CONFIG_COUNT; id++) {
        str_free(&config->values[id].text);
        list_free(&config->values[id]);
    }
    for (unsigned i = 0; i < config->default_count; i++) {
        str_free(&config->defaults[i].name);
        str_free(&config->defaults[i].value);
        str_free(&config->defaults[i].where);
    }
    mem_free(config->defaults);
    config->defaults = NULL;
    config->default_count = 0;
}

bool config_set(struct config *config, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL)
        return fail(config, "--set", "'%s' is not name=value", assignment);
    struct str name = str_of(assignment, (size_t)(equals - assignment));
    struct str value = str_z(equals + 1);
    if (!config_is_list(name))
        return config_assign(config, name, value, true, "--set");
    bool first = true;
    while (value.len > 0) {
        const char *comma = memchr(value.at, ',', value.len);
        size_t len = comma == NULL ? value.len : (size_t)(comma - value.at);
        if (!config_assign(config, name, str_trim(str_of(value.at, len)), first, "--set"))
            return false;
        first = false;
        size_t skip = comma == NULL ? len : len + 1;
        value = str_of(value.at + skip, value.len - skip);
    }
    return true;
}

bool config_any_set(const struct config *config, const char *prefix)
{
    for (int id = 0; id < CONFIG_COUNT; id++) {
        if (config->values[id].set && str_starts(str_z(config_rows[id].name), str_z(prefix)))
            return true;
    }
    return false;
}
