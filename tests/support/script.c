#include "tests/support/script.h"

#include "tests/support/match.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct script *script;
    const char *line; /* the current one, without its end */
    size_t line_len;
    unsigned line_number;
    bool in_client; /* indented lines belong to the last client */
    bool cast_ended;
    bool in_stanza; /* indented lines belong to the last step */
    char *problem;
};

static char *copy_of(const char *at, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, at, len);
    copy[len] = '\0';
    return copy;
}

static void *grown(void *array, unsigned count, size_t item_size)
{
    void *bigger = realloc(array, (count + 1) * item_size);
    if (bigger == NULL)
        abort();
    memset((char *)bigger + count * item_size, 0, item_size);
    return bigger;
}

/* ---- what the steps are called ---- */

static const struct {
    const char *text;
    enum script_verb verb;
    bool has_stanza;
} verbs[] = {
    {"connects", SCRIPT_CONNECTS, false},
    {"disconnects", SCRIPT_DISCONNECTS, false},
    {"sends:", SCRIPT_SENDS, true},
    {"receives:", SCRIPT_RECEIVES, true},
    {"receives next:", SCRIPT_RECEIVES_NEXT, true},
    {"receives nothing", SCRIPT_RECEIVES_NOTHING, false},
    {"restarts", SCRIPT_RESTARTS, false},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

const char *script_verb_text(enum script_verb verb)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (verbs[i].verb == verb)
            return verbs[i].text;
    }
    return "does something unknown";
}

static bool verb_has_stanza(enum script_verb verb)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (verbs[i].verb == verb)
            return verbs[i].has_stanza;
    }
    return false;
}

const char *script_actor(const struct script *script, const struct script_step *step)
{
    return step->verb == SCRIPT_RESTARTS ? SCRIPT_SERVICE : script->clients[step->client].name;
}

int script_client_named(const struct script *script, const char *name, unsigned name_len)
{
    for (unsigned i = 0; i < script->client_count; i++) {
        const char *known = script->clients[i].name;
        if (strlen(known) == name_len && memcmp(known, name, name_len) == 0)
            return (int)i;
    }
    return -1;
}

/* ---- reading ---- */

static bool wrong(struct reader *reader, unsigned line, const char *what)
{
    if (asprintf(&reader->problem, "%s:%u: %s", reader->script->path, line, what) < 0)
        abort();
    return false;
}

/* Moves the line's ends inwards past blanks. */
static void trim(const char **at, size_t *len)
{
    while (*len > 0 && isspace((unsigned char)**at)) {
        (*at)++;
        (*len)--;
    }
    while (*len > 0 && isspace((unsigned char)(*at)[*len - 1]))
        (*len)--;
}

static bool is_text(const char *at, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(at, text, len) == 0;
}

static bool read_object(struct reader *reader)
{
    static const char head[] = "[Client]";
    const char *at = reader->line;
    size_t len = reader->line_len;
    trim(&at, &len);
    reader->in_client = !is_text(at, len, "[Host]");
    if (!reader->in_client)
        return reader->script->host = true;
    if (len < sizeof(head) - 1 || memcmp(at, head, sizeof(head) - 1) != 0)
        return wrong(reader, reader->line_number,
                     "the cast has only objects of the kind [Client], and [Host]");
    at += sizeof(head) - 1;
    len -= sizeof(head) - 1;
    trim(&at, &len);
    if (len == 0)
        return wrong(reader, reader->line_number, "the client has no name");
    struct script *script = reader->script;
    if (script_client_named(script, at, (unsigned)len) >= 0 || is_text(at, len, SCRIPT_SERVICE))
        return wrong(reader, reader->line_number, "there is already a client of that name");
    script->clients = grown(script->clients, script->client_count, sizeof(script->clients[0]));
    script->clients[script->client_count].name = copy_of(at, len);
    script->clients[script->client_count].line = reader->line_number;
    script->client_count++;
    return true;
}

