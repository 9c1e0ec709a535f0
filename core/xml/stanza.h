/*
 * A received stanza: an immutable flat tree in one allocation, made by core/xml/parse.c. Nodes
 * refer to each other by index, never by pointer, so a stanza can be copied, compared, hashed,
 * recorded and replayed as a block of bytes.
 *
 * Reading starts at stanza_root(). Functions take and return `const struct node *`, borrowed from
 * the stanza; NULL in gives "none" out, so that chains need no checks in between.
 *
 * Namespaces: the stanza namespaces jabber:client, jabber:server and jabber:component:accept all
 * read as NS_STANZA: what a rule sees does not depend on the door a stanza came in by.
 */
#ifndef CORE_XML_STANZA_H
#define CORE_XML_STANZA_H

#include "core/base/str.h"
#include "core/xml/token.h"

#include <stdbool.h>
#include <stdint.h>

struct attr {
    uint16_t name;    /* enum name, NAME_OTHER if unknown */
    uint16_t ns;      /* enum ns; NS_NONE without prefix */
    uint32_t name_at; /* NAME_OTHER: local name, offset and length in the text area */
    uint32_t ns_at;
    uint32_t value_at;
    uint32_t value_len;
    uint16_t name_len;
    uint16_t ns_len;
};

struct node {
    uint32_t index;  /* of this node: the way back to the stanza */
    uint32_t first;  /* child, 0: none (the root is nobody's child) */
    uint32_t next;   /* sibling, 0: none */
    uint32_t parent; /* 0 for the root too */
    uint32_t attrs;  /* first attribute */
    uint16_t attr_count;
    uint16_t name; /* enum name; NAME_NONE marks a text node */
    uint16_t ns;   /* enum ns */
    uint16_t ns_len;
    uint32_t ns_at;
    uint32_t text_at; /* NAME_OTHER: its local name; text node: the text, unescaped */
    uint32_t text_len;
};

struct stanza {
    uint32_t size; /* of the whole block */
    uint32_t node_count;
    uint32_t attr_count;
    uint32_t text_size;
    uint32_t wire_size; /* bytes it took on the wire */
    uint32_t cut;       /* 1: it was over a limit, only the root is left: parser_cut_large() */
    /* followed by node_count nodes, attr_count attrs, text_size bytes of text */
};

/* Heap; NULL allowed. */
void stanza_free(struct stanza *stanza);
struct stanza *stanza_copy(const struct stanza *stanza);

const struct node *stanza_root(const struct stanza *stanza);

/* ---- navigation: all skip text nodes unless they say otherwise ---- */
const struct node *node_first(const struct node *node);
const struct node *node_next(const struct node *node);
/* First child with that name and namespace; NAME_NONE / NS_NONE stand for "any". */
const struct node *node_find(const struct node *node, enum name name, enum ns ns);
/* The next sibling of the same kind. */
const struct node *node_find_next(const struct node *node, enum name name, enum ns ns);
/* How many such children there are. */
unsigned node_count(const struct node *node, enum name name, enum ns ns);
bool node_is(const struct node *node, enum name name, enum ns ns);

#define node_each(parent, child)                                                                   \
    for (const struct node *child = node_first(parent); child != NULL; child = node_next(child))

/* ---- text nodes included: for those who copy or compare whole trees ---- */
const struct node *node_first_any(const struct node *node);
const struct node *node_next_any(const struct node *node);
bool node_is_text(const struct node *node);
/* The bytes of a text node. */
struct str node_text_bytes(const struct node *text);

/* ---- content ---- */
struct str node_name(const struct node *node); /* local name as written */
struct str node_ns(const struct node *node);   /* namespace name as written */
/* An attribute without namespace; STR_NONE if absent. xml:lang is (NAME_LANG, NS_XML). */
struct str node_attr(const struct node *node, enum name name);
struct str node_attr_ns(const struct node *node, enum name name, enum ns ns);
/* All text directly inside: borrowed if in one piece (the rule), else joined in the arena.
 * STR_NONE for a NULL node, empty for an element without text. */
struct str node_text(const struct node *node, struct arena *arena);
/* Attributes one by one: i from 0 to node->attr_count - 1. */
const struct attr *node_attr_at(const struct node *node, unsigned i);
struct str attr_name(const struct node *node, const struct attr *attr);
struct str attr_ns(const struct node *node, const struct attr *attr);
struct str attr_value(const struct node *node, const struct attr *attr);

/* ---- building one, for tests, tools and stanzas we make ourselves: parses one element with
 * default namespace jabber:client. Heap; NULL if it is not one well-formed element within the
 * limits. */
struct stanza *stanza_parse(struct str xml);

/* Is it one well-formed element, as a frame is without its address? A frame may be over the limits
 * that hold for a stanza, so here they do not; of what is over them not all is looked at. */
bool stanza_is_whole(struct str xml);

#endif
