/*
 * Am I still inside? A ping to one's own nickname is answered by the room, for the session that
 * sent it and for no other of the account: who is not inside gets not-acceptable like every
 * stranger (core/muc/feature/relay.c). A ping to the room itself asks nothing but whether it is
 * there, and is answered to everybody.
 * @xep 0410 1.1.0 #serveroptimization #performingselfping
 * @xep 0199 2.0.1 #c2s #support
 */
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"

static bool own_nick(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return in->session != NULL && str_eq(in->nick, occupant_nick(in->self));
}

static enum step_outcome answer(struct room *room, struct step *step, const struct inbound *in)
{
    reply_result(room, step, in);
    return STEP_DONE;
}

static void disco(const struct room *room, struct fb *fb)
{
    UNUSED(room);
    fb_feature(fb, "http://jabber.org/protocol/muc#self-ping-optimization");
    fb_feature_ns(fb, NS_PING);
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_IQ,
        .targets = TARGET_OCCUPANT,
        .types = TYPE_GET,
        .name = NAME_PING,
        .ns = NS_PING,
        .match = own_nick,
        .run = answer,
    },
    {
        .kinds = KIND_IQ,
        .targets = TARGET_ROOM,
        .types = TYPE_GET,
        .name = NAME_PING,
        .ns = NS_PING,
        .run = answer,
    },
};

const struct feature feature_self_ping = {
    .name = "self_ping",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .disco = disco,
};
