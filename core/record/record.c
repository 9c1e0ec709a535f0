/*
 * Changes as operations: what a change writes, for the room as it is before it.
 */
#include "core/record/record.h"

#include "core/base/ensure.h"
#include "core/muc/durable.h"
#include "core/muc/room.h"
#include "core/muc/snapshot.h"
#include "core/record/value.h"

struct writer {
    struct buf *batch;
    struct arena *arena;
    const struct room *room;
    struct buf value; /* of the row that is made */
};

static struct writer writer_of(struct buf *batch, struct arena *arena, const struct room *room)
{
    struct writer writer = {.batch = batch, .arena = arena, .room = room};
    buf_init(&writer.value, arena);
    return writer;
}

static struct buf *value(struct writer *writer)
{
    writer->value.len = 0;
    return &writer->value;
}

/* ---- single operations ---- */

/* The only row of its kind has an empty key. */
static const struct str only = {"", 0};

static void put_row(struct writer *writer, enum record_kind kind, struct str key)
{
    struct record_item item = {
        .op = RECORD_PUT,
        .kind = kind,
        .key = key,
        .value = buf_str(&writer->value),
    };
    record_add(writer->batch, &item);
}

static void delete_row(struct writer *writer, enum record_kind kind, struct str key)
{
    struct record_item item = {.op = RECORD_DELETE, .kind = kind, .key = key};
    record_add(writer->batch, &item);
}

static void wipe(struct writer *writer)
{
    struct record_item item = {.op = RECORD_WIPE};
    record_add(writer->batch, &item);
}

static void message(struct writer *writer, enum record_op op, const struct archived *row)
{
    struct record_item item = {.op = op, .message = *row};
    record_add(writer->batch, &item);
}

static void show(struct writer *writer, const struct room_options *options, bool open)
{
    struct record_item item = {.op = RECORD_SHOW};
    item.show.name = options->name;
    item.show.listed = open && options->is_public;
    item.show.archived = options->archive;
    item.show.history = options->history < ROOM_HISTORY_MAX ? options->history : ROOM_HISTORY_MAX;
    item.show.keep_days = options->keep_days;
    item.show.keep_count = options->keep_count;
    record_add(writer->batch, &item);
}

static void show_tombstone(struct writer *writer, int64_t until_us)
{
    struct record_item item = {.op = RECORD_SHOW, .show.until_us = until_us};
    record_add(writer->batch, &item);
}

/* ---- the parts of a room ---- */

static void write_head(struct writer *writer, const struct head *head)
{
    put_head(value(writer), head);
    put_row(writer, RECORD_HEAD, only);
}

static void write_options(struct writer *writer, const struct room_options *options, bool open,
                          bool was_archived)
{
    put_options(value(writer), writer->arena, options, was_archived || options->archive);
    put_row(writer, RECORD_OPTIONS, only);
    show(writer, options, open);
}

static void end_waiting(struct writer *writer, const struct affiliation_change *item)
{
    if (change_ends_waiting(writer->room, item) &&
        map_get(&writer->room->registrations, item->jid) != NULL)
        delete_row(writer, RECORD_REGISTRATION, item->jid);
}

static void write_affiliation(struct writer *writer, const struct affiliation_change *item)
{
    const struct affiliate *row = room_affiliate(writer->room, item->jid);
    struct affiliation_change full = *item;
    if (!item->set_nick)
        full.nick = row == NULL ? STR_NONE : row->nick;
    if (str_empty(full.nick) || item->after == AFF_OUTCAST)
        full.nick = STR_NONE;
    if (str_empty(full.reason))
        full.reason = STR_NONE;
    put_affiliation(value(writer), &full);
    put_row(writer, RECORD_AFFILIATION, item->jid);
}

static void write_affiliations(struct writer *writer, const struct change *change)
{
    for (unsigned i = 0; i < change->affiliation_count; i++) {
        const struct affiliation_change *item = &change->affiliations[i];
        end_waiting(writer, item);
        if (item->after != AFF_NONE)
            write_affiliation(writer, item);
        else if (room_affiliate(writer->room, item->jid) != NULL)
            delete_row(writer, RECORD_AFFILIATION, item->jid);
    }
}

static void write_creation(struct writer *writer, const struct change *change)
{
    const struct room_options *given = change->options;
    struct room_options options = given != NULL ? *given : *writer->room->env->settings->defaults;
    struct head head = {
        .state = change->create.locked ? HEAD_LOCKED : HEAD_OPEN,
        .created_us = change->create.at_us,
        .creator = change->affiliations[0].jid,
        .secret = str_of((const char *)change->create.secret, sizeof(change->create.secret)),
    };
    options.persistent = options.persistent && !change->create.temporary;
    options.is_public = options.is_public && !change->create.hidden;
    write_head(writer, &head);
    write_options(writer, &options, !change->create.locked, change->create.archived);
    write_affiliations(writer, change);
}

