/*
 * Positions are counted in bytes of the stream:
 *
 *   boundary    the stanza being read begins here; moves over white space between stanzas
 *   given       what libxml2 has been given
 *   total       what has come in: given, plus what waits in `pending` for its tag to be complete
 *
 * A callback that has had enough (an error, a handler's stop, a renewal that is due) makes the
 * parser deaf: libxml2 goes on to the end of what it was given and nobody listens. That is at most
 * one slice, and safer than stopping libxml2 from inside.
 */
#include "core/xml/parse.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xml/frame.h"
#include "core/xml/make.h"
#include "core/xml/scan.h"
#include "core/xml/skip.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#include <string.h>

/* Fed to libxml2 at once, at most, so that limits are looked at in between. */
#define SLICE (16 * 1024)

/* What is larger after a stanza is given back, libxml2's buffers included. */
#define KEEP_BYTES (64 * 1024)

/* libxml2's own, beside the dictionary and what is in the input buffer (measured: 2.9.14). */
#define LIBXML_FIXED (sizeof(xmlParserCtxt) + sizeof(xmlSAXHandler) + 6 * 1024)

struct parser {
    const struct parse_handlers *handlers;
    void *self;
    xmlParserCtxt *libxml; /* NULL: to be made when needed */
    struct make make;
    struct scan scan;
    struct buf pending;
    struct str opening;   /* the stream's start tag; heap */
    struct str stream_ns; /* heap */
    size_t bytes_max, bytes_max_next;
    uint64_t boundary, given, total;
    uint64_t origin;     /* stream position of libxml2's byte 0 */
    uint64_t renewed_at; /* `given` when libxml2's parser was made */
    unsigned depth;      /* open elements, the stream's included */
    enum parse_error error;
    bool done; /* stopped or closed */
    bool deaf;
    bool renew_due;
    bool cuts;     /* parser_cut_large() */
    bool cut;      /* the present stanza is over a limit */
    bool cut_root; /* its root was within them */
    bool skipping; /* and libxml2 is spared the rest of it */
    struct skip skip;
    size_t rest;
};

static void fail(struct parser *parser, enum parse_error error)
{
    if (parser->deaf)
        return;
    parser->error = error;
    parser->deaf = true;
}

/* A limit is crossed, but for the number of bytes: outside the stanza's root, or in it. */
static void over_limit(struct parser *parser, bool in_root)
{
    if (!parser->cuts) {
        fail(parser, PARSE_TOO_LARGE);
        return;
    }
    parser->cut_root = parser->cut ? parser->cut_root : !in_root;
    parser->cut = true;
}

static uint64_t position(const struct parser *parser)
{
    return parser->origin + (uint64_t)xmlByteConsumed(parser->libxml);
}

static struct str str_x(const xmlChar *text)
{
    return str_z((const char *)text);
}

/* ---- what libxml2 calls ---- */

/* The stream's start tag, as short as it can be and mean the same to what follows. */
static struct str write_opening(const xmlChar *prefix, int ns_count, const xmlChar **namespaces)
{
    struct buf out;
    buf_init(&out, NULL);
    buf_addz(&out, prefix != NULL ? "<" : "<stream");
    if (prefix != NULL)
        buf_addf(&out, "%s:stream", (const char *)prefix);
    for (int i = 0; i < ns_count; i++) {
        const xmlChar *name = namespaces[2 * i];
        buf_addz(&out, name != NULL ? " xmlns:" : " xmlns");
        if (name != NULL)
            buf_addz(&out, (const char *)name);
        buf_addz(&out, "='");
        xml_escape(&out, str_x(namespaces[2 * i + 1]));
        buf_addc(&out, '\'');
    }
    buf_addc(&out, '>');
    struct str result = str_copy(buf_str(&out));
    buf_free(&out);
    return result;
}

