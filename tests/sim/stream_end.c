#include "tests/sim/stream_end.h"

#include "core/base/mem.h"

#include <string.h>

/* Behind the end of the tag that begins there; NULL: it is not all there. */
static const char *tag_end(const char *at, const char *end)
{
    char quote = '\0';
    for (; at < end; at++) {
        if (quote != '\0')
            quote = *at == quote ? '\0' : quote;
        else if (*at == '\'' || *at == '"')
            quote = *at;
        else if (*at == '>')
            return at + 1;
    }
    return NULL;
}

static bool begins(const char *at, const char *end, const char *with)
{
    size_t len = strlen(with);
    return (size_t)(end - at) >= len && memcmp(at, with, len) == 0;
}

/* The length of what is first: a stream's tag, or a whole element; 0: it is not all there. */
static size_t first_size(struct str text)
{
    const char *at = text.at, *end = text.at + text.len;
    int depth = 0;
    while (at < end) {
        const char *tag = memchr(at, '<', (size_t)(end - at));
        const char *behind = tag == NULL ? NULL : tag_end(tag, end);
        if (behind == NULL)
            return 0;
        bool alone = begins(tag, end, "<stream:stream") || begins(tag, end, "</stream:stream") ||
                     begins(tag, end, "<?");
        depth += alone || behind[-2] == '/' ? 0 : tag[1] == '/' ? -1 : 1;
        if (depth == 0)
            return (size_t)(behind - text.at);
        at = behind;
    }
    return 0;
}

char *stream_end_take(struct stream_end *end)
{
    size_t blank = 0;
    while (blank < end->got.len && end->got.at[blank] == ' ')
        blank++;
    size_t size =
        blank == end->got.len ? 0 : first_size(str_of(end->got.at + blank, end->got.len - blank));
    char *element = NULL;
    if (size > 0) {
        element = mem_new(size + 1);
        memcpy(element, end->got.at + blank, size);
        element[size] = '\0';
    }
    if (blank + size == 0)
        return NULL;
    end->got.len -= blank + size;
    memmove(end->got.at, end->got.at + blank + size, end->got.len);
    return element;
}

void stream_end_read(struct stream_end *end)
{
    buf_add(&end->got, wire_read(end->wire));
}

void stream_end_write(const struct stream_end *end, const char *text)
{
    wire_write(end->wire, str_z(text));
}

void stream_end_drop(struct stream_end *end)
{
    wire_release(end->wire);
    end->wire = NULL;
    end->got.len = 0;
}
