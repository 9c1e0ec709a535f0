/*
 * The list of a service's public rooms, page by page: those that live in memory only, and, where
 * there is a store, those in it, whether they are in memory or not. No room is in both; one that
 * changes sides while the store is asked is listed once, or is missing from that one answer.
 * @xep 0059 1.0 #limit #forwards #backwards #notfound #last #jump #count
 * @xep 0045 1.35.5 #disco-rooms
 */
#include "core/muc/service.h"

#include "core/base/limits.h"
#include "core/xmpp/disco.h"

struct listing {
    struct str *jids;
    struct str *names;
    uint32_t count;
    uint64_t first_index;
    uint64_t total;
    bool counted;
};

static struct listing_query query_of(const struct step *step, const struct rsm_request *rsm)
{
    bool fewer = rsm->has_max && rsm->max < DISCO_ITEMS_PAGE;
    return (struct listing_query){
        .domain = step->env->settings->domain,
        .after = rsm->after,
        .before = rsm->before,
        .backwards = rsm->backwards,
        .index = rsm->has_index ? rsm->index : 0,
        .max = fewer ? (uint32_t)rsm->max : DISCO_ITEMS_PAGE,
    };
}

/* ---- two lists to one ---- */

static void take_live(struct listing *listing, const struct listed_room *room)
{
    listing->jids[listing->count] = jid_full(room->jid);
    listing->names[listing->count++] = room->name;
}

static void take_stored(struct listing *listing, const struct stored_listing *row)
{
    listing->jids[listing->count] = row->jid;
    listing->names[listing->count++] = row->name;
}

static int order_of(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.at, b.at, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Which of the two comes next: negative, the live one; 0: they are the same room. */
static int order_at(const struct listing_page *live, uint32_t l, const struct stored_page *stored,
                    uint32_t s)
{
    if (l == live->count)
        return 1;
    return s == stored->count ? -1 : order_of(jid_full(live->rooms[l].jid), stored->rows[s].jid);
}

/* How many stored rooms stand before the page. One that is empty has no first row to go by: behind
 * it, or (backwards) before it, there is nothing. */
static uint64_t stored_before(const struct listing_query *query, const struct stored_page *stored)
{
    if (stored->count > 0)
        return stored->first_index;
    return query->backwards ? 0 : stored->total;
}

/* Both are sorted; of as many as are wanted, each has all that can be among them. */
static struct listing merge(struct step *step, const struct listing_query *query,
                            const struct listing_page *live, const struct stored_page *stored)
{
    uint32_t most = live->count + stored->count;
    struct listing listing = {
        .jids = ARENA_NEW_ARRAY(step->arena, struct str, most + 1),
        .names = ARENA_NEW_ARRAY(step->arena, struct str, most + 1),
        .first_index = live->first_index + stored_before(query, stored),
        .total = live->total + stored->total,
        .counted = stored->counted,
    };
    uint32_t l = 0, s = 0;
    while (l < live->count || s < stored->count) {
        int order = order_at(live, l, stored, s);
        if (order <= 0)
            take_live(&listing, &live->rooms[l++]);
        else
            take_stored(&listing, &stored->rows[s]);
        if (order >= 0)
            s++;
        if (order == 0)
            listing.total--;
    }
    return listing;
}

static void cut(struct listing *listing, const struct listing_query *query)
{
    if (listing->count <= query->max)
        return;
    uint32_t over = listing->count - query->max;
    if (query->backwards) {
        listing->jids += over;
        listing->names += over;
        listing->first_index += over;
    }
    listing->count = query->max;
}

/* ---- answers ---- */

static void give(struct step *step, const struct inbound *in, const struct rsm_request *rsm,
                 const struct listing *listing)
{
    struct fb fb;
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_DISCO_ITEMS);
    for (uint32_t i = 0; i < listing->count; i++)
        fb_disco_item(&fb, listing->jids[i],
                      str_empty(listing->names[i]) ? STR_NONE : listing->names[i]);
    if (rsm->present || !listing->counted || listing->count < listing->total) {
        bool any = listing->count > 0;
        fb_rsm_part(&fb, any ? listing->jids[0] : STR_NONE,
                    listing->counted ? &listing->first_index : NULL,
                    any ? listing->jids[listing->count - 1] : STR_NONE,
                    listing->counted ? &listing->total : NULL);
    }
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

static void ask_store(struct step *step, const struct inbound *in,
                      const struct listing_query *query)
{
    struct stored_query *stored = ARENA_NEW(step->arena, struct stored_query);
    stored->domain = query->domain;
    stored->after = str_empty(query->after) ? STR_NONE : query->after;
    stored->before = str_empty(query->before) ? STR_NONE : query->before;
    stored->backwards = query->backwards;
    stored->max = query->max;
    effect_ask_listing(step, in, stored);
}

void service_items(struct step *step, const struct inbound *in, const struct room_lister *lister)
{
    static const struct stored_page nothing = {.counted = true};
    struct rsm_request rsm = rsm_read(step->arena, in->payload);
    struct listing_query query = query_of(step, &rsm);
    if (rsm.malformed) {
        service_refuse(step, in, &refusal_BAD_REQUEST);
    } else if (!step->env->settings->durable) {
        struct listing_page live = lister->page(lister->self, step->arena, &query);
        struct listing listing = merge(step, &query, &live, &nothing);
        give(step, in, &rsm, &listing);
    } else if (query.index > 0) {
        service_refuse(step, in, &refusal_LISTING_INDEX);
    } else {
        ask_store(step, in, &query);
    }
}

void service_items_answered(struct step *step, const struct inbound *in,
                            const struct room_lister *lister, const struct stored_page *stored)
{
    struct rsm_request rsm = rsm_read(step->arena, in->payload);
    struct listing_query query = query_of(step, &rsm);
    if (stored->err < 0) {
        service_refuse(step, in, &refusal_LISTING_FAILED);
        return;
    }
    struct listing_page live = lister->page(lister->self, step->arena, &query);
    struct listing listing = merge(step, &query, &live, stored);
    cut(&listing, &query);
    give(step, in, &rsm, &listing);
}
