/*
 * The values of a stored room's rows. Each begins with its version, VALUE_VERSION in what is
 * written. A newer one may have more at its end, which is skipped; what an older one does not have
 * is asked for by its version. Numbers of kinds (states, ranks, roles) are those of this file,
 * whatever their order is elsewhere. Reading: all borrowed; false: these are no such bytes.
 */
#ifndef CORE_RECORD_VALUE_H
#define CORE_RECORD_VALUE_H

#include "core/muc/archived.h"
#include "core/muc/burial.h"
#include "core/muc/card.h"
#include "core/muc/option.h"
#include "core/muc/registration.h"
#include "core/muc/stored.h"
#include "core/record/bytes.h"

enum { VALUE_VERSION = 2, SECRET_BYTES = 32 };

enum head_state { HEAD_LOCKED = 1, HEAD_OPEN = 2, HEAD_DESTROYED = 3 };

struct head {
    enum head_state state;
    /* of a room that is there */
    int64_t created_us;
    struct str creator;
    struct str secret; /* SECRET_BYTES of any kind */
    /* of a destroyed one */
    int64_t until_us;
    struct str alternate;
    struct str reason;
};

void put_head(struct buf *out, const struct head *head);
MUST_CHECK bool get_head(struct str value, struct head *head);

/* Every option by its id, as text; and whether the archive is on, or was (version 2). */
void put_options(struct buf *out, struct arena *arena, const struct room_options *options,
                 bool was_archived);

struct stored_options {
    /* Holds what is said of nothing (the presets) before; heap texts, room_options_fini(). */
    struct room_options options;
    bool was_archived; /* version 1 does not say: persistent rooms may have been */
    const char *why;   /* in the arena, where an option is known but cannot be like that */
};

MUST_CHECK bool get_options(struct str value, struct arena *arena, struct stored_options *stored);

/* `before` and `reason` of a change are left as they are, `jid` is the row's key. */
void put_affiliation(struct buf *out, const struct affiliation_change *item);
MUST_CHECK bool get_affiliation(struct str value, struct affiliation_change *item);

void put_registration(struct buf *out, const struct registration *wanted);
MUST_CHECK bool get_registration(struct str value, struct registration *wanted);

/* `key` is the row's. */
void put_burial(struct buf *out, const struct burial *burial);
MUST_CHECK bool get_burial(struct str value, struct burial *burial);

struct stored_subject {
    bool cleared;
    int64_t at_us;
    struct str plain;
    struct str xml; /* of the frame, which its places fit */
    uint32_t address_at;
    uint32_t tail_at;
};

void put_subject(struct buf *out, const struct stored_subject *subject);
MUST_CHECK bool get_subject(struct str value, struct stored_subject *subject);

void put_card(struct buf *out, const struct card *card);
MUST_CHECK bool get_card(struct str value, struct card *card);

/* `jid` is the row's key; in what is read `next` is NULL. */
void put_account(struct buf *out, const struct stored_account *account);
MUST_CHECK bool get_account(struct str value, struct stored_account *account);
/* One row for all, as older versions wrote it. Where the next is linked; NULL: no such bytes. */
MUST_CHECK struct stored_account **get_memory(struct str value, struct arena *arena,
                                              struct stored_account **last);

/* `jid` is the row's key, `route` nobody's. */
void put_session(struct buf *out, const struct stored_session *session);
MUST_CHECK bool get_session(struct str value, struct stored_session *session);

/* No value of a row, but what a batch says of a message. Texts are not looked at. */
void put_archived(struct buf *out, const struct archived *message);
void get_archived(struct reader *reader, struct archived *message);

#endif
