/*
 * What the host server sends over the component link: stanzas of anybody, for the domain of that
 * link. The host
 * has checked `from`; both addresses are parsed here all the same, because rooms take them as they
 * are.
 */
#include "net/router_impl.h"

#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/xmpp/prep.h"
#include "net/iq.h"

void passing_free(struct passing *passing)
{
    jid_free(passing->from);
    jid_free(passing->to);
    stanza_free(passing->stanza);
}

static void refuse(struct router *router, struct route link, const struct passing *passing,
                   const struct refusal *refusal, struct str from)
{
    struct frame *frame =
        refusal_frame(router->arena, stanza_root(passing->stanza), refusal, from, NULL);
    if (frame == NULL)
        return;
    struct address *address = address_new(jid_full(passing->from));
    router_send(router, link, frame, address);
    address_unref(address);
}

/* Who says that an address is malformed: the address itself, if its domain at least is the link's.
 * A host closes the link over stanzas that come from anywhere else. */
static struct str accused(const struct router *router, struct str ours, struct str to)
{
    if (str_empty(to))
        return ours;
    const char *slash = memchr(to.at, '/', to.len);
    struct str bare = str_of(to.at, slash != NULL ? (size_t)(slash - to.at) : to.len);
    const char *at = memchr(bare.at, '@', bare.len);
    struct str domain = at != NULL ? str_of(at + 1, bare.len - (size_t)(at + 1 - bare.at)) : bare;
    return str_eq(prep_domain(router->arena, domain), ours) ? to : ours;
}

/* Of requests it is said that nobody is there, all else is dropped. */
static void refuse_foreign(struct router *router, const struct inlet *link,
                           const struct passing *passing)
{
    const struct node *root = stanza_root(passing->stanza);
    if (node_is(root, NAME_IQ, NS_STANZA))
        refuse(router, link->route, passing, &refusal_SERVICE_UNAVAILABLE, link->domain);
}

/* Our own clients come through our own door, where `from` is stamped by us: nobody else may speak
 * for them, were it the host server. */
static bool is_forged(struct router *router, const struct jid *from)
{
    struct str domain = router->settings->client_domain;
    if (!str_present(domain) || !str_eq(jid_domain(from), domain))
        return false;
    if (!router->forgery_told)
        log_warn("component link: the host server sends stanzas from %.*s, which is the domain of "
                 "our own clients: they are dropped; give client.domain a name of its own",
                 (int)domain.len, domain.at);
    router->forgery_told = true;
    return true;
}

/* ---- what is too large ---- */

/* Over the limits that hold for our own clients too: neither rooms nor their readers need to carry
 * it. */
static bool is_large(const struct stanza *stanza)
{
    return stanza->cut || stanza->wire_size > STANZA_BYTES_MAX;
}

static bool is_error(const struct node *root)
{
    return str_eq(node_attr(root, NAME_TYPE), STR("error"));
}

/* But who is gone is gone, whatever else it says. */
static bool says_gone(const struct node *root)
{
    if (node_is(root, NAME_PRESENCE, NS_STANZA))
        return is_error(root) || str_eq(node_attr(root, NAME_TYPE), STR("unavailable"));
    return node_is(root, NAME_MESSAGE, NS_STANZA) && is_error(root);
}

/* Nobody has longer ones that mean something. */
static struct str if_short(struct str text)
{
    return str_present(text) && text.len <= RELAYED_ID_BYTES_MAX ? text : STR_NONE;
}

static const struct node *condition_of(const struct node *error)
{
    node_each (error, child)
        if (child->ns == NS_STANZAS && child->name != NAME_TEXT)
            return child;
    return NULL;
}

/* A server that bounces a message may send all of it back. Only why it did matters: a room has to
 * know who is gone. */
