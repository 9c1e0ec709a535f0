/*
 * States of the link, and what leads from one to the next:
 *
 *   RESTING    --alarm--> RESOLVING --addresses--> CONNECTING --connected, header sent--> OPENING
 *   OPENING    --the host's header, handshake sent--> SHAKING --<handshake/>--> UP
 *   any of them --trouble--> RESTING, for longer each time; any --link_close()--> CLOSED
 *
 * An operator who reads the log should know what to do: each kind of trouble is one line, which is
 * repeated when it changes and at every REPORT_EVERYth attempt.
 */
#include "net/component_link.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/xml/parse.h"
#include "net/resolve.h"
#include "net/side.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPORT_EVERY    10
#define RESOLVE_LOOK_MS 50
#define LINKS_HINT      "; not every host server takes several for one component (component.links)"

enum link_state {
    LINK_RESTING,
    LINK_RESOLVING,
    LINK_CONNECTING,
    LINK_OPENING,
    LINK_SHAKING,
    LINK_UP,
    LINK_CLOSED,
};

struct link {
    struct conn conn;
    struct link_setup setup;
    const struct component_host *host;
    const struct component_service *service;
    struct inlet inlet;
    char tag[200]; /* behind "component link" in the log: which one, where there are several */
    enum link_state state;
    struct parser *parser;
    struct resolve *resolve;
    const struct addrinfo *address; /* being tried */
    struct side side;
    struct unread unread;
    bool too_much;              /* waits, so that the host is not read */
    int64_t read_ms;            /* when it was read last and then paused */
    int64_t retry_ms;           /* the next rest, before jitter */
    char trouble[LOG_LINE_MAX]; /* as last seen */
    unsigned repeats;           /* how often since it was logged */
    char fault[LOG_LINE_MAX];   /* found inside the parser, to be acted upon outside */
    bool fault_is_slow;         /* it will not go away by itself soon */
    bool fault_is_error;
};

static bool has_stream(const struct link *link)
{
    return link->state == LINK_OPENING || link->state == LINK_SHAKING || link->state == LINK_UP;
}

/* What was queued and is not known to have arrived. */
static void tell_of_losses(struct link *link)
{
    uint64_t room;
    int unacked = 0;
    if (link->conn.fd < 0 || ioctl(link->conn.fd, SIOCOUTQ, &unacked) != 0 || unacked < 0)
        unacked = 0;
    uint64_t sent = link->conn.outbox.sent;
    uint64_t read = (uint64_t)unacked < sent ? sent - (uint64_t)unacked : 0;
    while (unread_take(&link->unread, read, &room))
        deliver_lost(link->setup.deliver, &link->conn, room);
    deliver_forget(link->setup.deliver, &link->conn);
}

/* Only what is up is sent anything. Whoever is told something has to find it so in the directory
 * already; and of losses rooms hear before they are asked to do something about it. */
static void set_up(struct link *link, bool up)
{
    if (link->conn.link_up == up)
        return;
    link->conn.link_up = up;
    directory_link_up(link->setup.router->directory, link->setup.route, up);
    if (!up)
        tell_of_losses(link);
    proxy_links(link->setup.router->proxy);
}

/* ---- trouble ---- */

static void report(struct link *link, bool is_error, const char *text)
{
    bool same = strcmp(text, link->trouble) == 0;
    link->repeats = same ? link->repeats + 1 : 0;
    if (link->repeats % REPORT_EVERY != 0)
        return;
    snprintf(link->trouble, sizeof(link->trouble), "%s", text);
    if (is_error)
        log_error("component link%s: %s", link->tag, text);
    else
        log_warn("component link%s: %s", link->tag, text);
}

/* Half of the time is certain, the other half is chance: links that fell together do not all come
 * back in the same moment. */
