/*
 * Does what came fit what a script expects? The rules of the Scansion format:
 *
 * - An element of the stanza's own namespace matches as a subset: attributes and children that are
 *   listed must be there, others may be; children are searched in the order listed.
 * - An element of another namespace, and all inside it, matches exactly: the same attributes, the
 *   same children in the same order.
 * - scansion:strict='true' or 'false' on an element overrides this for it and all inside it.
 * - Text directly inside an element must be the same, in either mode.
 * - {scansion:any} as the value of an attribute or as a text stands for any value. The attribute
 *   must be there, though.
 * - {scansion:any NAME}, our own, does too, but for the same one wherever NAME stands in the
 * stanza.
 * - Names are compared with their resolved namespace: where and how often it is declared is no
 *   difference. White space between elements is none either.
 */
#ifndef TESTS_SUPPORT_MATCH_H
#define TESTS_SUPPORT_MATCH_H

#include <stdbool.h>

/* NULL: `came` fits. Else one sentence saying the first difference; the caller frees it. Both are
 * one element each; one without a default namespace is read as jabber:client. */
char *match_difference(const char *expected, const char *came);

/* The same, but the order of the stanza's own children counts for nothing unless they have the same
 * name: for hosts that write every stanza they pass on anew. */
char *match_difference_reordered(const char *expected, const char *came);

/* What the names of a stanza stood for; match_values_free(). Begins as {0}. */
struct match_values {
    struct match_value {
        char *name;
        char *text;
    } * at;
    unsigned count;
};
void match_values_free(struct match_values *values);

/* Either of the above. `values`, empty before, has the names once it fits; NULL: not wanted. */
char *match_with_values(const char *expected, const char *came, bool reordered,
                        struct match_values *values);

/* The id that a stanza's room has given it (XEP-0359): by the address it comes from, without a
 * resource. Heap; NULL: none. */
char *match_stanza_id(const char *came);

/* The stanza as it goes out: no scansion attributes, no white space between elements; heap.
 * NULL: *problem says why: not one well-formed element, or a scansion attribute nobody knows. */
char *match_outgoing(const char *stanza, char **problem);

#endif
