#include "bench/load/seen.h"

#include <string.h>

#define DIGITS_MAX 10

const char *seen_number(uint32_t *number, const char *at, const char *end)
{
    const char *p = at;
    uint64_t value = 0;
    while (p < end && (unsigned char)(*p - '0') < 10)
        value = value * 10 + (uint64_t)(*p++ - '0');
    if (p == at || p == end || p - at > DIGITS_MAX || value >= NUMBER_NONE)
        return NULL;
    *number = (uint32_t)value;
    return p;
}

static const char *after_text(const char *at, const char *end, const char *text, size_t size)
{
    if ((size_t)(end - at) < size || memcmp(at, text, size) != 0)
        return NULL;
    return at + size;
}

const char *seen_to(struct seen *seen, const struct names *names, const struct reader *reader,
                    struct span input)
{
    const char *end = input.at + input.size;
    if (reader->address.at != NULL) {
        seen->to = reader->user;
        return after_text(input.at, end, reader->address.at, reader->address.size);
    }
    if (input.size == 0 || *input.at != 'u')
        return NULL;
    const char *tail = seen_number(&seen->to, input.at + 1, end);
    if (tail == NULL)
        return NULL;
    return after_text(tail, end, names->user_tail, names->user_tail_size);
}

const char *seen_from(struct seen *seen, const struct names *names, struct span input)
{
    const char *end = input.at + input.size;
    if (input.size == 0 || *input.at != 'r')
        return NULL;
    const char *p = seen_number(&seen->room, input.at + 1, end);
    if (p != NULL)
        p = after_text(p, end, names->room_tail, names->room_tail_size);
    if (p == NULL || p == end)
        return NULL;
    seen->nick = NUMBER_NONE;
    if (*p != '/')
        return p;
    if (end - p < 2 || p[1] != 'u')
        return NULL;
    return seen_number(&seen->nick, p + 2, end);
}