static void rest(struct link *link, bool slow)
{
    int64_t rest_ms = slow ? LINK_RETRY_MS_MAX : link->retry_ms;
    link->retry_ms *= 2;
    if (link->retry_ms > LINK_RETRY_MS_MAX)
        link->retry_ms = LINK_RETRY_MS_MAX;
    uint32_t chance;
    link->setup.random(&chance, sizeof(chance));
    rest_ms = rest_ms / 2 + (int64_t)(chance % (uint32_t)(rest_ms / 2 + 1));
    link->state = LINK_RESTING;
    conn_alarm_at(&link->conn, link->setup.conns->now_ms + rest_ms);
}

/* Back to nothing; what was queued for the host is lost with the connection. */
static void drop(struct link *link)
{
    set_up(link, false);
    conn_drop(&link->conn);
    parser_free(link->parser);
    link->parser = NULL;
    resolve_end(link->resolve);
    link->resolve = NULL;
    link->address = NULL;
    link->fault[0] = '\0';
}

static void give_up(struct link *link, bool is_error, bool slow, const char *text)
{
    if (link->state == LINK_UP)
        log_warn("component link%s: lost: %s; the rooms go on, we connect again", link->tag, text);
    else
        report(link, is_error, text);
    drop(link);
    rest(link, slow);
}

/* ---- connecting ---- */

static void send_header(struct link *link)
{
    struct buf out;
    buf_init(&out, NULL);
    buf_addz(&out, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"
                   " xmlns:stream='http://etherx.jabber.org/streams' to='");
    xml_escape(&out, link->service->domain);
    buf_addz(&out, "'>");
    conn_send(&link->conn, buf_str(&out));
    buf_free(&out);
}

static void connect_failed(struct link *link, int error)
{
    char text[LOG_LINE_MAX];
    if (error == ECONNREFUSED)
        snprintf(text, sizeof(text),
                 "nothing listens at %s port %u; is the host server running, and does it take "
                 "components there?",
                 link->host->name.at, link->host->port);
    else
        snprintf(text, sizeof(text), "cannot connect to %s port %u: %s", link->host->name.at,
                 link->host->port, strerror(error));
    give_up(link, false, false, text);
}

/* 0, or an errno. */
static int try_address(struct link *link)
{
    const struct addrinfo *address = link->address;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    /* What lies in the kernel waits, and nobody there refuses it for being old. */
    int receive = LINK_RECEIVE_BYTES;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return error;
    }
    return conn_open(&link->conn, fd, true) == 0 ? 0 : ENOSPC;
}

/* Tries addresses until one of them is on its way. */
static void connect_on(struct link *link, int error)
{
    for (; link->address != NULL; link->address = link->address->ai_next) {
        error = try_address(link);
        if (error != 0)
            continue;
        link->state = LINK_CONNECTING;
        conn_alarm_at(&link->conn, link->setup.conns->now_ms + HANDSHAKE_SECONDS * 1000);
        return;
    }
    connect_failed(link, error);
}

static void look_at_resolve(struct link *link)
{
    if (!resolve_done(link->resolve)) {
        conn_alarm_at(&link->conn, link->setup.conns->now_ms + RESOLVE_LOOK_MS);
        return;
    }
    const char *why = NULL;
    link->address = resolve_result(link->resolve, &why);
    if (link->address != NULL) {
        connect_on(link, 0);
        return;
    }
    char text[LOG_LINE_MAX];
    snprintf(text, sizeof(text), "the host server's name '%s' cannot be found: %s; check %s.%s",
             link->host->name.at, why, link->service->section.at,
             link->host->number == 0 ? "host" : "links");
    give_up(link, false, false, text);
}

static void begin(struct link *link)
{
    link->state = LINK_RESOLVING;
    link->resolve = resolve_begin(link->host->name, link->host->port);
    look_at_resolve(link);
}

static void on_connected(struct conn *conn, int error)
{
    struct link *link = container_of(conn, struct link, conn);
    if (error != 0) {
        conn_drop(conn);
        link->address = link->address->ai_next;
        connect_on(link, error);
        return;
    }
    resolve_end(link->resolve);
    link->resolve = NULL;
    link->address = NULL;
    link->state = LINK_OPENING;
    send_header(link);
}

/* ---- handshake ---- */