static bool add_element(struct parser *parser, const xmlChar *name, const xmlChar *ns,
                        int attr_count, const xmlChar **attrs)
{
    if (!make_open(&parser->make, (const char *)name, (const char *)ns))
        return false;
    for (int i = 0; i < attr_count; i++, attrs += 5) {
        struct str value = str_of((const char *)attrs[3], (size_t)(attrs[4] - attrs[3]));
        if (!make_attr(&parser->make, (const char *)attrs[0], (const char *)attrs[2], value))
            return false;
    }
    return true;
}

static void open_stream(struct parser *parser, const xmlChar *name, const xmlChar *prefix,
                        const xmlChar *ns, int ns_count, const xmlChar **namespaces, int attr_count,
                        const xmlChar **attrs)
{
    if (token_name(str_x(name)) != NAME_STREAM) {
        fail(parser, PARSE_NOT_STREAM);
        return;
    }
    if (token_ns(str_x(ns)) != NS_STREAM) {
        fail(parser, PARSE_BAD_NAMESPACE);
        return;
    }
    parser->opening = write_opening(prefix, ns_count, namespaces);
    for (int i = 0; i < ns_count; i++) {
        if (namespaces[2 * i] == NULL)
            parser->stream_ns = str_copy(str_x(namespaces[2 * i + 1]));
    }
    if (!add_element(parser, name, ns, attr_count, attrs)) {
        fail(parser, PARSE_TOO_LARGE);
        return;
    }
    bool closed = make_close(&parser->make);
    ensure(closed);
    /* libxml2 stands in front of the '>'. */
    uint64_t end = position(parser) + 1;
    if (end - parser->boundary > parser->bytes_max) {
        fail(parser, PARSE_TOO_LARGE);
        return;
    }
    struct stanza *stream = make_finish(&parser->make, (size_t)(end - parser->boundary));
    parser->boundary = end;
    parser->depth = 1;
    if (stream == NULL) {
        fail(parser, PARSE_NOT_WELL_FORMED);
    } else if (!parser->handlers->opened(parser->self, stream)) {
        parser->done = true;
        parser->deaf = true;
    }
    stanza_free(stream);
    parser->bytes_max = parser->bytes_max_next;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns,
                     int ns_count, const xmlChar **namespaces, int attr_count, int defaulted,
                     const xmlChar **attrs)
{
    struct parser *parser = ctx;
    UNUSED(defaulted);
    if (parser->deaf)
        return;
    if (parser->depth == 0) {
        open_stream(parser, name, prefix, ns, ns_count, namespaces, attr_count, attrs);
        return;
    }
    if (!parser->cut && !add_element(parser, name, ns, attr_count, attrs))
        over_limit(parser, parser->depth == 1);
    parser->depth++;
}

/* False: nothing is left of it. */
static bool cut_to_size(struct parser *parser)
{
    bool has_root = parser->cut_root;
    make_cut(&parser->make, has_root);
    parser->cut = false;
    return has_root;
}

/* Time for a fresh libxml2 parser, behind a stanza of `size` bytes? What is not listened to any
 * more in this slice is parsed twice, so names count once: a stream that says the same all day
 * keeps its parser for PARSER_RENEW_BYTES. */
static bool is_worn(const struct parser *parser, uint64_t end, uint64_t size)
{
    return end - parser->renewed_at > PARSER_RENEW_BYTES || size > KEEP_BYTES ||
           (parser->libxml != NULL && xmlDictSize(parser->libxml->dict) > PARSER_RENEW_NAMES);
}

