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
    EV_STANZA,        /* a stanza for the room or an occupant */
    EV_SESSION_GONE,  /* a client connection ended without leaving the room */
    EV_TIMER,         /* an alarm the room had set */
    EV_DESTROY,       /* an admin of the service ends the room, whoever owns it */
    EV_SHUTDOWN,      /* the service stops */
    EV_LINKS,         /* a component link of the service fell or came back */
    EV_LINK_LOSS,     /* something the room had sent was lost with a link */
    EV_LOADED,        /* the room as it was stored, first of all; or that nothing is stored */
    EV_COMMITTED,     /* the change the room waits for is durable */
    EV_COMMIT_FAILED, /* it is not, nothing of it is */
    EV_APPEND_FAILED, /* messages were not kept; nobody has seen them */
    EV_ANSWER,        /* the archive's answer to a stanza */
    EV_FORGET,        /* the operator has taken messages out of the archive: newcomers are not shown
                         them either */
};

struct stored_room;
struct refusal;

struct event {
    enum event_kind kind;
    union {
        struct {
            const struct stanza *stanza;
            const struct jid *from; /* stamped or checked by the door it came in by */
            const struct jid *to;
            struct route route; /* where answers go */
            /* Of a presence that may enter: so many rooms of the service is the sender's account
             * in, or makes at this moment, as far as this shard knows by now. */
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
            bool handed_over; /* who comes by a link is found again at the next start */
            struct str local; /* the domain of those who do not; absent: all come by links */
        } shutdown;
        struct {
            const struct stored_room *stored; /* NULL: nothing */
        } loaded;
        struct {
            const struct refusal *refusal; /* what who asked is told */
        } commit_failed;
        struct {
            const struct archived *messages;
            unsigned count;
            const struct refusal *refusal;
        } append_failed;
        struct { /* the stanza once more, as with EV_STANZA; NULL: the room asked for itself */
            const struct stanza *stanza;
            const struct jid *from;
            const struct jid *to;
            struct route route;
            const struct archive_query *query;
            const struct archive_page *page;
            const struct stored_query *listing; /* to the service instead */
            const struct stored_page *listed;
        } answer;
        struct {
            struct ticket ticket; /* answered by FX_REPORT when it is done, or cannot be */
        } destroy;
        struct {
            struct route route; /* the link's */
        } link_loss;
        struct {
            struct str account; /* bare JID, who has sent them; absent: whoever it was */
            int64_t until_us;   /* those that are not younger */
        } forget;
    };
};

#endif