static void set_fault(struct link *link, bool is_error, bool slow, const char *text)
{
    if (link->fault[0] != '\0')
        return;
    snprintf(link->fault, sizeof(link->fault), "%s", text);
    link->fault_is_error = is_error;
    link->fault_is_slow = slow;
}

/* Lower-case hexadecimal SHA-1 of stream id and secret (XEP-0114 section 3). */
static void send_handshake(struct link *link, struct str id)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    struct buf text;
    buf_init(&text, NULL);
    buf_add(&text, id);
    buf_add(&text, link->service->secret);
    int done = EVP_Digest(text.at, text.len, digest, &size, EVP_sha1(), NULL);
    ensure(done == 1 && size == 20);
    text.len = 0;
    buf_addz(&text, "<handshake>");
    for (unsigned i = 0; i < size; i++)
        buf_addf(&text, "%02x", digest[i]);
    buf_addz(&text, "</handshake>");
    conn_send(&link->conn, buf_str(&text));
    buf_free(&text);
}

static bool on_opened(void *self, const struct stanza *header)
{
    struct link *link = self;
    struct str id = node_attr(stanza_root(header), NAME_ID);
    if (str_empty(id))
        return true; /* some hosts refuse a domain like that: the error follows */
    send_handshake(link, id);
    link->state = LINK_SHAKING;
    return true;
}

static void come_up(struct link *link)
{
    link->state = LINK_UP;
    set_up(link, true);
    link->retry_ms = LINK_RETRY_MS_MIN;
    link->trouble[0] = '\0';
    uint64_t *dropped = &link->setup.deliver->dropped[link->conn.slot];
    log_info("component link%s: up, speaking for %s at %s port %u", link->tag,
             link->service->domain.at, link->host->name.at, link->host->port);
    if (*dropped > 0)
        log_info("component link%s: %" PRIu64 " stanzas for the host server were dropped meanwhile",
                 link->tag, *dropped);
    *dropped = 0;
    conn_alarm_at(&link->conn, link->setup.conns->now_ms + LINK_PING_SECONDS * 1000);
}

static void note_stream_error(struct link *link, const struct node *error)
{
    const struct component_service *service = link->service;
    const struct node *condition = node_find(error, NAME_NONE, NS_STREAMS);
    struct str name = condition != NULL ? node_name(condition) : STR("no reason");
    char text[LOG_LINE_MAX];
    if (str_eq(name, STR("not-authorized")) && link->state != LINK_UP) {
        snprintf(text, sizeof(text),
                 "%s port %u does not accept the secret for %s; %s.secret must be as the host "
                 "server has it",
                 link->host->name.at, link->host->port, service->domain.at, service->section.at);
        set_fault(link, true, true, text);
    } else if (str_eq(name, STR("host-unknown"))) {
        snprintf(text, sizeof(text),
                 "%s port %u does not know the component %s; add it to the host server's "
                 "configuration, or correct %s here",
                 link->host->name.at, link->host->port, service->domain.at,
                 service->domain_option.at);
        set_fault(link, true, true, text);
    } else if (str_eq(name, STR("conflict"))) {
        snprintf(text, sizeof(text), "another component is connected to %s port %u as %s%s",
                 link->host->name.at, link->host->port, service->domain.at,
                 service->link_count > 1 ? LINKS_HINT : "");
        set_fault(link, true, false, text);
    } else {
        int len = (int)(name.len < 100 ? name.len : 100);
        snprintf(text, sizeof(text), "the host server ended the stream with an error: %.*s", len,
                 name.at);
        set_fault(link, false, false, text);
    }
}

/* ---- stanzas ---- */

/* Nothing overtakes: link_credit() empties a shard's queue before it leaves credit to others. */
static void take_stanza(struct link *link, struct stanza *stanza)
{
    struct router *router = link->setup.router;
    arena_reset(router->arena);
    struct passing waiting;
    if (router_component(router, &link->inlet, stanza, &waiting) != ROUTED_WAIT)
        return;
    /* Who is in a room and who is not must stay true; all else can be said again. */
    bool presence = node_is(stanza_root(stanza), NAME_PRESENCE, NS_STANZA);
    if (!side_add(&link->side, &waiting, link->setup.conns->now_ms, presence))
        router_component_refuse(router, link->setup.route, &waiting);
}

