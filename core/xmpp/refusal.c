#include "core/xmpp/refusal.h"

#define REFUSAL(id_, type_, condition_, text_, anchor_)                                            \
    const struct refusal refusal_##id_ = {                                                         \
        .id = #id_,                                                                                \
        .type = type_,                                                                             \
        .condition = NAME_##condition_,                                                            \
        .text = text_,                                                                             \
        .anchor = anchor_,                                                                         \
    };
#include "core/xmpp/refusal.def"
#undef REFUSAL

/* An error is never answered by an error, nor is an answer. */
static bool may_be_answered(const struct node *request)
{
    bool iq = node_is(request, NAME_IQ, NS_STANZA);
    if (!iq && !node_is(request, NAME_MESSAGE, NS_STANZA) &&
        !node_is(request, NAME_PRESENCE, NS_STANZA))
        return false;
    struct str type = node_attr(request, NAME_TYPE);
    return !str_eq(type, STR("error")) && !(iq && str_eq(type, STR("result")));
}

static void write_error(struct fb *fb, const struct refusal *refusal,
                        const struct refuse_more *more)
{
    fb_open(fb, NAME_ERROR, NS_STANZA);
    fb_attr(fb, "type", str_z(refusal->type));
    fb_attr(fb, "by", more->by);
    fb_leaf(fb, refusal->condition, NS_STANZAS, more->uri);
    struct str text = str_present(more->text) ? more->text : str_z(refusal->text);
    if (text.len > 0)
        fb_leaf(fb, NAME_TEXT, NS_STANZAS, text);
    if (more->specific != NAME_NONE)
        fb_empty(fb, more->specific, more->specific_ns);
    fb_close(fb);
}

void fb_refusal(struct fb *fb, const struct refusal *refusal, struct str by)
{
    struct refuse_more more = {.by = by};
    write_error(fb, refusal, &more);
}

static bool is_subject(const struct node *child, void *self)
{
    UNUSED(self);
    return node_is(child, NAME_SUBJECT, NS_STANZA);
}

struct frame *refusal_frame(struct arena *arena, const struct node *request,
                            const struct refusal *refusal, struct str from,
                            const struct refuse_more *more)
{
    static const struct refuse_more nothing;
    if (!may_be_answered(request))
        return NULL;
    if (more == NULL)
        more = &nothing;

    struct fb fb;
    const char *kind = token_name_text((enum name)request->name).at;
    fb_begin(&fb, arena, kind, from, STR("error"), node_attr(request, NAME_ID));
    if (more->echo_subject)
        fb_children(&fb, request, is_subject, NULL);
    write_error(&fb, refusal, more);
    if (more->echo_muc)
        fb_empty(&fb, NAME_X, NS_MUC);
    if (more->echo_payload)
        fb_children(&fb, more->echo != NULL ? more->echo : request, NULL, NULL);
    return fb_finish(&fb);
}
