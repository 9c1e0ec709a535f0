#include "net/stream_impl.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"

#include <stdio.h>

#define TLS_XMLNS " xmlns='urn:ietf:params:xml:ns:xmpp-tls'"

/* ---- life ---- */

struct stream *stream_new(const struct stream_settings *settings, stream_act_fn *act, void *self,
                          void (*random)(void *bytes, size_t size))
{
    ensure(settings->secret.len >= 16);
    struct stream *stream = MEM_NEW(struct stream);
    stream->settings = settings;
    stream->act = act;
    stream->self = self;
    stream->random = random;
    return stream;
}

static void free_kept(struct stream *stream)
{
    for (size_t i = 0; i < stream->kept_count; i++)
        stream_forget(stream->kept[i]);
    mem_free(stream->kept);
    stream->kept = NULL;
    stream->kept_count = stream->kept_size = 0;
}

void stream_free(struct stream *stream)
{
    if (stream == NULL)
        return;
    free_kept(stream);
    stream_forget(stream->request);
    sasl_free(stream->sasl);
    str_free(&stream->account);
    str_free(&stream->bare);
    jid_free(stream->jid);
    if (stream->arena != NULL)
        arena_free(stream->arena);
    mem_free(stream);
}

bool stream_authenticated(const struct stream *stream)
{
    return stream->authenticated;
}

bool stream_is_bound(const struct stream *stream)
{
    return stream->jid != NULL;
}

bool stream_is_of(const struct stream *stream, struct str bare)
{
    struct str name = stream->account;
    if (!stream->authenticated)
        name = stream->sasl != NULL ? sasl_account_name(stream->sasl) : STR_NONE;
    return str_present(name) && bare.len > name.len && bare.at[name.len] == '@' &&
           str_eq(str_of(bare.at, name.len), name);
}

bool stream_waits(const struct stream *stream)
{
    return stream->wait != WAIT_NOTHING && !stream->closed;
}

/* ---- what all parts use ---- */

struct arena *stream_arena(struct stream *stream)
{
    if (stream->arena == NULL)
        stream->arena = arena_new(4096);
    return stream->arena;
}

/* An event is over. */
static void drop_arena(struct stream *stream)
{
    if (stream->arena != NULL)
        arena_free(stream->arena);
    stream->arena = NULL;
}

static void act(struct stream *stream, struct stream_action action)
{
    stream->act(stream->self, &action);
}

void stream_send(struct stream *stream, struct str bytes)
{
    act(stream, (struct stream_action){.kind = STREAM_SEND, .bytes = bytes});
}

void stream_send_frame(struct stream *stream, struct frame *frame)
{
    if (frame == NULL)
        return;
    struct buf out;
    buf_init(&out, stream_arena(stream));
    frame_write(frame, STR_NONE, STR_NONE, &out);
    frame_unref(frame);
    stream_send(stream, buf_str(&out));
}

void stream_refuse(struct stream *stream, const struct stanza *request,
                   const struct refusal *refusal, const char *text)
{
    struct refuse_more more = {.text = str_z(text)};
    const struct node *root = stanza_root(request);
    stream_send_frame(stream, refusal_frame(stream_arena(stream), root, refusal,
                                            node_attr(root, NAME_TO), &more));
}

void stream_restart(struct stream *stream, struct str text)
{
    stream_send(stream, text);
    stream->opened = false;
    stream->stopped = true;
    act(stream, (struct stream_action){.kind = STREAM_RESTART});
}

struct account_ask *stream_ask_new(enum account_op op, struct str name)
{
    struct account_ask *ask = MEM_NEW(struct account_ask);
    ask->op = op;
    ask->account.name = str_copy(name);
    return ask;
}

void stream_ask(struct stream *stream, enum stream_wait wait, struct account_ask *ask,
                struct stanza *request)
{
    ensure(stream->wait == WAIT_NOTHING && stream->request == NULL);
    stream->wait = wait;
    stream->request = request;
    act(stream, (struct stream_action){.kind = STREAM_ACCOUNT, .ask = ask});
}

bool stream_is_addressed(struct stream *stream, const struct node *iq)
{
    struct str to = node_attr(iq, NAME_TO);
    if (!str_present(to))
        return true;
    struct jid *jid = jid_parse(stream_arena(stream), to);
    if (jid == NULL || !jid_is_bare(jid))
        return false;
    return str_eq(jid_bare(jid), stream->settings->domain) || str_eq(jid_bare(jid), stream->bare);
}

void stream_forget(struct stanza *stanza)
{
    if (stanza != NULL)
        explicit_bzero((char *)stanza + sizeof(*stanza), stanza->size - sizeof(*stanza));
    stanza_free(stanza);
}

bool stream_is_private(const struct stream *stream)
{
    return stream->secured || stream->settings->plaintext;
}

bool stream_name_is_anonymous(struct str local)
{
    static const char form[] = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
    if (local.len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < local.len; i++) {
        char byte = local.at[i];
        bool hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
        if ((form[i] == 'x' || form[i] == 'y') ? !hex : byte != form[i])
            return false;
    }
    return true;
}