static bool on_stanza(void *self, struct stanza *stanza)
{
    struct link *link = self;
    const struct node *root = stanza_root(stanza);
    if (node_is(root, NAME_ERROR, NS_STREAM)) {
        note_stream_error(link, root);
    } else if (link->state == LINK_UP) {
        take_stanza(link, stanza);
        return true;
    } else if (node_is(root, NAME_HANDSHAKE, NS_STANZA)) {
        come_up(link);
    }
    stanza_free(stanza);
    return link->fault[0] == '\0';
}

static bool on_closed(void *self)
{
    set_fault(self, false, false, "the host server has closed the stream");
    return false;
}

static const struct parse_handlers handlers = {
    .opened = on_opened,
    .stanza = on_stanza,
    .closed = on_closed,
};

/* ---- what happens to the connection ---- */

static void feed(struct link *link, struct str bytes)
{
    if (link->parser == NULL) {
        link->parser = parser_new(&handlers, link, LINK_STANZA_BYTES_MAX);
        /* What one user of the host sends must not take the rooms from all others. */
        parser_cut_large(link->parser);
    }
    enum parse_error error = parser_feed(link->parser, bytes);
    if (error == PARSE_OK)
        return;
    char text[LOG_LINE_MAX];
    snprintf(text, sizeof(text), "what the host server sends is not a stream we can read: %s",
             parse_error_condition(error));
    set_fault(link, false, false, text);
}

static void on_lost(struct conn *conn, const char *why)
{
    struct link *link = container_of(conn, struct link, conn);
    char text[LOG_LINE_MAX];
    if (link->state == LINK_SHAKING)
        snprintf(text, sizeof(text),
                 "the host server hung up during the handshake (%s); is the secret right, and does "
                 "it know %s?",
                 why, link->service->domain.at);
    else
        snprintf(text, sizeof(text), "the connection to the host server broke: %s", why);
    give_up(link, false, false, text);
}

/* That waits for the host to read, or for our own shards; once it is, half of it has to go. */
static bool has_too_much(struct link *link)
{
    size_t unread_max = link->too_much ? LINK_OUTBOX_PAUSE_READ / 2 : LINK_OUTBOX_PAUSE_READ;
    link->too_much =
        link->conn.outbox.bytes > unread_max || side_is_full(&link->side, link->too_much);
    return link->too_much;
}

static void on_input(struct conn *conn)
{
    struct link *link = container_of(conn, struct link, conn);
    const char *why = NULL;
    if (!conn_read(conn, &why)) {
        on_lost(conn, why);
        return;
    }
    struct str bytes = conn_next(conn);
    if (bytes.len > 0)
        feed(link, bytes);
    if (link->fault[0] != '\0') {
        char text[LOG_LINE_MAX];
        snprintf(text, sizeof(text), "%s", link->fault);
        give_up(link, link->fault_is_error, link->fault_is_slow, text);
    } else if (has_too_much(link) || link_waits(link)) {
        link->read_ms = link->setup.conns->now_ms;
        conn_pause(conn);
    }
}

static void on_alarm(struct conn *conn)
{
    struct link *link = container_of(conn, struct link, conn);
    switch (link->state) {
    case LINK_RESTING:
        begin(link);
        break;
    case LINK_RESOLVING:
        look_at_resolve(link);
        break;
    case LINK_CONNECTING:
        on_connected(conn, ETIMEDOUT); /* another address of the host may do better */
        break;
    case LINK_OPENING:
    case LINK_SHAKING:
        give_up(link, false, false, "the host server does not answer");
        break;
    case LINK_UP:
        /* Neither side shall take a quiet link for a dead one. */
        if (conn->outbox.bytes == 0)
            conn_send(conn, STR(" "));
        conn_alarm_at(conn, link->setup.conns->now_ms + LINK_PING_SECONDS * 1000);
        break;
    case LINK_CLOSED:
        break;
    }
}

