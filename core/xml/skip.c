#include "core/xml/skip.h"

void skip_begin(struct skip *skip, unsigned open)
{
    *skip = (struct skip){.state = SKIP_TEXT, .open = open};
}

static void behind_lt(struct skip *skip, char byte)
{
    skip->matched = 0;
    if (byte == '/')
        skip->state = SKIP_END_TAG;
    else if (byte == '!')
        skip->state = SKIP_CDATA;
    else
        skip->state = SKIP_START_TAG;
}

/* In a start tag, outside values. True: the tag ends here. */
static bool in_start_tag(struct skip *skip, char byte)
{
    bool empty = skip->state == SKIP_SLASH;
    skip->state = SKIP_START_TAG;
    if (byte == '/')
        skip->state = SKIP_SLASH;
    else if (byte == '\'')
        skip->state = SKIP_APOS;
    else if (byte == '"')
        skip->state = SKIP_QUOT;
    if (byte != '>')
        return false;
    skip->state = SKIP_TEXT;
    skip->open += empty ? 0 : 1;
    return true;
}

static void in_cdata(struct skip *skip, char byte)
{
    if (byte == '>' && skip->matched >= 2)
        skip->state = SKIP_TEXT;
    skip->matched = byte == ']' ? skip->matched + 1 : 0;
}

/* True: a tag ends here. */
static bool step(struct skip *skip, char byte)
{
    switch (skip->state) {
    case SKIP_TEXT:
        if (byte == '<')
            skip->state = SKIP_LT;
        return false;
    case SKIP_LT:
        behind_lt(skip, byte);
        return false;
    case SKIP_START_TAG:
    case SKIP_SLASH:
        return in_start_tag(skip, byte);
    case SKIP_APOS:
    case SKIP_QUOT:
        if (byte == (skip->state == SKIP_QUOT ? '"' : '\''))
            skip->state = SKIP_START_TAG;
        return false;
    case SKIP_END_TAG:
        if (byte != '>')
            return false;
        skip->state = SKIP_TEXT;
        skip->open -= skip->open > 0 ? 1 : 0;
        return true;
    case SKIP_CDATA:
        in_cdata(skip, byte);
        return false;
    }
    return false;
}

bool skip_bytes(struct skip *skip, struct str bytes, size_t *taken)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (step(skip, bytes.at[i]) && skip->open == 0) {
            *taken = i + 1;
            return true;
        }
    }
    *taken = bytes.len;
    return false;
}
