/*
 * Every message between agents: a closed list. To learn what a thread can be asked, read this page.
 * A message is moved: the receiver owns it and all it holds. Made by message_new(), freed by
 * message_free(), which also frees what it still holds.
 */
#ifndef SHARD_RUNTIME_MESSAGE_H
#define SHARD_RUNTIME_MESSAGE_H

#include "core/muc/gallery.h"
#include "core/muc/order.h"
#include "core/muc/roster.h"
#include "core/xml/stanza.h"
#include "core/xmpp/jid.h"
#include "shard/runtime/mailbox.h"
#include "shard/store/store.h"

enum message_kind {
    /* to a shard */
    MSG_STANZA,       /* for a room, an occupant, or the service */
    MSG_LINKS,        /* a component link fell or came back */
    MSG_LINK_LOSS,    /* something of a room was lost with a link */
    MSG_SESSION_GONE, /* a client connection ended; one message per room it was in */
    MSG_PLACE_ASK,    /* is that session in that room? */
    MSG_LANE_CREDIT,  /* a lane has expanded deliveries */
    MSG_ROOM_ORDER,   /* an admin of the service ends a room */
    MSG_ORDER_REPORT, /* what became of that, to the shard it came from */
    MSG_SHUTDOWN,     /* say goodbye to everybody; answered by MSG_SHARD_DONE to lane 0 */
    MSG_ROOM_WAKE,    /* somebody was inside when the process ended */
    MSG_FORGET,       /* messages were taken out of archives: rooms in memory show them no more */
    MSG_ROOM_LOADED,  /* the scribe's answer: a room as it is stored, or that it is not */
    MSG_COMMITTED,    /* the scribe's answer: what became of each commit */
    MSG_ANSWER,       /* the reader's answer: a page of an archive, or of the stored rooms */
    /* to a lane */
    MSG_DELIVERIES,    /* one cycle's output of one shard */
    MSG_CREDIT,        /* a shard gives credits back */
    MSG_ROUTED,        /* a stanza of one local user for another's session */
    MSG_CLOSE_SESSION, /* the session is replaced by a newer one */
    MSG_PLACE_FREE,    /* no, it is not */
    MSG_ACCOUNT_GONE,  /* an account was removed: whoever logged in as it, or is about to, goes */
    MSG_ACCOUNT,       /* the store's answer */
    MSG_SHARD_DONE,    /* a shard has said goodbye and posted everything */
    /* to the scribe */
    MSG_ACCOUNT_ASK,
    MSG_ROOM_LOAD,
    MSG_COMMIT, /* what one cycle of a shard made to be kept */
    /* to the reader */
    MSG_ASK,
};

/* What happened to one room in one cycle, to be made durable together. */
struct commit {
    struct str room;  /* heap: bare JID */
    struct str batch; /* heap: operations (core/record/record.h) */
    uint64_t ticket;  /* the shard's; rising for each room */
    bool power;       /* to survive the loss of power too */
    bool held;        /* what it appends nobody has seen yet */
    bool gated;       /* the room waits for it: */
    size_t gated_at;  /* for the change that begins there in the batch and ends it */
    int err;          /* the answer */
};

/* A question to the reader, and its answer in it. One of the two queries is meant. */
struct asked {
    struct arena *arena; /* owned: all below lies in it, save what is owned itself */
    struct stanza
        *stanza; /* that asks, owned; with both JIDs, owned. NULL: a room asks for itself */
    struct jid *from;
    struct jid *to;
    struct route route;
    unsigned shard;                    /* who is to be answered */
    uint64_t as_of;                    /* the room's last such change before the question */
    unsigned again;                    /* so often it was asked before */
    const struct archive_query *query; /* of the room `to`; NULL: */
    struct archive_page page;
    const struct stored_query *listing; /* of the service `to` */
    struct stored_page listed;
};

/* One frame for one recipient, a list for one, or a broadcast for all entries of this lane; or the
 * answer to MSG_LINK_LOSS: whatever the room has sent from here on, it has sent knowing of it. */
enum delivery_kind { DELIVER_ONE, DELIVER_LIST, DELIVER_BROADCAST, DELIVER_LOSS_HEARD };