/* ---- our header ---- */

/* `to`: the peer's own word for itself, absent if it had none. */
static void send_header(struct stream *stream, struct str to)
{
    uint8_t id[16];
    stream->random(id, sizeof(id));
    struct buf out;
    buf_init(&out, stream_arena(stream));
    buf_addz(&out, "<?xml version='1.0'?><stream:stream xmlns='jabber:client'"
                   " xmlns:stream='http://etherx.jabber.org/streams' id='");
    for (size_t i = 0; i < sizeof(id); i++)
        buf_addf(&out, "%02x", id[i]);
    buf_addz(&out, "' from='");
    xml_escape(&out, stream->settings->domain);
    if (str_present(to)) {
        buf_addz(&out, "' to='");
        xml_escape(&out, to);
    }
    buf_addz(&out, "' version='1.0' xml:lang='en'>");
    stream->opened = true;
    stream_send(stream, buf_str(&out));
}

static void send_features(struct stream *stream)
{
    const struct stream_settings *settings = stream->settings;
    struct buf out;
    buf_init(&out, stream_arena(stream));
    buf_addz(&out, "<stream:features>");
    if (settings->tls && !stream->secured)
        buf_addz(&out, settings->plaintext ? "<starttls" TLS_XMLNS "/>"
                                           : "<starttls" TLS_XMLNS "><required/></starttls>");
    if (stream->authenticated) {
        buf_addz(&out,
                 "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
                 "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>");
    } else if (stream_is_private(stream)) {
        stream_sasl_features(stream, &out);
        if (settings->registration)
            buf_addz(&out, "<register xmlns='http://jabber.org/features/iq-register'/>");
    }
    buf_addz(&out, "</stream:features>");
    stream_send(stream, buf_str(&out));
}

/* ---- the peer's header ---- */

/* "major.minor"; we speak every version from 1.0 on by answering 1.0 (RFC 6120 section 4.7.5). */
static bool version_is_ours(struct str version)
{
    const char *dot = version.len > 0 ? memchr(version.at, '.', version.len) : NULL;
    if (dot == NULL)
        return false;
    size_t major_len = (size_t)(dot - version.at);
    uint64_t major, minor;
    return str_to_u64(str_of(version.at, major_len), &major) &&
           str_to_u64(str_of(dot + 1, version.len - major_len - 1), &minor) && major >= 1;
}

/* NULL if the header is as it must be, else the stream error. */
static const char *header_fault(struct stream *stream, const struct node *header, struct str ns,
                                const char **text)
{
    if (!str_eqz(ns, "jabber:client")) {
        *text = "The default namespace of a client's stream is jabber:client";
        return "invalid-namespace";
    }
    struct str to = node_attr(header, NAME_TO);
    if (str_present(to)) {
        struct jid *jid = jid_parse(stream_arena(stream), to);
        *text = "The 'to' of a stream is the domain it is meant for";
        if (jid == NULL)
            return "improper-addressing";
        if (!str_eq(jid_full(jid), stream->settings->domain)) {
            *text = "That domain is not served here";
            return "host-unknown";
        }
    }
    if (!version_is_ours(node_attr(header, NAME_VERSION))) {
        *text = "This server speaks version 1.0 (RFC 6120)";
        return "unsupported-version";
    }
    return NULL;
}

void stream_on_open(struct stream *stream, const struct stanza *header, struct str ns)
{
    if (stream->closed)
        return;
    stream->stopped = false;
    const struct node *root = stanza_root(header);
    struct str from = node_attr(root, NAME_FROM);
    struct jid *peer = str_present(from) ? jid_parse(stream_arena(stream), from) : NULL;
    send_header(stream, peer != NULL ? jid_bare(peer) : STR_NONE);
    const char *text = NULL;
    const char *fault = header_fault(stream, root, ns, &text);
    if (fault != NULL)
        stream_fail(stream, fault, text);
    else
        send_features(stream);
    drop_arena(stream);
}

/* ---- STARTTLS (RFC 6120 section 5) ---- */

static void tls_element(struct stream *stream, const struct node *node)
{
    if (!node_is(node, NAME_STARTTLS, NS_TLS)) {
        stream_fail(stream, "unsupported-stanza-type", NULL);
        return;
    }
    if (!stream->settings->tls || stream->secured || stream->authenticated) {
        stream_send(stream, STR("<failure" TLS_XMLNS "/>"));
        stream_fail(stream, NULL, NULL);
        return;
    }
    stream_send(stream, STR("<proceed" TLS_XMLNS "/>"));
    stream->stopped = true;
    stream->handshaking = true;
    /* Nothing said in the clear counts any more. */
    sasl_free(stream->sasl);
    stream->sasl = NULL;
    act(stream, (struct stream_action){.kind = STREAM_START_TLS});
}

void stream_on_tls(struct stream *stream)
{
    if (stream->closed)
        return;
    stream->handshaking = false;
    stream->secured = true;
    stream->opened = false;
    act(stream, (struct stream_action){.kind = STREAM_RESTART});
}

/* ---- children of the stream ---- */