/* Hands over the stanza that is complete, and ends there. */
static void stanza_done(struct parser *parser, uint64_t end)
{
    uint64_t size = end - parser->boundary;
    if (size > parser->bytes_max) {
        fail(parser, PARSE_TOO_LARGE);
        return;
    }
    parser->boundary = end;
    struct stanza *stanza = NULL;
    if (!parser->cut || cut_to_size(parser)) {
        stanza = make_finish(&parser->make, (size_t)size);
        if (stanza == NULL) {
            fail(parser, PARSE_NOT_WELL_FORMED);
            return;
        }
    }
    if (stanza != NULL && !parser->handlers->stanza(parser->self, stanza)) {
        parser->done = true;
        parser->deaf = true;
    } else if (is_worn(parser, end, size)) {
        parser->renew_due = true;
        parser->deaf = true;
    }
    parser->bytes_max = parser->bytes_max_next;
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
    struct parser *parser = ctx;
    UNUSED(name);
    UNUSED(prefix);
    UNUSED(ns);
    if (parser->deaf)
        return;
    parser->depth--;
    if (parser->depth == 0) {
        parser->boundary = position(parser);
        parser->done = true;
        parser->deaf = true;
        parser->handlers->closed(parser->self);
    } else if (parser->cut ? parser->depth == 1 : make_close(&parser->make)) {
        stanza_done(parser, position(parser));
    }
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
    struct parser *parser = ctx;
    if (parser->deaf)
        return;
    if (parser->depth > 1) {
        if (!parser->cut && !make_text(&parser->make, str_of((const char *)text, (size_t)len)))
            over_limit(parser, false);
        return;
    }
    for (int i = 0; i < len; i++) {
        if (!scan_is_blank((char)text[i])) {
            fail(parser, PARSE_RESTRICTED);
            return;
        }
    }
    parser->boundary += (uint64_t)len;
}

static void on_comment(void *ctx, const xmlChar *text)
{
    UNUSED(text);
    fail(ctx, PARSE_RESTRICTED);
}

static void on_instruction(void *ctx, const xmlChar *target, const xmlChar *data)
{
    UNUSED(target);
    UNUSED(data);
    fail(ctx, PARSE_RESTRICTED);
}

static void on_subset(void *ctx, const xmlChar *name, const xmlChar *public_id,
                      const xmlChar *system_id)
{
    UNUSED(name);
    UNUSED(public_id);
    UNUSED(system_id);
    fail(ctx, PARSE_RESTRICTED);
}

static void on_entity_declared(void *ctx, const xmlChar *name, int type, const xmlChar *public_id,
                               const xmlChar *system_id, xmlChar *content)
{
    UNUSED(name);
    UNUSED(type);
    UNUSED(public_id);
    UNUSED(system_id);
    UNUSED(content);
    fail(ctx, PARSE_RESTRICTED);
}

/* The five predefined entities do not come by here. */
static xmlEntityPtr on_get_entity(void *ctx, const xmlChar *name)
{
    UNUSED(name);
    fail(ctx, PARSE_RESTRICTED);
    return NULL;
}

static void on_reference(void *ctx, const xmlChar *name)
{
    UNUSED(name);
    fail(ctx, PARSE_RESTRICTED);
}

static void on_error(void *ctx, xmlErrorPtr error)
{
    struct parser *parser = ctx;
    if (error->level < XML_ERR_ERROR)
        return;
    ensure(error->code != XML_ERR_NO_MEMORY);
    if (error->code == XML_ERR_UNSUPPORTED_ENCODING || error->code == XML_ERR_UNKNOWN_ENCODING)
        fail(parser, PARSE_BAD_ENCODING);
    else
        fail(parser, PARSE_NOT_WELL_FORMED);
}

static const xmlSAXHandler callbacks = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_text,
    .comment = on_comment,
    .processingInstruction = on_instruction,
    .internalSubset = on_subset,
    .externalSubset = on_subset,
    .entityDecl = on_entity_declared,
    .getEntity = on_get_entity,
    .getParameterEntity = on_get_entity,
    .reference = on_reference,
    .serror = on_error,
};

/* ---- the libxml2 parser: made when needed, replaced when worn ---- */

