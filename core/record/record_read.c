/*
 * Rows as changes. Everything is looked at before anything of it is used: a room that cannot be
 * read stays where it is, and somebody is told why.
 */
#include "core/record/record.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/record/value.h"
#include "core/xmpp/prep.h"

#include <stdlib.h>

enum {
    CHANGES_BESIDE = 3, /* creation, card, subject; not what waits to be registered or buried */
    SCRATCH_BYTES = 16 * 1024,
};

struct reading {
    struct arena *arena;
    const char *why;
    const struct record_row *head, *options, *subject, *card, *memory; /* NULL: there is none */
    unsigned affiliations, registrations, sessions, burials, accounts; /* rows */
    struct stored_account **last_account;
    struct head found;
    struct map nicks;      /* reserved ones, by key; any value but NULL */
    struct arena *scratch; /* for one row */
};

/* ---- what is wrong ---- */

static const char *kind_text(enum record_kind kind)
{
    switch (kind) {
    case RECORD_HEAD:
        return "the room's head";
    case RECORD_OPTIONS:
        return "the configuration";
    case RECORD_AFFILIATION:
        return "the affiliation";
    case RECORD_REGISTRATION:
        return "the registration";
    case RECORD_SUBJECT:
        return "the subject";
    case RECORD_CARD:
        return "the vCard";
    case RECORD_MEMORY:
    case RECORD_ACCOUNT:
        return "what the room remembers";
    case RECORD_SESSION:
        return "the session";
    case RECORD_BURIAL:
        return "the message to be buried";
    }
    return NULL;
}

static bool fail(struct reading *reading, const char *why)
{
    reading->why = why;
    return false;
}

/* Of a row that has passed for one of an address, which is named. */
static bool fail_row(struct reading *reading, const struct record_row *row, const char *what)
{
    bool named = row->key.len > 0 && str_is_utf8(row->key);
    return fail(reading,
                str_fmt(reading->arena, "%s%s%.*s %s", kind_text(row->kind), named ? " of " : "",
                        named ? (int)row->key.len : 0, named ? row->key.at : "", what)
                    .at);
}

#define DAMAGED "cannot be read: its bytes are none that any version has written"

/* ---- sorting ---- */

static bool only_one(struct reading *reading, const struct record_row **place,
                     const struct record_row *row)
{
    if (*place != NULL)
        return fail_row(reading, row, "is there twice");
    *place = row;
    return true;
}

static bool sort_row(struct reading *reading, const struct record_row *row)
{
    switch (row->kind) {
    case RECORD_HEAD:
        return only_one(reading, &reading->head, row);
    case RECORD_OPTIONS:
        return only_one(reading, &reading->options, row);
    case RECORD_SUBJECT:
        return only_one(reading, &reading->subject, row);
    case RECORD_CARD:
        return only_one(reading, &reading->card, row);
    case RECORD_MEMORY:
        return only_one(reading, &reading->memory, row);
    case RECORD_ACCOUNT:
        reading->accounts++;
        return true;
    case RECORD_AFFILIATION:
        reading->affiliations++;
        return true;
    case RECORD_REGISTRATION:
        reading->registrations++;
        return true;
    case RECORD_SESSION:
        reading->sessions++;
        return true;
    case RECORD_BURIAL:
        reading->burials++;
        return true;
    }
    log_warn("a stored room has a row of the kind %u, which this version does not know: it is left "
             "out; a newer version of the server has written it",
             (unsigned)row->kind);
    return true;
}

static bool sort_rows(struct reading *reading, const struct record_row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!sort_row(reading, &rows[i]))
            return false;
    }
    if (reading->head == NULL)
        return fail(reading, "the room's head is missing");
    if (reading->affiliations > ROOM_AFFILIATIONS_MAX + ROOM_BANS_RESERVE ||
        reading->registrations > ROOM_REGISTERING_MAX || reading->burials > ROOM_BURIALS_MAX)
        return fail(reading, "there are more affiliations, registrations or messages to be buried "
                             "than a room can have");
    return true;
}

/* ---- addresses ---- */

/* As it would be prepared, so that it is found again. */
static bool is_address(struct reading *reading, struct str text, bool full)
{
    if (text.len > 3 * JID_PART_BYTES_MAX + 2 || !str_is_utf8(text))
        return false;
    arena_reset(reading->scratch);
    const struct jid *jid = str_empty(text) ? NULL : jid_parse(reading->scratch, text);
    return jid != NULL && jid_is_bare(jid) != full && str_eq(jid_full(jid), text);
}

/* Its key, or nothing; until the next row is looked at. */
static struct str nick_key(struct reading *reading, struct str nick)
{
    arena_reset(reading->scratch);
    if (str_empty(nick) || nick.len > JID_PART_BYTES_MAX ||
        !str_eq(prep_resource(reading->scratch, nick), nick))
        return STR_NONE;
    struct str key = prep_nick_key(reading->scratch, nick);
    return str_empty(key) ? STR_NONE : key;
}

/* ---- the changes ---- */

