#include "core/config/config.h"

#include "core/config/assign.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
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
#define DOMAINS_PREFIX  STR("muc.domains[")
#define MUC_PREFIX      STR("muc.")

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

/* ---- names, as the operator writes them ---- */

static struct str behind(struct str text, struct str prefix)
{
    return str_of(text.at + prefix.len, text.len - prefix.len);
}

struct config_name config_name(const struct config *config, enum config_id id)
{
    struct config_name name;
    struct str row = str_z(config_rows[id].name);
    if (!str_present(config->label))
        snprintf(name.text, sizeof(name.text), "%s", row.at);
    else if (id == CONFIG_MUC_DOMAIN)
        snprintf(name.text, sizeof(name.text), "%s", config->label.at);
    else
        snprintf(name.text, sizeof(name.text), "%.180s.%s", config->label.at,
                 str_starts(row, MUC_PREFIX) ? behind(row, MUC_PREFIX).at : row.at);
    return name;
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
        return fail(config, where, "%s: more than %lld entries", config_name(config, id).text,
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
        return fail(config, where, "%s: '%.*s' is not a number from %lld to %lld",
                    config_name(config, id).text, (int)text.len, text.at, (long long)row->min,
                    (long long)row->max);
    config->values[id].number = number;
    return true;
}

static bool set_text(struct config *config, enum config_id id, struct str text, const char *where)
{
    const struct config_row *row = &config_rows[id];
    if (text.len < (size_t)row->min || text.len > (size_t)row->max)
        return fail(config, where, "%s: a text of %lld to %lld bytes is needed",
                    config_name(config, id).text, (long long)row->min, (long long)row->max);
    str_free(&config->values[id].text);
    config->values[id].text = str_copy(text);
    return true;
}

static bool set_scalar(struct config *config, enum config_id id, struct str text, const char *where)
{
    struct config_value *value = &config->values[id];
    struct config_name own = config_name(config, id);
    const char *name = own.text;
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

/* What a service may have of its own. */
static bool is_of_domain(enum config_id id)
{
    struct str name = str_z(config_rows[id].name);
    return id != CONFIG_MUC_DOMAIN &&
           (str_starts(name, MUC_PREFIX) || str_starts(name, STR("component.")));
}

static int find(struct str name, bool of_domain)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        if (str_eqz(name, config_rows[i].name) && (!of_domain || is_of_domain((enum config_id)i)))
            return i;
    }
    return -1;
}

/* The domain's name in front of it makes no two options of a domain nearer to each other. */
static bool fail_unknown(struct config *config, struct str name, const char *where)
{
    bool of_domain = str_present(config->label);
    struct str shown = of_domain && str_starts(name, MUC_PREFIX) ? behind(name, MUC_PREFIX) : name;
    const char *nearest = config_nearest(name, NULL, 0);
    int id = nearest == NULL ? -1 : find(str_z(nearest), of_domain);
    if (id < 0)
        return fail(config, where, "there is no option '%s%s%.*s' (--print-config lists them)",
                    of_domain ? config->label.at : "", of_domain ? "." : "", (int)shown.len,
                    shown.at);
    return fail(config, where, "there is no option '%s%s%.*s'; did you mean '%s'?",
                of_domain ? config->label.at : "", of_domain ? "." : "", (int)shown.len, shown.at,
                config_name(config, (enum config_id)id).text);
}

/* ---- options of one of muc.domains ---- */

/* "muc.domains[NAME].REST"; the rest is absent if that was all. False: it is none of them. */
static bool split_domain(struct str text, struct str *name, struct str *rest)
{
    if (!str_starts(text, DOMAINS_PREFIX))
        return false;
    struct str tail = behind(text, DOMAINS_PREFIX);
    *rest = STR_NONE;
    for (size_t i = 0; i < tail.len; i++) {
        if (tail.at[i] != ']' || (i + 1 < tail.len && tail.at[i + 1] != '.'))
            continue;
        *name = str_of(tail.at, i);
        if (i + 1 < tail.len)
            *rest = str_of(tail.at + i + 2, tail.len - i - 2);
        return true;
    }
    return false;
}

/* What it is called in the domain's own configuration; free it. */
static struct str own_name(struct str rest)
{
    struct buf name;
    buf_init(&name, NULL);
    if (!str_starts(rest, STR("component.")))
        buf_add(&name, MUC_PREFIX);
    buf_add(&name, rest);
    struct str own = str_copy(buf_str(&name));
    buf_free(&name);
    return own;
}

