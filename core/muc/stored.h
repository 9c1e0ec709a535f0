/*
 * A room as it was stored, for EV_LOADED: changes that make an absent room that one again, and what
 * is no change: who was inside, what it remembered. Values only; core/record reads and writes them,
 * core/muc/restore.c puts them into a room.
 */
#ifndef CORE_MUC_STORED_H
#define CORE_MUC_STORED_H

#include "core/muc/archived.h"
#include "core/muc/change.h"
#include "core/muc/roster.h"

/* Somebody who was inside when the process ended. Suspect until heard of again (SEMANTICS 14.2). */
struct stored_session {
    struct str jid;     /* full */
    struct route route; /* where it is reached now, the shard fills it in; ROUTE_NONE: nowhere,
                           and it is put out */
    uint64_t joined;    /* as struct session has it; they are in this order */
    struct str nick;
    enum role role;
    enum affiliation affiliation; /* when that was written: it may be another one now */
    bool quiet;                   /* others are not shown it (quiet_above) */
    bool missed;                  /* something that was said while its link was down */
    int8_t priority;
    struct str payload; /* of its last presence, as struct session has it */
    struct str lang;
};

/* What a room remembers of an account while it lives. */
struct stored_account {
    struct stored_account *next;
    struct str jid;        /* bare */
    enum role role;        /* a voice decision; ROLE_NONE: none */
    struct str invited_by; /* bare; absent: nobody has */
    struct str voice_jid;  /* full: asked for voice, nobody could answer; absent: has not */
};

struct stored_memory {
    struct stored_account *first; /* an older version's may be there several times, in parts */
    bool old_form;                /* all in one row: to be written anew */
};

/* Here the subject's frame is NULL and its bytes are in `kept`: nothing has to be given back. The
 * creator is the first of CHANGE_CREATE's affiliations, with AFF_NONE if it has none any more. */
struct stored_room {
    struct change *changes; /* in their order: CHANGE_CREATE first, or CHANGE_DESTROY's tombstone */
    unsigned change_count;
    struct stored_session *sessions;
    unsigned session_count;
    struct stored_memory *memory;   /* NULL: none was written */
    const struct archived *history; /* the last messages newcomers are shown, oldest first */
    unsigned history_count;
};

#endif