static struct change *add_change(struct stored_room *stored, enum change_kind kind)
{
    struct change *change = &stored->changes[stored->change_count++];
    *change = (struct change){.kind = kind};
    return change;
}

static bool read_head(struct reading *reading)
{
    struct head *head = &reading->found;
    if (!get_head(reading->head->value, head))
        return fail_row(reading, reading->head, DAMAGED);
    if (head->state != HEAD_DESTROYED && !is_address(reading, head->creator, false))
        return fail(reading, "the room's creator is no address");
    return true;
}

static bool read_options(struct reading *reading, struct change *create)
{
    struct stored_options stored = {.why = NULL};
    if (reading->options == NULL)
        return fail(reading, "the configuration is missing");
    /* What was stored before an option was there has it as new rooms without an operator's wish. */
    options_preset(&stored.options);
    bool good = get_options(reading->options->value, reading->arena, &stored);
    if (good)
        create->options = room_options_in(reading->arena, &stored.options);
    else if (stored.why == NULL)
        fail_row(reading, reading->options, DAMAGED);
    else
        fail(reading, stored.why);
    create->create.archived = stored.was_archived;
    room_options_fini(&stored.options);
    return good;
}

/* A nickname that two have reserved would be neither's. */
static bool read_nick(struct reading *reading, const struct record_row *row,
                      const struct affiliation_change *item)
{
    if (str_empty(item->nick))
        return true;
    struct str key = nick_key(reading, item->nick);
    if (!str_present(key) || item->after == AFF_OUTCAST)
        return fail_row(reading, row, "has a nickname that cannot be one");
    if (map_put(&reading->nicks, str_in(reading->arena, key), reading) != NULL)
        return fail_row(reading, row, "has a nickname that somebody else has too");
    return true;
}

static bool read_affiliation(struct reading *reading, const struct record_row *row,
                             struct change *create)
{
    struct affiliation_change item;
    if (!get_affiliation(row->value, &item))
        return fail_row(reading, row, DAMAGED);
    if (!is_address(reading, row->key, false))
        return fail(reading, "an affiliation is that of no address");
    if (!read_nick(reading, row, &item))
        return false;
    item.jid = row->key;
    /* The creator is the first, where its place is kept. */
    if (str_eq(row->key, create->affiliations[0].jid))
        create->affiliations[0] = item;
    else
        create->affiliations[create->affiliation_count++] = item;
    return true;
}

static bool has_owner(const struct change *create)
{
    for (unsigned i = 0; i < create->affiliation_count; i++) {
        if (create->affiliations[i].after == AFF_OWNER)
            return true;
    }
    return false;
}

static bool read_affiliations(struct reading *reading, const struct record_row *rows,
                              unsigned count, struct change *create)
{
    create->affiliations = ARENA_NEW_ARRAY(reading->arena, struct affiliation_change,
                                           (size_t)reading->affiliations + 1);
    create->affiliations[0].jid = reading->found.creator;
    create->affiliations[0].before = AFF_NONE;
    create->affiliations[0].after = AFF_NONE;
    create->affiliation_count = 1;
    for (unsigned i = 0; i < count; i++) {
        if (rows[i].kind == RECORD_AFFILIATION && !read_affiliation(reading, &rows[i], create))
            return false;
    }
    return has_owner(create) || fail(reading, "the room has no owner");
}

static bool read_creation(struct reading *reading, const struct record_row *rows, unsigned count,
                          struct stored_room *stored)
{
    /* Not from outside: nobody can choose addresses that fall together. */
    struct hash_key key;
    memcpy(&key, reading->found.secret.at, sizeof(key));
    struct change *create = add_change(stored, CHANGE_CREATE);
    memcpy(create->create.secret, reading->found.secret.at, SECRET_BYTES);
    create->create.at_us = reading->found.created_us;
    create->create.locked = reading->found.state == HEAD_LOCKED;

    map_init(&reading->nicks, &key);
    bool good = read_options(reading, create) && read_affiliations(reading, rows, count, create);
    map_fini(&reading->nicks);
    return good;
}

static bool read_card(struct reading *reading, struct stored_room *stored)
{
    struct card *card = ARENA_NEW(reading->arena, struct card);
    if (reading->card == NULL)
        return true;
    if (!get_card(reading->card->value, card))
        return fail_row(reading, reading->card, DAMAGED);
    add_change(stored, CHANGE_CARD)->card = card;
    return true;
}

static bool read_subject(struct reading *reading, struct stored_room *stored)
{
    struct stored_subject subject;
    if (reading->subject == NULL)
        return true;
    if (!get_subject(reading->subject->value, &subject))
        return fail_row(reading, reading->subject, DAMAGED);
    struct archived *kept = ARENA_NEW(reading->arena, struct archived);
    kept->xml = subject.xml;
    kept->address_at = subject.address_at;
    kept->tail_at = subject.tail_at;
    struct change *change = add_change(stored, CHANGE_SUBJECT);
    change->kept = kept;
    change->subject.at_us = subject.at_us;
    change->subject.plain = subject.plain;
    return true;
}

