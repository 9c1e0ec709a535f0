#include "core/xml/make.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

#include <assert.h>
#include <string.h>

static_assert(STANZA_NODES_MAX <= UINT16_MAX, "a level keeps 16 bits of a node's index");

/* What is larger after a stanza is given back. */
#define KEEP_NODES 128
#define KEEP_ATTRS 128
#define KEEP_TEXT  (16 * 1024)

/* Names that are found without looking at their text; a power of two. */
#define WORDS_BITS 5
#define WORDS      (1u << WORDS_BITS)

void make_init(struct make *make)
{
    *make = (struct make){.depth = 0};
    buf_init(&make->text, NULL);
}

void make_fini(struct make *make)
{
    mem_free(make->nodes);
    mem_free(make->attrs);
    mem_free(make->spaces);
    mem_free(make->words);
    buf_free(&make->text);
    make_init(make);
}

static uint32_t add_text(struct make *make, struct str text)
{
    uint32_t at = (uint32_t)make->text.len;
    buf_add(&make->text, text);
    return at;
}

/* A new node, linked as the last child of the element that is open. */
static struct node *add_node(struct make *make)
{
    if (make->node_count == STANZA_NODES_MAX)
        return NULL;
    if (make->node_count == make->node_cap) {
        make->node_cap = make->node_cap > 0 ? make->node_cap * 2 : 16;
        make->nodes = mem_grow(make->nodes, sizeof(*make->nodes) * make->node_cap);
    }
    uint32_t index = make->node_count++;
    struct node *node = &make->nodes[index];
    *node = (struct node){.index = index, .attrs = make->attr_count};
    if (make->depth > 0) {
        struct make_level *level = &make->levels[make->depth - 1];
        node->parent = level->node;
        if (level->last_child != 0)
            make->nodes[level->last_child].next = index;
        else
            make->nodes[level->node].first = index;
        level->last_child = (uint16_t)index;
    }
    return node;
}

/* A stanza has the same few names as the one before it. NULL: too long. */
static const struct make_word *find_word(struct make *make, const char *name)
{
    if (make->words == NULL)
        make->words = MEM_NEW_ARRAY(struct make_word, WORDS);
    uint64_t mixed = (uint64_t)(uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15);
    struct make_word *word = &make->words[mixed >> (64 - WORDS_BITS)];
    if (word->key == name)
        return word;
    struct str text = str_z(name);
    if (text.len > UINT16_MAX)
        return NULL;
    *word = (struct make_word){
        .key = name,
        .len = (uint16_t)text.len,
        .token = (uint16_t)token_name(text),
    };
    return word;
}

void make_forget_words(struct make *make)
{
    mem_free(make->words);
    make->words = NULL;
}

/* A name we know is not written down: its token says it all. */
static uint32_t add_unknown(struct make *make, const struct make_word *word)
{
    return word->token == NAME_OTHER ? add_text(make, str_of(word->key, word->len)) : 0;
}

/* NULL: too many, or one that is too long. */
static const struct make_ns *find_ns(struct make *make, const char *uri)
{
    static const struct make_ns none = {.token = NS_NONE};
    if (uri == NULL || uri[0] == '\0')
        return &none;
    if (make->space_last < make->space_count && make->spaces[make->space_last].key == uri)
        return &make->spaces[make->space_last];
    for (uint32_t i = 0; i < make->space_count; i++) {
        if (make->spaces[i].key == uri) {
            make->space_last = i;
            return &make->spaces[i];
        }
    }
    struct str ns = str_z(uri);
    if (ns.len > UINT16_MAX || make->space_count == STANZA_NAMESPACES_MAX)
        return NULL;
    if (make->space_count == make->space_cap) {
        make->space_cap = make->space_cap > 0 ? make->space_cap * 2 : 8;
        make->spaces = mem_grow(make->spaces, sizeof(*make->spaces) * make->space_cap);
    }
    make->space_last = make->space_count++;
    struct make_ns *space = &make->spaces[make->space_last];
    *space = (struct make_ns){
        .key = ns.at,
        .at = add_text(make, ns),
        .len = (uint16_t)ns.len,
        .token = (uint16_t)token_ns(ns),
    };
    return space;
}

/* A prefix bound once to a long name and used everywhere is short on the wire; whoever writes the
 * stanza again declares the name each time. */
static bool declare(struct make *make, const struct make_ns *space)
{
    make->declared += space->len;
    return make->declared <= STANZA_DECLARED_MAX;
}

static bool is_inherited(const struct make *make, const struct make_ns *space)
{
    if (make->depth == 0)
        return false;
    const struct node *parent = &make->nodes[make->levels[make->depth - 1].node];
    return parent->ns_at == space->at && parent->ns_len == space->len;
}

