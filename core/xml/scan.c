#include "core/xml/scan.h"

#include "core/base/limits.h"

#include <string.h>
#include <strings.h>

bool scan_is_blank(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/* The first byte of the stream: white space or '<' in a stream of ours. */
static enum scan_verdict at_start(struct scan *scan, char byte)
{
    scan->state = byte == '<' ? SCAN_FIRST_LT : SCAN_TEXT;
    bool wide = byte == '\0' || byte == '\xfe' || byte == '\xff';
    return wide ? SCAN_ENCODING : SCAN_OK;
}

static enum scan_verdict behind_lt(struct scan *scan, char byte)
{
    bool may_declare = scan->state == SCAN_FIRST_LT;
    scan->matched = 0;
    scan->attributes = 0;
    switch (byte) {
    case '\0':
        return SCAN_ENCODING;
    case '!':
        scan->state = SCAN_BANG;
        return SCAN_OK;
    case '?':
        scan->state = SCAN_DECLARATION;
        return may_declare ? SCAN_OK : SCAN_RESTRICTED;
    case '>': /* nonsense, but complete */
        scan->state = SCAN_TEXT;
        return SCAN_OK;
    default:
        scan->state = SCAN_TAG;
        return SCAN_OK;
    }
}

static enum scan_verdict in_bang(struct scan *scan, char byte)
{
    static const char cdata[] = "[CDATA[";
    if (byte != cdata[scan->matched])
        return SCAN_RESTRICTED;
    if (++scan->matched == sizeof(cdata) - 1) {
        scan->state = SCAN_CDATA;
        scan->matched = 0;
    }
    return SCAN_OK;
}

static void in_cdata(struct scan *scan, char byte)
{
    if (byte == ']') {
        scan->matched++;
        return;
    }
    if (byte == '>' && scan->matched >= 2)
        scan->state = SCAN_TEXT;
    scan->matched = 0;
}

/* Takes bytes of a tag up to one that matters; returns how many. */
static size_t in_tag(struct scan *scan, const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i] == '\'' || at[i] == '"') {
            scan->state = at[i] == '"' ? SCAN_QUOT : SCAN_APOS;
            return i + 1;
        }
        if (at[i] == '>') {
            scan->state = SCAN_TEXT;
            return i + 1;
        }
    }
    return len;
}

/* Takes bytes up to and including `stop`; returns how many, and whether it was there. */
static size_t skip_to(const char *at, size_t len, char stop, bool *found)
{
    const char *hit = memchr(at, stop, len);
    *found = hit != NULL;
    return hit != NULL ? (size_t)(hit - at) + 1 : len;
}

static enum scan_verdict in_value(struct scan *scan, const char *at, size_t len, size_t *taken)
{
    bool found;
    *taken = skip_to(at, len, scan->state == SCAN_QUOT ? '"' : '\'', &found);
    if (!found)
        return SCAN_OK;
    scan->state = SCAN_TAG;
    return ++scan->attributes > STANZA_ATTRIBUTES_MAX ? SCAN_TOO_LARGE : SCAN_OK;
}

static void in_declaration(struct scan *scan, char byte)
{
    if (byte == '>' && scan->matched == 1)
        scan->state = SCAN_TEXT;
    scan->matched = byte == '?';
}

/* One step: takes at least one byte. */
static enum scan_verdict step(struct scan *scan, const char *at, size_t len, size_t *taken)
{
    bool found;
    *taken = 1;
    switch (scan->state) {
    case SCAN_START:
        return at_start(scan, *at);
    case SCAN_TEXT:
        *taken = skip_to(at, len, '<', &found);
        if (found)
            scan->state = SCAN_LT;
        return SCAN_OK;
    case SCAN_FIRST_LT:
    case SCAN_LT:
        return behind_lt(scan, *at);
    case SCAN_BANG:
        return in_bang(scan, *at);
    case SCAN_CDATA:
        in_cdata(scan, *at);
        return SCAN_OK;
    case SCAN_DECLARATION:
        in_declaration(scan, *at);
        return SCAN_OK;
    case SCAN_TAG:
        *taken = in_tag(scan, at, len);
        return SCAN_OK;
    case SCAN_APOS:
    case SCAN_QUOT:
        return in_value(scan, at, len, taken);
    }
    return SCAN_OK;
}

enum scan_verdict scan_bytes(struct scan *scan, struct str bytes, struct scan_cuts *cuts)
{
    *cuts = (struct scan_cuts){0, 0};
    for (size_t at = 0; at < bytes.len;) {
        enum scan_state before = scan->state;
        size_t taken;
        enum scan_verdict verdict = step(scan, bytes.at + at, bytes.len - at, &taken);
        if (verdict != SCAN_OK)
            return verdict;
        at += taken;
        bool ends = scan->state == SCAN_TEXT && before != SCAN_TEXT && before != SCAN_CDATA &&
                    before != SCAN_START;
        if (ends) {
            cuts->last = at;
            if (cuts->first == 0)
                cuts->first = at;
        }
    }
    return SCAN_OK;
}

bool scan_encoding_is_bad(struct str piece)
{
    if (!str_starts(piece, STR("<?xml")))
        return false;
    const char *end = memchr(piece.at, '>', piece.len);
    size_t left = end != NULL ? (size_t)(end - piece.at) : piece.len;
    const char *at = memmem(piece.at, left, "encoding", 8);
    if (at == NULL)
        return false;
    struct str value = str_trim(str_of(at + 8, left - 8 - (size_t)(at - piece.at)));
    if (value.len == 0 || value.at[0] != '=')
        return false;
    value = str_trim(str_of(value.at + 1, value.len - 1));
    if (value.len == 0 || (value.at[0] != '\'' && value.at[0] != '"'))
        return false;
    const char *name = value.at + 1;
    const char *quote = memchr(name, value.at[0], value.len - 1);
    if (quote == NULL)
        return false;
    return !(quote - name == 5 && strncasecmp(name, "UTF-8", 5) == 0);
}
