/*
 * A careful reader of XML as servers send it: elements, attributes in either kind of quotes, text.
 * It copies nothing and keeps no state but where it is; what it hands out points into the input.
 * It is the slow way: everything the fast way (scan.h) does not know goes through here.
 */
#ifndef BENCH_LOAD_TOKENS_H
#define BENCH_LOAD_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

struct span {
    const char *at;
    size_t size;
};

enum token_kind {
    TOKEN_OPEN,      /* name: the element */
    TOKEN_ATTRIBUTE, /* name and value */
    TOKEN_OPENED,    /* the start tag is complete; `empty` if it is the whole element */
    TOKEN_CLOSE,     /* name: the element */
    TOKEN_TEXT,      /* value, not empty, entities as they stand */
    TOKEN_MORE,      /* the input ends inside a token */
    TOKEN_BROKEN,    /* not XML, or not what a stream may carry */
};

struct token {
    enum token_kind kind;
    bool empty;
    struct span name;
    struct span value;
};

struct tokens {
    const char *at;
    const char *end;
    bool in_tag;
};

void tokens_init(struct tokens *tokens, const char *begin, const char *end);
struct token token_next(struct tokens *tokens);

bool span_is(struct span span, const char *text);
bool span_starts(struct span span, const char *text);

#endif
