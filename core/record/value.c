#include "core/record/value.h"

#include "core/base/ensure.h"
#include "core/base/log.h"
#include "core/xml/frame.h"

/* ---- versions ---- */

struct version {
    unsigned number;
};

static struct reader begin(struct str value, struct version *version)
{
    struct reader reader = reader_of(value);
    version->number = get_byte(&reader);
    reader.bad = reader.bad || version->number == 0;
    return reader;
}

/* Nothing may be behind a value of our own version; what a newer one has there is not for us. */
static bool ended(const struct reader *reader, const struct version *version)
{
    return !reader->bad && (reader->left == 0 || version->number > VALUE_VERSION);
}

/* ---- numbers of kinds; neither changed nor used again ---- */

static const uint8_t affiliation_codes[AFF_COUNT] = {
    [AFF_NONE] = 1, [AFF_OUTCAST] = 2, [AFF_MEMBER] = 3, [AFF_ADMIN] = 4, [AFF_OWNER] = 5,
};
static const uint8_t role_codes[ROLE_COUNT] = {
    [ROLE_NONE] = 1,
    [ROLE_VISITOR] = 2,
    [ROLE_PARTICIPANT] = 3,
    [ROLE_MODERATOR] = 4,
};

static unsigned get_code(struct reader *reader, const uint8_t *codes, unsigned count)
{
    unsigned code = get_byte(reader);
    for (unsigned i = 0; i < count; i++) {
        if (codes[i] == code)
            return i;
    }
    reader->bad = true;
    return 0;
}

static enum affiliation get_rank(struct reader *reader)
{
    return (enum affiliation)get_code(reader, affiliation_codes, AFF_COUNT);
}

static enum role get_role(struct reader *reader)
{
    return (enum role)get_code(reader, role_codes, ROLE_COUNT);
}

/* ---- the head ---- */

void put_head(struct buf *out, const struct head *head)
{
    put_byte(out, VALUE_VERSION);
    put_byte(out, head->state);
    if (head->state == HEAD_DESTROYED) {
        put_signed(out, head->until_us);
        put_text(out, head->alternate);
        put_text(out, head->reason);
        return;
    }
    ensure(head->secret.len == SECRET_BYTES);
    put_signed(out, head->created_us);
    put_text(out, head->creator);
    buf_add(out, head->secret);
}

bool get_head(struct str value, struct head *head)
{
    struct version version;
    struct reader reader = begin(value, &version);
    unsigned state = get_byte(&reader);

    *head = (struct head){.state = HEAD_DESTROYED};
    if (state == HEAD_DESTROYED) {
        head->until_us = get_signed(&reader);
        head->alternate = get_text(&reader);
        head->reason = get_text(&reader);
        return ended(&reader, &version) && head->until_us > 0;
    }
    if (state != HEAD_LOCKED && state != HEAD_OPEN)
        return false;
    head->state = (enum head_state)state;
    head->created_us = get_signed(&reader);
    head->creator = get_text(&reader);
    head->secret = get_raw(&reader, SECRET_BYTES);
    return ended(&reader, &version);
}

/* ---- options ---- */

void put_options(struct buf *out, struct arena *arena, const struct room_options *options,
                 bool was_archived)
{
    unsigned count;
    const struct option *const *rows = options_all(&count);
    put_byte(out, VALUE_VERSION);
    put_number(out, count);
    for (unsigned i = 0; i < count; i++) {
        put_number(out, rows[i]->id);
        put_text(out, option_stored(rows[i], options, arena));
    }
    put_byte(out, was_archived);
}

/* False: it cannot be like that. */
static bool take_option(struct room_options *options, uint64_t id, struct str text,
                        struct arena *arena, const char **why)
{
    const struct option *option = option_by_id(id);
    if (option == NULL) {
        log_warn("a stored room has the option %llu, which this version does not know: it is left "
                 "out; a newer version of the server has written it",
                 (unsigned long long)id);
        return true;
    }
    const char *reason = NULL;
    if (option_set_stored(options, option, text, &reason))
        return true;
    *why = str_fmt(arena, "the option \"%s\" %s", option->name, reason).at;
    return false;
}

bool get_options(struct str value, struct arena *arena, struct stored_options *stored)
{
    struct version version;
    struct reader reader = begin(value, &version);
    uint32_t count = get_count(&reader);
    for (uint32_t i = 0; i < count && !reader.bad; i++) {
        uint64_t id = get_number(&reader);
        struct str text = get_text(&reader);
        if (!reader.bad && !take_option(&stored->options, id, text, arena, &stored->why))
            return false;
    }
    stored->was_archived = stored->options.archive || stored->options.persistent;
    if (version.number >= 2)
        stored->was_archived = get_flag(&reader);
    return ended(&reader, &version);
}

