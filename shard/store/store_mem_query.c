/*
 * What the memory store answers: it looks at everything there is, one after the other.
 */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "shard/store/store_mem_room.h"

#include <stdlib.h>

/* Also one that no query finds: it has its place. */
static unsigned find(const struct mem_room *room, struct str id)
{
    for (unsigned i = 0; room != NULL && i < room->message_count; i++)
        if (str_eq(room->messages[i].id, id))
            return i;
    return UINT32_MAX;
}

static bool finds(const struct mem_room *room, struct str id)
{
    unsigned at = find(room, id);
    return at != UINT32_MAX && room->messages[at].archived;
}

/* ---- words ---- */

static char fold(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool in_word(char byte)
{
    char low = fold(byte);
    return (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') || (unsigned char)low >= 0x80;
}

/* The next word from `*at` on, or absent. */
static struct str next_word(struct str text, size_t *at)
{
    while (*at < text.len && !in_word(text.at[*at]))
        (*at)++;
    size_t begin = *at;
    while (*at < text.len && in_word(text.at[*at]))
        (*at)++;
    return *at == begin ? STR_NONE : str_of(text.at + begin, *at - begin);
}

static bool same_word(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.at[i]) != fold(b.at[i]))
            return false;
    return true;
}

/* Whether the words of `phrase` stand in the text one after the other, from its byte `at` on. */
static bool phrase_here(struct str text, size_t at, struct str phrase)
{
    size_t in_phrase = 0;
    for (;;) {
        struct str wanted = next_word(phrase, &in_phrase);
        if (!str_present(wanted))
            return true;
        if (!same_word(next_word(text, &at), wanted))
            return false;
    }
}

static bool has_phrase(struct str text, struct str phrase)
{
    for (size_t at = 0; at < text.len;) {
        if (phrase_here(text, at, phrase))
            return true;
        next_word(text, &at);
    }
    return false;
}

/* Every word, and what is in quotes as one. Nothing is found by a query without any word. */
static bool has_text(struct str text, struct str query)
{
    size_t begin = 0;
    bool quoted = false;
    bool any = false;
    for (size_t i = 0; i <= query.len; i++) {
        bool end = i == query.len || query.at[i] == '"';
        if (!end && (quoted || in_word(query.at[i]) || strchr(" \t\r\n", query.at[i]) == NULL))
            continue;
        struct str phrase = str_of(query.at + begin, i - begin);
        size_t at = 0;
        bool words = str_present(next_word(phrase, &at));
        if (words && !has_phrase(text, phrase))
            return false;
        any |= words;
        begin = i + 1;
        quoted = end ? !quoted : quoted;
    }
    return any;
}

/* ---- conditions ---- */

static bool is_account(struct str full, struct str account)
{
    if (!str_starts(full, account))
        return false;
    return full.len == account.len || full.at[account.len] == '/';
}

static bool one_of(const struct archive_query *query, struct str id)
{
    for (unsigned i = 0; i < query->id_count; i++)
        if (str_eq(query->ids[i], id))
            return true;
    return false;
}

static bool fits(const struct archived *message, const struct archive_query *query)
{
    if (!message->archived || message->at_us < query->start_us || message->at_us > query->end_us)
        return false;
    if (str_present(query->with_nick) && !str_eq(message->nick, query->with_nick))
        return false;
    if (str_present(query->with_account) && !is_account(message->jid, query->with_account))
        return false;
    if (str_present(query->with_jid) && !str_eq(message->jid, query->with_jid))
        return false;
    if (query->ids != NULL && !one_of(query, message->id))
        return false;
    if (str_present(query->text))
        return str_present(message->body) && has_text(message->body, query->text);
    return true;
}

/* False: an id that is named is not there. */
static bool all_there(const struct mem_room *room, const struct archive_query *query)
{
    const struct str named[] = {query->after_id, query->before_id, query->after, query->before};
    unsigned pages = query->metadata ? 2 : 4; /* the page's own are not looked at */
    for (unsigned i = 0; i < pages; i++)
        if (str_present(named[i]) && find(room, named[i]) == UINT32_MAX)
            return false;
    for (unsigned i = 0; query->ids != NULL && i < query->id_count; i++)
        if (!finds(room, query->ids[i]))
            return false;
    return true;
}

/* ---- pages ---- */

/* Positions between two named messages, exclusive: [*from, *to). */
static void between(const struct mem_room *room, struct str after, struct str before,
                    unsigned *from, unsigned *to)
{
    if (str_present(after) && find(room, after) + 1 > *from)
        *from = find(room, after) + 1;
    if (str_present(before) && find(room, before) < *to)
        *to = find(room, before);
}

