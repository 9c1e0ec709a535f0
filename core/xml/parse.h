/*
 * Bytes to stream events: libxml2's push parser, held to the XML that RFC 6120 section 11 allows
 * and to the limits of core/base/limits.h while it parses, not after.
 *
 * A stream may live for months and libxml2 keeps every name it has met. After PARSER_RENEW_BYTES or
 * PARSER_RENEW_NAMES, and between two stanzas, the libxml2 parser is replaced by a fresh one that
 * has been fed the stream's opening tag. The owner of this object notices nothing.
 *
 * One thread. Not re-entrant: a handler must not call parser_feed() or parser_free() for its own
 * parser; it returns false to stop and the owner acts after parser_feed() has returned.
 */
#ifndef CORE_XML_PARSE_H
#define CORE_XML_PARSE_H

#include "core/xml/stanza.h"

#include <stdbool.h>

enum parse_error {
    PARSE_OK = 0,
    PARSE_NOT_WELL_FORMED, /* not XML, mismatched tags, prefixes bound to nothing, bad UTF-8:
                              not-well-formed */
    PARSE_RESTRICTED,      /* DTD, entity, comment, processing instruction: restricted-xml */
    PARSE_BAD_NAMESPACE, /* the stream element is not of the streams namespace: invalid-namespace */
    PARSE_BAD_ENCODING,  /* an XML declaration with another encoding: unsupported-encoding */
    PARSE_TOO_LARGE,     /* a limit on bytes, depth, attributes, nodes: policy-violation */
    PARSE_NOT_STREAM,    /* the root element is not <stream>: bad-format */
};

struct parse_handlers {
    /* The stream's opening tag as a stanza of one node (its default namespace is in
     * parser_stream_ns()). Borrowed. Return false to stop. */
    bool (*opened)(void *self, const struct stanza *stream);
    /* One complete child of the stream. TAKEN by the handler. Return false to stop: the rest of the
     * bytes being fed is not parsed, see parser_rest(). */
    bool (*stanza)(void *self, struct stanza *stanza);
    /* (Text other than white space between stanzas is PARSE_RESTRICTED.) */
    /* The closing tag of the stream. */
    bool (*closed)(void *self);
};

struct parser;

/* Before the second thread that parses: libxml2 makes what it shares at first use, and two threads
 * that begin at once would make it twice. May be called again. */
void parser_init(void);

/* `handlers` borrowed, `self` handed to them. `bytes_max`: the largest stanza accepted. */
struct parser *parser_new(const struct parse_handlers *handlers, void *self, size_t bytes_max);
void parser_free(struct parser *parser);

/* Raises or lowers the limit from the next stanza on (after authentication). */
void parser_set_bytes_max(struct parser *parser, size_t bytes_max);

/* For a stream that many people share: from now on a stanza over the limits of depth, attributes,
 * nodes or namespaces does not end it. Only the stanza's root element is handed over, marked as
 * cut; if the root itself is the trouble, nothing is. `bytes_max` still ends the stream. */
void parser_cut_large(struct parser *parser);

/* Feeds bytes. After an error, a stop or the stream's end, further bytes are refused with the same
 * result (stop and end: PARSE_OK, nothing happens). */
MUST_CHECK enum parse_error parser_feed(struct parser *parser, struct str bytes);

/* After a handler has stopped the parser: how many bytes of the last parser_feed() were not used;
 * they lie at the end of what was fed. (For STARTTLS: none may be, RFC 6120 5.3.2 and 5.4.3.3) */
size_t parser_rest(const struct parser *parser);

/* Default namespace of the stream, "" if it declared none. */
struct str parser_stream_ns(const struct parser *parser);

/* True between stanzas with nothing half-read. */
bool parser_idle(const struct parser *parser);

/* Gives back what an idle parser holds, most of all libxml2's part; it is made again when the next
 * stanza begins (white space does not wake it). Nothing happens if the parser is not idle. */
void parser_sleep(struct parser *parser);

/* Bytes held by the parser including libxml2's, for accounting and the memory test. */
size_t parser_memory(const struct parser *parser);

/* Name of the stream error (RFC 6120 section 4.9.3) for an error. Static. */
const char *parse_error_condition(enum parse_error error);

#endif
