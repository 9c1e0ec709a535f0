#include "core/muc/bounce.h"

#include "core/muc/room.h"

const struct node *bounce_condition(const struct node *stanza)
{
    const struct node *error = node_find(stanza, NAME_ERROR, NS_STANZA);
    node_each (error, child)
        if (child->ns == NS_STANZAS && child->name != NAME_TEXT)
            return child;
    return NULL;
}

bool bounce_means_gone(const struct node *stanza)
{
    static const enum name gone[] = {
        NAME_GONE,
        NAME_ITEM_NOT_FOUND,
        NAME_RECIPIENT_UNAVAILABLE,
        NAME_REDIRECT,
        NAME_REMOTE_SERVER_NOT_FOUND,
        NAME_REMOTE_SERVER_TIMEOUT,
        NAME_SERVICE_UNAVAILABLE,
        NAME_INTERNAL_SERVER_ERROR,
        NAME_JID_MALFORMED,
        NAME_OTHER, /* a condition that does not exist */
    };
    const struct node *condition = bounce_condition(stanza);
    if (condition == NULL)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        if (condition->name == gone[i])
            return true;
    return false;
}

bool bounce_of_server(const struct node *stanza)
{
    const struct node *condition = bounce_condition(stanza);
    return node_is(condition, NAME_REMOTE_SERVER_NOT_FOUND, NS_STANZAS) ||
           node_is(condition, NAME_REMOTE_SERVER_TIMEOUT, NS_STANZAS);
}

static struct str text_of(const struct room *room, struct arena *arena, const struct node *stanza)
{
    const struct node *condition = bounce_condition(stanza);
    struct str words = condition == NULL || condition->name == NAME_OTHER ? STR("malformed error")
                                                                          : node_name(condition);
    struct buf text;
    buf_init(&text, arena);
    buf_addz(&text, "Kicked: ");
    for (size_t i = 0; i < words.len; i++)
        buf_addc(&text, words.at[i] == '-' ? ' ' : words.at[i]);
    const struct node *said =
        node_find(node_find(stanza, NAME_ERROR, NS_STANZA), NAME_TEXT, NS_STANZAS);
    struct str more = node_text(said, arena);
    if (!str_empty(more) && more.len <= REASON_BYTES_MAX && room->options.whois == WHOIS_ANYONE) {
        buf_addz(&text, ": ");
        buf_add(&text, more);
    }
    return buf_str(&text);
}

struct news bounce_news(const struct room *room, struct arena *arena, const struct node *stanza)
{
    return (struct news){
        .unavailable = true,
        .statuses = STATUS_BIT(333),
        .status_text = text_of(room, arena, stanza),
    };
}

static struct str type_of(const struct node *error)
{
    static const char *const types[] = {"auth", "cancel", "continue", "modify", "wait"};
    struct str type = node_attr(error, NAME_TYPE);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eqz(type, types[i]))
            return type;
    return STR("cancel");
}

/* The peer's own words: text, or what its application has added. */
static bool may_pass(const struct room *room, struct arena *arena, const struct node *words,
                     struct str account)
{
    struct fb piece;
    fb_begin_fragment(&piece, arena);
    fb_node(&piece, words);
    struct str xml = fb_finish_fragment(&piece);
    if (xml.len > BOUNCE_WORDS_BYTES_MAX)
        return false;
    if (room->options.whois == WHOIS_ANYONE)
        return true;
    return words->ns != NS_STANZAS && memmem(xml.at, xml.len, account.at, account.len) == NULL;
}

static void write_words(struct fb *fb, const struct room *room, const struct inbound *in,
                        const struct node *error)
{
    bool text = false, detail = false;
    node_each (error, child) {
        bool is_text = node_is(child, NAME_TEXT, NS_STANZAS);
        bool *done = is_text ? &text : &detail;
        if ((child->ns == NS_STANZAS && !is_text) || *done ||
            !may_pass(room, fb->arena, child, jid_bare(in->from)))
            continue;
        fb_node(fb, child);
        *done = true;
    }
}

void fb_bounce(struct fb *fb, const struct room *room, const struct inbound *in,
               enum bounce_words words)
{
    const struct node *error = node_find(in->root, NAME_ERROR, NS_STANZA);
    const struct node *condition = bounce_condition(in->root);
    bool known = condition != NULL && condition->name != NAME_OTHER;
    fb_open(fb, NAME_ERROR, NS_STANZA);
    fb_attr(fb, "type", type_of(error));
    fb_empty(fb, known ? (enum name)condition->name : NAME_UNDEFINED_CONDITION, NS_STANZAS);
    if (words == BOUNCE_WITH_WORDS)
        write_words(fb, room, in, error);
    fb_close(fb);
}