/* ---- accounts ---- */

void put_affiliation(struct buf *out, const struct affiliation_change *item)
{
    put_byte(out, VALUE_VERSION);
    put_byte(out, affiliation_codes[item->after]);
    put_text(out, item->nick);
    put_text(out, item->reason);
}

bool get_affiliation(struct str value, struct affiliation_change *item)
{
    struct version version;
    struct reader reader = begin(value, &version);
    *item = (struct affiliation_change){.before = AFF_NONE, .set_nick = true};
    item->after = get_rank(&reader);
    item->nick = get_text(&reader);
    item->reason = get_text(&reader);
    return ended(&reader, &version) && item->after != AFF_NONE;
}

void put_registration(struct buf *out, const struct registration *wanted)
{
    put_byte(out, VALUE_VERSION);
    put_text(out, wanted->nick);
    put_number(out, REGISTER_FIELDS);
    for (unsigned i = 0; i < REGISTER_FIELDS; i++)
        put_text(out, wanted->answers[i]);
}

bool get_registration(struct str value, struct registration *wanted)
{
    struct version version;
    struct reader reader = begin(value, &version);
    *wanted = (struct registration){.nick = get_text(&reader)};
    uint32_t count = get_count(&reader);
    for (uint32_t i = 0; i < count && !reader.bad; i++) {
        struct str answer = get_text(&reader);
        if (i < REGISTER_FIELDS)
            wanted->answers[i] = answer;
    }
    return ended(&reader, &version) && !str_empty(wanted->nick);
}

/* ---- what is to be buried ---- */

void put_burial(struct buf *out, const struct burial *burial)
{
    put_byte(out, VALUE_VERSION);
    put_signed(out, burial->at_us);
    put_text(out, burial->id);
}

bool get_burial(struct str value, struct burial *burial)
{
    struct version version;
    struct reader reader = begin(value, &version);
    burial->at_us = get_signed(&reader);
    burial->id = get_text(&reader);
    return ended(&reader, &version);
}

/* ---- subject and vCard ---- */

void put_subject(struct buf *out, const struct stored_subject *subject)
{
    put_byte(out, VALUE_VERSION);
    put_byte(out, subject->cleared);
    put_signed(out, subject->at_us);
    put_text(out, subject->plain);
    put_number(out, subject->address_at);
    put_number(out, subject->tail_at);
    put_text(out, subject->xml);
}

bool get_subject(struct str value, struct stored_subject *subject)
{
    struct version version;
    struct reader reader = begin(value, &version);
    subject->cleared = get_flag(&reader);
    subject->at_us = get_signed(&reader);
    subject->plain = get_text(&reader);
    subject->address_at = get_number_32(&reader);
    subject->tail_at = get_number_32(&reader);
    subject->xml = get_text(&reader);
    return ended(&reader, &version) &&
           frame_fits(subject->xml, subject->address_at, subject->tail_at);
}

void put_card(struct buf *out, const struct card *card)
{
    put_byte(out, VALUE_VERSION);
    put_text(out, card->xml);
    put_number(out, card->photo_count);
    for (unsigned i = 0; i < card->photo_count; i++)
        put_text(out, str_of(card->photos[i].digits, PHOTO_HASH_CHARS));
}

bool get_card(struct str value, struct card *card)
{
    struct version version;
    struct reader reader = begin(value, &version);
    *card = (struct card){.xml = get_text(&reader)};
    card->photo_count = get_count(&reader);
    if (card->photo_count > ROOM_VCARD_PHOTOS_MAX || str_empty(card->xml))
        return false;
    for (unsigned i = 0; i < card->photo_count; i++) {
        struct str digits = get_text(&reader);
        if (digits.len != PHOTO_HASH_CHARS)
            return false;
        memcpy(card->photos[i].digits, digits.at, PHOTO_HASH_CHARS);
    }
    return ended(&reader, &version);
}

/* ---- what a room remembers ---- */

void put_account(struct buf *out, const struct stored_account *account)
{
    put_byte(out, VALUE_VERSION);
    put_byte(out, role_codes[account->role]);
    put_text(out, account->invited_by);
    put_text(out, account->voice_jid);
}

static bool is_blank(struct str text)
{
    return str_present(text) && text.len == 0;
}

bool get_account(struct str value, struct stored_account *account)
{
    struct version version;
    struct reader reader = begin(value, &version);
    *account = (struct stored_account){.role = get_role(&reader)};
    account->invited_by = get_text(&reader);
    account->voice_jid = get_text(&reader);
    return ended(&reader, &version) && !is_blank(account->invited_by) &&
           !is_blank(account->voice_jid);
}

