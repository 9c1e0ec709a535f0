/*
 * SASL on the stream (RFC 6120 section 6): the exchange itself is net/sasl.c's.
 */
#include "net/stream_impl.h"

#include "core/base/err.h"
#include "core/base/limits.h"

#define SASL_XMLNS " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

/* By preference. */
static const char *const offered[] = {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};

void stream_sasl_features(struct stream *stream, struct buf *out)
{
    buf_addz(out, "<mechanisms" SASL_XMLNS ">");
    for (size_t i = 0; i < ARRAY_LEN(offered); i++)
        buf_addf(out, "<mechanism>%s</mechanism>", offered[i]);
    if (stream->settings->anonymous)
        buf_addz(out, "<mechanism>ANONYMOUS</mechanism>");
    buf_addz(out, "</mechanisms>");
}

static void end_exchange(struct stream *stream)
{
    sasl_free(stream->sasl);
    stream->sasl = NULL;
}

static void fail(struct stream *stream, const char *condition)
{
    end_exchange(stream);
    struct buf out;
    buf_init(&out, stream_arena(stream));
    buf_addf(&out, "<failure" SASL_XMLNS "><%s/></failure>", condition);
    stream_send(stream, buf_str(&out));
    if (++stream->sasl_failures >= SASL_ATTEMPTS_MAX)
        stream_fail(stream, "policy-violation", "Too many attempts to log in");
}

/* <challenge/> or <success/> with what the mechanism has to say. */
static struct str element(struct stream *stream, const char *name, struct str data)
{
    if (str_empty(data))
        return str_fmt(stream_arena(stream), "<%s" SASL_XMLNS "/>", name);
    return str_fmt(stream_arena(stream), "<%s" SASL_XMLNS ">%.*s</%s>", name, (int)data.len,
                   data.at, name);
}

/* A random UUID (RFC 4122 section 4.4), see stream_name_is_anonymous(). */
static struct str anonymous_name(struct stream *stream)
{
    uint8_t id[16];
    stream->random(id, sizeof(id));
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    struct buf out;
    buf_init(&out, NULL);
    for (size_t i = 0; i < sizeof(id); i++)
        buf_addf(&out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
    struct str name = str_copy(buf_str(&out));
    buf_free(&out);
    return name;
}

static void succeed(struct stream *stream, struct str data)
{
    struct str name = sasl_account_name(stream->sasl);
    stream->anonymous = !str_present(name);
    stream->account = stream->anonymous ? anonymous_name(stream) : str_copy(name);
    struct str domain = stream->settings->domain;
    stream->bare = str_copy(str_fmt(stream_arena(stream), "%.*s@%.*s", (int)stream->account.len,
                                    stream->account.at, (int)domain.len, domain.at));
    stream->authenticated = true;
    end_exchange(stream);
    stream_restart(stream, element(stream, "success", data));
}

static void follow(struct stream *stream, enum sasl_outcome outcome, struct str data)
{
    switch (outcome) {
    case SASL_CHALLENGE:
        stream_send(stream, element(stream, "challenge", data));
        return;
    case SASL_SUCCESS:
        succeed(stream, data);
        return;
    case SASL_NEED:
        stream_ask(stream, WAIT_LOGIN,
                   stream_ask_new(ACCOUNT_LOAD, sasl_account_name(stream->sasl)), NULL);
        return;
    case SASL_NOT_AUTHORIZED:
        fail(stream, "not-authorized");
        return;
    case SASL_INVALID_AUTHZID:
        fail(stream, "invalid-authzid");
        return;
    case SASL_INCORRECT_ENCODING:
        fail(stream, "incorrect-encoding");
        return;
    case SASL_MALFORMED:
        fail(stream, "malformed-request");
        return;
    case SASL_INVALID_MECHANISM:
        fail(stream, "invalid-mechanism");
        return;
    case SASL_TEMPORARY:
        fail(stream, "temporary-auth-failure");
        return;
    }
}

static void on_auth(struct stream *stream, const struct node *node)
{
    end_exchange(stream);
    if (!stream_is_private(stream)) {
        fail(stream, "encryption-required");
        return;
    }
    struct str mechanism = node_attr(node, NAME_MECHANISM);
    if (str_eq(mechanism, STR("ANONYMOUS")) && !stream->settings->anonymous) {
        fail(stream, "invalid-mechanism");
        return;
    }
    stream->sasl = sasl_new(stream->settings->domain, stream->settings->secret);
    struct arena *arena = stream_arena(stream);
    struct str text = node_text(node, arena);
    struct str data;
    enum sasl_outcome outcome =
        sasl_start(stream->sasl, mechanism, text.len > 0 ? text : STR_NONE, arena, &data);
    follow(stream, outcome, data);
}

void stream_sasl_element(struct stream *stream, const struct node *node)
{
    if (node_first(node) != NULL) {
        fail(stream, "malformed-request");
    } else if (node_is(node, NAME_AUTH, NS_SASL)) {
        on_auth(stream, node);
    } else if (node_is(node, NAME_ABORT, NS_SASL)) {
        fail(stream, "aborted");
    } else if (!node_is(node, NAME_RESPONSE, NS_SASL)) {
        stream_fail(stream, "unsupported-stanza-type", NULL);
    } else if (stream->sasl == NULL) {
        fail(stream, "malformed-request");
    } else {
        struct arena *arena = stream_arena(stream);
        struct str data;
        enum sasl_outcome outcome =
            sasl_response(stream->sasl, node_text(node, arena), arena, &data);
        follow(stream, outcome, data);
    }
}

void stream_sasl_account(struct stream *stream, struct account_ask *answer)
{
    const struct account *account = answer->err == 0 ? &answer->account : NULL;
    int err = answer->err == ERR_NOT_FOUND ? 0 : answer->err;
    struct str data;
    enum sasl_outcome outcome =
        sasl_account(stream->sasl, account, err, stream_arena(stream), &data);
    follow(stream, outcome, data);
}
