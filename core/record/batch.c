/*
 * Operations as bytes, one after the other.
 */
#include "core/record/record.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/record/bytes.h"
#include "core/record/value.h"

static bool is_kind(unsigned letter)
{
    switch (letter) {
    case RECORD_HEAD:
    case RECORD_OPTIONS:
    case RECORD_AFFILIATION:
    case RECORD_REGISTRATION:
    case RECORD_SUBJECT:
    case RECORD_CARD:
    case RECORD_MEMORY:
    case RECORD_ACCOUNT:
    case RECORD_SESSION:
    case RECORD_BURIAL:
        return true;
    default:
        return false;
    }
}

/* ---- writing ---- */

enum { LISTED = 1, ARCHIVED = 2 };

static void put_show(struct buf *batch, const struct record_show *show)
{
    put_byte(batch, (show->listed ? LISTED : 0u) | (show->archived ? ARCHIVED : 0u));
    put_text(batch, show->name);
    put_number(batch, show->history);
    put_number(batch, show->keep_days);
    put_number(batch, show->keep_count);
    put_signed(batch, show->until_us);
}

void record_add(struct buf *batch, const struct record_item *item)
{
    put_byte(batch, item->op);
    switch (item->op) {
    case RECORD_PUT:
        put_byte(batch, item->kind);
        put_text(batch, item->key);
        put_text(batch, item->value);
        return;
    case RECORD_DELETE:
        put_byte(batch, item->kind);
        put_text(batch, item->key);
        return;
    case RECORD_CLEAR:
        put_byte(batch, item->kind);
        return;
    case RECORD_WIPE:
        return;
    case RECORD_SHOW:
        put_show(batch, &item->show);
        return;
    case RECORD_APPEND:
    case RECORD_BURY:
        put_archived(batch, &item->message);
        return;
    }
    never("no such operation");
}

/* ---- reading ---- */

static void get_show(struct reader *reader, struct record_show *show)
{
    unsigned flags = get_byte(reader);
    show->listed = (flags & LISTED) != 0;
    show->archived = (flags & ARCHIVED) != 0;
    reader->bad = reader->bad || flags >= ARCHIVED * 2;
    show->name = get_bytes(reader);
    show->history = get_number_32(reader);
    show->keep_days = get_number_32(reader);
    show->keep_count = get_number_32(reader);
    show->until_us = get_signed(reader);
}

static void get_kind(struct reader *reader, struct record_item *item)
{
    unsigned letter = get_byte(reader);
    reader->bad = reader->bad || !is_kind(letter);
    item->kind = (enum record_kind)letter;
}

static void get_item(struct reader *reader, struct record_item *item)
{
    unsigned op = get_byte(reader);
    item->op = (enum record_op)op;
    switch (op) {
    case RECORD_PUT:
        get_kind(reader, item);
        item->key = get_bytes(reader);
        item->value = get_bytes(reader);
        return;
    case RECORD_DELETE:
        get_kind(reader, item);
        item->key = get_bytes(reader);
        return;
    case RECORD_CLEAR:
        get_kind(reader, item);
        return;
    case RECORD_WIPE:
        return;
    case RECORD_SHOW:
        get_show(reader, &item->show);
        return;
    case RECORD_APPEND:
    case RECORD_BURY:
        get_archived(reader, &item->message);
        return;
    default:
        reader->bad = true;
    }
}

int record_next(struct str *rest, struct record_item *item)
{
    if (rest->len == 0)
        return 0;
    struct reader reader = reader_of(*rest);
    *item = (struct record_item){.key = STR_NONE};
    get_item(&reader, item);
    if (reader.bad)
        return ERR_INVALID;
    *rest = str_of(reader.at, reader.left);
    return 1;
}
