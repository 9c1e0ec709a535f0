/* Bytes to stanzas: core/xml/parse. One operation is one stanza, fed as a socket would give it. */
#include "bench/micro/micro.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xml/parse.h"

#define OPENING                                                                                    \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "                         \
    "xmlns:stream='http://etherx.jabber.org/streams' id='1' from='conference.localhost'>"
#define ADDRESSES  "from='u1234@users.localhost/r' to='room0@conference.localhost' "
#define READ_BYTES (32 * 1024)

static const char groupchat[] =
    "<message " ADDRESSES
    "type='groupchat' id='00000000000004d2'><body>Lorem ipsum dolor sit amet, "
    "consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.</body></message>";
static const char rich[] =
    "<message " ADDRESSES
    "type='groupchat' id='00000000000004d2' xml:lang='en'><body>&lt;b&gt; &amp; "
    "more</body><active xmlns='http://jabber.org/protocol/chatstates'/><origin-id "
    "xmlns='urn:xmpp:sid:0' id='a3'/><reply xmlns='urn:xmpp:reply:0' id='x' to='a@b/c'/><fallback "
    "xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='9'/></fallback>"
    "<markable xmlns='urn:xmpp:chat-markers:0'/></message>";
static const char presence[] =
    "<presence " ADDRESSES
    "><show>away</show><status>back at ten</status><c node='http://a.example' "
    "hash='sha-1' ver='QgayPKawpkPSDYmwT/WM94uAlu0=' xmlns='http://jabber.org/protocol/caps'/>"
    "</presence>";
static const char entry[] =
    "<presence from='u1234@users.localhost/r' to='room0@conference.localhost/n1234'>"
    "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>";

static uint64_t parsed;

static bool on_open(void *self, const struct stanza *stream)
{
    UNUSED(self);
    UNUSED(stream);
    return true;
}

static bool on_stanza(void *self, struct stanza *stanza)
{
    UNUSED(self);
    parsed++;
    stanza_free(stanza);
    return true;
}

static bool on_close(void *self)
{
    UNUSED(self);
    return true;
}

static const struct parse_handlers handlers = {on_open, on_stanza, on_close};

/* A whole number of stanzas in each feed, as many as one read of a busy socket holds. */
static uint64_t many(void *self, uint64_t operations)
{
    struct str one = str_z(self);
    struct buf feed;
    buf_init(&feed, NULL);
    while (feed.len + one.len <= READ_BYTES)
        buf_add(&feed, one);
    struct parser *parser = parser_new(&handlers, NULL, STANZA_BYTES_MAX);
    ensure(parser_feed(parser, STR(OPENING)) == PARSE_OK);
    parsed = 0;
    while (parsed < operations)
        ensure(parser_feed(parser, buf_str(&feed)) == PARSE_OK);
    parser_free(parser);
    buf_free(&feed);
    return parsed;
}

/* One stanza in each feed: a quiet client. */
static uint64_t single(void *self, uint64_t operations)
{
    struct str one = str_z(self);
    struct parser *parser = parser_new(&handlers, NULL, STANZA_BYTES_MAX);
    ensure(parser_feed(parser, STR(OPENING)) == PARSE_OK);
    parsed = 0;
    while (parsed < operations)
        ensure(parser_feed(parser, one) == PARSE_OK);
    parser_free(parser);
    return parsed;
}

int main(int argc, char **argv)
{
    const struct micro_case cases[] = {
        {"groupchat, many to a read", many, (void *)groupchat, false},
        {"groupchat, one to a read", single, (void *)groupchat, false},
        {"groupchat with six payloads, many to a read", many, (void *)rich, false},
        {"presence update, many to a read", many, (void *)presence, false},
        {"entry, many to a read", many, (void *)entry, false},
    };
    return micro_main(argc, argv, "parse", cases, ARRAY_LEN(cases));
}
