/*
 * What can happen to a room: a closed list. Everything in an event is borrowed for the step.
 */
#ifndef CORE_MUC_EVENT_H
#define CORE_MUC_EVENT_H

#include "core/muc/effect.h"
#include "core/muc/roster.h"
#include "core/xml/stanza.h"
#include "core/xmpp/jid.h"

enum event_kind {
    EV_STANZA,       /* a stanza for the room or an occupant */
    EV_SESSION_GONE, /* a client connection ended without leaving the room */
    EV_TIMER,        /* an alarm the room had set */
    EV_DESTROY,      /* an admin of the service ends the room, whoever owns it */
    EV_SHUTDOWN,     /* the service stops */
    EV_LINKS,        /* a component link of the service fell or came back */
    EV_LINK_LOSS,    /* something the room had sent was lost with a link */
};

struct event {
    enum event_kind kind;
    union {
        struct {
            const struct stanza *stanza;
            const struct jid *from; /* stamped or checked by the door it came in by */
            const struct jid *to;
            struct route route; /* where answers go */
            /* Of a presence that may enter: so many rooms of the service has the sender's account
             * an occupant in, as far as this shard knows by now. */
            uint32_t rooms;
        } stanza;
        struct {
            const struct jid *jid; /* full */
            struct route route;    /* a session that has a newer route is not gone */
            bool properly;         /* its stream was closed; else the connection was lost */
        } session_gone;
        struct {
            enum room_timer timer;
        } timer;
        struct {
            struct ticket ticket; /* answered by FX_REPORT when it is done, or cannot be */
        } destroy;
        struct {
            struct route route; /* the link's */
        } link_loss;
    };
};

#endif
