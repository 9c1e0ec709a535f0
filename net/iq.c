#include "net/iq.h"

enum iq_kind iq_kind(const struct node *iq)
{
    struct str type = node_attr(iq, NAME_TYPE);
    if (str_eq(type, STR("result")) || str_eq(type, STR("error")))
        return IQ_ANSWER;
    if (!str_eq(type, STR("get")) && !str_eq(type, STR("set")))
        return IQ_BAD;
    if (str_empty(node_attr(iq, NAME_ID)))
        return IQ_BAD;
    return node_count(iq, NAME_NONE, NS_NONE) == 1 ? IQ_REQUEST : IQ_BAD;
}

const struct node *iq_payload(const struct node *iq)
{
    return node_first(iq);
}

bool iq_is_set(const struct node *iq)
{
    return str_eq(node_attr(iq, NAME_TYPE), STR("set"));
}

void iq_result_begin(struct fb *fb, struct arena *arena, const struct node *iq, struct str from)
{
    fb_begin(fb, arena, "iq", from, STR("result"), node_attr(iq, NAME_ID));
}

struct frame *iq_result_empty(struct arena *arena, const struct node *iq, struct str from)
{
    struct fb fb;
    iq_result_begin(&fb, arena, iq, from);
    return fb_finish(&fb);
}
