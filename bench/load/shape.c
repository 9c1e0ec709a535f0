#include "bench/load/shape.h"

#include "bench/load/util.h"

#include <stdlib.h>
#include <string.h>

void shapes_free(struct shapes *shapes)
{
    for (unsigned i = 0; i < SHAPES_MAX; i++)
        free(shapes->at[i].text);
    memset(shapes, 0, sizeof(*shapes));
}

static unsigned place_for_new(struct shapes *shapes)
{
    for (unsigned i = 0; i < SHAPES_MAX; i++) {
        if (shapes->at[i].pieces == 0)
            return i;
    }
    shapes->replaced = (shapes->replaced + 1) % SHAPES_MAX;
    return shapes->replaced;
}

void shape_learn(struct shapes *shapes, struct span stanza, const struct outline *outline,
                 const struct seen *seen)
{
    if (outline->count > SHAPE_SLOTS_MAX || stanza.size == 0)
        return;
    unsigned place = place_for_new(shapes);
    struct shape *shape = &shapes->at[place];
    free(shape->text);
    shape->text = must_alloc(stanza.size);
    memcpy(shape->text, stanza.at, stanza.size);
    shape->base = *seen;
    shape->next = place;
    const char *from = stanza.at;
    for (unsigned i = 0; i < outline->count; i++) {
        const struct slot *slot = &outline->at[i];
        shape->piece[i] = (struct piece){.text = shape->text + (from - stanza.at),
                                         .size = (size_t)(slot->begin - from),
                                         .slot = slot->kind};
        from = slot->end;
    }
    shape->piece[outline->count] = (struct piece){.text = shape->text + (from - stanza.at),
                                                  .size = (size_t)(stanza.at + stanza.size - from)};
    shape->pieces = outline->count + 1;
    shapes->at[shapes->last].next = place;
    shapes->last = place;
}

/* Where the slot's value ends, NULL if it is none or the input ends first. */
static const char *slot_end(struct shape_match *match, const struct piece *piece,
                            const struct names *names, const struct reader *reader,
                            struct span input)
{
    switch (piece->slot) {
    case SLOT_TO:
        match->to_at = input.at;
        return seen_to(&match->seen, names, reader, input);
    case SLOT_FROM:
        return seen_from(&match->seen, names, input);
    case SLOT_MARK:
        return seen_number(&match->seen.mark, input.at, input.at + input.size);
    case SLOT_ANY:
        return memchr(input.at, piece[1].text[0], input.size);
    }
    return NULL;
}

static enum shape_result shape_match(const struct shape *shape, const struct names *names,
                                     const struct reader *reader, struct span input,
                                     struct shape_match *match)
{
    const char *at = input.at;
    const char *end = input.at + input.size;
    match->seen = shape->base;
    match->to_at = NULL;
    for (unsigned i = 0; i < shape->pieces; i++) {
        const struct piece *piece = &shape->piece[i];
        size_t left = (size_t)(end - at);
        if (left < piece->size)
            return memcmp(at, piece->text, left) == 0 ? SHAPE_MORE : SHAPE_OTHER;
        if (memcmp(at, piece->text, piece->size) != 0)
            return SHAPE_OTHER;
        at += piece->size;
        if (i + 1 == shape->pieces)
            break;
        at = slot_end(match, piece, names, reader, (struct span){at, (size_t)(end - at)});
        if (at == NULL)
            return SHAPE_OTHER; /* or the input ends here: the careful reader will tell */
    }
    match->end = at;
    return SHAPE_MATCH;
}

enum shape_result shapes_match(struct shapes *shapes, const struct names *names,
                               const struct reader *reader, struct span input,
                               struct shape_match *match)
{
    struct shape *last = &shapes->at[shapes->last];
    if (last->pieces == 0)
        return SHAPE_OTHER;
    unsigned guess = last->next;
    enum shape_result result = shape_match(&shapes->at[guess], names, reader, input, match);
    for (unsigned i = 0; result == SHAPE_OTHER && i < SHAPES_MAX; i++) {
        if (shapes->at[i].pieces == 0)
            break;
        guess = i;
        result = shape_match(&shapes->at[i], names, reader, input, match);
    }
    if (result != SHAPE_MATCH)
        return result;
    last->next = guess;
    shapes->last = guess;
    return SHAPE_MATCH;
}
