/*
 * Room options: walking the rows of all features, reading and writing values by their type.
 *
 * The rows live in the features. Their list is put together once per thread, out of constants only:
 * it is the same on every thread, and no thread waits for another one.
 */
#include "core/muc/option.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/feature.h"
#include "core/xmpp/jid.h"

#include <stdio.h>

enum { OPTIONS_MAX = 64 };

/* ---- values ---- */

static bool *bool_of(struct room_options *options, const struct option *option)
{
    return (bool *)(void *)((char *)options + option->offset);
}

static struct str *text_of(struct room_options *options, const struct option *option)
{
    return (struct str *)(void *)((char *)options + option->offset);
}

static uint32_t *number_of(struct room_options *options, const struct option *option)
{
    return (uint32_t *)(void *)((char *)options + option->offset);
}

static bool bool_in(const struct room_options *options, const struct option *option)
{
    return *(const bool *)(const void *)((const char *)options + option->offset);
}

static struct str text_in(const struct room_options *options, const struct option *option)
{
    return *(const struct str *)(const void *)((const char *)options + option->offset);
}

static uint32_t number_in(const struct room_options *options, const struct option *option)
{
    return *(const uint32_t *)(const void *)((const char *)options + option->offset);
}

/* ---- the rows ---- */

const struct option *const *options_all(unsigned *count)
{
    static _Thread_local const struct option *rows[OPTIONS_MAX];
    static _Thread_local unsigned row_count;

    if (row_count == 0) {
        for (unsigned f = 0; f < features_count; f++) {
            const struct feature *feature = features_all[f];
            for (unsigned i = 0; i < feature->option_count; i++) {
                ensure(row_count < OPTIONS_MAX);
                rows[row_count++] = &feature->options[i];
            }
        }
    }
    *count = row_count;
    return rows;
}

static bool is_text(const struct option *option)
{
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_MULTI:
    case OPTION_JIDS:
    case OPTION_SECRET:
        return true;
    case OPTION_BOOL:
    case OPTION_NUMBER:
    case OPTION_CHOICE:
    case OPTION_SET:
        break;
    }
    return false;
}

void room_options_copy(struct room_options *to, const struct room_options *from)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    *to = *from;
    for (unsigned i = 0; i < count; i++) {
        if (is_text(rows[i]))
            *text_of(to, rows[i]) = str_copy(text_in(from, rows[i]));
    }
}

const struct room_options *room_options_in(struct arena *arena, const struct room_options *options)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    struct room_options *copy = ARENA_NEW(arena, struct room_options);
    *copy = *options;
    for (unsigned i = 0; i < count; i++) {
        if (is_text(rows[i]))
            *text_of(copy, rows[i]) = str_in(arena, text_in(options, rows[i]));
    }
    return copy;
}

void room_options_fini(struct room_options *options)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        if (is_text(rows[i]))
            str_free(text_of(options, rows[i]));
    }
}

const struct option *option_by_id(uint64_t id)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        if ((uint64_t)rows[i]->id == id)
            return rows[i];
    }
    return NULL;
}

const struct option *option_by_name(struct str name)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        if (str_eqz(name, rows[i]->name))
            return rows[i];
    }
    return NULL;
}

static bool option_has_field(const struct option *option, struct str field)
{
    if (option->field != NULL && str_eqz(field, option->field))
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(option->aliases); i++) {
        if (option->aliases[i] != NULL && str_eqz(field, option->aliases[i]))
            return true;
    }
    return false;
}

const struct option *option_by_field(struct str field)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++) {
        if (option_has_field(rows[i], field))
            return rows[i];
    }
    return NULL;
}

/* ---- reading values ---- */

static const struct option_choice *choice_by_value(const struct option *option, struct str value)
{
    for (unsigned i = 0; i < option->choice_count; i++) {
        if (str_eqz(value, option->choices[i].value))
            return &option->choices[i];
    }
    return NULL;
}

static bool read_choice(const struct option *option, struct str text, uint32_t *number)
{
    const struct option_choice *choice = choice_by_value(option, text);
    if (choice == NULL)
        return false;
    *number = choice->number;
    return true;
}

static bool read_number(const struct option *option, struct str text, uint32_t *number)
{
    if (read_choice(option, text, number))
        return true;
    uint64_t value;
    if (!str_to_u64(text, &value) || value < option->min || value > option->max)
        return false;
    *number = (uint32_t)value;
    return true;
}

