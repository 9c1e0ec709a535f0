/*
 * For each service a row of shelves, on each of them some entries; so whoever comes in between
 * moves the rest of one shelf and not the rest of all. A shelf that is full becomes two, one that
 * is nearly empty is joined to the next. None is ever empty.
 */
#include "shard/catalogue.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

/* A shelf is a page of memory: one mark more would cost a quarter of one. */
enum { SHELF_MAX = 255, SHELVES_FIRST = 4 };

struct mark {
    const struct jid *jid; /* in the entry */
    void *entry;
};

struct shelf {
    uint32_t count;
    struct mark marks[SHELF_MAX];
};

static_assert(sizeof(struct shelf) <= 4096, "a size class of jemalloc; the next one is 5,120");

struct service_row {
    struct service_row *next;
    struct str domain; /* heap */
    struct shelf **shelves;
    uint32_t shelf_count, shelf_cap;
    uint64_t total;
};

struct catalogue {
    pthread_mutex_t lock;
    struct service_row *rows;
};

struct catalogue *catalogue_new(void)
{
    struct catalogue *catalogue = MEM_NEW(struct catalogue);
    ensure(pthread_mutex_init(&catalogue->lock, NULL) == 0);
    return catalogue;
}

static void row_free(struct service_row *row)
{
    for (uint32_t i = 0; i < row->shelf_count; i++)
        mem_free(row->shelves[i]);
    mem_free(row->shelves);
    str_free(&row->domain);
    mem_free(row);
}

void catalogue_free(struct catalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    while (catalogue->rows != NULL) {
        struct service_row *row = catalogue->rows;
        catalogue->rows = row->next;
        row_free(row);
    }
    ensure(pthread_mutex_destroy(&catalogue->lock) == 0);
    mem_free(catalogue);
}

/* ---- places ---- */

/* Where an entry is, or would be: `at` may be the end of its shelf. */
struct spot {
    uint32_t shelf;
    uint32_t at;
};

/* By bytes, as a store would sort them. */
static int order_of(const struct mark *mark, struct str jid)
{
    size_t len = mark->jid->bare_len;
    int order = memcmp(mark->jid->text, jid.at, len < jid.len ? len : jid.len);
    return order != 0 ? order : (len > jid.len) - (len < jid.len);
}

static bool stands_before(const struct mark *mark, struct str jid, bool or_equal)
{
    int order = order_of(mark, jid);
    return order < 0 || (order == 0 && or_equal);
}

static uint32_t place_on(const struct shelf *shelf, struct str jid, bool or_equal)
{
    uint32_t low = 0, high = shelf->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stands_before(&shelf->marks[middle], jid, or_equal))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Behind all that stand before the JID. There is a shelf. */
static struct spot spot_for(const struct service_row *row, struct str jid, bool or_equal)
{
    uint32_t low = 1, high = row->shelf_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stands_before(&row->shelves[middle]->marks[0], jid, or_equal))
            low = middle + 1;
        else
            high = middle;
    }
    return (struct spot){low - 1, place_on(row->shelves[low - 1], jid, or_equal)};
}

static uint64_t index_for(const struct service_row *row, struct str jid, bool or_equal)
{
    struct spot spot = spot_for(row, jid, or_equal);
    uint64_t index = spot.at;
    for (uint32_t i = 0; i < spot.shelf; i++)
        index += row->shelves[i]->count;
    return index;
}

static struct mark *mark_find(const struct service_row *row, const struct jid *jid)
{
    if (row->shelf_count == 0)
        return NULL;
    struct spot spot = spot_for(row, jid_bare(jid), true);
    if (spot.at == 0)
        return NULL;
    struct mark *mark = &row->shelves[spot.shelf]->marks[spot.at - 1];
    return order_of(mark, jid_bare(jid)) == 0 ? mark : NULL;
}

/* ---- putting in and taking out ---- */

static struct service_row *row_find(struct catalogue *catalogue, struct str domain)
{
    struct service_row *row = catalogue->rows;
    while (row != NULL && !str_eq(row->domain, domain))
        row = row->next;
    return row;
}

static struct service_row *row_need(struct catalogue *catalogue, struct str domain)
{
    struct service_row *row = row_find(catalogue, domain);
    if (row != NULL)
        return row;
    row = MEM_NEW(struct service_row);
    row->domain = str_copy(domain);
    row->next = catalogue->rows;
    catalogue->rows = row;
    return row;
}

static struct shelf *shelf_insert(struct service_row *row, uint32_t at)
{
    if (row->shelf_count == row->shelf_cap) {
        row->shelf_cap = row->shelf_cap == 0 ? SHELVES_FIRST : row->shelf_cap * 2;
        row->shelves = mem_grow(row->shelves, sizeof(struct shelf *) * row->shelf_cap);
    }
    struct shelf **place = row->shelves + at;
    memmove(place + 1, place, sizeof(*place) * (row->shelf_count - at));
    *place = mem_raw(sizeof(struct shelf));
    (*place)->count = 0;
    row->shelf_count++;
    return *place;
}

