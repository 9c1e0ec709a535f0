#include "net/router.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "net/iq.h"
#include "net/local.h"
#include "net/router_impl.h"

/* ---- ways out ---- */

void router_send(struct router *router, struct route route, struct frame *frame,
                 struct address *address)
{
    if (frame == NULL)
        return;
    if (route.lane == router->lane) {
        router->deliver(router->net, route, frame, address);
        return;
    }
    struct message *message = message_new(MSG_ROUTED);
    message->routed.frame = frame;
    message->routed.route = route;
    message->routed.address = address_ref(address);
    post_lane(router->exchange, route.lane, message);
}

void router_reply(struct router *router, struct client *client, struct frame *frame)
{
    router_send(router, client->route, frame, client->address);
}

void router_refuse(struct router *router, struct client *client, const struct node *request,
                   const struct refusal *refusal, struct str from, const char *text)
{
    struct refuse_more more = {.text = str_z(text)};
    router_reply(router, client, refusal_frame(router->arena, request, refusal, from, &more));
}

/* ---- where a session has shown itself ---- */

struct place {
    struct jid *jid;
    uint32_t presence; /* number of the last one sent there */
};

static void place_free(struct place *place)
{
    if (place == NULL)
        return;
    jid_free(place->jid);
    mem_free(place);
}

static void place_keep(struct client *client, const struct jid *to, bool is_room)
{
    struct place *place = MEM_NEW(struct place);
    place->jid = jid_copy(to);
    place->presence = ++client->presences;
    struct str key = is_room ? jid_bare(place->jid) : jid_full(place->jid);
    place_free(map_put(&client->rooms, key, place));
}

void router_place_free(struct client *client, const struct jid *room, uint32_t presence)
{
    const struct place *place = map_get(&client->rooms, jid_bare(room));
    if (place != NULL && place->presence == presence)
        place_free(map_remove(&client->rooms, jid_bare(room)));
}

bool router_track(struct client *client, const struct node *presence, const struct jid *to,
                  bool is_room)
{
    struct str key = is_room ? jid_bare(to) : jid_full(to);
    if (presence_is_unavailable(presence)) {
        place_free(map_remove(&client->rooms, key));
        return true;
    }
    bool lasts = !is_room || (to->local_len > 0 && to->resource_len > 0);
    if (!presence_is_available(presence) || !lasts)
        return true;
    if (client->rooms.count >= SESSION_ROOMS_MAX && map_get(&client->rooms, key) == NULL)
        return false;
    place_keep(client, to, is_room);
    return true;
}

static bool is_room(const struct router *router, const struct jid *jid)
{
    return domains_have(&router->settings->muc_domains, jid_domain(jid));
}

/* ---- a session's life ---- */

void router_client_begin(struct router *router, struct client *client)
{
    client->address = address_new(jid_full(client->jid));
    map_init(&client->rooms, router->hash_key);
    client->entry = directory_session_add(router->directory, client->jid, client->route);
}

void router_client_end(struct router *router, struct client *client, bool properly)
{
    /* First nobody finds it any more, then everybody hears that it is gone. */
    directory_session_remove(router->directory, client->entry);
    struct place *place;
    map_each (&client->rooms, at, place) {
        if (is_room(router, place->jid))
            proxy_session_gone(router->proxy, client->jid, place->jid, client->route, properly);
        else
            router_users_gone(router, client, place->jid);
        place_free(place);
    }
    map_fini(&client->rooms);
    address_unref(client->address);
    jid_free(client->jid);
    *client = (struct client){.route = ROUTE_NONE};
}

void router_account_gone(struct router *router, struct str bare, struct route except)
{
    unsigned lanes = exchange_lanes(router->exchange);
    for (unsigned lane = 0; lane < lanes; lane++) {
        struct message *message = message_new(MSG_ACCOUNT_GONE);
        message->account_gone.bare = str_copy(bare);
        message->account_gone.except = except;
        post_lane(router->exchange, (uint16_t)lane, message);
    }
}

