#include "net/session_impl.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/xml/parse.h"

#include <inttypes.h>

static bool is_bound(const struct session *session)
{
    return session->client.jid != NULL;
}

/* ---- binding ---- */

static struct str choose_resource(struct door *door)
{
    uint64_t number;
    door->random(&number, sizeof(number));
    return str_fmt(door->router->arena, "%016" PRIx64, number);
}

/* NULL, or the condition that says why there can be no such session. */
static const char *lacks_room(struct door *door, const struct jid *jid)
{
    struct router *router = door->router;
    struct route older;
    if (directory_session_find(router->directory, jid, &older))
        return NULL; /* it takes the place of that one */
    struct session_found *found =
        ARENA_NEW_ARRAY(router->arena, struct session_found, RESOURCES_PER_ACCOUNT);
    unsigned count =
        directory_sessions(router->directory, jid_bare(jid), found, RESOURCES_PER_ACCOUNT);
    return count < RESOURCES_PER_ACCOUNT ? NULL : "resource-constraint";
}

/* Only now that it can be found: two that bind the same address on two agents at once would
 * otherwise miss each other. The one to go may be this one. */
static void close_replaced(struct door *door, const struct jid *jid)
{
    struct router *router = door->router;
    struct route routes[RESOURCES_PER_ACCOUNT];
    unsigned count =
        directory_sessions_replaced(router->directory, jid, routes, RESOURCES_PER_ACCOUNT);
    for (unsigned i = 0; i < count; i++) {
        struct message *message = message_new(MSG_CLOSE_SESSION);
        message->close_session.route = routes[i];
        post_lane(router->exchange, routes[i].lane, message);
    }
}

static void bind_session(struct session *session, struct str account, struct str resource)
{
    struct door *door = session->door;
    struct arena *arena = door->router->arena;
    arena_reset(arena);
    struct jid *bare = jid_parse(arena, account);
    ensure(bare != NULL);
    struct str chosen = resource.len > 0 ? resource : choose_resource(door);
    struct jid *jid = jid_with_resource(NULL, bare, chosen);
    const char *refused = lacks_room(door, jid);
    if (refused != NULL) {
        jid_free(jid);
        stream_bind_refused(session->stream, refused);
        return;
    }
    session->client = (struct client){.jid = jid, .route = session_route(session)};
    router_client_begin(door->router, &session->client);
    close_replaced(door, jid);
    char peer[80];
    log_info("client %s is here, from %s, %s", jid->text,
             conn_peer(&session->conn, peer, sizeof(peer)),
             session->secured ? "by TLS" : "without TLS");
    conn_alarm_at(&session->conn, door->conns->now_ms + CLIENT_DOZE_SECONDS * 1000);
    stream_bound(session->stream, jid);
}

/* ---- what the stream machine asks for ---- */

static void ask_store(struct session *session, struct account_ask *ask)
{
    struct router *router = session->door->router;
    struct message *message = message_new(MSG_ACCOUNT_ASK);
    message->account.ask = *ask;
    message->account.route = session_route(session);
    mem_free(ask);
    if (!post_scribe(router->exchange, message))
        session->fault = "internal-server-error";
}

static void act(void *self, const struct stream_action *action)
{
    struct session *session = self;
    switch (action->kind) {
    case STREAM_SEND:
        conn_send(&session->conn, action->bytes);
        break;
    case STREAM_START_TLS:
        session->start_tls = true;
        break;
    case STREAM_RESTART:
        session->restart = true;
        break;
    case STREAM_ACCOUNT:
        ask_store(session, action->ask);
        break;
    case STREAM_BIND:
        bind_session(session, action->account, action->bytes);
        break;
    case STREAM_STANZA:
        session_take_stanza(session, action->stanza);
        break;
    case STREAM_CLOSE:
        session->ending = true;
        conn_mute(&session->conn);
        break;
    }
}

static bool on_opened(void *self, const struct stanza *header)
{
    struct session *session = self;
    stream_on_open(session->stream, header, parser_stream_ns(session->parser));
    return !session->ending;
}

static bool on_stanza(void *self, struct stanza *stanza)
{
    struct session *session = self;
    return stream_on_stanza(session->stream, stanza) && !session->ending;
}

