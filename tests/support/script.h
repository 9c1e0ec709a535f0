/*
 * Conversations in the Scansion format: named clients, then what each of them does and must see.
 *
 *   [Client] Romeo                 who takes part; indented "key: value" lines follow, of which
 *       jid: user@localhost        jid and password are required and others are left alone
 *       password: password
 *   [Host]                         our own: a host server stands between them and the service
 *   -----                          end of the cast
 *   Romeo connects
 *   Romeo sends:                   one stanza, indented, until the next line that is not
 *   Romeo receives:                one stanza to match: tests/support/match.h says how
 *   Romeo receives next:           our own: the same, and nothing may have come before it
 *   Romeo receives nothing         our own: his inbox is empty
 *   Romeo disconnects
 *   Service restarts               our own: it ends as planned and begins anew, on the same store
 *
 * A line that begins with '#' is a comment. Stanzas are kept as text: what `${Romeo's JID}`,
 * `${Romeo's full JID}` and, of our own, `${Romeo's stanza-id}` and `${the NAME}` stand for is
 * known only while the script is played. `${Romeo's stanza-id}` is the id that the room gave the
 * message he has received last (that a `receives` has taken, not one passed over). `${the NAME}`,
 * any name, stands for any value as an attribute or text of the first stanza that it is received
 * in, and for that value from then on. `${20000 letters}`, any number, is that many of them.
 *
 * A script that was read without a problem has well-formed stanzas, names only clients of its cast,
 * and nobody in it is connected when the service restarts, unless there is a host.
 */
#ifndef TESTS_SUPPORT_SCRIPT_H
#define TESTS_SUPPORT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

struct script_client {
    char *name;
    char *jid;
    char *password;
    unsigned line;
};

enum script_verb {
    SCRIPT_CONNECTS,
    SCRIPT_DISCONNECTS,
    SCRIPT_SENDS,
    SCRIPT_RECEIVES,
    SCRIPT_RECEIVES_NEXT,
    SCRIPT_RECEIVES_NOTHING,
    SCRIPT_RESTARTS, /* what only the service does */
};

#define SCRIPT_SERVICE "Service" /* no client's name */

struct script_step {
    enum script_verb verb;
    unsigned client; /* index into the cast; the service's: 0 */
    unsigned line;
    char *stanza; /* of sends and receives, as written; else NULL */
};

struct script {
    char *path;
    char *title; /* the first comment; may be empty */
    struct script_client *clients;
    unsigned client_count;
    bool host; /* it is about a service behind a host server */
    struct script_step *steps;
    unsigned step_count;
};

/* NULL: *problem says where and why ("file:line: ..."); the caller frees it. `path` of the second
 * is only for messages. */
struct script *script_read(const char *path, char **problem);
struct script *script_parse(const char *path, const char *text, char **problem);
void script_free(struct script *script); /* NULL allowed */

/* The words of a verb, for reports: "receives". */
const char *script_verb_text(enum script_verb verb);

/* Who does it. */
const char *script_actor(const struct script *script, const struct script_step *step);

/* Index of the client with that name, or -1. */
int script_client_named(const struct script *script, const char *name, unsigned name_len);

/* What a client's addresses are at the moment; NULL: not known (has not connected yet); the id of
 * the message it received last; NULL: it has none; and what a name of ${the NAME} stands for; NULL:
 * nothing yet, which is an error, or with `any_new` becomes what match.h takes for any value. */
struct script_addresses {
    const char *(*bare)(const void *self, unsigned client);
    const char *(*full)(const void *self, unsigned client);
    const char *(*stanza_id)(const void *self, unsigned client);
    const char *(*named)(const void *self, const char *name, size_t name_len);
    const void *self;
    bool any_new;
};

/* `text` with all ${...} replaced, escaped as XML; heap. NULL: *problem says which is unknown. */
char *script_expand(const struct script *script, const char *text,
                    const struct script_addresses *addresses, char **problem);

#endif