static void drop_libxml(struct parser *parser)
{
    if (parser->libxml != NULL)
        xmlFreeParserCtxt(parser->libxml);
    parser->libxml = NULL;
    make_forget_words(&parser->make); /* they were libxml2's */
}

/* Makes a libxml2 parser that stands where the stream stands. */
static void make_libxml(struct parser *parser)
{
    parser->libxml =
        xmlCreatePushParserCtxt((xmlSAXHandler *)(uintptr_t)&callbacks, parser, NULL, 0, NULL);
    ensure(parser->libxml != NULL);
    /* NOENT: attribute values come with `&amp;` resolved. There are no other entities to
     * substitute: a DTD ends the stream. HUGE: the limits are ours, not libxml2's. */
    xmlCtxtUseOptions(parser->libxml, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_HUGE);
    xmlSwitchEncoding(parser->libxml, XML_CHAR_ENCODING_UTF8);
    if (parser->depth > 0) {
        parser->deaf = true;
        xmlParseChunk(parser->libxml, parser->opening.at, (int)parser->opening.len, 0);
        parser->deaf = false;
        ensure(parser->libxml->wellFormed);
    }
    parser->origin = parser->given - (uint64_t)xmlByteConsumed(parser->libxml);
    parser->renewed_at = parser->given;
}

/* Gives libxml2 complete pieces. */
static void give(struct parser *parser, struct str bytes)
{
    while (bytes.len > 0 && !parser->done && parser->error == PARSE_OK) {
        if (parser->libxml == NULL)
            make_libxml(parser);
        parser->given += bytes.len;
        xmlParseChunk(parser->libxml, bytes.at, (int)bytes.len, 0);
        /* Complete pieces of good XML are used up at once; libxml2 waits for more, a semicolon for
         * example, only where something is missing. */
        bool well = parser->libxml->wellFormed && parser->libxml->nsWellFormed;
        if (!parser->deaf && (!well || position(parser) != parser->given))
            fail(parser, PARSE_NOT_WELL_FORMED);
        if (!parser->renew_due)
            return;
        /* What came behind the stanza was not listened to: it goes to the new parser. */
        size_t rest = (size_t)(parser->given - parser->boundary);
        ensure(rest <= bytes.len);
        bytes = str_of(bytes.at + bytes.len - rest, rest);
        parser->given = parser->boundary;
        parser->renew_due = false;
        parser->deaf = false;
        drop_libxml(parser);
    }
}

/* ---- feeding ---- */

/* Between two stanzas, and libxml2 has seen everything it was given. */
static bool at_boundary(const struct parser *parser)
{
    return parser->depth == 1 && parser->boundary == parser->given;
}

/* White space between stanzas keeps a connection alive; it is not kept itself. */
static struct str skip_blanks(struct parser *parser, struct str bytes)
{
    if (!at_boundary(parser) || parser->pending.len > 0)
        return bytes;
    size_t blanks = 0;
    while (blanks < bytes.len && scan_is_blank(bytes.at[blanks]))
        blanks++;
    /* libxml2 does not see them: its origin moves instead. */
    parser->boundary += blanks;
    parser->given += blanks;
    parser->origin += blanks;
    return str_of(bytes.at + blanks, bytes.len - blanks);
}

/* Text that cannot begin a stanza and that libxml2 would report as such. What may be worse than
 * text, bad UTF-8 for example, is left to libxml2: the error must not depend on how the bytes were
 * cut. */
static bool is_stray_text(char byte)
{
    return byte > 0x20 && byte < 0x7f && byte != '<' && byte != '&' && byte != ']';
}

/* What waits and cannot be right in the end is refused now. */
static void check_pending(struct parser *parser)
{
    if (parser->error != PARSE_OK || parser->done)
        return;
    struct str pending = str_of(parser->pending.at, parser->pending.len);
    if (at_boundary(parser) && pending.len > 0 && is_stray_text(pending.at[0]))
        fail(parser, PARSE_RESTRICTED);
    if (parser->depth == 0) {
        struct str start = str_trim(pending);
        if (start.len > 0 && start.at[0] != '<')
            fail(parser, PARSE_NOT_WELL_FORMED);
    }
    if (parser->total - parser->boundary > parser->bytes_max)
        fail(parser, PARSE_TOO_LARGE);
}

