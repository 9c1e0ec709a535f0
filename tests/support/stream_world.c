#include "tests/support/stream_world.h"

#include "core/base/ensure.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xml/frame.h"
#include "net/sasl.h"
#include "tests/support/sasl_client.h"

#include <stdio.h>

static const struct hash_key key = {1, 2};

/* Each call fills with the next number: ids, salts and names are different and foreseeable. */
static uint8_t next_byte;

static void count_bytes(void *bytes, size_t size)
{
    memset(bytes, ++next_byte, size);
}

static void log_stanza(struct stream_world *world, struct stanza *stanza)
{
    struct fb fb;
    fb_begin_fragment(&fb, world->arena);
    fb_node(&fb, stanza_root(stanza));
    struct str xml = fb_finish_fragment(&fb);
    buf_addf(&world->log, "[stanza %.*s]", (int)xml.len, xml.at);
    stanza_free(stanza);
}

static void on_bind(struct stream_world *world, const struct stream_action *action)
{
    struct str account = action->account, wish = action->bytes;
    buf_addf(&world->log, "[bind %.*s %.*s]", (int)account.len, account.at,
             wish.len > 0 ? (int)wish.len : 1, wish.len > 0 ? wish.at : "-");
    if (world->refuse_bind != NULL) {
        stream_bind_refused(world->stream, world->refuse_bind);
        return;
    }
    struct jid *bare = jid_parse(world->arena, account);
    ensure(bare != NULL);
    struct str resource = wish.len > 0 ? wish : STR("made-up");
    stream_bound(world->stream, jid_with_resource(world->arena, bare, resource));
}

static void on_act(void *self, const struct stream_action *action)
{
    struct stream_world *world = self;
    ensure(!world->closed);
    switch (action->kind) {
    case STREAM_SEND:
        buf_add(&world->log, action->bytes);
        break;
    case STREAM_START_TLS:
        buf_addz(&world->log, "[tls]");
        break;
    case STREAM_RESTART:
        buf_addz(&world->log, "[restart]");
        world->renew = true;
        break;
    case STREAM_ACCOUNT:
        buf_addz(&world->log, "[ask]");
        ensure(world->ask == NULL);
        world->ask = action->ask;
        break;
    case STREAM_BIND:
        on_bind(world, action);
        break;
    case STREAM_STANZA:
        log_stanza(world, action->stanza);
        break;
    case STREAM_CLOSE:
        buf_addz(&world->log, "[close]");
        world->closed = true;
        break;
    }
}

static bool on_opened(void *self, const struct stanza *header)
{
    struct stream_world *world = self;
    stream_on_open(world->stream, header, parser_stream_ns(world->parser));
    return !world->closed;
}

static bool on_stanza(void *self, struct stanza *stanza)
{
    struct stream_world *world = self;
    return stream_on_stanza(world->stream, stanza);
}

static bool on_closed(void *self)
{
    struct stream_world *world = self;
    stream_on_close(world->stream);
    return false;
}

static void new_parser(struct stream_world *world)
{
    static const struct parse_handlers handlers = {on_opened, on_stanza, on_closed};
    parser_free(world->parser);
    world->parser = parser_new(&handlers, world, STANZA_BYTES_MAX);
    world->renew = false;
}

void stream_world_begin(struct stream_world *world)
{
    *world = (struct stream_world){
        .settings = {.domain = STR("localhost"),
                     .plaintext = true,
                     .registration = true,
                     .secret = STR("a secret of the tests"),
                     .version = STR("1")},
        .arena = arena_new(16 * 1024),
        .store = store_mem_open(&key),
    };
    next_byte = 0;
    buf_init(&world->log, NULL);
    new_parser(world);
    world->stream = stream_new(&world->settings, on_act, world, count_bytes);
}

static void free_ask(struct stream_world *world)
{
    if (world->ask != NULL)
        account_fini(&world->ask->account);
    mem_free(world->ask);
    world->ask = NULL;
}

