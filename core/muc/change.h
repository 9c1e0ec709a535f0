/*
 * Durable changes as values. A rule decides on a const room and returns a change; change_apply() is
 * the only writer of durable state.
 *
 * Where the room is durable (core/muc/durable.h), a change is committed before anything of it is
 * applied or seen: change_submit() leaves it with the room and asks for the commit, and the room
 * takes nothing else until the answer comes. What follows a change is written as a continuation.
 * @xep 0045 1.35.5 #ban.nick
 */
#ifndef CORE_MUC_CHANGE_H
#define CORE_MUC_CHANGE_H

#include "core/muc/card.h"
#include "core/muc/muc.h"
#include "core/muc/option.h"
#include "core/muc/privilege.h"

struct burial; /* core/muc/burial.h */
struct inbound;

enum change_kind {
    CHANGE_CREATE,       /* the room comes into being; the first of `affiliations` is its owner and
                            creator, `options` NULL: the operator's defaults */
    CHANGE_AFFILIATIONS, /* affiliations, reserved nicknames, reasons */
    CHANGE_OPTIONS,      /* configuration; may carry affiliations as well (roomowners, roomadmins);
                            opens a locked room */
    CHANGE_SUBJECT,
    CHANGE_CARD,    /* the vCard */
    CHANGE_BURY,    /* a message is retracted: its tombstone stands in its place */
    CHANGE_BURIAL,  /* one is that only the archive has: to be looked for there, or no more */
    CHANGE_WAITING, /* somebody waits to be registered, or does no more */
    CHANGE_DESTROY, /* the room's state goes; who is inside is put out by what follows */
};

/* One account's new standing. */
struct affiliation_change {
    struct str jid; /* bare, or a domain */
    enum affiliation before;
    enum affiliation after;
    bool set_nick;          /* the reserved nickname changes too: */
    struct str nick;        /* prepared; empty: given up */
    struct str nick_before; /* reserved until then; change_submit() fills it in */
    struct str reason;      /* absent: none is kept */
    bool own;               /* the account's own doing: voice taken from it stays taken */
};

struct subject_text {
    struct str lang; /* absent: none */
    struct str text;
};

struct change {
    enum change_kind kind;
    struct affiliation_change *affiliations; /* in the arena */
    unsigned affiliation_count;
    const struct room_options *options; /* CHANGE_OPTIONS: complete new set, borrowed, copied */
    struct {                       /* CHANGE_OPTIONS: what follows from it, decided beforehand */
        uint32_t statuses;         /* codes of the notice, a set (core/muc/presence.h) */
        uint32_t broadcast_before; /* enum broadcast_bit */
        bool see_all_before;
        bool closes; /* members-only from now on */
    } config;
    struct {
        struct frame *frame; /* borrowed; the room takes a reference: as it was broadcast */
        int64_t at_us;
        struct str plain; /* first text, for disco */
    } subject;
    struct {                        /* CHANGE_BURY; CHANGE_BURIAL the notice alone */
        struct frame *tombstone;    /* the room takes a reference */
        const struct archived *row; /* the same for the archive; its id says which message */
        struct frame *notice;       /* what everybody is told */
        struct str notice_id;       /* its id, and the one the room gave it */
        struct str notice_stanza_id;
        bool clears_subject; /* it was the subject: there is none any more */
    } bury;
    struct { /* CHANGE_BURIAL; CHANGE_BURY: which is done by it, if not NULL */
        const struct burial *of;
        bool over;
    } burial;
    struct { /* CHANGE_WAITING */
        struct str account;
        const struct registration *wanted; /* NULL: no more */
    } waiting;
    const struct archived *kept; /* a message that is archived with it: the subject, a retraction */
    const struct card *card;     /* CHANGE_CARD: borrowed, copied; NULL: taken away */
    struct {
        struct str alternate; /* JID or absent */
        struct str reason;
        int64_t until_us;     /* tombstone; 0: none, the address is free again */
        struct ticket ticket; /* who waits, if an admin of the service has ordered it */
    } destroy;
    struct { /* CHANGE_CREATE; change_submit() fills it in */
        uint8_t secret[32];
        int64_t at_us;
        bool locked;
        bool temporary; /* whatever the defaults: its creator may have no other (permit.h) */
        bool hidden;
        bool archived; /* it was, before its archive was switched off; of a stored room */
    } create;
};

typedef void change_then(struct room *room, struct step *step, const struct change *change,
                         const struct inbound *in);

/* What a room waits for. In the arena of the step that decided it, which is kept until then, with
 * the stanza it came from. */
struct pending_change {
    struct change change;
    change_then *then;
    const struct inbound *in; /* NULL: nobody asked */
};

/* Applies `change`, then calls `then` for what follows: at once, or when it is committed. `change`
 * need not outlive the call, what it points to lies in the step's arena; options and a card are
 * copied there. Its frames are TAKEN. */
enum step_outcome change_submit(struct room *room, struct step *step, const struct change *change,
                                change_then *then, const struct inbound *in);

/* The pending change is durable: it is applied, and what follows happens. */
void change_committed(struct room *room, struct step *step);
/* It is not, nothing has happened; who asked is told. */
void change_failed(struct room *room, struct step *step, const struct refusal *refusal);

/* The room goes, and with it the pending change, if there is one. */
void change_forget(struct room *room);

void change_apply(struct room *room, const struct change *change);

/* Whose standing is decided on does not wait to be registered any more. */
bool change_ends_waiting(const struct room *room, const struct affiliation_change *item);

#endif