static struct stanza *bare_error(struct router *router, const struct passing *passing)
{
    const struct node *message = stanza_root(passing->stanza);
    const struct node *error = node_find(message, NAME_ERROR, NS_STANZA);
    const struct node *condition = condition_of(error);
    struct fb fb;
    fb_begin(&fb, router->arena, "message", jid_full(passing->from), STR("error"),
             if_short(node_attr(message, NAME_ID)));
    fb_open(&fb, NAME_ERROR, NS_STANZA);
    fb_attr(&fb, "type", if_short(node_attr(error, NAME_TYPE)));
    if (condition != NULL && str_present(if_short(node_name(condition)))) {
        fb_open_str(&fb, node_name(condition), node_ns(condition));
        fb_close(&fb);
    }
    fb_close(&fb);
    struct frame *frame = fb_finish(&fb);
    struct buf text;
    buf_init(&text, router->arena);
    frame_write(frame, STR(""), STR_NONE, &text);
    frame_unref(frame);
    return stanza_parse(buf_str(&text));
}

/* False: nothing can be left of it. */
static bool cut_error(struct router *router, struct passing *passing)
{
    const struct node *root = stanza_root(passing->stanza);
    if (!is_large(passing->stanza) || !node_is(root, NAME_MESSAGE, NS_STANZA))
        return true;
    struct stanza *bare = bare_error(router, passing);
    if (bare == NULL)
        return false;
    stanza_free(passing->stanza);
    passing->stanza = bare;
    return true;
}

/* ---- the one entry ---- */

/* Reads the addresses and answers what is wrong; false: it was, and the stanza is gone. */
static bool admit(struct router *router, const struct inlet *link, struct passing *passing)
{
    const struct node *root = stanza_root(passing->stanza);
    bool is_iq = node_is(root, NAME_IQ, NS_STANZA);
    struct str from = node_attr(root, NAME_FROM);
    struct str to = node_attr(root, NAME_TO);
    passing->from = str_present(from) ? jid_parse(NULL, from) : NULL;
    passing->to = str_present(to) ? jid_parse(NULL, to) : NULL;
    if (!is_iq && !node_is(root, NAME_MESSAGE, NS_STANZA) &&
        !node_is(root, NAME_PRESENCE, NS_STANZA))
        log_debug("component link: an element that is no stanza was dropped");
    else if (passing->from == NULL)
        log_debug("component link: a stanza without a proper 'from' was dropped");
    else if (is_forged(router, passing->from))
        log_debug("component link: a stanza in the name of one of our clients was dropped");
    else if (passing->to == NULL)
        refuse(router, link->route, passing, &refusal_JID_MALFORMED,
               accused(router, link->domain, to));
    else if (!str_eq(jid_domain(passing->to), link->domain))
        refuse_foreign(router, link, passing);
    else if (is_large(passing->stanza) && !says_gone(root))
        refuse(router, link->route, passing, &refusal_TOO_LARGE, jid_full(passing->to));
    else if (is_iq && iq_kind(root) == IQ_BAD)
        refuse(router, link->route, passing, &refusal_BAD_REQUEST, jid_full(passing->to));
    else
        return true;
    passing_free(passing);
    return false;
}

bool router_component_again(struct router *router, struct route link, const struct passing *waiting)
{
    if (!proxy_has_credit(router->proxy, waiting->shard))
        return false;
    proxy_stanza(router->proxy, waiting->shard, waiting->stanza, waiting->from, waiting->to, link);
    return true;
}

enum routed router_component(struct router *router, const struct inlet *link, struct stanza *stanza,
                             struct passing *waiting)
{
    *waiting = (struct passing){.stanza = stanza};
    if (!admit(router, link, waiting))
        return ROUTED_DONE;
    if (!cut_error(router, waiting)) {
        passing_free(waiting);
        return ROUTED_DONE;
    }
    waiting->shard = proxy_shard(router->proxy, waiting->from, waiting->to);
    return router_component_again(router, link->route, waiting) ? ROUTED_DONE : ROUTED_WAIT;
}

void router_component_refuse(struct router *router, struct route link, struct passing *waiting)
{
    /* Errors and results cannot be refused, and nothing may grow without bound for them. */
    refuse(router, link, waiting, &refusal_RESOURCE_CONSTRAINT, jid_full(waiting->to));
    passing_free(waiting);
}