static bool is_stanza(const struct node *node)
{
    bool kind = node_is(node, NAME_MESSAGE, NS_STANZA) || node_is(node, NAME_PRESENCE, NS_STANZA) ||
                node_is(node, NAME_IQ, NS_STANZA);
    /* The namespaces of other doors read as NS_STANZA too. */
    return kind && str_eqz(node_ns(node), "jabber:client");
}

static void take_stanza(struct stream *stream, struct stanza *stanza)
{
    if (stream_is_bound(stream)) {
        stream_bound_stanza(stream, stanza);
    } else if (stream->authenticated) {
        stream_bind_stanza(stream, stanza);
    } else if (stream_register_is(stream, stanza_root(stanza))) {
        stream_register(stream, stanza);
    } else {
        stanza_free(stanza);
        stream_fail(stream, "not-authorized", "Log in first");
    }
}

static void take(struct stream *stream, struct stanza *stanza)
{
    const struct node *root = stanza_root(stanza);
    if (is_stanza(root)) {
        take_stanza(stream, stanza);
        return;
    }
    if (root->ns == NS_TLS)
        tls_element(stream, root);
    else if (root->ns == NS_SASL && !stream->authenticated)
        stream_sasl_element(stream, root);
    else
        stream_fail(stream, "unsupported-stanza-type", NULL);
    stream_forget(stanza);
}

static void keep(struct stream *stream, struct stanza *stanza)
{
    if (stream->kept_count == stream->kept_size) {
        stream->kept_size = stream->kept_size == 0 ? 4 : stream->kept_size * 2;
        stream->kept = mem_grow(stream->kept, stream->kept_size * sizeof(struct stanza *));
    }
    stream->kept[stream->kept_count++] = stanza;
}

bool stream_on_stanza(struct stream *stream, struct stanza *stanza)
{
    if (stream->stopped) {
        stream_forget(stanza);
        return false;
    }
    if (stream->wait != WAIT_NOTHING) {
        keep(stream, stanza);
        return true;
    }
    take(stream, stanza);
    drop_arena(stream);
    return !stream->stopped;
}

/* The wait is over: what was kept, until one of them waits itself. */
static void take_kept(struct stream *stream)
{
    if (stream->kept_count == 0)
        return;
    size_t at = 0;
    while (at < stream->kept_count && stream->wait == WAIT_NOTHING && !stream->stopped)
        take(stream, stream->kept[at++]);
    memmove(stream->kept, stream->kept + at, (stream->kept_count - at) * sizeof(struct stanza *));
    stream->kept_count -= at;
    if (stream->kept_count == 0 || stream->stopped)
        free_kept(stream);
}

void stream_on_account(struct stream *stream, struct account_ask *answer)
{
    if (stream->closed)
        return;
    enum stream_wait wait = stream->wait;
    ensure(wait != WAIT_NOTHING && wait != WAIT_BIND);
    stream->wait = WAIT_NOTHING;
    if (wait == WAIT_LOGIN)
        stream_sasl_account(stream, answer);
    else
        stream_register_account(stream, answer);
    take_kept(stream);
    drop_arena(stream);
}

/* ---- goodbye ---- */

void stream_fail(struct stream *stream, const char *condition, const char *text)
{
    if (stream->closed)
        return;
    stream->closed = true;
    stream->stopped = true;
    if (!stream->handshaking && (condition != NULL || stream->opened)) {
        struct buf out;
        if (!stream->opened)
            send_header(stream, STR_NONE);
        buf_init(&out, stream_arena(stream));
        if (condition != NULL) {
            buf_addf(&out, "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>",
                     condition);
            if (text != NULL) {
                buf_addz(&out, "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>");
                xml_escape(&out, str_z(text));
                buf_addz(&out, "</text>");
            }
            buf_addz(&out, "</stream:error>");
        }
        buf_addz(&out, "</stream:stream>");
        stream_send(stream, buf_str(&out));
    }
    act(stream, (struct stream_action){.kind = STREAM_CLOSE});
}

void stream_on_close(struct stream *stream)
{
    stream_fail(stream, NULL, NULL);
    drop_arena(stream);
}

static const char *parse_error_text(enum parse_error error)
{
    switch (error) {
    case PARSE_OK:
        break;
    case PARSE_NOT_WELL_FORMED:
        return "That is not well-formed XML";
    case PARSE_RESTRICTED:
        return "DTDs, entities, comments, processing instructions and text between stanzas have no "
               "place in a stream";
    case PARSE_BAD_NAMESPACE:
        return "The stream element or a prefix is of another namespace than it must be";
    case PARSE_BAD_ENCODING:
        return "Streams are UTF-8";
    case PARSE_TOO_LARGE:
        return "A stanza is over the limits for size, depth or number of attributes";
    case PARSE_NOT_STREAM:
        return "A stream begins with <stream:stream>";
    }
    return NULL;
}

void stream_on_parse_error(struct stream *stream, enum parse_error error)
{
    stream_fail(stream, parse_error_condition(error), parse_error_text(error));
    drop_arena(stream);
}