struct delivery_item { /* of a list */
    struct frame *frame;
    struct str tail; /* heap or absent */
};

struct delivery {
    enum delivery_kind kind;
    uint64_t room;           /* deliveries of one room are expanded in order */
    uint32_t cost;           /* KiB: goes back to the shard as MSG_LANE_CREDIT */
    struct route route;      /* ONE, LIST, LOSS_HEARD: the link */
    struct address *address; /* ONE, LIST: a reference */
    struct frame *frame;     /* ONE, BROADCAST: one reference for the whole lane */
    struct roster *roster;   /* BROADCAST: a reference */
    struct audience audience;
    struct delivery_item *items; /* LIST: heap */
    struct showing *showing;     /* LIST: owned, instead of items; or NULL */
    uint32_t item_count;         /* or places of the showing, which may be empty */
};

struct message {
    struct mail mail;
    enum message_kind kind;
    union {
        struct {
            struct stanza *stanza;
            struct jid *from;
            struct jid *to;
            struct route route;
            uint16_t lane; /* whose credits were used; LANE_NONE: none were */
            uint32_t cost; /* credits */
        } stanza;
        struct {
            struct jid *jid;  /* full */
            struct jid *room; /* bare */
            struct route route;
            bool properly; /* it ended its stream, or we did; else the connection was lost */
        } session_gone;
        struct {
            struct jid *jid;  /* full; only in the question */
            struct jid *room; /* bare */
            struct route route;
            uint32_t presence; /* number of the last presence that the session had sent there */
        } place;
        struct {
            struct route route; /* the link's */
            uint64_t room;      /* id */
        } link_loss;
        struct {
            uint16_t lane;
            uint32_t cost;
        } lane_credit;
        struct {
            struct jid *room; /* bare */
            struct jid *by;   /* for the log */
            struct ticket ticket;
        } room_order;
        struct {
            struct ticket ticket;
            enum order_outcome outcome;
        } order_report;
        struct {
            unsigned shard;      /* who posted */
            struct delivery *at; /* heap */
            uint32_t count;
        } deliveries;
        struct {
            unsigned shard;
            uint32_t cost;
        } credit;
        struct {
            struct frame *frame;
            struct route route;
            struct address *address;
        } routed;
        struct {
            struct route route;
        } close_session;
        struct {
            struct str bare;     /* heap */
            struct route except; /* who removed it */
        } account_gone;
        struct {
            struct account_ask ask; /* with the answer in it when it comes back */
            struct route route;     /* who asked: the lane to answer, the connection there */
        } account;
        struct {
            unsigned shard;
        } shard_done;
        struct {
            struct jid *room; /* bare */
        } room_wake;
        struct {
            struct str account; /* heap: bare JID, who has sent them; absent: whoever it was */
            struct str room;    /* heap: bare JID; absent: all */
            int64_t until_us;   /* those that are not younger */
            uint32_t at;        /* the place of the next room to be told */
            bool back; /* the scribe waits for it: behind all that was said before it came */
            struct message *next; /* of those that go back at the end of this cycle */
        } forget;
        struct {
            unsigned shard;      /* who is to be answered */
            struct jid *room;    /* bare */
            struct arena *arena; /* the answer lies in it; NULL in the question */
            struct store_room stored;
            int err; /* ERR_NOT_FOUND: there is no such room */
        } room_load;
        struct {
            unsigned shard;
            struct commit *at; /* heap */
            uint32_t count;
        } commits;
        struct asked *ask; /* heap */
    };
};

struct message *message_new(enum message_kind kind);
/* With everything inside that is not NULL. */
void message_free(struct message *message);
void delivery_fini(struct delivery *delivery);
/* One of them is given, and copied. */
struct asked *asked_new(const struct archive_query *query, const struct stored_query *listing);
/* The same question once more, without the answer it has had. Taken. */
struct asked *asked_again(struct asked *asked);
void asked_free(struct asked *asked); /* NULL allowed */
/* The item at a position from 0 to item_count - 1, borrowed; false: nothing is there. */
bool delivery_item_at(const struct delivery *list, uint32_t at, struct delivery_item *item);
void delivery_items_free(struct delivery_item *items, uint32_t count);

#endif
