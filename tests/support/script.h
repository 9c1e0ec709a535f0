/*
 * Conversations in the Scansion format: named clients, then what each of them does and must see.
 *
 *   [Client] Romeo                 who takes part; indented "key: value" lines follow, of which
 *       jid: user@localhost        jid and password are required and others are left alone
 *       password: password
 *   -----                          end of the cast
 *   Romeo connects
 *   Romeo sends:                   one stanza, indented, until the next line that is not
 *   Romeo receives:                one stanza to match: tests/support/match.h says how
 *   Romeo receives nothing         our own addition: his inbox is empty
 *   Romeo disconnects
 *
 * A line that begins with '#' is a comment. Stanzas are kept as text: what `${Romeo's JID}`,
 * `${Romeo's full JID}` and, of our own, `${Romeo's stanza-id}` stand for is known only while the
 * script is played. The last is the id that the room gave the message he has received last (that a
 * `receives` has taken, not one passed over). A script that was read
 * without a problem has well-formed stanzas and names only clients of its cast.
 */
#ifndef TESTS_SUPPORT_SCRIPT_H
#define TESTS_SUPPORT_SCRIPT_H

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
    SCRIPT_RECEIVES_NOTHING,
};

struct script_step {
    enum script_verb verb;
    unsigned client; /* index into the cast */
    unsigned line;
    char *stanza; /* of sends and receives, as written; else NULL */
};

struct script {
    char *path;
    char *title; /* the first comment; may be empty */
    struct script_client *clients;
    unsigned client_count;
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

/* Index of the client with that name, or -1. */
int script_client_named(const struct script *script, const char *name, unsigned name_len);

/* What a client's addresses are at the moment; NULL: not known (has not connected yet); and the id
 * of the message it received last; NULL: it has none. */
struct script_addresses {
    const char *(*bare)(const void *self, unsigned client);
    const char *(*full)(const void *self, unsigned client);
    const char *(*stanza_id)(const void *self, unsigned client);
    const void *self;
};

/* `text` with all ${...} replaced, escaped as XML; heap. NULL: *problem says which is unknown. */
char *script_expand(const struct script *script, const char *text,
                    const struct script_addresses *addresses, char **problem);

#endif