static const struct conn_kind link_kind = {
    .input = on_input,
    .lost = on_lost,
    .alarm = on_alarm,
    .connected = on_connected,
};

/* ---- the object ---- */

static void name_link(struct link *link)
{
    bool several = link->service->link_count > 1;
    int len = several ? snprintf(link->tag, sizeof(link->tag), " %u", link->host->number + 1) : 0;
    if (link->setup.settings->service_count > 1)
        snprintf(link->tag + len, sizeof(link->tag) - (size_t)len, " (%.150s)",
                 link->service->domain.at);
}

struct link *link_new(const struct link_setup *setup)
{
    struct link *link = MEM_NEW(struct link);
    link->setup = *setup;
    link->host = &setup->settings->hosts[setup->number];
    link->service = component_service_of(setup->settings, setup->number);
    link->inlet = (struct inlet){setup->route, link->service->domain};
    name_link(link);
    link->retry_ms = LINK_RETRY_MS_MIN;
    side_init(&link->side, setup->shards);
    conn_init(&link->conn, setup->conns, &link_kind, &setup->conns->large);
    link->conn.is_link = true;
    link->conn.unread = &link->unread;
    link->conn.slot = setup->route.slot;
    link->conn.generation = setup->route.generation;
    link->conn.high_water = setup->conns->marks.link;
    slots_set_link(&setup->conns->slots, link->conn.slot, &link->conn);
    conn_alarm_at(&link->conn, setup->conns->now_ms);
    return link;
}

void link_free(struct link *link)
{
    if (link == NULL)
        return;
    ensure(link->state == LINK_CLOSED && link_is_down(link) && !link->conn.dirty);
    slots_set_link(&link->setup.conns->slots, link->conn.slot, NULL);
    side_fini(&link->side);
    unread_fini(&link->unread);
    mem_free(link);
}

/* What has come so long before `now_ms`. */
static void refuse_late(struct link *link, unsigned shard, int64_t now_ms)
{
    struct router *router = link->setup.router;
    struct passing late;
    while (side_late(&link->side, shard, now_ms, &late)) {
        arena_reset(router->arena);
        router_component_refuse(router, link->setup.route, &late);
    }
}

void link_cycle(struct link *link)
{
    for (unsigned shard = 0; link_waits(link) && shard < link->setup.shards; shard++)
        refuse_late(link, shard, link->setup.conns->now_ms);
    /* While something waits, the host is read once in a millisecond: to refuse what it has too much
     * of must not take all our time. */
    bool soon = link_waits(link) && link->read_ms == link->setup.conns->now_ms;
    if (link->conn.paused && !soon && !has_too_much(link))
        conn_unpause(&link->conn);
}

bool link_waits(const struct link *link)
{
    return !side_is_empty(&link->side);
}

void link_credit(struct link *link, unsigned shard)
{
    refuse_late(link, shard, link->setup.conns->now_ms);
    while (side_waits(&link->side, shard) &&
           router_component_again(link->setup.router, link->setup.route,
                                  side_first(&link->side, shard)))
        side_drop_first(&link->side, shard);
}

void link_close(struct link *link)
{
    if (link->state == LINK_CLOSED)
        return;
    if (!has_stream(link)) {
        link_abandon(link);
        return;
    }
    for (unsigned shard = 0; shard < link->setup.shards; shard++)
        refuse_late(link, shard, INT64_MAX); /* its turn does not come any more */
    log_info("component link%s: closed", link->tag);
    link->state = LINK_CLOSED;
    set_up(link, false);
    conn_send(&link->conn, STR("</stream:stream>"));
    conn_goodbye(&link->conn);
    parser_free(link->parser);
    link->parser = NULL;
}

bool link_is_down(const struct link *link)
{
    return link->conn.phase == CONN_DOWN;
}

void link_abandon(struct link *link)
{
    wheel_clear(&link->setup.conns->wheel, &link->conn.alarm);
    drop(link);
    link->state = LINK_CLOSED;
}