/* What XML cannot carry must not get into a room by way of the configuration. */
static bool text_is_possible(const struct option *option, struct str text)
{
    if (text.len > option->max || !str_is_utf8(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        bool lines = option->type == OPTION_MULTI || option->type == OPTION_JIDS;
        bool line_end = byte == '\n' && lines;
        if ((byte < 0x20 && byte != '\t' && !line_end) || byte == 0x7f)
            return false;
    }
    return true;
}

static bool set_text(struct room_options *options, const struct option *option, struct str text)
{
    if (!text_is_possible(option, text))
        return false;
    struct str *value = text_of(options, option);
    str_free(value);
    *value = str_empty(text) ? STR_NONE : str_copy(text);
    return true;
}

/* As a person writes it in a configuration file. */
static bool set_switch(struct room_options *options, const struct option *option, struct str text)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"on", true},   {"off", false},   {"yes", true}, {"no", false},
        {"true", true}, {"false", false}, {"1", true},   {"0", false},
    };

    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eqz(text, words[i].word)) {
            *bool_of(options, option) = words[i].value;
            return true;
        }
    }
    return false;
}

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\n';
}

/* The next word of a list separated by commas, blanks or ends of lines; false at the end. */
static bool next_word(struct str *rest, struct str *word)
{
    size_t from = 0;
    while (from < rest->len && is_separator(rest->at[from]))
        from++;
    size_t to = from;
    while (to < rest->len && !is_separator(rest->at[to]))
        to++;
    *word = str_of(rest->at + from, to - from);
    *rest = str_of(rest->at + to, rest->len - to);
    return word->len > 0;
}

static bool set_words(struct room_options *options, const struct option *option, struct str text)
{
    uint32_t bits = 0;
    struct str rest = text, word;
    while (rest.len > 0 && next_word(&rest, &word)) {
        uint32_t bit;
        if (!read_choice(option, word, &bit))
            return false;
        bits |= bit;
    }
    *number_of(options, option) = bits;
    return true;
}

/* Accounts and services, not sessions of them. */
static bool add_address(struct buf *lines, struct str text)
{
    struct jid *jid = jid_parse(NULL, str_trim(text));
    bool good = jid != NULL && jid_is_bare(jid);
    if (good && lines->len > 0)
        buf_addc(lines, '\n');
    if (good)
        buf_add(lines, jid_bare(jid));
    jid_free(jid);
    return good;
}

static bool set_addresses(struct room_options *options, const struct option *option,
                          struct str text)
{
    struct str rest = text, word;
    struct buf lines;
    bool possible = true;
    buf_init(&lines, NULL);
    while (possible && rest.len > 0 && next_word(&rest, &word))
        possible = add_address(&lines, word);
    possible = possible && set_text(options, option, buf_str(&lines));
    buf_free(&lines);
    return possible;
}

static const char *why_not(const struct option *option)
{
    static _Thread_local char text[160];

    switch (option->type) {
    case OPTION_BOOL:
        return "must be on or off";
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_MULTI:
        snprintf(text, sizeof(text), "must be printable text of at most %u bytes",
                 (unsigned)option->max);
        return text;
    case OPTION_JIDS:
        snprintf(text, sizeof(text),
                 "must be addresses of the form user@server, together at most %u bytes",
                 (unsigned)option->max);
        return text;
    case OPTION_NUMBER:
        snprintf(text, sizeof(text), "must be a number from %u to %u", (unsigned)option->min,
                 (unsigned)option->max);
        return text;
    case OPTION_CHOICE:
    case OPTION_SET:
        break;
    }
    size_t len = (size_t)snprintf(text, sizeof(text), "must be %s",
                                  option->type == OPTION_SET ? "a list of" : "one of");
    for (unsigned i = 0; i < option->choice_count && len < sizeof(text); i++) {
        if (!option->choices[i].hidden)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %s", i == 0 ? "" : ",",
                                    option->choices[i].value);
    }
    return text;
}

static bool set_from_text(struct room_options *options, const struct option *option,
                          struct str text)
{
    switch (option->type) {
    case OPTION_BOOL:
        return set_switch(options, option, text);
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_MULTI:
        return set_text(options, option, text);
    case OPTION_JIDS:
        return set_addresses(options, option, text);
    case OPTION_NUMBER:
        return read_number(option, text, number_of(options, option));
    case OPTION_CHOICE:
        return read_choice(option, text, number_of(options, option));
    case OPTION_SET:
        return set_words(options, option, text);
    }
    never("an option of no type");
}

bool option_set_text(struct room_options *options, const struct option *option, struct str text,
                     const char **why)
{
    if (set_from_text(options, option, text))
        return true;
    *why = why_not(option);
    return false;
}

/* ---- stored values ---- */

