#include "net/session_impl.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

/* ---- waiting for a shard ---- */

static void line_leave(struct session *session)
{
    struct line *line = session->line;
    if (line == NULL)
        return;
    if (session->line_prev != NULL)
        session->line_prev->line_next = session->line_next;
    else
        line->first = session->line_next;
    if (session->line_next != NULL)
        session->line_next->line_prev = session->line_prev;
    else
        line->last = session->line_prev;
    line->count--;
    session->line = NULL;
    session->line_prev = session->line_next = NULL;
}

static void line_join(struct session *session, struct line *line)
{
    session->line = line;
    session->line_prev = line->last;
    if (line->last != NULL)
        line->last->line_next = session;
    else
        line->first = session;
    line->last = session;
    line->count++;
}

/* Where those wait that have a stanza for the same shard as its first one; NULL: that is for no
 * shard. */
static struct line *line_for(const struct session *session)
{
    struct router *router = session->door->router;
    const struct node *root = stanza_root(session->first->stanza);
    struct jid *to = jid_parse(router->arena, node_attr(root, NAME_TO));
    if (to == NULL || !domains_have(&router->settings->muc_domains, jid_domain(to)))
        return NULL;
    return &session->door->lines[proxy_shard(router->proxy, session->client.jid, to)];
}

/* Its first stanza is one that its shard had no credit for. */
static void line_up(struct session *session)
{
    struct line *line = line_for(session);
    ensure(line != NULL);
    line_join(session, line);
}

static void wait_append(struct session *session, struct stanza *stanza)
{
    struct waiting *waiting = MEM_NEW(struct waiting);
    waiting->stanza = stanza;
    if (session->last == NULL)
        session->first = waiting;
    else
        session->last->next = waiting;
    session->last = waiting;
}

/* Gives the first one back to the caller. */
static struct stanza *wait_take(struct session *session)
{
    struct waiting *waiting = session->first;
    struct stanza *stanza = waiting->stanza;
    session->first = waiting->next;
    if (session->first == NULL)
        session->last = NULL;
    mem_free(waiting);
    return stanza;
}

/* False: no credit, the stanza is still the caller's. */
static bool route_stanza(struct session *session, struct stanza *stanza)
{
    struct router *router = session->door->router;
    arena_reset(router->arena);
    switch (router_client(router, &session->client, stanza)) {
    case ROUTED_DONE:
        return true;
    case ROUTED_INVALID:
        session->fault = "invalid-from";
        return true;
    case ROUTED_WAIT:
        return false;
    }
    never("routed to nowhere");
}

void session_take_stanza(struct session *session, struct stanza *stanza)
{
    if (session->fault != NULL) {
        stanza_free(stanza);
        return;
    }
    if (session->first != NULL) {
        wait_append(session, stanza);
        return;
    }
    if (route_stanza(session, stanza))
        return;
    wait_append(session, stanza);
    line_up(session);
}

void session_stop_waiting(struct session *session)
{
    line_leave(session);
    while (session->first != NULL)
        stanza_free(wait_take(session));
}

/* Where others wait too it is one stanza a turn: who has sent a thousand in one piece does not hold
 * up who has sent one. */
static bool gives_way(struct session *session)
{
    struct line *line = session->first != NULL ? line_for(session) : NULL;
    if (line == NULL || line->count == 0)
        return false;
    line_join(session, line);
    return true;
}

/* False: it has to wait again, and stands in line. */
static bool offer_again(struct session *session)
{
    while (session->first != NULL) {
        if (!route_stanza(session, session->first->stanza)) {
            line_up(session);
            return false;
        }
        (void)wait_take(session);
        if (gives_way(session))
            return false;
    }
    return true;
}

/* ---- the door ---- */

void door_init(struct door *door)
{
    door->lines = MEM_NEW_ARRAY(struct line, door->shards > 0 ? door->shards : 1);
}

void door_fini(struct door *door)
{
    ensure(door->count == 0);
    mem_free(door->lines);
}

void door_admit(struct door *door, int fd)
{
    struct session *session = session_new(door, fd);
    if (session == NULL)
        return;
    session->next = door->first;
    if (session->next != NULL)
        session->next->prev = session;
    door->first = session;
    door->count++;
}

static struct session *find(const struct door *door, struct route route)
{
    struct conn *conn = slots_find(&door->conns->slots, route.slot, route.generation);
    if (conn == NULL || conn->kind != &session_kind)
        return NULL;
    return container_of(conn, struct session, conn);
}

void door_credit(struct door *door, unsigned shard)
{
    ensure(shard < door->shards);
    struct line *line = &door->lines[shard];
    while (line->first != NULL && proxy_has_credit(door->router->proxy, shard)) {
        struct session *session = line->first;
        line_leave(session);
        if (offer_again(session))
            session_go_on(session);
    }
}

/* Whether or not who asked is still there. */
static void tell_of_removal(const struct door *door, const struct message *answer)
{
    struct router *router = door->router;
    struct str name = answer->account.ask.account.name;
    struct str domain = router->settings->client_domain;
    arena_reset(router->arena);
    struct str bare =
        str_fmt(router->arena, "%.*s@%.*s", (int)name.len, name.at, (int)domain.len, domain.at);
    router_account_gone(router, bare, answer->account.route);
}

void door_account(struct door *door, struct message *answer)
{
    struct session *session = find(door, answer->account.route);
    if (answer->account.ask.op == ACCOUNT_REMOVE && answer->account.ask.err == 0)
        tell_of_removal(door, answer);
    if (session == NULL || session->stream == NULL)
        return;
    stream_on_account(session->stream, &answer->account.ask);
    session_go_on(session);
}

void door_place_free(struct door *door, const struct message *message)
{
    struct session *session = find(door, message->place.route);
    if (session != NULL && session->client.jid != NULL)
        router_place_free(&session->client, message->place.room, message->place.presence);
}

void door_close_session(struct door *door, struct route route)
{
    struct session *session = find(door, route);
    if (session == NULL)
        return;
    /* What it has not got through would speak for the newer one now. */
    session_stop_waiting(session);
    session->properly = true;
    if (session->ending)
        session_go_on(session);
    else
        session_fail(session, "conflict", "Another session has taken this address",
                     "a newer session has its address");
}

/* Also those that have only given the name yet: who proves to be the account with what was loaded
 * before must not come in as whoever has the name next. */
void door_account_gone(struct door *door, struct str bare, struct route except)
{
    for (struct session *session = door->first; session != NULL; session = session->next) {
        if (session->stream == NULL || !stream_is_of(session->stream, bare) ||
            route_eq(session_route(session), except))
            continue;
        session->properly = true;
        session_fail(session, "not-authorized", "The account is no more",
                     "its account was removed");
    }
}

void door_close(struct door *door)
{
    struct session *next;
    for (struct session *session = door->first; session != NULL; session = next) {
        next = session->next;
        session->properly = true;
        session_fail(session, "system-shutdown", NULL, "the server stops");
    }
}

void door_abandon(struct door *door)
{
    for (struct session *session = door->first; session != NULL; session = session->next) {
        session_leave(session);
        conn_drop(&session->conn);
    }
}
