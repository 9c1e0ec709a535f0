/*
 * Reads YAML by libyaml into settings: nested mappings become dotted names, so a file and --set go
 * the same way, and every message can name the line.
 */
#include "core/config/assign.h"

#include "core/base/mem.h"

#include <stdio.h>
#include <yaml.h>

/* muc.domains[NAME].component.host: four keys, if the domain counts as none of its own; no option
 * lies deeper. */
#define KEYS_MAX 4
/* Keys are muc, domains and the domain. */
#define DOMAIN_KEYS 3

struct reader {
    struct config *config;
    const char *file;
    yaml_parser_t yaml;
    struct buf name; /* dotted name of the mapping being read */
    yaml_mark_t key; /* where the last key stands */
    char where[200];
};

static bool fail_at(struct reader *reader, const yaml_mark_t *mark, const char *what)
{
    snprintf(reader->where, sizeof(reader->where), "%.150s:%zu", reader->file, mark->line + 1);
    return config_fail(reader->config, reader->where, what);
}

static bool next(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->yaml, event))
        return true;
    const char *problem = reader->yaml.problem != NULL ? reader->yaml.problem : "not YAML";
    fail_at(reader, &reader->yaml.problem_mark, problem);
    return false;
}

static bool assign(struct reader *reader, const yaml_event_t *event, bool first)
{
    snprintf(reader->where, sizeof(reader->where), "%.150s:%zu", reader->file,
             event->start_mark.line + 1);
    struct str value = str_of((const char *)event->data.scalar.value, event->data.scalar.length);
    if (first && config_is_set(reader->config, buf_str(&reader->name)))
        return fail_at(reader, &event->start_mark, "the option is given twice");
    return config_assign(reader->config, buf_str(&reader->name), value, first, reader->where);
}

static bool read_sequence(struct reader *reader, const yaml_event_t *start)
{
    if (!config_is_list(buf_str(&reader->name)))
        return fail_at(reader, &start->start_mark, "a list does not belong here");
    for (bool first = true;; first = false) {
        yaml_event_t event;
        if (!next(reader, &event))
            return false;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        bool ok =
            end || (event.type == YAML_SCALAR_EVENT
                        ? assign(reader, &event, first)
                        : fail_at(reader, &event.start_mark, "list entries must be plain texts"));
        yaml_event_delete(&event);
        if (end || !ok)
            return ok;
    }
}

static bool read_mapping(struct reader *reader, unsigned depth);

/* Is that what is being read, and not an option of one? */
static bool is_domain(struct str name)
{
    return name.len > 0 && name.at[name.len - 1] == ']';
}

/* A domain may have no option of its own: it is served all the same. */
static bool begin_domain(struct reader *reader)
{
    struct str name = buf_str(&reader->name);
    snprintf(reader->where, sizeof(reader->where), "%.150s:%zu", reader->file,
             reader->key.line + 1);
    if (config_is_set(reader->config, name))
        return fail_at(reader, &reader->key, "the domain is given twice");
    return config_assign(reader->config, name, STR(""), true, reader->where);
}

/* The value of the key whose dotted name stands in reader->name. */
static bool read_value(struct reader *reader, unsigned depth)
{
    yaml_event_t event;
    if (!next(reader, &event))
        return false;
    bool ok;
    if (event.type == YAML_SCALAR_EVENT)
        ok = assign(reader, &event, true);
    else if (event.type == YAML_SEQUENCE_START_EVENT)
        ok = read_sequence(reader, &event);
    else if (event.type == YAML_MAPPING_START_EVENT && depth < KEYS_MAX)
        ok = depth == DOMAIN_KEYS && is_domain(buf_str(&reader->name))
                 ? begin_domain(reader) && read_mapping(reader, depth)
                 : read_mapping(reader, depth + 1);
    else
        ok = fail_at(reader, &event.start_mark, "aliases and deeper mappings are not used here");
    yaml_event_delete(&event);
    return ok;
}

/* Domains have dots of their own. */
static void add_key(struct buf *name, struct str key)
{
    bool domain = str_eqz(buf_str(name), "muc.domains");
    if (domain)
        buf_addc(name, '[');
    else if (name->len > 0)
        buf_addc(name, '.');
    buf_add(name, key);
    if (domain)
        buf_addc(name, ']');
}

/* Keys and values up to the mapping's end. */
static bool read_mapping(struct reader *reader, unsigned depth)
{
    for (;;) {
        yaml_event_t key;
        if (!next(reader, &key))
            return false;
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            return true;
        }
        bool ok = key.type == YAML_SCALAR_EVENT ||
                  fail_at(reader, &key.start_mark, "a key must be a plain text");
        size_t before = reader->name.len;
        reader->key = key.start_mark;
        if (ok) {
            add_key(&reader->name,
                    str_of((const char *)key.data.scalar.value, key.data.scalar.length));
            ok = read_value(reader, depth);
            reader->name.len = before;
        }
        yaml_event_delete(&key);
        if (!ok)
            return false;
    }
}

static bool read_document(struct reader *reader)
{
    for (;;) {
        yaml_event_t event;
        if (!next(reader, &event))
            return false;
        yaml_event_type_t type = event.type;
        yaml_mark_t mark = event.start_mark;
        /* An empty document, or one of comments alone, reads as an empty scalar. */
        bool empty = type == YAML_SCALAR_EVENT && event.data.scalar.length == 0;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT)
            return true;
        if (type == YAML_MAPPING_START_EVENT) {
            if (!read_mapping(reader, 1))
                return false;
        } else if (type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT ||
                   (type == YAML_SCALAR_EVENT && !empty)) {
            return fail_at(reader, &mark, "the file must be a mapping of options (name: value)");
        }
    }
}

bool config_load(struct config *config, struct str yaml, const char *file)
{
    struct reader reader = {.config = config, .file = file};
    if (!yaml_parser_initialize(&reader.yaml))
        return config_fail(config, file, "the YAML library could not be started");
    yaml_parser_set_input_string(&reader.yaml, (const unsigned char *)yaml.at, yaml.len);
    buf_init(&reader.name, NULL);
    bool ok = read_document(&reader);
    buf_free(&reader.name);
    yaml_parser_delete(&reader.yaml);
    return ok;
}