static bool on_closed(void *self)
{
    struct session *session = self;
    session->gone = "it closed its stream";
    session->properly = true;
    stream_on_close(session->stream);
    return false;
}

static const struct parse_handlers handlers = {
    .opened = on_opened,
    .stanza = on_stanza,
    .closed = on_closed,
};

/* ---- the end ---- */

/* Phase one: nobody finds it any more. Never from inside the stream or the parser. */
void session_leave(struct session *session)
{
    if (session->left)
        return;
    session->left = true;
    session->ending = true;
    session_stop_waiting(session);
    if (is_bound(session)) {
        log_info("client %s is gone: %s", session->client.jid->text,
                 session->gone != NULL ? session->gone : "its stream was ended");
        arena_reset(session->door->router->arena);
        router_client_end(session->door->router, &session->client, session->properly);
        session->client.jid = NULL;
    }
    deliver_forget(session->door->deliver, &session->conn);
    parser_free(session->parser);
    session->parser = NULL;
    stream_free(session->stream);
    session->stream = NULL;
}

static void on_lost(struct conn *conn, const char *why)
{
    struct session *session = container_of(conn, struct session, conn);
    if (session->gone == NULL)
        session->gone = why;
    session_leave(session);
    /* When TLS is broken there is an alert to be sent that says why. */
    if (conn->broken && conn->phase == CONN_OPEN && !conn->ended)
        conn_goodbye(conn);
    else
        conn_drop(conn);
}

static void on_bury(struct conn *conn)
{
    struct session *session = container_of(conn, struct session, conn);
    struct door *door = session->door;
    ensure(session->left);
    if (session->prev != NULL)
        session->prev->next = session->next;
    else
        door->first = session->next;
    if (session->next != NULL)
        session->next->prev = session->prev;
    door->count--;
    mem_free(session);
}

/* After every event of the stream: does what could not be done inside. */
static void settle(struct session *session)
{
    struct conn *conn = &session->conn;
    if (session->left)
        return;
    if (session->fault != NULL && !session->ending)
        stream_fail(session->stream, session->fault, NULL);
    if (session->restart) {
        parser_free(session->parser);
        session->parser = NULL;
        session->restart = false;
    }
    if (session->ending && session->first == NULL) {
        session_leave(session);
        conn_goodbye(conn);
    } else if (session->ending) {
        /* Its last stanzas wait for a shard: they get as long as the peer would. */
        conn_pause(conn);
        conn_alarm_at(conn, session->door->conns->now_ms + CLOSE_SECONDS * 1000);
    } else if (session->first != NULL ||
               (session->stream != NULL && stream_waits(session->stream))) {
        conn_pause(conn);
    } else {
        conn_unpause(conn);
    }
}

void session_fail(struct session *session, const char *condition, const char *text,
                  const char *gone)
{
    if (session->left || session->ending)
        return;
    session->gone = gone;
    if (session->stream == NULL) {
        on_lost(&session->conn, gone);
        return;
    }
    stream_fail(session->stream, condition, text);
    settle(session);
}

/* ---- input ---- */

static void begin_tls(struct session *session)
{
    session->start_tls = false;
    parser_free(session->parser);
    session->parser = NULL;
    if (!conn_start_tls(&session->conn, session->door->tls))
        on_lost(&session->conn, "it does not read");
}

/* Bytes of the stream, in the clear. */
static void feed(struct session *session, struct str bytes)
{
    const struct door *door = session->door;
    if (session->stream == NULL)
        session->stream = stream_new(door->settings, act, session, door->random);
    while (bytes.len > 0 && !session->ending) {
        if (session->parser == NULL) {
            bool trusted = stream_authenticated(session->stream);
            session->parser =
                parser_new(&handlers, session, trusted ? STANZA_BYTES_MAX : STANZA_BYTES_UNAUTH);
        }
        enum parse_error error = parser_feed(session->parser, bytes);
        if (error != PARSE_OK) {
            session->gone = parse_error_condition(error);
            stream_on_parse_error(session->stream, error);
            return;
        }
        if (session->start_tls) {
            begin_tls(session);
            return;
        }
        if (!session->restart)
            return;
        size_t rest = parser_rest(session->parser);
        bytes = str_of(bytes.at + bytes.len - rest, rest);
        settle(session);
    }
}