/* A word for the number, whether it is offered or not; else its digits. */
static struct str number_stored(const struct option *option, uint32_t number, struct arena *arena)
{
    for (unsigned i = 0; i < option->choice_count; i++) {
        if (option->choices[i].number == number)
            return str_z(option->choices[i].value);
    }
    return str_fmt(arena, "%u", (unsigned)number);
}

static struct str set_stored(const struct option *option, uint32_t bits, struct arena *arena)
{
    struct buf words;
    buf_init(&words, arena);
    for (unsigned i = 0; i < option->choice_count; i++) {
        const struct option_choice *choice = &option->choices[i];
        if ((bits & choice->number) != choice->number || choice->number == 0)
            continue;
        bits &= ~choice->number;
        buf_addz(&words, words.len > 0 ? "," : "");
        buf_addz(&words, choice->value);
    }
    return buf_str(&words);
}

struct str option_stored(const struct option *option, const struct room_options *options,
                         struct arena *arena)
{
    switch (option->type) {
    case OPTION_BOOL:
        return bool_in(options, option) ? STR("on") : STR("off");
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_MULTI:
    case OPTION_JIDS:
        return text_in(options, option);
    case OPTION_NUMBER:
    case OPTION_CHOICE:
        return number_stored(option, number_in(options, option), arena);
    case OPTION_SET:
        return set_stored(option, number_in(options, option), arena);
    }
    never("an option of no type");
}

/* One a line; a comma may be part of an address, which only the configuration forbids. */
static bool set_address_lines(struct room_options *options, const struct option *option,
                              struct str text)
{
    struct buf lines;
    bool possible = true;
    buf_init(&lines, NULL);
    while (possible && text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.at);
        size_t used = end == NULL ? len : len + 1;
        possible = add_address(&lines, str_of(text.at, len));
        text = str_of(text.at + used, text.len - used);
    }
    possible = possible && set_text(options, option, buf_str(&lines));
    buf_free(&lines);
    return possible;
}

bool option_set_stored(struct room_options *options, const struct option *option, struct str text,
                       const char **why)
{
    bool possible = option->type == OPTION_JIDS ? set_address_lines(options, option, text)
                                                : set_from_text(options, option, text);
    if (!possible)
        *why = why_not(option);
    return possible;
}

void options_preset(struct room_options *options)
{
    memset(options, 0, sizeof(*options));
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count; i++)
        ensure(set_from_text(options, rows[i], str_z(rows[i]->preset)));
}

/* ---- forms ---- */

static bool set_lines(struct room_options *options, const struct option *option,
                      const struct form_field *field)
{
    struct buf lines;
    buf_init(&lines, NULL);
    for (unsigned i = 0; i < field->value_count; i++) {
        if (i > 0)
            buf_addc(&lines, '\n');
        buf_add(&lines, field->values[i]);
    }
    bool possible = set_text(options, option, buf_str(&lines));
    buf_free(&lines);
    return possible;
}

static bool set_each_address(struct room_options *options, const struct option *option,
                             const struct form_field *field)
{
    struct buf lines;
    bool possible = true;
    buf_init(&lines, NULL);
    for (unsigned i = 0; possible && i < field->value_count; i++)
        possible = str_empty(field->values[i]) || add_address(&lines, field->values[i]);
    possible = possible && set_text(options, option, buf_str(&lines));
    buf_free(&lines);
    return possible;
}

static bool set_values(struct room_options *options, const struct option *option,
                       const struct form_field *field)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < field->value_count; i++) {
        uint32_t bit;
        if (!read_choice(option, field->values[i], &bit))
            return false;
        bits |= bit;
    }
    *number_of(options, option) = bits;
    return true;
}

/* Nobody is surprised by a form that comes back as it was sent: the value in force was offered. */
static bool set_number(struct room_options *options, const struct option *option, struct str value)
{
    uint32_t number = 0;
    if (!read_number(option, value, &number))
        return false;
    bool offered = option->choice_count == 0 || choice_by_value(option, value) != NULL;
    if (!offered && number != number_in(options, option))
        return false;
    *number_of(options, option) = number;
    return true;
}

bool option_set_field(struct room_options *options, const struct option *option,
                      const struct form_field *field)
{
    if (option->type == OPTION_MULTI)
        return set_lines(options, option, field);
    if (option->type == OPTION_JIDS)
        return set_each_address(options, option, field);
    if (option->type == OPTION_SET)
        return set_values(options, option, field);
    if (field->value_count > 1)
        return false;
    struct str value = field->value_count == 1 ? field->values[0] : STR("");
    if (option->type == OPTION_BOOL)
        return str_to_bool(value, bool_of(options, option));
    if (option->type == OPTION_NUMBER)
        return set_number(options, option, value);
    return set_from_text(options, option, value);
}