void stream_world_end(struct stream_world *world)
{
    free_ask(world);
    stream_free(world->stream);
    parser_free(world->parser);
    world->store->close(world->store);
    buf_free(&world->log);
    arena_free(world->arena);
}

void stream_world_account(struct stream_world *world, const char *name, const char *password)
{
    struct account_ask ask = {.op = ACCOUNT_CREATE, .account.name = str_copy(str_z(name))};
    ensure(sasl_make_verifiers(&ask.account, str_z(password), count_bytes) == 0);
    world->store->account(world->store, &ask);
    ensure(ask.err == 0);
    account_fini(&ask.account);
}

const char *stream_world_look(struct stream_world *world)
{
    buf_reserve(&world->log, 1);
    const char *fresh = buf_str(&world->log).at + world->seen;
    world->seen = world->log.len;
    return fresh;
}

static void answer(struct stream_world *world)
{
    struct account_ask *ask = world->ask;
    world->ask = NULL;
    if (world->store_err != 0)
        ask->err = world->store_err;
    else
        world->store->account(world->store, ask);
    stream_on_account(world->stream, ask);
    account_fini(&ask->account);
    mem_free(ask);
    if (world->renew)
        new_parser(world);
}

const char *stream_world_answer(struct stream_world *world)
{
    ensure(world->ask != NULL);
    answer(world);
    return stream_world_look(world);
}

const char *stream_world_feed(struct stream_world *world, const char *xml)
{
    if (world->renew)
        new_parser(world);
    enum parse_error error = parser_feed(world->parser, str_z(xml));
    if (error != PARSE_OK && !world->closed)
        stream_on_parse_error(world->stream, error);
    while (world->ask != NULL && !world->slow)
        answer(world);
    return stream_world_look(world);
}

/* What stands between the tags of the element the server has sent; "" if it is empty. */
static const char *content(struct stream_world *world, const char *said, const char *name)
{
    const char *at = strstr(said, str_fmt(world->arena, "<%s ", name).at);
    if (at == NULL)
        return NULL;
    at = strchr(at, '>');
    if (at[-1] == '/')
        return "";
    const char *end = strchr(at, '<');
    return str_in(world->arena, str_of(at + 1, (size_t)(end - at - 1))).at;
}

static const char *element(struct stream_world *world, const char *name, const char *attribute,
                           const char *data)
{
    return str_fmt(world->arena, "<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'%s>%s</%s>", name,
                   attribute, data[0] == '\0' ? "=" : data, name)
        .at;
}

const char *stream_world_login(struct stream_world *world, const char *mechanism, const char *name,
                               const char *password)
{
    struct sasl_client *client = sasl_client_new(mechanism, name, password, NULL);
    const char *attribute = str_fmt(world->arena, " mechanism='%s'", mechanism).at;
    const char *said =
        stream_world_feed(world, element(world, "auth", attribute, sasl_client_step(client, "")));
    const char *challenge;
    while ((challenge = content(world, said, "challenge")) != NULL) {
        const char *response = sasl_client_step(client, challenge);
        ensure(response != NULL);
        said = stream_world_feed(world, element(world, "response", "", response));
    }
    const char *success = content(world, said, "success");
    if (success != NULL && success[0] != '\0')
        sasl_client_step(client, success);
    ensure(success == NULL || sasl_client_is_content(client));
    sasl_client_free(client);
    return success != NULL ? stream_world_feed(world, STREAM_OPENING) : said;
}

void stream_world_bind(struct stream_world *world, const char *name)
{
    stream_world_account(world, name, "pencil");
    stream_world_feed(world, STREAM_OPENING);
    stream_world_login(world, "PLAIN", name, "pencil");
    stream_world_feed(world, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                             "<resource>r</resource></bind></iq>");
    ensure(stream_is_bound(world->stream));
}