/* A locked room is opened by it. */
static void write_configuration(struct writer *writer, const struct change *change)
{
    const struct room *room = writer->room;
    struct head head = {
        .state = HEAD_OPEN,
        .created_us = room->created_us,
        .creator = room->creator,
        .secret = str_of((const char *)room->secret, sizeof(room->secret)),
    };
    if (room->state == ROOM_LOCKED)
        write_head(writer, &head);
    write_options(writer, change->options, true, room->was_archived);
    write_affiliations(writer, change);
}

static void write_subject(struct writer *writer, const struct change *change)
{
    const struct frame *frame = change->subject.frame;
    struct stored_subject subject = {
        .cleared = str_empty(change->subject.plain),
        .at_us = change->subject.at_us,
        .plain = change->subject.plain,
    };
    if (frame != NULL) {
        subject.xml = str_of(frame->bytes, frame->size);
        subject.address_at = frame->address_at;
        subject.tail_at = frame->tail_at;
    } else {
        subject.xml = change->kept->xml;
        subject.address_at = change->kept->address_at;
        subject.tail_at = change->kept->tail_at;
    }
    put_subject(value(writer), &subject);
    put_row(writer, RECORD_SUBJECT, only);
}

static void write_card(struct writer *writer, const struct change *change)
{
    if (change->card == NULL) {
        delete_row(writer, RECORD_CARD, only);
        return;
    }
    put_card(value(writer), change->card);
    put_row(writer, RECORD_CARD, only);
}

static void write_waiting(struct writer *writer, const struct change *change)
{
    if (change->waiting.wanted == NULL) {
        delete_row(writer, RECORD_REGISTRATION, change->waiting.account);
        return;
    }
    put_registration(value(writer), change->waiting.wanted);
    put_row(writer, RECORD_REGISTRATION, change->waiting.wanted->account);
}

static void write_burial(struct writer *writer, const struct change *change)
{
    const struct burial *burial = change->burial.of;
    if (burial == NULL)
        return;
    if (change->burial.over) {
        delete_row(writer, RECORD_BURIAL, burial_key(burial));
        return;
    }
    put_burial(value(writer), burial);
    put_row(writer, RECORD_BURIAL, burial_key(burial));
}

static void write_tombstone(struct writer *writer, const struct change *change)
{
    struct head head = {
        .state = HEAD_DESTROYED,
        .until_us = change->destroy.until_us,
        .alternate = change->destroy.alternate,
        .reason = change->destroy.reason,
    };
    if (head.until_us == 0)
        return;
    write_head(writer, &head);
    show_tombstone(writer, head.until_us);
}

static void write_change(struct writer *writer, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_CREATE:
        write_creation(writer, change);
        return;
    case CHANGE_AFFILIATIONS:
        write_affiliations(writer, change);
        return;
    case CHANGE_OPTIONS:
        write_configuration(writer, change);
        return;
    case CHANGE_SUBJECT:
        write_subject(writer, change);
        return;
    case CHANGE_CARD:
        write_card(writer, change);
        return;
    case CHANGE_BURY:
        message(writer, RECORD_BURY, change->bury.row);
        if (change->bury.clears_subject)
            delete_row(writer, RECORD_SUBJECT, only);
        write_burial(writer, change);
        return;
    case CHANGE_BURIAL:
        write_burial(writer, change);
        return;
    case CHANGE_WAITING:
        write_waiting(writer, change);
        return;
    case CHANGE_DESTROY:
        write_tombstone(writer, change);
        return;
    }
    never("no such change");
}

/* ---- what is no change ---- */

static void write_account(struct writer *writer, const struct stored_account *account)
{
    put_account(value(writer), account);
    put_row(writer, RECORD_ACCOUNT, account->jid);
}

static void write_memory(struct writer *writer, const struct stored_memory *memory)
{
    const struct stored_account *account = memory->first;
    for (; account != NULL; account = account->next)
        write_account(writer, account);
}

static void clear(struct writer *writer, enum record_kind kind)
{
    struct record_item item = {.op = RECORD_CLEAR, .kind = kind};
    record_add(writer->batch, &item);
}

static void write_session(struct writer *writer, const struct stored_session *session)
{
    put_session(value(writer), session);
    put_row(writer, RECORD_SESSION, session->jid);
}

