#include "tests/support/room_text.h"

#include "core/base/mem.h"
#include "core/muc/burial.h"
#include "core/muc/registration.h"

#include <stdlib.h>

struct lines {
    struct arena *arena;
    struct str *at;
    size_t count, cap;
};

static void add_line(struct lines *lines, struct str line)
{
    if (lines->count == lines->cap) {
        lines->cap = lines->cap == 0 ? 64 : lines->cap * 2;
        lines->at = mem_grow(lines->at, lines->cap * sizeof(*lines->at));
    }
    lines->at[lines->count++] = line;
}

#define LINE(lines, ...) add_line((lines), str_fmt((lines)->arena, __VA_ARGS__))
/* A text, and whether it is there at all. */
#define TEXT_FORMAT "%s%.*s"
#define TEXT(text)  (str_present(text) ? "=" : "-"), (int)(text).len, (text).at
/* The same where absent and empty mean the same. */
#define SAID(text) "=", (int)(text).len, str_present(text) ? (text).at : ""

static struct str hex(struct arena *arena, const void *bytes, size_t size)
{
    struct buf out;
    buf_init(&out, arena);
    for (size_t i = 0; i < size; i++)
        buf_addf(&out, "%02x", ((const unsigned char *)bytes)[i]);
    return buf_str(&out);
}

static void add_head(struct lines *lines, const struct room *room)
{
    struct str secret = hex(lines->arena, room->secret, sizeof(room->secret));
    LINE(lines, "state %d", (int)room->state);
    if (room_exists(room))
        LINE(lines, "created %lld by " TEXT_FORMAT, (long long)room->created_us,
             TEXT(room->creator));
    LINE(lines, "secret %.*s", (int)secret.len, secret.at);
    LINE(lines, "owners %u", room->owner_count);
    if (room->tombstone != NULL)
        LINE(lines, "tombstone until %lld, " TEXT_FORMAT ", " TEXT_FORMAT,
             (long long)room->tombstone->until_us, TEXT(room->tombstone->alternate),
             TEXT(room->tombstone->reason));
}

static void add_options(struct lines *lines, const struct room *room)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    for (unsigned i = 0; i < count && room_exists(room); i++) {
        struct str value = option_stored(rows[i], &room->options, lines->arena);
        LINE(lines, "option %s " TEXT_FORMAT, rows[i]->name, SAID(value));
    }
}

static void add_accounts(struct lines *lines, const struct room *room)
{
    const struct affiliate *row;
    map_each (&room->affiliations, at, row)
        LINE(lines,
             "affiliation %.*s %d, " TEXT_FORMAT ", " TEXT_FORMAT ", " TEXT_FORMAT ", " TEXT_FORMAT,
             (int)row->jid.len, row->jid.at, (int)row->affiliation, TEXT(row->nick),
             TEXT(row->nick_key), TEXT(row->occupant_id), TEXT(row->reason));
    const struct registration *waiting;
    map_each (&room->registrations, at, waiting) {
        LINE(lines, "waits %.*s " TEXT_FORMAT, (int)waiting->account.len, waiting->account.at,
             TEXT(waiting->nick));
        for (unsigned i = 0; i < REGISTER_FIELDS; i++)
            LINE(lines, "waits %.*s %u " TEXT_FORMAT, (int)waiting->account.len,
                 waiting->account.at, i, TEXT(waiting->answers[i]));
    }
    const struct burial *burial;
    for (uint32_t at = 0; (burial = burial_next(room, &at)) != NULL;)
        LINE(lines, "burial %.*s " TEXT_FORMAT, BURIAL_KEY_BYTES, burial->key, TEXT(burial->id));
}

static void add_frame(struct lines *lines, const char *what, const struct frame *frame)
{
    if (frame == NULL)
        return;
    LINE(lines, "%s frame %u, %u: %.*s", what, frame->address_at, frame->tail_at, (int)frame->size,
         frame->bytes);
}

static void add_content(struct lines *lines, const struct room *room)
{
    add_frame(lines, "subject", room->subject.frame);
    LINE(lines, "subject at %lld " TEXT_FORMAT, (long long)room->subject.at_us,
         SAID(room->subject.plain));
    if (room->card == NULL)
        return;
    LINE(lines, "card " TEXT_FORMAT, TEXT(room->card->xml));
    for (unsigned i = 0; i < room->card->photo_count; i++)
        LINE(lines, "card photo %u %.40s", i, room->card->photos[i].digits);
}

static void add_history(struct lines *lines, const struct room *room)
{
    for (uint32_t i = 0; i < room->history.count; i++) {
        const struct history_entry *entry = room_history_at(room, i);
        const char *name = str_fmt(lines->arena, "history %u", i).at;
        add_frame(lines, name, entry->frame);
        LINE(lines, "%s at %lld, %d %lld, %d, %.32s, %.32s, %llx", name, (long long)entry->at_us,
             entry->dated, (long long)entry->dated_us, entry->retracted, entry->stanza_id,
             entry->author, (unsigned long long)entry->id_hash);
    }
}

static void add_memory(struct lines *lines, const struct room *room)
{
    const struct kept_role *kept;
    map_each (&room->roles_kept, at, kept)
        LINE(lines, "role %.*s %d", (int)kept->jid.len, kept->jid.at, (int)kept->role);
    const struct invited_account *invited;
    map_each (&room->invited, at, invited)
        LINE(lines, "invited %.*s by %.*s", (int)invited->jid.len, invited->jid.at,
             (int)invited->by.len, invited->by.at);
    const struct voice_request *voice;
    map_each (&room->voice_pending, at, voice)
        LINE(lines, "voice %.*s %.*s", (int)voice->account.len, voice->account.at,
             (int)voice->jid.len, voice->jid.at);
}

static void add_occupants(struct lines *lines, const struct room *room)
{
    const struct occupant *occupant;
    occupant_each (room, at, occupant) {
        LINE(lines, "occupant %s of %.*s: %d %d, key %.*s, id %.32s", occupant->jid->text,
             (int)occupant->account.len, occupant->account.at, (int)occupant->role,
             (int)occupant->affiliation, (int)occupant->nick_key.len, occupant->nick_key.at,
             occupant->id);
        for (const struct session *one = occupant->sessions; one != NULL; one = one->next)
            LINE(lines, "session %s in %s, %llu: %d " TEXT_FORMAT " " TEXT_FORMAT ", %u %u %u",
                 one->jid->text, occupant->jid->text, (unsigned long long)one->joined,
                 one->priority, TEXT(one->payload), TEXT(session_lang(one)), one->route.slot,
                 one->route.generation, one->route.lane);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct str *)a)->at, ((const struct str *)b)->at);
}

const char *room_text(const struct room *room, struct arena *arena)
{
    struct lines lines = {.arena = arena};
    struct buf all;
    add_head(&lines, room);
    add_options(&lines, room);
    add_accounts(&lines, room);
    add_content(&lines, room);
    add_history(&lines, room);
    add_memory(&lines, room);
    add_occupants(&lines, room);
    qsort(lines.at, lines.count, sizeof(*lines.at), by_text);
    buf_init(&all, arena);
    for (size_t i = 0; i < lines.count; i++) {
        buf_add(&all, lines.at[i]);
        buf_addc(&all, '\n');
    }
    mem_free(lines.at);
    return buf_str(&all).at;
}
