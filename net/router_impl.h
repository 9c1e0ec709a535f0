/*
 * What the parts of the router share; nobody else includes it.
 */
#ifndef NET_ROUTER_IMPL_H
#define NET_ROUTER_IMPL_H

#include "core/xmpp/refusal.h"
#include "net/router.h"

/* The frame is taken, NULL is nothing; the address borrowed. Here or by way of another lane. */
void router_send(struct router *router, struct route route, struct frame *frame,
                 struct address *address);
/* Back to the sender. */
void router_reply(struct router *router, struct client *client, struct frame *frame);
/* `from`: what the request was addressed to, absent if it named nobody. `text` NULL: the refusal's.
 */
void router_refuse(struct router *router, struct client *client, const struct node *request,
                   const struct refusal *refusal, struct str from, const char *text);

/* Remembers where available presence went, until it is taken back. False: too many places. */
bool router_track(struct client *client, const struct node *presence, const struct jid *to,
                  bool is_room);

/* ---- router_users.c ---- */
/* A stanza for an account or session of the client domain. Borrowed. */
void router_users(struct router *router, struct client *client, const struct node *root,
                  const struct jid *to);
/* Tells a contact that got directed presence that the session is gone (RFC 6121 section 4.6.3). */
void router_users_gone(struct router *router, const struct client *client, const struct jid *to);

static inline bool presence_is_available(const struct node *presence)
{
    return !str_present(node_attr(presence, NAME_TYPE));
}

static inline bool presence_is_unavailable(const struct node *presence)
{
    return str_eq(node_attr(presence, NAME_TYPE), STR("unavailable"));
}

#endif
