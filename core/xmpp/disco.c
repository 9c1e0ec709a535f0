#include "core/xmpp/disco.h"

void fb_identity(struct fb *fb, const char *category, const char *type, struct str name)
{
    fb_open(fb, NAME_IDENTITY, NS_DISCO_INFO);
    fb_attr(fb, "category", str_z(category));
    fb_attr(fb, "type", str_z(type));
    fb_attr(fb, "name", name);
    fb_close(fb);
}

static void feature(struct fb *fb, struct str var)
{
    fb_open(fb, NAME_FEATURE, NS_DISCO_INFO);
    fb_attr(fb, "var", var);
    fb_close(fb);
}

void fb_feature(struct fb *fb, const char *var)
{
    feature(fb, str_z(var));
}

void fb_feature_ns(struct fb *fb, enum ns ns)
{
    feature(fb, token_ns_uri(ns));
}

void fb_disco_item(struct fb *fb, struct str jid, struct str name)
{
    fb_open(fb, NAME_ITEM, NS_DISCO_ITEMS);
    fb_attr(fb, "jid", jid);
    fb_attr(fb, "name", name);
    fb_close(fb);
}

/* True if the element is there; what it says is not a number: malformed. */
static bool read_number(struct arena *arena, const struct node *set, enum name name,
                        uint64_t *number, bool *malformed)
{
    const struct node *node = node_find(set, name, NS_RSM);
    if (node == NULL)
        return false;
    if (!str_to_u64(str_trim(node_text(node, arena)), number))
        *malformed = true;
    return true;
}

struct rsm_request rsm_read(struct arena *arena, const struct node *query)
{
    struct rsm_request request = {.after = STR_NONE, .before = STR_NONE};
    const struct node *set = node_find(query, NAME_SET, NS_RSM);
    if (set == NULL)
        return request;
    request.present = true;
    request.has_max = read_number(arena, set, NAME_MAX, &request.max, &request.malformed);
    request.has_index = read_number(arena, set, NAME_INDEX, &request.index, &request.malformed);
    request.after = node_text(node_find(set, NAME_AFTER, NS_RSM), arena);
    request.before = node_text(node_find(set, NAME_BEFORE, NS_RSM), arena);
    request.backwards = str_present(request.before);
    return request;
}

static void number_leaf(struct fb *fb, enum name name, uint64_t number)
{
    fb_leaf(fb, name, NS_RSM, str_fmt(fb->arena, "%llu", (unsigned long long)number));
}

void fb_rsm_part(struct fb *fb, struct str first, const uint64_t *first_index, struct str last,
                 const uint64_t *count)
{
    fb_open(fb, NAME_SET, NS_RSM);
    if (str_present(first)) {
        fb_open(fb, NAME_FIRST, NS_RSM);
        if (first_index != NULL)
            fb_attr_u64(fb, "index", *first_index);
        fb_text(fb, first);
        fb_close(fb);
        fb_leaf(fb, NAME_LAST, NS_RSM, last);
    }
    if (count != NULL)
        number_leaf(fb, NAME_COUNT, *count);
    fb_close(fb);
}

void fb_rsm(struct fb *fb, struct str first, uint64_t first_index, struct str last, uint64_t count)
{
    fb_rsm_part(fb, first, &first_index, last, &count);
}