bool make_open(struct make *make, const char *name, const char *ns)
{
    if (make->depth == STANZA_DEPTH_MAX)
        return false;
    const struct make_word *word = find_word(make, name);
    const struct make_ns *space = find_ns(make, ns);
    if (word == NULL || space == NULL || (!is_inherited(make, space) && !declare(make, space)))
        return false;
    struct node *node = add_node(make);
    if (node == NULL)
        return false;
    node->name = word->token;
    node->ns = space->token;
    node->ns_at = space->at;
    node->ns_len = space->len;
    node->text_at = add_unknown(make, word);
    node->text_len = word->len;
    make->levels[make->depth++] = (struct make_level){.node = (uint16_t)node->index};
    return true;
}

bool make_attr(struct make *make, const char *name, const char *ns, struct str value)
{
    struct node *node = &make->nodes[make->node_count - 1];
    const struct make_word *word = find_word(make, name);
    const struct make_ns *space = find_ns(make, ns);
    if (word == NULL || space == NULL || node->attr_count == STANZA_ATTRIBUTES_MAX ||
        !declare(make, space))
        return false;
    if (make->attr_count == make->attr_cap) {
        make->attr_cap = make->attr_cap > 0 ? make->attr_cap * 2 : 16;
        make->attrs = mem_grow(make->attrs, sizeof(*make->attrs) * make->attr_cap);
    }
    struct attr *attr = &make->attrs[make->attr_count++];
    node->attr_count++;
    attr->name = word->token;
    attr->ns = space->token;
    attr->ns_at = space->at;
    attr->ns_len = space->len;
    attr->name_at = add_unknown(make, word);
    attr->name_len = word->len;
    attr->value_at = add_text(make, value);
    attr->value_len = (uint32_t)value.len;
    return true;
}

bool make_text(struct make *make, struct str text)
{
    ensure(make->depth > 0);
    if (text.len == 0)
        return true;
    /* libxml2 delivers text in pieces; one run of text is one node. Nothing else has been added to
     * the text area since the last piece, so that it is continued in place. */
    struct node *last = &make->nodes[make->node_count - 1];
    if (!node_is_text(last) || last->parent != make->levels[make->depth - 1].node) {
        last = add_node(make);
        if (last == NULL)
            return false;
        last->text_at = (uint32_t)make->text.len;
    }
    add_text(make, text);
    last->text_len += (uint32_t)text.len;
    return true;
}

bool make_close(struct make *make)
{
    ensure(make->depth > 0);
    return --make->depth == 0;
}

static void shrink(struct make *make)
{
    if (make->node_cap > KEEP_NODES || make->attr_cap > KEEP_ATTRS || make->text.cap > KEEP_TEXT)
        make_fini(make);
    make->node_count = 0;
    make->attr_count = 0;
    make->text.len = 0;
    make->depth = 0;
    make->space_count = 0;
    make->declared = 0;
    make->cut = false;
}

static void reach(size_t *end, uint32_t at, size_t len)
{
    if (at + len > *end)
        *end = at + len;
}

void make_cut(struct make *make, bool has_root)
{
    if (!has_root) {
        shrink(make);
        return;
    }
    struct node *root = make->nodes;
    make->cut = true;
    make->node_count = 1;
    make->attr_count = root->attr_count;
    make->depth = 0;
    root->first = 0;
    size_t end = 0;
    if (root->name == NAME_OTHER)
        reach(&end, root->text_at, root->text_len);
    reach(&end, root->ns_at, root->ns_len);
    for (const struct attr *attr = make->attrs; attr < make->attrs + make->attr_count; attr++) {
        reach(&end, attr->value_at, attr->value_len);
        reach(&end, attr->ns_at, attr->ns_len);
    }
    make->text.len = end;
}

struct stanza *make_finish(struct make *make, size_t wire_size)
{
    ensure(make->node_count > 0);
    struct stanza *stanza = NULL;
    /* libxml2 lets some overlong sequences pass; whoever got them from us would lose its stream. */
    if (str_is_utf8(buf_str(&make->text))) {
        size_t nodes = sizeof(struct node) * make->node_count;
        size_t attrs = sizeof(struct attr) * make->attr_count;
        size_t size = sizeof(*stanza) + nodes + attrs + make->text.len;
        stanza = mem_raw(size);
        *stanza = (struct stanza){
            .size = (uint32_t)size,
            .node_count = make->node_count,
            .attr_count = make->attr_count,
            .text_size = (uint32_t)make->text.len,
            .wire_size = (uint32_t)wire_size,
            .cut = make->cut ? 1 : 0,
        };
        char *to = (char *)(stanza + 1);
        memcpy(to, make->nodes, nodes);
        if (attrs > 0)
            memcpy(to + nodes, make->attrs, attrs);
        memcpy(to + nodes + attrs, make->text.at, make->text.len);
    }
    shrink(make);
    return stanza;
}

size_t make_memory(const struct make *make)
{
    size_t words = make->words != NULL ? sizeof(*make->words) * WORDS : 0;
    return words + sizeof(*make->nodes) * make->node_cap + sizeof(*make->attrs) * make->attr_cap +
           sizeof(*make->spaces) * make->space_cap + make->text.cap;
}
