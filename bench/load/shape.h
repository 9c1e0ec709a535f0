/*
 * Shapes: what stanzas of one kind have in common. A shape is made of pieces of fixed text with
 * slots between them. A stanza matches when every piece is there byte for byte and every slot holds
 * what its kind asks for, so that a match says as much about a stanza as reading it would.
 */
#ifndef BENCH_LOAD_SHAPE_H
#define BENCH_LOAD_SHAPE_H

#include "bench/load/seen.h"

#define SHAPE_SLOTS_MAX 16
#define SHAPES_MAX      32

enum slot_kind {
    SLOT_TO,
    SLOT_FROM,
    SLOT_MARK,
    SLOT_ANY, /* an attribute's value, whatever it is, up to its quote */
};

struct slot {
    enum slot_kind kind;
    const char *begin;
    const char *end;
};

/* Where the slots of one stanza are, in order; made by the careful reader. */
struct outline {
    unsigned count; /* above SHAPE_SLOTS_MAX: too many to make a shape of */
    struct slot at[SHAPE_SLOTS_MAX];
};

struct piece {
    const char *text;
    size_t size;
    enum slot_kind slot; /* what follows; of no meaning behind the last piece */
};

struct shape {
    char *text;
    unsigned pieces; /* 0: unused */
    struct piece piece[SHAPE_SLOTS_MAX + 1];
    struct seen base; /* what all stanzas of the shape mean, their slots aside */
    unsigned next;    /* the shape that came after this one last time */
};

struct shapes {
    struct shape at[SHAPES_MAX];
    unsigned last;     /* the one that matched last */
    unsigned replaced; /* the one a new shape has replaced last */
};

enum shape_result {
    SHAPE_MATCH,
    SHAPE_OTHER,
    SHAPE_MORE, /* so far it matches, but the input ends inside the stanza */
};

struct shape_match {
    const char *end;   /* of the stanza */
    const char *to_at; /* the value of `to`; NULL: it has none */
    struct seen seen;
};

void shapes_free(struct shapes *shapes);

void shape_learn(struct shapes *shapes, struct span stanza, const struct outline *outline,
                 const struct seen *seen);

enum shape_result shapes_match(struct shapes *shapes, const struct names *names,
                               const struct reader *reader, struct span input,
                               struct shape_match *match);

#endif
