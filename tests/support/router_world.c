#include "tests/support/router_world.h"

#include "core/base/ensure.h"
#include "shard/runtime/agent.h"

static const struct hash_key key = {5, 6};
static const struct inlet inlet = {.route = {.slot = 99, .generation = 1, .lane = 0},
                                   .domain = STR("conference.localhost")};

static void log_xml(struct buf *log, const struct frame *frame, const struct address *address)
{
    frame_write(frame, str_of(address->bytes, address->size), STR_NONE, log);
}

static void on_deliver(void *net, struct route route, struct frame *frame, struct address *address)
{
    struct router_world *world = net;
    buf_addf(&world->log, "[%u ", route.slot);
    log_xml(&world->log, frame, address);
    buf_addc(&world->log, ']');
    frame_unref(frame);
}

static void log_stanza(struct router_world *world, const struct message *message)
{
    struct fb fb;
    fb_begin_fragment(&fb, world->arena);
    fb_node(&fb, stanza_root(message->stanza.stanza));
    struct str xml = fb_finish_fragment(&fb);
    buf_addf(&world->log, "{%s -> %s %.*s}", message->stanza.from->text, message->stanza.to->text,
             (int)xml.len, xml.at);
}

static void on_mail(void *self, struct mail *mail)
{
    struct router_world *world = self;
    struct message *message = container_of(mail, struct message, mail);
    struct buf *log = &world->log;
    if (message->kind == MSG_STANZA) {
        log_stanza(world, message);
    } else if (message->kind == MSG_SESSION_GONE) {
        buf_addf(log, "{gone %s %s}", message->session_gone.jid->text,
                 message->session_gone.room->text);
    } else if (message->kind == MSG_PLACE_ASK) {
        world->asked++;
        if (world->answer != NULL)
            router_place_free(world->answer, message->place.room, message->place.presence);
    } else if (message->kind == MSG_ROUTED) {
        buf_addf(log, "[%u:%u ", message->routed.route.lane, message->routed.route.slot);
        log_xml(log, message->routed.frame, message->routed.address);
        buf_addc(log, ']');
    } else {
        ensure(message->kind == MSG_ACCOUNT_GONE);
        buf_addf(log, "{removed %s but %u:%u}", message->account_gone.bare.at,
                 message->account_gone.except.lane, message->account_gone.except.slot);
    }
    message_free(message);
}

void router_world_begin(struct router_world *world)
{
    agent_register_thread();
    *world = (struct router_world){
        .settings = {.muc_domains = {.at = {STR("conference.localhost"), STR("lounge.localhost")},
                                     .count = 2},
                     .client_domain = STR("localhost"),
                     .version = STR("1.2")},
        .exchange = exchange_new(),
        .directory = directory_new(&key),
        .arena = arena_new(16 * 1024),
    };
    buf_init(&world->log, NULL);
    directory_set_local(world->directory, world->settings.client_domain);
    int err = 0;
    world->shard = mailbox_new(&err);
    ensure(world->shard != NULL);
    exchange_set_shard(world->exchange, 0, world->shard);
    for (uint16_t i = 0; i < ARRAY_LEN(world->lanes); i++) {
        world->lanes[i] = mailbox_new(&err);
        ensure(world->lanes[i] != NULL);
        exchange_set_lane(world->exchange, i, world->lanes[i]);
    }
    world->router = (struct router){
        .settings = &world->settings,
        .proxy = proxy_new(world->exchange, &key, 0),
        .directory = world->directory,
        .exchange = world->exchange,
        .hash_key = &key,
        .arena = arena_new(16 * 1024),
        .lane = 0,
        .deliver = on_deliver,
        .net = world,
    };
}

static void drain(struct router_world *world, struct mailbox *mailbox)
{
    bool more = true;
    while (more)
        (void)mailbox_drain(mailbox, on_mail, world, UINT32_MAX, &more);
}

void router_world_end(struct router_world *world)
{
    drain(world, world->shard);
    exchange_set_shard(world->exchange, 0, NULL);
    mailbox_free(world->shard);
    for (uint16_t i = 0; i < ARRAY_LEN(world->lanes); i++) {
        drain(world, world->lanes[i]);
        exchange_set_lane(world->exchange, i, NULL);
        mailbox_free(world->lanes[i]);
    }
    proxy_free(world->router.proxy);
    arena_free(world->router.arena);
    directory_free(world->directory);
    exchange_free(world->exchange);
    buf_free(&world->log);
    arena_free(world->arena);
    agent_unregister_thread();
}

void router_world_client(struct router_world *world, struct client *client, const char *jid,
                         uint32_t slot, bool available)
{
    *client = (struct client){.jid = jid_parse(NULL, str_z(jid)),
                              .route = {.slot = slot, .generation = 1, .lane = 0}};
    ensure(client->jid != NULL);
    router_client_begin(&world->router, client);
    if (available)
        ensure(router_client(&world->router, client, stanza_parse(STR("<presence/>"))) ==
               ROUTED_DONE);
}

struct directory_session *router_world_remote(struct router_world *world, const char *jid,
                                              uint32_t slot)
{
    struct route route = {.slot = slot, .generation = 1, .lane = 1};
    struct jid *full = jid_parse(world->arena, str_z(jid));
    struct directory_session *session = directory_session_add(world->directory, full, route);
    directory_session_presence(session, true, 0);
    return session;
}

const char *router_world_look(struct router_world *world)
{
    drain(world, world->shard);
    drain(world, world->lanes[0]);
    drain(world, world->lanes[1]);
    struct str text = str_in(world->arena, buf_str(&world->log));
    world->log.len = 0;
    arena_reset(world->router.arena);
    return text.at;
}

static struct stanza *parse(const char *xml)
{
    struct stanza *stanza = stanza_parse(str_z(xml));
    ensure(stanza != NULL);
    return stanza;
}

static const char *outcome(struct router_world *world, enum routed routed, struct stanza *stanza)
{
    if (routed == ROUTED_WAIT) {
        buf_addz(&world->log, "(wait)");
        stanza_free(stanza);
    } else if (routed == ROUTED_INVALID) {
        buf_addz(&world->log, "(invalid)");
    }
    return router_world_look(world);
}

const char *router_world_send(struct router_world *world, struct client *client, const char *xml)
{
    struct stanza *stanza = parse(xml);
    return outcome(world, router_client(&world->router, client, stanza), stanza);
}

const char *router_world_link(struct router_world *world, const char *xml)
{
    struct passing waiting;
    struct stanza *stanza = parse(xml);
    if (world->wire_size > 0)
        stanza->wire_size = world->wire_size;
    if (router_component(&world->router, &inlet, stanza, &waiting) == ROUTED_WAIT) {
        buf_addz(&world->log, "(wait)");
        passing_free(&waiting);
    }
    return router_world_look(world);
}

const char *router_world_link_refuse(struct router_world *world, const char *xml)
{
    struct passing waiting;
    if (router_component(&world->router, &inlet, parse(xml), &waiting) == ROUTED_WAIT)
        router_component_refuse(&world->router, inlet.route, &waiting);
    return router_world_look(world);
}

const char *router_world_leave(struct router_world *world, struct client *client)
{
    router_client_end(&world->router, client, false);
    return router_world_look(world);
}