static bool read_registration(struct reading *reading, const struct record_row *row,
                              struct stored_room *stored)
{
    struct registration *wanted = ARENA_NEW(reading->arena, struct registration);
    if (!get_registration(row->value, wanted) || !str_present(nick_key(reading, wanted->nick)))
        return fail_row(reading, row, DAMAGED);
    if (!is_address(reading, row->key, false))
        return fail(reading, "a registration is that of no address");
    wanted->account = row->key;
    struct change *change = add_change(stored, CHANGE_WAITING);
    change->waiting.account = row->key;
    change->waiting.wanted = wanted;
    return true;
}

static bool read_burial(struct reading *reading, const struct record_row *row,
                        struct stored_room *stored)
{
    struct burial *burial = ARENA_NEW(reading->arena, struct burial);
    if (!burial_is_key(row->key))
        return fail(reading, "a message to be buried has an id that none has");
    if (!get_burial(row->value, burial))
        return fail_row(reading, row, DAMAGED);
    memcpy(burial->key, row->key.at, sizeof(burial->key));
    add_change(stored, CHANGE_BURIAL)->burial.of = burial;
    return true;
}

/* ---- what is no change ---- */

static bool read_session(struct reading *reading, const struct record_row *row,
                         struct stored_room *stored)
{
    struct stored_session *session = &stored->sessions[stored->session_count++];
    if (!get_session(row->value, session) || !str_present(nick_key(reading, session->nick)))
        return fail_row(reading, row, DAMAGED);
    if (!is_address(reading, row->key, true))
        return fail(reading, "a session is that of no address");
    session->jid = row->key;
    return true;
}

static int by_joined(const void *a, const void *b)
{
    uint64_t left = ((const struct stored_session *)a)->joined;
    uint64_t right = ((const struct stored_session *)b)->joined;
    return (left > right) - (left < right);
}

/* Before the rows of accounts: what these say is newer. */
static bool read_memory(struct reading *reading, struct stored_room *stored)
{
    if (reading->memory == NULL && reading->accounts == 0)
        return true;
    stored->memory = ARENA_NEW(reading->arena, struct stored_memory);
    reading->last_account = &stored->memory->first;
    if (reading->memory == NULL)
        return true;
    stored->memory->old_form = true;
    reading->last_account =
        get_memory(reading->memory->value, reading->arena, reading->last_account);
    return reading->last_account != NULL || fail_row(reading, reading->memory, DAMAGED);
}

static bool read_account(struct reading *reading, const struct record_row *row)
{
    struct stored_account *account = ARENA_NEW(reading->arena, struct stored_account);
    if (!get_account(row->value, account))
        return fail_row(reading, row, DAMAGED);
    if (!is_address(reading, row->key, false))
        return fail(reading, "what the room remembers is of no address");
    account->jid = row->key;
    *reading->last_account = account;
    reading->last_account = &account->next;
    return true;
}

/* ---- all of it ---- */

static bool read_rows(struct reading *reading, const struct record_row *rows, unsigned count,
                      struct stored_room *stored)
{
    stored->sessions = ARENA_NEW_ARRAY(reading->arena, struct stored_session, reading->sessions);
    for (unsigned i = 0; i < count; i++) {
        bool good = true;
        if (rows[i].kind == RECORD_REGISTRATION)
            good = read_registration(reading, &rows[i], stored);
        else if (rows[i].kind == RECORD_SESSION)
            good = read_session(reading, &rows[i], stored);
        else if (rows[i].kind == RECORD_BURIAL)
            good = read_burial(reading, &rows[i], stored);
        else if (rows[i].kind == RECORD_ACCOUNT)
            good = read_account(reading, &rows[i]);
        if (!good)
            return false;
    }
    qsort(stored->sessions, stored->session_count, sizeof(*stored->sessions), by_joined);
    return true;
}

static bool read_room(struct reading *reading, const struct record_row *rows, unsigned count,
                      struct stored_room *stored)
{
    if (!sort_rows(reading, rows, count) || !read_head(reading))
        return false;
    stored->changes =
        ARENA_NEW_ARRAY(reading->arena, struct change,
                        (size_t)CHANGES_BESIDE + reading->registrations + reading->burials);
    if (reading->found.state == HEAD_DESTROYED) {
        struct change *change = add_change(stored, CHANGE_DESTROY);
        change->destroy.until_us = reading->found.until_us;
        change->destroy.alternate = reading->found.alternate;
        change->destroy.reason = reading->found.reason;
        return true;
    }
    return read_creation(reading, rows, count, stored) && read_card(reading, stored) &&
           read_subject(reading, stored) && read_memory(reading, stored) &&
           read_rows(reading, rows, count, stored);
}

int record_read(struct arena *arena, const struct record_row *rows, unsigned count,
                struct stored_room *stored, const char **why)
{
    struct reading reading = {.arena = arena, .scratch = arena_new(SCRATCH_BYTES)};
    *stored = (struct stored_room){0};
    bool good = read_room(&reading, rows, count, stored);
    arena_free(reading.scratch);
    if (good)
        return ERR_OK;
    *stored = (struct stored_room){0};
    *why = reading.why;
    return ERR_INVALID;
}
