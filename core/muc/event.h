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
    EV_SESSION_GONE, /* a client connection ended without saying goodbye */
    EV_TIMER,        /* an alarm the room had set */
    EV_SHUTDOWN,     /* the service stops */
};

struct event {
    enum event_kind kind;
    union {
        struct {
            const struct stanza *stanza;
            const struct jid *from; /* stamped or checked by the door it came in by */
            const struct jid *to;
            struct route route; /* where answers go */
        } stanza;
        struct {
            const struct jid *jid; /* full */
            struct route route;    /* a session that has a newer route is not gone */
        } session_gone;
        struct {
            enum room_timer timer;
        } timer;
    };
};

#endif