static const char *const form_types[] = {
    [OPTION_BOOL] = "boolean",        [OPTION_TEXT] = "text-single",
    [OPTION_MULTI] = "text-multi",    [OPTION_JIDS] = "jid-multi",
    [OPTION_SECRET] = "text-private", [OPTION_NUMBER] = "list-single",
    [OPTION_CHOICE] = "list-single",  [OPTION_SET] = "list-multi",
};

static const struct option_choice *offer_of(const struct option *option, uint32_t number)
{
    for (unsigned i = 0; i < option->choice_count; i++) {
        if (option->choices[i].number == number && !option->choices[i].hidden)
            return &option->choices[i];
    }
    return NULL;
}

static struct str number_text(struct fb *fb, const struct option *option, uint32_t number)
{
    const struct option_choice *offer = offer_of(option, number);
    return offer != NULL ? str_z(offer->value) : str_fmt(fb->arena, "%u", (unsigned)number);
}

static void write_set(struct fb *fb, const struct option *option, uint32_t bits)
{
    for (unsigned i = 0; i < option->choice_count; i++) {
        const struct option_choice *choice = &option->choices[i];
        if ((bits & choice->number) != 0 && !choice->hidden)
            fb_field_value(fb, str_z(choice->value));
    }
}

static void write_values(struct fb *fb, const struct option *option,
                         const struct room_options *options)
{
    switch (option->type) {
    case OPTION_BOOL:
        fb_field_value(fb, bool_in(options, option) ? STR("1") : STR("0"));
        break;
    case OPTION_TEXT:
    case OPTION_SECRET:
        fb_field_value(fb,
                       str_present(text_in(options, option)) ? text_in(options, option) : STR(""));
        break;
    case OPTION_MULTI:
    case OPTION_JIDS:
        fb_field_lines(fb, text_in(options, option));
        break;
    case OPTION_NUMBER:
    case OPTION_CHOICE:
        fb_field_value(fb, number_text(fb, option, number_in(options, option)));
        break;
    case OPTION_SET:
        write_set(fb, option, number_in(options, option));
        break;
    }
}

/* A number in force that is none of the choices is an offer of its own: a client shows what is, not
 * what comes next to it. */
static void write_offers(struct fb *fb, const struct option *option,
                         const struct room_options *options)
{
    bool unusual = option->type == OPTION_NUMBER && option->choice_count > 0 &&
                   offer_of(option, number_in(options, option)) == NULL;
    if (unusual)
        fb_field_option(fb, NULL, number_text(fb, option, number_in(options, option)));
    for (unsigned i = 0; i < option->choice_count; i++) {
        if (!option->choices[i].hidden)
            fb_field_option(fb, option->choices[i].label, str_z(option->choices[i].value));
    }
}

void option_write_field(struct fb *fb, const struct option *option,
                        const struct room_options *options)
{
    const char *type = form_types[option->type];
    if (option->type == OPTION_NUMBER && option->choice_count == 0)
        type = "text-single";
    fb_field_begin(fb, option->field, type, option->label);
    write_values(fb, option, options);
    write_offers(fb, option, options);
    fb_close(fb);
}

/* What is told offers nothing to choose from. */
static const char *info_type(const struct option *option)
{
    if (option->type == OPTION_SET)
        return "text-multi";
    return option->choice_count > 0 || option->type == OPTION_NUMBER ? "text-single"
                                                                     : form_types[option->type];
}

void option_write_info(struct fb *fb, const struct option *option,
                       const struct room_options *options)
{
    if (is_text(option) && str_empty(text_in(options, option)))
        return;
    for (unsigned i = 0; i < ARRAY_LEN(option->info) && option->info[i] != NULL; i++) {
        fb_field_begin(fb, option->info[i], info_type(option), option->label);
        write_values(fb, option, options);
        fb_close(fb);
    }
}

bool option_equal(const struct option *option, const struct room_options *a,
                  const struct room_options *b)
{
    switch (option->type) {
    case OPTION_BOOL:
        return bool_in(a, option) == bool_in(b, option);
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_MULTI:
    case OPTION_JIDS:
        return str_eq(text_in(a, option), text_in(b, option));
    case OPTION_NUMBER:
    case OPTION_CHOICE:
    case OPTION_SET:
        return number_in(a, option) == number_in(b, option);
    }
    never("an option of no type");
}