static struct config_domain *domain_find(const struct config *config, struct str name)
{
    for (unsigned i = 0; i < config->domain_count; i++) {
        if (str_eq(config->domains[i].name, name))
            return &config->domains[i];
    }
    return NULL;
}

static struct str label_of(struct str name)
{
    struct buf label;
    buf_init(&label, NULL);
    buf_addf(&label, "muc.domains[%.*s]", (int)name.len, name.at);
    struct str made = str_copy(buf_str(&label));
    buf_free(&label);
    return made;
}

static bool domain_add(struct config *config, struct str name, const char *where)
{
    if (name.len == 0 || name.len > (size_t)config_rows[CONFIG_MUC_DOMAIN].max)
        return fail(config, where, "muc.domains: a domain has 1 to %lld bytes",
                    (long long)config_rows[CONFIG_MUC_DOMAIN].max);
    if (config->domain_count + 1 == DOMAINS_MAX)
        return fail(config, where, "muc.domains: more than %d, besides muc.domain",
                    DOMAINS_MAX - 1);
    size_t size = (config->domain_count + 1) * sizeof(*config->domains);
    config->domains = mem_grow(config->domains, size);
    struct config *own = MEM_NEW(struct config);
    config_init(own);
    own->label = label_of(name);
    str_free(&own->values[CONFIG_MUC_DOMAIN].text);
    own->values[CONFIG_MUC_DOMAIN].text = str_copy(name);
    own->values[CONFIG_MUC_DOMAIN].where = str_copy(str_z(where));
    config->domains[config->domain_count++] =
        (struct config_domain){str_copy(name), str_copy(str_z(where)), own};
    return true;
}

/* `text` is the whole name of the option. */
static bool domain_assign(struct config *config, struct str text, struct str value, bool first,
                          const char *where)
{
    struct str name = STR_NONE;
    struct str rest = STR_NONE;
    if (!split_domain(text, &name, &rest))
        return fail(config, where, "'%.*s' is not written as muc.domains[DOMAIN].OPTION",
                    (int)text.len, text.at);
    if (domain_find(config, name) == NULL && !domain_add(config, name, where))
        return false;
    if (!str_present(rest))
        return value.len == 0 || fail(config, where, "%.*s: a mapping of its options belongs here",
                                      (int)text.len, text.at);
    struct config *own = domain_find(config, name)->own;
    struct str option = own_name(rest);
    bool done = config_assign(own, option, value, first, where);
    if (!done)
        memcpy(config->error, own->error, sizeof(config->error));
    str_free(&option);
    return done;
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
    if (str_starts(name, STR("muc.domains")) && !str_present(config->label))
        return domain_assign(config, name, value, first, where);
    int id = find(name, str_present(config->label));
    if (id < 0)
        return fail_unknown(config, name, where);
    if (config_rows[id].type == CONFIG_LIST && first)
        list_free(&config->values[id]);
    if (!set_scalar(config, (enum config_id)id, value, where))
        return false;
    config->values[id].set = true;
    str_free(&config->values[id].where);
    config->values[id].where = str_copy(str_z(where));
    return true;
}

static bool domain_is_set(const struct config *config, struct str name, struct str rest)
{
    const struct config_domain *domain = domain_find(config, name);
    if (domain == NULL || !str_present(rest))
        return domain != NULL;
    struct str option = own_name(rest);
    bool set = config_is_set(domain->own, option);
    str_free(&option);
    return set;
}

bool config_is_set(const struct config *config, struct str name)
{
    struct str domain;
    struct str rest;
    if (split_domain(name, &domain, &rest))
        return domain_is_set(config, domain, rest);
    int id = find(name, false);
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
    struct str domain;
    struct str rest = name;
    bool of_domain = split_domain(name, &domain, &rest);
    struct str option = of_domain ? own_name(rest) : str_copy(rest);
    int id = find(option, of_domain);
    str_free(&option);
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
        str_free(&config->values[id].where);
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
    for (unsigned i = 0; i < config->domain_count; i++) {
        config_fini(config->domains[i].own);
        mem_free(config->domains[i].own);
        str_free(&config->domains[i].name);
        str_free(&config->domains[i].where);
    }
    mem_free(config->domains);
    config->domains = NULL;
    config->domain_count = 0;
    str_free(&config->label);
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
