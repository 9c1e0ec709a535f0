/*
 * From one local user to another, as RFC 6121 section 8 has it for accounts without roster and
 * without offline store: what finds nobody is refused or dropped, never kept.
 */
#include "net/router_impl.h"

#include "core/base/limits.h"
#include "net/iq.h"
#include "net/local.h"

/* The stanza again, in the sender's full name. */
static struct frame *restamp(struct router *router, const struct client *client,
                             const struct node *root)
{
    struct fb fb;
    fb_begin(&fb, router->arena, token_name_text((enum name)root->name).at, jid_full(client->jid),
             node_attr(root, NAME_TYPE), node_attr(root, NAME_ID));
    fb_lang(&fb, node_attr_ns(root, NAME_LANG, NS_XML));
    fb_children(&fb, root, NULL, NULL);
    return fb_finish(&fb);
}

/* The stanza keeps the address it was sent to, whichever sessions get it. Takes the frame. */
static void send_to(struct router *router, const struct route *routes, unsigned count,
                    struct frame *frame, const struct jid *to)
{
    struct address *address = address_new(jid_full(to));
    for (unsigned i = 0; i < count; i++)
        router_send(router, routes[i], frame_ref(frame), address);
    address_unref(address);
    frame_unref(frame);
}

static void pass_on(struct router *router, struct client *client, const struct node *root,
                    const struct route *routes, unsigned count, const struct jid *to)
{
    if (count > 0)
        send_to(router, routes, count, restamp(router, client, root), to);
}

/* Everybody who is there, whatever the priority. */
static unsigned available_sessions(struct router *router, const struct jid *to,
                                   struct route *routes, unsigned max)
{
    struct session_found *found = ARENA_NEW_ARRAY(router->arena, struct session_found, max);
    unsigned sessions = directory_sessions(router->directory, jid_bare(to), found, max);
    unsigned count = 0;
    for (unsigned i = 0; i < sessions; i++) {
        if (found[i].available)
            routes[count++] = found[i].route;
    }
    return count;
}

static unsigned presence_reach(struct router *router, const struct jid *to, struct route *routes,
                               unsigned max)
{
    if (jid_is_bare(to))
        return available_sessions(router, to, routes, max);
    return directory_session_find(router->directory, to, &routes[0]) ? 1 : 0;
}

/* ---- messages: RFC 6121 sections 8.5.2.1.1 and 8.5.3.2.1 ---- */

static void message(struct router *router, struct client *client, const struct node *root,
                    const struct jid *to)
{
    struct route routes[RESOURCES_PER_ACCOUNT];
    struct way way = {.to = to, .origin = ROUTE_NONE};
    struct str type = node_attr(root, NAME_TYPE);
    bool for_one = str_eq(type, STR("groupchat")) || str_eq(type, STR("error"));
    unsigned count = 0;
    if (!jid_is_bare(to) || !for_one)
        count = directory_reach(router->directory, &way, routes, RESOURCES_PER_ACCOUNT);
    if (count == 0 && !jid_is_bare(to) && str_eq(type, STR("chat"))) {
        /* That session went; the conversation goes on with another one. */
        way.to = jid_to_bare(router->arena, to);
        count = directory_reach(router->directory, &way, routes, RESOURCES_PER_ACCOUNT);
    }
    if (count > 0)
        pass_on(router, client, root, routes, count, to);
    else if (!str_eq(type, STR("headline")))
        router_refuse(router, client, root, &refusal_SERVICE_UNAVAILABLE, jid_full(to), NULL);
}

/* ---- presence: directed, or about subscriptions nobody keeps ---- */

static void decline_subscription(struct router *router, struct client *client, const struct jid *to)
{
    struct fb fb;
    fb_begin(&fb, router->arena, "presence", jid_bare(to), STR("unsubscribed"), STR_NONE);
    router_reply(router, client, fb_finish(&fb));
}

static void presence(struct router *router, struct client *client, const struct node *root,
                     const struct jid *to)
{
    struct str type = node_attr(root, NAME_TYPE);
    if (str_eq(type, STR("subscribe"))) {
        decline_subscription(router, client, to);
        return;
    }
    bool directed = presence_is_available(root) || presence_is_unavailable(root);
    bool error = str_eq(type, STR("error")) && !jid_is_bare(to);
    if (!directed && !error)
        return;
    if (!router_track(client, root, to, false)) {
        router_refuse(router, client, root, &refusal_RESOURCE_CONSTRAINT, jid_full(to),
                      "This session is in as many places as it may be; leave one first");
        return;
    }
    struct route routes[RESOURCES_PER_ACCOUNT];
    unsigned count = presence_reach(router, to, routes, RESOURCES_PER_ACCOUNT);
    pass_on(router, client, root, routes, count, to);
}

void router_users_gone(struct router *router, const struct client *client, const struct jid *to)
{
    struct route routes[RESOURCES_PER_ACCOUNT];
    unsigned count = presence_reach(router, to, routes, RESOURCES_PER_ACCOUNT);
    if (count == 0)
        return;
    struct fb fb;
    fb_begin(&fb, router->arena, "presence", jid_full(client->jid), STR("unavailable"), STR_NONE);
    send_to(router, routes, count, fb_finish(&fb), to);
}

/* ---- requests ---- */

static void iq(struct router *router, struct client *client, const struct node *root,
               const struct jid *to)
{
    struct route route;
    if (!jid_is_bare(to) && directory_session_find(router->directory, to, &route)) {
        pass_on(router, client, root, &route, 1, to);
        return;
    }
    if (iq_kind(root) != IQ_REQUEST)
        return;
    bool own = jid_is_bare(to) && jid_bare_eq(to, client->jid);
    /* Nobody is behind a full JID without session: not even the account answers for it. */
    struct str account = jid_is_bare(to) ? jid_local(to) : STR_NONE;
    router_reply(router, client,
                 local_answer(router, root, own ? LOCAL_OWN : LOCAL_OTHER, jid_full(to), account));
}

void router_users(struct router *router, struct client *client, const struct node *root,
                  const struct jid *to)
{
    if (node_is(root, NAME_MESSAGE, NS_STANZA))
        message(router, client, root, to);
    else if (node_is(root, NAME_PRESENCE, NS_STANZA))
        presence(router, client, root, to);
    else
        iq(router, client, root, to);
}
