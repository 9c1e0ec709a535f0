#include "core/xml/token.h"

#include "core/base/base.h"

#include <assert.h>
#include <endian.h>
#include <stdint.h>
#include <string.h>

struct slot {
    const char *text; /* NULL: free */
    uint16_t len;
    uint16_t token;
};

#include "generated/token_table.inc"

static const struct str name_texts[] = {
    {"", 0},
#define NAME(id, text) {text, sizeof(text) - 1},
#define NS(id, uri, xep)
#include "core/xml/names.def"
#undef NAME
#undef NS
    {"", 0},
};

static const struct str ns_uris[] = {
    {"", 0},
#define NAME(id, text)
#define NS(id, uri, xep) {uri, sizeof(uri) - 1},
#include "core/xml/names.def"
#undef NAME
#undef NS
    {"", 0},
};

static_assert(ARRAY_LEN(name_texts) == NAMES_TOTAL, "one text per name");
static_assert(ARRAY_LEN(ns_uris) == NS_TOTAL, "one text per namespace");

/*
 * First and last eight bytes and the length: enough to tell our names apart, and no longer for a
 * long text than for a short one. The table is fixed, so nobody can fill it with collisions.
 */
static uint64_t mix(struct str text)
{
    uint64_t head = 0, tail = 0;
    size_t part = text.len < 8 ? text.len : 8;
    memcpy(&head, text.at, part);
    memcpy(&tail, text.at + text.len - part, part);
    return (le64toh(head) * UINT64_C(0x9e3779b97f4a7c15)) ^ (le64toh(tail) + text.len);
}

static unsigned look_up(const struct slot *table, unsigned bits, uint64_t multiplier,
                        struct str text, unsigned other)
{
    unsigned mask = (1u << bits) - 1;
    unsigned at = (unsigned)((mix(text) * multiplier) >> (64 - bits));
    for (; table[at].text != NULL; at = (at + 1) & mask) {
        if (table[at].len == text.len && memcmp(table[at].text, text.at, text.len) == 0)
            return table[at].token;
    }
    return other;
}

enum name token_name(struct str text)
{
    if (text.len == 0)
        return NAME_NONE;
    return (enum name)look_up(name_table, NAME_TABLE_BITS, NAME_TABLE_MULTIPLIER, text, NAME_OTHER);
}

enum ns token_ns(struct str uri)
{
    if (uri.len == 0)
        return NS_NONE;
    return (enum ns)look_up(ns_table, NS_TABLE_BITS, NS_TABLE_MULTIPLIER, uri, NS_OTHER);
}

struct str token_name_text(enum name name)
{
    return (unsigned)name < NAMES_TOTAL ? name_texts[name] : name_texts[NAME_NONE];
}

struct str token_ns_uri(enum ns ns)
{
    return (unsigned)ns < NS_TOTAL ? ns_uris[ns] : ns_uris[NS_NONE];
}