static bool read_property(struct reader *reader)
{
    struct script *script = reader->script;
    const char *at = reader->line;
    size_t len = reader->line_len;
    trim(&at, &len);
    const char *colon = memchr(at, ':', len);
    if (colon == NULL || !reader->in_client)
        return wrong(reader, reader->line_number, "not a 'key: value' of a client");
    const char *value = colon + 1;
    size_t value_len = (size_t)(at + len - value);
    trim(&value, &value_len);
    struct script_client *client = &script->clients[script->client_count - 1];
    char **place = NULL;
    if (strncmp(at, "jid:", 4) == 0)
        place = &client->jid;
    else if (strncmp(at, "password:", 9) == 0)
        place = &client->password;
    if (place == NULL)
        return true;
    free(*place);
    *place = copy_of(value, value_len);
    return true;
}

static bool end_cast(struct reader *reader)
{
    const struct script *script = reader->script;
    for (unsigned i = 0; i < script->client_count; i++) {
        const struct script_client *client = &script->clients[i];
        if (client->jid == NULL || client->password == NULL)
            return wrong(reader, client->line, "the client needs a jid and a password");
    }
    if (script->client_count == 0)
        return wrong(reader, reader->line_number, "no client was named before the steps begin");
    reader->cast_ended = true;
    return true;
}

/* A name may have blanks and one may begin like another: the longest that fits is meant. */
static int client_at(const struct script *script, const char *line, size_t len, size_t *name_len)
{
    int found = -1;
    *name_len = 0;
    for (unsigned i = 0; i < script->client_count; i++) {
        size_t known = strlen(script->clients[i].name);
        if (known > *name_len && known < len && line[known] == ' ' &&
            memcmp(line, script->clients[i].name, known) == 0) {
            found = (int)i;
            *name_len = known;
        }
    }
    return found;
}

static void add_step(struct reader *reader, enum script_verb verb, unsigned client)
{
    struct script *script = reader->script;
    script->steps = grown(script->steps, script->step_count, sizeof(script->steps[0]));
    script->steps[script->step_count++] = (struct script_step){
        .verb = verb,
        .client = client,
        .line = reader->line_number,
    };
}

static bool read_step(struct reader *reader)
{
    const struct script *script = reader->script;
    const char *verb = reader->line;
    size_t verb_len = reader->line_len;
    trim(&verb, &verb_len);
    reader->in_stanza = false;
    if (is_text(verb, verb_len, SCRIPT_SERVICE " restarts")) {
        add_step(reader, SCRIPT_RESTARTS, 0);
        return true;
    }
    size_t name_len;
    int client = client_at(script, reader->line, reader->line_len, &name_len);
    if (client < 0)
        return wrong(reader, reader->line_number, "the line does not begin with a client's name");
    verb += name_len;
    verb_len -= name_len;
    trim(&verb, &verb_len);
    for (size_t i = 0; i < VERBS; i++) {
        if (verbs[i].verb == SCRIPT_RESTARTS || !is_text(verb, verb_len, verbs[i].text))
            continue;
        add_step(reader, verbs[i].verb, (unsigned)client);
        reader->in_stanza = verbs[i].has_stanza;
        return true;
    }
    return wrong(reader, reader->line_number,
                 "what a client does is one of: connects, disconnects, sends:, receives:, "
                 "receives next:, receives nothing");
}

static bool read_stanza_line(struct reader *reader)
{
    if (!reader->in_stanza)
        return wrong(reader, reader->line_number, "an indented line that belongs to no stanza");
    struct script_step *step = &reader->script->steps[reader->script->step_count - 1];
    char *longer = NULL;
    if (asprintf(&longer, "%s%.*s\n", step->stanza == NULL ? "" : step->stanza,
                 (int)reader->line_len, reader->line) < 0)
        abort();
    free(step->stanza);
    step->stanza = longer;
    return true;
}

static void read_comment(struct reader *reader)
{
    if (reader->script->title[0] != '\0')
        return;
    const char *at = reader->line;
    size_t len = reader->line_len;
    while (len > 0 && *at == '#') {
        at++;
        len--;
    }
    trim(&at, &len);
    free(reader->script->title);
    reader->script->title = copy_of(at, len);
}

static bool read_line(struct reader *reader)
{
    const char *at = reader->line;
    size_t len = reader->line_len;
    trim(&at, &len);
    if (len == 0)
        return true;
    if (reader->line[0] == '#') {
        reader->in_stanza = false;
        read_comment(reader);
        return true;
    }
    bool indented = at != reader->line;
    if (!reader->cast_ended) {
        if (len >= 3 && memcmp(reader->line, "---", 3) == 0)
            return end_cast(reader);
        return indented ? read_property(reader) : read_object(reader);
    }
    return indented ? read_stanza_line(reader) : read_step(reader);
}

