/*
 * Server configuration: a YAML file and `name=value` settings, by one table (options.def), into an
 * immutable struct. Errors name file, line, option, range, and the nearest known name.
 *
 * `muc.defaults.NAME` is open: NAME is a room option (core/muc/option.h), checked by who knows
 * them.
 *
 * `muc.domains[NAME].` (in the file: a key of the mapping muc.domains, however many dots it has) is
 * in front of what a further service has of its own: `locked` is its `muc.locked`, `component.host`
 * its `component.host`. It is read as a configuration of its own and takes nothing from the first
 * service: what is not said has its preset.
 */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include "core/base/base.h"
#include "core/base/log.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum config_id {
#define OPTION(id, name, type, preset, min, max, help) CONFIG_##id,
#include "core/config/options.def"
#undef OPTION
    CONFIG_COUNT
};

enum config_type { CONFIG_NUMBER, CONFIG_BOOL, CONFIG_TEXT, CONFIG_LIST, CONFIG_LEVEL };

struct config_row {
    const char *name;
    enum config_type type;
    const char *preset;
    int64_t min, max;
    const char *help;
};

struct config_value {
    bool set;          /* by file or --set, not by preset */
    struct str where;  /* then: "stentor.yaml:12" or "--set"; heap */
    struct str text;   /* TEXT; heap; empty if not set */
    int64_t number;    /* NUMBER (0 if not set), BOOL, LEVEL (enum log_level) */
    struct str *items; /* LIST; heap */
    unsigned item_count;
};

/* One muc.defaults.NAME; heap. */
struct config_default {
    struct str name;
    struct str value;
    struct str where; /* "stentor.yaml:12" or "--set", for messages */
};

struct config;

/* One of muc.domains; heap. */
struct config_domain {
    struct str name;    /* as it was written */
    struct str where;   /* first met */
    struct config *own; /* its options; `muc.domain` is the name */
};

struct config {
    struct config_value values[CONFIG_COUNT];
    struct config_default *defaults;
    unsigned default_count;
    struct config_domain *domains;
    unsigned domain_count;
    struct str label;         /* "muc.domains[NAME]" in that one's own; absent: the whole server */
    char error[LOG_LINE_MAX]; /* why the last call failed, for the operator */
};

extern const struct config_row config_rows[CONFIG_COUNT];

void config_init(struct config *config); /* the presets */
void config_fini(struct config *config);

/* `yaml` is the file's text, `file` its name for messages. False: see config->error. */
MUST_CHECK bool config_load(struct config *config, struct str yaml, const char *file);
/* "name=value"; lists are separated by commas. */
MUST_CHECK bool config_set(struct config *config, const char *assignment);

static inline struct str config_text(const struct config *config, enum config_id id)
{
    return config->values[id].text;
}

static inline int64_t config_number(const struct config *config, enum config_id id)
{
    return config->values[id].number;
}

static inline bool config_on(const struct config *config, enum config_id id)
{
    return config->values[id].number != 0;
}

struct config_name {
    char text[LOG_LINE_MAX / 2]; /* may be cut */
};

/* As the operator has to write it: with `muc.domains[NAME].` in front, where it is needed. */
struct config_name config_name(const struct config *config, enum config_id id);

/* True if any option whose name starts with `prefix` was set. */
bool config_any_set(const struct config *config, const char *prefix);

/* The known name that is most like `name`, or NULL if none is near. `more` further names. */
const char *config_nearest(struct str name, const char *const *more, unsigned more_count);

#endif