static void give_pending(struct parser *parser)
{
    if (parser->given == 0 && scan_encoding_is_bad(buf_str(&parser->pending)))
        fail(parser, PARSE_BAD_ENCODING);
    give(parser, buf_str(&parser->pending));
    parser->pending.len = 0;
    if (parser->pending.cap > KEEP_BYTES)
        buf_free(&parser->pending);
}

static enum parse_error verdict_error(enum scan_verdict verdict)
{
    switch (verdict) {
    case SCAN_OK:
        return PARSE_OK;
    case SCAN_RESTRICTED:
        return PARSE_RESTRICTED;
    case SCAN_ENCODING:
        return PARSE_BAD_ENCODING;
    case SCAN_TOO_LARGE:
        return PARSE_TOO_LARGE;
    }
    return PARSE_NOT_WELL_FORMED;
}

/* The stanza that was too much is over: libxml2 goes on behind it and has never seen its end. */
static void skip_done(struct parser *parser, uint64_t end)
{
    parser->skipping = false;
    parser->depth = 1;
    parser->scan = (struct scan){.state = SCAN_TEXT};
    drop_libxml(parser);
    stanza_done(parser, end);
    parser->given = end;
    parser->renew_due = false;
    parser->deaf = parser->done || parser->error != PARSE_OK;
}

/* Skips on; returns what comes behind the stanza. */
static struct str skip_on(struct parser *parser, struct str bytes)
{
    size_t taken;
    bool over = skip_bytes(&parser->skip, bytes, &taken);
    struct str rest = str_of(bytes.at + taken, bytes.len - taken);
    uint64_t end = parser->total - rest.len;
    if (end - parser->boundary > parser->bytes_max)
        fail(parser, PARSE_TOO_LARGE);
    else if (over)
        skip_done(parser, end);
    return rest;
}

/* A tag with too many attributes: libxml2 would compare each with every other, so it does not get
 * to see any of it. What is `pending` is the tag's beginning. */
static struct str skip_from(struct parser *parser, struct str bytes)
{
    size_t taken;
    over_limit(parser, parser->depth == 1);
    parser->skipping = true;
    skip_begin(&parser->skip, parser->depth - 1);
    bool over = skip_bytes(&parser->skip, buf_str(&parser->pending), &taken);
    ensure(!over);
    parser->pending.len = 0;
    return skip_on(parser, bytes);
}

/* Returns what is left to be fed, after a skip. */
static struct str feed_piece(struct parser *parser, struct str bytes)
{
    if (parser->skipping)
        return skip_on(parser, bytes);
    bytes = skip_blanks(parser, bytes);
    if (bytes.len == 0)
        return STR_NONE;

    struct scan_cuts cuts;
    enum scan_verdict verdict = scan_bytes(&parser->scan, bytes, &cuts);
    size_t taken = 0;
    /* The first tag may have begun in an earlier slice; a declaration is looked at by itself. */
    if (cuts.last > 0 && (parser->pending.len > 0 || parser->given == 0)) {
        buf_add(&parser->pending, str_of(bytes.at, cuts.first));
        give_pending(parser);
        taken = cuts.first;
    }
    if (cuts.last > taken)
        give(parser, str_of(bytes.at + taken, cuts.last - taken));
    if (parser->done || parser->error != PARSE_OK)
        return STR_NONE;
    struct str tail = str_of(bytes.at + cuts.last, bytes.len - cuts.last);
    if (verdict == SCAN_TOO_LARGE && parser->cuts && parser->depth > 0)
        return skip_from(parser, tail);
    if (verdict != SCAN_OK) {
        fail(parser, verdict_error(verdict));
        return STR_NONE;
    }
    buf_add(&parser->pending, skip_blanks(parser, tail));
    check_pending(parser);
    return STR_NONE;
}

