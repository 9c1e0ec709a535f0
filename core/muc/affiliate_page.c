#include "core/muc/affiliate_page.h"

#include "core/base/limits.h"
#include "core/xmpp/disco.h"
#include "core/xmpp/refusal.h"

enum { ITEM_BYTES = 128 }; /* an item without its texts */

static void collect(const struct room *room, struct step *step, enum affiliation wanted,
                    struct affiliate_page *page)
{
    const struct affiliate *row;

    page->rows = ARENA_NEW_ARRAY(step->arena, const struct affiliate *, room->affiliations.count);
    map_each (&room->affiliations, at, row) {
        if (row->affiliation == wanted)
            page->rows[page->all++] = row;
    }
}

/* As it is written: with what cannot stand for itself. */
static size_t text_bytes(struct str text)
{
    size_t bytes = text.len;

    for (size_t i = 0; i < text.len; i++) {
        if (memchr("&<>'\"", text.at[i], 5) != NULL)
            bytes += 5;
    }
    return bytes;
}

static size_t row_bytes(const struct affiliate *row)
{
    return ITEM_BYTES + text_bytes(row->jid) + text_bytes(row->nick) + text_bytes(row->reason);
}

/* False: it is not on this list. */
static bool place(const struct affiliate_page *page, const struct room *room, struct str jid,
                  uint32_t *at)
{
    const struct affiliate *row = room_affiliate(room, jid);

    for (*at = 0; row != NULL && *at < page->all; (*at)++) {
        if (page->rows[*at] == row)
            return true;
    }
    return false;
}

/* As many from there on, or up to there, as fit. */
static void fill(struct affiliate_page *page, uint32_t from, bool backwards, uint64_t max)
{
    size_t bytes = 0;

    page->first = from;
    while (page->count < max && (backwards ? page->first > 0 : from + page->count < page->all)) {
        uint32_t next = backwards ? page->first - 1 : from + page->count;
        bytes += row_bytes(page->rows[next]);
        if (bytes > ADMIN_LIST_BYTES_MAX)
            return;
        page->count++;
        page->first -= backwards;
    }
}

const struct refusal *affiliate_page_find(const struct room *room, struct step *step,
                                          const struct node *query, enum affiliation wanted,
                                          struct affiliate_page *page)
{
    struct rsm_request rsm = rsm_read(step->arena, query);
    struct str beside = rsm.backwards ? rsm.before : rsm.after;
    uint32_t from = 0;

    *page = (struct affiliate_page){.rows = NULL};
    if (rsm.malformed)
        return &refusal_BAD_REQUEST;
    collect(room, step, wanted, page);
    if (!str_empty(beside) && !place(page, room, beside, &from))
        return &refusal_ITEM_NOT_FOUND;
    if (str_empty(beside) && rsm.backwards)
        from = page->all;
    else if (!str_empty(beside) && !rsm.backwards)
        from++;
    else if (str_empty(beside) && rsm.has_index)
        from = rsm.index < page->all ? (uint32_t)rsm.index : page->all;
    fill(page, from, rsm.backwards, rsm.has_max ? rsm.max : UINT32_MAX);
    page->numbered = rsm.present || page->count < page->all;
    return NULL;
}

static void write_row(struct fb *fb, const struct affiliate *row)
{
    fb_open(fb, NAME_ITEM, NS_MUC_ADMIN);
    fb_attr(fb, "affiliation", affiliation_text(row->affiliation));
    fb_attr(fb, "jid", row->jid);
    if (!str_empty(row->nick))
        fb_attr(fb, "nick", row->nick);
    if (!str_empty(row->reason))
        fb_leaf(fb, NAME_REASON, NS_MUC_ADMIN, row->reason);
    fb_close(fb);
}

void affiliate_page_write(struct fb *fb, const struct affiliate_page *page)
{
    const struct affiliate **rows = page->rows + page->first;

    for (uint32_t i = 0; i < page->count; i++)
        write_row(fb, rows[i]);
    if (!page->numbered)
        return;
    fb_rsm(fb, page->count > 0 ? rows[0]->jid : STR_NONE, page->first,
           page->count > 0 ? rows[page->count - 1]->jid : STR_NONE, page->all);
}
