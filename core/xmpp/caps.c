#include "core/xmpp/caps.h"

#include <stdlib.h>

/* A piece of the text, and what it is sorted by. */
struct piece {
    struct str key;
    struct str text;
};

struct pieces {
    struct piece *at;
    size_t count;
};

static int by_key(const void *left, const void *right)
{
    const struct piece *a = left, *b = right;
    size_t shorter = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = shorter == 0 ? 0 : memcmp(a->key.at, b->key.at, shorter);

    if (order != 0)
        return order;
    return (a->key.len > b->key.len) - (a->key.len < b->key.len);
}

/* Room for a piece for each child. */
static struct pieces pieces_of(struct arena *arena, const struct node *parent)
{
    unsigned most = node_count(parent, NAME_NONE, NS_NONE);

    return (struct pieces){arena_raw(arena, sizeof(struct piece) * (most + 1)), 0};
}

static void pieces_add(struct pieces *pieces, struct str key, struct str text)
{
    pieces->at[pieces->count++] = (struct piece){key, text};
}

static void pieces_write(const struct pieces *pieces, struct buf *out)
{
    if (pieces->count > 1)
        qsort(pieces->at, pieces->count, sizeof(*pieces->at), by_key);
    for (size_t i = 0; i < pieces->count; i++) {
        buf_add(out, pieces->at[i].text);
        buf_addc(out, '<');
    }
}

/* Category, type and language, in a key with a separator that sorts before everything in them. */
static struct str joined(struct arena *arena, char separator, const struct node *identity,
                         struct str last)
{
    struct buf text;

    buf_init(&text, arena);
    buf_add(&text, node_attr(identity, NAME_CATEGORY));
    buf_addc(&text, separator);
    buf_add(&text, node_attr(identity, NAME_TYPE));
    buf_addc(&text, separator);
    buf_add(&text, node_attr_ns(identity, NAME_LANG, NS_XML));
    buf_addc(&text, separator);
    buf_add(&text, last);
    return buf_str(&text);
}

static void write_identities(struct arena *arena, const struct node *query, struct buf *out)
{
    struct pieces pieces = pieces_of(arena, query);

    node_each (query, child) {
        if (node_is(child, NAME_IDENTITY, NS_DISCO_INFO))
            pieces_add(&pieces, joined(arena, '\1', child, STR_NONE),
                       joined(arena, '/', child, node_attr(child, NAME_NAME)));
    }
    pieces_write(&pieces, out);
}

static void write_features(struct arena *arena, const struct node *query, struct buf *out)
{
    struct pieces pieces = pieces_of(arena, query);

    node_each (query, child) {
        if (node_is(child, NAME_FEATURE, NS_DISCO_INFO))
            pieces_add(&pieces, node_attr(child, NAME_VAR), node_attr(child, NAME_VAR));
    }
    pieces_write(&pieces, out);
}

static void write_values(struct arena *arena, const struct node *field, struct buf *out)
{
    struct pieces pieces = pieces_of(arena, field);

    node_each (field, child) {
        struct str value = node_text(child, arena);
        if (node_is(child, NAME_VALUE, NS_DATA))
            pieces_add(&pieces, value, value);
    }
    pieces_write(&pieces, out);
}

/* Absent: the form does not say what it is, and counts for nothing. */
static struct str form_type(struct arena *arena, const struct node *form)
{
    node_each (form, child) {
        if (str_eqz(node_attr(child, NAME_VAR), "FORM_TYPE"))
            return node_text(node_find(child, NAME_VALUE, NS_DATA), arena);
    }
    return STR_NONE;
}

static struct str form_text(struct arena *arena, const struct node *form, struct str type)
{
    struct pieces pieces = pieces_of(arena, form);
    struct buf text;

    node_each (form, field) {
        struct str var = node_attr(field, NAME_VAR);
        if (!node_is(field, NAME_FIELD, NS_DATA) || str_eqz(var, "FORM_TYPE"))
            continue;
        struct buf out;
        buf_init(&out, arena);
        buf_add(&out, var);
        buf_addc(&out, '<');
        write_values(arena, field, &out);
        out.len--; /* pieces_write() ends each piece itself */
        pieces_add(&pieces, var, buf_str(&out));
    }
    buf_init(&text, arena);
    buf_add(&text, type);
    buf_addc(&text, '<');
    pieces_write(&pieces, &text);
    text.len--;
    return buf_str(&text);
}

static void write_forms(struct arena *arena, const struct node *query, struct buf *out)
{
    struct pieces pieces = pieces_of(arena, query);

    node_each (query, child) {
        struct str type = STR_NONE;
        if (node_is(child, NAME_X, NS_DATA))
            type = form_type(arena, child);
        if (str_present(type))
            pieces_add(&pieces, type, form_text(arena, child, type));
    }
    pieces_write(&pieces, out);
}

struct str caps_text(struct arena *arena, const struct node *query)
{
    struct buf text;

    buf_init(&text, arena);
    write_identities(arena, query, &text);
    write_features(arena, query, &text);
    write_forms(arena, query, &text);
    return buf_str(&text);
}
