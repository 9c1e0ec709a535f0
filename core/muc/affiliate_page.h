/*
 * A list of affiliations, or as much of it as one answer holds: in the order in which the accounts
 * came onto the list. Whoever may read it at all can read all of it, however long: what is cut says
 * so, and where it goes on (XEP-0059).
 * @xep 0059 1.0 #limit #forwards #backwards #jump #last #count #notfound
 */
#ifndef CORE_MUC_AFFILIATE_PAGE_H
#define CORE_MUC_AFFILIATE_PAGE_H

#include "core/muc/room.h"
#include "core/xml/frame.h"

struct node;
struct refusal;

struct affiliate_page {
    const struct affiliate **rows; /* in the arena: all of the list */
    uint32_t all;
    uint32_t first; /* of the page */
    uint32_t count;
    bool numbered; /* it is to say which part of how many it is */
};

/* What `query` asks for by its <set/>, or what fits, if it asks for no part. NULL, or why not: the
 * account it goes on from is not on the list (any more), or a number is none. */
const struct refusal *affiliate_page_find(const struct room *room, struct step *step,
                                          const struct node *query, enum affiliation wanted,
                                          struct affiliate_page *page);

/* The items, and <set/> behind them if there is more than that. */
void affiliate_page_write(struct fb *fb, const struct affiliate_page *page);

#endif
