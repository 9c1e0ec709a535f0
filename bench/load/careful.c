#include "bench/load/careful.h"

#include <string.h>

#define DEPTH_MAX 32

struct reading {
    struct careful *out;
    const struct names *names;
    const struct reader *reader;
    unsigned depth;              /* of the innermost open element; the stanza itself is 1 */
    struct span open[DEPTH_MAX]; /* their names, by depth - 1 */
    bool delayed;
    bool has_body;
    bool has_subject;
    bool has_item; /* <x><item/></x> */
};

static void add_slot(struct reading *r, enum slot_kind kind, struct span value)
{
    struct outline *outline = &r->out->outline;
    if (outline->count < SHAPE_SLOTS_MAX)
        outline->at[outline->count] = (struct slot){kind, value.at, value.at + value.size};
    outline->count++;
}

/* The value is followed by its quote in the input: an address must end just there. */
static bool address(struct reading *r, enum slot_kind kind, struct span value)
{
    struct span with_quote = {value.at, value.size + 1};
    struct seen *seen = &r->out->seen;
    const char *end = kind == SLOT_TO ? seen_to(seen, r->names, r->reader, with_quote)
                                      : seen_from(seen, r->names, with_quote);
    return end == value.at + value.size;
}

static void on_address(struct reading *r, enum slot_kind kind, struct span value)
{
    if (address(r, kind, value)) {
        add_slot(r, kind, value);
        return;
    }
    if (kind == SLOT_TO)
        r->out->seen.to = NUMBER_NONE;
    else
        r->out->seen.room = NUMBER_NONE;
}

static bool varies(struct span name)
{
    return span_is(name, "id") || span_is(name, "jid") || span_is(name, "by") ||
           span_is(name, "stamp") || span_is(name, "from") || span_is(name, "to");
}

static void on_attribute(struct reading *r, const struct token *token)
{
    struct detail *detail = &r->out->detail;
    if (r->depth == 1 && span_is(token->name, "to")) {
        on_address(r, SLOT_TO, token->value);
        return;
    }
    if (r->depth == 1 && span_is(token->name, "from")) {
        on_address(r, SLOT_FROM, token->value);
        return;
    }
    if (varies(token->name))
        add_slot(r, SLOT_ANY, token->value);
    if (r->depth == 1 && span_is(token->name, "id"))
        detail->id = token->value;
    if (r->depth == 1 && span_is(token->name, "type"))
        detail->type = token->value;
    if (span_is(token->name, "code") && span_is(r->open[r->depth - 1], "status") &&
        span_is(token->value, "110"))
        r->out->seen.self = true;
    if (r->depth == 2 && span_is(token->name, "xmlns") && span_is(token->value, "urn:xmpp:delay"))
        r->delayed = true;
}

static void on_open(struct reading *r, struct span name)
{
    struct detail *detail = &r->out->detail;
    if (r->depth == 1)
        detail->name = name;
    if (r->depth == 2) {
        r->has_body = r->has_body || span_is(name, "body");
        r->has_subject = r->has_subject || span_is(name, "subject");
        detail->bind = detail->bind || span_is(name, "bind");
        detail->starttls = detail->starttls || span_is(name, "starttls");
    }
    r->has_item = r->has_item || (r->depth == 3 && span_is(name, "item"));
    struct span parent = r->depth > 1 ? r->open[r->depth - 2] : (struct span){"", 0};
    if (detail->condition.size == 0 &&
        (span_is(parent, "error") || span_is(parent, "failure") || span_is(parent, "stream:error")))
        detail->condition = name;
}

static void on_text(struct reading *r, struct span value)
{
    struct detail *detail = &r->out->detail;
    if (r->depth == 0)
        return;
    struct span inside = r->open[r->depth - 1];
    bool marked = r->depth == 2 && (span_is(inside, "body") || span_is(inside, "status"));
    const char *end = NULL;
    if (marked)
        end = seen_number(&r->out->seen.mark, value.at, value.at + value.size + 1);
    if (end != NULL)
        add_slot(r, SLOT_MARK, (struct span){value.at, (size_t)(end - value.at)});
    if (span_is(inside, "jid"))
        detail->jid = value;
    if (span_is(inside, "mechanism")) {
        detail->anonymous = detail->anonymous || span_is(value, "ANONYMOUS");
        detail->plain = detail->plain || span_is(value, "PLAIN");
    }
}

