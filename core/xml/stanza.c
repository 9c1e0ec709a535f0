#include "core/xml/stanza.h"

#include "core/base/arena.h"
#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xml/parse.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct stanza) % _Alignof(struct node) == 0, "nodes follow the head");
static_assert(_Alignof(struct attr) == _Alignof(struct node), "attributes follow the nodes");

void stanza_free(struct stanza *stanza)
{
    mem_free(stanza);
}

struct stanza *stanza_copy(const struct stanza *stanza)
{
    return mem_dup(stanza, stanza->size);
}

static const struct node *nodes_of(const struct stanza *stanza)
{
    return (const struct node *)(const void *)(stanza + 1);
}

static const struct stanza *stanza_of(const struct node *node)
{
    return (const struct stanza *)(const void *)(node - node->index) - 1;
}

static const struct attr *attrs_of(const struct stanza *stanza)
{
    return (const struct attr *)(const void *)(nodes_of(stanza) + stanza->node_count);
}

static struct str text_of(const struct node *node, uint32_t at, uint32_t len)
{
    const struct stanza *stanza = stanza_of(node);
    const char *text = (const char *)(attrs_of(stanza) + stanza->attr_count);
    return str_of(text + at, len);
}

const struct node *stanza_root(const struct stanza *stanza)
{
    return stanza != NULL ? nodes_of(stanza) : NULL;
}

/* Index 0 is the root, which is nobody's child or sibling: it stands for "none". */
static const struct node *at_index(const struct node *node, uint32_t index)
{
    return index != 0 ? node - node->index + index : NULL;
}

const struct node *node_first_any(const struct node *node)
{
    return node != NULL && !node_is_text(node) ? at_index(node, node->first) : NULL;
}

const struct node *node_next_any(const struct node *node)
{
    return node != NULL ? at_index(node, node->next) : NULL;
}

bool node_is_text(const struct node *node)
{
    return node != NULL && node->name == NAME_NONE;
}

struct str node_text_bytes(const struct node *text)
{
    return node_is_text(text) ? text_of(text, text->text_at, text->text_len) : STR_NONE;
}

static const struct node *skip_text(const struct node *node)
{
    while (node_is_text(node))
        node = node_next_any(node);
    return node;
}

const struct node *node_first(const struct node *node)
{
    return skip_text(node_first_any(node));
}

const struct node *node_next(const struct node *node)
{
    return skip_text(node_next_any(node));
}

bool node_is(const struct node *node, enum name name, enum ns ns)
{
    return node != NULL && !node_is_text(node) && (name == NAME_NONE || node->name == name) &&
           (ns == NS_NONE || node->ns == ns);
}

static const struct node *find_from(const struct node *node, enum name name, enum ns ns)
{
    while (node != NULL && !node_is(node, name, ns))
        node = node_next(node);
    return node;
}

const struct node *node_find(const struct node *node, enum name name, enum ns ns)
{
    return find_from(node_first(node), name, ns);
}

const struct node *node_find_next(const struct node *node, enum name name, enum ns ns)
{
    return find_from(node_next(node), name, ns);
}

unsigned node_count(const struct node *node, enum name name, enum ns ns)
{
    unsigned count = 0;
    node_each (node, child) {
        if (node_is(child, name, ns))
            count++;
    }
    return count;
}

struct str node_name(const struct node *node)
{
    if (node == NULL || node_is_text(node))
        return STR_NONE;
    return node->name == NAME_OTHER ? text_of(node, node->text_at, node->text_len)
                                    : token_name_text((enum name)node->name);
}

struct str node_ns(const struct node *node)
{
    return node != NULL && !node_is_text(node) ? text_of(node, node->ns_at, node->ns_len)
                                               : STR_NONE;
}

const struct attr *node_attr_at(const struct node *node, unsigned i)
{
    if (node == NULL || i >= node->attr_count)
        return NULL;
    return attrs_of(stanza_of(node)) + node->attrs + i;
}

struct str attr_name(const struct node *node, const struct attr *attr)
{
    return attr->name == NAME_OTHER ? text_of(node, attr->name_at, attr->name_len)
                                    : token_name_text((enum name)attr->name);
}

struct str attr_ns(const struct node *node, const struct attr *attr)
{
    return text_of(node, attr->ns_at, attr->ns_len);
}

struct str attr_value(const struct node *node, const struct attr *attr)
{
    return text_of(node, attr->value_at, attr->value_len);
}

struct str node_attr_ns(const struct node *node, enum name name, enum ns ns)
{
    if (node == NULL || node->attr_count == 0)
        return STR_NONE;
    const struct attr *attr = node_attr_at(node, 0);
    for (unsigned i = 0; i < node->attr_count; i++, attr++) {
        if (attr->name == name && attr->ns == ns)
            return attr_value(node, attr);
    }
    return STR_NONE;
}

struct str node_attr(const struct node *node, enum name name)
{
    return node_attr_ns(node, name, NS_NONE);
}

struct str node_text(const struct node *node, struct arena *arena)
{
    if (node == NULL || node_is_text(node))
        return STR_NONE;
    struct str only = STR("");
    size_t total = 0;
    for (const struct node *child = node_first_any(node); child; child = node_next_any(child)) {
        if (node_is_text(child)) {
            only = node_text_bytes(child);
            total += only.len;
        }
    }
    if (only.len == total)
        return only;
    char *joined = arena_raw(arena, total);
    size_t at = 0;
    for (const struct node *child = node_first_any(node); child; child = node_next_any(child)) {
        struct str piece = node_text_bytes(child);
        if (piece.len > 0)
            memcpy(joined + at, piece.at, piece.len);
        at += piece.len;
    }
    return str_of(joined, total);
}

/* ---- stanza_parse(): a stream of one stanza ---- */

struct single {
    struct stanza *stanza;
    bool bad;
};

static bool single_opened(void *self, const struct stanza *stream)
{
    UNUSED(self);
    UNUSED(stream);
    return true;
}

static bool single_stanza(void *self, struct stanza *stanza)
{
    struct single *single = self;
    if (single->stanza != NULL) {
        single->bad = true;
        stanza_free(stanza);
        return false;
    }
    single->stanza = stanza;
    return true;
}

static bool single_closed(void *self)
{
    struct single *single = self;
    single->bad = true;
    return false;
}

/* NULL: it is not one element. */
static struct stanza *parse_one(struct str xml, size_t bytes_max, bool cut_large)
{
    static const struct parse_handlers handlers = {single_opened, single_stanza, single_closed};
    struct single single = {NULL, false};
    struct parser *parser = parser_new(&handlers, &single, bytes_max);
    if (cut_large)
        parser_cut_large(parser);
    enum parse_error error =
        parser_feed(parser, STR("<stream:stream xmlns='jabber:client' "
                                "xmlns:stream='http://etherx.jabber.org/streams'>"));
    ensure(error == PARSE_OK);
    error = parser_feed(parser, xml);
    if (error != PARSE_OK || !parser_idle(parser) || single.bad) {
        stanza_free(single.stanza);
        single.stanza = NULL;
    }
    parser_free(parser);
    return single.stanza;
}

struct stanza *stanza_parse(struct str xml)
{
    return parse_one(xml, STANZA_BYTES_MAX, false);
}

bool stanza_is_whole(struct str xml)
{
    struct stanza *stanza = parse_one(xml, FRAME_BYTES_MAX, true);
    bool whole = stanza != NULL;
    stanza_free(stanza);
    return whole;
}