static bool listens(const struct session *session)
{
    return session->conn.phase == CONN_OPEN && !session->ending && session->first == NULL &&
           !(session->stream != NULL && stream_waits(session->stream));
}

static void note_tls(struct session *session)
{
    struct conn *conn = &session->conn;
    if (session->secured || conn->tls == NULL || conn->broken || !tls_done(conn->tls))
        return;
    session->secured = true;
    stream_on_tls(session->stream);
    settle(session);
}

static void consume(struct session *session)
{
    struct conn *conn = &session->conn;
    while (listens(session)) {
        struct str bytes = conn_next(conn);
        note_tls(session);
        if (bytes.len == 0)
            break;
        feed(session, bytes);
        settle(session);
    }
    if (session->left || conn->phase != CONN_OPEN)
        return;
    if (conn->broken)
        on_lost(conn, "TLS failed");
    else if (conn->ended)
        on_lost(conn, "connection closed");
}

static void on_input(struct conn *conn)
{
    struct session *session = container_of(conn, struct session, conn);
    const char *why = NULL;
    session->heard_ms = conn->conns->now_ms;
    if (session->dozing) {
        session->dozing = false;
        conn_alarm_at(conn, session->heard_ms + CLIENT_DOZE_SECONDS * 1000);
    }
    if (conn_read(conn, &why))
        consume(session);
    else
        on_lost(conn, why);
}

/* What it waited for has come. */
void session_go_on(struct session *session)
{
    if (session->start_tls && !session->ending)
        begin_tls(session);
    settle(session);
    consume(session);
}

/* ---- alarms ---- */

/* A bound session that is silent gives back what it does not need, and is asked for a sign. */
static void rest(struct session *session)
{
    int64_t now_ms = session->door->conns->now_ms;
    int64_t silent_ms = now_ms - session->heard_ms;
    if (silent_ms < CLIENT_DOZE_SECONDS * 1000) {
        conn_alarm_at(&session->conn, session->heard_ms + CLIENT_DOZE_SECONDS * 1000);
        return;
    }
    session->dozing = true;
    if (session->parser != NULL)
        parser_sleep(session->parser);
    if (silent_ms >= CLIENT_IDLE_SECONDS * 1000 && session->conn.outbox.bytes == 0)
        conn_send(&session->conn, STR(" "));
    int64_t next_ms = silent_ms < CLIENT_IDLE_SECONDS * 1000 ? session->heard_ms : now_ms;
    conn_alarm_at(&session->conn, next_ms + CLIENT_IDLE_SECONDS * 1000);
}

static void on_alarm(struct conn *conn)
{
    struct session *session = container_of(conn, struct session, conn);
    int64_t deadline_ms = session->admitted_ms + HANDSHAKE_SECONDS * 1000;
    if (session->ending) {
        session_leave(session);
        conn_goodbye(conn);
    } else if (is_bound(session)) {
        rest(session);
    } else if (conn->conns->now_ms < deadline_ms) {
        conn_alarm_at(conn, deadline_ms);
    } else {
        session_fail(session, "connection-timeout", "There was no session within the time for it",
                     "it did not log in in time");
    }
}

static void on_overflow(struct conn *conn)
{
    struct session *session = container_of(conn, struct session, conn);
    session_fail(session, "resource-constraint", "Too much has been waiting for you to read it",
                 "it does not read what is sent to it");
}

const struct conn_kind session_kind = {
    .input = on_input,
    .lost = on_lost,
    .alarm = on_alarm,
    .overflow = on_overflow,
    .bury = on_bury,
};

/* ---- the beginning ---- */

struct session *session_new(struct door *door, int fd)
{
    struct session *session = MEM_NEW(struct session);
    struct conn *conn = &session->conn;
    session->door = door;
    conn_init(conn, door->conns, &session_kind, &door->conns->small);
    conn->high_water = door->conns->marks.client;
    conn->bytes_max = door->conns->marks.client_max;
    int err = conn_open(conn, fd, false);
    if (err != 0) {
        log_warn("a client was turned away: epoll takes no more descriptors (%s)", err_text(err));
        mem_free(session);
        return NULL;
    }
    conn_enroll(conn);
    session->admitted_ms = session->heard_ms = door->conns->now_ms;
    conn_alarm_at(conn, session->admitted_ms + HANDSHAKE_SECONDS * 1000);
    return session;
}
