/*
 * Resource binding (RFC 6120 section 7), the session request older clients send (RFC 3921 section
 * 3: an empty promise), and what a bound session may send.
 */
#include "net/stream_impl.h"

#include "core/base/ensure.h"
#include "core/xmpp/prep.h"
#include "net/iq.h"

static const struct node *find_request(const struct node *root, enum name name, enum ns ns)
{
    if (!node_is(root, NAME_IQ, NS_STANZA) || iq_kind(root) != IQ_REQUEST || !iq_is_set(root))
        return NULL;
    const struct node *payload = iq_payload(root);
    return node_is(payload, name, ns) ? payload : NULL;
}

/* ---- before the session is bound ---- */

static bool is_bind(const struct node *root)
{
    return node_is(root, NAME_IQ, NS_STANZA) && node_find(root, NAME_BIND, NS_BIND) != NULL;
}

static void ask_for_session(struct stream *stream, struct stanza *stanza, struct str resource)
{
    stream->wait = WAIT_BIND;
    stream->request = stanza;
    struct stream_action action = {.kind = STREAM_BIND, .bytes = resource, .account = stream->bare};
    stream->act(stream->self, &action);
}

void stream_bind_stanza(struct stream *stream, struct stanza *stanza)
{
    const struct node *root = stanza_root(stanza);
    const struct node *bind = find_request(root, NAME_BIND, NS_BIND);
    if (bind == NULL && is_bind(root)) {
        stream_refuse(stream, stanza, &refusal_BAD_REQUEST, "Binding is a set with an id");
        stanza_free(stanza);
        return;
    }
    if (bind == NULL) {
        stanza_free(stanza);
        stream_fail(stream, "not-authorized", "Bind a resource first");
        return;
    }
    struct arena *arena = stream_arena(stream);
    struct str wish = node_text(node_find(bind, NAME_RESOURCE, NS_BIND), arena);
    struct str resource = wish.len > 0 ? prep_resource(arena, wish) : STR_NONE;
    if (wish.len > 0 && !str_present(resource)) {
        stream_refuse(stream, stanza, &refusal_BAD_REQUEST, "That resource is not possible");
        stanza_free(stanza);
        return;
    }
    ask_for_session(stream, stanza, resource);
}

static struct stanza *take_request(struct stream *stream)
{
    ensure(stream->wait == WAIT_BIND);
    struct stanza *request = stream->request;
    stream->request = NULL;
    stream->wait = WAIT_NOTHING;
    return request;
}

void stream_bound(struct stream *stream, const struct jid *jid)
{
    struct stanza *request = take_request(stream);
    stream->jid = jid_copy(jid);
    struct fb fb;
    iq_result_begin(&fb, stream_arena(stream), stanza_root(request),
                    node_attr(stanza_root(request), NAME_TO));
    fb_open(&fb, NAME_BIND, NS_BIND);
    fb_leaf(&fb, NAME_JID, NS_BIND, jid_full(jid));
    fb_close(&fb);
    stream_send_frame(stream, fb_finish(&fb));
    stanza_free(request);
}

/* The conditions that RFC 6120 section 7.6 and 7.7 know. */
static const struct refusal *bind_refusal(const char *condition)
{
    static const struct refusal *const known[] = {&refusal_CONFLICT, &refusal_RESOURCE_CONSTRAINT,
                                                  &refusal_NOT_ALLOWED, &refusal_BAD_REQUEST};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(token_name_text(known[i]->condition), str_z(condition)))
            return known[i];
    }
    return &refusal_INTERNAL;
}

void stream_bind_refused(struct stream *stream, const char *condition)
{
    struct stanza *request = take_request(stream);
    const char *text = "There can be no session with that resource now";
    stream_refuse(stream, request, bind_refusal(condition), text);
    stanza_free(request);
}

/* ---- bound ---- */

/* Absent, or one of the two addresses that are the session's own. */
static bool from_is_own(struct stream *stream, const struct node *root)
{
    struct str from = node_attr(root, NAME_FROM);
    if (!str_present(from))
        return true;
    struct jid *jid = jid_parse(stream_arena(stream), from);
    return jid != NULL &&
           (jid_eq(jid, stream->jid) || (jid_is_bare(jid) && jid_bare_eq(jid, stream->jid)));
}

/* A request the stream answers itself; false: it is the router's. */
static bool answer(struct stream *stream, struct stanza *stanza)
{
    const struct node *root = stanza_root(stanza);
    bool binds = is_bind(root);
    bool session = find_request(root, NAME_SESSION, NS_SESSION) != NULL;
    if ((!binds && !session) || !stream_is_addressed(stream, root))
        return false;
    if (binds)
        stream_refuse(stream, stanza, &refusal_NOT_ALLOWED, "This stream has its resource already");
    else
        stream_send_frame(stream,
                          iq_result_empty(stream_arena(stream), root, node_attr(root, NAME_TO)));
    stanza_free(stanza);
    return true;
}

void stream_bound_stanza(struct stream *stream, struct stanza *stanza)
{
    const struct node *root = stanza_root(stanza);
    bool iq = node_is(root, NAME_IQ, NS_STANZA);
    bool registers = iq && stream_register_is(stream, root);
    if (registers && !from_is_own(stream, root)) {
        stream_forget(stanza);
        stream_fail(stream, "invalid-from", "A session speaks for itself only");
        return;
    }
    if (registers) {
        stream_register(stream, stanza);
        return;
    }
    if (iq && answer(stream, stanza))
        return;
    struct stream_action action = {.kind = STREAM_STANZA, .stanza = stanza};
    stream->act(stream->self, &action);
}