static struct stored_account **add_account(struct arena *arena, struct stored_account **last,
                                           struct stored_account account)
{
    *last = ARENA_NEW(arena, struct stored_account);
    **last = account;
    return &(*last)->next;
}

/* A text that has to be there. */
static struct str need_text(struct reader *reader)
{
    struct str text = get_text(reader);
    reader->bad = reader->bad || str_empty(text);
    return text;
}

struct stored_account **get_memory(struct str value, struct arena *arena,
                                   struct stored_account **last)
{
    struct version version;
    struct reader reader = begin(value, &version);
    for (uint32_t left = get_count(&reader); left > 0 && !reader.bad; left--) {
        struct stored_account account = {.jid = need_text(&reader)};
        account.role = get_role(&reader);
        last = add_account(arena, last, account);
    }
    for (uint32_t left = get_count(&reader); left > 0 && !reader.bad; left--) {
        struct stored_account account = {.jid = need_text(&reader)};
        account.invited_by = need_text(&reader);
        last = add_account(arena, last, account);
    }
    for (uint32_t left = get_count(&reader); left > 0 && !reader.bad; left--) {
        struct stored_account account = {.jid = need_text(&reader)};
        account.voice_jid = need_text(&reader);
        last = add_account(arena, last, account);
    }
    return ended(&reader, &version) ? last : NULL;
}

/* ---- sessions ---- */

void put_session(struct buf *out, const struct stored_session *session)
{
    put_byte(out, VALUE_VERSION);
    put_number(out, session->joined);
    put_text(out, session->nick);
    put_byte(out, role_codes[session->role]);
    put_byte(out, affiliation_codes[session->affiliation]);
    put_signed(out, session->priority);
    put_text(out, session->payload);
    put_text(out, session->lang);
    put_byte(out, session->quiet);
    put_byte(out, session->missed);
}

bool get_session(struct str value, struct stored_session *session)
{
    struct version version;
    struct reader reader = begin(value, &version);
    *session = (struct stored_session){.route = ROUTE_NONE};
    session->joined = get_number(&reader);
    session->nick = get_text(&reader);
    session->role = get_role(&reader);
    session->affiliation = get_rank(&reader);
    int64_t priority = get_signed(&reader);
    session->priority = (int8_t)priority;
    session->payload = get_text(&reader);
    session->lang = get_text(&reader);
    session->quiet = get_flag(&reader);
    session->missed = get_flag(&reader);
    return ended(&reader, &version) && session->joined <= INT64_MAX && session->role != ROLE_NONE &&
           priority == session->priority && session->payload.len <= PRESENCE_BYTES_MAX;
}

/* ---- messages of a batch ---- */

enum { SHOWN = 1, RETRACTED = 2, DATED = 4, ARCHIVED = 8 };

void put_archived(struct buf *out, const struct archived *message)
{
    put_text(out, message->id);
    put_signed(out, message->at_us);
    put_text(out, message->nick);
    put_text(out, message->author);
    put_text(out, message->jid);
    put_byte(out, affiliation_codes[message->affiliation]);
    put_byte(out, role_codes[message->role]);
    put_text(out, message->sender_id);
    put_number(out, message->address_at);
    put_number(out, message->tail_at);
    put_text(out, message->xml);
    put_text(out, message->body);
    put_byte(out, (message->history ? SHOWN : 0u) | (message->retracted ? RETRACTED : 0u) |
                      (message->dated ? DATED : 0u) | (message->archived ? ARCHIVED : 0u));
    put_signed(out, message->dated_us);
}

void get_archived(struct reader *reader, struct archived *message)
{
    message->id = get_bytes(reader);
    message->at_us = get_signed(reader);
    message->nick = get_bytes(reader);
    message->author = get_bytes(reader);
    message->jid = get_bytes(reader);
    message->affiliation = get_rank(reader);
    message->role = get_role(reader);
    message->sender_id = get_bytes(reader);
    message->address_at = get_number_32(reader);
    message->tail_at = get_number_32(reader);
    message->xml = get_bytes(reader);
    message->body = get_bytes(reader);
    unsigned flags = get_byte(reader);
    message->history = (flags & SHOWN) != 0;
    message->retracted = (flags & RETRACTED) != 0;
    message->dated = (flags & DATED) != 0;
    message->archived = (flags & ARCHIVED) != 0;
    reader->bad = reader->bad || flags >= ARCHIVED * 2;
    message->dated_us = get_signed(reader);
}