/* Is anybody's connection to end although the script does not say so? */
static bool check_restarts(struct reader *reader)
{
    const struct script *script = reader->script;
    bool *connected = calloc(script->client_count, sizeof(*connected));
    bool good = true;
    if (connected == NULL)
        abort();
    for (unsigned i = 0; good && i < script->step_count; i++) {
        const struct script_step *step = &script->steps[i];
        if (step->verb == SCRIPT_CONNECTS || step->verb == SCRIPT_DISCONNECTS)
            connected[step->client] = step->verb == SCRIPT_CONNECTS;
        for (unsigned c = 0; step->verb == SCRIPT_RESTARTS && c < script->client_count; c++)
            good = good && (script->host || !connected[c]);
        if (!good)
            wrong(reader, step->line,
                  "somebody is connected: let them disconnect first, or name a [Host] in the cast");
    }
    free(connected);
    return good;
}

static const char *any_value(const void *self, const char *name, size_t name_len)
{
    (void)self;
    (void)name;
    (void)name_len;
    return "something";
}

static const char *any_address(const void *self, unsigned client)
{
    (void)self;
    (void)client;
    return "someone@somewhere/here";
}

/* Finds what is wrong with a stanza now, not in the middle of a conversation. */
static bool check_step(struct reader *reader, const struct script_step *step)
{
    if (!verb_has_stanza(step->verb))
        return true;
    if (step->stanza == NULL)
        return wrong(reader, step->line, "the stanza is missing; it stands on indented lines");
    const struct script_addresses addresses = {
        .bare = any_address, .full = any_address, .stanza_id = any_address, .named = any_value};
    char *problem = NULL;
    char *expanded = script_expand(reader->script, step->stanza, &addresses, &problem);
    char *checked = expanded == NULL ? NULL : match_outgoing(expanded, &problem);
    if (checked == NULL)
        wrong(reader, step->line, problem);
    free(expanded);
    free(problem);
    bool good = checked != NULL;
    free(checked);
    return good;
}

static bool read_all(struct reader *reader, const char *text)
{
    while (*text != '\0') {
        const char *end = strchrnul(text, '\n');
        reader->line = text;
        reader->line_len = (size_t)(end - text);
        reader->line_number++;
        if (!read_line(reader))
            return false;
        text = *end == '\0' ? end : end + 1;
    }
    if (!reader->cast_ended)
        return wrong(reader, reader->line_number, "the line of dashes after the cast is missing");
    for (unsigned i = 0; i < reader->script->step_count; i++) {
        if (!check_step(reader, &reader->script->steps[i]))
            return false;
    }
    return check_restarts(reader);
}

struct script *script_parse(const char *path, const char *text, char **problem)
{
    struct reader reader = {.script = calloc(1, sizeof(*reader.script))};
    if (reader.script == NULL)
        abort();
    reader.script->path = copy_of(path, strlen(path));
    reader.script->title = copy_of("", 0);
    if (read_all(&reader, text))
        return reader.script;
    *problem = reader.problem;
    script_free(reader.script);
    return NULL;
}

struct script *script_read(const char *path, char **problem)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t cap = 0;
    /* No NUL belongs into a script, so this takes the whole file. */
    ssize_t len = file == NULL ? -1 : getdelim(&text, &cap, '\0', file);
    struct script *script = NULL;
    if (len > 0)
        script = script_parse(path, text, problem);
    else if (asprintf(problem, "%s: %s", path, file == NULL ? strerror(errno) : "empty") < 0)
        abort();
    if (file != NULL)
        fclose(file);
    free(text);
    return script;
}

void script_free(struct script *script)
{
    if (script == NULL)
        return;
    for (unsigned i = 0; i < script->client_count; i++) {
        free(script->clients[i].name);
        free(script->clients[i].jid);
        free(script->clients[i].password);
    }
    for (unsigned i = 0; i < script->step_count; i++)
        free(script->steps[i].stanza);
    free(script->clients);
    free(script->steps);
    free(script->path);
    free(script->title);
    free(script);
}

/* ---- ${...} ---- */

