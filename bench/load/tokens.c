#include "bench/load/tokens.h"

#include <string.h>

void tokens_init(struct tokens *tokens, const char *begin, const char *end)
{
    *tokens = (struct tokens){.at = begin, .end = end};
}

bool span_is(struct span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.at, text, span.size) == 0;
}

bool span_starts(struct span span, const char *text)
{
    size_t size = strlen(text);
    return span.size >= size && memcmp(span.at, text, size) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool ends_name(char c)
{
    return is_space(c) || c == '>' || c == '/' || c == '=';
}

static struct token plain(enum token_kind kind)
{
    return (struct token){.kind = kind};
}

/* The name at `at`; empty where the input ends before the name does. */
static struct span name_at(const char *at, const char *end)
{
    const char *p = at;
    while (p < end && !ends_name(*p))
        p++;
    return (struct span){at, p < end ? (size_t)(p - at) : 0};
}

static struct token attribute(struct tokens *tokens)
{
    struct span name = name_at(tokens->at, tokens->end);
    if (name.size == 0)
        return plain(tokens->at < tokens->end && *tokens->at == '=' ? TOKEN_BROKEN : TOKEN_MORE);
    const char *p = name.at + name.size;
    if (tokens->end - p < 2)
        return plain(TOKEN_MORE);
    if (p[0] != '=' || (p[1] != '\'' && p[1] != '"'))
        return plain(TOKEN_BROKEN);
    const char *value = p + 2;
    const char *quote = memchr(value, p[1], (size_t)(tokens->end - value));
    if (quote == NULL)
        return plain(TOKEN_MORE);
    tokens->at = quote + 1;
    return (struct token){TOKEN_ATTRIBUTE, false, name, {value, (size_t)(quote - value)}};
}

static struct token inside_tag(struct tokens *tokens)
{
    while (tokens->at < tokens->end && is_space(*tokens->at))
        tokens->at++;
    size_t left = (size_t)(tokens->end - tokens->at);
    if (left == 0 || (left == 1 && *tokens->at == '/'))
        return plain(TOKEN_MORE);
    bool empty = *tokens->at == '/';
    if (empty && tokens->at[1] != '>')
        return plain(TOKEN_BROKEN);
    if (!empty && *tokens->at != '>')
        return attribute(tokens);
    tokens->at += empty ? 2 : 1;
    tokens->in_tag = false;
    return (struct token){.kind = TOKEN_OPENED, .empty = empty};
}

static struct token closing(struct tokens *tokens)
{
    const char *name = tokens->at + 2;
    const char *close = memchr(name, '>', (size_t)(tokens->end - name));
    if (close == NULL)
        return plain(TOKEN_MORE);
    tokens->at = close + 1;
    return (struct token){.kind = TOKEN_CLOSE, .name = {name, (size_t)(close - name)}};
}

/* <?xml ...?> says nothing that matters here. */
static struct token after_declaration(struct tokens *tokens)
{
    const char *close = memchr(tokens->at, '>', (size_t)(tokens->end - tokens->at));
    if (close == NULL)
        return plain(TOKEN_MORE);
    tokens->at = close + 1;
    return token_next(tokens);
}

static struct token text(struct tokens *tokens)
{
    const char *begin = tokens->at;
    const char *tag = memchr(begin, '<', (size_t)(tokens->end - begin));
    if (tag == NULL)
        return plain(TOKEN_MORE);
    tokens->at = tag;
    return (struct token){.kind = TOKEN_TEXT, .value = {begin, (size_t)(tag - begin)}};
}

struct token token_next(struct tokens *tokens)
{
    if (tokens->in_tag)
        return inside_tag(tokens);
    size_t left = (size_t)(tokens->end - tokens->at);
    if (left == 0)
        return plain(TOKEN_MORE);
    if (*tokens->at != '<')
        return text(tokens);
    if (left < 2)
        return plain(TOKEN_MORE);
    if (tokens->at[1] == '/')
        return closing(tokens);
    if (tokens->at[1] == '?')
        return after_declaration(tokens);
    if (tokens->at[1] == '!')
        return plain(TOKEN_BROKEN);
    struct span name = name_at(tokens->at + 1, tokens->end);
    if (name.size == 0)
        return plain(ends_name(tokens->at[1]) ? TOKEN_BROKEN : TOKEN_MORE);
    tokens->at = name.at + name.size;
    tokens->in_tag = true;
    return (struct token){.kind = TOKEN_OPEN, .name = name};
}