/* An error or a result carries the id of what it answers: the letter m and a mark. */
static void read_id(struct seen *seen, struct span id)
{
    seen->mark = NUMBER_NONE;
    if (id.size > 1 && *id.at == 'm')
        (void)seen_number(&seen->mark, id.at + 1, id.at + id.size + 1);
}

static enum seen_kind kind_of(const struct reading *r)
{
    const struct detail *detail = &r->out->detail;
    bool is_message = span_is(detail->name, "message");
    bool is_presence = span_is(detail->name, "presence");
    bool is_iq = span_is(detail->name, "iq");
    if (is_iq && span_is(detail->type, "result"))
        return SEEN_RESULT;
    if ((is_message || is_presence || is_iq) && span_is(detail->type, "error"))
        return span_is(detail->condition, "resource-constraint") ? SEEN_BUSY : SEEN_ERROR;
    if (is_presence && detail->type.at == NULL)
        return SEEN_HERE;
    if (is_presence && span_is(detail->type, "unavailable"))
        return SEEN_GONE;
    if (is_message && detail->type.at == NULL && r->has_item && !r->has_body)
        return SEEN_NOTICE;
    if (!is_message || !span_is(detail->type, "groupchat"))
        return SEEN_OTHER;
    if (r->has_body)
        return r->delayed ? SEEN_HISTORY : SEEN_GROUPCHAT;
    return r->has_subject ? SEEN_SUBJECT : SEEN_OTHER;
}

/* Handles one token; true where the stanza is complete. */
static bool step(struct reading *r, const struct token *token, enum careful_result *result)
{
    *result = CAREFUL_STANZA;
    if (token->kind == TOKEN_OPEN) {
        if (r->depth == DEPTH_MAX) {
            *result = CAREFUL_BROKEN;
            return true;
        }
        r->open[r->depth++] = token->name;
        on_open(r, token->name);
        return false;
    }
    if (token->kind == TOKEN_CLOSE && r->depth == 0) {
        *result = CAREFUL_CLOSED;
        return true;
    }
    if (token->kind == TOKEN_CLOSE &&
        (token->name.size != r->open[r->depth - 1].size ||
         memcmp(token->name.at, r->open[r->depth - 1].at, token->name.size) != 0)) {
        *result = CAREFUL_BROKEN;
        return true;
    }
    if (token->kind == TOKEN_ATTRIBUTE)
        on_attribute(r, token);
    if (token->kind == TOKEN_TEXT)
        on_text(r, token->value);
    if (token->kind == TOKEN_CLOSE || (token->kind == TOKEN_OPENED && token->empty))
        return --r->depth == 0;
    return token->kind == TOKEN_OPENED && r->depth == 1 && span_is(r->open[0], "stream:stream");
}

enum careful_result careful_read(struct careful *careful, const struct names *names,
                                 const struct reader *reader, struct span input)
{
    struct reading r = {.out = careful, .names = names, .reader = reader};
    *careful = (struct careful){
        .seen = {.to = NUMBER_NONE, .room = NUMBER_NONE, .nick = NUMBER_NONE, .mark = NUMBER_NONE}};
    struct tokens tokens;
    tokens_init(&tokens, input.at, input.at + input.size);
    enum careful_result result = CAREFUL_STANZA;
    for (;;) {
        struct token token = token_next(&tokens);
        if (token.kind == TOKEN_MORE)
            return CAREFUL_MORE;
        if (token.kind == TOKEN_BROKEN)
            return CAREFUL_BROKEN;
        if (step(&r, &token, &result))
            break;
    }
    careful->end = tokens.at;
    careful->seen.kind = kind_of(&r);
    if (careful->seen.kind >= SEEN_BUSY && careful->seen.kind <= SEEN_RESULT)
        read_id(&careful->seen, careful->detail.id);
    return result;
}