/* ---- to nobody in particular ---- */

/* RFC 6121 section 4.7.2.3: -128 to 127, 0 if it is not said. */
static bool read_priority(struct router *router, const struct node *presence, int8_t *priority)
{
    struct str text = node_text(node_find(presence, NAME_PRIORITY, NS_STANZA), router->arena);
    int64_t number = 0;
    if (text.len > 0 && !str_to_i64(str_trim(text), &number))
        return false;
    *priority = (int8_t)number;
    return number >= -128 && number <= 127;
}

/* The session goes off line: whoever got directed presence hears it too (RFC 6121 section 4.6.3).
 * Each room gets a copy, so what is longer than rooms show anyway is left out. */
static void leave_everywhere(struct router *router, struct client *client,
                             const struct stanza *presence)
{
    struct stanza *bare = NULL;
    if (presence->wire_size > PRESENCE_BYTES_MAX) {
        bare = stanza_parse(STR("<presence type='unavailable' xmlns='jabber:client'/>"));
        ensure(bare != NULL);
        presence = bare;
    }
    struct place *place;
    map_each (&client->rooms, at, place) {
        struct jid *to = place->jid;
        map_remove(&client->rooms, is_room(router, to) ? jid_bare(to) : jid_full(to));
        mem_free(place);
        if (!is_room(router, to)) {
            router_users_gone(router, client, to);
            jid_free(to);
            continue;
        }
        unsigned shard = proxy_shard(router->proxy, client->jid, to);
        proxy_stanza(router->proxy, shard, stanza_copy(presence), jid_copy(client->jid), to,
                     client->route);
    }
    stanza_free(bare);
}

static void own_presence(struct router *router, struct client *client, const struct stanza *stanza)
{
    const struct node *presence = stanza_root(stanza);
    if (presence_is_unavailable(presence)) {
        client->available = false;
        directory_session_presence(client->entry, false, 0);
        leave_everywhere(router, client, stanza);
    } else if (presence_is_available(presence)) {
        int8_t priority;
        if (!read_priority(router, presence, &priority)) {
            router_refuse(router, client, presence, &refusal_BAD_REQUEST, STR_NONE,
                          "A priority is a number from -128 to 127");
            return;
        }
        client->available = true;
        client->priority = priority;
        directory_session_presence(client->entry, true, priority);
    } else {
        /* Subscriptions and probes are for somebody. */
        router_refuse(router, client, presence, &refusal_BAD_REQUEST, STR_NONE, NULL);
    }
}

static void to_nobody(struct router *router, struct client *client, const struct stanza *stanza)
{
    const struct node *root = stanza_root(stanza);
    if (node_is(root, NAME_PRESENCE, NS_STANZA)) {
        own_presence(router, client, stanza);
    } else if (node_is(root, NAME_MESSAGE, NS_STANZA)) {
        router_users(router, client, root, jid_to_bare(router->arena, client->jid));
    } else if (iq_kind(root) == IQ_REQUEST) {
        struct str account = jid_local(client->jid);
        router_reply(router, client, local_answer(router, root, LOCAL_OWN, STR_NONE, account));
    }
}

/* ---- to the domain, to rooms ---- */

static void to_domain(struct router *router, struct client *client, const struct node *root,
                      const struct jid *to)
{
    if (node_is(root, NAME_PRESENCE, NS_STANZA))
        return; /* the server is everybody's contact and keeps no list */
    if (node_is(root, NAME_MESSAGE, NS_STANZA) || !jid_is_bare(to))
        router_refuse(router, client, root, &refusal_SERVICE_UNAVAILABLE, jid_full(to), NULL);
    else if (iq_kind(root) == IQ_REQUEST)
        router_reply(router, client,
                     local_answer(router, root, LOCAL_DOMAIN, jid_full(to), STR_NONE));
}

/* It was refused, kicked, or the room has ended, and nobody says so here: so who has many places is
 * asked about, some at a time. Before another presence goes out, so that the answer is older. */
