/*
 * Durable changes as values. A rule decides on a const room and returns a change; change_apply() is
 * the only writer of durable state. Nothing is durable yet in this version (rooms live in memory),
 * so change_submit() applies at once; what follows a change is already written as a continuation,
 * which is what waiting for a store will need.
 * @xep 0045 1.35.5 #ban.nick
 */
#ifndef CORE_MUC_CHANGE_H
#define CORE_MUC_CHANGE_H

#include "core/muc/card.h"
#include "core/muc/muc.h"
#include "core/muc/option.h"
#include "core/muc/privilege.h"

struct inbound;

enum change_kind {
    CHANGE_CREATE,       /* the room comes into being; the first of `affiliations` is its owner and
                            creator, `options` NULL: the operator's defaults */
    CHANGE_AFFILIATIONS, /* affiliations, reserved nicknames, reasons */
    CHANGE_OPTIONS,      /* configuration; may carry affiliations as well (roomowners, roomadmins);
                            opens a locked room */
    CHANGE_SUBJECT,
    CHANGE_CARD,    /* the vCard */
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
    const struct card *card; /* CHANGE_CARD: borrowed, copied; NULL: taken away */
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
    } create;
};

typedef void change_then(struct room *room, struct step *step, const struct change *change,
                         const struct inbound *in);

/* Applies `change` (in the step's arena), then calls `then` for what follows. */
enum step_outcome change_submit(struct room *room, struct step *step, const struct change *change,
                                change_then *then, const struct inbound *in);

void change_apply(struct room *room, const struct change *change);

#endif