struct found {
    unsigned *at; /* positions of all that fit */
    unsigned count;
    unsigned from, to; /* of these, those the page is taken from */
};

static struct found find_all(const struct mem_room *room, struct arena *arena,
                             const struct archive_query *query)
{
    unsigned from = 0;
    unsigned to = room->message_count;
    between(room, query->after_id, query->before_id, &from, &to);
    struct found found = {.at = ARENA_NEW_ARRAY(arena, unsigned, room->message_count + 1)};
    for (unsigned i = from; i < to; i++)
        if (fits(&room->messages[i], query))
            found.at[found.count++] = i;
    unsigned page_from = 0;
    unsigned page_to = room->message_count;
    if (!query->metadata)
        between(room, query->after, query->before, &page_from, &page_to);
    while (found.from < found.count && found.at[found.from] < page_from)
        found.from++;
    if (!query->metadata && query->by_index && query->index > found.from)
        found.from = query->index < found.count ? (unsigned)query->index : found.count;
    found.to = found.count;
    while (found.to > found.from && found.at[found.to - 1] >= page_to)
        found.to--;
    return found;
}

static void take(const struct mem_room *room, struct arena *arena, struct archive_page *page,
                 unsigned at)
{
    page->rows[page->count++] = mem_message_in(arena, &room->messages[at]);
}

static void fill(const struct mem_room *room, struct arena *arena,
                 const struct archive_query *query, struct archive_page *page)
{
    struct found found = find_all(room, arena, query);
    unsigned max = query->max < STORE_PAGE_MAX ? query->max : STORE_PAGE_MAX;
    page->total = found.count;
    page->counted = true;
    page->complete = query->metadata || found.to - found.from <= max;
    page->rows = ARENA_NEW_ARRAY(arena, struct archived, query->metadata ? 2 : max + 1);
    if (query->metadata && found.count > 0)
        take(room, arena, page, found.at[0]);
    if (query->metadata && found.count > 1)
        take(room, arena, page, found.at[found.count - 1]);
    if (query->metadata)
        return;
    if (!page->complete && query->backwards)
        found.from = found.to - max;
    if (!page->complete && !query->backwards)
        found.to = found.from + max;
    if (found.from < found.to)
        page->first_index = found.from;
    for (unsigned i = found.from; i < found.to; i++)
        take(room, arena, page, found.at[i]);
}

void mem_room_query(const struct mem_room *room, struct arena *arena,
                    const struct archive_query *query, struct archive_page *page)
{
    if (!all_there(room, query))
        page->err = ERR_NOT_FOUND;
    else if (room != NULL)
        fill(room, arena, query, page);
    else
        *page = (struct archive_page){.complete = true, .counted = true};
}

/* ---- rooms ---- */

static bool is_of(struct str jid, struct str domain)
{
    const char *at = memchr(jid.at, '@', jid.len);
    struct str of = at == NULL ? jid : str_of(at + 1, jid.len - (size_t)(at + 1 - jid.at));
    return str_eq(of, domain);
}

static int by_jid(const void *a, const void *b)
{
    const struct stored_listing *left = a, *right = b;
    return mem_by_bytes(left->jid, right->jid);
}

void mem_rooms_listing(const struct map *rooms, struct arena *arena,
                       const struct stored_query *query, struct stored_page *page)
{
    struct stored_listing *all = ARENA_NEW_ARRAY(arena, struct stored_listing, rooms->count + 1);
    unsigned count = 0;
    struct mem_room *room;
    map_each (rooms, at, room)
        if (room->show.listed && is_of(room->jid, query->domain))
            all[count++] = (struct stored_listing){
                .jid = str_in(arena, room->jid),
                .name = str_in(arena, str_present(room->name) ? room->name : STR("")),
            };
    qsort(all, count, sizeof(*all), by_jid);
    unsigned max = query->max < STORE_PAGE_MAX ? query->max : STORE_PAGE_MAX;
    unsigned from = 0;
    unsigned to = count;
    while (str_present(query->after) && from < count &&
           mem_by_bytes(all[from].jid, query->after) <= 0)
        from++;
    while (str_present(query->before) && to > from &&
           mem_by_bytes(all[to - 1].jid, query->before) >= 0)
        to--;
    if (to - from > max && query->backwards)
        from = to - max;
    else if (to - from > max)
        to = from + max;
    page->rows = all + from;
    page->count = to - from;
    page->counted = true;
    page->total = count;
    page->first_index = page->count > 0 ? from : 0;
}
