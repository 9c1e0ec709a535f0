/*
 * What a step can ask of the world: a closed list of values, kept in the step's arena, lowered to
 * messages by shard/lower.c. Frames, rosters and addresses in effects are counted: each effect
 * holds a reference that effects_release() (or lowering) gives back.
 */
#ifndef CORE_MUC_EFFECT_H
#define CORE_MUC_EFFECT_H

#include "core/muc/archived.h"
#include "core/muc/gallery.h"
#include "core/muc/order.h"
#include "core/muc/roster.h"
#include "core/xml/frame.h"
#include "core/xmpp/jid.h"

enum effect_kind {
    FX_SEND,       /* one frame to one route */
    FX_SEND_LIST,  /* frames to one route, in order: who is here, history */
    FX_BROADCAST,  /* one frame, a roster snapshot, an audience */
    FX_LOSS_HEARD, /* EV_LINK_LOSS was looked at: who missed something is sent nothing from here on
                    */
    FX_ROUTE,      /* one frame to a JID that is resolved on the way: invitations, relayed IQs */
    FX_TIMER,      /* set or clear one of the room's alarms */
    FX_PUBLISH,    /* the directory entry of the room changed */
    FX_COMMIT,     /* make this change durable; the room waits (STEP_AWAITS_COMMIT) */
    FX_APPEND,  /* archive this message; what this and later steps send is held until it is kept */
    FX_ASK,     /* ask the archive; the answer comes as EV_ANSWER */
    FX_SESSION, /* somebody came, changed or went, or what the room remembers of those who did: to
                   be written behind, nobody waits */
    FX_TALLY,   /* an account is in one room more (or makes one), or in one less */
    FX_COMMAND, /* of the service: an order to rooms wherever they are, to be answered later */
    FX_REPORT,  /* what became of an order to this room */
};

/* A room's alarms: at most one of each kind is set. */
enum room_timer {
    ROOM_TIMER_LOCK,      /* open a locked room with defaults */
    ROOM_TIMER_TOMBSTONE, /* forget that the room was destroyed */
    ROOM_TIMER_PING,      /* look for silent sessions */
    ROOM_TIMER_OUTAGE,    /* put out who has missed something */
    ROOM_TIMER_RATE,      /* it is somebody's turn, or nobody has to wait any more */
    ROOM_TIMER_BURIAL, /* ask the archive again for what is to be buried there: stored rooms only */
    ROOM_TIMERS
};

/*
 * How a broadcast may be handed on in a large room (shard/window.h). Standing is presence of an
 * occupant as it is now: its coming, its changes. Another one about the same occupant and for the
 * same audience makes it worthless, unless presence of the second kind about that occupant came in
 * between.
 */
enum urgency {
    URGENCY_PROMPT,   /* at once: messages, and whatever changes who sees what */
    URGENCY_LASTING,  /* presence that may wait for company, all of it: goings, new nicknames */
    URGENCY_STANDING, /* presence that may wait, and that a later one replaces */
};

/* Of a broadcast presence. */
struct tidings {
    uint32_t about; /* number of the occupant; of no other kind of broadcast: OCCUPANT_NONE */
    enum urgency urgency;
};

struct listed_frame {
    struct frame *frame;
    struct str tail; /* absent, or in the arena until lowered (the lowering copies it) */
};

struct effect {
    enum effect_kind kind;
    union {
        struct {
            struct frame *frame;
            struct route route;
            struct address *address;
        } send;
        struct {
            struct listed_frame *frames; /* in the arena */
            uint32_t count;
            struct showing *showing; /* instead of frames, if not NULL */
            struct route route;
            struct address *address;
        } send_list;
        struct {
            struct frame *frame;
            struct roster *roster;
            struct audience audience;
            struct tidings tidings;
        } broadcast;
        struct {
            struct frame *frame;
            const struct jid *to; /* in the arena */
        } route;
        struct {
            struct route link;
        } loss_heard;
        struct {
            enum room_timer timer;
            int64_t at_us; /* 0: clear */
        } timer;
        struct {
            bool listed;
            struct str name; /* in the arena */
            uint32_t occupants;
        } publish;
        struct {
            const struct change *change; /* in the step's arena, which is kept until the answer */
        } commit;
        struct {
            struct frame *frame;            /* as it is broadcast: a reference */
            const struct archived *message; /* in the arena; its xml are the frame's bytes */
            bool held; /* what this and later steps send waits; or it is written behind */
        } append;
        struct {
            const struct archive_query *query;  /* in the arena; the shard copies it */
            const struct stored_query *listing; /* instead, of the service */
            const struct stanza *stanza; /* for whose sake; copied too. NULL: the room's own */
            const struct jid *from, *to; /* NULL stanza: both are the room's */
            struct route by;             /* it came this way */
        } ask;
        struct {
            /* In the arena. Full: a session, which may be gone; bare: what is remembered of an
             * account; absent: all that is remembered. */
            struct str jid;
        } session;
        struct {
            struct str account; /* in the arena */
            bool inside;
        } tally;
        struct {
            struct command *command; /* owned */
        } command;
        struct {
            struct ticket ticket;
            enum order_outcome outcome;
        } report;
    };
};

struct effects {
    struct effect *at; /* in the arena */
    uint32_t count;
    uint32_t cap;
};

struct change;
struct inbound;
struct step;
struct command; /* core/muc/command.h */

/* Frames are TAKEN (the caller's reference moves into the effect), addresses and rosters get a
 * reference of their own. */
void effect_send(struct step *step, struct frame *frame, struct route route,
                 struct address *address);
void effect_send_list(struct step *step, struct listed_frame *frames, uint32_t count,
                      struct route route, struct address *address);
/* All that is in the snapshot, which is TAKEN; NULL: nothing. */
void effect_send_showing(struct step *step, struct showing *showing, struct route route,
                         struct address *address);
void effect_broadcast(struct step *step, struct frame *frame, struct roster *roster,
                      struct audience audience);
/* Presence of an occupant. */
void effect_presence(struct step *step, struct frame *frame, struct roster *roster,
                     struct audience audience, struct tidings tidings);
/* `to` copied into the arena. */
void effect_route(struct step *step, struct frame *frame, const struct jid *to);
void effect_loss_heard(struct step *step, struct route link);
void effect_timer(struct step *step, enum room_timer timer, int64_t at_us);
void effect_publish(struct step *step, bool listed, struct str name, uint32_t occupants);

void effect_commit(struct step *step, const struct change *change);
/* The frame gets a reference of its own. */
void effect_append(struct step *step, struct frame *frame, const struct archived *message,
                   bool held);
/* The stanza comes back with the answer: the one of this step, or one that has waited. */
void effect_ask(struct step *step, const struct inbound *in, const struct archive_query *query);
/* For the room's own sake. */
void effect_ask_own(struct step *step, const struct jid *room, const struct archive_query *query);
void effect_ask_listing(struct step *step, const struct inbound *in,
                        const struct stored_query *listing);
void effect_session(struct step *step, struct str jid);
void effect_tally(struct step *step, struct str account, bool inside);
/* The command is TAKEN. */
void effect_command(struct step *step, struct command *command);
void effect_report(struct step *step, const struct ticket *ticket, enum order_outcome outcome);

/* Gives back the references of all effects not lowered; for tests and dropped steps. */
void effects_release(struct effects *effects);

#endif