static void add_escaped(FILE *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (strchr("&<>'\"", *value) != NULL)
            fprintf(out, "&#%d;", *value);
        else
            fputc(*value, out);
    }
}

static bool ends_with(const char *at, size_t len, const char *tail)
{
    size_t tail_len = strlen(tail);
    return len > tail_len && memcmp(at + len - tail_len, tail, tail_len) == 0;
}

enum thing { THING_BARE, THING_FULL, THING_STANZA_ID, THINGS };

/* How it ends, and why it may not be known. */
static const struct {
    const char *tail, *unknown;
} things[THINGS] = {
    [THING_BARE] = {"'s JID", "is not known yet: the client has not connected"},
    [THING_FULL] = {"'s full JID", "is not known yet: the client has not connected"},
    [THING_STANZA_ID] = {"'s stanza-id",
                         "is not known: what the client received last has none of a room"},
};

/* The value of what stands between the braces; NULL: *why says what is wrong with it. */
static const char *client_value(const struct script *script, const char *at, size_t len,
                                const struct script_addresses *addresses, const char **why)
{
    const char *(*const ask[THINGS])(const void *, unsigned) = {addresses->bare, addresses->full,
                                                                addresses->stanza_id};
    unsigned thing = THINGS;
    for (unsigned i = 0; i < THINGS; i++) {
        if (ends_with(at, len, things[i].tail))
            thing = i;
    }
    if (thing == THINGS) {
        *why = "is none of NAME's JID, NAME's full JID, NAME's stanza-id, the NAME, NUMBER letters";
        return NULL;
    }
    size_t name_len = len - strlen(things[thing].tail);
    int client = script_client_named(script, at, (unsigned)name_len);
    if (client < 0) {
        *why = "names no client of the cast";
        return NULL;
    }
    const char *value = ask[thing](addresses->self, (unsigned)client);
    if (value == NULL)
        *why = things[thing].unknown;
    return value;
}

/* Something long; 0: that is not what it says. */
static unsigned long letters_in(const char *at, size_t len)
{
    char *end;
    unsigned long count = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : 0;
    return count > 0 && is_text(end, (size_t)(at + len - end), " letters") ? count : 0;
}

/* False: *why says what is wrong with it. */
static bool expand_one(FILE *out, const struct script *script, const char *at, size_t len,
                       const struct script_addresses *addresses, const char **why)
{
    static const char head[] = "the ";
    unsigned long letters = letters_in(at, len);
    for (unsigned long i = 0; i < letters; i++)
        fputc('x', out);
    if (letters > 0)
        return true;
    size_t head_len = sizeof(head) - 1;
    bool named = len > head_len && memcmp(at, head, head_len) == 0;
    const char *value = named ? addresses->named(addresses->self, at + head_len, len - head_len)
                              : client_value(script, at, len, addresses, why);
    if (value != NULL)
        add_escaped(out, value);
    else if (named && addresses->any_new)
        fprintf(out, "{scansion:any %.*s}", (int)(len - head_len), at + head_len);
    else if (named)
        *why = "stands for nothing yet: it has to be received before it is sent";
    return value != NULL || (named && addresses->any_new);
}

static bool expand_into(FILE *out, const struct script *script, const char *text,
                        const struct script_addresses *addresses, char **problem)
{
    for (const char *mark = strstr(text, "${"); mark != NULL; mark = strstr(text, "${")) {
        const char *inside = mark + 2;
        const char *end = strchr(inside, '}');
        size_t len = end == NULL ? strlen(inside) : (size_t)(end - inside);
        const char *why = "has no closing brace";
        fwrite(text, 1, (size_t)(mark - text), out);
        if (end == NULL || !expand_one(out, script, inside, len, addresses, &why)) {
            if (asprintf(problem, "${%.*s} %s", (int)len, inside, why) < 0)
                abort();
            return false;
        }
        text = end + 1;
    }
    fputs(text, out);
    return true;
}

char *script_expand(const struct script *script, const char *text,
                    const struct script_addresses *addresses, char **problem)
{
    char *expanded = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&expanded, &size);
    if (out == NULL)
        abort();
    bool good = expand_into(out, script, text, addresses, problem);
    if (fclose(out) != 0)
        abort();
    if (good)
        return expanded;
    free(expanded);
    return NULL;
}