static void feed_slice(struct parser *parser, struct str bytes)
{
    parser->total += bytes.len;
    while (bytes.len > 0 && !parser->done && parser->error == PARSE_OK)
        bytes = feed_piece(parser, bytes);
}

enum parse_error parser_feed(struct parser *parser, struct str bytes)
{
    uint64_t end = parser->total + bytes.len;
    parser->rest = bytes.len;
    while (bytes.len > 0 && !parser->done && parser->error == PARSE_OK) {
        struct str slice = str_of(bytes.at, bytes.len < SLICE ? bytes.len : SLICE);
        feed_slice(parser, slice);
        bytes = str_of(bytes.at + slice.len, bytes.len - slice.len);
        if (parser->done)
            parser->rest = (size_t)(end - parser->boundary);
    }
    return parser->error;
}

/* ---- the object ---- */

void parser_init(void)
{
    xmlInitParser();
}

struct parser *parser_new(const struct parse_handlers *handlers, void *self, size_t bytes_max)
{
    struct parser *parser = MEM_NEW(struct parser);
    parser->handlers = handlers;
    parser->self = self;
    parser->bytes_max = bytes_max;
    parser->bytes_max_next = bytes_max;
    parser->stream_ns = STR_NONE;
    make_init(&parser->make);
    buf_init(&parser->pending, NULL);
    return parser;
}

void parser_free(struct parser *parser)
{
    if (parser == NULL)
        return;
    drop_libxml(parser);
    make_fini(&parser->make);
    buf_free(&parser->pending);
    str_free(&parser->opening);
    str_free(&parser->stream_ns);
    mem_free(parser);
}

void parser_set_bytes_max(struct parser *parser, size_t bytes_max)
{
    parser->bytes_max_next = bytes_max;
    if (parser_idle(parser))
        parser->bytes_max = bytes_max;
}

void parser_cut_large(struct parser *parser)
{
    parser->cuts = true;
}

size_t parser_rest(const struct parser *parser)
{
    return parser->rest;
}

struct str parser_stream_ns(const struct parser *parser)
{
    return str_present(parser->stream_ns) ? parser->stream_ns : STR("");
}

bool parser_idle(const struct parser *parser)
{
    return at_boundary(parser) && parser->pending.len == 0 && !parser->skipping && !parser->done &&
           parser->error == PARSE_OK;
}

void parser_sleep(struct parser *parser)
{
    if (!parser_idle(parser))
        return;
    drop_libxml(parser);
    make_fini(&parser->make);
    buf_free(&parser->pending);
}

size_t parser_memory(const struct parser *parser)
{
    size_t sum = sizeof(*parser) + make_memory(&parser->make) + parser->pending.cap +
                 parser->opening.len + parser->stream_ns.len;
    if (parser->libxml != NULL) {
        sum += LIBXML_FIXED + xmlDictGetUsage(parser->libxml->dict);
        const xmlParserInput *input = parser->libxml->input;
        if (input != NULL && input->buf != NULL)
            sum += xmlBufUse(input->buf->buffer);
    }
    return sum;
}

const char *parse_error_condition(enum parse_error error)
{
    switch (error) {
    case PARSE_OK:
        break;
    case PARSE_NOT_WELL_FORMED:
        return "not-well-formed";
    case PARSE_RESTRICTED:
        return "restricted-xml";
    case PARSE_BAD_NAMESPACE:
        return "invalid-namespace";
    case PARSE_BAD_ENCODING:
        return "unsupported-encoding";
    case PARSE_TOO_LARGE:
        return "policy-violation";
    case PARSE_NOT_STREAM:
        return "bad-format";
    }
    return "undefined-condition";
}
