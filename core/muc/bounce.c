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

void fb_bounce(struct fb *fb, const struct room *room, const struct node *stanza)
{
    const struct node *error = node_find(stanza, NAME_ERROR, NS_STANZA);
    struct str type = node_attr(error, NAME_TYPE);
    fb_open(fb, NAME_ERROR, NS_STANZA);
    fb_attr(fb, "type", str_present(type) ? type : STR("cancel"));
    if (bounce_condition(stanza) == NULL)
        fb_empty(fb, NAME_UNDEFINED_CONDITION, NS_STANZAS);
    node_each (error, child) {
        if (node_is(child, NAME_TEXT, NS_STANZAS)) {
            if (room->options.whois == WHOIS_ANYONE)
                fb_node(fb, child);
        } else if (child->ns == NS_STANZAS) {
            fb_open_str(fb, node_name(child), node_ns(child));
            fb_close(fb);
        } else {
            fb_node(fb, child);
        }
    }
    fb_close(fb);
}
