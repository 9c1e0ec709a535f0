/*
 * Text as pointer and length. A slice never owns its bytes and need not end in NUL; a `buf` builds
 * text, in an arena or on the heap. strcpy and its kin are banned (tidy), these are the
 * replacement.
 */
#ifndef CORE_BASE_STR_H
#define CORE_BASE_STR_H

#include "core/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

/* A slice; `at` NULL means "absent", which is different from empty (`at` set, `len` 0). */
struct str {
    const char *at;
    size_t len;
};

#define STR_NONE     ((struct str){NULL, 0})
#define STR(literal) ((struct str){("" literal), sizeof(literal) - 1})

/* A slice over a NUL-terminated string; NULL gives STR_NONE. Borrowed. */
static inline struct str str_z(const char *text)
{
    return text == NULL ? STR_NONE : (struct str){text, strlen(text)};
}

static inline struct str str_of(const char *at, size_t len)
{
    return (struct str){at, len};
}

/* Byte-wise equality; two absent slices are equal, absent and empty are equal too. */
static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_eqz(struct str a, const char *b)
{
    return str_eq(a, str_z(b));
}

static inline bool str_empty(struct str a)
{
    return a.len == 0;
}

static inline bool str_present(struct str a)
{
    return a.at != NULL;
}

bool str_starts(struct str text, struct str prefix);

/* Compares without telling by its duration where the difference is (passwords, digests). */
bool str_eq_secret(struct str a, struct str b);

/* Without ASCII blanks (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str text);

/* Decimal, nothing else around it; false leaves *value alone. */
MUST_CHECK bool str_to_u64(struct str text, uint64_t *value);
MUST_CHECK bool str_to_i64(struct str text, int64_t *value);

/* xs:boolean: "1", "true", "0", "false". */
MUST_CHECK bool str_to_bool(struct str text, bool *value);

/* Well-formed UTF-8: nothing overlong, no surrogates, nothing above U+10FFFF. */
bool str_is_utf8(struct str text);

/* Heap copy, NUL-terminated, to be freed with mem_free(); of an absent slice an absent slice. */
struct str str_copy(struct str text);
void str_free(struct str *text);

/* Copy into the arena, NUL-terminated. */
struct str str_in(struct arena *arena, struct str text);

/* printf into the arena. */
struct str str_fmt(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Two digits for each byte, lower case, nothing behind them. */
void hex_write(char *digits, const uint8_t *bytes, size_t count);

/* A growing text. `arena` NULL: on the heap, buf_free() required. */
struct buf {
    struct arena *arena;
    char *at;
    size_t len;
    size_t cap;
};

void buf_init(struct buf *buf, struct arena *arena);
void buf_free(struct buf *buf);
/* Makes room for `more` bytes and a NUL: the rare part of buf_reserve(). */
void buf_grow(struct buf *buf, size_t more);
void buf_addf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Room for `more` bytes at the end; the caller writes there and then adds to `len`. Here and not in
 * the .c file, like the three below: frames are made of dozens of small pieces. */
static inline char *buf_reserve(struct buf *buf, size_t more)
{
    if (buf->cap - buf->len <= more)
        buf_grow(buf, more);
    return buf->at + buf->len;
}

static inline void buf_add(struct buf *buf, struct str text)
{
    if (text.len == 0)
        return;
    memcpy(buf_reserve(buf, text.len), text.at, text.len);
    buf->len += text.len;
}

static inline void buf_addz(struct buf *buf, const char *text)
{
    buf_add(buf, str_z(text));
}

static inline void buf_addc(struct buf *buf, char byte)
{
    *buf_reserve(buf, 1) = byte;
    buf->len++;
}

/* What was built so far, NUL-terminated behind its length; borrowed from the buf. */
struct str buf_str(struct buf *buf);

#endif
