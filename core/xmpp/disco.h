/*
 * Service discovery (XEP-0030) and result set management (XEP-0059), the writing side.
 * @xep 0030 2.5.0 #info #items
 * @xep 0059 1.0 #limit #forwards #backwards #last #count
 */
#ifndef CORE_XMPP_DISCO_H
#define CORE_XMPP_DISCO_H

#include "core/xml/frame.h"
#include "core/xml/stanza.h"

void fb_identity(struct fb *fb, const char *category, const char *type, struct str name);
void fb_feature(struct fb *fb, const char *var);
void fb_feature_ns(struct fb *fb, enum ns ns);
void fb_disco_item(struct fb *fb, struct str jid, struct str name);

/* A page request as read from <set xmlns=rsm/>; `present` false if there is none. */
struct rsm_request {
    bool present;
    bool malformed;
    bool has_max;
    bool backwards; /* <before/> given */
    bool has_index;
    uint64_t max; /* 0: the count only */
    uint64_t index;
    struct str after;
    struct str before; /* empty: the last page */
};

struct rsm_request rsm_read(struct arena *arena, const struct node *query);

/* <set> of an answer: first and last are left out when the page is empty. */
/* The same where place and count may not be known (NULL). */
void fb_rsm_part(struct fb *fb, struct str first, const uint64_t *first_index, struct str last,
                 const uint64_t *count);
void fb_rsm(struct fb *fb, struct str first, uint64_t first_index, struct str last, uint64_t count);

#endif
