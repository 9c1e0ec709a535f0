/*
 * The stored form of rooms: what a change writes, and how rows become changes again. Pure and
 * versioned; a store keeps rows without knowing what they mean.
 *
 *   struct change -> record_change() -> a batch of operations, as bytes -> store
 *   store -> rows of one room -> record_read() -> changes -> EV_LOADED -> change_apply()
 *
 * Every value begins with its version. What a newer version has added at the end is skipped,
 * unknown options are left out with a line in the log; what does not parse is ERR_INVALID, never a
 * guess.
 */
#ifndef CORE_RECORD_RECORD_H
#define CORE_RECORD_RECORD_H

#include "core/muc/archived.h"
#include "core/muc/change.h"
#include "core/muc/muc.h"
#include "core/muc/stored.h"

/* Rows of a room. The letter is what is stored: neither changed nor used again. */
enum record_kind {
    RECORD_HEAD = 'h',         /* one: state, creator, secret, tombstone */
    RECORD_OPTIONS = 'o',      /* one: every option, by its id */
    RECORD_AFFILIATION = 'a',  /* one per account, key: its bare JID or a domain */
    RECORD_REGISTRATION = 'r', /* one per account that waits to be registered */
    RECORD_SUBJECT = 's',      /* one */
    RECORD_CARD = 'c',         /* one: the vCard */
    RECORD_MEMORY = 'm',       /* one, of older versions, only read: all that RECORD_ACCOUNT has */
    RECORD_ACCOUNT = 'n', /* one per account that something is remembered of, key: its bare JID;
                             a voice decision, who invited it, its request for voice */
    RECORD_SESSION = 'p', /* one per session inside, key: its full JID */
    RECORD_BURIAL = 'b', /* one per message that its author took back and the archive may have; key:
                            its stanza-id and the author's occupant-id */
};

enum record_op {
    RECORD_PUT = 1, /* kind, key, value */
    RECORD_DELETE,  /* kind, key */
    RECORD_CLEAR,   /* kind: all rows of it */
    RECORD_WIPE,    /* the room with all rows and archived messages; more may follow */
    RECORD_SHOW,    /* what the store itself must know of the room */
    RECORD_APPEND,  /* a message to the archive */
    RECORD_BURY,    /* in the place of the message with that id: its tombstone. Who sent it, when,
                       and whether newcomers are shown it stay as they were kept */
};

/* For listings and retention; part of the same transaction as what it goes with. */
struct record_show {
    struct str name;
    bool listed;         /* public, and open to who asks */
    bool archived;       /* its messages are kept beyond the history */
    uint32_t history;    /* so many are read when the room is loaded */
    uint32_t keep_days;  /* 0: the service's number */
    uint32_t keep_count; /* 0: the service's number */
    int64_t until_us;    /* a tombstone: nothing of it is needed from then on; 0: none */
};

struct record_item {
    enum record_op op;
    enum record_kind kind; /* PUT, DELETE, CLEAR */
    struct str key;
    struct str value;
    struct record_show show; /* SHOW */
    struct archived message; /* APPEND, BURY */
};

/* A row as the store gives it back. Borrowed. */
struct record_row {
    enum record_kind kind;
    struct str key;
    struct str value;
};

/* ---- batches ---- */

void record_add(struct buf *batch, const struct record_item *item);
/* 1: the next item, borrowed from the batch; 0: that was all; ERR_INVALID: these are no such bytes,
 * nothing can be taken from here on. `*rest` begins as the whole batch. */
MUST_CHECK int record_next(struct str *rest, struct record_item *item);

/* The operations that make `change` durable, for the room as it is before it. If the room becomes
 * durable by it (core/muc/durable.h), all that it is; if it ceases to be, RECORD_WIPE. */
void record_change(struct buf *batch, struct arena *arena, const struct room *room,
                   const struct change *change);

/* What is not part of a change; nothing, if the room is not durable. A session as it is now (it may
 * have gone: then its row goes), what is remembered of an account (the same), all that is. */
void record_session(struct buf *batch, struct arena *arena, const struct room *room,
                    struct str full_jid);
void record_account(struct buf *batch, struct arena *arena, const struct room *room,
                    struct str bare_jid);
void record_memory(struct buf *batch, struct arena *arena, const struct room *room);
/* That of them which the effect FX_SESSION is about. */
void record_behind(struct buf *batch, struct arena *arena, const struct room *room, struct str jid);

/* Who is inside and what is remembered, anew: a batch that had some of it was refused. Of a room
 * that is not stored (any more), all goes. */
void record_again(struct buf *batch, struct arena *arena, const struct room *room);

/* A room that is not durable, as it is: for a restart that nobody is to notice. Once it is in
 * memory again, it is not in the store any more: record_gone(). */
void record_handover(struct buf *batch, struct arena *arena, const struct room *room);
void record_gone(struct buf *batch);

/* ---- reading ---- */

/* 0, or ERR_INVALID with `*why` in the arena: what cannot be read, for the operator.
 * All in the arena, borrowing from the rows. */
MUST_CHECK int record_read(struct arena *arena, const struct record_row *rows, unsigned count,
                           struct stored_room *stored, const char **why);

/* ---- forgetting ---- */

/* What is left in the archive of a message that somebody wants to be forgotten: who sent it, when,
 * and the ids the room gave it, so that pages and places stay what they were (0313, 3.2). In the
 * arena; `room`: its JID. */
struct archived record_placeholder(struct arena *arena, struct str room,
                                   const struct archived *message);

/* By the values of a room's rows: has that account (bare JID) set the subject, not later than that?
 * Damaged ones say nothing of anybody. */
bool record_subject_is_by(const struct muc_crypto *crypto, struct str head, struct str subject,
                          struct str account, int64_t until_us);

#endif