void record_memory(struct buf *batch, struct arena *arena, const struct room *room)
{
    struct writer writer = writer_of(batch, arena, room);
    struct stored_memory memory;
    if (!room_is_durable(room))
        return;
    clear(&writer, RECORD_MEMORY);
    clear(&writer, RECORD_ACCOUNT);
    snapshot_memory(room, arena, &memory);
    write_memory(&writer, &memory);
}

void record_account(struct buf *batch, struct arena *arena, const struct room *room,
                    struct str bare_jid)
{
    struct writer writer = writer_of(batch, arena, room);
    struct stored_account account;
    if (!room_is_durable(room))
        return;
    if (snapshot_account(room, bare_jid, &account))
        write_account(&writer, &account);
    else
        delete_row(&writer, RECORD_ACCOUNT, bare_jid);
}

void record_session(struct buf *batch, struct arena *arena, const struct room *room,
                    struct str full_jid)
{
    struct writer writer = writer_of(batch, arena, room);
    const struct session *session = session_find(room, full_jid);
    struct stored_session stored;
    if (!room_is_durable(room))
        return;
    if (session == NULL) {
        delete_row(&writer, RECORD_SESSION, full_jid);
        return;
    }
    snapshot_session(session, &stored);
    write_session(&writer, &stored);
}

void record_behind(struct buf *batch, struct arena *arena, const struct room *room, struct str jid)
{
    if (!str_present(jid))
        record_memory(batch, arena, room);
    else if (memchr(jid.at, '/', jid.len) != NULL)
        record_session(batch, arena, room, jid);
    else
        record_account(batch, arena, room, jid);
}

void record_again(struct buf *batch, struct arena *arena, const struct room *room)
{
    struct writer writer = writer_of(batch, arena, room);
    const struct session *session;
    if (!room_is_durable(room) && room->state != ROOM_DESTROYED) {
        wipe(&writer);
        return;
    }
    clear(&writer, RECORD_SESSION);
    map_each (&room->sessions_by_jid, at, session)
        record_session(batch, arena, room, jid_full(session->jid));
    record_memory(batch, arena, room);
}

/* ---- the whole of it ---- */

static void write_room(struct writer *writer)
{
    struct stored_room stored;
    room_snapshot(writer->room, writer->arena, &stored);
    for (unsigned i = 0; i < stored.change_count; i++)
        write_change(writer, &stored.changes[i]);
    if (stored.memory != NULL)
        write_memory(writer, stored.memory);
    for (unsigned i = 0; i < stored.session_count; i++)
        write_session(writer, &stored.sessions[i]);
}

void record_change(struct buf *batch, struct arena *arena, const struct room *room,
                   const struct change *change)
{
    struct writer writer = writer_of(batch, arena, room);
    bool stays = change_leaves_durable(room, change);

    /* What was there under that name is no part of a room that comes, or comes in, anew. */
    if (!stays || !room_is_durable(room))
        wipe(&writer);
    if (stays && !room_is_durable(room) && room_exists(room))
        write_room(&writer);
    if (stays || change->kind == CHANGE_DESTROY)
        write_change(&writer, change);
    if (stays && change->kept != NULL)
        message(&writer, RECORD_APPEND, change->kept);
}

/* ---- a restart ---- */

/* As newcomers are shown it; who sent it with which id is not known any more. */
static void write_history(struct writer *writer)
{
    const struct room *room = writer->room;
    for (uint32_t i = 0; i < room->history.count; i++) {
        const struct history_entry *entry = room_history_at(room, i);
        struct archived row = {
            .id = str_of(entry->stanza_id, sizeof(entry->stanza_id)),
            .at_us = entry->at_us,
            .author = str_of(entry->author, sizeof(entry->author)),
            .xml = str_of(entry->frame->bytes, entry->frame->size),
            .address_at = entry->frame->address_at,
            .tail_at = entry->frame->tail_at,
            .history = true,
            .retracted = entry->retracted,
            .dated = entry->dated,
            .dated_us = entry->dated_us,
        };
        message(writer, RECORD_APPEND, &row);
    }
}

void record_handover(struct buf *batch, struct arena *arena, const struct room *room)
{
    struct writer writer = writer_of(batch, arena, room);
    ensure(!room_is_durable(room));
    wipe(&writer);
    write_room(&writer);
    write_history(&writer);
}

void record_gone(struct buf *batch)
{
    struct record_item item = {.op = RECORD_WIPE};
    record_add(batch, &item);
}