static void ask_of_places(struct router *router, struct client *client)
{
    if (client->rooms.count < SESSION_ROOMS_MAX / 2)
        return;
    for (unsigned i = 0; i < SESSION_PLACES_ASKED; i++) {
        const struct place *place = map_next(&client->rooms, &client->asked_at);
        if (place == NULL)
            client->asked_at = 0;
        else if (is_room(router, place->jid))
            proxy_place_ask(router->proxy, client->jid, place->jid, client->route, place->presence);
    }
}

/* Takes `to`, and the stanza unless it must wait. */
static enum routed to_room(struct router *router, struct client *client, struct stanza *stanza,
                           struct jid *to)
{
    const struct node *root = stanza_root(stanza);
    unsigned shard = proxy_shard(router->proxy, client->jid, to);
    if (!proxy_has_credit(router->proxy, shard)) {
        jid_free(to);
        return ROUTED_WAIT;
    }
    bool presence = node_is(root, NAME_PRESENCE, NS_STANZA);
    if (presence)
        ask_of_places(router, client);
    if (presence && !router_track(client, root, to, true)) {
        router_refuse(router, client, root, &refusal_RESOURCE_CONSTRAINT, jid_full(to),
                      "This session is in as many places as it may be; leave one first");
        jid_free(to);
        stanza_free(stanza);
        return ROUTED_DONE;
    }
    proxy_stanza(router->proxy, shard, stanza, jid_copy(client->jid), to, client->route);
    return ROUTED_DONE;
}

/* ---- the one entry ---- */

/* RFC 6120 section 8.1.2.1: absent, or one of the session's own two addresses. */
static bool from_is_own(struct router *router, const struct client *client, const struct node *root)
{
    struct str from = node_attr(root, NAME_FROM);
    if (!str_present(from) || str_eq(from, jid_full(client->jid)) ||
        str_eq(from, jid_bare(client->jid)))
        return true;
    struct jid *jid = jid_parse(router->arena, from);
    return jid != NULL &&
           (jid_eq(jid, client->jid) || (jid_is_bare(jid) && jid_bare_eq(jid, client->jid)));
}

/* What no addressee needs to see; NULL: nothing is wrong with it. */
static const struct refusal *fault_of(const struct node *root, struct str to_text,
                                      const struct jid *to)
{
    if (node_is(root, NAME_IQ, NS_STANZA) && iq_kind(root) == IQ_BAD)
        return &refusal_BAD_REQUEST;
    if (str_present(to_text) && to == NULL)
        return &refusal_JID_MALFORMED;
    return NULL;
}

/* Somewhere in the client domain, or nowhere we know. */
static void to_local(struct router *router, struct client *client, const struct node *root,
                     const struct jid *to)
{
    if (!str_eq(jid_domain(to), router->settings->client_domain))
        router_refuse(router, client, root, &refusal_REMOTE_NOT_FOUND, jid_full(to), NULL);
    else if (to->local_len == 0)
        to_domain(router, client, root, to);
    else
        router_users(router, client, root, to);
}

enum routed router_client(struct router *router, struct client *client, struct stanza *stanza)
{
    const struct node *root = stanza_root(stanza);
    if (!from_is_own(router, client, root)) {
        stanza_free(stanza);
        return ROUTED_INVALID;
    }
    struct str to_text = node_attr(root, NAME_TO);
    struct jid *to = str_present(to_text) ? jid_parse(NULL, to_text) : NULL;
    const struct refusal *fault = fault_of(root, to_text, to);
    if (fault == NULL && to != NULL && is_room(router, to))
        return to_room(router, client, stanza, to);

    if (fault != NULL)
        router_refuse(router, client, root, fault, to_text, NULL);
    else if (to == NULL)
        to_nobody(router, client, stanza);
    else
        to_local(router, client, root, to);
    jid_free(to);
    stanza_free(stanza);
    return ROUTED_DONE;
}
