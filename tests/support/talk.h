/*
 * More short words for tests of what happens in one room, on top of expect.h: with arguments as for
 * printf, and for what most of them begin with.
 */
#ifndef TESTS_SUPPORT_TALK_H
#define TESTS_SUPPORT_TALK_H

#include "tests/support/expect.h"

#include <string.h>

#define JULIET_2 "juliet@localhost/chamber"
#define PARIS    "paris@localhost/crypt"

#define NS_X    "http://jabber.org/protocol/muc"
#define NS_USER "http://jabber.org/protocol/muc#user"

/* Heap, for the caller to free. */
static inline char *text_of(const char *format, ...) PRINTF_LIKE(1, 2);
static inline char *text_of(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = malloc((size_t)len + 1);
    assert_non_null(text);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

static inline void says_at(struct world *world, const char *from, char *xml, const char *file,
                           int line)
{
    bool taken = world_stanza(world, from, xml);
    if (!taken)
        print_error("%s:%d: not a stanza one can send: %s\n", file, line, xml);
    free(xml);
    if (!taken)
        _fail(file, line);
}

static inline void reads_at(struct world *world, const char *who, char *expected, const char *file,
                            int line)
{
    expect_at(world, who, expected, file, line);
    free(expected);
}

/* What is wrong with an error that answers the last stanza of that client; NULL: nothing. It comes
 * from where the request went, `by` the bare address of that, with the request's id. */
static inline const char *error_flaw(const char *came, const char *sent, const char *type,
                                     const char *condition)
{
    struct stanza *answer = stanza_parse(str_z(came));
    struct stanza *request = stanza_parse(str_z(sent));
    assert_non_null(answer);
    assert_non_null(request);
    const struct node *root = stanza_root(answer), *asked = stanza_root(request);
    const struct node *error = node_find(root, NAME_ERROR, NS_STANZA);
    const struct node *element = node_find(error, NAME_NONE, NS_STANZAS);
    struct str to = node_attr(asked, NAME_TO), bare = to;
    const char *slash = to.len > 0 ? memchr(to.at, '/', to.len) : NULL;
    if (slash != NULL)
        bare.len = (size_t)(slash - to.at);
    const char *flaw = NULL;

    if (!str_eqz(node_attr(root, NAME_TYPE), "error") || error == NULL)
        flaw = "it is no error";
    else if (!str_eqz(node_attr(error, NAME_TYPE), type))
        flaw = "the type of the error";
    else if (!str_eqz(node_name(element), condition))
        flaw = "the condition";
    else if (root->name != asked->name)
        flaw = "it is another kind of stanza";
    else if (!str_eq(node_attr(root, NAME_ID), node_attr(asked, NAME_ID)))
        flaw = "the id";
    else if (!str_eq(node_attr(root, NAME_FROM), to))
        flaw = "it comes from somewhere else";
    else if (!str_eq(node_attr(error, NAME_BY), bare))
        flaw = "it is by somebody else";
    stanza_free(answer);
    stanza_free(request);
    return flaw;
}

static inline void reads_error_at(struct world *world, const char *who, const char *type,
                                  const char *condition, const char *file, int line)
{
    const char *came = world_next(world, who), *sent = world_sent(world, who);
    const char *flaw = came == NULL   ? "nothing came"
                       : sent == NULL ? "nothing was asked"
                                      : error_flaw(came, sent, type, condition);
    if (flaw == NULL && world_changed(world, who))
        flaw = "the room has changed though it refused";
    if (flaw == NULL)
        return;
    print_error("%s:%d: expected an error %s, %s: %s\n  sent: %s\n  came: %s\n", file, line, type,
                condition, flaw, sent == NULL ? "" : sent, came == NULL ? "" : came);
    _fail(file, line);
}

/* Sends a stanza; the next one it has not read fits; is the error with that type and condition that
 * answers the last stanza it sent, and that has changed nothing. */
#define says(world, from, ...) says_at((world), (from), text_of(__VA_ARGS__), __FILE__, __LINE__)
#define reads(world, who, ...) reads_at((world), (who), text_of(__VA_ARGS__), __FILE__, __LINE__)
#define reads_error(world, who, type, condition)                                                   \
    reads_error_at((world), (who), (type), (condition), __FILE__, __LINE__)
#define reads_nothing(world, who) expect_nothing((world), (who))

/* ---- what anybody hears of these is gone ---- */

static inline void enters(struct world *world, const char *who, const char *nick)
{
    join(world, who, nick);
    hush(world);
}

static inline void leaves(struct world *world, const char *who)
{
    say(world, who, "<presence to='" ROOM "' type='unavailable'/>");
    hush(world);
}

/* An admin query with these items. */
static inline void sets(struct world *world, const char *who, const char *items)
{
    says(world, who,
         "<iq to='" ROOM "' type='set' id='set'>"
         "<query xmlns='http://jabber.org/protocol/muc#admin'>"
         "%s</query></iq>",
         items);
    hush(world);
}

/* A submission of the owner's form with one field. */
static inline void configures(struct world *world, const char *who, const char *field,
                              const char *value)
{
    says(world, who,
         "<iq to='" ROOM "' type='set' id='form'>"
         "<query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
         "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='%s'><value>%s</value></field></x></query></iq>",
         field, value);
    hush(world);
}

/* Rooms that are open at once, with the given options (NULL: presets); Romeo, Juliet twice, Paris.
 * */
static inline struct world *world_with(const char *const *options)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    struct world_config config = {.options = options, .admins = admins};
    struct world *world = world_new(&config);
    world_client(world, ROMEO);
    world_client(world, JULIET);
    world_client(world, JULIET_2);
    world_client(world, PARIS);
    return world;
}

/* Rooms that are kept in a store, with these options. Romeo owns one, Juliet is in it, Paris is
 * not. */
static inline struct world *kept_world_with(const char *const *options)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    struct world_config config = {.options = options, .admins = admins, .durable = true};
    struct world *world = world_new(&config);
    world_client(world, ROMEO);
    world_client(world, JULIET);
    world_client(world, PARIS);
    enters(world, ROMEO, "Romeo");
    enters(world, JULIET, "Juliet");
    return world;
}

/* How many messages the archive has, by Romeo's eyes; at most a page of them. */
static inline unsigned archive_size(struct world *world)
{
    const char *came;
    unsigned results = 0;
    hush(world);
    says(world, ROMEO, "<iq to='" ROOM "' type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>");
    while ((came = world_next(world, ROMEO)) != NULL)
        results += strstr(came, "<result ") != NULL;
    return results;
}

#endif
