#include "core/base/str.h"

#include "core/base/arena.h"
#include "core/base/ensure.h"
#include "core/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

bool str_starts(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_eq(str_of(text.at, prefix.len), prefix);
}

bool str_eq_secret(struct str a, struct str b)
{
    /* Runs over all of `a` whatever `b` is: only the lengths may show. */
    unsigned char differs = a.len != b.len;
    for (size_t i = 0; i < a.len; i++)
        differs |=
            (unsigned char)((unsigned char)a.at[i] ^ (unsigned char)(i < b.len ? b.at[i] : 0));
    return differs == 0;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct str str_trim(struct str text)
{
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

bool str_to_u64(struct str text, uint64_t *value)
{
    if (text.len == 0)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.at[i] - '0');
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

bool str_to_i64(struct str text, int64_t *value)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    uint64_t magnitude;
    if (!str_to_u64(negative ? str_of(text.at + 1, text.len - 1) : text, &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool str_to_bool(struct str text, bool *value)
{
    if (str_eq(text, STR("1")) || str_eq(text, STR("true")))
        *value = true;
    else if (str_eq(text, STR("0")) || str_eq(text, STR("false")))
        *value = false;
    else
        return false;
    return true;
}

/* How many bytes the UTF-8 sequence at the start of `at` has, 0 if there is none that is legal. */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (len == 0 || len > left || first > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (first == 0xe0 && at[1] < 0xa0) || (first == 0xf0 && at[1] < 0x90);
    bool surrogate = first == 0xed && at[1] >= 0xa0;
    bool beyond = first == 0xf4 && at[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : len;
}

bool str_is_utf8(struct str text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    size_t left = text.len;
    while (left > 0) {
        uint64_t words[4];
        if (left >= sizeof(words)) {
            memcpy(words, at, sizeof(words));
            if (((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) == 0) {
                at += sizeof(words);
                left -= sizeof(words);
                continue;
            }
        }
        size_t len = utf8_sequence(at, left);
        if (len == 0)
            return false;
        at += len;
        left -= len;
    }
    return true;
}

static struct str copy_to(char *to, struct str text)
{
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    to[text.len] = '\0';
    return str_of(to, text.len);
}

struct str str_copy(struct str text)
{
    return text.at == NULL ? STR_NONE : copy_to(mem_raw(text.len + 1), text);
}

void str_free(struct str *text)
{
    mem_free((char *)(uintptr_t)text->at);
    *text = STR_NONE;
}

struct str str_in(struct arena *arena, struct str text)
{
    return text.at == NULL ? STR_NONE : copy_to(arena_raw(arena, text.len + 1), text);
}

void hex_write(char *digits, const uint8_t *bytes, size_t count)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        digits[2 * i] = hex[bytes[i] >> 4];
        digits[2 * i + 1] = hex[bytes[i] & 15];
    }
}

struct str str_fmt(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ensure(len >= 0);
    char *at = arena_raw(arena, (size_t)len + 1);
    vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    return str_of(at, (size_t)len);
}

void buf_init(struct buf *buf, struct arena *arena)
{
    *buf = (struct buf){.arena = arena};
}

void buf_free(struct buf *buf)
{
    if (buf->arena == NULL)
        mem_free(buf->at);
    buf_init(buf, buf->arena);
}

void buf_grow(struct buf *buf, size_t more)
{
    ensure(more < SIZE_MAX / 4);
    size_t need = buf->len + more + 1; /* room for the NUL of buf_str() */
    size_t cap = buf->cap < 64 ? 128 : buf->cap * 2;
    if (cap < need)
        cap = need;
    if (buf->arena == NULL) {
        buf->at = mem_grow(buf->at, cap);
    } else {
        char *at = arena_raw(buf->arena, cap);
        if (buf->len > 0)
            memcpy(at, buf->at, buf->len);
        buf->at = at;
    }
    buf->cap = cap;
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ensure(len >= 0);
    vsnprintf(buf_reserve(buf, (size_t)len), (size_t)len + 1, format, again);
    va_end(again);
    buf->len += (size_t)len;
}

struct str buf_str(struct buf *buf)
{
    *buf_reserve(buf, 0) = '\0';
    return str_of(buf->at, buf->len);
}