static void shelf_remove(struct service_row *row, uint32_t at)
{
    struct shelf **place = row->shelves + at;
    mem_free(*place);
    row->shelf_count--;
    memmove(place, place + 1, sizeof(*place) * (row->shelf_count - at));
}

static void shelf_move(struct shelf *to, struct shelf *from, uint32_t first)
{
    uint32_t count = from->count - first;
    memcpy(to->marks + to->count, from->marks + first, sizeof(struct mark) * count);
    to->count += count;
    from->count = first;
}

static void mark_insert(struct service_row *row, struct mark mark)
{
    struct str jid = jid_bare(mark.jid);
    if (row->shelf_count == 0)
        (void)shelf_insert(row, 0);
    struct spot spot = spot_for(row, jid, false);
    if (row->shelves[spot.shelf]->count == SHELF_MAX) {
        struct shelf *second = shelf_insert(row, spot.shelf + 1);
        shelf_move(second, row->shelves[spot.shelf], SHELF_MAX / 2);
        spot = spot_for(row, jid, false);
    }
    struct shelf *shelf = row->shelves[spot.shelf];
    struct mark *place = shelf->marks + spot.at;
    memmove(place + 1, place, sizeof(*place) * (shelf->count - spot.at));
    *place = mark;
    shelf->count++;
    row->total++;
}

void catalogue_put(struct catalogue *catalogue, const struct jid *jid, void *entry)
{
    struct mark mark = {jid, entry};
    ensure(jid_is_bare(jid));
    ensure(pthread_mutex_lock(&catalogue->lock) == 0);
    struct service_row *row = row_need(catalogue, jid_domain(jid));
    struct mark *before = mark_find(row, jid);
    if (before != NULL)
        *before = mark;
    else
        mark_insert(row, mark);
    ensure(pthread_mutex_unlock(&catalogue->lock) == 0);
}

static void join_if_sparse(struct service_row *row, uint32_t at)
{
    if (at + 1 >= row->shelf_count)
        return;
    struct shelf *shelf = row->shelves[at], *next = row->shelves[at + 1];
    if (shelf->count + next->count > SHELF_MAX / 2)
        return;
    shelf_move(shelf, next, 0);
    shelf_remove(row, at + 1);
}

void catalogue_remove(struct catalogue *catalogue, const struct jid *jid)
{
    ensure(pthread_mutex_lock(&catalogue->lock) == 0);
    struct service_row *row = row_find(catalogue, jid_domain(jid));
    ensure(row != NULL && mark_find(row, jid) != NULL);
    struct spot spot = spot_for(row, jid_bare(jid), false);
    /* An equal one that begins a shelf is found at the end of the one before. */
    if (spot.at == row->shelves[spot.shelf]->count)
        spot = (struct spot){spot.shelf + 1, 0};
    struct shelf *shelf = row->shelves[spot.shelf];
    struct mark *place = shelf->marks + spot.at;
    shelf->count--;
    row->total--;
    memmove(place, place + 1, sizeof(*place) * (shelf->count - spot.at));
    if (shelf->count == 0)
        shelf_remove(row, spot.shelf);
    else
        join_if_sparse(row, spot.shelf);
    ensure(pthread_mutex_unlock(&catalogue->lock) == 0);
}

/* ---- pages ---- */

/* A page stands where it would stand even if the room it is counted from has gone meanwhile. */
static void page_place(const struct service_row *row, const struct listing_query *query,
                       struct catalogue_page *page)
{
    uint64_t end = row->total;
    page->total = row->total;
    if (query->backwards && !str_empty(query->before))
        end = index_for(row, query->before, false);
    if (query->backwards)
        page->first_index = end > query->max ? end - query->max : 0;
    else if (!str_empty(query->after))
        page->first_index = index_for(row, query->after, true);
    else
        page->first_index = query->index < end ? query->index : end;
    uint64_t rest = end - page->first_index;
    page->count = rest < query->max ? (uint32_t)rest : query->max;
}

static void page_copy(const struct service_row *row, struct catalogue_page *page)
{
    uint64_t at = page->first_index;
    uint32_t shelf = 0, count = 0;
    for (; count < page->count && at >= row->shelves[shelf]->count; shelf++)
        at -= row->shelves[shelf]->count;
    for (; count < page->count; shelf++, at = 0) {
        for (; at < row->shelves[shelf]->count && count < page->count; at++)
            page->entries[count++] = row->shelves[shelf]->marks[at].entry;
    }
}

struct catalogue_page catalogue_page(struct catalogue *catalogue, struct arena *arena,
                                     const struct listing_query *query)
{
    struct catalogue_page page = {.entries = ARENA_NEW_ARRAY(arena, void *, query->max)};
    ensure(pthread_mutex_lock(&catalogue->lock) == 0);
    const struct service_row *row = row_find(catalogue, query->domain);
    if (row != NULL && row->total > 0) {
        page_place(row, query, &page);
        page_copy(row, &page);
    }
    ensure(pthread_mutex_unlock(&catalogue->lock) == 0);
    return page;
}
